//! A data set of already preprocessed arrays.

use std::path::Path;

use crate::dataset::{ClassIndex, Dataset, DatasetInfo, Fingerprint};
use crate::error::{DataError, SampleError};
use crate::inputs::{InputArrays, lower_extension, read_arrays};
use crate::npy::NpyArray;
use crate::open::{DataOptions, check_labels, check_shape, source_name};
use crate::selection::selected;

/// Samples of one array, held in memory in the type they were stored in.
pub(crate) struct ArrayDataset {
    info: DatasetInfo,
    array: NpyArray,
    shape: Vec<usize>,
    /// Row of each sample in the array.
    rows: Vec<usize>,
    ids: Vec<String>,
    labels: Vec<Option<ClassIndex>>,
}

impl ArrayDataset {
    pub(crate) fn open(path: &Path, options: &DataOptions) -> Result<Self, DataError> {
        Self::from_arrays(read_arrays(path)?, path, options)
    }

    /// The same from arrays that are already read; `path` is what they are called.
    pub(crate) fn from_arrays(
        arrays: InputArrays,
        path: &Path,
        options: &DataOptions,
    ) -> Result<Self, DataError> {
        let InputArrays { input, label, .. } = arrays;
        let preprocessing = "none: the array is the network's input".to_string();
        let shape = input.shape().get(1..).unwrap_or_default().to_vec();
        check_shape(path, &shape, options, &preprocessing)?;
        let n_stored = input.shape().first().copied().unwrap_or(0);
        let label_of = |row: usize| {
            let label = label.as_ref().and_then(|label| label.get(row))?;
            usize::try_from(*label).ok().map(ClassIndex)
        };
        let all: Vec<Option<ClassIndex>> = (0..n_stored).map(label_of).collect();
        let (class_names, mut warnings) = (options.class_map.given_names(), Vec::new());
        let id = |row: usize| row.to_string();
        let rows = selected(path, &all, id, options, &class_names, &mut warnings)?;
        let labels: Vec<Option<ClassIndex>> = rows.iter().map(|&row| all[row]).collect();
        let ids: Vec<String> = rows.iter().map(|row| row.to_string()).collect();
        check_labels(path, &ids, &labels, options)?;

        let mut fingerprint = Fingerprint::default();
        fingerprint.bytes(input.bytes());
        let sample_bytes = (input.bytes().len() / n_stored.max(1)) as u64;
        for (id, label) in ids.iter().zip(&labels) {
            fingerprint.sample(id, sample_bytes, *label);
        }
        Ok(Self {
            info: DatasetInfo {
                name: source_name(path),
                kind: lower_extension(path),
                class_names,
                labelling: match label {
                    Some(_) => "the array `label`".into(),
                    None => "none".into(),
                },
                fingerprint: fingerprint.finish(),
                preprocessing,
                features: Vec::new(),
                warnings,
            },
            array: input,
            shape,
            rows,
            ids,
            labels,
        })
    }
}

impl Dataset for ArrayDataset {
    fn len(&self) -> usize {
        self.rows.len()
    }

    fn info(&self) -> &DatasetInfo {
        &self.info
    }

    fn sample_shape(&self) -> &[usize] {
        &self.shape
    }

    fn id(&self, index: usize) -> &str {
        &self.ids[index]
    }

    fn label(&self, index: usize) -> Option<ClassIndex> {
        self.labels[index]
    }

    fn load(&self, index: usize, out: &mut [f32]) -> Result<(), SampleError> {
        let size: usize = self.shape.iter().product();
        assert_eq!(out.len(), size, "a sample's buffer has the sample's size");
        self.array.read_f32(self.rows[index] * size, out);
        match out.iter().position(|value| !value.is_finite()) {
            None => Ok(()),
            Some(at) => Err(SampleError {
                id: self.ids[index].clone(),
                reason: format!("element {at} is {}, not a finite number", out[at]),
            }),
        }
    }
}
