//! Traces to a collector by OTLP over HTTP, beside the requests and never in their way.
//!
//! A span that ends is put into a queue of fixed length; one task sends what waits in batches. A collector that is slow,
//! hangs or is gone fills the queue, and from then on spans are dropped and counted. Nothing waits for it.

use crate::telemetry::events::SpansDropped;
use http::Uri;
use hyper_util::client::legacy::connect::HttpConnector;
use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider;
use opentelemetry_http::hyper::HyperClient;
use opentelemetry_otlp::{SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{
    Sampler, SdkTracer, SdkTracerProvider, Span, SpanData, SpanExporter as _, SpanProcessor,
};
use std::collections::HashMap;
use std::fmt;
use std::time::Duration;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};

/// Spans sent in one request.
const BATCH: usize = 512;

/// Where traces go, with every secret read.
#[derive(Clone)]
pub struct Target {
    /// The collector's address for traces: `http://collector:4318/v1/traces`.
    pub endpoint: String,
    /// Put onto every request; may hold credentials.
    pub headers: HashMap<String, String>,
    /// As operators find this process.
    pub service: String,
    /// The share of traces begun here that are kept, 0 to 1.
    pub ratio: f64,
    /// Spans that wait at most.
    pub queue: usize,
    /// How long spans are gathered before they are sent.
    pub interval: Duration,
    /// How long the collector may take for one batch.
    pub timeout: Duration,
    /// Whether the platform is told of the trace, in `traceparent`.
    pub propagate: bool,
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Target")
            .field("endpoint", &self.endpoint)
            .field("service", &self.service)
            .finish_non_exhaustive()
    }
}

/// Why traces cannot be exported. Read by operators at start.
#[derive(Debug, thiserror::Error)]
pub enum OtlpError {
    /// The address is none.
    #[error("telemetry.otlp.endpoint is no address: {0}; write http:// or https://, host and port of the collector")]
    Endpoint(String),
    /// The exporter refused its settings.
    #[error("the exporter of traces cannot be made: {0}; check [telemetry.otlp] and the OTEL_* variables")]
    Exporter(String),
}

/// The way of spans out of the process.
#[derive(Debug)]
pub struct Exporting {
    provider: SdkTracerProvider,
    close: mpsc::Sender<oneshot::Sender<()>>,
}

/// Starts the task that sends. Needs a tokio runtime. Errors: settings that cannot be used.
pub fn start(target: Target) -> Result<(Exporting, SdkTracer), OtlpError> {
    let uri: Uri = target.endpoint.parse().map_err(|_| OtlpError::Endpoint(target.endpoint.clone()))?;
    if !matches!(uri.scheme_str(), Some("http" | "https")) || uri.host().is_none() {
        return Err(OtlpError::Endpoint(target.endpoint));
    }
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_connect_timeout(Some(target.timeout));
    let connector = hyper_rustls::HttpsConnectorBuilder::new();
    let connector = connector.with_webpki_roots().https_or_http().enable_http1().wrap_connector(tcp);
    let mut exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(HyperClient::new(connector, target.timeout, None))
        .with_endpoint(&target.endpoint)
        .with_timeout(target.timeout)
        .with_headers(target.headers)
        .build()
        .map_err(|error| OtlpError::Exporter(error.to_string()))?;
    let resource = Resource::builder().with_service_name(target.service);
    let resource = resource.with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION"))).build();
    exporter.set_resource(&resource);
    let (spans, waiting) = mpsc::channel(target.queue.max(1));
    let (close, closing) = mpsc::channel(1);
    tokio::spawn(Sending { exporter, waiting, closing, interval: target.interval, timeout: target.timeout }.run());
    let provider = SdkTracerProvider::builder()
        .with_resource(resource)
        // A trace that the caller keeps is kept, one that it does not is not; the share is of those begun here.
        .with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(target.ratio))))
        .with_span_processor(Queue(spans))
        .build();
    let tracer = provider.tracer("outfitter");
    Ok((Exporting { provider, close }, tracer))
}

impl Exporting {
    /// Sends what waits, for at most `patience`. What is left then is counted as dropped.
    pub async fn close(self, patience: Duration) {
        let (done, closed) = oneshot::channel();
        if self.close.send(done).await.is_ok() {
            tokio::time::timeout(patience, closed).await.ok();
        }
        // The provider held the queue open until here.
        drop(self.provider);
    }
}

/// The end of the queue that spans are put into.
#[derive(Debug)]
struct Queue(mpsc::Sender<SpanData>);

impl SpanProcessor for Queue {
    fn on_start(&self, _: &mut Span, _: &opentelemetry::Context) {}

    fn on_end(&self, span: SpanData) {
        match self.0.try_send(span) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => SpansDropped { reason: "queue", count: 1 }.emit(),
            Err(TrySendError::Closed(_)) => SpansDropped { reason: "stopped", count: 1 }.emit(),
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    // `Exporting::close` does it, without blocking a thread.
    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

/// The task that sends.
struct Sending {
    exporter: SpanExporter,
    waiting: mpsc::Receiver<SpanData>,
    closing: mpsc::Receiver<oneshot::Sender<()>>,
    interval: Duration,
    timeout: Duration,
}

impl Sending {
    async fn run(mut self) {
        let mut batch = Vec::with_capacity(BATCH);
        loop {
            let done = tokio::select! {
                done = self.closing.recv() => done,
                () = gather(&mut self.waiting, &mut batch, self.interval) => None,
            };
            let closing = done.is_some() || self.closing.is_closed();
            self.send(&mut batch).await;
            if closing {
                while self.waiting.try_recv().map(|span| batch.push(span)).is_ok() {
                    if batch.len() >= BATCH {
                        self.send(&mut batch).await;
                    }
                }
                self.send(&mut batch).await;
                if let Some(done) = done {
                    done.send(()).ok();
                }
                return;
            }
        }
    }

    async fn send(&self, batch: &mut Vec<SpanData>) {
        if batch.is_empty() {
            return;
        }
        let count = batch.len();
        let sent = self.exporter.export(std::mem::replace(batch, Vec::with_capacity(BATCH)));
        // What the collector says may hold anything; whether it took the spans is enough.
        if !matches!(tokio::time::timeout(self.timeout, sent).await, Ok(Ok(()))) {
            SpansDropped { reason: "collector", count }.emit();
        }
    }
}

/// Takes spans until a batch is full, or the interval since the first is over.
async fn gather(waiting: &mut mpsc::Receiver<SpanData>, batch: &mut Vec<SpanData>, interval: Duration) {
    if batch.is_empty() {
        match waiting.recv().await {
            Some(span) => batch.push(span),
            // The provider is gone, and with it whoever would make spans.
            None => return std::future::pending().await,
        }
    }
    let until = tokio::time::Instant::now() + interval;
    while batch.len() < BATCH {
        match tokio::time::timeout_at(until, waiting.recv()).await {
            Ok(Some(span)) => batch.push(span),
            _ => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_address_that_is_none_is_refused_with_what_to_write() {
        for wrong in ["", "collector:4318", "grpc://collector:4317", "http://"] {
            let target = Target {
                endpoint: wrong.to_owned(),
                headers: HashMap::new(),
                service: "test".to_owned(),
                ratio: 1.0,
                queue: 1,
                interval: Duration::ZERO,
                timeout: Duration::from_secs(1),
                propagate: true,
            };
            let refused = start(target).err().map(|error| error.to_string()).unwrap_or_default();
            assert!(refused.contains("http:// or https://"), "{wrong}: {refused}");
        }
    }
}
