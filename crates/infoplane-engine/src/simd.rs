//! Which instruction set the kernels use, and the register tile that matrix products are made of.

use std::sync::OnceLock;

/// An instruction set that kernels are compiled for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SimdLevel {
    /// Whatever the compiler may assume everywhere on this architecture.
    Portable,
    /// AVX2 with fused multiply-add.
    Avx2,
    /// AVX-512 (F, BW, DQ, VL).
    Avx512,
}

impl SimdLevel {
    /// The best level of this machine, or the one named by the environment variable
    /// `INFOPLANE_SIMD` (`portable`, `avx2`, `avx512`) where the machine has it.
    pub fn current() -> SimdLevel {
        static LEVEL: OnceLock<SimdLevel> = OnceLock::new();
        *LEVEL.get_or_init(|| {
            let wished = match std::env::var("INFOPLANE_SIMD").as_deref() {
                Ok("portable") => SimdLevel::Portable,
                Ok("avx2") => SimdLevel::Avx2,
                _ => SimdLevel::Avx512,
            };
            SimdLevel::detect().min(wished)
        })
    }

    /// Every level this machine can run.
    #[cfg(test)]
    pub(crate) fn available() -> Vec<SimdLevel> {
        [SimdLevel::Portable, SimdLevel::Avx2, SimdLevel::Avx512]
            .into_iter()
            .filter(|&level| level <= SimdLevel::detect())
            .collect()
    }

    fn detect() -> SimdLevel {
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512vl")
            {
                return SimdLevel::Avx512;
            }
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                return SimdLevel::Avx2;
            }
        }
        SimdLevel::Portable
    }

    /// Name as in the environment variable.
    pub fn name(self) -> &'static str {
        match self {
            SimdLevel::Portable => "portable",
            SimdLevel::Avx2 => "avx2",
            SimdLevel::Avx512 => "avx512",
        }
    }

    /// Rows and columns of the register tile.
    pub(crate) fn tile_shape(self) -> (usize, usize) {
        match self {
            SimdLevel::Portable => (4, 8),
            SimdLevel::Avx2 => (6, 16),
            SimdLevel::Avx512 => (8, 48),
        }
    }
}

/// A product of `MR` packed rows with `NR` packed columns, held in registers.
///
/// Implementations are used only inside a function compiled for their instruction set, which
/// [`dispatch`] sees to.
pub(crate) trait Tile<const MR: usize, const NR: usize>: Copy {
    /// Σₖ a[k] ⊗ b[k].
    fn multiply(self, a: &[[f32; MR]], b: &[[f32; NR]]) -> [[f32; NR]; MR];

    /// Bit j tells whether `low < values[j] < high`.
    #[inline(always)]
    fn inside_bits(self, values: &[f32; NR], low: f32, high: f32) -> u64 {
        let mut bits = 0;
        for (lane, &value) in values.iter().enumerate() {
            bits |= u64::from(value > low && value < high) << lane;
        }
        bits
    }
}

/// Work that is written once for every tile.
pub(crate) trait TileJob {
    /// Does the work with a tile; must be `#[inline(always)]` to be compiled for its instructions.
    fn run<T: Tile<MR, NR>, const MR: usize, const NR: usize>(&mut self, tile: T);
}

/// Runs a job with the tile of `level`, which must be one that this machine has.
pub(crate) fn dispatch<J: TileJob>(level: SimdLevel, job: &mut J) {
    match level {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: levels come from `SimdLevel::detect`, which only names what the CPU has.
        SimdLevel::Avx512 => unsafe { x86::run_avx512(job) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        SimdLevel::Avx2 => unsafe { x86::run_avx2(job) },
        _ => job.run::<PortableTile, 4, 8>(PortableTile),
    }
}

#[derive(Clone, Copy)]
struct PortableTile;

impl Tile<4, 8> for PortableTile {
    #[inline(always)]
    fn multiply(self, a: &[[f32; 4]], b: &[[f32; 8]]) -> [[f32; 8]; 4] {
        let mut sums = [[0.0; 8]; 4];
        for (a, b) in a.iter().zip(b) {
            for (sum, &a) in sums.iter_mut().zip(a) {
                for (sum, &b) in sum.iter_mut().zip(b) {
                    *sum += a * b;
                }
            }
        }
        sums
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use super::{Tile, TileJob};

    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
    pub(super) fn run_avx512<J: TileJob>(job: &mut J) {
        job.run::<Avx512Tile, 8, 48>(Avx512Tile);
    }

    #[target_feature(enable = "avx2,fma")]
    pub(super) fn run_avx2<J: TileJob>(job: &mut J) {
        job.run::<Avx2Tile, 6, 16>(Avx2Tile);
    }

    #[derive(Clone, Copy)]
    struct Avx512Tile;

    impl Tile<8, 48> for Avx512Tile {
        #[inline(always)]
        fn multiply(self, a: &[[f32; 8]], b: &[[f32; 48]]) -> [[f32; 48]; 8] {
            // SAFETY: only `run_avx512` makes an `Avx512Tile`.
            unsafe { multiply_avx512(a, b) }
        }

        #[inline(always)]
        fn inside_bits(self, values: &[f32; 48], low: f32, high: f32) -> u64 {
            // SAFETY: only `run_avx512` makes an `Avx512Tile`.
            unsafe { inside_bits_avx512(values, low, high) }
        }
    }

    #[derive(Clone, Copy)]
    struct Avx2Tile;

    impl Tile<6, 16> for Avx2Tile {
        #[inline(always)]
        fn multiply(self, a: &[[f32; 6]], b: &[[f32; 16]]) -> [[f32; 16]; 6] {
            // SAFETY: only `run_avx2` makes an `Avx2Tile`.
            unsafe { multiply_avx2(a, b) }
        }
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    fn multiply_avx512(a: &[[f32; 8]], b: &[[f32; 48]]) -> [[f32; 48]; 8] {
        let mut sums = [[_mm512_setzero_ps(); 3]; 8];
        for (a, b) in a.iter().zip(b) {
            // SAFETY: `b` holds 48 floats, three times sixteen.
            let b = unsafe {
                [
                    _mm512_loadu_ps(b.as_ptr()),
                    _mm512_loadu_ps(b.as_ptr().add(16)),
                    _mm512_loadu_ps(b.as_ptr().add(32)),
                ]
            };
            for (sum, &a) in sums.iter_mut().zip(a) {
                let a = _mm512_set1_ps(a);
                for (sum, b) in sum.iter_mut().zip(b) {
                    *sum = _mm512_fmadd_ps(a, b, *sum);
                }
            }
        }
        let mut result = [[0.0f32; 48]; 8];
        for (row, sum) in result.iter_mut().zip(&sums) {
            // SAFETY: a row holds 48 floats, three times sixteen.
            unsafe {
                _mm512_storeu_ps(row.as_mut_ptr(), sum[0]);
                _mm512_storeu_ps(row.as_mut_ptr().add(16), sum[1]);
                _mm512_storeu_ps(row.as_mut_ptr().add(32), sum[2]);
            }
        }
        result
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    fn inside_bits_avx512(values: &[f32; 48], low: f32, high: f32) -> u64 {
        let (low, high) = (_mm512_set1_ps(low), _mm512_set1_ps(high));
        let mut bits = 0;
        for part in 0..3 {
            // SAFETY: `values` holds 48 floats, three times sixteen.
            let x = unsafe { _mm512_loadu_ps(values.as_ptr().add(16 * part)) };
            let above = _mm512_cmp_ps_mask::<_CMP_GT_OQ>(x, low);
            let inside = _mm512_mask_cmp_ps_mask::<_CMP_LT_OQ>(above, x, high);
            bits |= u64::from(inside) << (16 * part);
        }
        bits
    }

    #[inline]
    #[target_feature(enable = "avx2,fma")]
    fn multiply_avx2(a: &[[f32; 6]], b: &[[f32; 16]]) -> [[f32; 16]; 6] {
        let mut sums = [[_mm256_setzero_ps(); 2]; 6];
        for (a, b) in a.iter().zip(b) {
            // SAFETY: `b` holds 16 floats, two times eight.
            let b = unsafe {
                [
                    _mm256_loadu_ps(b.as_ptr()),
                    _mm256_loadu_ps(b.as_ptr().add(8)),
                ]
            };
            for (sum, &a) in sums.iter_mut().zip(a) {
                let a = _mm256_set1_ps(a);
                for (sum, b) in sum.iter_mut().zip(b) {
                    *sum = _mm256_fmadd_ps(a, b, *sum);
                }
            }
        }
        let mut result = [[0.0f32; 16]; 6];
        for (row, sum) in result.iter_mut().zip(&sums) {
            // SAFETY: a row holds 16 floats, two times eight.
            unsafe {
                _mm256_storeu_ps(row.as_mut_ptr(), sum[0]);
                _mm256_storeu_ps(row.as_mut_ptr().add(8), sum[1]);
            }
        }
        result
    }
}
