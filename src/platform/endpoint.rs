//! Where the shop is and how long it may take: the settings of the way to it, and the check of its address.

use super::{breaker, retry};
use bytesize::ByteSize;
use http::Uri;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Where the shop is and how long it may take.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The shop's GraphQL endpoint, such as `https://shop.example.com/api/2026-04/graphql.json`. Default: none.
    pub url: Option<String>,
    /// A PEM file of certificate authorities to trust beside the public ones, for a shop behind a private one.
    /// Default: none.
    pub ca: Option<std::path::PathBuf>,
    /// From the request sent to the head of the answer, and for an answer that is buffered to its end. Default: 10s.
    #[serde(with = "humantime_serde")]
    pub timeout: Duration,
    /// To connect, TCP alone. Default: 2s.
    #[serde(with = "humantime_serde")]
    pub connect_timeout: Duration,
    /// The longest silence within a streamed answer. Default: 30s.
    #[serde(with = "humantime_serde")]
    pub read_timeout: Duration,
    /// How long an unused connection is kept. Default: 60s.
    #[serde(with = "humantime_serde")]
    pub idle_timeout: Duration,
    /// How many unused connections are kept. Default: 128.
    pub max_idle: usize,
    /// The longest answer that is buffered, decompressed. Default: 32 MiB.
    pub max_answer: ByteSize,
    /// The second try of a query.
    pub retry: retry::Config,
    /// When nothing is sent at all.
    pub breaker: breaker::Config,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            url: None,
            ca: None,
            timeout: Duration::from_secs(10),
            connect_timeout: Duration::from_secs(2),
            read_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(60),
            max_idle: 128,
            max_answer: ByteSize::mib(32),
            retry: retry::Config::default(),
            breaker: breaker::Config::default(),
        }
    }
}

/// Why a client could not be made. Read by operators at start.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamConfigError {
    /// No address was given.
    #[error("the shop's address is missing: set upstream.url or pass --upstream")]
    Missing,
    /// The address is not one.
    #[error(
        "upstream.url is not an address: {0}; write http:// or https://, a host and the path of the GraphQL endpoint"
    )]
    Url(String),
    /// The authorities to trust cannot be used.
    #[error(transparent)]
    Trust(#[from] super::trust::TrustError),
}

/// The address of an endpoint: absolute, `http` or `https`, without user and password, which would end up in errors.
pub(super) fn endpoint(text: &str) -> Result<Uri, UpstreamConfigError> {
    let url = url::Url::parse(text).map_err(|error| UpstreamConfigError::Url(error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(UpstreamConfigError::Url(format!("the scheme is {}", url.scheme())));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(UpstreamConfigError::Url("it holds a user or a password".into()));
    }
    let plain = text.split('#').next().unwrap_or(text);
    plain.parse().map_err(|error: http::uri::InvalidUri| UpstreamConfigError::Url(error.to_string()))
}
