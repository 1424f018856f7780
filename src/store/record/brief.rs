//! Ids of events as a record keeps them: they only tell events of one shopper apart, and as clients make them they are a third
//! of what a session takes.

use crate::domain::ids::EventId;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use xxhash_rust::xxh3::xxh3_64;

/// Before a name that stands for an id.
const MARK: char = '~';
/// Ids up to so many bytes are kept as they are.
const SHORT: usize = 12;

/// The name of an id, as it came or as it is kept: a hash of it as it came.
pub(super) fn name(id: &str) -> u64 {
    let kept = id.strip_prefix(MARK).and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
    kept.and_then(|bytes| bytes.try_into().ok()).map_or_else(|| xxh3_64(id.as_bytes()), u64::from_le_bytes)
}

/// The id as it is kept.
pub(super) fn id(id: &EventId) -> EventId {
    if id.as_str().len() <= SHORT {
        return id.clone();
    }
    EventId::new(format!("{MARK}{}", URL_SAFE_NO_PAD.encode(name(id.as_str()).to_le_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_one_name_as_it_came_and_as_it_is_kept() {
        for text in
            ["", "1", "~", "~short", "twelve bytes", "0b6f2c1e-8a3d-4c55-9d1e-3f2a6b7c8d9e", "\u{1f457} of some length"]
        {
            let kept = id(&EventId::new(text));
            assert_eq!(name(kept.as_str()), name(text), "{text}");
            assert_eq!(id(&kept), kept, "{text}");
            assert!(kept.as_str().len() <= SHORT, "{kept}");
        }
        assert_eq!(id(&EventId::new("twelve bytes")).as_str(), "twelve bytes");
        assert_ne!(name("0b6f2c1e-8a3d-4c55-9d1e-3f2a6b7c8d9e"), name("0b6f2c1e-8a3d-4c55-9d1e-3f2a6b7c8d9f"));
    }
}
