//! What a data set is: labelled samples that can be loaded in any order, from many threads.

use serde::{Deserialize, Serialize};

use crate::error::SampleError;

/// Index of a class: the index of the network's output unit for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ClassIndex(pub usize);

/// What is known about a data set before any sample is decoded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatasetInfo {
    /// File or folder name, for people.
    pub name: String,
    /// The kind of source: `image folder`, `images`, `image tar`, `image parquet`, `manifest`, `idx`,
    /// `cifar`, `table`, `npy` or `npz`.
    pub kind: String,
    /// Class names by class index; empty where the samples have no labels or the classes no names.
    pub class_names: Vec<String>,
    /// How labels were found, in words.
    pub labelling: String,
    /// SHA-256 over the samples' ids, sizes (contents for arrays) and labels, in hexadecimal.
    pub fingerprint: String,
    /// What is done to a sample before the network sees it, in words.
    pub preprocessing: String,
    /// Names of the features, in the order of a sample's values; empty where the samples are no rows of
    /// a table.
    #[serde(default)]
    pub features: Vec<String>,
    /// What a person should know before trusting the labels; mostly empty.
    pub warnings: Vec<String>,
}

/// Samples, their labels and their preprocessing.
pub trait Dataset: Send + Sync {
    /// Number of samples, after [`DataOptions::selection`](crate::DataOptions::selection).
    fn len(&self) -> usize;

    /// Whether there is no sample; false for everything [`open`](crate::open) returns.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What is known about the whole.
    fn info(&self) -> &DatasetInfo;

    /// Shape of one preprocessed sample without the batch, `[C, H, W]` for most networks of images.
    fn sample_shape(&self) -> &[usize];

    /// Name of a sample, unique in the data set and independent of where the data lie: the path
    /// relative to the root with `/`, or the file name and row.
    ///
    /// # Panics
    /// Where `index` is not below [`len`](Self::len).
    fn id(&self, index: usize) -> &str;

    /// Class of a sample, where known.
    ///
    /// # Panics
    /// Where `index` is not below [`len`](Self::len).
    fn label(&self, index: usize) -> Option<ClassIndex>;

    /// Reads and preprocesses one sample into `out`, row-major in
    /// [`sample_shape`](Self::sample_shape).
    ///
    /// # Errors
    /// [`SampleError`] where this sample is unreadable; `out` is then unspecified.
    ///
    /// # Panics
    /// Where `index` is not below [`len`](Self::len) or `out` has another length than the product
    /// of [`sample_shape`](Self::sample_shape).
    fn load(&self, index: usize, out: &mut [f32]) -> Result<(), SampleError>;
}

/// Hashes what identifies a data set.
#[derive(Default)]
pub(crate) struct Fingerprint(sha2::Sha256);

impl Fingerprint {
    /// Adds one sample.
    pub(crate) fn sample(&mut self, id: &str, size: u64, label: Option<ClassIndex>) {
        use sha2::Digest;
        self.0.update((id.len() as u64).to_le_bytes());
        self.0.update(id.as_bytes());
        self.0.update(size.to_le_bytes());
        let label = label.map_or(u64::MAX, |ClassIndex(index)| index as u64);
        self.0.update(label.to_le_bytes());
    }

    /// Adds contents.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        use sha2::Digest;
        self.0.update((bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
    }

    /// The hash in hexadecimal.
    pub(crate) fn finish(self) -> String {
        use sha2::Digest;
        self.0
            .finalize()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }
}

/// Which of `n` samples are kept under a limit: all, or `limit` of them spread evenly, in order.
pub fn kept_indices(n: usize, limit: Option<usize>) -> Vec<usize> {
    match limit {
        Some(limit) if limit < n => (0..limit)
            .map(|i| (i as u128 * n as u128 / limit as u128) as usize)
            .collect(),
        _ => (0..n).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_keeps_distinct_samples_spread_over_the_whole() {
        assert_eq!(kept_indices(10, Some(4)), [0, 2, 5, 7]);
        assert_eq!(kept_indices(3, Some(5)), [0, 1, 2]);
        assert_eq!(kept_indices(3, None), [0, 1, 2]);
        assert!(kept_indices(3, Some(0)).is_empty());
    }

    #[test]
    fn the_fingerprint_depends_on_id_size_label_and_order() {
        let hash = |samples: &[(&str, u64, Option<usize>)]| {
            let mut fingerprint = Fingerprint::default();
            for &(id, size, label) in samples {
                fingerprint.sample(id, size, label.map(ClassIndex));
            }
            fingerprint.finish()
        };
        let base = hash(&[("a", 1, Some(0)), ("b", 2, None)]);
        assert_eq!(base.len(), 64);
        assert_eq!(base, hash(&[("a", 1, Some(0)), ("b", 2, None)]));
        for other in [
            hash(&[("b", 2, None), ("a", 1, Some(0))]),
            hash(&[("a", 1, Some(0)), ("c", 2, None)]),
            hash(&[("a", 1, Some(0)), ("b", 3, None)]),
            hash(&[("a", 1, Some(1)), ("b", 2, None)]),
            hash(&[("a", 1, Some(0)), ("b", 2, Some(0))]),
        ] {
            assert_ne!(base, other);
        }
    }
}
