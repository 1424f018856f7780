//! Cursors that carry an order: sealed, so that nobody forges one, reads an order out of one, or takes one to another
//! list. ChaCha20-Poly1305 (RFC 8439); what the list is, is authenticated beside. The nonce is derived from the message
//! (HMAC-SHA-256, as in RFC 5297's synthetic IV), so that one place has one cursor and no nonce serves two messages.

use arc_swap::ArcSwap;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{ChaCha20Poly1305, Key, Nonce};
use hmac::{Hmac, Mac};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// What sealed cursors begin with; no platform's do.
const PREFIX: &str = "ofc1.";
/// The longest cursor that is read.
const LONGEST: usize = 8192;

/// A place in an ordered window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Where the platform's window begins or ends: its own cursor; `None` at the list's own beginning or end.
    #[serde(rename = "a")]
    pub anchor: Option<String>,
    /// The window was read backwards, from the anchor towards the beginning.
    #[serde(rename = "b")]
    pub backward: bool,
    /// How many products the window was asked for.
    #[serde(rename = "w")]
    pub size: usize,
    /// The platform's cursors of the window's first and last product: where the windows beside it begin.
    #[serde(rename = "e")]
    pub ends: (String, String),
    /// The place within the order, from 0.
    #[serde(rename = "o")]
    pub offset: usize,
    /// Whose order it is: a hash of the shopper's key. Another's is not followed.
    #[serde(rename = "s")]
    pub shopper: u64,
    /// The order: a short hash of each key.
    #[serde(rename = "k", with = "packed")]
    pub order: Vec<u32>,
}

/// A cursor that this gateway did not seal for this list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the cursor is not one of this list: it was changed, or comes from another query. Begin again without it.")]
pub struct Foreign;

/// Seals and opens cursors. Clones share their keys.
#[derive(Clone)]
pub struct Sealer(Arc<ArcSwap<Keys>>);

/// What is sealed is sealed with the first; each opens.
struct Keys {
    first: Keyed,
    older: Vec<Keyed>,
}

struct Keyed {
    cipher: ChaCha20Poly1305,
    nonces: Hmac<Sha256>,
}

impl Keyed {
    fn new(key: &[u8; 32]) -> Self {
        let keyed = |purpose: &[u8]| Sha256::new().chain_update(key).chain_update(purpose).finalize();
        let cipher = ChaCha20Poly1305::new(&Key::from(<[u8; 32]>::from(keyed(b"cipher"))));
        // HMAC pads a key to the hash's block; here that is done by hand, so that nothing can fail.
        let mut block = [0; 64];
        block[..32].copy_from_slice(&keyed(b"nonces"));
        let nonces = <Hmac<Sha256> as KeyInit>::new(&block.into());
        Self { cipher, nonces }
    }
}

impl Sealer {
    /// With a key of the shop: replicas that share it understand each other's cursors.
    pub fn new(key: &[u8; 32]) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(Keys { first: Keyed::new(key), older: Vec::new() })))
    }

    /// Seals by this key from now on, and opens what it or an older one has sealed.
    pub fn rekey(&self, key: &[u8; 32], older: &[[u8; 32]]) {
        self.0.store(Arc::new(Keys { first: Keyed::new(key), older: older.iter().map(Keyed::new).collect() }));
    }

    /// Whether a text looks like one of ours.
    pub fn is_sealed(text: &str) -> bool {
        text.starts_with(PREFIX)
    }

    /// Seals a place in the list that `context` stands for.
    pub fn seal(&self, place: &Place, context: &[u8]) -> String {
        let plain = serde_json::to_vec(place).unwrap_or_default();
        let keys = self.0.load();
        let mac = keys.first.nonces.clone().chain_update(context).chain_update(&plain).finalize().into_bytes();
        let nonce: [u8; 12] = std::array::from_fn(|at| mac.get(at).copied().unwrap_or_default());
        // Fails for messages of hundreds of gigabytes only.
        let sealed =
            keys.first.cipher.encrypt(&Nonce::from(nonce), Payload { msg: &plain, aad: context }).unwrap_or_default();
        format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode([&nonce[..], &sealed].concat()))
    }

    /// Opens a cursor. Errors: it was not sealed by a key of ours for this list.
    pub fn open(&self, text: &str, context: &[u8]) -> Result<Place, Foreign> {
        let text = text.strip_prefix(PREFIX).filter(|text| text.len() <= LONGEST).ok_or(Foreign)?;
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| Foreign)?;
        let (nonce, sealed) = bytes.split_first_chunk::<12>().ok_or(Foreign)?;
        let (keys, nonce) = (self.0.load(), Nonce::from(*nonce));
        let opened = |key: &Keyed| key.cipher.decrypt(&nonce, Payload { msg: sealed, aad: context }).ok();
        let plain = std::iter::once(&keys.first).chain(&keys.older).find_map(opened).ok_or(Foreign)?;
        serde_json::from_slice(&plain).map_err(|_| Foreign)
    }
}

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sealer")
    }
}

/// Hashes as base64 of their bytes: half as long as decimals.
mod packed {
    use super::URL_SAFE_NO_PAD;
    use base64::Engine as _;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(hashes: &[u32], serializer: S) -> Result<S::Ok, S::Error> {
        let bytes: Vec<u8> = hashes.iter().flat_map(|hash| hash.to_le_bytes()).collect();
        serializer.serialize_str(&URL_SAFE_NO_PAD.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u32>, D::Error> {
        let bytes = URL_SAFE_NO_PAD.decode(String::deserialize(deserializer)?).map_err(D::Error::custom)?;
        Ok(bytes.as_chunks().0.iter().map(|chunk| u32::from_le_bytes(*chunk)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn place() -> Place {
        Place {
            anchor: Some("abc".to_owned()),
            backward: false,
            size: 50,
            ends: ("first".to_owned(), "last".to_owned()),
            offset: 3,
            shopper: 7,
            order: (0..50).collect(),
        }
    }

    #[test]
    fn a_cursor_opens_for_its_own_list_and_key_only() {
        let sealer = Sealer::new(&[1; 32]);
        let sealed = sealer.seal(&place(), b"products");
        assert!(Sealer::is_sealed(&sealed) && !Sealer::is_sealed("eyJsYXN0X2lkIjoxfQ"));
        assert_eq!(sealer.open(&sealed, b"products"), Ok(place()));
        assert_eq!(sealer.open(&sealed, b"search"), Err(Foreign));
        assert_eq!(Sealer::new(&[2; 32]).open(&sealed, b"products"), Err(Foreign));
        assert_eq!(sealed, sealer.seal(&place(), b"products"), "one place, one cursor");
        assert_ne!(sealed, sealer.seal(&Place { offset: 4, ..place() }, b"products"));
    }

    #[test]
    fn a_cursor_of_an_older_key_opens_until_that_key_is_gone() {
        let sealer = Sealer::new(&[1; 32]);
        let gateway = sealer.clone();
        let old = gateway.seal(&place(), b"products");
        sealer.rekey(&[2; 32], &[[1; 32]]);
        assert_eq!(gateway.open(&old, b"products"), Ok(place()));
        assert_eq!(gateway.seal(&place(), b"products"), Sealer::new(&[2; 32]).seal(&place(), b"products"));
        sealer.rekey(&[2; 32], &[]);
        assert_eq!(gateway.open(&old, b"products"), Err(Foreign));
    }

    proptest! {
        #[test]
        fn a_changed_cursor_never_opens(at in 0usize..400, to in any::<u8>()) {
            let sealer = Sealer::new(&[1; 32]);
            let sealed = sealer.seal(&place(), b"products");
            let mut bytes = sealed.clone().into_bytes();
            let at = at % bytes.len();
            bytes[at] = to;
            let changed = String::from_utf8_lossy(&bytes).into_owned();
            if changed != sealed {
                // The last character of base64 may have unused bits: the decoder refuses those that are set.
                prop_assert!(sealer.open(&changed, b"products").is_err());
            }
        }

        #[test]
        fn any_text_is_refused_without_a_panic(text in ".{0,200}") {
            let sealer = Sealer::new(&[1; 32]);
            prop_assert!(sealer.open(&text, b"").is_err());
            let sealed = format!("{PREFIX}{text}");
            prop_assert!(sealer.open(&sealed, b"").is_err());
        }
    }
}
