//! The answer of a planned operation as one text: `data` with everything in its place, `errors` at the paths that the
//! client knows, the platform's `extensions` as they stood.

use super::debug::{self, Stage};
use super::error::RequestError;
use super::plan::{LocalField, Site, SiteKind};
use super::run::Run;
use super::splice::{self, FragmentId, Step};
use crate::ingest::RootField;
use bytes::Bytes;
use serde_json::{Map, Value};
use std::ops::Range;

/// What the steps of an operation brought so far.
#[derive(Default)]
pub struct Answer {
    /// Data of the steps, in order.
    parts: Vec<Part>,
    /// A step answered with `data: null`, which is then the whole operation's.
    is_null: bool,
    /// A step answered without data: a request error of the platform.
    refused: bool,
    errors: Vec<Map<String, Value>>,
    extensions: Option<(Bytes, Range<usize>)>,
    /// Of the last answer of the platform: where its root fields stand, and its errors.
    marks: (Vec<splice::Mark>, Option<Range<usize>>),
}

enum Part {
    Upstream(FragmentId),
    Local(Vec<u8>),
}

impl Answer {
    /// Whether the steps to come still matter.
    pub fn goes_on(&self) -> bool {
        !self.is_null && !self.refused
    }

    /// Whether the platform refused without a word on why.
    pub fn is_silent(&self) -> bool {
        self.refused && self.errors.is_empty()
    }

    /// What the platform's last answer, with this body, shows of these root fields.
    pub fn shown(&self, body: &Bytes, roots: &[RootField]) -> Bytes {
        let (marks, errors) = &self.marks;
        splice::shown(body, marks, errors.as_ref(), roots.iter().map(|root| &*root.response))
    }

    /// Takes an answer of the platform in, and fills its sites.
    pub async fn upstream(&mut self, run: &mut Run, body: &Bytes, scanned: splice::Answer) {
        self.marks = (scanned.marks, scanned.errors.clone());
        let errors = scanned.errors.clone().and_then(|range| body.get(range)).map(splice::errors_in);
        let errors = errors.into_iter().flatten();
        let mut errors: Vec<splice::Error> =
            errors.filter_map(|(path, error)| Some((splice::as_client_sees(path)?, error))).collect();
        self.extensions = scanned.extensions.map(|range| (body.clone(), range)).or(self.extensions.take());
        self.refused = !scanned.has_data;
        self.is_null = scanned.has_data && scanned.data.is_none();
        if let Some(fragment) = scanned.data {
            let id = run.add(fragment);
            run.fill(&[id], &mut errors).await;
            self.parts.push(Part::Upstream(id));
        }
        self.errors.extend(errors.into_iter().map(|(path, mut error)| {
            if !path.is_empty() {
                error.insert("path".to_owned(), path.iter().map(Value::from).collect::<Vec<_>>().into());
            }
            error
        }));
    }

    /// Takes root fields in that the gateway answered itself.
    pub fn local(&mut self, run: &mut Run, fields: &[LocalField], limit: usize) -> Result<(), RequestError> {
        run.link();
        let mut text = vec![b'{'];
        for field in run.variables.in_order(fields) {
            if text.len() > 1 {
                text.push(b',');
            }
            text.extend_from_slice(format!("{}:", Value::from(&*field.key)).as_bytes());
            let fill = field.site.and_then(|site| run.answer(site, ""));
            match (fill, field.site) {
                (Some(fill), _) => {
                    if !splice::assemble(&run.fragments, &run.plan.sites, fill, limit, &mut text) {
                        return Err(RequestError::AnswerTooLarge { limit });
                    }
                    let base = [Step::Key(field.key.clone())];
                    let most = splice::MAX_ERRORS;
                    splice::errors_below(&run.fragments, &run.plan.sites, fill, &base, most, &mut self.errors);
                }
                (None, Some(_)) => text.extend_from_slice(b"null"),
                (None, None) => text.extend_from_slice(format!("\"{}\"", run.plan.root_type).as_bytes()),
            }
        }
        text.push(b'}');
        self.parts.push(Part::Local(text));
        Ok(())
    }

    /// The whole text, and whether it has data. Errors: it would be larger than the limit.
    pub fn text(mut self, run: &Run, limit: usize) -> Result<(Bytes, bool), RequestError> {
        let began = run.watch.now();
        // What the platform sent, and some of ours: most answers need no second allocation.
        let read = |part: &Part| match part {
            Part::Upstream(id) => run.fragments.get(*id).map_or(0, |fragment| fragment.body.len()),
            Part::Local(text) => text.len(),
        };
        let about = self.parts.iter().map(read).sum::<usize>();
        let mut out = Vec::with_capacity((about + about / 8 + 2048).min(limit.saturating_add(64)));
        out.push(b'{');
        if !self.refused {
            out.extend_from_slice(b"\"data\":");
            if self.is_null {
                out.extend_from_slice(b"null");
            } else {
                self.data(run, limit, &mut out)?;
            }
        }
        if !self.errors.is_empty() {
            out.extend_from_slice(if out.len() > 1 { b",\"errors\":" } else { b"\"errors\":" });
            self.errors.truncate(splice::MAX_ERRORS);
            let errors = std::mem::take(&mut self.errors).into_iter().map(Value::Object).collect::<Vec<_>>();
            out.extend_from_slice(Value::from(errors).to_string().as_bytes());
        }
        run.watch.took(Stage::Splice, began);
        let theirs = self.extensions.as_ref().and_then(|(body, range)| body.get(range.clone()));
        let ours = run.watch.extension(&run.plan).map(|ours| debug::joined(theirs, &ours));
        if let Some(extensions) = ours.as_deref().or(theirs) {
            out.extend_from_slice(if out.len() > 1 { b",\"extensions\":" } else { b"\"extensions\":" });
            out.extend_from_slice(extensions);
        }
        out.push(b'}');
        Ok((out.into(), !self.refused))
    }

    fn data(&mut self, run: &Run, limit: usize, out: &mut Vec<u8>) -> Result<(), RequestError> {
        let single = self.parts.len() == 1;
        if !single {
            out.push(b'{');
        }
        let mut empty = true;
        for part in &self.parts {
            let start = out.len();
            match part {
                Part::Upstream(id) => {
                    if !splice::assemble(&run.fragments, &run.plan.sites, *id, limit, out) {
                        return Err(RequestError::AnswerTooLarge { limit });
                    }
                    let most = splice::MAX_ERRORS;
                    splice::errors_below(&run.fragments, &run.plan.sites, *id, &[], most, &mut self.errors);
                }
                Part::Local(text) => out.extend_from_slice(text),
            }
            if !single {
                // Several objects become one: each loses its braces, and commas go between.
                let inner = out.get(start..).unwrap_or_default().trim_ascii();
                let inner =
                    inner.strip_prefix(b"{").and_then(|inner| inner.strip_suffix(b"}")).unwrap_or(inner).to_vec();
                out.truncate(start);
                if !inner.trim_ascii().is_empty() {
                    if !std::mem::take(&mut empty) {
                        out.push(b',');
                    }
                    out.extend_from_slice(&inner);
                }
            }
        }
        if !single {
            out.push(b'}');
        }
        Ok(())
    }
}

/// Whether an operation holds anything of a shopper, so that nobody else may keep its answer.
pub fn is_personal(run: &Run) -> bool {
    let of_shopper = |site: &Site| !matches!(site.kind, SiteKind::Introspection(_));
    !run.plan.ranks.is_empty() || run.plan.sites.iter().any(of_shopper)
}
