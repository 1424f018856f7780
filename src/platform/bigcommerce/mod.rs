//! BigCommerce: its webhooks, and what its management API is asked for of orders and carts. There is no adapter for its
//! Storefront API yet.

pub mod api;
pub mod webhook;
