use std::path::PathBuf;
use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, RecordBatch, StringArray};
use parquet::arrow::ArrowWriter;
use proptest::prelude::*;

use super::*;

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn write(folder: &tempfile::TempDir, name: &str, text: &str) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    path
}

fn read(path: &Path, selection: &str, kind: VariableKind) -> Result<Values, String> {
    Variable::read(&format!("{}{selection}", path.display()), kind)
        .map(|variable| variable.values)
        .map_err(|error| error.to_string())
}

#[test]
fn columns_of_a_table_are_numbers_or_classes() {
    let folder = folder();
    let path = write(
        &folder,
        "t.csv",
        "a,b,colour,code\n1.5,2,red,0\n,-1,blue,1\n3e2,4,,0\n0,1,red,0\n0,1,red,1\n1,1,red,0\n\
         1,1,red,0\n1,2,red,1\n1,3,red,0\n1,1,red,1\n",
    );
    let Ok(Values::Numbers { data, width }) = read(&path, ":a,b", VariableKind::Auto) else {
        panic!("numbers expected");
    };
    assert_eq!((width, &data[..2]), (2, &[1.5, 2.0][..]));
    assert!(data[2].is_nan() && data[4] == 300.0);
    let Ok(Values::Classes { classes, names }) = read(&path, ":colour", VariableKind::Auto) else {
        panic!("classes expected");
    };
    assert_eq!(names, ["blue", "red"]);
    assert_eq!(classes[..3], [Some(1), Some(0), None]);
    let code = read(&path, ":code", VariableKind::Auto).unwrap();
    assert!(matches!(code, Values::Classes { ref names, .. } if names == &["0", "1"]));
    let code = read(&path, ":code", VariableKind::Numbers).unwrap();
    assert!(matches!(code, Values::Numbers { .. }));
    // Four values in ten rows do not repeat enough.
    let b = read(&path, ":b", VariableKind::Auto).unwrap();
    assert!(matches!(b, Values::Numbers { .. }));
    let b = read(&path, ":b", VariableKind::Classes).unwrap();
    assert!(matches!(b, Values::Classes { ref names, .. } if names[0] == "-1"));
}

#[test]
fn what_does_not_fit_is_said() {
    let folder = folder();
    let path = write(&folder, "t.csv", "a,colour\n1,red\n2,blue\n");
    let error = read(&path, "", VariableKind::Auto).unwrap_err();
    assert!(
        error.contains("`colour`") && error.contains("\"red\""),
        "{error}"
    );
    let error = read(&path, ":color", VariableKind::Auto).unwrap_err();
    assert!(
        error.contains("color") && error.contains("colour"),
        "{error}"
    );
    let error = read(&path, ":a,colour", VariableKind::Classes).unwrap_err();
    assert!(error.contains("2 columns"), "{error}");
    let error = read(&folder.path().join("none.csv"), ":a", VariableKind::Auto).unwrap_err();
    assert!(error.contains("no such file"), "{error}");
    let other = write(&folder, "t.txt", "1");
    let error = read(&other, "", VariableKind::Auto).unwrap_err();
    assert!(error.contains(".parquet"), "{error}");
    let broken = write(&folder, "t.parquet", "PAR1 nothing of the kind PAR1");
    assert!(read(&broken, "", VariableKind::Auto).is_err());
    let ragged = write(&folder, "r.csv", "a,b\n1,2\n3\n");
    assert!(read(&ragged, "", VariableKind::Auto).is_err());
}

#[test]
fn parquet_columns_are_read_with_their_lists() {
    use std::sync::Arc;

    use arrow_array::types::Float32Type;
    use arrow_array::{
        BooleanArray, Float32Array, Int64Array, ListArray, RecordBatch, StringArray,
    };

    let folder = folder();
    let path = folder.path().join("t.parquet");
    let lists = ListArray::from_iter_primitive::<Float32Type, _, _>(
        (0..4).map(|i| Some(vec![Some(i as f32), Some(0.5)])),
    );
    let batch = RecordBatch::try_from_iter([
        ("conductance/stem", Arc::new(lists) as _),
        (
            "x",
            Arc::new(Float32Array::from(vec![
                Some(1.0),
                None,
                Some(3.0),
                Some(4.0),
            ])) as _,
        ),
        ("n", Arc::new(Int64Array::from(vec![7, 7, 8, 9])) as _),
        (
            "name",
            Arc::new(StringArray::from(vec!["a", "b", "a", "a"])) as _,
        ),
        (
            "flag",
            Arc::new(BooleanArray::from(vec![true, false, true, true])) as _,
        ),
    ])
    .unwrap();
    let file = std::fs::File::create(&path).unwrap();
    let mut writer = parquet::arrow::ArrowWriter::try_new(file, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();

    let stem = read(&path, ":conductance/stem", VariableKind::Auto).unwrap();
    let expected = vec![0.0, 0.5, 1.0, 0.5, 2.0, 0.5, 3.0, 0.5];
    assert_eq!(
        stem,
        Values::Numbers {
            data: expected,
            width: 2
        }
    );
    let Ok(Values::Numbers { data, width: 4 }) = read(&path, "", VariableKind::Auto) else {
        panic!("all columns of numbers expected");
    };
    assert!(data[6].is_nan() && data[3] == 7.0);
    for (column, classes) in [(":name", [0, 1, 0, 0]), (":flag", [1, 0, 1, 1])] {
        let found = read(&path, column, VariableKind::Auto).unwrap();
        let Values::Classes { classes: found, .. } = found else {
            panic!("classes expected");
        };
        assert_eq!(found, classes.map(Some));
    }
}

/// A small file of each format, as bytes, with the ending that tells it.
fn samples_of_formats() -> Vec<(&'static str, Vec<u8>)> {
    let folder = folder();
    let npy = folder.path().join("x.npy");
    ndarray_npy::write_npy(&npy, &ndarray::array![[1.5f32, 2.0], [3.0, f32::NAN]]).unwrap();
    let npz = folder.path().join("x.npz");
    let mut writer = ndarray_npy::NpzWriter::new(std::fs::File::create(&npz).unwrap());
    writer.add_array("a", &ndarray::array![1i64, 2, 3]).unwrap();
    writer
        .add_array("b", &ndarray::array![0.5f64, 1.0, 1.5])
        .unwrap();
    writer.finish().unwrap();
    let parquet = folder.path().join("x.parquet");
    let numbers: ArrayRef = Arc::new(Float64Array::from(vec![Some(1.0), None, Some(3.0)]));
    let words: ArrayRef = Arc::new(StringArray::from(vec!["a", "b", "a"]));
    let batch = RecordBatch::try_from_iter([("n", numbers), ("w", words)]).unwrap();
    let file = std::fs::File::create(&parquet).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    let bytes = |path: &Path| std::fs::read(path).unwrap();
    vec![
        ("npy", bytes(&npy)),
        ("npz", bytes(&npz)),
        ("parquet", bytes(&parquet)),
        ("csv", b"a,b,c\n1,2,red\n3,,\"bl\"\"ue\"\n".to_vec()),
        ("tsv", b"a\tb\n1\tx\n2\ty\n".to_vec()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn broken_files_never_panic(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        kept in 0.0..1.2f64,
    ) {
        let folder = folder();
        for (ending, mut bytes) in samples_of_formats() {
            for (at, value) in &changes {
                let at = at.index(bytes.len());
                bytes[at] = *value;
            }
            bytes.truncate((kept * bytes.len() as f64) as usize);
            let path = folder.path().join(format!("x.{ending}"));
            std::fs::write(&path, &bytes).unwrap();
            for selection in ["", ":a", ":n,w", ":b"] {
                for kind in [VariableKind::Auto, VariableKind::Numbers, VariableKind::Classes] {
                    if let Err(message) = read(&path, selection, kind) {
                        prop_assert!(message.contains("x."), "no file in: {message}");
                    }
                }
            }
        }
    }
}
