//! The result of an ablation: the content of `ablation.json`.

use serde::{Deserialize, Serialize};

use crate::{AblationSettings, Interval};

/// The content of `ablation.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AblationResult {
    /// Version of this layout.
    pub format: u32,
    /// The run it was measured on, as [`infoplane_store::RunDir::identity`] gives it.
    pub run: String,
    /// How it was measured.
    pub settings: AblationSettings,
    /// Samples that were ablated.
    pub n: usize,
    /// Of those, samples with a label.
    pub n_labelled: usize,
    /// Samples of the run, from which they were taken evenly.
    pub n_run: usize,
    /// Samples over which the means were taken; 0 where channels are replaced by zeros.
    pub n_mean: usize,
    /// The unchanged network.
    pub intact: Measures,
    /// The ablated layers, in network order.
    pub layers: Vec<LayerAblation>,
    /// Layers of the run that were not ablated.
    pub omitted: Vec<OmittedLayer>,
}

/// What the network's output is like over the samples, each with a 95 % interval over the samples and,
/// for random channels, the draws.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Measures {
    /// Share of the labelled samples whose highest output is their label; absent without labels.
    pub accuracy: Option<Interval>,
    /// Share of the samples whose highest output is that of the unchanged network.
    pub agreement: Interval,
    /// Mean logit of the attributed target.
    pub target_logit: Interval,
    /// Mean cross-entropy in bits: to the label, or without one to the unchanged prediction.
    pub cross_entropy: Interval,
}

/// One layer's curves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LayerAblation {
    /// Layer name.
    pub layer: String,
    /// Operators on the longest path from the input.
    pub depth: usize,
    /// Whether the layer is a cut layer.
    pub cut: bool,
    /// Channels of the layer; units where it has no positions.
    pub n_channels: usize,
    /// The deletion curves, by ascending number of channels. Fractions that come to the same number are
    /// one point.
    pub curve: Vec<CurvePoint>,
    /// The areas over the curves.
    pub area: Damages,
}

/// One number of replaced channels.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CurvePoint {
    /// Channels that are replaced.
    pub n_channels: usize,
    /// Their share of the layer's.
    pub fraction: f64,
    /// With the channels of highest mean |conductance| replaced.
    pub top: Measures,
    /// With as many random channels replaced, mean over the draws.
    pub control: Measures,
}

/// The area over each measure's curve.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Damages {
    /// Loss of accuracy; absent without labels.
    pub accuracy: Option<Damage>,
    /// Loss of agreement with the unchanged network.
    pub agreement: Damage,
    /// Loss of the target's logit.
    pub target_logit: Damage,
    /// Gain of cross-entropy, in bits. By this one layers are judged.
    pub cross_entropy: Damage,
}

/// The area over a deletion curve: the damage (the measure's loss, or the cross-entropy's gain, from the
/// unchanged network), averaged over the fraction of channels from 0 to the largest one that was tried,
/// by the trapezoidal rule from no damage at 0. 0 is no damage; the unit is the measure's own.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Damage {
    /// Of the channels of highest mean |conductance|.
    pub top: Interval,
    /// Of random channels.
    pub control: Interval,
    /// top − control, paired by sample: above 0 where conductance finds channels that matter more than
    /// others.
    pub effect: Interval,
}

/// A layer that was left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OmittedLayer {
    /// Layer name.
    pub layer: String,
    /// Why, in one sentence.
    pub reason: String,
}
