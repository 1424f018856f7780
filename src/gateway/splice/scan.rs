//! One pass over an answer of the platform. The bytes are untrusted: nothing here indexes without a check, and nesting
//! is bounded.

use super::{Fragment, Hole, Mark, Piece, Step, Wanted};
use crate::gateway::plan::{Branch, HIDDEN, Trie};
use bytes::Bytes;
use std::borrow::Cow;
use std::ops::Range;

/// How deep the interesting part of an answer may be nested. Operations are not as deep, and lists of lists are rare.
const MAX_DEPTH: usize = 256;

/// The answer is not JSON of the shape that GraphQL prescribes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the answer is not a GraphQL response: it breaks off or is malformed at byte {0}")]
pub struct Malformed(pub usize);

/// The parts of an answer.
#[derive(Debug, Default)]
pub struct Answer {
    /// `data`, scanned; `None` where it is absent or null.
    pub data: Option<Fragment>,
    /// Whether there is a `data` at all.
    pub has_data: bool,
    /// `errors`, as they stand.
    pub errors: Option<Range<usize>>,
    /// `extensions`, as they stand.
    pub extensions: Option<Range<usize>>,
    /// Where the root fields stand, and the members of those that were walked.
    pub marks: Vec<Mark>,
}

/// Scans a whole answer.
/// Errors: where it is not one JSON object, or one of its parts stands twice.
pub fn answer(body: &Bytes, trie: &Trie) -> Result<Answer, Malformed> {
    let mut scan = Scan { marks: Some(Vec::new()), ..Scan::of(body, 0) };
    let mut answer = Answer::default();
    scan.expect(b'{')?;
    let mut data = None;
    loop {
        match scan.next()? {
            b'}' => break,
            b',' => scan.at += 1,
            _ => {
                let name = scan.key()?;
                let start = scan.at;
                match body.get(name) {
                    Some(b"data") if data.is_none() => {
                        scan.from = start;
                        scan.value(trie, None, 0)?;
                        scan.flush(scan.at);
                        data = Some(start..scan.at);
                    }
                    Some(b"errors") if answer.errors.is_none() => {
                        scan.skip()?;
                        answer.errors = Some(start..scan.at);
                    }
                    Some(b"extensions") if answer.extensions.is_none() => {
                        scan.skip()?;
                        answer.extensions = Some(start..scan.at);
                    }
                    Some(b"data" | b"errors" | b"extensions") => return Err(Malformed(start)),
                    _ => scan.skip()?,
                }
            }
        }
    }
    if let Some(range) = data {
        answer.has_data = true;
        answer.data = (body.get(range) != Some(b"null")).then_some(scan.out);
        answer.marks = scan.marks.unwrap_or_default();
    }
    Ok(answer)
}

/// The elements of a list value, each scanned by itself; `None` for null. Hidden members are given beside.
pub fn elements(body: &Bytes, list: Range<usize>, trie: &Trie) -> Result<Vec<Option<Element>>, Malformed> {
    let mut elements = Vec::new();
    let mut scan = Scan::new(body, list.start);
    if scan.next()? != b'[' {
        return Err(Malformed(scan.at));
    }
    scan.at += 1;
    loop {
        match scan.next()? {
            b']' => return Ok(elements),
            b',' => scan.at += 1,
            b'{' => {
                let start = scan.at;
                scan.from = start;
                scan.out = Fragment { body: body.clone(), ..Fragment::default() };
                let hidden = scan.object(trie, None, 0)?;
                scan.flush(scan.at);
                let place = start..scan.at;
                elements.push(Some(Element { fragment: std::mem::take(&mut scan.out), hidden, place }));
            }
            _ => {
                scan.skip()?;
                elements.push(None);
            }
        }
    }
}

/// Members of an object: the name, and where the value stands in the body.
pub type Members = Vec<(Box<str>, Range<usize>)>;

/// The members of an object of a body: name and value.
pub fn members_of(body: &Bytes, object: Range<usize>) -> Result<Members, Malformed> {
    let mut scan = Scan::new(body, object.start);
    scan.expect(b'{')?;
    scan.plain_members()
}

/// One object of a list.
#[derive(Debug)]
pub struct Element {
    /// Its bytes without the hidden members.
    pub fragment: Fragment,
    /// The hidden members: name and value.
    pub hidden: Members,
    /// Where it stands in the body.
    pub place: Range<usize>,
}

/// An object that is a body by itself. Errors: it is none.
pub fn element(body: &Bytes, trie: &Trie) -> Result<Element, Malformed> {
    let mut scan = Scan::of(body, 0);
    let hidden = scan.object(trie, None, 0)?;
    scan.flush(scan.at);
    Ok(Element { fragment: scan.out, hidden, place: 0..scan.at })
}

/// A JSON string or number as text, escapes resolved: platforms write `gid:\/\/`.
pub fn text(raw: &[u8]) -> Option<Cow<'_, str>> {
    match raw.first()? {
        b'"' if !raw.contains(&b'\\') => {
            std::str::from_utf8(raw.get(1..raw.len().checked_sub(1)?)?).ok().map(Cow::Borrowed)
        }
        b'"' => serde_json::from_slice::<String>(raw).ok().map(Cow::Owned),
        b'0'..=b'9' | b'-' => std::str::from_utf8(raw).ok().map(Cow::Borrowed),
        _ => None,
    }
}

pub(super) struct Scan<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) at: usize,
    /// Kept and not yet in a piece: from here to wherever the next cut begins.
    pub(super) from: usize,
    pub(super) out: Fragment,
    /// `None`: nobody asks for them.
    marks: Option<Vec<Mark>>,
}

impl<'a> Scan<'a> {
    /// A cursor that keeps nothing yet.
    pub(super) fn new(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at, from: at, out: Fragment::default(), marks: None }
    }

    /// A cursor that makes a fragment of this body.
    pub(super) fn of(body: &'a Bytes, at: usize) -> Self {
        Self { out: Fragment { body: body.clone(), ..Fragment::default() }, ..Self::new(body, at) }
    }

    /// The next byte that is not white space; not taken.
    pub(super) fn next(&mut self) -> Result<u8, Malformed> {
        while let Some(byte) = self.bytes.get(self.at) {
            match byte {
                b' ' | b'\n' | b'\r' | b'\t' => self.at += 1,
                byte => return Ok(*byte),
            }
        }
        Err(Malformed(self.at))
    }

    pub(super) fn expect(&mut self, wanted: u8) -> Result<(), Malformed> {
        if self.next()? != wanted {
            return Err(Malformed(self.at));
        }
        self.at += 1;
        Ok(())
    }

    /// A string; the range inside the quotation marks.
    fn string(&mut self) -> Result<Range<usize>, Malformed> {
        self.expect(b'"')?;
        let start = self.at;
        loop {
            let rest = self.bytes.get(self.at..).unwrap_or_default();
            let found = memchr::memchr2(b'"', b'\\', rest).ok_or(Malformed(self.bytes.len()))?;
            let end = self.at + found;
            if self.bytes.get(end) == Some(&b'"') {
                self.at = end + 1;
                return Ok(start..end);
            }
            self.at = end + 2;
        }
    }

    /// A member's name and the colon; what follows is its value.
    pub(super) fn key(&mut self) -> Result<Range<usize>, Malformed> {
        let key = self.string()?;
        self.expect(b':')?;
        self.next()?;
        Ok(key)
    }

    /// Passes a value over, whatever its nesting.
    pub(super) fn skip(&mut self) -> Result<(), Malformed> {
        match self.next()? {
            b'"' => {
                self.string()?;
            }
            b'{' | b'[' => {
                let mut depth = 0_usize;
                loop {
                    let rest = self.bytes.get(self.at..).unwrap_or_default();
                    let found = rest.iter().position(|byte| matches!(byte, b'"' | b'{' | b'}' | b'[' | b']'));
                    self.at += found.ok_or(Malformed(self.bytes.len()))?;
                    match self.bytes.get(self.at) {
                        Some(b'"') => {
                            self.string()?;
                            continue;
                        }
                        Some(b'{' | b'[') => depth += 1,
                        _ => depth -= 1,
                    }
                    self.at += 1;
                    if depth == 0 {
                        return Ok(());
                    }
                }
            }
            b',' | b'}' | b']' | b':' => return Err(Malformed(self.at)),
            _ => {
                let rest = self.bytes.get(self.at..).unwrap_or_default();
                let end = rest.iter().position(|b| matches!(b, b',' | b'}' | b']' | b' ' | b'\n' | b'\r' | b'\t'));
                self.at += end.unwrap_or(rest.len());
            }
        }
        Ok(())
    }

    /// Ends the piece in the making before `end` and goes on at the cursor.
    pub(super) fn flush(&mut self, end: usize) {
        if end > self.from {
            self.out.pieces.push(Piece::Raw(self.from..end));
        }
        self.from = self.at;
    }

    pub(super) fn value(&mut self, trie: &Trie, path: Option<usize>, depth: usize) -> Result<(), Malformed> {
        if depth > MAX_DEPTH {
            return Err(Malformed(self.at));
        }
        match self.next()? {
            b'{' => self.object(trie, path, depth).map(drop),
            b'[' => {
                self.at += 1;
                let mut index = 0;
                loop {
                    match self.next()? {
                        b']' => {
                            self.at += 1;
                            return Ok(());
                        }
                        b',' => self.at += 1,
                        _ => {
                            let path = self.out.child(path, Step::Index(index));
                            self.value(trie, path, depth + 1)?;
                            index += 1;
                        }
                    }
                }
            }
            _ => self.skip(),
        }
    }

    /// An object along the trie; returns its hidden members, which are cut.
    fn object(&mut self, trie: &Trie, path: Option<usize>, depth: usize) -> Result<Members, Malformed> {
        self.expect(b'{')?;
        let mut hidden: Members = Vec::new();
        let mut own: Vec<usize> = Vec::new();
        // Where the last kept member ended, or the object began.
        let (mut end, mut kept) = (self.at, false);
        loop {
            match self.next()? {
                b'}' => {
                    self.at += 1;
                    for hole in own {
                        if let Some(hole) = self.out.holes.get_mut(hole) {
                            hole.hidden = hidden.clone();
                        }
                    }
                    return Ok(hidden);
                }
                b',' => self.at += 1,
                _ => {
                    let opened = self.at;
                    let range = self.key()?;
                    let value = self.at;
                    let name =
                        self.bytes.get(range.clone()).and_then(|name| std::str::from_utf8(name).ok()).unwrap_or("");
                    let branch = trie.get(name);
                    if branch.is_none() && name.strip_prefix(HIDDEN).is_some_and(|rest| rest.starts_with('_')) {
                        let start = self.at;
                        self.skip()?;
                        hidden.push((name.into(), start..self.at));
                        self.mark(depth, range, start);
                        if !kept && self.next()? == b',' {
                            self.at += 1;
                        }
                        self.flush(end);
                        end = self.at;
                        continue;
                    }
                    match branch {
                        None | Some(Branch::Product(_) | Branch::Because(_)) => self.skip()?,
                        Some(Branch::Descend(trie)) => {
                            let path = self.out.child(path, Step::Key(name.into()));
                            self.value(trie, path, depth + 1)?;
                        }
                        Some(Branch::Rank(rank)) => {
                            own.push(self.out.holes.len());
                            self.hole(Wanted::Rank(*rank), name.into(), path)?;
                        }
                        Some(Branch::Site(site)) => {
                            let renamed = name.starts_with(HIDDEN);
                            if renamed {
                                self.at = range.end + 1;
                                self.flush(opened);
                                self.out.pieces.push(Piece::Key(*site));
                                self.at = value;
                            }
                            let name = name.into();
                            own.push(self.out.holes.len());
                            self.hole(Wanted::Site(*site), name, path)?;
                        }
                    }
                    self.mark(depth, range, value);
                    (end, kept) = (self.at, true);
                }
            }
        }
    }

    /// Notes a member whose value ends here, near the root and where somebody asks for it.
    fn mark(&mut self, depth: usize, name: Range<usize>, value: usize) {
        if let Some(marks) = self.marks.as_mut().filter(|_| depth <= 1) {
            marks.push(Mark { depth, name, value: value..self.at });
        }
    }

    fn hole(&mut self, wanted: Wanted, name: Box<str>, path: Option<usize>) -> Result<(), Malformed> {
        let start = self.at;
        self.skip()?;
        let raw = start..self.at;
        let key = match wanted {
            // Null stays what it is; whatever else stands here is looked at when it is put in order.
            Wanted::Rank(_) => matches!(self.bytes.get(start), Some(b'{' | b'[')).then(Box::default),
            _ => self.bytes.get(raw.clone()).and_then(text).map(Box::<str>::from),
        };
        let Some(key) = key else { return Ok(()) };
        self.flush(start);
        let path = self.out.child(path, Step::Key(name));
        self.out.pieces.push(Piece::Hole(self.out.holes.len()));
        self.out.holes.push(Hole { wanted, key, hidden: Vec::new(), raw, fill: None, path });
        Ok(())
    }

    fn plain_members(&mut self) -> Result<Members, Malformed> {
        let mut members = Vec::new();
        loop {
            match self.next()? {
                b'}' => return Ok(members),
                b',' => self.at += 1,
                _ => {
                    let name = self.key()?;
                    let start = self.at;
                    self.skip()?;
                    let name = self.bytes.get(name).and_then(|name| std::str::from_utf8(name).ok()).unwrap_or("");
                    members.push((name.into(), start..self.at));
                }
            }
        }
    }
}
