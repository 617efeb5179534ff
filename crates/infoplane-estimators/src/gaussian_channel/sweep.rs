//! Both informations at several τ in one pass over the kernel.

use std::ops::Range;

use super::block::{Block, control_weights};
use super::ends::Ends;
use super::prepared::PreparedLayer;
use super::row::{Row, Scale, TRUSTED};
use crate::parallel;

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

impl Totals {
    pub(super) fn add(&mut self, other: &Self) {
        self.input.add(other.input);
        self.label.add(other.label);
    }

    /// Adds a sample; its label's side where it has one.
    pub(super) fn add_sample(&mut self, drawn: &RowDraws, labelled: bool) {
        self.input.add_sample(&drawn.input);
        if labelled {
            self.label.add_sample(&drawn.label);
        }
    }
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

/// The pointwise informations of one row, a pair of noise draws each.
#[derive(Clone)]
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

    /// The informations of `pair` from the sums over `n` centers and over the `class_size` of the
    /// row's class, if that has more than one.
    pub(super) fn set(
        &mut self,
        pair: usize,
        logs: &LogSums,
        n: usize,
        class_size: Option<usize>,
        control: f64,
    ) {
        let drawn = |sides: [Ends; 2]| Drawn {
            value: (sides[0] + sides[1]) * 0.5,
            control,
        };
        let sides = logs.all.map(|log| Ends::pointwise(log, n));
        self.input[pair] = drawn(sides);
        if let Some(size) = class_size {
            let within = logs.class.map(|log| Ends::pointwise(log, size));
            self.label[pair] = drawn([sides[0] - within[0], sides[1] - within[1]]);
        }
    }
}

/// Logarithms of a row's sums over the other rows, for ε and −ε.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct LogSums {
    pub(super) all: [f64; 2],
    /// Over those of the row's class.
    pub(super) class: [f64; 2],
}

impl LogSums {
    /// Of sums over all and over `class`; those that have lost terms are taken again.
    pub(super) fn new(
        seen: &Row<'_>,
        [all, within]: [[f64; 2]; 2],
        class: Range<usize>,
        scale: Scale,
    ) -> Self {
        let log = |sums: [f64; 2], range: Range<usize>| {
            if sums.iter().all(|&sum| sum > TRUSTED) {
                sums.map(f64::ln)
            } else {
                seen.log_sums(range, scale)
            }
        };
        Self {
            all: log(all, 0..seen.half_distance.len()),
            class: log(within, class),
        }
    }
}

/// [`Totals`] at each τ.
pub(super) fn totals(layer: &PreparedLayer, pairs: usize, seed: u64, taus: &[f64]) -> Vec<Totals> {
    let Some(scaled) = &layer.scaled else {
        return vec![Totals::default(); taus.len()];
    };
    let sweep = Sweep {
        layer,
        pairs,
        scales: taus.iter().map(|&tau| Scale::new(tau)).collect(),
        weights: taus
            .iter()
            .map(|&tau| control_weights(&scaled.variances, tau))
            .collect(),
    };
    let bytes_per_row = size_of::<f32>() * layer.n * (1 + pairs);
    let blocks = parallel::map_items(&layer.blocks(bytes_per_row), |rows| {
        sweep.block(&Block::new(layer, scaled, rows.clone(), pairs, seed))
    });
    let mut totals = vec![Totals::default(); taus.len()];
    for block in &blocks {
        totals.iter_mut().zip(block).for_each(|(t, b)| t.add(b));
    }
    totals
}

struct Sweep<'a> {
    layer: &'a PreparedLayer,
    pairs: usize,
    /// One a τ.
    scales: Vec<Scale>,
    /// The control variate's, one a τ.
    weights: Vec<Vec<f64>>,
}

impl Sweep<'_> {
    fn block(&self, block: &Block) -> Vec<Totals> {
        let count = self.scales.len();
        let mut totals = vec![Totals::default(); count];
        let mut drawn = vec![RowDraws::new(self.pairs); count];
        let mut logs = vec![LogSums::default(); count];
        for row in block.rows() {
            let class = self.layer.class_of(row);
            for pair in 0..self.pairs {
                self.log_sums(&block.row(row, pair), class.clone(), &mut logs);
                for ((drawn, logs), weights) in drawn.iter_mut().zip(&logs).zip(&self.weights) {
                    let control = block.control(row, pair, weights);
                    let size = class.as_ref().map(Range::len);
                    drawn.set(pair, logs, self.layer.n, size, control);
                }
            }
            for (totals, drawn) in totals.iter_mut().zip(&drawn) {
                totals.add_sample(drawn, class.is_some());
            }
        }
        totals
    }

    /// At each τ. `class` holds the row and at least one other.
    fn log_sums(&self, seen: &Row<'_>, class: Option<Range<usize>>, logs: &mut [LogSums]) {
        let n = self.layer.n;
        let class = class.unwrap_or(0..0);
        let mut within = vec![[0.0; 2]; self.scales.len()];
        seen.add_sums(class.clone(), &self.scales, &mut within);
        let mut all = within.clone();
        seen.add_sums(0..class.start, &self.scales, &mut all);
        seen.add_sums(class.end..n, &self.scales, &mut all);
        for (index, (logs, &scale)) in logs.iter_mut().zip(&self.scales).enumerate() {
            *logs = LogSums::new(seen, [all[index], within[index]], class.clone(), scale);
        }
    }
}
