//! What the names of the allow-list make of their arguments.

use super::globals::{self, Global, StorageKind};
use super::machine::{Machine, damaged};
use super::objects::{Id, Object, StorageRef, TensorRef};
use crate::weights::problem::WeightsProblem;
use crate::weights::stored::{Element, row_major};

impl<'a> Machine<'a> {
    /// The name that an opcode brings, in two lines or from the stack.
    pub(super) fn global(&mut self, opcode: u8) -> Result<Global, WeightsProblem> {
        let (module, name) = if opcode == b'c' {
            (self.line()?, self.line()?)
        } else {
            let (name, module) = (self.pop()?, self.pop()?);
            match (self.get(module), self.get(name)) {
                (Object::Text(module), Object::Text(name)) => (*module, *name),
                _ => return Err(damaged("names something without a name")),
            }
        };
        globals::find(module, name).ok_or_else(|| {
            let full: String = format!("{module}.{name}")
                .escape_debug()
                .take(200)
                .collect();
            WeightsProblem::ForbiddenGlobal(full)
        })
    }

    /// A storage by its persistent name: `("storage", class, key, device, length[, view])`.
    pub(super) fn storage(&self, name: Id) -> Result<StorageRef<'a>, WeightsProblem> {
        let unknown = || damaged("refers to something that is no storage");
        let Object::Tuple(parts) = self.get(name) else {
            return Err(unknown());
        };
        let [tag, class, key, _device, len, view @ ..] = parts.as_slice() else {
            return Err(unknown());
        };
        match (self.get(*tag), self.get(*class), self.get(*key)) {
            (Object::Text("storage"), Object::Global(Global::Storage(kind)), Object::Text(key)) => {
                Ok(StorageRef {
                    key,
                    kind: kind.clone(),
                    len: self.size(*len)?,
                    view_offset: match view.first().map(|&id| self.get(id)) {
                        Some(Object::Tuple(view)) if view.len() == 3 => self.size(view[1])?,
                        _ => 0,
                    },
                })
            }
            _ => Err(unknown()),
        }
    }

    fn size(&self, id: Id) -> Result<usize, WeightsProblem> {
        match self.get(id) {
            Object::Int(value) => usize::try_from(*value)
                .map_err(|_| damaged(&format!("has {value} where a size belongs"))),
            _ => Err(damaged("has no number where a size belongs")),
        }
    }

    fn sizes(&self, id: Id) -> Result<Vec<usize>, WeightsProblem> {
        match self.get(id) {
            Object::Tuple(ids) | Object::List(ids) => ids.iter().map(|&id| self.size(id)).collect(),
            _ => Err(damaged("has no list where a shape belongs")),
        }
    }

    /// What a name makes of its arguments.
    pub(super) fn call(&mut self, callee: Id, arguments: Id) -> Result<Id, WeightsProblem> {
        let Object::Global(global) = self.get(callee) else {
            return Err(damaged("calls what is no name"));
        };
        let global = global.clone();
        match global {
            Global::RebuildFromType => {
                let Object::Tuple(parts) = self.get(arguments) else {
                    return Err(damaged("calls without arguments"));
                };
                let &[inner, _class, arguments, ..] = parts.as_slice() else {
                    return Err(damaged("rebuilds a tensor from too little"));
                };
                match self.get(inner) {
                    Object::Global(inner) if *inner != Global::RebuildFromType => {
                        let inner = inner.clone();
                        self.make(&inner, arguments)
                    }
                    _ => Err(damaged("rebuilds a tensor by no known way")),
                }
            }
            other => self.make(&other, arguments),
        }
    }

    fn make(&mut self, global: &Global, arguments: Id) -> Result<Id, WeightsProblem> {
        let Object::Tuple(arguments) = self.get(arguments) else {
            return Err(damaged("calls without arguments"));
        };
        match (global, arguments.as_slice()) {
            (Global::OrderedDict, []) => self.add(Object::Dict(Vec::new())),
            (Global::OrderedDict, &[pairs]) => {
                let entries = self.pairs(pairs)?;
                self.add(Object::Dict(entries))
            }
            (Global::RebuildTensor, parts) => {
                let tensor = self.tensor(parts)?;
                self.add(Object::Tensor(tensor))
            }
            (Global::RebuildParameter, &[data, ..]) => Ok(data),
            (Global::Size, &[dims]) => Ok(dims),
            (Global::Irrelevant, _) => self.add(Object::Opaque),
            _ => Err(damaged("calls a name with arguments that it does not take")),
        }
    }

    /// The entries of a dictionary that was pickled as a list of pairs.
    fn pairs(&self, id: Id) -> Result<Vec<(Id, Id)>, WeightsProblem> {
        let (Object::List(pairs) | Object::Tuple(pairs)) = self.get(id) else {
            return Err(damaged("makes a dictionary of no pairs"));
        };
        pairs
            .iter()
            .map(|&pair| match self.get(pair) {
                Object::Tuple(parts) | Object::List(parts) if parts.len() == 2 => {
                    Ok((parts[0], parts[1]))
                }
                _ => Err(damaged("makes a dictionary of no pairs")),
            })
            .collect()
    }

    /// `_rebuild_tensor(storage, offset, size, stride)`, with `requires_grad` and hooks after that
    /// (`_v2`), and the element type after these (`_v3`).
    fn tensor(&self, parts: &[Id]) -> Result<TensorRef, WeightsProblem> {
        let [storage, offset, size, stride, rest @ ..] = parts else {
            return Err(damaged("rebuilds a tensor from too little"));
        };
        let Object::Storage(source) = self.get(*storage) else {
            return Err(damaged("rebuilds a tensor without a storage"));
        };
        let dtype = rest.get(2).map(|&id| self.get(id));
        let element: Element = match (&source.kind, dtype) {
            (_, Some(Object::Global(Global::Dtype(element)))) => element.clone(),
            (StorageKind::Typed(element), _) => element.clone(),
            (StorageKind::Untyped, _) => {
                return Err(damaged("rebuilds a tensor without a type"));
            }
        };
        let shape = self.sizes(*size)?;
        let strides = self.sizes(*stride)?;
        let offset = self.size(*offset)?.checked_add(source.view_offset);
        Ok(TensorRef {
            storage: *storage,
            element,
            offset: offset.ok_or_else(|| damaged("has an impossible offset"))?,
            // The strides of an empty tensor mean nothing.
            strides: match shape.contains(&0) {
                true => row_major(&shape).unwrap_or(strides),
                false => strides,
            },
            shape,
        })
    }
}
