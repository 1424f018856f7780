//! Watching what the model reads and makes of it, beside the requests: a thread takes a session now and then, counts it, and
//! says so where sessions are no longer like those that the model was measured on.
//!
//! A session waits for the thread in a short queue; where that is full, or another was taken a moment ago, it is not looked at.
//! A model without a snapshot is not watched. What the shop has named is then started, such as a training, once a crossing
//! and never twice at a time: without a shell, with what crossed in its environment. Nothing of a shopper is passed on.

use super::config::{DriftSettings, Retrain};
use super::matched::Matched;
use crate::model::drift::{SCORES, Sighting, Snapshot, Window};
use crate::telemetry::model::{DriftMeasured, Drifted, RetrainStarted};
use std::collections::BTreeSet;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

/// Sessions that may wait to be looked at.
const QUEUE: usize = 64;
/// Sessions that the first figure takes, where the window is not smaller: of fewer, chance alone looks like drift.
const FEWEST: usize = 500;
/// Sessions between two computations of the index.
const BETWEEN: usize = 50;
/// Below this share of the threshold a crossing is over: what lies about the threshold does not cross it all the time.
const OVER: f64 = 0.8;

/// A session that was read.
pub(super) struct Seen {
    by: Arc<Matched>,
    length: usize,
    newest: u32,
    vector: Arc<[f32]>,
}

/// The near end of the thread, which ends with it.
pub(super) struct Watcher {
    settings: DriftSettings,
    thread: OnceLock<Option<SyncSender<Seen>>>,
    began: Instant,
    /// When the next session may be taken, in milliseconds since `began`.
    next: AtomicU64,
}

impl Watcher {
    /// Watches nothing until something is seen.
    pub(super) fn new(settings: DriftSettings) -> Self {
        Self { settings, thread: OnceLock::new(), began: Instant::now(), next: AtomicU64::new(0) }
    }

    /// A session of so many interactions, the newest of this row, became this vector. Never waits.
    pub(super) fn see(&self, by: &Arc<Matched>, length: usize, newest: u32, vector: &Arc<[f32]>) {
        if self.settings.window == 0 || by.served().snapshot().is_none() {
            return;
        }
        let now = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let next = self.next.load(Ordering::Relaxed);
        let after = now.saturating_add(u64::try_from(self.settings.every.as_millis()).unwrap_or(u64::MAX));
        // Of several at the same moment one is taken.
        if now < next || self.next.compare_exchange(next, after, Ordering::Relaxed, Ordering::Relaxed).is_err() {
            return;
        }
        let thread = self.thread.get_or_init(|| start(self.settings.clone()));
        if let Some(thread) = thread {
            // One that finds no room is not looked at.
            thread.try_send(Seen { by: by.clone(), length, newest, vector: vector.clone() }).ok();
        }
    }
}

#[cfg(test)]
impl Watcher {
    /// Takes the place of the thread.
    pub(super) fn listen(&self) -> Receiver<Seen> {
        let (sender, receiver) = sync_channel(8);
        assert!(self.thread.set(Some(sender)).is_ok(), "it has begun");
        receiver
    }
}

fn start(settings: DriftSettings) -> Option<SyncSender<Seen>> {
    let (sender, receiver) = sync_channel(QUEUE);
    match std::thread::Builder::new().name("drift".to_owned()).spawn(move || watch(&settings, &receiver)) {
        Ok(_) => Some(sender),
        Err(error) => {
            tracing::error!(%error, "no thread to watch the model's drift");
            None
        }
    }
}

/// Serves the queue until its other end is gone.
fn watch(settings: &DriftSettings, seen: &Receiver<Seen>) {
    let (mut state, mut retraining) = (None, Retraining::default());
    while let Ok(Seen { by, length, newest, vector }) = seen.recv() {
        let Some(snapshot) = by.served().snapshot() else { continue };
        let watched = match &mut state {
            Some(watched) if Watched::is_of(watched, by.served().name()) => watched,
            // Another model is measured from the start.
            _ => state.insert(Watched::new(by.served().name().clone(), snapshot.clone(), settings)),
        };
        let scores = by.best(&vector, SCORES);
        watched.window.push(&Sighting::new(length, newest, by.served().attributes(), scores));
        retraining.ended();
        if let Some(crossed) = watched.measured(settings) {
            retraining.start(&settings.retrain, &watched.model, &crossed);
        }
    }
}

/// One model under watch.
struct Watched {
    model: Arc<str>,
    window: Window,
    since: usize,
    /// Features above the threshold.
    above: BTreeSet<String>,
}

impl Watched {
    fn new(model: Arc<str>, snapshot: Snapshot, settings: &DriftSettings) -> Self {
        Self { model, window: Window::new(snapshot, settings.window), since: 0, above: BTreeSet::new() }
    }

    fn is_of(&self, model: &Arc<str>) -> bool {
        self.model == *model
    }

    /// Measures now and then, once there is enough to compare; the features that have just crossed the threshold.
    fn measured(&mut self, settings: &DriftSettings) -> Option<Vec<String>> {
        self.since += 1;
        if self.since < BETWEEN || self.window.len() < settings.window.min(FEWEST) {
            return None;
        }
        self.since = 0;
        let mut crossed = Vec::new();
        for (feature, index) in self.window.drift() {
            DriftMeasured { feature, index }.emit();
            if index > settings.threshold && self.above.insert(feature.to_owned()) {
                Drifted { model: &self.model, feature, index, threshold: settings.threshold }.emit();
                crossed.push(feature.to_owned());
            } else if index < OVER * settings.threshold {
                self.above.remove(feature);
            }
        }
        (!crossed.is_empty()).then_some(crossed)
    }
}

/// What was started, and when.
#[derive(Default)]
struct Retraining {
    running: Option<Child>,
    last: Option<Instant>,
}

impl Retraining {
    /// Sees whether it has ended.
    fn ended(&mut self) {
        let Some(running) = &mut self.running else { return };
        match running.try_wait() {
            Ok(None) => return,
            Ok(Some(status)) => tracing::info!(%status, "what drift had started has ended"),
            Err(error) => tracing::warn!(%error, "how the command ended that drift had started is not known"),
        }
        self.running = None;
    }

    /// Starts the command, unless it still runs, was started too short a while ago, or there is none.
    fn start(&mut self, settings: &Retrain, model: &str, crossed: &[String]) {
        let Some((program, arguments)) = settings.command.split_first() else { return };
        self.ended();
        if self.running.is_some() {
            return;
        }
        if self.last.is_some_and(|last| last.elapsed() < settings.at_most_every) {
            return;
        }
        self.last = Some(Instant::now());
        let started = Command::new(program)
            .args(arguments)
            .env("OUTFITTER_DRIFT_MODEL", model)
            .env("OUTFITTER_DRIFT_FEATURES", crossed.join(","))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        match started {
            Ok(child) => {
                RetrainStarted { model, error: None }.emit();
                self.running = Some(child);
            }
            Err(error) => RetrainStarted { model, error: Some(&error) }.emit(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::watched;
    use super::*;
    use std::time::Duration;

    fn settings() -> DriftSettings {
        let retrain = Retrain { command: Vec::new(), at_most_every: Duration::ZERO };
        DriftSettings { window: 500, every: Duration::ZERO, threshold: 0.25, retrain }
    }

    /// Sessions of these lengths, as the thread takes them; the features that crossed, in order.
    fn crossings(by: &Arc<Matched>, lengths: impl Iterator<Item = usize>) -> Vec<String> {
        let snapshot = by.served().snapshot().unwrap().clone();
        let mut watched = Watched::new(by.served().name().clone(), snapshot, &settings());
        let mut crossed = Vec::new();
        for length in lengths {
            let vector = by.served().encode(&[&super::super::fixture::session(length)]).unwrap().remove(0);
            let scores = by.best(&vector, SCORES);
            watched.window.push(&Sighting::new(length, 1, by.served().attributes(), scores));
            crossed.extend(watched.measured(&settings()).unwrap_or_default());
        }
        crossed
    }

    #[test]
    fn sessions_as_measured_cross_nothing_and_longer_ones_cross_once() {
        let by = watched();
        assert_eq!(crossings(&by, (0..2_000).map(|n| n % 4)), Vec::<String>::new());
        let mut crossed = crossings(&by, (0..1_000).map(|n| n % 4).chain((0..3_000).map(|n| 30 + n % 4)));
        crossed.retain(|feature| feature == "length");
        assert_eq!(crossed, ["length"], "once, and not again while it stays");
        let back_and_forth = (0..4).flat_map(|round| (0..1_000).map(move |n| if round % 2 == 0 { n % 4 } else { 40 }));
        let mut crossed = crossings(&by, back_and_forth);
        crossed.retain(|feature| feature == "length");
        assert_eq!(crossed.len(), 2, "each time anew");
    }

    #[test]
    fn what_was_named_is_started_without_a_shell_and_never_twice_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let told = folder.path().join("told; echo");
        let script = r#"echo "$OUTFITTER_DRIFT_MODEL $OUTFITTER_DRIFT_FEATURES" >> "$0"; sleep 0.3"#;
        let command = ["sh", "-c", script, told.to_str().unwrap()].map(str::to_owned).to_vec();
        let settings = Retrain { command, at_most_every: Duration::ZERO };
        let mut retraining = Retraining::default();
        retraining.start(&settings, "shop/1", &["length".to_owned(), "score".to_owned()]);
        retraining.start(&settings, "shop/1", &["category".to_owned()]);
        retraining.running.as_mut().unwrap().wait().unwrap();
        assert_eq!(std::fs::read_to_string(&told).unwrap(), "shop/1 length,score\n");
        // It has ended; another is started, unless that would be too soon.
        let day = Retrain { at_most_every: Duration::from_secs(86_400), ..settings.clone() };
        retraining.start(&day, "shop/1", &["category".to_owned()]);
        assert!(retraining.running.is_none());
        retraining.start(&settings, "shop/2", &["category".to_owned()]);
        retraining.running.as_mut().unwrap().wait().unwrap();
        assert_eq!(std::fs::read_to_string(&told).unwrap(), "shop/1 length,score\nshop/2 category\n");
        let missing = Retrain { command: vec!["no such program".to_owned()], ..settings };
        retraining.start(&missing, "shop/2", &["score".to_owned()]);
        assert!(retraining.running.is_none(), "it is said and that is all");
    }

    #[test]
    fn a_session_is_taken_now_and_then_and_none_is_waited_for() {
        let by = watched();
        let vector: Arc<[f32]> = by.served().encode(&[&super::super::fixture::session(3)]).unwrap().remove(0).into();
        let watcher = Watcher::new(DriftSettings { every: Duration::from_secs(3_600), ..settings() });
        let receiver = watcher.listen();
        (0..5).for_each(|_| watcher.see(&by, 3, 1, &vector));
        assert_eq!(receiver.try_iter().count(), 1);
        // A full queue is no wait.
        let watcher = Watcher::new(settings());
        let (sender, receiver) = sync_channel(2);
        assert!(watcher.thread.set(Some(sender)).is_ok());
        (0..9).for_each(|_| watcher.see(&by, 3, 1, &vector));
        assert_eq!(receiver.try_iter().count(), 2);
        let off = Watcher::new(DriftSettings { window: 0, ..settings() });
        off.see(&by, 3, 1, &vector);
        assert!(off.thread.get().is_none());
    }
}
