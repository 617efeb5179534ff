//! Multivariate Student's t: dependent even without correlation, by its common scale.

use rand_distr::{ChiSquared, Distribution};
use statrs::function::gamma::{digamma, ln_gamma};

use super::{Task, standard_normal};

pub(super) fn tasks() -> Vec<Task> {
    let mut tasks: Vec<Task> = [(1, 1), (2, 1), (2, 2), (3, 2), (3, 3), (5, 2), (5, 3)]
        .into_iter()
        .map(|(d, freedom)| task(format!("student-{d}-{freedom}"), d, freedom, |x| x))
        .collect();
    // Heavy tails tamed without a change of the information.
    tasks.push(task("asinh-student-1-1".to_owned(), 1, 1, f64::asinh));
    tasks.push(task("asinh-student-5-2".to_owned(), 5, 2, f64::asinh));
    tasks
}

fn task(name: String, d: usize, freedom: u32, map: fn(f64) -> f64) -> Task {
    Task::of_vectors(
        name,
        [d, d],
        information(d, freedom),
        "closed form",
        move |rng| {
            let square = ChiSquared::new(f64::from(freedom)).map(|law| law.sample(rng));
            // The degrees of freedom are positive, so the law exists.
            let scale = (f64::from(freedom) / square.unwrap_or(1.0)).sqrt();
            let mut side = || {
                (0..d)
                    .map(|_| map(scale * standard_normal(rng)))
                    .collect::<Vec<f64>>()
            };
            (side(), side())
        },
    )
}

/// In nats, for the identity as dispersion (Arellano-Valle et al. 2013): f(ν) + f(ν + 2d) −
/// 2 f(ν + d) with f(x) = ln Γ(x/2) − (x/2) ψ(x/2).
fn information(d: usize, freedom: u32) -> f64 {
    let f = |x: f64| ln_gamma(0.5 * x) - 0.5 * x * digamma(0.5 * x);
    let (d, freedom) = (d as f64, f64::from(freedom));
    f(freedom) + f(freedom + 2.0 * d) - 2.0 * f(freedom + d)
}
