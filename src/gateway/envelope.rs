//! The envelope of a GraphQL request over HTTP: document, operation name, variables, extensions, what is accepted.
//!
//! The first stage of a request and the most frequent one, so it builds no tree: the four parameters are found in one
//! pass, the document is unescaped once, variables and extensions stay slices of the body until a plan needs them. It is
//! also the first to meet hostile bytes: everything here is iterative, and nesting is measured before anything parses.
//! Source: GraphQL over HTTP, <https://graphql.github.io/graphql-over-http/draft/>, with `application/graphql` beside it.

pub use super::accept::{Accept, Media};
use super::error::RequestError;
use super::json::{self, RawJson};
use super::limits::Limits;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::sync::Arc;

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Envelope {
    /// The document. `None` only where [`Envelope::persisted`] or [`Envelope::document_id`] names it.
    pub query: Option<Arc<str>>,
    /// Which operation of the document. Empty counts as absent, as clients send it so.
    pub operation_name: Option<Box<str>>,
    /// A JSON object, as sent; nested at most `limits.variables_depth` levels.
    pub variables: Option<RawJson>,
    /// A JSON object, as sent.
    pub extensions: Option<RawJson>,
    /// The SHA-256 in `extensions.persistedQuery`.
    pub persisted: Option<[u8; 32]>,
    /// The `documentId` of a registered document; read only where there is no document.
    pub document_id: Option<Box<str>>,
    /// A mutation is refused by GET.
    pub method: Method,
    /// What the client takes as an answer.
    pub accept: Accept,
}

/// The two methods of GraphQL over HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Parameters in the URL; queries only.
    Get,
    /// Parameters in the body.
    Post,
}

/// Reads a request. The body has been held to `limits.body` where it was collected.
///
/// Errors: [`RequestError`]; answer them in the media type of [`Accept::of`], which never fails for errors.
pub fn read(parts: &Parts, body: &Bytes, limits: &Limits) -> Result<Envelope, RequestError> {
    let method = match parts.method {
        http::Method::GET => Method::Get,
        http::Method::POST => Method::Post,
        _ => return Err(RequestError::Method),
    };
    let accept = Accept::read(&parts.headers)?;
    let parameters = match method {
        Method::Get => from_url(parts.uri.query().unwrap_or_default())?,
        Method::Post => from_body(parts, body)?,
    };
    let variables = checked(parameters.variables, "variables", limits)?;
    let extensions = checked(parameters.extensions, "extensions", limits)?;
    let persisted = extensions.as_ref().map(hash).transpose()?.flatten();
    // Some clients write an empty text beside a hash.
    let named = persisted.is_some() || parameters.document_id.is_some();
    let query = parameters.query.filter(|query| !named || !query.is_empty());
    if query.is_none() && !named {
        return Err(RequestError::MissingQuery);
    }
    Ok(Envelope {
        document_id: parameters.document_id.filter(|_| query.is_none()),
        query,
        operation_name: parameters.operation_name.filter(|name| !name.is_empty()),
        variables,
        extensions,
        persisted,
        method,
        accept,
    })
}

/// The parameters before they are checked.
#[derive(Default)]
struct Parameters {
    query: Option<Arc<str>>,
    operation_name: Option<Box<str>>,
    variables: Option<RawJson>,
    extensions: Option<RawJson>,
    document_id: Option<Box<str>>,
}

/// The body, by its content type.
fn from_body(parts: &Parts, body: &Bytes) -> Result<Parameters, RequestError> {
    let value = parts.headers.get(CONTENT_TYPE).ok_or(RequestError::MediaType)?;
    let value = value.to_str().map_err(|_| RequestError::MediaType)?;
    let mut pieces = value.split(';').map(str::trim);
    let media = pieces.next().unwrap_or_default();
    let utf8 = pieces.filter_map(|piece| piece.split_once('=')).all(|(name, value)| {
        !name.trim().eq_ignore_ascii_case("charset")
            || ["utf-8", "utf8"].iter().any(|utf8| value.trim().trim_matches('"').eq_ignore_ascii_case(utf8))
    });
    let is_json = media.eq_ignore_ascii_case("application/json");
    if !is_json && !media.eq_ignore_ascii_case("application/graphql") {
        return Err(RequestError::MediaType);
    }
    if !utf8 {
        return Err(RequestError::Charset);
    }
    let text = std::str::from_utf8(body).map_err(|_| RequestError::Utf8)?;
    // Some clients write a byte order mark; JSON allows a reader to pass over it.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if is_json {
        return from_json(text, body);
    }
    let query = (!text.trim_ascii().is_empty()).then(|| text.into());
    Ok(Parameters { query, ..Parameters::default() })
}

/// The wire form. Values stay raw, so that a wrong type is told by name and nothing is built.
#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(borrow)]
    query: Option<&'a RawValue>,
    #[serde(borrow, rename = "operationName")]
    operation_name: Option<&'a RawValue>,
    #[serde(borrow)]
    variables: Option<&'a RawValue>,
    #[serde(borrow)]
    extensions: Option<&'a RawValue>,
    #[serde(borrow, rename = "documentId")]
    document_id: Option<&'a RawValue>,
}

/// A JSON object with the parameters; others are ignored.
fn from_json(text: &str, body: &Bytes) -> Result<Parameters, RequestError> {
    match text.trim_ascii_start().as_bytes().first() {
        Some(b'[') => return Err(RequestError::Batch),
        // serde would read a struct from other shapes with a message about its own names.
        Some(b'{') => {}
        _ => return Err(RequestError::Json { reason: "expected an object".into(), line: 1, column: 1 }),
    }
    let wire: Wire<'_> = serde_json::from_str(text).map_err(|error| unreadable(&error))?;
    Ok(Parameters {
        query: wire.query.map(|raw| string(raw, "query")).transpose()?.map(Arc::from),
        operation_name: wire.operation_name.map(|raw| string(raw, "operationName")).transpose()?.map(Box::from),
        variables: wire.variables.map(|raw| RawJson::within(body, raw)),
        extensions: wire.extensions.map(|raw| RawJson::within(body, raw)),
        // Not one of the four parameters: of another type it is somebody else's.
        document_id: wire.document_id.and_then(|raw| string(raw, "documentId").ok()).map(Box::from),
    })
}

/// The text of a JSON string.
fn string<'a>(raw: &'a RawValue, name: &'static str) -> Result<Cow<'a, str>, RequestError> {
    let text = raw.get();
    if !text.starts_with('"') {
        return Err(RequestError::Parameter { name, expected: "a string" });
    }
    // Without an escape the string is its own text.
    if memchr::memchr(b'\\', text.as_bytes()).is_none() {
        return Ok(Cow::Borrowed(&text[1..text.len() - 1]));
    }
    serde_json::from_str(text).map(Cow::Owned).map_err(|error| unreadable(&error))
}

/// What serde_json says, in our words.
fn unreadable(error: &serde_json::Error) -> RequestError {
    let reason = match error.classify() {
        serde_json::error::Category::Eof => "it ends too early",
        serde_json::error::Category::Data => "a parameter stands in it twice",
        _ => "unexpected character",
    };
    RequestError::Json { reason: reason.into(), line: error.line(), column: error.column() }
}

/// The parameters of a GET. Others (`operation`, `type`, `cb`, …) are ignored. One that stands twice is refused: the
/// platform gets the same URL and may take the other of the two.
fn from_url(query: &str) -> Result<Parameters, RequestError> {
    let mut found = Parameters::default();
    for (name, value) in query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, ""))) {
        let Some(name) = parameter(name).filter(|_| !value.is_empty()) else { continue };
        let again = match name {
            "query" => found.query.replace(decoded(value)?.into()).is_some(),
            "operationName" => found.operation_name.replace(decoded(value)?.into()).is_some(),
            "variables" => found.variables.replace(raw(value)?).is_some(),
            "documentId" => found.document_id.replace(decoded(value)?.into()).is_some(),
            _ => found.extensions.replace(raw(value)?).is_some(),
        };
        if again {
            return Err(RequestError::Parameter { name, expected: "given once" });
        }
    }
    Ok(found)
}

/// The parameter of GraphQL that a name in a URL stands for, also where it is percent-encoded.
fn parameter(name: &str) -> Option<&'static str> {
    const NAMES: [&str; 5] = ["query", "operationName", "variables", "documentId", "extensions"];
    let is = |known: &&str| percent_encoding::percent_decode_str(name).eq(known.bytes());
    NAMES.into_iter().find(is)
}

/// A query string without the parameters of GraphQL: those of a POST stand in its body, and a platform that reads the
/// URL too would serve what nobody here has looked at. `None` where nothing is left.
pub fn without_parameters(query: &str) -> Option<Cow<'_, str>> {
    let is_ours = |pair: &&str| parameter(pair.split('=').next().unwrap_or_default()).is_some();
    if !query.split('&').any(|pair| is_ours(&pair)) {
        return Some(Cow::Borrowed(query));
    }
    let left = query.split('&').filter(|pair| !is_ours(pair)).collect::<Vec<_>>().join("&");
    (!left.is_empty()).then_some(Cow::Owned(left))
}

/// The value of a form parameter: `+` is a space, `%xx` a byte, the whole UTF-8.
fn decoded(value: &str) -> Result<String, RequestError> {
    let spaced = value.replace('+', " ");
    let text = percent_encoding::percent_decode_str(&spaced).decode_utf8().map_err(|_| RequestError::Utf8)?;
    Ok(text.into_owned())
}

/// A JSON parameter of a GET, checked to be JSON.
fn raw(value: &str) -> Result<RawJson, RequestError> {
    RawJson::parse(decoded(value)?.into()).map_err(|error| unreadable(&error))
}

/// An object within the limit of nesting; `null` is absent.
fn checked(raw: Option<RawJson>, name: &'static str, limits: &Limits) -> Result<Option<RawJson>, RequestError> {
    let Some(raw) = raw.filter(|raw| raw.as_bytes() != b"null") else { return Ok(None) };
    if !raw.is_object() {
        return Err(RequestError::Parameter { name, expected: "an object" });
    }
    if json::exceeds(raw.as_bytes(), limits.variables_depth) {
        return Err(RequestError::Nesting { name, limit: limits.variables_depth });
    }
    Ok(Some(raw))
}

/// What of `extensions` is read here.
#[derive(Deserialize)]
struct Extensions {
    #[serde(rename = "persistedQuery")]
    persisted: Option<Persisted>,
}

/// `extensions.persistedQuery`, as Apollo clients send it.
#[derive(Deserialize)]
struct Persisted {
    version: u32,
    #[serde(rename = "sha256Hash")]
    hash: String,
}

/// The hash of a persisted query, where `extensions` names one.
fn hash(extensions: &RawJson) -> Result<Option<[u8; 32]>, RequestError> {
    if memchr::memmem::find(extensions.as_bytes(), b"persistedQuery").is_none() {
        return Ok(None);
    }
    const WRONG: RequestError = RequestError::Parameter {
        name: "extensions.persistedQuery",
        expected: "an object with \"version\": 1 and \"sha256Hash\" of 64 hexadecimal digits",
    };
    let extensions: Extensions = extensions.to().map_err(|_| WRONG)?;
    let Some(persisted) = extensions.persisted else { return Ok(None) };
    let mut bytes = [0; 32];
    if persisted.version != 1 || hex::decode_to_slice(&persisted.hash, &mut bytes).is_err() {
        return Err(WRONG);
    }
    Ok(Some(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    fn post(content_type: &str, body: &[u8]) -> Result<Envelope, RequestError> {
        let request = Request::post("/graphql").header(CONTENT_TYPE, content_type).body(()).unwrap();
        read(&request.into_parts().0, &Bytes::copy_from_slice(body), &Limits::default())
    }

    fn json(body: &str) -> Result<Envelope, RequestError> {
        post("application/json", body.as_bytes())
    }

    fn get(uri: &str) -> Result<Envelope, RequestError> {
        let request = Request::get(uri).header(CONTENT_TYPE, "application/json").body(()).unwrap();
        read(&request.into_parts().0, &Bytes::new(), &Limits::default())
    }

    #[test]
    fn the_parameters_of_a_json_body_are_read() {
        let envelope = json(
            r#" {"extra":[{}],"query":"query Q {\n a(b: \"c\") }","operationName":"Q","variables":{"a":[1]},"extensions":null}"#,
        )
        .unwrap();
        assert_eq!(envelope.query.as_deref(), Some("query Q {\n a(b: \"c\") }"));
        assert_eq!(envelope.operation_name.as_deref(), Some("Q"));
        assert_eq!(envelope.variables.unwrap().as_bytes(), br#"{"a":[1]}"#);
        assert!(envelope.extensions.is_none());
        assert_eq!(envelope.method, Method::Post);
        assert!(json(r#"{"query":"{a}","operationName":""}"#).unwrap().operation_name.is_none());
    }

    #[test]
    fn a_document_can_be_the_body_itself() {
        let envelope = post("application/graphql; charset=utf-8", b"{ a }").unwrap();
        assert_eq!(envelope.query.as_deref(), Some("{ a }"));
        assert!(matches!(post("application/graphql", b"  "), Err(RequestError::MissingQuery)));
    }

    #[test]
    fn the_parameters_of_a_get_are_read_and_others_ignored() {
        let envelope =
            get("/graphql?cb=1&query=%7B+a%20%7D&variables=%7B%22a%22%3A1%7D&operationName=&type=x").unwrap();
        assert_eq!(envelope.query.as_deref(), Some("{ a }"));
        assert_eq!(envelope.variables.unwrap().as_bytes(), br#"{"a":1}"#);
        assert_eq!(envelope.method, Method::Get);
        assert!(matches!(get("/graphql"), Err(RequestError::MissingQuery)));
        assert!(matches!(get("/graphql?query=%ff"), Err(RequestError::Utf8)));
        assert!(matches!(get("/graphql?query=a&variables=nonsense"), Err(RequestError::Json { .. })));
        assert!(matches!(
            get("/graphql?query=a&variables=[1]"),
            Err(RequestError::Parameter { name: "variables", .. })
        ));
    }

    #[test]
    fn a_parameter_that_stands_twice_in_a_url_is_refused_however_it_is_written() {
        for uri in ["/graphql?query=%7Ba%7D&query=mutation%7Bb%7D", "/graphql?query=%7Ba%7D&%71uery=mutation%7Bb%7D"] {
            let error = get(uri).unwrap_err();
            assert!(matches!(error, RequestError::Parameter { name: "query", .. }), "{uri}: {error}");
        }
        assert_eq!(get("/graphql?%71uery=%7Ba%7D").unwrap().query.as_deref(), Some("{a}"));
    }

    #[test]
    fn parameters_in_the_url_of_a_post_are_left_out() {
        assert_eq!(without_parameters("operation=Q&cb=1").as_deref(), Some("operation=Q&cb=1"));
        assert_eq!(without_parameters("cb=1&%71uery=mutation%7Bb%7D&variables=x").as_deref(), Some("cb=1"));
        assert_eq!(without_parameters("query=a"), None);
    }

    #[test]
    fn what_is_no_request_is_refused_by_name() {
        assert!(matches!(post("text/plain", b"{}"), Err(RequestError::MediaType)));
        assert!(matches!(post("application/json; charset=latin1", b"{}"), Err(RequestError::Charset)));
        assert!(matches!(post("application/json", b"{\"query\":\"\xff\"}"), Err(RequestError::Utf8)));
        assert!(matches!(json(""), Err(RequestError::Json { .. })));
        assert!(matches!(json("{\"query\":"), Err(RequestError::Json { .. })));
        assert!(matches!(json(r#"{"query":"{a}","query":"{b}"}"#), Err(RequestError::Json { .. })));
        assert!(matches!(json(r#"[{"query":"{a}"}]"#), Err(RequestError::Batch)));
        assert!(matches!(json("{}"), Err(RequestError::MissingQuery)));
        assert!(matches!(json(r#"{"query":"\ud800"}"#), Err(RequestError::Json { .. })));
        for wrong in ["{}", "0", "false", "[\"a\"]"] {
            let error = json(&format!(r#"{{"query":{wrong}}}"#)).unwrap_err();
            assert!(matches!(error, RequestError::Parameter { name: "query", .. }), "{error}");
        }
        for name in ["variables", "extensions"] {
            let error = json(&format!(r#"{{"query":"{{a}}","{name}":"x"}}"#)).unwrap_err();
            assert_eq!(error.to_string(), format!("the parameter \"{name}\" must be an object"));
        }
    }

    #[test]
    fn variables_of_a_hundred_thousand_levels_are_refused() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        for name in ["variables", "extensions"] {
            let error = json(&format!(r#"{{"query":"{{a}}","{name}":{{"a":{deep}}}}}"#)).unwrap_err();
            assert!(matches!(error, RequestError::Nesting { limit: 64, .. }), "{error}");
        }
        // An unknown member is passed over, however deep it is.
        assert!(json(&format!(r#"{{"query":"{{a}}","other":{deep}}}"#)).is_ok());
    }

    #[test]
    fn the_hash_of_a_persisted_query_stands_for_its_document() {
        let hash = "ab".repeat(32);
        let body = format!(r#"{{"extensions":{{"persistedQuery":{{"version":1,"sha256Hash":"{hash}"}}}}}}"#);
        let envelope = json(&body).unwrap();
        assert_eq!(envelope.persisted, Some([0xab; 32]));
        assert!(envelope.query.is_none());
        assert!(json(&body.replace(&hash, "ab")).is_err());
        assert!(json(&body.replacen('{', r#"{"query":"","#, 1)).unwrap().query.is_none());
    }

    #[test]
    fn a_registered_document_can_be_named_by_id() {
        assert_eq!(json(r#"{"documentId":"sha256:ab"}"#).unwrap().document_id.as_deref(), Some("sha256:ab"));
        assert_eq!(get("/graphql?documentId=home-v1").unwrap().document_id.as_deref(), Some("home-v1"));
        assert!(json(r#"{"documentId":7,"query":"{a}"}"#).unwrap().document_id.is_none());
        assert!(json(r#"{"documentId":"a","query":"{a}"}"#).unwrap().document_id.is_none());
    }
}
