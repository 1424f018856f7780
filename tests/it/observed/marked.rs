//! Nothing personal in what operators see: every field of webhooks, beacons, documents, variables, headers, cookies and
//! consent is filled with a mark of its own, one after the other, and the log at its finest, the traces, the metrics, and
//! what foreign senders are answered are searched for marks.
//!
//! What is not looked at: an answer to the shopper's own client, which may repeat what it sent; `x-request-id` and the
//! operation's name, which clients choose for logs and traces (docs/operations.md).

use super::collector::Collector;
use super::process::{Process, TOKEN};
use crate::client::{post_with, send};
use crate::senders;
use http::{Method, StatusCode};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;

/// What every mark begins with; letters and digits only, so that it is a name, an id and a header's value.
const MARK: &str = "xmarkedx";

/// The paths of everything in a value that is no object and no list.
fn leaves(value: &Value, path: String, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            members
                .iter()
                .for_each(|(name, value)| leaves(value, format!("{path}/{}", name.replace('/', "~1")), found));
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(at, value)| leaves(value, format!("{path}/{at}"), found));
        }
        _ => found.push(path),
    }
}

/// A mark that says of which field it is.
fn mark(sample: &str, path: &str) -> String {
    let plain = |text: &str| text.chars().filter(char::is_ascii_alphanumeric).collect::<String>();
    // The last member: by it the spool is judged.
    let member = path.rsplit('/').find(|part| part.parse::<usize>().is_err()).unwrap_or("none");
    format!("{MARK}{}x{}x{}xend", plain(sample), plain(path), plain(member))
}

/// The body with one field marked, for each of its fields; and whole, with every field marked that may hold any text.
fn marked(sample: &str, body: &str) -> Vec<String> {
    let Ok(told) = serde_json::from_str::<Value>(body) else {
        // Parameters: each value in its turn.
        let pairs: Vec<(usize, usize)> = body
            .match_indices('=')
            .map(|(at, _)| {
                let from = at + 1;
                (from, body[from..].find(['&', '\n', '~']).map_or(body.len(), |end| from + end))
            })
            .collect();
        let one = |(nth, (from, to)): (usize, &(usize, usize))| {
            format!("{}{}{}", &body[..*from], mark(sample, &format!("/{nth}")), &body[*to..])
        };
        return pairs.iter().enumerate().map(one).collect();
    };
    let mut paths = Vec::new();
    leaves(&told, String::new(), &mut paths);
    let one = |path: &String| {
        let mut told = told.clone();
        *told.pointer_mut(path).unwrap() = Value::String(mark(sample, path));
        told.to_string()
    };
    paths.iter().map(one).collect()
}

/// Every mark in a text.
fn marks(text: &str) -> BTreeSet<&str> {
    text.match_indices(MARK)
        .map(|(at, _)| {
            let rest = &text[at..];
            rest.find("xend").map_or(rest.get(..120).unwrap_or(rest), |end| &rest[..end])
        })
        .collect()
}

fn settings(folder: &Path, endpoint: &str, store: &str) -> String {
    let secret = folder.join("key");
    std::fs::write(&secret, "a secret of more than sixteen bytes").unwrap();
    // Every delivery's own domain is a mark, so no shop is named: by another's nothing of this would be read.
    let own = senders::settings(folder).replace("shop = \"a.myshopify.com\"\n", "");
    let at = |name: &str| folder.join(name);
    format!(
        "[ingest]\ndefault_consent = \"all\"\nsecrets = [{{ file = {secret:?} }}]\n[ingest.spool]\ndir = {:?}\n\
         [ingest.events]\nburst = 100000\nper_minute = 100000\nmax_age = \"36500days\"\n[ingest.record]\nlog = {{ dir = {:?} }}\n{own}\
         [store]\n{store}\n[store.decisions]\nfile = {:?}\n[server]\norigins = [\"https://shop.example\"]\n\
         [telemetry.otlp]\nendpoint = \"{endpoint}\"\nratio = 1.0\nqueue = 100000\ninterval = \"50ms\"\n",
        at("spool"),
        at("log"),
        at("decisions.db"),
    )
}

/// Sends every sample of webhooks with each of its fields marked. What was answered.
async fn webhooks(process: &Process) -> (String, usize) {
    let (mut answered, mut taken, mut nth) = (String::new(), 0, 0);
    for (name, line, body) in senders::samples("webhook") {
        for body in marked(&name, &body) {
            nth += 1;
            let id = mark("header", &format!("/webhookid{nth}"));
            let (path, mut headers) = senders::signed(&line, &id, &body);
            headers.push(("x-shopify-shop-domain", mark("header", "/shopdomain")));
            headers.push(("x-shopify-event-id", mark("header", &format!("/eventid{nth}"))));
            headers.push(("user-agent", mark("header", "/useragent")));
            let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
            let url = format!("{}{path}?q={}", process.gateway, mark("url", "/query"));
            let (status, _, answer) = send(Method::POST, &url, &headers, body.clone()).await;
            // Where no shop is named none is erased.
            let expected = if name == "shopify-shop" { StatusCode::BAD_REQUEST } else { StatusCode::OK };
            assert_eq!(status, expected, "{name}: {body}");
            taken += 1;
            answered += &String::from_utf8_lossy(&answer);
            // The same without its proof, with a wrong one, and with a wrong shape.
            if nth % 7 == 0 {
                let unproven: Vec<_> = headers
                    .iter()
                    .filter(|(name, _)| !name.contains("signature") && !name.contains("hmac"))
                    .copied()
                    .collect();
                answered += &String::from_utf8_lossy(&send(Method::POST, &url, &unproven, body.clone()).await.2);
                answered += &String::from_utf8_lossy(&send(Method::POST, &url, &headers, body + " ").await.2);
            }
        }
    }
    let url =
        format!("{}/webhooks/{}?challenge={}%20", process.gateway, mark("url", "/platform"), mark("url", "/challenge"));
    answered += &String::from_utf8_lossy(&send(Method::GET, &url, &[], "").await.2);
    answered += &String::from_utf8_lossy(&send(Method::POST, &url, &[], mark("body", "/plain")).await.2);
    (answered, taken)
}

/// Where a sample of beacons is sent.
fn below(line: &str) -> String {
    format!("/events{}", line.strip_suffix('/').unwrap_or(line).replacen("/?", "?", 1))
}

/// Sends every sample of beacons with each of its fields marked.
async fn beacons(process: &Process) -> usize {
    let mut taken = 0;
    for (name, line, body) in senders::samples("beacon") {
        for (nth, body) in marked(&name, &body).iter().enumerate() {
            // Each a shopper of its own, of whom nothing came before.
            let body = body.replace("\"s-", &format!("\"s-{nth}-"));
            let url = format!("{}{}", process.gateway, below(&line));
            let headers = [("content-type", "text/plain"), ("referer", "https://shop.example/xmarkedxrefererxend")];
            let (status, _, answer) = send(Method::POST, &url, &headers, body.clone()).await;
            // A field that makes the form may be the one that is marked.
            assert!(status == StatusCode::OK || status == StatusCode::BAD_REQUEST, "{name} {status} {body}");
            let answer: Value = serde_json::from_slice(&answer).unwrap();
            taken += usize::try_from(answer["accepted"].as_u64().unwrap_or(0)).unwrap();
        }
        // The query, where a form has its fields there.
        for line in marked(&name, line.split_once('?').map_or("", |(_, query)| query)) {
            let url = format!("{}/events/g/collect?{line}", process.gateway);
            send(Method::POST, &url, &[], "").await;
        }
    }
    taken
}

/// Documents with a mark in every place of one.
fn documents() -> Vec<String> {
    let m = |what: &str| mark("document", &format!("/{what}"));
    vec![
        format!("# {}\n{{ shop {{ name }} }}", m("comment")),
        format!("{{ {}: shop {{ name }} personalized {{ shopper {{ id }} }} }}", m("alias")),
        format!("{{ product(id: \"{}\") {{ id }} personalized {{ shopper {{ id }} }} }}", m("literal")),
        format!("{{ {} personalized {{ shopper {{ id }} }} }}", m("field")),
        format!("query (${}: ID) @{}(a: \"{}\") {{ personalized {{ shopper {{ id }} }} }}", m("variable"), m("directive"), m("argument")),
        format!("{{ personalized {{ ...{} }} }} fragment {} on Personalized {{ shopper {{ id }} }}", m("fragment"), m("fragment")),
        format!("{{ personalized {{ decision(id: \"{}\") {{ id }} recommendations(placement: \"{}\") {{ items {{ position }} }} }} }}", m("decision"), m("placement")),
        format!("mutation {{ personalizedTrack(events: [{{ id: \"{}\", type: SEARCH_SUBMITTED, query: \"{}\" }}]) {{ accepted }} }}", m("eventid"), m("searched")),
        format!("mutation {{ cartLinesAdd(cartId: \"{}\", lines: []) {{ cart {{ id }} }} customerAccessTokenCreate(input: {{ email: \"{}\", password: \"{}\" }}) {{ customerAccessToken {{ accessToken }} }} }}", m("cart"), m("email"), m("password")),
        "mutation { personalizedConsent(consent: { analytics: true, preferences: false }) { erasedPurposes } personalizedForget { erased } }".to_owned(),
        m("syntax"),
    ]
}

/// Documents, variables, headers and cookies, one marked after the other.
async fn graphql(process: &Process) {
    let plain = json!({
        "query": "query Page($id: ID!, $q: String!, $t: String) { shop { name } product(id: $id) { id } \
            search(query: $q, first: 1) { totalCount } customer(customerAccessToken: $t) { id email } \
            personalized { shopper { id } recommendations(placement: \"home\", first: 2) { items { position } } } }",
        "variables": { "id": "gid://shopify/Product/1", "q": "shoes", "t": TOKEN, "unused": { "email": "a" } },
        "extensions": { "persistedQuery": { "version": 1, "sha256Hash": "00" }, "own": "x" },
    });
    let mut bodies = vec![plain.clone()];
    for body in marked("graphql", &plain.to_string()) {
        bodies.push(serde_json::from_str(&body).unwrap());
    }
    bodies.extend(documents().into_iter().map(|text| json!({ "query": text })));
    let names = [
        "outfitter-session",
        "outfitter-consent",
        "cookie",
        "authorization",
        "x-shopify-storefront-access-token",
        "shopify-storefront-private-token",
        "shopify-storefront-buyer-ip",
        "shopify-storefront-y",
        "shopify-storefront-s",
        "x-shopify-uniquetoken",
        "x-shopify-visittoken",
        "custom-storefront-request-group-id",
        "x-sdk-variant",
        "user-agent",
        "referer",
        "origin",
        "x-forwarded-for",
        "forwarded",
        "true-client-ip",
        "accept-language",
        "if-none-match",
        "x-other",
        "tracestate",
        "traceparent",
        "outfitter-debug",
        "accept",
        "content-encoding",
    ];
    let url = process.url();
    for body in &bodies {
        let session = mark("header", "/session");
        let headers = [
            ("outfitter-session", session.as_str()),
            ("outfitter-consent", "all"),
            ("cookie", "_shopify_y=xmarkedxcookiexend; a=xmarkedxcookiexend"),
        ];
        post_with(&url, body, &headers).await;
    }
    for name in names {
        let value = mark("header", &format!("/{}", name.replace('-', "")));
        for body in [&bodies[0], &json!({ "query": "{ shop { name } }" })] {
            post_with(&url, body, &[("outfitter-session", "s"), (name, value.as_str())]).await;
        }
    }
}

/// Paths, queries and bodies of every kind, the subgraph, and a shop that answers badly.
async fn elsewhere(process: &Process) {
    let m = |what: &str| mark("document", &format!("/{what}"));
    let url = process.url();
    for (method, path) in [
        (
            Method::GET,
            format!("/graphql?query=%7Bshop%7Bname%7D%7D&variables=%7B%22a%22:%22{0}%22%7D&{0}={0}", m("url")),
        ),
        (Method::GET, format!("/{}", m("path"))),
        (Method::DELETE, format!("/graphql/{}", m("path"))),
        (Method::POST, "/graphql".to_owned()),
    ] {
        send(method, &format!("{}{path}", process.gateway), &[], m("body")).await;
    }
    let subgraph = json!({ "query": "query ($r: [_Any!]!) { _entities(representations: $r) { ... on Product { personalized { affinity } } } }",
        "variables": { "r": [{ "__typename": "Product", "id": m("represented") }] } });
    for headers in [
        &[("outfitter-session", "s")][..],
        &[("outfitter-session", "s"), ("authorization", "Bearer xmarkedxbearerxend")],
    ] {
        post_with(&format!("{}/subgraph", process.gateway), &subgraph, headers).await;
    }
    // A shop that answers with a page, and with errors that quote its customer.
    for name in ["Broken", "Quoting"] {
        for query in [
            format!("query {name} {{ shop {{ name }} }}"),
            format!("query {name} {{ shop {{ name }} personalized {{ shopper {{ id }} }} }}"),
        ] {
            post_with(&url, &json!({ "query": query }), &[("outfitter-session", "s")]).await;
        }
    }
    let not_json = [("content-type", "application/json")];
    send(Method::POST, &url, &not_json, format!("{{\"query\": \"{}", m("torn"))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_mark_of_anything_personal_is_in_logs_traces_metrics_or_answers_to_foreign_senders() {
    let folder = tempfile::tempdir().unwrap();
    let (collector, endpoint) = Collector::start().await;
    // The log of every library, too.
    let process = Process::logging(&settings(folder.path(), &endpoint, ""), "trace").await;
    let (answered, delivered) = webhooks(&process).await;
    let taken = beacons(&process).await;
    graphql(&process).await;
    elsewhere(&process).await;
    assert!(delivered > 250 && taken > 150, "{delivered} {taken}");
    let (_, _, metrics) = send(Method::GET, &format!("{}/metrics", process.gateway), &[], "").await;
    let metrics = String::from_utf8(metrics.to_vec()).unwrap();
    // They were at work on it.
    for counted in [
        "outfitter_webhook_deliveries_total{platform=\"adobe\",topic=\"order\",outcome=\"taken\"}",
        "outfitter_beacon_events_total{outcome=\"ACCEPTED\"}",
        "outfitter_webhook_deliveries_total{platform=\"shopify\",topic=\"unknown\",outcome=\"unproven\"}",
    ] {
        assert!(metrics.contains(counted), "{counted}: {metrics}");
    }
    let gateway = process.gateway.clone();
    // What a client chooses for the log stands there, and is found by this way of looking.
    let control = "xmarkedxcontrolxend";
    post_with(&process.url(), &json!({ "query": "{ shop { name } }" }), &[("x-request-id", control)]).await;
    let written = process.stop().await;
    assert!(marks(&written).contains("xmarkedxcontrol"));
    let written = written.replace(control, "");
    let spans = format!("{:?}", collector.spans());
    assert!(
        written.contains("request served") && written.contains("webhook delivery") && spans.contains("POST /graphql")
    );
    assert!(written.contains("outfitter customer export"), "who asks for their data is told of by key");
    for (what, text) in
        [("the log", &written), ("traces", &spans), ("metrics", &metrics), ("answers to platforms", &answered)]
    {
        let found = marks(text);
        let line = text.lines().find(|line| line.contains(MARK)).unwrap_or_default();
        assert!(found.is_empty(), "{what} of {gateway}: {found:?}\n{}", line.get(..2_000).unwrap_or(line));
    }
    for of_a_customer in ["secret-", "secret@", "example.com"] {
        assert!(!written.contains(of_a_customer) && !spans.contains(of_a_customer), "{of_a_customer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_in_the_spool_names_products_searches_and_events_and_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let (collector, endpoint) = Collector::start().await;
    // Nobody listens there: whatever comes waits.
    let store = "url = \"redis://127.0.0.1:9/\"\n[store.redis]\nopen_for = \"1h\"\nread_timeout = \"1s\"\nwrite_timeout = \"1s\"";
    let process = Process::logging(&settings(folder.path(), &endpoint, store), "trace").await;
    let (answered, _) = webhooks(&process).await;
    let headers = [("content-type", "text/plain"), ("outfitter-consent", "all")];
    let mut kept = 0;
    for (name, line, body) in senders::samples("beacon") {
        let path = below(&line);
        for body in marked(&name, &body) {
            let (_, _, answer) = send(Method::POST, &format!("{}{path}", process.gateway), &headers, body).await;
            let answer: Value = serde_json::from_slice(&answer).unwrap();
            kept += answer["accepted"].as_u64().unwrap_or(0);
        }
    }
    assert!(kept > 150, "{kept}");
    let spool = folder.path().join("spool");
    let mut text = String::new();
    for entry in std::fs::read_dir(&spool).unwrap() {
        text += &std::fs::read_to_string(entry.unwrap().path()).unwrap();
    }
    let written = process.stop().await;
    for (what, text) in [("the log", &written), ("traces", &format!("{:?}", collector.spans())), ("answers", &answered)]
    {
        assert!(marks(text).is_empty(), "{what}: {:?}", marks(text));
    }
    // What an event is about, and its own id, as the store will hold them: members by their last names.
    let about = "id messageid eid eventid productid productId product variantid variant variantId sku SKU itemid \
        itemvariant query searchterm orderid orderId order transactionid purchaseID collectionid \
        collectionId decisionid decisionId incrementid adminGraphqlApiId admingraphqlapiid eventId \
        messageId variantId none";
    let found = marks(&text);
    assert!(found.iter().any(|mark| mark.ends_with("xquery")), "searches wait there: {found:?}");
    // What a shop says of its own product, which other replicas are to hear.
    let of_products = "bodyhtml handle producttype tags title vendor inventoryitemid";
    let ends = |mark: &str, names: &str| names.split(' ').any(|name| mark.ends_with(&format!("x{name}")));
    let is_of_product = |mark: &str| mark.contains("xshopifyproductx") || mark.contains("xshopifyinventoryx");
    let is_known = |mark: &str| ends(mark, about) || is_of_product(mark) && ends(mark, of_products);
    let others: Vec<_> = found.iter().filter(|mark| !is_known(mark)).collect();
    assert!(others.is_empty(), "{others:?}");
    // Whose it is stands there as keyed hashes, and what else is personal not at all.
    for raw in
        ["example.com", "s-own", "s-pixel", "s-ga4", "s-seg", "s-snow", "s-xdm", "s-com", "visitor-", "192.0.2.7"]
    {
        assert!(!text.contains(raw), "{raw}");
    }
}
