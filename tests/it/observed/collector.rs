//! A collector of traces: takes OTLP over HTTP in protobuf and keeps the spans.

use crate::client::start;
use axum::Router;
use axum::extract::State;
use axum::routing::post;
use bytes::Bytes;
use http::HeaderMap;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What arrived.
#[derive(Default)]
pub(super) struct Collector {
    spans: Mutex<Vec<Span>>,
    pub(super) headers: Mutex<HeaderMap>,
}

async fn take(State(collector): State<Arc<Collector>>, headers: HeaderMap, body: Bytes) {
    let request = ExportTraceServiceRequest::decode(body).unwrap();
    *collector.headers.lock().unwrap() = headers;
    let scopes = request.resource_spans.into_iter().flat_map(|resource| resource.scope_spans);
    collector.spans.lock().unwrap().extend(scopes.flat_map(|scope| scope.spans));
}

impl Collector {
    /// Starts one; gives it and its address.
    pub(super) async fn start() -> (Arc<Self>, String) {
        let collector = Arc::new(Self::default());
        let url = start(Router::new().route("/v1/traces", post(take)).with_state(collector.clone())).await;
        (collector, format!("{url}/v1/traces"))
    }

    /// The spans of a trace, once `root` is among them: a parent ends behind its children.
    pub(super) async fn trace(&self, id: &str, root: &str) -> Vec<Span> {
        loop {
            let spans = self.spans.lock().unwrap().clone();
            let spans: Vec<Span> = spans.into_iter().filter(|span| hex::encode(&span.trace_id) == id).collect();
            if spans.iter().any(|span| span.name == root) {
                return spans;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    pub(super) fn spans(&self) -> Vec<Span> {
        self.spans.lock().unwrap().clone()
    }
}

/// An attribute as text.
pub(super) fn attribute(span: &Span, key: &str) -> Option<String> {
    let found = span.attributes.iter().find(|attribute| attribute.key == key)?;
    Some(match found.value.as_ref()?.value.as_ref()? {
        Value::StringValue(text) => text.clone(),
        Value::IntValue(number) => number.to_string(),
        other => format!("{other:?}"),
    })
}
