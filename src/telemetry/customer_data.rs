//! The record of every call that fetched a customer's data: who asked under which purpose with which credential, and how
//! it ended. One line a call, under a target of its own, so that it can be kept apart and longer than other lines.
//!
//! It holds no token, name, address or customer: a session is the beginning of its keyed hash, enough to find the lines
//! of one session for whoever holds the shop's secret.

/// What tells these lines apart.
pub const TARGET: &str = "outfitter::customer_data";

/// How much of a session's keyed hash is written.
const SESSION: usize = 16;

/// What customer data was fetched for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The shopper's own request through the storefront.
    Storefront,
    /// The gateway asked whose a token is, to know the shopper again.
    Preferences,
}

/// Which credential of the shop the call went out under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credential {
    /// A private token, or a delegate token, which goes in the same header.
    Private,
    /// A public token.
    Public,
    /// Neither.
    None,
}

impl Credential {
    fn label(self) -> &'static str {
        match self {
            Self::Private => "private_token",
            Self::Public => "public_token",
            Self::None => "none",
        }
    }
}

/// The platform confirms customers and does not tell what else is wanted of them.
#[derive(Clone, Copy, Debug)]
pub struct StandingUntold<'a> {
    /// Its own words: of fields and scopes, not of anybody.
    pub reason: &'a str,
}

impl StandingUntold<'_> {
    /// Writes it.
    pub fn emit(self) {
        metrics::counter!(super::names::STANDING_UNREAD, super::names::REASON => "untold").increment(1);
        tracing::warn!(
            reason = self.reason,
            "the platform does not tell what the settings want to be known of customers (ingest.customer.consent); they are \
             confirmed without; check what the token may read"
        );
    }
}

/// A call on its way; written when it ends, also where nobody waits for it any more.
#[derive(Debug)]
pub struct CustomerDataFetched {
    /// Keyed hash of the session, where there is one.
    pub session: Option<String>,
    /// What for.
    pub purpose: Purpose,
    /// Under which credential of the shop.
    pub credential: Credential,
    /// Whether a customer's own token went along.
    pub customer_token: bool,
    /// `query`, `mutation`.
    pub operation: &'static str,
    /// The status of the platform's answer, a stable error code, or `abandoned`.
    pub outcome: String,
}

impl Drop for CustomerDataFetched {
    fn drop(&mut self) {
        let purpose = match self.purpose {
            Purpose::Storefront => "STOREFRONT",
            Purpose::Preferences => "PREFERENCES",
        };
        let session = self.session.as_deref().map(|hash| hash.get(..SESSION).unwrap_or(hash));
        let (credential, customer_token) = (self.credential.label(), self.customer_token);
        metrics::counter!(super::names::CUSTOMER_DATA, super::names::PURPOSE => purpose).increment(1);
        tracing::info!(target: TARGET, session, purpose, credential, customer_token, operation = self.operation,
            outcome = self.outcome, "customer data fetched");
    }
}
