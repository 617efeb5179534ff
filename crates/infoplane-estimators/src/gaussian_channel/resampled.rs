//! Both informations on subsamples and under permuted labels, at one τ.
//!
//! The kernel's rows are filled once a block and serve every subsample, as one matrix product with
//! the subsamples' memberships, and every permutation.

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};
use rayon::prelude::*;

use super::ends::Ends;
use super::exponential::{TRUSTED, log_sum_exp};
use super::prepared::{Block, Classes, PreparedLayer};
use super::sweep::Totals;
use crate::Resampling;
use crate::principal::Scaled;
use crate::resample::{random_halves, random_permutations};

/// Values in bits, by subsample and by permutation.
#[derive(Debug, Clone, Default)]
pub(super) struct Resampled {
    pub(super) input_halves: Vec<f64>,
    /// NaN for a half in which no class has two samples.
    pub(super) label_halves: Vec<f64>,
    pub(super) label_permuted: Vec<f64>,
}

/// Subsamples in the order of rows.
struct Halves {
    count: usize,
    size: usize,
    /// `[n, count]`, 1 where the half holds the row.
    member: Vec<f64>,
    /// `[classes, count]`: rows of a class in a half.
    class_size: Vec<usize>,
}

impl Halves {
    fn new(resampling: &Resampling, layer: &PreparedLayer) -> Self {
        let halves = random_halves(layer.n, resampling.subsamples, resampling.seed);
        let count = halves.len();
        let mut member = vec![0.0; layer.n * count];
        let n_classes = layer.classes.as_ref().map_or(0, |c| c.ranges.len());
        let mut class_size = vec![0; n_classes * count];
        for (row, &sample) in layer.sample.iter().enumerate() {
            for (half, _) in halves.iter().enumerate().filter(|(_, h)| h[sample]) {
                member[row * count + half] = 1.0;
                if let Some(classes) = &layer.classes {
                    class_size[classes.of_row[row] * count + half] += 1;
                }
            }
        }
        Self {
            count,
            size: layer.n / 2,
            member,
            class_size,
        }
    }

    fn holds(&self, row: usize, half: usize) -> bool {
        self.member[row * self.count + half] != 0.0
    }
}

/// One assignment of the labels to the rows.
struct Permutation {
    /// Rows by class: class c has `members[range of c]`.
    members: Vec<u32>,
    /// The class of each row.
    class: Vec<u32>,
}

impl Permutation {
    fn all(resampling: &Resampling, layer: &PreparedLayer, classes: &Classes) -> Vec<Self> {
        random_permutations(layer.n, resampling.permutations, resampling.seed)
            .into_iter()
            .map(|order| {
                let mut class = vec![0; layer.n];
                for (&row, &of_place) in order.iter().zip(&classes.of_row) {
                    class[row] = of_place as u32;
                }
                let members = order.into_iter().map(|row| row as u32).collect();
                Self { members, class }
            })
            .collect()
    }
}

/// A sum of pointwise informations in nats, over `n` (sample, draw) pairs.
#[derive(Clone, Copy, Default)]
struct Sum {
    ends: Ends,
    n: usize,
}

impl Sum {
    fn push(&mut self, ends: Ends) {
        self.ends += ends;
        self.n += 1;
    }

    fn merge(&mut self, other: &Self) {
        self.ends += other.ends;
        self.n += other.n;
    }

    fn bits(&self) -> f64 {
        self.ends.middle() / self.n as f64 * std::f64::consts::LOG2_E
    }
}

#[derive(Clone)]
struct Sums {
    input_halves: Vec<Sum>,
    label_halves: Vec<Sum>,
    label_permuted: Vec<Sum>,
}

impl Sums {
    fn new(halves: usize, permutations: usize) -> Self {
        Self {
            input_halves: vec![Sum::default(); halves],
            label_halves: vec![Sum::default(); halves],
            label_permuted: vec![Sum::default(); permutations],
        }
    }

    fn merge(&mut self, other: &Self) {
        let parts = [
            (&mut self.input_halves, &other.input_halves),
            (&mut self.label_halves, &other.label_halves),
            (&mut self.label_permuted, &other.label_permuted),
        ];
        for (mine, theirs) in parts {
            mine.iter_mut().zip(theirs).for_each(|(m, t)| m.merge(t));
        }
    }
}

/// Estimates on every subsample and permutation.
pub(super) fn resample(
    layer: &PreparedLayer,
    pairs: usize,
    resampling: &Resampling,
    tau: f64,
    totals: &Totals,
) -> Resampled {
    let Some(scaled) = &layer.scaled else {
        return Resampled {
            input_halves: vec![0.0; resampling.subsamples],
            label_halves: vec![0.0; resampling.subsamples],
            label_permuted: vec![0.0; resampling.permutations],
        };
    };
    let work = Work {
        layer,
        scaled,
        tau,
        pairs,
        seed: resampling.seed,
        input_control: totals.input.control_factor(),
        label_control: totals.label.control_factor(),
        halves: Halves::new(resampling, layer),
        permutations: layer
            .classes
            .as_ref()
            .map(|classes| Permutation::all(resampling, layer, classes))
            .unwrap_or_default(),
    };
    let bytes_per_row = 8 * layer.n * (1 + 3 * work.pairs);
    let blocks: Vec<Sums> = layer
        .blocks(bytes_per_row)
        .into_par_iter()
        .map(|rows| work.block(rows))
        .collect();
    let mut sums = Sums::new(work.halves.count, work.permutations.len());
    blocks.iter().for_each(|block| sums.merge(block));
    let bits = |sums: &[Sum]| sums.iter().map(Sum::bits).collect();
    Resampled {
        input_halves: bits(&sums.input_halves),
        label_halves: bits(&sums.label_halves),
        label_permuted: bits(&sums.label_permuted),
    }
}

struct Work<'a> {
    layer: &'a PreparedLayer,
    scaled: &'a Scaled,
    tau: f64,
    pairs: usize,
    seed: u64,
    /// The control variate's factor for I(X;C) and for I(C;Y), of the whole sample.
    input_control: f64,
    label_control: f64,
    halves: Halves,
    permutations: Vec<Permutation>,
}

/// The kernel of a block, a row a (row, draw): `[rows · draws, n]`. The draws of a row lie together,
/// each pair's ε before its −ε.
struct Kernel {
    values: Vec<f64>,
    block: Block,
    draws: usize,
}

impl Work<'_> {
    fn block(&self, rows: std::ops::Range<usize>) -> Sums {
        let block = Block::new(self.layer, self.scaled, rows, self.pairs, self.seed);
        let n = self.layer.n;
        let draws = 2 * self.pairs;
        let mut values = vec![0.0; block.rows().len() * draws * n];
        for (index, both) in values.chunks_exact_mut(2 * n).enumerate() {
            let row = block.rows().start + index / self.pairs;
            let (plus, minus) = both.split_at_mut(n);
            block
                .row(row, index % self.pairs, self.tau)
                .fill(plus, minus);
        }
        let kernel = Kernel {
            values,
            block,
            draws,
        };
        let mut sums = Sums::new(self.halves.count, self.permutations.len());
        if self.halves.count > 0 {
            self.add_halves(&kernel, &mut sums);
        }
        if let Some(classes) = &self.layer.classes {
            for row in kernel.block.rows() {
                self.add_permutations(&kernel, row, classes, &mut sums);
            }
        }
        sums
    }

    fn add_halves(&self, kernel: &Kernel, sums: &mut Sums) {
        let n = self.layer.n;
        let count = self.halves.count;
        let rows = kernel.block.rows();
        let height = rows.len() * kernel.draws;
        let values = MatRef::from_row_major_slice(&kernel.values, height, n);
        let members = MatRef::from_row_major_slice(&self.halves.member, n, count);
        let mut all = vec![0.0; height * count];
        let product = MatMut::from_row_major_slice_mut(&mut all, height, count);
        matmul(product, Accum::Replace, values, members, 1.0, Par::Seq);

        // Rows are in the order of their class, so a block holds runs of a class.
        let mut of_class = vec![0.0; height * count];
        let mut row = rows.start;
        while let Some(classes) = self.layer.classes.as_ref().filter(|_| row < rows.end) {
            let class = classes.range_of(row);
            let end = class.end.min(rows.end);
            let (first, length) = (
                (row - rows.start) * kernel.draws,
                (end - row) * kernel.draws,
            );
            let part = &mut of_class[first * count..][..length * count];
            matmul(
                MatMut::from_row_major_slice_mut(part, length, count),
                Accum::Replace,
                values
                    .subrows(first, length)
                    .subcols(class.start, class.len()),
                members.subrows(class.start, class.len()),
                1.0,
                Par::Seq,
            );
            row = end;
        }

        for (index, (all, of_class)) in all
            .chunks_exact(count)
            .zip(of_class.chunks_exact(count))
            .enumerate()
        {
            let row = rows.start + index / kernel.draws;
            let draw = index % kernel.draws;
            let class = self.layer.classes.as_ref().map(|c| c.of_row[row]);
            let variances = &self.scaled.variances;
            let control = kernel.block.control(row, draw / 2, variances, self.tau);
            for half in (0..count).filter(|&half| self.halves.holds(row, half)) {
                let held = |&j: &usize| self.halves.holds(j, half);
                let log = kernel.log(all[half], row, draw, self.tau, (0..n).filter(held));
                let input = Ends::pointwise(log, self.halves.size);
                sums.input_halves[half].push(input.shifted(self.input_control * control));
                let Some(class) = class else { continue };
                let size = self.halves.class_size[class * count + half];
                if size < 2 {
                    continue;
                }
                let range = self.layer.classes.as_ref().map(|c| c.ranges[class].clone());
                let others = range.unwrap_or(0..0).filter(held);
                let log = kernel.log(of_class[half], row, draw, self.tau, others);
                let label = input - Ends::pointwise(log, size);
                sums.label_halves[half].push(label.shifted(self.label_control * control));
            }
        }
    }

    fn add_permutations(&self, kernel: &Kernel, row: usize, classes: &Classes, sums: &mut Sums) {
        let n = self.layer.n;
        for pair in 0..self.pairs {
            let draw = 2 * pair;
            let (plus, minus) = (kernel.row(row, draw), kernel.row(row, draw + 1));
            let both: Vec<[f64; 2]> = plus.iter().zip(minus).map(|(p, m)| [*p, *m]).collect();
            let input = [plus, minus].map(|values| values.iter().sum::<f64>());
            let input = [0, 1].map(|side| {
                let log = kernel.log(input[side], row, draw + side, self.tau, 0..n);
                Ends::pointwise(log, n)
            });
            for (permutation, sum) in self.permutations.iter().zip(&mut sums.label_permuted) {
                let range = classes.ranges[permutation.class[row] as usize].clone();
                if range.len() < 2 {
                    continue;
                }
                let members = &permutation.members[range];
                let mut within = [0.0; 2];
                for &j in members {
                    let [p, m] = both[j as usize];
                    within[0] += p;
                    within[1] += m;
                }
                for side in 0..2 {
                    let others = members.iter().map(|&j| j as usize);
                    let log = kernel.log(within[side], row, draw + side, self.tau, others);
                    sum.push(input[side] - Ends::pointwise(log, members.len()));
                }
            }
        }
    }
}

impl Kernel {
    fn row(&self, row: usize, draw: usize) -> &[f64] {
        let n = self.values.len() / (self.block.rows().len() * self.draws);
        &self.values[((row - self.block.rows().start) * self.draws + draw) * n..][..n]
    }

    /// ln of a sum of kernel values over `centers`, taken again without underflow where needed.
    fn log(
        &self,
        sum: f64,
        row: usize,
        draw: usize,
        tau: f64,
        centers: impl Iterator<Item = usize> + Clone,
    ) -> f64 {
        if sum > TRUSTED {
            return sum.ln();
        }
        let seen = self.block.row(row, draw / 2, tau);
        let others = centers.filter(|&j| j != row);
        log_sum_exp(others.map(|j| seen.exponents(j)[draw % 2]))
    }
}
