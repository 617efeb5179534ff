//! Which classes the information about the label is about.
//!
//! I(C̃;Y) = Σ_y p(y) D(p(c̃|y) ‖ p(c̃)): each class's term is how far its vectors lie from those of all
//! classes, in bits, and the mean over samples is the information (the stimulus-specific surprise of
//! DeWeese and Meister 1999, Network 10:325). It is estimated as the whole is, by the middle of the
//! bracket of a class's own samples.

use super::prepared::PreparedLayer;
use super::sweep::{Drawn, Measured};

/// Sums by class over rows in the order of their class.
#[derive(Debug, Default)]
pub(super) struct ByClass {
    runs: Vec<(usize, Measured)>,
}

impl ByClass {
    /// Adds a sample of `class`, no earlier one than those before.
    pub(super) fn add(&mut self, class: usize, drawn: &[Drawn]) {
        let mut measured = Measured::default();
        measured.add_sample(drawn);
        self.push(class, measured);
    }

    fn push(&mut self, class: usize, measured: Measured) {
        match self.runs.last_mut() {
            Some((last, sum)) if *last == class => sum.add(measured),
            _ => self.runs.push((class, measured)),
        }
    }

    /// Adds the sums of the rows that follow.
    pub(super) fn merge(&mut self, other: &Self) {
        for &(class, measured) in &other.runs {
            self.push(class, measured);
        }
    }

    /// D(p(c̃|y) ‖ p(c̃)) in bits for each class, `None` for one of a single sample; empty without labels.
    pub(super) fn bits(&self, layer: &PreparedLayer) -> Vec<Option<f64>> {
        let mut whole = Measured::default();
        self.runs.iter().for_each(|(_, sum)| whole.add(*sum));
        // One factor for all classes, so that their mean is the whole.
        let factor = whole.control_factor();
        let n_classes = layer.classes.as_ref().map_or(0, |c| c.ranges.len());
        let mut bits = vec![None; n_classes];
        for (class, sum) in &self.runs {
            bits[*class] = sum.mean_with(factor).map(|ends| ends.middle());
        }
        bits
    }
}

/// [`ByClass::bits`] of constant vectors, which tell nothing of any class.
pub(super) fn of_constant(layer: &PreparedLayer) -> Vec<Option<f64>> {
    let ranges = layer.classes.iter().flat_map(|classes| &classes.ranges);
    let nothing = |range: &std::ops::Range<usize>| (range.len() > 1).then_some(0.0);
    ranges.map(nothing).collect()
}
