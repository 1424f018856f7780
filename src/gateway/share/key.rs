//! Who may share an answer, and what has to be the same for it.
//!
//! Sharing hands one client's answer to another, so the question is never "do these two look alike" but "could anything
//! tell them apart". The argument, in two halves:
//!
//! **Nobody with an identity shares.** No key is made for a request that carries a cookie, credentials, any header of
//! ours (`Outfitter-Session`, `Outfitter-Consent`, …), a session or consent of the platform's own, or an operation whose
//! directives name a customer or a consent. Nor for one whose document or variables mention a word of `PERSONAL`: a
//! cart's answer may be older than the change its shopper has just made, and no id that is a credential should be here
//! at all. Nor for anything but a query that is parsed and wholly the platform's.
//!
//! **What the platform is told is the same.** The key holds method, query string, body, the media type that is answered,
//! and *every* forwarded header with its value: a header that nobody has thought of keeps requests apart. The few
//! exceptions are `NEUTRAL` and [`Platform::neutral`]: ids of requests and traces, which differ always and say nothing
//! of what is asked for, and the buyer's address, by which platforms count requests and do not choose content. For these
//! the answer makes up: it is shared only where it reports no error, so that nobody is told that another's address has
//! been throttled, and without the headers that repeat an id.
//!
//! Keys are compared member by member; the hash only finds them. The whole is held by a property (tests below), and so is
//! each part of the key: without it the property fails.

use crate::gateway::accept::Accept;
use crate::platform::Platform;
use bytes::Bytes;
use http::header::{AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION};
use http::{HeaderMap, HeaderName, Method};
use std::hash::{Hash, Hasher};

/// Request headers that differ from request to request and never change what is answered.
pub(super) const NEUTRAL: [&str; 3] = ["traceparent", "tracestate", "x-request-id"];

/// What an operation that concerns one shopper mentions, in small letters, as part of any name or value.
const PERSONAL: [&str; 13] = [
    "account", "address", "buyer", "cart", "checkout", "consent", "customer", "email", "order", "session", "token",
    "visitor", "wishlist",
];

/// A longer body is not worth comparing.
const LONGEST_BODY: usize = 32 * 1024;

/// A request as it would go to the platform.
pub struct Asked<'a> {
    /// GET or POST.
    pub method: &'a Method,
    /// The query string.
    pub query: Option<&'a str>,
    /// As it is sent on.
    pub body: &'a Bytes,
    /// The headers that are sent on.
    pub sent: &'a HeaderMap,
    /// The headers that came.
    pub came: &'a HeaderMap,
    /// What the client takes.
    pub accept: Accept,
}

/// What two requests must have in common to share an answer.
#[derive(Debug, PartialEq, Eq)]
pub struct Key {
    hash: u64,
    get: bool,
    accept: Accept,
    /// Query string and headers, each behind its length.
    head: Box<[u8]>,
    body: Bytes,
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

/// One part of a key, to be left out by the tests that show what it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Method,
    Query,
    Headers,
    Body,
    Accept,
}

impl Key {
    /// The key of a request by nobody in particular; `None` where it must not share.
    pub fn of(asked: &Asked<'_>, platform: &dyn Platform, hasher: &ahash::RandomState) -> Option<Self> {
        let anonymous = is_anonymous(asked.came, platform) && asked.body.len() <= LONGEST_BODY;
        anonymous.then(|| Self::without(None, asked, platform, hasher))
    }

    fn without(part: Option<Part>, asked: &Asked<'_>, platform: &dyn Platform, hasher: &ahash::RandomState) -> Self {
        let has = |this: Part| part != Some(this);
        let mut head = Vec::with_capacity(512);
        let mut put = |bytes: &[u8]| {
            head.extend_from_slice(&bytes.len().to_le_bytes());
            head.extend_from_slice(bytes);
        };
        put(asked.query.filter(|_| has(Part::Query)).unwrap_or_default().as_bytes());
        let telling = asked.sent.iter().filter(|(name, _)| !is_neutral(name, platform));
        for (name, value) in telling.filter(|_| has(Part::Headers)) {
            put(name.as_str().as_bytes());
            put(value.as_bytes());
        }
        let body = if has(Part::Body) { asked.body.clone() } else { Bytes::new() };
        let accept = if has(Part::Accept) { asked.accept } else { Accept::default() };
        let get = has(Part::Method) && asked.method == Method::GET;
        Self { hash: hasher.hash_one((&head, &body)), get, accept, head: head.into(), body }
    }
}

/// Whether the headers say nothing of who sent them.
fn is_anonymous(came: &HeaderMap, platform: &dyn Platform) -> bool {
    let names = |name: &HeaderName| {
        *name == COOKIE
            || *name == AUTHORIZATION
            || *name == PROXY_AUTHORIZATION
            || name.as_str().starts_with("outfitter-")
    };
    !came.keys().any(names) && platform.session(came).is_none() && platform.consent(came).is_none()
}

/// Whether a header never changes what is answered.
pub fn is_neutral(name: &HeaderName, platform: &dyn Platform) -> bool {
    NEUTRAL.contains(&name.as_str()) || platform.neutral(name)
}

/// Whether a word of [`PERSONAL`] begins with this letter, or an escape.
const BEGINS: [bool; 256] = {
    let mut begins = [false; 256];
    let mut word = 0;
    while word < PERSONAL.len() {
        let letter = PERSONAL[word].as_bytes()[0];
        begins[letter as usize] = true;
        begins[letter.to_ascii_uppercase() as usize] = true;
        word += 1;
    }
    begins[b'\\' as usize] = true;
    begins
};

/// Whether a document or its variables mention what concerns one shopper. An escaped letter counts as mentioning it.
pub fn is_personal(text: &[u8]) -> bool {
    let at = |start: usize| {
        let rest = &text[start..];
        if rest[0] == b'\\' {
            return rest.get(1) == Some(&b'u');
        }
        let first = rest[0].to_ascii_lowercase();
        let begins =
            |word: &&str| rest.get(..word.len()).is_some_and(|part| part.eq_ignore_ascii_case(word.as_bytes()));
        PERSONAL.iter().filter(|word| word.as_bytes()[0] == first).any(begins)
    };
    text.iter().enumerate().any(|(start, letter)| BEGINS[usize::from(*letter)] && at(start))
}

#[cfg(test)]
mod tests;
