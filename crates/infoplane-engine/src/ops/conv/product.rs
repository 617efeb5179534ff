//! Packed weights times the columns of an image, tile by tile, with what happens to a finished tile.

use super::panels::{Geometry, Panels, Run, pack_panel};
use crate::mask::set_bits;
use crate::simd::{SimdLevel, Tile, TileJob, dispatch};

/// Floats of packed columns that are worked on at once: they stay in the second-level cache.
const BLOCK_FLOATS: usize = 128 * 1024;

/// A matrix cut into blocks of tile rows; inside a block, column by column.
#[derive(Debug)]
pub(super) struct PackedRows {
    level: SimdLevel,
    rows: usize,
    cols: usize,
    data: Vec<f32>,
}

impl PackedRows {
    /// Packs the `rows` × `cols` matrix whose elements `at(row, col)` gives.
    pub fn new(
        level: SimdLevel,
        rows: usize,
        cols: usize,
        at: impl Fn(usize, usize) -> f32,
    ) -> PackedRows {
        let (tile_rows, _) = level.tile_shape();
        let mut data = Vec::with_capacity(rows.next_multiple_of(tile_rows) * cols);
        for first in (0..rows).step_by(tile_rows) {
            for col in 0..cols {
                for row in first..first + tile_rows {
                    data.push(if row < rows { at(row, col) } else { 0.0 });
                }
            }
        }
        PackedRows {
            level,
            rows,
            cols,
            data,
        }
    }

    pub fn bytes(&self) -> usize {
        self.data.len() * size_of::<f32>()
    }
}

/// What happens to the rows of a finished tile.
pub(super) trait Sink {
    /// Takes one row of a tile: `values[run.lane..][..run.len]` for every run of `panel`.
    fn take<T: Tile<MR, NR>, const MR: usize, const NR: usize>(
        &mut self,
        tile: T,
        row: usize,
        panel: usize,
        values: &[f32; NR],
    );
}

/// The product of packed rows with an image's columns.
#[derive(Debug)]
pub(super) struct Product {
    pub rows: PackedRows,
    pub geometry: Geometry,
    pack: Panels,
    first_channel: usize,
}

impl Product {
    /// Columns are made of the channels from `first_channel` on, as many as the rows have taps for.
    pub fn new(rows: PackedRows, geometry: Geometry, first_channel: usize) -> Product {
        let (_, width) = rows.level.tile_shape();
        let [samples, ..] = geometry.source;
        let [target_h, target_w] = geometry.target;
        Product {
            pack: Panels::new(samples, target_h, target_w, width),
            rows,
            geometry,
            first_channel,
        }
    }

    fn panels_at_once(&self) -> usize {
        let (_, width) = self.rows.level.tile_shape();
        (BLOCK_FLOATS / (self.rows.cols * width)).clamp(1, self.pack.len())
    }

    /// Floats of working memory that [`Product::run`] needs.
    pub fn scratch_len(&self) -> usize {
        let (_, width) = self.rows.level.tile_shape();
        self.panels_at_once() * self.rows.cols * width
    }

    pub fn run<S: Sink>(&self, source: &[f32], scratch: &mut [f32], sink: &mut S) {
        dispatch(
            self.rows.level,
            &mut ProductJob {
                product: self,
                source,
                scratch,
                sink,
            },
        );
    }
}

struct ProductJob<'a, S> {
    product: &'a Product,
    source: &'a [f32],
    scratch: &'a mut [f32],
    sink: &'a mut S,
}

impl<S: Sink> TileJob for ProductJob<'_, S> {
    #[inline(always)]
    fn run<T: Tile<MR, NR>, const MR: usize, const NR: usize>(&mut self, tile: T) {
        let product = self.product;
        let (rows, cols) = (product.rows.rows, product.rows.cols);
        let (weights, _) = product.rows.data.as_chunks::<MR>();
        let (block, _) = self.scratch.as_chunks_mut::<NR>();
        let n_panels = product.pack.len();
        let at_once = product.panels_at_once();
        for first in (0..n_panels).step_by(at_once) {
            let last = (first + at_once).min(n_panels);
            for (panel, packed) in (first..last).zip(block.chunks_exact_mut(cols)) {
                pack_panel(
                    &product.geometry,
                    self.source,
                    product.first_channel,
                    product.pack.runs(panel),
                    packed,
                );
            }
            for (index, weights) in weights.chunks_exact(cols).enumerate() {
                for (panel, packed) in (first..last).zip(block.chunks_exact(cols)) {
                    let sums = tile.multiply(weights, packed);
                    for (row, values) in (index * MR..rows).zip(&sums) {
                        self.sink.take(tile, row, panel, values);
                    }
                }
            }
        }
    }
}

/// min(max(z, low), high), remembered as a bit: whether z lay strictly inside.
///
/// ReLU is (0, ∞), ReLU6 (0, 6). A gradient passes only strictly inside, as in PyTorch's ReLU and
/// hardtanh.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Clamp {
    pub low: f32,
    pub high: f32,
}

/// Writes rows as channels of an image.
pub(super) struct Store<'a> {
    pub target: &'a mut [f32],
    /// Runs along whole samples.
    pub panels: &'a Panels,
    /// Channels of the target, and the one that row 0 is.
    pub channels: usize,
    pub first_channel: usize,
    pub positions: usize,
    pub bias: &'a [f32],
    pub clamp: Option<Clamp>,
    /// Bits of the clamp.
    pub mask: &'a mut [u32],
    pub accumulate: bool,
}

impl Sink for Store<'_> {
    #[inline(always)]
    fn take<T: Tile<MR, NR>, const MR: usize, const NR: usize>(
        &mut self,
        tile: T,
        row: usize,
        panel: usize,
        values: &[f32; NR],
    ) {
        let mut values = *values;
        if let Some(&bias) = self.bias.get(row) {
            for value in &mut values {
                *value += bias;
            }
        }
        let mut bits = 0;
        if let Some(Clamp { low, high }) = self.clamp {
            bits = tile.inside_bits(&values, low, high);
            for value in &mut values {
                let z = *value;
                *value = if z < low {
                    low
                } else if z > high {
                    high
                } else {
                    z
                };
            }
        }
        let channel = self.first_channel + row;
        for run in self.panels.runs(panel) {
            let start = (run.sample * self.channels + channel) * self.positions + run.col;
            let target = &mut self.target[start..start + run.len];
            let source = &values[run.lane..run.lane + run.len];
            if self.accumulate {
                for (target, source) in target.iter_mut().zip(source) {
                    *target += source;
                }
            } else {
                target.copy_from_slice(source);
            }
            if self.clamp.is_some() {
                let kept = (bits >> run.lane) & (u64::MAX >> (64 - run.len));
                set_bits(self.mask, start, kept);
            }
        }
    }
}

/// Adds rows, each one tap of one channel, to the image elements that the tap looked at: the
/// transpose of packing, for strided windows.
pub(super) struct Scatter<'a> {
    pub target: &'a mut [f32],
    /// The forward convolution's image side.
    pub geometry: &'a Geometry,
    /// Runs along the rows of the forward convolution's output.
    pub panels: &'a Panels,
    pub first_channel: usize,
}

impl Sink for Scatter<'_> {
    #[inline(always)]
    fn take<T: Tile<MR, NR>, const MR: usize, const NR: usize>(
        &mut self,
        _tile: T,
        row: usize,
        panel: usize,
        values: &[f32; NR],
    ) {
        let geometry = self.geometry;
        let [_, channels, height, width] = geometry.source;
        let (channel, tap) = (row / geometry.taps(), row % geometry.taps());
        let (tap_y, tap_x) = (tap / geometry.kernel[1], tap % geometry.kernel[1]);
        for run in self.panels.runs(panel) {
            let Run { lane, len, .. } = *run;
            let y = (run.row * geometry.strides[0] + tap_y * geometry.dilations[0]) as isize
                - geometry.pads[0];
            let Some(y) = usize::try_from(y).ok().filter(|&y| y < height) else {
                continue;
            };
            let plane = (run.sample * channels + self.first_channel + channel) * height + y;
            let line = &mut self.target[plane * width..][..width];
            let x = (run.col * geometry.strides[1] + tap_x * geometry.dilations[1]) as isize
                - geometry.pads[1];
            for (index, value) in values[lane..lane + len].iter().enumerate() {
                let x = x + (index * geometry.strides[1]) as isize;
                if let Some(slot) = usize::try_from(x).ok().and_then(|x| line.get_mut(x)) {
                    *slot += value;
                }
            }
        }
    }
}
