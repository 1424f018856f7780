//! The pieces of one part of a deferred answer: where its members stand, and values scanned from within.

use super::Fragment;
use super::scan::{Malformed, Scan};
use crate::gateway::plan::Trie;
use bytes::Bytes;
use std::ops::Range;

/// The values of these members of an object; what else it holds is passed over.
/// Errors: where it is no object that ends with its place, or holds one of the names twice.
pub fn named<const N: usize>(
    body: &[u8],
    object: Range<usize>,
    names: [&str; N],
) -> Result<[Option<Range<usize>>; N], Malformed> {
    let bytes = body.get(..object.end).unwrap_or_default();
    let mut scan = Scan::new(bytes, object.start);
    let mut found = [const { None }; N];
    scan.expect(b'{')?;
    loop {
        match scan.next()? {
            b'}' if scan.at + 1 == bytes.len() => return Ok(found),
            b'}' => return Err(Malformed(scan.at)),
            b',' => scan.at += 1,
            _ => {
                let name = scan.key()?;
                let start = scan.at;
                scan.skip()?;
                let name = bytes.get(name).unwrap_or_default();
                let place = names.iter().position(|wanted| wanted.as_bytes() == name);
                if let Some(place) = place.and_then(|place| found.get_mut(place))
                    && place.replace(start..scan.at).is_some()
                {
                    return Err(Malformed(start));
                }
            }
        }
    }
}

/// Where the elements of a list stand.
/// Errors: where it is no list, or has more than `most` elements.
pub fn places(body: &[u8], list: Range<usize>, most: usize) -> Result<Vec<Range<usize>>, Malformed> {
    let bytes = body.get(..list.end).unwrap_or_default();
    let mut scan = Scan::new(bytes, list.start);
    let mut places = Vec::new();
    scan.expect(b'[')?;
    loop {
        match scan.next()? {
            b']' => return Ok(places),
            b',' => scan.at += 1,
            _ if places.len() == most => return Err(Malformed(scan.at)),
            _ => {
                let start = scan.at;
                scan.skip()?;
                places.push(start..scan.at);
            }
        }
    }
}

/// A value within a body, scanned along the trie of where it belongs.
pub fn value(body: &Bytes, place: Range<usize>, trie: &Trie) -> Result<Fragment, Malformed> {
    let mut scan = Scan::of(body, place.start);
    scan.value(trie, None, 0)?;
    scan.flush(scan.at);
    Ok(scan.out)
}
