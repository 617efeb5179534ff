//! What the names of the allow-list make of their arguments.

use infoplane_pickle::{Id, Object, Pickle};

use super::globals::{self, Global, StorageKind};
use crate::weights::problem::WeightsProblem;
use crate::weights::stored::{Element, row_major};

/// Tensors may be wrapped, in parameters and subclasses, but not deeper.
const MAX_WRAPPERS: usize = 4;

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
pub(crate) struct TensorRef<'a> {
    pub storage: StorageRef<'a>,
    pub element: Element,
    pub offset: usize,
    pub shape: Vec<usize>,
    pub strides: Vec<usize>,
}

fn damaged(reason: impl std::fmt::Display) -> WeightsProblem {
    WeightsProblem::damaged(format!("its pickle {reason}"))
}

/// The arguments from which an object is rebuilt as a tensor; none where it is something else.
fn tensor_parts<'p>(pickle: &'p Pickle<'_>, object: &'p Object<'_>) -> Option<&'p [Id]> {
    let mut object = object;
    for _ in 0..MAX_WRAPPERS {
        let &Object::Call {
            callee, arguments, ..
        } = object
        else {
            return None;
        };
        let parts = pickle.items(arguments)?;
        match global(pickle, callee)? {
            Global::RebuildTensor => return Some(parts),
            Global::RebuildParameter => object = pickle.get(*parts.first()?),
            Global::RebuildFromType => {
                let &[inner, _class, arguments, ..] = parts else {
                    return None;
                };
                let parts = pickle.items(arguments)?;
                match global(pickle, inner)? {
                    Global::RebuildTensor => return Some(parts),
                    Global::RebuildParameter => object = pickle.get(*parts.first()?),
                    _ => return None,
                }
            }
            _ => return None,
        }
    }
    None
}

fn global(pickle: &Pickle<'_>, id: Id) -> Option<Global> {
    match pickle.get(id) {
        Object::Global { module, name } => globals::find(module, name),
        _ => None,
    }
}

/// Whether an object is a tensor.
pub(crate) fn is_tensor(pickle: &Pickle<'_>, object: &Object<'_>) -> bool {
    tensor_parts(pickle, object).is_some()
}

/// The tensor that an object is; none where it is something else.
///
/// It is rebuilt by `_rebuild_tensor(storage, offset, size, stride)`, with `requires_grad` and hooks after
/// that (`_v2`), and the element type after these (`_v3`).
pub(crate) fn tensor<'a>(
    pickle: &Pickle<'a>,
    object: &Object<'a>,
) -> Result<Option<TensorRef<'a>>, WeightsProblem> {
    let Some(parts) = tensor_parts(pickle, object) else {
        return Ok(None);
    };
    let &[source, offset, size, stride, ref rest @ ..] = parts else {
        return Err(damaged("rebuilds a tensor from too little"));
    };
    let &Object::Persistent(source) = pickle.get(source) else {
        return Err(damaged("rebuilds a tensor without a storage"));
    };
    let source = storage(pickle, source)?;
    let dtype = rest.get(2).and_then(|&id| global(pickle, id));
    let element: Element = match (&source.kind, dtype) {
        (_, Some(Global::Dtype(element))) => element,
        (StorageKind::Typed(element), _) => element.clone(),
        (StorageKind::Untyped, _) => {
            return Err(damaged("rebuilds a tensor without a type"));
        }
    };
    let shape = sizes(pickle, size)?;
    let strides = sizes(pickle, stride)?;
    let offset = number(pickle, offset)?.checked_add(source.view_offset);
    Ok(Some(TensorRef {
        storage: source,
        element,
        offset: offset.ok_or_else(|| damaged("has an impossible offset"))?,
        // The strides of an empty tensor mean nothing.
        strides: match shape.contains(&0) {
            true => row_major(&shape).unwrap_or(strides),
            false => strides,
        },
        shape,
    }))
}

/// A storage by its persistent name: `("storage", class, key, device, length[, view])`.
pub(crate) fn storage<'a>(pickle: &Pickle<'a>, name: Id) -> Result<StorageRef<'a>, WeightsProblem> {
    let unknown = || damaged("refers to something that is no storage");
    let Object::Tuple(parts) = pickle.get(name) else {
        return Err(unknown());
    };
    let &[tag, class, key, _device, len, ref view @ ..] = parts.as_slice() else {
        return Err(unknown());
    };
    match (pickle.get(tag), global(pickle, class), pickle.get(key)) {
        (Object::Text("storage"), Some(Global::Storage(kind)), Object::Text(key)) => {
            Ok(StorageRef {
                key,
                kind,
                len: number(pickle, len)?,
                view_offset: match view.first().map(|&id| pickle.get(id)) {
                    Some(Object::Tuple(view)) if view.len() == 3 => number(pickle, view[1])?,
                    _ => 0,
                },
            })
        }
        _ => Err(unknown()),
    }
}

fn number(pickle: &Pickle<'_>, id: Id) -> Result<usize, WeightsProblem> {
    match pickle.get(id) {
        Object::Int(value) => usize::try_from(*value)
            .map_err(|_| damaged(format!("has {value} where a size belongs"))),
        _ => Err(damaged("has no number where a size belongs")),
    }
}

/// A shape or strides: a tuple, a list, or `torch.Size` of one.
fn sizes(pickle: &Pickle<'_>, id: Id) -> Result<Vec<usize>, WeightsProblem> {
    let list = match *pickle.get(id) {
        Object::Call {
            callee, arguments, ..
        } if global(pickle, callee) == Some(Global::Size) => pickle
            .items(arguments)
            .and_then(|given| given.first().copied()),
        _ => Some(id),
    };
    let items = list.and_then(|list| pickle.items(list));
    let items = items.ok_or_else(|| damaged("has no list where a shape belongs"))?;
    items.iter().map(|&id| number(pickle, id)).collect()
}
