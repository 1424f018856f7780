//! Signatures by a key pair: RSA with SHA-256 (PKCS #1 v1.5), checked with public keys of the settings, as many at once as a
//! rotation needs. What a request says about where a key is to be found is not followed.

use super::secret::{Secret, SecretError};
use rustls::pki_types::SubjectPublicKeyInfoDer;
use rustls::pki_types::pem::PemObject;
use std::fmt;
use webpki::RawPublicKeyEntity;
use webpki::ring::RSA_PKCS1_2048_8192_SHA256;

/// The most keys in use at once: each costs a delivery a pass over its body.
const MOST: usize = 4;

/// A public key that cannot be used. Read by operators at start.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// It cannot be read.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// It is no RSA key in PEM.
    #[error("key {0} is no RSA public key of 2048 to 8192 bits in PEM (BEGIN PUBLIC KEY)")]
    Form(usize),
    /// One that was left out unsaid would be missed in the middle of a rotation.
    #[error("there are {0} keys; at most {MOST} can be in use at once: take out those that are no longer used")]
    TooMany(usize),
}

/// Public keys.
pub struct PublicKeys(Vec<SubjectPublicKeyInfoDer<'static>>);

impl PublicKeys {
    /// Reads the keys, each a PEM. Errors: [`KeyError`].
    pub fn open(keys: &[Secret]) -> Result<Self, KeyError> {
        if keys.len() > MOST {
            return Err(KeyError::TooMany(keys.len()));
        }
        let read = |(nth, key): (usize, &Secret)| {
            let text = key.reveal()?;
            let key = SubjectPublicKeyInfoDer::from_pem_slice(text.expose().as_bytes());
            let key = key.map_err(|_| KeyError::Form(nth))?;
            // Of a key of the right kind nothing but the signature is wrong.
            match check(&key, b"", &[]) {
                Err(webpki::Error::InvalidSignatureForPublicKey) => Ok(key),
                _ => Err(KeyError::Form(nth)),
            }
        };
        (1..).zip(keys).map(read).collect::<Result<_, _>>().map(Self)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the private half of one of the keys signed this message so.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        self.0.iter().any(|key| check(key, message, signature).is_ok())
    }
}

fn check(key: &SubjectPublicKeyInfoDer<'_>, message: &[u8], signature: &[u8]) -> Result<(), webpki::Error> {
    RawPublicKeyEntity::try_from(key)?.verify_signature(RSA_PKCS1_2048_8192_SHA256, message, signature)
}

impl fmt::Debug for PublicKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKeys({})", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> Secret {
        Secret::File(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/keys").join(name))
    }

    #[test]
    fn keys_of_another_kind_and_texts_that_are_none_are_refused_by_their_number() {
        assert!(PublicKeys::open(&[key("adobe-one.pub.pem"), key("adobe-two.pub.pem")]).is_ok());
        let folder = tempfile::tempdir().unwrap();
        let wrong = Secret::File(folder.path().join("wrong"));
        let elliptic = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n";
        for text in ["no key", elliptic, "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"] {
            std::fs::write(folder.path().join("wrong"), text).unwrap();
            let refused = PublicKeys::open(&[key("adobe-one.pub.pem"), wrong.clone()]).unwrap_err();
            assert!(matches!(refused, KeyError::Form(2)), "{text}: {refused}");
        }
        let five = vec![key("adobe-one.pub.pem"); 5];
        assert!(PublicKeys::open(&five[1..]).is_ok());
        assert!(matches!(PublicKeys::open(&five), Err(KeyError::TooMany(5))));
        // The private half does not belong here.
        assert!(matches!(PublicKeys::open(&[key("adobe-one.key.pem")]), Err(KeyError::Form(1))));
    }
}
