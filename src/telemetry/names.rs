//! The names of metrics and labels, once. They follow OpenTelemetry's semantic conventions where those have a name, in
//! the form that Prometheus scrapes.

/// Histogram, seconds, by method and status: requests answered.
pub const REQUEST_DURATION: &str = "http_server_request_duration_seconds";
/// Gauge: requests in flight.
pub const REQUESTS_ACTIVE: &str = "http_server_active_requests";
/// Counter, by code: errors told to clients.
pub const ERRORS: &str = "outfitter_errors_total";
/// Counter: handlers that panicked; each is a bug.
pub const PANICS: &str = "outfitter_panics_total";
/// Gauge: connections open.
pub const CONNECTIONS: &str = "outfitter_connections";
/// Histogram, seconds, by kind and outcome: requests to the platform.
pub const UPSTREAM_DURATION: &str = "http_client_request_duration_seconds";
/// Histogram, seconds, by who served: slates made.
pub const SLATE_DURATION: &str = "outfitter_slate_duration_seconds";
/// Counter, by kind: what could not be learned because there was no room for it.
pub const INGEST_DROPPED: &str = "outfitter_ingest_dropped_total";
/// Gauge: products in the catalogue.
pub const CATALOGUE_PRODUCTS: &str = "outfitter_catalogue_products";
/// Gauge, seconds: time since the last complete crawl.
pub const CATALOGUE_AGE: &str = "outfitter_catalogue_age_seconds";

/// Label: request method.
pub const METHOD: &str = "http_request_method";
/// Label: status of an answer.
pub const STATUS: &str = "http_response_status_code";
/// Label: an error's stable code.
pub const CODE: &str = "code";
/// Label: what a request to the platform was for, or what was dropped.
pub const KIND: &str = "kind";
/// Label: how it ended.
pub const OUTCOME: &str = "outcome";
/// Label: who made a slate.
pub const SERVED_BY: &str = "served_by";

/// Every metric with its help text, described once at start.
pub const HISTOGRAMS: &[(&str, &str)] = &[
    (REQUEST_DURATION, "Requests answered, from the head of the request to the head of the answer."),
    (UPSTREAM_DURATION, "Requests to the shop platform, by what they were for and how they ended."),
    (SLATE_DURATION, "Slates of products made, by who served them."),
];
/// As [`HISTOGRAMS`].
pub const COUNTERS: &[(&str, &str)] = &[
    (ERRORS, "Errors told to clients, by code."),
    (PANICS, "Handlers that panicked; each is a bug."),
    (INGEST_DROPPED, "Operations not learned from and lines missing from the training log, for want of room."),
];
/// As [`HISTOGRAMS`].
pub const GAUGES: &[(&str, &str)] = &[
    (REQUESTS_ACTIVE, "Requests in flight."),
    (CONNECTIONS, "Connections open."),
    (CATALOGUE_PRODUCTS, "Products in the catalogue."),
    (CATALOGUE_AGE, "Time since the catalogue's last complete crawl."),
];
