//! What an analysis needs of a run.

use crate::{PlaneError, VectorKind};

/// Vectors of equal length, one a sample, row-major: `[n_samples, width]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Matrix {
    /// The numbers.
    pub data: Vec<f32>,
    /// Vectors.
    pub n_samples: usize,
    /// Length of a vector.
    pub width: usize,
}

/// Where a layer's vectors come from, one layer at a time.
pub trait VectorSource {
    /// The vectors of layer `layer` (its position in [`PlaneInput::layers`]), one a sample.
    ///
    /// # Errors
    /// When they can't be read.
    fn vectors(&self, layer: usize, kind: VectorKind) -> Result<Matrix, PlaneError>;
}

/// A layer of the run.
#[derive(Debug, Clone, PartialEq)]
pub struct LayerInput {
    /// Its name.
    pub name: String,
    /// Operators on the longest path from the input.
    pub depth: usize,
    /// Whether every path from the input to the output crosses it.
    pub cut: bool,
    /// Σ C − (F(x) − F(x')) of each sample, for a cut layer whose completeness was measured.
    pub delta: Option<Vec<f32>>,
}

/// The label Y of each sample.
#[derive(Debug, Clone, PartialEq)]
pub struct LabelInput {
    /// `class`; `group` where classes were mapped to groups; `predicted` for the network's own answer.
    pub kind: String,
    /// Index of each sample's label; `None` for a sample without one.
    pub values: Vec<Option<u32>>,
    /// Names by index; an index without a name is shown as a number.
    pub names: Vec<String>,
}

/// A run's samples and layers, from input to output.
pub struct PlaneInput<'a> {
    /// Number of samples.
    pub n_samples: usize,
    /// The layers, from input to output.
    pub layers: Vec<LayerInput>,
    /// Their vectors.
    pub vectors: Box<dyn VectorSource + 'a>,
    /// Y; `None` where the samples have no labels.
    pub label: Option<LabelInput>,
    /// Other labels that rows are made for beside those of `label`.
    pub further_labels: Vec<LabelInput>,
    /// True class of each sample as an output unit, for the accuracy; empty where unknown.
    pub classes: Vec<Option<u32>>,
    /// Output unit of the highest logit of each sample.
    pub predicted: Vec<u32>,
    /// F_t(x) of each sample.
    pub f_input: Vec<f32>,
    /// F_t(x') of each sample.
    pub f_baseline: Vec<f32>,
    /// Path steps of each sample.
    pub steps: Vec<u32>,
    /// Which output was attributed (`predicted`, `label`, …).
    pub target: String,
}

/// Some of the samples of another source.
struct Restricted<'a> {
    of: &'a dyn VectorSource,
    samples: Vec<usize>,
}

impl VectorSource for Restricted<'_> {
    fn vectors(&self, layer: usize, kind: VectorKind) -> Result<Matrix, PlaneError> {
        let all = self.of.vectors(layer, kind)?;
        let mut data = Vec::with_capacity(self.samples.len() * all.width);
        for &sample in &self.samples {
            let row = all.data.get(sample * all.width..(sample + 1) * all.width);
            data.extend_from_slice(row.ok_or_else(|| PlaneError::Length {
                what: "vectors of a layer".to_owned(),
                found: all.n_samples,
                expected: sample + 1,
            })?);
        }
        Ok(Matrix {
            data,
            n_samples: self.samples.len(),
            width: all.width,
        })
    }
}

impl PlaneInput<'_> {
    /// The samples at these positions, in this order. A position beyond the samples makes an input that
    /// every analysis refuses.
    pub fn restricted(&self, samples: &[usize]) -> PlaneInput<'_> {
        fn pick<T: Clone>(values: &[T], samples: &[usize]) -> Vec<T> {
            let picked = samples.iter().filter_map(|&sample| values.get(sample));
            picked.cloned().collect()
        }
        let label = |label: &LabelInput| LabelInput {
            values: pick(&label.values, samples),
            ..label.clone()
        };
        let layer = |layer: &LayerInput| LayerInput {
            delta: layer.delta.as_ref().map(|delta| pick(delta, samples)),
            ..layer.clone()
        };
        PlaneInput {
            n_samples: samples.len(),
            layers: self.layers.iter().map(layer).collect(),
            vectors: Box::new(Restricted {
                of: self.vectors.as_ref(),
                samples: samples.to_vec(),
            }),
            label: self.label.as_ref().map(label),
            further_labels: self.further_labels.iter().map(label).collect(),
            classes: pick(&self.classes, samples),
            predicted: pick(&self.predicted, samples),
            f_input: pick(&self.f_input, samples),
            f_baseline: pick(&self.f_baseline, samples),
            steps: pick(&self.steps, samples),
            target: self.target.clone(),
        }
    }

    /// Checks that everything has one finite entry a sample.
    pub(crate) fn check(&self) -> Result<(), PlaneError> {
        if self.layers.is_empty() {
            return Err(PlaneError::NoLayers);
        }
        let length = |what: &str, found: usize| {
            if found == self.n_samples {
                Ok(())
            } else {
                Err(PlaneError::Length {
                    what: what.to_owned(),
                    found,
                    expected: self.n_samples,
                })
            }
        };
        let finite = |what: &str, values: &[f32]| {
            length(what, values.len())?;
            match values.iter().position(|v| !v.is_finite()) {
                Some(sample) => Err(PlaneError::NotFinite {
                    what: what.to_owned(),
                    sample,
                }),
                None => Ok(()),
            }
        };
        length("predicted classes", self.predicted.len())?;
        length("path steps", self.steps.len())?;
        finite("outputs for the samples", &self.f_input)?;
        finite("outputs for the baseline", &self.f_baseline)?;
        if !self.classes.is_empty() {
            length("true classes", self.classes.len())?;
        }
        for label in self.label.iter().chain(&self.further_labels) {
            length("labels", label.values.len())?;
        }
        for layer in &self.layers {
            if let Some(delta) = &layer.delta {
                finite(
                    &format!("completeness errors of layer `{}`", layer.name),
                    delta,
                )?;
            }
        }
        Ok(())
    }
}
