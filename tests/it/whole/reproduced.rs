//! A thousand random decisions of one gateway, run again from the log by a replica beside it, by what starts after it, and
//! from the bare records: the slates that shoppers were shown come out, also where the record tells nothing of them.

use super::world::{World, shopper};
use crate::postgres;
use outfitter::demo;
use outfitter::domain::audit::DecisionRecord;
use outfitter::domain::ids::{DecisionId, ProductKey};
use outfitter::engine::again;
use outfitter::engine::rules::{Action, Rule, Selector};
use outfitter::platform::secret::Secret;
use outfitter::settings::Settings;
use outfitter::store::{DecisionLog, LogConfig};
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

const SHOPPERS: usize = 100;
/// Slates of one shopper.
const SLATES: usize = 10;
const ITEMS: &str = "items { product { id } position score reason { code } }";
const PLACEMENTS: [&str; 8] =
    ["home", "product", "cart", "search-empty", "recently-viewed", "buy-again", "trending", "post-purchase"];

/// Decisions with what was shown, by shopper.
type Shown = Vec<Vec<(String, Value)>>;

/// A shop with rules and chance, whose replicas share this log and nothing else.
fn settings(folder: &Path, log: &LogConfig, products: &[String]) -> Settings {
    let secret = folder.join("secret");
    std::fs::write(&secret, "the same in every replica of this shop").unwrap();
    let demo = demo::Config { events: 2_000, shoppers: 100, ..demo::Config::default() };
    let mut settings = Settings { demo, ..Settings::default() };
    settings.engine.deadline = Duration::from_secs(60);
    settings.engine.explore = 0.3;
    let rule = |keys: &[String], action| {
        let keys = keys.iter().map(|key| ProductKey::new(key.as_str())).collect();
        Rule { placements: Vec::new(), tiers: Vec::new(), products: Selector { keys, ..Selector::default() }, action }
    };
    if let [boosted, buried, pinned, blocked, ..] = products.chunks(8).collect::<Vec<_>>()[..] {
        settings.engine.rules = vec![
            rule(boosted, Action::Boost(1.7)),
            rule(buried, Action::Boost(0.3)),
            rule(&pinned[..1], Action::Pin(2)),
            rule(blocked, Action::Block),
        ];
    }
    settings.ingest.secrets = vec![Secret::File(secret)];
    settings.store.decisions = log.clone();
    settings
}

/// What a shopper may have done: nothing, or up to eight things.
fn events(random: &mut ChaCha8Rng, products: &[String]) -> Vec<Value> {
    let kinds = ["PRODUCT_VIEWED", "PRODUCT_VIEWED", "PRODUCT_ADDED_TO_CART", "CHECKOUT_COMPLETED", "SEARCH_SUBMITTED"];
    let one = |n: usize, random: &mut ChaCha8Rng| {
        let (kind, product) = (*kinds.choose(random).unwrap(), products.choose(random).unwrap());
        let mut event = json!({ "id": format!("e{n}"), "type": kind });
        match kind {
            "SEARCH_SUBMITTED" => event["query"] = json!("warm jacket"),
            "CHECKOUT_COMPLETED" => event["lines"] = json!([{ "productId": product, "quantity": 1 }]),
            _ => event["productId"] = json!(product),
        }
        event
    };
    (0..random.random_range(0..=8)).map(|n| one(n, random)).collect()
}

/// A page of ten slates with random placements, sizes, seeds and exclusions.
fn page(random: &mut ChaCha8Rng, products: &[String]) -> String {
    let some = |random: &mut ChaCha8Rng| {
        let many = random.random_range(0..4);
        json!((0..many).map(|_| products.choose(random).unwrap()).collect::<Vec<_>>()).to_string()
    };
    let slate = |n: usize, random: &mut ChaCha8Rng| {
        let (placement, first) = (PLACEMENTS.choose(random).unwrap(), random.random_range(1..=12));
        let (seeds, exclude) = (some(random), some(random));
        format!(
            "s{n}: recommendations(placement: \"{placement}\", first: {first}, seeds: {seeds}, exclude: {exclude}) \
             {{ {ITEMS} decision {{ id }} }} "
        )
    };
    let slates: String = (0..SLATES).map(|n| slate(n, random)).collect();
    format!("{{ personalized {{ {slates} }} }}")
}

fn session(nth: usize) -> String {
    format!("shopper-{nth}")
}

/// Everybody does something and looks at a page.
async fn serve(world: &World, products: &[String]) -> Shown {
    let mut random = ChaCha8Rng::seed_from_u64(7);
    let mut shown = Shown::new();
    let track = "mutation ($e: [PersonalizedEventInput!]!) { personalizedTrack(events: $e) { accepted } }";
    for nth in 0..SHOPPERS {
        let (session, events) = (session(nth), events(&mut random, products));
        if !events.is_empty() {
            world.ask(shopper(&session), track, json!({ "e": events })).await;
        }
        let mut data = world.ask(shopper(&session), &page(&mut random, products), Value::Null).await;
        let slate = |n: usize, data: &mut Value| {
            let mut slate = data["personalized"][format!("s{n}")].take();
            (slate["decision"]["id"].as_str().unwrap().to_owned(), slate["items"].take())
        };
        shown.push((0..SLATES).map(|n| slate(n, &mut data)).collect());
        world.running.state.settle().await;
    }
    shown
}

/// Asks this gateway for every decision: each is run again there, and is what was shown.
async fn runs_again(world: &World, shown: &Shown) {
    for (nth, of_one) in shown.iter().enumerate() {
        let ask =
            |(n, (id, _)): (usize, &(String, Value))| format!("d{n}: decision(id: \"{id}\") {{ reproduced {ITEMS} }} ");
        let text: String = of_one.iter().enumerate().map(ask).collect();
        let query = format!("{{ personalized {{ {text} }} }}");
        let data = world.ask(shopper(&session(nth)), &query, Value::Null).await;
        for (n, (id, items)) in of_one.iter().enumerate() {
            let found = &data["personalized"][format!("d{n}")];
            assert_eq!((&found["reproduced"], &found["items"]), (&json!(true), items), "{id} of {}", session(nth));
        }
    }
}

/// Every record of the log, with all taken out of it that tells what was shown or how it was ordered.
async fn bare(log: &DecisionLog) -> HashMap<DecisionId, DecisionRecord> {
    let (mut all, mut next) = (HashMap::new(), Default::default());
    loop {
        let (found, behind) = log.page(jiff::Timestamp::UNIX_EPOCH, next).await.unwrap();
        if found.is_empty() {
            return all;
        }
        for (mut record, _) in found {
            record.slate.items.clear();
            record.candidates.items.clear();
            all.insert(record.slate.decision.id.clone(), record);
        }
        next = behind;
    }
}

async fn a_thousand_are_run_again(folder: &Path, log: LogConfig) {
    let plain = World::with(settings(folder, &log, &[])).await;
    let sold = plain.products("US").await.into_iter().filter(|product| product["availableForSale"] == true);
    let products: Vec<String> = sold.map(|product| product["id"].as_str().unwrap().to_owned()).collect();
    drop(plain);
    let first = World::with(settings(folder, &log, &products)).await;
    // Beside it, from before the first decision on; it learns nothing of them. Its rules are others.
    let replica = World::with(settings(folder, &log, &[])).await;
    let shown = serve(&first, &products).await;
    assert_eq!(shown.iter().map(Vec::len).sum::<usize>(), 1_000);
    let items = shown.iter().flatten().map(|(_, items)| items.as_array().unwrap().len());
    // It says nothing where there was nothing to show.
    assert!(items.clone().filter(|many| *many > 0).count() > 600, "{:?}", items.collect::<Vec<_>>());
    runs_again(&replica, &shown).await;
    drop((first, replica));
    runs_again(&World::with(settings(folder, &log, &products)).await, &shown).await;

    let log = DecisionLog::open(&log).unwrap();
    let bare = bare(&log).await;
    let mut features = 0;
    for (id, items) in shown.iter().flatten() {
        let record = &bare[&DecisionId::new(id.as_str())];
        features += usize::from(record.made.as_ref().is_some_and(|made| !made.candidates.is_empty()));
        let slate = again(record).unwrap().slate;
        let told: Vec<&str> =
            items.as_array().unwrap().iter().map(|it| it["product"]["id"].as_str().unwrap()).collect();
        let run: Vec<&str> = slate.items.iter().map(|item| item.product.as_str()).collect();
        assert_eq!(run, told, "{id}");
    }
    assert!(features > 500, "{features} with features");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_random_decisions_are_run_again_from_a_file_by_a_replica_and_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("decisions.db");
    a_thousand_are_run_again(folder.path(), LogConfig { file: Some(file), ..LogConfig::default() }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_random_decisions_are_run_again_from_postgresql_by_a_replica_and_after_a_restart() {
    let (folder, server) = (tempfile::tempdir().unwrap(), postgres::Server::start().await);
    a_thousand_are_run_again(folder.path(), LogConfig { url: Some(server.url()), ..LogConfig::default() }).await;
}
