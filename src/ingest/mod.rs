//! Events on their way in, and who sent them.
//!
//! The walk of an event is [`Ingest::accept`]: consent → rate → validation → store (which de-duplicates) → statistics →
//! training log. Before it stands [`identity`]: who is asking and what they allow. Beside it stands [`traffic`]: what
//! the operations that pass show about the shopper.
//!
//! Invariants: nothing is stored without its purpose; nothing raw is stored; one shopper's call reaches one shopper's
//! keys; accepted means visible to the shopper's next request.

mod accept;
mod apply;
mod backfill;
pub mod batch;
pub mod beacon;
pub mod config;
pub mod consent;
pub mod decode;
mod deduplicate;
mod elsewhere;
mod erase;
mod erasures;
pub mod error;
mod feed;
mod fetch;
mod forget;
pub mod identity;
mod later;
pub mod learn;
mod limit;
mod mark;
mod news;
pub mod record;
mod redact;
mod redactions;
mod rotated;
mod senders;
mod spool;
mod standing;
mod task;
pub mod traffic;
mod unanswered;
mod validate;
mod walk;
pub mod webhook;
mod withdrawn;

pub use accept::{Deps, Ingest};
pub use batch::{Outcome, Rejected, Rejection};
pub use beacon::{Beacon, Taken};
pub use config::Config;
pub use consent::{Change, Changed};
pub use decode::Form;
pub use error::{Failure, Refusal, Refused, StartError};
pub use identity::{Caller, Evidence};
pub use learn::Learner;
pub use traffic::RootField;
pub use webhook::Delivered;

#[cfg(test)]
mod tests;
