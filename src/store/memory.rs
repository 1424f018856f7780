//! The embedded store: everything in memory, bounded in bytes, with a time to live.
//!
//! A shopper's record is replaced as a whole, under its own key's lock, so readers never wait and see all of an append
//! or nothing of it. The least recently used give way when room runs out; nothing is refused.

use super::record::{Cause, Moving, Record};
use super::shop::{Erasure, Place, ProductNote, ProductsTold, Redaction, ShopStore};
use super::traits::{Appended, DecisionStore, ShopperState, ShopperStore, StoreError};
use crate::domain::audit::DecisionRecord;
use crate::domain::consent::{Consent, Purpose};
use crate::domain::event::Event;
use crate::domain::ids::{DecisionId, ShopperKey};
use crate::domain::standing::Told;
use async_trait::async_trait;
use bytesize::ByteSize;
use jiff::Timestamp;
use moka::ops::compute::Op;
use moka::policy::EvictionPolicy;
use moka::sync::Cache;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The `[store.memory]` table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MemoryConfig {
    /// Memory for sessions and profiles, about. Default 256 MiB: some ten thousand shoppers at their fullest, a
    /// hundred times that at their usual.
    pub shoppers: ByteSize,
    /// A shopper not heard of for this long is forgotten. Default 30 days.
    #[serde(with = "humantime_serde")]
    pub shopper_ttl: Duration,
    /// Memory for the decision log, about. Default 16 MiB.
    pub decisions: ByteSize,
    /// A decision is kept this long. Default 1 day.
    #[serde(with = "humantime_serde")]
    pub decision_ttl: Duration,
}

impl Default for MemoryConfig {
    fn default() -> Self {
        let day = Duration::from_secs(24 * 60 * 60);
        Self { shoppers: ByteSize::mib(256), shopper_ttl: day * 30, decisions: ByteSize::mib(16), decision_ttl: day }
    }
}

/// Deliveries remembered at once.
const DELIVERIES: u64 = 500_000;
/// Erasures remembered at once.
const ERASURES: usize = 1_000;
/// News of products remembered at once.
const NEWS: usize = 100;
/// The longest for which one is.
const DELIVERIES_FOR: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// State in memory.
#[derive(Debug)]
pub struct MemoryStore {
    shoppers: Cache<ShopperKey, Arc<Record>>,
    /// The shopper is part of the key, so that another's decision cannot be named.
    decisions: Cache<(ShopperKey, DecisionId), Arc<DecisionRecord>>,
    /// Until when each is remembered.
    deliveries: Cache<String, Instant>,
    redaction: Mutex<Option<Redaction>>,
    /// The last erasures: nobody else is there to hear of them.
    erasures: Mutex<VecDeque<(Place, Erasure)>>,
    /// The same of news of products; each with its number from 1.
    products: Mutex<VecDeque<(u64, ProductNote)>>,
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new(&MemoryConfig::default())
    }
}

impl MemoryStore {
    /// An empty store.
    pub fn new(config: &MemoryConfig) -> Self {
        let short = |bytes: usize| u32::try_from(bytes).unwrap_or(u32::MAX);
        Self {
            // Least recently used, not least frequently: an accepted event must be there for the next request, also
            // where the shopper is new and the store full.
            shoppers: Cache::builder()
                .eviction_policy(EvictionPolicy::lru())
                .weigher(move |_, record: &Arc<Record>| short(record.weight()))
                .max_capacity(config.shoppers.as_u64())
                .time_to_idle(config.shopper_ttl)
                .build(),
            decisions: Cache::builder()
                .eviction_policy(EvictionPolicy::lru())
                .weigher(move |_, record: &Arc<DecisionRecord>| short(weight(record)))
                .max_capacity(config.decisions.as_u64())
                .time_to_live(config.decision_ttl)
                .build(),
            deliveries: Cache::builder().max_capacity(DELIVERIES).time_to_live(DELIVERIES_FOR).build(),
            redaction: Mutex::default(),
            erasures: Mutex::default(),
            products: Mutex::default(),
        }
    }

    /// Changes a shopper's record under its lock. `None`: there is none, and `change` says so by returning false.
    fn change<T>(&self, who: &ShopperKey, change: impl FnOnce(&mut Record) -> T, create: bool) -> Option<T> {
        let mut answer = None;
        // What the entry was and is does not matter: the answer is taken inside.
        drop(self.shoppers.entry_by_ref(who).and_compute_with(|entry| match entry {
            None if !create => Op::Nop,
            entry => {
                let mut record = entry.map(|entry| (**entry.value()).clone()).unwrap_or_default();
                answer = Some(change(&mut record));
                Op::Put(Arc::new(record))
            }
        }));
        answer
    }

    /// Brings what one key holds to another: of two at once, whoever empties it has it.
    fn bring(&self, from: &ShopperKey, to: &ShopperKey, cause: Cause<'_>) {
        let is_login = matches!(cause, Cause::Login(_));
        let is_settled = |record: Arc<Record>| record.is_settled(to, cause);
        if from == to || self.shoppers.get(from).is_some_and(is_settled) {
            return;
        }
        loop {
            let own = Moving::new(from, to);
            let Some(moving) = self.change(from, |record| record.depart(&own, cause), is_login).flatten() else {
                return;
            };
            self.change(&moving.to, |record| record.arrive(&moving), true);
            self.change(from, |record| record.arrived(&moving), false);
            // One that another began comes first, then this one.
            if moving.id == own.id {
                return;
            }
        }
    }

    /// All that is kept, by shopper.
    #[cfg(test)]
    pub(crate) fn everyone(&self) -> std::collections::BTreeMap<ShopperKey, ShopperState> {
        self.shoppers.iter().map(|(who, record)| ((*who).clone(), record.read())).collect()
    }
}

#[async_trait]
impl ShopperStore for MemoryStore {
    async fn read(&self, who: &ShopperKey) -> Result<ShopperState, StoreError> {
        Ok(self.shoppers.get(who).map(|record| record.read()).unwrap_or_default())
    }

    async fn append(&self, who: &ShopperKey, events: &[Event]) -> Result<Vec<Appended>, StoreError> {
        let append = |record: &mut Record| events.iter().map(|event| record.append(event)).collect();
        Ok(self.change(who, append, !events.is_empty()).unwrap_or_default())
    }

    async fn agree(&self, who: &ShopperKey, consent: Consent, granted: Consent) -> Result<(), StoreError> {
        let now = Timestamp::now();
        self.change(who, |record| record.consenting(|state| state.agree(consent, granted, now)), true);
        Ok(())
    }

    async fn take_back(&self, who: &ShopperKey, purposes: Consent, said: Timestamp) -> Result<Consent, StoreError> {
        let take = |record: &mut Record| record.consenting(|state| state.take_back(purposes, said));
        Ok(self.change(who, take, false).unwrap_or_default())
    }

    async fn hear(&self, who: &ShopperKey, told: &Told) -> Result<(), StoreError> {
        self.change(who, |record| record.hear(told), true);
        Ok(())
    }

    async fn stitch(
        &self,
        session: &ShopperKey,
        customer: &ShopperKey,
        formerly: &[ShopperKey],
    ) -> Result<(), StoreError> {
        self.bring(session, customer, Cause::Login(formerly));
        Ok(())
    }

    async fn rename(&self, old: &ShopperKey, new: &ShopperKey) -> Result<(), StoreError> {
        self.bring(old, new, Cause::Rename);
        Ok(())
    }

    async fn devices(&self, who: &ShopperKey) -> Result<Vec<ShopperKey>, StoreError> {
        Ok(self.shoppers.get(who).map(|record| record.devices()).unwrap_or_default())
    }

    async fn erase_purpose(&self, who: &ShopperKey, purpose: Purpose) -> Result<bool, StoreError> {
        Ok(match purpose {
            Purpose::Preferences => {
                self.change(who, |record| record.erase_preferences(Timestamp::now()), false).unwrap_or(false)
            }
            // Decisions are the other store's; scores and exports are not kept here.
            Purpose::Analytics | Purpose::Marketing | Purpose::SaleOfData => false,
        })
    }

    async fn erase_as_said(&self, who: &ShopperKey, said: Timestamp) -> Result<bool, StoreError> {
        Ok(self.change(who, |record| record.erase(Timestamp::now(), said), false).unwrap_or(false))
    }
}

#[async_trait]
impl DecisionStore for MemoryStore {
    async fn put(&self, record: DecisionRecord) -> Result<(), StoreError> {
        let key = (record.shopper.clone(), record.slate.decision.id.clone());
        self.decisions.insert(key, Arc::new(record));
        Ok(())
    }

    async fn get(&self, who: &ShopperKey, id: &DecisionId) -> Result<Option<DecisionRecord>, StoreError> {
        Ok(self.decisions.get(&(who.clone(), id.clone())).map(|record| (*record).clone()))
    }

    async fn of(&self, who: &ShopperKey) -> Result<Vec<DecisionRecord>, StoreError> {
        let own = self.decisions.iter().filter(|(key, _)| key.0 == *who);
        Ok(own.map(|(_, record)| (*record).clone()).collect())
    }

    async fn erase(&self, who: &ShopperKey) -> Result<bool, StoreError> {
        // A walk over the whole log: erasure is rare, and an index would cost every put.
        let own: Vec<_> = self.decisions.iter().map(|(key, _)| key).filter(|key| key.0 == *who).collect();
        own.iter().for_each(|key| self.decisions.invalidate(key.as_ref()));
        Ok(!own.is_empty())
    }
}

#[async_trait]
impl ShopStore for MemoryStore {
    async fn note_redaction(&self, at: Timestamp) -> Result<(), StoreError> {
        let mut noted = self.redaction.lock().unwrap_or_else(PoisonError::into_inner);
        if noted.is_none_or(|before| before.at < at) {
            *noted = Some(Redaction { at, done: false });
        }
        Ok(())
    }

    async fn redaction(&self) -> Result<Option<Redaction>, StoreError> {
        Ok(*self.redaction.lock().unwrap_or_else(PoisonError::into_inner))
    }

    async fn redact(&self, at: Timestamp) -> Result<(), StoreError> {
        self.shoppers.invalidate_all();
        self.decisions.invalidate_all();
        self.erasures.lock().unwrap_or_else(PoisonError::into_inner).clear();
        // Out of memory now, not with the next upkeep.
        self.shoppers.run_pending_tasks();
        self.decisions.run_pending_tasks();
        let mut noted = self.redaction.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = noted.as_mut().filter(|noted| noted.at == at) {
            own.done = true;
        }
        Ok(())
    }

    async fn note_erasure(&self, erasure: &Erasure) -> Result<(), StoreError> {
        let mut noted = self.erasures.lock().unwrap_or_else(PoisonError::into_inner);
        let now = u64::try_from(Timestamp::now().as_millisecond()).unwrap_or_default();
        let next = noted.back().map_or(Place(now, 1), |(last, _)| Place(now.max(last.0), last.1 + 1));
        noted.push_back((next, erasure.clone()));
        if noted.len() > ERASURES {
            noted.pop_front();
        }
        Ok(())
    }

    async fn erasures(&self, behind: Place) -> Result<Vec<(Place, Erasure)>, StoreError> {
        let noted = self.erasures.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(noted.iter().filter(|(place, _)| *place > behind).cloned().collect())
    }

    async fn note_products(&self, notes: &[ProductNote]) -> Result<(), StoreError> {
        let mut noted = self.products.lock().unwrap_or_else(PoisonError::into_inner);
        for note in notes {
            let next = noted.back().map_or(1, |(last, _)| last + 1);
            noted.push_back((next, note.clone()));
            if noted.len() > NEWS {
                noted.pop_front();
            }
        }
        Ok(())
    }

    async fn products(&self, behind: Option<Place>) -> Result<ProductsTold, StoreError> {
        let noted = self.products.lock().unwrap_or_else(PoisonError::into_inner);
        let last = noted.back().map_or_else(Place::default, |(last, _)| Place(0, *last));
        let mut told = ProductsTold::behind(behind.unwrap_or(last));
        let from = told.at.1;
        for (number, note) in noted.iter().filter(|(number, _)| *number > from) {
            told.take(Place(0, *number), Place(0, number - 1), note.clone());
        }
        Ok(told)
    }

    async fn knows(&self, deliveries: &[String]) -> Result<bool, StoreError> {
        let now = Instant::now();
        Ok(deliveries.iter().any(|id| self.deliveries.get(id).is_some_and(|until| until > now)))
    }

    async fn remember(&self, deliveries: &[String], time: Duration) -> Result<(), StoreError> {
        let until = Instant::now() + time.min(DELIVERIES_FOR);
        deliveries.iter().for_each(|id| self.deliveries.insert(id.clone(), until));
        Ok(())
    }
}

/// About how many bytes a decision takes.
fn weight(record: &DecisionRecord) -> usize {
    let items = record.slate.items.len() + record.candidates.items.len();
    let inputs: usize = record.inputs.iter().map(|input| input.name.len() + input.value.len() + 64).sum();
    let made = record.made.as_ref().map_or(0, |made| made.weight());
    512 + items * 96 + inputs + record.dropped.len() * 64 + made
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::event::EventType;
    use crate::domain::ids::EventId;
    use jiff::Timestamp;

    #[tokio::test]
    async fn the_memory_store_passes_the_contract() {
        crate::store::contract::check(MemoryStore::default).await;
    }

    #[tokio::test]
    async fn a_full_store_takes_the_newest_shopper_and_stays_within_its_bound() {
        let config = MemoryConfig { shoppers: ByteSize::kib(64), ..MemoryConfig::default() };
        let store = MemoryStore::new(&config);
        for n in 0..1_000 {
            let who = ShopperKey::new(format!("shopper {n}"));
            let event = Event::bare(EventId::new("e"), EventType::PageViewed, Timestamp::from_second(n).unwrap());
            ShopperStore::append(&store, &who, &[event]).await.unwrap();
            assert_eq!(ShopperStore::read(&store, &who).await.unwrap().session.events.len(), 1, "shopper {n}");
        }
        store.shoppers.run_pending_tasks();
        assert!(store.shoppers.weighted_size() <= 64 * 1024);
        assert!(store.shoppers.entry_count() > 20);
    }

    #[tokio::test]
    async fn of_two_logins_at_once_one_customer_gets_each_event() {
        let store = Arc::new(MemoryStore::default());
        let key = |text: &str| ShopperKey::new(text);
        for round in 0..50 {
            let session = key(&format!("session {round}"));
            let event = Event::bare(EventId::new("e"), EventType::PageViewed, Timestamp::UNIX_EPOCH);
            store.append(&session, &[event]).await.unwrap();
            let login = |customer: String| {
                let (store, session) = (store.clone(), session.clone());
                std::thread::spawn(move || {
                    futures::executor::block_on(store.stitch(&session, &ShopperKey::new(customer), &[])).unwrap();
                })
            };
            let logins = ["anna", "bert"].map(|name| login(format!("{name} {round}")));
            logins.into_iter().for_each(|login| login.join().unwrap());
            let mut held = 0;
            for name in ["anna", "bert"] {
                held += store.read(&key(&format!("{name} {round}"))).await.unwrap().session.events.len();
            }
            assert_eq!(held, 1);
        }
    }
}
