//! One flat list of operators: the bodies of the model's own functions, and of `If` where its condition
//! is a constant, take the place of the node that calls them.
//!
//! Values and nodes of a body are called `node/name` after the calling node, unless they are its
//! results.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;
use std::sync::Arc;

use super::attributes::Attributes;
use super::constants::{Constants, Source};
use super::operators;
use super::proto::{
    AttributeProto, FunctionProto, GraphProto, ModelProto, NodeProto, OperatorSetId,
};
use crate::error::GraphError;
use crate::fold;
use crate::shaped::ValueState;
use crate::tensor::{Tensor, TensorData};

/// Most operators that a model may unroll to, and most bytes of their names: a few functions that call
/// each other twice would fill any memory.
const MAX_NODES: usize = 1 << 18;
const MAX_NAME_BYTES: usize = 1 << 27;

/// Deepest nesting of functions and branches, and longest chain of nodes that makes a condition.
const MAX_DEPTH: usize = 64;

/// The attributes of the function that a node is in the body of, by their names there.
type Bindings<'a> = HashMap<&'a str, &'a AttributeProto>;

/// A node with the names that its values have in the whole network.
pub(super) struct FlatNode<'a> {
    pub name: String,
    pub domain: &'a str,
    pub operator: &'a str,
    pub inputs: Vec<String>,
    pub outputs: Vec<String>,
    /// Version of ONNX's operators.
    pub opset: i64,
    attributes: &'a [AttributeProto],
    bindings: Rc<Bindings<'a>>,
}

impl<'a> FlatNode<'a> {
    /// The attributes that have a value, by name.
    pub fn attributes(&self) -> impl Iterator<Item = (&'a str, &'a AttributeProto)> {
        bound(self.attributes, &self.bindings)
    }

    pub fn has_standard_domain(&self) -> bool {
        is_standard(self.domain)
    }

    /// Operator with its domain, where that is not ONNX's own.
    pub fn qualified_operator(&self) -> String {
        if self.has_standard_domain() {
            self.operator.to_string()
        } else {
            format!("{}.{}", self.domain, self.operator)
        }
    }
}

/// Attributes with references to those of the function put in.
fn bound<'a, 'b>(
    attributes: &'a [AttributeProto],
    bindings: &'b Bindings<'a>,
) -> impl Iterator<Item = (&'a str, &'a AttributeProto)> + use<'a, 'b> {
    attributes.iter().filter_map(|attribute| {
        let name = attribute.name.as_deref()?;
        match attribute.ref_attr_name.as_deref() {
            None | Some("") => Some((name, attribute)),
            Some(reference) => bindings.get(reference).map(|bound| (name, *bound)),
        }
    })
}

fn is_standard(domain: &str) -> bool {
    matches!(domain, "" | "ai.onnx")
}

/// The version of ONNX's operators that a list of imports asks for.
pub(super) fn opset(imports: &[OperatorSetId]) -> Result<i64, GraphError> {
    let version = imports
        .iter()
        .find(|import| is_standard(import.domain()))
        .and_then(|import| import.version)
        .unwrap_or(1);
    let supported = super::SUPPORTED_OPSETS;
    if supported.contains(&version) {
        Ok(version)
    } else {
        Err(GraphError::InvalidModel(format!(
            "it uses version {version} of ONNX's operators; versions {} to {} are supported",
            supported.start(),
            supported.end()
        )))
    }
}

/// A model's operators, and its constants by name.
pub(super) struct Flat<'a> {
    pub nodes: Vec<FlatNode<'a>>,
    pub constants: Constants<'a>,
    producers: HashMap<String, usize>,
}

impl<'a> Flat<'a> {
    /// The index of the node that makes a value.
    pub fn producer(&self, value: &str) -> Option<usize> {
        self.producers.get(value).copied()
    }

    /// The nodes that a value needs, ascending.
    pub fn needed_by(&self, value: &str) -> Vec<usize> {
        let mut needed = HashSet::new();
        let mut open: Vec<usize> = self.producer(value).into_iter().collect();
        while let Some(index) = open.pop() {
            if needed.insert(index) {
                let inputs = self.nodes[index].inputs.iter();
                let made = inputs.filter(|input| !self.constants.contains(input));
                open.extend(made.filter_map(|input| self.producer(input)));
            }
        }
        let mut needed: Vec<usize> = needed.into_iter().collect();
        needed.sort_unstable();
        needed
    }
}

/// What names mean in a body.
struct Scope<'a, 's> {
    names: HashMap<&'a str, String>,
    outside: Outside<'a, 's>,
    bindings: Rc<Bindings<'a>>,
    opset: i64,
    depth: usize,
}

/// What a name that the scope does not list stands for.
enum Outside<'a, 's> {
    /// Itself.
    Network,
    /// A value of the body of this node's function.
    Function(String),
    /// A value around this node's branch.
    Branch(String, &'s Scope<'a, 's>),
}

impl<'a> Scope<'a, '_> {
    fn value(&self, name: &str) -> String {
        if name.is_empty() {
            return String::new();
        }
        match (self.names.get(name), &self.outside) {
            (Some(value), _) => value.clone(),
            (None, Outside::Network) => name.to_string(),
            (None, Outside::Function(node)) => format!("{node}/{name}"),
            (None, Outside::Branch(_, around)) => around.value(name),
        }
    }

    /// A name for a node, or for a value that only the body knows.
    fn inner(&self, name: &str) -> String {
        match &self.outside {
            Outside::Network => name.to_string(),
            Outside::Function(node) | Outside::Branch(node, _) => format!("{node}/{name}"),
        }
    }
}

/// Flattens a model's graph.
pub(super) fn flatten<'a>(
    model: &'a ModelProto,
    graph: &'a GraphProto,
    constants: Constants<'a>,
) -> Result<Flat<'a>, GraphError> {
    let functions = model.functions.iter().map(|function| {
        let key = [function.domain(), function.name(), function.overload()];
        (key, function)
    });
    let mut inliner = Inliner {
        functions: functions.collect(),
        model_opset: opset(&model.opset_import)?,
        calls: Vec::new(),
        name_bytes: 0,
        varying: HashSet::new(),
        flat: Flat {
            nodes: Vec::new(),
            constants,
            producers: HashMap::new(),
        },
    };
    let scope = Scope {
        names: HashMap::new(),
        outside: Outside::Network,
        bindings: Rc::default(),
        opset: inliner.model_opset,
        depth: 0,
    };
    inliner.initializers(graph, &scope);
    inliner.body(&graph.node, &scope)?;
    Ok(inliner.flat)
}

struct Inliner<'a> {
    functions: HashMap<[&'a str; 3], &'a FunctionProto>,
    model_opset: i64,
    /// The functions whose bodies are being read, outermost first.
    calls: Vec<*const FunctionProto>,
    name_bytes: usize,
    /// Values that are known not to be constant.
    varying: HashSet<String>,
    flat: Flat<'a>,
}

impl<'a> Inliner<'a> {
    fn initializers(&mut self, graph: &'a GraphProto, scope: &Scope<'a, '_>) {
        let constants = &mut self.flat.constants;
        for proto in &graph.initializer {
            constants.insert(scope.value(proto.name()), Source::Stored(proto));
        }
        for values in graph
            .sparse_initializer
            .iter()
            .filter_map(|s| s.values.as_ref())
        {
            constants.insert(scope.value(values.name()), Source::Sparse);
        }
    }

    fn body(&mut self, nodes: &'a [NodeProto], scope: &Scope<'a, '_>) -> Result<(), GraphError> {
        for (index, node) in nodes.iter().enumerate() {
            let (domain, operator) = (node.domain(), node.op_type());
            let name = scope.inner(&match node.name() {
                "" => format!("{operator} number {index}"),
                name => name.to_string(),
            });
            let key = [domain, operator, node.overload()];
            if let Some(&function) = self.functions.get(&key) {
                self.call(function, node, name, scope)?;
            } else if is_standard(domain) && operator == "Constant" {
                self.constant(node, name, scope);
            } else if is_standard(domain)
                && operator == "If"
                && let Some(branch) = self.branch(node, scope)?
            {
                self.inline_branch(branch, node, name, scope)?;
            } else {
                let inputs = node.input.iter().map(|name| scope.value(name)).collect();
                let outputs = node.output.iter().map(|name| scope.value(name)).collect();
                self.push(FlatNode {
                    name,
                    domain,
                    operator,
                    inputs,
                    outputs,
                    opset: scope.opset,
                    attributes: &node.attribute,
                    bindings: Rc::clone(&scope.bindings),
                })?;
            }
        }
        Ok(())
    }

    fn push(&mut self, node: FlatNode<'a>) -> Result<(), GraphError> {
        let names = node.inputs.iter().chain(&node.outputs);
        self.name_bytes += node.name.len() + names.map(String::len).sum::<usize>();
        if self.flat.nodes.len() >= MAX_NODES || self.name_bytes > MAX_NAME_BYTES {
            return Err(GraphError::InvalidModel(format!(
                "its functions unroll to more than {MAX_NODES} operators, or to names of more than \
                 {MAX_NAME_BYTES} bytes"
            )));
        }
        let index = self.flat.nodes.len();
        for output in node.outputs.iter().filter(|output| !output.is_empty()) {
            if self.flat.producers.insert(output.clone(), index).is_some() {
                return Err(GraphError::InvalidModel(format!(
                    "two nodes make the value `{output}`"
                )));
            }
        }
        self.flat.nodes.push(node);
        Ok(())
    }

    fn constant(&mut self, node: &'a NodeProto, name: String, scope: &Scope<'a, '_>) {
        let Some(output) = node.output.first() else {
            return;
        };
        let output = scope.value(output);
        let mut attributes = bound(&node.attribute, &scope.bindings);
        let source = match attributes.next() {
            None | Some(("sparse_value", _)) => Source::Sparse,
            Some((form, attribute)) => Source::Attribute {
                node: name,
                form,
                attribute,
            },
        };
        self.flat.constants.insert(output, source);
    }

    /// Passes a value on under another name.
    fn rename(
        &mut self,
        node: &str,
        value: String,
        output: String,
        scope: &Scope<'a, '_>,
    ) -> Result<(), GraphError> {
        self.push(FlatNode {
            name: format!("{node}/{output}"),
            domain: "",
            operator: "Identity",
            inputs: vec![value],
            outputs: vec![output],
            opset: scope.opset,
            attributes: &[],
            bindings: Rc::default(),
        })
    }

    fn check_depth(&self, scope: &Scope<'a, '_>) -> Result<usize, GraphError> {
        if scope.depth < MAX_DEPTH {
            Ok(scope.depth + 1)
        } else {
            Err(GraphError::InvalidModel(format!(
                "its functions and branches are nested more than {MAX_DEPTH} deep"
            )))
        }
    }

    fn call(
        &mut self,
        function: &'a FunctionProto,
        node: &'a NodeProto,
        name: String,
        scope: &Scope<'a, '_>,
    ) -> Result<(), GraphError> {
        let key: *const FunctionProto = function;
        if self.calls.contains(&key) {
            return Err(GraphError::InvalidModel(format!(
                "its function `{}` calls itself",
                function.name()
            )));
        }
        let defaults = function.attribute_proto.iter();
        let mut bindings: Bindings<'a> = defaults
            .filter_map(|attribute| Some((attribute.name.as_deref()?, attribute)))
            .collect();
        bindings.extend(bound(&node.attribute, &scope.bindings));
        let mut names: HashMap<&'a str, String> = HashMap::new();
        for (index, formal) in function.input.iter().enumerate() {
            let given = node.input.get(index).map(String::as_str);
            names.insert(formal, scope.value(given.unwrap_or_default()));
        }
        let mut passed_on = Vec::new();
        for (formal, given) in function.output.iter().zip(&node.output) {
            let given = scope.value(given);
            if given.is_empty() {
                continue;
            }
            match names.get(formal.as_str()) {
                Some(value) => passed_on.push((value.clone(), given)),
                None => {
                    names.insert(formal, given);
                }
            }
        }
        let inner = Scope {
            names,
            bindings: Rc::new(bindings),
            opset: match function.opset_import.is_empty() {
                true => self.model_opset,
                false => opset(&function.opset_import)?,
            },
            depth: self.check_depth(scope)?,
            outside: Outside::Function(name.clone()),
        };
        self.calls.push(key);
        self.body(&function.node, &inner)?;
        self.calls.pop();
        for (value, output) in passed_on {
            self.rename(&name, value, output, scope)?;
        }
        Ok(())
    }

    /// The branch that an `If` takes, where its condition is a constant.
    fn branch(
        &mut self,
        node: &'a NodeProto,
        scope: &Scope<'a, '_>,
    ) -> Result<Option<&'a GraphProto>, GraphError> {
        let condition = scope.value(node.input.first().map_or("", String::as_str));
        let Some(tensor) = self.folded(&condition, 0)? else {
            return Ok(None);
        };
        let TensorData::Bool(truth) = tensor.data() else {
            return Ok(None);
        };
        let wanted = match truth[..] {
            [true] => "then_branch",
            [false] => "else_branch",
            _ => return Ok(None),
        };
        let mut attributes = bound(&node.attribute, &scope.bindings);
        let branch = attributes.find(|(name, _)| *name == wanted);
        Ok(branch.and_then(|(_, attribute)| attribute.g.as_deref()))
    }

    fn inline_branch(
        &mut self,
        branch: &'a GraphProto,
        node: &'a NodeProto,
        name: String,
        scope: &Scope<'a, '_>,
    ) -> Result<(), GraphError> {
        let own = branch.node.iter().flat_map(|node| &node.output);
        let constants = branch.initializer.iter().filter_map(|i| i.name.as_ref());
        let mut names: HashMap<&'a str, String> = own
            .chain(constants)
            .filter(|own| !own.is_empty())
            .map(|own| (own.as_str(), format!("{name}/{own}")))
            .collect();
        let made: HashSet<&str> = branch
            .node
            .iter()
            .filter(|node| node.op_type() != "Constant")
            .flat_map(|node| node.output.iter().map(String::as_str))
            .collect();
        let mut renamed = HashSet::new();
        let mut passed_on = Vec::new();
        for (result, given) in branch.output.iter().zip(&node.output) {
            let given = scope.value(given);
            if given.is_empty() {
                continue;
            }
            match names.get_mut(result.name()) {
                Some(own) if made.contains(result.name()) && renamed.insert(result.name()) => {
                    *own = given;
                }
                _ => passed_on.push((result.name(), given)),
            }
        }
        let inner = Scope {
            names,
            bindings: Rc::clone(&scope.bindings),
            opset: scope.opset,
            depth: self.check_depth(scope)?,
            outside: Outside::Branch(name.clone(), scope),
        };
        self.initializers(branch, &inner);
        self.body(&branch.node, &inner)?;
        for (value, output) in passed_on {
            self.rename(&name, inner.value(value), output, scope)?;
        }
        Ok(())
    }

    /// The content of a value that follows from constants alone, so far as it is known where the model
    /// is read: shapes are not.
    fn folded(&mut self, name: &str, depth: usize) -> Result<Option<Arc<Tensor>>, GraphError> {
        if let Some(tensor) = self.flat.constants.get(name)? {
            return Ok(Some(tensor));
        }
        let known = !self.varying.contains(name) && depth < MAX_DEPTH;
        let Some(index) = self.flat.producer(name).filter(|_| known) else {
            return Ok(None);
        };
        let inputs = self.flat.nodes[index].inputs.clone();
        let mut states = Vec::with_capacity(inputs.len());
        for input in &inputs {
            match self.folded(input, depth + 1)? {
                Some(tensor) => states.push(Some(ValueState::Constant(tensor))),
                None if input.is_empty() => states.push(None),
                None => {
                    self.varying.insert(name.to_string());
                    return Ok(None);
                }
            }
        }
        let node = &self.flat.nodes[index];
        let mut attributes = Attributes::new(node, &self.flat.constants);
        let operands: Vec<Option<&ValueState>> = states.iter().map(Option::as_ref).collect();
        let result = operators::read(node.operator, &mut attributes, node.opset)
            .ok()
            .filter(|_| node.has_standard_domain() && node.outputs.len() == 1)
            .and_then(|op| fold::evaluate(&op, &operands).ok().flatten())
            .map(Arc::new);
        match &result {
            Some(tensor) => {
                let source = Source::Folded(Arc::clone(tensor));
                self.flat.constants.insert(name.to_string(), source);
            }
            None => {
                self.varying.insert(name.to_string());
            }
        }
        Ok(result)
    }
}
