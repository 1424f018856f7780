//! The embedded demo store: a Shopify-shaped Storefront API over a generated catalogue.
//!
//! [`Store::generate`] makes a shop from a [`Config`]: products, collections, carts, customers, and a history of what
//! seeded shoppers did, all deterministic. [`serve`] puts it on a port, where the gateway reaches it like any shop. Its
//! schema is a subset of Shopify's Storefront API 2026-04.

mod cart;
mod config;
mod customer;
mod document;
mod era;
mod generate;
mod graphql;
mod history;
mod http;
mod image;
mod market;
mod model;
mod pages;
mod product;
mod schema;
mod session;
mod store;
mod words;

pub use config::{Behaviour, Config};
pub use customer::PASSWORD;
pub use http::serve;
pub use market::Market;
pub use model::model;
pub use schema::SDL;
pub use store::Store;
