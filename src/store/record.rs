//! Everything kept of one shopper, and what events, login and erasure do to it. Pure: each store keeps it somewhere.
//!
//! Invariants: an event id and an order count once; visits and purchases do not depend on the order in which events
//! arrive, as long as they are still kept; revisions only grow, also over an erasure, so that no cached decision can
//! match a later state.

mod brief;
mod devices;
mod moving;
mod orders;
mod owner;

pub(super) use moving::{Cause, Moving};

use super::traits::{Appended, ShopperState};
use crate::domain::consent::Consent;
use crate::domain::event::{Event, EventType};
use crate::domain::granted::Granted;
use crate::domain::ids::ShopperKey;
use crate::domain::money::Money;
use crate::domain::profile::{Profile, Purchase, Spent};
use crate::domain::session::Session;
use crate::domain::standing::{self, Standing};
use jiff::{SignedDuration, Timestamp};
use orders::{Orders, Told};
use owner::Owner;
use serde::{Deserialize, Serialize};
use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

/// Event ids remembered beyond the events themselves: a beacon sent again much later is still the same event.
const SEEN: usize = 1_000;
/// Events further apart are of two visits.
const VISIT: SignedDuration = SignedDuration::from_mins(30);

/// One shopper as kept.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Record {
    /// What a read gives.
    pub(super) state: Kept,
    /// Hashes of event ids that the session does not hold, oldest first.
    seen: VecDeque<u64>,
    /// Orders that were told.
    orders: Orders,
    /// Of a session: whose it is.
    #[serde(default, skip_serializing_if = "Owner::is_nobody")]
    owner: Owner,
    /// Of a customer: on which sessions they logged in, the last one last.
    #[serde(default, skip_serializing_if = "VecDeque::is_empty")]
    devices: VecDeque<ShopperKey>,
    /// What has left for another key and not yet arrived.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    moving: Option<Box<Moving>>,
    /// When everything, or what preferences stored, was last erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    erased: Option<Timestamp>,
}

/// The parts of [`ShopperState`], in a form that can be written down.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Kept {
    session: Session,
    profile: Profile,
    consent: Option<Consent>,
    #[serde(default, skip_serializing_if = "Granted::is_nothing")]
    granted: Granted,
    #[serde(default, skip_serializing_if = "Standing::is_nothing")]
    standing: Standing,
}

impl Record {
    /// What a read gives.
    pub(super) fn read(&self) -> ShopperState {
        let Kept { session, profile, consent, granted, standing } = self.state.clone();
        ShopperState { session, profile, consent, granted, standing }
    }

    /// On which sessions the customer logged in.
    pub(super) fn devices(&self) -> Vec<ShopperKey> {
        self.devices.iter().cloned().collect()
    }

    /// Changes what is on file of consent as a state does.
    pub(super) fn consenting<T>(&mut self, change: impl FnOnce(&mut ShopperState) -> T) -> T {
        let mut state = self.read();
        let answer = change(&mut state);
        (self.state.consent, self.state.granted) = (state.consent, state.granted);
        answer
    }

    /// Takes over what the platform says of a customer.
    pub(super) fn hear(&mut self, told: &standing::Told) {
        if self.state.standing.hear(told) {
            self.state.profile.revision += 1;
        }
    }

    /// Whether it is known what the shopper agrees to.
    pub(super) fn has_consent(&self) -> bool {
        self.state.consent.is_some() || self.state.standing.consent.is_some()
    }

    /// Adds an event, unless its id was there.
    pub(super) fn append(&mut self, event: &Event) -> Appended {
        let held = &self.state.session.events;
        let name = brief::name(event.id.as_str());
        let id = brief::id(&event.id);
        if self.seen.contains(&name) || held.iter().any(|held| held.id == id || held.id == event.id) {
            return Appended::Duplicate;
        }
        if event.kind == EventType::OrderCancelled {
            remember(&mut self.seen, name);
            self.cancel_order(event);
            return Appended::Accepted;
        }
        // An order that left with a login: told again, it must not reach the next customer of a shared device.
        if event.kind == EventType::CheckoutCompleted && self.orders.has_left(event.order.as_ref()) {
            return Appended::Duplicate;
        }
        self.count_visit(event);
        if event.kind == EventType::CheckoutCompleted {
            self.count_order(event);
        }
        for forgotten in self.state.session.insert(Event { id, ..event.clone() }) {
            remember(&mut self.seen, brief::name(forgotten.id.as_str()));
        }
        self.state.profile.revision += 1;
        Appended::Accepted
    }

    /// An event starts a visit, joins one, or closes the gap between two.
    fn count_visit(&mut self, event: &Event) {
        let events = &self.state.session.events;
        let at = events.partition_point(|kept| kept.at <= event.at);
        if at == 0 && events.len() >= Session::CAP {
            // Older than all that is kept: its visit was counted with events that are no longer there.
            return;
        }
        let before = at.checked_sub(1).and_then(|before| events.get(before));
        let after = events.get(at);
        let apart = |left: &Event, right: &Event| right.at.duration_since(left.at) > VISIT;
        let visits = &mut self.state.profile.visits;
        match (before, after) {
            (None, None) => *visits += 1,
            (Some(before), None) => *visits += u32::from(apart(before, event)),
            (None, Some(after)) => *visits += u32::from(apart(event, after)),
            (Some(before), Some(after)) => {
                let now = u32::from(apart(before, event)) + u32::from(apart(event, after));
                *visits = (*visits + now).saturating_sub(u32::from(apart(before, after)));
            }
        }
    }

    fn count_order(&mut self, event: &Event) {
        let told = match &event.order {
            Some(order) => self.orders.tell(orders::key(order), event.at, event.value),
            // One without a key is told once: its event is.
            None => Told::New,
        };
        if !self.count_told(told, event.at, event.value) {
            return;
        }
        let mut products: Vec<_> = event.lines.iter().map(|line| &line.product).collect();
        products.sort_unstable();
        products.dedup();
        for product in products {
            let purchase = Purchase { product: product.clone(), last: event.at, times: 1 };
            add(Arc::make_mut(&mut self.state.profile.bought), purchase);
        }
    }

    /// Counts an order and its value as far as they are news. Whether the order is.
    fn count_told(&mut self, told: Told, at: Timestamp, value: Option<Money>) -> bool {
        let profile = &mut self.state.profile;
        match told {
            Told::New => {
                profile.orders = profile.orders.saturating_add(1);
                profile.ordered = profile.ordered.max(Some(whole(at)));
            }
            Told::Value => {}
            Told::Known => return false,
        }
        if let Some(value) = value {
            profile.spend(value);
        }
        told == Told::New
    }

    /// Takes an order back: what it bought counts once less. One that is not known yet will not count when it comes.
    fn cancel_order(&mut self, event: &Event) {
        let Some(counted) = event.order.as_ref().and_then(|order| self.orders.cancel(orders::key(order))) else {
            return;
        };
        let profile = &mut self.state.profile;
        profile.orders = profile.orders.saturating_sub(1);
        profile.revision += 1;
        profile.ordered = self.orders.last();
        if let Some(value) = counted.value {
            profile.refund(value);
        }
        let bought = Arc::make_mut(&mut profile.bought);
        let mut products: Vec<_> = event.lines.iter().map(|line| &line.product).collect();
        products.sort_unstable();
        products.dedup();
        for purchase in bought.iter_mut().filter(|purchase| products.contains(&&purchase.product)) {
            purchase.times = purchase.times.saturating_sub(1);
        }
        bought.retain(|purchase| purchase.times > 0);
    }

    /// Empties itself for a move to another key, and gives what it held. Ids of events and orders stay remembered: a beacon sent again after
    /// the login must not come back to the session, where the next customer of a shared device would take it over.
    fn leave(&mut self) -> Self {
        let next = self.cleared();
        let left = std::mem::replace(&mut self.state, next);
        left.session.events.iter().for_each(|event| remember(&mut self.seen, brief::name(event.id.as_str())));
        Self { state: left, orders: self.orders.leave(), ..Self::default() }
    }

    /// Takes over what another key held. Consent on file here stays; without one, the other's holds.
    fn join(&mut self, session: &Self) {
        let Kept { session: events, profile, consent, granted, standing } = &session.state;
        self.orders.heed(&session.orders);
        for event in events.events.iter() {
            // What was there already is no news.
            match self.append(event) {
                Appended::Accepted | Appended::Duplicate => {}
            }
        }
        // Purchases of events that the session no longer kept.
        let bought = Arc::make_mut(&mut self.state.profile.bought);
        for purchase in profile.bought.iter() {
            match bought.iter_mut().find(|own| own.product == purchase.product) {
                Some(own) => own.last = own.last.max(purchase.last),
                None => add(bought, purchase.clone()),
            }
        }
        bought.sort_by_key(|purchase| purchase.last);
        // Orders, or what the platform said of their value, whose events the session no longer kept.
        let mut counted = 0;
        for (key, order) in session.orders.counted() {
            counted += 1;
            let told = self.orders.tell(key, order.at, order.value);
            self.count_told(told, order.at, order.value);
        }
        // And those that it did not remember one by one any more.
        let orders = events.events.iter().filter(|event| event.kind == EventType::CheckoutCompleted);
        let (keyed, bare): (Vec<_>, Vec<_>) = orders.map(|event| event.order.as_ref()).partition(Option::is_some);
        let keyed = if counted > 0 { counted } else { HashSet::<_>::from_iter(keyed).len() };
        let told = u32::try_from(keyed + bare.len()).unwrap_or(u32::MAX);
        let own = &mut self.state.profile;
        own.orders = own.orders.saturating_add(profile.orders.saturating_sub(told));
        own.ordered = own.ordered.max(profile.ordered);
        if self.state.consent.is_none() {
            (self.state.consent, self.state.granted) = (*consent, granted.clone());
        }
        self.state.standing.or_later(standing);
        self.state.session.revision += 1;
        self.state.profile.revision += 1;
    }

    /// Forgets session and profile; what consent says stays. True where there was something.
    pub(super) fn erase_preferences(&mut self, now: Timestamp) -> bool {
        let held = self.holds_events() | self.moving.take().is_some();
        self.erased = Some(now);
        self.state = self.cleared();
        self.seen.clear();
        self.orders = Orders::default();
        // The device begins anew: the next customer is its first.
        self.owner = Owner::default();
        held
    }

    /// Forgets everything, as it was said at that moment. Of a consent on file, here or with the platform, it stays known that
    /// it was withdrawn, but for what was granted later. True where there was more.
    pub(super) fn erase(&mut self, now: Timestamp, said: Timestamp) -> bool {
        let Kept { consent, granted, standing, .. } = &self.state;
        let later = granted.since(said);
        let filed = consent.or(standing.consent);
        let consented = filed.is_some_and(|consent| consent != Consent::NONE);
        let held = self.erase_preferences(now);
        self.devices.clear();
        self.state.consent = filed.map(|filed| filed.and(later));
        self.state.granted.forget(Consent::ALL.without(later));
        // What the platform said still bounds what is left.
        if later == Consent::NONE {
            self.state.standing = Standing::default();
        }
        held || consented
    }

    /// Remembers an id like an event's. False where it was there.
    fn is_new(&mut self, id: &str) -> bool {
        let name = brief::name(id);
        let new = !self.seen.contains(&name);
        remember(&mut self.seen, name);
        new
    }

    /// Whether anything beyond consent is known.
    fn holds_events(&self) -> bool {
        let Kept { session, profile, standing, .. } = &self.state;
        let known = !standing.tags.is_empty();
        known || !session.events.is_empty() || profile.visits > 0 || profile.orders > 0 || !profile.bought.is_empty()
    }

    /// Nothing but the consent, at later revisions.
    fn cleared(&self) -> Kept {
        let Kept { session, profile, consent, granted, standing } = &self.state;
        Kept {
            session: Session { events: Arc::default(), revision: session.revision + 1 },
            profile: Profile { revision: profile.revision + 1, ..Profile::default() },
            consent: *consent,
            granted: granted.clone(),
            standing: standing.without_tags(),
        }
    }

    /// About how many bytes it takes.
    pub(super) fn weight(&self) -> usize {
        let text = |id: Option<usize>| id.map_or(0, |length| length + 16);
        let events: usize = self
            .state
            .session
            .events
            .iter()
            .map(|event| {
                size_of::<Event>()
                    + text(Some(event.id.as_str().len()))
                    + text(event.product.as_ref().map(|id| id.as_str().len()))
                    + text(event.variant.as_ref().map(|id| id.as_str().len()))
                    + text(event.collection.as_ref().map(|id| id.as_str().len()))
                    + text(event.query.as_ref().map(|query| query.len()))
                    + event.lines.len() * 160
            })
            .sum();
        let profile = self.state.profile.bought.len() * 96 + self.state.profile.spent.len() * size_of::<Spent>();
        events
            + profile
            + self.seen.len() * 8
            + self.devices.len() * 96
            + self.orders.weight()
            + self.state.standing.tags.len() * 48
            + size_of::<Self>()
    }
}

/// Without fractions of a second, as it is written down.
fn whole(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}

/// Remembers an id by its name.
fn remember(seen: &mut VecDeque<u64>, name: u64) {
    if seen.contains(&name) {
        return;
    }
    if seen.len() >= SEEN {
        seen.pop_front();
    }
    seen.push_back(name);
}

/// Counts a purchase and puts it where its last time belongs.
fn add(bought: &mut Vec<Purchase>, mut purchase: Purchase) {
    if let Some(at) = bought.iter().position(|own| own.product == purchase.product) {
        let own = bought.remove(at);
        purchase.times += own.times;
        purchase.last = purchase.last.max(own.last);
    }
    let at = bought.partition_point(|own| (own.last, &own.product) <= (purchase.last, &purchase.product));
    bought.insert(at, purchase);
    if bought.len() > Profile::CAP {
        bought.remove(0);
    }
}
