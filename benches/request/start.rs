//! Start-up without the process around it: the full Shopify schema parsed, composed, and everything made that a gateway
//! answers from. `end_to_end` measures the process.

use super::shop::composed;
use criterion::Criterion;
use outfitter::gateway::introspect::Introspection;
use outfitter::gateway::personalize::{Personalization, Subgraph};
use outfitter::platform::Platform;
use outfitter::platform::shopify::{self, Shopify};

pub(crate) fn up(criterion: &mut Criterion) {
    let shopify = Shopify::open(&shopify::Config::default()).unwrap();
    let mut group = criterion.benchmark_group("start");
    group.sample_size(10);
    group.bench_function("compose the full Shopify schema", |bench| bench.iter(composed));
    group.bench_function("compose, introspection and subgraph", |bench| {
        bench.iter(|| {
            let composed = composed();
            let subgraph = Subgraph::new(shopify.entities(), &composed.upstream).unwrap();
            (Introspection::new(composed), subgraph, Personalization::new())
        });
    });
    group.finish();
}
