//! A document that nobody has sent before: parsed, validated against the full Shopify schema, planned, and what is sent
//! to the platform validated too.

use super::shop::{PRODUCT, composed, documents};
use criterion::{BatchSize, Criterion};
use std::sync::Arc;

pub(crate) fn cold(criterion: &mut Criterion) {
    let composed = composed();
    let text: Arc<str> = PRODUCT.into();
    let mut group = criterion.benchmark_group("plan");
    group.bench_function("cold, a product page with recommendations", |bench| {
        bench.iter_batched(
            || {
                let documents = documents(&composed);
                let document = documents.classify(&text).unwrap();
                (documents, document)
            },
            |(documents, document)| {
                let plan = documents.plan(&document, None, false).unwrap();
                (documents, document, plan)
            },
            BatchSize::SmallInput,
        );
    });
    group.bench_function("classify before it, cold", |bench| {
        bench.iter_batched(
            || documents(&composed),
            |documents| {
                let document = documents.classify(&text).unwrap();
                (documents, document)
            },
            BatchSize::SmallInput,
        );
    });
    group.finish();
}
