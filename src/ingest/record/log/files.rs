//! The files of the training log, as the writer's thread sees them: blocking, one owner.

use crate::domain::ids::ShopperKey;
use crate::ingest::config;
use crate::ingest::mark::{Goes, Mark};
use crate::ingest::record::Recorded;
use jiff::Timestamp;
use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Names the shoppers still to be erased, one a line.
const PENDING: &str = "erase.pending";

/// The folder and the file that is being written.
pub(super) struct Files {
    dir: PathBuf,
    file_size: u64,
    total_size: u64,
    max_age: Duration,
    /// The open file and how many bytes it has; `None` until the next line.
    open: Option<(BufWriter<File>, u64)>,
    /// Files begun since the start: the second part of their names.
    begun: u64,
    /// The first of them; none of an older process is behind it.
    first: Option<PathBuf>,
    pending: BTreeSet<String>,
}

impl Files {
    /// Makes the folder and reads who is still to be erased.
    pub(super) fn open(config: &config::Log) -> io::Result<Self> {
        fs::create_dir_all(&config.dir)?;
        let pending = match fs::read_to_string(config.dir.join(PENDING)) {
            Ok(text) => text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => BTreeSet::new(),
            Err(error) => return Err(error),
        };
        Ok(Self {
            dir: config.dir.clone(),
            file_size: config.file_size.as_u64().max(1),
            total_size: config.total_size.as_u64(),
            max_age: config.max_age,
            open: None,
            begun: 0,
            first: None,
            pending,
        })
    }

    /// Writes one line, in a new file where the last one is full.
    pub(super) fn append(&mut self, event: &Recorded) -> io::Result<()> {
        let mut line = serde_json::to_vec(event)?;
        line.push(b'\n');
        let length = line.len() as u64;
        if self.open.as_ref().is_some_and(|(_, size)| size + length > self.file_size) {
            self.close()?;
            self.prune()?;
        }
        let (mut file, size) = match self.open.take() {
            Some(open) => open,
            None => (self.begin()?, 0),
        };
        file.write_all(&line)?;
        self.open = Some((file, size + length));
        Ok(())
    }

    /// Hands what is buffered to the operating system.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.open.as_mut().map_or(Ok(()), |(file, _)| file.flush())
    }

    /// Notes on disk that a shopper is to be erased by the next housekeeping.
    pub(super) fn note_erasure(&mut self, shopper: &ShopperKey) -> io::Result<()> {
        if self.pending.insert(shopper.as_str().to_owned()) {
            let mut file = private().append(true).create(true).open(self.dir.join(PENDING))?;
            writeln!(file, "{shopper}")?;
            file.sync_all()?;
        }
        Ok(())
    }

    /// Erases who is noted and deletes what is too old or too much.
    pub(super) fn housekeeping(&mut self) -> io::Result<()> {
        self.flush()?;
        if !self.pending.is_empty() {
            self.close()?;
            for path in self.list()? {
                self.rewrite(&path)?;
            }
            self.pending.clear();
            fs::remove_file(self.dir.join(PENDING))?;
        }
        self.prune()
    }

    /// Deletes what goes, unless this redaction has been heard of before; then it has.
    pub(super) fn redact(&mut self, at: Timestamp, goes: Goes) -> io::Result<()> {
        let mark = Mark::in_folder(&self.dir);
        if mark.read() >= Some(at) {
            return Ok(());
        }
        if goes == Goes::All {
            self.close()?;
        }
        let own = |path: &PathBuf| self.first.as_ref().is_some_and(|first| path >= first);
        for path in list(&self.dir, &[".jsonl", ".part"])? {
            if goes == Goes::All || (goes == Goes::Older && !own(&path)) {
                fs::remove_file(path)?;
            }
        }
        self.pending.clear();
        match fs::remove_file(self.dir.join(PENDING)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        mark.write(at)
    }

    fn close(&mut self) -> io::Result<()> {
        self.flush()?;
        self.open = None;
        Ok(())
    }

    fn begin(&mut self) -> io::Result<BufWriter<File>> {
        self.begun += 1;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        let name = format!("events-{now:013}-{:06}.jsonl", self.begun);
        let path = self.dir.join(name);
        let file = BufWriter::new(private().write(true).create_new(true).open(&path)?);
        self.first.get_or_insert(path);
        Ok(file)
    }

    fn list(&self) -> io::Result<Vec<PathBuf>> {
        list(&self.dir, &[".jsonl"])
    }

    /// Deletes files that are too old, then the oldest while all together are too much. The open file stays.
    fn prune(&mut self) -> io::Result<()> {
        let mut files = self.list()?;
        if self.open.is_some() {
            files.pop();
        }
        let mut total = self.open.as_ref().map_or(0, |(_, size)| *size);
        for path in files.into_iter().rev() {
            let about = fs::metadata(&path)?;
            total = total.saturating_add(about.len());
            let age = about.modified()?.elapsed().unwrap_or_default();
            if total > self.total_size || age > self.max_age {
                fs::remove_file(&path)?;
            }
        }
        Ok(())
    }

    /// Writes the file again without the lines of those who are to be erased; as it was where it has none.
    fn rewrite(&self, path: &Path) -> io::Result<()> {
        let part = path.with_extension("part");
        let modified = fs::metadata(path)?.modified()?;
        let mut kept = BufWriter::new(private().write(true).create(true).truncate(true).open(&part)?);
        let mut erased = false;
        for line in BufReader::new(File::open(path)?).lines() {
            let line = line?;
            if owner(&line).is_some_and(|owner| self.pending.contains(owner)) {
                erased = true;
            } else {
                writeln!(kept, "{line}")?;
            }
        }
        if !erased {
            return fs::remove_file(&part);
        }
        let kept = kept.into_inner().map_err(io::IntoInnerError::into_error)?;
        // The age of the file is the age of its events.
        kept.set_modified(modified)?;
        kept.sync_all()?;
        fs::rename(&part, path)
    }
}

/// The log's files with these endings, oldest first; a `.part` is one that a process was rewriting when it died.
/// Whatever else lies in the folder is left alone.
fn list(dir: &Path, endings: &[&str]) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if name.starts_with("events-") && endings.iter().any(|ending| name.ends_with(ending)) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// What the files of a folder have of a shopper. A line that cannot be read is left out.
pub(super) fn lines_of(dir: &Path, shopper: &ShopperKey) -> io::Result<Vec<Recorded>> {
    let mut found = Vec::new();
    for path in list(dir, &[".jsonl"])? {
        for line in BufReader::new(File::open(path)?).lines() {
            let line = line?;
            if owner(&line) == Some(shopper.as_str()) {
                found.extend(serde_json::from_str::<Recorded>(&line).ok());
            }
        }
    }
    Ok(found)
}

/// The shopper of a line: always its first field.
fn owner(line: &str) -> Option<&str> {
    line.strip_prefix(r#"{"shopper":""#)?.split('"').next()
}

/// Files that only the gateway's own user may read.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::event::{Event, EventType};
    use crate::domain::ids::EventId;
    use crate::domain::market::Market;

    #[test]
    fn a_redaction_found_at_the_start_takes_what_older_processes_wrote_and_a_later_one_everything() {
        let folder = tempfile::tempdir().unwrap();
        let config: config::Log = toml::from_str(&format!("dir = {:?}", folder.path())).unwrap();
        let at = |second| Timestamp::from_second(second).unwrap();
        let event = Event::bare(EventId::new("e"), EventType::PageViewed, at(0));
        let write = |files: &mut Files, who: &str| {
            files.append(&Recorded::of(&ShopperKey::new(who), &Market::default(), &event)).unwrap();
            files.flush().unwrap();
        };
        let who = |name: &str| lines_of(folder.path(), &ShopperKey::new(name)).unwrap().len();
        write(&mut Files::open(&config).unwrap(), "before");
        std::fs::write(folder.path().join("events-0000000000001-000001.part"), "torn").unwrap();
        std::fs::write(folder.path().join("notes.txt"), "not ours").unwrap();
        // Files are named by the millisecond in which they were begun.
        std::thread::sleep(Duration::from_millis(5));
        let mut files = Files::open(&config).unwrap();
        write(&mut files, "after");
        files.note_erasure(&ShopperKey::new("x")).unwrap();
        files.redact(at(1), Goes::Older).unwrap();
        write(&mut files, "after");
        assert_eq!((who("before"), who("after")), (0, 2));
        // Heard of already.
        files.redact(at(1), Goes::All).unwrap();
        assert_eq!(who("after"), 2);
        files.redact(at(2), Goes::All).unwrap();
        write(&mut files, "later");
        assert_eq!((who("after"), who("later")), (0, 1));
        let mut left: Vec<String> = std::fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        left.retain(|name| !name.starts_with("events-") || name.ends_with(".part"));
        left.sort();
        assert_eq!(left, ["notes.txt", "redacted"]);
    }
}
