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

/// Secrets that cannot be used. Read by operators at start.
#[derive(Debug, thiserror::Error)]
pub enum SignerError {
    /// One cannot be read.
    #[error("secrets: {0}")]
    Secret(#[from] SecretError),
    /// One that was left out unsaid would be missed in the middle of a rotation.
    #[error("secrets: there are {0}; at most {MOST} can be in use at once: take out those that are no longer used")]
    TooMany(usize),
}

/// The secrets by which a platform signs, each absorbed.
pub struct Signers(Vec<Hmac<Sha256>>);

impl Signers {
    /// Reads the secrets, each by `key` from its text. Errors: [`SignerError`].
    pub fn open(secrets: &[Secret], key: impl Fn(&str) -> Vec<u8>) -> Result<Self, SignerError> {
        if secrets.len() > MOST {
            return Err(SignerError::TooMany(secrets.len()));
        }
        let mut signers = Vec::new();
        for secret in secrets {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ninth_secret_is_refused_and_the_eighth_still_proves() {
        let folder = tempfile::tempdir().unwrap();
        let secret = |nth: usize| {
            let path = folder.path().join(nth.to_string());
            std::fs::write(&path, format!("secret {nth}")).unwrap();
            Secret::File(path)
        };
        let nine: Vec<Secret> = (1..=9).map(secret).collect();
        let open = |secrets: &[Secret]| Signers::open(secrets, |text| text.as_bytes().to_vec());
        let refused = open(&nine).unwrap_err();
        assert!(matches!(refused, SignerError::TooMany(9)));
        assert!(refused.to_string().starts_with("secrets: there are 9; at most 8"), "{refused}");
        let mut eighth = Hmac::<Sha256>::new_from_slice(b"secret 8").unwrap();
        eighth.update(b"body");
        assert!(open(&nine[..8]).unwrap().sign(&[b"body"], &eighth.finalize().into_bytes()));
    }
}
