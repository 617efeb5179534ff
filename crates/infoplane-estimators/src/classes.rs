//! Samples in the order of their class, without those that are the only one of theirs.

use std::ops::Range;

use crate::{EstimatorError, Labels, Parameters};

pub(crate) struct ByClass {
    samples: Vec<usize>,
    classes: Vec<Range<usize>>,
    n_lone: usize,
}

impl ByClass {
    /// # Errors
    /// When no class has two samples.
    pub(crate) fn new(labels: &Labels) -> Result<Self, EstimatorError> {
        let mut start = 0;
        let mut next = vec![0; labels.n_classes()];
        let mut classes = Vec::new();
        for (class, &count) in labels.counts().iter().enumerate().filter(|(_, c)| **c > 1) {
            next[class] = start;
            classes.push(start..start + count);
            start += count;
        }
        if classes.is_empty() {
            return Err(EstimatorError::lone(labels));
        }
        let mut samples = vec![0; start];
        for (sample, &class) in labels.dense().iter().enumerate() {
            if labels.counts()[class] > 1 {
                samples[next[class]] = sample;
                next[class] += 1;
            }
        }
        Ok(Self {
            n_lone: labels.n_samples() - start,
            samples,
            classes,
        })
    }

    /// Samples by place.
    pub(crate) fn samples(&self) -> &[usize] {
        &self.samples
    }

    /// The places of each class of at least two samples.
    pub(crate) fn classes(&self) -> &[Range<usize>] {
        &self.classes
    }

    /// The number of lone samples, where there are any.
    pub(crate) fn remarks(&self) -> Parameters {
        let mut remarks = Parameters::new();
        if self.n_lone > 0 {
            remarks.insert("lone".to_owned(), self.n_lone.into());
        }
        remarks
    }
}
