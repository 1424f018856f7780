//! The files of the training log, as the writer's thread sees them: blocking, one owner.

use super::pass::{Pass, owner};
use super::pending::Pending;
use super::private::private;
use crate::domain::ids::ShopperKey;
use crate::ingest::config;
use crate::ingest::mark::{Goes, Mark};
use crate::ingest::record::Recorded;
use jiff::Timestamp;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

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
    /// Who is still to be erased.
    pub(super) pending: Pending,
    /// Held while a closed file is written anew or all are deleted.
    turn: Arc<Mutex<()>>,
}

impl Files {
    /// Makes the folder and reads who is still to be erased.
    pub(super) fn open(config: &config::Log) -> io::Result<Self> {
        fs::create_dir_all(&config.dir)?;
        for path in list(&config.dir, &[".part"])? {
            fs::remove_file(path)?;
        }
        let pending = Pending::open(&config.dir)?;
        Ok(Self {
            dir: config.dir.clone(),
            file_size: config.file_size.as_u64().max(1),
            total_size: config.total_size.as_u64(),
            max_age: config.max_age,
            open: None,
            begun: 0,
            first: None,
            pending,
            turn: Arc::default(),
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

    /// The work of erasing who waits for it, over all that was written so far; [`Pending::done`] ends it.
    pub(super) fn begin_pass(&mut self) -> io::Result<Pass> {
        self.close()?;
        let files = list(&self.dir, &[".jsonl"])?;
        Ok(Pass { files, wanted: self.pending.take(), turn: Arc::clone(&self.turn) })
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
        let turn = Arc::clone(&self.turn);
        let _turn = turn.lock().unwrap_or_else(PoisonError::into_inner);
        let own = |path: &PathBuf| self.first.as_ref().is_some_and(|first| path >= first);
        for path in list(&self.dir, &[".jsonl", ".part"])? {
            if goes == Goes::All || (goes == Goes::Older && !own(&path)) {
                fs::remove_file(path)?;
            }
        }
        self.pending.clear()?;
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

    /// Deletes files that are too old, then the oldest while all together are too much. The open file stays.
    pub(super) fn prune(&mut self) -> io::Result<()> {
        let mut files = list(&self.dir, &[".jsonl"])?;
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
            if owner(line.as_bytes()) == Some(shopper.as_str()) {
                found.extend(serde_json::from_str::<Recorded>(&line).ok());
            }
        }
    }
    Ok(found)
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
        files.pending.note(&ShopperKey::new("x"), at(1)).unwrap();
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
