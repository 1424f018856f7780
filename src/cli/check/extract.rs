//! Documents inside code: templates with the tag `gql` or `graphql`, as an argument of a function of that name, after
//! the comment `/* GraphQL */`, or beginning with `#graphql`.
//!
//! The code is read leniently, without its grammar: comments and strings are passed over, and nothing is run. What a
//! template takes in by `${…}` is kept by name for [`super::resolve`].

/// A document as it stands in a file, before what it takes in is put to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Template {
    /// The line on which it begins, from 1.
    pub(super) line: usize,
    /// The constant that it is assigned to.
    pub(super) name: Option<String>,
    /// The text, without what it takes in; its lines are those of the file.
    pub(super) text: String,
    /// What it takes in, in order: the code between `${` and `}`, or the names of a list beside the template.
    pub(super) uses: Vec<String>,
}

/// Every document in a file of code.
pub(super) fn templates(source: &str) -> Vec<Template> {
    let bytes = source.as_bytes();
    let (mut found, mut at, mut marked) = (Vec::new(), 0, false);
    while at < bytes.len() {
        let rest = &source.as_bytes()[at..];
        match rest {
            [b'/', b'/', ..] => at += until(rest, b"\n"),
            [b'/', b'*', ..] => {
                let length = until(&rest[2..], b"*/") + 2;
                let comment = String::from_utf8_lossy(&rest[2..length]);
                marked = comment.trim().eq_ignore_ascii_case("graphql");
                at += length + 2;
            }
            [quote @ (b'"' | b'\''), ..] => at += string(rest, *quote),
            [b'`', ..] => {
                let (mut template, length) = template(&rest[1..]);
                let before = source.get(..at).unwrap_or_default();
                let tag = Tag::of(before);
                let end = (at + 1 + length + 1).min(bytes.len());
                if marked || tag.is_graphql || template.text.trim_start().starts_with("#graphql") {
                    template.line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
                    template.name = assigned(tag.before);
                    template.uses.extend(listed(source.get(end..).unwrap_or_default()));
                    found.push(template);
                }
                (at, marked) = (end, false);
            }
            [byte, ..] => {
                marked &= byte.is_ascii_whitespace() || *byte == b'(';
                at += 1;
            }
            [] => break,
        }
    }
    found
}

/// How many bytes until `end`, or all.
fn until(bytes: &[u8], end: &[u8]) -> usize {
    memchr::memmem::find(bytes, end).unwrap_or(bytes.len())
}

/// The length of a string with its quotes; 1 where none ends on this line: an apostrophe of a text.
fn string(bytes: &[u8], quote: u8) -> usize {
    let mut at = 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\n' => return 1,
            b'\\' => at += 2,
            byte if *byte == quote => return at + 1,
            _ => at += 1,
        }
    }
    1
}

/// A template after its first backtick, and its length without the last one.
fn template(bytes: &[u8]) -> (Template, usize) {
    let (mut text, mut uses, mut at) = (Vec::new(), Vec::new(), 0);
    while let Some(byte) = bytes.get(at) {
        match (byte, bytes.get(at + 1)) {
            (b'`', _) => break,
            (b'\\', Some(escaped @ (b'`' | b'$' | b'\\' | b'{'))) => {
                text.push(*escaped);
                at += 2;
            }
            (b'$', Some(b'{')) => {
                let inner = &bytes[at + 2..];
                let (mut depth, mut length) = (1_usize, 0);
                for byte in inner {
                    depth = match byte {
                        b'{' => depth + 1,
                        b'}' => depth - 1,
                        _ => depth,
                    };
                    if depth == 0 {
                        break;
                    }
                    length += 1;
                }
                uses.push(String::from_utf8_lossy(&inner[..length]).trim().to_owned());
                at = (at + 2 + length + 1).min(bytes.len());
            }
            _ => {
                text.push(*byte);
                at += 1;
            }
        }
    }
    (Template { text: String::from_utf8_lossy(&text).into_owned(), uses, ..Template::default() }, at)
}

/// What stands before a template.
struct Tag<'a> {
    is_graphql: bool,
    /// The code before the tag.
    before: &'a str,
}

impl<'a> Tag<'a> {
    fn of(before: &'a str) -> Self {
        let code = before.trim_end();
        let called = code.strip_suffix('(').unwrap_or(code).trim_end();
        // `graphql<Query>(` is the same call with its types.
        let plain =
            called.strip_suffix('>').and_then(|typed| typed.rfind('<').map(|at| &typed[..at])).unwrap_or(called);
        let rest = plain.trim_end_matches(is_name);
        let is_graphql = matches!(&plain[rest.len()..], "gql" | "graphql");
        Self { is_graphql, before: if is_graphql { rest } else { code } }
    }
}

fn is_name(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '_' | '$')
}

/// The name of `const NAME =`, `const NAME: Type =` or `NAME:` before a template.
fn assigned(before: &str) -> Option<String> {
    let before = before.trim_end();
    // A comment between the name and the template marks it.
    let before = before.strip_suffix("*/").and_then(|text| text.rfind("/*").map(|at| &text[..at])).unwrap_or(before);
    let left = before.trim_end().strip_suffix(['=', ':'])?;
    let line = left.rsplit(['\n', ';', '{', ',']).next()?;
    let declared = line.split(':').next()?.trim();
    let name = declared.rsplit(char::is_whitespace).next()?;
    (!name.is_empty() && name.chars().all(is_name)).then(|| name.to_owned())
}

/// The names of `, [A, B]` after a template, by which some libraries take fragments in.
fn listed(after: &str) -> Vec<String> {
    let list = after.trim_start().strip_prefix(',').map(str::trim_start).and_then(|rest| rest.strip_prefix('['));
    let Some((list, _)) = list.and_then(|list| list.split_once(']')) else { return Vec::new() };
    list.split(',').map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(source: &str) -> Vec<String> {
        templates(source).into_iter().map(|template| template.text.trim().to_owned()).collect()
    }

    #[test]
    fn each_way_to_write_a_document_is_found() {
        assert_eq!(texts("const A = gql`{ a }`"), ["{ a }"]);
        assert_eq!(texts("const A = graphql(`{ a }`);"), ["{ a }"]);
        assert_eq!(texts("const A = graphql<Query>( `{ a }` )"), ["{ a }"]);
        assert_eq!(texts("const A = /* GraphQL */ `{ a }`"), ["{ a }"]);
        assert_eq!(texts("const A = `#graphql\n{ a }` as const"), ["#graphql\n{ a }"]);
        assert_eq!(texts("const A = `{ a }`; css`{ b }`"), Vec::<String>::new());
    }

    #[test]
    fn comments_strings_and_texts_are_passed_over() {
        let source = "// gql`{ a }`\n/* gql`{ b }` */ 'gql`{ c }`' \"gql`{ d }`\"\n<p>don't</p> gql`{ e }`";
        assert_eq!(texts(source), ["{ e }"]);
    }

    #[test]
    fn names_lines_and_what_is_taken_in_are_kept() {
        let source = "import x;\nexport const CARD: string = gql`fragment C on Product { id }`;\n\nconst Q = gql`\n  { a { ...C } }\n  ${CARD}\n  ${f({ a: 1 })}\n`;";
        let found = templates(source);
        assert_eq!((found[0].name.as_deref(), found[0].line), (Some("CARD"), 2));
        assert_eq!((found[1].name.as_deref(), found[1].line), (Some("Q"), 4));
        assert_eq!(found[1].uses, ["CARD", "f({ a: 1 })"]);
        let marked = templates("const M = /* GraphQL */ `{ a }`; const T = graphql(`{ a }`, [One, Two]);");
        assert_eq!(marked[0].name.as_deref(), Some("M"));
        assert_eq!(marked[1].uses, ["One", "Two"]);
    }

    #[test]
    fn no_piece_of_code_breaks_the_reading() {
        let source = "/* GraphQL */ gql`a ${b{}} \\` é` 'x\\' /* \" ` ${ {";
        for (end, _) in source.char_indices() {
            templates(&source[..end]);
            templates(&source[end..]);
        }
    }
}
