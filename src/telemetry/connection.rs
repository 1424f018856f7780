//! Connections that the gateway ended by itself, as types: handshakes that came to nothing, clients that took nothing.

use super::names;
use metrics::counter;

/// A connection did not get through its TLS handshake.
#[derive(Clone, Copy, Debug)]
pub struct HandshakeFailed {
    /// `plain`: HTTP without TLS; `foreign`: another protocol; `late`: not within the time; `closed`: the client left;
    /// `alert`: the client refused what it was shown; `invalid`: the two did not come together otherwise.
    pub reason: &'static str,
}

impl HandshakeFailed {
    /// Writes it.
    pub fn emit(self) {
        counter!(names::HANDSHAKES_FAILED, names::REASON => self.reason).increment(1);
        tracing::debug!(reason = self.reason, "a TLS handshake failed");
    }
}

/// A connection was ended because of what its client did not do.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionCut {
    /// `reader`: it took nothing of an answer for too long; `idle`: it asked for nothing for too long.
    pub reason: &'static str,
}

impl ConnectionCut {
    /// Writes it.
    pub fn emit(self) {
        counter!(names::CONNECTIONS_CUT, names::REASON => self.reason).increment(1);
        tracing::debug!(reason = self.reason, "a connection was ended");
    }
}
