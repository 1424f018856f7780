//! What is known of documents and their plans, kept by text. Bounded; a schema that changes starts a new one.

use super::classify::{Classified, classify};
use super::compose::Composed;
use super::error::{ClientError, Code, Location, RequestError};
use super::limits::Limits;
use super::plan::{Options, Plan, plan};
use super::rerank;
use crate::platform::CustomerNames;
use crate::telemetry::found::CacheAsked;
use apollo_compiler::ExecutableDocument;
use std::sync::Arc;

/// Documents and plans of one composed schema.
pub struct Documents {
    composed: Arc<Composed>,
    limits: Limits,
    rules: rerank::Config,
    customers: CustomerNames,
    classified: moka::sync::Cache<u64, Arc<Classified>, ahash::RandomState>,
    plans: moka::sync::Cache<PlanKey, Arc<Plan>, ahash::RandomState>,
}

/// Hash of the document, and the operation's name; an operation cannot have the empty name, which stands for none; whether
/// products are put in order.
type PlanKey = (u64, Box<str>, bool);

/// About how many bytes of documents are kept, and as many again of plans.
const KEPT_BYTES: u64 = 16 << 20;

/// About what a document takes, in bytes. Resident memory grew by 100 to 170 bytes for each token of the documents that
/// `tests/it/security/attacks.rs` sends without limits; ten times the text was a third of it where tokens are short.
fn kept_bytes(document: &Classified) -> usize {
    document.text.len() + document.tokens * 170 + 512
}

impl Documents {
    /// Nothing known yet.
    pub fn new(composed: Arc<Composed>, limits: Limits, rules: rerank::Config) -> Self {
        // A plan with its documents takes some twenty times its text.
        let weigh = |bytes: usize| u32::try_from(bytes).unwrap_or(u32::MAX);
        let document = move |_: &u64, document: &Arc<Classified>| weigh(kept_bytes(document));
        let plan = move |_: &PlanKey, plan: &Arc<Plan>| weigh(plan.text.len() * 20 + 4096);
        Self {
            composed,
            limits,
            rules,
            customers: CustomerNames::default(),
            classified: moka::sync::Cache::builder()
                .max_capacity(KEPT_BYTES)
                .weigher(document)
                .build_with_hasher(ahash::RandomState::new()),
            plans: moka::sync::Cache::builder()
                .max_capacity(KEPT_BYTES)
                .weigher(plan)
                .build_with_hasher(ahash::RandomState::new()),
        }
    }

    /// The same, which knows the platform's names of what concerns customers.
    #[must_use]
    pub fn with_customers(mut self, names: CustomerNames) -> Self {
        self.customers = names;
        self
    }

    /// The composed schema that plans are made for.
    pub fn composed(&self) -> &Arc<Composed> {
        &self.composed
    }

    /// Forgets all documents and plans.
    pub fn clear(&self) {
        self.classified.invalidate_all();
        self.plans.invalidate_all();
        self.classified.run_pending_tasks();
        self.plans.run_pending_tasks();
    }

    /// What a document is. The hash finds it, the text is compared: two documents with one hash never mix.
    pub fn classify(&self, text: &Arc<str>) -> Result<Arc<Classified>, RequestError> {
        let hash = xxhash_rust::xxh3::xxh3_64(text.as_bytes());
        if let Some(known) = self.classified.get(&hash)
            && *known.text == **text
        {
            CacheAsked::Document { hit: true }.emit();
            return Ok(known);
        }
        CacheAsked::Document { hit: false }.emit();
        let classified = classify(Arc::clone(text), &self.composed.entry_fields(), &self.rules, &self.limits)?;
        let classified = Arc::new(classified.touching(self.customers));
        self.classified.insert(hash, Arc::clone(&classified));
        Ok(classified)
    }

    /// The plan of an operation of the document; `name` as the request has it. `rerank`: whether products are put in
    /// order where the document or a rule asks for it.
    /// Errors: what validation finds, and what cannot be planned.
    pub fn plan(&self, document: &Classified, name: Option<&str>, rerank: bool) -> Result<Arc<Plan>, RequestError> {
        let key = (xxhash_rust::xxh3::xxh3_64(document.text.as_bytes()), name.unwrap_or_default().into(), rerank);
        if let Some(plan) = self.plans.get(&key)
            && *plan.text == *document.text
        {
            CacheAsked::Plan { hit: true }.emit();
            return Ok(plan);
        }
        CacheAsked::Plan { hit: false }.emit();
        let plan = Arc::new(self.planned(document, name, rerank)?);
        self.plans.insert(key, Arc::clone(&plan));
        Ok(plan)
    }

    fn planned(&self, document: &Classified, name: Option<&str>, rerank: bool) -> Result<Plan, RequestError> {
        let composed = &*self.composed;
        let validated = match &document.ast {
            Some(ast) => ast.to_executable_validate(&composed.schema),
            None => ExecutableDocument::parse_and_validate(&composed.schema, &*document.text, "operation.graphql"),
        };
        let parsed = validated
            .map_err(|invalid| RequestError::Validation(invalid.errors.iter().take(50).map(found).collect()))?;
        let operation = parsed.operations.get(name).map_err(|_| match name {
            Some(name) => RequestError::UnknownOperation { name: name.chars().take(64).collect() },
            None => RequestError::OperationNameMissing,
        })?;
        apollo_compiler::introspection::check_max_depth(&parsed, operation).map_err(|error| {
            RequestError::Validation(vec![ClientError::new(Code::LimitExceeded, error.message().to_string())])
        })?;
        let unplannable = |error: super::plan::PlanError| {
            if let super::plan::PlanError::Unplannable(reason) = &error {
                tracing::error!(%reason, "an operation could not be planned");
            }
            RequestError::Validation(vec![ClientError::new(Code::Validation, error.to_string())])
        };
        let options = Options { max_nesting: self.limits.nesting, rerank, rules: &self.rules };
        let mut planned = plan(composed, &parsed, operation, options).map_err(unplannable)?;
        planned.text = Arc::clone(&document.text);
        Ok(planned)
    }
}

fn found(
    error: apollo_compiler::diagnostic::Diagnostic<'_, apollo_compiler::validation::DiagnosticData>,
) -> ClientError {
    let json = error.to_json();
    let locations = json.locations.iter().map(|at| Location { line: at.line, column: at.column }).collect();
    ClientError { locations, ..ClientError::new(Code::Validation, json.message) }
}
