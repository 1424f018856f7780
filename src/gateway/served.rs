//! What a gateway has made of the shop's schema: made once for each schema, shared by all requests that began under it.

use super::compose::Composed;
use super::documents::Documents;
use super::introspect::Introspection;
use super::limits::Limits;
use super::modules::Modules;
use super::personalize::Subgraph;
use super::personalize::subgraph::SubgraphError;
use std::sync::Arc;

/// Everything that depends on the schema, swapped as a whole.
pub(super) struct Served {
    pub(super) documents: Documents,
    pub(super) introspection: Arc<Introspection>,
    /// For federation routers; kept with its error, so that a schema without a subgraph is served all the same.
    pub(super) subgraph: Result<Subgraph, SubgraphError>,
}

impl Served {
    pub(super) fn new(composed: Arc<Composed>, limits: &Limits, modules: &Modules) -> Self {
        let subgraph = Subgraph::new(modules.platform.entities(), &composed.upstream);
        let introspection = Arc::new(Introspection::new(Arc::clone(&composed)));
        let documents = Documents::new(composed, limits.clone(), modules.rerank.clone());
        let documents = documents.with_customers(modules.platform.customer_names());
        Self { documents, introspection, subgraph }
    }
}
