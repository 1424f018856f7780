//! What text becomes between tags. Titles are a shop's own and may hold anything.

/// Text as HTML and as an attribute's value between double quotes. Control characters, and those that turn the direction
/// of what stands beside them, are left out.
pub(super) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => (),
            control if control.is_control() => safe.push(' '),
            other => safe.push(other),
        }
    }
    safe
}

/// The beginning of a text, marked where it was cut, as HTML.
pub(super) fn short(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => escaped(text.get(..end).unwrap_or(text)) + "…",
        None => escaped(text),
    }
}

/// A figure, as short as its size allows; a dash for what is none.
pub(super) fn figure(value: f64) -> String {
    match value.abs() {
        size if !size.is_finite() => "–".to_owned(),
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.4}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_becomes_a_tag_an_attribute_or_a_turn_of_direction() {
        let hostile = "</title><script>alert('x')</script>\" onload=\"y & z\u{202e}\u{0}\n";
        let safe = escaped(hostile);
        assert!(!safe.contains(['<', '>', '"', '\'', '\u{202e}', '\u{0}', '\n']), "{safe}");
        assert!(safe.contains("&lt;script&gt;alert(&#39;x&#39;)") && safe.contains("y &amp; z"), "{safe}");
        assert_eq!((short("ⓐⓑⓒ", 2), short("a<b", 3)), ("ⓐⓑ…".to_owned(), "a&lt;b".to_owned()));
        assert_eq!((figure(f64::NAN), figure(0.12345), figure(7.0)), ("–".into(), "0.1235".into(), "7.00".into()));
    }
}
