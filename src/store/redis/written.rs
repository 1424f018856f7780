//! How a shopper's record and a decision are written down: packed, the record behind a token.

use super::super::packed;
use super::super::record::Record;
use super::super::traits::StoreError;
use crate::domain::audit::DecisionRecord;

/// Tells one writing of a record from every other.
pub(super) type Token = [u8; 8];

/// A record as it is written.
pub(super) struct Written;

impl Written {
    /// The record under a token of its own.
    pub(super) fn write(record: &Record) -> Result<(Token, Vec<u8>), StoreError> {
        let token = rand::random::<Token>();
        let mut bytes = token.to_vec();
        bytes.extend(packed::pack(record)?);
        Ok((token, bytes))
    }

    pub(super) fn read(bytes: &[u8]) -> Result<(Token, Record), StoreError> {
        let (token, rest) = bytes.split_first_chunk().ok_or_else(|| packed::unreadable("it is too short"))?;
        Ok((*token, packed::unpack(rest)?))
    }
}

/// A decision as it is written: without what it was made of, which would take more than all the rest of a shopper. The
/// decision log has that.
pub(super) fn decision(record: &DecisionRecord) -> Result<Vec<u8>, StoreError> {
    packed::pack(&DecisionRecord { made: None, ..record.clone() })
}

pub(super) fn read_decision(bytes: &[u8]) -> Result<DecisionRecord, StoreError> {
    packed::unpack(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_cut_off_or_foreign_is_unavailable_and_no_panic() {
        let whole = Written::write(&Record::default()).unwrap().1;
        assert_eq!(Written::read(&whole).unwrap().1, Record::default());
        for length in 0..whole.len() {
            assert!(Written::read(&whole[..length]).is_err(), "{length} of {} bytes", whole.len());
        }
        assert!(Written::read(&[0xff; 64]).is_err());
    }
}
