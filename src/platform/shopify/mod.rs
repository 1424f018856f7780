//! Shopify: the Storefront API.
