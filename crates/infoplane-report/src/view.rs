//! What the sections and figures look at: the result with its layers in network order.

use std::collections::HashMap;

use infoplane_plane::{
    AblationResult, CompletenessRow, CriticalLayer, PlaneResult, PlaneRow, VectorKind,
};
use infoplane_store::{KeptMaps, RunManifest};
use serde::Serialize;

use crate::input::ReportInput;
use crate::labels::axis_labels;
use crate::network::{Network, output_layers};
use crate::samples::SamplesView;
use crate::text::visible;

/// One analysed layer, as the report names it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct LayerView {
    /// The value's name, as in the rows.
    pub(crate) name: String,
    /// The name with invisible characters spelled out.
    pub(crate) shown: String,
    /// A label for axes.
    pub(crate) short: String,
    /// 1 for the layer nearest the input.
    pub(crate) ordinal: usize,
    /// Operators on the longest path from the input.
    pub(crate) depth: usize,
    /// Whether every path from the input to the output crosses it.
    pub(crate) cut: bool,
    /// Whether it is the network's output, where only the attributed unit has conductance, so that its
    /// figures tell of the prediction.
    pub(crate) output: bool,
    /// The operator that makes it, where the manifest knows.
    pub(crate) operator: Option<String>,
    /// Shape of one sample's value, where the manifest knows.
    pub(crate) shape: Option<Vec<usize>>,
}

/// A result, its manifest, and the layers that both are about.
#[derive(Debug)]
pub(crate) struct RunView<'a> {
    pub(crate) manifest: &'a RunManifest,
    pub(crate) plane: &'a PlaneResult,
    /// The deletion curves, where the run has an ablation.
    pub(crate) ablation: Option<&'a AblationResult>,
    /// Layers that have rows, in network order.
    pub(crate) layers: Vec<LayerView>,
    /// How the layers hang together.
    pub(crate) network: Network,
    /// The estimator shown first: that of the first row.
    pub(crate) estimator: &'a str,
    position: HashMap<&'a str, usize>,
    /// Samples with maps of their conductance, where the run kept any.
    pub(crate) samples: Option<SamplesView>,
    /// The same as they are stored.
    pub(crate) kept: Option<&'a KeptMaps>,
}

impl<'a> RunView<'a> {
    pub(crate) fn new(input: &ReportInput<'a>) -> Self {
        let ReportInput {
            manifest,
            plane,
            ablation,
            samples: kept,
        } = *input;
        let mut layers: Vec<LayerView> = Vec::new();
        let mut position = HashMap::new();
        let outputs = output_layers(&manifest.model);
        for row in &plane.rows {
            if position.contains_key(row.layer.as_str()) {
                continue;
            }
            let known = manifest.model.layers.iter().find(|l| l.name == row.layer);
            position.insert(row.layer.as_str(), layers.len());
            layers.push(LayerView {
                name: row.layer.clone(),
                shown: visible(&row.layer).into_owned(),
                short: String::new(),
                ordinal: layers.len() + 1,
                depth: row.depth,
                cut: row.cut,
                output: outputs.contains(row.layer.as_str()),
                operator: known.map(|l| l.operator.clone()),
                shape: known.map(|l| l.shape.clone()),
            });
        }
        let named: Vec<(&str, Option<&str>)> = layers
            .iter()
            .map(|layer| (layer.name.as_str(), layer.operator.as_deref()))
            .collect();
        let labels = axis_labels(&named);
        for (layer, label) in layers.iter_mut().zip(labels) {
            layer.short = label;
        }
        Self {
            manifest,
            plane,
            network: Network::new(&layers, &manifest.model.edges),
            ablation,
            layers,
            estimator: plane.rows.first().map_or("", |row| &row.estimator),
            position,
            samples: None,
            kept,
        }
    }

    /// Index of a layer in [`RunView::layers`].
    pub(crate) fn index(&self, layer: &str) -> Option<usize> {
        self.position.get(layer).copied()
    }

    /// Whether a layer is the network's output.
    pub(crate) fn is_output(&self, layer: &str) -> bool {
        self.index(layer)
            .is_some_and(|index| self.layers[index].output)
    }

    /// The ranked layers, best first, without the network's output.
    pub(crate) fn ranked(&self) -> impl Iterator<Item = &'a CriticalLayer> + '_ {
        let ranked = self.plane.critical.iter();
        ranked.filter(|layer| !self.is_output(&layer.layer))
    }

    /// Rows of one kind by the plane's own estimator and label, in network order.
    pub(crate) fn rows(&self, kind: VectorKind) -> impl Iterator<Item = &'a PlaneRow> + '_ {
        self.plane.own_rows().filter(move |row| row.kind == kind)
    }

    /// Whether the samples have labels, so that I(C;Y) and ITE exist.
    pub(crate) fn labelled(&self) -> bool {
        self.plane.own_rows().any(|row| row.mi_y.is_some())
    }

    /// The cut layer whose 95th percentile of the relative completeness error is largest.
    pub(crate) fn worst_completeness(&self) -> Option<&'a CompletenessRow> {
        self.plane
            .completeness
            .iter()
            .max_by(|a, b| a.relative.p95.total_cmp(&b.relative.p95))
    }
}

/// Whether a row's figures may rank its layer.
pub(crate) fn is_trusted(row: &PlaneRow) -> bool {
    let sound = |figure: &infoplane_plane::Figure| !figure.saturated && !figure.flagged;
    row.mi_x.as_ref().is_none_or(sound) && row.mi_y.as_ref().is_none_or(sound)
}

/// Whether two intervals have a point in common.
pub(crate) fn overlap(a: [f64; 2], b: [f64; 2]) -> bool {
    a[0] <= b[1] && b[0] <= a[1]
}
