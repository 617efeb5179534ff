//! NumPy's arrays in pickles.

use std::path::Path;

use infoplane_pickle::{Id, Object, Pickle};

use crate::npy::NpyArray;

/// Whether an array needs a name.
pub(crate) fn is_known(module: &str, name: &str) -> bool {
    match module {
        "numpy" => matches!(name, "ndarray" | "dtype"),
        "numpy.core.multiarray" | "numpy._core.multiarray" => {
            matches!(name, "_reconstruct" | "scalar")
        }
        "numpy.core.numeric" | "numpy._core.numeric" => name == "_frombuffer",
        _ => false,
    }
}

/// The array or scalar that an object is; `origin` is for messages. The error is a reason for a person.
///
/// It is `_reconstruct(…)` with the state `(version, shape, dtype, column order, data)`,
/// `_frombuffer(data, dtype, shape, order)`, or `scalar(dtype, data)`.
pub(crate) fn array(
    pickle: &Pickle<'_>,
    object: &Object<'_>,
    origin: &Path,
) -> Result<NpyArray, String> {
    let unknown = || "no array of NumPy that can be read".to_string();
    let &Object::Call {
        callee,
        arguments,
        state,
    } = object
    else {
        return Err(unknown());
    };
    let Object::Global { name, .. } = pickle.get(callee) else {
        return Err(unknown());
    };
    let given = pickle.items(arguments).ok_or_else(unknown)?;
    let (shape, kind, columns_first, data) = match (*name, given) {
        ("_reconstruct", _) => {
            let state = state.and_then(|state| pickle.items(state));
            let &[_, shape, kind, order, data] = state.ok_or_else(unknown)? else {
                return Err(unknown());
            };
            let &Object::Bool(columns_first) = pickle.get(order) else {
                return Err(unknown());
            };
            let shape = sizes(pickle, shape).ok_or_else(unknown)?;
            (shape, kind, columns_first, data)
        }
        ("_frombuffer", &[data, kind, shape, order]) => {
            let columns_first = *pickle.get(order) == Object::Text("F");
            let shape = sizes(pickle, shape).ok_or_else(unknown)?;
            (shape, kind, columns_first, data)
        }
        ("scalar", &[kind, data]) => (vec![1], kind, false, data),
        _ => return Err(unknown()),
    };
    let bytes = match pickle.get(data) {
        Object::Bytes(bytes) => bytes,
        // Bytes of Python 2 that are UTF-8 by chance.
        Object::Text(text) => text.as_bytes(),
        _ => return Err(unknown()),
    };
    let kind = descr(pickle, kind).ok_or_else(unknown)?;
    NpyArray::new(origin, shape, &kind, columns_first, bytes.to_vec())
}

fn sizes(pickle: &Pickle<'_>, id: Id) -> Option<Vec<usize>> {
    let size = |&id: &Id| match pickle.get(id) {
        Object::Int(size) => usize::try_from(*size).ok(),
        _ => None,
    };
    pickle.items(id)?.iter().map(size).collect()
}

/// An element type as a `.npy` header has it: `dtype("u1", …)` with the state `(version, byte order, …)`.
fn descr(pickle: &Pickle<'_>, id: Id) -> Option<String> {
    let &Object::Call {
        callee,
        arguments,
        state: Some(state),
    } = pickle.get(id)
    else {
        return None;
    };
    let Object::Global { name: "dtype", .. } = pickle.get(callee) else {
        return None;
    };
    match (
        pickle.get(*pickle.items(arguments)?.first()?),
        pickle.get(*pickle.items(state)?.get(1)?),
    ) {
        (Object::Text(kind), Object::Text(order)) => Some(format!("{order}{kind}")),
        _ => None,
    }
}
