//! Which classes the information about the label is about.
//!
//! I(C̃;Y) = Σ_y p(y) D(p(c̃|y) ‖ p(c̃)): each class's term is how far its vectors lie from those of all
//! classes, in bits, and the mean over samples is the information (the stimulus-specific surprise of
//! DeWeese and Meister 1999, Network 10:325). It is estimated as the whole is, by the middle of the
//! bracket of a class's own samples.

use rayon::prelude::*;

use super::prepared::{Block, PreparedLayer};
use super::sweep::{Measured, RowDraws};

/// D(p(c̃|y) ‖ p(c̃)) in bits for each class, `None` for one of a single sample.
pub(super) fn by_class(
    layer: &PreparedLayer,
    pairs: usize,
    seed: u64,
    tau: f64,
) -> Vec<Option<f64>> {
    let Some(classes) = &layer.classes else {
        return Vec::new();
    };
    let n_classes = classes.ranges.len();
    let Some(scaled) = &layer.scaled else {
        // Constant vectors tell nothing of any class.
        let lone = |range: &std::ops::Range<usize>| (range.len() > 1).then_some(0.0);
        return classes.ranges.iter().map(lone).collect();
    };
    let bytes_per_row = 8 * layer.n * (1 + pairs);
    let blocks: Vec<Vec<(usize, Measured)>> = layer
        .blocks(bytes_per_row)
        .into_par_iter()
        .map(|rows| {
            let block = Block::new(layer, scaled, rows.clone(), pairs, seed);
            let mut drawn = RowDraws::new(pairs);
            let mut found: Vec<(usize, Measured)> = Vec::new();
            for row in rows {
                let class = classes.of_row[row];
                if !drawn.draw(layer, &scaled.variances, &block, row, tau) {
                    continue;
                }
                // Rows lie in the order of their class.
                match found.last_mut() {
                    Some((last, measured)) if *last == class => measured.add_sample(&drawn.label),
                    _ => {
                        let mut measured = Measured::default();
                        measured.add_sample(&drawn.label);
                        found.push((class, measured));
                    }
                }
            }
            found
        })
        .collect();
    let mut totals = vec![Measured::default(); n_classes];
    let mut whole = Measured::default();
    for (class, measured) in blocks.into_iter().flatten() {
        totals[class].add(measured);
        whole.add(measured);
    }
    // One factor for all classes, so that their mean is the whole.
    let factor = whole.control_factor();
    totals
        .iter()
        .map(|total| Some(total.mean_with(factor)?.middle()))
        .collect()
}
