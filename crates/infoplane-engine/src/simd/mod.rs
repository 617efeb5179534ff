//! Which instruction set the kernels use, and vectors of sixteen floats to write them with.

#[cfg(target_arch = "aarch64")]
mod neon;
mod portable;
#[cfg(target_arch = "x86_64")]
mod x86;

use std::sync::OnceLock;

/// Floats of a vector, and channels of a block of [`crate::Layout`].
pub(crate) const LANES: usize = 16;

/// Sixteen floats in memory.
pub(crate) type Lanes = [f32; LANES];

/// An instruction set that kernels are compiled for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SimdLevel {
    /// Whatever the compiler may assume everywhere on this architecture.
    Portable,
    /// NEON, on 64-bit ARM.
    Neon,
    /// AVX2 with fused multiply-add.
    Avx2,
    /// AVX-512 (F, BW, DQ, VL).
    Avx512,
}

impl SimdLevel {
    /// The best level of this machine, or the one named by the environment variable
    /// `INFOPLANE_SIMD` (`portable`, `neon`, `avx2`, `avx512`) where the machine has it.
    pub fn current() -> SimdLevel {
        static LEVEL: OnceLock<SimdLevel> = OnceLock::new();
        *LEVEL.get_or_init(|| {
            let wished = std::env::var("INFOPLANE_SIMD").ok();
            SimdLevel::detect()
                .into_iter()
                .rev()
                .find(|level| wished.as_deref().is_none_or(|name| name == level.name()))
                .unwrap_or(SimdLevel::best())
        })
    }

    fn best() -> SimdLevel {
        SimdLevel::detect()
            .last()
            .copied()
            .unwrap_or(SimdLevel::Portable)
    }

    /// Every level this machine can run, the best one last.
    pub(crate) fn detect() -> Vec<SimdLevel> {
        let mut levels = vec![SimdLevel::Portable];
        #[cfg(target_arch = "aarch64")]
        if std::arch::is_aarch64_feature_detected!("neon") {
            levels.push(SimdLevel::Neon);
        }
        #[cfg(target_arch = "x86_64")]
        {
            let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
            if avx2 {
                levels.push(SimdLevel::Avx2);
            }
            if avx2
                && is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512vl")
            {
                levels.push(SimdLevel::Avx512);
            }
        }
        levels
    }

    /// Name as in the environment variable.
    pub fn name(self) -> &'static str {
        match self {
            SimdLevel::Portable => "portable",
            SimdLevel::Neon => "neon",
            SimdLevel::Avx2 => "avx2",
            SimdLevel::Avx512 => "avx512",
        }
    }
}

/// Vectors of [`LANES`] floats of one instruction set.
///
/// A value of an implementing type is made by [`dispatch`] alone, inside a function compiled for the
/// instruction set, and proves that the CPU has it.
pub(crate) trait Simd: Copy {
    /// Sixteen floats in registers.
    type Vector: Copy;

    /// The same float in every lane.
    fn splat(self, value: f32) -> Self::Vector;

    /// Sixteen floats from memory.
    fn load(self, from: &Lanes) -> Self::Vector;

    /// Asks for the cache line of a place that will be read or written soon, if it is one: any pointer
    /// will do. Nothing where the instruction set has no stable intrinsic for it.
    #[inline(always)]
    fn prefetch(self, _place: *const f32) {}

    /// Sixteen floats to memory.
    fn store(self, vector: Self::Vector, to: &mut Lanes);

    /// a + b
    fn add(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;

    /// a − b
    fn sub(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;

    /// a · b
    fn mul(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;

    /// a · b + c, rounded once where the instruction set can.
    fn mul_add(self, a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector;

    /// Lanes where a > b; NaN is greater than nothing.
    fn greater(self, a: Self::Vector, b: Self::Vector) -> u16;

    /// Lanes of a where the bit is set, of b elsewhere.
    fn select(self, lanes: u16, a: Self::Vector, b: Self::Vector) -> Self::Vector;

    /// Lanes that hold a NaN.
    #[inline(always)]
    fn nan(self, a: Self::Vector) -> u16 {
        // NaN is neither above nor at most anything.
        let infinity = self.splat(f32::INFINITY);
        !(self.greater(a, infinity) | self.at_most(a, infinity))
    }

    /// Lanes where a ≤ b; NaN is at most nothing.
    fn at_most(self, a: Self::Vector, b: Self::Vector) -> u16;

    /// The lanes whose bit is set, 0 elsewhere.
    #[inline(always)]
    fn keep(self, lanes: u16, a: Self::Vector) -> Self::Vector {
        self.select(lanes, a, self.splat(0.0))
    }

    /// Lanes whose byte is `byte`.
    #[inline(always)]
    fn equal_bytes(self, bytes: &[u8; LANES], byte: u8) -> u16 {
        let mut lanes = 0;
        for (lane, &own) in bytes.iter().enumerate() {
            lanes |= u16::from(own == byte) << lane;
        }
        lanes
    }
}

/// Work that is written once for every instruction set.
pub(crate) trait Job {
    /// What comes out.
    type Output;

    /// Does the work; must be `#[inline(always)]`, and so must everything hot that it calls, to be
    /// compiled for the instruction set.
    fn run<S: Simd>(self, simd: S) -> Self::Output;
}

/// Runs a job with the instructions of `level`.
///
/// # Panics
/// Where this machine does not have the level: a mistake of the caller, who takes levels from
/// [`SimdLevel::current`] or [`SimdLevel::detect`].
pub(crate) fn dispatch<J: Job>(level: SimdLevel, job: J) -> J::Output {
    match level {
        SimdLevel::Portable => job.run(portable::Portable),
        #[cfg(target_arch = "aarch64")]
        SimdLevel::Neon => neon::run(job),
        #[cfg(target_arch = "x86_64")]
        SimdLevel::Avx2 => x86::run_avx2(job),
        #[cfg(target_arch = "x86_64")]
        SimdLevel::Avx512 => x86::run_avx512(job),
        #[allow(unreachable_patterns)]
        other => unreachable!("{} is not an instruction set of this machine", other.name()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::values;

    struct Everything {
        a: Lanes,
        b: Lanes,
        bits: u16,
    }

    impl Job for Everything {
        type Output = (Vec<Lanes>, Vec<u16>);

        #[inline(always)]
        fn run<S: Simd>(self, simd: S) -> Self::Output {
            let (a, b) = (simd.load(&self.a), simd.load(&self.b));
            let vectors = [
                simd.splat(3.5),
                simd.add(a, b),
                simd.sub(a, b),
                simd.mul(a, b),
                simd.mul_add(a, b, simd.splat(0.25)),
                simd.select(self.bits, a, b),
                simd.keep(self.bits, a),
            ];
            let stored = vectors
                .iter()
                .map(|&vector| {
                    let mut lanes = [0.0; LANES];
                    simd.store(vector, &mut lanes);
                    lanes
                })
                .collect();
            let mut bytes = [7; LANES];
            bytes[3] = 1;
            bytes[15] = 1;
            let masks = vec![
                simd.greater(a, b),
                simd.at_most(a, b),
                simd.nan(a),
                simd.equal_bytes(&bytes, 1),
            ];
            (stored, masks)
        }
    }

    #[test]
    fn every_instruction_set_computes_the_same() {
        for bits in [0, 1, 0x8000, 0xA5C3, u16::MAX] {
            let mut a: Lanes = values(LANES, 1).try_into().unwrap();
            let mut b: Lanes = values(LANES, 2).try_into().unwrap();
            (a[4], b[5], a[6], a[7]) = (f32::NAN, f32::NAN, b[6], f32::INFINITY);
            let expected = dispatch(SimdLevel::Portable, Everything { a, b, bits });
            assert_eq!(expected.1[2], 1 << 4);
            assert_eq!(expected.1[3], 0x8008);
            assert_eq!(expected.1[0] & expected.1[1], 0);
            for level in SimdLevel::detect() {
                let (vectors, masks) = dispatch(level, Everything { a, b, bits });
                assert_eq!(masks, expected.1, "{level:?}");
                for (own, expected) in vectors.iter().zip(&expected.0) {
                    for (own, expected) in own.iter().zip(expected) {
                        assert!(
                            own.to_bits() == expected.to_bits()
                                || own.is_nan() && expected.is_nan()
                                || (own - expected).abs() < 1e-6,
                            "{level:?}: {own} and {expected}"
                        );
                    }
                }
            }
        }
    }
}
