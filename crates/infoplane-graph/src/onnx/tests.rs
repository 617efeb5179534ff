//! Models written in memory: what is read, and what is refused.

use std::path::Path;

use prost::Message;

use super::parse_onnx;
use super::proto::{
    AttributeProto, Dimension, FunctionProto, GraphProto, ModelProto, NodeProto, OperatorSetId,
    SparseTensorProto, StringStringEntryProto, TensorProto, TensorShapeProto, TensorTypeProto,
    TypeProto, ValueInfoProto,
};
use crate::graph::Graph;
use crate::operation::{BinaryOp, Operation, Unary};
use crate::shaped::ShapedGraph;

const FLOAT: i32 = 1;
const INT8: i32 = 3;
const INT64: i32 = 7;
const STRING: i32 = 8;
const BOOL: i32 = 9;

fn text(text: &str) -> Option<String> {
    Some(text.to_string())
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}

fn value(name: &str, element: i32, shape: &[i64]) -> ValueInfoProto {
    let dim = |&size: &i64| Dimension {
        dim_value: Some(size),
        dim_param: None,
    };
    ValueInfoProto {
        name: text(name),
        r#type: Some(TypeProto {
            tensor_type: Some(TensorTypeProto {
                elem_type: Some(element),
                shape: Some(TensorShapeProto {
                    dim: shape.iter().map(dim).collect(),
                }),
            }),
        }),
    }
}

/// A node that is called after its first result.
fn node(operator: &str, inputs: &[&str], outputs: &[&str]) -> NodeProto {
    NodeProto {
        input: names(inputs),
        output: names(outputs),
        name: text(&format!("{}_node", outputs[0])),
        op_type: text(operator),
        ..NodeProto::default()
    }
}

impl NodeProto {
    fn of(mut self, domain: &str) -> NodeProto {
        self.domain = text(domain);
        self
    }

    fn with(mut self, attribute: AttributeProto) -> NodeProto {
        self.attribute.push(attribute);
        self
    }

    fn integer(self, name: &str, value: i64) -> NodeProto {
        self.with(AttributeProto {
            name: text(name),
            i: Some(value),
            ..AttributeProto::default()
        })
    }

    fn graph(self, name: &str, graph: GraphProto) -> NodeProto {
        self.with(AttributeProto {
            name: text(name),
            g: Some(Box::new(graph)),
            ..AttributeProto::default()
        })
    }
}

fn floats(name: &str, dims: &[i64], values: &[f32]) -> TensorProto {
    TensorProto {
        dims: dims.to_vec(),
        data_type: Some(FLOAT),
        float_data: values.to_vec(),
        name: text(name),
        ..TensorProto::default()
    }
}

fn integers(name: &str, element: i32, dims: &[i64], values: &[i32]) -> TensorProto {
    TensorProto {
        dims: dims.to_vec(),
        data_type: Some(element),
        int32_data: values.to_vec(),
        name: text(name),
        ..TensorProto::default()
    }
}

fn longs(name: &str, values: &[i64]) -> TensorProto {
    TensorProto {
        dims: vec![values.len() as i64],
        data_type: Some(INT64),
        int64_data: values.to_vec(),
        name: text(name),
        ..TensorProto::default()
    }
}

/// A network of one input `x` of shape [2, 3] and the output `y`.
struct Net(ModelProto);

impl Net {
    fn new(nodes: Vec<NodeProto>) -> Net {
        let graph = GraphProto {
            node: nodes,
            input: vec![value("x", FLOAT, &[2, 3])],
            output: vec![value("y", FLOAT, &[2, 3])],
            ..GraphProto::default()
        };
        Net(ModelProto {
            graph: Some(graph),
            opset_import: vec![OperatorSetId {
                domain: None,
                version: Some(18),
            }],
            functions: Vec::new(),
        })
    }

    fn graph(&mut self) -> &mut GraphProto {
        self.0.graph.as_mut().unwrap()
    }

    fn constant(mut self, tensor: TensorProto) -> Net {
        self.graph().initializer.push(tensor);
        self
    }

    fn outputs(mut self, outputs: Vec<ValueInfoProto>) -> Net {
        self.graph().output = outputs;
        self
    }

    fn input_type(mut self, element: i32) -> Net {
        self.graph().input = vec![value("x", element, &[2, 3])];
        self
    }

    fn function(mut self, name: &str, nodes: Vec<NodeProto>) -> Net {
        self.0.functions.push(FunctionProto {
            name: text(name),
            domain: text("own"),
            input: names(&["a"]),
            output: names(&["b"]),
            node: nodes,
            ..FunctionProto::default()
        });
        self
    }

    fn read(&self) -> Result<Graph, String> {
        parse_onnx(&self.0.encode_to_vec(), Path::new("net.onnx"))
            .map_err(|error| error.to_string())
    }

    fn shaped(&self) -> Result<(Graph, ShapedGraph), String> {
        let graph = self.read()?;
        let shaped = graph
            .specialize(&[3], 2)
            .map_err(|error| error.to_string())?;
        Ok((graph, shaped))
    }

    /// Why it is refused.
    fn refusal(&self) -> String {
        match self.shaped() {
            Ok(_) => panic!("it is read"),
            Err(message) => message,
        }
    }

    /// What runs.
    fn operations(&self) -> Vec<Operation> {
        let (_, shaped) = self.shaped().unwrap();
        let steps = shaped.nodes().iter();
        steps.map(|step| step.operation.clone()).collect()
    }
}

fn assert_says(message: &str, parts: &[&str]) {
    for part in parts {
        assert!(message.contains(part), "{message:?} lacks {part:?}");
    }
}

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
fn several_inputs_are_read_where_the_logits_need_one() {
    let mut net = Net::new(vec![node("Exp", &["x"], &["y"])]);
    net.graph().input.push(value("unused", FLOAT, &[2, 3]));
    assert_eq!(net.operations().len(), 1);
    let mut net = Net::new(vec![node("Add", &["x", "other"], &["y"])]);
    net.graph().input.push(value("other", FLOAT, &[2, 3]));
    assert_says(&net.refusal(), &["2 inputs (x, other)"]);
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
