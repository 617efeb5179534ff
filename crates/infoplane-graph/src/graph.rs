//! A network as values and the nodes that make them.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::error::GraphError;
use crate::op::{ElementType, Op};
use crate::tensor::{Tensor, TensorData};

/// Index of a value in its [`Graph`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ValueId(pub(crate) usize);

impl ValueId {
    /// Position in [`Graph::values`].
    pub fn index(self) -> usize {
        self.0
    }
}

/// Index of a node in its [`Graph`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub(crate) usize);

impl NodeId {
    /// Position in [`Graph::nodes`].
    pub fn index(self) -> usize {
        self.0
    }
}

/// An edge of the network: one tensor, one name.
#[derive(Debug, Clone)]
pub struct Value {
    /// The name, unique in its graph.
    pub name: String,
    /// The content, where it does not depend on the input.
    pub constant: Option<Arc<Tensor>>,
    /// The node that makes it; none for inputs and constants.
    pub producer: Option<NodeId>,
}

/// One operator applied to values.
#[derive(Debug, Clone)]
pub struct Node {
    /// The name, for messages.
    pub name: String,
    /// What it does.
    pub op: Op,
    /// Its operands; `None` for an optional one that is left out.
    pub inputs: Vec<Option<ValueId>>,
    /// Its results; `None` for one that nobody uses.
    pub outputs: Vec<Option<ValueId>>,
}

/// A dimension of the network's input as declared by the model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Dim {
    /// A fixed size.
    Fixed(usize),
    /// A free size with its name.
    Free(String),
}

/// A network with one input and one output that matters.
#[derive(Debug, Clone)]
pub struct Graph {
    pub(crate) values: Vec<Value>,
    pub(crate) nodes: Vec<Node>,
    pub(crate) input: ValueId,
    pub(crate) input_dims: Vec<Dim>,
    pub(crate) input_type: ElementType,
    pub(crate) output: ValueId,
    pub(crate) notes: Vec<String>,
    pub(crate) aliases: Vec<(String, ValueId)>,
    pub(crate) usual_sample_shape: Option<Vec<usize>>,
}

impl Graph {
    /// All values, input first, in no other particular order.
    pub fn values(&self) -> &[Value] {
        &self.values
    }

    /// All nodes in an order in which every operand is made before it is used.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The value that samples are fed to.
    pub fn input(&self) -> ValueId {
        self.input
    }

    /// The input's dimensions as declared, batch first.
    pub fn input_dims(&self) -> &[Dim] {
        &self.input_dims
    }

    /// The value that holds the logits, `[N, classes]`.
    ///
    /// Where the model ends in a softmax this is the softmax's operand: a probability is no target.
    /// [`Graph::notes`] say so.
    pub fn output(&self) -> ValueId {
        self.output
    }

    /// What a person should know of how the model was read, one sentence each: operators at its end
    /// that were left out, and which of several outputs holds the logits.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Further names of values.
    pub fn aliases(&self) -> &[(String, ValueId)] {
        &self.aliases
    }

    /// The shape of one sample where nobody asks for another: as the model declares it, or as its
    /// architecture is mostly used; `None` where that is not known.
    pub fn usual_sample_shape(&self) -> Option<Vec<usize>> {
        self.sample_shape()
            .or_else(|| self.usual_sample_shape.clone())
    }

    /// One value.
    pub fn value(&self, id: ValueId) -> &Value {
        &self.values[id.0]
    }

    /// One node.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0]
    }

    /// The node that makes a value; none for inputs and constants.
    pub fn producer(&self, id: ValueId) -> Option<&Node> {
        self.values[id.0].producer.map(|node| &self.nodes[node.0])
    }

    /// Nodes that use each value, by value index.
    pub fn consumers(&self) -> Vec<Vec<NodeId>> {
        let mut consumers = vec![Vec::new(); self.values.len()];
        for (index, node) in self.nodes.iter().enumerate() {
            for input in node.inputs.iter().flatten() {
                let users: &mut Vec<NodeId> = &mut consumers[input.0];
                if users.last() != Some(&NodeId(index)) {
                    users.push(NodeId(index));
                }
            }
        }
        consumers
    }

    /// Number of elements of all float constants: the trainable parameters and, where an exporter
    /// kept them apart, the running statistics.
    pub fn n_parameters(&self) -> u64 {
        self.values
            .iter()
            .filter_map(|value| value.constant.as_ref()?.floats().map(<[f32]>::len))
            .map(|len| len as u64)
            .sum()
    }

    /// The nodes that have float parameters of more than one element, in order: what a network has
    /// learned sits in their constant operands. Shapes, and the scales of `Resize` and `Upsample`, are
    /// no parameters.
    pub fn parametrised_nodes(&self) -> Vec<NodeId> {
        let has_parameters = |node: &Node| self.parameters_of(node).next().is_some();
        let nodes = self.nodes.iter().enumerate();
        nodes
            .filter(|(_, node)| has_parameters(node))
            .map(|(index, _)| NodeId(index))
            .collect()
    }

    /// The graph with the parameters of `nodes` changed: `change` gets the name and the elements of
    /// each, once, in the order of the nodes. A parameter that other nodes use as well changes for them,
    /// too. Everything else is shared with this graph.
    pub fn with_changed_parameters(
        &self,
        nodes: &[NodeId],
        change: &mut dyn FnMut(&str, &mut [f32]),
    ) -> Graph {
        let mut graph = self.clone();
        let mut changed = HashSet::new();
        for &id in nodes {
            for parameter in self.parameters_of(self.node(id)) {
                if !changed.insert(parameter) {
                    continue;
                }
                let value = &mut graph.values[parameter.0];
                let new = value.constant.as_ref().and_then(|tensor| {
                    let mut elements = tensor.floats()?.to_vec();
                    change(&value.name, &mut elements);
                    let data = TensorData::F32(elements.into());
                    Tensor::new(tensor.shape().to_vec(), data)
                });
                value.constant = new.map(Arc::new);
            }
        }
        graph
    }

    fn parameters_of<'a>(&'a self, node: &'a Node) -> impl Iterator<Item = ValueId> + 'a {
        let learns = !matches!(node.op.name(), "Resize" | "Upsample");
        let operands = node.inputs.iter().flatten().copied();
        operands.filter(move |id| {
            let constant = self.values[id.0].constant.as_ref();
            let floats = constant.and_then(|tensor| tensor.floats());
            learns && floats.is_some_and(|floats| floats.len() > 1)
        })
    }
}

/// Collects values and nodes by name and puts the nodes in order.
#[derive(Debug, Default)]
pub(crate) struct GraphBuilder {
    values: Vec<Value>,
    by_name: HashMap<String, ValueId>,
    nodes: Vec<Node>,
    aliases: Vec<(String, ValueId)>,
}

impl GraphBuilder {
    /// The value of this name, made where it is new.
    pub fn value(&mut self, name: &str) -> ValueId {
        if let Some(&id) = self.by_name.get(name) {
            return id;
        }
        let id = ValueId(self.values.len());
        self.values.push(Value {
            name: name.to_string(),
            constant: None,
            producer: None,
        });
        self.by_name.insert(name.to_string(), id);
        id
    }

    /// The value of this name, where there is one.
    pub fn find(&self, name: &str) -> Option<ValueId> {
        self.by_name.get(name).copied()
    }

    /// The content of the value of this name, where it is a constant.
    pub fn content(&self, name: &str) -> Option<Arc<Tensor>> {
        self.values[self.find(name)?.0].constant.clone()
    }

    /// Gives a name its content.
    pub fn constant(&mut self, name: &str, tensor: impl Into<Arc<Tensor>>) -> ValueId {
        let id = self.value(name);
        self.values[id.0].constant = Some(tensor.into());
        id
    }

    /// Gives a value another name.
    pub fn alias(&mut self, name: &str, value: ValueId) {
        self.aliases.push((name.to_string(), value));
    }

    /// Adds a node; the operands may be made by later ones.
    pub fn node(&mut self, node: Node) {
        self.nodes.push(node);
    }

    /// The finished graph, with its nodes in order and those that the output does not need left out.
    pub fn finish(
        mut self,
        input: ValueId,
        input_dims: Vec<Dim>,
        output: ValueId,
    ) -> Result<Graph, GraphError> {
        let producers = self.producers()?;
        let order = self.ordered_ancestors(output, &producers, input)?;
        let mut slots: Vec<Option<Node>> = std::mem::take(&mut self.nodes)
            .into_iter()
            .map(Some)
            .collect();
        let mut nodes = Vec::with_capacity(order.len());
        for index in order {
            if let Some(node) = slots[index].take() {
                for id in node.outputs.iter().flatten() {
                    self.values[id.0].producer = Some(NodeId(nodes.len()));
                }
                nodes.push(node);
            }
        }
        Ok(Graph {
            values: self.values,
            nodes,
            input,
            input_dims,
            input_type: ElementType::Float,
            output,
            notes: Vec::new(),
            aliases: self.aliases,
            usual_sample_shape: None,
        })
    }

    fn producers(&self) -> Result<Vec<Option<usize>>, GraphError> {
        let mut producers = vec![None; self.values.len()];
        for (index, node) in self.nodes.iter().enumerate() {
            for id in node.outputs.iter().flatten() {
                if producers[id.0].replace(index).is_some() {
                    return Err(GraphError::InvalidModel(format!(
                        "two nodes make the value `{}`",
                        self.values[id.0].name
                    )));
                }
            }
        }
        Ok(producers)
    }

    /// Depth-first from the output, without recursion: models can be thousands of nodes deep.
    fn ordered_ancestors(
        &self,
        output: ValueId,
        producers: &[Option<usize>],
        input: ValueId,
    ) -> Result<Vec<usize>, GraphError> {
        #[derive(Clone, Copy, PartialEq)]
        enum Mark {
            New,
            Open,
            Done,
        }
        let mut marks = vec![Mark::New; self.nodes.len()];
        let mut order = Vec::new();
        let Some(last) = producers[output.0] else {
            return Err(GraphError::InvalidModel(format!(
                "no node makes its output `{}`",
                self.values[output.0].name
            )));
        };
        let mut stack = vec![(last, 0usize)];
        marks[last] = Mark::Open;
        while let Some((index, next_input)) = stack.pop() {
            let node = &self.nodes[index];
            let Some(operand) = node.inputs.get(next_input) else {
                marks[index] = Mark::Done;
                order.push(index);
                continue;
            };
            stack.push((index, next_input + 1));
            let Some(id) = *operand else { continue };
            match producers[id.0] {
                Some(parent) => match marks[parent] {
                    Mark::New => {
                        marks[parent] = Mark::Open;
                        stack.push((parent, 0));
                    }
                    Mark::Open => {
                        return Err(GraphError::InvalidNode {
                            node: self.nodes[parent].name.clone(),
                            operator: self.nodes[parent].op.name().to_string(),
                            reason: "it depends on its own output".to_string(),
                        });
                    }
                    Mark::Done => {}
                },
                None if id == input || self.values[id.0].constant.is_some() => {}
                None => {
                    return Err(GraphError::InvalidNode {
                        node: node.name.clone(),
                        operator: node.op.name().to_string(),
                        reason: format!(
                            "its operand `{}` is neither an input, a constant nor made by a node",
                            self.values[id.0].name
                        ),
                    });
                }
            }
        }
        Ok(order)
    }
}
