//! Two vectors behind noise each: I(C̃;D̃) = h(C̃) + h(D̃) − h(C̃, D̃), by the same propagation of the
//! samples through a mixture on each side and one on both.

use rayon::prelude::*;

use super::ends::Ends;
use super::exponential::{Row, TRUSTED, log_sum_exp};
use super::prepared::{Block, PreparedLayer};
use super::sweep::{Drawn, Measured};

/// Noise of the second side must not repeat that of the first.
const SECOND_SIDE: u64 = 0x9e37_79b9_7f4a_7c15;

/// The sum of pointwise informations at `tau`, in nats; empty where a side is constant.
pub(super) fn total(
    first: &PreparedLayer,
    second: &PreparedLayer,
    pairs: usize,
    seed: u64,
    tau: f64,
) -> Measured {
    let (Some(first_scaled), Some(second_scaled)) = (&first.scaled, &second.scaled) else {
        return Measured::default();
    };
    let n = first.n;
    let parts: Vec<Measured> = first
        .blocks(8 * n * (8 + 2 * pairs))
        .into_par_iter()
        .map(|rows| {
            let sides = [
                Block::new(first, first_scaled, rows.clone(), pairs, seed),
                Block::new(
                    second,
                    second_scaled,
                    rows.clone(),
                    pairs,
                    seed ^ SECOND_SIDE,
                ),
            ];
            let mut kernels = Kernels::new(n);
            let mut total = Measured::default();
            let mut drawn = vec![Drawn::default(); pairs];
            for row in rows {
                for (pair, drawn) in drawn.iter_mut().enumerate() {
                    let seen = sides.each_ref().map(|side| side.row(row, pair, tau));
                    let [plus, minus] = kernels.informations(&seen, row);
                    drawn.value = (plus + minus) * 0.5;
                }
                total.add_sample(&drawn);
            }
            total
        })
        .collect();
    let mut total = Measured::default();
    parts.into_iter().for_each(|part| total.add(part));
    total
}

/// One row of each side's kernel, for ε and −ε.
struct Kernels {
    sides: [[Vec<f64>; 2]; 2],
}

impl Kernels {
    fn new(n: usize) -> Self {
        Self {
            sides: std::array::from_fn(|_| std::array::from_fn(|_| vec![0.0; n])),
        }
    }

    /// The pointwise information of `row` for ε and −ε.
    fn informations(&mut self, seen: &[Row<'_>; 2], row: usize) -> [Ends; 2] {
        for (side, seen) in self.sides.iter_mut().zip(seen) {
            let [plus, minus] = side;
            seen.fill(plus, minus);
        }
        let [first, second] = &self.sides;
        [0, 1].map(|sign| {
            let (mut alone, mut other, mut joint) = (0.0, 0.0, 0.0);
            for (a, b) in first[sign].iter().zip(&second[sign]) {
                alone += a;
                other += b;
                joint += a * b;
            }
            let n = first[sign].len();
            // Sums that have lost terms to underflow are taken again.
            let log = |sum: f64, exponent: &dyn Fn(usize) -> f64| {
                if sum > TRUSTED {
                    sum.ln()
                } else {
                    let others: Vec<f64> = (0..n).filter(|&j| j != row).map(exponent).collect();
                    log_sum_exp(others.into_iter())
                }
            };
            let of = |side: usize, j: usize| seen[side].exponents(j)[sign];
            Ends::pointwise(log(alone, &|j| of(0, j)), n)
                + Ends::pointwise(log(other, &|j| of(1, j)), n)
                - Ends::pointwise(log(joint, &|j| of(0, j) + of(1, j)), n)
        })
    }
}
