//! The kernel of a block of rows at one τ, whose sums over any set of centers are wanted.

use std::ops::Range;

use super::block::Block;
use super::ends::Ends;
use super::prepared::PreparedLayer;
use super::row::{Scale, TRUSTED, add_sum, sum};
use super::sweep::LogSums;

/// Exponentials of a block's rows for every noise draw. The draws of a row lie together, each pair's ε
/// before its −ε.
pub(super) struct Kernel<'a> {
    block: &'a Block,
    scale: Scale,
    n: usize,
    draws: usize,
    /// `[rows · draws, n]`.
    values: Vec<f32>,
    /// Logarithm of what each row of values is divided by: 0, unless the sum would be lost.
    shift: Vec<f64>,
    /// Sum of each row of values.
    total: Vec<f64>,
    /// Logarithms of the sums over all and over the row's class, a pair of draws each.
    logs: Vec<LogSums>,
}

impl<'a> Kernel<'a> {
    pub(super) fn new(block: &'a Block, layer: &PreparedLayer, pairs: usize, scale: Scale) -> Self {
        let (n, draws) = (layer.n, 2 * pairs);
        let height = block.rows().len() * draws;
        let mut kernel = Self {
            block,
            scale,
            n,
            draws,
            values: vec![0.0; height * n],
            shift: vec![0.0; height],
            total: vec![0.0; height],
            logs: Vec::with_capacity(height / 2),
        };
        let lines = kernel.values.chunks_exact_mut(2 * n);
        let shifts = kernel.shift.chunks_exact_mut(2);
        let totals = kernel.total.chunks_exact_mut(2);
        for (index, ((line, shift), total)) in lines.zip(shifts).zip(totals).enumerate() {
            let (plus, minus) = line.split_at_mut(n);
            let row = block.rows().start + index / pairs;
            let seen = block.row(row, index % pairs);
            seen.fill(scale, [0.0; 2], plus, minus);
            let class = layer.class_of(row).unwrap_or(0..0);
            let sums = [&*plus, minus].map(|values| sums_of(values, class.clone()));
            let [all, within] = [0, 1].map(|which| sums.map(|sums| sums[which]));
            kernel
                .logs
                .push(LogSums::new(&seen, [all, within], class, scale));
            total.copy_from_slice(&all);
            if total.iter().any(|&total| total <= TRUSTED) {
                let largest = seen.largest(scale);
                seen.fill(scale, largest, plus, minus);
                total.copy_from_slice(&[sum(plus), sum(minus)]);
                let nats = largest.map(|l| f64::from(l) * std::f64::consts::LN_2);
                shift.copy_from_slice(&nats);
            }
        }
        kernel
    }

    pub(super) fn rows(&self) -> Range<usize> {
        self.block.rows()
    }

    pub(super) fn draws(&self) -> usize {
        self.draws
    }

    /// `[rows · draws, n]`.
    pub(super) fn all_values(&self) -> &[f32] {
        &self.values
    }

    /// The values of a draw of a row, by center.
    pub(super) fn values(&self, row: usize, draw: usize) -> &[f32] {
        &self.values[self.line(row, draw) * self.n..][..self.n]
    }

    /// The sum of those.
    pub(super) fn total(&self, row: usize, draw: usize) -> f64 {
        self.total[self.line(row, draw)]
    }

    /// Logarithms of the sums over all and over the row's class, as in a sweep.
    pub(super) fn logs(&self, row: usize, pair: usize) -> &LogSums {
        &self.logs[self.line(row, 2 * pair) / 2]
    }

    fn line(&self, row: usize, draw: usize) -> usize {
        (row - self.rows().start) * self.draws + draw
    }

    /// ln of a sum of values over `centers`, taken again without underflow where needed.
    fn log(
        &self,
        sum: f64,
        row: usize,
        draw: usize,
        centers: impl Iterator<Item = usize> + Clone,
    ) -> f64 {
        if sum > TRUSTED {
            return sum.ln() + self.shift[self.line(row, draw)];
        }
        let seen = self.block.row(row, draw / 2);
        seen.log_sum_over(centers, self.scale)[draw % 2]
    }

    /// Σ over draws of a row of the pointwise information of a mixture of `centers`, `count` of them
    /// with the own one, given each draw's sum of values over them.
    pub(super) fn informations<I: Iterator<Item = usize> + Clone>(
        &self,
        sums: &[f64],
        row: usize,
        count: usize,
        centers: impl Fn() -> I,
    ) -> Ends {
        let first = self.line(row, 0);
        let plain = self.shift[first..first + self.draws]
            .iter()
            .all(|&shift| shift == 0.0);
        if plain && sums.iter().all(|&sum| sum > TRUSTED) {
            return Ends::of_sums(sums, count);
        }
        let mut ends = Ends::default();
        for (draw, &sum) in sums.iter().enumerate() {
            ends += Ends::pointwise(self.log(sum, row, draw, centers()), count);
        }
        ends
    }
}

/// Sums over all and over `class`, in the order of a sweep, to agree with it to the last bit.
fn sums_of(values: &[f32], class: Range<usize>) -> [f64; 2] {
    let within = sum(&values[class.clone()]);
    let mut all = within;
    add_sum(&values[..class.start], &mut all);
    add_sum(&values[class.end..], &mut all);
    [all, within]
}
