//! A document that is known: found by its text, and with the envelope read around it.

use super::shop::{PRODUCT, composed, documents};
use bytes::Bytes;
use criterion::Criterion;
use http::header::{ACCEPT, CONTENT_TYPE};
use outfitter::gateway::envelope;
use outfitter::gateway::limits::Limits;
use std::hint::black_box;
use std::sync::Arc;

const BYTES: usize = 1024;

pub(crate) fn hit(criterion: &mut Criterion) {
    let documents = documents(&composed());
    let text: Arc<str> = format!("{PRODUCT}{}", "#".repeat(BYTES - PRODUCT.len())).into();
    documents.classify(&text).unwrap();
    let mut group = criterion.benchmark_group("classify");
    group.bench_function("hit, 1 KB", |bench| bench.iter(|| documents.classify(black_box(&text)).unwrap()));

    let body: Bytes =
        serde_json::json!({ "query": &*text, "operationName": "Product", "variables": { "handle": "tee" } })
            .to_string()
            .into();
    let request = http::Request::post("/graphql").header(CONTENT_TYPE, "application/json");
    let (parts, ()) = request.header(ACCEPT, "application/json").body(()).unwrap().into_parts();
    let limits = Limits::default();
    group.bench_function("envelope of the same, read from JSON, and hit", |bench| {
        bench.iter(|| {
            let envelope = envelope::read(&parts, black_box(&body), &limits).unwrap();
            documents.classify(&envelope.query.unwrap()).unwrap()
        });
    });
    group.finish();
}
