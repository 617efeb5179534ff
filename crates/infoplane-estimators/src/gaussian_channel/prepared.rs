//! A layer made ready: scaled vectors in the order of their class.

use std::ops::Range;

use crate::principal::Scaled;
use crate::{EstimatorError, Labels, Samples};

/// A layer's vectors, centred, rotated and scaled, for any number of estimates at any τ.
///
/// Holds `12 · n_samples · min(width, max_components)` bytes.
#[derive(Debug, Clone)]
pub struct PreparedLayer {
    /// Absent where the vectors are constant.
    pub(super) scaled: Option<Scaled>,
    /// The scaled vectors in single precision.
    pub(super) single: Vec<f32>,
    /// Half the squared length of each row.
    pub(super) half_square: Vec<f64>,
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
        let data = scaled.iter().flat_map(|scaled| &scaled.data);
        let single = data.map(|&v| v as f32).collect();
        let half_square = scaled.iter().flat_map(Scaled::half_squares).collect();
        Ok(Self {
            scaled,
            single,
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

    /// The rows of the class of `row`, if there are labels and more than one.
    pub(super) fn class_of(&self, row: usize) -> Option<Range<usize>> {
        let range = self.classes.as_ref()?.range_of(row);
        (range.len() > 1).then_some(range)
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
