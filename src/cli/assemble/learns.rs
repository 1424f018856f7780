//! What learns from events, and what forgets with it: the engine, and what requests have left in memory.

use crate::domain::event::Event;
use crate::domain::ids::ShopperKey;
use crate::engine::Engine;
use crate::gateway::Gateway;
use crate::gateway::persisted::remembered::Remembered;
use crate::gateway::products::Products;
use crate::ingest::Learner;
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// The gateway in use, for those that it holds itself.
#[derive(Clone, Default)]
pub(super) struct InUse(Arc<Mutex<Weak<Gateway>>>);

impl InUse {
    pub(super) fn set(&self, gateway: &Arc<Gateway>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Arc::downgrade(gateway);
    }

    fn get(&self) -> Option<Arc<Gateway>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).upgrade()
    }
}

/// The engine learns. Of a shop that has left nothing is shown any more as it was kept, and documents are forgotten: shoppers'
/// own words may stand in them.
pub(super) struct Learns {
    engine: Arc<Engine>,
    products: Products,
    remembered: Remembered,
    gateway: InUse,
}

impl Learns {
    /// Shares what it is given.
    pub(super) fn new(engine: &Arc<Engine>, products: &Products, remembered: &Remembered, gateway: &InUse) -> Self {
        Self {
            engine: engine.clone(),
            products: products.clone(),
            remembered: remembered.clone(),
            gateway: gateway.clone(),
        }
    }
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
        self.remembered.clear();
        if let Some(gateway) = self.gateway.get() {
            gateway.forget_documents();
        }
    }
}
