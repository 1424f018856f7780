//! A platform, a store and a learner that show what they were given.

use crate::catalogue::{Catalogue, Index};
use crate::domain::audit::DecisionRecord;
use crate::domain::consent::{Consent, Purpose};
use crate::domain::event::{Event, EventType};
use crate::domain::ids::{CustomerId, DecisionId, EventId, ProductKey, ShopperKey};
use crate::domain::product::CatalogueProduct;
use crate::domain::standing::Told;
use crate::ingest::identity::{CustomerCheck, NoAnswer};
use crate::ingest::{Caller, Config, Deps, Evidence, Ingest, Learner, Outcome};
use crate::platform::{self, Confirmed, Platform};
use crate::store::{
    Appended, DecisionStore, Erasure, MemoryStore, Place, ProductNote, ProductsTold, Redaction, ShopStore,
    ShopperState, ShopperStore, StoreError, Stored,
};
use async_trait::async_trait;
use http::{HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Everything stored, by shopper.
#[derive(Default)]
pub(super) struct Shelf {
    pub(super) shoppers: MemoryStore,
    pub(super) decisions: Mutex<BTreeSet<ShopperKey>>,
    pub(super) learned: Mutex<Vec<(ShopperKey, Event)>>,
    pub(super) deliveries: Mutex<BTreeSet<String>>,
    pub(super) redaction: Mutex<Option<Redaction>>,
    pub(super) erasures: Mutex<Vec<Erasure>>,
    pub(super) news: Mutex<Vec<ProductNote>>,
    /// Set, whoever asks for news next is told that some is missing.
    pub(super) gap: AtomicBool,
    /// What the platform says of customers by their names.
    pub(super) told: Mutex<BTreeMap<String, Told>>,
    /// Set, the store does not answer.
    pub(super) down: Mutex<bool>,
    /// Set, it does not answer to a page in time.
    pub(super) slow: Mutex<bool>,
    /// How long it takes to store events.
    pub(super) pause: Mutex<Duration>,
    /// Set, its answers are lost: it has done what it was asked for.
    pub(super) mute: Mutex<bool>,
    /// Set, a fail-over would lose what it takes.
    pub(super) late: Mutex<bool>,
}

impl Shelf {
    pub(super) fn shoppers(&self) -> BTreeMap<ShopperKey, ShopperState> {
        self.shoppers.everyone()
    }

    pub(super) fn state(&self, who: &ShopperKey) -> ShopperState {
        self.shoppers().remove(who).unwrap_or_default()
    }

    pub(super) fn products(&self, who: &ShopperKey) -> Vec<String> {
        let product = |event: &Event| event.product.as_ref().map(ToString::to_string);
        self.state(who).session.events.iter().filter_map(product).collect()
    }

    /// All that is stored and learned, as text. Of who was erased it stays known that consent was withdrawn, and nothing else.
    pub(super) fn everything(&self) -> String {
        let mut shoppers = self.shoppers();
        shoppers.retain(|_, state| {
            let mut erased = ShopperState { consent: state.consent.map(|_| Consent::NONE), ..ShopperState::default() };
            (erased.session.revision, erased.profile.revision) = (state.session.revision, state.profile.revision);
            *state != erased
        });
        format!("{shoppers:?} {:?}", self.learned.lock().unwrap())
    }

    fn with<T>(&self, act: impl FnOnce() -> T) -> Result<T, StoreError> {
        self.up().map(|()| act())
    }

    fn up(&self) -> Result<(), StoreError> {
        if *self.down.lock().unwrap() { Err(StoreError::Timeout) } else { Ok(()) }
    }

    /// What was changed, unless a fail-over would lose it.
    fn durable<T>(&self, answer: T) -> Result<T, StoreError> {
        if *self.late.lock().unwrap() { Err(StoreError::NotDurable) } else { Ok(answer) }
    }
}

#[async_trait]
impl ShopperStore for Shelf {
    async fn read(&self, who: &ShopperKey) -> Result<ShopperState, StoreError> {
        if *self.slow.lock().unwrap() { Err(StoreError::Timeout) } else { self.read_patiently(who).await }
    }

    async fn read_patiently(&self, who: &ShopperKey) -> Result<ShopperState, StoreError> {
        self.up()?;
        self.shoppers.read(who).await
    }

    async fn append(&self, who: &ShopperKey, events: &[Event]) -> Result<Vec<Appended>, StoreError> {
        self.up()?;
        let pause = *self.pause.lock().unwrap();
        if pause > Duration::ZERO {
            tokio::time::sleep(pause).await;
        }
        let answers = self.shoppers.append(who, events).await?;
        if *self.mute.lock().unwrap() { Err(StoreError::Timeout) } else { Ok(answers) }
    }

    async fn append_durably(&self, who: &ShopperKey, events: &[Event]) -> Result<Stored, StoreError> {
        let answers = self.append(who, events).await?;
        Ok(Stored { answers, is_durable: !*self.late.lock().unwrap() })
    }

    async fn agree(&self, who: &ShopperKey, consent: Consent, granted: Consent) -> Result<(), StoreError> {
        self.up()?;
        self.durable(self.shoppers.agree(who, consent, granted).await?)
    }

    async fn take_back(&self, who: &ShopperKey, purposes: Consent, said: Timestamp) -> Result<Consent, StoreError> {
        self.up()?;
        self.durable(self.shoppers.take_back(who, purposes, said).await?)
    }

    async fn hear(&self, who: &ShopperKey, told: &Told) -> Result<(), StoreError> {
        self.up()?;
        self.durable(self.shoppers.hear(who, told).await?)
    }

    async fn stitch(
        &self,
        session: &ShopperKey,
        customer: &ShopperKey,
        formerly: &[ShopperKey],
    ) -> Result<(), StoreError> {
        self.up()?;
        self.shoppers.stitch(session, customer, formerly).await
    }

    async fn rename(&self, old: &ShopperKey, new: &ShopperKey) -> Result<(), StoreError> {
        self.up()?;
        self.shoppers.rename(old, new).await
    }

    async fn devices(&self, who: &ShopperKey) -> Result<Vec<ShopperKey>, StoreError> {
        self.up()?;
        self.shoppers.devices(who).await
    }

    async fn erase_purpose(&self, who: &ShopperKey, purpose: Purpose) -> Result<bool, StoreError> {
        self.up()?;
        self.durable(self.shoppers.erase_purpose(who, purpose).await?)
    }

    async fn erase_as_said(&self, who: &ShopperKey, said: Timestamp) -> Result<bool, StoreError> {
        self.up()?;
        self.durable(self.shoppers.erase_as_said(who, said).await?)
    }
}

#[async_trait]
impl DecisionStore for Shelf {
    async fn put(&self, record: DecisionRecord) -> Result<(), StoreError> {
        self.decisions.lock().unwrap().insert(record.shopper);
        Ok(())
    }

    async fn get(&self, _: &ShopperKey, _: &DecisionId) -> Result<Option<DecisionRecord>, StoreError> {
        Ok(None)
    }

    async fn of(&self, _: &ShopperKey) -> Result<Vec<DecisionRecord>, StoreError> {
        Ok(Vec::new())
    }

    async fn erase(&self, who: &ShopperKey) -> Result<bool, StoreError> {
        let held = self.decisions.lock().unwrap().remove(who);
        if held { self.durable(true) } else { Ok(false) }
    }
}

#[async_trait]
impl ShopStore for Shelf {
    async fn note_redaction(&self, at: Timestamp) -> Result<(), StoreError> {
        self.with(|| *self.redaction.lock().unwrap() = Some(Redaction { at, done: false }))
    }

    async fn redaction(&self) -> Result<Option<Redaction>, StoreError> {
        self.with(|| *self.redaction.lock().unwrap())
    }

    async fn redact(&self, at: Timestamp) -> Result<(), StoreError> {
        self.up()?;
        ShopStore::redact(&self.shoppers, at).await?;
        self.with(|| {
            self.decisions.lock().unwrap().clear();
            *self.redaction.lock().unwrap() = Some(Redaction { at, done: true });
        })
    }

    async fn note_erasure(&self, erasure: &Erasure) -> Result<(), StoreError> {
        self.with(|| self.erasures.lock().unwrap().push(erasure.clone()))
    }

    async fn erasures(&self, behind: Place) -> Result<Vec<(Place, Erasure)>, StoreError> {
        let placed = |(erasure, n): (&Erasure, u64)| (Place(0, n), erasure.clone());
        self.with(|| {
            let all = self.erasures.lock().unwrap();
            all.iter().zip(1..).map(placed).filter(|(place, _)| *place > behind).collect()
        })
    }

    async fn note_products(&self, notes: &[ProductNote]) -> Result<(), StoreError> {
        self.with(|| self.news.lock().unwrap().extend_from_slice(notes))
    }

    async fn products(&self, behind: Option<Place>) -> Result<ProductsTold, StoreError> {
        self.with(|| {
            let all = self.news.lock().unwrap();
            let last = Place(0, all.len() as u64);
            let behind = behind.unwrap_or(last);
            let notes = all.iter().skip(usize::try_from(behind.1).unwrap()).cloned().collect();
            ProductsTold { notes, at: last, gap: self.gap.swap(false, Ordering::SeqCst) }
        })
    }

    async fn knows(&self, deliveries: &[String]) -> Result<bool, StoreError> {
        self.with(|| deliveries.iter().any(|id| self.deliveries.lock().unwrap().contains(id)))
    }

    async fn remember(&self, deliveries: &[String], _: Duration) -> Result<(), StoreError> {
        self.with(|| self.deliveries.lock().unwrap().extend(deliveries.iter().cloned()))
    }
}

impl Learner for Shelf {
    fn learn(&self, who: &ShopperKey, events: &[Event]) {
        self.learned.lock().unwrap().extend(events.iter().map(|event| (who.clone(), event.clone())));
    }

    fn forget(&self, who: &ShopperKey) {
        self.learned.lock().unwrap().retain(|(kept, _)| kept != who);
    }

    fn forget_everyone(&self) {
        self.learned.lock().unwrap().clear();
    }
}

/// Knows tokens of the form `token-NAME`, and of customers what the shelf has.
struct Tokens(Arc<Shelf>);

#[async_trait]
impl CustomerCheck for Tokens {
    async fn confirm(&self, _: &HeaderMap, token: &str) -> Result<Option<Confirmed>, NoAnswer> {
        let told = |name: &str| self.0.told.lock().unwrap().get(name).cloned().unwrap_or_default();
        Ok(token.strip_prefix("token-").map(|name| Confirmed { id: CustomerId::new(name), told: told(name) }))
    }
}

/// A started ingest and all that it writes to.
pub(super) struct Stage {
    pub(super) ingest: Arc<Ingest>,
    pub(super) catalogue: Arc<Catalogue>,
    pub(super) shelf: Arc<Shelf>,
}

fn shopify() -> Arc<dyn Platform> {
    platform::open(&platform::Config::default()).unwrap()
}

/// Ingest over a catalogue of products `p1` to `p5`, each with the handle `h…` and the variant `v…`.
pub(super) fn stage(config: Config) -> Stage {
    stage_over(config, Arc::default())
}

/// The same over a store that others share.
pub(super) fn stage_over(config: Config, shelf: Arc<Shelf>) -> Stage {
    let catalogue = Arc::new(Catalogue::default());
    let product = |n: u32| -> CatalogueProduct {
        let product =
            json!({ "key": format!("p{n}"), "handle": format!("h{n}"), "title": "", "variants": [format!("v{n}")] });
        serde_json::from_value(product).unwrap()
    };
    catalogue.replace(Index::build((1..=5).map(product)), Timestamp::now());
    let deps = Deps {
        platform: shopify(),
        customers: Some(Arc::new(Tokens(Arc::clone(&shelf)))),
        store: Arc::clone(&shelf) as _,
        decisions: Arc::clone(&shelf) as _,
        shop: Arc::clone(&shelf) as _,
        catalogue: Arc::clone(&catalogue),
        learner: Arc::clone(&shelf) as _,
    };
    Stage { ingest: Ingest::new(config, deps).unwrap(), catalogue, shelf }
}

/// Headers by name and value.
pub(super) fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    let pair =
        |(name, value): &(&'static str, &str)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
    pairs.iter().map(pair).collect()
}

/// A request of this session with this consent.
pub(super) fn request(session: &str, consent: &str) -> Evidence {
    let headers = headers(&[("outfitter-session", session), ("outfitter-consent", consent)]);
    Evidence { headers, ..Evidence::default() }
}

impl Stage {
    pub(super) async fn caller(&self, session: &str, consent: &str) -> Caller {
        self.ingest.identify(&request(session, consent)).await.unwrap()
    }

    /// The codes of the outcomes; `OK` for accepted ones.
    pub(super) async fn codes(&self, caller: &Caller, events: Vec<Event>) -> Vec<&'static str> {
        let code = |outcome: Outcome| match outcome {
            Outcome::Accepted => "OK",
            Outcome::Rejected(rejected) => rejected.code.code(),
        };
        self.ingest.accept(caller, events).await.into_iter().map(code).collect()
    }
}

/// A product view, now.
pub(super) fn view(id: &str, product: &str) -> Event {
    Event::of_product(EventId::new(id), EventType::ProductViewed, Timestamp::now(), ProductKey::new(product))
}
