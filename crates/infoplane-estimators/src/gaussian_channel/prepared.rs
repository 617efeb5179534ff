//! A layer made ready: scaled vectors in the order of their class, and blocks of their kernel.

use std::ops::Range;

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

use super::exponential::Row;
use crate::principal::Scaled;
use crate::{EstimatorError, Labels, Samples};

/// A layer's vectors, centred, rotated and scaled, for any number of estimates at any τ.
///
/// Holds `8 · n_samples · min(width, max_components)` bytes.
#[derive(Debug, Clone)]
pub struct PreparedLayer {
    /// Absent where the vectors are constant.
    pub(super) scaled: Option<Scaled>,
    /// Half the squared length of each row.
    half_square: Vec<f64>,
    /// The sample of each row.
    pub(super) sample: Vec<usize>,
    /// Absent without labels.
    pub(super) classes: Option<Classes>,
    pub(super) n: usize,
}

/// Rows in the order of their class.
#[derive(Debug, Clone)]
pub(super) struct Classes {
    /// The rows of each class.
    pub(super) ranges: Vec<Range<usize>>,
    /// The class of each row.
    pub(super) of_row: Vec<usize>,
    /// H(Y) in bits.
    pub(super) entropy: f64,
    /// Samples that are the only one of their class.
    pub(super) n_lone: usize,
}

impl Classes {
    fn new(labels: &Labels) -> Self {
        let mut start = 0;
        let mut ranges = Vec::with_capacity(labels.n_classes());
        let mut of_row = Vec::with_capacity(labels.n_samples());
        for (class, &count) in labels.counts().iter().enumerate() {
            ranges.push(start..start + count);
            of_row.extend(std::iter::repeat_n(class, count));
            start += count;
        }
        Self {
            ranges,
            of_row,
            entropy: labels.entropy(),
            n_lone: labels.counts().iter().filter(|&&count| count == 1).count(),
        }
    }

    /// The rows of the class of `row`.
    pub(super) fn range_of(&self, row: usize) -> Range<usize> {
        self.ranges[self.of_row[row]].clone()
    }
}

impl PreparedLayer {
    pub(super) fn new(
        samples: Samples<'_>,
        labels: Option<&Labels>,
        max_components: usize,
    ) -> Result<Self, EstimatorError> {
        let n = samples.n_samples();
        if let Some(labels) = labels
            && labels.n_samples() != n
        {
            return Err(EstimatorError::LabelCount {
                labels: labels.n_samples(),
                samples: n,
            });
        }
        let mut sample: Vec<usize> = (0..n).collect();
        if let Some(labels) = labels {
            sample.sort_by_key(|&i| labels.dense()[i]);
        }
        let scaled = Scaled::new(samples, max_components)?.map(|scaled| Scaled {
            data: sample
                .iter()
                .flat_map(|&i| &scaled.data[i * scaled.dimensions..][..scaled.dimensions])
                .copied()
                .collect(),
            ..scaled
        });
        let half_square = scaled.iter().flat_map(Scaled::half_squares).collect();
        Ok(Self {
            scaled,
            half_square,
            sample,
            classes: labels.map(Classes::new),
            n,
        })
    }

    /// Number of samples.
    pub fn n_samples(&self) -> usize {
        self.n
    }

    /// Dimensions kept: the vectors' width, or the most components asked for; 0 where the vectors
    /// are constant.
    pub fn dimensions(&self) -> usize {
        self.scaled.as_ref().map_or(0, |scaled| scaled.dimensions)
    }

    /// Share of the vectors' variance in the kept dimensions, in [0, 1].
    pub fn variance_kept(&self) -> f64 {
        self.scaled
            .as_ref()
            .map_or(1.0, |scaled| scaled.variance_kept)
    }

    /// Whether all vectors are the same, and so carry no information.
    pub fn is_constant(&self) -> bool {
        self.scaled.is_none()
    }

    /// Rows by blocks of a size that depends on the layer only, never on the number of threads.
    pub(super) fn blocks(&self, bytes_per_row: usize) -> Vec<Range<usize>> {
        const BLOCK_BYTES: usize = 8 << 20;
        const MOST_ROWS: usize = 32;
        let rows = (BLOCK_BYTES / bytes_per_row.max(1)).clamp(1, MOST_ROWS);
        (0..self.n)
            .step_by(rows)
            .map(|start| start..(start + rows).min(self.n))
            .collect()
    }
}

impl Scaled {
    fn half_squares(&self) -> impl Iterator<Item = f64> {
        self.data
            .chunks_exact(self.dimensions)
            .map(|row| 0.5 * row.iter().map(|v| v * v).sum::<f64>())
    }
}

/// What a block of rows needs for every τ: distances to all rows, and the projections of all rows on
/// each row's noise.
pub(super) struct Block {
    rows: Range<usize>,
    n: usize,
    pairs: usize,
    /// `[rows, n]`; infinite for a row with itself, which takes its own center out of every sum.
    half_distance: Vec<f64>,
    /// `[rows · pairs, n]`.
    projection: Vec<f64>,
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
        let (n, width) = (layer.n, scaled.dimensions);
        let all = MatRef::from_row_major_slice(&scaled.data, n, width);
        let own = all.subrows(rows.start, rows.len());

        let mut half_distance = vec![0.0; rows.len() * n];
        let products = MatMut::from_row_major_slice_mut(&mut half_distance, rows.len(), n);
        matmul(
            products,
            Accum::Replace,
            own,
            all.transpose(),
            -1.0,
            Par::Seq,
        );
        for (row, distances) in rows.clone().zip(half_distance.chunks_exact_mut(n)) {
            for (distance, half_square) in distances.iter_mut().zip(&layer.half_square) {
                *distance = (*distance + layer.half_square[row] + half_square).max(0.0);
            }
            distances[row] = f64::INFINITY;
        }

        let mut noise = Vec::with_capacity(rows.len() * pairs * width);
        for &sample in &layer.sample[rows.clone()] {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            rng.set_stream(sample as u64);
            noise.extend((0..pairs * width).map(|_| -> f64 { StandardNormal.sample(&mut rng) }));
        }
        let mut projection = vec![0.0; rows.len() * pairs * n];
        matmul(
            MatMut::from_row_major_slice_mut(&mut projection, rows.len() * pairs, n),
            Accum::Replace,
            MatRef::from_row_major_slice(&noise, rows.len() * pairs, width),
            all.transpose(),
            1.0,
            Par::Seq,
        );
        Self {
            rows,
            n,
            pairs,
            half_distance,
            projection,
            square_noise: noise.iter().map(|e| e * e).collect(),
        }
    }

    /// The control variate of noise draw `pair` of `row`: q = ½ Σ_k λ_k/(λ_k + τ²) (ε_k² − 1), with
    /// λ the variances of the dimensions. Its mean is 0; see the module's documentation.
    pub(super) fn control(&self, row: usize, pair: usize, variances: &[f64], tau: f64) -> f64 {
        let local = (row - self.rows.start) * self.pairs + pair;
        let squares = &self.square_noise[local * variances.len()..][..variances.len()];
        let terms = squares.iter().zip(variances);
        0.5 * terms
            .map(|(square, variance)| variance / (variance + tau * tau) * (square - 1.0))
            .sum::<f64>()
    }

    pub(super) fn rows(&self) -> Range<usize> {
        self.rows.clone()
    }

    /// The mixture seen from `row` through its noise draw `pair`, at `tau`.
    pub(super) fn row(&self, row: usize, pair: usize, tau: f64) -> Row<'_> {
        let local = row - self.rows.start;
        let projection = &self.projection[(local * self.pairs + pair) * self.n..][..self.n];
        Row {
            half_distance: &self.half_distance[local * self.n..][..self.n],
            projection,
            own_projection: projection[row],
            tau,
        }
    }
}
