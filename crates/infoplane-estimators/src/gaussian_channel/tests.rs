//! The pass at one τ against the formulas as they stand, in double precision and one term at a time.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

use super::ends::Ends;
use super::prepared::PreparedLayer;
use super::{resampled, sweep};
use crate::resample::{random_halves, random_permutations};
use crate::tasks::GaussianClusters;
use crate::{Labels, Resampling, Samples};

/// Exponents of every row, draw and center.
struct Plain<'a> {
    layer: &'a PreparedLayer,
    /// `[row][draw][center]`.
    exponents: Vec<Vec<Vec<f64>>>,
    /// The control variate, `[row][draw]`.
    control: Vec<Vec<f64>>,
}

impl<'a> Plain<'a> {
    fn new(layer: &'a PreparedLayer, pairs: usize, seed: u64, tau: f64) -> Self {
        let scaled = layer.scaled.as_ref().unwrap();
        let width = scaled.dimensions;
        let vector = |row: usize| &scaled.data[row * width..][..width];
        let (mut exponents, mut control) = (Vec::new(), Vec::new());
        for row in 0..layer.n {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            rng.set_stream(layer.sample[row] as u64);
            let (mut of_row, mut of_control) = (Vec::new(), Vec::new());
            for _ in 0..pairs {
                let noise: Vec<f64> = (0..width)
                    .map(|_| StandardNormal.sample(&mut rng))
                    .collect();
                let terms = noise.iter().zip(&scaled.variances);
                let terms = terms.map(|(e, l)| 0.5 * l / (l + tau * tau) * (e * e - 1.0));
                of_control.extend([terms.sum::<f64>(); 2]);
                for sign in [1.0, -1.0] {
                    let exponent = |center| {
                        let both = vector(row).iter().zip(vector(center)).zip(&noise);
                        let seen = both.map(|((own, other), e)| {
                            let gap = other - own;
                            -gap * gap / (2.0 * tau * tau) + sign * e * gap / tau
                        });
                        seen.sum::<f64>()
                    };
                    of_row.push((0..layer.n).map(exponent).collect());
                }
            }
            exponents.push(of_row);
            control.push(of_control);
        }
        Self {
            layer,
            exponents,
            control,
        }
    }

    fn pointwise(&self, row: usize, draw: usize, centers: &[usize]) -> Ends {
        let exponents = &self.exponents[row][draw];
        let others: Vec<f64> = centers
            .iter()
            .filter(|&&j| j != row)
            .map(|&j| exponents[j])
            .collect();
        let largest = others.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = others.iter().map(|e| (e - largest).exp()).sum();
        Ends::pointwise(largest + sum.ln(), centers.len())
    }

    /// Both informations in bits of the mixture of `members` with classes `class` of each row, with
    /// their control variates' factors.
    fn informations(&self, members: &[usize], class: &[usize], factors: [f64; 2]) -> [f64; 2] {
        let (mut sums, mut counts) = ([0.0; 2], [0.0; 2]);
        for &row in members {
            let alike: Vec<usize> = members
                .iter()
                .copied()
                .filter(|&j| class[j] == class[row])
                .collect();
            for (draw, control) in self.control[row].iter().enumerate() {
                let input = self.pointwise(row, draw, members);
                sums[0] += input.middle() + factors[0] * control;
                counts[0] += 1.0;
                if alike.len() > 1 {
                    let label = input - self.pointwise(row, draw, &alike);
                    sums[1] += label.middle() + factors[1] * control;
                    counts[1] += 1.0;
                }
            }
        }
        [0, 1].map(|side| sums[side] / counts[side] * std::f64::consts::LOG2_E)
    }

    fn class(&self) -> &[usize] {
        &self.layer.classes.as_ref().unwrap().of_row
    }
}

fn near(what: &str, found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (found, expected) in found.iter().zip(expected) {
        let error = (found - expected).abs();
        assert!(
            error < 1e-5 * (1.0 + expected.abs()),
            "{what}: {found}, not {expected}"
        );
    }
}

/// Odd numbers of samples and halves, classes of 1 and 2, draws that don't fill a group, and noise so
/// fine that sums underflow.
#[test]
fn one_pass_gives_what_the_formulas_do() {
    let (vectors, _) = GaussianClusters::new(3, 5, 1.0, 3).sample(21, 4);
    let n = vectors.len() / 5;
    let classes: Vec<u32> = (0..n)
        .map(|i| match i {
            0 => 7,
            1 | 2 => 5,
            _ => (i / 21) as u32,
        })
        .collect();
    let labels = Labels::new(&classes).unwrap();
    let samples = Samples::new(&vectors, n, 5).unwrap();
    let layer = PreparedLayer::new(samples, Some(&labels), 64).unwrap();
    for (pairs, subsamples, tau) in [(2, 20, 0.3), (3, 21, 1.0), (5, 7, 0.03)] {
        let resampling = Resampling {
            subsamples,
            permutations: 4,
            seed: 11,
        };
        let plain = Plain::new(&layer, pairs, 11, tau);
        let found = resampled::at_tau(&layer, pairs, &resampling, tau);
        let totals = [&found.totals.input, &found.totals.label];
        let factors = totals.map(|total| total.control_factor());
        let whole: Vec<usize> = (0..n).collect();
        near(
            "all",
            &totals.map(|total| total.mean().unwrap().middle()),
            &plain.informations(&whole, plain.class(), factors),
        );
        let swept = sweep::totals(&layer, pairs, 11, &[tau]);
        assert_eq!(swept[0].label.mean(), found.totals.label.mean());

        let halves = random_halves(n, subsamples, 11);
        let expected = halves.iter().map(|half| {
            let members: Vec<usize> = (0..n).filter(|&row| half[layer.sample[row]]).collect();
            plain.informations(&members, plain.class(), factors)
        });
        let expected: Vec<[f64; 2]> = expected.collect();
        let side = |side: usize| expected.iter().map(|e| e[side]).collect::<Vec<f64>>();
        near("I(X;C) of halves", &found.input_halves, &side(0));
        near("I(C;Y) of halves", &found.label_halves, &side(1));

        let permuted = random_permutations(n, 4, 11).into_iter().map(|order| {
            let mut class = vec![0; n];
            let places = order.iter().zip(plain.class());
            places.for_each(|(&row, &of_place)| class[row] = of_place);
            plain.informations(&whole, &class, [0.0; 2])[1]
        });
        let permuted: Vec<f64> = permuted.collect();
        near("permuted labels", &found.label_permuted, &permuted);
    }
}
