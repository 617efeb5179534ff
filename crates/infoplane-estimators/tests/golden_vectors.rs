//! `gaussian-channel` on the vectors of a real network, where the folder `shared` is at hand.

mod common;

use std::fs::File;
use std::path::PathBuf;

use common::{assert_near, labels, samples};
use infoplane_estimators::{GaussianChannelParams, InformationEstimator, ratio_with_interval};
use ndarray::{Array1, Array2};
use ndarray_npy::NpzReader;

fn shared(file: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("INFOPLANE_SHARED").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared")),
        PathBuf::from,
    );
    let path = folder.join(file);
    if path.is_file() {
        return Some(path);
    }
    println!("skipped: {} is not there", path.display());
    None
}

/// Bits at τ 0.3 and at 0.5: I(X;C) own center and left out, I(C;Y) own center and left out.
const PUBLISHED: [(&str, [[f64; 4]; 2]); 9] = [
    (
        "conductance/stem",
        [[4.58, 4.71, 0.94, 0.70], [2.20, 2.21, 0.51, 0.47]],
    ),
    (
        "conductance/layer2.2",
        [[4.78, 4.89, 1.56, 1.35], [2.24, 2.25, 0.81, 0.78]],
    ),
    (
        "conductance/layer3.1",
        [[5.17, 5.32, 1.85, 1.65], [2.45, 2.46, 0.96, 0.93]],
    ),
    (
        "conductance/layer3.2",
        [[3.87, 3.88, 2.03, 1.97], [2.14, 2.15, 1.28, 1.27]],
    ),
    (
        "conductance/linear",
        [[3.18, 3.19, 1.96, 1.94], [1.97, 1.97, 1.33, 1.32]],
    ),
    (
        "activation/stem",
        [[3.07, 3.11, 0.39, 0.23], [1.72, 1.73, 0.25, 0.21]],
    ),
    (
        "activation/layer3.1",
        [[5.93, 6.20, 1.34, 0.89], [2.57, 2.59, 0.55, 0.50]],
    ),
    (
        "activation/layer3.2",
        [[4.77, 4.85, 1.84, 1.74], [2.34, 2.35, 1.09, 1.07]],
    ),
    (
        "activation/linear",
        [[4.05, 4.08, 1.86, 1.82], [2.10, 2.10, 1.16, 1.15]],
    ),
];

#[test]
fn golden_vectors_give_the_published_bits() {
    let Some(path) = shared("goldens/vectors_cifar10_resnet20.npz") else {
        return;
    };
    let mut file = NpzReader::new(File::open(path).unwrap()).unwrap();
    let classes: Array1<i64> = file.by_name("label").unwrap();
    let classes: Vec<u32> = classes.iter().map(|&class| class as u32).collect();
    let labels = labels(&classes);
    let estimator = GaussianChannelParams::default().check().unwrap();
    let mut worst = 0.0_f64;
    for (name, published) in PUBLISHED {
        let vectors: Array2<f32> = file.by_name(name).unwrap();
        let width = vectors.ncols();
        let vectors: Vec<f32> = vectors.iter().copied().collect();
        let layer = estimator
            .prepare(samples(&vectors, width), Some(&labels))
            .unwrap();
        for (point, published) in estimator
            .sweep(&layer, &[0.3, 0.5])
            .unwrap()
            .iter()
            .zip(published)
        {
            let [own, left_out] = point.input_bracket;
            let [label_left_out, label_own] = point.label.unwrap().bracket;
            let found = [own, left_out, label_own, label_left_out];
            let differences: Vec<f64> = found.iter().zip(published).map(|(f, p)| f - p).collect();
            println!(
                "{name} τ {}: {found:.3?}, differences {differences:+.3?}",
                point.tau
            );
            worst = differences
                .iter()
                .fold(worst, |worst, d| worst.max(d.abs()));
        }
    }
    assert!(worst <= 0.04, "{worst:.3} bit from the published figures");
}

#[test]
fn last_block_is_where_the_label_share_jumps() {
    let Some(path) = shared("goldens/vectors_cifar10_resnet20.npz") else {
        return;
    };
    let mut file = NpzReader::new(File::open(path).unwrap()).unwrap();
    let classes: Array1<i64> = file.by_name("label").unwrap();
    let classes: Vec<u32> = classes.iter().map(|&class| class as u32).collect();
    let mut ratio = |name: &str| {
        let vectors: Array2<f32> = file.by_name(name).unwrap();
        let width = vectors.ncols();
        let vectors: Vec<f32> = vectors.iter().copied().collect();
        let estimator = GaussianChannelParams::default().check().unwrap();
        let found = estimator
            .information(samples(&vectors, width), Some(&labels(&classes)))
            .unwrap();
        ratio_with_interval(found.label.as_ref().unwrap(), &found.input).unwrap()
    };
    let (before, before_ci) = ratio("conductance/layer3.1");
    let (after, after_ci) = ratio("conductance/layer3.2");
    assert_near("ITE of layer3.1", before, 0.33, 0.01);
    assert_near("ITE of layer3.2", after, 0.52, 0.01);
    assert!(before_ci[1] < after_ci[0], "{before_ci:?} {after_ci:?}");
}
