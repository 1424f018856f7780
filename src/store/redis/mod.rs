//! The shared store: every replica before one shop keeps its shoppers in one Redis (7 and later, or Valkey), alone or as
//! a cluster.
//!
//! A shopper's record is one value, changed as a whole: it is read, changed by the same pure code as in memory, and put
//! back by a script that refuses where somebody else was faster; then it is read again. So a reader sees all of an
//! append or nothing of it, and two replicas never lose each other's events. All keys of a shopper carry the same hash
//! tag, so that a cluster keeps them on one node, and every key has a time to live.
//!
//! A login touches two shoppers. Whoever empties the session has its events; a process that dies between the two steps
//! takes them with it.

mod config;
mod link;
mod written;

#[cfg(test)]
mod tests;

pub use config::RedisConfig;
pub use link::RedisError;

use super::record::Record;
use super::traits::{Appended, DecisionStore, ShopperState, ShopperStore, StoreError};
use crate::domain::audit::DecisionRecord;
use crate::domain::consent::{Consent, Purpose};
use crate::domain::event::Event;
use crate::domain::ids::{DecisionId, ShopperKey};
use async_trait::async_trait;
use link::Link;
use redis::{Cmd, cmd};
use std::time::Duration;
use written::{Token, Written};

/// How often a change is tried against others of the same shopper.
const TRIES: u32 = 16;

/// Puts a record in the place of the one that was read. `ARGV`: token read, new value, milliseconds to live.
const REPLACE: &str = "local held = redis.call('GET', KEYS[1])
if (held and string.sub(held, 1, 8) or '') ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1";

/// Keeps a decision, the newest of a shopper's. `KEYS`: decisions, their times. `ARGV`: id, value, milliseconds of now, to
/// live, how many are kept.
const KEEP: &str = "redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('ZADD', KEYS[2], ARGV[3], ARGV[1])
local old = redis.call('ZRANGE', KEYS[2], '-inf', ARGV[3] - ARGV[4], 'BYSCORE')
local over = redis.call('ZCARD', KEYS[2]) - #old - ARGV[5]
if over > 0 then
  for _, id in ipairs(redis.call('ZRANGE', KEYS[2], #old, #old + over - 1)) do old[#old + 1] = id end
end
for _, id in ipairs(old) do
  redis.call('HDEL', KEYS[1], id)
  redis.call('ZREM', KEYS[2], id)
end
redis.call('PEXPIRE', KEYS[1], ARGV[4])
redis.call('PEXPIRE', KEYS[2], ARGV[4])
return 1";

/// State in Redis.
#[derive(Debug)]
pub struct RedisStore {
    config: RedisConfig,
    link: Link,
}

impl RedisStore {
    /// The store at this URL. Connects when it is first asked, and again whenever the connection broke: a gateway
    /// starts and serves while Redis is away.
    /// Errors: [`RedisError`] where the address is none.
    pub fn open(url: &str, config: RedisConfig) -> Result<Self, RedisError> {
        let link = Link::open(url, &config)?;
        Ok(Self { config, link })
    }

    /// The key of one thing of a shopper's. The braces are the hash tag.
    fn key(&self, who: &ShopperKey, what: &str) -> String {
        format!("{}:{{{}}}:{what}", self.config.prefix, who.as_str())
    }

    async fn load(&self, who: &ShopperKey, limit: Duration) -> Result<Option<(Token, Record)>, StoreError> {
        let mut get = cmd("GET");
        get.arg(self.key(who, "shopper"));
        let held: Option<Vec<u8>> = self.link.ask("read", limit, &get).await?;
        held.map(|bytes| Written::read(&bytes)).transpose()
    }

    /// Changes a shopper's record as if nobody else did. `None`: there is none and none was to be made.
    async fn change<T>(
        &self,
        who: &ShopperKey,
        change: impl Fn(&mut Record) -> T,
        create: bool,
    ) -> Result<Option<T>, StoreError> {
        for attempt in 0..TRIES {
            let held = self.load(who, self.config.write_timeout).await?;
            let (token, mut record) = match held {
                Some((token, record)) => (Some(token), record),
                None if !create => return Ok(None),
                None => (None, Record::default()),
            };
            let answer = change(&mut record);
            let live = if record.has_consent() { self.config.consent_ttl } else { self.config.shopper_ttl };
            let mut replace = script(REPLACE, &[&self.key(who, "shopper")]);
            replace.arg(token.as_ref().map_or(&[][..], |token| token.as_slice()));
            replace.arg(Written::write(&record)?).arg(milliseconds(live));
            if self.link.ask("write", self.config.write_timeout, &replace).await? {
                return Ok(Some(answer));
            }
            // Somebody was faster; the pause keeps two from meeting again and again.
            tokio::time::sleep(Duration::from_micros(rand::random_range(0..=500 * u64::from(attempt)))).await;
        }
        Err(StoreError::Unavailable("too many changes of one shopper at once".to_owned()))
    }
}

/// A script on these keys; its arguments follow.
fn script(text: &str, keys: &[&str]) -> Cmd {
    let mut eval = cmd("EVAL");
    eval.arg(text).arg(keys.len()).arg(keys);
    eval
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX).clamp(1, i64::MAX.unsigned_abs())
}

#[async_trait]
impl ShopperStore for RedisStore {
    async fn read(&self, who: &ShopperKey) -> Result<ShopperState, StoreError> {
        let held = self.load(who, self.config.read_timeout).await?;
        Ok(held.map(|(_, record)| record.read()).unwrap_or_default())
    }

    async fn append(&self, who: &ShopperKey, events: &[Event]) -> Result<Vec<Appended>, StoreError> {
        let append = |record: &mut Record| events.iter().map(|event| record.append(event)).collect();
        Ok(self.change(who, append, !events.is_empty()).await?.unwrap_or_default())
    }

    async fn set_consent(&self, who: &ShopperKey, consent: Consent) -> Result<(), StoreError> {
        self.change(who, |record| record.set_consent(consent), true).await?;
        Ok(())
    }

    async fn stitch(&self, session: &ShopperKey, customer: &ShopperKey) -> Result<(), StoreError> {
        if session == customer {
            return Ok(());
        }
        if let Some(left) = self.change(session, Record::leave, false).await? {
            self.change(customer, |record| record.join(&left), true).await?;
        }
        Ok(())
    }

    async fn erase_purpose(&self, who: &ShopperKey, purpose: Purpose) -> Result<bool, StoreError> {
        Ok(match purpose {
            Purpose::Preferences => self.change(who, Record::erase_preferences, false).await?.unwrap_or(false),
            // Decisions are erased by the other trait; scores and exports are not kept here.
            Purpose::Analytics | Purpose::Marketing | Purpose::SaleOfData => false,
        })
    }

    async fn erase(&self, who: &ShopperKey) -> Result<bool, StoreError> {
        Ok(self.change(who, Record::erase, false).await?.unwrap_or(false))
    }
}

#[async_trait]
impl DecisionStore for RedisStore {
    async fn put(&self, record: DecisionRecord) -> Result<(), StoreError> {
        let (decisions, times) = (self.key(&record.shopper, "decisions"), self.key(&record.shopper, "times"));
        let mut keep = script(KEEP, &[&decisions, &times]);
        keep.arg(record.slate.decision.id.as_str()).arg(written::decision(&record)?);
        keep.arg(jiff::Timestamp::now().as_millisecond()).arg(milliseconds(self.config.decision_ttl));
        keep.arg(self.config.decisions);
        self.link.ask::<bool>("write", self.config.write_timeout, &keep).await?;
        Ok(())
    }

    async fn get(&self, who: &ShopperKey, id: &DecisionId) -> Result<Option<DecisionRecord>, StoreError> {
        let mut get = cmd("HGET");
        get.arg(self.key(who, "decisions")).arg(id.as_str());
        let held: Option<Vec<u8>> = self.link.ask("read", self.config.write_timeout, &get).await?;
        held.map(|bytes| written::read_decision(&bytes)).transpose()
    }

    async fn erase(&self, who: &ShopperKey) -> Result<bool, StoreError> {
        let mut delete = cmd("DEL");
        delete.arg(self.key(who, "decisions")).arg(self.key(who, "times"));
        let deleted: u64 = self.link.ask("write", self.config.write_timeout, &delete).await?;
        Ok(deleted > 0)
    }
}
