//! Mixtures of unit Gaussians whose component is the class; truth by quadrature.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::{Task, standard_normal};

const QUADRATURE: &str = "quadrature of the class's posterior entropy in the plane of the means";

/// Weight and mean of each component in the plane.
type Components = &'static [(f64, [f64; 2])];

const LINE: Components = &[
    (0.4, [0.0, 0.0]),
    (0.3, [2.0, 0.0]),
    (0.2, [4.0, 0.0]),
    (0.1, [7.0, 0.0]),
];

const PLANE: Components = &[
    (0.2, [0.0, 0.0]),
    (0.2, [2.5, 0.0]),
    (0.2, [0.0, 2.5]),
    (0.2, [-2.5, -0.5]),
    (0.2, [1.0, -3.0]),
];

pub(super) fn tasks() -> Vec<Task> {
    let task = |name: &str, width: usize, components: Components| {
        Task::of_classes(
            name,
            width,
            components.len(),
            information(components),
            QUADRATURE,
            move |rng| draw(rng, components, width),
        )
    };
    let independent = |width: usize, classes: usize| {
        Task::of_classes(
            format!("independent-{width}-classes-{classes}"),
            width,
            classes,
            0.0,
            "independent by construction",
            move |rng| {
                let vector = (0..width).map(|_| standard_normal(rng)).collect();
                (vector, rng.random_range(0..classes))
            },
        )
    };
    vec![
        task("mixture-1", 1, LINE),
        task("mixture-2", 2, PLANE),
        task("mixture-10", 10, PLANE),
        task("mixture-50", 50, PLANE),
        independent(1, 2),
        independent(5, 10),
    ]
}

fn draw(rng: &mut ChaCha8Rng, components: Components, width: usize) -> (Vec<f64>, usize) {
    let mut left: f64 = rng.random();
    let mut class = components.len() - 1;
    for (index, (weight, _)) in components.iter().enumerate() {
        left -= weight;
        if left < 0.0 {
            class = index;
            break;
        }
    }
    let mean = components[class].1;
    let mut vector: Vec<f64> = (0..width).map(|_| standard_normal(rng)).collect();
    vector.iter_mut().zip(mean).for_each(|(v, m)| *v += m);
    (vector, class)
}

/// H(Y) − H(Y|X) in nats. The coordinates outside of the plane of the means say nothing. The
/// trapezoidal rule converges faster than any power of the step for such integrands.
fn information(components: Components) -> f64 {
    const STEP: f64 = 0.1;
    const MARGIN: f64 = 9.0;
    let bounds = [0, 1].map(|axis| {
        let means = components.iter().map(|(_, mean)| mean[axis]);
        let low = means.clone().fold(f64::INFINITY, f64::min) - MARGIN;
        let high = means.fold(f64::NEG_INFINITY, f64::max) + MARGIN;
        (low, ((high - low) / STEP) as usize)
    });
    let node = |axis: usize, index: usize| bounds[axis].0 + STEP * index as f64;
    let mut conditional = 0.0;
    for i in 0..bounds[0].1 {
        for j in 0..bounds[1].1 {
            let point = [node(0, i), node(1, j)];
            let densities = components.iter().map(|(weight, mean)| {
                let square: f64 = point.iter().zip(mean).map(|(p, m)| (p - m).powi(2)).sum();
                weight * (-0.5 * square).exp() / std::f64::consts::TAU
            });
            let whole: f64 = densities.clone().sum();
            conditional -= densities
                .filter(|&density| density > 0.0)
                .map(|density| density * (density / whole).ln())
                .sum::<f64>();
        }
    }
    let entropy: f64 = components
        .iter()
        .map(|(weight, _)| -weight * weight.ln())
        .sum();
    entropy - conditional * STEP * STEP
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    /// The mean of ln p(x|y)/p(x) over draws.
    #[test]
    fn quadrature_agrees_with_monte_carlo() {
        for components in [LINE, PLANE] {
            let mut rng = ChaCha8Rng::seed_from_u64(7);
            let n = 100_000;
            let mut sum = 0.0;
            for _ in 0..n {
                let (x, class) = draw(&mut rng, components, 2);
                let density = |mean: &[f64; 2]| {
                    let square: f64 = x.iter().zip(mean).map(|(p, m)| (p - m).powi(2)).sum();
                    (-0.5 * square).exp()
                };
                let whole: f64 = components.iter().map(|(w, m)| w * density(m)).sum();
                sum += (density(&components[class].1) / whole).ln();
            }
            let found = information(components);
            assert!((found - sum / f64::from(n)).abs() < 0.01);
        }
    }
}
