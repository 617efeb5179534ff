//! What can go wrong with an attribution.

use infoplane_engine::EngineError;

/// An error of an attribution.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AttributionError {
    /// The network could not be run.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// A sample or a baseline of another length than the network's input.
    #[error("{what} has {actual} elements where the network takes {expected}")]
    Length {
        /// Which of the two.
        what: &'static str,
        /// Elements the network takes.
        expected: usize,
        /// Elements that were given.
        actual: usize,
    },
    /// A target outside the network's outputs.
    #[error("the target {target} is no output of the network, which has {n_outputs} (0 to {})", n_outputs - 1)]
    TargetOutOfRange {
        /// The target.
        target: usize,
        /// Output units.
        n_outputs: usize,
    },
    /// The target is the label, and the sample has none.
    #[error("the target is the label, but the sample has none")]
    NoLabel,
    /// The baseline is given with each sample, and this one has none.
    #[error("the baseline is to be given with each sample, but this one has none")]
    NoBaseline,
    /// A channel that a layer does not have.
    #[error("layer `{layer}` has no channel {channel}; it has {n_channels}")]
    NoSuchChannel {
        /// The layer.
        layer: String,
        /// The channel.
        channel: usize,
        /// Channels of the layer.
        n_channels: usize,
    },
    /// An output is infinite or not a number, with a layer's channels replaced or without.
    #[error("the network's output is not finite{}", match layer {
        Some(layer) => format!(" with channels of layer `{layer}` replaced"),
        None => String::new(),
    })]
    NotFiniteAblated {
        /// The layer; `None` for the unchanged network.
        layer: Option<String>,
    },
    /// The network's output is infinite or not a number.
    #[error("the network's output is not finite at α = {alpha}")]
    NotFinite {
        /// Position on the path.
        alpha: f64,
    },
}
