//! What `torch.save` wrote before PyTorch 1.6, and still writes on request: five pickles (a magic
//! number, a version, facts about the machine, the object, the storages' keys), then each storage's
//! length and bytes.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use infoplane_pickle::{Object, Pickle};

use super::pickle::{self, StorageRef};
use super::problem::WeightsProblem;
use super::state_dict::{storage_bytes, tensors};
use super::stored::StoredTensor;

/// The first pickle: protocol 2, an integer of ten bytes, the end.
const MAGIC: &[u8] = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.";
/// The version of the format.
const VERSION: i64 = 1001;

/// Whether the file begins as the format does.
pub(super) fn recognises(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC)
}

/// The tensors by name.
pub(super) fn read(bytes: &[u8]) -> Result<BTreeMap<String, StoredTensor>, WeightsProblem> {
    let mut position = MAGIC.len().min(bytes.len());
    let mut next = || -> Result<Pickle<'_>, WeightsProblem> {
        let pickle = pickle::load(&bytes[position..])?;
        position += pickle.len;
        Ok(pickle)
    };
    match next()?.root() {
        Object::Int(VERSION) => {}
        _ => {
            return Err(WeightsProblem::Unsupported(format!(
                "its version of the format is not {VERSION}"
            )));
        }
    }
    let machine = next()?;
    if let Object::Dict(facts) = machine.root()
        && let Some(Object::Bool(false)) = machine.lookup(facts, "little_endian")
    {
        return Err(WeightsProblem::Unsupported(
            "it was saved on a big-endian machine".to_string(),
        ));
    }
    let object = next()?;
    let keys = next()?;
    let places = places(bytes, position, &object, &keys)?;
    tensors(&object, |storage| {
        places.get(storage.key).cloned().ok_or_else(|| {
            WeightsProblem::damaged(format!("no storage `{}` is stored", storage.key))
        })
    })
}

/// The bytes of each storage, which follow each other in the order of `keys`.
fn places<'a>(
    bytes: &[u8],
    mut position: usize,
    object: &Pickle<'a>,
    keys: &Pickle<'a>,
) -> Result<HashMap<&'a str, Range<usize>>, WeightsProblem> {
    let mut described: HashMap<&str, StorageRef<'_>> = HashMap::new();
    for found in object.objects() {
        if let &Object::Persistent(name) = found {
            let storage = pickle::storage(object, name)?;
            described.insert(storage.key, storage);
        }
    }
    let Object::List(keys_in_order) = keys.root() else {
        return Err(WeightsProblem::damaged("its list of storages is missing"));
    };
    let mut places = HashMap::with_capacity(keys_in_order.len());
    for &key in keys_in_order {
        let Object::Text(key) = keys.get(key) else {
            return Err(WeightsProblem::damaged("a storage's key is no text"));
        };
        let storage = described.get(key).ok_or_else(|| {
            WeightsProblem::damaged(format!("the storage `{key}` belongs to no tensor"))
        })?;
        let start = position.saturating_add(8);
        let stored_len = bytes
            .get(position..start)
            .and_then(|length| length.first_chunk::<8>())
            .map(|length| i64::from_le_bytes(*length))
            .and_then(|length| usize::try_from(length).ok());
        let end = stored_len.and_then(|len| {
            let as_stored = StorageRef {
                len,
                ..storage.clone()
            };
            start.checked_add(storage_bytes(&as_stored)?)
        });
        match end {
            Some(end) if end <= bytes.len() => {
                places.insert(*key, start..end);
                position = end;
            }
            _ => {
                return Err(WeightsProblem::damaged(format!(
                    "the file ends, after {} bytes, before the storage `{key}` does",
                    bytes.len()
                )));
            }
        }
    }
    Ok(places)
}
