//! The store: its catalogue, and what it remembers between requests.

use super::config::Config;
use super::generate;
use super::graphql::Documents;
use super::product::Catalogue;

/// A demo store. Everything in it is made from its configuration; carts live in memory and are forgotten with it.
pub struct Store {
    pub(super) config: Config,
    pub(super) catalogue: Catalogue,
    pub(super) documents: Documents,
}

impl Store {
    /// Makes the store of a configuration. The same configuration gives the same store.
    pub fn generate(config: &Config) -> Self {
        Self { catalogue: generate::catalogue(config), config: config.clone(), documents: Documents::new() }
    }
}
