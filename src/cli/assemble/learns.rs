//! What learns from events, and what forgets with it: the engine, and the products that were shown a moment ago.

use crate::domain::event::Event;
use crate::domain::ids::ShopperKey;
use crate::engine::Engine;
use crate::gateway::products::Products;
use crate::ingest::Learner;
use std::sync::Arc;

/// The engine learns; of a shop that has left nothing is shown any more as it was kept.
pub(super) struct Learns {
    pub(super) engine: Arc<Engine>,
    pub(super) products: Products,
}

impl Learner for Learns {
    fn learn(&self, who: &ShopperKey, events: &[Event]) {
        self.engine.learn(who, events);
    }

    fn forget(&self, who: &ShopperKey) {
        self.engine.forget(who);
    }

    fn forget_everyone(&self) {
        self.engine.forget_everyone();
        self.products.clear();
    }
}
