//! Tiers: classes of customers that the shop names by what they have ordered and by the platform's tags. Rules may hold for
//! some tiers alone.
//!
//! A tier is computed when a decision needs it, from the orders whose value the platform told
//! ([`spent`](crate::domain::profile::Profile::spent)): what a client tells of orders raises nobody. It is read from the
//! profile, so with consent to preferences alone.

use super::context::Context;
use crate::domain::money::{Currency, Money};
use crate::store::ShopperState;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::time::Duration;

/// One tier: a shopper is in it who meets everything that is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tier {
    /// Its name, as rules write it.
    pub name: Box<str>,
    /// At least so many orders. Default 0.
    #[serde(default)]
    pub orders: u32,
    /// At least so much spent: `500 EUR`. Orders in another currency do not count towards it.
    #[serde(default)]
    pub spent: Option<Amount>,
    /// One of these tags, or groups, that the platform keeps of its customers; upper and lower case are the same.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Box<str>>,
    /// The last order no longer ago than this.
    #[serde(default, with = "humantime_serde")]
    pub ordered_within: Option<Duration>,
}

/// An amount of money as it is written in settings: `500 EUR`, `99.50 USD`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Amount(pub Money);

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{} {}", self.0.amount(), self.0.currency.as_str()))
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let (amount, currency) = text.trim().split_once(' ').unwrap_or_default();
        let money = Currency::parse(currency.trim()).and_then(|currency| Money::parse(amount, currency));
        let money = money.filter(|money| money.minor >= 0);
        money.map(Self).ok_or_else(|| {
            serde::de::Error::custom(format!("`{text}` is no amount; write a decimal and a currency, such as 500 EUR"))
        })
    }
}

impl Tier {
    fn has(&self, ShopperState { profile, standing, .. }: &ShopperState, now: Timestamp) -> bool {
        let tagged = |tag: &str| standing.tags.iter().any(|own| **own == *tag.to_lowercase());
        let within = |limit: Duration| {
            let limit = SignedDuration::try_from(limit).unwrap_or(SignedDuration::MAX);
            profile.ordered.is_some_and(|last| now.duration_since(last) <= limit)
        };
        profile.valued() >= self.orders
            && self.spent.is_none_or(|Amount(least)| profile.spent_in(least.currency) >= least.minor)
            && self.ordered_within.is_none_or(within)
            && (self.tags.is_empty() || self.tags.iter().any(|tag| tagged(tag)))
    }
}

/// The tier of the shopper behind a context: the last of those whose conditions are met. `None`: in none, or not to be
/// read.
pub(super) fn of<'a>(tiers: &'a [Tier], context: &Context) -> Option<&'a str> {
    let state = context.readable()?;
    tiers.iter().rev().find(|tier| tier.has(state, context.now)).map(|tier| &*tier.name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::consent::{Consent, Purpose};
    use crate::engine::tests::world::{at, shopper};

    fn tiers(text: &str) -> Vec<Tier> {
        #[derive(Deserialize)]
        struct Table {
            tiers: Vec<Tier>,
        }
        toml::from_str::<Table>(text).unwrap().tiers
    }

    /// Who has ordered so often, for so many cents each, for the last time a day ago.
    fn customer(orders: u32, (minor, currency): (i64, &str)) -> Context {
        let mut context = shopper(2_000, &[]);
        let value = Money { minor, currency: Currency::parse(currency).unwrap() };
        (0..orders).for_each(|_| context.state.profile.spend(value));
        context.state.profile.ordered = Some(at(2_000 - 24 * 60));
        context
    }

    #[test]
    fn a_shopper_is_in_the_last_tier_whose_conditions_are_all_met() {
        let tiers = tiers(
            "[[tiers]]\nname = 'member'\norders = 1\n\
             [[tiers]]\nname = 'gold'\nspent = '500 EUR'\nordered_within = '365days'\n\
             [[tiers]]\nname = 'gold'\norders = 10\nordered_within = '365days'\n",
        );
        for (context, expected) in [
            (shopper(60, &[]), None),
            (customer(1, (49_999, "EUR")), Some("member")),
            (customer(1, (50_000, "EUR")), Some("gold")),
            (customer(2, (40_000, "USD")), Some("member")),
            (customer(10, (1, "USD")), Some("gold")),
        ] {
            assert_eq!(of(&tiers, &context), expected, "{:?}", context.state.profile);
        }
        let mut late = customer(10, (50_000, "EUR"));
        late.now = late.now.checked_add(SignedDuration::from_hours(24 * 365)).unwrap();
        assert_eq!(of(&tiers, &late), Some("member"));
        // What clients told counts in number and has no value.
        let mut told = shopper(60, &[]);
        told.state.profile.orders = 100;
        assert_eq!(of(&tiers, &told), None);
        let mut refused = customer(10, (50_000, "EUR"));
        refused.consent = Consent::ALL.with(Purpose::Preferences, false);
        assert_eq!(of(&tiers, &refused), None);
    }

    #[test]
    fn a_tag_of_the_platform_is_a_condition_like_any_other() {
        let tiers = tiers(
            "[[tiers]]\nname = 'trade'\ntags = ['Wholesale', 'b2b']\n\
             [[tiers]]\nname = 'gold'\ntags = ['vip']\norders = 1\n",
        );
        let tagged = |orders, tags: &[&str]| {
            let mut context = customer(orders, (100, "EUR"));
            context.state.standing.tags = tags.iter().map(|tag| Box::from(*tag)).collect();
            context
        };
        assert_eq!(of(&tiers, &tagged(1, &[])), None);
        assert_eq!(of(&tiers, &tagged(0, &["wholesale"])), Some("trade"));
        assert_eq!(of(&tiers, &tagged(0, &["b2b", "vip"])), Some("trade"));
        assert_eq!(of(&tiers, &tagged(1, &["b2b", "vip"])), Some("gold"));
        let refused = Context { consent: Consent::NONE, ..tagged(1, &["vip"]) };
        assert_eq!(of(&tiers, &refused), None);
    }

    #[test]
    fn an_amount_is_a_decimal_and_a_currency() {
        let read = |text: &str| toml::from_str::<Tier>(&format!("name = 'a'\nspent = '{text}'")).map(|tier| tier.spent);
        let Amount(money) = read("99.50 usd").unwrap().unwrap();
        assert_eq!((money.minor, money.currency.as_str()), (9_950, "USD"));
        assert_eq!(serde_json::to_string(&Amount(money)).unwrap(), "\"99.50 USD\"");
        for wrong in ["500", "EUR 500", "500 EUROS", "-1 EUR", "1.234 EUR", ""] {
            assert!(read(wrong).unwrap_err().to_string().contains("such as 500 EUR"), "{wrong}");
        }
    }
}
