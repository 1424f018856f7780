//! The walk of a beacon: read its form → sort by shopper → who is it, what is allowed → the walk of events → kept for later
//! where the store does not answer.
//!
//! Invariants: a shopper's events go under that shopper's keys alone; a beacon of a page that was not let in brings no
//! cookie with it; what is answered as accepted is stored, or written where it survives.

use super::accept::Ingest;
use super::apply;
use super::batch::{Batch, Outcome, Rejection};
use super::decode::keys::Keys;
use super::decode::{self, Form, Heard, Reader, Said};
use super::error::Refused;
use super::identity::{Caller, ConsentSource, Evidence, Patience};
use super::limit::Pace;
use super::task::{Did, Task};
use crate::domain::consent::Consent;
use crate::domain::event::{Event, MAX_EVENTS};
use crate::domain::ids::SessionId;
use crate::telemetry::ingest::BeaconTaken;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};
use jiff::Timestamp;
use serde::Serialize;
use tokio::time::{Instant, timeout_at};

/// The most events of one beacon.
pub const MOST: usize = 500;

/// What a client sent.
#[derive(Debug, Default)]
pub struct Beacon {
    /// Its headers.
    pub headers: HeaderMap,
    /// The query of its URL.
    pub query: String,
    /// The form, as the sender named it.
    pub form: Option<Form>,
    /// The body.
    pub body: Bytes,
    /// Whether a page sent it that has not been let in: its cookies then count for nothing.
    pub foreign: bool,
}

/// What became of a beacon: the answer's body.
#[derive(Debug, Default, Serialize)]
pub struct Taken {
    /// How many events are in their shopper's next request, or kept until the store is back.
    pub accepted: usize,
    /// Each event, in order.
    pub outcomes: Vec<Became>,
}

/// What became of one event.
#[derive(Debug, Serialize)]
pub struct Became {
    /// Its id, cut to 128 characters.
    pub id: String,
    /// `ACCEPTED`, `REJECTED`, or `UNUSED` where its name is none that is used.
    pub outcome: &'static str,
    /// Why, as in `PersonalizedRejection`; `UNKNOWN_EVENT` for names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<&'static str>,
    /// Why and what to do next, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

impl Taken {
    /// Whether nothing was taken because too much comes.
    pub fn is_too_much(&self) -> bool {
        let limited = Some(Rejection::RateLimited.code());
        !self.outcomes.is_empty() && self.outcomes.iter().all(|became| became.code == limited)
    }
}

/// Events of one shopper with where they stood in the beacon.
struct Group {
    session: Option<SessionId>,
    said: Said,
    events: Vec<(usize, Event)>,
}

impl Ingest {
    /// Takes the events of a beacon, each on its own. Errors: [`Refused`]: it is to be sent again; what was taken of it counts
    /// once.
    pub async fn beacon(&self, beacon: &Beacon) -> Result<Taken, Refused> {
        let heard = {
            let index = self.catalogue.current();
            let reader = Reader { keys: Keys { index: &index, platform: &*self.platform }, now: Timestamp::now() };
            decode::read(&beacon.body, &beacon.query, beacon.form, &reader, MOST)?
        };
        let ids: Vec<String> = heard.iter().map(|heard| heard.id.as_str().chars().take(128).collect()).collect();
        let mut became: Vec<Option<Became>> = heard.iter().zip(&ids).map(|(heard, id)| unused(heard, id)).collect();
        // One patience for all of it: it may be of many sessions.
        let until = Instant::now() + self.config.beacons.patience;
        for group in grouped(heard) {
            let sender = timeout_at(until, self.sender(beacon, &group)).await;
            let caller = sender.map_err(|_| Refused::Later)??;
            for events in group.events.chunks(MAX_EVENTS) {
                let outcomes =
                    self.take_or_keep(&caller, events.iter().map(|(_, event)| event.clone()).collect(), until).await?;
                for ((at, _), outcome) in events.iter().zip(outcomes) {
                    if let (Some(slot), Some(id)) = (became.get_mut(*at), ids.get(*at)) {
                        *slot = Some(told(id, outcome));
                    }
                }
            }
        }
        let outcomes: Vec<Became> = became.into_iter().flatten().collect();
        let accepted = outcomes.iter().filter(|became| became.outcome == "ACCEPTED").count();
        for became in &outcomes {
            BeaconTaken { outcome: became.code.unwrap_or("ACCEPTED") }.emit();
        }
        Ok(Taken { accepted, outcomes })
    }

    /// Who sent a group of events, and what they allow. Headers of ours say more than what the body says.
    async fn sender(&self, beacon: &Beacon, group: &Group) -> Result<Caller, Refused> {
        let mut headers = beacon.headers.clone();
        if beacon.foreign {
            headers.remove(header::COOKIE);
        }
        if !headers.contains_key(super::identity::SESSION_HEADER)
            && let Some(id) = &group.session
            // A session id is printable ASCII: it is a header's value.
            && let Ok(value) = HeaderValue::from_str(id.expose())
        {
            headers.insert(super::identity::SESSION_HEADER, value);
        }
        let evidence = Evidence { headers, patience: Patience::Event, ..Evidence::default() };
        // It has no token, so the platform says nothing of a customer.
        let mut caller = self.identity.weigh(&evidence).await?;
        let away = caller.glimpse.is_away();
        if caller.consent_source != ConsentSource::Header && group.said != Said::default() {
            caller.consent = group.said.over(caller.consent);
        }
        // Consent on file could not be read: that is no refusal, and nothing may be kept of what may not be allowed.
        if away && !caller.teaches() { Err(Refused::Later) } else { Ok(caller) }
    }

    /// The walk of events; what is valid and allowed and cannot be stored until then is kept for later.
    async fn take_or_keep(&self, caller: &Caller, events: Vec<Event>, until: Instant) -> Result<Vec<Outcome>, Refused> {
        let (came, mut batch) = (Timestamp::now(), Batch::new(events));
        let walked = timeout_at(until, self.walk(caller, &mut batch, Pace::Limited, apply::Sure::Acknowledged)).await;
        if !matches!(walked, Ok(Ok(()))) {
            let did = Did {
                customer: caller.customer.clone(),
                session: caller.session.clone(),
                older: caller.older.clone(),
                said: Some(self.withdrawn.left(caller)).filter(|consent| *consent != Consent::NONE),
                market: caller.market.clone(),
                events: batch.events(),
                at: Some(came),
            };
            self.keep(Task::Events(Box::new(did))).await?;
        }
        Ok(batch.outcomes())
    }
}

/// Events by whose they are and what was said, each group in the order of the beacon.
fn grouped(heard: Vec<Heard>) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for (at, heard) in heard.into_iter().enumerate() {
        let Ok(event) = heard.event else { continue };
        let same = |group: &&mut Group| group.session == heard.session && group.said == heard.consent;
        match groups.iter_mut().rev().find(same) {
            Some(group) => group.events.push((at, event)),
            None => groups.push(Group { session: heard.session, said: heard.consent, events: vec![(at, event)] }),
        }
    }
    groups
}

fn unused(heard: &Heard, id: &str) -> Option<Became> {
    let name = heard.event.as_ref().err()?;
    Some(Became {
        id: id.to_owned(),
        outcome: "UNUSED",
        code: Some("UNKNOWN_EVENT"),
        message: Some(format!("`{name}` is no event that is used here; docs/events.md lists those that are")),
    })
}

fn told(id: &str, outcome: Outcome) -> Became {
    let id = id.to_owned();
    match outcome {
        Outcome::Accepted => Became { id, outcome: "ACCEPTED", code: None, message: None },
        Outcome::Rejected(rejected) => {
            Became { id, outcome: "REJECTED", code: Some(rejected.code.code()), message: Some(rejected.message) }
        }
    }
}
