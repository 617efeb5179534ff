//! The constants of a model by the name of their value, read when they are asked for.
//!
//! What the network's output does not need is never read, so it may be of any type.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use super::proto::{AttributeProto, DataType, TensorProto};
use super::tensors;
use crate::error::{GraphError, UnsupportedNode};
use crate::tensor::{Tensor, TensorData};

/// Where a constant's content is.
#[derive(Clone)]
pub(super) enum Source<'a> {
    /// A tensor of the file.
    Stored(&'a TensorProto),
    /// The attribute of a `Constant` node, by the name that says what it holds.
    Attribute {
        node: String,
        form: &'a str,
        attribute: &'a AttributeProto,
    },
    /// Worked out from other constants.
    Folded(Arc<Tensor>),
    /// A content that is not read.
    Sparse,
}

pub(super) struct Constants<'a> {
    folder: &'a Path,
    sources: HashMap<String, Source<'a>>,
    /// A tensor in the body of a function has a name for each call.
    read: RefCell<HashMap<*const TensorProto, Arc<Tensor>>>,
}

impl<'a> Constants<'a> {
    /// `folder` is where tensors stored outside the model are.
    pub fn new(folder: &'a Path) -> Constants<'a> {
        Constants {
            folder,
            sources: HashMap::new(),
            read: RefCell::default(),
        }
    }

    pub fn insert(&mut self, name: String, source: Source<'a>) {
        self.sources.insert(name, source);
    }

    pub fn contains(&self, name: &str) -> bool {
        self.sources.contains_key(name)
    }

    /// The element type that the file gives a constant.
    pub fn data_type(&self, name: &str) -> Option<DataType> {
        match self.sources.get(name)? {
            Source::Stored(proto) => Some(proto.element_type()),
            Source::Attribute { attribute, .. } => {
                attribute.t.as_ref().map(|proto| proto.element_type())
            }
            Source::Folded(_) | Source::Sparse => None,
        }
    }

    /// A constant's content; `None` where no constant has this name.
    pub fn get(&self, name: &str) -> Result<Option<Arc<Tensor>>, GraphError> {
        let Some(source) = self.sources.get(name) else {
            return Ok(None);
        };
        let refuse = |node: &str, detail: &str| {
            GraphError::Unsupported(vec![UnsupportedNode {
                node: node.to_string(),
                operator: "Constant".to_string(),
                detail: detail.to_string(),
            }])
        };
        let tensor = match source {
            Source::Folded(tensor) => Arc::clone(tensor),
            Source::Stored(proto) => self.stored(proto, name)?,
            Source::Sparse => return Err(refuse(name, "a sparse tensor")),
            Source::Attribute {
                node,
                form,
                attribute,
            } => match attribute.t.as_deref().filter(|_| *form == "value") {
                Some(proto) => self.stored(proto, node)?,
                None => numbers(form, attribute).map(Arc::new).ok_or_else(|| {
                    let detail = format!(
                        "attribute {form} (tensors, numbers and lists of numbers are supported)"
                    );
                    refuse(node, &detail)
                })?,
            },
        };
        Ok(Some(tensor))
    }

    fn stored(&self, proto: &TensorProto, name: &str) -> Result<Arc<Tensor>, GraphError> {
        let key: *const TensorProto = proto;
        if let Some(tensor) = self.read.borrow().get(&key) {
            return Ok(Arc::clone(tensor));
        }
        let tensor = Arc::new(tensors::read(proto, name, self.folder)?);
        self.read.borrow_mut().insert(key, Arc::clone(&tensor));
        Ok(tensor)
    }
}

/// The content of a `Constant` node that is given as numbers.
fn numbers(form: &str, attribute: &AttributeProto) -> Option<Tensor> {
    match form {
        "value_int" => Tensor::new(vec![], TensorData::I64(vec![attribute.i?])),
        "value_float" => Tensor::new(vec![], TensorData::F32(vec![attribute.f?].into())),
        "value_ints" => Some(Tensor::from_integers(attribute.ints.clone())),
        "value_floats" => {
            let floats = attribute.floats.clone();
            Tensor::new(vec![floats.len()], TensorData::F32(floats.into()))
        }
        _ => None,
    }
}
