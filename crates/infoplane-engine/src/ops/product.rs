//! The product of source rows with packed weights that convolutions, Winograd transforms and strips of
//! positions are made of.
//!
//! Sources and targets are blocked ([`crate::Layout`]): a row is a position, and sixteen channels lie
//! side by side. A register tile holds a few positions by a few blocks of target channels; for every
//! source channel it broadcasts the positions' values and multiplies them with vectors of weights.
//! Source channels come in chunks whose weights stay in the second-level cache while all positions of a
//! strip pass by; between chunks the sums wait in the target.

use crate::aligned::{Line, Lines};
use crate::simd::{Job, LANES, Lanes, Simd, SimdLevel, dispatch};

/// Most positions of a register tile.
pub(crate) const MAX_ROWS: usize = 8;

/// Weights of a chunk of source channels, in vectors. They come from the second-level cache for every
/// register tile, one after the other, faster than they are multiplied. A chunk that stays in the
/// first-level cache is so short that taking sums from the target and putting them back takes longer:
/// with 24 KiB a fifth, with 36 KiB a tenth of ResNet50's time on Zen 5. (AVX2 is indifferent.)
const CHUNK_VECTORS: usize = 96 * 1024 / size_of::<Lanes>();

/// Floats of sources and targets that are worked on at once: they stay in the second-level cache.
const BAND_FLOATS: usize = 192 * 1024;

/// min(max(z, low), high), remembered as a bit: whether z lay strictly inside.
///
/// ReLU is (0, ∞), ReLU6 (0, 6). A gradient passes only strictly inside, as in PyTorch's ReLU and
/// hardtanh.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Clamp {
    pub low: f32,
    pub high: f32,
}

/// What happens to finished sums.
#[derive(Debug)]
pub(crate) struct Finish<'a> {
    /// One vector a block of target channels; none for no bias.
    pub bias: &'a [Lanes],
    /// Added before the clamp; laid out as the target.
    pub addend: Option<&'a [f32]>,
    pub clamp: Option<Clamp>,
    /// Bits of the clamp, one word for sixteen floats of the target; empty where not wanted.
    pub mask: &'a mut [u16],
}

impl Finish<'_> {
    /// Sums stay as they are.
    pub fn nothing() -> Finish<'static> {
        Finish {
            bias: &[],
            addend: None,
            clamp: None,
            mask: &mut [],
        }
    }

    fn is_nothing(&self) -> bool {
        self.bias.is_empty() && self.addend.is_none() && self.clamp.is_none()
    }

    /// The finished vector of block `block` at float `at` of the target.
    #[inline(always)]
    pub fn apply<S: Simd>(
        &mut self,
        simd: S,
        block: usize,
        at: usize,
        sums: S::Vector,
    ) -> S::Vector {
        let mut value = sums;
        if let Some(bias) = self.bias.get(block) {
            value = simd.add(value, simd.load(bias));
        }
        if let Some(addend) = self.addend.and_then(|addend| lanes(addend, at)) {
            value = simd.add(value, simd.load(addend));
        }
        if let Some(Clamp { low, high }) = self.clamp {
            let (low, high) = (simd.splat(low), simd.splat(high));
            let below = simd.at_most(value, low);
            let above = simd.at_most(high, value);
            if let Some(word) = self.mask.get_mut(at / LANES) {
                *word = !(below | above);
            }
            value = simd.select(above, high, simd.select(below, low, value));
        }
        value
    }
}

/// Sixteen floats at `at`.
#[inline(always)]
pub(crate) fn lanes(data: &[f32], at: usize) -> Option<&Lanes> {
    data.get(at..).and_then(<[f32]>::first_chunk)
}

/// Sixteen floats at `at`.
#[inline(always)]
pub(crate) fn lanes_mut(data: &mut [f32], at: usize) -> Option<&mut Lanes> {
    data.get_mut(at..).and_then(<[f32]>::first_chunk_mut)
}

/// Weights by source channel (in blocks of sixteen) and target block, in strips of a few target
/// blocks; inside a strip, source channel by source channel.
#[derive(Debug)]
pub(crate) struct PackedWeights {
    level: SimdLevel,
    source_blocks: usize,
    target_blocks: usize,
    data: Lines,
}

impl PackedWeights {
    /// Packs the weights that `at(source channel, target channel)` gives, both counted in whole blocks.
    pub fn new(
        level: SimdLevel,
        source_blocks: usize,
        target_blocks: usize,
        at: impl Fn(usize, usize) -> f32,
    ) -> PackedWeights {
        let mut data = Lines::zeros(source_blocks * LANES * target_blocks);
        let mut lines = data.iter_mut();
        for (first, width) in strips(level, target_blocks) {
            for source in 0..source_blocks * LANES {
                for (block, Line(vector)) in (first..first + width).zip(&mut lines) {
                    for (lane, weight) in vector.iter_mut().enumerate() {
                        *weight = at(source, block * LANES + lane);
                    }
                }
            }
        }
        PackedWeights {
            level,
            source_blocks,
            target_blocks,
            data,
        }
    }

    pub fn bytes(&self) -> usize {
        size_of_val(&*self.data)
    }
}

/// Widest strip of an instruction set, in blocks.
fn strip_width(level: SimdLevel) -> usize {
    match level {
        SimdLevel::Avx512 => 4,
        _ => 1,
    }
}

/// First block and width of every strip: as wide as the registers allow and as even as possible.
fn strips(level: SimdLevel, blocks: usize) -> impl Iterator<Item = (usize, usize)> {
    let n_strips = blocks.div_ceil(strip_width(level)).max(1);
    (0..n_strips).map(move |strip| {
        let (first, end) = (strip * blocks / n_strips, (strip + 1) * blocks / n_strips);
        (first, end - first)
    })
}

/// Positions of a register tile of `width` target blocks: as many as leave registers for the weights.
fn tile_rows(level: SimdLevel, width: usize) -> usize {
    match (level, width) {
        (SimdLevel::Avx512, 4) => 6,
        (SimdLevel::Avx512, _) => 8,
        (SimdLevel::Avx2 | SimdLevel::Neon, _) => 6,
        (SimdLevel::Portable, _) => 2,
    }
}

/// A rectangle of positions: where each reads and writes, in floats.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Grid {
    /// Samples, rows and columns.
    pub size: [usize; 3],
    pub source_start: usize,
    /// From one sample, row and column to the next.
    pub source_steps: [usize; 3],
    pub target_start: usize,
    pub target_steps: [usize; 3],
}

impl Grid {
    fn len(&self) -> usize {
        self.size.iter().product()
    }

    fn furthest(&self, start: usize, steps: [usize; 3]) -> usize {
        let reach = self.size.iter().zip(steps).map(|(&n, step)| (n - 1) * step);
        start + reach.sum::<usize>()
    }
}

/// One product.
pub(crate) struct Product<'a> {
    pub weights: &'a PackedWeights,
    /// Where each block of source channels begins, counted from the position.
    pub source_offsets: &'a [usize],
    pub source: &'a [f32],
    pub grid: Grid,
    pub target: &'a mut [f32],
    /// From one block of target channels to the next, in floats.
    pub target_block: usize,
    /// Whether to add to the target.
    pub accumulate: bool,
    pub finish: Finish<'a>,
}

impl Product<'_> {
    /// Computes it.
    ///
    /// # Panics
    /// Where a position reads or writes outside source or target: a mistake of the calling kernel.
    pub fn run(self) {
        if self.grid.len() == 0 || self.weights.target_blocks == 0 {
            return;
        }
        let furthest = self.source_offsets.iter().max().copied().unwrap_or(0);
        let last_source = self
            .grid
            .furthest(self.grid.source_start, self.grid.source_steps);
        assert!(last_source + furthest + LANES <= self.source.len());
        let last_target = self
            .grid
            .furthest(self.grid.target_start, self.grid.target_steps);
        let last_block = (self.weights.target_blocks - 1) * self.target_block;
        assert!(last_target + last_block + LANES <= self.target.len());
        assert_eq!(self.source_offsets.len(), self.weights.source_blocks);
        dispatch(self.weights.level, self);
    }
}

impl Job for Product<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) {
        let level = self.weights.level;
        let n_rows = self.grid.len();
        let widest = strip_width(level).min(self.weights.target_blocks);
        let chunk = (CHUNK_VECTORS / (widest * LANES)).max(1);
        // As even as possible, so that no chunk is short.
        let n_chunks = self.source_offsets.len().div_ceil(chunk).max(1);
        let chunk_floats = self.source_offsets.len().div_ceil(n_chunks) * LANES;
        let band = BAND_FLOATS / (chunk_floats + self.weights.target_blocks * LANES);
        let band = band
            .next_multiple_of(tile_rows(level, widest))
            .max(3 * MAX_ROWS);
        let n_bands = n_rows.div_ceil(band);
        for index in 0..n_bands {
            let rows = index * n_rows / n_bands..(index + 1) * n_rows / n_bands;
            for chunk in 0..n_chunks {
                let n_blocks = self.source_offsets.len();
                let sources = chunk * n_blocks / n_chunks..(chunk + 1) * n_blocks / n_chunks;
                let step = Step {
                    fresh: chunk == 0 && !self.accumulate,
                    last: chunk + 1 == n_chunks,
                    sources,
                };
                for (first, width) in strips(level, self.weights.target_blocks) {
                    match width {
                        1 => self.strip::<S, 1>(simd, rows.clone(), &step, first),
                        2 => self.strip::<S, 2>(simd, rows.clone(), &step, first),
                        3 => self.strip::<S, 3>(simd, rows.clone(), &step, first),
                        _ => self.strip::<S, 4>(simd, rows.clone(), &step, first),
                    }
                }
            }
        }
    }
}

/// One chunk of source channels.
struct Step {
    /// Whether sums begin at zero instead of the target's content.
    fresh: bool,
    /// Whether sums are finished after it.
    last: bool,
    /// Blocks of source channels.
    sources: std::ops::Range<usize>,
}

/// A register tile's place.
struct Place {
    sources: [usize; MAX_ROWS],
    targets: [usize; MAX_ROWS],
}

impl Product<'_> {
    #[inline(always)]
    fn strip<S: Simd, const V: usize>(
        &mut self,
        simd: S,
        rows: std::ops::Range<usize>,
        step: &Step,
        first_block: usize,
    ) {
        let level = self.weights.level;
        let n_tiles = rows.len().div_ceil(tile_rows(level, V));
        let mut place = Place {
            sources: [0; MAX_ROWS],
            targets: [0; MAX_ROWS],
        };
        let [_, n_rows, n_cols] = self.grid.size;
        let (mut sample, rest) = (
            rows.start / (n_rows * n_cols),
            rows.start % (n_rows * n_cols),
        );
        let (mut row, mut col) = (rest / n_cols, rest % n_cols);
        for tile in 0..n_tiles {
            let n = (tile + 1) * rows.len() / n_tiles - tile * rows.len() / n_tiles;
            for slot in 0..n {
                let at = |start: usize, steps: [usize; 3]| {
                    start + sample * steps[0] + row * steps[1] + col * steps[2]
                };
                place.sources[slot] = at(self.grid.source_start, self.grid.source_steps);
                place.targets[slot] = at(self.grid.target_start, self.grid.target_steps);
                col += 1;
                if col == n_cols {
                    (row, col) = (row + 1, 0);
                }
                if row == n_rows {
                    (sample, row) = (sample + 1, 0);
                }
            }
            match n {
                1 => self.tile::<S, 1, V>(simd, &place, step, first_block),
                2 => self.tile::<S, 2, V>(simd, &place, step, first_block),
                3 => self.tile::<S, 3, V>(simd, &place, step, first_block),
                4 => self.tile::<S, 4, V>(simd, &place, step, first_block),
                5 => self.tile::<S, 5, V>(simd, &place, step, first_block),
                6 => self.tile::<S, 6, V>(simd, &place, step, first_block),
                7 => self.tile::<S, 7, V>(simd, &place, step, first_block),
                _ => self.tile::<S, 8, V>(simd, &place, step, first_block),
            }
        }
    }

    /// The sums of `P` positions by `V` blocks of target channels.
    #[inline(always)]
    fn tile<S: Simd, const P: usize, const V: usize>(
        &mut self,
        simd: S,
        place: &Place,
        step: &Step,
        first_block: usize,
    ) {
        let target_at = |slot: usize, strip_block: usize| {
            place.targets[slot] + (first_block + strip_block) * self.target_block
        };
        // The next tile, but where a row of positions ends.
        let next_source = P * self.grid.source_steps[2];
        let next_target = P * self.grid.target_steps[2];
        // Sums are added to what lies in the target and take the addend in at once, and nothing could be
        // done while they wait; so the lines are asked for before, as are those of the next tile's sources.
        for slot in 0..P {
            for block in 0..V {
                let at = target_at(slot, block);
                simd.prefetch(self.target.as_ptr().wrapping_add(at));
                if !step.fresh {
                    simd.prefetch(self.target.as_ptr().wrapping_add(at + next_target));
                }
                if let Some(addend) = self.finish.addend.filter(|_| step.last) {
                    simd.prefetch(addend.as_ptr().wrapping_add(at));
                }
            }
        }
        let first_strip = first_block == 0;
        let mut sums: [[S::Vector; V]; P] = if step.fresh {
            [[simd.splat(0.0); V]; P]
        } else {
            std::array::from_fn(|slot| {
                std::array::from_fn(|block| {
                    // SAFETY: `Product::run` has asserted that the furthest position has sixteen
                    // floats in the last block of the target.
                    simd.load(unsafe { lanes_unchecked(self.target, target_at(slot, block)) })
                })
            })
        };
        let source_channels = self.weights.source_blocks * LANES;
        let mut weights = first_block * source_channels + step.sources.start * LANES * V;
        for &offset in &self.source_offsets[step.sources.clone()] {
            // SAFETY: `Product::run` has asserted that the furthest position with the largest offset
            // has sixteen floats in the source.
            let rows: [&Lanes; P] = std::array::from_fn(|slot| unsafe {
                lanes_unchecked(self.source, place.sources[slot] + offset)
            });
            if first_strip {
                for row in rows {
                    simd.prefetch(row.as_ptr().wrapping_add(next_source));
                }
            }
            let vectors = &self.weights.data[weights..weights + LANES * V];
            weights += LANES * V;
            let (vectors, _) = vectors.as_chunks::<V>();
            for (channel, vectors) in vectors.iter().enumerate() {
                let vectors: [S::Vector; V] = std::array::from_fn(|v| simd.load(&vectors[v].0));
                for (sums, row) in sums.iter_mut().zip(&rows) {
                    // SAFETY: `vectors` holds `LANES · V` elements, so `channel` is below `LANES`.
                    let value = simd.splat(unsafe { *row.get_unchecked(channel) });
                    for (sum, vector) in sums.iter_mut().zip(&vectors) {
                        *sum = simd.mul_add(value, *vector, *sum);
                    }
                }
            }
        }
        if !step.last || self.finish.is_nothing() {
            for (slot, sums) in sums.iter().enumerate() {
                for (block, sum) in sums.iter().enumerate() {
                    // SAFETY: as for loading.
                    let to = unsafe { lanes_unchecked_mut(self.target, target_at(slot, block)) };
                    simd.store(*sum, to);
                }
            }
            return;
        }
        // Through memory: a loop over sums that the compiler does not unroll would keep them in memory
        // from the beginning.
        let mut held = [[[0.0; LANES]; V]; P];
        for (held, sums) in held.iter_mut().zip(&sums) {
            for (held, sum) in held.iter_mut().zip(sums) {
                simd.store(*sum, held);
            }
        }
        for (slot, held) in held.iter().enumerate() {
            for (block, held) in held.iter().enumerate() {
                let at = target_at(slot, block);
                let sum = simd.load(held);
                let value = self.finish.apply(simd, first_block + block, at, sum);
                if let Some(lanes) = lanes_mut(self.target, at) {
                    simd.store(value, lanes);
                }
            }
        }
    }
}

/// Sixteen floats at `at`.
///
/// # Safety
/// They must lie inside `data`.
#[inline(always)]
unsafe fn lanes_unchecked(data: &[f32], at: usize) -> &Lanes {
    debug_assert!(at + LANES <= data.len());
    // SAFETY: inside `data`, as the caller grants.
    unsafe { &*data.as_ptr().add(at).cast() }
}

/// Sixteen floats at `at`.
///
/// # Safety
/// They must lie inside `data`.
#[inline(always)]
unsafe fn lanes_unchecked_mut(data: &mut [f32], at: usize) -> &mut Lanes {
    debug_assert!(at + LANES <= data.len());
    // SAFETY: inside `data`, as the caller grants.
    unsafe { &mut *data.as_mut_ptr().add(at).cast() }
}
