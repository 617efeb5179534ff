//! Vectors centred, rotated to their principal components, and scaled to total variance 1.

use faer::diag::Diag;
use faer::dyn_stack::MemBuffer;
use faer::dyn_stack::MemStack;
use faer::linalg::evd::{ComputeEigenvectors, self_adjoint_evd, self_adjoint_evd_scratch};
use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, MatRef, Par, Spec};

use crate::{EstimatorError, Samples};

/// Vectors in units of their whole standard deviation √(tr Cov).
#[derive(Debug, Clone)]
pub(crate) struct Scaled {
    /// `[n_samples, dimensions]`, row-major.
    pub(crate) data: Vec<f64>,
    pub(crate) dimensions: usize,
    /// Variance of each dimension.
    pub(crate) variances: Vec<f64>,
    /// Share of the total variance in the kept dimensions.
    pub(crate) variance_kept: f64,
    /// tr Cov of the vectors as given.
    pub(crate) total_variance: f64,
}

/// Variance below this share of the mean square is rounding, not signal.
const CONSTANT_SHARE: f64 = 1e-24;

impl Scaled {
    /// Centres `samples`, keeps at most `max_components` dimensions, and divides by √(tr Cov) of all
    /// of them. `None` where the vectors are constant.
    pub(crate) fn new(
        samples: Samples<'_>,
        max_components: usize,
    ) -> Result<Option<Self>, EstimatorError> {
        let (n, width) = (samples.n_samples(), samples.width());
        let mut mean = vec![0.0; width];
        let mut data = samples.to_vec();
        for row in data.chunks_exact(width) {
            mean.iter_mut().zip(row).for_each(|(m, v)| *m += v);
        }
        mean.iter_mut().for_each(|m| *m /= n as f64);
        for row in data.chunks_exact_mut(width) {
            row.iter_mut().zip(&mean).for_each(|(v, m)| *v -= m);
        }
        let variance = data.iter().map(|v| v * v).sum::<f64>() / n as f64;
        let mean_square = mean.iter().map(|m| m * m).sum::<f64>();
        // Also true of variances that underflow.
        if variance <= CONSTANT_SHARE * mean_square || !variance.is_normal() {
            return Ok(None);
        }
        let scale = 1.0 / variance.sqrt();
        data.iter_mut().for_each(|v| *v *= scale);
        let dimensions = max_components.min(width).min(n);
        let data = rotate(&data, n, width, dimensions)?;
        let mut variances = vec![0.0; dimensions];
        for row in data.chunks_exact(dimensions) {
            variances
                .iter_mut()
                .zip(row)
                .for_each(|(s, v)| *s += v * v / n as f64);
        }
        let variance_kept: f64 = variances.iter().sum();
        Ok(Some(Self {
            data,
            dimensions,
            variances,
            variance_kept: variance_kept.min(1.0),
            total_variance: variance,
        }))
    }
}

/// The first `dimensions` principal components of centred rows `[n, width]`, as `[n, dimensions]`.
///
/// The smaller of the covariance `[width, width]` and the Gram matrix `[n, n]` is decomposed: they
/// share their non-zero eigenvalues.
fn rotate(
    data: &[f64],
    n: usize,
    width: usize,
    dimensions: usize,
) -> Result<Vec<f64>, EstimatorError> {
    let z = MatRef::from_row_major_slice(data, n, width);
    let by_covariance = width <= n;
    let size = width.min(n);
    let mut symmetric = Mat::<f64>::zeros(size, size);
    let (left, right) = if by_covariance {
        (z.transpose(), z)
    } else {
        (z, z.transpose())
    };
    matmul(&mut symmetric, Accum::Replace, left, right, 1.0, Par::Seq);
    let (values, vectors) = eigen(&symmetric)?;
    // Eigenvalues come in ascending order.
    let mut rotated = Mat::<f64>::zeros(n, dimensions);
    let top = vectors.as_ref().subcols(size - dimensions, dimensions);
    if by_covariance {
        matmul(&mut rotated, Accum::Replace, z, top, 1.0, Par::Seq);
    } else {
        for k in 0..dimensions {
            let length = values[size - dimensions + k].max(0.0).sqrt();
            for i in 0..n {
                rotated[(i, k)] = top[(i, k)] * length;
            }
        }
    }
    Ok((0..n)
        .flat_map(|i| (0..dimensions).map(move |k| (i, k)))
        .map(|index| rotated[index])
        .collect())
}

/// Eigenvalues in ascending order, on one thread so that they do not depend on how many there are.
/// The lower triangle is read.
pub(crate) fn eigenvalues(symmetric: &Mat<f64>) -> Result<Vec<f64>, EstimatorError> {
    let size = symmetric.nrows();
    let mut values = Diag::<f64>::zeros(size);
    let scratch =
        self_adjoint_evd_scratch::<f64>(size, ComputeEigenvectors::No, Par::Seq, Spec::default());
    self_adjoint_evd(
        symmetric.as_ref(),
        values.as_mut(),
        None,
        Par::Seq,
        MemStack::new(&mut MemBuffer::new(scratch)),
        Spec::default(),
    )
    .map_err(|_| EstimatorError::Eigendecomposition { size })?;
    Ok(values.column_vector().iter().copied().collect())
}

/// Eigenvalues in ascending order and eigenvectors by column, on one thread so that the result does
/// not depend on how many there are.
pub(crate) fn eigen(symmetric: &Mat<f64>) -> Result<(Vec<f64>, Mat<f64>), EstimatorError> {
    let size = symmetric.nrows();
    let mut values = Diag::<f64>::zeros(size);
    let mut vectors = Mat::<f64>::zeros(size, size);
    let scratch =
        self_adjoint_evd_scratch::<f64>(size, ComputeEigenvectors::Yes, Par::Seq, Spec::default());
    self_adjoint_evd(
        symmetric.as_ref(),
        values.as_mut(),
        Some(vectors.as_mut()),
        Par::Seq,
        MemStack::new(&mut MemBuffer::new(scratch)),
        Spec::default(),
    )
    .map_err(|_| EstimatorError::Eigendecomposition { size })?;
    let values = values.column_vector().iter().copied().collect();
    Ok((values, vectors))
}
