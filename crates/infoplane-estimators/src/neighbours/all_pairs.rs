//! Distances of every pair, a tile of queries at a time.

use std::ops::Range;

use pulp::bytemuck;
use pulp::{Arch, Simd, WithSimd};

use super::nearest::Nearest;
use super::points::Points;
use crate::parallel;

/// Queries that share one pass over the points; their running maxima stay in registers.
const QUERIES: usize = 8;

/// Points in groups of as many as a vector has lanes: `[group, coordinate, lane]`, filled up with
/// points infinitely far away.
pub(super) struct Columns {
    data: Vec<f64>,
    width: usize,
    padded: usize,
}

/// Lanes of the processor's vectors.
pub(super) fn lanes() -> usize {
    struct Lanes;
    impl WithSimd for Lanes {
        type Output = usize;
        #[inline(always)]
        fn with_simd<S: Simd>(self, _: S) -> usize {
            S::F64_LANES
        }
    }
    Arch::new().dispatch(Lanes)
}

/// Writes `points` of `width` coordinates as `[group, coordinate, lane]`.
pub(super) fn transpose_groups<'p>(
    points: impl ExactSizeIterator<Item = &'p [f64]>,
    width: usize,
    lanes: usize,
    data: &mut Vec<f64>,
) {
    let start = data.len();
    let groups = points.len().div_ceil(lanes);
    data.resize(start + groups * width * lanes, f64::INFINITY);
    for (index, point) in points.enumerate() {
        let group = &mut data[start + index / lanes * width * lanes..][..width * lanes];
        for (coordinate, &value) in point.iter().enumerate() {
            group[coordinate * lanes + index % lanes] = value;
        }
    }
}

impl Columns {
    pub(super) fn new(points: &Points) -> Self {
        let lanes = lanes();
        let mut data = Vec::new();
        let rows = (0..points.n()).map(|i| points.row(i));
        transpose_groups(rows, points.width(), lanes, &mut data);
        Self {
            data,
            width: points.width(),
            padded: points.n().next_multiple_of(lanes),
        }
    }

    /// Fills a row for each of `queries`, at most [`QUERIES`] points of `points`.
    pub(super) fn distances(&self, points: &Points, queries: Range<usize>, rows: &mut Rows) {
        rows.data.resize(QUERIES * self.padded, 0.0);
        rows.n = points.n();
        rows.stride = self.padded;
        // `[coordinate, query]`; queries that are not there repeat the last.
        let last = queries.end - 1;
        let queries: Vec<f64> = (0..self.width)
            .flat_map(|c| {
                let start = queries.start;
                (0..QUERIES).map(move |q| points.row((start + q).min(last))[c])
            })
            .collect();
        Arch::new().dispatch(Distances {
            columns: &self.data,
            queries: queries.as_chunks().0,
            width: self.width,
            stride: self.padded,
            out: &mut rows.data,
        });
    }
}

/// Distances of a tile's queries from every point.
#[derive(Default)]
pub(super) struct Rows {
    data: Vec<f64>,
    n: usize,
    stride: usize,
}

impl Rows {
    pub(super) fn row_mut(&mut self, query: usize) -> &mut [f64] {
        &mut self.data[query * self.stride..][..self.n]
    }
}

/// Tiles that a core takes at a time, with the same memory.
const TILES: usize = 16;

/// Calls `work` for each tile of `0..n` with `sides` sets of rows to use and where to put one result
/// a query; gives all results in the order of queries.
pub(super) fn tiles<T: Send>(
    n: usize,
    sides: usize,
    work: impl Fn(Range<usize>, &mut [Rows], &mut Vec<T>) + Sync,
) -> Vec<T> {
    let rows = || (0..sides).map(|_| Rows::default()).collect::<Vec<_>>();
    parallel::map_runs(n, TILES * QUERIES, |run| {
        let mut rows = rows();
        let mut results = Vec::with_capacity(run.len());
        for start in run.clone().step_by(QUERIES) {
            work(
                start..(start + QUERIES).min(run.end),
                &mut rows,
                &mut results,
            );
        }
        results
    })
}

struct Distances<'a> {
    columns: &'a [f64],
    queries: &'a [[f64; QUERIES]],
    width: usize,
    stride: usize,
    out: &'a mut [f64],
}

impl WithSimd for Distances<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (columns, _) = S::as_simd_f64s(self.columns);
        let (out, _) = S::as_mut_simd_f64s(self.out);
        let stride = self.stride / S::F64_LANES;
        if self.width == 0 {
            out.fill(simd.splat_f64s(0.0));
            return;
        }
        for (index, group) in columns.chunks_exact(self.width).enumerate() {
            let mut largest = [simd.splat_f64s(0.0); QUERIES];
            for (&column, queries) in group.iter().zip(self.queries) {
                for (largest, &query) in largest.iter_mut().zip(queries) {
                    let difference = simd.sub_f64s(column, simd.splat_f64s(query));
                    *largest = simd.max_f64s(*largest, simd.abs_f64s(difference));
                }
            }
            for (query, largest) in largest.into_iter().enumerate() {
                out[query * stride + index] = largest;
            }
        }
    }
}

/// Offers every number of `row` with its place.
pub(super) fn nearest_of(row: &[f64], nearest: &mut Nearest) {
    nearest_of_both(row, row, nearest);
}

/// Offers the larger of each two numbers with their place.
pub(super) fn nearest_of_both(a: &[f64], b: &[f64], nearest: &mut Nearest) {
    Arch::new().dispatch(NearestOfBoth { a, b, nearest });
}

struct NearestOfBoth<'a> {
    a: &'a [f64],
    b: &'a [f64],
    nearest: &'a mut Nearest,
}

impl WithSimd for NearestOfBoth<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (a, a_tail) = S::as_simd_f64s(self.a);
        let (b, b_tail) = S::as_simd_f64s(self.b);
        let mut threshold = simd.splat_f64s(self.nearest.threshold().0);
        for (index, (&a, &b)) in a.iter().zip(b).enumerate() {
            let larger = simd.max_f64s(a, b);
            let nearer = simd.less_than_f64s(larger, threshold);
            if simd.first_true_m64s(nearer) == S::F64_LANES {
                continue;
            }
            let vector = [larger];
            let distances: &[f64] = bytemuck::cast_slice(&vector);
            for (lane, &distance) in distances.iter().enumerate() {
                self.nearest
                    .offer(distance, (index * S::F64_LANES + lane) as u32);
            }
            threshold = simd.splat_f64s(self.nearest.threshold().0);
        }
        let start = a.len() * S::F64_LANES;
        for (place, (&a, &b)) in a_tail.iter().zip(b_tail).enumerate() {
            self.nearest.offer(a.max(b), (start + place) as u32);
        }
    }
}

/// Numbers of `row` that are at most `radius`.
pub(super) fn count(row: &[f64], radius: f64) -> usize {
    count_in_both(row, row, radius)
}

/// Places at which both numbers are at most `radius`.
pub(super) fn count_in_both(a: &[f64], b: &[f64], radius: f64) -> usize {
    Arch::new().dispatch(CountInBoth { a, b, radius })
}

struct CountInBoth<'a> {
    a: &'a [f64],
    b: &'a [f64],
    radius: f64,
}

impl WithSimd for CountInBoth<'_> {
    type Output = usize;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> usize {
        let (a, a_tail) = S::as_simd_f64s(self.a);
        let (b, b_tail) = S::as_simd_f64s(self.b);
        let radius = simd.splat_f64s(self.radius);
        let (zero, one) = (simd.splat_f64s(0.0), simd.splat_f64s(1.0));
        let mut sum = zero;
        for (&a, &b) in a.iter().zip(b) {
            let within = simd.less_than_or_equal_f64s(simd.max_f64s(a, b), radius);
            sum = simd.add_f64s(sum, simd.select_f64s(within, one, zero));
        }
        let tail = a_tail.iter().zip(b_tail);
        let rest = tail.filter(|&(&a, &b)| a.max(b) <= self.radius).count();
        simd.reduce_sum_f64s(sum) as usize + rest
    }
}
