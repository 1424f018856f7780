//! A pass over the files of the training log that takes out the lines of those who are to be erased.
//!
//! It runs on a thread of its own, so that lines go on being written meanwhile, and only over files that are closed. A file
//! is read first, and written anew only where it has such a line.

use super::pending::Wanted;
use super::private::private;
use crate::ingest::validate::AHEAD;
use jiff::Timestamp;
use serde::Deserialize;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// One pass.
pub(super) struct Pass {
    pub(super) files: Vec<PathBuf>,
    pub(super) wanted: Arc<Wanted>,
    /// Held while a file is worked on: whoever deletes files has nothing come back under their names.
    pub(super) turn: Arc<Mutex<()>>,
}

impl Pass {
    /// Goes through the files. Errors: one cannot be read or written anew; the rest is left.
    pub(super) fn run(&self) -> io::Result<()> {
        for path in &self.files {
            let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
            match erase(path, &self.wanted) {
                // It was too old, or the whole shop was redacted.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                erased => erased?,
            }
        }
        Ok(())
    }
}

/// Writes a file anew without the lines that go; leaves it alone where it has none.
fn erase(path: &Path, wanted: &Wanted) -> io::Result<()> {
    let mut found = false;
    each_line(path, |line| {
        found = goes(line, wanted);
        Ok(!found)
    })?;
    if !found {
        return Ok(());
    }
    let part = path.with_extension("part");
    let modified = fs::metadata(path)?.modified()?;
    let mut kept = BufWriter::new(private().write(true).create(true).truncate(true).open(&part)?);
    each_line(path, |line| {
        if !goes(line, wanted) {
            kept.write_all(line)?;
        }
        Ok(true)
    })?;
    let kept = kept.into_inner().map_err(io::IntoInnerError::into_error)?;
    // The age of the file is the age of its events.
    kept.set_modified(modified)?;
    kept.sync_all()?;
    fs::rename(&part, path)?;
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

/// Hands out line by line with its end, until `each` says that it is enough.
fn each_line(path: &Path, mut each: impl FnMut(&[u8]) -> io::Result<bool>) -> io::Result<()> {
    let mut file = BufReader::with_capacity(1 << 16, File::open(path)?);
    let mut line = Vec::new();
    while file.read_until(b'\n', &mut line)? > 0 && each(&line)? {
        line.clear();
    }
    Ok(())
}

/// Whether a line is of somebody who is to be erased, and of before that. Events may be dated a little ahead; one that does
/// not tell its moment goes.
fn goes(line: &[u8], wanted: &Wanted) -> bool {
    #[derive(Deserialize)]
    struct Dated {
        at: Timestamp,
    }
    let Some(until) = owner(line).and_then(|owner| wanted.get(owner)) else { return false };
    serde_json::from_slice::<Dated>(line)
        .map_or(true, |dated| dated.at.as_millisecond() <= until.saturating_add(AHEAD.as_secs() * 1_000))
}

/// The shopper of a line: always its first field.
pub(super) fn owner(line: &[u8]) -> Option<&str> {
    let rest = line.strip_prefix(br#"{"shopper":""#)?;
    std::str::from_utf8(rest.split(|byte| *byte == b'"').next()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(who: &str, second: i64) -> String {
        let at = Timestamp::from_second(second).unwrap();
        format!("{{\"shopper\":\"{who}\",\"kind\":\"page_viewed\",\"at\":\"{at}\"}}\n")
    }

    #[test]
    fn only_files_with_a_line_that_goes_are_written_anew_and_later_lines_stay() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("events-1.jsonl"), line("other", 1) + "torn").unwrap();
        // Nothing can be written in the place of this file: it would be an error to try.
        std::fs::create_dir(path("events-1.part")).unwrap();
        std::fs::write(path("events-2.jsonl"), line("gone", 1) + &line("other", 2) + &line("gone", 10_000)).unwrap();
        let pass = Pass {
            files: ["events-0.jsonl", "events-1.jsonl", "events-2.jsonl"].map(path).into(),
            wanted: Arc::new(Wanted::from([("gone".to_owned(), 5_000)])),
            turn: Arc::default(),
        };
        pass.run().unwrap();
        let text = |name: &str| std::fs::read_to_string(path(name)).unwrap();
        assert_eq!(text("events-1.jsonl"), line("other", 1) + "torn");
        assert_eq!(text("events-2.jsonl"), line("other", 2) + &line("gone", 10_000));
        assert!(!path("events-2.part").exists() && !path("events-0.jsonl").exists());
    }
}
