//! Taste on hand-made sessions.

use super::*;
use crate::domain::ids::{CollectionKey, EventId};

fn at(day: i64) -> Timestamp {
    Timestamp::from_second(1_767_268_800 + day * 86_400).unwrap()
}

fn index() -> Index {
    let product = |key: &str, category: &str| -> CatalogueProduct {
        serde_json::from_value(serde_json::json!({
            "key": key, "handle": key, "title": format!("{category} {key}"), "category": category, "collections": ["all"],
        }))
        .unwrap()
    };
    Index::build([product("a", "Hats"), product("b", "Hats"), product("c", "Bags")])
}

fn taste(now: i64, events: &[(EventType, i64, &str)]) -> Option<Taste> {
    let mut state = ShopperState::default();
    for (n, (kind, day, product)) in events.iter().enumerate() {
        let id = EventId::new(n.to_string());
        state.session.insert(match kind {
            EventType::CollectionViewed => {
                Event { collection: Some(CollectionKey::new(*product)), ..Event::bare(id, *kind, at(*day)) }
            }
            EventType::SearchSubmitted => Event { query: Some((*product).into()), ..Event::bare(id, *kind, at(*day)) },
            _ => Event::of_product(id, *kind, at(*day), ProductKey::new(*product)),
        });
    }
    let index = index();
    let content = Content::build(std::sync::Arc::new(super::tests::index()));
    of(Reading { state: &state, index: &index, content: &content, moment: at(now) })
}

#[test]
fn newer_events_and_carts_weigh_more() {
    use EventType::{ProductAddedToCart as Carted, ProductViewed as Viewed};
    let taste = taste(0, &[(Viewed, 0, "a"), (Viewed, 0, "c")]).unwrap();
    let order: Vec<&str> = taste.liked.iter().map(|liked| liked.key.as_str()).collect();
    assert_eq!(order, ["c", "a"]);
    assert!((taste.liked[1].weight - PER_EVENT).abs() < 1e-12);
    let carted = super::tests::taste(3, &[(Carted, 0, "a"), (Viewed, 3, "c")]).unwrap();
    // Three for the cart, halved after three days, one event back, against one.
    assert_eq!(carted.liked[0].key.as_str(), "a");
    assert!((carted.liked[1].weight - 1.0 / (1.5 * PER_EVENT)).abs() < 1e-12);
}

#[test]
fn what_was_taken_out_of_the_cart_is_not_in_it() {
    use EventType::{ProductAddedToCart as Carted, ProductRemovedFromCart as Removed};
    assert!(taste(0, &[(Carted, 0, "a"), (Removed, 0, "a")]).is_none());
    let again = taste(0, &[(Carted, 0, "a"), (Removed, 0, "a"), (Carted, 0, "a")]).unwrap();
    assert_eq!(again.carted, [0]);
}

#[test]
fn interests_are_shares_of_what_was_seen() {
    let taste = taste(0, &[(EventType::CollectionViewed, 0, "all")]).unwrap();
    let shares = taste.interests;
    assert_eq!(shares.iter().map(|(label, _)| &**label).collect::<Vec<_>>(), ["Hats", "Bags"]);
    assert!((shares[0].1 - 2.0 / 3.0).abs() < 1e-12);
}

#[test]
fn a_search_says_which_categories_are_wanted() {
    let taste = taste(0, &[(EventType::SearchSubmitted, 0, "leather bags")]).unwrap();
    assert_eq!(taste.interests, [("Bags".into(), 1.0)]);
    assert!(taste.liked.is_empty(), "what was found was not looked at");
    assert!(super::tests::taste(0, &[(EventType::SearchSubmitted, 0, "unheard of")]).is_none());
}
