//! What comes in by webhook and beacon, as types. No personal data: a topic is one of a list, a shopper a keyed hash.

use super::names;
use metrics::counter;

/// A delivery of a platform's webhooks.
#[derive(Clone, Copy, Debug)]
pub struct DeliveryTaken {
    /// `shopify`, …
    pub platform: &'static str,
    /// One of the topics that are used, `other`, or `unknown` where it was not read.
    pub topic: &'static str,
    /// `taken`, `unused`, `duplicate`, `later`, `unproven`, `unreadable`.
    pub outcome: &'static str,
}

impl DeliveryTaken {
    /// Writes it.
    pub fn emit(self) {
        let labels = [(names::PLATFORM, self.platform), (names::TOPIC, self.topic), (names::OUTCOME, self.outcome)];
        counter!(names::WEBHOOKS, &labels).increment(1);
        let Self { platform, topic, outcome } = self;
        match outcome {
            "unproven" => tracing::warn!(platform, "a webhook delivery was not proven and is refused"),
            "unreadable" => {
                tracing::warn!(platform, "a webhook delivery is no JSON object; register it with format JSON")
            }
            _ => tracing::debug!(platform, topic, outcome, "webhook delivery"),
        }
    }
}

/// A customer asked the shop what is stored of them.
#[derive(Clone, Copy, Debug)]
pub struct DataRequested<'a> {
    /// The keyed hash under which it is stored.
    pub shopper: &'a str,
}

impl DataRequested<'_> {
    /// Writes it.
    pub fn emit(self) {
        let shopper = self.shopper;
        tracing::warn!(
            shopper,
            "a customer asked for their data: `outfitter customer export --key` with this shopper writes what is stored; the \
             shop has to hand it over within 30 days (docs/events.md)"
        );
    }
}

/// The consent that the shop keeps with a customer is in no form that can be read.
#[derive(Clone, Copy, Debug)]
pub struct KeptConsentUnread {
    /// `shopify`, …
    pub platform: &'static str,
}

impl KeptConsentUnread {
    /// Writes it; the value is nobody's business.
    pub fn emit(self) {
        counter!(names::STANDING_UNREAD, names::REASON => "unreadable").increment(1);
        tracing::warn!(
            platform = self.platform,
            "the consent that the shop keeps with a customer (ingest.customer.consent) cannot be read and counts as none \
             said; docs/connect-a-shop.md lists its forms"
        );
    }
}

/// The shop has uninstalled the app whose tokens the gateway uses.
#[derive(Clone, Copy, Debug)]
pub struct AppUninstalled;

impl AppUninstalled {
    /// Writes it.
    pub fn emit(self) {
        tracing::error!("the app was uninstalled: its tokens end, and with them crawls and look-ups; install it again");
    }
}

/// The shop asked that everything of all its shoppers be erased.
#[derive(Clone, Copy, Debug)]
pub struct ShopRedacted {
    /// Whether it is done; else it has begun.
    pub done: bool,
}

impl ShopRedacted {
    /// Writes it.
    pub fn emit(self) {
        if self.done {
            tracing::warn!(
                "everything of the shop's shoppers is erased (docs/events.md says what is not theirs and stays)"
            );
        } else {
            tracing::warn!("the shop asks that everything of its shoppers be erased");
        }
    }
}

/// An event that came by `POST /events`.
#[derive(Clone, Copy, Debug)]
pub struct BeaconTaken {
    /// `ACCEPTED`, a code of `PersonalizedRejection`, or `UNKNOWN_EVENT`.
    pub outcome: &'static str,
}

impl BeaconTaken {
    /// Writes it.
    pub fn emit(self) {
        counter!(names::BEACONS, names::OUTCOME => self.outcome).increment(1);
    }
}

/// A task and the spool.
#[derive(Clone, Copy, Debug)]
pub struct Spooled {
    /// `kept`, `refused`, `done`, `damaged`.
    pub outcome: &'static str,
}

impl Spooled {
    /// Writes it.
    pub fn emit(self) {
        counter!(names::SPOOL, names::OUTCOME => self.outcome).increment(1);
        tracing::debug!(outcome = self.outcome, "spool");
    }
}
