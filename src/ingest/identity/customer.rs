//! Customer identity: only what the platform itself said about the token of this request. How the customer stands with the
//! shop comes in the same answer.
//!
//! The answer is cached for a short time under a keyed hash of the token; requests with one token that come together
//! ask once. A platform that is slow or asked too much counts as "not confirmed" and is not cached.

use crate::ingest::config;
use crate::platform::upstream::Upstream;
use crate::platform::{Confirmed, Platform, Wanted};
use crate::telemetry::customer_data::{Credential, CustomerDataFetched, Purpose};
use async_trait::async_trait;
use http::HeaderMap;
use moka::Expiry;
use moka::future::Cache;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;

/// The longest token taken, in bytes.
const LONGEST: usize = 4 * 1024;
/// Tokens remembered at once.
const REMEMBERED: u64 = 50_000;
/// Questions to the platform in flight at once: made-up tokens must not become a flood upstream.
const IN_FLIGHT: usize = 32;

/// Asks the platform whose a customer token is.
#[async_trait]
pub trait CustomerCheck: Send + Sync {
    /// The customer of the token; `None` where it is nobody's. `headers` are the client's own. Errors: no answer.
    /// Implementations never log the token.
    async fn confirm(&self, headers: &HeaderMap, token: &str) -> Result<Option<Confirmed>, NoAnswer>;

    /// Under which of the shop's credentials a question with these headers goes out.
    fn credential(&self, _headers: &HeaderMap) -> Credential {
        Credential::None
    }
}

/// The platform did not say whose the token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoAnswer;

/// The check by the platform's own query.
pub struct AskPlatform {
    /// The platform.
    pub platform: Arc<dyn Platform>,
    /// The way to it.
    pub upstream: Upstream,
    /// What is to be known of customers.
    pub wanted: Wanted,
}

#[async_trait]
impl CustomerCheck for AskPlatform {
    async fn confirm(&self, headers: &HeaderMap, token: &str) -> Result<Option<Confirmed>, NoAnswer> {
        let forwarded = headers.iter().filter(|(name, _)| self.platform.forwards(name));
        let forwarded = forwarded.map(|(name, value)| (name.clone(), value.clone())).collect();
        self.platform.confirm(&self.upstream, forwarded, token, &self.wanted).await.map_err(|error| {
            tracing::warn!(%error, "the platform did not say whose a customer token is; the request counts as signed out");
            NoAnswer
        })
    }

    fn credential(&self, headers: &HeaderMap) -> Credential {
        self.platform.credential(headers)
    }
}

/// A question to the platform, whose token this is.
pub struct Asked<'a> {
    /// The client's own headers.
    pub headers: &'a HeaderMap,
    /// The token.
    pub token: &'a str,
    /// Its keyed hash.
    pub hash: [u8; 32],
    /// The keyed hash of the session that brought it.
    pub session: Option<String>,
}

/// Confirms customers.
pub struct Customers {
    check: Arc<dyn CustomerCheck>,
    answers: Cache<[u8; 32], Option<Confirmed>>,
    in_flight: Semaphore,
    timeout: Duration,
}

impl Customers {
    /// Customers by the word of `check`.
    pub fn new(check: Arc<dyn CustomerCheck>, config: &config::Customer) -> Self {
        let lifetimes = Lifetimes { confirmed: config.confirmed_for, refused: config.refused_for };
        let answers = Cache::builder().max_capacity(REMEMBERED).expire_after(lifetimes).build();
        Self { check, answers, in_flight: Semaphore::new(IN_FLIGHT), timeout: config.timeout }
    }

    /// The customer of a token. `None`: unknown to the platform, or no answer in time. Each question that goes out is
    /// in the record of customer data.
    pub async fn confirm(&self, asked: Asked<'_>) -> Option<Confirmed> {
        let Asked { headers, token, hash, session } = asked;
        if token.is_empty() || token.len() > LONGEST {
            return None;
        }
        let ask = async {
            // An error is handed to whoever waits and is not cached.
            let _permit = self.in_flight.try_acquire().map_err(|_| NoAnswer)?;
            let mut record = CustomerDataFetched {
                session,
                purpose: Purpose::Preferences,
                credential: self.check.credential(headers),
                customer_token: true,
                operation: "query",
                outcome: "abandoned".to_owned(),
            };
            let answer = tokio::time::timeout(self.timeout, self.check.confirm(headers, token)).await;
            let answer = answer.unwrap_or(Err(NoAnswer));
            let outcome = match &answer {
                Ok(Some(_)) => "confirmed",
                Ok(None) => "unknown",
                Err(NoAnswer) => "no_answer",
            };
            outcome.clone_into(&mut record.outcome);
            answer
        };
        self.answers.try_get_with(hash, ask).await.ok().flatten()
    }
}

impl fmt::Debug for Customers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Customers")
    }
}

struct Lifetimes {
    confirmed: Duration,
    refused: Duration,
}

impl Expiry<[u8; 32], Option<Confirmed>> for Lifetimes {
    fn expire_after_create(&self, _: &[u8; 32], answer: &Option<Confirmed>, _: Instant) -> Option<Duration> {
        Some(if answer.is_some() { self.confirmed } else { self.refused })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::CustomerId;
    use crate::domain::standing::Told;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[derive(Default)]
    struct Fake {
        asked: AtomicUsize,
        slow: bool,
    }

    #[async_trait]
    impl CustomerCheck for Fake {
        async fn confirm(&self, _: &HeaderMap, token: &str) -> Result<Option<Confirmed>, NoAnswer> {
            self.asked.fetch_add(1, Ordering::SeqCst);
            if self.slow {
                std::future::pending::<()>().await;
            }
            tokio::task::yield_now().await;
            Ok(token.strip_prefix("good:").map(confirmed))
        }
    }

    fn confirmed(id: &str) -> Confirmed {
        Confirmed { id: CustomerId::new(id), told: Told::default() }
    }

    fn asked<'a>(headers: &'a HeaderMap, token: &'a str, hash: [u8; 32]) -> Asked<'a> {
        Asked { headers, token, hash, session: None }
    }

    fn of(platform: &Arc<Fake>, timeout: Duration) -> Customers {
        let check: Arc<dyn CustomerCheck> = Arc::clone(platform) as _;
        Customers::new(check, &config::Customer { timeout, ..config::Customer::default() })
    }

    #[tokio::test]
    async fn the_platform_is_asked_once_for_a_token_whether_it_knows_it_or_not() {
        let none = HeaderMap::new();
        let platform = Arc::new(Fake::default());
        let customers = of(&platform, Duration::from_secs(5));
        let (one, two) = tokio::join!(
            customers.confirm(asked(&none, "good:1", [1; 32])),
            customers.confirm(asked(&none, "good:1", [1; 32]))
        );
        assert_eq!((one.clone(), two), (Some(confirmed("1")), one));
        assert_eq!(customers.confirm(asked(&none, "bad", [2; 32])).await, None);
        assert_eq!(customers.confirm(asked(&none, "bad", [2; 32])).await, None);
        assert_eq!(platform.asked.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn a_platform_that_does_not_answer_confirms_nobody_and_is_asked_again() {
        let none = HeaderMap::new();
        let platform = Arc::new(Fake { slow: true, ..Fake::default() });
        let customers = of(&platform, Duration::from_millis(1));
        assert_eq!(customers.confirm(asked(&none, "good:1", [1; 32])).await, None);
        assert_eq!(customers.confirm(asked(&none, "good:1", [1; 32])).await, None);
        assert_eq!(platform.asked.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn an_empty_or_endless_token_is_not_worth_a_question() {
        let none = HeaderMap::new();
        let platform = Arc::new(Fake::default());
        let customers = of(&platform, Duration::from_secs(5));
        assert_eq!(customers.confirm(asked(&none, "", [1; 32])).await, None);
        assert_eq!(customers.confirm(asked(&none, &"x".repeat(LONGEST + 1), [2; 32])).await, None);
        assert_eq!(platform.asked.load(Ordering::SeqCst), 0);
    }
}
