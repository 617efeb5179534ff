//! The door to wide vector instructions.

use crate::kernel::Gradient;
use crate::simd::{Job, Simd, SimdLevel, dispatch};

/// Runs `work` compiled for the instruction set in use, so that its loops become wide vectors although
/// the program itself is built for any machine.
///
/// Only what is inlined into `work` profits: keep its body one call of an `#[inline(always)]`
/// function.
#[inline(always)]
pub fn vectorized<R>(work: impl FnOnce() -> R) -> R {
    dispatch(SimdLevel::current(), Work(work))
}

struct Work<F>(F);

impl<R, F: FnOnce() -> R> Job for Work<F> {
    type Output = R;

    #[inline(always)]
    fn run<S: Simd>(self, _: S) -> R {
        (self.0)()
    }
}

/// Sets or adds element by element, as [`Gradient::put`], always inlined into [`vectorized`] work.
#[inline(always)]
pub(crate) fn put(gradient: Gradient<'_>, values: impl Iterator<Item = f32>) {
    if gradient.accumulate {
        for (slot, value) in gradient.data.iter_mut().zip(values) {
            *slot += value;
        }
    } else {
        for (slot, value) in gradient.data.iter_mut().zip(values) {
            *slot = value;
        }
    }
}
