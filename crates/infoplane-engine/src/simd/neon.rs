//! NEON: four vectors of four floats.

use std::arch::aarch64::*;

use super::{Job, LANES, Lanes, Simd};

/// Four quarters of sixteen lanes.
const QUARTERS: usize = 4;

/// Exists only inside [`run`].
#[derive(Clone, Copy)]
pub(super) struct Neon(());

/// Runs a job compiled for NEON.
pub(super) fn run<J: Job>(job: J) -> J::Output {
    assert!(std::arch::is_aarch64_feature_detected!("neon"));
    // SAFETY: the machine has NEON, as was asserted.
    unsafe { run_compiled(job) }
}

#[target_feature(enable = "neon")]
fn run_compiled<J: Job>(job: J) -> J::Output {
    job.run(Neon(()))
}

#[inline(always)]
fn each(function: impl Fn(usize) -> float32x4_t) -> [float32x4_t; QUARTERS] {
    [function(0), function(1), function(2), function(3)]
}

/// One bit a lane of four comparison results, whose lanes are all ones or all zeros.
#[inline(always)]
fn bits(compared: [uint32x4_t; QUARTERS]) -> u16 {
    const WEIGHTS: [u32; 4] = [1, 2, 4, 8];
    let mut result = 0;
    for (quarter, compared) in compared.into_iter().enumerate() {
        // SAFETY: called by the methods of `Neon` only, which prove NEON; `WEIGHTS` holds four words.
        let own = unsafe { vaddvq_u32(vandq_u32(compared, vld1q_u32(WEIGHTS.as_ptr()))) };
        result |= (own as u16) << (4 * quarter);
    }
    result
}

// SAFETY of every block below: a `Neon` exists only inside `run_compiled`, so the CPU has NEON;
// pointers are those of arrays of sixteen floats, at offsets of at most twelve.
impl Simd for Neon {
    type Vector = [float32x4_t; QUARTERS];

    #[inline(always)]
    fn splat(self, value: f32) -> Self::Vector {
        each(|_| unsafe { vdupq_n_f32(value) })
    }

    #[inline(always)]
    fn load(self, from: &Lanes) -> Self::Vector {
        each(|quarter| unsafe { vld1q_f32(from.as_ptr().add(4 * quarter)) })
    }

    #[inline(always)]
    fn store(self, vector: Self::Vector, to: &mut Lanes) {
        for (quarter, part) in vector.into_iter().enumerate() {
            unsafe { vst1q_f32(to.as_mut_ptr().add(4 * quarter), part) };
        }
    }

    #[inline(always)]
    fn add(self, a: Self::Vector, b: Self::Vector) -> Self::Vector {
        each(|quarter| unsafe { vaddq_f32(a[quarter], b[quarter]) })
    }

    #[inline(always)]
    fn sub(self, a: Self::Vector, b: Self::Vector) -> Self::Vector {
        each(|quarter| unsafe { vsubq_f32(a[quarter], b[quarter]) })
    }

    #[inline(always)]
    fn mul(self, a: Self::Vector, b: Self::Vector) -> Self::Vector {
        each(|quarter| unsafe { vmulq_f32(a[quarter], b[quarter]) })
    }

    #[inline(always)]
    fn mul_add(self, a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector {
        each(|quarter| unsafe { vfmaq_f32(c[quarter], a[quarter], b[quarter]) })
    }

    #[inline(always)]
    fn greater(self, a: Self::Vector, b: Self::Vector) -> u16 {
        bits([0, 1, 2, 3].map(|quarter| unsafe { vcgtq_f32(a[quarter], b[quarter]) }))
    }

    #[inline(always)]
    fn at_most(self, a: Self::Vector, b: Self::Vector) -> u16 {
        bits([0, 1, 2, 3].map(|quarter| unsafe { vcleq_f32(a[quarter], b[quarter]) }))
    }

    #[inline(always)]
    fn select(self, lanes: u16, a: Self::Vector, b: Self::Vector) -> Self::Vector {
        let mut keep = [0u32; LANES];
        for (lane, keep) in keep.iter_mut().enumerate() {
            *keep = u32::from(lanes >> lane & 1).wrapping_neg();
        }
        each(|quarter| unsafe {
            let keep = vld1q_u32(keep.as_ptr().add(4 * quarter));
            vbslq_f32(keep, a[quarter], b[quarter])
        })
    }
}
