//! Validation: from what a client told to an event, or a reason and what to do about it.
//!
//! Product keys are checked against the catalogue once it holds anything; before, they are taken as they are. Lines of
//! products that the catalogue lacks are left out; an event of which nothing remains is refused.

use super::batch::{Reason, Rejection};
use crate::catalogue::Index;
use crate::domain::event::MAX_LINES;
use crate::domain::event::{Event, EventType, Line};
use crate::domain::ids::VariantKey;
use jiff::{SignedDuration, Timestamp};
use std::time::Duration;

/// The longest event, order and decision id, in characters.
const MAX_ID: usize = 128;
/// The longest key of a platform object, in characters.
const MAX_KEY: usize = 255;
/// The longest query, in characters.
const MAX_QUERY: usize = 512;
/// The largest quantity of a line.
const MAX_QUANTITY: u32 = 1_000_000;
/// The last position of a slate or a page.
const MAX_POSITION: u32 = 1_000;
/// How far clients' clocks may be ahead.
pub(super) const AHEAD: SignedDuration = SignedDuration::from_mins(5);

/// What events are checked against.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules<'a> {
    pub(super) catalogue: &'a Index,
    pub(super) now: Timestamp,
    pub(super) max_age: Duration,
}

impl Rules<'_> {
    /// Whether the event may stay. Completes it: the product of a variant, lines without those nobody knows.
    pub(super) fn check(&self, event: &mut Event) -> Result<(), Reason> {
        text("id", Some(event.id.as_str()), MAX_ID)?;
        text("productId", event.product.as_ref().map(|key| key.as_str()), MAX_KEY)?;
        text("variantId", event.variant.as_ref().map(|key| key.as_str()), MAX_KEY)?;
        text("collectionId", event.collection.as_ref().map(|key| key.as_str()), MAX_KEY)?;
        text("query", event.query.as_deref(), MAX_QUERY)?;
        text("orderId", event.order.as_ref().map(|key| key.as_str()), MAX_ID)?;
        text("decisionId", event.decision.as_ref().map(|id| id.as_str()), MAX_ID)?;
        if let Some(position) = event.position.filter(|position| !(1..=MAX_POSITION).contains(position)) {
            return Err(malformed(format!("`position` is {position}; send 1 to {MAX_POSITION}")));
        }
        self.moment(event.at)?;
        self.product(event)?;
        self.lines(&mut event.lines)?;
        complete(event)
    }

    fn moment(&self, at: Timestamp) -> Result<(), Reason> {
        if at.duration_since(self.now) > AHEAD {
            let message = "`at` is more than 5 minutes ahead of the gateway's clock; send UTC, or leave it out";
            return Err((Rejection::Future, message.to_owned()));
        }
        let age = self.now.duration_since(at);
        if age > SignedDuration::try_from(self.max_age).unwrap_or(SignedDuration::MAX) {
            let taken = humantime::format_duration(self.max_age);
            let message = format!("`at` is too long ago; events are taken for {taken}; do not send it again");
            return Err((Rejection::TooOld, message));
        }
        Ok(())
    }

    fn product(&self, event: &mut Event) -> Result<(), Reason> {
        let Some(key) = &event.product else {
            let of_variant = event.variant.as_ref().and_then(|variant| self.catalogue.by_variant(variant.as_str()));
            event.product = of_variant.map(|product| product.key.clone());
            return Ok(());
        };
        if let Some(known) = self.catalogue.get(key.as_str()) {
            // The catalogue's own texts, of which thousands of kept events can share one copy.
            let own =
                |variant: VariantKey| known.variants.iter().find(|own| **own == variant).cloned().unwrap_or(variant);
            event.variant = event.variant.take().map(own);
            event.product = Some(known.key.clone());
            return Ok(());
        }
        if self.catalogue.is_empty() {
            return Ok(());
        }
        let message = "`productId` is not in the catalogue; send the platform's own product id, \
                       or again after the next crawl if the product is new";
        Err((Rejection::UnknownProduct, message.to_owned()))
    }

    fn knows(&self, key: &str) -> bool {
        self.catalogue.is_empty() || self.catalogue.ordinal(key).is_some()
    }

    /// Some platforms name a line by its variant alone.
    fn complete_line(&self, line: &mut Line) {
        if !self.knows(line.product.as_str())
            && let Some(product) = line.variant.as_ref().and_then(|variant| self.catalogue.by_variant(variant.as_str()))
        {
            line.product = product.key.clone();
        }
    }

    fn lines(&self, lines: &mut Vec<Line>) -> Result<(), Reason> {
        let told = lines.len();
        if told > MAX_LINES {
            return Err(malformed(format!("`lines` has {told} lines; send at most {MAX_LINES}")));
        }
        lines.iter().try_for_each(line)?;
        lines.iter_mut().for_each(|line| self.complete_line(line));
        lines.retain(|line| self.knows(line.product.as_str()));
        if lines.is_empty() && told > 0 {
            let message = "no product of `lines` is in the catalogue; send the platform's own product ids";
            return Err((Rejection::UnknownProduct, message.to_owned()));
        }
        Ok(())
    }
}

fn line(line: &Line) -> Result<(), Reason> {
    text("lines.productId", Some(line.product.as_str()), MAX_KEY)?;
    text("lines.variantId", line.variant.as_ref().map(|key| key.as_str()), MAX_KEY)?;
    if !(1..=MAX_QUANTITY).contains(&line.quantity) {
        return Err(malformed(format!("`quantity` is {}; send 1 to {MAX_QUANTITY}", line.quantity)));
    }
    if line.price.is_some_and(|price| price.minor < 0) {
        return Err(malformed("`price` is below zero; send what one costs"));
    }
    Ok(())
}

/// Whether the event says what its kind needs.
fn complete(event: &Event) -> Result<(), Reason> {
    let missing = match event.kind {
        EventType::ProductViewed | EventType::ProductAddedToCart | EventType::ProductRemovedFromCart => {
            event.product.is_none().then_some("productId")
        }
        EventType::CollectionViewed => event.collection.is_none().then_some("collectionId"),
        EventType::SearchSubmitted => event.query.is_none().then_some("query"),
        EventType::CheckoutCompleted => event.lines.is_empty().then_some("lines"),
        EventType::OrderCancelled => event.order.is_none().then_some("orderId"),
        EventType::RecommendationViewed => event.decision.is_none().then_some("decisionId"),
        EventType::RecommendationClicked if event.product.is_none() => Some("productId"),
        EventType::RecommendationClicked => event.decision.is_none().then_some("decisionId"),
        EventType::PageViewed | EventType::CartViewed | EventType::CheckoutStarted => None,
    };
    missing.map_or(Ok(()), |field| Err(malformed(format!("`{field}` is missing; an event of this type needs it"))))
}

/// A text, where there is one, of 1 to `most` characters without control characters.
fn text(name: &str, value: Option<&str>, most: usize) -> Result<(), Reason> {
    let Some(value) = value else { return Ok(()) };
    // A character has at most four bytes: what is longer need not be counted.
    if value.trim().is_empty() || value.len() > most * 4 || value.chars().count() > most {
        return Err(malformed(format!("`{name}` should have 1 to {most} characters")));
    }
    if value.chars().any(char::is_control) {
        return Err(malformed(format!("`{name}` has control characters; leave them out")));
    }
    Ok(())
}

fn malformed(message: impl Into<String>) -> Reason {
    (Rejection::Malformed, message.into())
}
