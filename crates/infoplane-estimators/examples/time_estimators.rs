//! Times estimators on arrays, for `scripts/bench_estimators.py`.
//!
//!     time_estimators FILE.npz ESTIMATOR [REPEATS] [PARAMETERS]
//!
//! FILE holds `x` and `y`, `[N, d]` in f64, or `[N]` in i64 for classes; PARAMETERS is a JSON
//! object. Prints one JSON object: the
//! estimate in bits and the seconds of each repeat, without reading and checking the arrays.
#![allow(missing_docs)]

use std::fs::File;
use std::time::Instant;

use infoplane_estimators::{About, GaussianChannelParams, Labels, Pair, Samples, registry};
use ndarray::{Array1, Array2};
use ndarray_npy::NpzReader;
use serde_json::{from_str, json};

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [file, name, repeats @ ..] = arguments.as_slice() else {
        return Err("usage: time_estimators FILE.npz ESTIMATOR [REPEATS]".into());
    };
    let (repeats, parameters): (usize, &str) = match repeats {
        [] => (5, "{}"),
        [repeats] => (repeats.parse()?, "{}"),
        [repeats, parameters, ..] => (repeats.parse()?, parameters),
    };
    let mut archive = NpzReader::new(File::open(file)?)?;
    let x: Array2<f64> = archive.by_name("x")?;
    let x = x.as_standard_layout();
    let first = Samples::from_f64(x.as_slice().ok_or("x")?, x.nrows(), x.ncols())?;
    let other: Option<Array2<f64>> = archive.by_name("y").ok();
    let labels = match archive.by_name::<ndarray::OwnedRepr<i64>, ndarray::Ix1>("y") {
        Ok(classes) => Some(labels(&classes)?),
        Err(_) => None,
    };
    let about = match (&labels, &other) {
        (Some(labels), _) => About::Classes(labels),
        (None, Some(y)) => {
            let y_slice = y.as_slice().ok_or("y must be in row order")?;
            About::Vectors(Samples::from_f64(y_slice, y.nrows(), y.ncols())?)
        }
        (None, None) => return Err("y must be f64 of two dimensions or i64 of one".into()),
    };
    let pair = Pair::new(first, about)?;

    let mut value = f64::NAN;
    let mut seconds = Vec::with_capacity(repeats);
    for _ in 0..repeats {
        let start = Instant::now();
        value = run(name, parameters, &pair)?;
        seconds.push(start.elapsed().as_secs_f64());
    }
    println!(
        "{}",
        json!({ "estimator": name, "bits": value, "seconds": seconds })
    );
    Ok(())
}

fn labels(classes: &Array1<i64>) -> Result<Labels, Failure> {
    let classes: Result<Vec<u32>, _> = classes.iter().map(|&c| u32::try_from(c)).collect();
    Ok(Labels::new(&classes?)?)
}

/// The point estimate by name.
fn run(name: &str, parameters: &str, pair: &Pair<'_>) -> Result<f64, Failure> {
    if name == "gaussian-channel" {
        // Both informations in one pass, as the plane has them.
        let channel = from_str::<GaussianChannelParams>(parameters)?.check()?;
        let About::Classes(labels) = pair.about() else {
            return Err("gaussian-channel is timed with classes".into());
        };
        let layer = channel.prepare(pair.vectors(), Some(labels))?;
        return Ok(channel.sweep(&layer, &[0.3])?[0].input);
    }
    let estimator = registry::family(name)?.build(from_str(parameters)?)?;
    Ok(estimator.point(pair, 0)?.value)
}
