//! Pairs with edges and atoms: additive uniform noise, and Gao et al.'s (2017) mixed pairs.

use rand::RngExt;
use rand_distr::{Distribution, Exp1, Poisson};
use std::f64::consts::LN_2;

use super::Task;

/// Share of the zeros that say nothing.
const INFLATION: f64 = 0.15;

pub(super) fn tasks() -> Vec<Task> {
    let mut tasks: Vec<Task> = [("0.1", 0.1), ("0.75", 0.75)]
        .into_iter()
        .map(|(name, spread)| {
            Task::of_vectors(
                format!("additive-uniform-{name}"),
                [1, 1],
                additive_information(spread),
                "closed form",
                move |rng| {
                    let x: f64 = rng.random();
                    (vec![x], vec![x + rng.random_range(-spread..spread)])
                },
            )
        })
        .collect();
    tasks.push(Task::of_vectors(
        "gao-uniform-5",
        [1, 1],
        uniform_information(5),
        "closed form",
        |rng| {
            let x = rng.random_range(0..5_u32);
            (vec![f64::from(x)], vec![steps(rng, x)])
        },
    ));
    tasks.push(Task::of_classes(
        "gao-uniform-5-classes",
        1,
        5,
        uniform_information(5),
        "closed form",
        |rng| {
            let x = rng.random_range(0..5_u32);
            (vec![steps(rng, x)], x as usize)
        },
    ));
    tasks.push(Task::of_vectors(
        "zero-inflated-poisson",
        [1, 1],
        inflated_information(INFLATION),
        "closed form and a series",
        |rng| {
            let x: f64 = Exp1.sample(rng);
            // A rate that is too small for the law gives 0, as does the inflation.
            let count = Poisson::new(x).map_or(0.0, |law| law.sample(rng));
            let inflated = rng.random_bool(INFLATION);
            (vec![x], vec![if inflated { 0.0 } else { count }])
        },
    ));
    tasks
}

/// X uniform on [0, 1], Y = X + N, N uniform on [−s, s], in nats.
fn additive_information(spread: f64) -> f64 {
    if spread <= 0.5 {
        spread - (2.0 * spread).ln()
    } else {
        0.25 / spread
    }
}

/// X uniform on 0..m, Y uniform on [X, X + 2], in nats: ln m − (m − 1) ln 2 / m.
fn uniform_information(m: u32) -> f64 {
    let m = f64::from(m);
    m.ln() - (m - 1.0) * LN_2 / m
}

fn steps(rng: &mut rand_chacha::ChaCha8Rng, x: u32) -> f64 {
    f64::from(x) + rng.random_range(0.0..2.0)
}

/// X exponential of rate 1; Y is 0 with probability p, and else Poisson of mean X. In nats.
///
/// Counts k ≥ 1 are those of the Poisson, thinned: (1 − p) (2 ln 2 − γ − Σ_k ln k / 2^k − z(0)).
/// Zeros mix both causes: z(p) = ∫₀¹ v ln v du − m ln m with v = p + (1 − p) u, m = (1 + p)/2.
/// Gao et al. (2017) give (1 − p) times the Poisson's information, which is I(X; Y, cause) and so
/// too large: the cause of a zero is not seen.
fn inflated_information(p: f64) -> f64 {
    const EULER: f64 = 0.577_215_664_901_532_9;
    let series: f64 = (1..60).map(|k| f64::from(k).ln() * 0.5_f64.powi(k)).sum();
    let poisson = 2.0 * LN_2 - EULER - series;
    let of_zeros = |p: f64| {
        let at_p = if p > 0.0 {
            0.5 * p * p * p.ln() - 0.25 * p * p
        } else {
            0.0
        };
        let mean = 0.5 * (1.0 + p);
        (-0.25 - at_p) / (1.0 - p) - mean * mean.ln()
    };
    (1.0 - p) * (poisson - of_zeros(0.0)) + of_zeros(p)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn poisson_without_inflation_has_the_published_information() {
        assert!((inflated_information(0.0) - 0.3012).abs() < 5e-5);
    }

    /// The sum over counts of ∫ e^−x p(y|x) ln p(y|x)/p(y) dx, by Simpson's rule.
    #[test]
    fn inflated_information_agrees_with_quadrature() {
        let p = INFLATION;
        let (steps, end) = (20_000, 60.0);
        let step = end / f64::from(steps);
        let mut sum = 0.0;
        for i in 0..=steps {
            let x = f64::from(i) * step;
            let weight = match i {
                0 => 1.0,
                i if i == steps => 1.0,
                i if i % 2 == 1 => 4.0,
                _ => 2.0,
            };
            let mut poisson = (-x).exp();
            let mut inner = 0.0;
            for k in 0..120 {
                if k > 0 {
                    poisson *= x / f64::from(k);
                }
                let inflated = if k == 0 { p } else { 0.0 };
                let given = inflated + (1.0 - p) * poisson;
                let whole = inflated + (1.0 - p) * 0.5_f64.powi(k + 1);
                if given > 0.0 {
                    inner += given * (given / whole).ln();
                }
            }
            sum += weight * (-x).exp() * inner * step / 3.0;
        }
        let found = inflated_information(p);
        assert!((found - sum).abs() < 1e-6, "{found} {sum}");
        assert!(found < (1.0 - p) * 0.3012 - 0.02);
    }
}
