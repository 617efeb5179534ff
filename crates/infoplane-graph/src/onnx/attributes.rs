//! A node's attributes, read by name; what nobody read is an error.

use std::collections::HashSet;

use super::constants::Constants;
use super::inline::FlatNode;
use super::operators::Refusal;
use super::proto::{AttributeProto, DataType, TensorProto};

/// Attributes that change nothing about the result at inference.
const IGNORED: &[&str] = &[
    "storage_order",
    "momentum",
    "ratio",
    "saturate",
    "seed",
    "stash_type",
];

pub(super) struct Attributes<'a> {
    node: &'a FlatNode<'a>,
    constants: &'a Constants<'a>,
    used: HashSet<&'a str>,
}

impl<'a> Attributes<'a> {
    pub fn new(node: &'a FlatNode<'a>, constants: &'a Constants<'a>) -> Attributes<'a> {
        Attributes {
            node,
            constants,
            used: HashSet::new(),
        }
    }

    fn find(&mut self, name: &str) -> Option<&'a AttributeProto> {
        let (own, attribute) = self.node.attributes().find(|(own, _)| *own == name)?;
        self.used.insert(own);
        Some(attribute)
    }

    pub fn n_inputs(&self) -> usize {
        self.node.inputs.len()
    }

    pub fn n_outputs(&self) -> usize {
        self.node
            .outputs
            .iter()
            .filter(|name| !name.is_empty())
            .count()
    }

    /// The type that the file gives a constant operand.
    pub fn type_of_input(&self, position: usize) -> Option<DataType> {
        self.constants.data_type(self.node.inputs.get(position)?)
    }

    pub fn integer(&mut self, name: &str, default: i64) -> i64 {
        self.find(name).and_then(|a| a.i).unwrap_or(default)
    }

    pub fn optional_integer(&mut self, name: &str) -> Option<i64> {
        self.find(name).and_then(|a| a.i)
    }

    /// A size; 0 where it is not given.
    pub fn size(&mut self, name: &str) -> Result<usize, Refusal> {
        let size = self.integer(name, 0);
        usize::try_from(size).map_err(|_| Refusal::attribute(name, size))
    }

    pub fn float(&mut self, name: &str, default: f32) -> f32 {
        self.find(name).and_then(|a| a.f).unwrap_or(default)
    }

    pub fn optional_float(&mut self, name: &str) -> Option<f32> {
        self.find(name).and_then(|a| a.f)
    }

    pub fn text(&mut self, name: &str) -> Option<&'a str> {
        let bytes = self.find(name).and_then(|a| a.s.as_deref())?;
        // What is no text is no name that any reader knows.
        Some(std::str::from_utf8(bytes).unwrap_or("?"))
    }

    pub fn integers(&mut self, name: &str) -> Option<&'a [i64]> {
        self.find(name).map(|a| a.ints.as_slice())
    }

    pub fn tensor(&mut self, name: &str) -> Option<&'a TensorProto> {
        self.find(name).and_then(|a| a.t.as_deref())
    }

    /// What is left: attributes that no reader asked for, in words.
    pub fn leftovers(&self) -> Vec<String> {
        self.node
            .attributes()
            .map(|(name, _)| name)
            .filter(|name| !self.used.contains(name) && !IGNORED.contains(name))
            .map(|name| format!("attribute {name}"))
            .collect()
    }
}
