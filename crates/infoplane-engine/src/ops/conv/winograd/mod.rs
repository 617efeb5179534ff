//! 3 × 3 convolution with stride 1 by Winograd's minimal filtering: patches are transformed, multiplied
//! with transformed weights point by point, channels by channels, and transformed back.

mod points;

use super::ConvSpec;
use crate::ops::product::{Finish, Grid, PackedWeights, Product, lanes, lanes_mut};
use crate::simd::{Job, LANES, Lanes, Simd, SimdLevel, dispatch};
use points::{Four, Points, Two};

/// Floats of transformed patches and products that are worked on at once.
const BAND_FLOATS: usize = 128 * 1024;

/// Floats of transformed weights that stay near, so that few patches at once will do.
const NEAR_WEIGHTS: usize = 320 * 1024;

/// Patches at once where the weights have to come from far away.
const FAR_BAND: usize = 160;

/// Side of the outputs of one patch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TileSize {
    /// F(2 × 2, 3 × 3)
    Two,
    /// F(4 × 4, 3 × 3)
    Four,
}

impl TileSize {
    fn outputs(self) -> usize {
        match self {
            TileSize::Two => 2,
            TileSize::Four => 4,
        }
    }

    fn points(self) -> usize {
        let n = self.outputs() + 2;
        n * n
    }
}

/// One pass of a convolution, forward or backward.
#[derive(Debug)]
pub(super) struct Winograd {
    level: SimdLevel,
    tile: TileSize,
    samples: usize,
    source: [usize; 2],
    target: [usize; 2],
    /// Padding above and left.
    pads: [usize; 2],
    source_blocks: usize,
    target_blocks: usize,
    /// For each point.
    weights: Vec<PackedWeights>,
    source_offsets: Vec<usize>,
    /// Patches at once.
    band: usize,
}

impl Winograd {
    /// The convolution itself.
    pub fn forward(spec: &ConvSpec, tile: TileSize, level: SimdLevel) -> Winograd {
        Winograd::new(
            tile,
            level,
            [spec.input, spec.output],
            spec.window.pads_begin,
            |source, target, tap| spec.weight(target, source, tap),
        )
    }

    /// The gradient of the input from that of the output: a convolution with the taps turned around.
    pub fn backward(spec: &ConvSpec, tile: TileSize, level: SimdLevel) -> Winograd {
        Winograd::new(
            tile,
            level,
            [spec.output, spec.input],
            spec.window.pads_begin.map(|pad| 2 - pad),
            |source, target, [y, x]| spec.weight(source, target, [2 - y, 2 - x]),
        )
    }

    fn new(
        tile: TileSize,
        level: SimdLevel,
        [source, target]: [[usize; 4]; 2],
        pads: [usize; 2],
        weight: impl Fn(usize, usize, [usize; 2]) -> f32,
    ) -> Winograd {
        let (source_blocks, target_blocks) = (source[1].div_ceil(LANES), target[1].div_ceil(LANES));
        let weights = match tile {
            TileSize::Two => transform_weights(Two, level, source_blocks, target_blocks, weight),
            TileSize::Four => transform_weights(Four, level, source_blocks, target_blocks, weight),
        };
        let per_patch = tile.points() * (source_blocks + target_blocks) * LANES;
        let n_patches =
            source[0] * target[2].div_ceil(tile.outputs()) * target[3].div_ceil(tile.outputs());
        let n_weights = tile.points() * source_blocks * target_blocks * LANES * LANES;
        let band = match n_weights {
            0..=NEAR_WEIGHTS => (BAND_FLOATS / per_patch).max(1),
            _ => (BAND_FLOATS / per_patch).max(FAR_BAND),
        };
        let band = n_patches.div_ceil(n_patches.div_ceil(band).max(1)).max(1);
        Winograd {
            level,
            tile,
            samples: source[0],
            source: [source[2], source[3]],
            target: [target[2], target[3]],
            pads,
            source_offsets: (0..source_blocks)
                .map(|block| block * band * LANES)
                .collect(),
            source_blocks,
            target_blocks,
            weights,
            band,
        }
    }

    pub fn constant_bytes(&self) -> usize {
        self.weights.iter().map(PackedWeights::bytes).sum()
    }

    /// Floats of working memory.
    pub fn scratch_len(&self) -> usize {
        self.tile.points() * self.band * (self.source_blocks + self.target_blocks) * LANES
    }

    /// Runs over all samples. `mask` holds a word for sixteen floats of the source, or nothing.
    pub fn run(
        &self,
        source: &[f32],
        mask: &[u16],
        target: &mut [f32],
        accumulate: bool,
        finish: Finish<'_>,
        scratch: &mut [f32],
    ) {
        let n_points = self.tile.points();
        let (patches, rest) =
            scratch.split_at_mut(n_points * self.band * self.source_blocks * LANES);
        let products = &mut rest[..n_points * self.band * self.target_blocks * LANES];
        let mut finish = finish;
        let [rows, cols] = self.target.map(|len| len.div_ceil(self.tile.outputs()));
        let n_patches = self.samples * rows * cols;
        for first in (0..n_patches).step_by(self.band) {
            let range = first..(first + self.band).min(n_patches);
            dispatch(
                self.level,
                TransformInput {
                    winograd: self,
                    range: range.clone(),
                    source,
                    mask,
                    patches,
                },
            );
            let source_len = self.band * self.source_blocks * LANES;
            let target_len = self.band * self.target_blocks * LANES;
            for (point, weights) in self.weights.iter().enumerate() {
                Product {
                    weights,
                    source_offsets: &self.source_offsets,
                    source: &patches[point * source_len..][..source_len],
                    grid: Grid {
                        size: [1, 1, range.len()],
                        source_start: 0,
                        source_steps: [0, 0, LANES],
                        target_start: 0,
                        target_steps: [0, 0, LANES],
                    },
                    target: &mut products[point * target_len..][..target_len],
                    target_block: self.band * LANES,
                    accumulate: false,
                    finish: Finish::nothing(),
                }
                .run();
            }
            dispatch(
                self.level,
                TransformOutput {
                    winograd: self,
                    range,
                    products,
                    target,
                    accumulate,
                    finish: &mut finish,
                },
            );
        }
    }

    /// Where the patches of a range lie, in order.
    #[inline(always)]
    fn places(&self, range: std::ops::Range<usize>) -> Places {
        let side = self.tile.outputs();
        let [rows, cols] = self.target.map(|len| len.div_ceil(side));
        let (sample, rest) = (range.start / (rows * cols), range.start % (rows * cols));
        Places {
            side,
            end: [rows * side, cols * side],
            sample,
            next: [rest / cols * side, rest % cols * side],
            left: range.len(),
        }
    }
}

/// Goes over patches: row by row, sample by sample.
struct Places {
    side: usize,
    /// Behind the last row and column.
    end: [usize; 2],
    sample: usize,
    next: [usize; 2],
    left: usize,
}

impl Iterator for Places {
    /// Sample, and row and column of the first output.
    type Item = (usize, [usize; 2]);

    #[inline(always)]
    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let place = (self.sample, self.next);
        let [row, col] = &mut self.next;
        *col += self.side;
        if *col == self.end[1] {
            (*row, *col) = (*row + self.side, 0);
        }
        if *row == self.end[0] {
            (self.sample, *row) = (self.sample + 1, 0);
        }
        Some(place)
    }
}

/// G g Gᵀ for every pair of channels, in double precision until it is done.
fn transform_weights<const N: usize, const M: usize>(
    points: impl Points<N, M>,
    level: SimdLevel,
    source_blocks: usize,
    target_blocks: usize,
    weight: impl Fn(usize, usize, [usize; 2]) -> f32,
) -> Vec<PackedWeights> {
    let (sources, targets) = (source_blocks * LANES, target_blocks * LANES);
    let mut transformed = vec![0.0f32; N * N * sources * targets];
    for source in 0..sources {
        for target in 0..targets {
            let lines: [[f64; N]; 3] = std::array::from_fn(|y| {
                points.weights(std::array::from_fn(|x| {
                    f64::from(weight(source, target, [y, x]))
                }))
            });
            for x in 0..N {
                let column = points.weights([lines[0][x], lines[1][x], lines[2][x]]);
                for (y, value) in column.into_iter().enumerate() {
                    transformed[((y * N + x) * sources + source) * targets + target] = value as f32;
                }
            }
        }
    }
    transformed
        .chunks_exact((sources * targets).max(1))
        .map(|matrix| {
            PackedWeights::new(level, source_blocks, target_blocks, |source, target| {
                matrix[source * targets + target]
            })
        })
        .collect()
}

struct TransformInput<'a> {
    winograd: &'a Winograd,
    range: std::ops::Range<usize>,
    source: &'a [f32],
    mask: &'a [u16],
    patches: &'a mut [f32],
}

impl Job for TransformInput<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) {
        match self.winograd.tile {
            TileSize::Two => self.transform(simd, Two),
            TileSize::Four => self.transform(simd, Four),
        }
    }
}

impl TransformInput<'_> {
    #[inline(always)]
    #[expect(clippy::needless_range_loop, reason = "columns of an array of rows")]
    fn transform<S: Simd, const N: usize, const M: usize>(
        &mut self,
        simd: S,
        points: impl Points<N, M>,
    ) {
        let winograd = self.winograd;
        let [height, width] = winograd.source;
        let plane = height * width;
        let (source, _) = self.source.as_chunks::<LANES>();
        let (patches, _) = self.patches.as_chunks_mut::<LANES>();
        let point_step = winograd.band * winograd.source_blocks;
        // Block by block, so that few rows of memory are walked along at a time.
        for block in 0..winograd.source_blocks {
            let places = winograd.places(self.range.clone());
            for (slot, (sample, [row, col])) in places.enumerate() {
                let inside = row >= winograd.pads[0]
                    && col >= winograd.pads[1]
                    && row - winograd.pads[0] + N <= height
                    && col - winograd.pads[1] + N <= width;
                let start = (sample * winograd.source_blocks + block) * plane;
                let mut lines = [[simd.splat(0.0); N]; N];
                for (y, line) in lines.iter_mut().enumerate() {
                    let y = (row + y).wrapping_sub(winograd.pads[0]);
                    if y >= height {
                        continue;
                    }
                    let first = (start + y * width + col).wrapping_sub(winograd.pads[1]);
                    let mut values = [simd.splat(0.0); N];
                    if inside && self.mask.is_empty() {
                        if let Some(run) = source.get(first..first + N) {
                            for (value, lanes) in values.iter_mut().zip(run) {
                                *value = simd.load(lanes);
                            }
                        }
                    } else {
                        for (x, value) in values.iter_mut().enumerate() {
                            let place = (col + x).wrapping_sub(winograd.pads[1]);
                            if place >= width {
                                continue;
                            }
                            let at = start + y * width + place;
                            *value = simd.load(&source[at]);
                            if let Some(&mask) = self.mask.get(at) {
                                *value = simd.keep(mask, *value);
                            }
                        }
                    }
                    *line = points.input(simd, values);
                }
                for x in 0..N {
                    let column = points.input(simd, std::array::from_fn(|y| lines[y][x]));
                    for (y, value) in column.into_iter().enumerate() {
                        let at = (y * N + x) * point_step + block * winograd.band + slot;
                        simd.store(value, &mut patches[at]);
                    }
                }
            }
        }
    }
}

struct TransformOutput<'a, 'f> {
    winograd: &'a Winograd,
    range: std::ops::Range<usize>,
    products: &'a [f32],
    target: &'a mut [f32],
    accumulate: bool,
    finish: &'a mut Finish<'f>,
}

impl Job for TransformOutput<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) {
        match self.winograd.tile {
            TileSize::Two => self.transform(simd, Two),
            TileSize::Four => self.transform(simd, Four),
        }
    }
}

impl TransformOutput<'_, '_> {
    #[inline(always)]
    #[expect(clippy::needless_range_loop, reason = "columns of an array of rows")]
    fn transform<S: Simd, const N: usize, const M: usize>(
        &mut self,
        simd: S,
        points: impl Points<N, M>,
    ) {
        let winograd = self.winograd;
        let [height, width] = winograd.target;
        let (products, _): (&[Lanes], _) = self.products.as_chunks();
        let point_step = winograd.band * winograd.target_blocks;
        for block in 0..winograd.target_blocks {
            let places = winograd.places(self.range.clone());
            for (slot, (sample, [row, col])) in places.enumerate() {
                let start = (sample * winograd.target_blocks + block) * height * width;
                let mut lines = [[simd.splat(0.0); M]; N];
                for (y, line) in lines.iter_mut().enumerate() {
                    let values = std::array::from_fn(|x| {
                        let at = (y * N + x) * point_step + block * winograd.band + slot;
                        simd.load(&products[at])
                    });
                    *line = points.output(simd, values);
                }
                for x in 0..M.min(width - col) {
                    let column: [S::Vector; M] =
                        points.output(simd, std::array::from_fn(|y| lines[y][x]));
                    for (y, mut value) in column.into_iter().enumerate().take(height - row) {
                        let at = (start + (row + y) * width + col + x) * LANES;
                        if self.accumulate
                            && let Some(lanes) = lanes(self.target, at)
                        {
                            value = simd.add(value, simd.load(lanes));
                        }
                        value = self.finish.apply(simd, block, at, value);
                        if let Some(lanes) = lanes_mut(self.target, at) {
                            simd.store(value, lanes);
                        }
                    }
                }
            }
        }
    }
}
