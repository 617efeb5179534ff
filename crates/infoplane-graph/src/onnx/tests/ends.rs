//! Where the logits are.

use super::{FLOAT, INT64, Net, assert_says, floats, node, value};

#[test]
fn a_sigmoid_of_one_unit_is_left_out_and_others_stay() {
    let nodes = vec![
        node("MatMul", &["x", "w"], &["z"]),
        node("Sigmoid", &["z"], &["y"]),
    ];
    let one = Net::new(nodes.clone())
        .constant(floats("w", &[3, 1], &[1.0; 3]))
        .outputs(vec![value("y", FLOAT, &[2, 1])]);
    let graph = one.read().unwrap();
    assert_eq!(graph.value(graph.output()).name, "z");
    let note = "its last operator Sigmoid `y_node` is left out: the target is its operand `z`";
    assert_eq!(graph.notes(), [note]);

    let three = Net::new(nodes).constant(floats("w", &[3, 3], &[1.0; 9]));
    let graph = three.read().unwrap();
    assert_eq!(graph.value(graph.output()).name, "y");
    assert!(graph.notes().is_empty());
}

#[test]
fn a_softmax_inside_the_network_stays() {
    let net = Net::new(vec![
        node("Softmax", &["x"], &["p"]),
        node("Exp", &["p"], &["y"]),
    ]);
    let graph = net.read().unwrap();
    assert_eq!(graph.value(graph.output()).name, "y");
    let reshaped = Net::new(vec![
        node("Exp", &["x"], &["e"]),
        node("Flatten", &["e"], &["y"]),
    ]);
    let graph = reshaped.read().unwrap();
    assert_eq!(graph.value(graph.output()).name, "y");
    assert!(graph.notes().is_empty());
}

#[test]
fn the_only_output_may_be_a_label() {
    let net = Net::new(vec![
        node("Exp", &["x"], &["e"]),
        node("ArgMax", &["e"], &["y"]).integer("axis", 1),
    ])
    .outputs(vec![value("y", INT64, &[2, 1])]);
    let graph = net.read().unwrap();
    assert_eq!(graph.value(graph.output()).name, "e");
    assert_says(&graph.notes()[0], &["ArgMax `y_node`", "`e`"]);
    let inside = Net::new(vec![
        node("ArgMax", &["x"], &["i"]).integer("axis", 1),
        node("Cast", &["i"], &["f"]).integer("to", FLOAT.into()),
        node("Exp", &["f"], &["y"]),
    ]);
    assert_says(&inside.refusal(), &["`i_node`", "operator ArgMax"]);
}

#[test]
fn a_cycle_behind_the_logits_is_no_hang() {
    let net = Net::new(vec![
        node("Identity", &["y"], &["a"]),
        node("Identity", &["a"], &["y"]),
    ]);
    assert_says(&net.refusal(), &["depends on its own output"]);
}

#[test]
fn several_inputs_are_read_where_the_logits_need_one() {
    let mut net = Net::new(vec![node("Exp", &["x"], &["y"])]);
    net.graph().input.push(value("unused", FLOAT, &[2, 3]));
    assert_eq!(net.operations().len(), 1);
    let mut net = Net::new(vec![node("Add", &["x", "other"], &["y"])]);
    net.graph().input.push(value("other", FLOAT, &[2, 3]));
    assert_says(&net.refusal(), &["2 inputs (x, other)"]);
}
