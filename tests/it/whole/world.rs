//! The demo as it is served: the store, a proxy that counts and can fail look-ups, and the assembled gateway.

use crate::client::{post_with, send, start};
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, header};
use http_body_util::BodyExt;
use outfitter::cli::assemble::Running;
use outfitter::cli::demo::{Ready, ready};
use outfitter::demo::{self, Store};
use outfitter::settings::Settings;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tower::ServiceExt;

/// What stands between gateway and store.
pub(super) struct Proxy {
    store: Router,
    /// Documents that the gateway sent to the store.
    seen: Mutex<Vec<String>>,
    /// Whether look-ups of products are answered 500.
    pub(super) fails: AtomicBool,
    /// Where there is one, the answer to whose a customer's token is, beside the questions: for one that wants more than the
    /// id, and for one that does not.
    pub(super) customer: Mutex<Option<[Value; 2]>>,
}

async fn pass(State(proxy): State<Arc<Proxy>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let text = String::from_utf8_lossy(&body).into_owned();
    let looks_up = text.contains("_gw_s");
    let customer = text.contains("query Customer(").then(|| proxy.customer.lock().unwrap().clone()).flatten();
    if let Some([more, alone]) = customer {
        let wants_more = text.contains(r#""consent":true"#) || text.contains(r#""tags":true"#);
        let answer = if wants_more { more } else { alone };
        proxy.seen.lock().unwrap().push(text);
        return axum::Json(answer).into_response();
    }
    proxy.seen.lock().unwrap().push(text);
    if looks_up && proxy.fails.load(Ordering::SeqCst) {
        return (StatusCode::INTERNAL_SERVER_ERROR, "a page of the platform's own").into_response();
    }
    proxy.store.clone().oneshot(Request::from_parts(parts, Body::from(body))).await.unwrap()
}

/// A running demo.
pub(crate) struct World {
    /// The gateway, without a path.
    pub(crate) gateway: String,
    /// The store as the gateway reaches it, without a path: it writes the address at which it was asked into its answers.
    pub(super) store: String,
    pub(super) proxy: Arc<Proxy>,
    pub(super) running: Arc<Running>,
}

/// A shopper: the headers that go with each request.
#[derive(Clone, Copy)]
pub(super) struct Shopper<'a> {
    pub(super) session: &'a str,
    pub(super) consent: Option<&'a str>,
}

pub(super) const fn shopper(session: &str) -> Shopper<'_> {
    Shopper { session, consent: None }
}

pub(super) const fn refusing(session: &str) -> Shopper<'_> {
    Shopper { session, consent: Some("none") }
}

impl World {
    /// Starts the demo with a short history.
    pub(super) async fn start() -> Self {
        let demo = demo::Config { events: 4000, shoppers: 200, ..demo::Config::default() };
        let mut settings = Settings { demo, ..Settings::default() };
        // Time is the engine's own tests' subject; a slow machine should not change a slate here.
        settings.engine.deadline = Duration::from_secs(60);
        Self::with(settings).await
    }

    pub(crate) async fn with(mut settings: Settings) -> Self {
        let store = Arc::new(Store::generate(&settings.demo));
        let proxy = Arc::new(Proxy {
            store: store.clone().router(),
            seen: Mutex::default(),
            fails: AtomicBool::new(false),
            customer: Mutex::default(),
        });
        let upstream = start(Router::new().fallback(pass).with_state(proxy.clone())).await;
        let Ready { assembled, .. } = ready(&mut settings, &store, format!("{upstream}/graphql")).await.unwrap();
        let gateway = start(assembled.routes).await;
        Self { gateway, store: upstream, proxy, running: assembled.running }
    }

    /// The gateway's whole answer.
    pub(super) async fn answer(&self, who: Shopper<'_>, query: &str, variables: Value) -> (HeaderMap, Value) {
        let mut headers = vec![("outfitter-session", who.session)];
        headers.extend(who.consent.map(|consent| ("outfitter-consent", consent)));
        let body = json!({ "query": query, "variables": variables });
        let (status, headers, answer) = post_with(&format!("{}/graphql", self.gateway), &body, &headers).await;
        assert_eq!(status, StatusCode::OK, "{query}: {answer}");
        (headers, answer)
    }

    /// The data of an answer without errors.
    pub(super) async fn ask(&self, who: Shopper<'_>, query: &str, variables: Value) -> Value {
        let (_, mut answer) = self.answer(who, query, variables).await;
        assert_eq!(answer["errors"], Value::Null, "{query}");
        answer["data"].take()
    }

    /// Sends the bytes to the path of an origin, as they are.
    pub(super) async fn raw(origin: &str, path: &str, body: Option<&Value>) -> (StatusCode, HeaderMap, Bytes) {
        let url = format!("{origin}{path}");
        let json = [(header::CONTENT_TYPE.as_str(), "application/json")];
        match body {
            Some(body) => send(Method::POST, &url, &json, body.to_string()).await,
            None => send(Method::GET, &url, &[("apollo-require-preflight", "true")], Bytes::new()).await,
        }
    }

    /// What the gateway has sent to the store since the last time.
    pub(super) fn sent(&self) -> Vec<String> {
        std::mem::take(&mut *self.proxy.seen.lock().unwrap())
    }

    /// Products of the store: id, handle, product type, whether they can be sold, in the order of the store.
    pub(crate) async fn products(&self, country: &str) -> Vec<Value> {
        let query = "query ($c: CountryCode) @inContext(country: $c) { products(first: 250) {
            nodes { id handle title productType availableForSale variant: selectedOrFirstAvailableVariant { id } } } }";
        let body = json!({ "query": query, "variables": { "c": country } });
        let (_, _, answer) = Self::raw(&self.store, "/graphql", Some(&body)).await;
        let mut answer: Value = serde_json::from_slice(&answer).unwrap();
        serde_json::from_value(answer["data"]["products"]["nodes"].take()).unwrap()
    }
}

/// The strings at `path` of each item of a slate.
pub(super) fn each(slate: &Value, pointer: &str) -> Vec<String> {
    let items = slate["items"].as_array().unwrap_or_else(|| panic!("no items in {slate}"));
    items.iter().map(|item| item.pointer(pointer).unwrap().as_str().unwrap().to_owned()).collect()
}
