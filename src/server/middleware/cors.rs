//! CORS: pages of the configured origins may call with credentials and read the headers that are passed back.

use crate::server::config::Origins;
use axum::http::{HeaderName, HeaderValue, Method};
use std::time::Duration;
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};

/// Browsers keep the outcome of a preflight so long; Chromium's own maximum.
const KEPT: Duration = Duration::from_secs(7200);

/// Reflects configured origins and no other. Request headers are mirrored: what may be forwarded is decided behind.
pub(crate) fn layer(origins: &Origins, exposed: &[HeaderName]) -> CorsLayer {
    let layer = CorsLayer::new()
        .allow_methods([Method::GET, Method::POST])
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers(exposed.to_vec())
        .max_age(KEPT);
    match origins {
        Origins::Any => layer.allow_origin(AllowOrigin::any()),
        Origins::Listed(origins) => {
            let listed: Vec<HeaderValue> = origins.clone();
            layer.allow_origin(AllowOrigin::list(listed)).allow_credentials(true)
        }
    }
}
