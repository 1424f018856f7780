//! The Storefront API of the demo store: one resolver a type, over apollo-compiler's executor.
//!
//! `execute` runs a parsed document, `view` sends each field to the resolver of its type; the
//! resolvers give a [`value::Value`], and lists that are paged go through `connection`.

mod ask;
mod cart;
mod collection;
mod connection;
mod content;
mod customer;
mod execute;
mod filter;
mod mutation;
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

pub(super) use execute::{Answer, execute};
