//! Element types, rows that stay apart, and the work that is counted.

use super::{BOOL, FLOAT, INT64, Net, STRING, assert_says, longs, node};
use crate::onnx::proto::NodeProto;
use crate::operation::{BinaryOp, Operation, Unary};

#[test]
fn integers_that_depend_on_the_input_divide_without_fraction() {
    let net = Net::new(vec![
        node("Cast", &["x"], &["i"]).integer("to", INT64.into()),
        node("Div", &["i", "two"], &["d"]),
        node("Cast", &["d"], &["y"]).integer("to", FLOAT.into()),
    ])
    .constant(longs("two", &[2]));
    assert_eq!(
        net.operations(),
        [
            Operation::Unary(Unary::Truncate),
            Operation::Binary(BinaryOp::TruncatedDiv),
            Operation::Reshape,
        ]
    );
    let of_input = |nodes| {
        Net::new(nodes)
            .constant(longs("two", &[2]))
            .input_type(INT64)
    };
    let integers = of_input(vec![
        node("Div", &["x", "two"], &["d"]),
        node("Cast", &["d"], &["y"]).integer("to", FLOAT.into()),
    ]);
    let divides = Operation::Binary(BinaryOp::TruncatedDiv);
    assert_eq!(integers.operations(), [divides, Operation::Reshape]);
    let without_gradient = of_input(vec![node("Div", &["x", "two"], &["y"])]);
    assert_says(
        &without_gradient.refusal(),
        &["`y`", "of type integer", "gradient"],
    );
}

#[test]
fn types_that_do_not_mix_are_refused() {
    let whole = || node("Cast", &["x"], &["i"]).integer("to", INT64.into());
    let truth = || node("Cast", &["x"], &["t"]).integer("to", BOOL.into());
    let refused = |nodes: Vec<NodeProto>| Net::new(nodes).refusal();
    assert_says(
        &refused(vec![whole(), node("Add", &["i", "x"], &["y"])]),
        &["`y_node`", "integer and float"],
    );
    assert_says(
        &refused(vec![whole(), node("Exp", &["i"], &["y"])]),
        &["an operand of type integer"],
    );
    assert_says(
        &refused(vec![truth(), node("Add", &["t", "t"], &["y"])]),
        &["truth values"],
    );
    assert_says(
        &refused(vec![node("Not", &["x"], &["y"])]),
        &["float where bool belongs"],
    );
    assert_says(
        &refused(vec![node("Where", &["x", "x", "x"], &["y"])]),
        &["a condition of type float"],
    );
    let large = Net::new(vec![whole(), node("Add", &["i", "big"], &["y"])])
        .constant(longs("big", &[1 << 40]));
    assert_says(&large.refusal(), &["1099511627776", "16777216"]);
    let words = Net::new(vec![node("Exp", &["x"], &["y"])]).input_type(STRING);
    assert_says(&words.refusal(), &["`x`", "STRING"]);
}

#[test]
fn broadcasting_a_lower_rank_mixes_rows() {
    let net = Net::new(vec![
        node("Unsqueeze", &["x", "axis"], &["u"]),
        node("Mul", &["u", "x"], &["y"]),
    ])
    .constant(longs("axis", &[1]));
    let (_, shaped) = net.shaped().unwrap();
    assert!(!shaped.rows_are_independent());
    let same = Net::new(vec![node("Mul", &["x", "x"], &["y"])]);
    assert!(same.shaped().unwrap().1.rows_are_independent());
}

#[test]
fn what_reduces_or_normalises_samples_together_mixes_rows() {
    let independent = |nodes: Vec<NodeProto>| {
        let net = Net::new(nodes)
            .constant(longs("rows", &[0]))
            .constant(longs("columns", &[1]));
        net.shaped().unwrap().1.rows_are_independent()
    };
    let reduce = |axes: &str| {
        vec![
            node("ReduceL2", &["x", axes], &["n"]),
            node("Div", &["x", "n"], &["y"]),
        ]
    };
    assert!(independent(reduce("columns")));
    assert!(!independent(reduce("rows")));
    let log_softmax = |axis| {
        vec![
            node("LogSoftmax", &["x"], &["l"]).integer("axis", axis),
            node("Exp", &["l"], &["y"]),
        ]
    };
    assert!(independent(log_softmax(1)));
    assert!(!independent(log_softmax(0)));
    let choice = vec![
        node("Greater", &["x", "x"], &["c"]),
        node("Where", &["c", "x", "x"], &["w"]),
        node("Max", &["w", "x", "x"], &["y"]),
    ];
    assert!(independent(choice));
}

#[test]
fn work_is_counted_by_what_is_read() {
    let net = Net::new(vec![
        node("ReduceMax", &["x", "columns"], &["m"]),
        node("Mean", &["x", "m", "x"], &["y"]),
    ])
    .constant(longs("columns", &[1]));
    let (_, shaped) = net.shaped().unwrap();
    let counts: Vec<u64> = (shaped.nodes().iter())
        .map(|step| shaped.multiply_adds(step))
        .collect();
    assert_eq!(counts, [6, 18]);
}
