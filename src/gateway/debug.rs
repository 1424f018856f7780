//! Debug: what an answer tells of how it came about, to who asks with `Outfitter-Debug: plan, upstreamRequests, decisions,
//! timings` (or `all`), where `[debug] extensions` allows it.
//!
//! Beside every stage of the walk: [`Watch::stage`] gives it its span of the trace and, where somebody asked, its time.
//! Who did not ask pays for one test of an `Option` a stage. What is told is the request's own: documents without
//! variables, no header, no address. A deferred answer tells in its last part; errors that end a request tell nothing.

use super::plan::{Plan, Site, SiteKind, Step};
use crate::domain::slate::Slate;
use crate::platform::answer::Answer;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tracing::{Instrument, Span};

/// The header that asks.
pub const DEBUG: HeaderName = HeaderName::from_static("outfitter-debug");
/// The header of answers that passed through.
pub const PLAN: HeaderName = HeaderName::from_static("outfitter-plan");
const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");
/// The most requests and decisions that are told one by one.
const MOST: usize = 100;

/// `[debug]`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Whether answers tell their plan, requests, decisions and timings to who asks with `Outfitter-Debug`.
    /// Default: false.
    pub extensions: bool,
}

/// A stage of the walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Reading the document, or finding it.
    Classify,
    /// Planning, or finding the plan.
    Plan,
    /// Who asks.
    Who,
    /// The platform, with the operation's own document.
    Upstream,
    /// Deciding slates.
    Decide,
    /// Looking products up, the platform's time in it.
    LookUp,
    /// Executing the personalization schema.
    Personalize,
    /// Putting the answer together.
    Splice,
}

impl Stage {
    fn name(self) -> &'static str {
        match self {
            Self::Classify => "classify",
            Self::Plan => "plan",
            Self::Who => "who",
            Self::Upstream => "upstream",
            Self::Decide => "decide",
            Self::LookUp => "lookUp",
            Self::Personalize => "personalize",
            Self::Splice => "splice",
        }
    }
}

/// Watches one request. Clones share what was seen.
#[derive(Clone, Default)]
pub struct Watch(Option<Arc<Notes>>);

struct Notes {
    began: Instant,
    plan: bool,
    requests: bool,
    decisions: bool,
    timings: bool,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    /// Stages as they ended, each once with the sum of its times.
    stages: Vec<(&'static str, Duration)>,
    count: usize,
    requests: Vec<Value>,
    decisions: Vec<Value>,
}

impl Watch {
    /// Watches where the configuration allows it and the request asks.
    pub fn of(config: Config, headers: &HeaderMap) -> Self {
        let asked = headers.get(DEBUG).filter(|_| config.extensions);
        let Some(asked) = asked.and_then(|value| value.to_str().ok()) else { return Self(None) };
        let words: Vec<String> = asked.split(',').map(|word| word.trim().to_ascii_lowercase()).collect();
        let wants = |name: &str| words.iter().any(|word| word == name || word == "all");
        Self(Some(Arc::new(Notes {
            began: Instant::now(),
            plan: wants("plan"),
            requests: wants("upstreamrequests"),
            decisions: wants("decisions"),
            timings: wants("timings"),
            seen: Mutex::default(),
        })))
    }

    /// A stage that waits, within its span.
    pub async fn stage<T>(&self, stage: Stage, span: Span, work: impl Future<Output = T>) -> T {
        let began = self.now();
        let done = work.instrument(span).await;
        self.took(stage, began);
        done
    }

    /// A stage that computes, within its span.
    pub fn step<T>(&self, stage: Stage, span: Span, work: impl FnOnce() -> T) -> T {
        let began = self.now();
        let done = span.in_scope(work);
        self.took(stage, began);
        done
    }

    /// A buffered question to the platform, of `sent` bytes.
    pub async fn asking<E>(
        &self,
        kind: &'static str,
        sent: usize,
        asked: impl Future<Output = Result<Answer, E>>,
    ) -> Result<Answer, E> {
        let Some(notes) = &self.0 else { return asked.await };
        let began = Instant::now();
        let answer = asked.await;
        let mut told = json!({ "kind": kind, "micros": micros(began.elapsed()), "sent": sent });
        if let (Some(members), Ok(answer)) = (told.as_object_mut(), &answer) {
            members.insert("received".to_owned(), answer.body.len().into());
            members.insert("status".to_owned(), answer.status.as_u16().into());
        }
        let mut seen = notes.seen();
        seen.count += 1;
        if seen.requests.len() < MOST {
            seen.requests.push(told);
        }
        answer
    }

    /// A slate as it is served.
    pub fn decided(&self, slate: &Slate) {
        let Some(notes) = self.0.as_ref().filter(|notes| notes.decisions) else { return };
        let mut seen = notes.seen();
        // The wave's own time stands last among the stages when its slates are settled.
        let wave = seen.stages.iter().find(|(name, _)| *name == Stage::Decide.name()).map(|(_, took)| micros(*took));
        if seen.decisions.len() < MOST {
            let Slate { decision, placement, items, .. } = slate;
            seen.decisions.push(json!({
                "id": decision.id.as_str(), "placement": placement, "servedBy": decision.served_by,
                "fallback": decision.fallback, "items": items.len(), "decidedWithinMicros": wave,
            }));
        }
    }

    /// The time, where somebody asked.
    pub fn now(&self) -> Option<Instant> {
        self.0.as_ref().map(|_| Instant::now())
    }

    /// A stage ended that began so.
    pub fn took(&self, stage: Stage, began: Option<Instant>) {
        let (Some(notes), Some(began)) = (&self.0, began) else { return };
        let (took, mut seen) = (began.elapsed(), notes.seen());
        match seen.stages.iter_mut().find(|(name, _)| *name == stage.name()) {
            Some((_, sum)) => *sum += took,
            None => seen.stages.push((stage.name(), took)),
        }
    }

    /// The member `outfitter` of `extensions`; `None` where nobody asked.
    pub fn extension(&self, plan: &Plan) -> Option<Value> {
        let notes = self.0.as_ref()?;
        let seen = notes.seen();
        let mut told = Map::new();
        if notes.plan {
            told.insert("plan".to_owned(), documents(plan));
        }
        if notes.requests {
            told.insert("upstreamRequests".to_owned(), json!({ "count": seen.count, "requests": seen.requests }));
        }
        if notes.decisions {
            told.insert("decisions".to_owned(), seen.decisions.clone().into());
        }
        if notes.timings {
            let stages = seen.stages.iter().map(|(name, took)| ((*name).to_owned(), micros(*took).into()));
            let mut timings: Map<String, Value> = stages.collect();
            timings.insert("total".to_owned(), micros(notes.began.elapsed()).into());
            told.insert("timings".to_owned(), timings.into());
        }
        Some(told.into())
    }

    /// Tells of a request that passed through, whose answer is not touched: in headers.
    pub fn through(&self, headers: &mut HeaderMap) {
        let Some(notes) = &self.0 else { return };
        headers.insert(PLAN, HeaderValue::from_static("pass-through"));
        if notes.timings {
            let stage = |(name, took): &(&str, Duration)| format!("outfitter-{name};dur={}", took.as_secs_f64() * 1e3);
            let stages = notes.seen().stages.iter().map(stage).collect::<Vec<_>>().join(", ");
            if let Ok(value) = HeaderValue::try_from(stages) {
                // Beside the platform's own.
                headers.append(SERVER_TIMING, value);
            }
        }
    }
}

impl Notes {
    fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        // Numbers and texts: a panic elsewhere leaves nothing half written.
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Watch({})", self.0.is_some())
    }
}

/// Puts our member into the platform's own `extensions`, an object's text, where it sent any. A member of the same name
/// that the platform sent stands first; ours is the one that counts for readers who take the last.
pub fn joined(platform: Option<&[u8]>, ours: &Value) -> Vec<u8> {
    let inner = platform.map(<[u8]>::trim_ascii);
    let inner = inner.and_then(|text| text.strip_prefix(b"{")?.strip_suffix(b"}")).unwrap_or_default().trim_ascii();
    let mut out = vec![b'{'];
    out.extend_from_slice(inner);
    if !inner.is_empty() {
        out.push(b',');
    }
    out.extend_from_slice(format!("\"outfitter\":{ours}}}").as_bytes());
    out
}

fn micros(took: Duration) -> u64 {
    u64::try_from(took.as_micros()).unwrap_or(u64::MAX)
}

/// The documents of a plan, and where the personalization schema hangs.
fn documents(plan: &Plan) -> Value {
    let steps = plan.steps.iter().map(|step| match step {
        Step::Upstream(fetch) => json!({ "platform": fetch.document }),
        Step::Local(fields) => json!({ "local": fields.iter().map(|field| &*field.key).collect::<Vec<_>>() }),
    });
    let all: Vec<usize> = (0..plan.selections.len()).collect();
    let look_up = (!all.is_empty()).then(|| plan.look_up(&all).0);
    let site = |site: &Site| {
        let (on, document) = match &site.kind {
            SiteKind::Query(document) => ("Query", Some(&document.text)),
            SiteKind::Mutation(document) => ("Mutation", Some(&document.text)),
            SiteKind::Entity(entity, document) => (entity.canonical, Some(&document.text)),
            SiteKind::Introspection(_) => ("__schema", None),
        };
        json!({ "field": &*site.key, "on": on, "document": document })
    };
    let ranks: Vec<&str> = plan.ranks.iter().map(|rank| rank.field.as_str()).collect();
    json!({
        "steps": steps.collect::<Vec<_>>(), "lookUp": look_up,
        "sites": plan.sites.iter().map(site).collect::<Vec<_>>(), "ordered": ranks,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(text: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(DEBUG, HeaderValue::from_static(text))])
    }

    #[test]
    fn nothing_is_watched_unless_it_is_allowed_and_asked_for() {
        let allowed = Config { extensions: true };
        assert!(Watch::of(Config::default(), &headers("all")).0.is_none());
        assert!(Watch::of(allowed, &HeaderMap::new()).0.is_none());
        let notes = Watch::of(allowed, &headers("Plan, upstreamRequests, nonsense")).0.unwrap();
        assert!(notes.plan && notes.requests && !notes.decisions && !notes.timings);
    }

    #[test]
    fn what_the_platform_said_beside_its_answer_stays() {
        let ours = json!({ "plan": 1 });
        let joined = |platform: Option<&str>| String::from_utf8(joined(platform.map(str::as_bytes), &ours)).unwrap();
        assert_eq!(joined(None), r#"{"outfitter":{"plan":1}}"#);
        assert_eq!(joined(Some("null")), r#"{"outfitter":{"plan":1}}"#);
        assert_eq!(joined(Some(" { } ")), r#"{"outfitter":{"plan":1}}"#);
        assert_eq!(joined(Some(r#"{"cost":{"a":2}}"#)), r#"{"cost":{"a":2},"outfitter":{"plan":1}}"#);
    }

    #[tokio::test]
    async fn a_pass_through_is_told_in_headers_beside_the_platforms_own() {
        let watch = Watch::of(Config { extensions: true }, &headers("timings"));
        watch.stage(Stage::Upstream, Span::none(), async {}).await;
        let mut answer = HeaderMap::from_iter([(SERVER_TIMING, HeaderValue::from_static("db;dur=3"))]);
        watch.through(&mut answer);
        assert_eq!(answer[PLAN], "pass-through");
        let timings: Vec<_> = answer.get_all(SERVER_TIMING).iter().map(|value| value.to_str().unwrap()).collect();
        assert!(timings[0] == "db;dur=3" && timings[1].starts_with("outfitter-upstream;dur="), "{timings:?}");
        let mut untouched = HeaderMap::new();
        Watch::default().through(&mut untouched);
        assert!(untouched.is_empty());
    }
}
