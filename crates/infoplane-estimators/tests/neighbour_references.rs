//! Estimators by neighbours against scikit-learn, NPEET and plain NumPy on the same samples; see
//! `scripts/estimator_references.py`.
#![allow(missing_docs)]

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use infoplane_estimators::{
    About, ColumnScale, Estimator, GaoParams, Ksg1Params, Ksg2Params, Labels, Pair, RossParams,
    Samples,
};
use ndarray::{Array0, Array1, Array2};
use ndarray_npy::NpzReader;

struct Case {
    x: Array2<f64>,
    y: Option<Array2<f64>>,
    classes: Option<Array1<i64>>,
    /// Values in nats by name.
    references: BTreeMap<String, f64>,
}

fn cases() -> BTreeMap<String, Case> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/neighbours.npz");
    let mut archive = NpzReader::new(File::open(path).unwrap()).unwrap();
    let mut cases = BTreeMap::new();
    for entry in archive.names().unwrap() {
        let entry = entry.trim_end_matches(".npy").to_owned();
        let Some((case, "x")) = entry.split_once('/') else {
            continue;
        };
        let names = archive.names().unwrap();
        let references = names
            .iter()
            .filter_map(|name| {
                let (of, reference) = name.trim_end_matches(".npy").split_once('/')?;
                (of == case && reference.contains("_k")).then(|| reference.to_owned())
            })
            .map(|reference| {
                let value: Array0<f64> = archive.by_name(&format!("{case}/{reference}")).unwrap();
                (reference, value.into_scalar())
            })
            .collect();
        let loaded = Case {
            x: archive.by_name(&entry).unwrap(),
            y: archive.by_name(&format!("{case}/y")).ok(),
            classes: archive.by_name(&format!("{case}/y")).ok(),
            references,
        };
        cases.insert(case.to_owned(), loaded);
    }
    assert_eq!(cases.len(), 10);
    cases
}

fn samples(array: &Array2<f64>) -> Samples<'_> {
    Samples::from_f64(array.as_slice().unwrap(), array.nrows(), array.ncols()).unwrap()
}

/// The estimator that has the reference's definition.
fn same_definition(reference: &str) -> Option<Box<dyn Estimator>> {
    let (name, k) = reference.rsplit_once("_k").unwrap();
    let k = k.parse().unwrap();
    let none = ColumnScale::None;
    let scale = ColumnScale::Deviation;
    Some(match name {
        "regression" => Box::new(Ksg1Params { k, scale }.check().unwrap()),
        "cc" | "npeet" => Box::new(Ksg1Params { k, scale: none }.check().unwrap()),
        "ksg2" => Box::new(Ksg2Params { k, scale: none }.check().unwrap()),
        "gao" => Box::new(GaoParams { k, scale: none }.check().unwrap()),
        "classif" => Box::new(RossParams { k, scale }.check().unwrap()),
        "cd" => Box::new(RossParams { k, scale: none }.check().unwrap()),
        "npeet_entropy" => return None,
        other => panic!("no estimator for {other}"),
    })
}

#[test]
fn estimators_equal_scikit_learn_npeet_and_numpy() {
    let mut compared = 0;
    for (name, case) in cases() {
        let labels = case.classes.as_ref().map(|classes| {
            let classes: Vec<u32> = classes.iter().map(|&c| c as u32).collect();
            Labels::new(&classes).unwrap()
        });
        let about = match (&labels, &case.y) {
            (Some(labels), _) => About::Classes(labels),
            (None, Some(y)) => About::Vectors(samples(y)),
            (None, None) => panic!("{name} has no other side"),
        };
        let pair = Pair::new(samples(&case.x), about).unwrap();
        for (reference, expected) in &case.references {
            let Some(estimator) = same_definition(reference) else {
                continue;
            };
            let point = estimator.point(&pair, 0).unwrap();
            let found = point.value * std::f64::consts::LN_2;
            assert!(
                (found - expected).abs() < 1e-6,
                "{name}, {reference}: {found} in place of {expected}"
            );
            compared += 1;
        }
    }
    assert_eq!(compared, 66);
}

#[test]
fn entropy_equals_npeets() {
    for (name, case) in cases() {
        for (reference, expected) in &case.references {
            let Some(k) = reference.strip_prefix("npeet_entropy_k") else {
                continue;
            };
            let ksg = Ksg1Params {
                k: k.parse().unwrap(),
                scale: ColumnScale::None,
            };
            let bits = ksg.check().unwrap().entropy(samples(&case.x), 0).unwrap();
            let found = bits * std::f64::consts::LN_2;
            assert!(
                (found - expected).abs() < 1e-6,
                "{name}, {reference}: {found} in place of {expected}"
            );
        }
    }
}
