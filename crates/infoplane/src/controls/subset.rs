//! Some of a data set's samples, perhaps with labels of others.

use std::sync::Arc;

use infoplane_data::{ClassIndex, Dataset, DatasetInfo, SampleError, kept_indices};
use sha2::{Digest, Sha256};

use super::shuffle;
use crate::model::hex;

/// Samples spread evenly over a data set.
pub(super) struct Subset {
    of: Arc<dyn Dataset>,
    samples: Vec<usize>,
    labels: Vec<Option<ClassIndex>>,
    info: DatasetInfo,
}

impl Subset {
    /// At most `limit` samples.
    pub(super) fn new(of: &Arc<dyn Dataset>, limit: usize) -> Subset {
        let samples = kept_indices(of.len(), Some(limit));
        let labels = samples.iter().map(|&sample| of.label(sample)).collect();
        Subset::with(of, samples, labels, "")
    }

    /// The same samples, each with the label of another.
    pub(super) fn with_shuffled_labels(of: &Arc<dyn Dataset>, limit: usize, word: &str) -> Subset {
        let Subset {
            samples,
            mut labels,
            ..
        } = Subset::new(of, limit);
        shuffle(&mut labels, word);
        Subset::with(of, samples, labels, word)
    }

    fn with(
        of: &Arc<dyn Dataset>,
        samples: Vec<usize>,
        labels: Vec<Option<ClassIndex>>,
        word: &str,
    ) -> Subset {
        let mut info = of.info().clone();
        let mut hash = Sha256::new_with_prefix(&info.fingerprint);
        hash.update(format!(" {} of {} {word}", samples.len(), of.len()));
        info.fingerprint = hex(&hash.finalize());
        Subset {
            of: Arc::clone(of),
            samples,
            labels,
            info,
        }
    }
}

impl Dataset for Subset {
    fn len(&self) -> usize {
        self.samples.len()
    }

    fn info(&self) -> &DatasetInfo {
        &self.info
    }

    fn sample_shape(&self) -> &[usize] {
        self.of.sample_shape()
    }

    fn id(&self, index: usize) -> &str {
        self.of.id(self.samples[index])
    }

    fn label(&self, index: usize) -> Option<ClassIndex> {
        self.labels[index]
    }

    fn load(&self, index: usize, out: &mut [f32]) -> Result<(), SampleError> {
        self.of.load(self.samples[index], out)
    }
}
