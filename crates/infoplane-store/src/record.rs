//! What the sweep hands over: one analysed or skipped sample.

use serde::{Deserialize, Serialize};

use crate::error::StoreError;
use crate::manifest::RunManifest;

/// One analysed sample. The layers are those of the run's manifest, in its order.
#[derive(Debug, Clone, PartialEq)]
pub struct SampleRecord {
    /// Position in the data set, from 0.
    pub index: u64,
    /// The sample's name in its data set: a relative path, a row.
    pub id: String,
    /// Its class, where it has one.
    pub label: Option<u32>,
    /// Output unit of the highest logit.
    pub predicted: u32,
    /// Output unit that was attributed.
    pub target: u32,
    /// All outputs for the sample, `[n_outputs]`.
    pub logits: Vec<f32>,
    /// The target's output for the sample, F_t(x).
    pub f_input: f32,
    /// The target's output for the baseline, F_t(x').
    pub f_baseline: f32,
    /// Path steps taken.
    pub steps: u32,
    /// Largest relative completeness error over the cut layers.
    pub error: f32,
    /// Σ C − (F_t(x) − F_t(x')) at each cut layer, `[n_cut_layers]`.
    pub delta: Vec<f32>,
    /// Conductance vector of each layer, `[n_layers][n_channels of the layer]`.
    pub conductance: Vec<Vec<f32>>,
    /// Activation vector of each layer, `[n_layers][n_channels of the layer]`.
    pub activation: Vec<Vec<f32>>,
}

/// A sample that could not be analysed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SkippedSample {
    /// Position in the data set, from 0.
    pub index: u64,
    /// The sample's name in its data set.
    pub id: String,
    /// Why it was skipped, for people.
    pub reason: String,
}

/// What became of one sample.
#[derive(Debug, Clone, PartialEq)]
pub enum SampleOutcome {
    /// It was analysed.
    Analysed(Box<SampleRecord>),
    /// It was skipped.
    Skipped(SkippedSample),
}

impl SampleOutcome {
    /// The sample's position in the data set.
    pub fn index(&self) -> u64 {
        match self {
            Self::Analysed(record) => record.index,
            Self::Skipped(skipped) => skipped.index,
        }
    }
}

impl From<SampleRecord> for SampleOutcome {
    fn from(record: SampleRecord) -> Self {
        Self::Analysed(Box::new(record))
    }
}

impl From<SkippedSample> for SampleOutcome {
    fn from(skipped: SkippedSample) -> Self {
        Self::Skipped(skipped)
    }
}

impl SampleRecord {
    /// Checks that every vector has the length that the manifest states.
    pub(crate) fn check(&self, manifest: &RunManifest) -> Result<(), StoreError> {
        let fits = |what: &str, found: usize, expected: usize| {
            if found == expected {
                return Ok(());
            }
            Err(StoreError::InvalidSample {
                index: self.index,
                reason: format!("{what}: {found} values, {expected} expected"),
            })
        };
        let layers = &manifest.model.layers;
        let n_cut_layers = layers.iter().filter(|layer| layer.cut).count();
        fits("logits", self.logits.len(), manifest.model.n_outputs)?;
        fits(
            "completeness errors of cut layers",
            self.delta.len(),
            n_cut_layers,
        )?;
        for (kind, vectors) in [
            ("conductance", &self.conductance),
            ("activation", &self.activation),
        ] {
            fits(&format!("layers of {kind}"), vectors.len(), layers.len())?;
            for (layer, vector) in layers.iter().zip(vectors) {
                let what = format!("{kind} of layer `{}`", layer.name);
                fits(&what, vector.len(), layer.n_channels)?;
            }
        }
        Ok(())
    }
}
