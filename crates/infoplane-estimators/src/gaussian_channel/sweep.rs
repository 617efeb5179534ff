//! Both informations at several τ in one pass over the kernel.

use rayon::prelude::*;

use super::GaussianChannel;
use super::ends::Ends;
use super::exponential::{Row, TRUSTED, log_sum_exp};
use super::prepared::{Block, PreparedLayer};

/// Sums over samples at one τ, in nats.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Totals {
    pub(super) input: Measured,
    pub(super) label: Measured,
}

/// A sum of pointwise informations.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Measured {
    sum: Ends,
    /// Sum of the squared standard errors that the noise draws leave in each sample's middle.
    squared_error: f64,
    n: usize,
}

impl Measured {
    /// Adds one sample, given its value at each antithetic pair of draws.
    fn add_sample(&mut self, pairs: &[Ends]) {
        let count = pairs.len() as f64;
        let mean = pairs.iter().fold(Ends::default(), |sum, &p| sum + p) * (1.0 / count);
        let spread: f64 = pairs
            .iter()
            .map(|p| (p.middle() - mean.middle()).powi(2))
            .sum();
        self.sum += mean;
        self.squared_error += spread / (count * (count - 1.0));
        self.n += 1;
    }

    fn add(&mut self, other: Self) {
        self.sum += other.sum;
        self.squared_error += other.squared_error;
        self.n += other.n;
    }

    /// Mean in bits; `None` over no samples.
    pub(super) fn mean(&self) -> Option<Ends> {
        let n = self.n as f64;
        (self.n > 0).then(|| self.sum * (std::f64::consts::LOG2_E / n))
    }

    /// Standard error of the middle from the noise draws, in bits.
    pub(super) fn monte_carlo_error(&self) -> f64 {
        self.squared_error.sqrt() / self.n.max(1) as f64 * std::f64::consts::LOG2_E
    }
}

/// [`Totals`] at each τ.
pub(super) fn totals(
    channel: &GaussianChannel,
    layer: &PreparedLayer,
    taus: &[f64],
) -> Vec<Totals> {
    let Some(scaled) = &layer.scaled else {
        return vec![Totals::default(); taus.len()];
    };
    let pairs = channel.pairs();
    let bytes_per_row = 8 * layer.n * (1 + pairs);
    let blocks: Vec<Vec<Totals>> = layer
        .blocks(bytes_per_row)
        .into_par_iter()
        .map(|rows| {
            let block = Block::new(layer, scaled, rows, pairs, channel.seed());
            block_totals(layer, &block, pairs, taus)
        })
        .collect();
    let mut totals = vec![Totals::default(); taus.len()];
    for block in &blocks {
        for (total, part) in totals.iter_mut().zip(block) {
            total.input.add(part.input);
            total.label.add(part.label);
        }
    }
    totals
}

fn block_totals(layer: &PreparedLayer, block: &Block, pairs: usize, taus: &[f64]) -> Vec<Totals> {
    let mut totals = vec![Totals::default(); taus.len()];
    let mut input = vec![Ends::default(); pairs];
    let mut label = vec![Ends::default(); pairs];
    for (total, &tau) in totals.iter_mut().zip(taus) {
        for row in block.rows() {
            let class = layer.classes.as_ref().map(|classes| classes.range_of(row));
            let class = class.filter(|range| range.len() > 1);
            for pair in 0..pairs {
                let seen = block.row(row, pair, tau);
                let logs = log_sums(&seen, row, class.clone());
                let mut sides = [Ends::default(); 2];
                let mut label_sides = [Ends::default(); 2];
                for side in 0..2 {
                    sides[side] = Ends::pointwise(logs.all[side], layer.n);
                    if let Some(range) = &class {
                        label_sides[side] =
                            sides[side] - Ends::pointwise(logs.class[side], range.len());
                    }
                }
                input[pair] = (sides[0] + sides[1]) * 0.5;
                label[pair] = (label_sides[0] + label_sides[1]) * 0.5;
            }
            total.input.add_sample(&input);
            if class.is_some() {
                total.label.add_sample(&label);
            }
        }
    }
    totals
}

/// Logarithms of a row's sums over the other rows, for ε and −ε.
struct LogSums {
    all: [f64; 2],
    class: [f64; 2],
}

/// `class` holds `row` and at least one other.
fn log_sums(seen: &Row<'_>, row: usize, class: Option<std::ops::Range<usize>>) -> LogSums {
    let n = seen.half_distance.len();
    let class = class.unwrap_or(0..0);
    let within = seen.sums(class.clone());
    let before = seen.sums(0..class.start);
    let after = seen.sums(class.end..n);
    let log = |sum: f64, side: usize, range: std::ops::Range<usize>| {
        if sum > TRUSTED {
            sum.ln()
        } else {
            let others = range.filter(|&j| j != row);
            log_sum_exp(others.map(|j| seen.exponents(j)[side]))
        }
    };
    LogSums {
        all: [0, 1].map(|side| log(within[side] + before[side] + after[side], side, 0..n)),
        class: [0, 1].map(|side| log(within[side], side, class.clone())),
    }
}
