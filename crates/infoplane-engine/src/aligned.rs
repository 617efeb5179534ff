//! Floats that begin at a cache line: a vector that straddles two lines costs two accesses.

use std::ops::{Deref, DerefMut};

use crate::simd::{LANES, Lanes};

/// Sixteen floats, one cache line.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
pub(crate) struct Line(pub Lanes);

// SAFETY: all bits zero are sixteen zeros.
unsafe impl bytemuck::Zeroable for Line {}
// SAFETY: sixteen floats of four bytes fill the 64 bytes, so there is no padding, and any bits are floats.
unsafe impl bytemuck::Pod for Line {}

/// A slice of floats on the heap that begins at a cache line.
#[derive(Debug, Default)]
pub(crate) struct AlignedFloats {
    lines: Vec<Line>,
    len: usize,
}

impl AlignedFloats {
    /// `len` zeros.
    pub fn zeros(len: usize) -> AlignedFloats {
        AlignedFloats {
            lines: vec![Line([0.0; LANES]); len.div_ceil(LANES)],
            len,
        }
    }
}

impl Deref for AlignedFloats {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &bytemuck::cast_slice(&self.lines)[..self.len]
    }
}

impl DerefMut for AlignedFloats {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut bytemuck::cast_slice_mut(&mut self.lines)[..self.len]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_begin_at_a_cache_line_and_have_their_length() {
        for len in [0, 1, 16, 17, 1000] {
            let mut floats = AlignedFloats::zeros(len);
            assert_eq!(floats.len(), len);
            assert!(len == 0 || (floats.as_ptr() as usize).is_multiple_of(64));
            floats.fill(1.0);
            assert!(floats.iter().all(|&value| value == 1.0));
        }
    }
}
