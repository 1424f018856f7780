//! A Redis that hangs or is away: nobody waits for it longer than they must, and everybody can see it.

use super::replicas::{TRACK, settings};
use super::world::{World, shopper};
use crate::client::{post_with, send};
use crate::servers::Server;
use bytes::Bytes;
use http::{Method, StatusCode};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const SHELF: &str = r#"{ shop { name } personalized { recommendations(placement: "home", first: 3) { items { product { id } }
    decision { servedBy } } } }"#;
const PASSED: &str = "{ shop { name } }";

/// So long that a request which waits for it never ends within the test.
const NEVER: Duration = Duration::from_secs(3_600);

async fn ask(world: &World, headers: &[(&str, &str)], query: &str) -> Value {
    let url = format!("{}/graphql", world.gateway);
    let (status, _, answer) = post_with(&url, &json!({ "query": query }), headers).await;
    assert_eq!((status, &answer["errors"]), (StatusCode::OK, &Value::Null), "{query}");
    answer
}

/// A signed-in customer's token.
async fn token(world: &World, customer: usize) -> String {
    let password = outfitter::demo::PASSWORD;
    let query = format!(
        "mutation {{ customerAccessTokenCreate(input: {{ email: \"shopper-{customer}@outfitter.example\", password: \
         \"{password}\" }}) {{ customerAccessToken {{ accessToken }} }} }}"
    );
    let (_, _, answer) = post_with(&format!("{}/graphql", world.store), &json!({ "query": query }), &[]).await;
    answer["data"]["customerAccessTokenCreate"]["customerAccessToken"]["accessToken"].as_str().unwrap().to_owned()
}

/// Storefront requests of every kind that asks the store for something.
async fn everything_is_answered(world: &World) {
    let all = [("outfitter-session", "s"), ("outfitter-consent", "all")];
    let silent = [("outfitter-session", "s")];
    for n in 0..12 {
        let buyer = token(world, n % 3 + 1).await;
        let customer =
            SHELF.replacen('{', &format!("query @inContext(buyer: {{ customerAccessToken: \"{buyer}\" }}) {{"), 1);
        for (headers, query) in [(&all[..], SHELF), (&silent[..], SHELF), (&all[..], PASSED), (&all[..], &customer)] {
            let answer = ask(world, headers, query).await;
            assert!(answer["data"]["shop"]["name"].is_string(), "{answer}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_storefront_request_waits_for_a_redis_that_hangs_and_that_it_does_is_seen() {
    let (folder, redis) = (tempfile::tempdir().unwrap(), Server::start());
    let secret = folder.path().join("secret");
    std::fs::write(&secret, "the same in every replica of this shop").unwrap();
    let mut settings = settings(&redis.url(), &secret);
    settings.store.redis.read_timeout = Duration::from_millis(200);
    settings.store.redis.write_timeout = NEVER;
    settings.store.redis.open_for = Duration::from_millis(100);
    let world = World::with(settings).await;
    let metric = async || {
        let (_, _, body) = send(Method::GET, &format!("{}/metrics", world.gateway), &[], Bytes::new()).await;
        let text = String::from_utf8_lossy(&body).into_owned();
        text.lines().find_map(|line| line.strip_prefix("outfitter_store_available ").map(str::to_owned))
    };
    let products = world.products("US").await;
    let event = json!([{ "id": "e", "type": "PRODUCT_VIEWED", "productId": products[0]["id"] }]);
    world.ask(shopper("s"), TRACK, json!({ "e": event })).await;
    everything_is_answered(&world).await;
    assert_eq!(metric().await.as_deref(), Some("1"));

    redis.signal("-STOP");
    tokio::time::timeout(Duration::from_secs(120), everything_is_answered(&world)).await.unwrap();
    while metric().await.as_deref() != Some("0") {
        everything_is_answered(&world).await;
    }
    redis.signal("-CONT");
    while metric().await.as_deref() != Some("1") {
        ask(&world, &[("outfitter-session", "s"), ("outfitter-consent", "all")], SHELF).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// How long so many pages take, one after the other: each, and the pages that ask the store nothing.
async fn took(world: &World, pages: usize) -> (Vec<Duration>, Vec<Duration>) {
    let all = [("outfitter-session", "s"), ("outfitter-consent", "all")];
    let (mut asking, mut passed) = (Vec::new(), Vec::new());
    for _ in 0..pages {
        for (query, times) in [(SHELF, &mut asking), (PASSED, &mut passed)] {
            let began = Instant::now();
            ask(world, &all, query).await;
            times.push(began.elapsed());
        }
    }
    (asking, passed)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_waits_for_a_redis_that_hangs_no_longer_than_the_read_timeout_and_after_five_not_at_all() {
    let (folder, redis) = (tempfile::tempdir().unwrap(), Server::start());
    let secret = folder.path().join("secret");
    std::fs::write(&secret, "the same in every replica of this shop").unwrap();
    // Long beside what a busy machine takes for a page, so that it is the wait that is measured.
    let budget = Duration::from_secs(3);
    let mut settings = settings(&redis.url(), &secret);
    settings.store.redis.read_timeout = budget;
    settings.store.redis.write_timeout = NEVER;
    settings.store.redis.open_for = NEVER;
    let world = World::with(settings).await;
    let (before, _) = took(&world, 10).await;
    let slowest = *before.iter().max().unwrap();

    redis.signal("-STOP");
    let (mut hung, passed) = took(&world, 25).await;
    eprintln!("a page took {slowest:?} at most before, and then {hung:?}");
    // One wait a page and not one after another; as many as it takes to leave Redis alone, which five failures do.
    assert!(hung.iter().all(|page| *page < slowest + budget * 2), "{slowest:?} before, {hung:?}");
    assert!(hung.iter().filter(|page| **page >= budget).count() <= 5, "{hung:?}");
    assert!(hung[0] >= budget, "the first has to find it out: {hung:?}");
    hung.sort_unstable();
    assert!(hung[hung.len() / 2] < budget / 2, "most did not wait: {hung:?}");
    assert!(passed.iter().all(|page| *page < budget), "what needs nothing of it waits for nothing: {passed:?}");
}

/// How the slates of a page came about: how many products, who decided, why the fallback.
async fn marks(world: &World, headers: &[(&str, &str)]) -> Vec<(usize, String, String)> {
    let slate = |name: &str, placement: &str| {
        format!(
            "{name}: recommendations(placement: \"{placement}\", first: 3) {{ items {{ product {{ id }} }} decision {{ servedBy fallbackReason }} }}"
        )
    };
    let (home, seen) = (slate("home", "home"), slate("seen", "recently-viewed"));
    let answer = ask(world, headers, &format!("{{ shop {{ name }} personalized {{ {home} {seen} }} }}")).await;
    assert!(answer["data"]["shop"]["name"].is_string(), "{answer}");
    let mark = |name: &str| {
        let slate = &answer["data"]["personalized"][name];
        let word = |of: &str| slate["decision"][of].as_str().unwrap_or("-").to_owned();
        (slate["items"].as_array().unwrap().len(), word("servedBy"), word("fallbackReason"))
    };
    vec![mark("home"), mark("seen")]
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_redis_that_hangs_knows_is_left_out_and_each_slate_says_so() {
    let (folder, redis) = (tempfile::tempdir().unwrap(), Server::start());
    let secret = folder.path().join("secret");
    std::fs::write(&secret, "the same in every replica of this shop").unwrap();
    let mut settings = settings(&redis.url(), &secret);
    settings.store.redis.read_timeout = Duration::from_millis(200);
    settings.store.redis.write_timeout = NEVER;
    settings.store.redis.open_for = Duration::from_millis(100);
    let world = World::with(settings).await;
    let product = world.products("US").await.into_iter().find(|product| product["availableForSale"] == true).unwrap();
    let event = json!([{ "id": "e", "type": "PRODUCT_VIEWED", "productId": product["id"] }]);
    world.ask(shopper("s"), TRACK, json!({ "e": event })).await;
    let (all, silent) = ([("outfitter-session", "s"), ("outfitter-consent", "all")], [("outfitter-session", "s")]);
    let fallback = |reason: &str| ("FALLBACK".to_owned(), reason.to_owned());
    let seen = marks(&world, &all).await;
    assert_eq!((seen[1].0, &*seen[1].2), (1, "-"), "{seen:?}");

    redis.signal("-STOP");
    for _ in 0..8 {
        // Read neither in time nor later: a shelf for anybody, and nothing of what the shopper has seen.
        let hung = tokio::time::timeout(Duration::from_secs(120), marks(&world, &all)).await.unwrap();
        assert_eq!((hung[0].0, hung[1].0), (3, 0), "{hung:?}");
        assert_eq!((hung[1].1.clone(), hung[1].2.clone()), fallback("NO_DATA"));
        assert!(["-", "NO_DATA"].contains(&&*hung[0].2), "the engine itself had time: {hung:?}");
        // What is on file may be a withdrawal.
        let hung = tokio::time::timeout(Duration::from_secs(120), marks(&world, &silent)).await.unwrap();
        assert_eq!((hung[0].0, hung[1].0), (3, 0), "{hung:?}");
        assert!(hung.into_iter().all(|(_, by, why)| (by, why) == fallback("NO_CONSENT")));
    }
    redis.signal("-CONT");
    while marks(&world, &all).await != seen {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_personalized_request_reads_redis_once_also_where_consent_is_on_file() {
    let (folder, redis) = (tempfile::tempdir().unwrap(), Server::start());
    let secret = folder.path().join("secret");
    std::fs::write(&secret, "the same in every replica of this shop").unwrap();
    let world = World::with(settings(&redis.url(), &secret)).await;
    let grant = "mutation { personalizedConsent(consent: { preferences: true }) { erasedPurposes } }";
    world.ask(shopper("s"), grant, Value::Null).await;
    let query =
        r#"{ personalized { recommendations(placement: "recently-viewed", first: 3) { items { product { id } } } } }"#;
    // Once more before: what is joined at first sight has been.
    world.ask(shopper("s"), query, Value::Null).await;
    let _: () = redis.ask(&["CONFIG", "RESETSTAT"]).await;
    world.ask(shopper("s"), query, Value::Null).await;
    let told: String = redis.ask(&["INFO", "commandstats"]).await;
    let gets = told.lines().find(|line| line.starts_with("cmdstat_get:")).unwrap_or_default();
    assert!(gets.starts_with("cmdstat_get:calls=1,"), "{told}");
}
