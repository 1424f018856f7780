//! A shop whose Admin API exports by bulk operations: one at a time, each known by its id, its file at an address of its own.
//! What it is to do otherwise than well is told beforehand, question by question.

use crate::upstream::serve;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Json, Path, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use futures::{StreamExt, stream};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What an answer is instead of what it should be.
pub(super) enum Ill {
    /// `THROTTLED`, with status 200.
    Throttled,
    /// The token may not read that.
    Denied,
    /// The connection breaks within the body, after so many bytes.
    Broken(usize),
    /// The body ends after so many bytes, as if it were whole.
    Cut(usize),
    /// A status.
    Status(u16),
    /// These data.
    Told(Value),
}

/// What the shop was asked, and what it has.
#[derive(Default)]
pub(super) struct Shop {
    /// Files by what stands in the query of their operation.
    pub(super) files: Vec<(&'static str, String)>,
    /// The queries of operations that were begun, in their order.
    pub(super) begun: Vec<String>,
    /// Looks at an operation.
    pub(super) looked: usize,
    /// Files that were fetched.
    pub(super) fetched: usize,
    /// How the next of each goes.
    pub(super) begins: VecDeque<Ill>,
    pub(super) looks: VecDeque<Ill>,
    pub(super) fetches: VecDeque<Ill>,
    /// Whether the last operation has ended.
    pub(super) runs: bool,
}

impl Shop {
    fn file(&self, operation: usize) -> String {
        let query = &self.begun[operation];
        self.files.iter().find(|(of, _)| query.contains(of)).map(|(_, file)| file.clone()).unwrap_or_default()
    }
}

/// A shop that answers at `url`, which is that of its Storefront API.
#[derive(Clone)]
pub(super) struct Running {
    shop: Arc<Mutex<Shop>>,
    pub(super) url: String,
}

impl Running {
    pub(super) async fn start(shop: Shop) -> Self {
        let shop = Arc::new(Mutex::new(shop));
        let routes = Router::new()
            .route("/admin/api/2026-04/graphql.json", post(administer))
            .route("/export/{operation}", get(export))
            .with_state(shop.clone());
        let url = serve(routes).await.replace("/graphql", "/api/2026-04/graphql.json");
        Self { shop, url }
    }

    /// How the next looks go.
    pub(super) fn ill(&self, looks: VecDeque<Ill>) {
        self.shop.lock().unwrap().looks = looks;
    }

    /// The queries of operations that were begun.
    pub(super) fn begun(&self) -> Vec<String> {
        self.shop.lock().unwrap().begun.clone()
    }

    /// How many operations were begun, how often one was looked at, how many files were fetched.
    pub(super) fn counts(&self) -> (usize, usize, usize) {
        let shop = self.shop.lock().unwrap();
        (shop.begun.len(), shop.looked, shop.fetched)
    }
}

/// A status of an operation that was not asked for by the script.
pub(super) fn status(status: &str, code: Option<&str>) -> Ill {
    Ill::Told(json!({ "node": { "status": status, "errorCode": code, "objectCount": "2", "url": null } }))
}

fn answered(ill: Option<Ill>, well: &[u8]) -> Response {
    let part = |bytes: usize| Ok(Bytes::copy_from_slice(&well[..bytes]));
    match ill {
        None => Bytes::copy_from_slice(well).into_response(),
        Some(Ill::Throttled) => {
            Json(json!({ "errors": [{ "message": "Throttled", "extensions": { "code": "THROTTLED" } }] }))
                .into_response()
        }
        Some(Ill::Denied) => {
            let error = json!({ "message": "Access denied.", "extensions": { "code": "ACCESS_DENIED" } });
            Json(json!({ "errors": [error] })).into_response()
        }
        Some(Ill::Broken(bytes)) => {
            let broken = async {
                // What came before it is on its way.
                tokio::time::sleep(Duration::from_millis(50)).await;
                Err(std::io::Error::other("the cable is cut"))
            };
            let frames = stream::iter([part(bytes)]).chain(stream::once(broken));
            Body::from_stream(frames).into_response()
        }
        Some(Ill::Cut(bytes)) => {
            Body::from_stream(stream::iter([part(bytes) as std::io::Result<Bytes>])).into_response()
        }
        Some(Ill::Status(status)) => StatusCode::from_u16(status).unwrap().into_response(),
        Some(Ill::Told(data)) => Json(json!({ "data": data })).into_response(),
    }
}

async fn administer(State(shop): State<Arc<Mutex<Shop>>>, headers: HeaderMap, Json(asked): Json<Value>) -> Response {
    assert_eq!(headers["x-shopify-access-token"], "shpat_marked");
    let host = headers["host"].to_str().unwrap().to_owned();
    let mut shop = shop.lock().unwrap();
    let query = asked["query"].as_str().unwrap();
    if query.contains("bulkOperationRunQuery") {
        assert!(query.contains("groupObjects: true"), "lines stand behind their order only where that is asked for");
        let ill = shop.begins.pop_front();
        let mut told = json!({ "bulkOperation": null, "userErrors": [] });
        if shop.runs {
            told["userErrors"] = json!([{ "code": "OPERATION_IN_PROGRESS", "message": "Another one runs." }]);
        } else if ill.is_none() {
            shop.begun.push(asked["variables"]["query"].as_str().unwrap().to_owned());
            shop.runs = true;
            let id = format!("gid://shopify/BulkOperation/{}", shop.begun.len() - 1);
            told["bulkOperation"] = json!({ "id": id, "status": "CREATED" });
        }
        return answered(ill, json!({ "data": { "bulkOperationRunQuery": told } }).to_string().as_bytes());
    }
    shop.looked += 1;
    let id = asked["variables"]["id"].as_str().unwrap();
    let operation: usize = id.strip_prefix("gid://shopify/BulkOperation/").unwrap().parse().unwrap();
    let ill = shop.looks.pop_front();
    let ended = |data: &Value| data["node"].is_null() || data["node"]["status"] != "RUNNING";
    if ill.as_ref().is_none_or(|ill| matches!(ill, Ill::Told(data) if ended(data))) {
        shop.runs = false;
    }
    let file = shop.file(operation);
    // Numbers without end are text.
    let (objects, bytes) = (file.lines().count().to_string(), file.len().to_string());
    let url = (!file.is_empty()).then(|| format!("http://{host}/export/{operation}?signature=abc"));
    let node = json!({
        "status": "COMPLETED", "objectCount": objects, "rootObjectCount": objects, "fileSize": bytes, "url": url
    });
    answered(ill, json!({ "data": { "node": node } }).to_string().as_bytes())
}

async fn export(
    State(shop): State<Arc<Mutex<Shop>>>,
    Path(operation): Path<usize>,
    headers: HeaderMap,
    uri: Uri,
) -> Response {
    assert!(!headers.contains_key("x-shopify-access-token"), "the token stays with the shop");
    assert_eq!(uri.query(), Some("signature=abc"));
    let mut shop = shop.lock().unwrap();
    shop.fetched += 1;
    let ill = shop.fetches.pop_front();
    answered(ill, shop.file(operation).as_bytes())
}
