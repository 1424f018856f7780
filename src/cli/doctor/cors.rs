//! Whether a browser's preflight would pass: the routes of the gateway themselves are asked, in this process.

use crate::gateway::accept::Accept;
use crate::gateway::error::GatewayError;
use crate::gateway::respond::{self, AnswerBody};
use crate::platform::examine::Finding;
use crate::server::{self, App, AppParts, Backend, Routes};
use crate::settings::Settings;
use crate::telemetry::init;
use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use http::{Method, Request, Response, header};
use std::net::IpAddr;
use std::sync::Arc;
use tower::ServiceExt;

/// What Hydrogen's browser code and the platform's client libraries send, with the gateway's own headers.
const SENT: &str = "content-type,outfitter-consent,outfitter-session,x-sdk-variant,x-sdk-version,\
                    x-shopify-storefront-access-token,x-shopify-uniquetoken,x-shopify-visittoken";

/// Serves nothing: a preflight is answered before any backend.
struct Nobody;

#[async_trait]
impl Backend for Nobody {
    async fn execute(&self, request: Request<Bytes>, _: IpAddr) -> Response<AnswerBody> {
        respond::failed(&GatewayError::NotReady("a check"), Accept::of(request.headers()))
    }

    async fn subgraph(&self, request: Request<Bytes>) -> Response<AnswerBody> {
        respond::failed(&GatewayError::NotReady("a check"), Accept::of(request.headers()))
    }

    fn pending(&self) -> Option<&'static str> {
        Some("a check")
    }
}

pub(super) async fn examine(settings: &Settings, asked: &[String]) -> Vec<Finding> {
    let app = App::new(AppParts {
        backend: Arc::new(Nobody),
        config: settings.server.clone(),
        paths: Vec::new(),
        exposed: Vec::new(),
        body_limit: 0,
        metrics: init::metrics(),
    });
    let routes = match app {
        Ok(app) => server::router(app, Router::new()),
        Err(error) => return vec![Finding::fail("[server]", error.to_string(), "mend the setting")],
    };
    let mut origins: Vec<&String> = settings.server.origins.iter().chain(asked).collect();
    origins.dedup();
    if origins.is_empty() {
        let found = "no origin: pages of other hosts cannot call, servers and apps can";
        return vec![Finding::pass("CORS", found)];
    }
    let mut found = Vec::new();
    for origin in origins {
        found.push(preflight(routes.clone(), origin).await);
    }
    found
}

async fn preflight(routes: Routes, origin: &str) -> Finding {
    let what = format!("CORS from {origin}");
    if origin == "*" {
        let next = "name the storefront's origins where shoppers sign in";
        return Finding::warn(what, "every page may call, without cookies", next);
    }
    let next = format!("add {origin:?} to server.origins, as browsers write it: scheme and host, no path");
    let request = Request::builder()
        .method(Method::OPTIONS)
        .uri("/graphql")
        .header(header::ORIGIN, origin)
        .header(header::ACCESS_CONTROL_REQUEST_METHOD, "POST")
        .header(header::ACCESS_CONTROL_REQUEST_HEADERS, SENT)
        .body(Body::empty());
    let Ok(request) = request else { return Finding::fail(what, "it is no origin", next) };
    let Ok(answer) = routes.oneshot(request).await;
    let header = |name| answer.headers().get(name).and_then(|value: &http::HeaderValue| value.to_str().ok());
    let let_in = header(header::ACCESS_CONTROL_ALLOW_ORIGIN).is_some_and(|allowed| allowed == origin || allowed == "*");
    let allowed = header(header::ACCESS_CONTROL_ALLOW_HEADERS).unwrap_or_default().to_ascii_lowercase();
    let missing: Vec<_> = SENT.split(',').filter(|name| !allowed.split(',').any(|one| one.trim() == *name)).collect();
    if !let_in {
        return Finding::fail(what, "a browser's preflight is refused", next);
    }
    if !missing.is_empty() {
        return Finding::fail(what, format!("these headers are refused: {}", missing.join(", ")), "report this");
    }
    Finding::pass(what, "a browser's preflight passes, with the headers of Hydrogen and the client libraries")
}
