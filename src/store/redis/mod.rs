//! The shared store: every replica before one shop keeps its shoppers in one Redis (7 and later, or Valkey): one,
//! the master that sentinels name, or a cluster.
//!
//! A shopper's record is one value, changed as a whole: it is read, changed by the same pure code as in memory, and put
//! back by a script that refuses where somebody else was faster; then it is read again. So a reader sees all of an
//! append or nothing of it, and two replicas never lose each other's events. All keys of a shopper carry the same hash
//! tag, so that a cluster keeps them on one node, and every key has a time to live.
//!
//! Answers on a connection belong to questions by their order alone. A record says whose it is and what was written, and a
//! change is known by its token: where an answer is damaged or another's it is none, and the connection is made anew.
//!
//! A login touches two shoppers, who may be on two nodes. What the session held stays in its record, on its way to that
//! one customer, until it has arrived there (`record/moving.rs`): a process may die after any step, and the next login of the
//! session takes up what it left. Whose the session is says its record, too (`record/owner.rs`), so every replica knows.

mod address;
mod config;
mod erasures;
mod known;
mod link;
mod products;
mod script;
mod shop;
mod way;
mod written;

#[cfg(test)]
mod faults;
#[cfg(test)]
mod logins;
#[cfg(test)]
mod proxy;
#[cfg(test)]
mod secured;
#[cfg(test)]
mod servers;
#[cfg(test)]
mod slow;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod usage;

pub use address::{Address, RedisError};
pub use config::RedisConfig;

use super::record::{Cause, Moving, Record};
use super::traits::{Appended, DecisionStore, ShopperState, ShopperStore, StoreError, Stored};
use crate::domain::audit::DecisionRecord;
use crate::domain::consent::{Consent, Purpose};
use crate::domain::event::Event;
use crate::domain::ids::{DecisionId, ShopperKey};
use crate::domain::standing::Told;
use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use link::{Change, Link, milliseconds};
use redis::cmd;
use script::script;
use std::time::Duration;
use written::{Token, Written};

/// The end of the key of what is known of a shopper.
const RECORD: &str = "shopper";
/// That of the key of what was decided for a shopper.
const DECIDED: &str = "decided";

/// How often a change is tried against others of the same shopper.
const TRIES: u32 = 16;

/// Puts a record in the place of the one that was read. `ARGV`: token read, new value, milliseconds to live. The answer is
/// the new value's token, which no other answer has, or nothing where somebody was faster.
const REPLACE: &str = "local held = redis.call('GET', KEYS[1])
if (held and string.sub(held, 1, 8) or '') ~= ARGV[1] then return '' end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return string.sub(ARGV[2], 1, 8)";

/// Takes away a value if it is the one that is meant. `ARGV`: the value.
const DISCARD: &str = "if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])";

/// Deletes a key. `ARGV`: the token that is the answer where there was one.
const DELETE: &str = "if redis.call('DEL', KEYS[1]) == 0 then return '' end
return ARGV[1]";

/// Keeps a decision before those of the shopper's that are kept, and of these the newest, so many, of so many bytes, and none
/// that has lived its time. `ARGV`: value, milliseconds of now, to live, how many, bytes. A list takes hardly more than the
/// values in it.
const KEEP: &str = "redis.call('LPUSH', KEYS[1], ARGV[1])
local kept, bytes = 0, 0
for at, value in ipairs(redis.call('LRANGE', KEYS[1], 0, -1)) do
  bytes = bytes + #value
  local lived = ARGV[2] - struct.unpack('<i8', value, 17)
  if at > 1 and (lived >= tonumber(ARGV[3]) or at > tonumber(ARGV[4]) or bytes > tonumber(ARGV[5])) then break end
  kept = at
end
redis.call('LTRIM', KEYS[1], 0, kept - 1)
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1";

/// State in Redis.
#[derive(Debug)]
pub struct RedisStore {
    config: RedisConfig,
    link: Link,
}

impl RedisStore {
    /// The store at this address. Connects when it is first asked, and again whenever the connection broke: a gateway
    /// starts and serves while Redis is away.
    /// Errors: [`RedisError`] where the address or the authority cannot be used.
    pub fn open(address: &Address, config: RedisConfig) -> Result<Self, RedisError> {
        let link = Link::open(address, &config)?;
        Ok(Self { config, link })
    }

    /// The key of one thing of a shopper's. The braces are the hash tag.
    fn key(&self, who: &ShopperKey, what: &str) -> String {
        format!("{}:{{{}}}:{what}", self.config.prefix, who.as_str())
    }

    async fn load(&self, who: &ShopperKey, limit: Duration) -> Result<Held, StoreError> {
        let mut get = cmd("GET");
        get.arg(self.key(who, RECORD));
        let Some(bytes) = self.link.ask::<Option<Vec<u8>>>("read", limit, &get).await? else {
            return Ok(Held::Nothing);
        };
        Ok(match self.link.trusted(Written::read(who, &bytes)) {
            Ok((token, record)) => Held::Record(token, Box::new(record)),
            Err(error) => Held::Unreadable(bytes, error),
        })
    }

    async fn state(&self, who: &ShopperKey, limit: Duration) -> Result<ShopperState, StoreError> {
        match self.load(who, limit).await? {
            Held::Nothing => Ok(ShopperState::default()),
            Held::Record(_, record) => Ok(record.read()),
            Held::Unreadable(_, error) => Err(error),
        }
    }

    /// Changes a shopper's record as if nobody else did. `None`: there is none and none was to be made.
    async fn change<T>(
        &self,
        who: &ShopperKey,
        change: impl Fn(&mut Record) -> T,
        create: bool,
        replicas: Replicas,
    ) -> Result<Option<Changed<T>>, StoreError> {
        let key = self.key(who, RECORD);
        // What the last try wrote, if it did, and its answer: a connection that breaks may have carried it there.
        let mut last: Option<(Token, T)> = None;
        for attempt in 0..TRIES {
            let (token, mut record) = match self.load(who, self.config.write_timeout).await? {
                Held::Record(token, record) => (Some(token), *record),
                Held::Nothing if !create => return Ok(None),
                Held::Nothing => (None, Record::default()),
                Held::Unreadable(bytes, _) => {
                    self.discard(&key, &bytes).await?;
                    continue;
                }
            };
            let answer = match last.take() {
                // It was written again all the same: replicas are waited for behind a change.
                Some((own, answer)) if token == Some(own) => answer,
                _ => change(&mut record),
            };
            let ttl = if record.has_consent() { self.config.consent_ttl } else { self.config.shopper_ttl };
            let (own, written) = Written::write(who, &record)?;
            let held = token.as_ref().map_or(&[][..], |token| token.as_slice());
            let replace = script::checked(REPLACE, &key, &[held, &written, live(ttl).to_string().as_bytes()]);
            let limit = self.config.write_timeout;
            let made = match replicas {
                Replicas::Unawaited if self.link.change(limit, &replace, &own).await? => Change::Durable,
                Replicas::Unawaited => Change::Missed,
                Replicas::Awaited => self.link.change_durably(limit, &key, &replace, &own).await?,
            };
            if made != Change::Missed {
                return Ok(Some(Changed { answer, is_durable: made == Change::Durable }));
            }
            last = Some((own, answer));
            // Somebody was faster; the pause keeps two from meeting again and again.
            tokio::time::sleep(Duration::from_micros(rand::random_range(0..=500 * u64::from(attempt)))).await;
        }
        Err(StoreError::Unavailable("too many changes of one shopper at once".to_owned()))
    }

    /// Takes away what nobody can read, so that the shopper begins anew instead of being refused until it has lived its
    /// time. Only the very bytes that were read go: where an answer was damaged on its way, what is stored is another.
    async fn discard(&self, key: &str, bytes: &[u8]) -> Result<(), StoreError> {
        let mut discard = script(DISCARD, &[key]);
        discard.arg(bytes);
        if self.link.ask::<i64>("write", self.config.write_timeout, &discard).await? == 1 {
            tracing::error!("a shopper's record could not be read and was taken away; the shopper begins anew");
        }
        Ok(())
    }

    /// Brings what one key holds to another.
    async fn bring(&self, from: &ShopperKey, to: &ShopperKey, cause: Cause<'_>) -> Result<(), StoreError> {
        if from == to {
            return Ok(());
        }
        // Mostly there is nothing to do, and that is seen by a read.
        if matches!(self.load(from, self.config.write_timeout).await?, Held::Record(_, record) if record.is_settled(to, cause))
        {
            return Ok(());
        }
        // One that never arrived comes first, then this one.
        for _ in 0..TRIES {
            let own = Moving::new(from, to);
            let leave = |record: &mut Record| record.depart(&own, cause);
            // Whose a session is stays known, also where it holds nothing yet.
            let is_login = matches!(cause, Cause::Login(_));
            let Some(departed) = self.change(from, leave, is_login, Replicas::Awaited).await? else { return Ok(()) };
            let Some(moving) = departed.durable()? else { return Ok(()) };
            self.arrive(from, &moving).await?;
            if moving.id == own.id {
                return Ok(());
            }
        }
        Err(StoreError::Unavailable("too many logins of one session at once".to_owned()))
    }

    /// Brings what is on its way to its end: each step is on the replicas before the next.
    async fn arrive(&self, from: &ShopperKey, moving: &Moving) -> Result<(), StoreError> {
        let arrived = self.change(&moving.to, |record| record.arrive(moving), true, Replicas::Awaited).await?;
        arrived.map(Changed::durable).transpose()?;
        self.change(from, |record| record.arrived(moving), false, Replicas::Unawaited).await?;
        Ok(())
    }
}

/// What is stored under a shopper's key.
enum Held {
    Nothing,
    Record(Token, Box<Record>),
    /// Bytes that are no record of this shopper's, and what is wrong with them.
    Unreadable(Vec<u8>, StoreError),
}

/// What a change waits for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Replicas {
    /// Nothing: a fail-over may lose it.
    Unawaited,
    /// Replicas, where there are any.
    Awaited,
}

/// A change that was made.
struct Changed<T> {
    answer: T,
    /// Whether a fail-over would keep it, where that was waited for.
    is_durable: bool,
}

impl<T> Changed<T> {
    /// The answer. Errors: [`StoreError::NotDurable`].
    fn durable(self) -> Result<T, StoreError> {
        if self.is_durable { Ok(self.answer) } else { Err(StoreError::NotDurable) }
    }
}

/// Milliseconds to live, as Redis takes them.
fn live(duration: Duration) -> u64 {
    milliseconds(duration).clamp(1, i64::MAX.unsigned_abs())
}

#[async_trait]
impl ShopperStore for RedisStore {
    async fn read(&self, who: &ShopperKey) -> Result<ShopperState, StoreError> {
        self.state(who, self.config.read_timeout).await
    }

    async fn read_patiently(&self, who: &ShopperKey) -> Result<ShopperState, StoreError> {
        self.state(who, self.config.write_timeout).await
    }

    async fn append(&self, who: &ShopperKey, events: &[Event]) -> Result<Vec<Appended>, StoreError> {
        let append = |record: &mut Record| events.iter().map(|event| record.append(event)).collect();
        let changed = self.change(who, append, !events.is_empty(), Replicas::Unawaited).await?;
        Ok(changed.map(|changed| changed.answer).unwrap_or_default())
    }

    async fn append_durably(&self, who: &ShopperKey, events: &[Event]) -> Result<Stored, StoreError> {
        let append = |record: &mut Record| events.iter().map(|event| record.append(event)).collect();
        let changed = self.change(who, append, !events.is_empty(), Replicas::Awaited).await?;
        let Changed { answer, is_durable } = changed.unwrap_or(Changed { answer: Vec::new(), is_durable: true });
        Ok(Stored { answers: answer, is_durable })
    }

    async fn agree(&self, who: &ShopperKey, consent: Consent, granted: Consent) -> Result<(), StoreError> {
        let now = Timestamp::now();
        let agree = |record: &mut Record| record.consenting(|state| state.agree(consent, granted, now));
        self.change(who, agree, true, Replicas::Awaited).await?.map_or(Ok(()), Changed::durable)
    }

    async fn take_back(&self, who: &ShopperKey, purposes: Consent, said: Timestamp) -> Result<Consent, StoreError> {
        let take = |record: &mut Record| record.consenting(|state| state.take_back(purposes, said));
        self.change(who, take, false, Replicas::Awaited).await?.map_or(Ok(Consent::NONE), Changed::durable)
    }

    async fn hear(&self, who: &ShopperKey, told: &Told) -> Result<(), StoreError> {
        self.change(who, |record| record.hear(told), true, Replicas::Awaited).await?.map_or(Ok(()), Changed::durable)
    }

    async fn stitch(
        &self,
        session: &ShopperKey,
        customer: &ShopperKey,
        formerly: &[ShopperKey],
    ) -> Result<(), StoreError> {
        self.bring(session, customer, Cause::Login(formerly)).await
    }

    async fn rename(&self, old: &ShopperKey, new: &ShopperKey) -> Result<(), StoreError> {
        self.bring(old, new, Cause::Rename).await
    }

    async fn devices(&self, who: &ShopperKey) -> Result<Vec<ShopperKey>, StoreError> {
        match self.load(who, self.config.write_timeout).await? {
            Held::Record(_, record) => Ok(record.devices()),
            Held::Nothing | Held::Unreadable(..) => Ok(Vec::new()),
        }
    }

    async fn erase_purpose(&self, who: &ShopperKey, purpose: Purpose) -> Result<bool, StoreError> {
        let now = Timestamp::now();
        let erase = |record: &mut Record| record.erase_preferences(now);
        match purpose {
            Purpose::Preferences => {
                self.change(who, erase, false, Replicas::Awaited).await?.map_or(Ok(false), Changed::durable)
            }
            // Decisions are erased by the other trait; scores and exports are not kept here.
            Purpose::Analytics | Purpose::Marketing | Purpose::SaleOfData => Ok(false),
        }
    }

    async fn erase_as_said(&self, who: &ShopperKey, said: Timestamp) -> Result<bool, StoreError> {
        let now = Timestamp::now();
        let erase = |record: &mut Record| record.erase(now, said);
        self.change(who, erase, false, Replicas::Awaited).await?.map_or(Ok(false), Changed::durable)
    }
}

impl RedisStore {
    /// Whether a decision kept at that moment is still to be told of: the list lives on with each newer one.
    fn lives(&self, kept: Timestamp) -> bool {
        let ttl = SignedDuration::try_from(self.config.decision_ttl).unwrap_or(SignedDuration::MAX);
        Timestamp::now().duration_since(kept) < ttl
    }
}

#[async_trait]
impl DecisionStore for RedisStore {
    async fn put(&self, record: DecisionRecord) -> Result<(), StoreError> {
        let now = Timestamp::now();
        let numbers = [now.as_millisecond().to_string(), live(self.config.decision_ttl).to_string()];
        let most = [self.config.decisions.to_string(), self.config.decisions_size.as_u64().to_string()];
        let mut arguments = vec![written::decision(&record, now)?];
        arguments.extend(numbers.into_iter().chain(most).map(String::into_bytes));
        let arguments: Vec<&[u8]> = arguments.iter().map(Vec::as_slice).collect();
        let keep = script::checked(KEEP, &self.key(&record.shopper, DECIDED), &arguments);
        self.link.ask::<bool>("write", self.config.write_timeout, &keep).await?;
        Ok(())
    }

    async fn get(&self, who: &ShopperKey, id: &DecisionId) -> Result<Option<DecisionRecord>, StoreError> {
        let mut get = cmd("LRANGE");
        get.arg(self.key(who, DECIDED)).arg(0).arg(-1);
        let held: Vec<Vec<u8>> = self.link.ask("read", self.config.write_timeout, &get).await?;
        let found = held.iter().find_map(|bytes| written::read_decision(who, id, bytes).transpose());
        let record = self.link.trusted(found.transpose())?;
        Ok(record.filter(|(kept, _)| self.lives(*kept)).map(|(_, record)| record))
    }

    async fn of(&self, who: &ShopperKey) -> Result<Vec<DecisionRecord>, StoreError> {
        let mut all = cmd("LRANGE");
        all.arg(self.key(who, DECIDED)).arg(0).arg(-1);
        let held: Vec<Vec<u8>> = self.link.ask("read", self.config.write_timeout, &all).await?;
        let read = held.iter().map(|bytes| written::read_any_decision(who, bytes)).collect::<Result<Vec<_>, _>>();
        let read = self.link.trusted(read)?.into_iter();
        Ok(read.filter(|(kept, _)| self.lives(*kept)).map(|(_, record)| record).collect())
    }

    async fn erase(&self, who: &ShopperKey) -> Result<bool, StoreError> {
        let (key, own) = (self.key(who, DECIDED), rand::random::<Token>());
        let delete = script::checked(DELETE, &key, &[&own]);
        match self.link.change_durably(self.config.write_timeout, &key, &delete, &own).await? {
            Change::Missed => Ok(false),
            Change::Durable => Ok(true),
            Change::Undurable => Err(StoreError::NotDurable),
        }
    }
}
