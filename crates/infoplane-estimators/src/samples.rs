//! The estimators' input: vectors, and the class of each.

use crate::EstimatorError;

/// Fewest samples that an estimate with an interval is made from.
pub const MIN_SAMPLES: usize = 8;

/// Vectors of equal length, one a sample, row-major: sample `i` is `data[i·width .. (i+1)·width]`.
#[derive(Debug, Clone, Copy)]
pub struct Samples<'a> {
    data: Numbers<'a>,
    n_samples: usize,
    width: usize,
}

#[derive(Debug, Clone, Copy)]
enum Numbers<'a> {
    F32(&'a [f32]),
    F64(&'a [f64]),
}

impl Numbers<'_> {
    fn len(self) -> usize {
        match self {
            Numbers::F32(data) => data.len(),
            Numbers::F64(data) => data.len(),
        }
    }

    fn get(self, index: usize) -> f64 {
        match self {
            Numbers::F32(data) => f64::from(data[index]),
            Numbers::F64(data) => data[index],
        }
    }
}

impl<'a> Samples<'a> {
    /// Checks `n_samples` vectors of length `width`.
    ///
    /// # Errors
    /// When `data` does not hold `n_samples · width` numbers, the width is 0, there are fewer than
    /// [`MIN_SAMPLES`] samples, or a number is NaN or infinite. Duplicate vectors are allowed.
    pub fn new(data: &'a [f32], n_samples: usize, width: usize) -> Result<Self, EstimatorError> {
        Self::check(Numbers::F32(data), n_samples, width)
    }

    /// As [`Samples::new`], of numbers in double precision.
    ///
    /// # Errors
    /// As for [`Samples::new`].
    pub fn from_f64(
        data: &'a [f64],
        n_samples: usize,
        width: usize,
    ) -> Result<Self, EstimatorError> {
        Self::check(Numbers::F64(data), n_samples, width)
    }

    /// Numbers that come from samples already checked; there may be fewer than [`MIN_SAMPLES`].
    pub(crate) fn checked(data: &'a [f64], n_samples: usize, width: usize) -> Self {
        debug_assert_eq!(data.len(), n_samples * width);
        Self {
            data: Numbers::F64(data),
            n_samples,
            width,
        }
    }

    fn check(data: Numbers<'a>, n_samples: usize, width: usize) -> Result<Self, EstimatorError> {
        if width == 0 {
            return Err(EstimatorError::NoCoordinates);
        }
        if n_samples.checked_mul(width) != Some(data.len()) {
            return Err(EstimatorError::Shape {
                found: data.len(),
                n_samples,
                width,
            });
        }
        if n_samples < MIN_SAMPLES {
            return Err(EstimatorError::TooFewSamples {
                found: n_samples,
                minimum: MIN_SAMPLES,
            });
        }
        if let Some(index) = (0..data.len()).find(|&index| !data.get(index).is_finite()) {
            return Err(EstimatorError::NotFinite {
                sample: index / width,
                coordinate: index % width,
                value: data.get(index),
            });
        }
        Ok(Self {
            data,
            n_samples,
            width,
        })
    }

    /// Number of vectors.
    pub fn n_samples(&self) -> usize {
        self.n_samples
    }

    /// Length of a vector.
    pub fn width(&self) -> usize {
        self.width
    }

    /// All numbers, row-major, in double precision.
    pub fn values(&self) -> impl ExactSizeIterator<Item = f64> + use<'a> {
        let data = self.data;
        (0..data.len()).map(move |index| data.get(index))
    }

    /// A copy in double precision, row-major.
    pub fn to_vec(&self) -> Vec<f64> {
        match self.data {
            Numbers::F32(data) => data.iter().map(|&v| f64::from(v)).collect(),
            Numbers::F64(data) => data.to_vec(),
        }
    }

    /// A copy of some samples in some order, row-major, in double precision.
    pub(crate) fn gather(&self, samples: &[usize]) -> Vec<f64> {
        let mut gathered = Vec::with_capacity(samples.len() * self.width);
        for &sample in samples {
            let range = sample * self.width..(sample + 1) * self.width;
            match self.data {
                Numbers::F32(data) => {
                    gathered.extend(data[range].iter().map(|&v| f64::from(v)));
                }
                Numbers::F64(data) => gathered.extend_from_slice(&data[range]),
            }
        }
        gathered
    }
}

/// The class of each sample, with classes renumbered densely in the order of their index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Labels {
    dense: Vec<usize>,
    present: Vec<u32>,
    counts: Vec<usize>,
}

impl Labels {
    /// Takes one class index a sample; indexes need not be dense.
    ///
    /// # Errors
    /// When there are none.
    pub fn new(classes: &[u32]) -> Result<Self, EstimatorError> {
        if classes.is_empty() {
            return Err(EstimatorError::TooFewSamples {
                found: 0,
                minimum: MIN_SAMPLES,
            });
        }
        let mut present = classes.to_vec();
        present.sort_unstable();
        present.dedup();
        let mut counts = vec![0; present.len()];
        let dense: Vec<usize> = classes
            .iter()
            .map(|class| {
                let index = present.partition_point(|p| p < class);
                counts[index] += 1;
                index
            })
            .collect();
        Ok(Self {
            dense,
            present,
            counts,
        })
    }

    /// The labels of some samples in some order, renumbered.
    pub(crate) fn gather(&self, samples: &[usize]) -> Self {
        let mut counts = vec![0; self.present.len()];
        samples.iter().for_each(|&i| counts[self.dense[i]] += 1);
        let mut renumbered = vec![0; counts.len()];
        let mut present = Vec::new();
        for (class, &count) in counts.iter().enumerate() {
            renumbered[class] = present.len();
            if count > 0 {
                present.push(self.present[class]);
            }
        }
        Self {
            dense: samples.iter().map(|&i| renumbered[self.dense[i]]).collect(),
            present,
            counts: counts.into_iter().filter(|&count| count > 0).collect(),
        }
    }

    /// Number of samples.
    pub fn n_samples(&self) -> usize {
        self.dense.len()
    }

    /// Number of classes present.
    pub fn n_classes(&self) -> usize {
        self.present.len()
    }

    /// Dense class (`0..n_classes`) of each sample.
    pub fn dense(&self) -> &[usize] {
        &self.dense
    }

    /// The original index of each dense class.
    pub fn present(&self) -> &[u32] {
        &self.present
    }

    /// Samples of each dense class; never 0.
    pub fn counts(&self) -> &[usize] {
        &self.counts
    }

    /// H(Y) of the empirical class distribution, in bits.
    pub fn entropy(&self) -> f64 {
        let n = self.dense.len() as f64;
        let sum: f64 = self
            .counts
            .iter()
            .map(|&count| {
                let p = count as f64 / n;
                p * p.log2()
            })
            .sum();
        // One class gives −0.
        (-sum).max(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_samples_are_refused_with_their_place() {
        let mut data = vec![0.5_f32; 20];
        assert!(matches!(
            Samples::new(&data, 10, 3),
            Err(EstimatorError::Shape { .. })
        ));
        assert_eq!(
            Samples::new(&data, 20, 0).unwrap_err(),
            EstimatorError::NoCoordinates
        );
        assert!(matches!(
            Samples::new(&data, 5, 4),
            Err(EstimatorError::TooFewSamples { found: 5, .. })
        ));
        data[7] = f32::INFINITY;
        assert_eq!(
            Samples::new(&data, 10, 2).unwrap_err(),
            EstimatorError::NotFinite {
                sample: 3,
                coordinate: 1,
                value: f64::INFINITY
            }
        );
    }

    #[test]
    fn labels_are_renumbered_in_the_order_of_their_index() {
        let labels = Labels::new(&[900, 7, 7, 900, 30, 7]).unwrap();
        assert_eq!(labels.dense(), [2, 0, 0, 2, 1, 0]);
        assert_eq!(labels.present(), [7, 30, 900]);
        assert_eq!(labels.counts(), [3, 1, 2]);
    }

    #[test]
    fn entropy_of_balanced_classes_is_the_logarithm_of_their_number() {
        let eight: Vec<u32> = (0..64).map(|i| i % 8).collect();
        assert!((Labels::new(&eight).unwrap().entropy() - 3.0).abs() < 1e-12);
        assert_eq!(Labels::new(&[5; 9]).unwrap().entropy(), 0.0);
    }
}
