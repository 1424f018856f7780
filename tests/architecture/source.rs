//! A source file as the rules read it: with comments and literals blanked out, and with its tests known.

/// One file.
pub(crate) struct Source {
    /// Below `src/`, with `/`.
    pub(crate) path: String,
    /// As it stands.
    pub(crate) text: String,
    /// The same lines with comments and the insides of literals blanked out, and without test modules.
    pub(crate) code: String,
}

/// A function and its length.
pub(crate) struct Function {
    pub(crate) name: String,
    /// From 1.
    pub(crate) line: usize,
    /// Lines between its braces that hold code.
    pub(crate) lines: usize,
    /// From `fn` to the opening brace.
    pub(crate) head: String,
}

impl Source {
    /// Reads a file.
    pub(crate) fn new(path: &str, text: &str) -> Self {
        let code = without_tests(&blanked(text));
        let is_test = path.ends_with("_tests.rs") || path.ends_with("/tests.rs");
        Self { path: path.to_owned(), text: text.to_owned(), code: if is_test { String::new() } else { code } }
    }

    /// The module path: `gateway/plan/mod.rs` is `[gateway, plan]`.
    pub(crate) fn module(&self) -> Vec<String> {
        let path = self.path.trim_end_matches(".rs");
        let path = path.strip_suffix("/mod").unwrap_or(path);
        path.split('/').map(str::to_owned).collect()
    }

    /// Every function outside tests.
    pub(crate) fn functions(&self) -> Vec<Function> {
        let code = self.code.as_bytes();
        let mut found = Vec::new();
        for (at, _) in self.code.match_indices("fn ") {
            let begins = at == 0 || !(code[at - 1].is_ascii_alphanumeric() || code[at - 1] == b'_');
            let rest = &self.code[at + 3..];
            let name: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            let Some(end) = rest.find(['{', ';']).filter(|_| begins && !name.is_empty()) else { continue };
            let open = at + 3 + end;
            if code[open] == b';' {
                continue;
            }
            let close = matching(code, open);
            let lines = self.code[open + 1..close].lines().filter(|line| !line.trim().is_empty()).count();
            let line = self.code[..at].matches('\n').count() + 1;
            found.push(Function { name, line, lines, head: self.code[at..open].to_owned() });
        }
        found
    }
}

/// Blanks the code of files that are compiled for tests only: those that a parent declares under `#[cfg(test)]`.
pub(crate) fn leave_out_tests(sources: &mut [Source]) {
    let mut modules = Vec::new();
    for source in sources.iter() {
        for (at, mark) in source.text.match_indices("#[cfg(test)]") {
            let rest = source.text[at + mark.len()..].trim_start();
            let Some((declared, _)) = rest.split_once(';').filter(|(declared, _)| !declared.contains('{')) else {
                continue;
            };
            if let Some((_, name)) = declared.rsplit_once("mod ") {
                let mut module = source.module();
                module.push(name.trim().to_owned());
                modules.push(module);
            }
        }
    }
    for source in sources.iter_mut().filter(|source| modules.iter().any(|module| source.module().starts_with(module))) {
        source.code.clear();
    }
}

/// The brace that closes the one at `open`.
fn matching(code: &[u8], open: usize) -> usize {
    let mut depth = 0_usize;
    for (at, byte) in code.iter().enumerate().skip(open) {
        match byte {
            b'{' => depth += 1,
            b'}' if depth == 1 => return at,
            b'}' => depth -= 1,
            _ => {}
        }
    }
    code.len()
}

/// Test modules blanked out, lines kept.
fn without_tests(code: &str) -> String {
    let mut bytes = code.as_bytes().to_vec();
    for (at, _) in code.match_indices("#[cfg(test)]") {
        let rest = &code[at..];
        let end = match rest.find(['{', ';']) {
            Some(found) if rest.as_bytes()[found] == b'{' => matching(code.as_bytes(), at + found),
            Some(found) => at + found,
            None => code.len() - 1,
        };
        blank(&mut bytes[at..=end.min(code.len() - 1)]);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Replaces all but line ends by spaces.
fn blank(bytes: &mut [u8]) {
    bytes.iter_mut().filter(|byte| **byte != b'\n').for_each(|byte| *byte = b' ');
}

/// Comments and the insides of literals blanked out, lines kept.
fn blanked(text: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let rest = &bytes[at..];
        let length = if rest.starts_with(b"//") {
            find(rest, b"\n").unwrap_or(rest.len())
        } else if rest.starts_with(b"/*") {
            find(rest, b"*/").map_or(rest.len(), |end| end + 2)
        } else if let Some(length) = raw_string(rest) {
            length
        } else if rest[0] == b'"' {
            quoted(rest, b'"')
        } else if rest[0] == b'\'' && (rest.get(1) == Some(&b'\\') || find(rest, b"'").is_some() && is_char(rest)) {
            quoted(rest, b'\'')
        } else {
            at += 1;
            continue;
        };
        blank(&mut bytes[at..at + length]);
        at += length;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Whether a quote begins a character and not a lifetime: the closing quote comes after one character.
fn is_char(rest: &[u8]) -> bool {
    let text = String::from_utf8_lossy(&rest[..rest.len().min(8)]).into_owned();
    text.chars().nth(2) == Some('\'')
}

/// The length of a raw string that begins here.
fn raw_string(rest: &[u8]) -> Option<usize> {
    let marks = rest.strip_prefix(b"r")?.iter().take_while(|byte| **byte == b'#').count();
    if rest.get(1 + marks) != Some(&b'"') {
        return None;
    }
    let end = [b"\"".as_slice(), &b"#".repeat(marks)].concat();
    let from = marks + 2;
    Some(find(&rest[from..], &end).map_or(rest.len(), |found| from + found + end.len()))
}

/// The length of a literal in quotes that begins here.
fn quoted(rest: &[u8], quote: u8) -> usize {
    let mut at = 1;
    while at < rest.len() && rest[at] != quote {
        at += if rest[at] == b'\\' { 2 } else { 1 };
    }
    (at + 1).min(rest.len())
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}
