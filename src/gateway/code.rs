//! The table of error codes: text, HTTP status, meaning and next step of each.
//!
//! A code keeps its text and its meaning for good. `docs/errors.md` is this table as Markdown, held there by a test;
//! `OUTFITTER_WRITE_DOCS=1 cargo test --lib error_documentation` writes it anew.

use http::StatusCode;

/// When an error's status is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// A GraphQL request error: the status under `application/graphql-response+json`, 200 under `application/json`.
    Graphql,
    /// Refused as HTTP: the status whatever the media type.
    Http,
    /// Stands in `errors` beside `data`; the answer itself is a 200.
    Field,
}

macro_rules! codes {
    ($($name:ident $text:literal $status:ident $class:ident $meaning:literal $next:literal;)*) => {
        /// A stable error code, in `extensions.code`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Code {
            $(#[doc = $meaning] $name,)*
        }

        impl Code {
            /// Every code, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// As clients read it.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// The HTTP status, subject to [`Code::class`].
            pub fn status(self) -> StatusCode {
                match self { $(Self::$name => StatusCode::$status,)* }
            }

            /// When the status is used.
            pub fn class(self) -> Class {
                match self { $(Self::$name => Class::$class,)* }
            }

            /// What it means, as a sentence.
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$name => $meaning,)* }
            }

            /// What to do next.
            pub fn next(self) -> &'static str {
                match self { $(Self::$name => $next,)* }
            }
        }
    };
}

codes! {
    Malformed "OUTFITTER_MALFORMED" BAD_REQUEST Http
        "The request is not UTF-8 or not JSON, or its body broke off."
        "Send a JSON object in UTF-8 with the document in `query`.";
    InvalidParameter "OUTFITTER_INVALID_PARAMETER" BAD_REQUEST Http
        "A parameter of the request is missing or has the wrong type."
        "`query` and `operationName` are strings, `variables` and `extensions` objects; only `query` is required.";
    Syntax "OUTFITTER_SYNTAX" BAD_REQUEST Graphql
        "The document does not parse."
        "Correct it at the location given.";
    Validation "OUTFITTER_VALIDATION" BAD_REQUEST Graphql
        "The operation does not fit the composed schema."
        "Compare it with the schema in GraphiQL or with `outfitter schema print`.";
    UnknownOperation "OUTFITTER_UNKNOWN_OPERATION" BAD_REQUEST Graphql
        "The operation to run cannot be told."
        "Set `operationName` to the name of an operation in the document.";
    InvalidVariables "OUTFITTER_INVALID_VARIABLES" BAD_REQUEST Graphql
        "The variables do not fit their declarations."
        "Send every required variable with a value of its type.";
    SubscriptionRefused "OUTFITTER_SUBSCRIPTION_REFUSED" BAD_REQUEST Graphql
        "Subscriptions are not served."
        "Poll with a query.";
    PersistedNotFound "PERSISTED_QUERY_NOT_FOUND" OK Graphql
        "No document is known for this hash. (Text and code are those that Apollo clients compare with.)"
        "Send the document with its hash once; client libraries do that by themselves.";
    PersistedUnsupported "PERSISTED_QUERY_NOT_SUPPORTED" OK Graphql
        "The shop takes no documents by hash. (Text and code are those that Apollo clients compare with.)"
        "Send the document itself; client libraries do that by themselves.";
    PersistedMismatch "OUTFITTER_PERSISTED_MISMATCH" BAD_REQUEST Graphql
        "The hash sent is not the SHA-256 of the document sent with it."
        "Hash the exact text of `query`.";
    NotRegistered "OUTFITTER_NOT_REGISTERED" FORBIDDEN Http
        "The shop serves registered documents only, and this is none of them."
        "Register the document with the release that sends it.";
    BatchRefused "OUTFITTER_BATCH_REFUSED" BAD_REQUEST Http
        "An array of operations was sent."
        "Send each operation as a request of its own.";
    LimitExceeded "OUTFITTER_LIMIT_EXCEEDED" BAD_REQUEST Http
        "The document or its variables are larger than the limits allow; the message names the figure and the setting."
        "Split the operation, or raise that setting under `[limits]`.";
    MutationByGet "OUTFITTER_MUTATION_BY_GET" METHOD_NOT_ALLOWED Http
        "A mutation was sent by GET."
        "Send it by POST.";
    MethodNotAllowed "OUTFITTER_METHOD_NOT_ALLOWED" METHOD_NOT_ALLOWED Http
        "The method is neither GET nor POST."
        "Send the operation by POST, or a query by GET.";
    NotAcceptable "OUTFITTER_NOT_ACCEPTABLE" NOT_ACCEPTABLE Http
        "The `Accept` header names no type that is served."
        "Accept `application/graphql-response+json` or `application/json`.";
    UnsupportedMediaType "OUTFITTER_UNSUPPORTED_MEDIA_TYPE" UNSUPPORTED_MEDIA_TYPE Http
        "The `Content-Type` is missing, unknown, or not in UTF-8."
        "Send `application/json` or `application/graphql`.";
    BodyTooLarge "OUTFITTER_BODY_TOO_LARGE" PAYLOAD_TOO_LARGE Http
        "The body is larger than `limits.body`."
        "Send less, or raise the setting.";
    BodyTimeout "OUTFITTER_BODY_TIMEOUT" REQUEST_TIMEOUT Http
        "The body did not arrive in time."
        "Send it at once; on slow networks raise `server.body_timeout`.";
    Csrf "OUTFITTER_CSRF" FORBIDDEN Http
        "A request that a foreign page could have sent without preflight was blocked."
        "Send `Content-Type: application/json` by POST, or add a header such as `Apollo-Require-Preflight: true`.";
    Overloaded "OUTFITTER_OVERLOADED" SERVICE_UNAVAILABLE Http
        "More requests are in flight than the gateway takes."
        "Try again after a moment; operators see `docs/operations.md` on sizing.";
    NotReady "OUTFITTER_NOT_READY" SERVICE_UNAVAILABLE Http
        "The gateway is starting or stopping."
        "Try again; a load balancer asks `/health/ready`.";
    Timeout "OUTFITTER_TIMEOUT" GATEWAY_TIMEOUT Http
        "The request took longer than `server.request_timeout`."
        "Ask for less in one operation.";
    UpstreamUnavailable "OUTFITTER_UPSTREAM_UNAVAILABLE" BAD_GATEWAY Http
        "The shop platform cannot be reached, or has too much to do."
        "Try again; operators find the address and the cause in the log under the request's id.";
    UpstreamTimeout "OUTFITTER_UPSTREAM_TIMEOUT" GATEWAY_TIMEOUT Http
        "The shop platform did not answer in time."
        "Try again; a mutation may have been applied.";
    UpstreamInvalid "OUTFITTER_UPSTREAM_INVALID" BAD_GATEWAY Http
        "The shop platform's answer cannot be used."
        "Operators find what was wrong with it in the log under the request's id.";
    WebhookUnproven "OUTFITTER_WEBHOOK_UNPROVEN" UNAUTHORIZED Http
        "A webhook's signature is missing, too old, or not that of its body under the configured secrets."
        "Check that the platform signs with a secret of `ingest.webhooks`, and the gateway's clock.";
    WebhookNotTaken "OUTFITTER_WEBHOOK_NOT_TAKEN" NOT_FOUND Http
        "Webhooks of this platform are not configured."
        "Name the platform's secrets under `ingest.webhooks`, and check the path.";
    TryLater "OUTFITTER_TRY_LATER" SERVICE_UNAVAILABLE Http
        "A delivery or events cannot be kept at the moment."
        "Send the same again after the seconds of `Retry-After`; platforms do so by themselves.";
    TooMany "OUTFITTER_TOO_MANY" TOO_MANY_REQUESTS Http
        "More deliveries or events come in than are taken at once."
        "Send the same again after the seconds of `Retry-After`.";
    Unpersonalized "OUTFITTER_UNPERSONALIZED" OK Field
        "A personalized field could not be served; it is null and the platform's data stands."
        "Render the page without it; operators find the cause in the log under the request's id.";
    Internal "OUTFITTER_INTERNAL" INTERNAL_SERVER_ERROR Http
        "Something went wrong in the gateway."
        "Report it with the request's id from the answer's `outfitter-request-id` header.";
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write as _;

    /// The table as Markdown.
    fn document() -> String {
        let mut text = String::from(
            "# Error codes\n\nEvery error of the gateway carries one of these in `extensions.code`; errors of the shop \
             platform arrive unchanged.\nThe status is that of the answer; for codes marked *request* it is so under \
             `application/graphql-response+json`,\nwhile `application/json` gets 200, as GraphQL over HTTP asks. Those \
             marked *field* stand in `errors` beside `data`.\n\n| code | status | meaning | next step |\n|---|---|---|---|\n",
        );
        for code in Code::ALL {
            let class = match code.class() {
                Class::Graphql => " *request*",
                Class::Http => "",
                Class::Field => " *field*",
            };
            let status = code.status().as_u16();
            writeln!(text, "| `{}` | {status}{class} | {} | {} |", code.as_str(), code.meaning(), code.next()).unwrap();
        }
        text
    }

    #[test]
    fn the_error_documentation_is_the_table() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/errors.md");
        if std::env::var_os("OUTFITTER_WRITE_DOCS").is_some() {
            std::fs::create_dir_all(concat!(env!("CARGO_MANIFEST_DIR"), "/docs")).unwrap();
            std::fs::write(path, document()).unwrap();
        }
        let kept = std::fs::read_to_string(path).unwrap_or_default();
        assert_eq!(kept, document(), "docs/errors.md: run OUTFITTER_WRITE_DOCS=1 cargo test --lib error_documentation");
    }

    #[test]
    fn codes_are_unique_and_of_one_form() {
        let mut seen = std::collections::HashSet::new();
        for code in Code::ALL {
            assert!(seen.insert(code.as_str()), "{} twice", code.as_str());
            let of_apollo = matches!(code, Code::PersistedNotFound | Code::PersistedUnsupported);
            assert!(code.as_str().starts_with("OUTFITTER_") || of_apollo);
            assert!(code.meaning().ends_with(['.', ')']) && code.next().ends_with('.'));
        }
    }
}
