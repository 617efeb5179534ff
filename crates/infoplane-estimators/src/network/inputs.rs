//! Vectors as networks take them.

use super::Matrix;
use crate::Samples;
use crate::neighbours::{ColumnScale, Points};

/// Vectors with columns of mean 0 and variance 1, without the constant ones.
///
/// The scale is that of all samples, held-out ones included: it is a fixed map of each vector that
/// looks at no partner, so it makes no held-out figure read high.
#[derive(Debug, Clone)]
pub(crate) struct Inputs {
    matrix: Matrix,
}

impl Inputs {
    pub(crate) fn new(samples: Samples<'_>) -> Self {
        let points = Points::new(samples, ColumnScale::Deviation);
        let (n, width) = (points.n(), points.width());
        let mut mean = vec![0.0; width];
        for row in 0..n {
            for (mean, value) in mean.iter_mut().zip(points.row(row)) {
                *mean += value / n as f64;
            }
        }
        let data = (0..n)
            .flat_map(|row| points.row(row).iter().zip(&mean))
            .map(|(value, mean)| (value - mean) as f32)
            .collect();
        Self {
            matrix: Matrix {
                data,
                rows: n,
                columns: width,
            },
        }
    }

    /// Each class as a vector of zeros with a one at its place.
    pub(crate) fn one_hot(classes: &[usize], n_classes: usize) -> Self {
        let mut matrix = Matrix::zeros(classes.len(), n_classes);
        for (row, &class) in classes.iter().enumerate() {
            matrix.row_mut(row)[class] = 1.0;
        }
        Self { matrix }
    }

    pub(crate) fn width(&self) -> usize {
        self.matrix.columns
    }

    pub(crate) fn gather(&self, rows: &[usize]) -> Matrix {
        Matrix {
            data: rows
                .iter()
                .flat_map(|&row| self.matrix.row(row))
                .copied()
                .collect(),
            rows: rows.len(),
            columns: self.matrix.columns,
        }
    }
}
