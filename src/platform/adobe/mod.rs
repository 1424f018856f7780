//! Adobe Commerce: its webhooks. There is no adapter for its GraphQL API yet.

pub mod webhook;
