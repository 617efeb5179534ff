//! Functions of the model, branches, and what is not needed.

use super::{BOOL, FLOAT, Net, assert_says, integers, node, value};
use crate::onnx::proto::{GraphProto, NodeProto};
use crate::operation::{Operation, Unary};

#[test]
fn a_function_that_calls_itself_is_refused() {
    let net = Net::new(vec![node("F", &["x"], &["y"]).of("own")])
        .function("F", vec![node("G", &["a"], &["b"]).of("own")])
        .function("G", vec![node("F", &["a"], &["b"]).of("own")]);
    assert_says(&net.refusal(), &["`F` calls itself"]);
}

#[test]
fn functions_that_unroll_without_end_are_refused() {
    let mut net = Net::new(vec![node("F0", &["x"], &["y"]).of("own")]);
    for level in 0..40 {
        let next = format!("F{}", level + 1);
        let body = vec![
            node(&next, &["a"], &["h"]).of("own"),
            node(&next, &["h"], &["b"]).of("own"),
        ];
        net = net.function(&format!("F{level}"), body);
    }
    net = net.function("F40", vec![node("Relu", &["a"], &["b"])]);
    assert_says(&net.refusal(), &["unroll"]);
}

#[test]
fn values_of_a_function_are_named_after_its_call() {
    let body = vec![node("Relu", &["a"], &["h"]), node("Exp", &["h"], &["b"])];
    let net = Net::new(vec![
        node("F", &["x"], &["m"]).of("own"),
        node("F", &["m"], &["y"]).of("own"),
    ])
    .function("F", body);
    let graph = net.read().unwrap();
    let made: Vec<&str> = (graph.nodes().iter())
        .filter_map(|node| Some(graph.value(node.outputs[0]?).name.as_str()))
        .collect();
    assert_eq!(made, ["m_node/h", "m", "y_node/h", "y"]);
}

#[test]
fn an_unknown_operator_counts_only_where_the_logits_need_it() {
    let nodes = |needed: &str| {
        vec![
            node("Relu", &["x"], &["h"]),
            node("Strange", &["x"], &["s"]).of("other"),
            node("Exp", &[needed], &["y"]),
        ]
    };
    assert_eq!(Net::new(nodes("h")).operations().len(), 2);
    let refused = Net::new(nodes("s")).refusal();
    assert_says(&refused, &["`s_node`", "other.Strange"]);
}

#[test]
fn a_condition_that_depends_on_the_input_is_refused() {
    let branch = || GraphProto {
        node: vec![node("Relu", &["x"], &["r"])],
        output: vec![value("r", FLOAT, &[2, 3])],
        ..GraphProto::default()
    };
    let net = Net::new(vec![
        node("Cast", &["x"], &["c"]).integer("to", BOOL.into()),
        node("If", &["c"], &["y"])
            .graph("then_branch", branch())
            .graph("else_branch", branch()),
    ]);
    assert_says(&net.refusal(), &["`y_node`", "operator If", "no constant"]);
}

#[test]
fn a_branch_may_pass_on_a_value_of_around() {
    let branch = |result: &str, nodes: Vec<NodeProto>| GraphProto {
        node: nodes,
        output: vec![value(result, FLOAT, &[2, 3])],
        ..GraphProto::default()
    };
    let unknown = branch("u", vec![node("Unknown", &["h"], &["u"])]);
    let net = Net::new(vec![
        node("Exp", &["x"], &["h"]),
        node("If", &["yes"], &["y"])
            .graph("then_branch", branch("h", vec![]))
            .graph("else_branch", unknown),
    ])
    .constant(integers("yes", BOOL, &[], &[1]));
    assert_eq!(
        net.operations(),
        [Operation::Unary(Unary::Exp), Operation::Reshape]
    );
}

#[test]
fn branches_nested_without_end_are_refused() {
    let mut graph = GraphProto {
        node: vec![node("Relu", &["x"], &["r"])],
        output: vec![value("r", FLOAT, &[2, 3])],
        ..GraphProto::default()
    };
    for _ in 0..60 {
        graph = GraphProto {
            node: vec![node("If", &["yes"], &["r"]).graph("then_branch", graph)],
            output: vec![value("r", FLOAT, &[2, 3])],
            ..GraphProto::default()
        };
    }
    let net = Net::new(vec![
        node("If", &["yes"], &["y"]).graph("then_branch", graph),
    ])
    .constant(integers("yes", BOOL, &[], &[1]));
    assert_says(&net.refusal(), &["recursion limit"]);
}
