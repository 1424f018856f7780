//! The items nearest to a session: every item's score in eight bits, then the best again in full.
//!
//! Each item's vector is kept twice: as bytes scaled by its largest number, and as it was. Bytes lie in blocks of [`LANES`]
//! items, number by number: a processor multiplies the same number of many items at once and has nothing to add up across an
//! item, which makes it twice as fast as item by item. The scan of bytes picks [`RESCORED`] candidates, whose exact scores decide. Exact enough: the
//! error of a byte is below the distances among the first fifty (measured; a test holds it). Ties fall to the lower row.

use super::arithmetic::inner;
use super::error::ModelError;
use crate::features::PADDING;
use candle_core::Tensor;
use pulp::Arch;

/// Candidates of the scan whose scores are computed in full.
const RESCORED: usize = 50;
/// Bytes that one step of the product of two vectors takes; widths are filled up with zeros.
pub(super) const STEP: usize = 32;
/// Items whose bytes lie together.
const LANES: usize = 32;
/// Items scored between two looks at the filter: what fits the first cache. Whole blocks.
const BLOCK: usize = 32 * LANES;

/// An item and its score.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scored {
    /// The item's row, from 1.
    pub row: u32,
    /// Its product with the session's vector.
    pub score: f32,
}

/// The vectors of all items, `[rows, D]`, ready to be scanned.
pub struct ItemMatrix {
    exact: Vec<f32>,
    /// `[rows / LANES, depth, LANES]`.
    bytes: Vec<i8>,
    /// What a byte of each row is worth; 0 of those that fill the last block.
    scales: Vec<f32>,
    rows: usize,
    width: usize,
    /// The width in bytes, an even number.
    depth: usize,
}

impl ItemMatrix {
    /// Takes the model's targets.
    ///
    /// # Errors
    /// A tensor that is not `[rows, D]` of finite numbers.
    pub fn new(targets: &Tensor) -> Result<Self, ModelError> {
        let (rows, width) = targets.dims2()?;
        let exact = targets.flatten_all()?.to_vec1::<f32>()?;
        if exact.iter().any(|value| !value.is_finite()) {
            return Err(ModelError::Weights("an item's vector holds what is not a finite number".into()));
        }
        let depth = width.max(1).next_multiple_of(2);
        let filled = rows.next_multiple_of(LANES);
        let (mut bytes, mut scales) = (vec![0i8; filled * depth], vec![0f32; filled]);
        let mut one = vec![0i8; depth];
        for ((row, vector), scale) in exact.chunks_exact(width.max(1)).enumerate().zip(&mut scales) {
            *scale = to_bytes(vector, &mut one);
            let place = row / LANES * LANES * depth + row % LANES;
            bytes.iter_mut().skip(place).step_by(LANES).zip(&one).for_each(|(byte, own)| *byte = *own);
        }
        Ok(Self { exact, bytes, scales, rows, width, depth })
    }

    /// Items and padding.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The width of a session's vector.
    pub fn width(&self) -> usize {
        self.width
    }

    /// A row's vector as it was given; none for a row that is not there.
    pub fn vector(&self, row: u32) -> Option<&[f32]> {
        let start = (row as usize).checked_mul(self.width)?;
        self.exact.get(start..start.checked_add(self.width)?)
    }

    /// The `count` best items that `allowed` lets through, best first.
    ///
    /// # Errors
    /// `ModelError::Shape` if the session's vector is not as wide as the items'.
    pub fn top(&self, session: &[f32], count: usize, allowed: impl Fn(u32) -> bool) -> Result<Vec<Scored>, ModelError> {
        if session.len() != self.width {
            let why = format!("a session's vector of {} numbers; items have {}", session.len(), self.width);
            return Err(ModelError::Shape(why));
        }
        let mut query = vec![0i8; self.depth];
        // The query's scale is the same for all items and falls out of the order.
        to_bytes(session, &mut query);
        let mut best = Best::new(count.max(RESCORED).min(self.rows()));
        let mut scores = [0f32; BLOCK];
        for (block, bytes) in self.bytes.chunks(BLOCK * self.depth).enumerate() {
            let first = block * BLOCK;
            let scores = &mut scores[..bytes.len() / self.depth];
            products(bytes, &query, &self.scales[first..first + scores.len()], scores);
            for (score, row) in scores.iter().take(self.rows - first).zip(first as u32..) {
                if best.takes(*score) && row != PADDING && allowed(row) {
                    best.put(Scored { row, score: *score });
                }
            }
        }
        let mut found = best.kept;
        for one in &mut found {
            let start = one.row as usize * self.width;
            one.score = inner(&self.exact[start..start + self.width], session);
        }
        found.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.row.cmp(&b.row)));
        found.truncate(count);
        Ok(found)
    }
}

/// Writes a vector in bytes and gives what a byte is worth; a vector of zeros is zeros.
pub(super) fn to_bytes(vector: &[f32], bytes: &mut [i8]) -> f32 {
    let largest = vector.iter().fold(0f32, |a, b| a.max(b.abs()));
    let scale = if largest > 0.0 { largest / 127.0 } else { 1.0 };
    for (byte, value) in bytes.iter_mut().zip(vector) {
        // Within ±127 by the scale, but for numbers so small that the scale is 0; what is not a number becomes 0.
        *byte = (value / scale).round().clamp(-127.0, 127.0) as i8;
    }
    scale
}

/// The product of two vectors in bytes, of one length that is a multiple of [`STEP`].
pub(super) fn product(one: &[i8], other: &[i8]) -> i32 {
    Arch::new().dispatch(
        #[inline(always)]
        || in_steps(one, other),
    )
}

#[inline(always)]
fn in_steps(one: &[i8], other: &[i8]) -> i32 {
    let mut sum = 0i32;
    for (one, other) in one.chunks_exact(STEP).zip(other.chunks_exact(STEP)) {
        let mut part = 0i32;
        for at in 0..STEP {
            part += i32::from(one[at]) * i32::from(other[at]);
        }
        sum += part;
    }
    sum
}

/// The product of each item with the query, worth its scale. Whole blocks, at most [`BLOCK`] items.
fn products(items: &[i8], query: &[i8], scales: &[f32], out: &mut [f32]) {
    let mut sums = [0i32; BLOCK];
    let sums = &mut sums[..out.len()];
    along(items, query, sums);
    for ((out, sum), scale) in out.iter_mut().zip(sums).zip(scales) {
        *out = *sum as f32 * scale;
    }
}

/// The products in bytes. Apart from what they are worth: together the compiler keeps the sums in fewer lanes, and it takes
/// thrice as long.
fn along(items: &[i8], query: &[i8], out: &mut [i32]) {
    Arch::new().dispatch(
        #[inline(always)]
        || {
            for (out, block) in out.chunks_exact_mut(LANES).zip(items.chunks_exact(query.len() * LANES)) {
                let mut sums = [0i32; LANES];
                for (numbers, query) in block.chunks_exact(2 * LANES).zip(query.chunks_exact(2)) {
                    let (one, other) = numbers.split_at(LANES);
                    let (by, by_other) = (i16::from(query[0]), i16::from(query[1]));
                    for lane in 0..LANES {
                        // Two products of bytes within ±127 fit sixteen bits.
                        sums[lane] += i32::from(i16::from(one[lane]) * by + i16::from(other[lane]) * by_other);
                    }
                }
                out.copy_from_slice(&sums);
            }
        },
    );
}

/// The best of what was put in, unsorted until it is full.
struct Best {
    kept: Vec<Scored>,
    most: usize,
    /// What must be exceeded to be among the best.
    bar: f32,
}

impl Best {
    fn new(most: usize) -> Self {
        Self { kept: Vec::with_capacity(most + 1), most, bar: f32::NEG_INFINITY }
    }

    fn takes(&self, score: f32) -> bool {
        score > self.bar && self.most > 0
    }

    /// Rows come in order: among equals the first stays.
    fn put(&mut self, one: Scored) {
        let place = self.kept.partition_point(|kept| kept.score >= one.score);
        self.kept.insert(place, one);
        if self.kept.len() > self.most {
            self.kept.pop();
        }
        if self.kept.len() == self.most {
            self.bar = self.kept.last().map_or(f32::NEG_INFINITY, |last| last.score);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::gradients::tensor;
    use super::*;

    fn exact(items: &Tensor, session: &[f32], count: usize, allowed: impl Fn(u32) -> bool) -> Vec<u32> {
        let rows = items.to_vec2::<f32>().unwrap();
        let mut scored: Vec<(f32, u32)> =
            rows.iter().zip(0..).map(|(row, at)| (row.iter().zip(session).map(|(a, b)| a * b).sum(), at)).collect();
        scored.retain(|(_, row)| *row != PADDING && allowed(*row));
        scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        scored.into_iter().take(count).map(|(_, row)| row).collect()
    }

    #[test]
    fn the_scan_finds_the_exact_best_twenty_and_their_exact_scores() {
        for (rows, width) in [(3_000, 64), (500, 40), (10, 8)] {
            let items = tensor(&[rows, width], 11);
            let matrix = ItemMatrix::new(&items).unwrap();
            let mut held = 0;
            for seed in 0..20 {
                let session = tensor(&[width], 100 + seed).to_vec1::<f32>().unwrap();
                let found = matrix.top(&session, 20, |_| true).unwrap();
                let expected = exact(&items, &session, 20, |_| true);
                held += found.iter().filter(|one| expected.contains(&one.row)).count();
                assert!(found.windows(2).all(|pair| pair[0].score >= pair[1].score));
                assert_eq!(found.len(), 20.min(rows - 1));
            }
            let wanted = 20 * 20.min(rows - 1);
            assert!(held * 1000 >= wanted * 995, "{held} of {wanted}");
        }
    }

    #[test]
    fn what_is_not_allowed_is_never_found_however_good() {
        let items = tensor(&[2_000, 32], 3);
        let matrix = ItemMatrix::new(&items).unwrap();
        let session = tensor(&[32], 4).to_vec1::<f32>().unwrap();
        let even = |row: u32| row.is_multiple_of(2);
        let found: Vec<u32> = matrix.top(&session, 10, even).unwrap().into_iter().map(|one| one.row).collect();
        assert_eq!(found, exact(&items, &session, 10, even));
        assert!(matrix.top(&session, 10, |_| false).unwrap().is_empty());
        assert!(matrix.top(&session, 0, |_| true).unwrap().is_empty());
    }

    #[test]
    fn equal_scores_fall_to_the_lower_row() {
        let items = Tensor::ones((100, 8), candle_core::DType::F32, &candle_core::Device::Cpu).unwrap();
        let rows: Vec<u32> = ItemMatrix::new(&items)
            .unwrap()
            .top(&[1.0; 8], 3, |_| true)
            .unwrap()
            .into_iter()
            .map(|one| one.row)
            .collect();
        assert_eq!(rows, [1, 2, 3]);
    }

    #[test]
    fn vectors_that_do_not_fit_are_refused_and_strange_sessions_are_answered() {
        let matrix = ItemMatrix::new(&tensor(&[10, 8], 1)).unwrap();
        assert!(matrix.top(&[0.0; 9], 3, |_| true).is_err());
        assert_eq!(matrix.top(&[0.0; 8], 3, |_| true).unwrap().len(), 3);
        assert!(matrix.top(&[f32::NAN; 8], 3, |_| true).is_ok());
        let bad = Tensor::new(&[[f32::NAN, 0.0]], &candle_core::Device::Cpu).unwrap();
        assert!(ItemMatrix::new(&bad).is_err());
    }
}
