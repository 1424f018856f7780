//! Why the shop gave no answer, for the client to it ([`super::upstream`]) and the reading of answers.

use bytesize::ByteSize;
use std::time::Duration;

/// Why the shop gave no answer. Its text stays inside; [`UpstreamError::public`] is what a client may read.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamError {
    /// No connection, or none that TLS accepts.
    #[error("no connection to the shop: {0}")]
    Connect(String),
    /// The connection broke before the head of the answer.
    #[error("the request to the shop failed: {0}")]
    Send(String),
    /// The answer broke off.
    #[error("the answer of the shop broke off: {0}")]
    Read(String),
    /// Too slow.
    #[error("the shop did not answer within {0:?}")]
    Timeout(Duration),
    /// Longer than `upstream.max_answer`.
    #[error("the answer of the shop is longer than {0}; raise upstream.max_answer if that is right")]
    TooLarge(ByteSize),
    /// A content encoding that was not asked for, or bytes that are not of it.
    #[error("the answer of the shop cannot be decoded: {0}")]
    Encoding(String),
    /// The query string cannot be part of an address.
    #[error("the query string cannot be forwarded: {0}")]
    Query(String),
}

impl UpstreamError {
    /// A stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Connect(_) | Self::Send(_) => "UPSTREAM_UNREACHABLE",
            Self::Timeout(_) => "UPSTREAM_TIMEOUT",
            Self::Read(_) | Self::TooLarge(_) | Self::Encoding(_) => "UPSTREAM_INVALID",
            Self::Query(_) => "BAD_REQUEST",
        }
    }

    /// What a client may read: no address, no cause.
    pub fn public(&self) -> &'static str {
        match self {
            Self::Connect(_) | Self::Send(_) => "The shop cannot be reached. Try again in a moment.",
            Self::Timeout(_) => "The shop did not answer in time. Try again in a moment.",
            Self::Read(_) | Self::TooLarge(_) | Self::Encoding(_) => "The shop's answer could not be used.",
            Self::Query(_) => "The query string of the request cannot be read.",
        }
    }
}
