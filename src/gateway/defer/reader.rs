//! The parts of a `multipart/mixed` body, as its bytes come.
//!
//! Lines may end in CRLF or LF; a preamble, padding behind a delimiter and empty parts are passed over. What is held is
//! one part, within a limit. A part is handed out when its closing delimiter is there: before that it is not known to be
//! whole. Invariant: however the bytes are cut into chunks, the same parts come out.
//! Source: RFC 2046 § 5.1.1.

use super::Broken;
use bytes::{Bytes, BytesMut};
use memchr::memmem::Finder;

/// The longest boundary, by RFC 2046.
const LONGEST: usize = 70;
/// The most bytes before the first delimiter.
const PREAMBLE: usize = 64 * 1024;
/// The most bytes of a part's headers, which nobody reads.
const HEADERS: usize = 16 * 1024;
/// The most white space behind a delimiter.
const PADDING: usize = 256;

/// The boundary that a content type names; `None` where it is no `multipart/mixed`. Without a boundary it is `-`, as
/// clients of deferred answers have it.
/// Errors: the boundary is none that RFC 2046 allows.
pub(super) fn boundary(content_type: &str) -> Option<Result<String, Broken>> {
    let (media, mut rest) = content_type.split_once(';').unwrap_or((content_type, ""));
    if !media.trim().eq_ignore_ascii_case("multipart/mixed") {
        return None;
    }
    while let Some((name, value)) = rest.split_once('=') {
        let value = value.trim_start();
        let (value, after) = match value.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => value.split_at(value.find(';').unwrap_or(value.len())),
        };
        if name.trim().eq_ignore_ascii_case("boundary") {
            return Some(allowed(value.trim_end()));
        }
        rest = after.trim_start().trim_start_matches(';');
    }
    Some(Ok("-".to_owned()))
}

fn allowed(boundary: &str) -> Result<String, Broken> {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b"'()+_,-./:=? ".contains(&byte);
    let fits = (1..=LONGEST).contains(&boundary.len()) && boundary.bytes().all(known);
    if fits { Ok(boundary.to_owned()) } else { Err(Broken::Boundary) }
}

/// What [`Reader::next`] found.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// The content of a part, without white space around it.
    Part(Bytes),
    /// The closing delimiter.
    End,
    /// Nothing yet: more bytes are needed.
    More,
}

/// Takes bytes in, gives parts out.
pub(super) struct Reader {
    /// Two dashes and the boundary.
    delimiter: Finder<'static>,
    /// From the end of the last delimiter, so that it begins at the beginning of a line.
    buffer: BytesMut,
    /// No delimiter begins before.
    searched: usize,
    /// The most bytes of a part.
    limit: usize,
    /// Whether the first delimiter is past.
    began: bool,
    ended: bool,
}

/// A delimiter that was found.
struct Line {
    /// Where what stands before it ends.
    content: usize,
    /// Where it ends itself.
    end: usize,
    last: bool,
}

impl Reader {
    /// A reader that has seen nothing. `limit`: bytes of a part with its headers.
    pub(super) fn new(boundary: &str, limit: usize) -> Self {
        let delimiter = Finder::new(&format!("--{boundary}")).into_owned();
        Self { delimiter, buffer: BytesMut::new(), searched: 0, limit, began: false, ended: false }
    }

    /// Takes the next bytes.
    pub(super) fn push(&mut self, chunk: &[u8]) {
        self.buffer.extend_from_slice(chunk);
    }

    /// The next part, if it is there.
    /// Errors: a part, a preamble or headers beyond their limits. What comes after an error means nothing.
    pub(super) fn next(&mut self) -> Result<Found, Broken> {
        while !self.ended {
            let most = if self.began { self.limit } else { PREAMBLE };
            let Some(line) = self.line() else {
                let slack = self.delimiter.needle().len() + PADDING + 8;
                return if self.buffer.len() > most.saturating_add(slack) {
                    Err(self.too_large())
                } else {
                    Ok(Found::More)
                };
            };
            if line.content > most {
                return Err(self.too_large());
            }
            let mut content = self.buffer.split_to(line.end).freeze();
            content.truncate(line.content);
            self.searched = 0;
            self.ended = line.last;
            if std::mem::replace(&mut self.began, true)
                && let Some(part) = without_headers(&content)?
            {
                return Ok(Found::Part(part));
            }
        }
        Ok(Found::End)
    }

    fn too_large(&self) -> Broken {
        if self.began { Broken::TooLarge(self.limit) } else { Broken::Preamble }
    }

    /// The first delimiter in the buffer, where it is there to its end.
    fn line(&mut self) -> Option<Line> {
        let length = self.delimiter.needle().len();
        loop {
            let rest = self.buffer.get(self.searched..)?;
            let Some(found) = self.delimiter.find(rest) else {
                // The beginning of one may stand at the end.
                self.searched = self.searched.max((self.buffer.len() + 1).saturating_sub(length));
                return None;
            };
            let at = self.searched + found;
            let before = self.buffer.get(..at).unwrap_or_default();
            if before.is_empty() || before.ends_with(b"\n") {
                self.searched = at;
                match ending(self.buffer.get(at + length..).unwrap_or_default()) {
                    Ending::Open => return None,
                    Ending::Line(more, last) => {
                        let content = before.strip_suffix(b"\n").unwrap_or(before);
                        let content = content.strip_suffix(b"\r").unwrap_or(content).len();
                        return Some(Line { content, end: at + length + more, last });
                    }
                    Ending::Other => {}
                }
            }
            self.searched = at + 1;
        }
    }
}

/// What stands behind the boundary.
enum Ending {
    /// The bytes that belong to the delimiter, and whether it is the last one.
    Line(usize, bool),
    /// More bytes are needed to tell.
    Open,
    /// Something else: it was no delimiter.
    Other,
}

fn ending(rest: &[u8]) -> Ending {
    if rest.starts_with(b"--") {
        return Ending::Line(2, true);
    }
    let padding = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    match rest.get(padding..).unwrap_or_default() {
        _ if padding > PADDING => Ending::Other,
        [b'\n', ..] => Ending::Line(padding + 1, false),
        [b'\r', b'\n', ..] => Ending::Line(padding + 2, false),
        [] | [b'\r'] => Ending::Open,
        [b'-'] if padding == 0 => Ending::Open,
        _ => Ending::Other,
    }
}

/// What stands behind the empty line of a part; `None` for a part without content.
fn without_headers(part: &Bytes) -> Result<Option<Bytes>, Broken> {
    let mut at = 0;
    loop {
        let rest = part.get(at..).unwrap_or_default();
        if at > HEADERS {
            return Err(Broken::Headers);
        }
        let Some(end) = memchr::memchr(b'\n', rest) else {
            return if part.trim_ascii().is_empty() { Ok(None) } else { Err(Broken::Headers) };
        };
        at += end + 1;
        if matches!(rest.get(..end), Some(b"" | b"\r")) {
            let content = part.get(at..).unwrap_or_default().trim_ascii();
            return Ok((!content.is_empty()).then(|| part.slice_ref(content)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// All parts of a body that comes in these chunks, and how it ends.
    fn read<'a>(boundary: &str, limit: usize, chunks: impl IntoIterator<Item = &'a [u8]>) -> (Vec<Bytes>, String) {
        let mut reader = Reader::new(boundary, limit);
        let mut parts = Vec::new();
        for chunk in chunks {
            reader.push(chunk);
            loop {
                match reader.next() {
                    Ok(Found::Part(part)) => parts.push(part),
                    Ok(Found::End) => return (parts, "end".to_owned()),
                    Ok(Found::More) => break,
                    Err(broken) => return (parts, broken.to_string()),
                }
            }
        }
        (parts, "open".to_owned())
    }

    fn whole(boundary: &str, body: &str) -> (Vec<Bytes>, String) {
        read(boundary, 1000, [body.as_bytes()])
    }

    #[test]
    fn parts_are_read_whatever_ends_their_lines() {
        let body = "\r\n---\r\nContent-Type: application/json; charset=utf-8\r\n\r\n{\"a\":\"---\"}\r\n---\r\n\
                    Content-Type: application/json\r\n\r\n{\"b\":1}\r\n-----\r\n";
        let parts = (vec![Bytes::from("{\"a\":\"---\"}"), Bytes::from("{\"b\":1}")], "end".to_owned());
        assert_eq!(whole("-", body), parts);
        assert_eq!(whole("-", &body.replace("\r\n", "\n")), parts);
        assert_eq!(whole("-", body.trim()), parts);
        assert_eq!(whole("-", &format!("a preamble\r\n--{}", &body[2..].replace("---\r\n", "--- \t\r\n")[2..])), parts);
    }

    #[test]
    fn a_line_that_only_begins_like_a_delimiter_is_content() {
        assert_eq!(whole("ab", "--ab\n\n--abc\n --ab\n\n--ab\n\n--ab--").0, ["--abc\n --ab"]);
    }

    #[test]
    fn what_breaks_off_never_ends() {
        for body in ["", "--", "--ab", "--ab\r\n\r\n{}", "--ab\r\n\r\n{}\r\n--ab", "--ab\r\n\r\n{}\r\n--ab-"] {
            assert_eq!(whole("ab", body), (vec![], "open".to_owned()), "{body}");
        }
    }

    #[test]
    fn what_is_held_is_bounded() {
        let long = format!("--ab\r\n\r\n{}", "x".repeat(2000));
        assert_eq!(whole("ab", &long), (vec![], Broken::TooLarge(1000).to_string()));
        assert_eq!(whole("ab", &format!("{long}\r\n--ab--")), (vec![], Broken::TooLarge(1000).to_string()));
        assert_eq!(whole("ab", &"\n".repeat(100_000)), (vec![], Broken::Preamble.to_string()));
        assert_eq!(whole("ab", "--ab\r\nno empty line\r\n--ab--"), (vec![], Broken::Headers.to_string()));
        let headers = format!("--ab\r\n{}\r\n{{}}\r\n--ab--", "a: b\r\n".repeat(10_000));
        assert_eq!(read("ab", 1 << 20, [headers.as_bytes()]), (vec![], Broken::Headers.to_string()));
    }

    #[test]
    fn a_boundary_is_read_out_of_the_content_type() {
        let read = |text: &str| boundary(text).map(|found| found.ok());
        assert_eq!(read("application/json"), None);
        assert_eq!(read("multipart/form-data; boundary=x"), None);
        assert_eq!(read("multipart/mixed"), Some(Some("-".into())));
        assert_eq!(read("multipart/mixed; boundary=\"-\"; deferSpec=20220824"), Some(Some("-".into())));
        assert_eq!(read("multipart/mixed;deferSpec=20220824;boundary=-"), Some(Some("-".into())));
        assert_eq!(read("Multipart/Mixed; a=\"x;boundary=y\"; Boundary=graphql "), Some(Some("graphql".into())));
        assert_eq!(read("multipart/mixed; boundary="), Some(None));
        assert_eq!(read("multipart/mixed; boundary=\"a\nb\""), Some(None));
        assert_eq!(read(&format!("multipart/mixed; boundary={}", "x".repeat(71))), Some(None));
    }

    proptest! {
        #[test]
        fn any_chunking_of_the_bytes_gives_the_same_parts(
            pieces in proptest::collection::vec("--ab|-|\r|\n|\r\n|--ab\r\n|\r\n--ab\r\n\r\n|--|ab| |\\{\\}|x{1,40}", 0..40),
            cuts in proptest::collection::vec(0_usize..400, 0..20),
        ) {
            let body = pieces.concat().into_bytes();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(body.len())).chain([0, body.len()]).collect();
            cuts.sort_unstable();
            let chunks = cuts.windows(2).map(|pair| &body[pair[0]..pair[1]]);
            prop_assert_eq!(read("ab", 60, chunks), read("ab", 60, [&body[..]]));
            prop_assert_eq!(read("ab", 60, body.chunks(1)), read("ab", 60, [&body[..]]));
        }

        #[test]
        fn parts_that_are_written_are_read(contents in proptest::collection::vec("[a-z{}\"\r\n -]{0,30}", 0..6)) {
            let mut body = String::from("\r\n--b0\r\n");
            for (n, content) in contents.iter().enumerate() {
                let end = if n + 1 == contents.len() { "--" } else { "" };
                body += &format!("content-type: text/plain\r\n\r\n{content}\r\n--b0{end}\r\n");
            }
            let trimmed: Vec<&str> = contents.iter().map(|c| c.trim_ascii()).filter(|c| !c.is_empty()).collect();
            prop_assert_eq!(read("b0", 100, [body.as_bytes()]).0, trimmed);
        }
    }
}
