//! A model's operators in one flat list, under the names that their values have in the whole network.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use super::constants::Constants;
use super::proto::{AttributeProto, OperatorSetId};
use crate::error::GraphError;

/// The attributes of the function that a node is in the body of, by their names there.
pub(super) type Bindings<'a> = HashMap<&'a str, &'a AttributeProto>;

/// A node with the names that its values have in the whole network.
pub(super) struct FlatNode<'a> {
    pub name: String,
    pub domain: &'a str,
    pub operator: &'a str,
    pub inputs: Vec<String>,
    pub outputs: Vec<String>,
    /// Version of ONNX's operators.
    pub opset: i64,
    pub(super) attributes: &'a [AttributeProto],
    pub(super) bindings: Rc<Bindings<'a>>,
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
pub(super) fn bound<'a, 'b>(
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

pub(super) fn is_standard(domain: &str) -> bool {
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
    pub(super) producers: HashMap<String, usize>,
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
