//! Pickles written by hand; real files are read by the crates that use this one.

use super::*;

/// Reads with one name allowed.
fn load(bytes: &[u8]) -> Result<Pickle<'_>, PickleProblem> {
    super::load(bytes, |module, name| (module, name) == ("numpy", "dtype"))
}

fn problem(bytes: &[u8]) -> PickleProblem {
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
            PickleProblem::ForbiddenGlobal("os.system".to_string())
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
            matches!(problem(bytes.as_bytes()), PickleProblem::ForbiddenGlobal(full) if full == format!("{module}.{name}"))
        );
    }
}

#[test]
fn calls_are_kept_with_their_arguments_and_state() {
    let pickle = load(b"cnumpy\ndtype\n(U\x02u1K\x00tR(K\x03tb.").unwrap();
    let Object::Call {
        callee,
        arguments,
        state: Some(state),
    } = *pickle.root()
    else {
        panic!("{:?}", pickle.root());
    };
    let name = ("numpy", "dtype");
    assert!(
        matches!(pickle.get(callee), Object::Global { module, name: n } if (*module, *n) == name)
    );
    let given = pickle.items(arguments).unwrap();
    assert_eq!(*pickle.get(given[0]), Object::Text("u1"));
    assert_eq!(pickle.items(state).unwrap().len(), 1);
}

#[test]
fn bytes_are_read_as_each_protocol_writes_them() {
    let expected = Object::Bytes(b"\x00\xff"[..].into());
    for bytes in [
        // Python 2's str, which is no UTF-8 here; BINBYTES; SHORT_BINBYTES; BYTEARRAY8.
        &b"\x80\x02U\x02\x00\xff."[..],
        b"\x80\x02T\x02\x00\x00\x00\x00\xff.",
        b"\x80\x03B\x02\x00\x00\x00\x00\xff.",
        b"\x80\x03C\x02\x00\xff.",
        b"\x80\x05\x96\x02\x00\x00\x00\x00\x00\x00\x00\x00\xff.",
        // Protocol 2 of Python 3.
        b"\x80\x02c_codecs\nencode\nX\x03\x00\x00\x00\x00\xc3\xbfX\x06\x00\x00\x00latin1\x86R.",
    ] {
        assert_eq!(*load(bytes).unwrap().root(), expected, "{bytes:?}");
    }
}

#[test]
fn opcodes_outside_the_list_are_refused_with_their_place() {
    // INST, OBJ, EXT1, and the text opcodes of protocol 0.
    for opcode in [b'i', b'o', 0x82, b'I', b'S', b'V', b'P', b'2', 0x92] {
        assert_eq!(
            problem(&[b'N', opcode]),
            PickleProblem::ForbiddenOpcode {
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
        b"ccollections\nOrderedDict\n(NNtR.",
        b"cnumpy\ndtype\nNR.",
        b"Nb.",
        b"X\xff\xff\xff\xffabc.",
        b"\x8d\xff\xff\xff\xff\xff\xff\xff\xffabc.",
        b"X\x01\x00\x00\x00\xff.",
        b"cos",
        b"",
    ] {
        let found = problem(bytes);
        assert!(
            matches!(found, PickleProblem::Damaged(_)),
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
