//! Eigenvalues of kernel matrices of trace 1, exact or from landmarks, and the entropy of them.

use std::ops::Range;

use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, MatMut, MatRef, Par};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use super::Entropy;
use crate::distances::Rows;
use crate::gaussian_channel::exponential::exponential;
use crate::parallel;
use crate::principal::{Scaled, eigen, eigenvalues};
use crate::{EstimatorError, Labels};

/// Eigenvalues, with the trace that they leave out.
pub(super) struct Spectrum {
    /// Non-negative.
    values: Vec<f64>,
    /// Rows of the matrix: how many eigenvalues there are in truth.
    size: usize,
    residual: f64,
}

impl Spectrum {
    /// Known eigenvalues.
    pub(super) fn of(values: Vec<f64>) -> Self {
        Self {
            size: values.len(),
            values,
            residual: 0.0,
        }
    }

    /// Of K/N with K_ij = exp(−½|x_i − x_j|²), in N³.
    pub(super) fn exact(rows: &Rows) -> Result<Self, EstimatorError> {
        let n = rows.n();
        let mut kernel = Mat::<f64>::zeros(n, n);
        for range in rows.blocks(n) {
            let mut distances = vec![0.0; range.len() * n];
            rows.half_distances(range.clone(), rows, &mut distances);
            for (i, row) in range.zip(distances.chunks_exact(n)) {
                // The lower triangle is what is read.
                for j in i + 1..n {
                    kernel[(j, i)] = exponential(-row[j]) / n as f64;
                }
                kernel[(i, i)] = 1.0 / n as f64;
            }
        }
        let values = eigenvalues(&kernel)?;
        Ok(Self::of(values.into_iter().map(|v| v.max(0.0)).collect()))
    }

    /// Of the Nyström approximation K_nm K_mm⁻¹ K_mn / N from `count` random rows.
    pub(super) fn from_landmarks(
        rows: &Rows,
        count: usize,
        seed: u64,
    ) -> Result<Self, EstimatorError> {
        let n = rows.n();
        let mut order: Vec<usize> = (0..n).collect();
        order.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
        order.truncate(count);
        let landmarks = rows.subset(&order);
        let count = landmarks.n();
        let mut own = Mat::<f64>::zeros(count, count);
        let mut distances = vec![0.0; count * count];
        landmarks.half_distances(0..count, &landmarks, &mut distances);
        for i in 0..count {
            for j in 0..count {
                own[(i, j)] = if i == j {
                    1.0
                } else {
                    (-distances[i.max(j) * count + i.min(j)]).exp()
                };
            }
        }
        let (values, vectors) = eigen(&own)?;
        // Directions lost to rounding would blow up; leaving them out adds to the residual.
        let largest = values.last().copied().unwrap_or(1.0);
        let kept: Vec<usize> = (0..count)
            .filter(|&k| values[k] > 1e-10 * largest)
            .collect();
        let mut whitening = Mat::<f64>::zeros(count, kept.len());
        for (column, &k) in kept.iter().enumerate() {
            let factor = 1.0 / values[k].sqrt();
            for i in 0..count {
                whitening[(i, column)] = vectors[(i, k)] * factor;
            }
        }
        let gram = gram(rows, &landmarks, &whitening);
        let values = eigenvalues(&gram)?;
        let values: Vec<f64> = values.into_iter().map(|v| v.max(0.0)).collect();
        let residual = (1.0 - values.iter().sum::<f64>()).max(0.0);
        Ok(Self {
            values,
            size: n,
            residual,
        })
    }

    /// Of the matrix times `factor`.
    pub(super) fn scaled(mut self, factor: f64) -> Self {
        self.values.iter_mut().for_each(|v| *v *= factor);
        self.residual *= factor;
        self
    }

    /// Of the matrix with these blocks on its diagonal. A residual is of its own block, but the bounds
    /// hold wherever it lies.
    pub(super) fn union(blocks: Vec<Self>) -> Self {
        let mut union = Self::of(Vec::new());
        for block in blocks {
            union.values.extend(block.values);
            union.size += block.size;
            union.residual += block.residual;
        }
        union
    }

    /// S_α in bits.
    pub(super) fn entropy(mut self, alpha: f64) -> Entropy {
        self.values.sort_unstable_by(f64::total_cmp);
        if self.residual <= 1e-12 {
            return Entropy::exactly(bits(self.values.iter().map(|&v| (v, 1.0)), alpha));
        }
        let unseen = self.size.saturating_sub(self.values.len()) as f64;
        // Levelled: the residual fills the unseen eigenvalues and the smallest seen ones to one level.
        let mut filled = 0;
        let mut level = if unseen > 0.0 {
            self.residual / unseen
        } else {
            f64::INFINITY
        };
        let mut below = 0.0;
        while filled < self.values.len() && self.values[filled] < level {
            below += self.values[filled];
            filled += 1;
            level = (self.residual + below) / (unseen + filled as f64);
        }
        let rest = self.values[filled..].iter().map(|&v| (v, 1.0));
        let high = bits(rest.chain([(level, unseen + filled as f64)]), alpha);
        if let Some(largest) = self.values.last_mut() {
            *largest += self.residual;
        }
        let low = bits(self.values.iter().map(|&v| (v, 1.0)), alpha);
        Entropy {
            value: 0.5 * (low + high),
            low,
            high,
        }
    }
}

/// S_α in bits of eigenvalues, each so many times.
fn bits(values: impl Iterator<Item = (f64, f64)>, alpha: f64) -> f64 {
    let values = values.filter(|(v, _)| *v > 0.0);
    if (alpha - 1.0).abs() < 1e-6 {
        return -values.map(|(v, times)| times * v * v.log2()).sum::<f64>();
    }
    let sum: f64 = values.map(|(v, times)| times * v.powf(alpha)).sum();
    sum.log2() / (1.0 - alpha)
}

/// B'B/N with B = K_nm W, in eight parts whatever the number of threads.
fn gram(rows: &Rows, landmarks: &Rows, whitening: &Mat<f64>) -> Mat<f64> {
    const PARTS: usize = 8;
    let (n, count, kept) = (rows.n(), landmarks.n(), whitening.ncols());
    let blocks = rows.blocks(count);
    let shares: Vec<&[Range<usize>]> = blocks.chunks(blocks.len().div_ceil(PARTS)).collect();
    let parts = parallel::map_items(&shares, |blocks| {
        let mut sum = Mat::<f64>::zeros(kept, kept);
        for range in *blocks {
            let mut kernel = vec![0.0; range.len() * count];
            rows.half_distances(range.clone(), landmarks, &mut kernel);
            kernel.iter_mut().for_each(|v| *v = exponential(-*v));
            let mut features = vec![0.0; range.len() * kept];
            let kernel = MatRef::from_row_major_slice(&kernel, range.len(), count);
            let into = MatMut::from_row_major_slice_mut(&mut features, range.len(), kept);
            matmul(into, Accum::Replace, kernel, whitening, 1.0, Par::Seq);
            let features = MatRef::from_row_major_slice(&features, range.len(), kept);
            matmul(
                &mut sum,
                Accum::Add,
                features.transpose(),
                features,
                1.0 / n as f64,
                Par::Seq,
            );
        }
        sum
    });
    let mut gram = Mat::<f64>::zeros(kept, kept);
    parts.iter().for_each(|part| gram += part);
    gram
}

/// For each labelling of the same samples, the width of largest alignment between the kernel and that
/// of its classes.
pub(super) fn alignment_widths(scaled: &Scaled, labellings: &[Labels]) -> Vec<f64> {
    const MOST: usize = 1_000;
    const WIDTHS: usize = 24;
    let widths: [f64; WIDTHS] =
        std::array::from_fn(|k| 0.05 * 100.0_f64.powf(k as f64 / (WIDTHS - 1) as f64));
    let factors = widths.map(|width| -1.0 / (width * width));
    let rows = Rows::new(scaled.data.clone(), scaled.dimensions);
    let n = rows.n();
    let count = n.min(MOST);
    let chosen: Vec<usize> = (0..count).map(|i| i * n / count).collect();
    let rows = rows.subset(&chosen);
    // [sample][labelling]
    let classes: Vec<Vec<usize>> = chosen
        .iter()
        .map(|&i| labellings.iter().map(|of| of.dense()[i]).collect())
        .collect();
    // By width, over pairs: |K|², and ⟨K, L⟩ of each labelling. The diagonal is `count` in all.
    let parts = parallel::map_items(&rows.blocks(count), |range| {
        let mut squares = vec![0.0; WIDTHS];
        let mut products = vec![[0.0; WIDTHS]; labellings.len()];
        let mut distances = vec![0.0; range.len() * count];
        rows.half_distances(range.clone(), &rows, &mut distances);
        for (i, row) in range.clone().zip(distances.chunks_exact(count)) {
            for j in 0..i {
                let kernels = factors.map(|factor| exponential(row[j] * factor));
                for (square, kernel) in squares.iter_mut().zip(kernels) {
                    *square += kernel * kernel;
                }
                let same = classes[i].iter().zip(&classes[j]).map(|(a, b)| a == b);
                for (product, _) in products.iter_mut().zip(same).filter(|(_, same)| *same) {
                    product.iter_mut().zip(kernels).for_each(|(p, k)| *p += k);
                }
            }
        }
        (squares, products)
    });
    let whole = |sum: f64| count as f64 + 2.0 * sum;
    (0..labellings.len())
        .map(|labelling| {
            let mut best = (f64::NEG_INFINITY, 1.0);
            for (index, &width) in widths.iter().enumerate() {
                let square: f64 = parts.iter().map(|(squares, _)| squares[index]).sum();
                let product: f64 = parts.iter().map(|(_, of)| of[labelling][index]).sum();
                let alignment = whole(product) / whole(square).sqrt();
                if alignment > best.0 {
                    best = (alignment, width);
                }
            }
            best.1
        })
        .collect()
}
