//! The doors over HTTP, as the whole gateway serves them: status, code and headers of each answer.

use crate::cli::assemble::Running;
use crate::platform::secret::Secret;
use crate::server::Routes;
use crate::settings::Settings;
use axum::body::Body;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytesize::ByteSize;
use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::Value;
use sha2::Sha256;
use tower::Service;

fn running() -> Running {
    let path = tempfile::tempdir().unwrap().keep().join("secret");
    std::fs::write(&path, "client secret").unwrap();
    let mut settings = Settings::default();
    settings.upstream.url = Some("http://127.0.0.1:9/graphql".to_owned());
    settings.ingest.webhooks.shopify.secrets = vec![Secret::File(path)];
    settings.ingest.webhooks.body = ByteSize::kib(2);
    settings.server.origins = vec!["https://shop.example".to_owned()];
    Running::new(&settings, false).unwrap()
}

async fn post(routes: &mut Routes, path: &str, headers: &[(&str, &str)], body: &str) -> (StatusCode, HeaderMap, Value) {
    let mut request = Request::post(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = routes.call(request.body(Body::from(body.to_owned())).unwrap()).await.unwrap();
    let (parts, body) = answer.into_parts();
    let Ok(body) = body.collect().await else { panic!("no body") };
    (parts.status, parts.headers, serde_json::from_slice(&body.to_bytes()).unwrap_or_default())
}

fn signed(body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(b"client secret").unwrap();
    mac.update(body.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

fn code(answer: &Value) -> &str {
    answer["errors"][0]["extensions"]["code"].as_str().unwrap_or("none")
}

#[tokio::test]
async fn deliveries_are_answered_with_counts_and_refusals_with_status_and_code() {
    let running = running();
    let mut routes = running.live.routes();
    let body = r#"{"id":1,"marked":"anna@example.com"}"#;
    let (status, _, answer) =
        post(&mut routes, "/webhooks/shopify", &[("x-shopify-hmac-sha256", &signed(body))], body).await;
    assert_eq!((status, &answer["accepted"]), (StatusCode::OK, &Value::from(0)), "{answer}");
    let large = "x".repeat(3000);
    for (path, headers, body, status, named) in [
        ("/webhooks/shopify", vec![], body, StatusCode::UNAUTHORIZED, "OUTFITTER_WEBHOOK_UNPROVEN"),
        (
            "/webhooks/shopify",
            vec![("x-shopify-hmac-sha256", "AAAA")],
            body,
            StatusCode::UNAUTHORIZED,
            "OUTFITTER_WEBHOOK_UNPROVEN",
        ),
        ("/webhooks/bigcommerce", vec![], body, StatusCode::NOT_FOUND, "OUTFITTER_WEBHOOK_NOT_TAKEN"),
        ("/webhooks/anything", vec![], body, StatusCode::NOT_FOUND, "OUTFITTER_WEBHOOK_NOT_TAKEN"),
        ("/webhooks/shopify", vec![], large.as_str(), StatusCode::PAYLOAD_TOO_LARGE, "OUTFITTER_BODY_TOO_LARGE"),
    ] {
        let (got, _, answer) = post(&mut routes, path, &headers, body).await;
        assert_eq!((got, code(&answer)), (status, named), "{path} {answer}");
        assert!(!answer.to_string().contains("anna"), "{answer}");
    }
    let broken = "{";
    let (status, _, answer) =
        post(&mut routes, "/webhooks/shopify", &[("x-shopify-hmac-sha256", &signed(broken))], broken).await;
    assert_eq!((status, code(&answer)), (StatusCode::BAD_REQUEST, "OUTFITTER_MALFORMED"));
}

#[tokio::test]
async fn a_beacon_is_taken_as_browsers_send_it_and_below_the_paths_of_collectors() {
    let running = running();
    let mut routes = running.live.routes();
    let page =
        [("content-type", "text/plain;charset=UTF-8"), ("origin", "https://shop.example"), ("host", "gateway.example")];
    let one =
        r#"{"session":"s","consent":"all","events":[{"id":"1","type":"PAGE_VIEWED"},{"id":"2","type":"DANCED"}]}"#;
    let (status, headers, answer) = post(&mut routes, "/events", &page, one).await;
    assert_eq!((status, &answer["accepted"]), (StatusCode::OK, &Value::from(1)), "{answer}");
    assert_eq!(headers["access-control-allow-origin"], "https://shop.example");
    assert_eq!(answer["outcomes"][1]["code"], "UNKNOWN_EVENT");
    // A pixel's sandbox has no origin, and is served without credentials.
    let sandbox = [("content-type", "text/plain"), ("origin", "null"), ("host", "gateway.example")];
    assert_eq!(post(&mut routes, "/events", &sandbox, one).await.2["outcomes"][0]["code"], "DUPLICATE");
    let hit = "/events/g/collect?v=2&tid=G-1&cid=s&_p=1&_s=1&en=page_view&gcs=G111";
    assert_eq!(post(&mut routes, hit, &[], "").await.2["accepted"], 1);
    let segment = r#"{"type":"page","anonymousId":"s","messageId":"m","context":{"consent":{"categoryPreferences":{"Analytics":true}}}}"#;
    assert_eq!(post(&mut routes, "/events/v1/page", &[], segment).await.2["accepted"], 1);
    for body in ["", "{}", "nothing", "\u{0}"] {
        let (status, _, answer) = post(&mut routes, "/events", &[], body).await;
        assert_eq!((status, code(&answer)), (StatusCode::BAD_REQUEST, "OUTFITTER_MALFORMED"), "{body}");
    }
    let (status, _, answer) = post(&mut routes, "/events", &[("outfitter-session", "a b")], one).await;
    assert_eq!((status, code(&answer)), (StatusCode::BAD_REQUEST, "OUTFITTER_INVALID_PARAMETER"));
}
