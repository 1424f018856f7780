//! Dropout with its own counter of random numbers: candle's generator on the CPU cannot be seeded.

use candle_core::{Result, Tensor};
use std::cell::Cell;

/// Where dropped places come from: nowhere while serving, a seeded sequence in training.
#[derive(Debug, Default)]
pub struct Noise {
    state: Option<Cell<u64>>,
    rate: f32,
}

impl Noise {
    /// No noise: serving and evaluation.
    pub fn none() -> Self {
        Self::default()
    }

    /// Noise that drops a share of the places, from 0 to .9; the same seed drops the same places.
    pub fn seeded(seed: u64, rate: f32) -> Self {
        Self { state: Some(Cell::new(seed)), rate: rate.clamp(0.0, 0.9) }
    }

    /// The state, to go on from after a restart; 0 without noise.
    pub fn state(&self) -> u64 {
        self.state.as_ref().map_or(0, Cell::get)
    }

    /// Sets a share of the places to 0 and scales the rest so that the mean stays.
    pub(super) fn drop(&self, x: Tensor) -> Result<Tensor> {
        let Some(state) = self.state.as_ref().filter(|_| self.rate > 0.0) else { return Ok(x) };
        let below = (self.rate * 65_536.0) as u64;
        let kept = 1.0 / (1.0 - self.rate);
        let mut mask = vec![0f32; x.elem_count()];
        let mut counter = state.get();
        // SplitMix64, sixteen bits a place.
        for places in mask.chunks_mut(4) {
            counter = counter.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mut mixed = (counter ^ (counter >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            mixed ^= mixed >> 31;
            for (lane, place) in places.iter_mut().enumerate() {
                *place = if (mixed >> (16 * lane)) & 0xffff >= below { kept } else { 0.0 };
            }
        }
        state.set(counter);
        &x * Tensor::from_vec(mask, x.shape(), x.device())?
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{DType, Device};

    #[test]
    fn noise_drops_its_share_the_same_for_the_same_seed_and_nothing_while_serving() {
        let ones = Tensor::ones(10_000, DType::F32, &Device::Cpu).unwrap();
        let dropped = |noise: &Noise| noise.drop(ones.clone()).unwrap().to_vec1::<f32>().unwrap();
        let first = dropped(&Noise::seeded(7, 0.3));
        assert_eq!(first, dropped(&Noise::seeded(7, 0.3)));
        assert_ne!(first, dropped(&Noise::seeded(8, 0.3)));
        let zeros = first.iter().filter(|x| **x == 0.0).count();
        assert!((2_800..3_200).contains(&zeros), "{zeros}");
        assert!((first.iter().sum::<f32>() / 10_000.0 - 1.0).abs() < 0.05);
        assert!(dropped(&Noise::none()).iter().all(|x| (*x - 1.0).abs() < f32::EPSILON));
    }
}
