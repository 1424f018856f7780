//! Taking one file: line by line, with a bar, and a note of how far beside it.

use super::super::complain;
use super::told;
use crate::ingest::{Delivered, Ingest};
use crate::platform::shopify::history::History;
use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};
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
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
struct Note {
    /// Its length then: another file is taken from its beginning.
    length: u64,
    /// Bytes that need not be read again.
    bytes: u64,
    /// Lines before them.
    lines: u64,
}

/// Takes a file from where the last call came to. Errors: it cannot be read, or the store does not take what it says.
pub(super) async fn take(ingest: &Ingest, path: &Path, again: bool) -> anyhow::Result<Taken> {
    let mut reader = BufReader::new(File::open(path).with_context(|| format!("{} cannot be opened", path.display()))?);
    let length = reader.get_ref().metadata()?.len();
    let beside = noted(path);
    let mut note = Note { length, ..Note::default() };
    if !again
        && let Ok(text) = std::fs::read(&beside)
        && let Ok(before) = serde_json::from_slice::<Note>(&text)
        && before.length == length
        && before.bytes <= length
    {
        note = before;
    }
    let mut history = opened(&mut reader, path, &mut note)?;
    let bar = ProgressBar::new(length);
    if let Ok(style) =
        ProgressStyle::with_template("{elapsed_precise} [{bar:24}] {bytes} of {total_bytes}, {eta} left, {msg}")
    {
        bar.set_style(style);
    }
    let (mut taken, mut line, mut at, mut number) = (Taken::default(), Vec::new(), note.bytes, note.lines);
    loop {
        // The place before a line is safe where everything before it was given out.
        if history.is_between() && at >= note.bytes + NOTED {
            ingest.settle().await;
            (note.bytes, note.lines) = (at, number);
            write(&beside, &note)?;
        }
        line.clear();
        let read = (&mut reader).take(LONGEST).read_until(b'\n', &mut line)? as u64;
        let news = if read == 0 {
            history.end()
        } else {
            anyhow::ensure!(read < LONGEST, "line {} is longer than 4 MiB; is this the right file?", number + 1);
            at += read;
            number += 1;
            let read = std::str::from_utf8(&line).map_err(|_| "it is not UTF-8".to_owned());
            read.and_then(|line| history.line(line).map_err(|error| error.to_string())).unwrap_or_else(|reason| {
                taken.unreadable += 1;
                if taken.unreadable <= TOLD {
                    complain(&format!("{}: line {number} is left out: {reason}", path.display()));
                }
                Vec::new()
            })
        };
        ingest.backfill(&news, &mut taken.delivered).await.context("the store did not take it")?;
        if number.is_multiple_of(SETTLED) {
            ingest.settle().await;
        }
        bar.set_position(at);
        bar.set_message(format!("{} taken", taken.delivered.accepted));
        if read == 0 {
            break;
        }
    }
    bar.finish_and_clear();
    ingest.settle().await;
    (note.bytes, note.lines) = (at, number);
    write(&beside, &note)?;
    Ok(taken)
}

/// A reader of the file's lines, at the place of the note. Errors: a kind of file that is not read.
fn opened(reader: &mut BufReader<File>, path: &Path, note: &mut Note) -> anyhow::Result<History> {
    let kind = path.extension().and_then(|kind| kind.to_str()).unwrap_or_default().to_ascii_lowercase();
    let history = match kind.as_str() {
        "jsonl" | "ndjson" => History::json(),
        "csv" => {
            let mut header = String::new();
            let read = reader.by_ref().take(LONGEST).read_line(&mut header)? as u64;
            if note.bytes < read {
                (note.bytes, note.lines) = (read, 1);
            }
            History::table(&header)?
        }
        _ => anyhow::bail!("{} is of no kind that is read; name it .jsonl or .csv by what it holds", path.display()),
    };
    reader.seek(SeekFrom::Start(note.bytes))?;
    Ok(history)
}

/// Where it is noted how far a file is taken.
fn noted(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".taken");
    path.with_file_name(name)
}

/// Writes a note, whole or not at all.
fn write(path: &Path, note: &Note) -> anyhow::Result<()> {
    let beside = path.with_extension("taken.new");
    let mut file = File::create(&beside).with_context(|| format!("{} cannot be written", beside.display()))?;
    file.write_all(&serde_json::to_vec(note)?)?;
    file.sync_all()?;
    Ok(std::fs::rename(&beside, path)?)
}
