//! The mean of every layer's values over many samples, position by position.

use infoplane_engine::{Backend, Session};

use crate::error::AttributionError;

/// Sums of layers' values over samples, in f64 and in each layer's [`infoplane_engine::Layout`].
#[derive(Debug, Clone, PartialEq)]
pub struct LayerSums {
    sums: Vec<Vec<f64>>,
    n_samples: u64,
}

impl LayerSums {
    /// No samples yet, for the backend's requested layers.
    pub fn new(backend: &dyn Backend) -> LayerSums {
        LayerSums {
            sums: backend
                .layouts()
                .iter()
                .map(|layout| vec![0.0; layout.row_len()])
                .collect(),
            n_samples: 0,
        }
    }

    /// Samples that were added.
    pub fn n_samples(&self) -> u64 {
        self.n_samples
    }

    /// Adds the samples of other sums of the same layers. In floating point the order counts.
    pub fn merge(&mut self, other: &LayerSums) {
        for (own, others) in self.sums.iter_mut().zip(&other.sums) {
            for (sum, value) in own.iter_mut().zip(others) {
                *sum += value;
            }
        }
        self.n_samples += other.n_samples;
    }

    /// Each layer's mean, one row in its layout; zeros where no sample was added.
    pub fn means(&self) -> Vec<Vec<f32>> {
        let count = self.n_samples.max(1) as f64;
        let mean = |sums: &Vec<f64>| sums.iter().map(|sum| (sum / count) as f32).collect();
        self.sums.iter().map(mean).collect()
    }
}

/// Runs the network forward and adds up what its layers hold. The backend must keep its values.
pub struct MeanWorker<'b> {
    backend: &'b dyn Backend,
    session: Box<dyn Session + 'b>,
}

impl<'b> MeanWorker<'b> {
    /// Allocates everything it will need.
    pub fn new(backend: &'b dyn Backend) -> MeanWorker<'b> {
        MeanWorker {
            backend,
            session: backend.session(),
        }
    }

    /// Adds samples, rows of the network's input one after the other, to `sums` in their order.
    ///
    /// # Errors
    /// Where `rows` are no whole rows, or the backend does not keep its values.
    pub fn add(&mut self, rows: &[f32], sums: &mut LayerSums) -> Result<(), AttributionError> {
        let (batch, row_len) = (self.backend.batch(), self.backend.sample_len());
        if row_len == 0 || !rows.len().is_multiple_of(row_len) {
            return Err(AttributionError::Length {
                what: "the samples' rows",
                expected: row_len,
                actual: rows.len(),
            });
        }
        for rows in rows.chunks(batch * row_len) {
            let n_rows = rows.len() / row_len;
            // Rows beyond the samples keep what an earlier pass left; none of them is added.
            self.session.load(rows);
            self.session.forward();
            let layouts = self.backend.layouts().iter().enumerate();
            for ((request, layout), sums) in layouts.zip(&mut sums.sums) {
                let values = self.session.values(request)?;
                for row in values.chunks_exact(layout.row_len()).take(n_rows) {
                    for (sum, &value) in sums.iter_mut().zip(row) {
                        *sum += f64::from(value);
                    }
                }
            }
            sums.n_samples += n_rows as u64;
        }
        Ok(())
    }
}
