//! Real images and golden files, where the folder `shared` lies beside the repository.

use std::path::{Path, PathBuf};

use infoplane_data::npy::NpzFile;
use infoplane_data::{ClassIndex, DataOptions, Dataset, Preprocess, group_map, open};

/// The shared folder, or a line that the test is skipped.
fn shared() -> Option<PathBuf> {
    let folder = std::env::var_os("INFOPLANE_SHARED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
        PathBuf::from,
    );
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("skipped: {} is not there", folder.display());
    None
}

fn load(data: &dyn Dataset, index: usize) -> Vec<f32> {
    let mut out = vec![0.0; data.sample_shape().iter().product()];
    data.load(index, &mut out).unwrap();
    out
}

#[test]
fn originals_are_preprocessed_as_pillow_does_to_the_bit() {
    let Some(shared) = shared() else { return };
    let golden = shared.join("goldens/preprocess_resize256_crop224.npz");
    let golden = NpzFile::open(&golden)
        .unwrap()
        .read("pixels")
        .unwrap()
        .to_f32();
    let preprocess = Preprocess {
        mean: [0.0; 3],
        std: [1.0; 3],
        ..Preprocess::default()
    };
    let options = DataOptions {
        preprocess,
        ..DataOptions::default()
    };
    let data = open(&shared.join("data/originals"), &options).unwrap();
    // The golden file holds the first of the files in sorted order.
    for (index, golden) in golden.outer_iter().enumerate() {
        let found = load(&*data, index);
        for (channel, plane) in found.chunks_exact(224 * 224).enumerate() {
            let expected = golden.index_axis(ndarray::Axis(2), channel);
            for (found, &pixel) in plane.iter().zip(expected) {
                assert_eq!(*found, pixel / 255.0, "{}", data.id(index));
            }
        }
    }
}

#[test]
fn the_imagenet_folder_has_the_class_indices_of_its_table() {
    let Some(shared) = shared() else { return };
    let imagenet = shared.join("data/imagenet");
    let options = DataOptions {
        expected_shape: Some(vec![3, 224, 224]),
        n_outputs: Some(1000),
        ..DataOptions::default()
    };
    let data = open(&imagenet.join("val"), &options).unwrap();
    assert_eq!(data.len(), 900);
    let table = std::fs::read_to_string(imagenet.join("imagenet1k_wnids.csv")).unwrap();
    let wnids: Vec<&str> = table
        .lines()
        .skip(1)
        .filter_map(|line| line.split(',').nth(1))
        .collect();
    for index in 0..data.len() {
        let ClassIndex(class) = data.label(index).unwrap();
        assert!(data.id(index).starts_with(&format!("{}/", wnids[class])));
    }
    let groups = group_map(&format!("{}:group", imagenet.join("classes.csv").display())).unwrap();
    assert_eq!(groups.names.len(), 10);
    assert!((0..data.len()).all(|index| groups.group_of(data.label(index).unwrap()).is_some()));
}

#[test]
fn cifar_as_parquet_is_cifar_as_files() {
    let Some(shared) = shared() else { return };
    let cifar = shared.join("data/cifar10");
    let options = DataOptions {
        preprocess: Preprocess::preset("cifar10").unwrap(),
        expected_shape: Some(vec![3, 32, 32]),
        n_outputs: Some(10),
        ..DataOptions::default()
    };
    let files = open(&cifar.join("test"), &options).unwrap();
    let table = open(&cifar.join("test-500.parquet"), &options).unwrap();
    assert_eq!((files.len(), table.len()), (3000, 500));
    assert_eq!(files.info().class_names, table.info().class_names);
    let samples = |data: &dyn Dataset| -> Vec<(usize, Vec<u32>)> {
        (0..data.len())
            .map(|index| {
                let pixels = load(data, index).into_iter().map(f32::to_bits).collect();
                (data.label(index).unwrap().0, pixels)
            })
            .collect()
    };
    let known: std::collections::HashSet<_> = samples(&*files).into_iter().collect();
    assert!(samples(&*table).iter().all(|sample| known.contains(sample)));
}
