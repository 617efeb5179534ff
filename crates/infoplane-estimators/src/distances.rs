//! Half squared distances between rows, a block of rows at a time: N² numbers are never held.

use std::ops::Range;

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};

/// Rows whose distances are wanted.
#[derive(Debug, Clone)]
pub(crate) struct Rows {
    /// `[n, width]`, row-major.
    data: Vec<f64>,
    n: usize,
    width: usize,
    half_square: Vec<f64>,
}

impl Rows {
    pub(crate) fn new(data: Vec<f64>, width: usize) -> Self {
        let half_square = data
            .chunks_exact(width)
            .map(|row| 0.5 * row.iter().map(|v| v * v).sum::<f64>())
            .collect();
        Self {
            n: data.len() / width,
            data,
            width,
            half_square,
        }
    }

    /// Some of the rows.
    pub(crate) fn subset(&self, rows: &[usize]) -> Self {
        let row = |&i: &usize| &self.data[i * self.width..(i + 1) * self.width];
        Self::new(rows.iter().flat_map(row).copied().collect(), self.width)
    }

    /// Rows of both, side by side.
    pub(crate) fn beside(&self, other: &Self) -> Self {
        let rows = self.data.chunks_exact(self.width);
        let data = rows
            .zip(other.data.chunks_exact(other.width))
            .flat_map(|(a, b)| a.iter().chain(b))
            .copied()
            .collect();
        Self::new(data, self.width + other.width)
    }

    pub(crate) fn n(&self) -> usize {
        self.n
    }

    /// Writes ½|x_i − y_j|² of the rows x of `range` and all rows y of `others`, `[range, others]`.
    pub(crate) fn half_distances(&self, range: Range<usize>, others: &Rows, into: &mut [f64]) {
        let own = MatRef::from_row_major_slice(&self.data, self.n, self.width)
            .subrows(range.start, range.len());
        let all = MatRef::from_row_major_slice(&others.data, others.n, others.width);
        let products = MatMut::from_row_major_slice_mut(into, range.len(), others.n);
        matmul(
            products,
            Accum::Replace,
            own,
            all.transpose(),
            -1.0,
            Par::Seq,
        );
        for (row, distances) in range.zip(into.chunks_exact_mut(others.n)) {
            for (distance, half_square) in distances.iter_mut().zip(&others.half_square) {
                *distance = (*distance + self.half_square[row] + half_square).max(0.0);
            }
        }
    }

    /// Blocks of rows of a size that depends on the rows only, never on the number of threads.
    pub(crate) fn blocks(&self, columns: usize) -> Vec<Range<usize>> {
        const BLOCK_NUMBERS: usize = 1 << 18;
        let rows = (BLOCK_NUMBERS / columns.max(1)).clamp(1, 64);
        (0..self.n)
            .step_by(rows)
            .map(|start| start..(start + rows).min(self.n))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_distances_are_those_of_the_rows() {
        let data: Vec<f64> = (0..30).map(|i| f64::from(i * i % 11)).collect();
        let rows = Rows::new(data.clone(), 3);
        let others = rows.subset(&[7, 2]);
        let mut found = vec![0.0; 2 * 2];
        rows.half_distances(4..6, &others, &mut found);
        for (a, i) in [4, 5].into_iter().enumerate() {
            for (b, j) in [7, 2].into_iter().enumerate() {
                let expected: f64 = (0..3)
                    .map(|k| 0.5 * (data[3 * i + k] - data[3 * j + k]).powi(2))
                    .sum();
                assert!((found[2 * a + b] - expected).abs() < 1e-12);
            }
        }
    }
}
