//! Starting telemetry: JSON lines on standard error by `OUTFITTER_LOG`, and the recorder behind `/metrics`.

use super::names;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use std::sync::OnceLock;
use tracing_subscriber::EnvFilter;

/// Seconds; from a cached answer to a request that is about to time out.
const BUCKETS: &[f64] =
    &[0.000_1, 0.000_25, 0.000_5, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// The environment variable with the log filter, in the form of `tracing`: `info`, `outfitter=debug,warn`.
pub const LOG: &str = "OUTFITTER_LOG";

/// The metrics of this process, for `/metrics`.
#[derive(Clone)]
pub struct Metrics(Option<PrometheusHandle>);

impl Metrics {
    /// The text that Prometheus scrapes; empty where another recorder had been installed first.
    pub fn render(&self) -> String {
        match &self.0 {
            Some(handle) => {
                // Histograms keep raw samples until somebody drains them; a scrape does.
                handle.run_upkeep();
                handle.render()
            }
            None => String::new(),
        }
    }
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Metrics")
    }
}

/// Installs the recorder of this process, once; later calls give the same one.
pub fn metrics() -> Metrics {
    static INSTALLED: OnceLock<Metrics> = OnceLock::new();
    INSTALLED
        .get_or_init(|| {
            let builder = PrometheusBuilder::new().set_buckets(BUCKETS);
            let handle = builder.ok().and_then(|builder| builder.install_recorder().ok());
            for (name, help) in names::HISTOGRAMS {
                metrics::describe_histogram!(*name, *help);
            }
            for (name, help) in names::COUNTERS {
                metrics::describe_counter!(*name, *help);
            }
            for (name, help) in names::GAUGES {
                metrics::describe_gauge!(*name, *help);
            }
            Metrics(handle)
        })
        .clone()
}

/// Writes JSON lines to standard error, filtered by [`LOG`] (default `info`). Does nothing where a subscriber is set.
pub fn logs() {
    let filter = EnvFilter::try_from_env(LOG).unwrap_or_else(|_| EnvFilter::new("info"));
    let subscriber = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    if subscriber.try_init().is_err() {
        tracing::debug!("a log subscriber had been set before");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::events::{RequestActive, RequestServed};
    use std::time::Duration;

    #[test]
    fn an_event_is_in_the_metrics_under_its_name() {
        let metrics = metrics();
        let active = RequestActive::begin();
        RequestServed { method: "POST", status: 200, took: Duration::from_millis(3) }.emit();
        let text = metrics.render();
        assert!(text.contains("http_server_request_duration_seconds_bucket"), "{text}");
        assert!(text.contains("http_request_method=\"POST\""));
        assert!(text.contains("# HELP http_server_active_requests Requests in flight."));
        drop(active);
    }
}
