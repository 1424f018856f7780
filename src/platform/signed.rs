//! Signatures by a shared secret: HMAC-SHA-256 over raw bytes, compared in constant time, with as many secrets at once as
//! a rotation needs.

use super::secret::{Secret, SecretError};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use http::HeaderMap;
use sha2::Sha256;
use std::fmt;

/// The most secrets in use at once.
const MOST: usize = 8;

/// The secrets by which a platform signs, each absorbed.
pub struct Signers(Vec<Hmac<Sha256>>);

impl Signers {
    /// Reads the secrets, each by `key` from its text. Errors: one that cannot be read.
    pub fn open(secrets: &[Secret], key: impl Fn(&str) -> Vec<u8>) -> Result<Self, SecretError> {
        let mut signers = Vec::new();
        for secret in secrets.iter().take(MOST) {
            let revealed = secret.reveal()?;
            // HMAC takes keys of any length: there is no error.
            signers.extend(Hmac::new_from_slice(&key(revealed.expose())));
        }
        Ok(Self(signers))
    }

    /// Whether one of the secrets signs these parts, in their order, so. Every secret is tried, whichever fits.
    pub fn sign(&self, parts: &[&[u8]], signature: &[u8]) -> bool {
        self.0.iter().fold(false, |fits, signer| {
            let mut signer = signer.clone();
            parts.iter().for_each(|part| signer.update(part));
            // Constant in time.
            fits | signer.verify_slice(signature).is_ok()
        })
    }
}

impl fmt::Debug for Signers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signers({})", self.0.len())
    }
}

/// The bytes of a text in base64, of the form that headers carry.
pub fn from_base64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text.trim()).ok()
}

/// A header as text, at most 1,024 bytes of it.
pub fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim).filter(|text| !text.is_empty() && text.len() <= 1024)
}
