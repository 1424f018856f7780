//! `[store.redis]`.

use bytesize::ByteSize;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::time::Duration;

/// State that several replicas share. Every key may be left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RedisConfig {
    /// What every key begins with, so that several shops can share one Redis. Default `outfitter`.
    pub prefix: String,
    /// A certificate authority as PEM, for a Redis (`rediss://`) whose certificate the system does not trust. Default none.
    pub ca: Option<PathBuf>,
    /// How long a request waits for what is known of its shopper; then it goes on without. Default 20 ms.
    #[serde(with = "humantime_serde")]
    pub read_timeout: Duration,
    /// How long a change may take, each try of it, and reading what is on file for an event. Default 250 ms.
    #[serde(with = "humantime_serde")]
    pub write_timeout: Duration,
    /// On how many replicas of Redis what is acknowledged is before: accepted events, consent, erasures, logins. Default 1
    /// with sentinels or a cluster, where a fail-over would lose it; else none.
    pub replicas: Option<u32>,
    /// How long that may take beyond the change itself. Default 100 ms.
    #[serde(with = "humantime_serde")]
    pub replica_timeout: Duration,
    /// After five failures in a row nothing is sent for this long. Default 1 s.
    #[serde(with = "humantime_serde")]
    pub open_for: Duration,
    /// A shopper without a new event for this long is forgotten. Default 30 days.
    #[serde(with = "humantime_serde")]
    pub shopper_ttl: Duration,
    /// A shopper who said what they agree to is remembered for this long after the last change. Default 400 days.
    #[serde(with = "humantime_serde")]
    pub consent_ttl: Duration,
    /// A decision is kept this long. Default 1 day.
    #[serde(with = "humantime_serde")]
    pub decision_ttl: Duration,
    /// The most decisions kept of one shopper. Default 20.
    pub decisions: u32,
    /// What they may take of one shopper, about: beyond, the oldest go, and the newest stays. Default 1.5 KiB.
    pub decisions_size: ByteSize,
}

impl Default for RedisConfig {
    fn default() -> Self {
        let day = Duration::from_secs(24 * 60 * 60);
        Self {
            ca: None,
            prefix: "outfitter".to_owned(),
            read_timeout: Duration::from_millis(20),
            write_timeout: Duration::from_millis(250),
            replicas: None,
            replica_timeout: Duration::from_millis(100),
            open_for: Duration::from_secs(1),
            shopper_ttl: day * 30,
            consent_ttl: day * 400,
            decision_ttl: day,
            decisions: 20,
            decisions_size: ByteSize::b(1536),
        }
    }
}
