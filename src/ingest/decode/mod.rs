//! From what other programs send to events: one file a form, each a table of names and the places where its objects stand.
//!
//! Nothing here fails as a whole: what is known is read, a name that is not known is told back as such, and what is missing
//! stays missing for validation to name. Objects are found by loose reading; ids by `keys`.

mod adobe;
mod form;
mod ga4;
mod gtag;
pub(super) mod keys;
mod own;
mod pixel;
mod segment;
mod snowplow;

pub use form::Form;

use super::deduplicate::hash;
use crate::domain::consent::{Consent, Purpose};
use crate::domain::event::{Event, EventType, Line, MAX_LINES};
use crate::domain::ids::{CollectionKey, DecisionId, EventId, OrderKey, SessionId, VariantKey};
use crate::domain::money::Currency;
use crate::platform::loose;
use jiff::Timestamp;
use keys::Keys;
use serde_json::Value;

/// The longest query and name that are read, in characters.
const LONGEST: usize = 512;

/// One event of a beacon, read or not.
#[derive(Debug)]
pub(super) struct Heard {
    /// Its own id, or one made of what it says.
    pub(super) id: EventId,
    /// Whose, as the beacon says.
    pub(super) session: Option<SessionId>,
    /// What it says of consent.
    pub(super) consent: Said,
    /// The event; `Err`: the name, which is none that is used here.
    pub(super) event: Result<Event, String>,
}

/// What a beacon says of consent, purpose by purpose; about the others it says nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Said {
    pub(super) allowed: Consent,
    pub(super) refused: Consent,
}

impl Said {
    /// A purpose allowed, refused, or not spoken of.
    fn put(mut self, purpose: Purpose, allowed: Option<bool>) -> Self {
        match allowed {
            Some(true) => self.allowed = self.allowed.with(purpose, true),
            Some(false) => self.refused = self.refused.with(purpose, true),
            None => {}
        }
        self
    }

    /// All purposes at once.
    fn whole(consent: Consent) -> Self {
        Self { allowed: consent, refused: Consent::ALL.without(consent) }
    }

    /// What is in force, where so much was before.
    pub(super) fn over(self, before: Consent) -> Consent {
        before.or(self.allowed).without(self.refused)
    }
}

/// A body that is in no form known here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the body is in no form that is known here; send JSON of the Shopify pixel, GA4, Segment, Snowplow, Adobe or Outfitter, or \
     name the form: ?form=segment"
)]
pub struct NoForm;

/// Reads a body, at most `most` events of it. `form`: as the sender named it; else it is told by the body.
/// Errors: [`NoForm`].
pub(super) fn read(
    body: &[u8],
    query: &str,
    form: Option<Form>,
    reader: &Reader<'_>,
    most: usize,
) -> Result<Vec<Heard>, NoForm> {
    let told = serde_json::from_slice::<Value>(body).ok();
    let form = form.or_else(|| match &told {
        Some(told) => Form::of(told),
        None => gtag::is_hit(query, body).then_some(Form::Ga4),
    });
    let mut heard = match (form.ok_or(NoForm)?, &told) {
        (Form::Ga4, None) => gtag::read(query, std::str::from_utf8(body).map_err(|_| NoForm)?, reader),
        (_, None) => return Err(NoForm),
        (Form::Own, Some(told)) => own::read(told, reader),
        (Form::Pixel, Some(told)) => pixel::read(told, reader),
        (Form::Ga4, Some(told)) => ga4::read(told, reader),
        (Form::Segment, Some(told)) => segment::read(told, reader),
        (Form::Snowplow, Some(told)) => snowplow::read(told, reader),
        (Form::Adobe, Some(told)) => adobe::read(told, reader),
    };
    heard.truncate(most);
    Ok(heard)
}

/// What every form is read with.
pub(super) struct Reader<'a> {
    pub(super) keys: Keys<'a>,
    pub(super) now: Timestamp,
}

/// Where the objects of a line stand, the first that is there.
struct Names {
    product: &'static [&'static str],
    variant: &'static [&'static str],
    quantity: &'static [&'static str],
    price: &'static [&'static str],
}

impl Reader<'_> {
    /// An event of this kind that has nothing yet. Its id is its own, else a hash of all it says and of its time; of one
    /// without a time that of now, so that two alike are two.
    fn event(&self, kind: EventType, id: Option<String>, at: Option<Timestamp>, told: &Value) -> Event {
        Event::bare(self.id(id, at, told), kind, at.unwrap_or(self.now))
    }

    fn id(&self, id: Option<String>, at: Option<Timestamp>, told: &Value) -> EventId {
        EventId::new(id.unwrap_or_else(|| {
            let at = at.unwrap_or(self.now).to_string();
            format!("hash:{:032x}", hash(&[&at, &told.to_string()]))
        }))
    }

    /// A line; `None` without a product.
    fn line(&self, told: &Value, names: &Names, currency: Option<Currency>) -> Option<Line> {
        let ids: Vec<String> = names.product.iter().filter_map(|name| at(told, name).and_then(loose::id)).collect();
        let variant = names.variant.iter().find_map(|name| at(told, name).and_then(loose::id));
        let found = self.keys.product(&ids, variant.as_deref())?;
        let price = names.price.iter().find_map(|name| at(told, name));
        // An amount within an object has its currency beside it.
        let beside = names.price.iter().find_map(|name| at(told, name.strip_suffix(".amount")?));
        let currency = beside.and_then(|price| loose::currency(price, &["currencyCode"])).or(currency);
        let currency = loose::currency(told, &["currency", "currencyCode", "priceCurrency"]).or(currency);
        Some(Line {
            product: found.product,
            variant: found.variant,
            quantity: loose::quantity(names.quantity.iter().find_map(|name| at(told, name))),
            price: currency.and_then(|currency| loose::money(price?, currency)).filter(|price| price.minor >= 0),
        })
    }

    fn lines(&self, told: Option<&Value>, names: &Names, currency: Option<Currency>) -> Vec<Line> {
        let all = told.and_then(Value::as_array).into_iter().flatten();
        all.filter_map(|line| self.line(line, names, currency)).take(MAX_LINES).collect()
    }

    fn collection(&self, id: Option<String>) -> Option<CollectionKey> {
        id.map(|id| self.keys.collection(&id))
    }

    fn order(&self, id: Option<String>) -> Option<OrderKey> {
        id.map(|id| self.keys.order(&id))
    }
}

/// Puts the lines where the kind of an event has them: as lines, or as its one product. A line of several views is each an
/// event of its own: `product.2`.
fn with_lines(event: Event, lines: Vec<Line>) -> Vec<Event> {
    match event.kind {
        EventType::CartViewed | EventType::CheckoutStarted | EventType::CheckoutCompleted => {
            vec![Event { lines, ..event }]
        }
        EventType::ProductViewed
        | EventType::ProductAddedToCart
        | EventType::ProductRemovedFromCart
        | EventType::RecommendationViewed
        | EventType::RecommendationClicked
            if !lines.is_empty() =>
        {
            let several = lines.len() > 1;
            let one = |(at, line): (usize, Line)| {
                let id = if several { EventId::new(format!("{}.{}", event.id, at + 1)) } else { event.id.clone() };
                Event { id, product: Some(line.product), variant: line.variant, ..event.clone() }
            };
            lines.into_iter().enumerate().map(one).collect()
        }
        _ => vec![event],
    }
}

/// The decision and position that a client echoes, under the names that stand in JSON of every style.
fn echoed(event: &mut Event, told: &Value) {
    let decision =
        loose::first_id(told, &["decisionId", "decision_id", "outfitter_decision_id", "outfitterDecisionId"]);
    event.decision = decision.map(DecisionId::new);
    let position = told.get("position").or_else(|| told.get("index"));
    // What is no position is none: 0 is a list's first in forms that count from 0, and says nothing certain.
    event.position = position.and_then(Value::as_u64).and_then(|at| u32::try_from(at).ok()).filter(|at| *at > 0);
}

/// A member, or one within another: `merchandise.product.id`.
fn at<'a>(told: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(told, |value, name| value.get(name))
}

/// A text that may be searched for.
fn words(told: &Value, names: &[&str]) -> Option<Box<str>> {
    let text = names.iter().find_map(|name| at(told, name)?.as_str().map(str::trim).filter(|text| !text.is_empty()))?;
    Some(text.chars().take(LONGEST).collect::<String>().into())
}

/// A name that is told back, in few characters and without those that do not show.
fn name(text: &str) -> String {
    text.chars().filter(|character| !character.is_control()).take(64).collect()
}

fn session(told: &Value, names: &[&str]) -> Option<SessionId> {
    names.iter().find_map(|name| at(told, name).and_then(loose::id)).and_then(|id| SessionId::parse(&id))
}

fn variant(keys: &Keys<'_>, told: &Value, path: &str) -> Option<VariantKey> {
    at(told, path).and_then(loose::id).map(|id| keys.variant(&id))
}

/// Everything that a reader heard of one told event.
fn heard(events: Vec<Event>, session: &Option<SessionId>, consent: Said) -> impl Iterator<Item = Heard> {
    let session = session.clone();
    events.into_iter().map(move |event| Heard {
        id: event.id.clone(),
        session: session.clone(),
        consent,
        event: Ok(event),
    })
}

#[cfg(test)]
mod tests;
