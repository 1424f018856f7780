//! Packing for what a shared store has millions of. A small value has everything for the first time, so deflate alone does little
//! for it. These are packed as if a text stood before them that consists of what they mostly consist of, and only what comes
//! behind it is stored; they refer back to it, as RFC 1951 lets a stream refer to the last 32 KiB.
//!
//! **What is stored can only be read with the very text that it was written with.** To change `known.txt` is to forget every
//! shopper of every shared store; a test holds it.

use super::super::packed::unreadable;
use super::super::traits::StoreError;
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io::{self, Read, Write};
use std::sync::LazyLock;

/// The text: pieces of records and decisions as they are written, the most frequent last.
const TEXT: &[u8] = include_bytes!("known.txt");
/// A larger value is not written, and was not written here.
const LARGEST: u64 = 4 << 20;

/// The text packed, up to where a value begins.
static BEGUN: LazyLock<Vec<u8>> =
    LazyLock::new(|| begun(0).map(|encoder| encoder.get_ref().clone()).unwrap_or_default());

/// An encoder that has read the text and has room for so many bytes more.
fn begun(room: usize) -> io::Result<DeflateEncoder<Vec<u8>>> {
    let mut encoder = DeflateEncoder::new(Vec::with_capacity(TEXT.len() + room), Compression::fast());
    encoder.write_all(TEXT)?;
    // To the end of a byte, with the text still to refer to.
    encoder.flush()?;
    Ok(encoder)
}

/// The value as bytes. Errors: one that is too large to be read again.
pub(super) fn pack(value: &impl Serialize) -> Result<Vec<u8>, StoreError> {
    let json = serde_json::to_vec(value).map_err(|error| unreadable(&error))?;
    if json.len() as u64 > LARGEST {
        return Err(unreadable("it is too large"));
    }
    let packed = || -> io::Result<Vec<u8>> {
        let mut encoder = begun(json.len())?;
        let begin = encoder.get_ref().len();
        encoder.write_all(&json)?;
        Ok(encoder.finish()?.split_off(begin))
    };
    packed().map_err(|error| unreadable(&error))
}

/// The value that [`pack`] wrote. Errors: bytes that it did not write.
pub(super) fn unpack<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, StoreError> {
    let mut decoder = DeflateDecoder::new(BEGUN.chain(bytes));
    let mut read = || -> io::Result<Vec<u8>> {
        io::copy(&mut decoder.by_ref().take(TEXT.len() as u64), &mut io::sink())?;
        let mut json = Vec::new();
        decoder.by_ref().take(LARGEST).read_to_end(&mut json)?;
        Ok(json)
    };
    let json = read().map_err(|error| unreadable(&error))?;
    // Its message could quote what was written; the place is enough.
    serde_json::from_slice(&json).map_err(|error| unreadable(&format!("column {}", error.column())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use xxhash_rust::xxh3::xxh3_64;

    #[test]
    fn the_text_that_all_stored_shoppers_refer_to_is_the_one_that_they_were_written_with() {
        assert_eq!(xxh3_64(TEXT), 2_178_595_190_333_338_873);
        // Written once and for all: every version of the program reads it.
        assert_eq!(
            unpack::<Vec<String>>(&hex::decode("c315f5864ab100").unwrap()).unwrap(),
            ["gid://shopify/Product/1"]
        );
    }

    #[test]
    fn what_could_not_be_read_again_is_not_written() {
        let text = "x".repeat(usize::try_from(LARGEST).unwrap());
        assert!(pack(&text).is_err());
        assert_eq!(unpack::<String>(&pack(&&text[2..]).unwrap()).unwrap().len(), text.len() - 2);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn any_value_is_read_as_it_was_written_and_no_bytes_panic(
            value in any::<Vec<(String, u64)>>(),
            bytes in any::<Vec<u8>>(),
        ) {
            let packed = pack(&value).unwrap();
            prop_assert_eq!(unpack::<Vec<(String, u64)>>(&packed).unwrap(), value);
            prop_assert!(unpack::<Vec<(String, u64)>>(&packed[..packed.len() / 2]).is_err());
            unpack::<Vec<String>>(&bytes).ok();
        }
    }
}
