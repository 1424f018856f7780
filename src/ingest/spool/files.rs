//! The files of the spool, as its thread sees them: blocking, one owner. A file takes lines until it is large; the oldest
//! is read, and deleted when its last line is done.

use crate::ingest::mark::{Goes, Mark};
use crate::ingest::task::Task;
use crate::telemetry::ingest::Spooled;
use jiff::Timestamp;
use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use xxhash_rust::xxh3::xxh3_64;

/// A file that has grown beyond this takes no more lines.
const FILE: u64 = 4 << 20;
/// The longest line that is read: no task is longer.
const LINE: u64 = 4 << 20;

/// One file.
struct Segment {
    path: PathBuf,
    /// Lines in it that are not done, torn ones among them.
    lines: u64,
    bytes: u64,
    /// Begun by this process.
    own: bool,
}

/// Brings what was written of a file to the disk.
pub(super) type ToDisk = Box<dyn Fn(&File) -> io::Result<()> + Send>;

/// The folder, with where it is read and written.
pub(super) struct Files {
    dir: PathBuf,
    most: u64,
    /// Oldest first; the last is written where `open` is.
    segments: VecDeque<Segment>,
    open: Option<File>,
    /// The number of the next file.
    number: u64,
    /// Where the oldest file is read on: after the lines that are done.
    offset: u64,
    /// The length of the line that [`Files::oldest`] gave.
    given: u64,
    /// How what was written of a file is brought to the disk: a test can see that it is waited for.
    pub(super) to_disk: ToDisk,
}

/// A task as a line: checksum, space, JSON. Errors: none in practice, a task is JSON.
pub(super) fn line(task: &Task) -> io::Result<Vec<u8>> {
    let json = serde_json::to_vec(task)?;
    let mut line = format!("{:016x} ", xxh3_64(&json)).into_bytes();
    line.extend_from_slice(&json);
    line.push(b'\n');
    Ok(line)
}

/// The task of a line; `None` where it is torn or damaged.
fn task(line: &[u8]) -> Option<Task> {
    let line = line.strip_suffix(b"\n")?;
    let (sum, json) = line.split_at_checked(17)?;
    let sum = std::str::from_utf8(sum.strip_suffix(b" ")?).ok()?;
    (u64::from_str_radix(sum, 16).ok()? == xxh3_64(json)).then(|| serde_json::from_slice(json).ok()).flatten()
}

impl Files {
    /// Makes the folder and finds what a process before left there.
    pub(super) fn open(dir: &Path, most: u64) -> io::Result<Self> {
        fs::create_dir_all(dir)?;
        let mut found = Vec::new();
        for entry in fs::read_dir(dir)? {
            let path = entry?.path();
            let number = path
                .file_name()
                .and_then(|name| name.to_str()?.strip_prefix("spool-")?.strip_suffix(".jsonl")?.parse().ok());
            if let Some(number) = number {
                found.push((number, path));
            }
        }
        found.sort();
        let number = found.last().map_or(1, |(number, _): &(u64, _)| number + 1);
        let segments: io::Result<VecDeque<Segment>> = found
            .into_iter()
            .map(|(_, path)| {
                let bytes = fs::metadata(&path)?.len();
                let mut lines = 0;
                let mut reader = BufReader::new(File::open(&path)?);
                while reader.skip_until(b'\n')? > 0 {
                    lines += 1;
                }
                Ok(Segment { path, lines, bytes, own: false })
            })
            .collect();
        Ok(Self {
            dir: dir.to_owned(),
            most,
            segments: segments?,
            open: None,
            number,
            offset: 0,
            given: 0,
            to_disk: Box::new(File::sync_data),
        })
    }

    /// Hears of a redaction of the whole shop, once of each.
    pub(super) fn redact(&mut self, at: Timestamp, goes: Goes) -> io::Result<()> {
        let mark = Mark::in_folder(&self.dir);
        if mark.read() >= Some(at) {
            return Ok(());
        }
        if goes == Goes::All {
            self.open = None;
        }
        let stays = |segment: &Segment| goes == Goes::Nothing || (goes == Goes::Older && segment.own);
        // Those of this process stand behind those of others.
        while let Some(segment) = self.segments.front().filter(|segment| !stays(segment)) {
            fs::remove_file(&segment.path)?;
            self.segments.pop_front();
            (self.offset, self.given) = (0, 0);
        }
        mark.write(at)
    }

    /// Lines that are not done.
    pub(super) fn lines(&self) -> u64 {
        self.segments.iter().map(|segment| segment.lines).sum()
    }

    /// Writes a line; it is on the disk after [`Files::sync`]. Errors: no room, or the disk refused.
    pub(super) fn append(&mut self, line: &[u8]) -> io::Result<()> {
        let held: u64 = self.segments.iter().map(|segment| segment.bytes).sum();
        if held + line.len() as u64 > self.most {
            return Err(io::ErrorKind::StorageFull.into());
        }
        if self.open.is_none() || self.segments.back().is_none_or(|segment| segment.bytes >= FILE) {
            self.begin()?;
        }
        let (Some(file), Some(segment)) = (&mut self.open, self.segments.back_mut()) else {
            return Err(io::ErrorKind::NotFound.into());
        };
        if let Err(error) = file.write_all(line) {
            // What was written of it is torn: nothing may stand behind it in this file.
            self.open = None;
            return Err(error);
        }
        segment.bytes += line.len() as u64;
        segment.lines += 1;
        Ok(())
    }

    fn begin(&mut self) -> io::Result<()> {
        // What is in the file before must be on the disk before it is left.
        self.sync()?;
        let path = self.dir.join(format!("spool-{:013}.jsonl", self.number));
        let mut options = OpenOptions::new();
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        self.open = Some(options.append(true).create_new(true).open(&path)?);
        self.number += 1;
        // So that the file's name survives, too.
        File::open(&self.dir)?.sync_all()?;
        self.segments.push_back(Segment { path, lines: 0, bytes: 0, own: true });
        Ok(())
    }

    /// Brings everything written to the disk.
    pub(super) fn sync(&mut self) -> io::Result<()> {
        self.open.as_ref().map_or(Ok(()), |file| (self.to_disk)(file))
    }

    /// The oldest task that is not done. Damaged lines before it are passed over.
    pub(super) fn oldest(&mut self) -> Option<Task> {
        loop {
            let segment = self.segments.front()?;
            if segment.lines == 0 {
                // The file that is being written and has nothing new.
                if self.segments.len() == 1 && self.open.is_some() && segment.bytes == 0 {
                    return None;
                }
                self.remove();
                continue;
            }
            match read(&segment.path, self.offset) {
                Ok(line) if !line.is_empty() => {
                    self.given = line.len() as u64;
                    if let Some(task) = task(&line) {
                        return Some(task);
                    }
                    tracing::error!("a line of the spool is damaged and was left out");
                    Spooled { outcome: "damaged" }.emit();
                    self.advance();
                }
                _ => {
                    // Shorter than it was, or not readable: what is left of it is lost.
                    tracing::error!(path = %segment.path.display(), "a file of the spool cannot be read on and was left");
                    Spooled { outcome: "damaged" }.emit();
                    self.remove();
                }
            }
        }
    }

    /// The task that [`Files::oldest`] gave is done.
    pub(super) fn advance(&mut self) {
        if self.given == 0 {
            // It went with everything else while it was done.
            return;
        }
        self.offset += std::mem::take(&mut self.given);
        if let Some(segment) = self.segments.front_mut() {
            segment.lines = segment.lines.saturating_sub(1);
            if segment.lines == 0 {
                self.remove();
            }
        }
    }

    fn remove(&mut self) {
        if let Some(segment) = self.segments.pop_front() {
            if self.segments.is_empty() {
                self.open = None;
            }
            if let Err(error) = fs::remove_file(&segment.path) {
                tracing::error!(%error, "a file of the spool that is done cannot be deleted; it is done again at the next start");
            }
        }
        (self.offset, self.given) = (0, 0);
    }
}

fn read(path: &Path, offset: u64) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(offset))?;
    let mut line = Vec::new();
    BufReader::new(file.take(LINE)).read_until(b'\n', &mut line)?;
    Ok(line)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::ShopperKey;

    fn erase(name: &str) -> Task {
        Task::Erase(vec![ShopperKey::new(name)], Timestamp::UNIX_EPOCH)
    }

    fn put(files: &mut Files, name: &str) {
        files.append(&line(&erase(name)).unwrap()).unwrap();
        files.sync().unwrap();
    }

    fn drain(files: &mut Files) -> Vec<Task> {
        std::iter::from_fn(|| {
            let task = files.oldest();
            files.advance();
            task
        })
        .collect()
    }

    /// Whether bytes are on a disk cannot be seen without cutting its power; that the system is asked can: it cannot bring to a
    /// disk what is none.
    #[cfg(target_os = "linux")]
    #[test]
    fn the_system_is_asked_to_bring_what_is_written_to_the_disk() {
        let folder = tempfile::tempdir().unwrap();
        let mut files = Files::open(folder.path(), 1 << 20).unwrap();
        put(&mut files, "a");
        files.open = Some(File::open("/dev/null").unwrap());
        assert_eq!(files.sync().unwrap_err().kind(), io::ErrorKind::InvalidInput);
    }

    #[test]
    fn tasks_come_back_in_their_order_after_a_restart_and_go_when_done() {
        let folder = tempfile::tempdir().unwrap();
        let mut files = Files::open(folder.path(), 1 << 20).unwrap();
        ["a", "b", "c"].iter().for_each(|name| put(&mut files, name));
        assert_eq!(files.oldest(), Some(erase("a")));
        files.advance();
        // Killed here: the file is read again from its start, which changes nothing.
        drop(files);
        let mut files = Files::open(folder.path(), 1 << 20).unwrap();
        put(&mut files, "d");
        assert_eq!(files.lines(), 4);
        assert_eq!(drain(&mut files), ["a", "b", "c", "d"].map(erase));
        assert_eq!((files.lines(), fs::read_dir(folder.path()).unwrap().count()), (0, 0));
        put(&mut files, "e");
        assert_eq!(drain(&mut files), [erase("e")]);
    }

    #[test]
    fn torn_and_damaged_lines_are_left_out_and_what_is_whole_is_done() {
        let folder = tempfile::tempdir().unwrap();
        let mut files = Files::open(folder.path(), 1 << 20).unwrap();
        ["a", "b", "c"].iter().for_each(|name| put(&mut files, name));
        drop(files);
        let path = fs::read_dir(folder.path()).unwrap().next().unwrap().unwrap().path();
        let whole = fs::read(&path).unwrap();
        for cut in 0..whole.len() {
            fs::write(&path, &whole[..cut]).unwrap();
            let mut files = Files::open(folder.path(), 1 << 20).unwrap();
            let lines = whole[..cut].iter().filter(|byte| **byte == b'\n').count();
            assert_eq!(drain(&mut files), ["a", "b", "c"][..lines].iter().map(|name| erase(name)).collect::<Vec<_>>());
        }
        for at in 0..whole.len() {
            let mut changed = whole.clone();
            changed[at] ^= 1;
            fs::write(&path, &changed).unwrap();
            let done = drain(&mut Files::open(folder.path(), 1 << 20).unwrap());
            assert!(done.iter().all(|task| ["a", "b", "c"].map(erase).contains(task)), "byte {at}: {done:?}");
            assert!(done.len() <= 2, "byte {at}: {done:?}");
        }
    }

    #[test]
    fn a_redaction_drops_what_waits_once_and_what_comes_later_stays() {
        let folder = tempfile::tempdir().unwrap();
        let at = |second| Timestamp::from_second(second).unwrap();
        let mut files = Files::open(folder.path(), 1 << 20).unwrap();
        ["a", "b"].iter().for_each(|name| put(&mut files, name));
        assert_eq!(files.oldest(), Some(erase("a")));
        files.redact(at(1), Goes::All).unwrap();
        put(&mut files, "c");
        // The task that was being done meanwhile takes no other with it.
        files.advance();
        assert_eq!(files.lines(), 1);
        drop(files);
        let mut files = Files::open(folder.path(), 1 << 20).unwrap();
        files.redact(at(1), Goes::All).unwrap();
        files.redact(at(2), Goes::Nothing).unwrap();
        assert_eq!(files.oldest(), Some(erase("c")));
        // What this process has taken since it started is from after a redaction that it finds at its start.
        put(&mut files, "d");
        files.redact(at(3), Goes::Older).unwrap();
        files.advance();
        assert_eq!(drain(&mut files), [erase("d")]);
        put(&mut files, "e");
        files.redact(at(4), Goes::All).unwrap();
        assert_eq!(drain(&mut files), []);
    }

    #[test]
    fn a_full_spool_takes_nothing_more_until_something_is_done() {
        let folder = tempfile::tempdir().unwrap();
        let one = line(&erase("a")).unwrap();
        let mut files = Files::open(folder.path(), one.len() as u64 * 2).unwrap();
        assert!(files.append(&one).is_ok() && files.append(&one).is_ok());
        assert!(files.append(&one).is_err());
        drain(&mut files);
        assert!(files.append(&one).is_ok());
    }
}
