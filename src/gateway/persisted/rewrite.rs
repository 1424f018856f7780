//! A request that named its document, written anew with the document's text: the platform knows neither our hashes nor
//! the safelist.
//!
//! Only what the gateway itself has read is written: document, operation name, variables and extensions without
//! `persistedQuery`. Whatever else stood in the body or the query string stays here, so that under a safelist the
//! platform cannot be shown a second document in a place where this gateway did not look.

use crate::gateway::envelope::{Envelope, Method};
use crate::gateway::json::RawJson;
use bytes::Bytes;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// The longest query string that is sent; a longer one becomes a POST. Servers refuse addresses from 8 KiB on.
const LONGEST_QUERY: usize = 4096;

/// A request as it is sent on.
#[derive(Debug, PartialEq, Eq)]
pub struct Rewritten {
    /// GET or POST.
    pub method: http::Method,
    /// The query string of a GET.
    pub query: Option<String>,
    /// The JSON body of a POST.
    pub body: Bytes,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Wire<'a> {
    query: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    operation_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    variables: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    extensions: Option<Box<RawValue>>,
}

/// Writes a request with its text. Errors: what was read before can no longer be read, which is a bug.
pub fn rewrite(envelope: &Envelope) -> Result<Rewritten, serde_json::Error> {
    let wire = Wire {
        query: envelope.query.as_deref().unwrap_or_default(),
        operation_name: envelope.operation_name.as_deref(),
        variables: envelope.variables.as_ref().map(|raw| serde_json::from_slice(raw.as_bytes())).transpose()?,
        extensions: envelope.extensions.as_ref().map(without_hash).transpose()?.flatten(),
    };
    if envelope.method == Method::Get {
        let query = query_string(&wire);
        if query.len() <= LONGEST_QUERY {
            return Ok(Rewritten { method: http::Method::GET, query: Some(query), body: Bytes::new() });
        }
    }
    Ok(Rewritten { method: http::Method::POST, query: None, body: serde_json::to_vec(&wire)?.into() })
}

/// Extensions without `persistedQuery`; `None` where nothing is left.
fn without_hash(extensions: &RawJson) -> Result<Option<Box<RawValue>>, serde_json::Error> {
    let mut members: BTreeMap<String, &RawValue> = serde_json::from_slice(extensions.as_bytes())?;
    members.remove("persistedQuery");
    (!members.is_empty()).then(|| serde_json::value::to_raw_value(&members)).transpose()
}

fn query_string(wire: &Wire<'_>) -> String {
    let parameters = [
        ("query", Some(wire.query)),
        ("operationName", wire.operation_name),
        ("variables", wire.variables.map(RawValue::get)),
        ("extensions", wire.extensions.as_deref().map(RawValue::get)),
    ];
    let written = parameters.into_iter().filter_map(|(name, value)| Some((name, value?)));
    let written = written.map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC)));
    written.collect::<Vec<_>>().join("&")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::envelope;
    use crate::gateway::limits::Limits;
    use http::Request;

    fn posted(body: &str) -> Rewritten {
        let request = Request::post("/graphql").header("content-type", "application/json").body(()).unwrap();
        let read = envelope::read(&request.into_parts().0, &Bytes::from(body.to_owned()), &Limits::default());
        rewrite(&read.unwrap()).unwrap()
    }

    #[test]
    fn the_text_is_put_in_and_the_hash_taken_out() {
        let hash = "ab".repeat(32);
        let body = format!(
            r#"{{"doc_id":"x","query":"{{ \"a\" }}","variables":{{"b": [1]}},"operationName":"Q","extensions":{{"persistedQuery":{{"version":1,"sha256Hash":"{hash}"}},"trace":true}}}}"#
        );
        let sent = posted(&body);
        let expected =
            r#"{"query":"{ \"a\" }","operationName":"Q","variables":{"b": [1]},"extensions":{"trace":true}}"#;
        assert_eq!(std::str::from_utf8(&sent.body).unwrap(), expected);
        let alone = posted(&body.replace(",\"trace\":true", ""));
        assert!(!std::str::from_utf8(&alone.body).unwrap().contains("extensions"));
    }

    #[test]
    fn a_get_stays_one_unless_its_address_becomes_too_long() {
        let read = |uri: &str| {
            let request = Request::get(uri).body(()).unwrap();
            envelope::read(&request.into_parts().0, &Bytes::new(), &Limits::default()).unwrap()
        };
        let mut envelope = read("/graphql?query=%7Ba%7D&variables=%7B%22b%22%3A1%7D&x=1");
        let sent = rewrite(&envelope).unwrap();
        assert_eq!((sent.method, sent.body.len()), (http::Method::GET, 0));
        assert_eq!(sent.query.as_deref(), Some("query=%7Ba%7D&variables=%7B%22b%22%3A1%7D"));
        envelope.query = Some("{ a }".repeat(1000).into());
        let sent = rewrite(&envelope).unwrap();
        assert_eq!((sent.method, sent.query), (http::Method::POST, None));
        assert!(sent.body.ends_with(br#""variables":{"b":1}}"#));
    }
}
