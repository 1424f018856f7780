//! Why the platform gave no usable answer, in the gateway's terms. What a client reads of it is [`super::error`]'s to say.

use http::header::RETRY_AFTER;
use http::{HeaderMap, HeaderValue, StatusCode};

/// Why the platform gave no usable answer. Inside only: addresses and statuses are for the log.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamError {
    /// No connection, or it broke.
    #[error("the platform at {address} could not be reached: {cause}")]
    Unreachable {
        /// Host and port.
        address: String,
        /// What the connector says.
        cause: String,
    },
    /// It has too much to do, and says so in a way of its own: a page, mostly.
    #[error("the platform answered {status} with something that is no GraphQL answer")]
    Busy {
        /// 429 or 503.
        status: StatusCode,
        /// Its `Retry-After`.
        after: Option<HeaderValue>,
    },
    /// Nothing is sent to it for a while: too much failed.
    #[error("the circuit to the platform is open")]
    Open {
        /// Until it may be worth another try.
        seconds: u64,
    },
    /// No answer in time.
    #[error("the platform at {address} did not answer within {milliseconds} ms")]
    Timeout {
        /// Host and port.
        address: String,
        /// The limit.
        milliseconds: u64,
    },
    /// More than `limits.upstream_answer`.
    #[error("the platform's answer is larger than {limit} bytes (limits.upstream_answer)")]
    TooLarge {
        /// Bytes.
        limit: u64,
    },
    /// Not a GraphQL answer.
    #[error("the platform answered {status} with something that is no GraphQL answer: {reason}")]
    NotGraphql {
        /// The HTTP status.
        status: u16,
        /// What is wrong with it; never its body.
        reason: String,
    },
}

impl UpstreamError {
    /// An answer that is none of GraphQL, by its head; `reason`: what is wrong with it, never its body.
    pub fn foreign(status: StatusCode, headers: &HeaderMap, reason: String) -> Self {
        match status {
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
                Self::Busy { status, after: headers.get(RETRY_AFTER).cloned() }
            }
            _ => Self::NotGraphql { status: status.as_u16(), reason },
        }
    }
}
