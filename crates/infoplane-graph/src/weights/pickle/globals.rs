//! The names that a pickle of weights may use. They are looked up, never imported or called.

use crate::weights::stored::Element;

/// A name of the allow-list.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Global {
    /// `torch._utils._rebuild_tensor`, `…_v2` and `…_v3`
    RebuildTensor,
    /// `torch._utils._rebuild_parameter` and `…_with_state`
    RebuildParameter,
    /// `torch._tensor._rebuild_from_type_v2`
    RebuildFromType,
    /// `torch.Size`
    Size,
    /// A class of tensors, as an argument of [`RebuildFromType`](Global::RebuildFromType).
    TensorType,
    /// A class of storages.
    Storage(StorageKind),
    /// A `torch.dtype`.
    Dtype(Element),
    /// Something whose result does not matter here: `torch.device`.
    Irrelevant,
}

/// The class of a storage.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum StorageKind {
    /// With elements of one type.
    Typed(Element),
    /// Bytes; the tensor tells the type.
    Untyped,
}

/// Whether a name is on the list.
pub(super) fn is_known(module: &str, name: &str) -> bool {
    find(module, name).is_some()
}

/// The name, where it is on the list.
pub(super) fn find(module: &str, name: &str) -> Option<Global> {
    Some(match (module, name) {
        ("torch._utils", "_rebuild_tensor" | "_rebuild_tensor_v2" | "_rebuild_tensor_v3") => {
            Global::RebuildTensor
        }
        ("torch._utils", "_rebuild_parameter" | "_rebuild_parameter_with_state") => {
            Global::RebuildParameter
        }
        ("torch._tensor", "_rebuild_from_type_v2") => Global::RebuildFromType,
        ("torch", "Size") => Global::Size,
        ("torch", "device") => Global::Irrelevant,
        ("torch", "Tensor") | ("torch.nn.parameter", "Parameter" | "Buffer") => Global::TensorType,
        ("torch.storage", "UntypedStorage") | ("torch", "UntypedStorage") => {
            Global::Storage(StorageKind::Untyped)
        }
        ("torch" | "torch.cuda", name) => match name.strip_suffix("Storage") {
            Some(kind) => Global::Storage(StorageKind::Typed(storage_element(kind)?)),
            None => Global::Dtype(dtype(name)?),
        },
        _ => return None,
    })
}

fn storage_element(kind: &str) -> Option<Element> {
    Some(match kind {
        "Float" => Element::F32,
        "Double" => Element::F64,
        "Half" => Element::F16,
        "BFloat16" => Element::Bf16,
        "Long" => Element::Other("int64".into(), 8),
        "Int" => Element::Other("int32".into(), 4),
        "Short" => Element::Other("int16".into(), 2),
        "Char" => Element::Other("int8".into(), 1),
        "Byte" => Element::Other("uint8".into(), 1),
        "Bool" => Element::Other("bool".into(), 1),
        "ComplexFloat" => Element::Other("complex64".into(), 8),
        "ComplexDouble" => Element::Other("complex128".into(), 16),
        _ => return None,
    })
}

fn dtype(name: &str) -> Option<Element> {
    let size = match name {
        "float32" => return Some(Element::F32),
        "float64" => return Some(Element::F64),
        "float16" => return Some(Element::F16),
        "bfloat16" => return Some(Element::Bf16),
        "int64" | "uint64" | "complex64" => 8,
        "int32" | "uint32" => 4,
        "int16" | "uint16" => 2,
        "int8" | "uint8" | "bool" => 1,
        "float8_e4m3fn" | "float8_e5m2" | "float8_e4m3fnuz" | "float8_e5m2fnuz" => 1,
        "complex128" => 16,
        _ => return None,
    };
    Some(Element::Other(name.to_string().into(), size))
}
