//! What the pickles of weight files may name; the machine is tested where it is.

use super::*;

#[test]
fn names_outside_the_list_are_refused() {
    for (module, name) in [
        ("os", "system"),
        ("builtins", "eval"),
        ("torch", "load"),
        ("torch.storage", "_load_from_bytes"),
        ("torchvision.models.resnet", "ResNet"),
        ("numpy.core.multiarray", "_reconstruct"),
        ("collections", "OrderedDict.__class__"),
    ] {
        let bytes = format!("c{module}\n{name}\n.");
        let full = format!("{module}.{name}");
        let problem = load(bytes.as_bytes()).unwrap_err();
        assert_eq!(problem, WeightsProblem::ForbiddenGlobal(full));
    }
    let problem = load(b"Ni").unwrap_err();
    assert!(matches!(
        problem,
        WeightsProblem::ForbiddenOpcode {
            opcode: b'i',
            position: 1
        }
    ));
    assert!(matches!(
        load(b"a.").unwrap_err(),
        WeightsProblem::Damaged(_)
    ));
    assert!(matches!(
        load(b"\x80\x09.").unwrap_err(),
        WeightsProblem::Unsupported(_)
    ));
}

#[test]
fn tensors_without_their_parts_are_damaged_and_others_are_none() {
    let found = |bytes: &[u8]| {
        let pickle = load(bytes).unwrap();
        tensor(&pickle, pickle.root()).map(|tensor| tensor.is_some())
    };
    for bytes in [
        &b"ctorch._utils\n_rebuild_tensor_v2\n)R."[..],
        b"ctorch._utils\n_rebuild_tensor_v2\n(NNNNtR.",
        b"ctorch._utils\n_rebuild_tensor_v2\n(NQNNNtR.",
    ] {
        assert!(
            matches!(found(bytes), Err(WeightsProblem::Damaged(_))),
            "{bytes:?}"
        );
    }
    for bytes in [
        &b"N."[..],
        b"ctorch._tensor\n_rebuild_from_type_v2\n)R.",
        b"ctorch._utils\n_rebuild_parameter\n)R.",
        b"ctorch\nSize\n(NtR.",
    ] {
        assert_eq!(found(bytes), Ok(false), "{bytes:?}");
    }
    // A parameter that holds itself.
    let cycle = b"ctorch._utils\n_rebuild_parameter\n(]tR.";
    assert_eq!(found(cycle), Ok(false));
}
