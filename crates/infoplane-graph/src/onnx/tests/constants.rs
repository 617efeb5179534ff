//! Constants in every form, weights outside the model and weights as integers.

use prost::Message;

use super::{FLOAT, INT8, INT64, Net, STRING, assert_says, floats, integers, node, text};
use crate::onnx::parse_onnx;
use crate::onnx::proto::{AttributeProto, SparseTensorProto, StringStringEntryProto, TensorProto};
use crate::operation::Operation;

#[test]
fn constants_that_are_no_dense_numbers_are_refused() {
    let mut net = Net::new(vec![node("Add", &["x", "s"], &["y"])]);
    net.graph().sparse_initializer.push(SparseTensorProto {
        values: Some(floats("s", &[1], &[1.0])),
    });
    assert_says(&net.refusal(), &["`s`", "a sparse tensor"]);

    let words = AttributeProto {
        name: text("value_string"),
        s: Some(b"word".to_vec()),
        ..AttributeProto::default()
    };
    let net = Net::new(vec![
        node("Constant", &[], &["s"]).with(words),
        node("Add", &["x", "s"], &["y"]),
    ]);
    assert_says(&net.refusal(), &["`s_node`", "value_string"]);

    let net =
        Net::new(vec![node("Add", &["x", "s"], &["y"])]).constant(integers("s", STRING, &[0], &[]));
    assert_says(&net.refusal(), &["`s`", "STRING"]);
}

#[test]
fn every_form_of_a_constant_is_read() {
    let form = |name: &str, attribute: AttributeProto| AttributeProto {
        name: text(name),
        ..attribute
    };
    let none = AttributeProto::default;
    for (attribute, is_float) in [
        (
            form(
                "value_float",
                AttributeProto {
                    f: Some(2.0),
                    ..none()
                },
            ),
            true,
        ),
        (
            form(
                "value_floats",
                AttributeProto {
                    floats: vec![2.0; 3],
                    ..none()
                },
            ),
            true,
        ),
        (
            form(
                "value_int",
                AttributeProto {
                    i: Some(2),
                    ..none()
                },
            ),
            false,
        ),
        (
            form(
                "value_ints",
                AttributeProto {
                    ints: vec![2; 3],
                    ..none()
                },
            ),
            false,
        ),
    ] {
        let net = Net::new(vec![
            node("Constant", &[], &["c"]).with(attribute),
            node("Cast", &["x"], &["i"]).integer("to", if is_float { FLOAT } else { INT64 }.into()),
            node("Add", &["i", "c"], &["s"]),
            node("Cast", &["s"], &["y"]).integer("to", FLOAT.into()),
        ]);
        assert_eq!(net.operations().len(), 3);
    }
}

#[test]
fn weights_stored_as_integers_become_floats() {
    let net = Net::new(vec![
        node("DequantizeLinear", &["q", "scale", "zero"], &["w"]).integer("axis", 1),
        node("MatMul", &["x", "w"], &["y"]),
    ])
    .constant(integers("q", INT8, &[3, 2], &[1, 2, 3, 4, -5, -6]))
    .constant(floats("scale", &[2], &[0.5, 2.0]))
    .constant(integers("zero", INT8, &[2], &[1, 0]));
    let graph = net.read().unwrap();
    let weights = graph
        .values()
        .iter()
        .find(|value| value.name == "w")
        .unwrap();
    let weights = weights.constant.as_ref().unwrap();
    assert_eq!(weights.floats().unwrap(), [0.0, 4.0, 1.0, 8.0, -3.0, -12.0]);
    // The integers and their scales are none.
    assert_eq!(graph.n_parameters(), 6);
    assert_eq!(net.operations(), [Operation::MatMul]);
}

#[test]
fn scales_that_fit_nothing_are_refused() {
    let net = |scale: TensorProto| {
        Net::new(vec![
            node("DequantizeLinear", &["q", "scale"], &["w"]).integer("axis", 1),
            node("MatMul", &["x", "w"], &["y"]),
        ])
        .constant(integers("q", INT8, &[3, 2], &[0; 6]))
        .constant(scale)
    };
    let refused = net(floats("scale", &[3], &[1.0; 3])).refusal();
    assert_says(&refused, &["a scale of shape [3]", "[3, 2]"]);
    let per_channel = Net::new(vec![node("QuantizeLinear", &["x", "scale"], &["y"])])
        .constant(floats("scale", &[3], &[1.0; 3]));
    assert_says(&per_channel.refusal(), &["a scale other than one"]);
    let zero = Net::new(vec![node("QuantizeLinear", &["x", "scale"], &["y"])]).constant(floats(
        "scale",
        &[],
        &[0.0],
    ));
    assert_says(&zero.refusal(), &["a scale of 0"]);
}

#[test]
fn a_batch_norm_of_every_unit_is_refused() {
    let nodes = |spatial| {
        let inputs = ["x", "p", "p", "p", "p"];
        vec![node("BatchNormalization", &inputs, &["y"]).integer("spatial", spatial)]
    };
    let net = |spatial| Net::new(nodes(spatial)).constant(floats("p", &[3], &[1.0; 3]));
    assert_says(&net(0).refusal(), &["`y_node`", "attribute spatial = 0"]);
    assert_eq!(net(1).operations().len(), 1);
}

#[test]
fn tensors_outside_lie_at_their_offset_in_one_file() {
    let folder = tempfile::tempdir().unwrap();
    let bytes: Vec<u8> = (0..12).flat_map(|x| (x as f32).to_le_bytes()).collect();
    std::fs::write(folder.path().join("w.bin"), bytes).unwrap();
    let outside = |name: &str, entries: &[(&str, &str)]| TensorProto {
        dims: vec![3],
        data_type: Some(FLOAT),
        name: text(name),
        data_location: Some(1),
        external_data: entries
            .iter()
            .map(|(key, value)| StringStringEntryProto {
                key: text(key),
                value: text(value),
            })
            .collect(),
        ..TensorProto::default()
    };
    let read = |a: &[(&str, &str)], b: &[(&str, &str)]| {
        let net = Net::new(vec![
            node("Mul", &["x", "a"], &["h"]),
            node("Add", &["h", "b"], &["y"]),
        ])
        .constant(outside("a", a))
        .constant(outside("b", b));
        parse_onnx(&net.0.encode_to_vec(), &folder.path().join("net.onnx"))
            .map_err(|error| error.to_string())
    };
    let first = [("location", "w.bin"), ("offset", "12"), ("length", "12")];
    let graph = read(&first, &[("location", "w.bin"), ("offset", "36")]).unwrap();
    let content = |name: &str| {
        let value = graph
            .values()
            .iter()
            .find(|value| value.name == name)
            .unwrap();
        value.constant.as_ref().unwrap().floats().unwrap().to_vec()
    };
    assert_eq!(content("a"), [3.0, 4.0, 5.0]);
    assert_eq!(content("b"), [9.0, 10.0, 11.0]);
    let refused = |entries: &[(&str, &str)]| read(&first, entries).unwrap_err();
    let beyond = refused(&[("location", "w.bin"), ("offset", "40")]);
    assert_says(&beyond, &["`b`", "48 bytes where 12 from 40 on are needed"]);
    let short = refused(&[("location", "w.bin"), ("length", "8")]);
    assert_says(&short, &["`b`", "2 elements are stored"]);
    let negative = refused(&[("location", "w.bin"), ("offset", "-4")]);
    assert_says(&negative, &["the offset `-4`"]);
    let elsewhere = refused(&[("location", "../w.bin")]);
    assert_says(&elsewhere, &["does not lie beside the model"]);
}

#[test]
fn an_activation_that_divides_by_zero_is_refused() {
    let celu = |alpha: f32| {
        let alpha = AttributeProto {
            name: text("alpha"),
            f: Some(alpha),
            ..AttributeProto::default()
        };
        Net::new(vec![node("Celu", &["x"], &["y"]).with(alpha)])
    };
    assert_says(&celu(0.0).refusal(), &["Celu", "attribute alpha = 0"]);
    assert_eq!(celu(0.5).operations().len(), 1);
}
