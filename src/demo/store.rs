//! The store: its catalogue, and what it remembers between requests.

use super::cart::Carts;
use super::config::Config;
use super::customer::Customers;
use super::document::Documents;
use super::generate;
use super::product::Catalogue;

/// A demo store. Everything in it is made from its configuration; carts live in memory and are forgotten with it.
pub struct Store {
    pub(super) config: Config,
    pub(super) catalogue: Catalogue,
    pub(super) documents: Documents,
    pub(super) carts: Carts,
    pub(super) customers: Customers,
}

impl Store {
    /// Makes the store of a configuration. The same configuration gives the same store.
    pub fn generate(config: &Config) -> Self {
        Self {
            catalogue: generate::catalogue(config),
            config: config.clone(),
            documents: Documents::new(),
            carts: Carts::new(),
            customers: Customers::new(),
        }
    }

    /// Titles of products, titles with descriptions, and what shoppers search for: texts such as a shop has.
    pub fn texts(&self) -> Vec<String> {
        let Catalogue { products, kinds, .. } = &self.catalogue;
        let of_products = products.iter().flat_map(|it| [it.title.clone(), format!("{}. {}", it.title, it.text)]);
        of_products.chain(kinds.iter().map(|(_, kind)| kind.noun.to_lowercase())).collect()
    }
}
