//! The names of metrics and labels, once. They follow OpenTelemetry's semantic conventions where those have a name, in
//! the form that Prometheus scrapes.

/// Histogram, seconds, by method, route, status, class and outcome: requests answered.
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
/// Counter, by reason and outcome: second tries of queries, sent or not.
pub const UPSTREAM_RETRIES: &str = "outfitter_upstream_retries_total";
/// Counter, by state: changes of the circuit breaker before the platform.
pub const CIRCUIT_CHANGES: &str = "outfitter_circuit_changes_total";
/// Gauge: 1 while nothing is sent to the platform because too much failed.
pub const CIRCUIT_OPEN: &str = "outfitter_circuit_open";
/// Histogram, seconds, by who served: slates made.
pub const SLATE_DURATION: &str = "outfitter_slate_duration_seconds";
/// Histogram, seconds, by outcome: sessions read by the model.
pub const ENCODE_DURATION: &str = "outfitter_encode_duration_seconds";
/// Histogram, seconds, by operation and outcome: questions to the shared store.
pub const STORE_DURATION: &str = "outfitter_store_duration_seconds";
/// Counter: changes that the shared store's replicas did not have in time.
pub const STORE_UNDURABLE: &str = "outfitter_store_undurable_total";
/// Gauge: whether the shared store is asked.
pub const STORE_AVAILABLE: &str = "outfitter_store_available";
/// Counter, by reason: slates decided without the model that is there.
pub const ENCODE_SHED: &str = "outfitter_encode_shed_total";
/// Gauge, by version: 1 for the model that is served.
pub const MODEL_INFO: &str = "outfitter_model_info";
/// Gauge: products of the catalogue that the model knows.
pub const MODEL_PRODUCTS: &str = "outfitter_model_products";
/// Gauge, by feature: how far sessions have come from those that the model was measured on.
pub const MODEL_DRIFT: &str = "outfitter_model_drift";
/// Counter, by kind: what could not be learned because there was no room for it.
pub const INGEST_DROPPED: &str = "outfitter_ingest_dropped_total";
/// Counter, by platform, topic and outcome: deliveries of webhooks.
pub const WEBHOOKS: &str = "outfitter_webhook_deliveries_total";
/// Counter, by outcome: events that came over HTTP.
pub const BEACONS: &str = "outfitter_beacon_events_total";
/// Counter, by reason: what was to be known of a customer and could not be read.
pub const STANDING_UNREAD: &str = "outfitter_customer_standing_unread_total";
/// Counter, by outcome: what went into the spool and out of it.
pub const SPOOL: &str = "outfitter_spool_total";
/// Counter, by outcome: documents asked for by hash, and documents that are not registered.
pub const PERSISTED: &str = "outfitter_persisted_total";
/// Counter, by outcome: requests that followed another on its way.
pub const SHARED: &str = "outfitter_followed_total";
/// Gauge: products in the catalogue.
pub const CATALOGUE_PRODUCTS: &str = "outfitter_catalogue_products";
/// Gauge, seconds: time since the last complete crawl.
pub const CATALOGUE_AGE: &str = "outfitter_catalogue_age_seconds";
/// Counter, by cache and outcome: documents and plans looked for.
pub const DOCUMENTS: &str = "outfitter_document_cache_total";
/// Counter, by cache and outcome: kept decisions and tastes looked for.
pub const DECISIONS: &str = "outfitter_decision_cache_total";
/// Counter, by outcome: decisions and outcomes handed to the decision log.
pub const DECISION_LOG: &str = "outfitter_decision_log_total";
/// Counter, by outcome: products of slates looked for among those kept.
pub const PRODUCTS: &str = "outfitter_product_cache_total";
/// Counter, by purpose: calls that fetched a customer's data.
pub const CUSTOMER_DATA: &str = "outfitter_customer_data_total";
/// Counter, by reason: spans that did not reach the collector.
pub const SPANS_DROPPED: &str = "outfitter_trace_spans_dropped_total";
/// Gauge, by version: always 1.
pub const BUILD_INFO: &str = "outfitter_build_info";
/// Gauge, bytes: memory that is resident.
pub const RESIDENT: &str = "process_resident_memory_bytes";
/// Counter, seconds: processor time.
pub const PROCESSOR: &str = "process_cpu_seconds_total";
/// Gauge: file descriptors open.
pub const OPEN_FILES: &str = "process_open_fds";
/// Gauge: file descriptors that may be open.
pub const MOST_FILES: &str = "process_max_fds";

/// Counter, by reason: TLS handshakes that came to nothing.
pub const HANDSHAKES_FAILED: &str = "outfitter_tls_handshakes_failed_total";
/// Counter, by reason: connections that were ended because their client did nothing.
pub const CONNECTIONS_CUT: &str = "outfitter_connections_cut_total";
/// Counter, by kind and outcome: settings, schema and secrets read again.
pub const RELOADS: &str = "outfitter_reloads_total";

/// Label: the platform that sent something.
pub const PLATFORM: &str = "platform";
/// Label: what a delivery is about, one of a list.
pub const TOPIC: &str = "topic";
/// Label: request method.
pub const METHOD: &str = "http_request_method";
/// Label: status of an answer.
pub const STATUS: &str = "http_response_status_code";
/// Label: the path's pattern, as the router has it.
pub const ROUTE: &str = "http_route";
/// Label: how an operation was served: `forward`, `plan`, or `none`.
pub const CLASS: &str = "class";
/// Label: which cache.
pub const CACHE: &str = "cache";
/// Label: what for.
pub const PURPOSE: &str = "purpose";
/// Label: why.
pub const REASON: &str = "reason";
/// Label: what is looked at of a session: `length`, `category`, `score`, `confidence`.
pub const FEATURE: &str = "feature";
/// Label: of this program.
pub const VERSION: &str = "version";
/// Label: an error's stable code.
pub const CODE: &str = "code";
/// Label: what a request to the platform was for, or what was dropped.
pub const KIND: &str = "kind";
/// Label: what a store was asked to do.
pub const OPERATION: &str = "operation";
/// Label: how it ended.
pub const OUTCOME: &str = "outcome";
/// Label: what a circuit breaker changed to.
pub const STATE: &str = "state";
/// Label: who made a slate.
pub const SERVED_BY: &str = "served_by";

/// Every metric with its help text, described once at start. `docs/operations.md` has them as a table, held there by a
/// test of this module: `OUTFITTER_WRITE_DOCS=1 cargo test --lib table_of_metrics` writes it. A help text names its labels
/// in backquotes.
pub const HISTOGRAMS: &[(&str, &str)] = &[
    (
        REQUEST_DURATION,
        "Requests answered, from the head of the request to the head of the answer. `http_request_method`, `http_route`, \
         `http_response_status_code`, `class` (`forward`, `plan`, `none`), `outcome` (`ok`; `refused`: the client's error; \
         `failed`: ours or the platform's).",
    ),
    (
        UPSTREAM_DURATION,
        "Requests to the shop's platform, to the head of its answer. `kind`: what they were for (`forward`, `plan`, \
         `lookup`, `renew`, `customer`, `crawl`, `schema`, `order`); `outcome`: `ok`, an error's code, or `abandoned`.",
    ),
    (SLATE_DURATION, "Slates of products decided, without their look-up and without those kept. `served_by`."),
    (
        ENCODE_DURATION,
        "Sessions read by the model, waiting included. `outcome` (`ok`, `failed`, `left`: nobody waited any more).",
    ),
    (
        STORE_DURATION,
        "Questions to the shared store. `operation` (`read`, `write`, `acknowledge`: a change that waits for replicas, \
         `sweep`: a part of erasing the whole shop), `outcome` (`ok`, `timeout`, `unavailable`).",
    ),
];
/// As [`HISTOGRAMS`].
pub const COUNTERS: &[(&str, &str)] = &[
    (ERRORS, "Errors told to clients, refused limits among them. `code`, as in `docs/errors.md`."),
    (
        UPSTREAM_RETRIES,
        "Second tries of queries. `reason` (`connection`, `too_many_requests`, `unavailable`, `throttled`), `outcome` \
         (`sent`, `too_late`, `no_budget`).",
    ),
    (CIRCUIT_CHANGES, "Changes of the circuit breaker before the platform. `state` (`open`, `half-open`, `closed`)."),
    (PANICS, "Handlers that panicked; each is a bug."),
    (INGEST_DROPPED, "What was not learned for want of room. `kind`: `operation`, or `line` of the training log."),
    (
        WEBHOOKS,
        "Deliveries of webhooks. `platform`, `topic` (one that is used, `other`, or `unknown`: it was not read), `outcome` \
         (`taken`, `unused`, `duplicate`, `later`: it could not be kept, `unproven`, `unreadable`).",
    ),
    (
        BEACONS,
        "Events of `POST /events`. `outcome`: `ACCEPTED`, `UNKNOWN_EVENT`, or why it was rejected, as in `PersonalizedRejection`.",
    ),
    (
        SPOOL,
        "What was acknowledged and could not be stored at once. `outcome` (`kept`, `refused`: it was full, `done`: the store \
         has it, `damaged`: a line that could not be read).",
    ),
    (DOCUMENTS, "Documents and plans looked for. `cache` (`documents`, `plans`), `outcome` (`hit`, `miss`)."),
    (
        DECISIONS,
        "Decisions and tastes of shoppers looked for among those kept. `cache` (`decisions`, `tastes`), `outcome` (`hit`, \
         `miss`).",
    ),
    (
        DECISION_LOG,
        "Decisions and what came of them, handed to the decision log. `outcome` (`written`, `dropped`: the queue was full, \
         `failed`: the database did not take them).",
    ),
    (
        PRODUCTS,
        "Products that slates show, looked for among those kept. `cache` (`products`), `outcome` (`hit`, stale ones too; \
         `miss`). Requests that keep none are not counted.",
    ),
    (STORE_UNDURABLE, "Changes that replicas of the shared store did not have within `store.redis.replica_timeout`."),
    (CUSTOMER_DATA, "Calls that fetched a customer's data, as in the record of them. `purpose`."),
    (
        STANDING_UNREAD,
        "Times that what `ingest.customer` wants to be known of a customer was not known. `reason`: `untold` (the platform \
         refused to tell it), `unreadable` (the consent is in no form that is read).",
    ),
    (
        SPANS_DROPPED,
        "Spans that did not reach the collector. `reason`: `queue` (it was full), `collector` (it refused or was late), \
         `stopped`.",
    ),
    (PROCESSOR, "Processor time of the process, whole seconds. Linux."),
    (
        PERSISTED,
        "Documents named by hash or held against the safelist. `outcome` (`known`, `unknown`, `remembered`, `unregistered`, \
         `refused`).",
    ),
    (
        RELOADS,
        "Read again while running. `kind` (`settings`, `schema`, `secrets`, `documents`, `model`), `outcome` (`applied`, `unchanged`, `refused`).",
    ),
    (
        ENCODE_SHED,
        "Times the model was not waited for and the statistics decided. `reason` (`queue`: it was full, `deadline`, `failed`).",
    ),
    (
        HANDSHAKES_FAILED,
        "Connections that did not get through their TLS handshake. `reason`: `plain` (HTTP without TLS), `foreign` (another \
         protocol), `late` (beyond `server.header_timeout`), `closed` (the client left), `alert` (it refused, as one that does \
         not trust the certificate), `invalid`.",
    ),
    (
        CONNECTIONS_CUT,
        "Connections that were ended. `reason`: `reader` (less than 16 KiB of a waiting answer was taken \
         within `server.reader_timeout`), `idle` (HTTP/2, nothing was asked for within `server.idle_timeout`).",
    ),
    (SHARED, "Requests that waited for the answer to an identical one. `outcome` (`shared`, `alone`, `abandoned`)."),
];
/// As [`HISTOGRAMS`].
pub const GAUGES: &[(&str, &str)] = &[
    (REQUESTS_ACTIVE, "Requests in flight."),
    (CIRCUIT_OPEN, "1 while nothing is sent to the platform because too much failed."),
    (CONNECTIONS, "Connections open."),
    (
        STORE_AVAILABLE,
        "1, and 0 while the shared store is left alone because it failed: shoppers are then not seen as other replicas see \
         them. Missing without one.",
    ),
    (CATALOGUE_PRODUCTS, "Products in the catalogue."),
    (CATALOGUE_AGE, "Seconds since the catalogue's last complete crawl or import; missing before the first."),
    (MODEL_INFO, "1 for the model that is served, 0 for one that was. `version`: the model and its version."),
    (MODEL_PRODUCTS, "Products of the catalogue that the model knows; 0 without a model."),
    (
        MODEL_DRIFT,
        "Population stability index of the newest sessions against those that the model was measured on; missing where its \
         manifest has no snapshot. `feature` (`length`, `category`, `score`, `confidence`).",
    ),
    (BUILD_INFO, "Always 1. `version` of this program."),
    (RESIDENT, "Resident memory of the process. Linux."),
    (OPEN_FILES, "File descriptors open. Linux."),
    (MOST_FILES, "File descriptors that may be open. Linux."),
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    const BEGIN: &str = "<!-- metrics: written by a test of src/telemetry/names.rs -->\n";
    const END: &str = "<!-- end of metrics -->";
    const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/operations.md");

    fn table() -> String {
        let mut rows = String::from("| metric | type | meaning and labels |\n|---|---|---|\n");
        for (metrics, kind) in [(HISTOGRAMS, "histogram, s"), (COUNTERS, "counter"), (GAUGES, "gauge")] {
            for (name, help) in metrics {
                rows += &format!("| `{name}` | {kind} | {help} |\n");
            }
        }
        rows
    }

    #[test]
    fn the_table_of_metrics_in_the_documentation_is_this_one() {
        let page = std::fs::read_to_string(PAGE).unwrap();
        let (before, rest) = page.split_once(BEGIN).unwrap();
        let (_, after) = rest.split_once(END).unwrap();
        let expected = format!("{before}{BEGIN}{}{END}{after}", table());
        if std::env::var_os("OUTFITTER_WRITE_DOCS").is_some() {
            std::fs::write(PAGE, &expected).unwrap();
            return;
        }
        assert!(page == expected, "docs/operations.md: run OUTFITTER_WRITE_DOCS=1 cargo test --lib table_of_metrics");
    }

    #[test]
    fn every_metric_of_an_alert_or_dashboard_exists() {
        let known: BTreeSet<&str> = HISTOGRAMS.iter().chain(COUNTERS).chain(GAUGES).map(|(name, _)| *name).collect();
        let rules = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/operations/alerts.yaml");
        let text = std::fs::read_to_string(PAGE).unwrap() + &std::fs::read_to_string(rules).unwrap();
        let words = text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
        let ours = |word: &&str| {
            ["outfitter_", "http_server_", "http_client_", "process_"].iter().any(|p| word.starts_with(p))
        };
        // The name of the gateway's cookie begins like a metric's.
        let words = words.filter(|word| *word != "outfitter_session");
        let (mut found, mut unknown) = (0, BTreeSet::new());
        for word in words.filter(ours) {
            let base = ["_bucket", "_count", "_sum"].iter().find_map(|end| word.strip_suffix(end)).unwrap_or(word);
            found += 1;
            if !known.contains(base) && !known.contains(word) {
                unknown.insert(word);
            }
        }
        assert_eq!(unknown, BTreeSet::new());
        assert!(found > known.len());
    }
}
