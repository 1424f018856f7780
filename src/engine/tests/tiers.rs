//! Rules for tiers of customers: whom they hold for, what is said to have been read, and what is kept of it.

use super::world::*;
use crate::domain::consent::{Consent, Purpose};
use crate::domain::ids::ShopperKey;
use crate::domain::money::{Currency, Money};
use crate::domain::slate::Intent;
use crate::engine::{Config, Context, Engine, RankRequest};

/// A shop whose customers of 500 euros and more see `c` first.
fn world() -> Engine {
    let config: Config = toml::from_str(
        "[[tiers]]\nname = 'gold'\nspent = '500 EUR'\n\
         [[rules]]\ntiers = ['gold']\nproducts = { keys = ['c'] }\naction = { pin = 1 }\n",
    )
    .unwrap();
    let engine = with_config(config, shop(&[("Tents", &["a", "b"]), ("Lamps", &["c", "d"])]));
    learn(&engine, 5, &[viewed(0, "a"), viewed(1, "b")]);
    learn(&engine, 1, &[viewed(0, "c"), viewed(1, "d")]);
    engine
}

fn spends(context: &mut Context, minor: i64) {
    context.state.profile.spend(Money { minor, currency: Currency::parse("EUR").unwrap() });
}

fn first(engine: &Engine, context: &Context, intent: Intent) -> String {
    slate(engine, context, intent, &[], 2).items[0].product.to_string()
}

#[test]
fn a_customer_is_in_a_tier_from_the_order_on_that_lifts_them_into_it() {
    let engine = world();
    let mut context = shopper(60, &[viewed(50, "a")]);
    spends(&mut context, 49_999);
    let before = slated(&engine, &context, &request(Intent::ForYou, &[], 2));
    assert_ne!(before.slate.items[0].product, key("c"));
    // The decision of a moment ago is kept, and is that of another profile.
    spends(&mut context, 1);
    let after = slated(&engine, &context, &request(Intent::ForYou, &[], 2));
    assert_eq!(after.slate.items[0].product, key("c"));
    let told = |slated: &crate::engine::Slated| {
        let tier = slated.inputs.iter().find(|input| &*input.name == "profile.tier").unwrap();
        assert_eq!(tier.purpose, Some(Purpose::Preferences));
        tier.value.to_string()
    };
    assert_eq!((told(&before), told(&after)), ("none".to_owned(), "gold".to_owned()));
}

#[test]
fn a_tier_is_not_read_without_consent_nor_for_what_is_the_same_for_everyone() {
    let engine = world();
    let mut gold = shopper(60, &[viewed(50, "a")]);
    spends(&mut gold, 50_000);
    let refusing = Context { consent: Consent::ALL.with(Purpose::Preferences, false), ..gold.clone() };
    let stranger = Context { shopper: Some(ShopperKey::new("stranger")), ..shopper(60, &[]) };
    assert_eq!(first(&engine, &refusing, Intent::ForYou), first(&engine, &stranger, Intent::ForYou));
    for (context, intent) in [(&refusing, Intent::ForYou), (&gold, Intent::Popular), (&gold, Intent::Trending)] {
        let slated = slated(&engine, context, &request(intent, &[], 2));
        assert_ne!(slated.slate.items[0].product, key("c"), "{intent:?}");
        assert!(slated.inputs.iter().all(|input| &*input.name != "profile.tier"), "{intent:?}");
    }
}

#[test]
fn a_tag_that_came_or_went_is_in_the_next_decision_not_in_a_kept_one() {
    let config: Config = toml::from_str(
        "[[tiers]]\nname = 'gold'\ntags = ['vip']\n\
         [[rules]]\ntiers = ['gold']\nproducts = { keys = ['c'] }\naction = { pin = 1 }\n",
    )
    .unwrap();
    let engine = with_config(config, shop(&[("Tents", &["a", "b"]), ("Lamps", &["c", "d"])]));
    learn(&engine, 5, &[viewed(0, "a"), viewed(1, "b")]);
    learn(&engine, 1, &[viewed(0, "c"), viewed(1, "d")]);
    let mut context = shopper(60, &[viewed(50, "a")]);
    assert_ne!(first(&engine, &context, Intent::ForYou), "c");
    context.state.standing.tags = vec!["vip".into()];
    assert_eq!(first(&engine, &context, Intent::ForYou), "c");
    let slated = slated(&engine, &context, &request(Intent::ForYou, &[], 2));
    assert!(slated.inputs.iter().any(|input| &*input.name == "profile.tier" && &*input.value == "gold"));
    context.state.standing.tags.clear();
    assert_ne!(first(&engine, &context, Intent::ForYou), "c");
}

#[test]
fn a_window_is_put_in_order_by_the_rules_of_the_tier() {
    let engine = world();
    let window = RankRequest {
        placement: "products".into(),
        keys: ["a", "b", "c"].map(key).to_vec(),
        query: None,
        collection: None,
    };
    let mut context = shopper(60, &[viewed(50, "a")]);
    let rank = |context: &Context| futures::executor::block_on(engine.rank(context, &window));
    assert_ne!(rank(&context).order.unwrap()[0], 2);
    spends(&mut context, 50_000);
    let ranked = rank(&context);
    assert_eq!(ranked.order.unwrap()[0], 2);
    assert!(ranked.inputs.iter().any(|input| &*input.name == "profile.tier" && &*input.value == "gold"));
}
