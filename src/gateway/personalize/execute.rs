//! Executes documents of the personalization schema.

use super::mutation::Mutation;
use super::query::Query;
use super::viewer::Viewer;
use async_graphql::parser::types::ExecutableDocument;
use async_graphql::{EmptySubscription, Request, Response, Schema, ServerError, ValidationMode, Variables};
use std::sync::Arc;

/// A document parsed once and executed often.
#[derive(Clone, Debug)]
pub struct ParsedDocument(Arc<ExecutableDocument>);

impl ParsedDocument {
    /// Parses a document. Errors: those of the grammar.
    pub fn parse(text: &str) -> Result<Self, ServerError> {
        Ok(Self(Arc::new(async_graphql::parser::parse_query(text)?)))
    }
}

/// The personalization schema, ready to execute.
#[derive(Clone)]
pub struct Personalization {
    schema: Schema<Query, Mutation, EmptySubscription>,
}

impl Default for Personalization {
    fn default() -> Self {
        Self::new()
    }
}

impl Personalization {
    /// Builds the schema. Documents are validated against the composed schema before they come here, so they are not
    /// validated again; the gateway's limits are the ones that rule.
    pub fn new() -> Self {
        let schema = Schema::build(Query, Mutation, EmptySubscription)
            .validation_mode(ValidationMode::Fast)
            .limit_recursive_depth(usize::MAX)
            .disable_suggestions()
            .finish();
        Self { schema }
    }

    /// The schema as async-graphql writes it.
    pub(super) fn raw_sdl(&self) -> String {
        self.schema.sdl_with_options(async_graphql::SDLExportOptions::new().federation().include_specified_by())
    }

    /// Executes one operation for one shopper.
    pub async fn execute(&self, document: &ParsedDocument, variables: Variables, viewer: Arc<Viewer>) -> Response {
        let mut request = Request::new(String::new()).variables(variables).data(viewer);
        request.set_parsed_query(ExecutableDocument::clone(&document.0));
        self.schema.execute(request).await
    }
}
