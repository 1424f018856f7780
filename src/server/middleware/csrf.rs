//! Cross-site request forgery: a foreign page must not act with a shopper's cookies.
//!
//! A browser asks before a page of another origin sends JSON or a header of its own (the preflight, which CORS answers).
//! What it sends without asking is a GET, or a POST of a form's types. Such a request is blocked where the browser says
//! that a foreign page sent it: `Sec-Fetch-Site: cross-site`, or an `Origin` that is neither configured nor this host.
//! Programs (curl, servers, apps) send neither header and are not concerned; nor are GETs with
//! `Content-Type: application/json`, which some storefronts send, because they are preflighted.

use crate::gateway::accept::Accept;
use crate::gateway::error::RequestError;
use crate::gateway::respond::{self, AnswerBody};
use crate::server::app::App;
use crate::server::config::Origins;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_TYPE, HOST, ORIGIN};
use axum::http::{HeaderMap, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::sync::Arc;

/// Headers that make a browser ask first. Any one of them is proof that CORS has let the page in.
const PREFLIGHTED: &[&str] = &[
    "apollo-require-preflight",
    "x-apollo-operation-name",
    "outfitter-session",
    "outfitter-consent",
    "x-requested-with",
];

/// Passes on what no foreign page could have sent.
pub(crate) async fn guard(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    match refused(&app, &request) {
        Some(answer) => answer.map(Body::new).into_response(),
        None => next.run(request).await,
    }
}

/// The answer to what a foreign page may have sent; `None` to all else.
pub(crate) fn refused<B>(app: &App, request: &axum::http::Request<B>) -> Option<axum::http::Response<AnswerBody>> {
    let headers = request.headers();
    let foreign = app.config.csrf
        && is_simple(request.method(), headers)
        && is_foreign(headers, request.uri().host(), |origin| app.origins.allow(origin));
    foreign.then(|| respond::failed(&RequestError::Csrf.into(), Accept::of(headers)))
}

/// Whether a page of another site sent it that was not let in by name: a wildcard lets pages call without credentials.
pub(crate) fn is_not_let_in<B>(origins: &Origins, request: &axum::http::Request<B>) -> bool {
    is_foreign(request.headers(), request.uri().host(), |origin| *origins != Origins::Any && origins.allow(origin))
}

/// Whether a browser would have sent it without preflight.
fn is_simple(method: &Method, headers: &HeaderMap) -> bool {
    if !matches!(*method, Method::GET | Method::HEAD | Method::POST) {
        return false;
    }
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let simple_type = types.all(|value| {
        let media = value.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim();
        ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""]
            .iter()
            .any(|simple| media.eq_ignore_ascii_case(simple))
    });
    simple_type && !PREFLIGHTED.iter().any(|name| headers.contains_key(*name))
}

/// Whether a browser says that a page of another site sent it, one that has not been let in.
fn is_foreign(headers: &HeaderMap, host: Option<&str>, let_in: impl Fn(&HeaderValue) -> bool) -> bool {
    match headers.get(ORIGIN) {
        Some(origin) if let_in(origin) => false,
        Some(origin) => {
            let host = headers.get(HOST).and_then(|value| value.to_str().ok()).or(host);
            let origin = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
            !matches!((origin, host), (Some((_, origin)), Some(host)) if origin.eq_ignore_ascii_case(host))
        }
        None => headers.get("sec-fetch-site").is_some_and(|site| site == "cross-site"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| ((*name).parse().unwrap(), HeaderValue::from_static(value))).collect()
    }

    fn blocked(method: Method, pairs: &[(&'static str, &'static str)]) -> bool {
        let headers = headers(pairs);
        is_simple(&method, &headers) && is_foreign(&headers, None, |origin| origin == "https://shop.example")
    }

    #[test]
    fn foreign_pages_are_blocked() {
        assert!(blocked(Method::GET, &[("sec-fetch-site", "cross-site")]));
        assert!(blocked(Method::GET, &[("origin", "https://evil.example"), ("host", "api.example")]));
        assert!(blocked(Method::GET, &[("origin", "null"), ("host", "api.example")]));
        assert!(blocked(Method::POST, &[("content-type", "text/plain"), ("origin", "https://evil.example")]));
        assert!(blocked(Method::POST, &[("content-type", "text/plain"), ("sec-fetch-site", "cross-site")]));
    }

    #[test]
    fn real_clients_are_not() {
        // curl, servers, apps
        assert!(!blocked(Method::GET, &[]));
        // a page of this host, and one that was let in
        assert!(!blocked(Method::GET, &[("origin", "http://127.0.0.1:4000"), ("host", "127.0.0.1:4000")]));
        assert!(!blocked(Method::GET, &[("origin", "https://shop.example"), ("sec-fetch-site", "cross-site")]));
        // typed into the address bar
        assert!(!blocked(Method::GET, &[("sec-fetch-site", "none")]));
        // preflighted: CORS decides
        let evil = ("origin", "https://evil.example");
        assert!(!blocked(Method::POST, &[("content-type", "application/json"), evil]));
        assert!(!blocked(Method::GET, &[("content-type", "application/json"), evil]));
        assert!(!blocked(Method::GET, &[("apollo-require-preflight", "1"), evil]));
    }
}
