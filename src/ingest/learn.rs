//! Who learns from accepted events: the engine's statistics, behind a trait, so that ingest does not know how.

use crate::domain::event::Event;
use crate::domain::ids::ShopperKey;

/// Learns from events. Called beside storage, with consent to analytics only.
pub trait Learner: Send + Sync {
    /// Takes in new events of one shopper, in order. Must be quick and must not block: it runs on the request's way.
    fn learn(&self, who: &ShopperKey, events: &[Event]);

    /// Forgets what ties the shopper to what was learned, and what is kept of decisions. Counts that name nobody stay.
    fn forget(&self, who: &ShopperKey);

    /// Forgets everything, counts that name nobody among it: the shop has left.
    fn forget_everyone(&self);
}
