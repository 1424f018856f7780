//! `[[rerank]]`: root fields that are put in order without a directive, for storefronts whose queries stay as they are.

use serde::{Deserialize, Serialize};

/// Re-ranking without a directive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The root field: `products`, `search`, `collection.products`.
    pub field: String,
    /// The sort that the client may have written and that is re-ranked all the same; without it only an unsorted field
    /// is. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sort: Option<String>,
    /// How many products to order at once, 1 to 250. Default: 50.
    #[serde(default = "fifty")]
    pub pool: usize,
    /// Also for requests that did not send `Outfitter-Session`. Only where no cache between shopper and gateway keeps
    /// answers for others. Default: false.
    #[serde(default)]
    pub always: bool,
}

impl Default for Rule {
    fn default() -> Self {
        Self { field: String::new(), sort: None, pool: POOL, always: false }
    }
}

/// The rules, in order; the first that fits counts.
pub type Config = Vec<Rule>;

/// The default pool of rules and of the directive.
pub const POOL: usize = 50;

fn fifty() -> usize {
    POOL
}
