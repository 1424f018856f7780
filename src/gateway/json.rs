//! JSON that stays as it was sent: a slice of a body, checked once, parsed where a plan needs it.

use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

/// One JSON value as text. Valid JSON by construction; cloning it costs a counter.
#[derive(Clone, PartialEq, Eq)]
pub struct RawJson(Bytes);

impl RawJson {
    /// The part of `body` that `raw` stands in, without a copy; a copy where it stands elsewhere.
    pub(super) fn within(body: &Bytes, raw: &RawValue) -> Self {
        let bytes = raw.get().as_bytes();
        let (start, whole) = (bytes.as_ptr() as usize, body.as_ptr() as usize);
        let inside = start >= whole && start + bytes.len() <= whole + body.len();
        Self(if inside { body.slice_ref(bytes) } else { Bytes::copy_from_slice(bytes) })
    }

    /// Takes text that holds one JSON value.
    pub fn parse(text: Bytes) -> Result<Self, serde_json::Error> {
        let raw: &RawValue = serde_json::from_slice(&text)?;
        Ok(Self::within(&text, raw))
    }

    /// The text.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The text as shared bytes.
    pub fn bytes(&self) -> Bytes {
        self.0.clone()
    }

    /// Whether it is an object.
    pub fn is_object(&self) -> bool {
        self.0.first() == Some(&b'{')
    }

    /// Parses it. Errors where the shape is another, or where it is nested more than 128 levels deep.
    pub fn to<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_slice(&self.0)
    }
}

impl std::fmt::Debug for RawJson {
    /// The size only: variables hold cart ids and tokens.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RawJson({} bytes)", self.0.len())
    }
}

/// Whether valid JSON is nested more than `limit` levels deep. Constant memory, linear time.
pub fn exceeds(json: &[u8], limit: usize) -> bool {
    // Fewer opening brackets than the limit cannot be too deep: nearly every request leaves here.
    if json.len() <= limit {
        return false;
    }
    let (mut depth, mut at) = (0_usize, 0);
    while let Some(&byte) = json.get(at) {
        at += 1;
        match byte {
            b'{' | b'[' => {
                depth += 1;
                if depth > limit {
                    return true;
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'"' => at = string_end(json, at),
            _ => {}
        }
    }
    false
}

/// Whether `json` is a whole object that has no member of this name. What is cut off or no object counts as having it.
pub fn lacks_member(json: &[u8], wanted: &[u8]) -> bool {
    let (mut depth, mut at) = (0_usize, 0);
    while let Some(&byte) = json.get(at) {
        at += 1;
        match byte {
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth <= 1 => return byte == b'}' && json[at..].iter().all(u8::is_ascii_whitespace),
            b'}' | b']' => depth -= 1,
            b'"' => {
                let end = string_end(json, at);
                let name = &json[at..end.saturating_sub(1).max(at)];
                if depth == 1 && name == wanted && json[end..].trim_ascii_start().first() == Some(&b':') {
                    return false;
                }
                at = end;
            }
            _ => {}
        }
    }
    false
}

/// The place after a JSON string whose opening quote is before `at`.
pub(super) fn string_end(json: &[u8], mut at: usize) -> usize {
    while let Some(found) = memchr::memchr2(b'"', b'\\', &json[at.min(json.len())..]) {
        at += found + 1;
        if json[at - 1] == b'"' {
            return at;
        }
        at += 1;
    }
    json.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nesting_is_counted_outside_strings() {
        assert!(!exceeds(br#"{"a":"[[[[[[[[\"[[[["}"#, 2));
        assert!(exceeds(br#"{"a":[[1]]}"#, 2));
        assert!(!exceeds(br#"{"a":[[1]],"b":[[2]]}"#, 3));
        assert!(!exceeds(b"\"\\", 1));
    }

    #[test]
    fn a_hundred_thousand_levels_are_counted_without_recursion() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        let raw = RawJson::parse(deep.into()).unwrap();
        assert!(exceeds(raw.as_bytes(), 64));
    }

    #[test]
    fn variables_are_never_shown() {
        let raw = RawJson::parse(Bytes::from_static(b" {\"token\":\"secret\"} ")).unwrap();
        assert_eq!(format!("{raw:?}"), "RawJson(18 bytes)");
        assert_eq!(raw.as_bytes(), b"{\"token\":\"secret\"}");
    }
}
