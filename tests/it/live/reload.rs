//! Settings and secrets: swapped under traffic, refused where they cannot be used, noticed in the file.

use super::process::{Gateway, Shop};
use crate::client::post_with;
use http::StatusCode;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

const APPLIED: [&str; 2] = [r#""kind":"settings""#, r#""outcome":"applied""#];
const REFUSED: [&str; 2] = [r#""kind":"settings""#, r#""outcome":"refused""#];
const VIEWED: &str =
    r#"{ personalized { recommendations(placement: "recently-viewed", first: 3) { items { product { id } } } } }"#;

/// Waits until the session is told what it viewed: the catalogue is crawled after the start.
async fn until_viewed(gateway: &Gateway, id: &Value) {
    loop {
        let (_, _, answer) = gateway.ask_as("keeps", VIEWED).await;
        if answer["data"]["personalized"]["recommendations"]["items"] == json!([{ "product": { "id": id } }]) {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

fn settings(url: &str, more: &str) -> String {
    format!("[upstream]\nurl = \"{url}\"\n[ingest]\nsecrets = [{{ file = \"DIR/hash\" }}]\n{more}")
}

#[tokio::test(flavor = "multi_thread")]
async fn no_request_fails_while_settings_and_schema_change_twenty_times_and_the_session_is_kept() {
    let shop = Shop::new();
    let url = shop.open("127.0.0.1:0").await;
    let gateway = Arc::new(Gateway::start(&settings(&url, "")).await);
    gateway.until_ready().await;
    let (_, _, answer) = gateway.ask("{ products(first: 1) { nodes { id } } }").await;
    let id = answer["data"]["products"]["nodes"][0]["id"].clone();
    let track = format!(
        "mutation {{ personalizedTrack(events: [{{ id: \"1\", type: PRODUCT_VIEWED, productId: {id} }}]) {{ accepted }} }}"
    );
    let (_, _, answer) = gateway.ask_as("keeps", &track).await;
    assert_eq!(answer["data"]["personalizedTrack"]["accepted"], 1, "{answer}");
    until_viewed(&gateway, &id).await;

    let (stop, asked) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let clients: Vec<_> = (0..3)
        .map(|client| {
            let (gateway, stop, asked) = (gateway.clone(), stop.clone(), asked.clone());
            tokio::spawn(async move {
                let query = if client == 0 { "{ shop { name } }" } else { VIEWED };
                while !stop.load(Ordering::SeqCst) {
                    let (status, _, answer) = gateway.ask_as("keeps", query).await;
                    assert_eq!((status, &answer["errors"]), (StatusCode::OK, &Value::Null), "{answer}");
                    asked.fetch_add(1, Ordering::SeqCst);
                }
            })
        })
        .collect();
    let swapped = [r#""kind":"schema""#, r#""outcome":"applied""#];
    for round in 0..20 {
        let before = (gateway.logged(&APPLIED), gateway.logged(&swapped), asked.load(Ordering::SeqCst));
        // A country more or less is another schema.
        let forged = if round % 2 == 0 { Some(("\"ZW\"", "\"XQ\"")) } else { None };
        *shop.forged.lock().unwrap() = forged;
        gateway.write(&settings(
            &url,
            &format!("[engine]\nmax_age = \"{}s\"\n[limits]\ndepth = {}\n", round + 1, round + 20),
        ));
        gateway.signal("HUP");
        gateway.until_logged(&APPLIED, before.0).await;
        gateway.until_logged(&swapped, before.1).await;
        while asked.load(Ordering::SeqCst) < before.2 + 6 && !clients.iter().any(|client| client.is_finished()) {
            tokio::task::yield_now().await;
        }
    }
    stop.store(true, Ordering::SeqCst);
    for client in clients {
        client.await.unwrap();
    }
    let (_, _, answer) = gateway.ask_as("keeps", VIEWED).await;
    assert_eq!(answer["data"]["personalized"]["recommendations"]["items"], json!([{ "product": { "id": id } }]));
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_that_cannot_be_used_are_refused_and_what_takes_a_restart_is_named() {
    let url = Shop::new().open("127.0.0.1:0").await;
    let gateway = Gateway::start(&settings(&url, "")).await;
    gateway.until_ready().await;
    for wrong in
        ["[upstream\n".to_owned(), settings(&url, "[server]\norigins = [\"nonsense\"]\n"), settings("ftp://a", "")]
    {
        let before = gateway.logged(&REFUSED);
        gateway.write(&wrong);
        gateway.signal("HUP");
        gateway.until_logged(&REFUSED, before).await;
        let (status, _, answer) = gateway.ask(VIEWED).await;
        assert_eq!((status, &answer["errors"]), (StatusCode::OK, &Value::Null), "{answer}");
    }
    let (_, metrics) = gateway.get("/metrics").await;
    assert!(metrics.contains(r#"outfitter_reloads_total{kind="settings",outcome="refused"}"#), "{metrics}");
    gateway.write(&settings(&url, "[store.memory]\nshoppers = \"9 MiB\"\n[limits]\nroot_fields = 1\n"));
    gateway.signal("HUP");
    gateway.until_logged(&["these take a restart", r#""settings":"store""#], 0).await;
    let (_, _, answer) = gateway.ask("{ a: __typename b: __typename }").await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "OUTFITTER_LIMIT_EXCEEDED", "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_file_is_noticed_without_a_signal() {
    let url = Shop::new().open("127.0.0.1:0").await;
    let gateway = Gateway::start(&settings(&url, "")).await;
    gateway.until_ready().await;
    gateway.write(&settings(&url, "[limits]\nroot_fields = 1\n"));
    gateway.until_logged(&APPLIED, 0).await;
    let (_, _, answer) = gateway.ask("{ a: __typename b: __typename }").await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "OUTFITTER_LIMIT_EXCEEDED", "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn rotated_secrets_are_in_use_without_a_restart_and_one_that_is_gone_stays_in_use() {
    let shop = Shop::new();
    let url = shop.open("127.0.0.1:0").await;
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    put("hash", "a secret of sixteen bytes");
    put("token", "shpat_first\n");
    let more = "[platform]\nsecrets_refresh = \"200ms\"\n[platform.shopify]\nprivate_token = { command = [\"cat\", \"DIR/token\"] }\n";
    let path = folder.path().to_owned();
    let gateway = Gateway::start_in(folder, &settings(&url, more)).await;
    gateway.until_ready().await;
    let last = |shop: &Shop| shop.tokens.lock().unwrap().last().cloned();
    gateway.ask("{ shop { name } }").await;
    assert_eq!(last(&shop).as_deref(), Some("shpat_first"));
    let (_, _, answer) = gateway.ask("{ products(first: 1) { nodes { id } } }").await;
    let id = answer["data"]["products"]["nodes"][0]["id"].clone();
    let track = format!(
        "mutation {{ personalizedTrack(events: [{{ id: \"1\", type: PRODUCT_VIEWED, productId: {id} }}]) {{ accepted }} }}"
    );
    gateway.ask_as("keeps", &track).await;
    until_viewed(&gateway, &id).await;

    std::fs::write(path.join("hash"), "another secret of many bytes").unwrap();
    std::fs::write(path.join("token"), "shpat_second\n").unwrap();
    while last(&shop).as_deref() != Some("shpat_second") {
        gateway.ask("{ shop { name } }").await;
    }
    let refused = [r#""kind":"secrets""#, r#""outcome":"refused""#];
    std::fs::remove_file(path.join("token")).unwrap();
    gateway.until_logged(&refused, 0).await;
    let (status, _, _) = gateway.ask("{ shop { name } }").await;
    assert_eq!((status, last(&shop).as_deref()), (StatusCode::OK, Some("shpat_second")));
    // Under another keyed hash the shopper is still found.
    let (_, _, answer) = gateway.ask_as("keeps", VIEWED).await;
    assert_eq!(
        answer["data"]["personalized"]["recommendations"]["items"],
        json!([{ "product": { "id": id } }]),
        "{answer}"
    );
    assert_eq!(gateway.logged(&["shpat"]) + gateway.logged(&["of many bytes"]), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_in_flight_ends_with_what_it_began_with_and_still_takes_room() {
    let shop = Shop::new();
    let url = shop.open("127.0.0.1:0").await;
    let gateway = Arc::new(Gateway::start(&settings(&url, "[server]\nrequests = 1\n")).await);
    gateway.until_ready().await;
    let waiting = gateway.clone();
    let slow = tokio::spawn(async move { waiting.ask("query Slow { a: __typename shop { name } }").await });
    shop.came.notified().await;
    gateway.write(&settings(&url, "[server]\nrequests = 1\n[limits]\nroot_fields = 1\n"));
    gateway.signal("HUP");
    gateway.until_logged(&APPLIED, 0).await;
    let (status, _, answer) = gateway.ask("{ shop { name } }").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{answer}");
    assert_eq!(answer["errors"][0]["extensions"]["code"], "OUTFITTER_OVERLOADED", "{answer}");
    shop.go_on.notify_one();
    let (status, _, answer) = slow.await.unwrap();
    assert_eq!((status, answer["data"]["shop"]["name"].is_string()), (StatusCode::OK, true), "{answer}");
    assert_eq!(gateway.ask("{ shop { name } }").await.0, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_registered_under_the_same_name_are_read_again_at_the_signal() {
    let url = Shop::new().open("127.0.0.1:0").await;
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("hash"), "a secret of sixteen bytes").unwrap();
    let list = folder.path().join("registered.json");
    std::fs::write(&list, r#"{"name":"{ shop { name } }"}"#).unwrap();
    let more = "[persisted]\nsafelist = [\"DIR/registered.json\"]\nenforce = \"on\"\n";
    let gateway = Gateway::start_in(folder, &settings(&url, more)).await;
    gateway.until_ready().await;
    assert_eq!(gateway.ask("{ shop { name } }").await.0, StatusCode::OK);
    let (_, _, answer) = gateway.ask("{ shop { description } }").await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "OUTFITTER_NOT_REGISTERED", "{answer}");
    std::fs::write(&list, r#"{"name":"{ shop { name } }","more":"{ shop { description } }"}"#).unwrap();
    gateway.signal("HUP");
    gateway.until_logged(&["persisted.safelist", APPLIED[0], APPLIED[1]], 0).await;
    let (status, _, answer) = gateway.ask("{ shop { description } }").await;
    assert_eq!((status, &answer["errors"]), (StatusCode::OK, &Value::Null), "{answer}");
    // One that cannot be read leaves those that were registered.
    std::fs::write(&list, "{").unwrap();
    gateway.signal("HUP");
    gateway.until_logged(&["persisted.safelist", REFUSED[0], REFUSED[1]], 0).await;
    assert_eq!(gateway.ask("{ shop { name } }").await.0, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn registered_documents_are_noticed_alone_when_their_files_change() {
    let url = Shop::new().open("127.0.0.1:0").await;
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("hash"), "a secret of sixteen bytes").unwrap();
    let list = folder.path().join("registered");
    std::fs::create_dir(&list).unwrap();
    std::fs::write(list.join("name.graphql"), "{ shop { name } }").unwrap();
    let more = "[persisted]\nsafelist = [\"DIR/registered\"]\nenforce = \"on\"\n";
    let gateway = Gateway::start_in(folder, &settings(&url, more)).await;
    gateway.until_ready().await;
    assert_eq!(gateway.ask("{ shop { description } }").await.0, StatusCode::FORBIDDEN);
    // The settings count as changed once, at the first look, and would take the documents along.
    let settings_read = [r#""kind":"settings""#];
    gateway.until_logged(&settings_read, 0).await;
    let read = |outcome: &'static str| [r#""kind":"documents""#, outcome];
    std::fs::write(list.join("more.graphql"), "{ shop { description } }").unwrap();
    gateway.until_logged(&read(r#""outcome":"applied""#), 0).await;
    let (status, _, answer) = gateway.ask("{ shop { description } }").await;
    assert_eq!((status, &answer["errors"]), (StatusCode::OK, &Value::Null), "{answer}");
    // One that cannot be used leaves those that were registered.
    std::fs::write(list.join("more.graphql"), "{ shop {").unwrap();
    gateway.until_logged(&read(r#""outcome":"refused""#), 0).await;
    assert_eq!(gateway.ask("{ shop { description } }").await.0, StatusCode::OK);
    assert_eq!(gateway.logged(&settings_read), 1, "the documents are no change of the settings");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_takes_over_changed_settings_and_keeps_what_it_remembers() {
    let settings = "[demo]\nevents = 100\nshoppers = 10\n";
    let demo = Gateway::demo(settings).await;
    let shelf = "{ personalized { recommendations(placement: \"home\", first: 3) { decision { servedBy } } } }";
    let (status, _, answer) = demo.ask_as("shopper-1", shelf).await;
    assert_eq!((status, &answer["errors"]), (StatusCode::OK, &Value::Null), "{answer}");
    let before = demo.logged(&APPLIED);
    demo.write(&format!("{settings}[limits]\nroot_fields = 1\n"));
    demo.signal("HUP");
    demo.until_logged(&APPLIED, before).await;
    let (_, _, answer) = demo.ask("{ a: __typename b: __typename }").await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "OUTFITTER_LIMIT_EXCEEDED", "{answer}");
    // It still stands before its own store, with what is the demo's alone.
    let (_, _, answer) = demo.ask_as("shopper-1", shelf).await;
    assert_eq!(answer["errors"], Value::Null, "{answer}");
    let asked = [("outfitter-debug", "plan")];
    let (_, _, answer) = post_with(&format!("{}/graphql", demo.origin), &json!({ "query": shelf }), &asked).await;
    assert!(answer["extensions"]["outfitter"]["plan"].is_object(), "{answer}");
}
