//! Settings of ingest (`[ingest]`), each with a safe default.

use crate::domain::consent::Consent;
use crate::platform::kept_consent::Attribute;
use crate::platform::secret::Secret;
use crate::platform::webhooks;
use bytesize::ByteSize;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::time::Duration;

/// `[ingest]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Secrets of the keyed hash under which shoppers are stored; the first is in use, the others only find what was
    /// stored before a rotation. Without any, a random one is made at start: every shopper is new after a restart.
    pub secrets: Vec<Secret>,
    /// Consent of a shopper who has said nothing: `analytics, preferences, …`, `all` or `none`. Default: none.
    #[serde(with = "consent_words")]
    pub default_consent: Consent,
    /// The first-party cookie.
    pub cookie: Cookie,
    /// Limits on events.
    pub events: Events,
    /// What is learned from requests that pass through.
    pub traffic: Traffic,
    /// What is kept for training.
    pub record: Record,
    /// Confirmation of customer tokens by the platform.
    pub customer: Customer,
    /// Webhooks of the platforms.
    pub webhooks: webhooks::Config,
    /// Events over HTTP.
    pub beacons: Beacons,
    /// What was acknowledged and cannot be stored yet.
    pub spool: Spool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            secrets: Vec::new(),
            default_consent: Consent::NONE,
            cookie: Cookie::default(),
            events: Events::default(),
            traffic: Traffic::default(),
            record: Record::default(),
            customer: Customer::default(),
            webhooks: webhooks::Config::default(),
            beacons: Beacons::default(),
            spool: Spool::default(),
        }
    }
}

/// `[ingest.cookie]`: the session cookie of the gateway itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Cookie {
    /// Whether it is ever set. Default: true; even then only with consent to preferences and without another session.
    pub enabled: bool,
    /// How long the browser keeps it. Default: 30 days.
    #[serde(with = "humantime_serde")]
    pub max_age: Duration,
}

impl Default for Cookie {
    fn default() -> Self {
        Self { enabled: true, max_age: Duration::from_secs(30 * 86_400) }
    }
}

/// `[ingest.events]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Events {
    /// Older events are refused. Default: 30 days.
    #[serde(with = "humantime_serde")]
    pub max_age: Duration,
    /// Events taken of one shopper a minute, over time. Default: 240.
    pub per_minute: u32,
    /// Events taken of one shopper at once, before the rate counts. Default: 300.
    pub burst: u32,
}

impl Default for Events {
    fn default() -> Self {
        Self { max_age: Duration::from_secs(30 * 86_400), per_minute: 240, burst: 300 }
    }
}

/// `[ingest.traffic]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Traffic {
    /// Whether product views, searches and carts are read off the requests. Default: true.
    pub learn: bool,
    /// Memory for what waits to be learned; beyond it requests pass without being learned. Default: 16 MiB.
    pub memory: ByteSize,
}

impl Default for Traffic {
    fn default() -> Self {
        Self { learn: true, memory: ByteSize::mib(16) }
    }
}

/// `[ingest.record]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Record {
    /// Events kept in memory for the statistics and the demo's page. Default: 10,000.
    pub recent: usize,
    /// The training log on disk; absent: none is written.
    pub log: Option<Log>,
}

impl Default for Record {
    fn default() -> Self {
        Self { recent: 10_000, log: None }
    }
}

/// `[ingest.record.log]`: JSON lines, rotated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// The folder, which is created; nothing else should be in it.
    pub dir: PathBuf,
    /// A file that grows beyond this is closed and a new one begun. Default: 64 MiB.
    #[serde(default = "file_size")]
    pub file_size: ByteSize,
    /// Beyond this the oldest files are deleted. Default: 4 GiB.
    #[serde(default = "total_size")]
    pub total_size: ByteSize,
    /// Files last written longer ago than this are deleted. Default: 90 days.
    #[serde(default = "log_age", with = "humantime_serde")]
    pub max_age: Duration,
    /// Events that may wait to be written; beyond it they are dropped and counted. Default: 8,192.
    #[serde(default = "log_queue")]
    pub queue: usize,
}

fn file_size() -> ByteSize {
    ByteSize::mib(64)
}

fn total_size() -> ByteSize {
    ByteSize::gib(4)
}

fn log_age() -> Duration {
    Duration::from_secs(90 * 86_400)
}

fn log_queue() -> usize {
    8_192
}

/// `[ingest.beacons]`: `POST /events`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Beacons {
    /// The largest body. Default: 1 MiB; browsers send 64 KiB at most.
    pub body: ByteSize,
    /// How long storing all events of a beacon may take. Default: 3s.
    #[serde(with = "humantime_serde")]
    pub patience: Duration,
    /// Beacons in work at once; one more is told to come again. Default: 256.
    pub in_flight: usize,
}

impl Default for Beacons {
    fn default() -> Self {
        Self { body: ByteSize::mib(1), patience: Duration::from_secs(3), in_flight: 256 }
    }
}

/// `[ingest.spool]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Spool {
    /// The folder, which is created; one process's own. Default: none, and what cannot be stored is to be sent again.
    pub dir: Option<PathBuf>,
    /// The most that waits there. Default: 256 MiB.
    pub size: ByteSize,
}

impl Default for Spool {
    fn default() -> Self {
        Self { dir: None, size: ByteSize::mib(256) }
    }
}

/// `[ingest.customer]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Customer {
    /// How long a confirmed token counts without asking again. Default: 60 seconds.
    #[serde(with = "humantime_serde")]
    pub confirmed_for: Duration,
    /// How long a refused token is refused without asking again. Default: 10 seconds.
    #[serde(with = "humantime_serde")]
    pub refused_for: Duration,
    /// How long the platform may take to answer; past it the request counts as signed out. Default: 1 second.
    #[serde(with = "humantime_serde")]
    pub timeout: Duration,
    /// The attribute of customers in which the shop keeps their consent: a metafield of Shopify's, `namespace.key`. It is
    /// read with the answer that confirms a customer, and from webhooks that hold it. Default: none.
    pub consent: Option<Attribute>,
}

impl Default for Customer {
    fn default() -> Self {
        Self {
            confirmed_for: Duration::from_secs(60),
            refused_for: Duration::from_secs(10),
            timeout: Duration::from_secs(1),
            consent: None,
        }
    }
}

/// Consent in the words of the header, so that a configuration reads like a request.
mod consent_words {
    use crate::domain::consent::Consent;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(consent: &Consent, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(consent)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Consent, D::Error> {
        let text = String::deserialize(deserializer)?;
        Consent::parse(&text).map_err(|word| {
            serde::de::Error::custom(format!(
                "`{word}` is no purpose; write analytics, preferences, marketing, sale-of-data, all or none"
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::consent::Purpose;

    #[test]
    fn the_defaults_allow_nothing_and_a_configuration_is_read_in_words() {
        assert_eq!(Config::default().default_consent, Consent::NONE);
        let text = r#"
            default_consent = "analytics, preferences"
            secrets = [{ env = "SHOPPER_SECRET" }]
            [cookie]
            max_age = "7 days"
            [record.log]
            dir = "log"
            file_size = "1 MiB"
        "#;
        let config: Config = toml::from_str(text).unwrap();
        assert!(config.default_consent.allows(Purpose::Preferences));
        assert_eq!(config.cookie.max_age, Duration::from_secs(7 * 86_400));
        assert_eq!(config.record.log.as_ref().map(|log| log.file_size), Some(ByteSize::mib(1)));
        let again: Config = toml::from_str(&toml::to_string(&config).unwrap()).unwrap();
        assert_eq!(again, config);
    }

    #[test]
    fn a_purpose_that_does_not_exist_is_named() {
        let wrong = toml::from_str::<Config>("default_consent = \"tracking\"").unwrap_err().to_string();
        assert!(wrong.contains("`tracking` is no purpose"), "{wrong}");
    }
}
