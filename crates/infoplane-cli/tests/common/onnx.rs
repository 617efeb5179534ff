//! Writes small ONNX models, field by field, without the code under test.
//!
//! Field numbers are those of `onnx.proto`.

use std::path::Path;

/// A protocol-buffer message in the making.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    fn integer(mut self, field: u64, value: i64) -> Message {
        self.varint(field << 3);
        self.varint(value as u64);
        self
    }

    fn bytes(mut self, field: u64, bytes: &[u8]) -> Message {
        self.varint(field << 3 | 2);
        self.varint(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
        self
    }

    fn text(self, field: u64, text: &str) -> Message {
        self.bytes(field, text.as_bytes())
    }

    fn message(self, field: u64, message: &Message) -> Message {
        self.bytes(field, &message.0)
    }
}

/// A node with one output.
pub struct Node(Message);

impl Node {
    pub fn new(name: &str, operator: &str, inputs: &[&str], output: &str) -> Node {
        let node = inputs
            .iter()
            .fold(Message::default(), |node, input| node.text(1, input));
        Node(node.text(2, output).text(3, name).text(4, operator))
    }

    /// A node of another domain than ONNX's own.
    pub fn domain(self, domain: &str) -> Node {
        Node(self.0.text(7, domain))
    }

    pub fn integer(self, name: &str, value: i64) -> Node {
        const INT: i64 = 2;
        let attribute = Message::default().text(1, name).integer(3, value);
        Node(self.0.message(5, &attribute.integer(20, INT)))
    }

    pub fn integers(self, name: &str, values: &[i64]) -> Node {
        const INTS: i64 = 7;
        let attribute = Message::default().text(1, name);
        let attribute = values
            .iter()
            .fold(attribute, |list, &value| list.integer(8, value));
        Node(self.0.message(5, &attribute.integer(20, INTS)))
    }

    pub fn text(self, name: &str, value: &str) -> Node {
        const STRING: i64 = 3;
        let attribute = Message::default().text(1, name).text(4, value);
        Node(self.0.message(5, &attribute.integer(20, STRING)))
    }
}

/// A model of one input, called `input`, and one output.
pub struct Graph {
    graph: Message,
    opset: i64,
}

const FLOAT: i64 = 1;

impl Graph {
    /// `shape` includes the batch.
    pub fn new(shape: &[i64], output: &str) -> Graph {
        let graph = Message::default()
            .text(2, "net")
            .message(11, &value("input", Some(shape)))
            .message(12, &value(output, None));
        Graph { graph, opset: 18 }
    }

    /// With one more input; `shape` includes the batch.
    pub fn input(mut self, name: &str, shape: &[i64]) -> Graph {
        self.graph = self.graph.message(11, &value(name, Some(shape)));
        self
    }

    /// With one more output.
    pub fn output(mut self, name: &str) -> Graph {
        self.graph = self.graph.message(12, &value(name, None));
        self
    }

    pub fn opset(mut self, version: i64) -> Graph {
        self.opset = version;
        self
    }

    pub fn node(mut self, node: Node) -> Graph {
        self.graph = self.graph.message(1, &node.0);
        self
    }

    pub fn weights(mut self, name: &str, shape: &[i64], values: &[f32]) -> Graph {
        let bytes: Vec<u8> = values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect();
        self.graph = self.graph.message(5, &tensor(name, shape).bytes(9, &bytes));
        self
    }

    /// Weights that are stored in the file `location`.
    pub fn external_weights(mut self, name: &str, shape: &[i64], location: &str) -> Graph {
        const EXTERNAL: i64 = 1;
        let entry = Message::default().text(1, "location").text(2, location);
        let tensor = tensor(name, shape).message(13, &entry);
        self.graph = self.graph.message(5, &tensor.integer(14, EXTERNAL));
        self
    }

    pub fn write(self, path: &Path) {
        std::fs::write(path, self.bytes()).unwrap();
    }

    pub fn bytes(self) -> Vec<u8> {
        let opset = Message::default().text(1, "").integer(2, self.opset);
        let model = Message::default()
            .integer(1, 8)
            .message(8, &opset)
            .message(7, &self.graph);
        model.0
    }
}

fn tensor(name: &str, shape: &[i64]) -> Message {
    let dims = shape
        .iter()
        .fold(Message::default(), |tensor, &dim| tensor.integer(1, dim));
    dims.integer(2, FLOAT).text(8, name)
}

fn value(name: &str, shape: Option<&[i64]>) -> Message {
    let mut tensor = Message::default().integer(1, FLOAT);
    if let Some(shape) = shape {
        let dims = shape.iter().fold(Message::default(), |dims, &dim| {
            dims.message(1, &Message::default().integer(1, dim))
        });
        tensor = tensor.message(2, &dims);
    }
    let kind = Message::default().message(1, &tensor);
    Message::default().text(1, name).message(2, &kind)
}
