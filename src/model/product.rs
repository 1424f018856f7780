//! Products of small matrices where no gradient is asked for, as a session alone needs them.
//!
//! candle-core 0.11 asks the system for the number of physical processors with every product: on Linux it reads and parses
//! `/proc/cpuinfo`, 20 µs on two processors and more on more, many times what the product of a short session takes. Larger
//! products, and those of training, stay candle's.

use candle_core::{CpuStorage, CustomOp2, DType, Layout, Result, Shape, Tensor};
use pulp::Arch;

use super::softmax::floats;

/// Multiplications above which candle's kernel is faster in spite of it.
const SMALL: usize = 4 << 20;
/// Columns and rows of a tile, whose sums stay in registers.
const COLUMNS: usize = 32;
const ROWS: usize = 4;

/// `[.., N, K]` by `[.., K, M]` → `[.., N, M]`, the leading dimensions alike.
pub(super) fn product(left: &Tensor, right: &Tensor) -> Result<Tensor> {
    let (&[.., inner, columns], &[.., rows, _]) = (right.dims(), left.dims()) else { return left.matmul(right) };
    let batch = left.elem_count() / (rows * inner).max(1);
    let small = batch * rows * inner * columns <= SMALL;
    let here = left.device().is_cpu() && left.dtype() == DType::F32 && !left.track_op() && !right.track_op();
    let fits = left.rank() == right.rank() && left.elem_count() == batch * rows * inner;
    if !small || !here || !fits || right.elem_count() != batch * inner * columns {
        return left.matmul(right);
    }
    left.contiguous()?.apply_op2_no_bwd(&right.contiguous()?, &Small { rows, inner, columns })
}

struct Small {
    rows: usize,
    inner: usize,
    columns: usize,
}

impl CustomOp2 for Small {
    fn name(&self) -> &'static str {
        "small-product"
    }

    fn cpu_fwd(
        &self,
        left: &CpuStorage,
        left_layout: &Layout,
        right: &CpuStorage,
        right_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let &Self { rows, inner, columns } = self;
        let (left, right) = (floats(left, left_layout)?, floats(right, right_layout)?);
        let mut dims = left_layout.dims().to_vec();
        dims.iter_mut().next_back().into_iter().for_each(|last| *last = columns);
        let shape = Shape::from(dims);
        let mut out = vec![0f32; shape.elem_count()];
        if !left.is_empty() && !right.is_empty() {
            let pairs = left.chunks_exact(rows * inner).zip(right.chunks_exact(inner * columns));
            for (out, (left, right)) in out.chunks_exact_mut(rows * columns).zip(pairs) {
                multiply(out, left, right, inner, columns);
            }
        }
        Ok((CpuStorage::F32(out), shape))
    }
}

/// `out [N, M] = left [N, K] · right [K, M]`.
fn multiply(out: &mut [f32], left: &[f32], right: &[f32], inner: usize, columns: usize) {
    Arch::new().dispatch(
        #[inline(always)]
        || {
            for first in (0..columns).step_by(COLUMNS) {
                let groups = out.chunks_mut(ROWS * columns).zip(left.chunks(ROWS * inner));
                for (out, left) in groups {
                    match left.len() / inner {
                        ROWS => tile::<ROWS>(out, left, right, (inner, columns, first)),
                        rows => {
                            let single = out.chunks_mut(columns).zip(left.chunks(inner)).take(rows);
                            single.for_each(|(out, left)| tile::<1>(out, left, right, (inner, columns, first)));
                        }
                    }
                }
            }
        },
    );
}

/// `R` rows of the result, from the column `first` on.
#[inline(always)]
fn tile<const R: usize>(out: &mut [f32], left: &[f32], right: &[f32], (inner, columns, first): (usize, usize, usize)) {
    let mut sums = [[0f32; COLUMNS]; R];
    let wide = COLUMNS.min(columns - first);
    for (step, right) in right.chunks_exact(columns).enumerate() {
        let mut filled = [0f32; COLUMNS];
        let right = match right[first..].first_chunk::<COLUMNS>() {
            Some(whole) => whole,
            None => {
                filled[..wide].copy_from_slice(&right[first..]);
                &filled
            }
        };
        for (row, sums) in sums.iter_mut().enumerate() {
            let by = left[row * inner + step];
            for (sum, right) in sums.iter_mut().zip(right) {
                *sum += by * right;
            }
        }
    }
    for (row, sums) in sums.iter().enumerate() {
        out[row * columns + first..][..wide].copy_from_slice(&sums[..wide]);
    }
}

#[cfg(test)]
mod tests {
    use super::super::gradients::tensor;
    use super::*;
    use candle_core::Var;

    fn apart(one: &Tensor, other: &Tensor) -> f32 {
        assert_eq!(one.dims(), other.dims());
        (one - other).unwrap().abs().unwrap().max_all().unwrap().to_scalar().unwrap()
    }

    #[test]
    fn it_is_candles_whatever_the_shape() {
        for (left, right) in [
            (vec![1, 1], vec![1, 1]),
            (vec![10, 64], vec![64, 192]),
            (vec![3, 7], vec![7, 33]),
            (vec![5, 3], vec![3, 70]),
            (vec![2, 2, 9, 5], vec![2, 2, 5, 9]),
        ] {
            let (left, right) = (tensor(&left, 1), tensor(&right, 2));
            assert!(apart(&product(&left, &right).unwrap(), &left.matmul(&right).unwrap()) < 1e-5);
        }
        let (left, turned) = (tensor(&[2, 6, 8], 3), tensor(&[2, 9, 8], 4).transpose(1, 2).unwrap());
        assert!(apart(&product(&left, &turned).unwrap(), &left.matmul(&turned).unwrap()) < 1e-5);
    }

    #[test]
    fn what_does_not_fit_is_an_error_and_a_variable_keeps_its_gradient() {
        assert!(product(&tensor(&[2, 3], 1), &tensor(&[4, 2], 2)).is_err());
        assert!(product(&tensor(&[2, 3, 4], 1), &tensor(&[3, 4, 2], 2)).is_err());
        let variable = Var::from_tensor(&tensor(&[3, 2], 3)).unwrap();
        let loss = product(&tensor(&[4, 3], 4), &variable).unwrap().sum_all().unwrap();
        assert!(loss.backward().unwrap().get(&variable).is_some());
    }
}
