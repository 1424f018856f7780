//! The front of the module: [`Ingest`].

use super::apply;
use super::batch::{Batch, Outcome, Rejection};
use super::config::Config;
use super::consent::{Change, Changed, Desk};
use super::deduplicate::Seen;
use super::erase::{Eraser, Sure};
use super::erasures::Erasures;
use super::error::{Failure, Refusal, StartError};
use super::feed::Feed;
use super::forget;
use super::identity::{Caller, CustomerCheck, Customers, Evidence, Hasher, Identity};
use super::learn::Learner;
use super::limit::Limit;
use super::limit::Pace;
use super::record::{Recorded, Recorder};
use super::redactions::Redactions;
use super::senders::Webhooks;
use super::spool::Spool;
use super::traffic::{RootField, Sights, claims, proof, roots};
use super::unanswered::Unanswered;
use super::withdrawn::Withdrawn;
use crate::catalogue::Catalogue;
use crate::domain::consent::{Consent, Purpose};
use crate::domain::event::Event;
use crate::engine::context::Context;
use crate::platform::Platform;
use crate::platform::secret::Secret;
use crate::store::{DecisionStore, ShopStore, ShopperState, ShopperStore};
use crate::telemetry::events::LearningDropped;
use apollo_compiler::ast::{OperationDefinition, Selection};
use arc_swap::ArcSwap;
use bytes::Bytes;
use http::HeaderMap;
use jiff::Timestamp;
use serde_json::Value;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::Semaphore;

/// What ingest works with.
pub struct Deps {
    /// The platform, for sessions, consent and what traffic means.
    pub platform: Arc<dyn Platform>,
    /// Asks the platform whose a customer token is; `None`: customers are never known.
    pub customers: Option<Arc<dyn CustomerCheck>>,
    /// Sessions, profiles and consent.
    pub store: Arc<dyn ShopperStore>,
    /// The decision log, which erasing reaches, too.
    pub decisions: Arc<dyn DecisionStore>,
    /// What concerns the shop as a whole.
    pub shop: Arc<dyn ShopStore>,
    /// What ranking knows of the products.
    pub catalogue: Arc<Catalogue>,
    /// What learns from events.
    pub learner: Arc<dyn Learner>,
}

/// Who is asking, and what they did. One for the whole gateway; shared by reference.
pub struct Ingest {
    pub(super) config: Config,
    pub(super) identity: Identity,
    pub(super) eraser: Eraser,
    pub(super) withdrawn: Withdrawn,
    /// The tags of customers that count.
    pub(super) tags: ArcSwap<Vec<Box<str>>>,
    pub(super) shop: Arc<dyn ShopStore>,
    pub(super) redactions: Arc<Redactions>,
    pub(super) erasures: Arc<Erasures>,
    pub(super) feed: Feed,
    pub(super) limit: Limit,
    pub(super) seen: Seen,
    pub(super) unanswered: Unanswered,
    sights: Sights,
    pub(super) platform: Arc<dyn Platform>,
    pub(super) catalogue: Arc<Catalogue>,
    pub(super) recorder: Arc<Recorder>,
    pub(super) webhooks: Webhooks,
    pub(super) spool: Option<Spool>,
    /// Kibibytes free for what waits to be learned from traffic.
    room: Arc<Semaphore>,
    /// All of them: [`Ingest::settle`] waits until they are free.
    rooms: u32,
    /// Operations that were not learned from, because there was no room.
    passed_by: AtomicU64,
}

impl Ingest {
    /// Reads the secrets and starts the training log's writer, where one is configured.
    /// Errors: [`StartError`]; among them a start outside a runtime.
    pub fn new(config: Config, deps: Deps) -> Result<Arc<Self>, StartError> {
        tokio::runtime::Handle::try_current().map_err(|_| StartError::NoRuntime)?;
        let hasher = Hasher::open(&config.secrets)?;
        let customers = deps.customers.map(|check| Customers::new(check, &config.customer));
        let recorder = Arc::new(Recorder::open(&config.record)?);
        super::rotated::warn_of_missing(&hasher, &config)?;
        let rooms = u32::try_from(config.traffic.memory.as_u64() / 1024).unwrap_or(u32::MAX).min(1 << 20);
        let erasures = Arc::new(Erasures::new(&config));
        let ingest = Arc::new(Self {
            identity: Identity::new(&config, hasher, Arc::clone(&deps.platform), Arc::clone(&deps.store), customers),
            eraser: Eraser {
                shoppers: deps.store,
                decisions: deps.decisions,
                learner: deps.learner,
                recorder: Arc::clone(&recorder),
                shop: Arc::clone(&deps.shop),
                by: erasures.by,
            },
            withdrawn: Withdrawn::new(),
            tags: ArcSwap::default(),
            shop: deps.shop,
            redactions: Arc::default(),
            feed: Feed::of(erasures.by),
            erasures,
            limit: Limit::new(&config.events),
            seen: Seen::new(),
            unanswered: Unanswered::default(),
            sights: Sights::new(),
            platform: deps.platform,
            catalogue: deps.catalogue,
            recorder,
            webhooks: Webhooks::open(&config)?,
            spool: Spool::open(&config.spool)?,
            room: Arc::new(Semaphore::new(rooms as usize)),
            rooms,
            passed_by: AtomicU64::new(0),
            config,
        });
        ingest.start_spool();
        ingest.start_redactions();
        ingest.start_looking();
        Ok(ingest)
    }

    /// Reads the secrets as they are now, for [`Ingest::rekey`]; `None` where that would change nothing. May block as
    /// reading a secret does. Errors: a secret that cannot be read or is too short.
    pub fn reread(&self, secrets: &[Secret]) -> Result<Option<Hasher>, StartError> {
        // Without any, those in use go on.
        if secrets.is_empty() {
            return Ok(None);
        }
        Ok(Hasher::open(secrets)?.after(&self.identity.hasher.load()))
    }

    /// Hashes by other secrets from the next request on.
    pub fn rekey(&self, hasher: Hasher) {
        self.identity.hasher.store(Arc::new(hasher));
    }

    /// Keys derived from the shop's secrets: see [`Hasher::derived`].
    pub fn derived_keys(&self, purpose: &str) -> ([u8; 32], Vec<[u8; 32]>) {
        self.identity.hasher.load().derived(purpose)
    }

    /// The keyed hash of the session that these headers name, for the record of customer data.
    pub fn session_hash(&self, headers: &HeaderMap) -> Option<String> {
        self.identity.session_key(headers).map(|key| key.as_str().to_owned())
    }

    /// Who is asking. Errors: a header of ours that cannot be read; its text is for the client.
    pub async fn identify(self: &Arc<Self>, evidence: &Evidence) -> Result<Caller, Refusal> {
        let caller = self.identity.weigh(evidence).await?;
        self.heed(&caller).await;
        Ok(caller)
    }

    /// What the engine may know of the caller. State is read only with consent to preferences, and is empty where the
    /// store does not answer: the shopper then gets what everybody gets.
    pub async fn context(&self, caller: &Caller, now: Timestamp) -> Context {
        let (mut state, mut away) = (ShopperState::default(), caller.glimpse.is_away());
        if let Some(who) = caller.shopper.as_ref().filter(|_| !away && self.allows(caller, Purpose::Preferences)) {
            let read = match caller.glimpse.take(who) {
                Some(read) => Ok(read),
                None => self.eraser.shoppers.read(who).await,
            };
            away = read.is_err();
            match read {
                Ok(read) => state = caller.heard(read),
                Err(error) => tracing::debug!(%error, "a shopper's state could not be read; served without it"),
            }
        }
        Context {
            shopper: caller.shopper.clone(),
            confirmed: caller.customer.is_some(),
            consent: self.withdrawn.left(caller),
            state,
            away,
            market: caller.market.clone(),
            now,
        }
    }

    /// Takes events of one shopper; one outcome an event, in order. Accepted events are in the shopper's next request.
    /// Storage needs consent to preferences, statistics and the training log need analytics; with one of them only that
    /// part is done. What is accepted outlives a fail-over of the store, as far as the store can tell.
    pub async fn accept(&self, caller: &Caller, events: Vec<Event>) -> Vec<Outcome> {
        self.receive(caller, events, apply::Sure::Acknowledged).await
    }

    async fn receive(&self, caller: &Caller, events: Vec<Event>, sure: apply::Sure) -> Vec<Outcome> {
        let mut batch = Batch::new(events);
        // What is on file could not be read: that is no refusal of the shopper's.
        if caller.glimpse.is_away() && !caller.teaches() && !caller.prefetch {
            let message = "what the shopper allows cannot be read at the moment; send it again in a minute";
            batch.refuse_all(Rejection::RateLimited, message);
        }
        caller.glimpse.forget();
        if let Err(error) = self.walk(caller, &mut batch, Pace::Limited, sure).await {
            tracing::warn!(%error, "events could not be stored; their senders were asked to try again");
            batch
                .refuse_all(Rejection::RateLimited, "events cannot be stored at the moment; send it again in a minute");
        }
        batch.outcomes()
    }

    /// Sets or withdraws consent, purpose by purpose, and erases what was withdrawn.
    /// Errors: a grant without a session; a store that does not answer.
    pub async fn consent(&self, caller: &Caller, change: Change) -> Result<Changed, Failure> {
        caller.glimpse.forget();
        let said = Timestamp::now();
        let mut sure = Sure::default();
        let changed = self.desk().change(caller, change, &mut sure).await?;
        let withdrawn = change.withdrawn();
        // A grant that is lost is asked for again.
        if withdrawn != Consent::NONE {
            self.erase_behind(caller.keys().cloned().collect(), withdrawn, said, sure).await?;
        }
        Ok(changed)
    }

    /// Erases everything of the caller's session and confirmed customer. True where there was something.
    /// Errors: neither a session nor a customer; a store that does not answer.
    pub async fn forget(&self, caller: &Caller) -> Result<bool, Failure> {
        caller.glimpse.forget();
        let said = Timestamp::now();
        let mut sure = Sure::default();
        let found = forget::forget(&self.eraser, &self.withdrawn, caller, &mut sure).await?;
        self.erase_behind(caller.keys().cloned().collect(), Consent::ALL, said, sure).await?;
        Ok(found)
    }

    /// Forgets everything of every shopper that is in memory.
    pub(super) fn forget_everyone(&self) {
        self.eraser.learner.forget_everyone();
        self.recorder.clear();
        self.identity.forget_everyone();
        self.limit.clear();
        self.seen.clear();
        self.unanswered.clear();
    }

    /// Whether an operation with these root fields can say anything, so that its answer is worth a copy.
    pub fn listens<'a>(&self, names: impl Iterator<Item = &'a str>) -> bool {
        self.config.traffic.learn && claims::any(self.platform.signals(), names)
    }

    /// The root fields of an operation that can say something; empty where none can. `variables` gives the value that
    /// the request gave one.
    pub fn roots(
        &self,
        operation: &OperationDefinition,
        fragments: &HashMap<String, Vec<Selection>>,
        variables: &dyn Fn(&str) -> Option<Value>,
    ) -> Vec<RootField> {
        if self.config.traffic.learn {
            roots::read(self.platform.signals(), operation, fragments, variables)
        } else {
            Vec::new()
        }
    }

    /// Learns what an operation shows about a caller who is already known. `answer`: the platform's, where it has at
    /// most [`proof::LARGEST`] bytes. Returns at once; where there is no room, nothing is learned and that is counted.
    pub fn observe(self: &Arc<Self>, caller: &Caller, roots: &[RootField], answer: Option<Bytes>) {
        if caller.teaches() {
            let caller = caller.clone();
            self.learn_later(roots, answer, |_| async move { Some(caller) });
        }
    }

    /// Whether headers name a session: without one and without a token [`Ingest::watch`] learns nothing.
    pub fn knows(&self, headers: &http::HeaderMap) -> bool {
        self.identity.knows(headers)
    }

    /// The same for an operation that passes through, where nobody needed to know who asks: found out here, off the
    /// request's way.
    pub fn watch(self: &Arc<Self>, evidence: Evidence, roots: &[RootField], answer: Option<Bytes>) {
        if !super::identity::caller::is_prefetch(&evidence.headers) {
            let evidence = Evidence { may_set_cookie: false, ..evidence };
            self.learn_later(roots, answer, |ingest| async move { ingest.identify(&evidence).await.ok() });
        }
    }

    /// What is recorded in memory, oldest first.
    pub fn recent(&self) -> Vec<Arc<Recorded>> {
        self.recorder.recent()
    }

    /// Operations not learned from, and lines missing from the training log, because there was no room for them.
    pub fn dropped(&self) -> (u64, u64) {
        (self.passed_by.load(Ordering::Relaxed), self.recorder.dropped())
    }

    /// Waits until all that traffic has shown so far is learned and on disk. For shutdown and tests.
    pub async fn settle(&self) {
        // The semaphore is never closed.
        drop(self.room.acquire_many(self.rooms).await);
        self.recorder.flush().await;
    }

    fn learn_later<F, W>(self: &Arc<Self>, roots: &[RootField], answer: Option<Bytes>, who: W)
    where
        W: FnOnce(Arc<Self>) -> F,
        F: Future<Output = Option<Caller>> + Send + 'static,
    {
        let claims = if self.config.traffic.learn { claims::read(self.platform.signals(), roots) } else { Vec::new() };
        if claims.is_empty() {
            return;
        }
        let answer = answer.filter(|answer| answer.len() <= proof::LARGEST);
        let bytes = claims.iter().map(claims::Claim::size).sum::<usize>() + answer.as_ref().map_or(0, Bytes::len);
        // Four more for the caller or the evidence, and the task itself.
        let room = u32::try_from(bytes / 1024).unwrap_or(u32::MAX).saturating_add(4);
        let Ok(permit) = Arc::clone(&self.room).try_acquire_many_owned(room) else {
            self.passed_by.fetch_add(1, Ordering::Relaxed);
            LearningDropped { kind: "operation" }.emit();
            return;
        };
        let (now, ingest, caller) = (Timestamp::now(), Arc::clone(self), who(Arc::clone(self)));
        tokio::spawn(async move {
            if let Some(caller) = caller.await {
                ingest.learn_claims(&caller, claims, answer.as_deref(), now).await;
            }
            drop(permit);
        });
    }

    async fn learn_claims(&self, caller: &Caller, claims: Vec<claims::Claim>, answer: Option<&[u8]>, now: Timestamp) {
        let Some(who) = caller.shopper.as_ref().filter(|_| caller.teaches()) else { return };
        let events = self.sights.events(who, claims, answer, &self.catalogue.current(), now);
        if !events.is_empty() {
            let refused = self.receive(caller, events, apply::Sure::BestEffort).await;
            let refused = refused.iter().filter(|outcome| matches!(outcome, Outcome::Rejected(_))).count();
            tracing::trace!(refused, "learned from traffic");
        }
    }

    pub(super) fn allows(&self, caller: &Caller, purpose: Purpose) -> bool {
        self.withdrawn.left(caller).allows(purpose)
    }

    fn desk(&self) -> Desk<'_> {
        Desk { identity: &self.identity, eraser: &self.eraser, withdrawn: &self.withdrawn }
    }
}

impl fmt::Debug for Ingest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ingest").field("identity", &self.identity).finish_non_exhaustive()
    }
}
