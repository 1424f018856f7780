//! The spans of a trace, as functions: one a stage. Where no traces are exported, none of them is created: their target
//! is enabled for the exporter alone, so asking costs the reading of a flag.
//!
//! Attributes follow OpenTelemetry's semantic conventions. None is personal: no address of a shopper, no header, no
//! variable, no document. An operation's name is the client's text: kept where it is a GraphQL name, cut at 64 letters.

use http::{HeaderMap, HeaderName, HeaderValue, Uri};
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState};
use std::sync::atomic::{AtomicBool, Ordering};
use tracing::Span;
use tracing::field::Empty;
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// What spans of a trace are told apart by from those of the log.
pub const TARGET: &str = "outfitter::trace";

/// W3C Trace Context.
pub const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// The longest name of an operation or placement in an attribute.
const NAME: usize = 64;

/// Whether the platform is told of the trace.
static PROPAGATE: AtomicBool = AtomicBool::new(true);

pub(super) fn propagates(on: bool) {
    PROPAGATE.store(on, Ordering::Relaxed);
}

/// Whether traces are exported.
pub fn enabled() -> bool {
    tracing::enabled!(target: TARGET, tracing::Level::INFO)
}

/// A request of a client. `headers`: the trace that it says it belongs to is gone on with, and otherwise named there for
/// what is behind.
pub fn request(method: &'static str, route: Option<&str>, headers: &mut HeaderMap) -> Span {
    if !enabled() {
        return Span::none();
    }
    let name = route.map_or_else(|| method.to_owned(), |route| format!("{method} {route}"));
    let span = tracing::info_span!(target: TARGET, "request", otel.name = name, otel.kind = "server",
        http.request.method = method, http.route = route, http.response.status_code = Empty, otel.status_code = Empty,
        graphql.operation.r#type = Empty, graphql.operation.name = Empty, outfitter.class = Empty);
    if let Some(parent) = headers.get(TRACEPARENT).and_then(|value| parse(value.as_bytes())) {
        // It fails only where the span has begun already, and this one has not.
        span.set_parent(opentelemetry::Context::new().with_remote_span_context(parent)).ok();
    }
    inject(&span, headers);
    span
}

/// How a request ended: the status alone, and that 5xx is an error. `route`: the pattern of its path, which may not have
/// been known before.
pub fn answered(span: &Span, method: &str, route: Option<&str>, status: u16) {
    if !span.is_disabled() {
        if let Some(route) = route {
            span.record("http.route", route);
            span.record("otel.name", format!("{method} {route}"));
        }
        span.record("http.response.status_code", status);
        if status >= 500 {
            span.record("otel.status_code", "ERROR");
        }
    }
}

/// What the request of the current span asks for. `class`: `forward` or `plan`.
pub fn operation(kind: &'static str, name: Option<&str>, class: &'static str) {
    if enabled() {
        let span = Span::current();
        span.record("graphql.operation.type", kind);
        span.record("outfitter.class", class);
        if let Some(name) = name.and_then(graphql_name) {
            span.record("graphql.operation.name", name);
        }
    }
}

fn graphql_name(name: &str) -> Option<&str> {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    (!name.is_empty() && name.bytes().all(letter)).then(|| &name[..name.len().min(NAME)])
}

/// A request to the platform. `kind` as in the metrics; `headers` then name the span as the parent of what happens there.
pub fn upstream(kind: &'static str, method: &str, url: &Uri, headers: &mut HeaderMap) -> Span {
    if !enabled() {
        return Span::none();
    }
    let span = tracing::info_span!(target: TARGET, "upstream", otel.name = format!("{method} {kind}"),
        otel.kind = "client", outfitter.kind = kind, http.request.method = method,
        server.address = url.host().unwrap_or_default(), server.port = url.port_u16(),
        http.response.status_code = Empty, otel.status_code = Empty, error.r#type = Empty);
    if PROPAGATE.load(Ordering::Relaxed) {
        inject(&span, headers);
    }
    span
}

/// How a request to the platform ended: the status of its answer, or the code of what went wrong.
pub fn upstream_ended(span: &Span, ended: Result<u16, &'static str>) {
    match ended {
        _ if span.is_disabled() => {}
        Ok(status) => {
            span.record("http.response.status_code", status);
            if status >= 400 {
                span.record("otel.status_code", "ERROR");
            }
        }
        Err(code) => {
            span.record("error.type", code);
            span.record("otel.status_code", "ERROR");
        }
    }
}

/// Reading a document.
pub fn classify() -> Span {
    tracing::info_span!(target: TARGET, "classify")
}

/// Planning an operation, or finding its plan.
pub fn plan() -> Span {
    tracing::info_span!(target: TARGET, "plan")
}

/// Finding out who asks.
pub fn who() -> Span {
    tracing::info_span!(target: TARGET, "who")
}

/// Deciding the slates of one wave.
pub fn decide() -> Span {
    tracing::info_span!(target: TARGET, "decide", outfitter.slates = Empty, outfitter.placements = Empty,
        outfitter.served_by = Empty)
}

/// What the current span decided: placements and who served them, in one order; the first sixteen.
pub fn decided<'a>(slates: impl ExactSizeIterator<Item = (&'a str, &'static str)>) {
    if !enabled() {
        return;
    }
    let span = Span::current();
    span.record("outfitter.slates", slates.len());
    let (placements, served): (Vec<_>, Vec<_>) = slates.take(16).unzip();
    // A placement's name can be the client's text.
    let cut = placements.iter().map(|name| name.chars().take(NAME).collect::<String>());
    span.record("outfitter.placements", cut.collect::<Vec<_>>().join(","));
    span.record("outfitter.served_by", served.join(","));
}

/// Looking products up: so many requests at once, for so many products.
pub fn look_up(batches: usize, products: usize) -> Span {
    tracing::info_span!(target: TARGET, "look up", outfitter.batches = batches, outfitter.products = products)
}

/// Executing the personalization schema for the sites of one wave.
pub fn personalize(sites: usize) -> Span {
    tracing::info_span!(target: TARGET, "personalize", outfitter.sites = sites)
}

/// Putting the answer together.
pub fn splice() -> Span {
    tracing::info_span!(target: TARGET, "splice")
}

/// Names a span in `traceparent`.
fn inject(span: &Span, headers: &mut HeaderMap) {
    let context = span.context();
    let context = context.span().span_context().clone();
    if context.is_valid() {
        let flags = u8::from(context.is_sampled());
        let value = format!("00-{}-{}-{flags:02x}", context.trace_id(), context.span_id());
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.insert(TRACEPARENT, value);
        }
    }
}

/// Reads `00-<32 hex>-<16 hex>-<2 hex>`, lower case, ids not zero; `None` for anything else.
pub fn parse(value: &[u8]) -> Option<SpanContext> {
    let text = std::str::from_utf8(value).ok()?;
    let hex =
        |part: &str, length| part.len() == length && part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let mut parts = text.splitn(5, '-');
    let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let formed = version == "00" && parts.next().is_none() && hex(trace, 32) && hex(span, 16) && hex(flags, 2);
    if !formed {
        return None;
    }
    let flags = TraceFlags::new(u8::from_str_radix(flags, 16).ok()?);
    let (trace, span) = (TraceId::from_hex(trace).ok()?, SpanId::from_hex(span).ok()?);
    let context = SpanContext::new(trace, span, flags, true, TraceState::NONE);
    context.is_valid().then_some(context)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_an_exporter_no_span_is_created_and_no_header_written() {
        let mut headers = HeaderMap::new();
        assert!(request("POST", Some("/graphql"), &mut headers).is_disabled());
        assert!(upstream("plan", "POST", &Uri::from_static("http://shop.test/"), &mut headers).is_disabled());
        assert!(
            [classify(), plan(), who(), decide(), look_up(1, 2), personalize(1), splice()]
                .iter()
                .all(Span::is_disabled)
        );
        assert!(headers.is_empty());
    }

    #[test]
    fn a_name_that_is_no_graphql_name_is_no_attribute_and_a_long_one_is_cut() {
        assert_eq!(graphql_name("ProductPage_1"), Some("ProductPage_1"));
        assert_eq!(graphql_name("anna@shop.test"), None);
        assert_eq!(graphql_name(""), None);
        assert_eq!(graphql_name(&"x".repeat(1000)).map(str::len), Some(NAME));
    }

    #[test]
    fn only_a_well_formed_traceparent_is_read() {
        let kept = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let read = parse(kept.as_bytes()).unwrap();
        assert!(read.is_sampled() && read.trace_id().to_string() == "4bf92f3577b34da6a3ce929d0e0e4736");
        let zero_span = kept.replace("00f067aa0ba902b7", "0000000000000000");
        let zero_trace = kept.replace("4bf92f3577b34da6a3ce929d0e0e4736", "00000000000000000000000000000000");
        for wrong in [
            "",
            "00-1-2-3",
            "\u{fc}",
            &kept.to_uppercase(),
            &zero_span,
            &zero_trace,
            &format!("{kept}-"),
            &kept.replace("00-4", "ff-4"),
        ] {
            assert!(parse(wrong.as_bytes()).is_none(), "{wrong}");
        }
    }
}
