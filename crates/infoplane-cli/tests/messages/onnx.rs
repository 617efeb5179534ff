//! ONNX files.

use crate::Said;
use crate::common::onnx::{Graph, Node};

fn relu() -> Node {
    Node::new("relu", "Relu", &["input"], "y")
}

fn image() -> Graph {
    Graph::new(&[1, 1, 8, 8], "y")
}

#[test]
fn files_that_are_no_models() {
    let mut said = Said::new();
    said.to("a file that is not there", "layers absent.onnx");
    std::fs::create_dir(said.file("folder.onnx")).unwrap();
    said.to("a folder", "layers folder.onnx");
    said.model("an empty file", "onnx", "");
    said.model(
        "prose",
        "onnx",
        "A network, one would think.\nIt is a letter.\n",
    );
    let whole = std::fs::read(said.file("net.onnx")).unwrap();
    said.model("half a model", "onnx", &whole[..whole.len() / 2]);
    said.model("a graph without operators", "onnx", image().bytes());
    said.to("weights by themselves", "layers w.pth");
    said.to("an unknown architecture", "layers resnet5");
    said.to("an architecture without weights", "layers resnet50");
    said.to("weights beside a file", "layers net.onnx --weights w.pth");
    insta::assert_snapshot!("onnx_files", said.text);
}

#[test]
fn models_that_cant_be_analysed() {
    let mut said = Said::new();
    let mut model = |case: &str, graph: Graph| said.model(case, "onnx", graph.bytes());
    model("an old opset", image().opset(3).node(relu()));
    model("a future opset", image().opset(99).node(relu()));
    model(
        "two inputs",
        image()
            .input("mask", &[1, 1, 8, 8])
            .node(Node::new("add", "Add", &["input", "mask"], "y")),
    );
    model(
        "an input without a batch",
        Graph::new(&[8], "y").node(relu()),
    );
    model(
        "a negative dimension",
        Graph::new(&[1, -3, 8], "y").node(relu()),
    );
    model(
        "an output that nothing makes",
        Graph::new(&[1, 8], "z").node(relu()),
    );
    model("a value made twice", image().node(relu()).node(relu()));
    let circle = [("a", "input", "b"), ("b", "a", "a")];
    let circle = circle
        .into_iter()
        .fold(image(), |graph, (name, first, second)| {
            graph.node(Node::new(name, "Add", &[first, second], name))
        });
    model(
        "a circle",
        circle.node(Node::new("last", "Relu", &["b"], "y")),
    );
    model(
        "an operand that nothing makes",
        image().node(Node::new("add", "Add", &["input", "bias"], "y")),
    );
    model(
        "a product of shapes that don't fit",
        Graph::new(&[1, 8], "y")
            .weights("w", &[3, 2], &[0.0; 6])
            .node(Node::new("fc", "MatMul", &["input", "w"], "y")),
    );
    model(
        "a window larger than the map",
        image()
            .weights("w", &[1, 1, 9, 9], &[0.0; 81])
            .node(Node::new("conv", "Conv", &["input", "w"], "y")),
    );
    model(
        "weights of too few channels",
        image()
            .weights("w", &[1, 3, 1, 1], &[0.0; 3])
            .node(Node::new("conv", "Conv", &["input", "w"], "y")),
    );
    model(
        "operators that nobody knows",
        image()
            .node(Node::new("first", "Loop", &["input"], "a"))
            .node(Node::new("middle", "Relu", &["a"], "b"))
            .node(Node::new("wave", "Relu", &["b"], "c").integer("inplace", 1))
            .node(Node::new("", "FusedAttention", &["c"], "y").domain("com.example")),
    );
    insta::assert_snapshot!("onnx_models", said.text);
}

#[test]
fn weights_outside_the_model() {
    let mut said = Said::new();
    let outside = |location: &str| {
        image()
            .external_weights("w", &[4, 1, 3, 3], location)
            .node(Node::new("stem", "Conv", &["input", "w"], "y"))
            .bytes()
    };
    said.model("weights that are not there", "onnx", outside("weights.bin"));
    said.write("short.bin", [0; 100]);
    said.model("weights that are too short", "onnx", outside("short.bin"));
    said.model(
        "weights in another folder",
        "onnx",
        outside("../weights.bin"),
    );
    insta::assert_snapshot!("onnx_external_data", said.text);
}

#[test]
fn shapes_and_layers() {
    let mut said = Said::new();
    said.write(
        "free.onnx",
        Graph::new(&[0, 3, 0, 0], "y").node(relu()).bytes(),
    );
    said.to("a shape that is free", "layers free.onnx");
    said.to("another rank", "layers free.onnx --input-shape 3,8");
    said.to(
        "another number of channels",
        "layers net.onnx --input-shape 3,8,8",
    );
    said.to(
        "a layer that does not exist",
        "run --model net.onnx --data digits.npz --out out --layers blok2.1",
    );
    insta::assert_snapshot!("onnx_shapes", said.text);
}
