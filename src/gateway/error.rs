//! What can go wrong in the gateway: what a client may read, and what stays inside.
//!
//! Two types keep the sides apart. [`GatewayError`] is the inside: it may carry addresses, bodies and causes, and goes to
//! the log only. [`ClientError`] is the outside: a message that was written for the client and a [`Code`] that never
//! changes its meaning. The one way from the first to the second is [`GatewayError::client`]. The codes are a table
//! ([`super::code`]); `docs/errors.md` is that table and a test holds it there.

pub use super::code::{Class, Code};
pub use super::failure::UpstreamError;
use super::limits::LimitError;
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use std::borrow::Cow;

/// A request that cannot be served as it stands. Every text here is made of what the client itself sent and of our own
/// words, so it may be shown.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// Neither GET nor POST.
    #[error("send the operation by POST, or a query by GET")]
    Method,
    /// Nothing in `Accept` that we can produce.
    #[error("the Accept header names no type served here; use application/graphql-response+json or application/json")]
    NotAcceptable,
    /// `Content-Type` is missing or not one that holds a GraphQL request.
    #[error("the Content-Type header must be application/json or application/graphql")]
    MediaType,
    /// A charset other than UTF-8.
    #[error("the body must be encoded in UTF-8")]
    Charset,
    /// The body is larger than the limit.
    #[error("the body is larger than {limit} bytes (limits.body)")]
    BodyTooLarge {
        /// Bytes.
        limit: u64,
    },
    /// The client sent its body too slowly or not at all.
    #[error("the body did not arrive in time")]
    BodyTimeout,
    /// The connection broke while the body was read.
    #[error("the body could not be read to its end")]
    BodyBroken,
    /// The text is not UTF-8.
    #[error("the request is not valid UTF-8")]
    Utf8,
    /// The body is not JSON.
    #[error("the body is not valid JSON: {reason} at line {line}, column {column}")]
    Json {
        /// What the parser expected.
        reason: Cow<'static, str>,
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
    },
    /// An array of requests.
    #[error("an array of operations is not served; send each operation as a request of its own")]
    Batch,
    /// Neither a document nor the hash of one.
    #[error("the request holds no document; send it as the string \"query\"")]
    MissingQuery,
    /// A parameter of the wrong type.
    #[error("the parameter \"{name}\" must be {expected}")]
    Parameter {
        /// `query`, `operationName`, `variables`, `extensions`.
        name: &'static str,
        /// `a string`, `an object`.
        expected: &'static str,
    },
    /// Variables or extensions nested too deeply.
    #[error("the parameter \"{name}\" is nested more than {limit} levels deep (limits.variables_depth)")]
    Nesting {
        /// `variables` or `extensions`.
        name: &'static str,
        /// Levels.
        limit: usize,
    },
    /// A mutation by GET.
    #[error("a mutation must be sent by POST")]
    MutationByGet,
    /// A subscription.
    #[error("subscriptions are not served")]
    Subscription,
    /// The document does not parse.
    #[error("{message}")]
    Syntax {
        /// What the parser says.
        message: String,
        /// Where in the document.
        locations: Vec<Location>,
    },
    /// The document does not fit the schema.
    #[error("{}", .0.first().map_or("the operation is not valid", |first| first.message.as_ref()))]
    Validation(Vec<ClientError>),
    /// No operation of that name.
    #[error("the document has no operation named \"{name}\"")]
    UnknownOperation {
        /// As the client sent it, shortened to what a message can hold.
        name: String,
    },
    /// Several operations and no name.
    #[error("the document has several operations; name one in \"operationName\"")]
    OperationNameMissing,
    /// The variables do not fit their declarations.
    #[error("{message}")]
    Variables {
        /// Which variable and why.
        message: String,
    },
    /// A hash that is not known here yet. The text and the code are those that clients compare with.
    #[error("PersistedQueryNotFound")]
    PersistedNotFound,
    /// A hash where documents are not taken by hash. Text and code as for the one before.
    #[error("PersistedQueryNotSupported")]
    PersistedUnsupported,
    /// A hash that is not the document's.
    #[error("the sha256Hash of the persisted query is not that of the document sent with it")]
    PersistedMismatch,
    /// Only documents of the safelist are served.
    #[error("this document is not among those that the shop has registered")]
    NotRegistered,
    /// A request that a foreign page could have sent without asking.
    #[error(
        "a request that a browser sends without preflight was blocked; send Content-Type: application/json by POST, \
         or add the header Apollo-Require-Preflight"
    )]
    Csrf,
    /// A header of ours that cannot be read.
    #[error(transparent)]
    Caller(#[from] crate::ingest::Refusal),
    /// A limit on the document.
    #[error(transparent)]
    Limit(#[from] LimitError),
    /// A composed answer that grows beyond what is held in memory.
    #[error("the answer would be larger than {limit} bytes (twice limits.upstream_answer); ask for less at once")]
    AnswerTooLarge {
        /// Bytes.
        limit: usize,
    },
}

impl RequestError {
    /// The stable code.
    pub fn code(&self) -> Code {
        match self {
            Self::Method => Code::MethodNotAllowed,
            Self::NotAcceptable => Code::NotAcceptable,
            Self::MediaType | Self::Charset => Code::UnsupportedMediaType,
            Self::BodyTooLarge { .. } => Code::BodyTooLarge,
            Self::BodyTimeout => Code::BodyTimeout,
            Self::BodyBroken | Self::Utf8 | Self::Json { .. } => Code::Malformed,
            Self::Batch => Code::BatchRefused,
            Self::MissingQuery | Self::Parameter { .. } | Self::Caller(_) => Code::InvalidParameter,
            Self::Nesting { .. } | Self::Limit(_) | Self::AnswerTooLarge { .. } => Code::LimitExceeded,
            Self::MutationByGet => Code::MutationByGet,
            Self::Subscription => Code::SubscriptionRefused,
            Self::Syntax { .. } => Code::Syntax,
            Self::Validation(_) => Code::Validation,
            Self::UnknownOperation { .. } | Self::OperationNameMissing => Code::UnknownOperation,
            Self::Variables { .. } => Code::InvalidVariables,
            Self::PersistedNotFound => Code::PersistedNotFound,
            Self::PersistedUnsupported => Code::PersistedUnsupported,
            Self::PersistedMismatch => Code::PersistedMismatch,
            Self::NotRegistered => Code::NotRegistered,
            Self::Csrf => Code::Csrf,
        }
    }

    /// What the client reads: usually one error, for a validation every finding. Messages repeat names out of the
    /// document, so they are cut: what is sent once must not come back fifty times.
    pub fn client(&self) -> Vec<ClientError> {
        let mut errors = self.told();
        errors.iter_mut().for_each(ClientError::shorten);
        errors
    }

    fn told(&self) -> Vec<ClientError> {
        match self {
            Self::Validation(found) if !found.is_empty() => found.clone(),
            Self::Syntax { message, locations } => {
                vec![ClientError { locations: locations.clone(), ..ClientError::new(self.code(), message.clone()) }]
            }
            _ => vec![ClientError::new(self.code(), self.to_string())],
        }
    }
}

/// Anything that ends a request in the gateway.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// The client's.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// The platform's.
    #[error(transparent)]
    Upstream(#[from] UpstreamError),
    /// More requests at once than configured.
    #[error("too many requests in flight")]
    Overloaded,
    /// The schema is not loaded yet, or the process is stopping.
    #[error("not ready: {0}")]
    NotReady(&'static str),
    /// The request as a whole took too long.
    #[error("the request took longer than {milliseconds} ms")]
    Timeout {
        /// The limit.
        milliseconds: u64,
    },
    /// Ours: a bug or a broken invariant.
    #[error("internal error: {0}")]
    Internal(String),
}

impl GatewayError {
    /// The stable code.
    pub fn code(&self) -> Code {
        match self {
            Self::Request(error) => error.code(),
            Self::Upstream(UpstreamError::Timeout { .. }) => Code::UpstreamTimeout,
            Self::Upstream(
                UpstreamError::Unreachable { .. } | UpstreamError::Open { .. } | UpstreamError::Busy { .. },
            ) => Code::UpstreamUnavailable,
            Self::Upstream(UpstreamError::TooLarge { .. } | UpstreamError::NotGraphql { .. }) => Code::UpstreamInvalid,
            Self::Overloaded => Code::Overloaded,
            Self::NotReady(_) => Code::NotReady,
            Self::Timeout { .. } => Code::Timeout,
            Self::Internal(_) => Code::Internal,
        }
    }

    /// What the client reads. For everything that is not the client's own request the text is the code's own.
    pub fn client(&self) -> Vec<ClientError> {
        match self {
            Self::Request(error) => error.client(),
            _ => vec![ClientError::new(self.code(), self.code().meaning())],
        }
    }
}

impl From<LimitError> for GatewayError {
    fn from(error: LimitError) -> Self {
        Self::Request(error.into())
    }
}

/// A place in the document, both from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Location {
    /// Line.
    pub line: usize,
    /// Column, in characters.
    pub column: usize,
}

/// One step of a response path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Step {
    /// A response name.
    Name(String),
    /// A place in a list, from 0.
    Index(usize),
}

/// One entry of `errors`, as the client reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientError {
    /// In `extensions.code`.
    pub code: Code,
    /// For people.
    pub message: Cow<'static, str>,
    /// In the client's own document; left out where there are none.
    pub locations: Vec<Location>,
    /// In the answer; left out where empty.
    pub path: Vec<Step>,
}

impl ClientError {
    /// An error without places.
    pub fn new(code: Code, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code, message: message.into(), locations: Vec::new(), path: Vec::new() }
    }

    /// Cuts the message to 500 characters.
    fn shorten(&mut self) {
        if let Some((end, _)) = self.message.char_indices().nth(500) {
            self.message = format!("{}…", self.message.get(..end).unwrap_or_default()).into();
        }
    }
}

impl Serialize for ClientError {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("message", &self.message)?;
        if !self.locations.is_empty() {
            map.serialize_entry("locations", &self.locations)?;
        }
        if !self.path.is_empty() {
            map.serialize_entry("path", &self.path)?;
        }
        map.serialize_entry("extensions", &Extensions { code: self.code.as_str() })?;
        map.end()
    }
}

/// `extensions` of an error.
#[derive(Serialize)]
struct Extensions {
    code: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stays_inside_is_not_in_the_clients_text() {
        let error = GatewayError::from(UpstreamError::Unreachable {
            address: "shop.internal:443".into(),
            cause: "connection refused".into(),
        });
        let shown = serde_json::to_string(&error.client()).unwrap();
        assert!(!shown.contains("shop.internal") && !shown.contains("refused"), "{shown}");
        assert!(shown.contains("OUTFITTER_UPSTREAM_UNAVAILABLE"), "{shown}");
        let internal = GatewayError::Internal("index out of range in /src/plan.rs".into());
        assert!(!serde_json::to_string(&internal.client()).unwrap().contains("plan.rs"));
    }

    #[test]
    fn a_message_does_not_repeat_a_long_name_at_length() {
        let named = |name: &str| RequestError::Syntax { message: name.to_owned(), locations: Vec::new() };
        assert_eq!(named(&"ö".repeat(500)).client()[0].message, "ö".repeat(500));
        assert_eq!(named(&"ö".repeat(900_000)).client()[0].message.chars().count(), 501);
        let found = vec![ClientError::new(Code::Validation, "x".repeat(900_000)); 50];
        let shown = serde_json::to_string(&RequestError::Validation(found).client()).unwrap();
        assert!(shown.len() < 50 * 600);
    }

    #[test]
    fn an_error_has_the_shape_of_the_graphql_specification() {
        let error = ClientError {
            locations: vec![Location { line: 1, column: 2 }],
            path: vec![Step::Name("a".into()), Step::Index(0)],
            ..ClientError::new(Code::Syntax, "no")
        };
        assert_eq!(
            serde_json::to_string(&error).unwrap(),
            r#"{"message":"no","locations":[{"line":1,"column":2}],"path":["a",0],"extensions":{"code":"OUTFITTER_SYNTAX"}}"#
        );
    }

    #[test]
    fn a_persisted_query_that_is_not_known_speaks_as_clients_expect() {
        let shown = serde_json::to_string(&RequestError::PersistedNotFound.client()).unwrap();
        assert!(shown.contains(r#""message":"PersistedQueryNotFound""#));
        assert!(shown.contains(r#""code":"PERSISTED_QUERY_NOT_FOUND""#));
    }
}
