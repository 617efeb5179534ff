//! Tensors of a model file, in whichever field they are stored.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Component, Path};

use super::proto::{DataType, TensorProto};
use crate::error::{GraphError, UnsupportedNode};
use crate::tensor::{Tensor, TensorData};

/// Reads a tensor called `name`; `folder` is where weights stored outside the model are.
pub(super) fn read(proto: &TensorProto, name: &str, folder: &Path) -> Result<Tensor, GraphError> {
    let invalid =
        |reason: String| GraphError::InvalidModel(format!("its tensor `{name}` {reason}"));
    let shape: Vec<usize> = proto
        .dims
        .iter()
        .map(|&dim| usize::try_from(dim))
        .collect::<Result<_, _>>()
        .map_err(|_| invalid(format!("has the shape {:?}", proto.dims)))?;
    let n_elements = shape
        .iter()
        .try_fold(1usize, |product, &dim| product.checked_mul(dim))
        .ok_or_else(|| invalid(format!("has the impossible shape {shape:?}")))?;
    let data_type = proto.element_type();

    let data = if proto.is_external() {
        let bytes = external(proto, name, folder, n_elements, data_type)?;
        from_bytes(&bytes, data_type)
    } else if let Some(raw) = &proto.raw_data {
        from_bytes(raw, data_type)
    } else {
        from_fields(proto, data_type)
    };
    let data = data.ok_or_else(|| {
        GraphError::Unsupported(vec![UnsupportedNode {
            node: name.to_string(),
            operator: "Constant".to_string(),
            detail: format!("a tensor of type {data_type}"),
        }])
    })?;
    let n_stored = data.len();
    Tensor::new(shape, data).ok_or_else(|| {
        invalid(format!(
            "has the shape {:?} ({n_elements} elements) but {n_stored} elements are stored",
            proto.dims
        ))
    })
}

/// Bytes of one element; `None` for types that are not read.
fn element_size(data_type: DataType) -> Option<usize> {
    Some(match data_type {
        DataType::FLOAT | DataType::INT32 | DataType::UINT32 => 4,
        DataType::DOUBLE | DataType::INT64 | DataType::UINT64 => 8,
        DataType::FLOAT16 | DataType::BFLOAT16 | DataType::INT16 | DataType::UINT16 => 2,
        DataType::INT8 | DataType::UINT8 | DataType::BOOL => 1,
        _ => return None,
    })
}

fn from_bytes(bytes: &[u8], data_type: DataType) -> Option<TensorData> {
    fn each<const N: usize, T>(bytes: &[u8], convert: impl Fn([u8; N]) -> T) -> Vec<T> {
        bytes
            .chunks_exact(N)
            .map(|chunk| {
                let mut element = [0; N];
                element.copy_from_slice(chunk);
                convert(element)
            })
            .collect()
    }
    Some(match data_type {
        DataType::FLOAT => TensorData::F32(each(bytes, f32::from_le_bytes).into()),
        DataType::DOUBLE => TensorData::F32(each(bytes, |b| f64::from_le_bytes(b) as f32).into()),
        DataType::FLOAT16 => {
            TensorData::F32(each(bytes, |b| half::f16::from_le_bytes(b).to_f32()).into())
        }
        DataType::BFLOAT16 => {
            TensorData::F32(each(bytes, |b| half::bf16::from_le_bytes(b).to_f32()).into())
        }
        DataType::INT64 => TensorData::I64(each(bytes, i64::from_le_bytes)),
        DataType::UINT64 => TensorData::I64(each(bytes, |b| u64::from_le_bytes(b) as i64)),
        DataType::INT32 => TensorData::I64(each(bytes, |b| i32::from_le_bytes(b).into())),
        DataType::UINT32 => TensorData::I64(each(bytes, |b| u32::from_le_bytes(b).into())),
        DataType::INT16 => TensorData::I64(each(bytes, |b| i16::from_le_bytes(b).into())),
        DataType::UINT16 => TensorData::I64(each(bytes, |b| u16::from_le_bytes(b).into())),
        DataType::INT8 => TensorData::I64(each(bytes, |b| i8::from_le_bytes(b).into())),
        DataType::UINT8 => TensorData::I64(each(bytes, |b| u8::from_le_bytes(b).into())),
        DataType::BOOL => TensorData::Bool(bytes.iter().map(|&b| b != 0).collect()),
        _ => return None,
    })
}

fn from_fields(proto: &TensorProto, data_type: DataType) -> Option<TensorData> {
    let narrow = || proto.int32_data.iter();
    Some(match data_type {
        DataType::FLOAT => TensorData::F32(proto.float_data.clone().into()),
        DataType::DOUBLE => TensorData::F32(proto.double_data.iter().map(|&v| v as f32).collect()),
        DataType::FLOAT16 => TensorData::F32(
            narrow()
                .map(|&v| half::f16::from_bits(v as u16).to_f32())
                .collect(),
        ),
        DataType::BFLOAT16 => TensorData::F32(
            narrow()
                .map(|&v| half::bf16::from_bits(v as u16).to_f32())
                .collect(),
        ),
        DataType::INT64 => TensorData::I64(proto.int64_data.clone()),
        DataType::INT32 | DataType::INT16 | DataType::UINT16 | DataType::INT8 | DataType::UINT8 => {
            TensorData::I64(narrow().map(|&v| v.into()).collect())
        }
        DataType::UINT32 | DataType::UINT64 => {
            TensorData::I64(proto.uint64_data.iter().map(|&v| v as i64).collect())
        }
        DataType::BOOL => TensorData::Bool(narrow().map(|&v| v != 0).collect()),
        _ => return None,
    })
}

fn external(
    proto: &TensorProto,
    name: &str,
    folder: &Path,
    n_elements: usize,
    data_type: DataType,
) -> Result<Vec<u8>, GraphError> {
    let entry = |key: &str| {
        proto
            .external_data
            .iter()
            .find(|entry| entry.key.as_deref() == Some(key))
            .and_then(|entry| entry.value.as_deref())
    };
    let location = Path::new(entry("location").unwrap_or_default());
    let file = folder.join(location);
    let fail = |reason: String| GraphError::ExternalData {
        tensor: name.to_string(),
        file: file.clone(),
        reason,
    };
    let stays_inside = location
        .components()
        .all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    if location.as_os_str().is_empty() || !stays_inside {
        return Err(fail("does not lie beside the model".to_string()));
    }
    let number = |key: &str| match entry(key) {
        None => Ok(None),
        Some(text) => text
            .parse::<u64>()
            .map(Some)
            .map_err(|_| fail(format!("is said to have the {key} `{text}`"))),
    };
    let offset = number("offset")?.unwrap_or(0);
    let expected = element_size(data_type)
        .and_then(|size| size.checked_mul(n_elements))
        .map(|len| len as u64);
    let Some(len) = number("length")?.or(expected) else {
        return Err(fail("has elements of an unsupported type".to_string()));
    };
    let mut opened = File::open(&file).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => fail("does not exist".to_string()),
        _ => fail(format!("can't be opened ({error})")),
    })?;
    let available = opened
        .metadata()
        .map_err(|error| fail(format!("can't be read ({error})")))?
        .len();
    if offset.checked_add(len).is_none_or(|end| end > available) {
        return Err(fail(format!(
            "holds {available} bytes where {len} from {offset} on are needed"
        )));
    }
    let mut bytes = vec![0; len as usize];
    opened
        .seek(SeekFrom::Start(offset))
        .and_then(|_| opened.read_exact(&mut bytes))
        .map_err(|error| fail(format!("can't be read ({error})")))?;
    Ok(bytes)
}
