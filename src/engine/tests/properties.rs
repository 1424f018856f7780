//! What holds for every slate, in generated shops with generated histories.

use super::world::*;
use crate::domain::consent::{Consent, Purpose};
use crate::domain::event::{Event, EventType};
use crate::domain::ids::{CollectionKey, EventId, ShopperKey};
use crate::domain::product::CatalogueProduct;
use crate::domain::slate::{Intent, ServedBy};
use crate::engine::{Config, Engine, RankRequest, SlateRequest};
use proptest::prelude::*;
use std::collections::HashSet;

fn intents() -> impl Strategy<Value = Intent> {
    prop::sample::select(vec![
        Intent::Related,
        Intent::Complementary,
        Intent::CompleteTheLook,
        Intent::ForYou,
        Intent::RecentlyViewed,
        Intent::BuyAgain,
        Intent::Trending,
        Intent::Popular,
    ])
}

/// Up to forty products of a few categories, some unavailable, some alike.
pub(super) fn shops() -> impl Strategy<Value = Vec<CatalogueProduct>> {
    let drawn = (0_u8..4, 0_u8..6, any::<bool>(), 0_u8..8, 0_i64..200_000, 0_u8..3);
    prop::collection::vec(drawn, 0..40).prop_map(|drawn| {
        let one = |(n, (category, title, sale, odd, created, price)): (usize, (u8, u8, bool, u8, i64, u8))| {
            let mut product =
                product(&format!("p{n:02}"), if category == 3 { "" } else { ["A", "B", "C"][category as usize] });
            product.title = format!("Title {title} - {n}").into();
            product.available = odd != 0;
            product.tags = if sale { vec!["sale".into()] } else { Vec::new() };
            product.collections = if sale { vec![CollectionKey::new("sale")] } else { Vec::new() };
            product.created = (odd > 3).then(|| at(created));
            product.price = (price > 0).then(|| crate::domain::money::Money {
                minor: i64::from(price) * 1_000,
                currency: crate::domain::money::Currency::parse("EUR").unwrap(),
            });
            product
        };
        drawn.into_iter().enumerate().map(one).collect()
    })
}

/// Events of a few shoppers over months, some of unknown products, some in the wrong order.
pub(super) fn histories() -> impl Strategy<Value = Vec<(u8, Event)>> {
    let drawn = (0_u8..4, 0_u8..5, 0_u8..45, 0_u8..45, 0_i64..100_000);
    prop::collection::vec(drawn, 0..80).prop_map(|drawn| {
        let one = |(n, (who, kind, first, second, minute)): (usize, (u8, u8, u8, u8, i64))| {
            let (first, second) = (format!("p{first:02}"), format!("p{second:02}"));
            let made = match kind {
                0 => ordered(minute, &[&first, &second]),
                1 => event(EventType::ProductAddedToCart, minute, &first),
                2 => event(EventType::ProductRemovedFromCart, minute, &first),
                _ => viewed(minute, &first),
            };
            (who, Event { id: EventId::new(n.to_string()), ..made })
        };
        drawn.into_iter().enumerate().map(one).collect()
    })
}

pub(super) fn requests() -> impl Strategy<Value = SlateRequest> {
    let keys = || prop::collection::vec((0_u8..45).prop_map(|n| key(&format!("p{n:02}"))), 0..4);
    (intents(), keys(), keys(), any::<bool>(), 0_usize..60).prop_map(|(intent, seeds, exclude, sale, first)| {
        let collection = sale.then(|| CollectionKey::new("sale"));
        SlateRequest { placement: "test".into(), intent, seeds, collection, exclude, first }
    })
}

fn learned(products: &[CatalogueProduct], history: &[(u8, Event)]) -> Engine {
    learned_with(Config::default(), products, history)
}

pub(super) fn learned_with(config: Config, products: &[CatalogueProduct], history: &[(u8, Event)]) -> Engine {
    let engine = with_config(config, products.to_vec());
    let shoppers: Vec<ShopperKey> = (0..4).map(|n| ShopperKey::new(format!("s{n}"))).collect();
    engine.learn_history(history.iter().map(|(who, event)| (&shoppers[*who as usize], event)));
    engine
}

fn own(history: &[(u8, Event)]) -> Vec<Event> {
    history.iter().filter(|(who, _)| *who == 0).map(|(_, event)| event.clone()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn a_slate_holds_only_what_it_may(
        products in shops(), history in histories(), request in requests(), consents in any::<bool>(),
    ) {
        let engine = learned(&products, &history);
        let mut context = shopper(100_001, &own(&history));
        context.consent = Consent::ALL.with(Purpose::Preferences, consents);
        let slate = slated(&engine, &context, &request).slate;
        let shown: Vec<_> = slate.items.iter().map(|item| &item.product).collect();
        prop_assert_eq!(shown.iter().collect::<HashSet<_>>().len(), shown.len(), "a product twice");
        prop_assert!(shown.len() <= 2 * request.first.min(50) + 4);
        prop_assert_eq!(slate.wanted, request.first.min(50));
        for item in &slate.items {
            let found = products.iter().find(|product| product.key == item.product);
            prop_assert!(found.is_some_and(|product| product.available), "unknown or unavailable");
            prop_assert!(!request.seeds.contains(&item.product) && !request.exclude.contains(&item.product));
            prop_assert!(request.collection.as_ref().is_none_or(|within| found.unwrap().collections.contains(within)));
            prop_assert!(item.score.is_finite() && item.score > 0.0);
            prop_assert!(item.because.as_ref().is_none_or(|because| *because != item.product));
        }
        prop_assert!(slate.items.windows(2).all(|pair| pair[0].score >= pair[1].score), "scores out of order");
        prop_assert_eq!(slate.decision.served_by == ServedBy::Fallback, slate.decision.fallback.is_some());
        if request.intent == Intent::CompleteTheLook {
            let categories: Vec<_> = slate.items.iter().filter_map(|item| {
                products.iter().find(|product| product.key == item.product).map(|product| &product.category)
            }).filter(|category| !category.is_empty()).collect();
            prop_assert_eq!(categories.iter().collect::<HashSet<_>>().len(), categories.len());
        }
    }

    #[test]
    fn the_same_world_gives_the_same_slate_whatever_order_the_catalogue_came_in(
        products in shops(), history in histories(), request in requests(),
    ) {
        let backwards: Vec<_> = products.iter().rev().cloned().collect();
        let context = shopper(100_001, &own(&history));
        let [one, other] = [&products, &backwards].map(|products| slated(&learned(products, &history), &context, &request));
        prop_assert_eq!(one.slate.items, other.slate.items);
        prop_assert_eq!(one.inputs, other.inputs);
        prop_assert_ne!(one.slate.decision.id, other.slate.decision.id);
    }

    #[test]
    fn without_consent_the_shoppers_own_events_change_nothing(
        products in shops(), history in histories(), request in requests(),
    ) {
        let engine = learned(&products, &history);
        let [mut known, mut unknown] = [shopper(100_001, &own(&history)), shopper(100_001, &[])];
        (known.consent, unknown.consent) = (Consent::NONE, Consent::NONE);
        let [known, unknown] = [known, unknown].map(|context| slated(&engine, &context, &request));
        prop_assert_eq!(known.slate.items, unknown.slate.items);
        prop_assert_eq!(known.inputs, unknown.inputs);
    }

    #[test]
    fn an_order_is_a_permutation_and_affinities_are_fractions(
        products in shops(), history in histories(), window in prop::collection::vec(0_u8..45, 0..30),
    ) {
        let engine = learned(&products, &history);
        let context = shopper(100_001, &own(&history));
        let keys: Vec<_> = window.iter().map(|n| key(&format!("p{n:02}"))).collect();
        for one in &keys {
            let affinity = engine.affinity(&context).of(one);
            prop_assert!(affinity.is_none_or(|fits| (0.0..=1.0).contains(&fits)));
        }
        prop_assert!(engine.interests(&context, 9).iter().map(|interest| interest.weight).sum::<f64>() <= 1.0 + 1e-9);
        let request = RankRequest { placement: "products".into(), keys, query: None, collection: None };
        if let Some(mut order) = futures::executor::block_on(engine.rank(&context, &request)).order {
            order.sort_unstable();
            prop_assert_eq!(order, (0..u32::try_from(window.len()).unwrap()).collect::<Vec<_>>());
        }
    }
}
