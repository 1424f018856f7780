//! Traces: well formed and complete at a collector, and no burden where it is gone.

use super::collector::{Collector, attribute};
use super::process::Process;
use crate::client::{post_with, send};
use http::{Method, StatusCode};
use serde_json::json;
use std::collections::HashSet;
use std::time::Duration;
use tokio::net::TcpListener;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

fn settings(endpoint: &str) -> String {
    format!(
        "[telemetry.otlp]\nendpoint = \"{endpoint}\"\nratio = 0.0\nqueue = 4\ninterval = \"20ms\"\ntimeout = \"300ms\"\n"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_one_trace_from_its_caller_to_the_platform() {
    let (collector, endpoint) = Collector::start().await;
    let settings = settings(&endpoint).replace("queue = 4", "queue = 1000")
        + "service = \"hats\"\nheaders = { x-key = { env = \"COLLECTOR_KEY\" } }\n";
    let process = Process::start(&settings).await;
    let caller = format!("00-{TRACE}-00f067aa0ba902b7-01");
    let headers = [("traceparent", caller.as_str()), ("outfitter-session", "secret-session")];
    let query =
        "query Page { shop { name } personalized { recommendations(placement: \"home\") { items { score } } } }";
    let body = json!({ "query": query, "variables": { "unused": "secret-variable" } });
    let (status, _, answer) = post_with(&process.url(), &body, &headers).await;
    assert_eq!((status, &answer["data"]["shop"]["name"]), (StatusCode::OK, &json!("Hats")), "{answer}");

    let spans = collector.trace(TRACE, "POST /graphql").await;
    let named =
        |name: &str| spans.iter().find(|span| span.name == name).unwrap_or_else(|| panic!("no {name}: {spans:?}"));
    let root = named("POST /graphql");
    assert_eq!((hex::encode(&root.parent_span_id).as_str(), root.kind), ("00f067aa0ba902b7", 2));
    assert_eq!(attribute(root, "http.route").as_deref(), Some("/graphql"));
    assert_eq!(attribute(root, "http.response.status_code").as_deref(), Some("200"));
    assert_eq!(attribute(root, "graphql.operation.type").as_deref(), Some("query"));
    assert_eq!(attribute(root, "graphql.operation.name").as_deref(), Some("Page"));
    assert_eq!(attribute(named("decide"), "outfitter.placements").as_deref(), Some("home"));
    let ids: HashSet<&[u8]> = spans.iter().map(|span| &*span.span_id).collect();
    for name in ["classify", "plan", "who", "decide", "personalize", "splice", "POST plan"] {
        assert!(ids.contains(&*named(name).parent_span_id), "{name} hangs nowhere");
    }
    // The platform continues the very span that asked it.
    let asking = named("POST plan");
    assert_eq!((asking.kind, attribute(asking, "outfitter.kind").as_deref()), (3, Some("plan")));
    let told =
        process.shop.asked.lock().unwrap().iter().find(|(_, text)| text.contains("query Page")).unwrap().0.clone();
    assert_eq!(told["traceparent"], format!("00-{TRACE}-{}-01", hex::encode(&asking.span_id)));
    assert_eq!(collector.headers.lock().unwrap()["x-key"], "secret-collector-key");

    // The share is nothing here: a request that belongs to no trace is not kept.
    post_with(&process.url(), &json!({ "query": "{ shop { name } }" }), &[]).await;
    let written = process.stop().await;
    assert!(collector.spans().iter().all(|span| hex::encode(&span.trace_id) == TRACE));
    let all = format!("{:?}{written}", collector.spans());
    assert!(!all.contains("secret-"), "{all}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_hangs_or_is_gone_delays_no_request_and_what_is_lost_is_counted() {
    let hanging = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    // One that hangs lets spans wait until there is no more room; of one that is gone it is known at once.
    for (address, reason) in [(hanging.local_addr().unwrap(), "queue"), (gone, "collector")] {
        let dropped = format!("outfitter_trace_spans_dropped_total{{reason=\"{reason}\"}}");
        let process = Process::start(&settings(&format!("http://{address}/v1/traces"))).await;
        let caller = [("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")];
        for _ in 0..30 {
            let (status, _, answer) =
                post_with(&process.url(), &json!({ "query": "{ shop { name } }" }), &caller).await;
            assert_eq!((status, &answer["data"]["shop"]["name"]), (StatusCode::OK, &json!("Hats")));
        }
        loop {
            let (_, _, text) = send(Method::GET, &format!("{}/metrics", process.gateway), &[], "").await;
            if String::from_utf8_lossy(&text).contains(&dropped) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        process.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_platform_is_told_of_a_trace_that_nobody_here_exports() {
    let process = Process::start("").await;
    let caller = format!("00-{TRACE}-00f067aa0ba902b7-01");
    let query = json!({ "query": "query Told { shop { name } }" });
    post_with(&process.url(), &query, &[("traceparent", &caller), ("tracestate", "a=1")]).await;
    post_with(&process.url(), &query, &[]).await;
    let asked = process.shop.asked.lock().unwrap().clone();
    let told: Vec<_> = asked.iter().filter(|(_, text)| text.contains("query Told")).map(|(told, _)| told).collect();
    assert_eq!(told[0]["traceparent"], caller);
    assert_eq!(told[0]["tracestate"], "a=1");
    let begun = told[1]["traceparent"].to_str().unwrap();
    assert!(begun.len() == caller.len() && !begun.contains(TRACE), "{begun}");
    process.stop().await;
}
