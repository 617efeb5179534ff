//! What a pickle can hold.

use super::globals::{Global, StorageKind};
use crate::weights::stored::Element;

/// Index of an object in its [`Pickle`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Id(pub(super) u32);

/// One object.
#[derive(Debug, Clone)]
pub(crate) enum Object<'a> {
    Bool(bool),
    Int(i64),
    Text(&'a str),
    Tuple(Vec<Id>),
    List(Vec<Id>),
    Dict(Vec<(Id, Id)>),
    Global(Global),
    Storage(StorageRef<'a>),
    Tensor(TensorRef),
    /// Something that weights don't depend on: none, a float, a long integer, bytes, a device.
    Opaque,
}

/// A storage as a pickle refers to it.
#[derive(Debug, Clone)]
pub(crate) struct StorageRef<'a> {
    pub key: &'a str,
    pub kind: StorageKind,
    /// Number of elements; of bytes where the storage has no element type.
    pub len: usize,
    /// Where a view begins in the storage (elements).
    pub view_offset: usize,
}

/// A tensor as a pickle describes it.
#[derive(Debug, Clone)]
pub(crate) struct TensorRef {
    pub storage: Id,
    pub element: Element,
    pub offset: usize,
    pub shape: Vec<usize>,
    pub strides: Vec<usize>,
}

/// A pickle that was read.
#[derive(Debug)]
pub(crate) struct Pickle<'a> {
    pub(super) objects: Vec<Object<'a>>,
    pub(super) root: Id,
    /// Bytes that it takes.
    pub len: usize,
}

impl<'a> Pickle<'a> {
    /// One object.
    pub fn get(&self, id: Id) -> &Object<'a> {
        // An id is made where its object is added, and objects are never removed.
        &self.objects[id.0 as usize]
    }

    /// The object that the pickle is of.
    pub fn root(&self) -> &Object<'a> {
        self.get(self.root)
    }

    /// All objects, in the order they were made.
    pub fn objects(&self) -> &[Object<'a>] {
        &self.objects
    }

    /// The value of a dictionary's key.
    pub fn lookup(&self, entries: &[(Id, Id)], key: &str) -> Option<&Object<'a>> {
        entries
            .iter()
            .rev()
            .find(|(name, _)| matches!(self.get(*name), Object::Text(text) if *text == key))
            .map(|(_, value)| self.get(*value))
    }
}
