//! Taking one file: line by line, with a bar, and a note of how far beside it.

use super::super::complain;
use super::stop::Stop;
use super::{bar, stopped, told};
use crate::ingest::{Delivered, Ingest};
use crate::platform::kept_consent::Attribute;
use crate::platform::news::News;
use crate::platform::shopify::history::History;
use anyhow::Context;
use indicatif::ProgressBar;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// The longest line taken, in bytes.
pub(super) const LONGEST: u64 = 4 << 20;
/// Bytes after which it is noted how far the file is taken.
const NOTED: u64 = 1 << 20;
/// Lines after which is waited for the training log: its queue is bounded, and nothing may be dropped here.
const SETTLED: u64 = 1_000;
/// Lines that cannot be read and are told one by one.
pub(super) const TOLD: u64 = 10;

/// What became of a file.
#[derive(Debug, Default)]
pub(super) struct Taken {
    pub(super) delivered: Delivered,
    unreadable: u64,
}

impl Taken {
    pub(super) fn add(&mut self, other: &Self) {
        self.delivered.accepted += other.delivered.accepted;
        self.delivered.duplicates += other.delivered.duplicates;
        self.delivered.unused += other.delivered.unused;
        self.unreadable += other.unreadable;
    }

    /// In words.
    pub(super) fn told(&self) -> String {
        let unreadable =
            if self.unreadable == 0 { String::new() } else { format!("; {} lines could not be read", self.unreadable) };
        format!("{}{unreadable}", told(&self.delivered))
    }
}

/// How far a file is taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Note {
    /// Its length then: another file is taken from its beginning.
    length: u64,
    /// Bytes that need not be read again.
    bytes: u64,
    /// Lines before them.
    lines: u64,
}

/// A file that is read line by line.
struct Reading<'a> {
    path: &'a Path,
    reader: BufReader<File>,
    history: History,
    /// What is written beside the file.
    noted: Note,
    /// Everything before it is taken. It stands before the row that opened the order which is being put together: that one
    /// is read again, whole, by whoever goes on.
    taken: Note,
    /// Where the next line begins.
    next: Note,
}

/// Takes a file from where the last call came to. Whatever ends it early, how far it came is noted first. `consent`: where the
/// shop keeps that of its customers.
/// Errors: it cannot be read, the store does not take what it says, or the operator wants an end.
pub(super) async fn take(
    ingest: &Ingest,
    path: &Path,
    again: bool,
    consent: Option<&Attribute>,
    stop: &Stop,
) -> anyhow::Result<Taken> {
    let mut file = Reading::open(path, again, consent)?;
    let bar = bar::of(file.next.length);
    let mut taken = Taken::default();
    let ended = lines(ingest, &mut file, &mut taken, &bar, stop).await;
    // What was given to the training log is on the disk before it is noted as taken.
    ingest.settle().await;
    let noted = file.note();
    drop(bar);
    ended.and(noted).map(|()| taken)
}

async fn lines(
    ingest: &Ingest,
    file: &mut Reading<'_>,
    taken: &mut Taken,
    bar: &ProgressBar,
    stop: &Stop,
) -> anyhow::Result<()> {
    let mut line = Vec::new();
    loop {
        if stop.is_asked() {
            return Err(stopped());
        }
        if file.taken.bytes >= file.noted.bytes + NOTED {
            ingest.settle().await;
            file.note()?;
        }
        let before = file.next;
        let is_end = !file.read(&mut line)?;
        let news = if is_end { file.history.end() } else { file.told(&line, taken) };
        ingest.backfill(&news, &mut taken.delivered).await.context("the store did not take it")?;
        match file.history.waiting() {
            0 => file.taken = file.next,
            1 => file.taken = before,
            _ => {}
        }
        if is_end {
            return Ok(());
        }
        if file.next.lines.is_multiple_of(SETTLED) {
            ingest.settle().await;
        }
        bar.set_position(file.next.bytes);
        bar.set_message(format!("{} taken", taken.delivered.accepted));
    }
}

impl<'a> Reading<'a> {
    /// At the place that is noted. Errors: a kind of file that is not read.
    fn open(path: &'a Path, again: bool, consent: Option<&Attribute>) -> anyhow::Result<Self> {
        let file = File::open(path).with_context(|| format!("{} cannot be opened", path.display()))?;
        let mut reader = BufReader::new(file);
        let mut at = Note { length: reader.get_ref().metadata()?.len(), ..Note::default() };
        if !again
            && let Ok(text) = std::fs::read(noted(path))
            && let Ok(before) = serde_json::from_slice::<Note>(&text)
            && before.length == at.length
            && before.bytes <= at.length
        {
            at = before;
        }
        let kind = path.extension().and_then(|kind| kind.to_str()).unwrap_or_default().to_ascii_lowercase();
        let history = match kind.as_str() {
            "jsonl" | "ndjson" => History::json(consent),
            "csv" => {
                let mut header = String::new();
                let read = reader.by_ref().take(LONGEST).read_line(&mut header)? as u64;
                if at.bytes < read {
                    (at.bytes, at.lines) = (read, 1);
                }
                History::table(&header)?
            }
            _ => {
                anyhow::bail!("{} is of no kind that is read; name it .jsonl or .csv by what it holds", path.display())
            }
        };
        reader.seek(SeekFrom::Start(at.bytes))?;
        let mut file = Self { path, reader, history, noted: at, taken: at, next: at };
        // What was noted of an earlier time or another file does not hold any more, also if this is cut off at once.
        file.note()?;
        Ok(file)
    }

    /// Reads the next line. False at the end. Errors: it is too long, or the file cannot be read.
    fn read(&mut self, line: &mut Vec<u8>) -> anyhow::Result<bool> {
        line.clear();
        let read = (&mut self.reader).take(LONGEST).read_until(b'\n', line)? as u64;
        anyhow::ensure!(read < LONGEST, "line {} is longer than 4 MiB; is this the right file?", self.next.lines + 1);
        self.next.bytes += read;
        self.next.lines += u64::from(read > 0);
        Ok(read > 0)
    }

    /// What became whole by a line. One that cannot be read is told and left out.
    fn told(&mut self, line: &[u8], taken: &mut Taken) -> Vec<News> {
        let read = std::str::from_utf8(line).map_err(|_| "it is not UTF-8".to_owned());
        read.and_then(|line| self.history.line(line).map_err(|error| error.to_string())).unwrap_or_else(|reason| {
            taken.unreadable += 1;
            if taken.unreadable <= TOLD {
                complain(&format!("{}: line {} is left out: {reason}", self.path.display(), self.next.lines));
            }
            Vec::new()
        })
    }

    /// Writes down how far the file is taken, whole or not at all.
    fn note(&mut self) -> anyhow::Result<()> {
        let beside = self.path.with_extension("taken.new");
        let mut file = File::create(&beside).with_context(|| format!("{} cannot be written", beside.display()))?;
        file.write_all(&serde_json::to_vec(&self.taken)?)?;
        file.sync_all()?;
        std::fs::rename(&beside, noted(self.path))?;
        self.noted = self.taken;
        Ok(())
    }
}

/// Where it is noted how far a file is taken.
fn noted(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".taken");
    path.with_file_name(name)
}

/// Forgets how far a file is taken, before another one is put into its place. Errors: it cannot be.
pub(super) fn forget(path: &Path) -> std::io::Result<()> {
    match std::fs::remove_file(noted(path)) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
