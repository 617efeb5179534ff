//! Small graphs of one operator: shapes, costs, and whether samples mix.

use super::*;
use crate::flow::flow;
use crate::graph::GraphBuilder;
use crate::layers::{default_layers, layers};
use crate::op::{Padding, Window};
use crate::tensor::TensorData;
use crate::topology::Topology;

const BATCH: usize = 3;

fn floats(shape: &[usize]) -> Tensor {
    let len = shape.iter().product();
    Tensor::new(shape.to_vec(), TensorData::F32(vec![0.5; len].into())).unwrap()
}

fn integers(values: &[i64]) -> Tensor {
    Tensor::from_integers(values.to_vec())
}

/// A graph whose nodes take the input `x` or earlier results by name; the last one's first result is
/// the output.
fn graph(
    sample: &[usize],
    constants: &[(&str, Tensor)],
    nodes: &[(Op, &[&str], &[&str])],
) -> Graph {
    let mut builder = GraphBuilder::default();
    let input = builder.value("x");
    for (name, tensor) in constants {
        builder.constant(name, tensor.clone());
    }
    for (op, inputs, outputs) in nodes {
        let mut ids = |names: &[&str]| names.iter().map(|name| Some(builder.value(name))).collect();
        let (inputs, outputs) = (ids(inputs), ids(outputs));
        builder.node(Node {
            name: format!("node of {outputs:?}"),
            op: op.clone(),
            inputs,
            outputs,
        });
    }
    let mut dims = vec![Dim::Free("N".to_string())];
    dims.extend(sample.iter().map(|&size| Dim::Fixed(size)));
    let output = builder.value(nodes.last().unwrap().2[0]);
    builder.finish(input, dims, output).unwrap()
}

fn shaped(graph: &Graph) -> ShapedGraph {
    let sample = graph.sample_shape().unwrap();
    graph.specialize(&sample, BATCH).unwrap()
}

/// Shape of the result, multiply-adds, and whether rows are independent, of one operator.
fn one(sample: &[usize], op: Op, operands: &[Tensor]) -> (Vec<usize>, u64, bool) {
    let names: Vec<String> = (0..operands.len()).map(|i| format!("c{i}")).collect();
    let constants: Vec<(&str, Tensor)> = names
        .iter()
        .zip(operands)
        .map(|(name, tensor)| (name.as_str(), tensor.clone()))
        .collect();
    let inputs: Vec<&str> = std::iter::once("x")
        .chain(constants.iter().map(|c| c.0))
        .collect();
    let graph = graph(sample, &constants, &[(op, &inputs, &["y"])]);
    let shaped = shaped(&graph);
    let step = &shaped.nodes()[0];
    let shape = shaped.shape(step.output).to_vec();
    (
        shape,
        shaped.multiply_adds(step),
        shaped.rows_are_independent(),
    )
}

fn window(kernel: &[usize]) -> Window {
    Window {
        kernel: Some(kernel.to_vec()),
        strides: vec![2; kernel.len()],
        dilations: vec![],
        padding: Padding::Explicit(vec![]),
        ceil_mode: false,
    }
}

#[test]
fn shapes_and_costs_of_windows_and_normalisations() {
    let transposed = Op::ConvTranspose {
        window: window(&[3, 3]),
        group: 2,
        output_padding: vec![1, 0],
        output_shape: None,
    };
    let weights = [floats(&[4, 3, 3, 3])];
    assert_eq!(
        one(&[4, 5, 6], transposed, &weights),
        (vec![3, 6, 12, 13], 3 * 4 * 5 * 6 * 3 * 9, true)
    );
    let pool = Op::LpPool {
        window: window(&[2, 2]),
        p: 2,
    };
    assert_eq!(
        one(&[4, 6, 6], pool, &[]),
        (vec![3, 4, 3, 3], 3 * 4 * 9 * 4, true)
    );
    assert_eq!(
        one(&[4, 5, 6], Op::GlobalMaxPool, &[]),
        (vec![3, 4, 1, 1], 3 * 4 * 30, true)
    );
    assert_eq!(
        one(&[4, 7], Op::GlobalLpPool { p: 1 }, &[]),
        (vec![3, 4, 1], 3 * 4 * 7, true)
    );
    let norm = Op::GroupNormalization {
        groups: 2,
        epsilon: 1e-5,
    };
    for parameters in [2, 4] {
        let parameters = [floats(&[parameters]), floats(&[parameters])];
        assert_eq!(
            one(&[4, 5], norm.clone(), &parameters),
            (vec![3, 4, 5], 60, true)
        );
    }
    let response = Op::Lrn {
        size: 5,
        alpha: 1.0,
        beta: 0.75,
        bias: 1.0,
    };
    assert_eq!(one(&[4, 5], response, &[]), (vec![3, 4, 5], 300, true));
}

#[test]
fn of_three_spatial_axes_the_first_is_pooled() {
    let pool = |kernel: &[usize], strides: &[usize]| Op::AveragePool {
        window: Window {
            kernel: Some(kernel.to_vec()),
            strides: strides.to_vec(),
            dilations: vec![],
            padding: Padding::Explicit(vec![1, 0, 0, 1, 0, 0]),
            ceil_mode: false,
        },
        count_include_pad: true,
    };
    let shape = [1, 6, 2, 5];
    assert_eq!(
        one(&shape, pool(&[3, 1, 1], &[1, 1, 1]), &[]),
        (vec![3, 1, 6, 2, 5], 3 * 60 * 3, true)
    );
    for (kernel, strides) in [([3, 2, 1], [1, 1, 1]), ([3, 1, 1], [1, 2, 1])] {
        let nodes: [(Op, &[&str], &[&str]); 1] = [(pool(&kernel, &strides), &["x"], &["y"])];
        let error = graph(&shape, &[], &nodes)
            .specialize(&shape, BATCH)
            .unwrap_err();
        assert!(error.to_string().contains("3 spatial axes"), "{error}");
    }
}

#[test]
fn shapes_of_what_moves_elements() {
    let to_space = Op::DepthToSpace {
        block: 2,
        channel_first: false,
    };
    assert_eq!(one(&[8, 3, 5], to_space, &[]), (vec![3, 2, 6, 10], 0, true));
    let to_depth = Op::SpaceToDepth { block: 2 };
    assert_eq!(one(&[2, 6, 10], to_depth, &[]), (vec![3, 8, 3, 5], 0, true));
    assert_eq!(
        one(&[4, 1], Op::Expand, &[integers(&[1, 1, 6])]),
        (vec![3, 4, 6], 0, true)
    );
    assert_eq!(
        one(&[4, 2], Op::Tile, &[integers(&[1, 3, 2])]),
        (vec![3, 12, 4], 0, true)
    );
    let gather = |axis| Op::Gather { axis };
    assert_eq!(
        one(&[4, 2], gather(1), &[integers(&[0, -1])]),
        (vec![3, 2, 2], 0, true)
    );
    let scalar = integers(&[1]).reshaped(vec![]).unwrap();
    assert_eq!(one(&[4, 2], gather(1), &[scalar]), (vec![3, 2], 0, true));
}

#[test]
fn rows_that_mix_are_found() {
    let einsum = |equation: &str| Op::Einsum {
        equation: equation.to_string(),
    };
    for (op, operand) in [
        (Op::Tile, integers(&[2, 1, 1])),
        (Op::Gather { axis: 0 }, integers(&[2, 1, 0])),
        (Op::Expand, integers(&[3, 3, 4, 2])),
        (einsum("nij,nk->nijk"), floats(&[3, 2])),
        (einsum("nij,jk->ink"), floats(&[2, 5])),
        (einsum("nij,k->inj"), floats(&[1])),
    ] {
        assert!(!one(&[4, 2], op.clone(), &[operand]).2, "{op:?}");
    }
    let kept = einsum("nij,jk->nki");
    assert_eq!(
        one(&[4, 2], kept, &[floats(&[2, 5])]),
        (vec![3, 5, 4], 3 * 4 * 2 * 5, true)
    );
    let pooled = einsum("nij->ni");
    assert_eq!(one(&[4, 2], pooled, &[]), (vec![3, 4], 24, true));
}

#[test]
fn a_table_is_looked_up_by_what_runs() {
    let nodes: [(Op, &[&str], &[&str]); 1] = [(Op::Gather { axis: 0 }, &["table", "x"], &["y"])];
    let graph = graph(&[7], &[("table", floats(&[10, 4]))], &nodes);
    let shaped = shaped(&graph);
    assert_eq!(shaped.shape(graph.output()), [3, 7, 4]);
    assert!(matches!(shaped.nodes()[0].operation, Operation::Lookup));
    assert_eq!(shaped.parameters(&shaped.nodes()[0]), 40);
    assert!(shaped.rows_are_independent());
}

#[test]
fn samples_of_token_ids_are_checked_against_the_smallest_table() {
    let gather = || Op::Gather { axis: 0 };
    let tables = [("long", floats(&[10, 4])), ("short", floats(&[6, 4]))];
    let graph = graph(
        &[2],
        &tables,
        &[
            (Op::Identity, &["x"], &["ids"]),
            (gather(), &["long", "ids"], &["a"]),
            (gather(), &["short", "x"], &["b"]),
            (Op::Add, &["a", "b"], &["y"]),
        ],
    );
    let shaped = shaped(&graph);
    assert_eq!(shaped.token_table(&graph).map(|(_, rows)| rows), Some(6));
    for good in [[0.0, 5.0], [-1.0, -6.0]] {
        shaped.check_tokens(&graph, &good).unwrap();
    }
    for bad in [6.0, -7.0, 0.5, f32::NAN, f32::INFINITY] {
        let message = shaped
            .check_tokens(&graph, &[0.0, bad])
            .unwrap_err()
            .to_string();
        let parts = ["`x`", "`short`", "0 to 5", "position 1", &bad.to_string()];
        assert!(parts.iter().all(|part| message.contains(part)), "{message}");
    }
    let images = self::graph(&[2], &[], &[(Op::Relu, &["x"], &["y"])]);
    assert_eq!(self::shaped(&images).token_table(&images), None);
}

#[test]
fn a_table_along_another_axis_and_two_running_operands_are_refused() {
    let refusal = |axis: i64, inputs: &[&str]| {
        let nodes: [(Op, &[&str], &[&str]); 1] = [(Op::Gather { axis }, inputs, &["y"])];
        let graph = graph(&[7], &[("table", floats(&[10, 4]))], &nodes);
        graph.specialize(&[7], BATCH).unwrap_err().to_string()
    };
    assert!(refusal(1, &["table", "x"]).contains("axis 1"));
    assert!(refusal(0, &["x", "x"]).contains("depend on the input"));
}

/// x is split in three along its channels; the first and the last part are added.
fn split_graph(op: Op, operand: Option<Tensor>) -> Graph {
    let constants: Vec<(&str, Tensor)> = operand.into_iter().map(|t| ("sizes", t)).collect();
    let inputs: &[&str] = if constants.is_empty() {
        &["x"]
    } else {
        &["x", "sizes"]
    };
    graph(
        &[6, 2],
        &constants,
        &[
            (op, inputs, &["a", "b", "c"]),
            (Op::Relu, &["a"], &["r"]),
            (Op::Add, &["r", "c"], &["y"]),
        ],
    )
}

#[test]
fn a_split_is_one_slice_a_used_result() {
    let split = |sizes: Option<&[i64]>, parts| Op::Split {
        axis: 1,
        sizes: sizes.map(<[i64]>::to_vec),
        parts,
    };
    for (op, operand) in [
        (split(None, None), None),
        (split(Some(&[2, 2, 2]), None), None),
        (split(None, Some(3)), None),
        (split(None, None), Some(integers(&[2, 2, 2]))),
    ] {
        let graph = split_graph(op, operand);
        let shaped = shaped(&graph);
        let starts: Vec<&[usize]> = shaped
            .nodes()
            .iter()
            .filter_map(|step| match &step.operation {
                Operation::Slice { starts, .. } => Some(starts.as_slice()),
                _ => None,
            })
            .collect();
        assert_eq!(starts, [[0, 0, 0], [0, 4, 0]]);
        assert!(shaped.rows_are_independent());
        let topology = Topology::of(&graph, &shaped);
        let layers = layers(&graph, &shaped);
        let names: Vec<(&str, &str, bool)> = layers
            .iter()
            .map(|layer| (layer.name.as_str(), layer.operator, layer.cut))
            .collect();
        assert_eq!(
            names,
            [
                ("a", "Split", false),
                ("c", "Split", false),
                ("r", "Relu", false),
                ("y", "Add", true)
            ]
        );
        assert_eq!(topology.depth(graph.output()), Some(3));
        let chosen: Vec<ValueId> = default_layers(&graph, &shaped)
            .iter()
            .map(|layer| layer.value)
            .collect();
        assert_eq!(chosen, [layers[2].value, layers[3].value]);
        assert_eq!(flow(&graph, &shaped, &chosen).len(), 4);
    }
}

#[test]
fn parts_of_a_constant_fold() {
    let split = Op::Split {
        axis: 0,
        sizes: Some(vec![1, 2]),
        parts: None,
    };
    let graph = graph(
        &[6, 2],
        &[("sizes", integers(&[-1, 4, 3]))],
        &[
            (split, &["sizes"], &["batch", "rest"]),
            (Op::Reshape { allow_zero: false }, &["x", "shape"], &["y"]),
            (Op::Concat { axis: 0 }, &["batch", "rest"], &["shape"]),
            (Op::Relu, &["y"], &["z"]),
        ],
    );
    assert_eq!(shaped(&graph).shape(graph.output()), [3, 4, 3]);
}

#[test]
fn splits_that_do_not_fit_are_refused() {
    for (sizes, parts) in [
        (Some(vec![2, 2, 3]), None),
        (Some(vec![2, 4]), None),
        (Some(vec![-1, 4, 3]), None),
        (Some(vec![i64::MAX, i64::MAX, 8]), None),
        (None, Some(4)),
        (None, Some(-1)),
    ] {
        let op = Op::Split {
            axis: 1,
            sizes,
            parts,
        };
        let graph = split_graph(op.clone(), None);
        let error = graph.specialize(&[6, 2], BATCH).unwrap_err();
        assert!(matches!(error, GraphError::InvalidNode { .. }), "{op:?}");
    }
}

#[test]
fn an_uneven_split_has_a_smaller_last_part() {
    let op = Op::Split {
        axis: 1,
        sizes: None,
        parts: Some(2),
    };
    let graph = graph(&[7], &[], &[(op, &["x"], &["a", "b"])]);
    assert_eq!(shaped(&graph).shape(graph.output()), [3, 4]);
}
