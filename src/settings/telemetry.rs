//! `[telemetry]`: where traces and the record of customer data go. The module itself lies below the one that reads
//! secrets, so its settings stand here and become its [`Setup`] here.

use crate::platform::secret::{Secret, SecretError};
use crate::telemetry::init::{CustomerData, Setup};
use crate::telemetry::otlp::Target;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// `[telemetry]`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TelemetrySettings {
    /// Traces.
    pub otlp: Otlp,
    /// The record of customer data.
    pub customer_data: CustomerDataSettings,
}

/// Traces by OTLP over HTTP, in protobuf.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Otlp {
    /// The collector's address for traces, such as `http://collector:4318/v1/traces`. Default: what
    /// `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` says, or `OTEL_EXPORTER_OTLP_ENDPOINT` with `/v1/traces`; without either
    /// no trace is made.
    pub endpoint: Option<String>,
    /// Headers for the collector, by reference: they hold credentials. Default: none.
    pub headers: BTreeMap<String, Secret>,
    /// The name of this service. Default: `OTEL_SERVICE_NAME`, or `outfitter`.
    pub service: Option<String>,
    /// The share of traces begun here that are kept, 0 to 1. A caller's own decision is followed. Default: 0.1.
    pub ratio: f64,
    /// Spans that wait for the collector at most; beyond, they are dropped and counted. Default: 8192.
    pub queue: usize,
    /// How long spans are gathered before they are sent. Default: 1s.
    #[serde(with = "humantime_serde")]
    pub interval: Duration,
    /// How long the collector may take for one batch. Default: 5s.
    #[serde(with = "humantime_serde")]
    pub timeout: Duration,
    /// Tell the shop's platform of the trace, in `traceparent`. Default: true.
    pub propagate: bool,
}

impl Default for Otlp {
    fn default() -> Self {
        Self {
            endpoint: None,
            headers: BTreeMap::new(),
            service: None,
            ratio: 0.1,
            queue: 8192,
            interval: Duration::from_secs(1),
            timeout: Duration::from_secs(5),
            propagate: true,
        }
    }
}

/// The record of calls that fetched a customer's data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CustomerDataSettings {
    /// Whether it is kept. Default: true.
    pub enabled: bool,
    /// A file of its own, written at its end. Default: with the other lines of the log.
    pub file: Option<PathBuf>,
}

impl Default for CustomerDataSettings {
    fn default() -> Self {
        Self { enabled: true, file: None }
    }
}

/// A setting of `[telemetry]` that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// A header's secret cannot be read.
    #[error("telemetry.otlp.headers.{name}: {source}")]
    Header {
        /// The header.
        name: String,
        /// Why.
        source: SecretError,
    },
    /// A share that is none.
    #[error("telemetry.otlp.ratio is {0}; write a number from 0 to 1")]
    Ratio(f64),
}

impl TelemetrySettings {
    /// What telemetry is started with. `environment`: a variable's value, for the standard `OTEL_*` ones.
    /// Errors: a secret that cannot be read, a share outside 0 to 1.
    pub fn setup(&self, environment: impl Fn(&str) -> Option<String>) -> Result<Setup, TelemetryError> {
        let customer_data = match &self.customer_data {
            CustomerDataSettings { enabled: false, .. } => CustomerData::Nowhere,
            CustomerDataSettings { file: Some(path), .. } => CustomerData::File(path.clone()),
            CustomerDataSettings { file: None, .. } => CustomerData::Log,
        };
        Ok(Setup { otlp: self.otlp.target(environment)?, customer_data })
    }
}

impl Otlp {
    fn target(&self, environment: impl Fn(&str) -> Option<String>) -> Result<Option<Target>, TelemetryError> {
        let variable = |name: &str| environment(name).filter(|text| !text.trim().is_empty());
        let all =
            || variable("OTEL_EXPORTER_OTLP_ENDPOINT").map(|base| format!("{}/v1/traces", base.trim_end_matches('/')));
        let endpoint = self.endpoint.clone().or_else(|| variable("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")).or_else(all);
        let off = variable("OTEL_SDK_DISABLED").is_some_and(|text| text.trim().eq_ignore_ascii_case("true"));
        let Some(endpoint) = endpoint.filter(|_| !off) else { return Ok(None) };
        if !(0.0..=1.0).contains(&self.ratio) {
            return Err(TelemetryError::Ratio(self.ratio));
        }
        let read = |(name, secret): (&String, &Secret)| match secret.reveal() {
            Ok(text) => Ok((name.clone(), text.expose().to_owned())),
            Err(source) => Err(TelemetryError::Header { name: name.clone(), source }),
        };
        Ok(Some(Target {
            endpoint,
            headers: self.headers.iter().map(read).collect::<Result<_, _>>()?,
            service: self.service.clone().or_else(|| variable("OTEL_SERVICE_NAME")).unwrap_or("outfitter".to_owned()),
            ratio: self.ratio,
            queue: self.queue,
            interval: self.interval,
            timeout: self.timeout,
            propagate: self.propagate,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traces_go_nowhere_unless_a_collector_is_named_by_settings_or_environment() {
        let endpoint = |endpoint: Option<&str>, environment: &[(&str, &str)]| {
            let otlp = Otlp { endpoint: endpoint.map(str::to_owned), ..Otlp::default() };
            let settings = TelemetrySettings { otlp, ..TelemetrySettings::default() };
            let find =
                |name: &str| environment.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
            settings.setup(find).unwrap().otlp.map(|target| target.endpoint)
        };
        let all = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318/");
        assert_eq!(endpoint(None, &[]), None);
        assert_eq!(endpoint(None, &[("OTEL_EXPORTER_OTLP_ENDPOINT", " ")]), None);
        assert_eq!(endpoint(None, &[all]).as_deref(), Some("http://c:4318/v1/traces"));
        let traces = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://t:1/x");
        assert_eq!(endpoint(None, &[all, traces]).as_deref(), Some("http://t:1/x"));
        assert_eq!(endpoint(Some("http://s:2/y"), &[all, traces]).as_deref(), Some("http://s:2/y"));
        assert_eq!(endpoint(Some("http://s:2/y"), &[("OTEL_SDK_DISABLED", "true")]), None);
    }

    #[test]
    fn a_header_without_its_secret_and_a_share_that_is_none_are_named() {
        let of = |otlp: Otlp| {
            let otlp = Otlp { endpoint: Some("http://c:4318/v1/traces".to_owned()), ..otlp };
            let settings = TelemetrySettings { otlp, ..TelemetrySettings::default() };
            settings.setup(|_| None).err().map(|error| error.to_string()).unwrap_or_default()
        };
        let headers = BTreeMap::from([("x-key".to_owned(), Secret::Env("OUTFITTER_NO_SUCH".to_owned()))]);
        assert!(of(Otlp { headers, ..Otlp::default() }).starts_with("telemetry.otlp.headers.x-key: "));
        assert!(of(Otlp { ratio: 1.5, ..Otlp::default() }).contains("from 0 to 1"));
    }
}
