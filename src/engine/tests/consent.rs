//! What consent opens and its absence keeps shut.

use super::world::*;
use crate::domain::consent::{Consent, Purpose};
use crate::domain::ids::ShopperKey;
use crate::domain::slate::{FallbackReason, Intent, ReasonCode, ServedBy};
use crate::engine::{Context, Engine, RankRequest};

const INTENTS: [Intent; 8] = [
    Intent::Related,
    Intent::Complementary,
    Intent::CompleteTheLook,
    Intent::ForYou,
    Intent::RecentlyViewed,
    Intent::BuyAgain,
    Intent::Trending,
    Intent::Popular,
];

fn world() -> Engine {
    let engine = engine(shop(&[("Tents", &["t1", "t2", "t3", "t4"]), ("Lamps", &["l1", "l2", "l3", "l4"])]));
    learn(&engine, 5, &[viewed(0, "t1"), viewed(1, "t2"), viewed(2, "t3")]);
    learn(&engine, 3, &[viewed(0, "l1"), viewed(1, "l2"), viewed(2, "l3"), viewed(3, "t4")]);
    engine
}

/// A context that carries a state it must not have, as if the caller had forgotten to filter it.
fn without(consent: Consent, product: &str) -> Context {
    let context = with_purchases(shopper(60, &[viewed(50, product)]), &[(product, 10, 2)]);
    Context { consent, ..context }
}

#[test]
fn without_consent_to_preferences_all_see_the_same_whatever_the_state_holds() {
    let engine = world();
    let others = Consent::ALL.with(Purpose::Preferences, false);
    for intent in INTENTS {
        let ask = request(intent, &["t3"], 4);
        let [camper, reader, nobody] = [without(others, "t1"), without(Consent::NONE, "l1"), without(others, "")]
            .map(|context| slated(&engine, &context, &ask));
        assert_eq!(camper.slate.items, reader.slate.items, "{intent:?}");
        assert_eq!(camper.slate.items, nobody.slate.items, "{intent:?}");
        assert_eq!(camper.inputs, reader.inputs, "{intent:?}");
        assert!(camper.inputs.iter().all(|input| input.purpose.is_none()), "{intent:?}");
    }
}

#[test]
fn what_needs_consent_says_so_and_what_does_not_is_decided() {
    let engine = world();
    let context = without(Consent::NONE, "t1");
    for intent in INTENTS {
        let slate = slate(&engine, &context, intent, &["t3"], 2);
        let decision = (slate.decision.served_by, slate.decision.fallback);
        match intent {
            Intent::RecentlyViewed | Intent::BuyAgain => {
                assert!(slate.items.is_empty());
                assert_eq!(decision, (ServedBy::Fallback, Some(FallbackReason::NoConsent)));
            }
            Intent::ForYou => {
                assert!(!slate.items.is_empty());
                assert_eq!(decision, (ServedBy::Fallback, Some(FallbackReason::NoConsent)));
            }
            Intent::Related | Intent::Trending | Intent::Popular => {
                assert_eq!(decision, (ServedBy::Statistics, None), "{intent:?}");
            }
            // No orders were learned: there is nothing that was bought together.
            Intent::Complementary | Intent::CompleteTheLook => assert!(!slate.items.is_empty()),
        }
    }
}

#[test]
fn affinity_and_interests_need_consent_and_a_shopper() {
    let engine = world();
    let mut context = shopper(60, &[viewed(50, "t1"), viewed(51, "l1"), viewed(52, "t2")]);
    let camps = engine.affinity(&context).of(&key("t4")).unwrap();
    let reads = engine.affinity(&context).of(&key("l4")).unwrap();
    assert!(camps > reads && reads > 0.0 && camps <= 1.0, "{camps} {reads}");
    assert_eq!(engine.affinity(&context).of(&key("unknown")), None);
    let interests = engine.interests(&context, 5);
    assert_eq!(interests.iter().map(|interest| &*interest.label).collect::<Vec<_>>(), ["Tents", "Lamps"]);
    assert!((interests.iter().map(|interest| interest.weight).sum::<f64>() - 1.0).abs() < 1e-9);
    assert_eq!(engine.interests(&context, 1).len(), 1);
    assert_eq!(engine.affinity(&shopper(60, &[])).of(&key("t4")), Some(0.0));
    context.consent = Consent::ALL.with(Purpose::Preferences, false);
    assert_eq!(engine.affinity(&context).of(&key("t4")), None);
    assert_eq!(engine.interests(&context, 5), []);
    context.consent = Consent::ALL;
    context.shopper = None;
    assert_eq!(engine.affinity(&context).of(&key("t4")), None);
}

#[test]
fn a_window_keeps_the_platforms_order_without_consent_or_history() {
    let engine = world();
    let window = RankRequest {
        placement: "products".into(),
        keys: ["l1", "t4"].map(key).to_vec(),
        query: None,
        collection: None,
    };
    let rank = |context: &Context| futures::executor::block_on(engine.rank(context, &window));
    let refused = rank(&without(Consent::NONE, "t1"));
    assert_eq!((refused.order, refused.decision.fallback), (None, Some(FallbackReason::NoConsent)));
    assert!(refused.inputs.iter().all(|input| input.purpose.is_none()));
    let unknown = rank(&shopper(60, &[]));
    assert_eq!((unknown.order, unknown.decision.fallback), (None, Some(FallbackReason::NoData)));
}

#[test]
fn what_was_read_of_the_shopper_is_named_with_its_purpose() {
    let engine = world();
    let context = with_purchases(shopper(60, &[viewed(50, "t1")]), &[("l1", 10, 2)]);
    let inputs = slated(&engine, &context, &request(Intent::Related, &["t3"], 4)).inputs;
    let value =
        |name: &str| inputs.iter().find(|input| &*input.name == name).map(|input| (&*input.value, input.purpose));
    assert_eq!(value("seeds"), Some(("t3", None)));
    assert_eq!(value("session.viewed"), Some(("t1", Some(Purpose::Preferences))));
    assert_eq!(value("profile.bought"), Some(("l1", Some(Purpose::Preferences))));
}

#[test]
fn a_forgotten_shoppers_last_product_makes_no_pair_with_the_next() {
    let seen_together = |forget: bool| {
        let engine = engine(shop(&[("X", &["a", "b"])]));
        let who = ShopperKey::new("s");
        engine.learn(&who, &[viewed(0, "a")]);
        if forget {
            engine.forget(&who);
        }
        engine.learn(&who, &[viewed(1, "b")]);
        slate(&engine, &shopper(2, &[]), Intent::Related, &["a"], 1).items[0].reason == ReasonCode::ViewedTogether
    };
    assert!(seen_together(false));
    assert!(!seen_together(true));
}
