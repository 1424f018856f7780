//! What a decision read, by name, each with the purpose that allowed it.

use super::candidates::Ask;
use super::taste::Taste;
use crate::catalogue::Index;
use crate::domain::audit::InputRead;
use crate::domain::consent::Purpose;
use crate::domain::ids::ProductKey;

/// Keys named of one list; the rest is counted.
const NAMED: usize = 12;

/// The inputs of one slate.
pub(super) fn of_slate(ask: &Ask<'_>) -> Vec<InputRead> {
    let request = ask.request;
    let mut inputs = of_shop(ask);
    if !request.seeds.is_empty() {
        inputs.push(read("seeds", None, list(request.seeds.iter())));
    }
    if let Some(collection) = &request.collection {
        inputs.push(read("collection", None, collection.as_str().into()));
    }
    if !request.exclude.is_empty() {
        inputs.push(read("exclude", None, list(request.exclude.iter())));
    }
    inputs.extend(ask.taste.map(|taste| of_shopper(taste, ask.index)).unwrap_or_default());
    inputs
}

/// What is not about anyone.
pub(super) fn of_shop(ask: &Ask<'_>) -> Vec<InputRead> {
    vec![
        read("catalogue.products", None, ask.index.len().to_string().into()),
        read("statistics.events", None, ask.statistics.revision().to_string().into()),
    ]
}

/// The model and version that took part.
pub(super) fn of_model(name: &str) -> InputRead {
    read("model", None, name.into())
}

/// The shopper's tier, as rules asked for it.
pub(super) fn of_tier(tier: Option<&str>) -> InputRead {
    read("profile.tier", Some(Purpose::Preferences), tier.unwrap_or("none").into())
}

/// What was read of the shopper, under the consent to preferences.
pub(super) fn of_shopper(taste: &Taste, index: &Index) -> Vec<InputRead> {
    let keys = |ordinals: &[u32]| {
        let products = ordinals.iter().filter_map(|ordinal| index.product(*ordinal));
        list(products.map(|product| &product.key).collect::<Vec<_>>().into_iter())
    };
    let owned: Vec<u32> = taste.owned.iter().rev().map(|owned| owned.ordinal).collect();
    let interests: Vec<&str> = taste.interests.iter().take(5).map(|(label, _)| &**label).collect();
    let all = [
        ("session.viewed", keys(&taste.viewed)),
        ("session.cart", keys(&taste.carted)),
        ("session.searched", taste.searched.join(", ").into()),
        ("profile.bought", keys(&owned)),
        ("interests", interests.join(", ").into()),
    ];
    all.into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| read(name, Some(Purpose::Preferences), value))
        .collect()
}

fn read(name: &str, purpose: Option<Purpose>, value: Box<str>) -> InputRead {
    InputRead { name: name.into(), purpose, value }
}

fn list<'a>(keys: impl ExactSizeIterator<Item = &'a ProductKey>) -> Box<str> {
    let rest = keys.len().saturating_sub(NAMED);
    let mut text = keys.take(NAMED).map(ProductKey::as_str).collect::<Vec<_>>().join(" ");
    if rest > 0 {
        text.push_str(&format!(" and {rest} more"));
    }
    text.into()
}
