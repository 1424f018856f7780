//! Who is still to be erased from the training log: in memory, and in a file beside it that outlives the process.
//!
//! A line of the file is a shopper's key and the moment of the erasure in milliseconds. Those that a pass works off stay in
//! the file until it is through; whoever is noted meanwhile is for the next one.

use super::private::private;
use crate::domain::ids::ShopperKey;
use jiff::Timestamp;
use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The file.
const NAME: &str = "erase.pending";

/// Keys, each with the moment in milliseconds up to which its lines go.
pub(super) type Wanted = HashMap<String, i64>;

/// Who waits to be erased.
pub(super) struct Pending {
    path: PathBuf,
    noted: Wanted,
    /// Those whom a pass works off just now.
    working: Option<Arc<Wanted>>,
    /// Where the next are written.
    open: Option<File>,
    /// The file is new: its name is not on the disk yet.
    begun: bool,
}

impl Pending {
    /// Reads who was left over.
    pub(super) fn open(dir: &Path) -> io::Result<Self> {
        let path = dir.join(NAME);
        let noted = match fs::read_to_string(&path) {
            Ok(text) => text.lines().filter(|line| !line.is_empty()).map(read).collect(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Wanted::new(),
            Err(error) => return Err(error),
        };
        Ok(Self { path, noted, working: None, open: None, begun: false })
    }

    /// Writes down a shopper whose lines up to that moment go. It is on the disk after [`Pending::sync`].
    pub(super) fn note(&mut self, shopper: &ShopperKey, at: Timestamp) -> io::Result<()> {
        let at = at.as_millisecond();
        let mut file = match self.open.take() {
            Some(file) => file,
            None => {
                self.begun = true;
                private().append(true).create(true).open(&self.path)?
            }
        };
        file.write_all(format!("{shopper} {at}\n").as_bytes())?;
        self.open = Some(file);
        let held = self.noted.entry(shopper.as_str().to_owned()).or_insert(at);
        *held = at.max(*held);
        Ok(())
    }

    /// Brings what was noted to the disk.
    pub(super) fn sync(&mut self) -> io::Result<()> {
        let Some(file) = &self.open else { return Ok(()) };
        file.sync_data()?;
        if self.begun {
            sync_folder_of(&self.path)?;
            self.begun = false;
        }
        Ok(())
    }

    /// Whether somebody waits for a pass.
    pub(super) fn waits(&self) -> bool {
        !self.noted.is_empty()
    }

    /// Hands over all that wait; [`Pending::done`] ends that.
    pub(super) fn take(&mut self) -> Arc<Wanted> {
        let wanted = Arc::new(std::mem::take(&mut self.noted));
        self.working = Some(Arc::clone(&wanted));
        wanted
    }

    /// A pass has ended. Where not `well`, those whom it was for wait for the next one.
    pub(super) fn done(&mut self, well: bool) -> io::Result<()> {
        let Some(wanted) = self.working.take() else { return Ok(()) };
        if !well {
            for (who, at) in wanted.iter() {
                let held = self.noted.entry(who.clone()).or_insert(*at);
                *held = (*at).max(*held);
            }
            return Ok(());
        }
        self.open = None;
        if self.noted.is_empty() {
            return remove(&self.path);
        }
        let part = self.path.with_extension("part");
        let mut file = private().write(true).create(true).truncate(true).open(&part)?;
        let text: String = self.noted.iter().map(|(who, at)| format!("{who} {at}\n")).collect();
        file.write_all(text.as_bytes())?;
        file.sync_data()?;
        fs::rename(&part, &self.path)?;
        sync_folder_of(&self.path)
    }

    /// Nobody waits any more: everybody is gone.
    pub(super) fn clear(&mut self) -> io::Result<()> {
        (self.open, self.working) = (None, None);
        self.noted.clear();
        remove(&self.path)
    }
}

/// A line. One of an earlier form has no moment: all goes.
fn read(line: &str) -> (String, i64) {
    match line.split_once(' ') {
        Some((who, at)) => (who.to_owned(), at.parse().unwrap_or(i64::MAX)),
        None => (line.to_owned(), i64::MAX),
    }
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn sync_folder_of(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_noted_is_found_by_the_next_process_until_a_pass_is_through() {
        let folder = tempfile::tempdir().unwrap();
        let at = |second| Timestamp::from_second(second).unwrap();
        let left = || Pending::open(folder.path()).unwrap().noted;
        let mut pending = Pending::open(folder.path()).unwrap();
        pending.note(&ShopperKey::new("a"), at(1)).unwrap();
        pending.sync().unwrap();
        assert_eq!(*pending.take(), Wanted::from([("a".to_owned(), 1_000)]));
        // Noted while the pass runs: it may have been past the lines of these.
        for (who, second) in [("a", 3), ("b", 2), ("a", 2)] {
            pending.note(&ShopperKey::new(who), at(second)).unwrap();
        }
        pending.sync().unwrap();
        let next = Wanted::from([("a".to_owned(), 3_000), ("b".to_owned(), 2_000)]);
        pending.done(true).unwrap();
        assert_eq!((&pending.noted, &left()), (&next, &next));
        // One that fails leaves them.
        pending.take();
        pending.done(false).unwrap();
        assert_eq!((&pending.noted, &left()), (&next, &next));
        pending.take();
        pending.done(true).unwrap();
        assert!(!pending.waits() && !folder.path().join(NAME).exists());
    }
}
