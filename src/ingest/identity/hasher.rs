//! The keyed hash under which a shopper is stored: HMAC-SHA-256 with the shop's secret, one domain for each kind of
//! id, so that a session can never collide with a customer.
//!
//! Secrets rotate: the first hashes what is written, the others only find what was stored under them.

use crate::domain::ids::{CustomerId, SessionId, ShopperKey};
use crate::ingest::error::StartError;
use crate::platform::secret::Secret;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::fmt;

/// Turns raw ids into keys. Cloning is cheap enough for a start, not for a request: share it.
#[derive(Clone)]
pub struct Hasher {
    /// With the key already absorbed; never empty.
    current: Hmac<Sha256>,
    older: Vec<Hmac<Sha256>>,
}

impl Hasher {
    /// The fewest bytes of a secret.
    pub const LEAST: usize = 16;

    /// The most secrets in use at once: each costs every request a hash.
    pub const MOST: usize = 8;

    /// Reads the configured secrets. Without any, a random one is made, which ends with the process: said in the log.
    /// Errors: a secret that cannot be read or is too short.
    pub fn open(secrets: &[Secret]) -> Result<Self, StartError> {
        if secrets.is_empty() {
            tracing::warn!(
                "`ingest.secrets` is not set: shoppers are stored under a random secret and are new after a restart; \
                 name an environment variable or a file with at least 16 bytes"
            );
            return Self::of(&[rand::random::<[u8; 32]>()]);
        }
        let revealed = secrets.iter().map(Secret::reveal).collect::<Result<Vec<_>, _>>()?;
        Self::of(&revealed.iter().map(|secret| secret.expose().as_bytes()).collect::<Vec<_>>())
    }

    /// A hasher of these secrets, current first. Errors: none given, or one shorter than [`Self::LEAST`] bytes.
    pub fn of(secrets: &[impl AsRef<[u8]>]) -> Result<Self, StartError> {
        let short = |position| StartError::ShortSecret { position, least: Self::LEAST };
        let mut keyed = Vec::with_capacity(secrets.len());
        for (position, secret) in (1..).zip(secrets) {
            let secret = secret.as_ref();
            if secret.len() < Self::LEAST {
                return Err(short(position));
            }
            // HMAC takes keys of any length; the error cannot happen and is reported as the nearest true thing.
            keyed.push(Hmac::new_from_slice(secret).map_err(|_| short(position))?);
        }
        let mut keyed = keyed.into_iter();
        let current = keyed.next().ok_or_else(|| short(1))?;
        Ok(Self { current, older: keyed.collect() })
    }

    /// This hasher with the secrets of `before` as older ones: what was stored while the process runs stays found.
    /// `None` where nothing would change. At most [`Self::MOST`] secrets are kept.
    pub(crate) fn after(mut self, before: &Self) -> Option<Self> {
        let mark = |mac: &Hmac<Sha256>| digest(mac, "mark:", "");
        let mut marks: Vec<_> = std::iter::once(&self.current).chain(&self.older).map(mark).collect();
        for mac in std::iter::once(&before.current).chain(&before.older) {
            if !marks.contains(&mark(mac)) {
                marks.push(mark(mac));
                self.older.push(mac.clone());
            }
        }
        self.older.truncate(Self::MOST - 1);
        let kept: Vec<_> = std::iter::once(&before.current).chain(&before.older).map(mark).collect();
        marks.truncate(Self::MOST);
        (marks != kept).then_some(self)
    }

    /// The key of a session.
    pub fn session(&self, id: &SessionId) -> ShopperKey {
        key(&self.current, "session:", id.expose())
    }

    /// The keys of a session under older secrets, youngest first.
    pub fn older_sessions(&self, id: &SessionId) -> Vec<ShopperKey> {
        self.older.iter().map(|mac| key(mac, "session:", id.expose())).collect()
    }

    /// The key of a customer.
    pub fn customer(&self, id: &CustomerId) -> ShopperKey {
        key(&self.current, "customer:", id.expose())
    }

    /// The keys of a customer under older secrets, youngest first.
    pub fn older_customers(&self, id: &CustomerId) -> Vec<ShopperKey> {
        self.older.iter().map(|mac| key(mac, "customer:", id.expose())).collect()
    }

    /// The keyed hash of a customer token, under which the platform's answer is cached: never stored.
    pub(super) fn token(&self, token: &str) -> [u8; 32] {
        digest(&self.current, "token:", token)
    }

    /// A key derived from the current secret for another purpose of the gateway, such as sealing cursors, and those of
    /// the older ones. Replicas with one secret derive one key.
    pub fn derived(&self, purpose: &str) -> ([u8; 32], Vec<[u8; 32]>) {
        let key = |mac: &Hmac<Sha256>| digest(mac, "derived:", purpose);
        (key(&self.current), self.older.iter().map(key).collect())
    }
}

impl fmt::Debug for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hasher({} older)", self.older.len())
    }
}

fn digest(mac: &Hmac<Sha256>, domain: &str, id: &str) -> [u8; 32] {
    let mut mac = mac.clone();
    mac.update(domain.as_bytes());
    mac.update(id.as_bytes());
    mac.finalize().into_bytes().into()
}

fn key(mac: &Hmac<Sha256>, domain: &str, id: &str) -> ShopperKey {
    ShopperKey::new(hex::encode(digest(mac, domain, id)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hasher(secrets: &[&str]) -> Hasher {
        Hasher::of(secrets).unwrap()
    }

    #[test]
    fn a_session_and_a_customer_of_one_name_have_different_keys() {
        let hasher = hasher(&["a secret of sixteen bytes"]);
        let session = hasher.session(&SessionId::parse("7").unwrap());
        let customer = hasher.customer(&CustomerId::new("7"));
        assert_ne!(session, customer);
        assert_eq!(session.as_str().len(), 64);
    }

    #[test]
    fn another_secret_gives_another_key_and_an_older_one_finds_the_old_key() {
        let id = SessionId::parse("abc").unwrap();
        let before = hasher(&["the first secret of all"]);
        let after = hasher(&["the second secret of all", "the first secret of all"]);
        assert_ne!(before.session(&id), after.session(&id));
        assert_eq!(after.older_sessions(&id), [before.session(&id)]);
    }

    #[test]
    fn a_secret_changed_while_running_still_finds_what_was_stored_before() {
        let id = SessionId::parse("abc").unwrap();
        let (one, two) = ("the first secret of all", "the second secret of all");
        let before = hasher(&[one]);
        let after = hasher(&[two]).after(&before).unwrap();
        assert_eq!(after.session(&id), hasher(&[two]).session(&id));
        assert_eq!(after.older_sessions(&id), [before.session(&id)]);
        assert!(hasher(&[one]).after(&before).is_none());
        assert!(hasher(&[two]).after(&after).is_none());
        let mut many = before;
        for at in 0..20 {
            many = hasher(&[&format!("secret number {at} of twenty")]).after(&many).unwrap();
        }
        assert_eq!(many.older_sessions(&id).len(), Hasher::MOST - 1);
    }

    #[test]
    fn a_short_secret_is_refused_by_its_position() {
        let refused = Hasher::of(&["long enough for anyone", "short"]).unwrap_err().to_string();
        assert!(refused.contains("secret 2 has fewer than 16 bytes"), "{refused}");
    }

    #[test]
    fn without_a_configured_secret_two_processes_agree_on_nothing() {
        let id = SessionId::parse("abc").unwrap();
        assert_ne!(Hasher::open(&[]).unwrap().session(&id), Hasher::open(&[]).unwrap().session(&id));
    }
}
