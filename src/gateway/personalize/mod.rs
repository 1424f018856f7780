//! Source P: the personalization schema, executed in process.
//!
//! Its types have canonical names (`Product`, `Cart`, `Collection`, `ProductConnection`) and are addressed by `key`;
//! the gateway maps both onto the platform. It runs last: for one wave of sites the slates have been asked
//! ([`ask`]), decided, hydrated and settled before ([`book`]), so that resolvers look up and do not decide. Only
//! `/subgraph`, where nobody asked before, decides on the spot (`Viewer::slate`).
//!
//! Every entry field is nullable and every failure is a GraphQL error with a code in its extensions ([`error`]): a
//! failure here never takes the platform's data with it.

mod ahead;
pub mod ask;
pub mod book;
pub mod decider;
mod decision;
mod entities;
pub mod error;
mod event;
pub mod execute;
#[cfg(test)]
mod fixture;
mod mutation;
mod query;
mod reason;
mod recommendations;
mod record;
mod scalar;
mod sdl;
mod shopper;
pub mod sink;
pub mod subgraph;
pub mod viewer;

pub use ask::{EntryField, SlateAsk, Subject};
pub use book::{Settled, SlateBook};
pub use decider::{Affinity, Decider};
pub use error::AskError;
pub use execute::{ParsedDocument, Personalization};
pub use sdl::sdl;
pub use sink::EventSink;
pub use subgraph::Subgraph;
pub use viewer::Viewer;
