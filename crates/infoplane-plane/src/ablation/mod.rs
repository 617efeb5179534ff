//! Ablation: how much a layer's channels of highest conductance are worth to the output, compared with
//! as many random ones.
//!
//! [`ChannelSets`] says what is replaced, [`summarise`] makes deletion curves and their areas of what was
//! measured, [`write_ablation`] and [`read_ablation`] keep the result as `ablation.json` and
//! `ablation.csv`, and [`combine`] holds it against the plane's ranking. Nothing here runs a network.

mod channels;
mod combine;
mod curves;
mod files;
mod result;
mod settings;

pub use channels::{ChannelSets, channel_magnitudes};
pub use combine::{AblationEvidence, LayerEvidence, Verdict, combine};
pub use curves::{AblationInput, LayerOutcomes, Outcome, summarise};
pub use files::{ABLATION_FORMAT, read_ablation, write_ablation};
pub use result::{
    AblationResult, CurvePoint, Damage, Damages, LayerAblation, Measures, OmittedLayer,
};
pub use settings::{AblationSettings, MEAN_SAMPLES, Replacement};
