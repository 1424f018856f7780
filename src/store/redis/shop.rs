//! What concerns the whole shop, in Redis: the note of an erasure, the walk over all keys that does it, and which deliveries
//! came already.
//!
//! Keys are found by `SCAN` on every master and deleted where they are of this shop's shoppers by their form. A node that
//! took over from another counts its keys in an order of its own, so the walk is done again until one finds nothing.

use super::link::milliseconds;
use super::script::{self, script};
use super::{DECIDED, RECORD, RedisStore, Token, live};
use crate::store::shop::{Erasure, Place, ProductNote, ProductsTold, Redaction, ShopStore};
use crate::store::traits::StoreError;
use async_trait::async_trait;
use jiff::Timestamp;
use redis::cmd;
use std::time::Duration;

/// Keys that one step of the walk looks at, about.
const STEP: u32 = 500;
/// Walks at most: where shoppers keep coming each finds some.
const WALKS: u32 = 4;
/// What is kept of a shopper, by the ends of its keys; the last two are those of an earlier form of decisions.
const KINDS: [&str; 4] = [RECORD, DECIDED, "decisions", "times"];

/// Notes a redaction, unless a later one is. `ARGV`: its milliseconds, its note, milliseconds to live, and a token that is the
/// answer, so that no answer to another question is taken for it.
const NOTE: &str = "local held = redis.call('GET', KEYS[1])
if held and tonumber(string.match(held, '^%d+')) >= tonumber(ARGV[1]) then return ARGV[4] end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return ARGV[4]";

/// Notes that it is done, unless a later one has come. `ARGV`: the note as it was, as it is to be, milliseconds to live.
const DONE: &str =
    "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) end
return 1";

const BEGUN: &str = "begun";
const ENDED: &str = "done";

fn note(at: Timestamp, state: &str) -> String {
    format!("{} {state}", at.as_millisecond())
}

impl RedisStore {
    fn redaction_key(&self) -> String {
        format!("{}:redaction", self.config.prefix)
    }

    fn delivery_key(&self, id: &str) -> String {
        format!("{}:delivery:{id}", self.config.prefix)
    }

    /// Whether a key is one of a shopper of this shop: others may share the Redis.
    fn is_a_shoppers(&self, key: &str) -> bool {
        let rest = key.strip_prefix(&*self.config.prefix).and_then(|rest| rest.strip_prefix(":{"));
        rest.and_then(|rest| rest.split_once("}:")).is_some_and(|(_, kind)| KINDS.contains(&kind))
    }

    /// One walk over a master. How many keys it found.
    async fn walk(&self, master: Option<u16>) -> Result<u64, StoreError> {
        let limit = self.config.write_timeout;
        let pattern = format!("{}:{{*}}:*", literal(&self.config.prefix));
        let (mut cursor, mut found) = (0_u64, 0);
        loop {
            let mut scan = cmd("SCAN");
            scan.arg(cursor).arg("MATCH").arg(&pattern).arg("COUNT").arg(STEP);
            let (next, keys): (u64, Vec<Vec<u8>>) = self.link.ask_master(limit, master, &scan).await?;
            let own = keys.iter().filter(|key| std::str::from_utf8(key).is_ok_and(|key| self.is_a_shoppers(key)));
            let own: Vec<&Vec<u8>> = own.collect();
            if !own.is_empty() {
                let mut unlink = cmd("UNLINK");
                unlink.arg(own);
                // By its keys, not by the master: a cluster wants those of one slot at a time.
                found += self.link.ask_master::<u64>(limit, None, &unlink).await?;
            }
            cursor = next;
            if cursor == 0 {
                return Ok(found);
            }
        }
    }
}

/// A text as a pattern that means itself alone.
fn literal(text: &str) -> String {
    let escape = |letter: char| if r"*?[]\".contains(letter) { format!("\\{letter}") } else { letter.to_string() };
    text.chars().map(escape).collect()
}

#[async_trait]
impl ShopStore for RedisStore {
    async fn note_redaction(&self, at: Timestamp) -> Result<(), StoreError> {
        let key = self.redaction_key();
        let own = rand::random::<Token>();
        let (since, live) = (at.as_millisecond().to_string(), live(self.config.consent_ttl).to_string());
        let ask = script::checked(NOTE, &key, &[since.as_bytes(), note(at, BEGUN).as_bytes(), live.as_bytes(), &own]);
        self.link.change_durably(self.config.write_timeout, &key, &ask, &own).await.map(drop)
    }

    async fn redaction(&self) -> Result<Option<Redaction>, StoreError> {
        let mut get = cmd("GET");
        get.arg(self.redaction_key());
        let held: Option<String> = self.link.ask("read", self.config.write_timeout, &get).await?;
        Ok(held.as_deref().and_then(|held| {
            let (at, state) = held.split_once(' ')?;
            let at = Timestamp::from_millisecond(at.parse().ok()?).ok()?;
            Some(Redaction { at, done: state == ENDED })
        }))
    }

    async fn redact(&self, at: Timestamp) -> Result<(), StoreError> {
        let limit = self.config.write_timeout;
        for _ in 0..WALKS {
            let mut found = 0;
            for master in self.link.masters(limit).await? {
                found += self.walk(master).await?;
            }
            if found == 0 {
                break;
            }
        }
        for master in self.link.masters(limit).await? {
            self.link.settled(limit, master).await?;
        }
        self.forget_erasures(at).await?;
        let key = self.redaction_key();
        let mut done = script(DONE, &[&key]);
        done.arg(note(at, BEGUN)).arg(note(at, ENDED)).arg(live(self.config.consent_ttl));
        self.link.ask::<bool>("write", limit, &done).await.map(drop)
    }

    async fn note_erasure(&self, erasure: &Erasure) -> Result<(), StoreError> {
        self.put_erasure(erasure).await
    }

    async fn erasures(&self, behind: Place) -> Result<Vec<(Place, Erasure)>, StoreError> {
        self.erasures_behind(behind).await
    }

    async fn note_products(&self, notes: &[ProductNote]) -> Result<(), StoreError> {
        self.put_products(notes).await
    }

    async fn products(&self, behind: Option<Place>) -> Result<ProductsTold, StoreError> {
        self.products_behind(behind).await
    }

    async fn knows(&self, deliveries: &[String]) -> Result<bool, StoreError> {
        if deliveries.is_empty() {
            return Ok(false);
        }
        let mut get = cmd("MGET");
        get.arg(deliveries.iter().map(|id| self.delivery_key(id)).collect::<Vec<_>>());
        let held: Vec<Option<String>> = self.link.ask("read", self.config.write_timeout, &get).await?;
        // Only its own id says so: an answer to another question must not make a delivery one that was done.
        Ok(held.iter().zip(deliveries).any(|(held, id)| held.as_ref() == Some(id)))
    }

    async fn remember(&self, deliveries: &[String], time: Duration) -> Result<(), StoreError> {
        for id in deliveries {
            let mut set = cmd("SET");
            set.arg(self.delivery_key(id)).arg(id).arg("PX").arg(milliseconds(time).max(1));
            self.link.ask::<()>("write", self.config.write_timeout, &set).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::redis::tests::{open, patient, viewed, who};
    use crate::store::redis::{RedisConfig, servers::Server};
    use crate::store::traits::{DecisionStore, ShopperStore};

    #[test]
    fn a_prefix_is_no_pattern() {
        assert_eq!(literal(r"a*[b]?\c"), r"a\*\[b\]\?\\c");
    }

    #[tokio::test]
    async fn of_a_redis_that_others_share_only_this_shops_shoppers_go() {
        let server = Server::start();
        let store = |prefix: &str| open(&server.url(), RedisConfig { prefix: prefix.to_owned(), ..patient() });
        let (own, other, foreign) = (store("sh*p"), store("ship"), ["sh*p:{x}:notes", "sh*p:other", "sh*p:{x"]);
        for key in foreign {
            let _: () = server.ask(&["SET", key, "of somebody else"]).await;
        }
        for n in 0..1_200 {
            own.append(&who(&format!("s{n}")), &[viewed("a", 1)]).await.unwrap();
        }
        own.put(crate::store::contract::decision("s1", "d")).await.unwrap();
        own.remember(&["w1".to_owned()], Duration::from_secs(60)).await.unwrap();
        other.append(&who("s1"), &[viewed("a", 1)]).await.unwrap();

        let at = Timestamp::from_millisecond(1_767_268_800_123).unwrap();
        ShopStore::note_redaction(&own, at).await.unwrap();
        assert_eq!(own.redaction().await.unwrap(), Some(Redaction { at, done: false }));
        ShopStore::redact(&own, at).await.unwrap();
        assert_eq!(own.redaction().await.unwrap(), Some(Redaction { at, done: true }));
        let mut left: Vec<String> = server.ask(&["KEYS", "*"]).await;
        left.sort();
        assert_eq!(
            left,
            ["sh*p:delivery:w1", "sh*p:other", "sh*p:redaction", "sh*p:{x", "sh*p:{x}:notes", "ship:{s1}:shopper"]
        );
        for key in ["sh*p:delivery:w1", "sh*p:redaction"] {
            assert!(server.ask::<i64>(&["PTTL", key]).await > 0, "{key}");
        }
        // An older one, noted late, changes nothing.
        ShopStore::note_redaction(&own, Timestamp::UNIX_EPOCH).await.unwrap();
        assert_eq!(own.redaction().await.unwrap(), Some(Redaction { at, done: true }));
    }
}
