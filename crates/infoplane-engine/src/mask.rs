//! Sign masks: one bit an element, kept by activations for their vector-Jacobian product.

use crate::simd::{Job, Lanes, Simd, SimdLevel, dispatch};

/// Words that hold a bit for each of `len` elements.
pub(crate) fn mask_words(len: usize) -> usize {
    len.div_ceil(32)
}

/// The words of a mask by sixteen elements.
pub(crate) fn lane_words(words: &[u32]) -> &[u16] {
    bytemuck::cast_slice(words)
}

/// Zeroes the elements whose bit is not set; `values` are whole vectors.
pub(crate) fn apply_mask(values: &mut [f32], words: &[u32]) {
    dispatch(
        SimdLevel::current(),
        Apply {
            values: values.as_chunks_mut().0,
            words: lane_words(words),
        },
    );
}

struct Apply<'a> {
    values: &'a mut [Lanes],
    words: &'a [u16],
}

impl Job for Apply<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        for (lanes, &word) in self.values.iter_mut().zip(self.words) {
            simd.store(simd.keep(word, simd.load(lanes)), lanes);
        }
    }
}

/// Sets or adds the elements whose bit is set, or all where there are no words; both sides are whole
/// vectors.
pub(crate) fn pass_masked(source: &[f32], words: &[u16], target: &mut [f32], accumulate: bool) {
    dispatch(
        SimdLevel::current(),
        Pass {
            source: source.as_chunks().0,
            words,
            target: target.as_chunks_mut().0,
            accumulate,
        },
    );
}

struct Pass<'a> {
    source: &'a [Lanes],
    words: &'a [u16],
    target: &'a mut [Lanes],
    accumulate: bool,
}

impl Job for Pass<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        for (index, (source, target)) in self.source.iter().zip(self.target).enumerate() {
            let mut value = simd.load(source);
            if let Some(&word) = self.words.get(index) {
                value = simd.keep(word, value);
            }
            if self.accumulate {
                value = simd.add(value, simd.load(target));
            }
            simd.store(value, target);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::LANES;

    #[test]
    fn only_elements_with_a_bit_pass() {
        let words = [0x9234_5678, 0x9ABC_DEF1];
        let keeps = |index: usize| words[index / 32] >> (index % 32) & 1 == 1;
        let mut values = [1.0; 64];
        apply_mask(&mut values, &words);
        let mut sums = [2.0; 64];
        pass_masked(&[1.0; 64], lane_words(&words), &mut sums, true);
        let mut all = [f32::NAN; 4 * LANES];
        pass_masked(&[1.0; 64], &[], &mut all, false);
        for index in 0..64 {
            assert_eq!(values[index] == 1.0, keeps(index), "bit {index}");
            assert_eq!(sums[index] == 3.0, keeps(index), "bit {index}");
            assert_eq!(all[index], 1.0);
        }
    }
}
