//! A vector for each word piece, small enough to be part of the program: a text's vector is the sum of its pieces' vectors,
//! brought to length 1. How much a piece tells is the length of its vector.
//!
//! One safetensors file: `tokens` (the pieces, a line each), `values` `[pieces, width]` i8 and `scales` `[pieces]` f32, which
//! a row is multiplied by. Files come from elsewhere: none can make this panic. Source: model2vec, "Turn any Sentence
//! Transformer into a Small Fast Model" (Minish Lab, 2024), distilled as `distill/` says.

use super::error::TextError;
use super::wordpiece::WordPiece;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use sha2::{Digest, Sha256};
use std::path::Path;

/// The most pieces of a text that count.
const MOST: usize = 512;
/// The largest file read, in bytes.
const LARGEST: u64 = 256 << 20;
/// The widest vectors read.
const WIDEST: usize = 1024;

/// A static text embedding.
#[derive(Debug)]
pub struct Table {
    id: String,
    tokens: WordPiece,
    width: usize,
    /// `[pieces, width]`.
    values: Vec<i8>,
    scales: Vec<f32>,
}

impl Table {
    /// Reads a table from the bytes of its file.
    ///
    /// # Errors
    /// They are no safetensors file of such a table, or hold what is not a finite number.
    pub fn read(bytes: &[u8]) -> Result<Self, TextError> {
        let foreign = |why: String| TextError::foreign("the text table", why);
        let file = SafeTensors::deserialize(bytes).map_err(|error| foreign(error.to_string()))?;
        let tensor = |name: &str, dtype: Dtype, dims: usize| {
            let tensor = file.tensor(name).map_err(|error| foreign(error.to_string()))?;
            match (tensor.dtype() == dtype, tensor.shape().len() == dims) {
                (true, true) => Ok(tensor),
                _ => Err(foreign(format!("{name} is {:?} of {:?}", tensor.dtype(), tensor.shape()))),
            }
        };
        let (tokens, values, scales) =
            (tensor("tokens", Dtype::U8, 1)?, tensor("values", Dtype::I8, 2)?, tensor("scales", Dtype::F32, 1)?);
        let tokens = std::str::from_utf8(tokens.data()).map_err(|error| foreign(error.to_string()))?;
        let tokens: Vec<&str> = tokens.lines().collect();
        let (pieces, width) = (values.shape()[0], values.shape()[1]);
        if tokens.len() != pieces || scales.shape()[0] != pieces || !(1..=WIDEST).contains(&width) {
            let (tokens, scales) = (tokens.len(), scales.shape()[0]);
            return Err(foreign(format!("{tokens} tokens, {scales} scales, {pieces} vectors of width {width}")));
        }
        let scales = scales.data().chunks_exact(4).filter_map(|bytes| Some(f32::from_le_bytes(bytes.try_into().ok()?)));
        let scales: Vec<f32> = scales.collect();
        // So small that no sum of vectors overflows.
        if scales.iter().any(|scale| !(0.0..1e12).contains(scale)) {
            return Err(foreign("a scale is not a finite number from 0".into()));
        }
        Ok(Self {
            id: hex::encode(&Sha256::digest(bytes)[..4]),
            tokens: WordPiece::new(tokens),
            width,
            values: values.data().iter().map(|value| value.cast_signed()).collect(),
            scales,
        })
    }

    /// Reads a table from its file.
    ///
    /// # Errors
    /// As [`Table::read`]; the file cannot be read or is too large.
    pub fn open(path: &Path) -> Result<Self, TextError> {
        Self::read(&super::file(path, LARGEST)?)
    }

    /// The bytes of a file of these pieces and vectors, `[pieces, width]`, rounded to a 127th of each row's largest value.
    ///
    /// # Errors
    /// They do not fit together, or are not finite.
    pub fn write(tokens: &[&str], vectors: &[f32], width: usize) -> Result<Vec<u8>, TextError> {
        let foreign = |why: &str| TextError::foreign("the text table", why);
        if width == 0 || tokens.len() * width != vectors.len() || vectors.iter().any(|value| !value.is_finite()) {
            return Err(foreign("tokens and vectors do not fit together"));
        }
        let scale = |row: &[f32]| row.iter().fold(0f32, |most, value| most.max(value.abs())) / 127.0;
        let scales: Vec<f32> = vectors.chunks_exact(width).map(scale).collect();
        let rows = vectors.chunks_exact(width).zip(&scales);
        let round = |(row, scale): (&[f32], &f32)| {
            let by = if *scale > 0.0 { 1.0 / scale } else { 0.0 };
            row.iter().map(|value| ((value * by).round() as i8).cast_unsigned()).collect::<Vec<u8>>()
        };
        let values: Vec<u8> = rows.flat_map(round).collect();
        let scales: Vec<u8> = scales.iter().flat_map(|scale| scale.to_le_bytes()).collect();
        let lines = tokens.join("\n");
        let view =
            |dtype, shape, data| TensorView::new(dtype, shape, data).map_err(|error| foreign(&error.to_string()));
        let tensors = [
            ("scales", view(Dtype::F32, vec![tokens.len()], &scales)?),
            ("tokens", view(Dtype::U8, vec![lines.len()], lines.as_bytes())?),
            ("values", view(Dtype::I8, vec![tokens.len(), width], &values)?),
        ];
        safetensors::serialize(tensors, None).map_err(|error| foreign(&error.to_string()))
    }

    /// What tells this table from every other: models name it that have learned from its vectors.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The width of its vectors.
    pub fn width(&self) -> usize {
        self.width
    }

    /// How many pieces it knows.
    pub fn pieces(&self) -> usize {
        self.scales.len()
    }

    /// The vector of a text, `[width]`, of length 1; zeros where it knows nothing of it.
    pub fn embed(&self, text: &str) -> Vec<f32> {
        let mut sum = vec![0f32; self.width];
        for number in self.tokens.numbers(text, MOST) {
            let (Some(scale), Some(row)) = (self.scales.get(number as usize), self.row(number as usize)) else {
                continue;
            };
            sum.iter_mut().zip(row).for_each(|(sum, value)| *sum += scale * f32::from(*value));
        }
        to_length_1(&mut sum);
        sum
    }

    fn row(&self, number: usize) -> Option<&[i8]> {
        self.values.get(number * self.width..(number + 1) * self.width)
    }
}

/// Brings a vector to length 1; one of no length stays.
pub(super) fn to_length_1(vector: &mut [f32]) {
    let length = vector.iter().map(|value| f64::from(*value) * f64::from(*value)).sum::<f64>().sqrt();
    if length > 0.0 {
        vector.iter_mut().for_each(|value| *value = (f64::from(*value) / length) as f32);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKENS: [&str; 3] = ["red", "hat", "##s"];
    const VECTORS: [f32; 6] = [3.0, 0.0, 0.0, 4.0, 0.0, 0.0];

    fn table() -> Table {
        Table::read(&Table::write(&TOKENS, &VECTORS, 2).unwrap()).unwrap()
    }

    #[test]
    fn a_text_is_the_sum_of_its_pieces_at_length_1() {
        let table = table();
        assert_eq!((table.width(), table.pieces(), table.id().len()), (2, 3, 8));
        let near = |found: &[f32], expected: [f32; 2]| found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6);
        assert!(near(&table.embed("Red hat"), [0.6, 0.8]));
        assert!(near(&table.embed("red red red"), [1.0, 0.0]));
    }

    #[test]
    fn what_it_knows_nothing_of_is_zeros_and_a_megabyte_is_read_in_part() {
        let table = table();
        for text in ["", "🌶👩\u{200d}🚀", "حذاء", "鞋子", "\u{0}\u{fffd}"] {
            assert_eq!(table.embed(text), [0.0, 0.0], "{text:?}");
        }
        let whole = "red hat ".repeat(125_000);
        assert!(table.embed(&whole).iter().all(|value| value.is_finite()));
    }

    #[test]
    fn a_file_that_was_cut_off_or_is_another_is_an_error() {
        let bytes = Table::write(&TOKENS, &VECTORS, 2).unwrap();
        for length in 0..bytes.len() {
            assert!(Table::read(&bytes[..length]).is_err(), "{length} bytes");
        }
        assert!(Table::write(&TOKENS, &VECTORS, 3).is_err());
        assert!(Table::write(&TOKENS, &[f32::NAN; 6], 2).is_err());
        let swap = |from: &[u8], to: &[u8]| {
            let mut bytes = bytes.clone();
            let at = bytes.windows(from.len()).position(|window| window == from).unwrap();
            bytes[at..at + to.len()].copy_from_slice(to);
            Table::read(&bytes).err().map(|error| error.to_string())
        };
        assert!(swap(b"red\nhat", b"red hat").unwrap().contains("2 tokens"));
        assert!(swap(b"I8", b"U8").is_some() && swap(b"red", b"\xff\xff\xff").is_some());
        let scale = (3f32 / 127.0).to_le_bytes();
        assert!(swap(&scale, &f32::NAN.to_le_bytes()).unwrap().contains("finite"));
        assert!(swap(&scale, &(-1f32).to_le_bytes()).unwrap().contains("finite"));
    }
}
