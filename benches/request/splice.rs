//! An answer of 63 KB with 20 places of ours: scanned along the plan's trie, filled, written out.

use super::shop::{composed, documents};
use bytes::Bytes;
use criterion::Criterion;
use outfitter::gateway::plan::Step;
use outfitter::gateway::splice::{self, Fragment};
use std::hint::black_box;
use std::sync::Arc;

const BYTES: usize = 63 * 1024;
const SITES: usize = 20;

const COLLECTION: &str = r#"{ collection(handle: "tops") { products(first: 20) { nodes { id title description
  variants(first: 10) { nodes { id title price { amount currencyCode } } } personalized { affinity } } } } }"#;

/// The platform's answer to the planned document.
fn answer() -> Bytes {
    let product = |n: usize| {
        let variant = |v: usize| {
            format!(
                r#"{{"id":"gid:\/\/shopify\/ProductVariant\/{n}{v}","title":"Small \/ Red","price":{{"amount":"12.0","currencyCode":"EUR"}}}}"#
            )
        };
        let variants = (0..10).map(variant).collect::<Vec<_>>().join(",");
        let head = format!(r#"{{"id":"gid:\/\/shopify\/Product\/{n}","title":"Product {n}","description":""#);
        let tail = format!(r#"","variants":{{"nodes":[{variants}]}},"personalized":"gid:\/\/shopify\/Product\/{n}"}}"#);
        let text = "Plain \\\"words\\\" that describe it. ".repeat(BYTES);
        let room = BYTES / SITES - head.len() - tail.len() - 1;
        let text = text[..room].trim_end_matches('\\');
        format!("{head}{text}{tail}")
    };
    let products = (0..SITES).map(product).collect::<Vec<_>>().join(",");
    format!(r#"{{"data":{{"collection":{{"products":{{"nodes":[{products}]}}}}}}}}"#).into()
}

pub(crate) fn collection(criterion: &mut Criterion) {
    let documents = documents(&composed());
    let document = documents.classify(&Arc::from(COLLECTION)).unwrap();
    let plan = documents.plan(&document, None, false).unwrap();
    let [Step::Upstream(fetch)] = &plan.steps[..] else { unreachable!("a query is one step") };
    let body = answer();
    let ours = Bytes::from_static(br#"{"affinity":0.5}"#);
    let mut group = criterion.benchmark_group("splice");
    group.bench_function(format!("{} bytes with {SITES} sites", body.len()), |bench| {
        bench.iter(|| {
            let scanned = splice::answer(black_box(&body), &fetch.trie).unwrap();
            let mut fragments = vec![scanned.data.unwrap()];
            let holes = fragments[0].holes.len();
            assert_eq!(holes, SITES);
            for hole in 0..holes {
                fragments.push(Fragment::whole(ours.clone()));
                fragments[0].holes[hole].fill = Some(hole + 1);
            }
            let mut out = Vec::with_capacity(16 * 1024);
            assert!(splice::assemble(&fragments, &plan.sites, 0, usize::MAX, &mut out));
            out
        });
    });
    group.finish();
}
