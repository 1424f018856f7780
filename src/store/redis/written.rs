//! How a shopper's record and a decision are written down: a token and compressed JSON.
//!
//! Ids of one shop begin alike and member names repeat, so deflate takes them to about a third. What was written by
//! another version of the program and cannot be read any more counts as unavailable, never as another shopper's.

use super::super::record::Record;
use super::super::traits::StoreError;
use crate::domain::audit::DecisionRecord;
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io::{Read, Write};

/// Tells one writing of a record from every other.
pub(super) type Token = [u8; 8];

/// A larger record was not written here.
const LARGEST: u64 = 4 << 20;

/// A record as it is written.
pub(super) struct Written;

impl Written {
    /// The record under a token of its own.
    pub(super) fn write(record: &Record) -> Result<Vec<u8>, StoreError> {
        let mut bytes = rand::random::<Token>().to_vec();
        bytes.extend(deflated(record)?);
        Ok(bytes)
    }

    pub(super) fn read(bytes: &[u8]) -> Result<(Token, Record), StoreError> {
        let (token, rest) = bytes.split_first_chunk().ok_or_else(|| unreadable("it is too short"))?;
        Ok((*token, inflated(rest)?))
    }
}

/// A decision as it is written.
pub(super) fn decision(record: &DecisionRecord) -> Result<Vec<u8>, StoreError> {
    deflated(record)
}

pub(super) fn read_decision(bytes: &[u8]) -> Result<DecisionRecord, StoreError> {
    inflated(bytes)
}

fn deflated(value: &impl Serialize) -> Result<Vec<u8>, StoreError> {
    let json = serde_json::to_vec(value).map_err(|error| unreadable(&error))?;
    let mut encoder = DeflateEncoder::new(Vec::with_capacity(json.len() / 2), Compression::fast());
    encoder.write_all(&json).and_then(|()| encoder.finish()).map_err(|error| unreadable(&error))
}

fn inflated<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, StoreError> {
    let mut json = Vec::new();
    DeflateDecoder::new(bytes).take(LARGEST).read_to_end(&mut json).map_err(|error| unreadable(&error))?;
    // Its message could quote what was written; the place is enough.
    serde_json::from_slice(&json).map_err(|error| unreadable(&format!("column {}", error.column())))
}

fn unreadable(reason: &(impl std::fmt::Display + ?Sized)) -> StoreError {
    StoreError::Unavailable(format!("what is stored of a shopper cannot be read or written: {reason}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_cut_off_or_foreign_is_unavailable_and_no_panic() {
        let whole = Written::write(&Record::default()).unwrap();
        assert_eq!(Written::read(&whole).unwrap().1, Record::default());
        for length in 0..whole.len() {
            assert!(Written::read(&whole[..length]).is_err(), "{length} of {} bytes", whole.len());
        }
        assert!(Written::read(&[0xff; 64]).is_err());
    }
}
