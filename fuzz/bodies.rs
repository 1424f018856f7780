//! What each fuzz target does with its bytes: the functions that meet untrusted bytes first, and what must hold of their
//! results. The targets in `fuzz_targets/` run them under libFuzzer; `tests/it/security/fuzzed.rs` runs them over the
//! corpus with the stable toolchain.

use apollo_compiler::ExecutableDocument;
use bytes::Bytes;
use outfitter::catalogue::Catalogue;
use outfitter::domain::consent::Consent;
use outfitter::domain::event::{Event, MAX_LINES};
use outfitter::domain::ids::ShopperKey;
use outfitter::gateway::compose::Composed;
use outfitter::gateway::documents::Documents;
use outfitter::gateway::envelope;
use outfitter::gateway::json::RawJson;
use outfitter::gateway::limits::Limits;
use outfitter::gateway::plan::{Branch, HIDDEN, Step, Trie};
use outfitter::gateway::rerank::Sealer;
use outfitter::gateway::variables::Variables;
use outfitter::gateway::{defer, personalize, splice};
use outfitter::ingest::{self, Beacon, Delivered, Deps, Form, Ingest, Learner};
use outfitter::platform;
use outfitter::platform::news::{Change, News, Webhooks};
use outfitter::store::MemoryStore;
use serde_json::Value;
use serde_json::value::RawValue;
use std::sync::{Arc, LazyLock};
use tokio::runtime::Runtime;

static DOCUMENTS: LazyLock<Documents> = LazyLock::new(|| {
    let platform = platform::open(&platform::Config::default()).unwrap();
    let demo = include_str!("../schema/demo.graphql");
    let composed = Composed::new(demo, &personalize::sdl(), platform.entities()).unwrap();
    Documents::new(Arc::new(composed), Limits::default(), Vec::new())
});

/// A document is classified and, each of its operations, planned. What goes to the platform is valid in its schema.
pub(super) fn document(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(classified) = DOCUMENTS.classify(&Arc::from(text)) else { return };
    let names = classified.operations.iter().map(|operation| operation.definition.name.as_ref());
    for name in names.map(|name| name.map(|name| name.as_str())).take(3) {
        for rerank in [false, true] {
            let Ok(plan) = DOCUMENTS.plan(&classified, name, rerank) else { continue };
            for step in &plan.steps {
                let Step::Upstream(fetch) = step else { continue };
                let schema = &DOCUMENTS.composed().upstream;
                let parsed = ExecutableDocument::parse_and_validate(schema, &fetch.document, "upstream.graphql");
                assert!(parsed.is_ok(), "{text}\nbecomes\n{}\n{}", fetch.document, parsed.unwrap_err());
            }
        }
    }
}

/// Variables are read for an operation that uses them in every way.
pub(super) fn variables(data: &[u8]) {
    const TEXT: &str = "query($i:Int=3,$p:String!,$ids:[ID!],$b:Boolean!,$c:CountryCode,$k:[ProductFilter!])
        @inContext(country:$c){ personalized @include(if:$b) { recommendations(placement:$p,first:$i,seeds:$ids)
        { items { product { title } } } } products(first:$i){ nodes { personalized { recommendations(exclude:$ids)
        { items { position } } } } } collection(handle:$p) { products(first:$i,filters:$k) { nodes { id } } } }";
    let Ok(raw) = RawJson::parse(Bytes::copy_from_slice(data)) else { return };
    let classified = DOCUMENTS.classify(&Arc::from(TEXT)).unwrap();
    let plan = DOCUMENTS.plan(&classified, None, false).unwrap();
    let Ok(variables) = Variables::new(Arc::clone(&plan), Some(&raw)) else { return };
    if variables.check(&DOCUMENTS.composed().schema).is_err() {
        return;
    }
    for variable in &plan.variables {
        variables.get(&variable.name);
    }
    for step in &plan.steps {
        if let Step::Upstream(fetch) = step {
            let object = format!("{{{}}}", variables.subset(&fetch.variables));
            assert!(serde_json::from_str::<&RawValue>(&object).is_ok(), "{object}");
        }
    }
}

/// Names that are interesting to [`splicer`]: `{ site list { site inner { site } } }`.
fn trie() -> Trie {
    let mut inner = Trie::default();
    inner.insert("site", Branch::Site(2));
    let mut list = Trie::default();
    list.insert("site", Branch::Site(1));
    list.insert("inner", Branch::Descend(inner));
    let mut trie = Trie::default();
    trie.insert("site", Branch::Site(0));
    trie.insert("list", Branch::Descend(list));
    trie
}

/// What an answer's data becomes: hidden members are cut, sites whose key is there wait to be filled.
fn expected(value: Value, trie: &Trie) -> Value {
    match value {
        Value::Array(items) => items.into_iter().map(|item| expected(item, trie)).collect(),
        Value::Object(members) => {
            let members = members.into_iter().filter_map(|(name, value)| match trie.get(&name) {
                None if name.strip_prefix(HIDDEN).is_some_and(|rest| rest.starts_with('_')) => None,
                Some(Branch::Descend(below)) => Some((name, expected(value, below))),
                Some(Branch::Site(_)) if value.is_string() || value.is_number() => Some((name, Value::Null)),
                _ => Some((name, value)),
            });
            Value::Object(members.collect())
        }
        other => other,
    }
}

/// An answer of the platform is scanned and written again: of valid JSON comes valid JSON, the same as a tree would give.
pub(super) fn splicer(data: &[u8]) {
    let body = Bytes::copy_from_slice(data);
    let trie = trie();
    let Ok(answer) = splice::answer(&body, &trie) else { return };
    let Some(fragment) = answer.data else { return };
    let mut out = Vec::new();
    splice::assemble(&[fragment], &[], 0, usize::MAX, &mut out);
    // The reference knows names by their meaning, the splicer by their bytes: the platform's names have no escapes.
    let escaped = data.windows(2).any(|pair| pair == b"\\u");
    let Ok(Value::Object(mut whole)) = serde_json::from_slice::<Value>(data) else { return };
    let spliced: Value =
        serde_json::from_slice(&out).unwrap_or_else(|error| panic!("{} becomes {}: {error}", show(data), show(&out)));
    if !escaped && !repeats(data) {
        let tree = expected(whole.remove("data").unwrap_or_default(), &trie);
        assert_eq!(spliced, tree, "{}", show(data));
    }
}

fn show(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Whether a tree of these bytes is smaller than they are: a member stands twice, and a tree keeps the last.
fn repeats(data: &[u8]) -> bool {
    let colons = |text: &[u8]| text.iter().filter(|byte| **byte == b':').count();
    let tree = serde_json::from_slice::<Value>(data).map(|value| value.to_string()).unwrap_or_default();
    colons(tree.as_bytes()) != colons(data)
}

/// A request is read. The first byte says how it comes: by GET, as JSON, as a document.
pub(super) fn envelope(data: &[u8]) {
    let Some((how, rest)) = data.split_first() else { return };
    let request = match how % 3 {
        0 => {
            let Ok(uri) = http::Uri::try_from([b"/graphql?", rest].concat()) else { return };
            http::Request::get(uri).body(())
        }
        1 => http::Request::post("/graphql").header("content-type", "application/json").body(()),
        _ => http::Request::post("/graphql").header("content-type", "application/graphql").body(()),
    };
    let (parts, ()) = request.unwrap().into_parts();
    let Ok(read) = envelope::read(&parts, &Bytes::copy_from_slice(rest), &Limits::default()) else { return };
    assert!(read.query.is_some() || read.persisted.is_some() || read.document_id.is_some());
    for raw in [read.variables, read.extensions].into_iter().flatten() {
        assert!(raw.to::<Box<RawValue>>().is_ok(), "what was read as JSON is JSON");
    }
    if let Some(left) = parts.uri.query().and_then(envelope::without_parameters) {
        // By the whole name: `ququery` is nobody's.
        assert!(left.split('&').all(|pair| pair.split('=').next() != Some("query")), "{left}");
    }
}

/// An answer is taken apart in all the ways there are.
pub(super) fn answer(data: &[u8]) {
    let body = Bytes::copy_from_slice(data);
    let whole = 0..body.len();
    for (path, _) in splice::errors_of(&body) {
        splice::as_client_sees(path);
    }
    splice::element(&body, &trie()).ok();
    if let Ok(answer) = splice::answer(&body, &trie()) {
        let shown = splice::shown(&body, &answer.marks, answer.errors.as_ref(), ["product", "a"]);
        assert!(splice::answer(&shown, &trie()).is_ok(), "what is shown of an answer is one");
    }
    splice::members_of(&body, whole.clone()).ok();
    splice::elements(&body, whole.clone(), &trie()).ok();
    splice::named(&body, whole.clone(), ["data", "path"]).ok();
    splice::value(&body, whole.clone(), &trie()).ok();
    for place in splice::places(&body, whole, 100).into_iter().flatten() {
        body.get(place).and_then(splice::text);
    }
}

/// A cursor that nobody sealed does not open.
pub(super) fn cursor(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let sealer = Sealer::new(&[7; 32]);
    assert!(sealer.open(text, b"list").is_err());
    assert!(sealer.open(&format!("ofc1.{text}"), b"list").is_err());
}

/// However a body of parts is cut, the same parts come out of it.
pub(super) fn multipart(data: &[u8]) {
    let Some((cut, body)) = data.split_first() else { return };
    let kind = "multipart/mixed; boundary=ab";
    let whole = defer::parts_of(kind, [body], 1000);
    let cut = defer::parts_of(kind, body.chunks(usize::from(*cut).max(1)), 1000);
    assert_eq!(whole, cut);
    if let Ok(text) = std::str::from_utf8(body) {
        defer::parts_of(text, [body], 1000);
    }
}

/// Nobody learns.
struct Nobody;

impl Learner for Nobody {
    fn learn(&self, _: &ShopperKey, _: &[Event]) {}

    fn forget(&self, _: &ShopperKey) {}

    fn forget_everyone(&self) {}
}

/// Ingest over a store in memory, before a catalogue that knows nothing yet and so refuses no product.
static INGEST: LazyLock<(Runtime, Arc<Ingest>)> = LazyLock::new(|| {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let store = Arc::new(MemoryStore::default());
    let deps = Deps {
        platform: platform::open(&platform::Config::default()).unwrap(),
        customers: None,
        store: store.clone(),
        decisions: store.clone(),
        shop: store,
        catalogue: Arc::new(Catalogue::default()),
        learner: Arc::new(Nobody),
    };
    let mut config = ingest::Config { default_consent: Consent::ALL, ..ingest::Config::default() };
    // The samples are of some day; no shopper is too quick.
    config.events.max_age = std::time::Duration::from_secs(100 * 365 * 86_400);
    (config.events.burst, config.events.per_minute) = (u32::MAX, u32::MAX);
    let ingest = runtime.block_on(async { Ingest::new(config, deps).unwrap() });
    (runtime, ingest)
});

/// Webhooks of every platform, proof aside.
static PLATFORMS: LazyLock<[(&str, Box<dyn Webhooks>); 3]> = LazyLock::new(|| {
    let kept = platform::kept_consent::Attribute::parse("custom.consent");
    let adobe = platform::adobe::webhook::Config { client: Some("client-1".to_owned()), ..Default::default() };
    [
        (
            "shopify",
            Box::new(platform::shopify::webhook::ShopifyWebhooks::open(&Default::default(), kept.as_ref()).unwrap()),
        ),
        (
            "bigcommerce",
            Box::new(platform::bigcommerce::webhook::BigcommerceWebhooks::open(&Default::default()).unwrap()),
        ),
        ("adobe", Box::new(platform::adobe::webhook::AdobeWebhooks::open(&adobe, kept.as_ref()).unwrap())),
    ]
});

/// A webhook's body is read and done. The first line says whose it is and its topic: `shopify orders/create`.
pub(super) fn webhook(data: &[u8]) {
    let at = data.iter().position(|byte| *byte == b'\n').unwrap_or(data.len());
    let (line, body) = data.split_at(at);
    let body = body.get(1..).unwrap_or_default();
    let line = std::str::from_utf8(line).unwrap_or_default();
    let (name, topic) = line.split_once(' ').unwrap_or((line, ""));
    let mut headers = http::HeaderMap::new();
    if let Ok(value) = http::HeaderValue::from_str(topic) {
        headers.insert("x-shopify-topic", value);
    }
    if topic == "own" {
        headers.insert("x-adobe-commerce-webhook-signature", http::HeaderValue::from_static("-"));
    }
    let now = "2026-11-28T12:00:00Z".parse().unwrap();
    // What names no platform goes to all of them.
    let named = PLATFORMS.iter().any(|(own, _)| *own == name);
    for (_, platform) in PLATFORMS.iter().filter(|(own, _)| !named || *own == name) {
        // Whoever cannot sign is not believed, whatever the bytes.
        assert!(platform.prove(&headers, body, now).is_err());
        let Ok(delivery) = platform.read(&headers, body, now) else { continue };
        for news in &delivery.news {
            match news {
                News::Did(_, event) => assert!(event.lines.len() <= MAX_LINES && event.id.as_str().len() <= 300),
                News::Catalogue(Change::Product(product)) => {
                    assert!(product.text.as_ref().is_none_or(|text| text.chars().count() <= 2_000));
                    assert!(product.tags.as_ref().is_none_or(|tags| tags.len() <= 2_048));
                }
                _ => {}
            }
        }
        let (runtime, ingest) = &*INGEST;
        runtime.block_on(ingest.backfill(&delivery.news, &mut Delivered::default())).unwrap();
    }
}

/// A beacon is read and taken. The first line is the path below `/events` with its query: `/v1/batch`, `/?form=ga4`.
pub(super) fn beacon(data: &[u8]) {
    let at = data.iter().position(|byte| *byte == b'\n').unwrap_or(data.len());
    let (line, body) = data.split_at(at);
    let body = body.get(1..).unwrap_or_default();
    let line = String::from_utf8_lossy(line);
    let (path, query) = line.split_once('?').unwrap_or((&line, ""));
    let form = query.strip_prefix("form=").and_then(Form::named).or_else(|| Form::named(path));
    let beacon = Beacon { form, query: query.to_owned(), body: Bytes::copy_from_slice(body), ..Beacon::default() };
    let (runtime, ingest) = &*INGEST;
    let Ok(taken) = runtime.block_on(ingest.beacon(&beacon)) else { return };
    assert!(taken.outcomes.len() <= ingest::beacon::MOST && taken.accepted <= taken.outcomes.len());
    for became in &taken.outcomes {
        assert!(became.id.chars().count() <= 128, "{}", became.id);
        assert_eq!(became.code.is_none(), became.outcome == "ACCEPTED");
    }
}
