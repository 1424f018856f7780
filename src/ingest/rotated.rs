//! Secrets that were taken out of the settings while lines written under them are still kept: these cannot be found any more
//! when their shopper is to be erased.
//!
//! Beside the training log stands a mark of each secret that was in use, which does not give it away, and since when it is
//! gone. A secret that is gone is told of at each start until the log keeps nothing of its time.

use super::config;
use super::error::StartError;
use super::identity::Hasher;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

/// The file.
const NAME: &str = "secrets.seen";
/// What marks are derived for.
const MARKS: &str = "marks beside the training log";

/// Says in the log where a secret is missing that lines of the training log may be written under.
/// Errors: the folder of the log cannot be read or written.
pub(super) fn warn_of_missing(hasher: &Hasher, config: &config::Config) -> Result<(), StartError> {
    // Without any, each start has its own, and shoppers are new after it.
    let Some(log) = config.record.log.as_ref().filter(|_| !config.secrets.is_empty()) else { return Ok(()) };
    let (current, older) = hasher.derived(MARKS);
    let marks: Vec<String> = std::iter::once(current).chain(older).map(|key| hex::encode(&key[..8])).collect();
    let failed = |source| StartError::LogFolder { path: log.dir.clone(), source };
    let missing = missing(&log.dir, &marks, log.max_age.try_into().unwrap_or(SignedDuration::MAX), Timestamp::now());
    if let Some(until) = missing.map_err(failed)? {
        tracing::error!(
            %until,
            "a secret is no longer in ingest.secrets under which lines of the training log were written: shoppers of its time \
             cannot be found there when they are to be erased; list it again, behind the others, until then \
             (docs/operations.md, Rotating ingest.secrets)"
        );
    }
    Ok(())
}

/// Until when the last of the secrets that are gone is missed, if any is; remembers those in use.
fn missing(dir: &Path, marks: &[String], kept: SignedDuration, now: Timestamp) -> io::Result<Option<Timestamp>> {
    let path = dir.join(NAME);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error),
    };
    let line = |line: &str| {
        let (mark, gone) = line.split_once(' ').unwrap_or((line, ""));
        (mark.to_owned(), gone.parse::<Timestamp>().unwrap_or(now))
    };
    let mut gone: BTreeMap<String, Timestamp> = text.lines().map(line).collect();
    gone.retain(|mark, since| !marks.contains(mark) && now.duration_since(*since) < kept);
    let lines = marks.iter().map(|mark| format!("{mark}\n"));
    let lines = lines.chain(gone.iter().map(|(mark, since)| format!("{mark} {since}\n"))).collect::<String>();
    if lines != text {
        let part = path.with_extension("part");
        fs::write(&part, lines)?;
        fs::rename(&part, &path)?;
    }
    Ok(gone.values().max().map(|since| since.checked_add(kept).unwrap_or(Timestamp::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_that_is_gone_is_missed_until_nothing_of_its_time_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let at = |day: i64| Timestamp::from_second(day * 86_400).unwrap();
        let missed = |marks: &[&str], day| {
            let marks: Vec<String> = marks.iter().map(|mark| (*mark).to_owned()).collect();
            missing(folder.path(), &marks, SignedDuration::from_hours(90 * 24), at(day)).unwrap()
        };
        assert_eq!(missed(&["old"], 0), None);
        assert_eq!(missed(&["new", "old"], 100), None);
        // It was in use until just now, however long ago it was first seen.
        assert_eq!(missed(&["new"], 200), Some(at(290)));
        assert_eq!(missed(&["new"], 250), Some(at(290)));
        assert_eq!(missed(&["new", "old"], 260), None, "listed again");
        assert_eq!(missed(&["new"], 300), Some(at(390)));
        assert_eq!((missed(&["new"], 390), missed(&["new"], 391)), (None, None));
    }
}
