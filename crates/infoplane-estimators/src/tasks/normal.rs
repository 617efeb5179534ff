//! Correlated Gaussian vectors and invertible maps of them, which keep the information (Czyż et al.
//! 2023, "Beyond Normal", arXiv 2306.11078, whose names and parameters these are).

use std::f64::consts::PI;

use rand_chacha::ChaCha8Rng;

use super::{Task, normal_cdf, standard_normal};

const CLOSED: &str = "closed form";
const INVERTIBLE: &str = "closed form of the Gaussian pair behind an invertible map of each side";

/// Correlation of the pair of single coordinates.
const SINGLE: f64 = 0.75;
/// Correlation of each of the two correlated pairs of coordinates.
const SPARSE: f64 = 0.8;
/// Correlation of every two coordinates.
const DENSE: f64 = 0.5;

type Vectors = (Vec<f64>, Vec<f64>);

pub(super) fn tasks() -> Vec<Task> {
    let mut tasks = vec![Task::of_vectors(
        "normal-1",
        [1, 1],
        pairs_information(1, SINGLE),
        CLOSED,
        |rng| pairs(rng, 1, 1, SINGLE),
    )];
    for d in [2, 5, 10, 25, 50] {
        tasks.push(Task::of_vectors(
            format!("normal-sparse-{d}"),
            [d, d],
            pairs_information(2, SPARSE),
            CLOSED,
            move |rng| pairs(rng, d, 2, SPARSE),
        ));
    }
    for d in [1, 2, 3, 5, 10, 25, 50] {
        tasks.push(Task::of_vectors(
            format!("normal-dense-{d}"),
            [d, d],
            dense_information(d),
            CLOSED,
            move |rng| dense(rng, d),
        ));
    }
    tasks.extend(transformed());
    tasks.extend([1, 5, 20].map(|d| {
        Task::of_vectors(
            format!("independent-{d}"),
            [d, d],
            0.0,
            "independent by construction",
            move |rng| pairs(rng, d, 0, 0.0),
        )
    }));
    tasks
}

fn transformed() -> Vec<Task> {
    let single = |name: &str, map: fn(f64) -> f64, other: fn(f64) -> f64| {
        Task::of_vectors(
            format!("{name}-1"),
            [1, 1],
            pairs_information(1, SINGLE),
            INVERTIBLE,
            move |rng| {
                let (x, y) = pairs(rng, 1, 1, SINGLE);
                (vec![map(x[0])], vec![other(y[0])])
            },
        )
    };
    let sparse = |name: &str, d: usize, map: fn(f64) -> f64| {
        Task::of_vectors(
            format!("{name}-sparse-{d}"),
            [d, d],
            pairs_information(2, SPARSE),
            INVERTIBLE,
            move |rng| {
                let (x, y) = pairs(rng, d, 2, SPARSE);
                let mapped = |v: Vec<f64>| v.into_iter().map(map).collect();
                (mapped(x), mapped(y))
            },
        )
    };
    vec![
        single("normal-cdf", normal_cdf, normal_cdf),
        single("half-cube", half_cube, half_cube),
        single("asinh", f64::asinh, f64::asinh),
        single("wiggly", wiggly, other_wiggly),
        sparse("normal-cdf", 5, normal_cdf),
        sparse("half-cube", 5, half_cube),
        sparse("half-cube", 25, half_cube),
        Task::of_vectors(
            "swiss-roll",
            [2, 1],
            pairs_information(1, SINGLE),
            INVERTIBLE,
            |rng| {
                let (x, y) = pairs(rng, 1, 1, SINGLE);
                (swiss_roll(normal_cdf(x[0])), vec![normal_cdf(y[0])])
            },
        ),
        spiral_task(3),
        spiral_task(5),
    ]
}

fn spiral_task(d: usize) -> Task {
    Task::of_vectors(
        format!("spiral-sparse-{d}"),
        [d, d],
        pairs_information(2, SPARSE),
        INVERTIBLE,
        move |rng| {
            let (mut x, mut y) = pairs(rng, d, 2, SPARSE);
            spiral(&mut x, 0);
            spiral(&mut y, 1);
            (x, y)
        },
    )
}

/// `correlated` independent pairs of correlation r: −½ ln(1 − r²) nats each.
fn pairs_information(correlated: usize, r: f64) -> f64 {
    -0.5 * correlated as f64 * (-r * r).ln_1p()
}

/// Coordinates of which the first `correlated` have correlation r with their namesake.
pub(super) fn pairs(rng: &mut ChaCha8Rng, d: usize, correlated: usize, r: f64) -> Vectors {
    let x: Vec<f64> = (0..d).map(|_| standard_normal(rng)).collect();
    let y = (0..d)
        .map(|k| {
            let own = standard_normal(rng);
            if k < correlated {
                r * x[k] + (1.0 - r * r).sqrt() * own
            } else {
                own
            }
        })
        .collect();
    (x, y)
}

/// Every two of the 2 d coordinates have correlation r. With det = (1 − r)^(m−1) (1 + (m − 1) r) for
/// m of them, in nats.
fn dense_information(d: usize) -> f64 {
    let log_determinant =
        |m: usize| (m - 1) as f64 * (-DENSE).ln_1p() + ((m - 1) as f64 * DENSE).ln_1p();
    log_determinant(d) - 0.5 * log_determinant(2 * d)
}

fn dense(rng: &mut ChaCha8Rng, d: usize) -> Vectors {
    let common = DENSE.sqrt() * standard_normal(rng);
    let mut side = || {
        (0..d)
            .map(|_| common + (1.0 - DENSE).sqrt() * standard_normal(rng))
            .collect()
    };
    (side(), side())
}

fn half_cube(x: f64) -> f64 {
    x * x.abs().sqrt()
}

fn wiggly(x: f64) -> f64 {
    x + 0.4 * x.sin() + 0.2 * (1.7 * x + 1.0).sin() + 0.03 * (3.3 * x - 2.5).sin()
}

fn other_wiggly(x: f64) -> f64 {
    x - 0.4 * (0.4 * x).sin() + 0.17 * (1.3 * x + 3.5).sin() + 0.02 * (4.3 * x - 2.5).sin()
}

/// A line of [0, 1] rolled up in the plane.
fn swiss_roll(u: f64) -> Vec<f64> {
    let angle = 1.5 * PI * (1.0 + 2.0 * u);
    vec![angle * angle.cos() / 21.0, angle * angle.sin() / 21.0]
}

/// Turns the plane of coordinates `first` and `first` + 1 by the angle |x|²/d, which can be undone, as
/// the radius stays: the spiral of Czyż et al. 2023 (arXiv 2306.11078) at its normalised speed.
fn spiral(x: &mut [f64], first: usize) {
    let angle = x.iter().map(|v| v * v).sum::<f64>() / x.len() as f64;
    let (sin, cos) = angle.sin_cos();
    let (a, b) = (x[first], x[first + 1]);
    x[first] = cos * a - sin * b;
    x[first + 1] = sin * a + cos * b;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_are_increasing() {
        for map in [wiggly, other_wiggly, half_cube, normal_cdf] {
            let values: Vec<f64> = (-500..500).map(|i| map(f64::from(i) / 100.0)).collect();
            assert!(values.is_sorted_by(|a, b| a < b));
        }
    }

    #[test]
    fn samples_have_the_stated_correlations() {
        use rand::SeedableRng;
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let n = 40_000;
        let mut sums = [0.0; 3];
        for _ in 0..n {
            let (x, y) = dense(&mut rng, 3);
            sums[0] += x[0] * y[2] / f64::from(n);
            let (x, y) = pairs(&mut rng, 3, 2, SPARSE);
            sums[1] += x[1] * y[1] / f64::from(n);
            sums[2] += x[2] * y[2] / f64::from(n);
        }
        for (found, expected) in sums.into_iter().zip([DENSE, SPARSE, 0.0]) {
            assert!((found - expected).abs() < 0.03, "{found} {expected}");
        }
    }
}
