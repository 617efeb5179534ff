//! The door to wide vector instructions.

use crate::kernel::Gradient;

/// Runs `work` with every instruction set of this machine enabled, so that its loops compile to wide
/// vectors although the program itself is built for any machine.
///
/// Only what is inlined into `work` profits: keep its body one call of an `#[inline(always)]`
/// function.
#[inline(always)]
pub(crate) fn vectorized<R>(work: impl FnOnce() -> R) -> R {
    pulp::Arch::new().dispatch(work)
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
