//! What the transformer expects next, after all that the shopper did, in order.

use super::{Ask, Candidate, CandidateSource, LIMIT, Source};
use crate::domain::ids::ProductKey;
use crate::domain::product::CatalogueProduct;
use crate::domain::slate::ReasonCode;

/// Products of the session that may be named as the reason, newest first.
const SPEAKERS: usize = 12;

/// The products nearest to the session's vector.
pub(super) struct Encoder;

impl CandidateSource for Encoder {
    fn source(&self) -> Source {
        Source::Encoder
    }

    fn collect(&self, ask: &Ask<'_>) -> Vec<Candidate> {
        let Some(session) = ask.encoded.session() else { return Vec::new() };
        let seen = ask.taste.map(|taste| taste.viewed.as_slice()).unwrap_or_default();
        // What was just seen would often come first, and has its own placement.
        let allowed = |ordinal: u32| {
            !seen.contains(&ordinal) && ask.index.product(ordinal).is_some_and(|product| may_be_shown(ask, product))
        };
        let found = session.by.top(&session.vector, LIMIT, ask.index, allowed);
        let best = found.first().map_or(0.0, |first| first.score);
        let speakers = session.by.speakers(speakers(ask));
        let candidate = |proposed: &crate::engine::encode::Proposed| {
            // The model was trained by a softmax: this is the product's share of it over that of the best.
            let score = f64::from(proposed.score - best).exp();
            // Among equals the newest; one that the model does not know says nothing.
            let because = session.by.nearest(proposed, &speakers).cloned();
            Candidate { ordinal: proposed.ordinal, score, reason: ReasonCode::Session, because }
        };
        super::best(found.iter().map(candidate).collect(), LIMIT)
    }
}

/// What a request excludes on the whole: were it not looked at here, all of the best might fall out later.
fn may_be_shown(ask: &Ask<'_>, product: &CatalogueProduct) -> bool {
    product.available && ask.request.collection.as_ref().is_none_or(|within| product.collections.contains(within))
}

fn speakers<'a>(ask: &Ask<'a>) -> impl Iterator<Item = &'a ProductKey> {
    let seen = ask.taste.map(|taste| taste.viewed.as_slice()).unwrap_or_default();
    let carted = ask.taste.map(|taste| taste.carted.as_slice()).unwrap_or_default();
    let products = seen.iter().take(SPEAKERS).chain(carted.iter().take(SPEAKERS));
    let index = ask.index;
    products.filter_map(|ordinal| index.product(*ordinal)).map(|product| &product.key)
}
