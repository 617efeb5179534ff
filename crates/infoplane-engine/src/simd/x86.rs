//! AVX-512: one register of sixteen floats; AVX2: two of eight.

use std::arch::x86_64::*;

use super::{Job, LANES, Lanes, Simd};

/// Exists only inside [`run_avx512`].
#[derive(Clone, Copy)]
pub(super) struct Avx512(());

/// Runs a job compiled for AVX-512.
pub(super) fn run_avx512<J: Job>(job: J) -> J::Output {
    assert!(
        is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("fma")
    );
    // SAFETY: the machine has these instructions, as was asserted.
    unsafe { compiled_avx512(job) }
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
fn compiled_avx512<J: Job>(job: J) -> J::Output {
    job.run(Avx512(()))
}

// SAFETY of every block below: an `Avx512` exists only inside `compiled_avx512`, so the CPU has these
// instructions; pointers are those of arrays of sixteen floats or bytes, but for those of prefetches, which
// touch nothing.
impl Simd for Avx512 {
    type Vector = __m512;

    #[inline(always)]
    fn splat(self, value: f32) -> __m512 {
        unsafe { _mm512_set1_ps(value) }
    }

    #[inline(always)]
    fn load(self, from: &Lanes) -> __m512 {
        unsafe { _mm512_loadu_ps(from.as_ptr()) }
    }

    #[inline(always)]
    fn prefetch(self, place: *const f32) {
        unsafe { _mm_prefetch::<_MM_HINT_T0>(place.cast()) }
    }

    #[inline(always)]
    fn store(self, vector: __m512, to: &mut Lanes) {
        unsafe { _mm512_storeu_ps(to.as_mut_ptr(), vector) }
    }

    #[inline(always)]
    fn add(self, a: __m512, b: __m512) -> __m512 {
        unsafe { _mm512_add_ps(a, b) }
    }

    #[inline(always)]
    fn sub(self, a: __m512, b: __m512) -> __m512 {
        unsafe { _mm512_sub_ps(a, b) }
    }

    #[inline(always)]
    fn mul(self, a: __m512, b: __m512) -> __m512 {
        unsafe { _mm512_mul_ps(a, b) }
    }

    #[inline(always)]
    fn mul_add(self, a: __m512, b: __m512, c: __m512) -> __m512 {
        unsafe { _mm512_fmadd_ps(a, b, c) }
    }

    #[inline(always)]
    fn greater(self, a: __m512, b: __m512) -> u16 {
        unsafe { _mm512_cmp_ps_mask::<_CMP_GT_OQ>(a, b) }
    }

    #[inline(always)]
    fn at_most(self, a: __m512, b: __m512) -> u16 {
        unsafe { _mm512_cmp_ps_mask::<_CMP_LE_OQ>(a, b) }
    }

    #[inline(always)]
    fn select(self, lanes: u16, a: __m512, b: __m512) -> __m512 {
        unsafe { _mm512_mask_blend_ps(lanes, b, a) }
    }

    #[inline(always)]
    fn keep(self, lanes: u16, a: __m512) -> __m512 {
        unsafe { _mm512_maskz_mov_ps(lanes, a) }
    }

    #[inline(always)]
    fn equal_bytes(self, bytes: &[u8; LANES], byte: u8) -> u16 {
        unsafe { equal_bytes(bytes, byte) }
    }
}

/// Exists only inside [`run_avx2`].
#[derive(Clone, Copy)]
pub(super) struct Avx2(());

/// Runs a job compiled for AVX2.
pub(super) fn run_avx2<J: Job>(job: J) -> J::Output {
    assert!(is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"));
    // SAFETY: the machine has these instructions, as was asserted.
    unsafe { compiled_avx2(job) }
}

#[target_feature(enable = "avx2,fma")]
fn compiled_avx2<J: Job>(job: J) -> J::Output {
    job.run(Avx2(()))
}

#[inline(always)]
fn both(function: impl Fn(usize) -> __m256) -> [__m256; 2] {
    [function(0), function(1)]
}

// SAFETY of every block below: an `Avx2` exists only inside `compiled_avx2`, so the CPU has these
// instructions; pointers are those of arrays of sixteen floats, at offsets of at most eight, or of
// sixteen bytes.
impl Simd for Avx2 {
    type Vector = [__m256; 2];

    #[inline(always)]
    fn splat(self, value: f32) -> Self::Vector {
        both(|_| unsafe { _mm256_set1_ps(value) })
    }

    #[inline(always)]
    fn load(self, from: &Lanes) -> Self::Vector {
        both(|half| unsafe { _mm256_loadu_ps(from.as_ptr().add(8 * half)) })
    }

    #[inline(always)]
    fn prefetch(self, place: *const f32) {
        unsafe { _mm_prefetch::<_MM_HINT_T0>(place.cast()) }
    }

    #[inline(always)]
    fn store(self, vector: Self::Vector, to: &mut Lanes) {
        for (half, part) in vector.into_iter().enumerate() {
            unsafe { _mm256_storeu_ps(to.as_mut_ptr().add(8 * half), part) };
        }
    }

    #[inline(always)]
    fn add(self, a: Self::Vector, b: Self::Vector) -> Self::Vector {
        both(|half| unsafe { _mm256_add_ps(a[half], b[half]) })
    }

    #[inline(always)]
    fn sub(self, a: Self::Vector, b: Self::Vector) -> Self::Vector {
        both(|half| unsafe { _mm256_sub_ps(a[half], b[half]) })
    }

    #[inline(always)]
    fn mul(self, a: Self::Vector, b: Self::Vector) -> Self::Vector {
        both(|half| unsafe { _mm256_mul_ps(a[half], b[half]) })
    }

    #[inline(always)]
    fn mul_add(self, a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector {
        both(|half| unsafe { _mm256_fmadd_ps(a[half], b[half], c[half]) })
    }

    #[inline(always)]
    fn greater(self, a: Self::Vector, b: Self::Vector) -> u16 {
        let bits = |half: usize| unsafe {
            _mm256_movemask_ps(_mm256_cmp_ps::<_CMP_GT_OQ>(a[half], b[half])) as u16
        };
        bits(0) | bits(1) << 8
    }

    #[inline(always)]
    fn at_most(self, a: Self::Vector, b: Self::Vector) -> u16 {
        let bits = |half: usize| unsafe {
            _mm256_movemask_ps(_mm256_cmp_ps::<_CMP_LE_OQ>(a[half], b[half])) as u16
        };
        bits(0) | bits(1) << 8
    }

    #[inline(always)]
    fn select(self, lanes: u16, a: Self::Vector, b: Self::Vector) -> Self::Vector {
        both(|half| unsafe {
            let own = _mm256_set1_epi32(i32::from(lanes >> (8 * half)));
            let weights = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
            let set = _mm256_cmpeq_epi32(_mm256_and_si256(own, weights), weights);
            _mm256_blendv_ps(b[half], a[half], _mm256_castsi256_ps(set))
        })
    }

    #[inline(always)]
    fn equal_bytes(self, bytes: &[u8; LANES], byte: u8) -> u16 {
        unsafe { equal_bytes(bytes, byte) }
    }
}

/// Lanes whose byte is `byte`. SSE2 is part of x86-64.
#[inline]
#[target_feature(enable = "sse2")]
fn equal_bytes(bytes: &[u8; LANES], byte: u8) -> u16 {
    // SAFETY: `bytes` holds sixteen bytes.
    let own = unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) };
    _mm_movemask_epi8(_mm_cmpeq_epi8(own, _mm_set1_epi8(byte as i8))) as u16
}
