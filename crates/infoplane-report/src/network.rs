//! Where the drawings of the network put its layers, and what joins them.

use std::collections::{HashMap, HashSet};

use infoplane_store::{LayerEdge, ModelInfo};
use serde::Serialize;

use crate::view::LayerView;

/// The analysed layers in columns from the input to the output.
///
/// Nodes are numbered: 0 is the input, layer `i` of [`RunView::layers`](crate::view::RunView) is
/// `i + 1`, and the last is the output.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Network {
    /// False where the manifest does not say how the layers hang together, and they are drawn as a
    /// chain.
    pub(crate) known: bool,
    /// Number of columns.
    pub(crate) columns: usize,
    /// One place a node.
    pub(crate) places: Vec<Place>,
    /// Lines and arcs, each from an earlier to a later column.
    pub(crate) edges: Vec<Edge>,
}

/// Where a node stands.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Place {
    /// Edges on the longest way from the input.
    pub(crate) column: usize,
    /// Distance from the middle line, in rows; 0 where the column has one node.
    pub(crate) lane: f64,
}

/// What joins two nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Edge {
    /// The node where it begins.
    pub(crate) from: usize,
    /// The node where it ends.
    pub(crate) to: usize,
    /// What lies beside the longest path between the two.
    pub(crate) skip: Skip,
}

/// Whether an edge has a skip connection in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Skip {
    /// Every path has as many convolutions and linear layers.
    None,
    /// One path has none.
    Identity,
    /// One path has fewer than another, such as a projection.
    Weighted,
}

impl Network {
    /// The drawing of `layers` with the manifest's `edges`; a chain where these do not fit the layers.
    pub(crate) fn new(layers: &[LayerView], edges: &[LayerEdge]) -> Self {
        let n_nodes = layers.len() + 2;
        let known = edges_by_node(layers, edges).filter(|edges| is_whole(edges, n_nodes));
        let edges = known.clone().unwrap_or_else(|| chain(n_nodes));
        let places = places(&edges, n_nodes);
        Self {
            known: known.is_some(),
            columns: places.iter().map(|p| p.column + 1).max().unwrap_or(0),
            places,
            edges,
        }
    }

    /// Whether an edge passes other columns than those of its ends.
    pub(crate) fn is_arc(&self, edge: &Edge) -> bool {
        let column = |node: usize| self.places.get(node).map_or(0, |place| place.column);
        column(edge.to) > column(edge.from) + 1
    }
}

/// The layers that are the network's output, or lead to it unit by unit: as many channels as outputs,
/// and nothing but functions of single channels after them. Of their conductances only that of the
/// attributed unit is there.
pub fn output_layers(model: &ModelInfo) -> HashSet<&str> {
    let mut found = HashSet::new();
    for (index, layer) in model.layers.iter().enumerate().rev() {
        let mut after = model
            .edges
            .iter()
            .filter(|edge| edge.from.as_ref() == Some(&layer.name))
            .peekable();
        let leads_out = match after.peek() {
            Some(_) => after.all(|edge| {
                let to = edge.to.as_deref();
                edge.most_products == 0 && to.is_none_or(|to| found.contains(to))
            }),
            None => model.edges.is_empty() && index + 1 == model.layers.len() && layer.cut,
        };
        if leads_out && layer.n_channels == model.n_outputs {
            found.insert(layer.name.as_str());
        }
    }
    found
}

/// The edges by node, where every name is that of a layer.
fn edges_by_node(layers: &[LayerView], edges: &[LayerEdge]) -> Option<Vec<Edge>> {
    let node: HashMap<&str, usize> = layers
        .iter()
        .map(|layer| (layer.name.as_str(), layer.ordinal))
        .collect();
    let known = |name: &Option<String>, outside: usize| match name {
        None => Some(outside),
        Some(name) => node.get(name.as_str()).copied(),
    };
    edges
        .iter()
        .map(|edge| {
            let skip = match (edge.fewest_products, edge.most_products) {
                (fewest, most) if fewest >= most => Skip::None,
                (0, _) => Skip::Identity,
                _ => Skip::Weighted,
            };
            Some(Edge {
                from: known(&edge.from, 0)?,
                to: known(&edge.to, layers.len() + 1)?,
                skip,
            })
        })
        .collect()
}

/// Whether edges run forward and reach every node.
fn is_whole(edges: &[Edge], n_nodes: usize) -> bool {
    let mut reached = vec![false; n_nodes];
    reached[0] = true;
    for edge in edges {
        if edge.from >= edge.to {
            return false;
        }
        reached[edge.to] = true;
    }
    reached.iter().all(|reached| *reached)
}

fn chain(n_nodes: usize) -> Vec<Edge> {
    (1..n_nodes)
        .map(|to| Edge {
            from: to - 1,
            to,
            skip: Skip::None,
        })
        .collect()
}

fn places(edges: &[Edge], n_nodes: usize) -> Vec<Place> {
    let mut columns = vec![0; n_nodes];
    // A node's beginnings have lower numbers, so their columns are final before they are used.
    for node in 1..n_nodes {
        let before = edges.iter().filter(|edge| edge.to == node);
        columns[node] = before.map(|edge| columns[edge.from] + 1).max().unwrap_or(0);
    }
    // The output has a column of its own, also beside layers that lead nowhere.
    let deepest = columns[..n_nodes - 1].iter().copied().max().unwrap_or(0);
    columns[n_nodes - 1] = deepest + 1;
    let mut in_column: HashMap<usize, Vec<usize>> = HashMap::new();
    for (node, column) in columns.iter().enumerate() {
        in_column.entry(*column).or_default().push(node);
    }
    (0..n_nodes)
        .map(|node| {
            let column = columns[node];
            let beside = &in_column[&column];
            let position = beside.iter().filter(|other| **other < node).count();
            Place {
                column,
                lane: position as f64 - (beside.len() - 1) as f64 / 2.0,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use infoplane_store::LayerInfo;

    use super::*;

    fn layers(names: &[&str]) -> Vec<LayerView> {
        names
            .iter()
            .enumerate()
            .map(|(index, name)| LayerView {
                name: (*name).to_owned(),
                shown: (*name).to_owned(),
                short: (*name).to_owned(),
                ordinal: index + 1,
                depth: index,
                cut: true,
                output: false,
                operator: None,
                shape: None,
            })
            .collect()
    }

    /// `from>to`, `·` for the input and the output, with the fewest and the most products.
    fn edges(texts: &[(&str, usize, usize)]) -> Vec<LayerEdge> {
        let end = |name: &str| (name != "·").then(|| name.to_owned());
        texts
            .iter()
            .map(|(ends, fewest_products, most_products)| {
                let (from, to) = ends.split_once('>').unwrap();
                LayerEdge {
                    from: end(from),
                    to: end(to),
                    fewest_products: *fewest_products,
                    most_products: *most_products,
                }
            })
            .collect()
    }

    #[test]
    fn branches_share_a_column_and_skips_pass_it() {
        let layers = layers(&["a", "b", "c", "sum"]);
        let network = Network::new(
            &layers,
            &edges(&[
                ("·>a", 1, 1),
                ("a>b", 1, 1),
                ("a>c", 1, 3),
                ("a>sum", 0, 0),
                ("b>sum", 0, 0),
                ("c>sum", 0, 2),
                ("sum>·", 1, 1),
            ]),
        );
        assert!(network.known);
        let places: Vec<(usize, f64)> = network.places.iter().map(|p| (p.column, p.lane)).collect();
        assert_eq!(
            places,
            [(0, 0.0), (1, 0.0), (2, -0.5), (2, 0.5), (3, 0.0), (4, 0.0)]
        );
        assert_eq!(network.columns, 5);
        let arcs: Vec<(usize, usize)> = network
            .edges
            .iter()
            .filter(|edge| network.is_arc(edge))
            .map(|edge| (edge.from, edge.to))
            .collect();
        assert_eq!(arcs, [(1, 4)]);
        let skips: Vec<Skip> = network.edges.iter().map(|edge| edge.skip).collect();
        assert_eq!(skips[2], Skip::Weighted);
        assert_eq!(skips[5], Skip::Identity);
        assert_eq!(skips[0], Skip::None);
    }

    #[test]
    fn layers_that_only_lead_out_are_the_output() {
        let layer = |name: &str, n_channels| LayerInfo {
            name: name.to_owned(),
            operator: String::new(),
            shape: vec![n_channels],
            n_channels,
            channels_last: false,
            cut: true,
            depth: 0,
        };
        let mut model = ModelInfo {
            name: String::new(),
            sha256: String::new(),
            input_shape: Vec::new(),
            n_outputs: 10,
            n_parameters: 0,
            layers: vec![layer("fire", 10), layer("conv", 10), layer("pool", 10)],
            edges: edges(&[
                ("·>fire", 1, 1),
                ("fire>conv", 1, 1),
                ("conv>pool", 0, 0),
                ("pool>·", 0, 0),
            ]),
        };
        assert_eq!(output_layers(&model), HashSet::from(["conv", "pool"]));
        model.edges.clear();
        assert_eq!(output_layers(&model), HashSet::from(["pool"]));
        model.n_outputs = 3;
        assert!(output_layers(&model).is_empty());
    }

    #[test]
    fn the_output_stands_alone_behind_layers_that_lead_nowhere() {
        let ends = [("·>a", 1, 1), ("a>dead", 1, 1), ("a>·", 1, 1)];
        let network = Network::new(&layers(&["a", "dead"]), &edges(&ends));
        let columns: Vec<usize> = network.places.iter().map(|place| place.column).collect();
        assert_eq!((network.known, columns), (true, vec![0, 1, 2, 3]));
    }

    #[test]
    fn without_fitting_edges_the_layers_are_a_chain() {
        let layers = layers(&["a", "b"]);
        let chained = Network::new(&layers, &[]);
        assert!(!chained.known);
        assert_eq!((chained.columns, chained.edges.len()), (4, 3));
        for misfits in [
            // A name that no layer has, a way back, and a layer that nothing leads to.
            edges(&[("·>a", 1, 1), ("a>b", 1, 1), ("b>z", 1, 1), ("b>·", 1, 1)]),
            edges(&[("·>a", 1, 1), ("a>b", 1, 1), ("b>a", 1, 1), ("b>·", 1, 1)]),
            edges(&[("·>a", 1, 1), ("a>·", 1, 1)]),
        ] {
            assert_eq!(Network::new(&layers, &misfits), chained, "{misfits:?}");
        }
    }
}
