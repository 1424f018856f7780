//! What rules do to a small slate.

use super::*;
use crate::domain::slate::ReasonCode;

fn product(key: &str, category: &str, tags: &[&str]) -> CatalogueProduct {
    serde_json::from_value(serde_json::json!({
        "key": key, "handle": key, "title": key, "category": category, "tags": tags,
    }))
    .unwrap()
}

fn ranked(ordinal: u32, score: f64) -> Ranked {
    Ranked { ordinal, score, reason: ReasonCode::Popular, because: None, filler: false }
}

fn rules(text: &str) -> Vec<Rule> {
    #[derive(Deserialize)]
    struct Table {
        rules: Vec<Rule>,
    }
    toml::from_str::<Table>(text).unwrap().rules
}

#[test]
fn rules_are_read_from_the_configuration_and_hold_for_their_placement() {
    let all = rules(
        "[[rules]]\nplacements = ['home']\nproducts = { category = 'Hats' }\naction = 'block'\n\
         [[rules]]\nproducts = { tag = 'sale', category = 'Hats' }\naction = { boost = 2.0 }\n",
    );
    let (hat, sale) = (product("a", "Hats", &[]), product("b", "Hats", &["sale"]));
    assert!(Rules::of(&all, "home", None).block(&hat));
    assert!(!Rules::of(&all, "product", None).block(&hat));
    assert!((Rules::of(&all, "product", None).boost(&sale) - 2.0).abs() < 1e-12);
    assert!((Rules::of(&all, "product", None).boost(&hat) - 1.0).abs() < 1e-12);
}

#[test]
fn a_rule_for_tiers_holds_for_shoppers_in_them_alone_and_says_that_the_tier_was_read() {
    let all = rules(
        "[[rules]]\nplacements = ['home']\ntiers = ['gold', 'silver']\nproducts = { category = 'Hats' }\naction = 'block'\n",
    );
    let hat = product("a", "Hats", &[]);
    for (tier, blocked) in [(Some("gold"), true), (Some("silver"), true), (Some("member"), false), (None, false)] {
        let here = Rules::of(&all, "home", tier);
        assert_eq!((here.block(&hat), here.asked()), (blocked, Some(tier)));
        let elsewhere = Rules::of(&all, "product", tier);
        assert_eq!((elsewhere.block(&hat), elsewhere.asked()), (false, None));
    }
}

#[test]
fn a_selector_without_conditions_chooses_nothing() {
    assert!(!Selector::default().meets(&product("a", "Hats", &[])));
}

#[test]
fn pinned_products_stand_where_they_are_put_and_scores_stay_in_order() {
    let index = Index::build(["a", "b", "c", "d"].map(|key| product(key, "", &[])));
    let all = rules("[[rules]]\nproducts = { keys = ['d', 'gone', 'a'] }\naction = { pin = 2 }\n");
    let mut items = vec![ranked(0, 0.9), ranked(1, 0.8), ranked(2, 0.7)];
    Rules::of(&all, "home", None).pin(&mut items, &index, |_| true);
    let order: Vec<u32> = items.iter().map(|item| item.ordinal).collect();
    assert_eq!(order, [1, 3, 0, 2]);
    assert!(items.windows(2).all(|pair| pair[0].score >= pair[1].score));
    let mut none = vec![ranked(1, 0.8)];
    Rules::of(&all, "home", None).pin(&mut none, &index, |ordinal| ordinal != 3 && ordinal != 0);
    assert_eq!(none.len(), 1);
}
