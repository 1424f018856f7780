//! What happens, as types: one struct an event, `emit` writes its log line and its metric together.

use super::names;
use metrics::{Label, SharedString, counter, gauge, histogram};
use std::sync::Arc;
use std::time::Duration;

/// How an operation was served; among the extensions of its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Walked {
    /// `forward`, `plan`; `none` where it did not come so far, or there was no operation.
    pub class: &'static str,
    /// `ok`; `refused`: the client's error; `failed`: ours or the platform's.
    pub outcome: &'static str,
}

impl Walked {
    /// An operation of this class whose answer has this status, where nothing more is known.
    pub fn by_status(class: &'static str, status: u16) -> Self {
        Self {
            class,
            outcome: if status >= 500 {
                "failed"
            } else if status >= 400 {
                "refused"
            } else {
                "ok"
            },
        }
    }
}

/// A request was answered.
#[derive(Clone, Debug)]
pub struct RequestServed {
    /// `GET`, `POST`, `OPTIONS`, or `other`.
    pub method: &'static str,
    /// The path's pattern; `None`: no route.
    pub route: Option<Arc<str>>,
    /// HTTP status.
    pub status: u16,
    /// How its operation was served.
    pub walked: Option<Walked>,
    /// From the head of the request to the head of the answer.
    pub took: Duration,
}

impl RequestServed {
    /// Writes it.
    pub fn emit(self) {
        let by_status = if self.status >= 500 {
            "failed"
        } else if self.status >= 400 {
            "refused"
        } else {
            "ok"
        };
        let Walked { class, outcome } = self.walked.unwrap_or(Walked { class: "none", outcome: by_status });
        let route = self.route.map_or(SharedString::const_str("none"), SharedString::from_shared);
        let labels = vec![
            Label::from_static_parts(names::METHOD, self.method),
            Label::new(names::ROUTE, route),
            Label::new(names::STATUS, self.status.to_string()),
            Label::from_static_parts(names::CLASS, class),
            Label::from_static_parts(names::OUTCOME, outcome),
        ];
        histogram!(names::REQUEST_DURATION, labels).record(self.took.as_secs_f64());
        let milliseconds = self.took.as_secs_f64() * 1000.0;
        tracing::debug!(method = self.method, status = self.status, class, outcome, milliseconds, "request served");
    }
}

/// Spans did not reach the collector.
#[derive(Clone, Copy, Debug)]
pub struct SpansDropped {
    /// `queue`, `collector`, `stopped`.
    pub reason: &'static str,
    /// How many.
    pub count: usize,
}

impl SpansDropped {
    /// Writes it.
    pub fn emit(self) {
        counter!(names::SPANS_DROPPED, names::REASON => self.reason).increment(self.count as u64);
        tracing::debug!(reason = self.reason, count = self.count, "spans of traces dropped");
    }
}

/// Requests in flight, counted while this lives.
#[derive(Debug)]
pub struct RequestActive(());

impl RequestActive {
    /// Counts one more.
    pub fn begin() -> Self {
        gauge!(names::REQUESTS_ACTIVE).increment(1);
        Self(())
    }
}

impl Drop for RequestActive {
    fn drop(&mut self) {
        gauge!(names::REQUESTS_ACTIVE).decrement(1);
    }
}

/// Connections open, counted while this lives.
#[derive(Debug)]
pub struct ConnectionOpen(());

impl ConnectionOpen {
    /// Counts one more.
    pub fn begin() -> Self {
        gauge!(names::CONNECTIONS).increment(1);
        Self(())
    }
}

impl Drop for ConnectionOpen {
    fn drop(&mut self) {
        gauge!(names::CONNECTIONS).decrement(1);
    }
}

/// An error was told to a client.
#[derive(Clone, Copy)]
pub struct ErrorTold<'a> {
    /// The stable code.
    pub code: &'static str,
    /// For the log only: may name addresses of ours, never a shopper's data.
    pub cause: &'a dyn std::fmt::Display,
    /// Whether it is ours or the platform's, so that somebody should look.
    pub ours: bool,
}

impl ErrorTold<'_> {
    /// Writes it.
    pub fn emit(self) {
        counter!(names::ERRORS, names::CODE => self.code).increment(1);
        if self.ours {
            tracing::error!(code = self.code, cause = %self.cause, "request failed");
        } else {
            // What a client sent wrong can quote the client's own text: the code alone is logged.
            tracing::debug!(code = self.code, "request refused");
        }
    }
}

/// A handler panicked; the client got a masked error.
#[derive(Clone, Copy, Debug)]
pub struct Panicked;

impl Panicked {
    /// Writes it.
    pub fn emit(self) {
        counter!(names::PANICS).increment(1);
        tracing::error!("a handler panicked; the client was told of an internal error");
    }
}

/// The server accepts connections.
#[derive(Clone, Copy, Debug)]
pub struct ServerStarted {
    /// Where.
    pub address: std::net::SocketAddr,
}

impl ServerStarted {
    /// Writes it.
    pub fn emit(self) {
        tracing::info!(address = %self.address, "listening");
    }
}

/// The server has stopped.
#[derive(Clone, Copy, Debug)]
pub struct ServerStopped {
    /// Connections that were cut off because the grace was over.
    pub cut_off: usize,
}

impl ServerStopped {
    /// Writes it.
    pub fn emit(self) {
        if self.cut_off == 0 {
            tracing::info!("stopped; every request in flight was answered");
        } else {
            tracing::warn!(connections = self.cut_off, "stopped; the grace was over before every request was answered");
        }
    }
}

/// The platform answered, or did not.
#[derive(Clone, Copy, Debug)]
pub struct UpstreamAnswered {
    /// `forward`, `plan`, `lookup`, `crawl`, `schema`, `customer`.
    pub kind: &'static str,
    /// `ok`, the error's code, or `abandoned` where nobody waited for the answer any more.
    pub outcome: &'static str,
    /// Until the head of its answer.
    pub took: Duration,
}

impl UpstreamAnswered {
    /// Writes it.
    pub fn emit(self) {
        let labels = [(names::KIND, self.kind), (names::OUTCOME, self.outcome)];
        histogram!(names::UPSTREAM_DURATION, &labels).record(self.took.as_secs_f64());
        let milliseconds = self.took.as_secs_f64() * 1000.0;
        tracing::debug!(kind = self.kind, outcome = self.outcome, milliseconds, "platform answered");
    }
}

/// A query could be sent to the platform a second time.
#[derive(Clone, Copy, Debug)]
pub struct RequestRepeated {
    /// `connection`, `too_many_requests`, `unavailable`, `throttled`.
    pub why: &'static str,
    /// `sent`; `too_late` where the wait would be too long; `no_budget` where too many were sent lately.
    pub outcome: &'static str,
}

impl RequestRepeated {
    /// Writes it.
    pub fn emit(self) {
        let labels = [(names::REASON, self.why), (names::OUTCOME, self.outcome)];
        counter!(names::UPSTREAM_RETRIES, &labels).increment(1);
        tracing::debug!(reason = self.why, outcome = self.outcome, "a query could be sent again");
    }
}

/// The circuit breaker before the platform changed.
#[derive(Clone, Copy, Debug)]
pub struct CircuitChanged {
    /// `open`: nothing is sent; `half-open`: one request tries; `closed`: all is well.
    pub state: &'static str,
}

impl CircuitChanged {
    /// Writes it.
    pub fn emit(self) {
        counter!(names::CIRCUIT_CHANGES, names::STATE => self.state).increment(1);
        gauge!(names::CIRCUIT_OPEN).set(if self.state == "closed" { 0.0 } else { 1.0 });
        if self.state == "open" {
            tracing::warn!("too many requests to the platform failed; nothing is sent to it for a while");
        } else {
            tracing::info!(state = self.state, "the circuit to the platform changed");
        }
    }
}

/// A slate was made.
#[derive(Clone, Copy, Debug)]
pub struct SlateServed {
    /// As in `PersonalizedDecision.servedBy`.
    pub served_by: &'static str,
    /// Without hydration.
    pub took: Duration,
}

impl SlateServed {
    /// Writes it.
    pub fn emit(self) {
        histogram!(names::SLATE_DURATION, names::SERVED_BY => self.served_by).record(self.took.as_secs_f64());
    }
}

/// How the catalogue stands.
#[derive(Clone, Copy, Debug)]
pub struct CatalogueStands {
    /// Products in the index.
    pub products: usize,
    /// Since the last complete crawl or import; `None` before the first, and then there is no such metric.
    pub age: Option<Duration>,
}

impl CatalogueStands {
    /// Writes it.
    pub fn emit(self) {
        // Exact up to 2⁵³ products.
        #[expect(clippy::cast_precision_loss, reason = "a gauge is a float, and no catalogue is that large")]
        gauge!(names::CATALOGUE_PRODUCTS).set(self.products as f64);
        if let Some(age) = self.age {
            gauge!(names::CATALOGUE_AGE).set(age.as_secs_f64());
        }
    }
}

/// Something a shopper did was not learned, because there was no room for it.
#[derive(Clone, Copy, Debug)]
pub struct LearningDropped {
    /// `operation`: what traffic showed; `line`: of the training log.
    pub kind: &'static str,
}

impl LearningDropped {
    /// Writes it.
    pub fn emit(self) {
        counter!(names::INGEST_DROPPED, names::KIND => self.kind).increment(1);
        tracing::debug!(kind = self.kind, "no room to learn");
    }
}

/// A document was named by its hash, or held against the list of registered ones.
#[derive(Clone, Copy, Debug)]
pub struct PersistedAsked {
    /// `known`, `unknown`, `remembered`, `unregistered`, `refused`.
    pub outcome: &'static str,
}

impl PersistedAsked {
    /// Writes it.
    pub fn emit(self) {
        counter!(names::PERSISTED, names::OUTCOME => self.outcome).increment(1);
    }
}

/// A document was served that enforcement of the safelist would refuse.
#[derive(Clone, Copy, Debug)]
pub struct DocumentUnregistered<'a> {
    /// The SHA-256 of its text; the text may hold what a shopper typed.
    pub hash: &'a [u8; 32],
}

impl DocumentUnregistered<'_> {
    /// Writes it.
    pub fn emit(self) {
        PersistedAsked { outcome: "unregistered" }.emit();
        tracing::info!(sha256 = hex::encode(self.hash), "a document is not registered");
    }
}

/// A request followed another that was on its way already.
#[derive(Clone, Copy, Debug)]
pub struct AnswerShared {
    /// `shared`, `alone` where the answer was the other's only, `abandoned` where none came.
    pub outcome: &'static str,
}

impl AnswerShared {
    /// Writes it.
    pub fn emit(self) {
        counter!(names::SHARED, names::OUTCOME => self.outcome).increment(1);
    }
}
