//! The source of a direct convolution with its padding: a copy with a margin of zeros, so that no tap
//! looks outside.

use crate::simd::{Job, LANES, Lanes, Simd, SimdLevel, dispatch};

/// What a frame is made from, and how its elements lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    /// Blocks of channels; the frame has the same blocks.
    Blocks(usize),
    /// Plain channels; the frame has the channels of a pixel side by side.
    Pixels(usize),
}

/// A rectangle of the source's plane, which may reach beyond it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame {
    pub content: Content,
    /// Height and width of the source.
    pub source: [usize; 2],
    /// Height and width of the frame.
    pub size: [usize; 2],
    /// Row and column of the source where the frame begins.
    pub origin: [isize; 2],
}

impl Frame {
    /// Whether the source serves as it is.
    pub fn is_source(&self) -> bool {
        matches!(self.content, Content::Blocks(_))
            && self.size == self.source
            && self.origin == [0, 0]
    }

    /// Floats of one sample's frame; a tap may read a vector from every pixel.
    pub fn len(&self) -> usize {
        let positions = self.size[0] * self.size[1];
        match self.content {
            Content::Blocks(blocks) => blocks * positions * LANES,
            Content::Pixels(channels) => positions * channels + LANES,
        }
    }

    /// Floats of one sample's source.
    pub fn source_len(&self) -> usize {
        let positions = self.source[0] * self.source[1];
        match self.content {
            Content::Blocks(blocks) => blocks * positions * LANES,
            Content::Pixels(channels) => positions * channels,
        }
    }

    /// Copies one sample. Where there are `mask` words, one for sixteen floats of the source, only the
    /// lanes with a bit are copied.
    pub fn fill(&self, level: SimdLevel, source: &[f32], mask: &[u16], frame: &mut [f32]) {
        match self.content {
            Content::Blocks(_) => dispatch(
                level,
                FillBlocks {
                    geometry: self,
                    source: source.as_chunks().0,
                    mask,
                    frame: frame.as_chunks_mut().0,
                },
            ),
            Content::Pixels(channels) => self.fill_pixels(channels, source, frame),
        }
    }

    fn fill_pixels(&self, channels: usize, source: &[f32], frame: &mut [f32]) {
        frame.fill(0.0);
        let [height, width] = self.source;
        let lines = frame.chunks_exact_mut(self.size[1] * channels);
        for (y, line) in lines.take(self.size[0]).enumerate() {
            let Some(row) = self.place(0, y) else {
                continue;
            };
            let cols = self.inside();
            let first = cols.start.saturating_add_signed(self.origin[1]);
            for channel in 0..channels {
                let row = &source[(channel * height + row) * width..][..width];
                let pixels = line[cols.start * channels..cols.end * channels]
                    .iter_mut()
                    .skip(channel)
                    .step_by(channels);
                for (slot, &value) in pixels.zip(&row[first..]) {
                    *slot = value;
                }
            }
        }
    }

    /// The source's index along an axis of the frame's, where it is inside.
    fn place(&self, axis: usize, index: usize) -> Option<usize> {
        index
            .checked_add_signed(self.origin[axis])
            .filter(|&place| place < self.source[axis])
    }

    /// Columns of the frame that lie inside the source.
    fn inside(&self) -> std::ops::Range<usize> {
        let width = self.size[1];
        let start = usize::try_from(-self.origin[1]).unwrap_or(0).min(width);
        let end = self.source[1]
            .checked_add_signed(-self.origin[1])
            .unwrap_or(0)
            .clamp(start, width);
        start..end
    }
}

struct FillBlocks<'a> {
    geometry: &'a Frame,
    source: &'a [Lanes],
    mask: &'a [u16],
    frame: &'a mut [Lanes],
}

impl Job for FillBlocks<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let geometry = self.geometry;
        let [height, width] = geometry.source;
        let cols = geometry.inside();
        let first = cols.start.saturating_add_signed(geometry.origin[1]);
        let zero = [0.0; LANES];
        let lines = self.frame.chunks_exact_mut(geometry.size[1].max(1));
        for (line_index, line) in lines.enumerate() {
            let (block, y) = (line_index / geometry.size[0], line_index % geometry.size[0]);
            let Some(row) = geometry.place(0, y) else {
                line.fill(zero);
                continue;
            };
            line[..cols.start].fill(zero);
            line[cols.end..].fill(zero);
            let start = (block * height + row) * width + first;
            let source = &self.source[start..][..cols.len()];
            let inner = &mut line[cols.clone()];
            if self.mask.is_empty() {
                inner.copy_from_slice(source);
            } else {
                let mask = &self.mask[start..][..cols.len()];
                for ((slot, source), &mask) in inner.iter_mut().zip(source).zip(mask) {
                    simd.store(simd.keep(mask, simd.load(source)), slot);
                }
            }
        }
    }
}
