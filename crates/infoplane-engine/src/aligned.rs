//! Floats that begin at a cache line: a vector that straddles two lines costs two accesses. Large
//! slices lie on large pages where the system has them, which saves address translations.

use std::ops::{Deref, DerefMut};

use memmap2::MmapMut;

use crate::simd::{LANES, Lanes};

/// Sixteen floats, one cache line.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
pub(crate) struct Line(pub Lanes);

// SAFETY: all bits zero are sixteen zeros.
unsafe impl bytemuck::Zeroable for Line {}
// SAFETY: sixteen floats of four bytes fill the 64 bytes, so there is no padding, and any bits are floats.
unsafe impl bytemuck::Pod for Line {}

/// Bytes from which on pages of their own are worth it.
const LARGE: usize = 1 << 20;

/// A slice of lines.
#[derive(Debug)]
pub(crate) enum Lines {
    Heap(Vec<Line>),
    Pages(MmapMut),
}

impl Lines {
    /// `n` lines of zeros.
    pub fn zeros(n: usize) -> Lines {
        let bytes = n * size_of::<Line>();
        if bytes >= LARGE
            && let Ok(pages) = MmapMut::map_anon(bytes)
        {
            // Without large pages everything works as well, only slower.
            #[cfg(target_os = "linux")]
            let _ = pages.advise(memmap2::Advice::HugePage);
            return Lines::Pages(pages);
        }
        Lines::Heap(vec![Line([0.0; LANES]); n])
    }
}

impl Deref for Lines {
    type Target = [Line];

    fn deref(&self) -> &[Line] {
        match self {
            Lines::Heap(lines) => lines,
            Lines::Pages(pages) => bytemuck::cast_slice(pages),
        }
    }
}

impl DerefMut for Lines {
    fn deref_mut(&mut self) -> &mut [Line] {
        match self {
            Lines::Heap(lines) => lines,
            Lines::Pages(pages) => bytemuck::cast_slice_mut(pages),
        }
    }
}

/// A slice of floats that begins at a cache line.
#[derive(Debug)]
pub(crate) struct AlignedFloats {
    lines: Lines,
    len: usize,
}

impl AlignedFloats {
    /// `len` zeros.
    pub fn zeros(len: usize) -> AlignedFloats {
        AlignedFloats {
            lines: Lines::zeros(len.div_ceil(LANES)),
            len,
        }
    }
}

impl Default for AlignedFloats {
    /// No floats.
    fn default() -> AlignedFloats {
        AlignedFloats {
            lines: Lines::Heap(Vec::new()),
            len: 0,
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
        for len in [0, 1, 16, 17, 1000, LARGE / 4 + 5] {
            let mut floats = AlignedFloats::zeros(len);
            assert_eq!(floats.len(), len);
            assert!(floats.iter().all(|&value| value == 0.0));
            assert!(len == 0 || (floats.as_ptr() as usize).is_multiple_of(64));
            floats.fill(1.0);
            assert!(floats.iter().all(|&value| value == 1.0));
        }
    }
}
