//! Already preprocessed inputs: the argument `--inputs F`.

use std::io::{Read, Seek};
use std::path::Path;

use ndarray::ArrayD;

use crate::error::DataError;
use crate::npy::{NpyArray, NpzFile, read_npy};

/// The array of inputs in an archive.
pub(crate) const INPUT_KEY: &str = "input";
/// The array of class labels in an archive.
pub(crate) const LABEL_KEY: &str = "label";
/// The array of attribution targets in an archive.
const TARGET_KEY: &str = "target";

/// The array of path starts in an archive.
const BASELINE_KEY: &str = "baseline";

/// Inputs for the network as they are.
#[derive(Debug, Clone, PartialEq)]
pub struct Inputs {
    /// `[N, …]`, N ≥ 1.
    pub input: ArrayD<f32>,
    /// Output unit to attribute, by sample.
    pub target: Option<Vec<i64>>,
    /// Class, by sample; negative where unknown.
    pub label: Option<Vec<i64>>,
    /// Where paths to the inputs start: of the inputs' shape, or one row `[1, …]` for all of them.
    pub baseline: Option<ArrayD<f32>>,
}

/// Reads a `.npy`, or an `.npz` with the key `input` and optionally `target`, `label` and `baseline`.
/// Numbers of any type are converted to f32.
///
/// # Errors
/// [`DataError`] naming the file and what is wrong: missing, another form, truncated, no key
/// `input` (with the keys that are there), no samples, targets or labels that are not one whole
/// number a sample, or a baseline of another shape than the inputs.
pub fn read_inputs(path: &Path) -> Result<Inputs, DataError> {
    let arrays = read_arrays(path)?;
    let baseline = match lower_extension(path).as_str() {
        "npz" => NpzFile::open(path)?.read_optional(BASELINE_KEY)?,
        _ => None,
    };
    let shape = arrays.input.shape();
    if let Some(baseline) = &baseline {
        let (n, row) = (baseline.shape().first(), baseline.shape().get(1..));
        let fits = matches!(n, Some(n) if *n == 1 || *n == shape[0]) && row == shape.get(1..);
        if !fits {
            return Err(DataError::malformed(
                baseline.origin(),
                format!(
                    "shape {:?}; inputs of shape {shape:?} need a baseline of the same shape, or one row of it",
                    baseline.shape()
                ),
            ));
        }
    }
    Ok(Inputs {
        baseline: baseline.map(|baseline| baseline.to_f32()),
        input: arrays.input.to_f32(),
        target: arrays.target,
        label: arrays.label,
    })
}

/// What [`read_inputs`] reads, the inputs still in their own type.
pub(crate) struct InputArrays {
    pub(crate) input: NpyArray,
    pub(crate) target: Option<Vec<i64>>,
    pub(crate) label: Option<Vec<i64>>,
}

pub(crate) fn read_arrays(path: &Path) -> Result<InputArrays, DataError> {
    match lower_extension(path).as_str() {
        "npy" => checked(read_npy(path)?, None, None),
        "npz" => arrays_of_npz(NpzFile::open(path)?),
        other => Err(DataError::malformed(
            path,
            format!("inputs must be .npy or .npz, not `.{other}`"),
        )),
    }
}

/// The same from an archive that is already open.
pub(crate) fn arrays_of_npz<R: Read + Seek>(
    mut archive: NpzFile<R>,
) -> Result<InputArrays, DataError> {
    checked(
        archive.read(INPUT_KEY)?,
        archive.read_optional(TARGET_KEY)?,
        archive.read_optional(LABEL_KEY)?,
    )
}

fn checked(
    input: NpyArray,
    target: Option<NpyArray>,
    label: Option<NpyArray>,
) -> Result<InputArrays, DataError> {
    let n_samples = match input.shape() {
        [n, _, ..] if *n > 0 && !input.bytes().is_empty() => *n,
        shape => {
            return Err(DataError::malformed(
                input.origin(),
                format!(
                    "shape {shape:?}; expected samples × the model's input shape, none of them 0"
                ),
            ));
        }
    };
    let indices = |array: Option<NpyArray>| {
        array
            .map(|array| {
                let indices = array.to_indices()?;
                if indices.len() == n_samples {
                    return Ok(indices);
                }
                let reason = format!("{} numbers for {n_samples} inputs", indices.len());
                Err(DataError::malformed(array.origin(), reason))
            })
            .transpose()
    };
    Ok(InputArrays {
        target: indices(target)?,
        label: indices(label)?,
        input,
    })
}

/// The extension in lower case; empty where there is none.
pub(crate) fn lower_extension(path: &Path) -> String {
    path.extension()
        .map(|extension| extension.to_string_lossy().to_lowercase())
        .unwrap_or_default()
}
