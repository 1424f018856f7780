//! Where a training computes: on the processor, or on a GPU where the program was built for one.
//!
//! Serving always computes on the processor: a session alone takes a tenth of a millisecond there, less than it takes to ask a
//! GPU. Published weights are the processor's in either case.

use super::error::ModelError;
use candle_core::Device;

/// The first GPU with `--features cuda`, else the processor.
///
/// # Errors
/// The program was built for a GPU and there is none: training for hours on what was not meant would be worse.
pub fn training() -> Result<Device, ModelError> {
    if cfg!(feature = "cuda") { Ok(Device::new_cuda(0)?) } else { Ok(Device::Cpu) }
}

#[cfg(all(test, not(feature = "cuda")))]
mod tests {
    #[test]
    fn without_the_feature_it_is_the_processor() {
        assert!(super::training().unwrap().is_cpu());
    }
}
