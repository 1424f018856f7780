//! Documents by name: the second stage of a request, between envelope and classify.
//!
//! Two things share it. *Automatic persisted queries*: a client sends the SHA-256 of its document alone, and once more
//! with the text where the hash is not known yet ([`remembered`]). The *safelist*: documents that the shop has registered
//! ([`safelist`], read from the files of [`manifest`]), found by id or text, and with `enforce` the only ones served.
//!
//! What a name stands for goes on as if its text had been sent: limits, classification, the refusal of mutations by GET
//! are those of the text. Towards the platform the text is put in ([`rewrite`]). Only a document that has passed the
//! limits and parses is remembered ([`Persisted::admit`] runs after classification).
//!
//! Source: Apollo's protocol of automatic persisted queries; the appendix on persisted documents of GraphQL over HTTP.

pub mod manifest;
pub mod remembered;
pub mod rewrite;
pub mod safelist;

use super::classify::Classified;
use super::envelope::Envelope;
use super::error::RequestError;
use super::limits::Limits;
use crate::telemetry::events::{DocumentUnregistered, PersistedAsked};
use apollo_compiler::ast::Selection;
use bytesize::ByteSize;
use manifest::ManifestError;
use remembered::Remembered;
use safelist::{Safelist, sha256};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::sync::Arc;

/// `[persisted]`: documents by hash and registered documents. Every key may be left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Who knows the documents that clients name by hash. Default: here.
    pub automatic: Automatic,
    /// Memory for them, about. Default: 16 MiB.
    pub memory: ByteSize,
    /// Files and folders of registered documents. Default: none.
    pub safelist: Vec<PathBuf>,
    /// What becomes of a document that is not registered. Default: off, it is served.
    pub enforce: Enforce,
    /// Whether operations that only introspect are served although they are not registered. Default: false.
    pub introspection: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            automatic: Automatic::Here,
            memory: ByteSize::mib(16),
            safelist: Vec::new(),
            enforce: Enforce::Off,
            introspection: false,
        }
    }
}

/// Who knows the documents that clients name by hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Automatic {
    /// The gateway.
    Here,
    /// The platform: hashes pass through.
    Upstream,
    /// Nobody: clients are told to send text.
    Off,
}

/// What becomes of a document that is not registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Enforce {
    /// It is served.
    Off,
    /// It is served; its hash is logged.
    Log,
    /// It is refused.
    On,
}

/// Documents by name, for one gateway.
#[derive(Debug)]
pub struct Persisted {
    automatic: Automatic,
    enforce: Enforce,
    introspection: bool,
    remembered: Remembered,
    safelist: Safelist,
}

/// What became of a request's document.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Named {
    /// The platform has to be sent another request than the one that came.
    pub rewrite: bool,
    /// To be remembered under this hash, which is that of the text.
    remember: Option<[u8; 32]>,
    /// Neither registered nor refused yet.
    unregistered: bool,
}

impl Persisted {
    /// Reads the registered documents. What was `remembered` by an earlier gateway stays known.
    /// Errors: a file that cannot be used, or enforcement of a list that is empty.
    pub fn open(config: &Config, limits: &Limits, remembered: Remembered) -> Result<Self, ManifestError> {
        let safelist = Safelist::read(&config.safelist, limits)?;
        if safelist.is_empty() && config.enforce != Enforce::Off {
            return Err(ManifestError::Nothing);
        }
        let Config { automatic, enforce, introspection, .. } = *config;
        Ok(Self { automatic, enforce, introspection, remembered, safelist })
    }

    /// Whether the files register other documents now than when they were read.
    /// Errors: a file that cannot be used.
    pub fn is_outdated(&self, config: &Config, limits: &Limits) -> Result<bool, ManifestError> {
        Ok(Safelist::read(&config.safelist, limits)? != self.safelist)
    }

    /// Puts the text of a document that the request names into its envelope. Afterwards `envelope.query` is `None` only
    /// where the platform is to find the document.
    ///
    /// Errors: a hash that is not known or not the text's, a document that is not registered where that is required.
    pub fn name(&self, envelope: &mut Envelope) -> Result<Named, RequestError> {
        // Nearly every request leaves here.
        if envelope.persisted.is_none() && self.enforce == Enforce::Off && envelope.query.is_some() {
            return Ok(Named::default());
        }
        let mut named = match &envelope.query {
            None => self.find(envelope)?,
            Some(text) => self.sent(text, envelope.persisted)?,
        };
        let Some(text) = envelope.query.as_ref().filter(|_| self.enforce != Enforce::Off) else { return Ok(named) };
        // The platform gets to see a request of ours only: what else stood in this one was read by nobody.
        named.rewrite |= self.enforce == Enforce::On;
        if let Some(registered) = self.safelist.text(text) {
            if self.enforce == Enforce::On {
                named.remember = named.remember.filter(|_| **registered == **text);
                envelope.query = Some(Arc::clone(registered));
            }
        } else if self.enforce == Enforce::On && !self.introspection {
            return Err(unregistered());
        } else {
            named.unregistered = true;
        }
        Ok(named)
    }

    /// The document of a request without text.
    fn find(&self, envelope: &mut Envelope) -> Result<Named, RequestError> {
        if let Some(hash) = envelope.persisted {
            let remembered = || (self.automatic == Automatic::Here).then(|| self.remembered.get(&hash)).flatten();
            envelope.query = self.safelist.hash(&hash).cloned().or_else(remembered);
        } else if let Some(id) = &envelope.document_id {
            envelope.query = self.safelist.id(id).cloned();
        }
        if envelope.query.is_some() {
            PersistedAsked { outcome: "known" }.emit();
            return Ok(Named { rewrite: true, ..Named::default() });
        }
        if self.enforce == Enforce::On {
            return Err(unregistered());
        }
        PersistedAsked { outcome: "unknown" }.emit();
        if envelope.persisted.is_none() {
            // A name by itself means something only where documents are registered.
            let nothing = self.safelist.is_empty();
            return Err(if nothing { RequestError::MissingQuery } else { RequestError::NotRegistered });
        }
        match self.automatic {
            Automatic::Here => Err(RequestError::PersistedNotFound),
            Automatic::Off => Err(RequestError::PersistedUnsupported),
            Automatic::Upstream => Ok(Named::default()),
        }
    }

    /// A text, with its hash where the client wants it remembered.
    fn sent(&self, text: &str, hash: Option<[u8; 32]>) -> Result<Named, RequestError> {
        let Some(hash) = hash else { return Ok(Named::default()) };
        match self.automatic {
            Automatic::Here if sha256(text) != hash => Err(RequestError::PersistedMismatch),
            Automatic::Here => Ok(Named { rewrite: true, remember: Some(hash), ..Named::default() }),
            Automatic::Off => Ok(Named { rewrite: true, ..Named::default() }),
            Automatic::Upstream => Ok(Named::default()),
        }
    }

    /// Lets a classified document through, and remembers it where its client asked for that. What does not parse here is
    /// not kept, though it may be served.
    /// Errors: [`RequestError::NotRegistered`].
    pub fn admit(&self, named: Named, document: &Classified) -> Result<(), RequestError> {
        if named.unregistered {
            if self.enforce == Enforce::On && !only_introspects(document) {
                return Err(unregistered());
            }
            DocumentUnregistered { hash: &sha256(&document.text) }.emit();
        }
        if let Some(hash) = named.remember.filter(|_| !document.operations.is_empty()) {
            PersistedAsked { outcome: "remembered" }.emit();
            self.remembered.insert(hash, Arc::clone(&document.text));
        }
        Ok(())
    }
}

fn unregistered() -> RequestError {
    PersistedAsked { outcome: "refused" }.emit();
    RequestError::NotRegistered
}

/// Whether every operation asks for the schema and nothing else.
fn only_introspects(document: &Classified) -> bool {
    let schema = |selection: &Selection| match selection {
        Selection::Field(field) => matches!(field.name.as_str(), "__schema" | "__type" | "__typename"),
        _ => false,
    };
    let whole = |operation: &super::classify::Operation| operation.definition.selection_set.iter().all(schema);
    !document.operations.is_empty() && document.operations.iter().all(whole)
}

#[cfg(test)]
mod tests;
