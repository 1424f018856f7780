//! GraphiQL: the page at `/` for browsers and its files under `/assets/`.
//!
//! The pages are built by `web/` and embedded in the binary. A binary built without them serves the page that
//! `web/cdn/index.html` holds: the same files of the same versions, from a CDN, each with its integrity hash. Either way
//! no inline script, `eval` or foreign connection is allowed by the page's Content-Security-Policy, so what a shop's
//! answer contains can be shown and never run.

use crate::domain::consent::{Consent, Purpose};
use axum::Router;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::{
    ACCEPT, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH, REFERRER_POLICY, VARY,
    X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use rust_embed::{EmbeddedFile, RustEmbed};
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::sync::Arc;

/// What `npm run build` in `web/` made; empty where it never ran.
#[derive(RustEmbed)]
#[folder = "web/dist"]
#[allow_missing = true]
#[exclude = ".gitkeep"]
struct Built;

/// Our own files as they stand in the repository: the CDN page loads them from here.
#[derive(RustEmbed)]
#[folder = "web/src"]
#[exclude = "index.html"]
struct Sources;

/// The page of a binary without [`Built`], as `web/build.mjs` writes it.
const CDN_PAGE: &str = include_str!("../../web/cdn/index.html");

/// What the page says and does.
#[derive(Clone, Debug)]
pub struct PageSettings {
    /// The path that GraphiQL sends operations to.
    pub endpoint: &'static str,
    /// Whether the shop is the embedded sample.
    pub demo: bool,
    /// What a request without consent of its own is taken to allow; the page says it.
    pub consent: Consent,
}

/// The page as it is served: put together once, at start.
struct Pages {
    body: String,
    etag: HeaderValue,
    policy: HeaderValue,
}

/// `/` and `/assets/{file}`. Errors: none; what is not there answers 404.
pub fn routes(settings: &PageSettings) -> Router {
    let embedded = Built::get("index.html");
    let template = embedded.as_ref().and_then(|file| std::str::from_utf8(&file.data).ok());
    let pages = Arc::new(Pages::new(template.unwrap_or(CDN_PAGE), settings));
    Router::new().route("/", get(index)).with_state(pages).route("/assets/{file}", get(asset))
}

/// Whether this binary has the pages in it. Without them a browser needs the network for GraphiQL.
pub fn embedded() -> bool {
    Built::get("index.html").is_some()
}

impl Pages {
    fn new(template: &str, settings: &PageSettings) -> Self {
        // For style elements only, and the same while the process runs, so that a cached page still fits its policy.
        let nonce = STANDARD.encode(rand::random::<[u8; 16]>());
        let told = serde_json::json!({
            "endpoint": settings.endpoint,
            "demo": settings.demo,
            "consent": words(settings.consent),
            "version": env!("CARGO_PKG_VERSION"),
            "nonce": nonce,
        });
        let body = template.replace("{{settings}}", &attribute(&told.to_string()));
        let policy = policy(template, settings, &nonce);
        Self { etag: etag(&Sha256::digest(body.as_bytes())), policy: header(&policy), body }
    }
}

async fn index(State(pages): State<Arc<Pages>>, request: HeaderMap) -> Response {
    if !reads_html(&request) {
        let body = r#"{"errors":[{"message":"Nothing is here but GraphiQL, for browsers. GraphQL is at /graphql."}]}"#;
        let headers = [(CONTENT_TYPE, HeaderValue::from_static("application/json")), (VARY, header("accept"))];
        return (StatusCode::NOT_FOUND, headers, body).into_response();
    }
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (CONTENT_SECURITY_POLICY, pages.policy.clone()),
        (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
        (CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (VARY, HeaderValue::from_static("accept")),
    ];
    (headers, answer(&request, &pages.etag, Cow::Owned(pages.body.clone().into_bytes()))).into_response()
}

async fn asset(Path(name): Path<String>, request: HeaderMap) -> Response {
    // A built name holds a hash of its content, so it may be kept for ever; a source's name does not.
    let (file, caching) = match (Built::get(&format!("assets/{name}")), Sources::get(&name)) {
        (Some(file), _) => (file, "public, max-age=31536000, immutable"),
        (None, Some(file)) => (file, "no-cache"),
        (None, None) => return (StatusCode::NOT_FOUND, "There is no such file.\n").into_response(),
    };
    let EmbeddedFile { data, metadata, .. } = file;
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static(media_type(&name))),
        (CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'")),
        (CACHE_CONTROL, HeaderValue::from_static(caching)),
    ];
    (headers, answer(&request, &etag(&metadata.sha256_hash()), data)).into_response()
}

/// The body, or 304 where the browser holds this very one.
fn answer(request: &HeaderMap, etag: &HeaderValue, body: Cow<'static, [u8]>) -> Response {
    let held = request.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let fresh = held.flat_map(|list| list.split(',')).map(|tag| tag.trim().trim_start_matches("W/"));
    let headers = [(ETAG, etag.clone()), (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"))];
    // A compressing layer in front may have made the tag weak: the content is the same.
    if fresh.into_iter().any(|tag| tag.as_bytes() == etag.as_bytes() || tag == "*") {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    (headers, body).into_response()
}

/// A browser's address bar names `text/html`; API clients ask for JSON or anything.
fn reads_html(request: &HeaderMap) -> bool {
    let accepted = request.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    accepted.flat_map(|list| list.split(',')).any(|range| {
        let media = range.split(';').next().unwrap_or_default().trim();
        media.eq_ignore_ascii_case("text/html") || media.eq_ignore_ascii_case("application/xhtml+xml")
    })
}

/// The page's Content-Security-Policy. Scripts and styles come from here, or from exactly the CDN files that the page
/// names; GraphiQL has its fonts in its style sheet as `data:`, shows product images over HTTPS when a result's
/// address is hovered, and one of its libraries adds a style element, which the nonce lets pass.
fn policy(template: &str, settings: &PageSettings, nonce: &str) -> String {
    let elsewhere = |attribute: &str, ending: &str| -> String {
        let addresses = template.split(attribute).skip(1).filter_map(|rest| rest.split('"').next());
        addresses.filter(|at| at.starts_with("https://") && at.ends_with(ending)).map(|at| format!(" {at}")).collect()
    };
    let pictures = if settings.demo { " http://127.0.0.1:* http://localhost:*" } else { "" };
    format!(
        "default-src 'none'; script-src 'self'{}; style-src 'self' 'nonce-{nonce}'{}; font-src data:; \
         img-src 'self' data: https:{pictures}; connect-src 'self'; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'",
        elsewhere("src=\"", ".js"),
        elsewhere("href=\"", ".css"),
    )
}

/// As the `Outfitter-Consent` header would say it.
fn words(consent: Consent) -> String {
    if consent == Consent::ALL {
        return "all".to_owned();
    }
    let allowed = Purpose::ALL.into_iter().filter(|purpose| consent.allows(*purpose)).map(|purpose| match purpose {
        Purpose::Analytics => "analytics",
        Purpose::Preferences => "preferences",
        Purpose::Marketing => "marketing",
        Purpose::SaleOfData => "sale-of-data",
    });
    let words: Vec<_> = allowed.collect();
    if words.is_empty() { "none".to_owned() } else { words.join(", ") }
}

/// Text as it may stand between double quotes in HTML.
fn attribute(text: &str) -> String {
    text.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;")
}

fn etag(digest: &[u8]) -> HeaderValue {
    header(&format!("\"{}\"", hex::encode(&digest[..digest.len().min(16)])))
}

/// All our header texts are visible ASCII; one that is not would only be left out.
fn header(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

fn media_type(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
#[path = "graphiql_tests.rs"]
mod tests;
