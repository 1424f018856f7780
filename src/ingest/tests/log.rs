//! The training log on disk: rotation, limits, erasing.

use super::fakes::{stage, view};
use crate::ingest::Config;
use crate::ingest::config::Log;
use crate::ingest::record::Recorded;
use bytesize::ByteSize;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

fn config(dir: &Path) -> Config {
    let mut config = Config::default();
    config.record.log = Some(Log {
        dir: dir.to_owned(),
        file_size: ByteSize::b(400),
        total_size: ByteSize::mib(1),
        max_age: Duration::from_secs(3600),
        queue: 1024,
    });
    config
}

fn files(dir: &Path) -> Vec<String> {
    let mut files: Vec<_> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    // When erasures of other replicas were last heard of.
    files.retain(|path| path.file_stem().is_none_or(|name| name != "heard"));
    files.sort();
    files.iter().map(|path| fs::read_to_string(path).unwrap()).collect()
}

#[tokio::test]
async fn lines_are_written_to_files_of_bounded_size_and_read_back_as_they_were() {
    let dir = tempfile::tempdir().unwrap();
    let stage = stage(config(dir.path()));
    let caller = stage.caller("raw-session", "all").await;
    stage.codes(&caller, (0..20).map(|n| view(&format!("raw-{n}"), "p1")).collect()).await;
    stage.ingest.settle().await;
    let files = files(dir.path());
    assert!(files.len() > 1 && files.iter().all(|text| text.len() <= 400));
    let text = files.concat();
    assert!(!text.contains("raw-"), "{text}");
    let read: Vec<Recorded> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let kept: Vec<Recorded> = stage.ingest.recent().iter().map(|event| (**event).clone()).collect();
    assert_eq!(read, kept);
}

#[tokio::test]
async fn forgetting_takes_a_shoppers_lines_out_of_every_file_and_leaves_the_others() {
    let dir = tempfile::tempdir().unwrap();
    let stage = stage(config(dir.path()));
    let (one, two) = (stage.caller("one", "all").await, stage.caller("two", "all").await);
    for n in 0..10 {
        stage.codes(&one, vec![view(&n.to_string(), "p1")]).await;
        stage.codes(&two, vec![view(&n.to_string(), "p2")]).await;
    }
    stage.ingest.forget(&one).await.unwrap();
    stage.ingest.settle().await;
    let text = files(dir.path()).concat();
    assert!(!text.contains(one.shopper.unwrap().as_str()));
    assert_eq!(text.matches(two.shopper.unwrap().as_str()).count(), 10);
}

#[tokio::test]
async fn the_oldest_files_go_when_all_together_are_too_much() {
    let dir = tempfile::tempdir().unwrap();
    let mut config = config(dir.path());
    if let Some(log) = &mut config.record.log {
        log.total_size = ByteSize::b(1200);
    }
    let stage = stage(config);
    let caller = stage.caller("s", "all").await;
    stage.codes(&caller, (0..60).map(|n| view(&n.to_string(), "p1")).collect()).await;
    stage.ingest.settle().await;
    let left = files(dir.path());
    assert!(!left.is_empty() && left.iter().map(String::len).sum::<usize>() <= 1200);
}

#[tokio::test]
async fn who_was_to_be_erased_before_a_crash_is_erased_after_it() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("erase.pending"), "gone\n").unwrap();
    let line = |who: &str| format!("{{\"shopper\":\"{who}\",\"kind\":\"page_viewed\"}}\n");
    fs::write(dir.path().join("events-0000000000001-000001.jsonl"), line("gone") + &line("kept")).unwrap();
    fs::write(dir.path().join("notes.txt"), "not ours").unwrap();
    let stage = stage(config(dir.path()));
    stage.ingest.settle().await;
    assert_eq!(files(dir.path()), [line("kept"), "not ours".to_owned()]);
}

/// Ends the wait of whoever reads a pipe, and takes it away: a pass that begins after that would wait for it again.
fn let_be_read(pipe: &Path) {
    let writer = fs::OpenOptions::new().write(true).open(pipe).unwrap();
    fs::remove_file(pipe).unwrap();
    drop(writer);
}

// The pipe is waited for on this thread: the pass is asked for by another.
#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_is_acknowledged_once_it_is_noted_on_the_disk_and_refused_where_it_cannot_be() {
    let dir = tempfile::tempdir().unwrap();
    let stage = stage(config(dir.path()));
    let caller = stage.caller("one", "all").await;
    stage.codes(&caller, vec![view("1", "p1")]).await;
    stage.ingest.settle().await;
    let pending = dir.path().join("erase.pending");
    fs::create_dir(&pending).unwrap();
    assert!(stage.ingest.forget(&caller).await.is_err(), "it would be lost with the process");
    fs::remove_dir(&pending).unwrap();
    // A pipe is a file whose reading lasts until somebody has written to it: the pass over the files is not through before.
    let pipe = dir.path().join("events-0000000000001-000001.jsonl");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    stage.ingest.forget(&caller).await.unwrap();
    let noted = fs::read_to_string(&pending);
    let settled = tokio::spawn(async move { stage.ingest.settle().await });
    let_be_read(&pipe);
    settled.await.unwrap();
    assert!(noted.unwrap().contains(caller.shopper.as_ref().unwrap().as_str()));
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_go_on_being_written_while_files_are_searched_for_who_is_to_be_erased() {
    let dir = tempfile::tempdir().unwrap();
    let mut config = config(dir.path());
    if let Some(log) = &mut config.record.log {
        log.queue = 8;
    }
    // A pipe is a file whose reading lasts until somebody has written to it.
    let pipe = dir.path().join("events-0000000000001-000001.jsonl");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let stage = stage(config);
    let (one, two) = (stage.caller("one", "all").await, stage.caller("two", "all").await);
    stage.ingest.forget(&one).await.unwrap();
    let settled = tokio::spawn({
        let ingest = std::sync::Arc::clone(&stage.ingest);
        async move { ingest.settle().await }
    });
    let written = || {
        let files = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().path());
        let own = files.filter(|path| *path != pipe && path.extension().is_some_and(|kind| kind == "jsonl"));
        own.map(|path| fs::read_to_string(path).unwrap().lines().count()).sum::<usize>()
    };
    for n in 0..40 {
        stage.codes(&two, vec![view(&n.to_string(), "p2")]).await;
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let dropped = stage.ingest.dropped();
    let (lines, over) = (written(), settled.is_finished());
    // Before anything is asserted: the reader waits for it.
    let_be_read(&pipe);
    settled.await.unwrap();
    assert_eq!((dropped, lines, over), ((0, 0), 40, false));
}
