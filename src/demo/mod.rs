//! The embedded demo store: a Shopify-shaped Storefront API over a generated catalogue.
