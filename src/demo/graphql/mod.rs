//! The Storefront API of the demo store: one resolver a type, over apollo-compiler's executor.
//!
//! `document` parses and validates, `execute` runs, `view` sends each field to the resolver of its type; the
//! resolvers give a [`value::Value`], and lists that are paged go through `connection`.

mod ask;
mod collection;
mod connection;
mod content;
mod document;
mod execute;
mod filter;
mod node;
mod picture;
mod product;
mod query;
mod recommend;
mod record;
mod scene;
mod search;
mod shop;
mod terms;
mod value;
mod variant;
mod view;

pub(super) use document::{Documents, Kind, kind};
pub(super) use execute::{Answer, execute};
