//! The door to wide vector instructions.

/// Runs `work` with every instruction set of this machine enabled, so that its loops compile to wide
/// vectors although the program itself is built for any machine.
///
/// Only what is inlined into `work` profits: keep its body one call of an `#[inline(always)]`
/// function.
#[inline(always)]
pub(crate) fn vectorized<R>(work: impl FnOnce() -> R) -> R {
    pulp::Arch::new().dispatch(work)
}
