//! The gateway's walk of a request, one call a stage: envelope → name → classify → forward, or plan → who → upstream ‖ decide →
//! splice → respond.

use super::accept::Accept;
use super::answer::Answer;
use super::classify::{Class, Classified, Operation, classify};
use super::compose::{Composed, own_fields};
use super::debug::{Stage, Watch};
use super::defer::{self, Began};
use super::envelope::{self, Envelope, Method};
use super::error::{GatewayError, RequestError, UpstreamError};
use super::forward::{self, Listener, Passing, failed, repeat};
use super::limits::Limits;
use super::modules::Modules;
use super::overhear::Spoken;
use super::personalize::{self, Personalization, Viewer};
use super::plan::{Fetch, Step};
use super::respond::{self, AnswerBody};
use super::run::rank::mentions_cursor;
use super::run::{Means, Run};
use super::served::Served;
use super::splice;
use super::variables::Variables;
use super::who::Asking;
use crate::domain::consent::Purpose;
use crate::ingest::identity::SESSION_HEADER;
use crate::platform::answer::Answer as Answered;
use crate::platform::upstream::{Repeat, Upstream};
use crate::telemetry::events::Walked;
use crate::telemetry::spans;
use apollo_compiler::ast::OperationType;
use arc_swap::ArcSwapOption;
use bytes::Bytes;
use http::header::{ACCEPT, SET_COOKIE};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Response};
use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};
use tracing::Span;

/// Why a gateway waits.
pub(super) const NO_SCHEMA: &str = "the shop's schema is not known yet";

/// The gateway of one shop.
pub struct Gateway {
    pub(super) modules: Modules,
    personalization: Personalization,
    pub(super) limits: Limits,
    /// `None` until the shop's schema is known.
    pub(super) served: ArcSwapOption<Served>,
    /// Names of our fields, for the time before the schema is known.
    own: Vec<String>,
}

/// A request as it was read, but for its body.
#[derive(Clone, Copy)]
pub(super) struct Request<'a> {
    pub(super) parts: &'a Parts,
    /// The client's address, for the platform's own counting.
    peer: IpAddr,
    pub(super) envelope: &'a Envelope,
    /// Whether the platform gets it written anew, with the text that its document's name stands for.
    rewrite: bool,
    watch: &'a Watch,
    /// How it is served, once that is known, for the metrics.
    class: &'a OnceLock<&'static str>,
    /// Whether its answer may be another's too, as far as the operation tells.
    share: bool,
}

impl Gateway {
    /// A gateway that serves a composed schema.
    pub fn new(modules: Modules, composed: Arc<Composed>, limits: Limits) -> Self {
        let gateway = Self::waiting(modules, limits);
        gateway.serve(composed);
        gateway
    }

    /// A gateway that does not know the shop's schema yet. What has none of our fields passes through; the rest is
    /// told to come back, until [`Gateway::serve`] is called.
    pub fn waiting(modules: Modules, limits: Limits) -> Self {
        let own = own_fields(&personalize::sdl());
        Self { modules, personalization: Personalization::new(), limits, served: ArcSwapOption::empty(), own }
    }

    /// Why not everything can be served yet, if so.
    pub fn pending(&self) -> Option<&'static str> {
        self.served.load().is_none().then_some(NO_SCHEMA)
    }

    /// Serves another schema from the next request on; those on their way end with the one they began with.
    pub fn serve(&self, composed: Arc<Composed>) {
        self.served.store(Some(Arc::new(Served::new(composed, &self.limits, &self.modules))));
    }

    /// The composed schema that is served, once it is known.
    pub fn composed(&self) -> Option<Arc<Composed>> {
        self.served.load().as_ref().map(|served| Arc::clone(served.documents.composed()))
    }

    /// What a document is. Before the schema is known that follows from the names of our fields alone, and nothing is
    /// kept.
    fn classify(&self, served: Option<&Served>, text: &Arc<str>) -> Result<Arc<Classified>, RequestError> {
        match served {
            Some(served) => served.documents.classify(text),
            None => {
                let own = self.own.iter().map(String::as_str).collect();
                let document = classify(Arc::clone(text), &own, &[], &self.limits)?;
                Ok(Arc::new(document.touching(self.modules.platform.customer_names())))
            }
        }
    }

    /// Answers a request. `peer` is the client's address, for the platform's own counting.
    pub async fn execute(&self, request: http::Request<Bytes>, peer: IpAddr) -> Response<AnswerBody> {
        let (parts, body) = request.into_parts();
        let class = OnceLock::new();
        let answer = self.answer(&parts, body, peer, &class).await;
        let mut response = answer.unwrap_or_else(|error| respond::failed(&error, Accept::of(&parts.headers)));
        let class = class.get().copied().unwrap_or("none");
        let failed = response.extensions().get::<Walked>().map(|walked| Walked { class, ..*walked });
        let walked = failed.unwrap_or(Walked::by_status(class, response.status().as_u16()));
        response.extensions_mut().insert(walked);
        response
    }

    async fn answer(
        &self,
        parts: &Parts,
        body: Bytes,
        peer: IpAddr,
        class: &OnceLock<&'static str>,
    ) -> Result<Response<AnswerBody>, GatewayError> {
        let watch = Watch::of(self.modules.debug, &parts.headers);
        let mut envelope = envelope::read(parts, &body, &self.limits)?;
        let named = self.modules.persisted.name(&mut envelope)?;
        let rewrite = named.rewrite;
        let request = Request { parts, peer, envelope: &envelope, rewrite, watch: &watch, class, share: false };
        let served = self.served.load_full();
        let Some(text) = &envelope.query else {
            // A hash alone, and the platform knows the documents.
            return self.forward(request, body, Repeat::Never, None).await;
        };
        let classify = || self.classify(served.as_deref(), text);
        let document = watch.step(Stage::Classify, spans::classify(), classify)?;
        self.modules.persisted.admit(named, &document)?;
        let operation = document.operation(envelope.operation_name.as_deref())?;
        if envelope.method == Method::Get && document.may_mutate(operation) {
            return Err(RequestError::MutationByGet.into());
        }
        let mut record = operation.and_then(|operation| self.customer_data(request, &document, operation));
        let answer = self.serve_operation(request, body, served.as_deref(), &document, operation).await;
        if let Some(record) = &mut record {
            record.outcome = match &answer {
                Ok(response) => response.status().as_u16().to_string(),
                Err(error) => error.code().as_str().to_owned(),
            };
        }
        answer
    }

    async fn serve_operation(
        &self,
        request: Request<'_>,
        body: Bytes,
        served: Option<&Served>,
        document: &Classified,
        operation: Option<&Operation>,
    ) -> Result<Response<AnswerBody>, GatewayError> {
        let parts = request.parts;
        let ours = operation.filter(|operation| self.is_ours(parts, operation));
        if let Some(Operation { definition, .. }) = operation {
            let name = definition.name.as_ref().map(|name| name.as_str());
            let class = if ours.is_some() { "plan" } else { "forward" };
            spans::operation(definition.operation_type.name(), name, class);
        }
        let Some(operation) = ours else {
            let variables = request.envelope.variables.as_ref();
            let spoken = operation.map(|operation| Spoken::new(document, operation, variables));
            let listener = spoken.as_ref().and_then(|spoken| self.listener(request, spoken));
            let repeat = operation.map_or(Repeat::Never, |operation| repeat(operation.definition.operation_type));
            let share = spoken.is_some_and(|spoken| spoken.may_share(&*self.modules.platform));
            return self.forward(Request { share, ..request }, body, repeat, listener).await;
        };
        let served = served.ok_or(GatewayError::NotReady(NO_SCHEMA))?;
        // Boxed, so that what passes through does not carry the room for it.
        Box::pin(self.personalize(request, body, served, document, operation)).await
    }

    /// Whether an operation is planned: it has fields of ours, or a rule puts one of its lists in order and the caller
    /// opted in, by sending a session or by the rule.
    fn is_ours(&self, parts: &Parts, operation: &Operation) -> bool {
        let opted_in = parts.headers.contains_key(SESSION_HEADER);
        let rules = || operation.rules.iter().filter_map(|rule| self.modules.rerank.get(*rule));
        operation.class == Class::Plan || rules().any(|rule| rule.always || opted_in)
    }

    /// Who learns from an operation that passes through; `None` where it says nothing.
    fn listener(&self, request: Request<'_>, spoken: &Spoken<'_>) -> Option<Listener> {
        let known = self.modules.who.knows(&request.parts.headers);
        if !known && spoken.is_bare() {
            // Nobody in particular, which most of what passes is: no copy is kept.
            return None;
        }
        let roots = spoken.roots(&*self.modules.who);
        let evidence = || spoken.evidence(request.parts, &*self.modules.platform, false);
        let evidence = (!roots.is_empty()).then(evidence).filter(|evidence| known || evidence.token.is_some());
        evidence.map(|evidence| (Arc::clone(&self.modules.who), evidence, roots))
    }

    async fn forward(
        &self,
        request: Request<'_>,
        body: Bytes,
        repeat: Repeat,
        listener: Option<Listener>,
    ) -> Result<Response<AnswerBody>, GatewayError> {
        let Request { parts, peer, envelope, rewrite, watch, class, share } = request;
        class.set("forward").ok();
        let headers = forward::headers(&*self.modules.platform, &parts.headers, peer);
        let query = match envelope.method {
            Method::Get => parts.uri.query().map(Cow::Borrowed),
            Method::Post => parts.uri.query().and_then(envelope::without_parameters),
        };
        let mut passing = Passing { method: parts.method.clone(), query, headers, body, repeat, listener };
        if rewrite {
            passing.rewrite(envelope)?;
        }
        let Modules { upstream, platform, share: shared, .. } = &self.modules;
        let passed = async {
            match share {
                true => passing.share(shared, &parts.headers, upstream, &**platform, envelope.accept).await,
                false => passing.forward(upstream, &**platform, envelope.accept).await,
            }
        };
        // The question to the platform has a span of its own.
        // Boxed, because a stage moves what it waits for.
        let mut response = watch.stage(Stage::Upstream, Span::none(), Box::pin(passed)).await?;
        watch.through(response.headers_mut());
        Ok(response)
    }

    async fn personalize(
        &self,
        request: Request<'_>,
        body: Bytes,
        served: &Served,
        document: &Classified,
        operation: &Operation,
    ) -> Result<Response<AnswerBody>, GatewayError> {
        let Request { parts, peer, envelope, watch, class, .. } = request;
        let spoken = Spoken::new(document, operation, envelope.variables.as_ref());
        let evidence = spoken.evidence(parts, &*self.modules.platform, true);
        let Asking { context, events } = watch.stage(Stage::Who, spans::who(), self.modules.who.ask(&evidence)).await?;
        let personal = context.shopper.is_some() && context.consent.allows(Purpose::Preferences);
        // A page that was begun in an order of ours needs us to go on, whatever has changed since.
        let begun = || envelope.variables.as_ref().is_some_and(|raw| mentions_cursor(raw.as_bytes()));
        let rerank = personal || mentions_cursor(document.text.as_bytes()) || begun();
        let plan = || served.documents.plan(document, envelope.operation_name.as_deref(), rerank);
        let planned = watch.step(Stage::Plan, spans::plan(), plan);
        let plan = match planned {
            // No field of ours is in it: what the platform makes of it is the platform's.
            Err(_) if operation.class == Class::Forward => None,
            Ok(plan) if operation.class == Class::Forward && plan.ranks.is_empty() => None,
            planned => Some(planned?),
        };
        let Some(plan) = plan else {
            let repeat = repeat(operation.definition.operation_type);
            return self.forward(request, body, repeat, self.listener(request, &spoken)).await;
        };
        class.set("plan").ok();
        let variables = Variables::new(Arc::clone(&plan), envelope.variables.as_ref())
            .map_err(|error| RequestError::Variables { message: format!("variables cannot be read: {error}") })?;
        let schema = &served.documents.composed().schema;
        variables.check(schema).map_err(|message| RequestError::Variables { message })?;
        let mut headers = forward::headers(&*self.modules.platform, &parts.headers, peer);
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        let viewer = Viewer {
            context,
            engine: Arc::clone(&self.modules.engine),
            events,
            decisions: Arc::clone(&self.modules.decisions),
            book: Default::default(),
        };
        let mut run = Run::new(self.means(served), plan, variables, Arc::new(viewer), headers);
        run.watch = watch.clone();
        run.page().map_err(|foreign| RequestError::Variables { message: foreign.to_string() })?;
        let early = match defer::begin(&mut run, &self.modules.upstream, envelope.accept, &self.limits).await? {
            Began::Parts(parts) => {
                run.viewer.events.observe(&spoken.roots(&*self.modules.who), parts.first());
                return parts.respond(run, &*self.modules.platform, &self.limits).await;
            }
            Began::Whole(answered) => answered,
        };
        let (answer, upstream) = self.steps(&mut run, early).await?;
        if let Some(answered) = &upstream {
            let roots = spoken.roots(&*self.modules.who);
            run.viewer.events.observe(&roots, Some(answer.shown(&answered.body, &roots)));
        }
        let (text, has_data) = spans::splice().in_scope(|| answer.text(&run, self.largest_answer()))?;
        let cookie = run.viewer.events.set_cookie();
        let caching = self.modules.caching.of(&run, envelope.method, upstream.as_ref(), cookie.is_some(), &text);
        let returns = |name: &http::HeaderName| self.modules.platform.returns(name);
        let from = upstream.as_ref().map(|answer| {
            let from = respond::Upstream { status: answer.status, headers: &answer.headers };
            (from, &returns as respond::Returns<'_>)
        });
        let mut response = respond::composed(text, has_data, envelope.accept, caching, from);
        if let Some(answer) = upstream.filter(|answer| !answer.status.is_success()) {
            *response.status_mut() = answer.status;
        }
        if let Some(cookie) = cookie {
            response.headers_mut().append(SET_COOKIE, cookie);
        }
        Ok(response)
    }

    /// How many bytes a composed answer may grow to: what the platform may say, and as much again of ours.
    fn largest_answer(&self) -> usize {
        usize::try_from(self.limits.upstream_answer.as_u64()).unwrap_or(usize::MAX).saturating_mul(2)
    }

    fn means(&self, served: &Served) -> Means {
        Means {
            upstream: self.modules.upstream.asking_for("lookup"),
            platform: Arc::clone(&self.modules.platform),
            products: self.modules.products.clone(),
            personalization: self.personalization.clone(),
            introspection: Arc::clone(&served.introspection),
            max_entities: self.limits.entities,
            sealer: self.modules.sealer.clone(),
        }
    }

    /// The steps of a plan, one after the other, until one has no data. `early`: what the platform answered already.
    async fn steps(
        &self,
        run: &mut Run,
        mut early: Option<Answered>,
    ) -> Result<(Answer, Option<Answered>), GatewayError> {
        let mut answer = Answer::default();
        let mut upstream = None;
        let plan = Arc::clone(&run.plan);
        for step in &plan.steps {
            match step {
                Step::Upstream(fetch) => {
                    let answered = match early.take() {
                        Some(answered) => answered,
                        None => {
                            let asked = ask(self.modules.upstream.clone(), fetch, run);
                            // What needs no key of the platform is decided while the platform answers.
                            let (answered, ()) = tokio::join!(asked, run.root());
                            answered?
                        }
                    };
                    let foreign = |reason| UpstreamError::foreign(answered.status, &answered.headers, reason);
                    let malformed = |error: splice::Malformed| foreign(error.to_string());
                    let scanned = splice::answer(&answered.body, &fetch.trie).map_err(malformed)?;
                    answer.upstream(run, &answered.body, scanned).await;
                    if answer.is_silent() {
                        return Err(foreign("it has neither data nor errors".to_owned()).into());
                    }
                    upstream = Some(answered);
                }
                Step::Local(fields) => {
                    run.local(fields).await;
                    answer.local(run, fields, self.largest_answer())?;
                    if plan.operation == OperationType::Mutation {
                        run.look_again().await;
                    }
                }
            }
            if !answer.goes_on() {
                break;
            }
        }
        Ok((answer, upstream))
    }
}

/// Sends a document to the platform. Everything it needs is taken from the run before the future is made, so that the
/// run is free for other work meanwhile.
fn ask(
    upstream: Upstream,
    fetch: &Fetch,
    run: &mut Run,
) -> impl Future<Output = Result<Answered, GatewayError>> + use<> {
    let body = run.request_of(fetch);
    let headers: HeaderMap = run.headers.clone();
    let repeat = repeat(run.plan.operation);
    let watch = run.watch.clone();
    async move {
        let began = watch.now();
        let sent = body.len();
        let answered = watch.asking("plan", sent, upstream.ask(headers, body, repeat)).await;
        watch.took(Stage::Upstream, began);
        answered.map_err(failed)
    }
}
