//! BigCommerce: its webhooks. There is no adapter for its Storefront API yet.

pub mod webhook;
