//! Shopify's `_tracking_consent` cookie.
//!
//! Two forms are in use. The older is JSON, `{"v":"2.1","con":{"CMP":{"a":"1","p":"","m":"0","s":""}},"purposes":
//! {"a":true,"p":true,"m":false,"t":true},…}`: what the visitor said by purpose, and what is allowed in the end, where
//! the shop needs no consent in the visitor's region too. The newer is text, `3Ap.MS_DEBE_t_f_…`: before the dot
//! the purposes accepted (capital) and refused (small letter), and anywhere in the first part, as a capital, those
//! that are allowed in the end. `a` analytics, `p` preferences, `m` marketing, `s` sale of data (`t` among `purposes`).
//!
//! What is allowed in the end counts, less what the visitor refused. Anything else is no consent known, never a consent.
//! Source: the behaviour of Shopify's public consent script, version 0.2 of its API.

use crate::domain::consent::{Consent, Purpose};
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use std::collections::HashMap;

/// The longest cookie that is read; real ones have some 300 bytes.
const MAX: usize = 4096;

/// A purpose with its letter in the visitor's answers and among what is allowed.
const LETTERS: [(Purpose, char, char); 4] = [
    (Purpose::Analytics, 'a', 'a'),
    (Purpose::Preferences, 'p', 'p'),
    (Purpose::Marketing, 'm', 'm'),
    (Purpose::SaleOfData, 's', 't'),
];

/// Reads the cookie's value, percent-encoded or not.
pub(super) fn read(raw: &str) -> Option<Consent> {
    if raw.len() > MAX {
        return None;
    }
    let text = percent_decode_str(raw).decode_utf8().ok()?;
    match text.as_bytes().first()? {
        b'{' => read_json(&text),
        b'3' => read_letters(&text[1..]),
        _ => None,
    }
}

#[derive(Deserialize)]
struct Cookie {
    v: String,
    con: Answers,
    /// Missing purposes are allowed only where the visitor accepted them.
    #[serde(default)]
    purposes: HashMap<String, serde_json::Value>,
}

#[derive(Deserialize)]
struct Answers {
    #[serde(rename = "CMP")]
    cmp: HashMap<String, serde_json::Value>,
}

fn read_json(text: &str) -> Option<Consent> {
    let cookie: Cookie = serde_json::from_str(text).ok().filter(|cookie: &Cookie| cookie.v == "2.1")?;
    Some(LETTERS.iter().fold(Consent::NONE, |consent, (purpose, said, allowed)| {
        let answer = cookie.con.cmp.get(said.to_string().as_str()).and_then(serde_json::Value::as_str);
        let verdict = cookie.purposes.get(allowed.to_string().as_str()).and_then(serde_json::Value::as_bool);
        consent.with(*purpose, answer != Some("0") && verdict.unwrap_or(answer == Some("1")))
    }))
}

fn read_letters(text: &str) -> Option<Consent> {
    let letters = text.split('_').next()?;
    // Four letters twice and a dot are all there can be: anything longer or else is not this form.
    if letters.len() > 9 || !letters.bytes().all(|b| b"AaPpMmSs.".contains(&b)) {
        return None;
    }
    let answers = letters.split('.').next()?;
    Some(LETTERS.iter().fold(Consent::NONE, |consent, (purpose, letter, _)| {
        let allowed = letters.contains(letter.to_ascii_uppercase()) && !answers.contains(*letter);
        consent.with(*purpose, allowed)
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn some(purposes: &[Purpose]) -> Option<Consent> {
        Some(purposes.iter().fold(Consent::NONE, |consent, purpose| consent.with(*purpose, true)))
    }

    #[test]
    fn the_json_form_gives_what_is_allowed_in_the_end_less_what_was_refused() {
        let cookie = r#"{"con":{"CMP":{"a":"1","m":"0","p":"","s":""}},"v":"2.1","region":"DEBE","reg":"GDPR",
            "purposes":{"a":true,"p":true,"m":true,"t":false},"display_banner":false}"#;
        let expected = some(&[Purpose::Analytics, Purpose::Preferences]);
        assert_eq!(read(cookie), expected);
        let encoded = percent_encoding::utf8_percent_encode(cookie, percent_encoding::NON_ALPHANUMERIC).to_string();
        assert_eq!(read(&encoded), expected);
        assert_eq!(read(r#"{"con":{"CMP":{"a":"1","p":""}},"v":"2.1"}"#), some(&[Purpose::Analytics]));
    }

    #[test]
    fn the_text_form_reads_answers_and_what_the_region_allows() {
        assert_eq!(read("3AMPS_DEBE_f_f_abc"), Some(Consent::ALL));
        assert_eq!(read("3.AMPS_USNY_f_f_abc"), Some(Consent::ALL));
        assert_eq!(read("3amps_DEBE_f_f_abc"), Some(Consent::NONE));
        assert_eq!(read("3amps.AMPS_DEBE_f_t"), Some(Consent::NONE));
        assert_eq!(read("3Ap_DEBE_t_f_abc"), some(&[Purpose::Analytics]));
    }

    #[test]
    fn what_cannot_be_read_is_no_consent_known() {
        for text in
            ["", "{", "{}", "1", "3x_DE", "3AMPSAMPSAMPS_DE", r#"{"v":"2.0","con":{"GDPR":"1"}}"#, "%ff%fe", "yes"]
        {
            assert_eq!(read(text), None, "{text}");
        }
        assert_eq!(read(&format!("3AMPS_{}", "x".repeat(5000))), None);
    }

    proptest! {
        #[test]
        fn no_cookie_panics(text in ".{0,300}") {
            let _ = read(&text);
        }
    }
}
