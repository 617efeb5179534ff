//! Intervals and nulls of `renyi`, which share spectra where a family that knew only points could not.
//!
//! A half of the samples has the scale and the width that the whole chose, and with two vectors its own. A permuted
//! labelling chooses its own width, as the observed one did, so that the null is that of the same procedure;
//! the spectrum without the labels is computed once a width, and that of each of two vectors once.

use super::{Renyi, in_widths};
use crate::distances::Rows;
use crate::estimator::{assembled, resampled, values_on_halves};
use crate::parallel;
use crate::principal::Scaled;
use crate::resample::{on_halves, random_permutations};
use crate::{About, Estimate, EstimatorError, Labels, Pair, Resampling};

impl Renyi {
    pub(super) fn resampled(
        &self,
        pair: &Pair<'_>,
        resampling: &Resampling,
    ) -> Result<Estimate, EstimatorError> {
        let Some(scaled) = self.scaled(pair.vectors())? else {
            return resampled(self, pair, resampling);
        };
        match pair.about() {
            About::Vectors(other) => match self.scaled(other)? {
                Some(second) => self.resampled_vectors(pair, [&scaled, &second], resampling),
                None => resampled(self, pair, resampling),
            },
            About::Identity => {
                let (rows, point) = self.identity_point(pair, &scaled, resampling.seed)?;
                let halves = each_half(&rows, resampling, |half, _, seed| {
                    Ok(self.entropy_of(half, seed)?.value)
                });
                Ok(assembled(point, halves, Vec::new(), None))
            }
            About::Classes(labels) => self.resampled_classes(pair, &scaled, labels, resampling),
        }
    }

    fn resampled_vectors(
        &self,
        pair: &Pair<'_>,
        sides: [&Scaled; 2],
        resampling: &Resampling,
    ) -> Result<Estimate, EstimatorError> {
        let seed = resampling.seed;
        let (sides, point) = self.vectors_point(pair, sides, seed)?;
        let orders = random_permutations(pair.n_samples(), resampling.permutations, seed);
        let [one, two] = sides.alone;
        let permuted = parallel::try_map_items(&orders, |order| {
            let joint = sides.first.beside(&sides.second.subset(order));
            Ok(one.shared(two, self.entropy_of(&joint, seed)?).value)
        })?;
        let halves = values_on_halves(self, pair, resampling);
        Ok(assembled(point, halves, permuted, None))
    }

    fn resampled_classes(
        &self,
        pair: &Pair<'_>,
        scaled: &Scaled,
        labels: &Labels,
        resampling: &Resampling,
    ) -> Result<Estimate, EstimatorError> {
        let (n, seed) = (pair.n_samples(), resampling.seed);
        // The observed labels, then the permuted ones.
        let mut labellings = vec![labels.clone()];
        let orders = random_permutations(n, resampling.permutations, seed);
        labellings.extend(orders.iter().map(|order| labels.gather(order)));
        let widths = self.widths_for(scaled, &labellings);
        let mut distinct = widths.clone();
        distinct.sort_by(f64::total_cmp);
        distinct.dedup();
        let kernels = parallel::try_map_items(&distinct, |&width| {
            let rows = in_widths(scaled, width);
            let alone = self.entropy_of(&rows, seed)?;
            Ok((rows, alone))
        })?;
        let labelled: Vec<_> = labellings.iter().zip(&widths).collect();
        let found = parallel::try_map_items(&labelled, |(labels, width)| {
            let (rows, alone) = &kernels[distinct.partition_point(|other| other < *width)];
            self.of_classes(rows, labels, *alone, seed)
        })?;
        let (observed, permuted) = match found.as_slice() {
            [observed, permuted @ ..] => (observed, permuted),
            // There is always the observed one.
            [] => return resampled(self, pair, resampling),
        };
        let (rows, _) = &kernels[distinct.partition_point(|other| *other < widths[0])];
        let halves = each_half(rows, resampling, |half, members, seed| {
            let alone = self.entropy_of(half, seed)?;
            let found = self.of_classes(half, &labels.gather(members), alone, seed)?;
            Ok(found.information.value)
        });
        Ok(assembled(
            self.class_point(pair, widths[0], observed),
            halves,
            permuted.iter().map(|of| of.information.value).collect(),
            None,
        ))
    }
}

/// A figure of the rows of each half: of the rows, their indices, and a seed. NaN where it fails.
fn each_half(
    rows: &Rows,
    resampling: &Resampling,
    figure: impl Fn(&Rows, &[usize], u64) -> Result<f64, EstimatorError> + Sync,
) -> Vec<f64> {
    on_halves(rows.n(), resampling, |members, seed| {
        figure(&rows.subset(members), members, seed).unwrap_or(f64::NAN)
    })
}
