//! What a gateway is made of: the modules that its walk leans on, put together by whoever starts it.

use super::caching;
use super::debug;
use super::persisted::Persisted;
use super::personalize::Decider;
use super::products::Products;
use super::rerank::{self, Sealer};
use super::share::Share;
use super::who::Who;
use crate::platform::Platform;
use crate::platform::upstream::Upstream;
use crate::store::DecisionStore;
use std::sync::Arc;

/// What a gateway is made of.
pub struct Modules {
    /// The adapter of the shop's platform.
    pub platform: Arc<dyn Platform>,
    /// The shop.
    pub upstream: Upstream,
    /// Who asks.
    pub who: Arc<dyn Who>,
    /// Decides.
    pub engine: Arc<dyn Decider>,
    /// The decision log.
    pub decisions: Arc<dyn DecisionStore>,
    /// Root fields that are put in order without a directive.
    pub rerank: rerank::Config,
    /// Seals the cursors of lists that are put in order.
    pub sealer: Sealer,
    /// Documents by hash and by id.
    pub persisted: Persisted,
    /// Identical queries that are on their way.
    pub share: Share,
    /// Products of look-ups that may be shown again.
    pub products: Products,
    /// How long a shopper's own browser may keep a personalized answer.
    pub caching: caching::Config,
    /// What answers tell of how they came about.
    pub debug: debug::Config,
}
