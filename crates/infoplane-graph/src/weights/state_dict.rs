//! Which of a pickle's objects is the state dict, and where its tensors lie.

use std::collections::BTreeMap;
use std::ops::Range;

use infoplane_pickle::{Id, Object, Pickle};

use super::pickle::{StorageKind, StorageRef, is_tensor, tensor};
use super::problem::WeightsProblem;
use super::stored::StoredTensor;

/// Where checkpoints keep the state dict, the likeliest first.
const WRAPPERS: [&str; 8] = [
    "state_dict",
    "model_state_dict",
    "model_state",
    "model",
    "net",
    "network",
    "module",
    "weights",
];
/// Wrappers may be in wrappers, but not deeper.
const MAX_WRAPPERS: usize = 3;
/// Keys that a message lists.
const LISTED_KEYS: usize = 8;

/// The tensors by name. `locate` tells the bytes of a storage.
pub(super) fn tensors(
    pickle: &Pickle<'_>,
    locate: impl Fn(&StorageRef<'_>) -> Result<Range<usize>, WeightsProblem>,
) -> Result<BTreeMap<String, StoredTensor>, WeightsProblem> {
    let entries = find(pickle, pickle.root(), MAX_WRAPPERS).ok_or_else(|| {
        WeightsProblem::NoTensors(match pickle.root() {
            Object::Dict(entries) => format!("; its keys are {}", keys(pickle, entries)),
            root if is_tensor(pickle, root) => ": it is one tensor, not a state dict".to_string(),
            _ => ": it is no dictionary".to_string(),
        })
    })?;
    let mut tensors = BTreeMap::new();
    for &(key, value) in entries {
        let Object::Text(name) = pickle.get(key) else {
            continue;
        };
        let Some(tensor) = tensor(pickle, pickle.get(value))? else {
            continue;
        };
        let of_tensor = |reason: String| WeightsProblem::tensor(name, reason);
        let storage = &tensor.storage;
        let bytes =
            locate(storage).map_err(|problem| of_tensor(format!("can't be read: {problem}")))?;
        // A storage may be stored with more bytes than it is said to have, but not with fewer.
        let len = storage_bytes(storage).filter(|&len| len <= bytes.len());
        let len = len.ok_or_else(|| {
            of_tensor(format!(
                "lies in the storage `{}`, which is said to hold {} elements but has {} bytes",
                storage.key,
                storage.len,
                bytes.len()
            ))
        })?;
        let stored = StoredTensor::view(
            tensor.element.clone(),
            tensor.shape.clone(),
            tensor.strides.clone(),
            tensor.offset,
            bytes.start..bytes.start + len,
        )
        .map_err(of_tensor)?;
        tensors.insert((*name).to_string(), stored);
    }
    Ok(tensors)
}

/// Bytes of a storage as it is described.
pub(super) fn storage_bytes(storage: &StorageRef<'_>) -> Option<usize> {
    match &storage.kind {
        StorageKind::Typed(element) => storage.len.checked_mul(element.size()),
        StorageKind::Untyped => Some(storage.len),
    }
}

fn find<'p>(
    pickle: &'p Pickle<'_>,
    object: &'p Object<'_>,
    depth: usize,
) -> Option<&'p [(Id, Id)]> {
    let Object::Dict(entries) = object else {
        return None;
    };
    if depth > 0 {
        let wrapped = WRAPPERS
            .iter()
            .filter_map(|key| pickle.lookup(entries, key))
            .find_map(|object| find(pickle, object, depth - 1));
        if wrapped.is_some() {
            return wrapped;
        }
    }
    let holds_tensor = |&(_, value): &(Id, Id)| is_tensor(pickle, pickle.get(value));
    entries.iter().any(holds_tensor).then_some(entries)
}

fn keys(pickle: &Pickle<'_>, entries: &[(Id, Id)]) -> String {
    let names: Vec<String> = entries
        .iter()
        .filter_map(|&(key, _)| match pickle.get(key) {
            Object::Text(text) => Some(format!(
                "`{}`",
                text.escape_debug().take(60).collect::<String>()
            )),
            _ => None,
        })
        .collect();
    match names.len() {
        0 => "none".to_string(),
        n if n > LISTED_KEYS => format!(
            "{} and {} more",
            names[..LISTED_KEYS].join(", "),
            n - LISTED_KEYS
        ),
        _ => names.join(", "),
    }
}
