//! Values written down compactly: compressed JSON.
//!
//! Ids of one shop begin alike and member names repeat, so deflate takes them to about a third. What was written by
//! another version of the program and cannot be read any more counts as unavailable, never as something else.

use super::traits::StoreError;
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io::{Read, Write};

/// A larger value is not written, and was not written here.
const LARGEST: u64 = 4 << 20;

/// The value as bytes. Errors: one that is too large to be read again.
pub(super) fn pack(value: &impl Serialize) -> Result<Vec<u8>, StoreError> {
    let json = serde_json::to_vec(value).map_err(|error| unreadable(&error))?;
    if json.len() as u64 > LARGEST {
        return Err(unreadable("it is too large"));
    }
    let mut encoder = DeflateEncoder::new(Vec::with_capacity(json.len() / 2), Compression::fast());
    encoder.write_all(&json).and_then(|()| encoder.finish()).map_err(|error| unreadable(&error))
}

/// The value that [`pack`] wrote. Errors: bytes that it did not write.
pub(super) fn unpack<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, StoreError> {
    let mut json = Vec::new();
    DeflateDecoder::new(bytes).take(LARGEST).read_to_end(&mut json).map_err(|error| unreadable(&error))?;
    // Its message could quote what was written; the place is enough.
    serde_json::from_slice(&json).map_err(|error| unreadable(&format!("column {}", error.column())))
}

/// What is written cannot be read, or the other way round.
pub(super) fn unreadable(reason: &(impl std::fmt::Display + ?Sized)) -> StoreError {
    StoreError::Unavailable(format!("what is stored of a shopper cannot be read or written: {reason}"))
}
