//! Why the shop gave no answer, for the client to it ([`super::upstream`]) and the reading of answers.

use bytesize::ByteSize;
use hyper_util::client::legacy;
use std::error::Error;
use std::io::ErrorKind;
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
    /// The head of the answer is not HTTP, or too large.
    #[error("the head of the shop's answer cannot be read: {0}")]
    Head(String),
    /// Too much of what was sent lately failed; nothing is sent for so long.
    #[error("the circuit to the shop is open; nothing is sent to it for {0:?}")]
    Open(Duration),
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
            Self::Connect(_) | Self::Send(_) | Self::Open(_) => "UPSTREAM_UNREACHABLE",
            Self::Timeout(_) => "UPSTREAM_TIMEOUT",
            Self::Head(_) | Self::Read(_) | Self::TooLarge(_) | Self::Encoding(_) => "UPSTREAM_INVALID",
            Self::Query(_) => "BAD_REQUEST",
        }
    }

    /// What a client may read: no address, no cause.
    pub fn public(&self) -> &'static str {
        match self {
            Self::Connect(_) | Self::Send(_) | Self::Open(_) => "The shop cannot be reached. Try again in a moment.",
            Self::Timeout(_) => "The shop did not answer in time. Try again in a moment.",
            Self::Head(_) | Self::Read(_) | Self::TooLarge(_) | Self::Encoding(_) => {
                "The shop's answer could not be used."
            }
            Self::Query(_) => "The query string of the request cannot be read.",
        }
    }

    /// What the transport says; and whether the connection broke, so that the request could be sent again.
    pub(super) fn of(error: &legacy::Error) -> (Self, bool) {
        if error.is_connect() {
            return (Self::Connect(causes(error)), broke(error));
        }
        let is_parse = |error: &(dyn Error + 'static)| error.downcast_ref().is_some_and(hyper::Error::is_parse);
        if chain(error).any(is_parse) {
            return (Self::Head(causes(error)), false);
        }
        (Self::Send(causes(error)), true)
    }
}

fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error: &&'a (dyn Error + 'static)| (*error).source())
}

/// An error with all its causes: hyper's own text is only "client error (Connect)".
fn causes(error: &legacy::Error) -> String {
    let texts: Vec<String> = chain(error).map(ToString::to_string).collect();
    texts.join(": ")
}

/// Whether a connection was refused or torn while it was made. A certificate that does not fit is neither.
fn broke(error: &legacy::Error) -> bool {
    use ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionRefused, ConnectionReset, UnexpectedEof};
    let torn = [ConnectionRefused, ConnectionReset, ConnectionAborted, BrokenPipe, UnexpectedEof];
    chain(error).filter_map(|cause| cause.downcast_ref::<std::io::Error>()).any(|io| torn.contains(&io.kind()))
}
