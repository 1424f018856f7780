//! Whose look-ups may show the same products, and what has to be the same for it.
//!
//! Like sharing an answer (`share/key.rs`), in two halves:
//!
//! **Nothing that says who asks is sent.** A look-up whose products are kept goes out without the headers that only name
//! the visitor ([`Platform::identifies`]); what is not sent cannot change what is answered. No product is kept for a
//! request whose identity cannot be left out: one with a cookie or credentials, by a confirmed customer, or with a document
//! or variables that mention what concerns one shopper.
//!
//! **All else that is sent is in the key**: address, document, variables and every header with its value, the gateway's own
//! credentials among them, taken from the request as it leaves. A header that nobody has thought of keeps contexts apart.
//! The exceptions are those that never change what is answered: ids of requests and traces, and the buyer's address.
//!
//! The key is a SHA-256 of these parts, each behind its length: nobody can find two contexts with one key. The whole is
//! held by a property (tests below), and so is each part: without it the property fails.

use crate::gateway::share::key::{is_neutral, is_personal};
use crate::platform::Platform;
use http::header::{AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION};
use http::{HeaderMap, Uri};
use sha2::{Digest, Sha256};

/// Everything that a look-up reads but the keys of its products.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Context([u8; 32]);

/// The document of a selection, which is the same for every request of a plan.
#[derive(Clone, Debug)]
pub struct Document {
    hash: Sha256,
    personal: bool,
}

/// One part of a key, to be left out by the tests that show what it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Document,
    Address,
    Headers,
    Variables,
}

/// Puts a part into the hash, so that no two rows of parts look alike.
fn put(hash: &mut Sha256, bytes: &[u8]) {
    hash.update((bytes.len() as u64).to_le_bytes());
    hash.update(bytes);
}

impl Document {
    /// The document by which products of one selection alone are looked up, operation directives included.
    pub fn new(text: &str) -> Self {
        Self::without(None, text)
    }

    fn without(part: Option<Part>, text: &str) -> Self {
        let mut hash = Sha256::new();
        put(&mut hash, if part == Some(Part::Document) { b"" } else { text.as_bytes() });
        Self { hash, personal: is_personal(text.as_bytes()) }
    }
}

/// What is sent with every look-up of a request, without what names the visitor.
#[derive(Debug)]
pub struct Sent {
    /// Where it goes.
    pub address: Uri,
    /// As they leave, the gateway's own credentials among them.
    pub headers: HeaderMap,
}

/// The headers of look-ups whose products are kept. `None`: the request says who asks in a way that cannot be left out.
pub fn nameless(headers: &HeaderMap, platform: &dyn Platform) -> Option<HeaderMap> {
    if [COOKIE, AUTHORIZATION, PROXY_AUTHORIZATION].iter().any(|name| headers.contains_key(name)) {
        return None;
    }
    let kept = headers.iter().filter(|(name, _)| !platform.identifies(name));
    Some(kept.map(|(name, value)| (name.clone(), value.clone())).collect())
}

impl Sent {
    /// The context of a selection's products. `variables`: those of its document, as they are written. `None`: they
    /// concern one shopper.
    pub fn context(&self, document: &Document, variables: &str, platform: &dyn Platform) -> Option<Context> {
        let personal = document.personal || is_personal(variables.as_bytes());
        (!personal).then(|| self.without(None, document, variables, platform))
    }

    fn without(&self, part: Option<Part>, document: &Document, variables: &str, platform: &dyn Platform) -> Context {
        let has = |this: Part| part != Some(this);
        let mut hash = document.hash.clone();
        put(&mut hash, if has(Part::Variables) { variables.as_bytes() } else { b"" });
        if has(Part::Address) {
            put(&mut hash, self.address.to_string().as_bytes());
        }
        let telling = self.headers.iter().filter(|(name, _)| !is_neutral(name, platform));
        for (name, value) in telling.filter(|_| has(Part::Headers)) {
            put(&mut hash, name.as_str().as_bytes());
            put(&mut hash, value.as_bytes());
        }
        Context(hash.finalize().into())
    }
}

#[cfg(test)]
impl Context {
    /// One of several that differ.
    pub(super) fn test(number: u8) -> Self {
        Self([number; 32])
    }
}

#[cfg(test)]
mod tests;
