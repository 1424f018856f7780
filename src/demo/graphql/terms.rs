//! Shopify's search syntax, the part that storefronts write: words, `field:value` with comparisons, quotes, `NOT` and
//! `-`, `AND` (also by just writing one after the other) and `OR`, which binds weaker. Parentheses are passed over.
//!
//! Source: <https://shopify.dev/docs/api/usage/search-syntax>.

use crate::demo::market::Market;
use crate::demo::product::Product;
use crate::demo::words::CATEGORIES;

/// A parsed query: one of the alternatives must hold, and in it every clause.
pub(super) struct Terms(Vec<Vec<Clause>>);

struct Clause {
    negated: bool,
    test: Test,
}

enum Test {
    /// A word that one of the product's words starts with.
    Word(String),
    Field(String, Comparison, String),
}

#[derive(Clone, Copy, PartialEq)]
enum Comparison {
    Is,
    Less,
    AtMost,
    More,
    AtLeast,
}

/// Clauses beyond this many are not read.
const MAX_CLAUSES: usize = 64;

impl Terms {
    /// Reads a query. Nothing is an error: what cannot be read as a field is a word.
    pub(super) fn parse(query: &str) -> Self {
        let mut alternatives = vec![Vec::new()];
        let mut negated = false;
        for token in tokens(query).into_iter().take(MAX_CLAUSES) {
            match token.as_str() {
                "OR" => alternatives.push(Vec::new()),
                "AND" => {}
                "NOT" => negated = true,
                _ => {
                    let (dash, text) = match token.strip_prefix('-') {
                        Some(rest) if !rest.is_empty() => (true, rest),
                        _ => (false, token.as_str()),
                    };
                    let clause = Clause { negated: negated || dash, test: test(text) };
                    alternatives.last_mut().map(|clauses: &mut Vec<Clause>| clauses.push(clause)).unwrap_or_default();
                    negated = false;
                }
            }
        }
        alternatives.retain(|clauses| !clauses.is_empty());
        Self(alternatives)
    }

    /// How well a product fits: `None` not at all; more is better. An empty query fits everything.
    pub(super) fn score(&self, product: &Product, market: Market) -> Option<u32> {
        if self.0.is_empty() {
            return Some(0);
        }
        let all = |clauses: &Vec<Clause>| {
            clauses.iter().try_fold(0, |sum, clause| {
                let hit = clause.test.hit(product, market);
                match clause.negated {
                    true => hit.is_none().then_some(sum),
                    false => hit.map(|weight| sum + weight),
                }
            })
        };
        self.0.iter().filter_map(all).max()
    }

    /// Whether a text that is no product (a page, an article, a collection) has one alternative's words.
    pub(super) fn fits(&self, text: &str) -> bool {
        let text = text.to_lowercase();
        let has = |word: &str| text.split(|letter: char| !letter.is_alphanumeric()).any(|own| own.starts_with(word));
        let holds = |clause: &Clause| match &clause.test {
            Test::Word(word) => has(word) != clause.negated,
            Test::Field(name, _, value) if name == "title" => has(value) != clause.negated,
            Test::Field(..) => clause.negated,
        };
        self.0.is_empty() || self.0.iter().any(|clauses| clauses.iter().all(holds))
    }
}

impl Test {
    /// The weight of the match, where there is one.
    fn hit(&self, product: &Product, market: Market) -> Option<u32> {
        let that = |holds: bool| holds.then_some(1);
        match self {
            Test::Word(word) => {
                let weights = product.index.iter().filter(|(own, _)| own.starts_with(word.as_str()));
                weights.map(|(own, weight)| if own == word { weight * 2 } else { *weight }).max()
            }
            Test::Field(name, how, value) => match name.as_str() {
                "tag" => that(product.tags.iter().any(|tag| pattern(tag, value))),
                "tag_not" => that(!product.tags.iter().any(|tag| pattern(tag, value))),
                "product_type" => that(pattern(CATEGORIES[product.category].name, value)),
                "vendor" => that(pattern(product.vendor, value)),
                "title" => that(pattern(&product.title, value) || words_of(&product.title, value)),
                "handle" => that(pattern(&product.handle, value)),
                "id" => that(product.number.to_string() == *value),
                "sku" => that(product.variants.iter().any(|variant| pattern(&variant.sku, value))),
                "available_for_sale" | "available" => {
                    that(product.available(market) == (value.as_str() == "true" || value == "1"))
                }
                "variants.price" | "price" => {
                    let asked = value.parse::<f64>().ok()?;
                    let prices = product.variants.iter().map(|variant| variant.price[market.index()]);
                    let holds = |price: i64| how.holds(price as f64, asked * 100.0);
                    that(prices.into_iter().any(holds))
                }
                "created_at" => that(how.holds_text(&product.created.to_string(), value)),
                "updated_at" => that(how.holds_text(&product.updated.to_string(), value)),
                _ => None,
            },
        }
    }
}

impl Comparison {
    fn holds(self, own: f64, asked: f64) -> bool {
        match self {
            Comparison::Is => (own - asked).abs() < 0.5,
            Comparison::Less => own < asked,
            Comparison::AtMost => own <= asked,
            Comparison::More => own > asked,
            Comparison::AtLeast => own >= asked,
        }
    }

    /// ISO 8601 times in UTC sort as text.
    fn holds_text(self, own: &str, asked: &str) -> bool {
        match self {
            Comparison::Is => own.starts_with(asked),
            Comparison::Less => own < asked,
            Comparison::AtMost => own <= asked,
            Comparison::More => own > asked,
            Comparison::AtLeast => own >= asked,
        }
    }
}

/// Whether the text is the pattern; a trailing `*` stands for anything.
fn pattern(text: &str, pattern: &str) -> bool {
    let text = text.to_lowercase();
    match pattern.strip_suffix('*') {
        Some(start) => text.starts_with(start),
        None => text == pattern,
    }
}

/// Whether each word of the value starts a word of the text.
fn words_of(text: &str, value: &str) -> bool {
    let text = text.to_lowercase();
    value.trim_end_matches('*').split_whitespace().all(|word| text.split_whitespace().any(|own| own.starts_with(word)))
}

fn test(text: &str) -> Test {
    let field = text.split_once(':').filter(|(name, value)| {
        !name.is_empty() && !value.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._".contains(&b))
    });
    let Some((name, value)) = field else {
        return Test::Word(text.trim_end_matches('*').to_lowercase());
    };
    let signs =
        [(">=", Comparison::AtLeast), ("<=", Comparison::AtMost), (">", Comparison::More), ("<", Comparison::Less)];
    let signed = signs.iter().find_map(|(sign, how)| Some((*how, value.strip_prefix(sign)?)));
    let (how, value) = signed.unwrap_or((Comparison::Is, value));
    Test::Field(name.to_lowercase(), how, value.to_lowercase())
}

/// Splits at white space outside quotes; quotes and parentheses go.
fn tokens(query: &str) -> Vec<String> {
    let mut tokens = vec![String::new()];
    let mut quote = None;
    for letter in query.chars() {
        match (letter, quote) {
            ('"' | '\'', None) if tokens.last().is_none_or(|token| token.is_empty() || token.ends_with([':', '-'])) => {
                quote = Some(letter);
            }
            (letter, Some(open)) if letter == open => quote = None,
            ('(' | ')', None) => {}
            (letter, None) if letter.is_whitespace() => tokens.push(String::new()),
            (letter, _) => tokens.last_mut().map(|token| token.push(letter)).unwrap_or_default(),
        }
    }
    tokens.retain(|token| !token.is_empty());
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::{config::Config, generate::catalogue};
    use proptest::prelude::*;

    fn hits(query: &str) -> Vec<String> {
        let catalogue = catalogue(&Config::default());
        let terms = Terms::parse(query);
        let fits = |product: &&Product| terms.score(product, Market::Us).is_some();
        catalogue.products.iter().filter(fits).map(|product| product.title.clone()).collect()
    }

    #[test]
    fn words_fields_alternatives_and_negation_select_as_they_say() {
        let boots = hits("tag:hiking-boots");
        assert!(!boots.is_empty() && boots.iter().all(|title| title.contains("Hiking Boots")));
        assert_eq!(hits("product_type:Footwear AND tag:hiking-boots"), boots);
        assert!(hits("tag:hiking-boots OR tag:tents").len() > boots.len());
        assert_eq!(hits("tag:hiking-boots -tag:hiking-boots").len(), 0);
        assert_eq!(hits("tag:hiking-boots NOT title:'no such'"), boots);
        assert!(hits("hiking boo").iter().any(|title| title.contains("Hiking Boots")));
        assert!(hits("variants.price:>200").len() < hits("variants.price:>=100").len());
        assert_eq!(hits("").len(), hits("   ").len());
        assert_eq!(hits("nothingofthekind").len(), 0);
    }

    proptest! {
        #[test]
        fn no_query_panics(query in "\\PC{0,80}") {
            let _terms = Terms::parse(&query);
        }
    }
}
