//! The store over HTTP: GraphQL by POST and GET as the GraphQL-over-HTTP specification asks, and the pictures.

use super::document::{Kind, kind};
use super::graphql::{Answer, execute};
use super::image;
use super::store::Store;
use apollo_compiler::response::{GraphQLError, JsonMap};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::Deserialize;
use std::future::Future;
use std::sync::Arc;
use tower_http::cors::{AllowOrigin, CorsLayer};

/// The largest body taken, in bytes.
const MAX_BODY: usize = 1 << 20;

const RESPONSE_JSON: &str = "application/graphql-response+json";

impl Store {
    /// The routes of the store: GraphQL at `/graphql` and `/api/{version}/graphql.json`, pictures below `/images/`.
    pub fn router(self: Arc<Self>) -> Router {
        let graphql = || get(by_get).post(by_post);
        // Browsers of any origin may ask: everything here is public and invented.
        let cors = CorsLayer::very_permissive().allow_origin(AllowOrigin::mirror_request());
        Router::new()
            .route("/graphql", graphql())
            .route("/api/{version}/graphql.json", graphql())
            .route("/images/{file}", get(picture))
            .layer(DefaultBodyLimit::max(MAX_BODY))
            .layer(cors)
            .with_state(self)
    }
}

/// Serves the store until `shutdown` resolves; requests in flight are finished.
///
/// Errors: the listener failed.
pub async fn serve(
    store: Arc<Store>,
    listener: tokio::net::TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    axum::serve(listener, store.router()).with_graceful_shutdown(shutdown).await
}

/// A GraphQL request.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope {
    query: Option<String>,
    operation_name: Option<String>,
    variables: Option<JsonMap>,
}

/// The parameters of a GET.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Parameters {
    query: Option<String>,
    operation_name: Option<String>,
    variables: Option<String>,
}

async fn by_get(State(store): State<Arc<Store>>, Query(asked): Query<Parameters>, headers: HeaderMap) -> Response {
    let variables = asked.variables.filter(|text| !text.is_empty());
    let variables = match variables.map(|text| serde_json::from_str(&text)).transpose() {
        Ok(variables) => variables,
        Err(_) => return refuse(&headers, StatusCode::BAD_REQUEST, "variables is not a JSON object."),
    };
    let envelope = Envelope { query: asked.query, operation_name: asked.operation_name, variables };
    answer(store, envelope, headers, true).await
}

async fn by_post(State(store): State<Arc<Store>>, headers: HeaderMap, body: Bytes) -> Response {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or("application/json");
    let envelope = match kind.split(';').next().map(str::trim) {
        Some("application/graphql") => match String::from_utf8(body.into()) {
            Ok(query) => Envelope { query: Some(query), ..Envelope::default() },
            Err(_) => return refuse(&headers, StatusCode::BAD_REQUEST, "The body is not UTF-8."),
        },
        Some(kind) if kind.eq_ignore_ascii_case("application/json") => match serde_json::from_slice(&body) {
            Ok(envelope) => envelope,
            Err(_) => {
                let reason = "The body is not a JSON object with a string `query`, and `variables` an object.";
                return refuse(&headers, StatusCode::BAD_REQUEST, reason);
            }
        },
        _ => {
            let reason = "Send application/json or application/graphql.";
            return refuse(&headers, StatusCode::UNSUPPORTED_MEDIA_TYPE, reason);
        }
    };
    answer(store, envelope, headers, false).await
}

async fn answer(store: Arc<Store>, envelope: Envelope, headers: HeaderMap, read_only: bool) -> Response {
    let Some(query) = envelope.query.filter(|query| !query.trim().is_empty()) else {
        return refuse(&headers, StatusCode::BAD_REQUEST, "The request has no `query`.");
    };
    let origin = origin(&headers);
    // Running is pure computing: off the threads that serve connections, and a panic stays there.
    let run = tokio::task::spawn_blocking(move || {
        let operation = envelope.operation_name.as_deref().filter(|name| !name.is_empty());
        let document = store.documents.read(&query).map_err(Some)?;
        if read_only && kind(&document, operation) == Some(Kind::Mutation) {
            return Err(None);
        }
        match execute(&store, &document, operation, &envelope.variables.unwrap_or_default(), &origin) {
            Answer::Ran(body) => Ok(body),
            Answer::Refused(errors) => Err(Some(errors)),
        }
    });
    match run.await {
        Ok(Ok(body)) => respond(&headers, StatusCode::OK, body),
        Ok(Err(Some(errors))) => {
            // By the specification: 400 where the client knows the new media type, 200 for the old one.
            let status = if media_type(&headers) == RESPONSE_JSON { StatusCode::BAD_REQUEST } else { StatusCode::OK };
            refuse_with(&headers, status, &errors)
        }
        Ok(Err(None)) => {
            let mut refused = refuse(&headers, StatusCode::METHOD_NOT_ALLOWED, "Mutations are sent by POST.");
            refused.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
            refused
        }
        Err(_) => refuse(&headers, StatusCode::INTERNAL_SERVER_ERROR, "The demo store failed on this request."),
    }
}

/// The media type of the answer: the new one where it is named in `Accept`.
fn media_type(headers: &HeaderMap) -> &'static str {
    let accepts = |value: &HeaderValue| value.to_str().is_ok_and(|accept| accept.contains(RESPONSE_JSON));
    if headers.get_all(header::ACCEPT).iter().any(accepts) { RESPONSE_JSON } else { "application/json" }
}

/// How the client reached the store, for addresses in answers. Never more than a host of plain characters.
fn origin(headers: &HeaderMap) -> String {
    let plain = |host: &&str| {
        host.len() <= 255
            && host.bytes().all(|b| b.is_ascii_alphanumeric() || b".-:[]".contains(&b))
            && !host.is_empty()
    };
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).filter(plain);
    format!("http://{}", host.unwrap_or("localhost"))
}

fn refuse(headers: &HeaderMap, status: StatusCode, message: &str) -> Response {
    let body = serde_json::json!({ "errors": [{ "message": message }] });
    respond(headers, status, body.to_string().into_bytes())
}

fn refuse_with(headers: &HeaderMap, status: StatusCode, errors: &[GraphQLError]) -> Response {
    let body = serde_json::json!({ "errors": errors });
    respond(headers, status, body.to_string().into_bytes())
}

fn respond(headers: &HeaderMap, status: StatusCode, body: Vec<u8>) -> Response {
    let kind = format!("{}; charset=utf-8", media_type(headers));
    (status, [(header::CONTENT_TYPE, kind)], body).into_response()
}

async fn picture(State(store): State<Arc<Store>>, Path(file): Path<String>) -> Response {
    match image::draw(&store.catalogue, &file) {
        Some(svg) => {
            let kind = (header::CONTENT_TYPE, "image/svg+xml");
            ([kind, (header::CACHE_CONTROL, "public, max-age=86400")], svg).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
