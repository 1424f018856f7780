//! What a bulk operation of the Admin API is asked for. Names of fields as of API version 2026-04, by Shopify's documentation.
//!
//! No more is asked for than is read: of customers neither names nor addresses, and tags and metafields only where settings
//! name them.

use crate::platform::Wanted;
use clap::ValueEnum;
use jiff::civil::Date;

/// What a shop exports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum What {
    /// Its customers as they stand now: consent in a metafield, tags, marketing that was taken back.
    Customers,
    /// Its orders with their lines.
    Orders,
    /// Its draft orders with theirs.
    DraftOrders,
    /// Its abandoned check-outs with theirs.
    AbandonedCheckouts,
}

impl What {
    /// All, in the order in which they are taken: what a customer allows is known before what they bought.
    pub const ALL: [Self; 4] = [Self::Customers, Self::Orders, Self::DraftOrders, Self::AbandonedCheckouts];

    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Customers => "customers",
            Self::Orders => "orders",
            Self::DraftOrders => "draft orders",
            Self::AbandonedCheckouts => "abandoned check-outs",
        }
    }

    /// What its file is called, without an ending.
    pub fn file(self) -> &'static str {
        match self {
            Self::Customers => "customers",
            Self::Orders => "orders",
            Self::DraftOrders => "draft-orders",
            Self::AbandonedCheckouts => "abandoned-checkouts",
        }
    }

    /// What the token needs for it.
    pub fn scope(self) -> &'static str {
        match self {
            Self::Customers => "scope read_customers",
            Self::Orders => "scope read_orders, and read_all_orders beyond 60 days",
            Self::DraftOrders => "scope read_draft_orders",
            Self::AbandonedCheckouts => "scope read_orders, and the permission manage_abandoned_checkouts",
        }
    }

    /// The query that a bulk operation runs: of what was created from this day on, and of customers all, whose orders may be
    /// younger than they are.
    pub fn query(self, since: Date, wanted: &Wanted) -> String {
        let of = |connection: &str, members: &str| {
            format!(
                "{{ {connection}(query: \"created_at:>={since}\") {{ edges {{ node {{ id createdAt customer {{ id }} \
                 customAttributes {{ key value }} {members} lineItems {{ edges {{ node {{ id quantity product {{ id }} \
                 variant {{ id }} originalUnitPriceSet {{ shopMoney {{ amount currencyCode }} }} }} }} }} }} }} }} }}"
            )
        };
        match self {
            Self::Customers => customers(wanted),
            Self::Orders => {
                of("orders", "processedAt cancelledAt test currencyCode currentTotalPriceSet { shopMoney { amount } }")
            }
            Self::DraftOrders => of("draftOrders", "currencyCode"),
            Self::AbandonedCheckouts => of("abandonedCheckouts", ""),
        }
    }
}

fn customers(wanted: &Wanted) -> String {
    let tags = if wanted.tags.is_empty() { "" } else { "tags" };
    // Of letters, digits, dots, dashes and the like: nothing in it ends the text.
    let metafield = wanted.consent.as_ref().map(|attribute| {
        let (namespace, key) = attribute.metafield();
        format!("metafield(namespace: \"{namespace}\", key: \"{key}\") {{ namespace key value }}")
    });
    format!(
        "{{ customers {{ edges {{ node {{ id updatedAt {tags} {} defaultEmailAddress {{ marketingState marketingUpdatedAt }} \
         defaultPhoneNumber {{ marketingState marketingUpdatedAt }} }} }} }} }}",
        metafield.unwrap_or_default()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::kept_consent::Attribute;

    #[test]
    fn no_more_is_asked_of_customers_than_settings_name() {
        let since = "2024-01-01".parse().unwrap();
        let plain = What::Customers.query(since, &Wanted::default());
        assert!(!plain.contains("tags") && !plain.contains("metafield"), "{plain}");
        let wanted = Wanted { consent: Attribute::parse("app.consent"), tags: vec!["vip".into()] };
        let asked = What::Customers.query(since, &wanted);
        assert!(asked.contains("tags metafield(namespace: \"app\", key: \"consent\")"), "{asked}");
        assert!(!asked.contains("Name") && !asked.contains("emailAddress "), "{asked}");
    }

    #[test]
    fn every_query_is_one_of_graphql() {
        let wanted = Wanted { consent: Attribute::parse("app.consent"), tags: vec!["vip".into()] };
        for what in What::ALL {
            let query = what.query("2024-01-01".parse().unwrap(), &wanted);
            let tree = apollo_parser::Parser::new(&query).parse();
            assert_eq!(tree.errors().count(), 0, "{query}");
        }
    }
}
