//! Shared by the integration tests.
#![allow(dead_code, missing_docs)]

use infoplane_estimators::{Estimate, Labels, Samples};

/// tr Cov of row-major vectors.
pub fn total_variance(vectors: &[f32], width: usize) -> f64 {
    let n = (vectors.len() / width) as f64;
    (0..width)
        .map(|k| {
            let column = || vectors.iter().skip(k).step_by(width).map(|&v| f64::from(v));
            let mean = column().sum::<f64>() / n;
            column().map(|v| (v - mean).powi(2)).sum::<f64>() / n
        })
        .sum()
}

pub fn samples(vectors: &[f32], width: usize) -> Samples<'_> {
    Samples::new(vectors, vectors.len() / width, width).unwrap()
}

pub fn labels(classes: &[u32]) -> Labels {
    Labels::new(classes).unwrap()
}

pub fn assert_near(what: &str, found: f64, expected: f64, tolerance: f64) {
    assert!(
        (found - expected).abs() <= tolerance,
        "{what}: {found:.4} is not within {tolerance} of {expected:.4}"
    );
}

pub fn covers(estimate: &Estimate, truth: f64) -> bool {
    estimate.ci[0] <= truth && truth <= estimate.ci[1]
}
