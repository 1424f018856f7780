//! Assemble: fragments and what fills their holes, written out as one text; and the errors below them, each at every
//! path where its entity stands.

use super::{Fragment, FragmentId, Piece, Step};
use crate::gateway::plan::Site;
use serde_json::{Map, Value};

/// Writes a fragment with all that fills it. False: it would grow past `limit` bytes, and what is in `out` is cut off.
pub fn assemble(fragments: &[Fragment], sites: &[Site], root: FragmentId, limit: usize, out: &mut Vec<u8>) -> bool {
    let Some(fragment) = fragments.get(root) else { return true };
    for piece in &fragment.pieces {
        match piece {
            Piece::Raw(range) => out.extend_from_slice(fragment.body.get(range.clone()).unwrap_or_default()),
            Piece::Key(site) => {
                out.push(b'"');
                out.extend_from_slice(sites.get(*site).map_or("", |site| &site.key).as_bytes());
                out.push(b'"');
            }
            Piece::Hole(hole) => match fragment.holes.get(*hole).and_then(|hole| hole.fill) {
                Some(fill) => {
                    if !assemble(fragments, sites, fill, limit, out) {
                        return false;
                    }
                }
                None => out.extend_from_slice(b"null"),
            },
        }
        if out.len() > limit {
            return false;
        }
    }
    true
}

/// The errors of a fragment and of all that fills it, with paths from `base`. At most `limit`.
pub fn errors_below(
    fragments: &[Fragment],
    sites: &[Site],
    root: FragmentId,
    base: &[Step],
    limit: usize,
    out: &mut Vec<Map<String, Value>>,
) {
    // Nearly no answer has any, and paths are made of many small pieces.
    if fragments.iter().any(|fragment| !fragment.errors.is_empty()) {
        told_below(fragments, sites, root, base, limit, out);
    }
}

fn told_below(
    fragments: &[Fragment],
    sites: &[Site],
    root: FragmentId,
    base: &[Step],
    limit: usize,
    out: &mut Vec<Map<String, Value>>,
) {
    let Some(fragment) = fragments.get(root) else { return };
    for (path, error) in &fragment.errors {
        if out.len() >= limit {
            return;
        }
        let mut error = error.clone();
        let path: Vec<Value> = base.iter().chain(path).map(Value::from).collect();
        error.insert("path".to_owned(), path.into());
        out.push(error);
    }
    for hole in &fragment.holes {
        let Some(fill) = hole.fill else { continue };
        let mut path = fragment.path(hole);
        if let (super::Wanted::Site(site), Some(last)) = (hole.wanted, path.last_mut())
            && let Some(site) = sites.get(site)
        {
            *last = Step::Key(site.key.clone());
        }
        let base: Vec<Step> = base.iter().cloned().chain(path).collect();
        told_below(fragments, sites, fill, &base, limit, out);
    }
}
