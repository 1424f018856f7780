//! How a shopper's record and a decision are written down: packed, the record behind a token and a checksum over all of it
//! and over whose it is. So an answer that was damaged, or that is another shopper's, is no record of this one.

use super::super::packed;
use super::super::record::Record;
use super::super::traits::StoreError;
use super::known;
use crate::domain::audit::DecisionRecord;
use crate::domain::ids::{DecisionId, ShopperKey};
use jiff::Timestamp;
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

/// Tells one writing of a record from every other.
pub(super) type Token = [u8; 8];

/// A record as it is written: token, checksum, packed.
pub(super) struct Written;

impl Written {
    /// The shopper's record under a token of its own.
    pub(super) fn write(who: &ShopperKey, record: &Record) -> Result<(Token, Vec<u8>), StoreError> {
        let token = rand::random::<Token>();
        let packed = known::pack(record)?;
        let mut bytes = token.to_vec();
        bytes.extend(checksum(who, &token, &packed));
        bytes.extend(packed);
        Ok((token, bytes))
    }

    /// Reads what was written of this shopper. Errors: anything else.
    pub(super) fn read(who: &ShopperKey, bytes: &[u8]) -> Result<(Token, Record), StoreError> {
        let (token, rest) = bytes.split_first_chunk().ok_or_else(|| packed::unreadable("it is too short"))?;
        let (sum, packed) = rest.split_first_chunk().ok_or_else(|| packed::unreadable("it is too short"))?;
        if *sum != checksum(who, token, packed) {
            return Err(packed::unreadable("it is damaged, or another's"));
        }
        Ok((*token, known::unpack(packed)?))
    }
}

fn checksum(who: &ShopperKey, token: &Token, packed: &[u8]) -> [u8; 8] {
    let mut hash = Xxh3::new();
    hash.update(who.as_str().as_bytes());
    hash.update(token);
    hash.update(packed);
    hash.digest().to_le_bytes()
}

/// A decision as it is written: a hash of its id, a checksum, milliseconds of the moment at which it is kept, packed. What it
/// was made of, which would take more than all the rest of a shopper, is in the decision log; whose it is says the key.
pub(super) fn decision(record: &DecisionRecord, now: Timestamp) -> Result<Vec<u8>, StoreError> {
    let name = name(&record.slate.decision.id);
    let mut brief = DecisionRecord { made: None, shopper: ShopperKey::new(""), ..record.clone() };
    // Digits of scores are most of what differs from decision to decision; so many tell candidates apart.
    for item in brief.candidates.items.iter_mut().chain(&mut brief.slate.items) {
        item.score = (item.score * 1e6).round() / 1e6;
    }
    let packed = known::pack(&brief)?;
    let rest = [&now.as_millisecond().to_le_bytes()[..], &packed].concat();
    Ok([&name[..], &checksum(&record.shopper, &name, &rest), &rest].concat())
}

/// Reads a decision of this shopper, and since when it is kept; `None` where it is not the one of this id. Errors: it cannot
/// be read, or is another's.
pub(super) fn read_decision(
    who: &ShopperKey,
    id: &DecisionId,
    bytes: &[u8],
) -> Result<Option<(Timestamp, DecisionRecord)>, StoreError> {
    if !bytes.starts_with(&name(id)) {
        return Ok(None);
    }
    let (kept, record) = read_any_decision(who, bytes)?;
    // Two ids may have one hash.
    Ok((record.slate.decision.id == *id).then_some((kept, record)))
}

/// The same of any id.
pub(super) fn read_any_decision(who: &ShopperKey, bytes: &[u8]) -> Result<(Timestamp, DecisionRecord), StoreError> {
    let short = || packed::unreadable("it is too short");
    let (name, rest) = bytes.split_first_chunk().ok_or_else(short)?;
    let (sum, rest) = rest.split_first_chunk().ok_or_else(short)?;
    if *sum != checksum(who, name, rest) {
        return Err(packed::unreadable("it is damaged, or another's"));
    }
    let (moment, packed) = rest.split_first_chunk().ok_or_else(short)?;
    let kept = Timestamp::from_millisecond(i64::from_le_bytes(*moment)).map_err(|_| packed::unreadable("its time"))?;
    let record: DecisionRecord = known::unpack(packed)?;
    Ok((kept, DecisionRecord { shopper: who.clone(), ..record }))
}

fn name(id: &DecisionId) -> Token {
    xxh3_64(id.as_str().as_bytes()).to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_cut_off_damaged_foreign_or_anothers_is_unavailable_and_no_panic() {
        let (anna, bert) = (ShopperKey::new("anna"), ShopperKey::new("bert"));
        let whole = Written::write(&anna, &Record::default()).unwrap().1;
        assert_eq!(Written::read(&anna, &whole).unwrap().1, Record::default());
        assert!(Written::read(&bert, &whole).is_err());
        for length in 0..whole.len() {
            assert!(Written::read(&anna, &whole[..length]).is_err(), "{length} of {} bytes", whole.len());
        }
        for at in 0..whole.len() * 8 {
            let mut damaged = whole.clone();
            damaged[at / 8] ^= 1 << (at % 8);
            assert!(Written::read(&anna, &damaged).is_err(), "bit {at}");
        }
        assert!(Written::read(&anna, &[0xff; 64]).is_err());
    }

    #[test]
    fn a_decision_of_another_or_another_decision_is_none_of_this_shoppers() {
        let (anna, bert) = (ShopperKey::new("anna"), ShopperKey::new("bert"));
        let (own, other) = (DecisionId::new("own"), DecisionId::new("other"));
        let (record, now) = (crate::store::contract::decision("anna", "own"), Timestamp::from_millisecond(5).unwrap());
        let written = decision(&record, now).unwrap();
        let read = |who: &ShopperKey, id: &DecisionId| read_decision(who, id, &written);
        assert_eq!(read(&anna, &own).unwrap(), Some((now, record)));
        assert_eq!(read(&anna, &other).unwrap(), None);
        assert!(read(&bert, &own).is_err());
        for at in 0..written.len() {
            let mut damaged = written.clone();
            damaged[at] ^= 1;
            assert!(!matches!(read_decision(&anna, &own, &damaged), Ok(Some(_))), "byte {at}");
        }
    }
}
