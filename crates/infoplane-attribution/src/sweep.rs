//! What is attributed and how.

use infoplane_engine::Backend;
use infoplane_graph::Layer;

use crate::blur::GaussianBlur;
use crate::error::AttributionError;
use crate::node_store::DEFAULT_NODE_MEMORY;
use crate::quadrature::Quadrature;
use crate::reduction::Reduction;
use crate::worker::Worker;

/// The output unit whose value is attributed: a logit, never a softmax probability.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Target {
    /// The unit with the largest value at the input.
    #[default]
    Predicted,
    /// The sample's label. The label then leaks into the conductance, and I(C;Y) is inflated.
    Label,
    /// The same unit for all samples.
    Index(usize),
    /// A unit given with each sample.
    Given,
}

/// Where paths start.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Baseline {
    /// Zero where the path runs: in the network's own, normalised input space (mean grey for normalised
    /// images), or at an inner value (an embedding of zeros).
    #[default]
    Zero,
    /// One input for all samples, with the name to report.
    Fixed {
        /// Name (`black`, `mean`, …).
        name: String,
        /// One row of the network's input.
        row: Vec<f32>,
    },
    /// Each sample blurred.
    Blur(GaussianBlur),
    /// A row that is given with each sample.
    Given,
}

impl Baseline {
    /// The name to report.
    pub fn name(&self) -> &str {
        match self {
            Baseline::Zero => "zero",
            Baseline::Fixed { name, .. } => name,
            Baseline::Blur(_) => "blur",
            Baseline::Given => "input",
        }
    }

    /// Whether all samples' paths start at the same point. What stands beside the path may still differ.
    pub(crate) fn is_fixed(&self) -> bool {
        matches!(self, Baseline::Zero | Baseline::Fixed { .. })
    }
}

/// A layer of a sweep.
#[derive(Debug, Clone, PartialEq)]
pub struct SweepLayer {
    /// Its name.
    pub name: String,
    /// Channels; units where there are no positions.
    pub n_channels: usize,
    /// Units of a channel.
    pub positions: usize,
    /// Whether channels are the value's last axis (features of tokens), not the first.
    pub channels_last: bool,
    /// Whether every path from the input to the output crosses it.
    pub cut: bool,
}

impl From<&Layer> for SweepLayer {
    fn from(layer: &Layer) -> SweepLayer {
        SweepLayer {
            name: layer.name.clone(),
            n_channels: layer.n_channels(),
            positions: layer.position_shape().iter().product(),
            channels_last: layer.channels_last,
            cut: layer.cut,
        }
    }
}

/// How a sweep goes.
#[derive(Debug, Clone, PartialEq)]
pub struct SweepOptions {
    /// The quadrature.
    pub quadrature: Quadrature,
    /// Where paths start.
    pub baseline: Baseline,
    /// What is attributed.
    pub target: Target,
    /// What is kept of each layer.
    pub reduction: Reduction,
}

/// A sweep over samples: one network, its layers, one way to attribute.
pub struct Sweep<'b> {
    pub(crate) backend: &'b dyn Backend,
    pub(crate) layers: Vec<SweepLayer>,
    pub(crate) options: SweepOptions,
    pub(crate) nodes: Vec<f64>,
    pub(crate) node_memory: usize,
    pub(crate) shares_first_layer: bool,
}

impl<'b> Sweep<'b> {
    /// A sweep over the backend's requested layers, which `layers` describe in the same order.
    pub fn new(
        backend: &'b dyn Backend,
        layers: Vec<SweepLayer>,
        options: SweepOptions,
    ) -> Result<Sweep<'b>, AttributionError> {
        let layouts = backend.layouts();
        for (index, layer) in layers.iter().enumerate() {
            let (channels, positions) = layouts
                .get(index)
                .map_or((0, 0), |layout| (layout.channels, layout.positions));
            if (layer.n_channels, layer.positions) != (channels, positions) {
                return Err(AttributionError::Length {
                    what: "a layer",
                    expected: channels * positions,
                    actual: layer.n_channels * layer.positions,
                });
            }
        }
        let baseline_len = match &options.baseline {
            Baseline::Fixed { row, .. } => row.len(),
            Baseline::Blur(blur) => blur.len(),
            Baseline::Zero | Baseline::Given => backend.sample_len(),
        };
        if baseline_len != backend.sample_len() {
            return Err(AttributionError::Length {
                what: "the baseline",
                expected: backend.sample_len(),
                actual: baseline_len,
            });
        }
        if let Target::Index(target) = options.target
            && target >= backend.n_outputs()
        {
            return Err(AttributionError::TargetOutOfRange {
                target,
                n_outputs: backend.n_outputs(),
            });
        }
        Ok(Sweep {
            backend,
            nodes: options.quadrature.nodes(),
            layers,
            options,
            node_memory: DEFAULT_NODE_MEMORY,
            shares_first_layer: true,
        })
    }

    /// Lets each worker keep `bytes` of node states ([`DEFAULT_NODE_MEMORY`] otherwise), but at
    /// least those that an interval refers back to. With less more nodes are evaluated again; results
    /// are the same.
    pub fn with_node_memory(mut self, bytes: usize) -> Sweep<'b> {
        self.node_memory = bytes;
        self
    }

    /// Computes a first layer that is affine anew at every node, instead of at the ends of the path
    /// alone. It takes longer; each node's input is then rounded as other programs round it, which is
    /// what comparisons with them want, because a unit within rounding of its kink falls on either side.
    pub fn with_first_layer_at_every_node(mut self) -> Sweep<'b> {
        self.shares_first_layer = false;
        self
    }

    /// The layers, in the backend's order.
    pub fn layers(&self) -> &[SweepLayer] {
        &self.layers
    }

    /// How the sweep goes.
    pub fn options(&self) -> &SweepOptions {
        &self.options
    }

    /// Whether a path's start gives the same for every sample of the same target.
    pub(crate) fn starts_alike(&self) -> bool {
        self.options.baseline.is_fixed() && !self.backend.has_values_beside()
    }

    /// By cut layer, how far an interval's totals are from the output's rise over it.
    pub(crate) fn cut_errors<'t>(
        &'t self,
        totals: &'t [f64],
        rise: f64,
    ) -> impl Iterator<Item = f64> + 't {
        let layers = self.layers.iter().zip(totals);
        layers
            .filter(|(layer, _)| layer.cut)
            .map(move |(_, total)| total - rise)
    }

    /// The means to attribute samples one after another; allocates everything it will need.
    pub fn worker(&self) -> Worker<'_> {
        Worker::new(self)
    }
}
