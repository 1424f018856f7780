//! One part of a deferred answer: read, filled, written out as the client shall see it.
//!
//! A payload is the answer's own (`data` at the root, or at its `path` in the older form) or one of `incremental`. Where
//! its data begins in the plan's trie is found by walking its path. Members that the format does not know are left out:
//! nothing that was not scanned for placeholders reaches a client.
//! Source: the incremental delivery RFC as of 2022-08-24, which clients name `deferSpec=20220824`.

use super::Broken;
use crate::gateway::debug;
use crate::gateway::plan::{Branch, Trie};
use crate::gateway::run::Run;
use crate::gateway::splice::{self, Fragment, FragmentId, Step};
use bytes::Bytes;
use serde_json::{Map, Value};
use std::ops::Range;

/// The most payloads of one part.
const PAYLOADS: usize = 10_000;
/// The member for what stands beside an answer.
const EXTENSIONS: &str = "extensions";
/// The longest path, as text.
const PATH: usize = 64 * 1024;

/// A part with everything in its place.
#[derive(Debug, PartialEq)]
pub(super) struct Written {
    /// JSON.
    pub(super) text: Vec<u8>,
    /// Whether parts are to come.
    pub(super) has_next: bool,
}

/// Rewrites parts one after the other.
pub(super) struct Rewriter {
    /// The most bytes of a part that was filled.
    limit: usize,
    /// Places among the run's fragments that an earlier part left: a part's own bytes live as long as the part.
    spare: Vec<FragmentId>,
}

/// Data with its place and what stands beside it.
struct Payload {
    data: Option<FragmentId>,
    /// As the client knows it.
    path: Option<Vec<Step>>,
    label: Option<Range<usize>>,
    errors: Option<Range<usize>>,
    extensions: Option<Range<usize>>,
}

impl Rewriter {
    /// `limit`: bytes of one part when it is filled.
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, spare: Vec::new() }
    }

    /// Fills a part's placeholders, cuts what is the gateway's own, and writes it.
    /// Errors: it is no payload of the format, or grows beyond the limit.
    pub(super) async fn rewrite(&mut self, run: &mut Run, trie: &Trie, body: &Bytes) -> Result<Written, Broken> {
        let mut used = Vec::new();
        let written = self.written(run, trie, body, &mut used).await;
        for id in &used {
            if let Some(fragment) = run.fragments.get_mut(*id) {
                *fragment = Fragment::default();
            }
        }
        self.spare.append(&mut used);
        written
    }

    async fn written(
        &mut self,
        run: &mut Run,
        trie: &Trie,
        body: &Bytes,
        used: &mut Vec<FragmentId>,
    ) -> Result<Written, Broken> {
        if let Err(error) = std::str::from_utf8(body) {
            return Err(splice::Malformed(error.valid_up_to()).into());
        }
        let [incremental, has_next] = splice::named(body, 0..body.len(), ["incremental", "hasNext"])?;
        let has_next = has_next.and_then(|place| body.get(place)) != Some(b"false");
        let own = self.payload(run, trie, body, 0..body.len(), used)?;
        let places = incremental.map(|list| splice::places(body, list, PAYLOADS)).transpose()?;
        let mut payloads = Vec::new();
        for place in places.iter().flatten() {
            // Data without a path belongs to a format that was not asked for: where it stands cannot be told.
            match self.payload(run, trie, body, place.clone(), used)? {
                Some(Payload { data: Some(_), path: None, .. }) => return Err(splice::Malformed(place.start).into()),
                payload => payloads.extend(payload),
            }
        }
        if used.iter().any(|id| run.fragments.get(*id).is_some_and(|fragment| !fragment.holes.is_empty())) {
            // Errors keep their payload: what is put in order within a part keeps its platform's paths.
            run.fill(used, &mut Vec::new()).await;
        }
        let mut text = vec![b'{'];
        // Who asked is told how the answer came about once it is whole.
        let told = if has_next { None } else { run.watch.extension(&run.plan) };
        if let Some(own) = own {
            self.write(run, body, own, told, &mut text)?;
        } else if let Some(told) = &told {
            member(&mut text, EXTENSIONS);
            text.extend(debug::joined(None, told));
        }
        if places.is_some() {
            member(&mut text, "incremental");
            text.push(b'[');
            for (n, payload) in payloads.into_iter().enumerate() {
                text.extend_from_slice(if n > 0 { b",{" } else { b"{" });
                self.write(run, body, payload, None, &mut text)?;
                text.push(b'}');
            }
            text.push(b']');
        }
        member(&mut text, "hasNext");
        text.extend_from_slice(if has_next { b"true}" } else { b"false}" });
        Ok(Written { text, has_next })
    }

    /// Reads a payload; `None` where it stands in something that the client did not ask for.
    fn payload(
        &mut self,
        run: &mut Run,
        trie: &Trie,
        body: &Bytes,
        object: Range<usize>,
        used: &mut Vec<FragmentId>,
    ) -> Result<Option<Payload>, Broken> {
        let names = ["data", "path", "label", "errors", "extensions"];
        let [data, path, label, errors, extensions] = splice::named(body, object, names)?;
        let path = path.map(|place| read_path(body, place)).transpose()?;
        let none = Trie::default();
        let trie = path.as_ref().map_or(Some(trie), |path| below(trie, path)).unwrap_or(&none);
        let path = match path.map(splice::as_client_sees) {
            Some(None) => return Ok(None),
            path => path.flatten(),
        };
        let data = match data {
            Some(place) => {
                let id = self.place(run, splice::value(body, place, trie)?);
                used.push(id);
                Some(id)
            }
            None => None,
        };
        Ok(Some(Payload { data, path, label, errors, extensions }))
    }

    fn place(&mut self, run: &mut Run, fragment: Fragment) -> FragmentId {
        match self.spare.pop() {
            Some(id) => {
                if let Some(place) = run.fragments.get_mut(id) {
                    *place = fragment;
                }
                id
            }
            None => run.add(fragment),
        }
    }

    /// The members of a payload. `told`: what is added to its extensions.
    fn write(
        &self,
        run: &Run,
        body: &Bytes,
        payload: Payload,
        told: Option<Value>,
        out: &mut Vec<u8>,
    ) -> Result<(), Broken> {
        let mut errors = Vec::new();
        for (path, mut error) in
            payload.errors.and_then(|place| body.get(place)).map(splice::errors_in).into_iter().flatten()
        {
            let Some(path) = splice::as_client_sees(path) else { continue };
            if !path.is_empty() {
                error.insert("path".to_owned(), list(&path));
            }
            errors.push(error);
        }
        if let Some(id) = payload.data {
            member(out, "data");
            if !splice::assemble(&run.fragments, &run.plan.sites, id, self.limit, out) {
                return Err(Broken::TooLarge(self.limit));
            }
            let base = payload.path.as_deref().unwrap_or_default();
            splice::errors_below(&run.fragments, &run.plan.sites, id, base, splice::MAX_ERRORS, &mut errors);
        }
        if let Some(path) = &payload.path {
            member(out, "path");
            out.extend_from_slice(list(path).to_string().as_bytes());
        }
        self.raw("label", payload.label, body, out);
        if !errors.is_empty() {
            errors.truncate(splice::MAX_ERRORS);
            member(out, "errors");
            let errors: Vec<Value> = errors.into_iter().map(|error: Map<String, Value>| error.into()).collect();
            out.extend_from_slice(Value::from(errors).to_string().as_bytes());
        }
        match told {
            None => self.raw(EXTENSIONS, payload.extensions, body, out),
            Some(told) => {
                member(out, EXTENSIONS);
                out.extend(debug::joined(payload.extensions.and_then(|place| body.get(place)), &told));
            }
        }
        if out.len() > self.limit { Err(Broken::TooLarge(self.limit)) } else { Ok(()) }
    }

    fn raw(&self, name: &str, place: Option<Range<usize>>, body: &Bytes, out: &mut Vec<u8>) {
        if let Some(raw) = place.and_then(|place| body.get(place)) {
            member(out, name);
            out.extend_from_slice(raw);
        }
    }
}

/// A member's name, with a comma where one stands before it.
fn member(out: &mut Vec<u8>, name: &str) {
    out.extend_from_slice(if out.ends_with(b"{") { b"\"" } else { b",\"" });
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
}

fn list(path: &[Step]) -> Value {
    path.iter().map(Value::from).collect::<Vec<_>>().into()
}

fn read_path(body: &Bytes, place: Range<usize>) -> Result<Vec<Step>, Broken> {
    let malformed = splice::Malformed(place.start);
    let raw = body.get(place).filter(|raw| raw.len() <= PATH).ok_or(malformed)?;
    let steps: Vec<Value> = serde_json::from_slice(raw).map_err(|_| malformed)?;
    let step = |value: &Value| match value {
        Value::String(name) => Some(Step::Key(name.as_str().into())),
        value => Some(Step::Index(usize::try_from(value.as_u64()?).ok()?)),
    };
    steps.iter().map(step).collect::<Option<_>>().ok_or(malformed.into())
}

/// The trie below a path, lists passed over; `None` where nothing interesting stands there.
fn below<'a>(trie: &'a Trie, path: &[Step]) -> Option<&'a Trie> {
    path.iter().try_fold(trie, |trie, step| match step {
        Step::Index(_) => Some(trie),
        Step::Key(name) => match trie.get(name)? {
            Branch::Descend(trie) => Some(trie),
            _ => None,
        },
    })
}
