//! IDX files, as MNIST comes in.

use infoplane_data::open;

use crate::{files, grey, gzip, load, refused, samples, unchanged};

/// An IDX file of bytes.
fn idx(shape: &[u32], bytes: &[u8]) -> Vec<u8> {
    let mut file = vec![0, 0, 8, shape.len() as u8];
    file.extend(shape.iter().flat_map(|dim| dim.to_be_bytes()));
    file.extend(bytes);
    file
}

pub(crate) fn digits() -> (Vec<u8>, Vec<u8>) {
    let pixels: Vec<u8> = (0..3 * 4 * 2).map(|i| i * 10).collect();
    (idx(&[3, 4, 2], &pixels), idx(&[3], &[7, 0, 9]))
}

#[test]
fn idx_images_find_their_labels_plain_or_compressed() {
    let (images, labels) = digits();
    for (image_name, label_name) in [
        ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
        ("t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"),
        ("t10k-images.idx3-ubyte", "t10k-labels.idx1-ubyte.gz"),
    ] {
        let pack = |name: &str, bytes: &[u8]| match name.ends_with(".gz") {
            true => gzip(bytes),
            false => bytes.to_vec(),
        };
        let root = files(&[
            (image_name, &pack(image_name, &images)),
            (label_name, &pack(label_name, &labels)),
        ]);
        for path in [root.path().join(image_name), root.path().to_path_buf()] {
            let data = open(&path, &grey()).unwrap();
            assert_eq!(
                (data.info().kind.as_str(), data.sample_shape()),
                ("idx", &[1, 4, 2][..])
            );
            let expected = [Some(7), Some(0), Some(9)];
            let expected = (0..3).map(|row| (format!("{image_name}#{row}"), expected[row]));
            assert_eq!(samples(&*data), expected.collect::<Vec<_>>());
            assert_eq!(
                load(&*data, 1),
                [80.0, 90.0, 100.0, 110.0, 120.0, 130.0, 140.0, 150.0]
            );
        }
        let colour = open(&root.path().join(image_name), &unchanged()).unwrap();
        assert_eq!(colour.sample_shape(), [3, 4, 2]);
        assert_eq!(load(&*colour, 1)[8..16], load(&*colour, 1)[..8]);
        let message = refused(&root.path().join(label_name), &grey());
        assert!(message.contains("these are the labels"), "{message}");
    }
}

#[test]
fn idx_files_that_contradict_themselves_are_refused() {
    let (images, labels) = digits();
    let read = |images: &[u8], labels: &[u8]| {
        let root = files(&[
            ("a-images-idx3-ubyte", images),
            ("a-labels-idx1-ubyte", labels),
        ]);
        open(&root.path().join("a-images-idx3-ubyte"), &grey()).map_err(|error| error.to_string())
    };
    let huge = idx(&[u32::MAX, u32::MAX, u32::MAX], &[1, 2, 3]);
    for (images, labels, reason) in [
        (
            &images[..images.len() - 1],
            &labels[..],
            "its header promises [3, 4, 2] bytes, and 23 follow",
        ),
        (&images[..10], &labels, "before its dimensions do"),
        (&huge, &labels, "and 3 follow"),
        (
            &[0, 0, 13, 1, 0, 0, 0, 0],
            &labels,
            "of the type 0x0d; unsigned bytes",
        ),
        (
            &idx(&[0, 4, 2], &[]),
            &labels,
            "shape [0, 4, 2]; expected images",
        ),
        (
            &images,
            &idx(&[2], &[1, 2]),
            "labels of shape [2] for 3 images",
        ),
        (&images, &labels[..6], "before its dimensions do"),
    ] {
        let message = read(images, labels).err().unwrap();
        assert!(message.contains(reason), "{message}");
    }
    let root = files(&[("a-images-idx3-ubyte", &images)]);
    let data = open(&root.path().join("a-images-idx3-ubyte"), &grey()).unwrap();
    assert!(
        data.info().warnings[0].contains("no a-labels-idx1-ubyte beside"),
        "{:?}",
        data.info()
    );
    let root = files(&[
        ("a-images-idx3-ubyte", &images),
        ("b-images-idx3-ubyte", &images),
    ]);
    let message = refused(root.path(), &grey());
    assert!(
        message.contains("name one of them: a-images-idx3-ubyte, b-images-idx3-ubyte"),
        "{message}"
    );
}
