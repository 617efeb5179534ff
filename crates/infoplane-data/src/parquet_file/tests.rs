//! Files that claim more than they hold, and columns as other programs write them.

use std::sync::Arc;

use arrow_array::{ArrayRef, BinaryArray, Int64Array, ListArray, StringArray, types::Int64Type};
use arrow_schema::Field;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding};
use parquet::file::properties::{WriterProperties, WriterPropertiesBuilder, WriterVersion};

use super::*;

fn properties() -> WriterPropertiesBuilder {
    WriterProperties::builder().set_compression(Compression::SNAPPY)
}

fn written(path: &Path, column: ArrayRef, properties: WriterPropertiesBuilder) -> ParquetFile {
    let field = Field::new("x", column.data_type().clone(), true);
    let schema = Arc::new(Schema::new(vec![field]));
    let batch = RecordBatch::try_new(Arc::clone(&schema), vec![column]).unwrap();
    let file = File::create(path).unwrap();
    let mut writer = ArrowWriter::try_new(file, schema, Some(properties.build())).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    ParquetFile::open(path).unwrap()
}

fn read(file: &ParquetFile) -> Result<usize, String> {
    let batches = file.read(|_| ProjectionMask::all(), None, 1024)?;
    Ok(batches.iter().map(RecordBatch::num_rows).sum())
}

/// All pages of a file's only column.
fn pages(path: &Path, parquet: &ParquetFile) -> Vec<pages::Page> {
    let file = File::open(path).unwrap();
    let groups = parquet.metadata().row_groups().iter();
    let chunks = groups.map(|group| group.column(0).byte_range());
    let pages = chunks.flat_map(|(start, length)| PageHeaders::new(&file, start, length));
    pages.map(Result::unwrap).collect()
}

#[test]
fn page_headers_say_what_the_writer_wrote() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.parquet");
    let names: Vec<String> = (0..5000).map(|i| format!("name {}", i % 70)).collect();
    for version in [WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0] {
        for dictionary in [true, false] {
            let column: ArrayRef = Arc::new(StringArray::from(names.clone()));
            let properties = properties()
                .set_writer_version(version)
                .set_dictionary_enabled(dictionary)
                .set_column_encoding("x".into(), Encoding::PLAIN)
                .set_data_page_row_count_limit(600)
                .set_write_batch_size(200)
                .set_max_row_group_row_count(Some(2000));
            let file = written(&path, column, properties);
            let pages = pages(&path, &file);
            let of = |kind: bool| pages.iter().filter(move |page| page.is_dictionary == kind);
            let values: u64 = of(false).map(|page| page.values).sum();
            assert_eq!(values, 5000);
            assert_eq!(of(false).count(), 10);
            let entries: Vec<u64> = of(true).map(|page| page.values).collect();
            assert_eq!(entries, vec![70; if dictionary { 3 } else { 0 }]);
            let chunks = file.metadata().row_groups().iter();
            let claimed: i64 = chunks
                .map(|group| group.column(0).uncompressed_size())
                .sum();
            let uncompressed: u64 = pages.iter().map(|page| page.uncompressed).sum();
            // The footer counts the headers too.
            let headers = claimed as u64 - uncompressed;
            assert!(headers > 0 && headers < 80 * pages.len() as u64);
            assert_eq!(read(&file).unwrap(), 5000);
        }
    }
}

#[test]
fn long_runs_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.parquet");
    let column: ArrayRef = Arc::new(Int64Array::from(vec![7; 3_000_000]));
    let file = written(&path, column, properties());
    assert!(file.length() < 30_000);
    assert_eq!(read(&file).unwrap(), 3_000_000);
}

/// A file where the bytes `from`, which stand there once, are `to`.
fn changed(path: &Path, from: &[u8], to: &[u8]) -> ParquetFile {
    let mut bytes = std::fs::read(path).unwrap();
    let at: Vec<usize> = (0..bytes.len())
        .filter(|&at| bytes[at..].starts_with(from))
        .collect();
    assert_eq!(at.len(), 1, "{at:?}");
    bytes[at[0]..at[0] + to.len()].copy_from_slice(to);
    std::fs::write(path, bytes).unwrap();
    ParquetFile::open(path).unwrap()
}

/// A number of a page's header, in the five bytes that its text takes.
fn number(value: u32) -> [u8; 5] {
    let zigzag = u64::from(value) << 1;
    std::array::from_fn(|i| {
        let more = if i < 4 { 0x80 } else { 0 };
        (zigzag >> (7 * i)) as u8 & 0x7f | more
    })
}

#[test]
fn pages_that_claim_too_much_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.parquet");
    // The header of the dictionary's page is rewritten by hand, over the first bytes of its data where it
    // becomes longer.
    let texts: Vec<String> = (0..300).map(|i| format!("{i:0>8}")).collect();
    let write = || {
        let column: ArrayRef = Arc::new(StringArray::from(texts.clone()));
        let properties = WriterProperties::builder().set_data_page_row_count_limit(20_000);
        written(&path, column, properties)
    };
    // The dictionary: type 2, 3,600 bytes twice, 300 values, plain, not sorted.
    let header = |uncompressed: &[u8], values: &[u8]| {
        [
            &[0x15, 4, 0x15][..],
            uncompressed,
            &[0x15, 0xa0, 0x38, 0x4c, 0x15],
            values,
            &[0x15, 0, 0x12, 0, 0],
        ]
        .concat()
    };
    let (size, count) = ([0xa0, 0x38], [0xd8, 4]);
    let true_header = header(&size, &count);
    assert_eq!(read(&write()).unwrap(), 300);
    // What is said of another header, and of how many bytes.
    let said = |other: &[u8]| {
        write();
        let file = changed(&path, &true_header, other);
        (read(&file).unwrap_err(), file.length())
    };
    let (message, length) = said(&header(&number(2_000_000_000), &count));
    let expected = format!(
        "up to column `x` its pages claim 2000000000 bytes; a file of {length} bytes may have {}",
        (1 << 20) + 22 * length
    );
    assert_eq!(message, expected);
    let (message, _) = said(&header(&size, &number(1_000_000_000)));
    assert!(
        message.contains("its pages claim 1000000000 values; a file of"),
        "{message}"
    );
    let (message, _) = said(&header(&size, &number(10_000_000)));
    assert_eq!(
        message,
        "column `x`: a dictionary of 3600 bytes claims 10000000 values"
    );
    // A compressed size beyond the column.
    let mut longer = true_header.clone();
    longer[6..8].copy_from_slice(&[0xfe, 0x7f]);
    let (message, _) = said(&longer);
    assert_eq!(message, "column `x`: a page reaches beyond its column");
}

#[test]
fn a_long_text_repeated_is_refused_once_it_takes_too_much() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.parquet");
    let noise: Vec<u8> = (0..400_000u32)
        .map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect();
    let column: ArrayRef = Arc::new(BinaryArray::from_iter_values((0..1200).map(|_| &noise)));
    let file = written(
        &path,
        column,
        properties().set_dictionary_page_size_limit(1 << 20),
    );
    assert!(file.length() < 500_000);
    let batches = file.read(|_| ProjectionMask::all(), None, 16);
    let message = batches.unwrap_err();
    assert!(message.contains("too much for a file of"), "{message}");
}

#[test]
fn texts_as_deltas_are_refused_and_numbers_as_deltas_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.parquet");
    for encoding in [
        Encoding::DELTA_LENGTH_BYTE_ARRAY,
        Encoding::DELTA_BYTE_ARRAY,
    ] {
        let column: ArrayRef = Arc::new(StringArray::from(vec!["a", "b"]));
        let properties = properties()
            .set_dictionary_enabled(false)
            .set_column_encoding("x".into(), encoding);
        let message = read(&written(&path, column, properties)).unwrap_err();
        assert_eq!(
            message,
            format!(
                "column `x` is encoded as {encoding}; allowed are the plain and dictionary encodings, \
                 and deltas and split bytes of numbers"
            )
        );
    }
    let column: ArrayRef = Arc::new(Int64Array::from_iter_values(0..100));
    let properties = properties()
        .set_dictionary_enabled(false)
        .set_column_encoding("x".into(), Encoding::DELTA_BINARY_PACKED);
    assert_eq!(read(&written(&path, column, properties)).unwrap(), 100);
}

#[test]
fn one_row_may_not_hold_a_billion_numbers() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.parquet");
    let list = vec![Some(5); 40_000_000];
    let column: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>([Some(
        list,
    )]));
    let file = written(
        &path,
        column,
        properties().set_data_page_row_count_limit(usize::MAX),
    );
    let message = read(&file).unwrap_err();
    assert!(
        // With the one entry of the dictionary.
        message.contains(" its pages claim 40000001 values; a file of"),
        "{message}"
    );
}
