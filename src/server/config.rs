//! `[server]`: addresses, patience and which pages may call.

use axum::http::{HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

/// How the gateway listens. Every key may be left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where to listen. Default `127.0.0.1:4000`.
    pub listen: SocketAddr,
    /// Origins whose pages may call with credentials, written as browsers send them: `https://shop.example`. `*` alone
    /// lets every page call, without credentials. Default none.
    pub origins: Vec<String>,
    /// Block what a foreign page can send without asking (see `docs/security.md`). Default on.
    pub csrf: bool,
    /// Compress whole answers of 1 KiB and more. Default on.
    pub compression: bool,
    /// The header in which a trusted proxy writes the shopper's address; its last entry counts. Set it only behind a
    /// proxy that writes it itself. Default none: the address of the connection.
    pub client_address_header: Option<String>,
    /// How long the head of a request may take to arrive, also its first byte. Default 10 s.
    #[serde(with = "humantime_serde")]
    pub header_timeout: Duration,
    /// How long a body may take to arrive. Default 15 s.
    #[serde(with = "humantime_serde")]
    pub body_timeout: Duration,
    /// How long a request may take until its answer begins. Default 30 s.
    #[serde(with = "humantime_serde")]
    pub request_timeout: Duration,
    /// How long a client may take to take 16 KiB of an answer that waits for it, before its connection is cut. Default 30 s.
    #[serde(with = "humantime_serde")]
    pub reader_timeout: Duration,
    /// How long an HTTP/2 connection stays open on which nothing is asked for. Default 75 s.
    #[serde(with = "humantime_serde")]
    pub idle_timeout: Duration,
    /// How long requests in flight may take to end after the signal to stop. Default 30 s.
    #[serde(with = "humantime_serde")]
    pub grace: Duration,
    /// The most requests in flight; one more is answered 503. Default 4,096.
    pub requests: usize,
    /// The most connections; one more waits until another closes. Default 8,192.
    pub connections: usize,
    /// TLS on this port.
    pub tls: TlsConfig,
}

/// `[server.tls]`: the certificate, where nothing before the gateway ends TLS. The files are read again when they change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TlsConfig {
    /// The certificate and after it those that lead to its authority, as PEM. Default none: plain HTTP.
    pub certificate: Option<PathBuf>,
    /// Its private key as PEM: PKCS#8, SEC1 or PKCS#1, not encrypted. Default none.
    pub key: Option<PathBuf>,
    /// For how long browsers are told to come over TLS alone (`Strict-Transport-Security`). Default none: not told.
    #[serde(with = "humantime_serde")]
    pub hsts: Option<Duration>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 4000)),
            origins: Vec::new(),
            csrf: true,
            compression: true,
            client_address_header: None,
            header_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(15),
            request_timeout: Duration::from_secs(30),
            reader_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(75),
            grace: Duration::from_secs(30),
            requests: 4096,
            connections: 8192,
            tls: TlsConfig::default(),
        }
    }
}

/// A setting of `[server]` that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// An origin that no browser sends.
    #[error("server.origins: \"{0}\" is no origin; write it as scheme://host or scheme://host:port, without a path")]
    Origin(String),
    /// `*` among others.
    #[error("server.origins: \"*\" must stand alone; name the origins, or let every page call without credentials")]
    Wildcard,
    /// No header has this name.
    #[error("server.client_address_header: \"{0}\" is no header name")]
    Header(String),
    /// A limit that serves nobody.
    #[error("server.{0} must be at least 1")]
    Zero(&'static str),
    /// A certificate without its key, or a key without its certificate.
    #[error("server.tls.{named} is set and server.tls.{missing} is not; name both files, or neither for plain HTTP")]
    Pair {
        /// The one that is there.
        named: &'static str,
        /// The other.
        missing: &'static str,
    },
}

/// Which pages may call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Origins {
    /// Every page, without credentials.
    Any,
    /// These, with credentials.
    Listed(Vec<HeaderValue>),
}

impl Origins {
    /// Whether a page of this origin was let in by name or wildcard.
    pub(super) fn allow(&self, origin: &HeaderValue) -> bool {
        match self {
            Self::Any => true,
            Self::Listed(origins) => origins.contains(origin),
        }
    }
}

impl Config {
    /// The origins as the middleware compares them.
    pub(super) fn parsed_origins(&self) -> Result<Origins, ConfigError> {
        if self.origins.iter().any(|origin| origin == "*") {
            return if self.origins.len() == 1 { Ok(Origins::Any) } else { Err(ConfigError::Wildcard) };
        }
        self.origins.iter().map(|text| origin(text)).collect::<Result<_, _>>().map(Origins::Listed)
    }

    /// The trusted proxy's header.
    pub(super) fn parsed_header(&self) -> Result<Option<HeaderName>, ConfigError> {
        let Some(name) = &self.client_address_header else { return Ok(None) };
        name.parse().map(Some).map_err(|_| ConfigError::Header(name.clone()))
    }

    /// Limits that let something through.
    pub(super) fn checked_limits(&self) -> Result<(), ConfigError> {
        match (self.requests, self.connections) {
            (0, _) => Err(ConfigError::Zero("requests")),
            (_, 0) => Err(ConfigError::Zero("connections")),
            _ => Ok(()),
        }
    }
}

/// An origin in the very form that browsers send, so that comparing bytes is enough.
fn origin(text: &str) -> Result<HeaderValue, ConfigError> {
    let wrong = || ConfigError::Origin(text.to_owned());
    let url = url::Url::parse(text).map_err(|_| wrong())?;
    if !url.has_host() || url.origin().ascii_serialization() != text.to_ascii_lowercase() {
        return Err(wrong());
    }
    HeaderValue::from_str(&text.to_ascii_lowercase()).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_written_as_browsers_send_them() {
        let parsed = |origins: &[&str]| {
            let origins = origins.iter().map(|&origin| origin.to_owned()).collect();
            Config { origins, ..Config::default() }.parsed_origins()
        };
        assert!(parsed(&["https://shop.example", "http://localhost:3000"]).is_ok());
        assert_eq!(parsed(&["*"]).unwrap(), Origins::Any);
        assert!(matches!(parsed(&["*", "https://a.example"]), Err(ConfigError::Wildcard)));
        for wrong in
            ["shop.example", "https://shop.example/", "https://shop.example/path", "null", "https://a.example:443"]
        {
            assert!(matches!(parsed(&[wrong]), Err(ConfigError::Origin(_))), "{wrong}");
        }
    }
}
