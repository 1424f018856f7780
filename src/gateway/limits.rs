//! Limits with safe defaults, and the two counts that hold a document to them.
//!
//! [`scan`] reads the text once, before any parser, in constant memory: what it refuses never costs a tree.
//! [`expansion`](super::expansion::expansion) counts on the parsed document how large it is once its fragments are expanded, without expanding them:
//! each fragment is counted once and the counts are added up, so thirty fragments that each spread the next one twice
//! cost thirty additions, not 2³⁰. Neither recurses. Cycles of fragments are no error here (validation names them); they
//! count as if the closing spread were empty.

use bytesize::ByteSize;
use serde::{Deserialize, Serialize};

/// `[limits]`: how large a request, a document and an answer may be.
///
/// The defaults hold every operation found in public storefronts (to depth 14, 317 fields, 10 kB) several times over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// The largest request body. Default 1 MiB.
    pub body: ByteSize,
    /// The most tokens of a document. Default 15,000.
    pub tokens: usize,
    /// The most levels of selections, fragments expanded. Default 30.
    pub depth: usize,
    /// The most levels of lists and objects in an argument. Default 32.
    pub argument_depth: usize,
    /// The most aliases of a document. Default 200.
    pub aliases: usize,
    /// The most operations of a document. Default 100.
    pub operations: usize,
    /// The most fields at the root of an operation, fragments expanded. Default 100.
    pub root_fields: usize,
    /// The most directives of a document. Default 500.
    pub directives: usize,
    /// How often one response name may stand in one selection set. Default 20.
    pub duplicates: usize,
    /// The most fields of an operation, fragments expanded. Default 10,000.
    pub fields: usize,
    /// The most levels of lists and objects in `variables` and `extensions`. Default 64.
    pub variables_depth: usize,
    /// The most entities of one answer that are personalized. Default 500.
    pub entities: usize,
    /// The most levels of `personalized` inside `personalized`. Default 3.
    pub nesting: usize,
    /// The largest answer of the platform that is held in memory; a streamed pass-through has no limit. Default 16 MiB.
    pub upstream_answer: ByteSize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body: ByteSize::mib(1),
            tokens: 15_000,
            depth: 30,
            argument_depth: 32,
            aliases: 200,
            operations: 100,
            root_fields: 100,
            directives: 500,
            duplicates: 20,
            fields: 10_000,
            variables_depth: 64,
            entities: 500,
            nesting: 3,
            upstream_answer: ByteSize::mib(16),
        }
    }
}

/// What was counted. A count that only the other pass makes is 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Tokens of the document, comments, commas and white space excepted.
    pub tokens: usize,
    /// Levels of selections: 1 for `{ a }`.
    pub depth: usize,
    /// Levels of brackets within an argument list, the list itself excepted.
    pub argument_depth: usize,
    /// Aliases.
    pub aliases: usize,
    /// Uses of directives.
    pub directives: usize,
    /// Bytes within string values.
    pub string_bytes: usize,
    /// Operations.
    pub operations: usize,
    /// Fields at the root of the largest operation, fragments expanded.
    pub root_fields: usize,
    /// Fields of the largest operation, fragments expanded; `usize::MAX` where it is more than that.
    pub fields: usize,
    /// How often the most frequent response name stands in its selection set.
    pub duplicates: usize,
}

/// A figure beyond its limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the document has {what}: more than {limit} (limits.{setting})")]
pub struct LimitError {
    /// What was counted, in words.
    pub what: &'static str,
    /// The limit.
    pub limit: usize,
    /// The setting that holds it.
    pub setting: &'static str,
}

impl Limits {
    /// Holds the figures to the limits; the first one beyond is the error.
    pub fn check(&self, figures: &Figures) -> Result<(), LimitError> {
        let rows = [
            (figures.tokens, self.tokens, "too many tokens", "tokens"),
            (figures.depth, self.depth, "selections nested too deeply", "depth"),
            (figures.argument_depth, self.argument_depth, "an argument nested too deeply", "argument_depth"),
            (figures.aliases, self.aliases, "too many aliases", "aliases"),
            (figures.directives, self.directives, "too many directives", "directives"),
            (figures.operations, self.operations, "too many operations", "operations"),
            (figures.root_fields, self.root_fields, "too many root fields", "root_fields"),
            (figures.fields, self.fields, "too many fields", "fields"),
            (figures.duplicates, self.duplicates, "one field repeated too often", "duplicates"),
        ];
        match rows.into_iter().find(|(found, limit, ..)| found > limit) {
            Some((_, limit, what, setting)) => Err(LimitError { what, limit, setting }),
            None => Ok(()),
        }
    }
}

/// Counts tokens, brackets, aliases, directives and string bytes of a document, and refuses it as soon as one is
/// beyond its limit. Takes any text: what is not GraphQL is for the parser to refuse. Linear in the text, no memory.
pub fn scan(document: &str, limits: &Limits) -> Result<Figures, LimitError> {
    let text = document.as_bytes();
    let mut figures = Figures::default();
    // Levels open now: selections outside argument lists, any bracket within them.
    let (mut selections, mut arguments) = (0_usize, 0_usize);
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        let start = at;
        at += 1;
        match byte {
            // White space, commas; the byte order mark counts as a token, which does no harm.
            b' ' | b'\t' | b'\n' | b'\r' | b',' => continue,
            b'#' => {
                at = memchr::memchr2(b'\n', b'\r', &text[at..]).map_or(text.len(), |end| at + end);
                continue;
            }
            b'"' => {
                at = string_end(text, at);
                figures.string_bytes += at - start;
            }
            b'.' if text[at..].starts_with(b"..") => at += 2,
            b'(' => arguments += 1,
            b')' if arguments > 0 => arguments -= 1,
            b'{' | b'[' if arguments > 0 => {
                arguments += 1;
                figures.argument_depth = figures.argument_depth.max(arguments - 1);
            }
            b'}' | b']' if arguments > 1 => arguments -= 1,
            b'{' => {
                selections += 1;
                figures.depth = figures.depth.max(selections);
            }
            b'}' => selections = selections.saturating_sub(1),
            b':' if arguments == 0 => figures.aliases += 1,
            b'@' => figures.directives += 1,
            b'-' | b'0'..=b'9' => at = number_end(text, at),
            byte if is_word(byte) => at = run(text, at, is_word),
            _ => {}
        }
        figures.tokens += 1;
        // Every 64 tokens: a hostile text is left early, an honest one pays nothing.
        if figures.tokens & 63 == 0 {
            limits.check(&figures)?;
        }
    }
    limits.check(&figures)?;
    Ok(figures)
}

/// Part of a name or number.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// The end of the run of bytes that `holds`, from `at`.
fn run(text: &[u8], at: usize, holds: impl Fn(u8) -> bool) -> usize {
    text[at..].iter().position(|&byte| !holds(byte)).map_or(text.len(), |end| at + end)
}

/// The place after a number whose first byte is before `at`; what cannot stand in one ends it.
fn number_end(text: &[u8], mut at: usize) -> usize {
    while let Some(byte) = text.get(at) {
        let fits = match byte {
            b'.' => text.get(at + 1).is_some_and(u8::is_ascii_digit),
            b'+' | b'-' => matches!(text[at - 1], b'e' | b'E'),
            byte => is_word(*byte),
        };
        if !fits {
            break;
        }
        at += 1;
    }
    at
}

/// The place after a string whose opening quote is before `at`. An unclosed one ends with its line or with the text.
fn string_end(text: &[u8], at: usize) -> usize {
    if text[at..].starts_with(b"\"\"") {
        return block_end(text, at + 2);
    }
    let mut at = at;
    while let Some(found) = memchr::memchr3(b'"', b'\\', b'\n', &text[at.min(text.len())..]) {
        at += found + 1;
        match text[at - 1] {
            b'\\' => at += 1,
            _ => return at,
        }
    }
    text.len()
}

/// The place after a block string whose opening quotes are before `at`.
fn block_end(text: &[u8], mut at: usize) -> usize {
    while let Some(found) = memchr::memmem::find(&text[at..], b"\"\"\"") {
        let quotes = at + found;
        at = quotes + 3;
        if quotes == 0 || text[quotes - 1] != b'\\' {
            return at;
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use apollo_parser::{Lexer, TokenKind};
    use proptest::prelude::*;

    fn figures(document: &str) -> Figures {
        scan(document, &Limits::default()).unwrap()
    }

    #[test]
    fn a_document_is_counted_as_a_parser_would_count_it() {
        let found = figures(
            r#"query Q($a: [Int!] = [1]) @live { b: c(d: {e: [{f: "x{@:"}]}, g: """y "{ \""" z""") { ...F @skip(if: true) h } } # {{{{"#,
        );
        assert_eq!(found.depth, 2);
        assert_eq!(found.argument_depth, 3);
        assert_eq!(found.aliases, 1);
        assert_eq!(found.directives, 2);
    }

    #[test]
    fn each_limit_is_named_with_its_setting() {
        let limits = Limits::default();
        let deep = "{a".repeat(31);
        let error = scan(&deep, &limits).unwrap_err();
        assert_eq!((error.setting, error.limit), ("depth", 30));
        assert_eq!(scan(&"a:b ".repeat(201), &limits).unwrap_err().setting, "aliases");
        assert_eq!(scan(&"@a ".repeat(501), &limits).unwrap_err().setting, "directives");
        assert_eq!(scan(&"a ".repeat(15_001), &limits).unwrap_err().setting, "tokens");
        assert_eq!(scan(&format!("{{a(b:{}", "[".repeat(100_000)), &limits).unwrap_err().setting, "argument_depth");
        assert!(error.to_string().contains("limits.depth"));
    }

    #[test]
    fn hostile_texts_end() {
        let limits = Limits::default();
        for text in
            ["\"", "\"\"\"", "\"\\", "#", "\"\"\"\\\"\"\"", "...", "-", "\u{feff}", "\"\\\n\"", "\"é\\", ")]}", "1..."]
        {
            scan(text, &limits).unwrap();
        }
    }

    proptest! {
        #[test]
        fn any_text_is_scanned_to_its_end(text in "[\\PC\n\"\\\\{}()@:.#a1-]{0,200}") {
            let outcome = scan(&text, &Limits::default());
            prop_assert!(outcome.is_ok() || outcome.unwrap_err().limit > 0);
        }

        #[test]
        fn tokens_are_those_of_the_parser(
            parts in prop::collection::vec(
                prop::sample::select(vec![
                    "{", "}", "(", ")", "[", "]", ":", "@", "!", "$", "=", "|", "&", "...", "name ", "12 ", "-1.5e+3 ",
                    "\"s\\\"{\" ", "\"\"\"b\\\"\"\" {\"\"\" ", "# c {\n", ",", "\n", "\"\" ",
                ]),
                0..60,
            )
        ) {
            let text = parts.concat();
            let (tokens, errors) = Lexer::new(&text).lex();
            prop_assume!(errors.is_empty());
            let limits = Limits { depth: 1000, argument_depth: 1000, ..Limits::default() };
            let counted = tokens.iter().filter(|token| {
                !matches!(token.kind(), TokenKind::Whitespace | TokenKind::Comment | TokenKind::Comma | TokenKind::Eof)
            });
            prop_assert_eq!(scan(&text, &limits).unwrap().tokens, counted.count(), "{}", text);
        }
    }
}
