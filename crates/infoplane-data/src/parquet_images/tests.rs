//! Parquet files as `datasets` writes them, and files that are none.

use std::collections::HashMap;
use std::fs::File;

use arrow_array::{
    Array, ArrayRef, BinaryArray, Int64Array, RecordBatch, StringArray, StructArray,
};
use arrow_schema::{DataType, Field, Schema};
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;
use proptest::prelude::*;

use super::*;
use crate::classes::ClassMap;
use crate::preprocess::Preprocess;

/// A BMP of one pixel.
fn pixel(red: u8) -> Vec<u8> {
    let mut bytes =
        b"BM\x3a\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\x01\0\0\0\x01\0\0\0\x01\0\x18\0".to_vec();
    bytes.resize(54, 0);
    bytes.extend([0, 0, red, 0]);
    bytes
}

fn images(column: Vec<Option<Vec<u8>>>) -> ArrayRef {
    let bytes: BinaryArray = column.iter().map(|bytes| bytes.as_deref()).collect();
    let paths: StringArray = column.iter().map(|_| None::<&str>).collect();
    Arc::new(StructArray::from(vec![
        (
            Arc::new(Field::new("bytes", DataType::Binary, true)),
            Arc::new(bytes) as ArrayRef,
        ),
        (
            Arc::new(Field::new("path", DataType::Utf8, true)),
            Arc::new(paths) as ArrayRef,
        ),
    ]))
}

/// Writes columns in row groups of two rows.
fn write(path: &Path, columns: Vec<(&str, ArrayRef)>, huggingface: Option<&str>) {
    write_groups_of(2, path, columns, huggingface);
}

fn write_groups_of(
    rows: usize,
    path: &Path,
    columns: Vec<(&str, ArrayRef)>,
    huggingface: Option<&str>,
) {
    let fields: Vec<Field> = columns
        .iter()
        .map(|(name, column)| Field::new(*name, column.data_type().clone(), true))
        .collect();
    let metadata = huggingface.map(|text| ("huggingface".to_string(), text.to_string()));
    let schema = Arc::new(Schema::new_with_metadata(
        fields,
        HashMap::from_iter(metadata),
    ));
    let columns = columns.into_iter().map(|(_, column)| column).collect();
    let batch = RecordBatch::try_new(Arc::clone(&schema), columns).unwrap();
    let properties = WriterProperties::builder()
        .set_max_row_group_row_count(Some(rows))
        .build();
    let file = File::create(path).unwrap();
    let mut writer = ArrowWriter::try_new(file, schema, Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

fn options() -> DataOptions {
    DataOptions {
        preprocess: Preprocess::preset("none").unwrap(),
        ..DataOptions::default()
    }
}

const FEATURES: &str = r#"{"info": {"features": {"img": {"_type": "Image"},
    "kind": {"names": ["cat", "dog"], "_type": "ClassLabel"}}}}"#;

#[test]
fn rows_of_several_files_and_row_groups_are_one_data_set() {
    let folder = tempfile::tempdir().unwrap();
    let reds = [10, 20, 30, 40, 50];
    for (name, reds, labels) in [
        ("a.parquet", &reds[..3], vec![1, 0, -1]),
        ("b.parquet", &reds[3..], vec![1, 1]),
    ] {
        let column = reds.iter().map(|&red| Some(pixel(red))).collect();
        let labels: ArrayRef = Arc::new(Int64Array::from(labels));
        let columns = vec![("kind", labels), ("img", images(column))];
        write(&folder.path().join(name), columns, Some(FEATURES));
    }
    let data = crate::open(folder.path(), &options()).unwrap();
    assert_eq!(data.info().kind, "image parquet");
    assert_eq!(data.info().class_names, ["cat", "dog"]);
    assert_eq!(data.info().labelling, "the column `kind`");
    assert_eq!(data.sample_shape(), [3, 1, 1]);
    let ids: Vec<&str> = (0..data.len()).map(|index| data.id(index)).collect();
    assert_eq!(
        ids,
        [
            "a.parquet#0",
            "a.parquet#1",
            "a.parquet#2",
            "b.parquet#0",
            "b.parquet#1"
        ]
    );
    let labels: Vec<_> = (0..data.len())
        .map(|index| data.label(index).map(|label| label.0))
        .collect();
    assert_eq!(labels, [Some(1), Some(0), None, Some(1), Some(1)]);
    // Backwards too, and from several threads, so that row groups come and go.
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for index in (0..5).chain((0..5).rev()) {
                    let mut out = [0.0; 3];
                    data.load(index, &mut out).unwrap();
                    assert_eq!(out, [f32::from(reds[index]) / 255.0, 0.0, 0.0]);
                }
            });
        }
    });
    let limited = crate::open(
        folder.path(),
        &DataOptions {
            selection: crate::Selection::limit(Some(2)),
            ..options()
        },
    )
    .unwrap();
    assert_eq!(
        (limited.id(0), limited.id(1)),
        ("a.parquet#0", "a.parquet#2")
    );
    assert_ne!(limited.info().fingerprint, data.info().fingerprint);
}

#[test]
fn a_null_or_broken_image_is_one_unreadable_sample() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.parquet");
    let column = images(vec![None, Some(b"no image".to_vec()), Some(pixel(255))]);
    write(&path, vec![("image", column)], None);
    let data = crate::open(&path, &options()).unwrap();
    assert_eq!(data.label(2), None);
    let mut out = [0.0; 3];
    let message = data.load(0, &mut out).unwrap_err().to_string();
    assert_eq!(message, "sample x.parquet#0: the image is null");
    let message = data.load(1, &mut out).unwrap_err().to_string();
    assert!(
        message.starts_with("sample x.parquet#1: not a JPEG"),
        "{message}"
    );
    data.load(2, &mut out).unwrap();
    assert_eq!(out, [1.0, 0.0, 0.0]);
}

#[test]
fn what_is_wrong_with_a_file_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.parquet");
    let refuse = |options: &DataOptions| match crate::open(&path, options) {
        Err(error) => error.to_string(),
        Ok(_) => panic!("opened"),
    };
    std::fs::write(&path, b"PAR1 and nothing else").unwrap();
    assert!(refuse(&options()).contains("not a Parquet file"));

    let numbers: ArrayRef = Arc::new(Int64Array::from(vec![0, 7]));
    write(&path, vec![("x", numbers.clone())], None);
    assert!(crate::open(&path, &options()).unwrap().info().kind == "table");
    let in_folder = crate::open(folder.path(), &options()).err().unwrap();
    assert!(
        in_folder
            .to_string()
            .contains("no column `image`; the columns are `x`")
    );

    write(&path, vec![("image", numbers.clone())], None);
    assert!(refuse(&options()).contains("column `image` has type Int64; expected encoded images"));

    let column = images(vec![Some(pixel(1)), Some(pixel(2))]);
    let words: ArrayRef = Arc::new(StringArray::from(vec!["cat", "dog"]));
    write(
        &path,
        vec![("image", column.clone()), ("label", words)],
        None,
    );
    assert!(refuse(&options()).contains("column `label` has type Utf8; expected class indices"));

    write(&path, vec![("image", column), ("label", numbers)], None);
    let message = refuse(&DataOptions {
        n_outputs: Some(5),
        ..options()
    });
    assert!(
        message.contains("class index 7 (sample x.parquet#1) but the model has only 5"),
        "{message}"
    );
    let message = refuse(&DataOptions {
        expected_shape: Some(vec![3, 8, 8]),
        ..options()
    });
    assert!(
        message.contains("[3, 1, 1] but the model's input is [3, 8, 8]"),
        "{message}"
    );

    let whole = std::fs::read(&path).unwrap();
    std::fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    assert!(refuse(&options()).contains("not a Parquet file"));
}

#[test]
fn given_class_names_replace_those_of_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.parquet");
    write(&path, vec![("image", images(vec![Some(pixel(1))]))], None);
    let class_map = ClassMap::Names(vec!["one".into()]);
    let data = crate::open(
        &path,
        &DataOptions {
            class_map,
            ..options()
        },
    )
    .unwrap();
    assert_eq!(data.info().class_names, ["one"]);

    // The file's classes are cat and dog; labels become the places of their names in the list.
    let labels: ArrayRef = Arc::new(Int64Array::from(vec![0, 1]));
    let column = images(vec![Some(pixel(1)), Some(pixel(2))]);
    write(
        &path,
        vec![("kind", labels), ("img", column)],
        Some(FEATURES),
    );
    let with = |names: &[&str]| {
        let class_map = ClassMap::Names(names.iter().map(|name| name.to_string()).collect());
        crate::open(
            &path,
            &DataOptions {
                class_map,
                ..options()
            },
        )
        .map_err(|error| error.to_string())
    };
    let data = with(&["dog", "bird", "cat"]).unwrap();
    assert_eq!(
        data.label(0).zip(data.label(1)),
        Some((ClassIndex(2), ClassIndex(0)))
    );
    let message = with(&["dogs", "cats"]).err().unwrap();
    assert!(
        message.contains("2 labels are not among the 2 known classes: `cat` (nearest: `cats`)"),
        "{message}"
    );
}

#[test]
fn a_long_row_group_is_read_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.parquet");
    let column = images((0..200).map(|red| Some(pixel(red))).collect());
    write_groups_of(200, &path, vec![("image", column)], None);
    let data = crate::open(&path, &options()).unwrap();
    for index in 0..200 {
        let mut out = [0.0; 3];
        data.load(index, &mut out).unwrap();
        assert_eq!(out[0], index as f32 / 255.0);
    }
}

#[test]
fn a_row_group_that_takes_too_much_memory_is_tried_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.parquet");
    // The same large image again and again, which the file holds once.
    let noise = |i: u32| (i.wrapping_mul(2_654_435_761) >> 13) as u8;
    let image: Vec<u8> = (0..250_000).map(noise).collect();
    let column: BinaryArray = std::iter::repeat_n(Some(image.as_slice()), 2000).collect();
    write_groups_of(2000, &path, vec![("image", Arc::new(column))], None);
    assert!(std::fs::metadata(&path).unwrap().len() < 600_000);
    let file = ImageFile::open(&path, None).unwrap();
    let source = Source {
        positions: Vec::new(),
        files: vec![file],
        kept: Mutex::default(),
    };
    let refused = |group| source.row_group(0, group).err().unwrap();
    assert!(refused(0).contains("too much for a file of"));
    assert!(source.kept.lock().unwrap()[0].1.is_err());
    assert_eq!(refused(0), refused(0));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn broken_files_never_panic(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.parquet");
        let labels: ArrayRef = Arc::new(Int64Array::from(vec![1, 0, 1]));
        let column = images((0..3).map(|red| Some(pixel(red))).collect());
        write(&path, vec![("img", column), ("kind", labels)], Some(FEATURES));
        let mut bytes = std::fs::read(&path).unwrap();
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        std::fs::write(&path, bytes).unwrap();
        if let Ok(data) = crate::open(&path, &options()) {
            let mut out = vec![0.0; data.sample_shape().iter().product()];
            for index in 0..data.len().min(3) {
                let _ = data.load(index, &mut out);
            }
        }
    }
}
