//! The `.safetensors` format: the length of a JSON header, the header, and the tensors' bytes.

use std::collections::BTreeMap;

use serde_json::Value;

use super::problem::WeightsProblem;
use super::stored::{Element, StoredTensor};

/// No header may be longer (bytes), as in the format's own reader.
const MAX_HEADER: u64 = 100_000_000;

/// Whether the file begins as the format does.
pub(super) fn recognises(bytes: &[u8]) -> bool {
    header_length(bytes).is_some_and(|length| length <= MAX_HEADER) && bytes.get(8) == Some(&b'{')
}

fn header_length(bytes: &[u8]) -> Option<u64> {
    bytes
        .first_chunk::<8>()
        .map(|length| u64::from_le_bytes(*length))
}

/// The tensors by name.
pub(super) fn read(bytes: &[u8]) -> Result<BTreeMap<String, StoredTensor>, WeightsProblem> {
    let length = header_length(bytes).unwrap_or(0);
    let header = usize::try_from(length)
        .ok()
        .and_then(|length| bytes[8..].get(..length))
        .ok_or_else(|| {
            WeightsProblem::damaged(format!(
                "its header is said to be {length} bytes long, the file has {}",
                bytes.len()
            ))
        })?;
    let data_start = 8 + header.len();
    let entries: serde_json::Map<String, Value> = serde_json::from_slice(header)
        .map_err(|error| WeightsProblem::damaged(format!("its header is no JSON: {error}")))?;
    entries
        .into_iter()
        .filter(|(name, _)| name != "__metadata__")
        .map(|(name, entry)| {
            let tensor = tensor(&entry, data_start, bytes.len())
                .map_err(|reason| WeightsProblem::tensor(&name, reason))?;
            Ok((name, tensor))
        })
        .collect()
}

fn tensor(entry: &Value, data_start: usize, file_len: usize) -> Result<StoredTensor, String> {
    let sizes = |key: &str| -> Result<Vec<usize>, String> {
        entry
            .get(key)
            .and_then(Value::as_array)
            .and_then(|values| {
                values
                    .iter()
                    .map(|value| usize::try_from(value.as_u64()?).ok())
                    .collect()
            })
            .ok_or_else(|| format!("has no valid `{key}` in the header"))
    };
    let element = entry
        .get("dtype")
        .and_then(Value::as_str)
        .map(element)
        .ok_or("has no `dtype` in the header")?;
    let shape = sizes("shape")?;
    let [begin, end] = sizes("data_offsets")?[..] else {
        return Err("has no valid `data_offsets` in the header".to_string());
    };
    let place = |offset: usize| offset.checked_add(data_start).filter(|&at| at <= file_len);
    let (Some(start), Some(stop)) = (place(begin), place(end)) else {
        return Err(format!(
            "is said to lie at bytes {begin} to {end}; the file holds {} bytes of tensors",
            file_len - data_start
        ));
    };
    let expected = shape
        .iter()
        .try_fold(element.size(), |product, &dim| product.checked_mul(dim));
    if begin > end || expected != Some(end - begin) {
        return Err(format!(
            "of shape {shape:?} is said to lie at bytes {begin} to {end}, which are not its size"
        ));
    }
    StoredTensor::contiguous(element, shape, start..stop)
}

fn element(dtype: &str) -> Element {
    let other = |size| Element::Other(dtype.to_string().into(), size);
    match dtype {
        "F16" => Element::F16,
        "BF16" => Element::Bf16,
        "F32" => Element::F32,
        "F64" => Element::F64,
        "I64" | "U64" | "C64" => other(8),
        "I32" | "U32" => other(4),
        "I16" | "U16" => other(2),
        _ => other(1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file with this header and this many bytes of tensors.
    fn file(header: &str, n_bytes: usize) -> Vec<u8> {
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend_from_slice(header.as_bytes());
        bytes.resize(bytes.len() + n_bytes, 0);
        bytes
    }

    #[test]
    fn tensors_are_found_and_metadata_is_not_one() {
        let header = r#"{"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},"b":{"dtype":"I64","shape":[],"data_offsets":[8,16]}}"#;
        let bytes = file(header, 16);
        assert!(recognises(&bytes));
        let tensors = read(&bytes).unwrap();
        assert_eq!(tensors.keys().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(tensors["a"].shape(), [2, 1]);
    }

    #[test]
    fn a_header_that_lies_is_refused_with_the_tensor_it_lies_about() {
        for (entry, n_bytes) in [
            (r#""dtype":"F32","shape":[2],"data_offsets":[0,8]"#, 7),
            (r#""dtype":"F32","shape":[3],"data_offsets":[0,8]"#, 8),
            (r#""dtype":"F32","shape":[2],"data_offsets":[8,0]"#, 8),
            (
                r#""dtype":"F32","shape":[2],"data_offsets":[18446744073709551608,18446744073709551615]"#,
                8,
            ),
            (
                r#""dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]"#,
                8,
            ),
            (r#""dtype":"F32","shape":[-2],"data_offsets":[0,8]"#, 8),
            (r#""dtype":"F32","shape":[2]"#, 8),
            (r#""shape":[2],"data_offsets":[0,8]"#, 8),
        ] {
            let bytes = file(&format!(r#"{{"layer.weight":{{{entry}}}}}"#), n_bytes);
            let problem = read(&bytes).unwrap_err();
            assert!(
                matches!(&problem, WeightsProblem::Tensor { name, .. } if name == "layer.weight"),
                "{entry}: {problem}"
            );
        }
    }

    #[test]
    fn a_header_longer_than_the_file_is_damage() {
        let mut bytes = file("{}", 0);
        bytes[0] = 200;
        let problem = read(&bytes).unwrap_err();
        assert!(problem.to_string().contains("200 bytes"), "{problem}");
        assert!(read(&file("{\"a\"", 0)).is_err());
    }
}
