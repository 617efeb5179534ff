//! Sign masks: one bit an element, kept by activations for their vector-Jacobian product.

/// Words that hold a bit for each of `len` elements.
pub(crate) fn mask_words(len: usize) -> usize {
    len.div_ceil(32)
}

/// Sets the bits from `start` on where `bits` has them; `len` ≤ 64 bits count, the rest must be 0.
#[inline(always)]
pub(crate) fn set_bits(words: &mut [u32], start: usize, bits: u64) {
    let (word, shift) = (start / 32, start % 32);
    let wide = u128::from(bits) << shift;
    for (index, word) in words[word..].iter_mut().take(3).enumerate() {
        *word |= (wide >> (32 * index)) as u32;
    }
}

/// Zeroes the elements whose bit is not set.
pub(crate) fn apply_mask(values: &mut [f32], words: &[u32]) {
    #[cfg(target_arch = "x86_64")]
    if crate::simd::SimdLevel::current() >= crate::simd::SimdLevel::Avx2 {
        // SAFETY: the level says that the CPU has AVX2.
        return unsafe { apply_mask_avx2(values, words) };
    }
    apply_mask_anywhere(values, words);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn apply_mask_avx2(values: &mut [f32], words: &[u32]) {
    apply_mask_anywhere(values, words);
}

#[inline(always)]
fn apply_mask_anywhere(values: &mut [f32], words: &[u32]) {
    const LANES: [u32; 32] = {
        let mut lanes = [0; 32];
        let mut lane = 0;
        while lane < 32 {
            lanes[lane] = 1 << lane;
            lane += 1;
        }
        lanes
    };
    for (chunk, &word) in values.chunks_mut(32).zip(words) {
        for (value, lane) in chunk.iter_mut().zip(&LANES) {
            let keep = if word & lane != 0 { u32::MAX } else { 0 };
            *value = f32::from_bits(value.to_bits() & keep);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_land_where_they_belong_at_any_offset() {
        for start in 0..70 {
            let mut words = vec![0; mask_words(start + 64)];
            let bits = 0x9234_5678_9ABC_DEF1u64;
            set_bits(&mut words, start, bits);
            let mut values = vec![1.0; start + 64];
            apply_mask(&mut values, &words);
            for (index, value) in values.iter().enumerate() {
                let expected = index >= start && bits >> (index - start) & 1 == 1;
                assert_eq!(*value == 1.0, expected, "start {start}, bit {index}");
            }
        }
    }
}
