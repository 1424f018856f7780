//! What can go wrong on the way in: [`Refusal`] may be read by the client, [`StartError`] by the operator, and what
//! the store said stays inside ([`Failure::Store`]).

use crate::platform::secret::SecretError;
use crate::store::StoreError;
use std::path::PathBuf;

/// Why a request or a mutation was refused, in words for whoever sent it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The `Outfitter-Session` header does not hold a session id.
    #[error(
        "the header Outfitter-Session is not a session id: send 1 to 128 printable ASCII characters without spaces"
    )]
    BadSession,
    /// The `Outfitter-Consent` header holds a word that names no purpose. The word is cut to 32 characters.
    #[error(
        "the header Outfitter-Consent does not know `{0}`: send analytics, preferences, marketing and sale-of-data, \
         separated by commas, or all, or none"
    )]
    BadConsent(String),
    /// Consent cannot be put on file, and nothing can be erased, without knowing whose.
    #[error("there is no session: send the header Outfitter-Session, or sign the customer in")]
    NoSession,
}

impl Refusal {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::BadSession => "PERSONALIZED_BAD_SESSION",
            Self::BadConsent(_) => "PERSONALIZED_BAD_CONSENT",
            Self::NoSession => "PERSONALIZED_NO_SESSION",
        }
    }
}

/// Why consent could not be set or data not erased.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The client can do something about it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The store did not answer. Stays inside: the client reads only that it may try again.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why ingest could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A hashing secret cannot be read.
    #[error("`ingest.secrets`: {0}")]
    Secret(#[from] SecretError),
    /// A hashing secret is too short to protect anything.
    #[error("`ingest.secrets`: secret {position} has fewer than {least} bytes; make one with `openssl rand -hex 32`")]
    ShortSecret {
        /// Which one, from 1.
        position: usize,
        /// The fewest bytes taken.
        least: usize,
    },
    /// The folder of the training log cannot be made.
    #[error("`ingest.record.log.dir`: {path} cannot be created: {source}; check the path and who may write there")]
    LogFolder {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The folder of the spool cannot be made or read.
    #[error("`ingest.spool.dir`: {path} cannot be used: {source}; check the path and who may write there")]
    SpoolFolder {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A secret of webhooks cannot be read.
    #[error("`ingest.webhooks`: {0}")]
    Webhooks(#[from] crate::platform::webhooks::OpenError),
    /// Started outside an asynchronous runtime: a fault of the program.
    #[error("ingest must be started inside the runtime")]
    NoRuntime,
}

/// Why a delivery or a beacon was not taken. The texts are for whoever sent it.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// No secret is configured for webhooks of this platform, or there is no such platform.
    #[error("webhooks of this platform are not taken here; name its secrets or keys under ingest.webhooks")]
    NotTaken,
    /// The delivery is not proven to be the platform's.
    #[error(transparent)]
    Unproven(#[from] crate::platform::news::Unproven),
    /// The body cannot be read.
    #[error(transparent)]
    Unreadable(#[from] crate::platform::news::Unreadable),
    /// A body in no form of events.
    #[error(transparent)]
    NoForm(#[from] super::decode::NoForm),
    /// A header of ours that cannot be read.
    #[error(transparent)]
    Caller(#[from] Refusal),
    /// What it says cannot be kept now.
    #[error("what was sent cannot be kept at the moment; send it again in a few seconds")]
    Later,
}
