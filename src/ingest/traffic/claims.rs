//! What root fields claim, before the answer is known: a few short strings each, copied out of the arguments.

use super::RootField;
use crate::platform::{Shows, Signal};
use serde_json::{Map, Value};

/// An operation with more product pages than this is a list, and lists say nothing of what was looked at.
const MOST_PAGES: usize = 3;
/// The most claims of one operation.
const MOST_CLAIMS: usize = 32;
/// The most cart lines read of one field: the platform's own limit is 250.
const MOST_LINES: usize = 250;
/// The longest key or handle, in bytes.
const LONGEST_KEY: usize = 255;
/// The longest query, in characters.
const LONGEST_QUERY: usize = 512;
/// Arguments of fields that page: with one of them the shopper leafs on in what was seen before.
const PAGING: [&str; 2] = ["after", "before"];

/// What one root field claims.
#[derive(Clone, Debug, PartialEq)]
pub struct Claim {
    /// Where the field stands in the answer.
    pub response: Box<str>,
    /// What it shows.
    pub what: What,
}

impl Claim {
    /// About how many bytes the claim holds.
    pub(crate) fn size(&self) -> usize {
        let length = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        let inside = match &self.what {
            What::Product { key, handle } => length(key) + length(handle),
            What::Collection { key } => length(key),
            What::Search { words } => words.len(),
            What::Cart { variants, .. } => variants.iter().map(|variant| variant.len() + 24).sum(),
        };
        size_of::<Self>() + self.response.len() + inside
    }
}

/// What is shown.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// A product's page.
    Product {
        /// Its key, where the request has it.
        key: Option<String>,
        /// Its handle, where the request has it.
        handle: Option<String>,
    },
    /// A collection's page.
    Collection {
        /// Its key, where the request has it.
        key: Option<String>,
    },
    /// A search.
    Search {
        /// What for.
        words: String,
    },
    /// A changed cart.
    Cart {
        /// True: put in. False: taken out.
        added: bool,
        /// The variants.
        variants: Vec<String>,
    },
}

/// Whether any of these root fields can say something.
pub fn any<'a>(signals: &[Signal], mut names: impl Iterator<Item = &'a str>) -> bool {
    names.any(|name| signals.iter().any(|signal| signal.field == name))
}

/// What the root fields claim.
pub fn read(signals: &[Signal], roots: &[RootField]) -> Vec<Claim> {
    let mut claims = Vec::new();
    for root in roots {
        let signal = signals.iter().find(|signal| signal.field == &*root.name);
        let what = signal.and_then(|signal| what(signal.shows, &root.args));
        claims.extend(what.map(|what| Claim { response: root.response.clone(), what }));
        if claims.len() >= MOST_CLAIMS {
            break;
        }
    }
    let is_page = |claim: &Claim| matches!(claim.what, What::Product { .. });
    if claims.iter().filter(|claim| is_page(claim)).count() > MOST_PAGES {
        claims.retain(|claim| !is_page(claim));
    }
    claims
}

fn what(shows: Shows, args: &Map<String, Value>) -> Option<What> {
    match shows {
        Shows::Product { keys, handles } => {
            let (key, handle) = (first(args, keys), first(args, handles));
            (key.is_some() || handle.is_some()).then_some(What::Product { key, handle })
        }
        Shows::Collection { keys } => Some(What::Collection { key: first(args, keys) }),
        Shows::Search { words, filters } => {
            let words = args.get(words)?.as_str()?.trim();
            let paged = PAGING.iter().any(|name| args.get(*name).is_some_and(|cursor| !cursor.is_null()));
            let filter = filters && words.contains(':');
            let fits = !words.is_empty() && words.chars().count() <= LONGEST_QUERY;
            (fits && !paged && !filter).then(|| What::Search { words: words.to_owned() })
        }
        Shows::CartAdded { lines, variant } => cart(args, lines, variant, true),
        Shows::CartChanged { lines, variant } => cart(args, lines, variant, false),
    }
}

fn first(args: &Map<String, Value>, names: &[&str]) -> Option<String> {
    let text = names.iter().find_map(|name| args.get(*name)?.as_str())?;
    (!text.is_empty() && text.len() <= LONGEST_KEY).then(|| text.to_owned())
}

/// The variants put in, or those whose quantity became zero.
fn cart(args: &Map<String, Value>, path: &[&str], variant: &str, added: bool) -> Option<What> {
    let (head, rest) = path.split_first()?;
    let lines = rest.iter().try_fold(args.get(*head)?, |value, name| value.get(*name))?;
    // GraphQL takes a single value where a list is asked for.
    let lines = lines.as_array().map_or(std::slice::from_ref(lines), Vec::as_slice);
    let quantity = |line: &Value| line.get("quantity").and_then(Value::as_i64);
    let counts = |line: &&Value| if added { quantity(line) != Some(0) } else { quantity(line) == Some(0) };
    let key = |line: &Value| line.get(variant)?.as_str().filter(|key| key.len() <= LONGEST_KEY).map(str::to_owned);
    let variants: Vec<_> = lines.iter().take(MOST_LINES).filter(counts).filter_map(key).collect();
    (!variants.is_empty()).then_some(What::Cart { added, variants })
}
