//! Windows of the platform's products put in order.

use super::world::*;
use crate::domain::slate::ServedBy;
use crate::engine::{Config, Context, Engine, RankRequest, Ranking};

fn rank(engine: &Engine, context: &Context, keys: &[&str], query: Option<&str>) -> Ranking {
    let request = RankRequest {
        placement: "products".into(),
        keys: keys.iter().map(|text| key(text)).collect(),
        query: query.map(Into::into),
        collection: None,
    };
    futures::executor::block_on(engine.rank(context, &request))
}

const WINDOW: [&str; 6] = ["l1", "l2", "t1", "l3", "t2", "unknown"];

fn world(config: Config) -> Engine {
    with_config(config, shop(&[("Tents", &["t1", "t2", "t3"]), ("Lamps", &["l1", "l2", "l3"])]))
}

#[test]
fn the_window_is_permuted_towards_the_shoppers_taste() {
    let engine = world(Config::default());
    let ranking = rank(&engine, &shopper(60, &[viewed(50, "t3")]), &WINDOW, None);
    let order = ranking.order.unwrap();
    assert_eq!(order[..2], [2, 4], "both tents first, in the platform's order: {order:?}");
    let mut sorted = order.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, [0, 1, 2, 3, 4, 5]);
    assert_eq!(ranking.decision.served_by, ServedBy::Statistics);
    assert_eq!(order, rank(&engine, &shopper(60, &[viewed(50, "t3")]), &WINDOW, None).order.unwrap());
}

#[test]
fn relevance_counts_for_more_in_a_search() {
    let engine = world(Config::default());
    let context = shopper(60, &[viewed(50, "t3")]);
    let place = |query| {
        let order = rank(&engine, &context, &WINDOW, query).order.unwrap();
        order.iter().position(|at| *at == 4).unwrap()
    };
    assert!(place(None) < place(Some("lamp")));
}

#[test]
fn pins_move_within_the_window_and_blocks_remove_nothing() {
    let config = toml::from_str(
        "[[rules]]\nproducts = { keys = ['l3'] }\naction = { pin = 1 }\n\
         [[rules]]\nproducts = { keys = ['t1'] }\naction = 'block'\n",
    )
    .unwrap();
    let order = rank(&world(config), &shopper(60, &[viewed(50, "t3")]), &WINDOW, None).order.unwrap();
    assert_eq!(order[0], 3);
    assert_eq!(order.len(), WINDOW.len());
}

#[test]
fn an_empty_window_and_one_with_repeats_are_permuted_too() {
    let engine = world(Config::default());
    let context = shopper(60, &[viewed(50, "t3")]);
    assert_eq!(rank(&engine, &context, &[], None).order, Some(Vec::new()));
    let mut order = rank(&engine, &context, &["l1", "t1", "l1", "t1"], None).order.unwrap();
    order.sort_unstable();
    assert_eq!(order, [0, 1, 2, 3]);
}
