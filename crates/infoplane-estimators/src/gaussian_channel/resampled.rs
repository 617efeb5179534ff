//! Everything that is wanted at one τ, from one pass over the kernel: both informations, each class's
//! share, and the same on random halves and under permuted labels.

use super::block::{Block, control_weights};
use super::by_class::{self, ByClass};
use super::halves::{HalfSums, Halves, Sum};
use super::kernel::Kernel;
use super::permuted::Permutations;
use super::prepared::PreparedLayer;
use super::row::Scale;
use super::sweep::{RowDraws, Totals};
use crate::Resampling;
use crate::parallel;

/// What a pass finds.
pub(super) struct AtTau {
    pub(super) totals: Totals,
    /// D(p(c̃|y) ‖ p(c̃)) in bits by class; empty without labels.
    pub(super) by_class: Vec<Option<f64>>,
    /// In bits, by half.
    pub(super) input_halves: Vec<f64>,
    /// NaN for a half in which no class has two samples.
    pub(super) label_halves: Vec<f64>,
    /// In bits, by permutation.
    pub(super) label_permuted: Vec<f64>,
}

/// The pass over all rows at `tau`.
pub(super) fn at_tau(
    layer: &PreparedLayer,
    pairs: usize,
    resampling: &Resampling,
    tau: f64,
) -> AtTau {
    let Some(scaled) = &layer.scaled else {
        return AtTau {
            totals: Totals::default(),
            by_class: by_class::of_constant(layer),
            input_halves: vec![0.0; resampling.subsamples],
            label_halves: vec![0.0; resampling.subsamples],
            label_permuted: vec![0.0; resampling.permutations],
        };
    };
    let work = Work {
        layer,
        pairs,
        scale: Scale::new(tau),
        weights: control_weights(&scaled.variances, tau),
        halves: Halves::new(resampling, layer),
        permutations: Permutations::new(resampling, layer),
    };
    let bytes_per_row = size_of::<f32>() * layer.n * (1 + 3 * pairs);
    let blocks = parallel::map_items(&layer.blocks(bytes_per_row), |rows| {
        work.block(&Block::new(
            layer,
            scaled,
            rows.clone(),
            pairs,
            resampling.seed,
        ))
    });
    let mut sums = work.sums();
    blocks.iter().for_each(|block| sums.merge(block));
    // The control variate's factors are those of the whole sample.
    let input_factor = sums.totals.input.control_factor();
    let label_factor = sums.totals.label.control_factor();
    let bits = |sums: &[Sum], factor| sums.iter().map(|sum| sum.bits(factor)).collect();
    AtTau {
        totals: sums.totals,
        by_class: sums.by_class.bits(layer),
        input_halves: bits(&sums.halves.input, input_factor),
        label_halves: bits(&sums.halves.label, label_factor),
        label_permuted: bits(&sums.permuted, 0.0),
    }
}

struct Sums {
    totals: Totals,
    by_class: ByClass,
    halves: HalfSums,
    permuted: Vec<Sum>,
}

impl Sums {
    fn merge(&mut self, other: &Self) {
        self.totals.add(&other.totals);
        self.by_class.merge(&other.by_class);
        self.halves.merge(&other.halves);
        let permuted = self.permuted.iter_mut().zip(&other.permuted);
        permuted.for_each(|(mine, theirs)| mine.merge(theirs));
    }
}

struct Work<'a> {
    layer: &'a PreparedLayer,
    pairs: usize,
    scale: Scale,
    /// The control variate's.
    weights: Vec<f64>,
    halves: Halves,
    permutations: Permutations<'a>,
}

impl Work<'_> {
    fn sums(&self) -> Sums {
        Sums {
            totals: Totals::default(),
            by_class: ByClass::default(),
            halves: HalfSums::new(self.halves.count()),
            permuted: vec![Sum::default(); self.permutations.count()],
        }
    }

    fn block(&self, block: &Block) -> Sums {
        let kernel = Kernel::new(block, self.layer, self.pairs, self.scale);
        let mut sums = self.sums();
        let mut controls = Vec::with_capacity(block.rows().len());
        let mut drawn = RowDraws::new(self.pairs);
        for row in block.rows() {
            let class = self.layer.class_of(row);
            for pair in 0..self.pairs {
                let control = block.control(row, pair, &self.weights);
                let size = class.as_ref().map(std::ops::Range::len);
                drawn.set(pair, kernel.logs(row, pair), self.layer.n, size, control);
            }
            sums.totals.add_sample(&drawn, class.is_some());
            if let Some(classes) = self.layer.classes.as_ref().filter(|_| class.is_some()) {
                sums.by_class.add(classes.of_row[row], &drawn.label);
            }
            controls.push(drawn.input.iter().map(|pair| 2.0 * pair.control).sum());
        }
        if self.halves.count() > 0 {
            self.halves
                .add(self.layer, &kernel, &controls, &mut sums.halves);
        }
        self.permutations.add(&kernel, &mut sums.permuted);
        sums
    }
}
