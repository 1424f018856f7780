//! The last erasure of the whole shop that a folder of this process's own has been through, in a file beside what is kept
//! there: a process that was down meanwhile finds out at its start that it has something left to delete.

use jiff::Timestamp;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// What of a folder goes by a redaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Goes {
    /// Everything.
    All,
    /// What another process wrote: the redaction was before this one started.
    Older,
    /// Nothing: what stands there came later.
    Nothing,
}

/// The file.
const NAME: &str = "redacted";

/// The mark of a folder.
pub(super) struct Mark(PathBuf);

impl Mark {
    pub(super) fn in_folder(dir: &Path) -> Self {
        Self(dir.join(NAME))
    }

    /// A mark of another thing, by its name.
    pub(super) fn named(dir: &Path, name: &str) -> Self {
        Self(dir.join(name))
    }

    /// The last redaction; `None` where there was none, or the file cannot be read: then it is done again.
    pub(super) fn read(&self) -> Option<Timestamp> {
        fs::read_to_string(&self.0).ok()?.trim().parse().ok()
    }

    /// From now on this one was the last. It is on the disk when this returns.
    pub(super) fn write(&self, at: Timestamp) -> io::Result<()> {
        let part = self.0.with_extension("part");
        let mut file = File::create(&part)?;
        writeln!(file, "{at}")?;
        file.sync_all()?;
        fs::rename(&part, &self.0)?;
        match self.0.parent() {
            Some(folder) => File::open(folder)?.sync_all(),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_read_as_it_was_written_and_a_broken_one_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let mark = Mark::in_folder(folder.path());
        assert_eq!(mark.read(), None);
        let at = Timestamp::from_millisecond(1_767_268_800_123).unwrap();
        mark.write(at).unwrap();
        assert_eq!(mark.read(), Some(at));
        fs::write(folder.path().join(NAME), "soon").unwrap();
        assert_eq!(mark.read(), None);
        assert!(Mark::in_folder(&folder.path().join("none")).write(at).is_err());
    }
}
