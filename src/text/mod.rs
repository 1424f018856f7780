//! Texts as vectors: what a product's description or a search is about, whatever its words are.
//!
//! [`WordPiece`] parts a text, [`Table`] has a vector for each piece and is part of the program ([`shipped()`]), [`MiniLm`] is
//! the encoder that the table was [distilled](distill) from, where somebody has its files.
//! [`compare()`] says how much of the one the other keeps.

mod compare;
pub mod distill;
mod error;
mod minilm;
mod shipped;
mod table;
mod wordpiece;

pub use compare::{Agreement, compare};
pub use error::TextError;
pub use minilm::{MiniLm, Precision};
pub use shipped::shipped;
pub use table::Table;
pub use wordpiece::WordPiece;

use std::path::Path;

/// Vectors of texts by the table that is part of the program, one after the other, `[N, width]`, after the width; none where
/// there is no table.
pub fn vectors<S: AsRef<str>>(texts: impl IntoIterator<Item = S>) -> Option<(usize, Vec<f32>)> {
    let table = shipped()?;
    Some((table.width(), texts.into_iter().flat_map(|text| table.embed(text.as_ref())).collect()))
}

/// The content of a file that is at most so large.
fn file(path: &Path, largest: u64) -> Result<Vec<u8>, TextError> {
    let failed = |source| TextError::File { path: path.to_owned(), source };
    let size = std::fs::metadata(path).map_err(failed)?.len();
    if size > largest {
        let why = format!("it has {size} bytes, the most are {largest}");
        return Err(TextError::foreign(path.display().to_string(), why));
    }
    std::fs::read(path).map_err(failed)
}
