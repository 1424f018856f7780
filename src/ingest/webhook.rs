//! The walk of a delivery: prove → read → known already? → do, or keep for later.
//!
//! Invariants: nothing is parsed before it is proven; what was answered with success is stored, or written where it
//! survives; a delivery that failed is not taken for known, so that the platform's next try counts.

use super::accept::Ingest;
use super::batch::{Outcome, Rejection};
use super::config::Config;
use super::error::{Refused, StartError};
use super::limit::Pace;
use super::task::{Did, Task};
use crate::domain::consent::Consent;
use crate::domain::event::Event;
use crate::domain::ids::{CustomerId, ShopperKey};
use crate::domain::market::Market;
use crate::platform::news::{Actor, Change, News};
use crate::platform::webhooks;
use crate::telemetry::ingest::{AppUninstalled, DataRequested, DeliveryTaken, ShopRedacted};
use http::HeaderMap;
use jiff::Timestamp;
use serde::Serialize;
use std::sync::Arc;
use tokio::time::{Instant, timeout_at};

/// What became of a delivery: the answer's body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Delivered {
    /// Events and changes that were taken.
    pub accepted: usize,
    /// Those that were counted before.
    pub duplicates: usize,
    /// Those that are of no use: without consent, of nobody, of products that are unknown, too old.
    pub unused: usize,
    /// What the platform wants to read, where it wants something.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub op: Option<&'static str>,
}

impl Ingest {
    /// Reads the secrets of webhooks as they are now and goes on with them. May block as reading a secret does.
    /// Errors: one that cannot be read; then those in use stay.
    pub fn renew_webhooks(&self, config: &Config) -> Result<(), StartError> {
        let opened = webhooks::open(&config.webhooks, self.config.customer.consent.as_ref())?;
        self.webhooks.opened.store(Arc::new((opened, config.webhooks.patience)));
        Ok(())
    }

    /// Takes one delivery of a platform's webhooks. Errors: [`Refused`]; then the platform is to send it again, where it
    /// was the platform.
    pub async fn webhook(&self, platform: &str, headers: &HeaderMap, body: &[u8]) -> Result<Delivered, Refused> {
        let opened = self.webhooks.opened.load_full();
        let (platform, sender) = opened.0.iter().find(|(name, _)| *name == platform).ok_or(Refused::NotTaken)?;
        let taken = |topic, outcome| DeliveryTaken { platform, topic, outcome }.emit();
        let now = Timestamp::now();
        if let Err(unproven) = sender.prove(headers, body, now) {
            taken("unknown", "unproven");
            return Err(unproven.into());
        }
        let delivery = sender.read(headers, body, now).inspect_err(|_| taken("unknown", "unreadable"))?;
        // One patience for all of it: a delivery may hold many events.
        let until = Instant::now() + opened.1;
        if self.webhooks.knows(&*self.shop, &delivery, until).await {
            taken(delivery.topic, "duplicate");
            return Ok(Delivered { duplicates: 1, op: sender.verdict(headers), ..Delivered::default() });
        }
        let mut delivered = Delivered { op: sender.verdict(headers), ..Delivered::default() };
        let (mut tasks, changes) = self.sorted(&delivery.news);
        if !changes.is_empty() {
            delivered.accepted += changes.len();
            tasks.push(self.telling(&changes));
            self.catalogue.hear(changes);
        }
        for task in &tasks {
            self.done(task, until, &mut delivered).await.inspect_err(|_| taken(delivery.topic, "later"))?;
        }
        self.webhooks.remember(&*self.shop, &delivery, until).await;
        taken(delivery.topic, if delivery.news.is_empty() { "unused" } else { "taken" });
        Ok(delivered)
    }

    /// The answer to a GET by which a platform tries the address. Errors: it is none that this platform sends, or nothing is
    /// taken of it.
    pub fn challenge(&self, platform: &str, query: &str) -> Result<String, Refused> {
        let opened = self.webhooks.opened.load();
        let sender = opened.0.iter().find(|(name, _)| *name == platform);
        sender.and_then(|(_, sender)| sender.challenge(query)).ok_or(Refused::NotTaken)
    }

    /// Does a task of the platform's within its patience, or keeps it for later. Errors: neither could be done.
    async fn done(&self, task: &Task, until: Instant, delivered: &mut Delivered) -> Result<(), Refused> {
        match timeout_at(until, self.perform(task, Pace::Free)).await {
            Ok(Ok(outcomes)) => delivered.count(&outcomes),
            Ok(Err(_)) | Err(_) => {
                self.keep(task.clone()).await?;
                // News of products is counted, and heard by this process.
                delivered.accepted += usize::from(!matches!(task, Task::Tell(..)));
                return Ok(());
            }
        }
        match task {
            Task::Erase(..) | Task::Withdraw(..) => self.put_behind(task).await,
            // What waits is weighed anew when its turn comes.
            Task::Events(_) | Task::Fetch(..) | Task::Standing(..) | Task::Redact(_) | Task::Tell(..) => {}
        }
        Ok(())
    }

    /// What is to be done, and what became of the catalogue.
    pub(super) fn sorted(&self, news: &[News]) -> (Vec<Task>, Vec<Change>) {
        let (mut tasks, mut changes) = (Vec::new(), Vec::new());
        for one in news {
            match one {
                News::Did(actor, event) => tasks.extend(self.did(actor, event)),
                News::Withdrawn(customer, purpose, said) => {
                    tasks.push(Task::Withdraw(self.keys(customer), Consent::NONE.with(*purpose, true), *said));
                }
                News::Standing(customer, told) => tasks.push(Task::Standing(self.keys(customer), told.clone())),
                News::Redact(customer) => tasks.push(Task::Erase(self.keys(customer), Timestamp::now())),
                News::DataRequest(customer) => {
                    DataRequested { shopper: self.keys(customer).first().map_or("", ShopperKey::as_str) }.emit();
                }
                News::RedactShop => {
                    ShopRedacted { done: false }.emit();
                    // The stores keep whole milliseconds.
                    let now = Timestamp::now();
                    tasks.push(Task::Redact(Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)));
                }
                News::Uninstalled => AppUninstalled.emit(),
                News::Catalogue(change) => changes.push(change.clone()),
                News::Ask(platform, wanted) => {
                    tasks.push(Task::Fetch((*platform).to_owned(), wanted.clone(), Timestamp::now()));
                }
            }
        }
        (tasks, changes)
    }

    /// Every key of a customer, the current one first.
    fn keys(&self, customer: &CustomerId) -> Vec<ShopperKey> {
        let hasher = self.identity.hasher.load();
        std::iter::once(hasher.customer(customer)).chain(hasher.older_customers(customer)).collect()
    }

    /// An event as a task; `None` where nobody is named.
    fn did(&self, actor: &Actor, event: &Event) -> Option<Task> {
        let hasher = self.identity.hasher.load();
        let (mut customer, mut session, mut older) = (None, None, Vec::new());
        if let Some(id) = &actor.customer {
            let key = hasher.customer(id);
            older.extend(hasher.older_customers(id).into_iter().map(|old| (old, key.clone())));
            customer = Some(key);
        }
        if let Some(id) = &actor.session {
            let key = hasher.session(id);
            older.extend(hasher.older_sessions(id).into_iter().map(|old| (old, key.clone())));
            session = Some(key);
        }
        if customer.is_none() && session.is_none() {
            return None;
        }
        let did = Did {
            customer,
            session,
            older,
            said: actor.consent,
            market: Market::default(),
            events: vec![event.clone()],
            at: Some(Timestamp::now()),
        };
        Some(Task::Events(Box::new(did)))
    }
}

impl Delivered {
    pub(super) fn count(&mut self, outcomes: &[Outcome]) {
        for outcome in outcomes {
            match outcome {
                Outcome::Accepted => self.accepted += 1,
                Outcome::Rejected(rejected) if rejected.code == Rejection::Duplicate => self.duplicates += 1,
                Outcome::Rejected(_) => self.unused += 1,
            }
        }
    }
}
