//! `[store.decisions]`.

use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::time::Duration;

/// The decision log. Every key may be left out; without `file` and `url` there is no log.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogConfig {
    /// A SQLite file of this process's own, made where it is missing. Default none.
    pub file: Option<PathBuf>,
    /// A PostgreSQL database that replicas share: `postgres://user:password@host/database`. Default none.
    pub url: Option<String>,
    /// The share of decisions that is kept, 0 to 1. Default 1.
    pub sample: f64,
    /// Decisions and outcomes are kept this long. Default 90 days.
    #[serde(with = "humantime_serde")]
    pub max_age: Duration,
    /// The most decisions kept; beyond, the oldest go. Default 1,000,000.
    pub most: u32,
    /// Decisions and outcomes that may wait to be written; beyond, they are dropped and counted. Default 4,096.
    pub queue: usize,
    /// The most that are written at once. Default 256.
    pub batch: usize,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self {
            file: None,
            url: None,
            sample: 1.0,
            max_age: Duration::from_secs(90 * 24 * 60 * 60),
            most: 1_000_000,
            queue: 4_096,
            batch: 256,
        }
    }
}

impl std::fmt::Debug for LogConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The address may hold a password.
        let url = self.url.as_ref().map(|_| "…");
        f.debug_struct("LogConfig").field("file", &self.file).field("url", &url).finish_non_exhaustive()
    }
}
