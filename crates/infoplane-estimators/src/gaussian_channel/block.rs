//! Blocks of rows of the mixture: distances and projections, which serve every τ.

use std::ops::Range;

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};
use pulp::{Arch, Simd, WithSimd};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

use super::prepared::PreparedLayer;
use super::row::Row;
use crate::principal::Scaled;

/// Centers whose products with a block are made together, in double precision.
const CENTERS: usize = 1024;

/// What a block of rows needs for every τ: distances to all rows, and the projections of all rows on
/// each row's noise.
///
/// Distances are differences of products, made in double precision so that near neighbours far from the
/// mean keep theirs, and then rounded to single. Projections are made in single precision.
pub(super) struct Block {
    rows: Range<usize>,
    n: usize,
    pairs: usize,
    /// `[rows, n]`; infinite for a row with itself, which takes its own center out of every sum.
    half_distance: Vec<f32>,
    /// ε·Z_j, `[rows · pairs, n]`.
    projection: Vec<f32>,
    /// Squares of the noise, `[rows · pairs, dimensions]`.
    square_noise: Vec<f64>,
}

impl Block {
    /// Sample i's noise is stream i of the seed, so it depends on neither block nor thread.
    pub(super) fn new(
        layer: &PreparedLayer,
        scaled: &Scaled,
        rows: Range<usize>,
        pairs: usize,
        seed: u64,
    ) -> Self {
        let width = scaled.dimensions;
        let mut noise = Vec::with_capacity(rows.len() * pairs * width);
        for &sample in &layer.sample[rows.clone()] {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            rng.set_stream(sample as u64);
            noise.extend((0..pairs * width).map(|_| -> f64 { StandardNormal.sample(&mut rng) }));
        }
        Self {
            n: layer.n,
            pairs,
            half_distance: half_distances(layer, scaled, rows.clone()),
            projection: projections(layer, width, &noise),
            square_noise: noise.iter().map(|e| e * e).collect(),
            rows,
        }
    }

    /// The control variate of noise draw `pair` of `row`: q = ½ Σ_k λ_k/(λ_k + τ²) (ε_k² − 1), with
    /// λ_k/(λ_k + τ²) as [`control_weights`]. Its mean is 0; see the module's documentation.
    pub(super) fn control(&self, row: usize, pair: usize, weights: &[f64]) -> f64 {
        let local = (row - self.rows.start) * self.pairs + pair;
        let squares = &self.square_noise[local * weights.len()..][..weights.len()];
        let terms = squares.iter().zip(weights);
        0.5 * terms
            .map(|(square, weight)| weight * (square - 1.0))
            .sum::<f64>()
    }

    pub(super) fn rows(&self) -> Range<usize> {
        self.rows.clone()
    }

    /// The mixture seen from `row` through its noise draw `pair`.
    pub(super) fn row(&self, row: usize, pair: usize) -> Row<'_> {
        let local = row - self.rows.start;
        let projection = &self.projection[(local * self.pairs + pair) * self.n..][..self.n];
        Row {
            half_distance: &self.half_distance[local * self.n..][..self.n],
            projection,
            own_projection: projection[row],
        }
    }
}

/// λ_k/(λ_k + τ²) of the variances λ of the dimensions.
pub(super) fn control_weights(variances: &[f64], tau: f64) -> Vec<f64> {
    let weight = |variance: &f64| variance / (variance + tau * tau);
    variances.iter().map(weight).collect()
}

/// |Z_i − Z_j|²/2 of `rows` and all, `[rows, n]`.
fn half_distances(layer: &PreparedLayer, scaled: &Scaled, rows: Range<usize>) -> Vec<f32> {
    let (n, width) = (layer.n, scaled.dimensions);
    let all = MatRef::from_row_major_slice(&scaled.data, n, width);
    let own = all.subrows(rows.start, rows.len());
    let mut found = vec![0.0; rows.len() * n];
    let mut products = vec![0.0; rows.len() * CENTERS.min(n)];
    for start in (0..n).step_by(CENTERS) {
        let centers = start..(start + CENTERS).min(n);
        let products = &mut products[..rows.len() * centers.len()];
        matmul(
            MatMut::from_row_major_slice_mut(products, rows.len(), centers.len()),
            Accum::Replace,
            own,
            all.subrows(start, centers.len()).transpose(),
            1.0,
            Par::Seq,
        );
        let products = products.chunks_exact(centers.len());
        for ((row, products), found) in rows.clone().zip(products).zip(found.chunks_exact_mut(n)) {
            Arch::new().dispatch(Distances {
                products,
                own: layer.half_square[row],
                others: &layer.half_square[centers.clone()],
                into: &mut found[centers.clone()],
            });
        }
    }
    for (row, found) in rows.zip(found.chunks_exact_mut(n)) {
        found[row] = f32::INFINITY;
    }
    found
}

/// Half squared distances from products and half squared lengths.
struct Distances<'a> {
    products: &'a [f64],
    own: f64,
    others: &'a [f64],
    into: &'a mut [f32],
}

impl WithSimd for Distances<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let terms = self.products.iter().zip(self.others);
        for (into, (product, other)) in self.into.iter_mut().zip(terms) {
            let distance = self.own + other - product;
            *into = (if distance > 0.0 { distance } else { 0.0 }) as f32;
        }
    }
}

/// ε·Z_j of each row of `noise` and all vectors, `[rows of noise, n]`.
fn projections(layer: &PreparedLayer, width: usize, noise: &[f64]) -> Vec<f32> {
    let (rows, n) = (noise.len() / width, layer.n);
    let noise: Vec<f32> = noise.iter().map(|&e| e as f32).collect();
    let mut found = vec![0.0; rows * n];
    matmul(
        MatMut::from_row_major_slice_mut(&mut found, rows, n),
        Accum::Replace,
        MatRef::from_row_major_slice(&noise, rows, width),
        MatRef::from_row_major_slice(&layer.single, n, width).transpose(),
        1.0,
        Par::Seq,
    );
    found
}
