//! A network, with its layers and its plan.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use infoplane_engine::{Plan, PlanOptions};
use infoplane_graph::{
    Blob, Graph, GraphError, Layer, NodeId, ShapedGraph, ValueId, Weights, default_layers, flow,
    layers_by_name, parse_onnx, read_torchvision,
};
use infoplane_store::{LayerEdge, LayerInfo, ModelInfo};
use sha2::{Digest, Sha256};

use crate::config::RunConfig;
use crate::controls::shuffle;
use crate::error::Error;
use crate::hub::{Located, USUAL_NETWORKS, USUAL_WEIGHTS};
use crate::model_source::ModelSource;

/// A network, ready to be planned.
pub struct Model {
    name: String,
    /// What messages call it: its file, or the architecture's name.
    label: String,
    sha256: String,
    graph: Graph,
    /// The weight file that the graph's constants lie in.
    mapped: Option<Arc<Blob>>,
}

/// Which layers are analysed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum LayerChoice {
    /// Outputs of blocks, at most 64.
    #[default]
    Default,
    /// Those of these names.
    Named(Vec<String>),
    /// Every layer.
    All,
}

/// Rows of a micro-batch are chosen so that a worker's values and gradients stay about this small, in
/// bytes, plus half of the bytes of the parameters: more rows save readings of the weights, but cost
/// memory and leave the caches.
const WORKER_BYTES: usize = 80 << 20;

/// Most rows of a micro-batch.
const MAX_ROWS: usize = 8;

impl Model {
    /// Reads what a configuration names.
    pub fn from_config(config: &RunConfig) -> Result<Model, Error> {
        let model = config.model.as_deref();
        let model = model.ok_or_else(|| Error::Setting("--model is missing".to_string()))?;
        Model::open(model, config.weights.as_deref())
    }

    /// Reads an ONNX file, or a torchvision architecture by its name with its weights. Either file may be
    /// one of the Hugging Face hub, `hf:OWNER/NAME[@REVISION][#FILE]`, which is then downloaded into its cache.
    pub fn open(model: &Path, weights: Option<&Path>) -> Result<Model, Error> {
        match ModelSource::of(model, weights)? {
            ModelSource::Onnx(path) => Model::read(path),
            ModelSource::Torchvision { name, weights } => Model::read_torchvision(name, weights),
        }
    }

    /// Reads a torchvision architecture with the weights of a `.safetensors` or `.pth` file.
    ///
    /// The file stays mapped while the model lives; its fingerprint is computed beside the reading.
    pub fn read_torchvision(name: &str, weights: &Path) -> Result<Model, Error> {
        let located = Located::of(weights, &USUAL_WEIGHTS)?;
        let weights = Weights::open(located.path())?;
        let blob = Arc::clone(weights.blob());
        let (graph, sha256) = std::thread::scope(|scope| {
            let hashing = scope.spawn(|| fingerprint(name, &blob));
            let graph = read_torchvision(name, &weights);
            // A panic there is a panic here.
            let hash = hashing
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            (graph, hash)
        });
        Ok(Model {
            name: name.to_string(),
            label: name.to_string(),
            graph: graph?,
            mapped: Some(blob),
            sha256: sha256.map_err(|source| GraphError::WeightsIo {
                path: weights.path().to_path_buf(),
                source,
            })?,
        })
    }

    /// Reads an ONNX file.
    pub fn read(path: &Path) -> Result<Model, Error> {
        let located = Located::of(path, &USUAL_NETWORKS)?;
        let path = located.path();
        let bytes = std::fs::read(path).map_err(|source| {
            Error::Graph(GraphError::Io {
                path: path.to_path_buf(),
                source,
            })
        })?;
        let mut model = loop {
            match Model::from_bytes(&bytes, path) {
                Err(Error::Model {
                    source: GraphError::ExternalData { file, .. },
                    ..
                }) if located.fetch_beside(&file)? => {}
                read => break read?,
            }
        };
        if let Some(name) = located.name() {
            model.name = name.to_string();
        }
        Ok(model)
    }

    /// Reads an ONNX model from memory; `path` is what it is called.
    pub fn from_bytes(bytes: &[u8], path: &Path) -> Result<Model, Error> {
        let label = path.display().to_string();
        let graph = parse_onnx(bytes, path).map_err(|error| named(error, &label))?;
        let name = path.file_stem().map_or_else(
            || PathBuf::from("model").display().to_string(),
            |stem| stem.to_string_lossy().into_owned(),
        );
        Ok(Model {
            name,
            label,
            sha256: hex(&Sha256::digest(bytes)),
            graph,
            mapped: None,
        })
    }

    /// The network with the parameters of `nodes` shuffled, each within itself: every one keeps its
    /// values, and so their mean and spread, but none its place. A parameter's order depends on its name
    /// and the seed alone.
    pub(crate) fn with_shuffled_parameters(&self, nodes: &[NodeId], seed: u64) -> Model {
        let graph = self
            .graph
            .with_changed_parameters(nodes, &mut |name, elements| {
                shuffle(elements, &format!("{seed} {name}"));
            });
        let mut hash = Sha256::new_with_prefix(&self.sha256);
        hash.update(format!(" {} shuffled, seed {seed}", nodes.len()));
        Model {
            name: self.name.clone(),
            label: self.label.clone(),
            sha256: hex(&hash.finalize()),
            graph,
            mapped: self.mapped.clone(),
        }
    }

    /// SHA-256 of the model's bytes, or of an architecture's name and weights, in hexadecimal.
    pub(crate) fn sha256(&self) -> &str {
        &self.sha256
    }

    /// Name for people.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The network.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// The network for one row of `sample_shape`, from which layers are chosen.
    pub fn shaped(&self, sample_shape: &[usize]) -> Result<ShapedGraph, Error> {
        let shaped = self.graph.specialize(sample_shape, 1);
        shaped.map_err(|error| named(error, &self.label))
    }

    /// The layers of a choice, in network order.
    pub fn layers(&self, shaped: &ShapedGraph, choice: &LayerChoice) -> Result<Vec<Layer>, Error> {
        let layers = match choice {
            LayerChoice::Default => default_layers(&self.graph, shaped),
            LayerChoice::Named(names) => layers_by_name(&self.graph, shaped, names)?,
            LayerChoice::All => infoplane_graph::layers(&self.graph, shaped),
        };
        if layers.is_empty() {
            return Err(Error::Setting("no layer was chosen".to_string()));
        }
        Ok(layers)
    }

    /// Compiles the network for sweeps of `n_nodes` path nodes over the given layers; `exact` leaves out
    /// kernels that transform their operands (Winograd's).
    ///
    /// The micro-batch divides the nodes evenly; it is one row where the network would mix the rows of a
    /// batch.
    pub fn plan(
        &self,
        sample_shape: &[usize],
        layers: &[Layer],
        n_nodes: usize,
        exact: bool,
    ) -> Result<Plan, Error> {
        self.plan_rows(sample_shape, layers, n_nodes, exact, false)
    }

    /// Compiles the network for running on from its layers with `n_sets` sets of replaced channels each.
    pub(crate) fn plan_keeping_values(
        &self,
        sample_shape: &[usize],
        layers: &[Layer],
        n_sets: usize,
        exact: bool,
    ) -> Result<Plan, Error> {
        self.plan_rows(sample_shape, layers, n_sets, exact, true)
    }

    fn plan_rows(
        &self,
        sample_shape: &[usize],
        layers: &[Layer],
        n_rows: usize,
        exact: bool,
        keep_values: bool,
    ) -> Result<Plan, Error> {
        let options = PlanOptions {
            layers: layers.iter().map(|layer| layer.value).collect(),
            keep_values,
            exact,
        };
        let single = self.shaped(sample_shape)?;
        let n_rows = n_rows.max(1);
        let rows_allowed = self.rows_allowed(&single, layers, keep_values).min(n_rows);
        let rows = n_rows.div_ceil(n_rows.div_ceil(rows_allowed));
        let shaped = match self.graph.specialize(sample_shape, rows) {
            Ok(shaped) if rows > 1 && shaped.rows_are_independent() => shaped,
            _ => single,
        };
        let plan = Plan::compile(&self.graph, &shaped, &options)?;
        // Most weights are packed now; those that are not come back when they are used.
        if let Some(mapped) = &self.mapped {
            mapped.release_pages();
        }
        Ok(plan)
    }

    /// Rows whose values fit: those of the requested layers live through both passes, and beside them a
    /// few of the largest ones; with `keep_values` those of all values do.
    fn rows_allowed(&self, single: &ShapedGraph, layers: &[Layer], keep_values: bool) -> usize {
        let elements = |shape: &[usize]| shape.iter().product::<usize>();
        let values = single
            .nodes()
            .iter()
            .map(|node| elements(single.shape(node.output)));
        let largest = values.clone().max().unwrap_or(0);
        let kept: usize = match keep_values {
            true => values.sum(),
            false => layers.iter().map(|layer| elements(&layer.shape)).sum(),
        };
        let row_bytes = size_of::<f32>() * (kept + 4 * largest);
        let parameter_bytes = size_of::<f32>() * self.graph.n_parameters() as usize;
        ((WORKER_BYTES + parameter_bytes / 2) / row_bytes.max(1)).clamp(1, MAX_ROWS)
    }

    /// What `run.json` says of the model, shaped for its samples.
    pub fn info(
        &self,
        sample_shape: &[usize],
        shaped: &ShapedGraph,
        layers: &[Layer],
    ) -> ModelInfo {
        let output = shaped.shape(self.graph.output());
        ModelInfo {
            name: self.name.clone(),
            sha256: self.sha256.clone(),
            input_shape: sample_shape.to_vec(),
            n_outputs: output.iter().skip(1).product(),
            n_parameters: self.graph.n_parameters(),
            layers: layers
                .iter()
                .map(|layer| LayerInfo {
                    name: layer.name.clone(),
                    operator: layer.operator.to_string(),
                    shape: layer.shape.clone(),
                    n_channels: layer.n_channels(),
                    cut: layer.cut,
                    depth: layer.depth,
                })
                .collect(),
            edges: self.edges(shaped, layers),
        }
    }

    /// How the layers hang together, by the names that they have here.
    fn edges(&self, shaped: &ShapedGraph, layers: &[Layer]) -> Vec<LayerEdge> {
        let values: Vec<ValueId> = layers.iter().map(|layer| layer.value).collect();
        let name = |end: Option<ValueId>| {
            let layer = layers.iter().find(|layer| Some(layer.value) == end)?;
            Some(layer.name.clone())
        };
        flow(&self.graph, shaped, &values)
            .iter()
            .map(|edge| LayerEdge {
                from: name(edge.from),
                to: name(edge.to),
                fewest_products: edge.fewest_products,
                most_products: edge.most_products,
            })
            .collect()
    }
}

/// An error of a model that says which one it is of.
fn named(error: GraphError, model: &str) -> Error {
    match error {
        GraphError::Unsupported(_)
        | GraphError::InvalidNode { .. }
        | GraphError::InvalidModel(_)
        | GraphError::ExternalData { .. } => Error::Model {
            model: model.to_string(),
            source: error,
        },
        error => error.into(),
    }
}

/// SHA-256 over an architecture's name, a zero byte and its weight file.
fn fingerprint(name: &str, weights: &Blob) -> std::io::Result<String> {
    let mut hash = Sha256::new_with_prefix(name);
    hash.update([0]);
    weights.for_each_chunk(0..weights.len(), 1, |bytes| hash.update(bytes))?;
    Ok(hex(&hash.finalize()))
}

/// Bytes in hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
