//! Both informations at several τ in one pass over the kernel.

use rayon::prelude::*;

use super::ends::Ends;
use super::exponential::{Row, TRUSTED, log_sum_exp};
use super::prepared::{Block, PreparedLayer};

/// Sums over samples at one τ, in nats.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Totals {
    pub(super) input: Measured,
    pub(super) label: Measured,
}

/// A sum of pointwise informations v, and how they go with the control variate q over the noise
/// draws of a sample.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Measured {
    sum: Ends,
    sum_control: f64,
    /// Within-sample sums of squares and products of deviations, of v's middle and q.
    value_squares: f64,
    control_squares: f64,
    products: f64,
    n: usize,
}

/// One antithetic pair of noise draws of a sample.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Drawn {
    pub(super) value: Ends,
    pub(super) control: f64,
}

impl Measured {
    pub(super) fn add_sample(&mut self, pairs: &[Drawn]) {
        let share = 1.0 / pairs.len() as f64;
        let mut mean = Drawn::default();
        for pair in pairs {
            mean.value += pair.value * share;
            mean.control += pair.control * share;
        }
        for pair in pairs {
            let value = pair.value.middle() - mean.value.middle();
            let control = pair.control - mean.control;
            self.value_squares += value * value;
            self.control_squares += control * control;
            self.products += value * control;
        }
        self.sum += mean.value;
        self.sum_control += mean.control;
        self.n += 1;
    }

    pub(super) fn add(&mut self, other: Self) {
        self.sum += other.sum;
        self.sum_control += other.sum_control;
        self.value_squares += other.value_squares;
        self.control_squares += other.control_squares;
        self.products += other.products;
        self.n += other.n;
    }

    /// β: `v + β q` has the least variance over the noise draws.
    pub(super) fn control_factor(&self) -> f64 {
        if self.control_squares > 0.0 {
            -self.products / self.control_squares
        } else {
            0.0
        }
    }

    /// Mean of `v + β q` in bits; `None` over no samples.
    pub(super) fn mean(&self) -> Option<Ends> {
        self.mean_with(self.control_factor())
    }

    /// Mean of `v + factor · q` in bits; `None` over no samples.
    pub(super) fn mean_with(&self, factor: f64) -> Option<Ends> {
        let sum = self.sum.shifted(factor * self.sum_control);
        (self.n > 0).then(|| sum * (std::f64::consts::LOG2_E / self.n as f64))
    }

    /// Standard error of the middle from the noise draws, in bits.
    pub(super) fn monte_carlo_error(&self, pairs: usize) -> f64 {
        let squares = self.value_squares + self.control_factor() * self.products;
        let variance = squares.max(0.0) / (pairs * (pairs - 1)) as f64;
        variance.sqrt() / self.n.max(1) as f64 * std::f64::consts::LOG2_E
    }
}

/// [`Totals`] at each τ.
pub(super) fn totals(layer: &PreparedLayer, pairs: usize, seed: u64, taus: &[f64]) -> Vec<Totals> {
    let Some(scaled) = &layer.scaled else {
        return vec![Totals::default(); taus.len()];
    };
    let bytes_per_row = 8 * layer.n * (1 + pairs);
    let blocks: Vec<Vec<Totals>> = layer
        .blocks(bytes_per_row)
        .into_par_iter()
        .map(|rows| {
            let block = Block::new(layer, scaled, rows, pairs, seed);
            block_totals(layer, &scaled.variances, &block, pairs, taus)
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

fn block_totals(
    layer: &PreparedLayer,
    variances: &[f64],
    block: &Block,
    pairs: usize,
    taus: &[f64],
) -> Vec<Totals> {
    let mut totals = vec![Totals::default(); taus.len()];
    let mut drawn = RowDraws::new(pairs);
    for (total, &tau) in totals.iter_mut().zip(taus) {
        for row in block.rows() {
            let labelled = drawn.draw(layer, variances, block, row, tau);
            total.input.add_sample(&drawn.input);
            if labelled {
                total.label.add_sample(&drawn.label);
            }
        }
    }
    totals
}

/// The pointwise informations of one row, a pair of noise draws each.
pub(super) struct RowDraws {
    pub(super) input: Vec<Drawn>,
    pub(super) label: Vec<Drawn>,
}

impl RowDraws {
    pub(super) fn new(pairs: usize) -> Self {
        Self {
            input: vec![Drawn::default(); pairs],
            label: vec![Drawn::default(); pairs],
        }
    }

    /// Fills both from the noise of `row`. False where the label's side has no value, as the sample is
    /// the only one of its class or there are no labels.
    pub(super) fn draw(
        &mut self,
        layer: &PreparedLayer,
        variances: &[f64],
        block: &Block,
        row: usize,
        tau: f64,
    ) -> bool {
        let class = layer.classes.as_ref().map(|classes| classes.range_of(row));
        let class = class.filter(|range| range.len() > 1);
        for (pair, (input, label)) in self.input.iter_mut().zip(&mut self.label).enumerate() {
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
            let control = block.control(row, pair, variances, tau);
            let drawn = |sides: [Ends; 2]| Drawn {
                value: (sides[0] + sides[1]) * 0.5,
                control,
            };
            *input = drawn(sides);
            *label = drawn(label_sides);
        }
        class.is_some()
    }
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
