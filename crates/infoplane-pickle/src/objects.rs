//! What a pickle can hold.

use std::borrow::Cow;

/// Index of an object in its [`Pickle`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Id(pub(super) u32);

/// One object.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Object<'a> {
    /// `True` or `False`.
    Bool(bool),
    /// A whole number of at most 64 bits.
    Int(i64),
    /// A text, or bytes of Python 2 that are UTF-8.
    Text(&'a str),
    /// Bytes.
    Bytes(Cow<'a, [u8]>),
    /// A tuple.
    Tuple(Vec<Id>),
    /// A list or a set.
    List(Vec<Id>),
    /// A `dict` or `collections.OrderedDict`: keys and values in order. A key may stand more than once;
    /// the last counts.
    Dict(Vec<(Id, Id)>),
    /// A name of the allow-list: what Python would import.
    Global {
        /// The module.
        module: &'a str,
        /// The name in it.
        name: &'a str,
    },
    /// What Python would call, with its arguments, and the state that the result would be given.
    Call {
        /// What is called.
        callee: Id,
        /// The arguments.
        arguments: Id,
        /// The argument of `__setstate__`.
        state: Option<Id>,
    },
    /// Something outside the pickle, by its name.
    Persistent(Id),
    /// None, a float, or a longer integer.
    Opaque,
}

/// A pickle that was read.
#[derive(Debug)]
pub struct Pickle<'a> {
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

    /// The value of a dictionary's key, a text or the same as bytes.
    pub fn lookup(&self, entries: &[(Id, Id)], key: &str) -> Option<&Object<'a>> {
        let is_key = |name: Id| match self.get(name) {
            Object::Text(text) => *text == key,
            Object::Bytes(bytes) => bytes.as_ref() == key.as_bytes(),
            _ => false,
        };
        let found = entries.iter().rev().find(|(name, _)| is_key(*name));
        found.map(|(_, value)| self.get(*value))
    }

    /// The items of a tuple or a list.
    pub fn items(&self, id: Id) -> Option<&[Id]> {
        match self.get(id) {
            Object::Tuple(items) | Object::List(items) => Some(items),
            _ => None,
        }
    }
}
