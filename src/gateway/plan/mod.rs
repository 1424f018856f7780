//! Plan: from a validated operation to the documents that answer it, and to where each answer stands.
//!
//! Every personalized field is replaced *in place* by a key field under the same response name, so order, aliases,
//! `@skip`/`@include`, lists and fragments stay the platform's work. Where the placeholder makes the platform's
//! document invalid (one response name, two parent types) the operation is planned again with a response name per type,
//! which the splice renames. A plan depends on the document and the operation's name only: never on variables.

mod check;
mod collect;
mod personal;
mod rank;
mod root;
mod selection;
mod trie;
mod upstream;

pub use collect::{Guard, Guards};
pub use rank::{EdgeMember, Member, PageMember, pool};
pub use selection::{Alone, Selection};
pub use trie::{Branch, Trie};

use super::compose::Composed;
use super::personalize::ParsedDocument;
use super::rerank::rule::Rule;
use crate::platform::Entity;
use apollo_compiler::ast::{OperationType, Type, Value, VariableDefinition};
use apollo_compiler::executable::Operation;
use apollo_compiler::validation::Valid;
use apollo_compiler::{ExecutableDocument, Name, Node};
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::sync::Arc;

/// Index into [`Plan::sites`].
pub type SiteId = usize;
/// Index into [`Plan::ranks`].
pub type RankId = usize;
/// Index into [`Plan::selections`].
pub type SelectionId = usize;

/// Response names beginning with this are the gateway's own and never reach a client.
pub const HIDDEN: &str = "_gw";

/// What is done for one operation of one document.
#[derive(Debug)]
pub struct Plan {
    /// The client's document.
    pub text: Arc<str>,
    /// Query or mutation.
    pub operation: OperationType,
    /// The platform's root type, which `__typename` at the root names.
    pub root_type: Name,
    /// In order; a query has one.
    pub steps: Vec<Step>,
    /// Where the personalization schema hangs.
    pub sites: Vec<Site>,
    /// What the client asked of products that slates hold.
    pub selections: Vec<Selection>,
    /// Fields whose products are put in order.
    pub ranks: Vec<Rank>,
    /// The operation's variables.
    pub variables: Vec<Variable>,
    /// Operation directives for every document that we send (`@inContext`), with the variables in them.
    pub directives: Rendered,
    /// `@inContext` and its like with arguments as written, from which market and consent are read.
    pub context: Vec<(Name, Arguments)>,
    /// Whether the platform may answer in parts.
    pub deferred: bool,
}

/// A directive's arguments as written.
pub type Arguments = Vec<(Name, Node<Value>)>;

/// A variable of the operation.
#[derive(Clone, Debug)]
pub struct Variable {
    /// Its name.
    pub name: Name,
    /// Its definition as GraphQL: `$n: Int = 2`.
    pub definition: String,
    /// Its default.
    pub default: Option<Node<Value>>,
    /// Its type.
    pub ty: Node<Type>,
}

impl Variable {
    fn new(definition: &VariableDefinition) -> Self {
        let text = definition.serialize().no_indent().to_string();
        Self {
            name: definition.name.clone(),
            definition: text,
            default: definition.default_value.clone(),
            ty: definition.ty.clone(),
        }
    }
}

/// A part of a document and what it leans on.
#[derive(Clone, Debug, Default)]
pub struct Rendered {
    /// GraphQL text.
    pub text: String,
    /// Variables in it, each once.
    pub variables: Vec<Name>,
    /// Named fragments in it, each once.
    pub fragments: Vec<Name>,
}

impl Rendered {
    fn uses_variable(&mut self, name: &Name) {
        if !self.variables.contains(name) {
            self.variables.push(name.clone());
        }
    }
}

/// One step of an operation. Steps of a mutation run one after the other.
#[derive(Debug)]
pub enum Step {
    /// One document for the platform.
    Upstream(Fetch),
    /// Root fields that need no platform.
    Local(Vec<LocalField>),
}

/// A document for the platform.
#[derive(Debug)]
pub struct Fetch {
    /// The document.
    pub document: String,
    /// The beginning of the request's JSON, up to and without the variables: `{"query":"…","operationName":"…"`.
    pub head: String,
    /// Variables that are still used.
    pub variables: Vec<Name>,
    /// Where sites stand in the answer.
    pub trie: Trie,
}

/// A root field that the gateway answers itself.
#[derive(Debug)]
pub struct LocalField {
    /// Response name.
    pub key: Box<str>,
    /// The site; `None` for `__typename`.
    pub site: Option<SiteId>,
    /// Where in the document it stands, each time with its conditions. The field takes the first place that holds.
    pub occurrences: Vec<(usize, Guards)>,
}

/// A place where a personalized field stands.
#[derive(Debug)]
pub struct Site {
    /// Response name of the entry field.
    pub key: Box<str>,
    /// What it hangs on.
    pub kind: SiteKind,
    /// For root sites: it is there where any of these holds.
    pub guards: Vec<Guards>,
    /// The slates asked for below it.
    pub asks: Vec<Ask>,
    /// Where products stand in its answer.
    pub trie: Trie,
    /// All that is asked for, where that needs no execution: see [`Plain`].
    pub plain: Option<Vec<(Box<str>, Plain)>>,
}

/// A field of a product's entry that is one value, whatever the request: a site with nothing else is written without
/// executing a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plain {
    /// `__typename`.
    Typename,
    /// `id`.
    Id,
    /// `affinity`.
    Affinity,
}

/// What a site hangs on, with the document that answers it.
#[derive(Debug)]
pub enum SiteKind {
    /// `Query.personalized`, asked for as soon as the request is there.
    Query(PersonalDocument),
    /// One of our mutations.
    Mutation(PersonalDocument),
    /// A field of an entity, asked for once its key is known.
    Entity(&'static Entity, PersonalDocument),
    /// `__schema` or `__type`.
    Introspection(Arc<Valid<ExecutableDocument>>),
}

/// A field whose products are put in order for the shopper.
#[derive(Debug)]
pub struct Rank {
    /// The field of the document that it is.
    identity: usize,
    /// The field's name.
    pub field: Name,
    /// Its arguments as written.
    pub arguments: Vec<(Name, Node<Value>)>,
    /// The directive's `pool`, where it is written.
    pub pool: Option<Node<Value>>,
    /// Whether the client wrote the directive.
    pub written: bool,
    /// The configured rules for this field.
    pub rules: Vec<Rule>,
    /// How it holds products.
    pub shape: RankShape,
    /// Members of a connection by response name.
    pub members: HashMap<Box<str>, Member>,
    /// Where sites stand in it.
    pub trie: Trie,
}

/// How a field holds products.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RankShape {
    /// A list, whole.
    List,
    /// A connection, page by page.
    Connection {
        /// The type of its nodes.
        node: Name,
    },
}

/// What depends on more than the document.
#[derive(Clone, Copy, Debug)]
pub struct Options<'a> {
    /// How many levels of `personalized` inside `personalized` are served, at least 1.
    pub max_nesting: usize,
    /// Whether products are put in order where the document or a rule asks for it.
    pub rerank: bool,
    /// Rules for fields without the directive.
    pub rules: &'a [Rule],
}

/// A document for the personalization schema.
#[derive(Debug)]
pub struct PersonalDocument {
    /// The document; entities take their representations in `$_gw_r`.
    pub text: String,
    /// Parsed once.
    pub parsed: ParsedDocument,
    /// Variables of the operation that it uses.
    pub variables: Vec<Name>,
}

/// A field that asks for products: `recommendations`, or `decision`.
#[derive(Debug)]
pub struct Ask {
    /// The field's name.
    pub field: Name,
    /// Its arguments as written.
    pub arguments: Vec<(Name, Node<Value>)>,
    /// It is asked for where any of these holds.
    pub guards: Vec<Guards>,
    /// What is asked of the products of its items.
    pub products: Vec<SelectionId>,
    /// What is asked of the products that explain.
    pub because: Vec<SelectionId>,
}

/// Why an operation cannot be planned: shown to the client as a request error.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum PlanError {
    /// Response names that begin as ours do.
    #[error("the response name `{0}` begins with `_gw`, which the gateway uses itself; choose another alias")]
    Reserved(String),
    /// Too many levels.
    #[error(
        "`personalized` is nested {0} levels deep; at most {1} are served. Ask for the inner level in a second request."
    )]
    TooNested(usize, usize),
    /// A subscription.
    #[error("subscriptions cannot hold personalized fields; ask for them in a query")]
    Subscription,
    /// We built something invalid: a fault of ours, which tests hunt for.
    #[error("the operation cannot be planned: {0}")]
    Unplannable(String),
}

/// Plans an operation of a document that was validated against the composed schema.
/// Errors: see [`PlanError`]. What cannot be put in order is left in the platform's.
pub fn plan(
    composed: &Composed,
    document: &Valid<ExecutableDocument>,
    operation: &Node<Operation>,
    options: Options<'_>,
) -> Result<Plan, PlanError> {
    if operation.is_subscription() {
        return Err(PlanError::Subscription);
    }
    let attempt =
        |per_type, rerank| Planner::new(composed, document, operation, per_type, Options { rerank, ..options }).run();
    let mut planned = attempt(false, options.rerank);
    for (per_type, rerank) in [(true, options.rerank), (false, false), (true, false)] {
        if !matches!(planned, Err(PlanError::Unplannable(_))) {
            break;
        }
        planned = attempt(per_type, rerank);
    }
    planned
}

/// The state of planning one operation.
struct Planner<'a> {
    composed: &'a Composed,
    document: &'a Valid<ExecutableDocument>,
    operation: &'a Node<Operation>,
    /// Placeholders get a response name per canonical type.
    per_type: bool,
    max_nesting: usize,
    rerank: bool,
    rules: &'a [Rule],
    /// Whether the list of a `predictiveSearch` is put in order.
    predictive: bool,
    /// Depth of look-ups around: nothing is put in order inside.
    looking_up: Cell<usize>,
    ranks: RefCell<Vec<Rank>>,
    /// The key field behind each placeholder written so far, by response name.
    placeholders: RefCell<HashMap<String, &'static str>>,
    /// Whether what was written for the platform has to be validated before it is used: see [`Planner::doubt`].
    doubtful: Cell<bool>,
    /// Fields collected so far: each takes the number as its order.
    placed: Cell<usize>,
    variables: Vec<Variable>,
    sites: Vec<Site>,
    selections: Vec<Selection>,
}

impl<'a> Planner<'a> {
    fn new(
        composed: &'a Composed,
        document: &'a Valid<ExecutableDocument>,
        operation: &'a Node<Operation>,
        per_type: bool,
        options: Options<'a>,
    ) -> Self {
        let variables = operation.variables.iter().map(|definition| Variable::new(definition)).collect();
        Self {
            composed,
            document,
            operation,
            per_type,
            max_nesting: options.max_nesting,
            rerank: options.rerank && operation.is_query(),
            rules: options.rules,
            predictive: operation.root_fields(document).any(|field| {
                let named = options.rules.iter().any(|rule| rule.field == field.name.as_str());
                field.name == "predictiveSearch" && (named || field.directives.has("personalized"))
            }),
            looking_up: Cell::new(0),
            ranks: RefCell::default(),
            placeholders: RefCell::default(),
            doubtful: Cell::new(false),
            placed: Cell::new(0),
            variables,
            sites: Vec::new(),
            selections: Vec::new(),
        }
    }

    fn run(mut self) -> Result<Plan, PlanError> {
        let steps = self.steps()?;
        let directives = self.operation_directives();
        let deferred = upstream::has_defer(self.document);
        let doubt = self.doubt(deferred);
        let plan = Plan {
            text: Arc::from(""),
            operation: self.operation.operation_type,
            root_type: self.operation.object_type().clone(),
            context: self
                .operation
                .directives
                .iter()
                .map(|directive| {
                    let arguments = directive.arguments.iter().map(|a| (a.name.clone(), a.value.clone())).collect();
                    (directive.name.clone(), arguments)
                })
                .collect(),
            deferred,
            variables: self.variables,
            steps,
            sites: self.sites,
            selections: self.selections,
            ranks: self.ranks.into_inner(),
            directives,
        };
        if doubt || cfg!(debug_assertions) {
            let checked = plan.check(self.composed);
            debug_assert!(doubt || checked.is_ok(), "a plan that nothing spoke against is invalid: {checked:?}");
            checked?;
        }
        Ok(plan)
    }
}
