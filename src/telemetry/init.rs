//! Starting telemetry: JSON lines on standard error by `OUTFITTER_LOG`, the recorder behind `/metrics`, and traces where a
//! collector is named.

use super::otlp::{self, Exporting, OtlpError, Target};
use super::{customer_data, names, process, spans};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use std::fs::File;
use std::path::PathBuf;
use std::sync::{Mutex, OnceLock};
use std::time::Duration;
use tracing_subscriber::filter::{EnvFilter, LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry};

/// Seconds; from a cached answer to a request that is about to time out.
const BUCKETS: &[f64] =
    &[0.000_1, 0.000_25, 0.000_5, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// The environment variable with the log filter, in the form of `tracing`: `info`, `outfitter=debug,warn`.
pub const LOG: &str = "OUTFITTER_LOG";

/// The metrics of this process, for `/metrics`.
#[derive(Clone)]
pub struct Metrics(Option<PrometheusHandle>);

impl Metrics {
    /// Sorts the samples of histograms into their buckets. Until then each is kept by itself, so a process that nobody
    /// scrapes would grow with every request.
    pub fn settle(&self) {
        if let Some(handle) = &self.0 {
            handle.run_upkeep();
        }
    }

    /// The text that Prometheus scrapes; empty where another recorder had been installed first.
    pub fn render(&self) -> String {
        match &self.0 {
            Some(handle) => {
                process::tell();
                super::found::CacheAsked::tell();
                self.settle();
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

/// What telemetry is started with.
#[derive(Debug, Default)]
pub struct Setup {
    /// Where traces go; `None`: nowhere, and no span is created.
    pub otlp: Option<Target>,
    /// Where the calls that fetch customer data are written.
    pub customer_data: CustomerData,
}

/// Where the calls that fetch customer data are written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum CustomerData {
    /// With the other lines, whatever [`LOG`] says.
    #[default]
    Log,
    /// At the end of this file, and not with the other lines.
    File(PathBuf),
    /// Nowhere.
    Nowhere,
}

/// Why telemetry cannot be started. Read by operators.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// Traces.
    #[error(transparent)]
    Otlp(#[from] OtlpError),
    /// The file of customer data.
    #[error(
        "telemetry.customer_data.file: {path} cannot be written: {source}; check that the folder exists and who may write there"
    )]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// What has to be closed before the process ends.
#[must_use = "spans that wait are lost unless it is closed"]
#[derive(Debug, Default)]
pub struct Telemetry(Option<Exporting>);

impl Telemetry {
    /// Sends what waits, for at most `patience`.
    pub async fn close(self, patience: Duration) {
        if let Some(exporting) = self.0 {
            exporting.close(patience).await;
        }
    }
}

type Layered = Box<dyn Layer<Registry> + Send + Sync>;

/// Starts logs, and traces where they are wanted. Call it once, within a tokio runtime. Does nothing where a subscriber
/// is set. Errors: a file or an address that cannot be used.
pub fn start(setup: Setup) -> Result<Telemetry, InitError> {
    let mut layers: Vec<Layered> = vec![log(&setup.customer_data)];
    if let CustomerData::File(path) = &setup.customer_data {
        layers.push(into_file(path)?);
    }
    let exporting = match setup.otlp {
        None => None,
        Some(target) => {
            spans::propagates(target.propagate);
            let (exporting, tracer) = otlp::start(target)?;
            let layer = tracing_opentelemetry::layer().with_tracer(tracer);
            let layer =
                layer.with_location(false).with_threads(false).with_tracked_inactivity(false).with_target(false);
            let ours = Targets::new().with_target(spans::TARGET, LevelFilter::INFO);
            layers.push(layer.with_level(false).with_filter(ours).boxed());
            Some(exporting)
        }
    };
    if tracing_subscriber::registry().with(layers).try_init().is_err() {
        tracing::debug!("a log subscriber had been set before");
    }
    Ok(Telemetry(exporting))
}

/// JSON lines on standard error, filtered by [`LOG`] (default `info`).
fn log(customer_data: &CustomerData) -> Layered {
    let filter = EnvFilter::try_from_env(LOG).unwrap_or_else(|_| EnvFilter::new("info"));
    // Spans of traces are not for the log; and who reads customer data is written whatever else is not.
    let level = if *customer_data == CustomerData::Log { LevelFilter::INFO } else { LevelFilter::OFF };
    let more = [(spans::TARGET, LevelFilter::OFF), (customer_data::TARGET, level)];
    let more = more.into_iter().filter_map(|(target, level)| format!("{target}={level}").parse().ok());
    let filter = more.fold(filter, EnvFilter::add_directive);
    let lines = tracing_subscriber::fmt::layer().json().flatten_event(true);
    lines.with_current_span(true).with_span_list(false).with_writer(std::io::stderr).with_filter(filter).boxed()
}

/// JSON lines at the end of a file, each written at once: the record must not lie in a buffer when the process dies.
fn into_file(path: &PathBuf) -> Result<Layered, InitError> {
    let opened = File::options().create(true).append(true).open(path);
    let file = opened.map_err(|source| InitError::File { path: path.clone(), source })?;
    let lines = tracing_subscriber::fmt::layer().json().flatten_event(true).with_span_list(false);
    let only = Targets::new().with_target(customer_data::TARGET, LevelFilter::INFO);
    Ok(lines.with_current_span(false).with_writer(Mutex::new(file)).with_filter(only).boxed())
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
        RequestServed {
            method: "POST",
            route: Some("/graphql".into()),
            status: 200,
            walked: None,
            took: Duration::from_millis(3),
        }
        .emit();
        let text = metrics.render();
        assert!(text.contains("http_server_request_duration_seconds_bucket"), "{text}");
        assert!(text.contains("http_request_method=\"POST\""));
        assert!(text.contains("# HELP http_server_active_requests Requests in flight."));
        drop(active);
    }
}
