//! One `Vary` for an answer: the platform, CORS and compression each add their own, often with the same names in it.

use axum::http::header::VARY;
use axum::http::{HeaderMap, HeaderValue};

/// Joins several into one in which each name stands once. One alone stays as it is.
pub(crate) fn join(headers: &mut HeaderMap) {
    if headers.get_all(VARY).iter().nth(1).is_none() {
        return;
    }
    let mut names: Vec<&str> = Vec::new();
    for value in headers.get_all(VARY) {
        // What is no text is nobody's name, and joining around it would change it.
        let Ok(text) = value.to_str() else { return };
        for name in text.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            if !names.iter().any(|known| known.eq_ignore_ascii_case(name)) {
                names.push(name);
            }
        }
    }
    // It stands for everything, and beside it nothing counts.
    let joined = if names.contains(&"*") { "*".to_owned() } else { names.join(", ") };
    if let Ok(value) = HeaderValue::try_from(joined) {
        headers.insert(VARY, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(values: &[&'static str]) -> Vec<String> {
        let mut headers: HeaderMap = values.iter().map(|value| (VARY, HeaderValue::from_static(value))).collect();
        join(&mut headers);
        headers.get_all(VARY).iter().map(|value| value.to_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn each_name_stands_once_and_a_star_stands_alone() {
        assert_eq!(
            joined(&["Accept-Encoding, Accept", "accept", "origin", "accept-encoding"]),
            ["Accept-Encoding, Accept, origin"]
        );
        assert_eq!(joined(&["accept", "*"]), ["*"]);
        assert_eq!(joined(&["accept,,accept"]), ["accept,,accept"], "one alone is the platform's own");
        assert!(joined(&[]).is_empty());
    }
}
