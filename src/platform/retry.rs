//! The one retry of a query: what is worth it, how long to wait first, and the budget that keeps retries from becoming
//! a storm.
//!
//! Only a query is sent again, once: where the connection broke before the head of the answer, and where the shop said
//! that it had too much to do (429, 503, `THROTTLED`). A mutation never is, whatever happened to it. The wait is a
//! jittered pause, or what `Retry-After` says where that is longer; where it is longer than the settings or the
//! request's own time allow, the shop's answer stands. Each request earns a share of a retry, so that a shop in trouble
//! sees little more than it would without retries.

use super::fault::UpstreamError;
use super::throttle;
use crate::telemetry::events::RequestRepeated;
use http::header::RETRY_AFTER;
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio::time::Instant;

/// Whether and when a query is sent a second time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Whether it ever is. Default: true.
    pub enabled: bool,
    /// Retries earned by one request: the share of requests that may be sent again in the long run. Default: 0.1.
    pub share: f64,
    /// Retries saved at most, and there at the start. Default: 10.
    pub reserve: u32,
    /// The pause before a retry, about: half to one and a half of it. Default: 50ms.
    #[serde(with = "humantime_serde")]
    pub pause: Duration,
    /// Where the shop asks to wait for longer (`Retry-After`), its answer is passed on instead. Default: 1s.
    #[serde(with = "humantime_serde")]
    pub longest_wait: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            enabled: true,
            share: 0.1,
            reserve: 10,
            pause: Duration::from_millis(50),
            longest_wait: Duration::from_secs(1),
        }
    }
}

/// Why a request is worth a second try, and what the shop says about when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Again {
    why: &'static str,
    after: Option<Duration>,
}

impl Again {
    /// The connection broke before the head of the answer.
    pub(super) const BROKEN: Self = Self { why: "connection", after: None };

    /// By the head of an answer.
    pub(super) fn by_head(status: StatusCode, headers: &HeaderMap) -> Option<Self> {
        let why = match status {
            StatusCode::TOO_MANY_REQUESTS => "too_many_requests",
            StatusCode::SERVICE_UNAVAILABLE => "unavailable",
            _ => return None,
        };
        Some(Self { why, after: after(headers) })
    }

    /// By a whole answer, decompressed.
    pub(super) fn by_answer(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Option<Self> {
        let throttled = || (status.is_success() && throttle::is_throttled(body)).then(|| Self::throttled(headers));
        Self::by_head(status, headers).or_else(throttled)
    }

    /// The shop said so in a GraphQL error.
    pub(super) fn throttled(headers: &HeaderMap) -> Self {
        Self { why: "throttled", after: after(headers) }
    }
}

/// One try.
#[derive(Debug)]
pub(super) struct Tried<T> {
    /// How it ended.
    pub(super) result: Result<T, UpstreamError>,
    /// Whether a second one could end better.
    pub(super) again: Option<Again>,
}

impl<T> Tried<T> {
    /// One that needs no second.
    pub(super) fn done(result: Result<T, UpstreamError>) -> Self {
        Self { result, again: None }
    }
}

/// What is left to spend on retries, in thousandths, and the rules for it. Shared by all who send to one upstream.
#[derive(Debug)]
pub(super) struct Retry {
    config: Config,
    left: AtomicU32,
    /// What a request earns.
    earned: u32,
    most: u32,
}

const ONE: u32 = 1000;

impl Retry {
    /// With a full reserve.
    pub(super) fn new(config: Config) -> Self {
        let most = config.reserve.saturating_mul(ONE);
        // Of a share between nothing and all.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is between 0 and 1000")]
        let earned = (config.share.clamp(0.0, 1.0) * f64::from(ONE)) as u32;
        Self { config, left: AtomicU32::new(most), earned, most }
    }

    /// A request is sent: it earns its share. True where it could be sent again.
    pub(super) fn earn(&self) -> bool {
        let left = self.left.load(Ordering::Relaxed);
        if left < self.most {
            let more = |left: u32| Some(left.saturating_add(self.earned).min(self.most));
            self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).ok();
        }
        self.config.enabled && left.saturating_add(self.earned) >= ONE
    }

    /// How long to wait before the second try; `None` where there is none: it would come too late, or nothing is left
    /// to spend. What it costs is spent here.
    pub(super) fn wait(&self, again: Again, until: Instant) -> Option<Duration> {
        let wait = again.after.unwrap_or_default();
        // The shop may write any number of seconds.
        let wait = wait.saturating_add(self.config.pause.mul_f64(rand::random_range(0.5..1.5)));
        let in_time = again.after.unwrap_or_default() <= self.config.longest_wait
            && Instant::now().checked_add(wait).is_some_and(|at| at < until);
        let spend = |left: u32| left.checked_sub(ONE);
        let outcome = if !in_time {
            "too_late"
        } else if self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, spend).is_err() {
            "no_budget"
        } else {
            "sent"
        };
        RequestRepeated { why: again.why, outcome }.emit();
        (outcome == "sent").then_some(wait)
    }
}

/// `Retry-After`: seconds, or a date. Nonsense is none.
fn after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
    let left = at.as_millisecond().saturating_sub(jiff::Timestamp::now().as_millisecond());
    Some(Duration::from_millis(u64::try_from(left).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn in_time() -> Instant {
        Instant::now() + Duration::from_secs(10)
    }

    fn with(value: &str) -> HeaderMap {
        HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_str(value).unwrap())])
    }

    #[test]
    fn retries_are_a_share_of_the_requests_and_a_reserve() {
        let retry = Retry::new(Config::default());
        let mut sent = 0;
        for _ in 0..1000 {
            sent += u32::from(retry.earn() && retry.wait(Again::BROKEN, in_time()).is_some());
        }
        assert!((100..=110).contains(&sent), "{sent}");
        let none = Retry::new(Config { share: 0.0, reserve: 3, ..Config::default() });
        let sent = (0..100).filter(|_| none.earn() && none.wait(Again::BROKEN, in_time()).is_some()).count();
        assert_eq!(sent, 3);
        assert!(!Retry::new(Config { enabled: false, ..Config::default() }).earn());
    }

    #[test]
    fn the_shop_says_when_and_what_is_too_late_is_not_tried() {
        let retry = Retry::new(Config::default());
        let wait = |headers: &HeaderMap, until| {
            retry.wait(Again::by_head(StatusCode::TOO_MANY_REQUESTS, headers).unwrap(), until)
        };
        assert!(wait(&with("1"), in_time()).unwrap() > Duration::from_secs(1));
        assert_eq!(wait(&with("2"), in_time()), None, "longer than longest_wait");
        assert_eq!(wait(&with("1"), Instant::now() + Duration::from_millis(900)), None, "after the request's time");
        assert!(wait(&with("Wed, 21 Oct 2015 07:28:00 GMT"), in_time()).unwrap() < Duration::from_secs(1));
        assert_eq!(wait(&with("Mon, 21 Oct 2999 07:28:00 GMT"), in_time()), None);
        let jitter: Vec<_> = (0..8).filter_map(|_| wait(&with("soon"), in_time())).collect();
        assert!(jitter.windows(2).any(|pair| pair[0] != pair[1]), "{jitter:?}");
        assert!(jitter.iter().all(|wait| (25..=75).contains(&wait.as_millis())), "{jitter:?}");
    }

    #[test]
    fn a_wait_beyond_all_time_is_not_tried() {
        let config = Config { pause: Duration::from_secs(4), longest_wait: Duration::MAX, ..Config::default() };
        let again = Again::by_head(StatusCode::SERVICE_UNAVAILABLE, &with("18446744073709551615")).unwrap();
        assert_eq!(Retry::new(config).wait(again, in_time()), None);
    }

    #[test]
    fn only_an_answer_of_a_shop_with_too_much_to_do_is_worth_it() {
        for status in [200, 302, 400, 401, 403, 404, 430, 500, 502, 504] {
            assert_eq!(Again::by_head(StatusCode::from_u16(status).unwrap(), &HeaderMap::new()), None, "{status}");
        }
        let body = br#"{"errors":[{"message":"Throttled","extensions":{"code":"THROTTLED"}}]}"#;
        assert_eq!(Again::by_answer(StatusCode::OK, &with("1"), body).unwrap().after, Some(Duration::from_secs(1)));
        assert_eq!(Again::by_answer(StatusCode::OK, &HeaderMap::new(), b"{\"data\":{}}"), None);
    }
}
