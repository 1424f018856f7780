//! When to look again: signals, changed files, intervals.

use super::Keeper;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, MissedTickBehavior};

/// Between two looks at the files. By content, so that a volume of Kubernetes, which swaps links and keeps times, is seen
/// as well as an editor; reading some kilobytes so often costs nothing.
const LOOK: Duration = Duration::from_secs(2);

/// The signals that ask for another look. Made before anything is served: until then they end the process.
pub(in crate::cli) struct Signals {
    #[cfg(unix)]
    all: tokio::signal::unix::Signal,
    #[cfg(unix)]
    schema: tokio::signal::unix::Signal,
}

/// What a signal asks for.
enum Asked {
    /// Settings, secrets, schema.
    All,
    /// The schema.
    #[cfg(unix)]
    Schema,
}

impl Signals {
    /// Listens to SIGHUP and SIGUSR1, where the system has them. Errors: the system refuses.
    pub(in crate::cli) fn new() -> std::io::Result<Self> {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            Ok(Self { all: signal(SignalKind::hangup())?, schema: signal(SignalKind::user_defined1())? })
        }
        #[cfg(not(unix))]
        Ok(Self {})
    }

    async fn next(&mut self) -> Asked {
        #[cfg(unix)]
        tokio::select! {
            Some(()) = self.all.recv() => return Asked::All,
            Some(()) = self.schema.recv() => return Asked::Schema,
            else => {}
        }
        std::future::pending().await
    }
}

impl Keeper {
    /// Looks again whenever there is a reason to.
    pub(super) async fn watch(self: &Arc<Self>, mut signals: Signals) {
        let mut settings = Watched::new(self.file.clone());
        let mut schema = Watched::new(self.settings.load().platform.schema.clone());
        let mut model = Watched::new(self.model_pointer());
        let mut look = tokio::time::interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut secrets_read = Instant::now();
        loop {
            // Read again each time: it is a setting that may have changed.
            let every = Some(self.settings.load().platform.secrets_refresh).filter(|every| !every.is_zero());
            let due = secrets_read + every.unwrap_or(Duration::from_secs(3600)).max(Duration::from_millis(100));
            tokio::select! {
                asked = signals.next() => {
                    if matches!(asked, Asked::All) {
                        self.read_settings().await;
                        self.read_secrets().await;
                        secrets_read = Instant::now();
                        self.read_model().await;
                    }
                    self.schema.notify_one();
                }
                _ = look.tick() => {
                    if settings.changed().await {
                        self.read_settings().await;
                        self.running.state.reloaded.announce();
                    }
                    let pointer = self.model_pointer();
                    if model.path != pointer {
                        model = Watched::new(pointer);
                        // It may name no version yet, and then the one before is no longer served.
                        self.read_model().await;
                    } else if model.changed().await {
                        self.read_model().await;
                    }
                    let file = self.settings.load().platform.schema.clone();
                    if schema.path != file {
                        schema = Watched::new(file);
                    } else if schema.changed().await {
                        self.schema.notify_one();
                    }
                }
                () = tokio::time::sleep_until(due), if every.is_some() => {
                    self.read_secrets().await;
                    secrets_read = Instant::now();
                }
            }
        }
    }
}

/// A file by its content.
struct Watched {
    path: Option<PathBuf>,
    /// The hash of the content last reported.
    known: Option<u64>,
    /// The hash of another content, seen once.
    seen: Option<u64>,
}

impl Watched {
    /// Nothing is known of it: what it held when it was read at start may be gone already, so it counts as changed once.
    fn new(path: Option<PathBuf>) -> Self {
        Self { path, known: None, seen: None }
    }

    /// Whether the file holds something else, and held it at the last look too: one that is being written is left until
    /// it is whole. One that cannot be read has not changed.
    async fn changed(&mut self) -> bool {
        let now = hash(self.path.as_deref()).await;
        let before = std::mem::replace(&mut self.seen, now);
        if now.is_none() || now == self.known || now != before {
            return false;
        }
        self.known = now;
        true
    }
}

async fn hash(path: Option<&Path>) -> Option<u64> {
    let bytes = tokio::fs::read(path?).await.ok()?;
    Some(xxhash_rust::xxh3::xxh3_64(&bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_change_counts_once_it_was_seen_twice_and_only_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings.toml");
        std::fs::write(&path, "one").unwrap();
        let mut watched = Watched::new(Some(path.clone()));
        assert!(!watched.changed().await && watched.changed().await);
        assert!(!watched.changed().await);
        // Half of it, and then all.
        std::fs::write(&path, "").unwrap();
        assert!(!watched.changed().await);
        std::fs::write(&path, "two").unwrap();
        assert!(!watched.changed().await);
        assert!(watched.changed().await);
        assert!(!watched.changed().await);
        std::fs::remove_file(&path).unwrap();
        assert!(!watched.changed().await && !watched.changed().await);
    }
}
