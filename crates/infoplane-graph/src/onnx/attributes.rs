//! A node's attributes, read by name; what nobody read is an error.

use std::collections::HashSet;

use rten_onnx::onnx::{AttributeProto, NodeProto, TensorProto};

use crate::tensor::{Tensor, TensorData};

/// Attributes that change nothing about the result at inference.
const IGNORED: &[&str] = &[
    "storage_order",
    "momentum",
    "spatial",
    "ratio",
    "seed",
    "stash_type",
];

pub(super) struct Attributes<'a> {
    node: &'a NodeProto,
    used: HashSet<&'a str>,
}

impl<'a> Attributes<'a> {
    pub fn new(node: &'a NodeProto) -> Attributes<'a> {
        Attributes {
            node,
            used: HashSet::new(),
        }
    }

    fn find(&mut self, name: &str) -> Option<&'a AttributeProto> {
        let attribute = self
            .node
            .attribute
            .iter()
            .find(|attribute| attribute.name.as_deref() == Some(name))?;
        self.used.extend(attribute.name.as_deref());
        Some(attribute)
    }

    pub fn n_inputs(&self) -> usize {
        self.node.input.len()
    }

    pub fn n_outputs(&self) -> usize {
        self.node
            .output
            .iter()
            .filter(|name| !name.is_empty())
            .count()
    }

    pub fn integer(&mut self, name: &str, default: i64) -> i64 {
        self.find(name).and_then(|a| a.i).unwrap_or(default)
    }

    pub fn optional_integer(&mut self, name: &str) -> Option<i64> {
        self.find(name).and_then(|a| a.i)
    }

    pub fn float(&mut self, name: &str, default: f32) -> f32 {
        self.find(name).and_then(|a| a.f).unwrap_or(default)
    }

    pub fn optional_float(&mut self, name: &str) -> Option<f32> {
        self.find(name).and_then(|a| a.f)
    }

    pub fn text(&mut self, name: &str) -> Option<&'a str> {
        self.find(name).and_then(|a| a.s.as_deref())
    }

    pub fn integers(&mut self, name: &str) -> Option<&'a [i64]> {
        self.find(name).map(|a| a.ints.as_slice())
    }

    pub fn floats(&mut self, name: &str) -> Option<&'a [f32]> {
        self.find(name).map(|a| a.floats.as_slice())
    }

    pub fn tensor(&mut self, name: &str) -> Option<&'a TensorProto> {
        self.find(name).and_then(|a| a.t.as_ref())
    }

    /// The content of a `Constant` node that is given as numbers.
    pub fn constant(&mut self) -> Option<Tensor> {
        if let Some(value) = self.find("value_int").and_then(|a| a.i) {
            return Tensor::new(vec![], TensorData::I64(vec![value]));
        }
        if let Some(value) = self.find("value_float").and_then(|a| a.f) {
            return Tensor::new(vec![], TensorData::F32(vec![value].into()));
        }
        if let Some(attribute) = self.find("value_ints") {
            return Some(Tensor::from_integers(attribute.ints.clone()));
        }
        let floats = self.find("value_floats")?.floats.clone();
        Tensor::new(vec![floats.len()], TensorData::F32(floats.into()))
    }

    /// What is left: attributes that no reader asked for, in words.
    pub fn leftovers(&self) -> Vec<String> {
        self.node
            .attribute
            .iter()
            .filter_map(|attribute| attribute.name.as_deref())
            .filter(|name| !self.used.contains(name) && !IGNORED.contains(name))
            .map(|name| format!("attribute {name}"))
            .collect()
    }
}
