//! What a name stands for, setting by setting.

use super::*;
use crate::gateway::classify::classify;
use crate::gateway::envelope;
use bytes::Bytes;
use http::Request;
use serde_json::{Value, json};
use std::collections::HashSet;

const TEXT: &str = "query Q { a }";

fn persisted(config: &Config) -> Persisted {
    Persisted::open(config, &Limits::default(), Remembered::new(config.memory.as_u64())).unwrap()
}

fn with_safelist(enforce: Enforce, introspection: bool) -> (tempfile::TempDir, Persisted) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("map.json");
    std::fs::write(&path, json!({ "q-1": TEXT }).to_string()).unwrap();
    let config = Config { safelist: vec![path], enforce, introspection, ..Config::default() };
    let persisted = persisted(&config);
    (folder, persisted)
}

fn envelope(query: Option<&str>, hash: Option<[u8; 32]>) -> Envelope {
    let extensions = hash.map(|hash| json!({"persistedQuery": {"version": 1, "sha256Hash": hex::encode(hash)}}));
    read(&json!({"query": query, "extensions": extensions}))
}

fn read(body: &Value) -> Envelope {
    let request = Request::post("/graphql").header("content-type", "application/json").body(()).unwrap();
    envelope::read(&request.into_parts().0, &Bytes::from(body.to_string()), &Limits::default()).unwrap()
}

/// The text that is served.
fn served(persisted: &Persisted, mut envelope: Envelope) -> Result<(Named, Option<String>), RequestError> {
    let named = persisted.name(&mut envelope)?;
    if let Some(text) = &envelope.query {
        let document = classify(Arc::clone(text), &HashSet::new(), &[], &Limits::default())?;
        persisted.admit(named, &document)?;
    }
    Ok((named, envelope.query.map(|text| text.to_string())))
}

#[test]
fn a_document_is_known_by_its_hash_once_it_was_shown() {
    let persisted = persisted(&Config::default());
    let hash = sha256(TEXT);
    assert!(matches!(served(&persisted, envelope(None, Some(hash))), Err(RequestError::PersistedNotFound)));
    assert_eq!(served(&persisted, envelope(Some(TEXT), Some(hash))).unwrap().1.as_deref(), Some(TEXT));
    let (named, text) = served(&persisted, envelope(None, Some(hash))).unwrap();
    assert_eq!((named.rewrite, text.as_deref()), (true, Some(TEXT)));
    assert!(!served(&persisted, envelope(Some(TEXT), None)).unwrap().0.rewrite, "what came whole is sent as it came");
}

#[test]
fn nobody_puts_a_document_in_anothers_place() {
    let persisted = persisted(&Config::default());
    let hash = sha256(TEXT);
    let other = served(&persisted, envelope(Some("{ other }"), Some(hash)));
    assert!(matches!(other, Err(RequestError::PersistedMismatch)));
    assert!(matches!(served(&persisted, envelope(None, Some(hash))), Err(RequestError::PersistedNotFound)));
}

#[test]
fn what_breaks_a_limit_or_does_not_parse_is_not_remembered() {
    let persisted = persisted(&Config::default());
    let deep = format!("{}a{}", "{a".repeat(200), "}".repeat(200));
    assert!(matches!(served(&persisted, envelope(Some(&deep), Some(sha256(&deep)))), Err(RequestError::Limit(_))));
    let broken = "query Q { a ";
    assert!(served(&persisted, envelope(Some(broken), Some(sha256(broken)))).is_ok());
    for text in [deep.as_str(), broken] {
        let asked = served(&persisted, envelope(None, Some(sha256(text))));
        assert!(matches!(asked, Err(RequestError::PersistedNotFound)), "{text}");
    }
}

#[test]
fn memory_is_bounded_and_what_is_used_outlives_a_flood() {
    let remembered = Remembered::new(64 * 1024);
    remembered.insert(sha256(TEXT), TEXT.into());
    for at in 0..5000 {
        let text = format!("query Flood{at} {{ {} }}", "a ".repeat(200));
        remembered.insert(sha256(&text), text.into());
        assert!(at % 10 != 0 || remembered.get(&sha256(TEXT)).is_some(), "driven out after {at}");
    }
    assert!(remembered.bytes() <= 64 * 1024, "{}", remembered.bytes());
}

#[test]
fn hashes_are_the_platforms_or_nobodys_where_the_shop_says_so() {
    let hash = sha256(TEXT);
    let upstream = persisted(&Config { automatic: Automatic::Upstream, ..Config::default() });
    assert_eq!(served(&upstream, envelope(None, Some(hash))).unwrap(), (Named::default(), None));
    assert!(!served(&upstream, envelope(Some(TEXT), Some(hash))).unwrap().0.rewrite);
    let off = persisted(&Config { automatic: Automatic::Off, ..Config::default() });
    assert!(matches!(served(&off, envelope(None, Some(hash))), Err(RequestError::PersistedUnsupported)));
    assert!(served(&off, envelope(Some(TEXT), Some(hash))).unwrap().0.rewrite, "the platform is not asked to keep it");
    assert!(matches!(served(&off, envelope(None, Some(hash))), Err(RequestError::PersistedUnsupported)));
}

#[test]
fn under_enforcement_a_registered_document_alone_is_served_however_it_is_named() {
    let (_folder, persisted) = with_safelist(Enforce::On, false);
    let hash = sha256(TEXT);
    let by_id = read(&json!({"documentId": "q-1"}));
    let by_hash_id = read(&json!({"documentId": format!("sha256:{}", hex::encode(hash))}));
    for envelope in [envelope(None, Some(hash)), by_id, by_hash_id, envelope(Some("query Q{a} #!"), None)] {
        let (named, text) = served(&persisted, envelope).unwrap();
        assert_eq!((named.rewrite, text.as_deref()), (true, Some(TEXT)));
    }
    let others = [
        envelope(Some("query Q { b }"), None),
        envelope(Some("query Q { b }"), Some(sha256("query Q { b }"))),
        envelope(None, Some([1; 32])),
        read(&json!({"documentId": "q-2"})),
        envelope(Some("{ __schema { queryType { name } } }"), None),
    ];
    for envelope in others {
        assert!(matches!(served(&persisted, envelope), Err(RequestError::NotRegistered)));
    }
}

#[test]
fn what_was_remembered_before_enforcement_is_not_served_under_it() {
    let (folder, _) = with_safelist(Enforce::Off, false);
    let remembered = Remembered::new(1 << 20);
    let text = "query Q { b }";
    remembered.insert(sha256(text), text.into());
    let config = Config { safelist: vec![folder.path().join("map.json")], enforce: Enforce::On, ..Config::default() };
    let persisted = Persisted::open(&config, &Limits::default(), remembered).unwrap();
    let asked = served(&persisted, envelope(None, Some(sha256(text))));
    assert!(matches!(asked, Err(RequestError::NotRegistered)));
}

#[test]
fn introspection_is_served_where_it_is_allowed_and_nothing_beside_it() {
    let (_folder, persisted) = with_safelist(Enforce::On, true);
    assert!(served(&persisted, envelope(Some("{ __schema { queryType { name } } }"), None)).is_ok());
    for text in
        ["{ __typename a }", "{ ...F } fragment F on Query { a }", "{ __schema { types { name } } } query B { b }"]
    {
        let asked = served(&persisted, envelope(Some(text), None));
        assert!(matches!(asked, Err(RequestError::NotRegistered)), "{text}");
    }
}

#[test]
fn before_enforcement_everything_is_served_as_it_came() {
    for enforce in [Enforce::Off, Enforce::Log] {
        let (_folder, persisted) = with_safelist(enforce, false);
        for text in ["query Q{a}", "query Q { b }"] {
            let (named, served) = served(&persisted, envelope(Some(text), None)).unwrap();
            assert_eq!((named.rewrite, served.as_deref()), (false, Some(text)));
        }
        assert!(matches!(served(&persisted, read(&json!({"documentId": "q-2"}))), Err(RequestError::NotRegistered)));
    }
    let none = persisted(&Config::default());
    assert!(matches!(served(&none, read(&json!({"documentId": "q-1"}))), Err(RequestError::MissingQuery)));
}

#[test]
fn enforcement_without_documents_ends_the_start() {
    let config = Config { enforce: Enforce::On, ..Config::default() };
    let error = Persisted::open(&config, &Limits::default(), Remembered::new(1)).unwrap_err().to_string();
    assert!(error.contains("persisted.safelist") && error.contains("every request would be refused"), "{error}");
}
