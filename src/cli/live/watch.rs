//! When to look again: signals, changed files, intervals.

use super::Keeper;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, MissedTickBehavior};
use xxhash_rust::xxh3::Xxh3;

/// Between two looks at the files. By content, so that a volume of Kubernetes, which swaps links and keeps times, is seen
/// as well as an editor; reading some kilobytes so often costs nothing.
const LOOK: Duration = Duration::from_secs(2);

/// How far down a folder is looked into.
const DEEPEST: usize = 8;

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
        let mut settings = Watched::new(self.file.iter().cloned().collect());
        let (mut schema, mut documents) = (Watched::new(Vec::new()), Watched::new(Vec::new()));
        let mut model = Watched::new(self.model_pointer().into_iter().collect());
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
                    if model.paths != pointer.as_slice() {
                        model = Watched::new(pointer.into_iter().collect());
                        // It may name no version yet, and then the one before is no longer served.
                        self.forget_model();
                        self.read_model().await;
                    } else if model.changed().await {
                        self.read_model().await;
                    }
                    let now = self.settings.load_full();
                    if schema.changed_among(now.platform.schema.as_slice()).await {
                        self.schema.notify_one();
                    }
                    if documents.changed_among(&now.persisted.safelist).await {
                        self.read_documents().await;
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

/// Files and folders by their content.
struct Watched {
    paths: Vec<PathBuf>,
    /// The hash of the content last reported.
    known: Option<u64>,
    /// The hash of another content, seen once.
    seen: Option<u64>,
}

impl Watched {
    /// Nothing is known of them: what they held when they were read at start may be gone already, so they count as changed
    /// once.
    fn new(paths: Vec<PathBuf>) -> Self {
        Self { paths, known: None, seen: None }
    }

    /// As [`Watched::changed`], of the paths that the settings name now.
    async fn changed_among(&mut self, paths: &[PathBuf]) -> bool {
        if self.paths != paths {
            *self = Self::new(paths.to_owned());
        }
        self.changed().await
    }

    /// Whether they hold something else, and held it at the last look too: what is being written is left until it is
    /// whole. What cannot be read has not changed.
    async fn changed(&mut self) -> bool {
        let now = hash(&self.paths).await;
        let before = std::mem::replace(&mut self.seen, now);
        if now.is_none() || now == self.known || now != before {
            return false;
        }
        self.known = now;
        true
    }
}

/// `None` where there is nothing, or something cannot be read.
async fn hash(paths: &[PathBuf]) -> Option<u64> {
    if paths.is_empty() {
        return None;
    }
    let paths = paths.to_owned();
    let hashed = tokio::task::spawn_blocking(move || {
        let mut hasher = Xxh3::new();
        paths.iter().try_for_each(|path| put(path, &mut hasher, 0)).ok().map(|()| hasher.digest())
    });
    hashed.await.ok().flatten()
}

/// A file's bytes, or all that lies in a folder, with the names.
fn put(path: &Path, hasher: &mut Xxh3, depth: usize) -> std::io::Result<()> {
    hasher.update(path.as_os_str().as_encoded_bytes());
    if !std::fs::metadata(path)?.is_dir() {
        hasher.update(&std::fs::read(path)?);
        return Ok(());
    }
    let mut inside =
        std::fs::read_dir(path)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>()?;
    inside.sort();
    // A link may lead back up.
    inside.iter().filter(|_| depth < DEEPEST).try_for_each(|path| put(path, hasher, depth + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_change_counts_once_it_was_seen_twice_and_only_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings.toml");
        std::fs::write(&path, "one").unwrap();
        let mut watched = Watched::new(vec![path.clone()]);
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

    #[tokio::test]
    async fn a_folder_changes_with_what_lies_in_it_and_other_paths_are_looked_at_anew() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("more")).unwrap();
        let file = folder.path().join("more/one.graphql");
        std::fs::write(&file, "{ a }").unwrap();
        let paths = [folder.path().to_owned()];
        let mut watched = Watched::new(Vec::new());
        assert!(!watched.changed_among(&[]).await && !watched.changed_among(&[]).await, "nothing is nothing new");
        assert!(!watched.changed_among(&paths).await && watched.changed_among(&paths).await);
        assert!(!watched.changed_among(&paths).await);
        std::fs::rename(&file, folder.path().join("more/two.graphql")).unwrap();
        assert!(!watched.changed_among(&paths).await && watched.changed_among(&paths).await);
    }
}
