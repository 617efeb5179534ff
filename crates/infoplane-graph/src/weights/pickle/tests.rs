//! Pickles written by hand; real files are read in `tests/weights.rs`.

use super::*;

fn problem(bytes: &[u8]) -> WeightsProblem {
    load(bytes).unwrap_err()
}

#[test]
fn plain_objects_are_read() {
    // {"a": (1, -2), "b": [True, None, 70000]}
    let bytes = b"\x80\x02}q\x00(X\x01\x00\x00\x00aK\x01J\xfe\xff\xff\xff\x86X\x01\x00\x00\x00b](\x88NJp\x11\x01\x00eu.rest";
    let pickle = load(bytes).unwrap();
    assert_eq!(pickle.len, bytes.len() - 4);
    let Object::Dict(entries) = pickle.root() else {
        panic!("{:?}", pickle.root());
    };
    let Some(Object::Tuple(numbers)) = pickle.lookup(entries, "a") else {
        panic!("{entries:?}");
    };
    assert!(matches!(pickle.get(numbers[1]), Object::Int(-2)));
    let Some(Object::List(items)) = pickle.lookup(entries, "b") else {
        panic!("{entries:?}");
    };
    assert!(matches!(pickle.get(items[2]), Object::Int(70000)));
}

#[test]
fn names_outside_the_list_are_refused_whichever_opcode_brings_them() {
    for bytes in [
        &b"cos\nsystem\n(X\x02\x00\x00\x00lstR."[..],
        b"\x80\x04\x8c\x02os\x8c\x06system\x93.",
    ] {
        assert_eq!(
            problem(bytes),
            WeightsProblem::ForbiddenGlobal("os.system".to_string())
        );
    }
    for (module, name) in [
        ("builtins", "eval"),
        ("torch", "load"),
        ("torch.storage", "_load_from_bytes"),
        ("torchvision.models.resnet", "ResNet"),
        ("collections", "OrderedDict.__class__"),
    ] {
        let bytes = format!("c{module}\n{name}\n.");
        assert!(
            matches!(problem(bytes.as_bytes()), WeightsProblem::ForbiddenGlobal(full) if full == format!("{module}.{name}"))
        );
    }
}

#[test]
fn opcodes_outside_the_list_are_refused_with_their_place() {
    // INST, OBJ, EXT1, and the text opcodes of protocol 0.
    for opcode in [b'i', b'o', 0x82, b'I', b'S', b'V', b'P', b'2', 0x92] {
        assert_eq!(
            problem(&[b'N', opcode]),
            WeightsProblem::ForbiddenOpcode {
                opcode,
                position: 1
            }
        );
    }
}

#[test]
fn a_pickle_that_misuses_the_stack_is_damaged() {
    for bytes in [
        &b"."[..],
        b"0.",
        b"(.",
        b"N(\x85.",
        b"t.",
        b"a.",
        b"Na.",
        b"NNa.",
        b"Nu.",
        b"}(Nu.",
        b"NNs.",
        b"]NNs.",
        b"NR.",
        b"NNR.",
        b"NQ.",
        b"q\x00.",
        b"h\x00.",
        b"ccollections\nOrderedDict\nNR.",
        b"ctorch._utils\n_rebuild_tensor_v2\n)R.",
        b"ctorch._tensor\n_rebuild_from_type_v2\n)R.",
        b"X\xff\xff\xff\xffabc.",
        b"\x8d\xff\xff\xff\xff\xff\xff\xff\xffabc.",
        b"X\x01\x00\x00\x00\xff.",
        b"cos",
        b"",
    ] {
        let found = problem(bytes);
        assert!(
            matches!(found, WeightsProblem::Damaged(_)),
            "{bytes:?}: {found}"
        );
    }
}

#[test]
fn nesting_is_bounded_by_memory_only_and_objects_by_a_limit() {
    let mut deep = vec![b')'];
    deep.resize(1_000_000, 0x85);
    deep.push(b'.');
    assert!(load(&deep).is_ok());
    // A list that holds itself.
    assert!(load(b"]q\x00h\x00a.").is_ok());

    let many = vec![b'N'; MAX_OBJECTS + 10];
    assert!(problem(&many).to_string().contains("objects"));
    let recalled = [b"N0Nq\x00".as_slice(), &b"h\x00".repeat(MAX_OBJECTS + 10)].concat();
    assert!(problem(&recalled).to_string().contains("deep"));
}
