//! Phases of training, tested by intervals.
//!
//! Let I_0 … I_last be a path's figures. *Fitting* asks for the largest rise max_k (I_k − I_0) of I(·;Y),
//! *compression* for the largest fall max_k (I_k − I_last) of I(X;·), in either case from or to the
//! checkpoint of the maximum. That checkpoint is picked because its figure is high, so its own 95 % interval
//! would find a rise or a fall in noise. Instead all K differences from the fixed end get intervals that
//! hold at once with 95 % (Bonferroni over K); the largest of their lower and the largest of their upper
//! ends are then a 95 % interval of the true largest difference, whichever checkpoint it belongs to.
//! Differences are paired: their intervals come from the same halves of the samples at both checkpoints.
//! The value itself is the largest difference as found, which noise makes too large rather than too small.
//!
//! A layer's interval is for that layer alone: among twenty layers without a phase, one is expected to seem
//! to have one.

use infoplane_estimators::subsampling_interval;
use serde::{Deserialize, Serialize};

use crate::Interval;
use crate::checks::{MARGIN, widened, widening};
use crate::roles::LEAST;

/// Share of the path's largest figure that a change must reach to be called one, beside [`LEAST`] bits.
const LEAST_SHARE: f64 = 0.01;

/// What the figures say of a phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PhaseVerdict {
    /// The interval excludes 0, and the change is at least 0.005 bits and 1 % of the path's largest
    /// figure.
    Holds,
    /// Not seen: not so, and the interval ends below 5 % of the path's largest figure.
    None,
    /// The interval allows both, or the figures are not to be trusted.
    Undecided,
}

impl std::fmt::Display for PhaseVerdict {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Holds => "holds",
            Self::None => "none",
            Self::Undecided => "undecided",
        })
    }
}

/// A phase of a layer's path.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Phase {
    /// Where it begins: position of the checkpoint in the series.
    pub from: usize,
    /// Where it ends.
    pub to: usize,
    /// The change from `from` to `to`, in bits: of I(·;Y) at least 0 for fitting, of I(X;·) at most 0 for
    /// compression. Its interval accounts for the choice of the maximum.
    pub change: Interval,
    /// What follows from it.
    pub verdict: PhaseVerdict,
}

/// A figure of a path, with what tests need of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tested<'a> {
    pub(super) value: f64,
    pub(super) halves: &'a [f64],
    pub(super) saturated: bool,
    pub(super) flagged: bool,
}

/// The largest rise from the first figure; `None` of fewer than two.
pub(super) fn fitting(figures: &[Tested<'_>]) -> Option<Phase> {
    let (fixed, others) = figures.split_first()?;
    let found = largest_above(fixed, others)?;
    Some(Phase {
        from: 0,
        to: found.at.map_or(0, |index| index + 1),
        change: found.difference,
        verdict: found.verdict,
    })
}

/// The largest fall to the last figure; `None` of fewer than two.
pub(super) fn compression(figures: &[Tested<'_>]) -> Option<Phase> {
    let (fixed, others) = figures.split_last()?;
    let found = largest_above(fixed, others)?;
    let Interval {
        value,
        ci: [low, high],
    } = found.difference;
    // Without a minus before 0.
    let negated = |number: f64| 0.0 - number;
    Some(Phase {
        from: found.at.unwrap_or(others.len()),
        to: others.len(),
        change: Interval {
            value: negated(value),
            ci: [negated(high), negated(low)],
        },
        verdict: found.verdict,
    })
}

struct Largest {
    /// Which of the others is the highest; `None` where that is the fixed one.
    at: Option<usize>,
    difference: Interval,
    verdict: PhaseVerdict,
}

/// By how much the highest of `others` lies above `fixed`.
fn largest_above(fixed: &Tested<'_>, others: &[Tested<'_>]) -> Option<Largest> {
    let factor = widening(others.len().max(1));
    let differences: Vec<Interval> = others
        .iter()
        .map(|other| widened(difference(other, fixed), factor))
        .collect();
    let at = (0..others.len()).max_by(|&a, &b| {
        let value = |index: usize| differences[index].value;
        // Of equals the first.
        value(a).total_cmp(&value(b)).then(b.cmp(&a))
    })?;
    let value = differences[at].value;
    let at = (value > 0.0).then_some(at);
    // The fixed one is among those that may be the highest, so none of the ends is below 0.
    let end = |which: usize, of: &mut dyn Iterator<Item = &Interval>| {
        of.map(|difference| difference.ci[which])
            .fold(0.0, f64::max)
    };
    let trusted = |other: &Tested<'_>| {
        let flagged = other.flagged || fixed.flagged;
        let saturated = other.saturated && fixed.saturated;
        !(flagged || saturated)
    };
    let sure = others.iter().zip(&differences);
    let mut sure = sure.filter(|(other, _)| trusted(other)).map(|(_, d)| d);
    let sure_low = end(0, &mut sure);
    let difference = Interval {
        value: value.max(0.0),
        ci: [
            end(0, &mut differences.iter()),
            end(1, &mut differences.iter()),
        ],
    };
    let figures = others.iter().chain([fixed]);
    let highest = figures.fold(0.0, |most: f64, figure| most.max(figure.value));
    let least = LEAST.max(LEAST_SHARE * highest);
    let verdict = if sure_low > 0.0 && difference.value >= least {
        PhaseVerdict::Holds
    } else if others.iter().all(trusted) && difference.ci[1] < MARGIN * highest {
        PhaseVerdict::None
    } else {
        PhaseVerdict::Undecided
    };
    Some(Largest {
        at,
        difference,
        verdict,
    })
}

/// `of − from`, paired by halves.
fn difference(of: &Tested<'_>, from: &Tested<'_>) -> Interval {
    let value = of.value - from.value;
    let halves: Vec<f64> = of
        .halves
        .iter()
        .zip(from.halves)
        .map(|(of, from)| of - from)
        .collect();
    Interval {
        value,
        ci: subsampling_interval(value, &halves),
    }
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    /// Figures with normal errors of standard deviation `own`, and their values on complementary halves of
    /// the samples. Those err oppositely about the whole's error, each split by as much as the whole does;
    /// beside that by `shared`, alike at all checkpoints.
    fn path(truth: &[f64], shared: f64, own: f64, seed: u64) -> Vec<(f64, Vec<f64>)> {
        const SPLITS: usize = 25;
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut normal = |scale: f64| -> f64 {
            // The sum of twelve uniform numbers has variance 1.
            let sum: f64 = (0..12).map(|_| rng.random::<f64>()).sum();
            scale * (sum - 6.0)
        };
        let common: Vec<f64> = (0..SPLITS).map(|_| normal(shared)).collect();
        truth
            .iter()
            .map(|&truth| {
                let value = truth + normal(own);
                let splits = common.iter().flat_map(|common| {
                    let apart = common + normal(own);
                    [value + apart, value - apart]
                });
                (value, splits.collect())
            })
            .collect()
    }

    fn tested(path: &[(f64, Vec<f64>)]) -> Vec<Tested<'_>> {
        path.iter()
            .map(|(value, halves)| Tested {
                value: *value,
                halves,
                saturated: false,
                flagged: false,
            })
            .collect()
    }

    #[test]
    fn a_path_that_rises_and_falls_fits_and_compresses() {
        let path = path(&[2.0, 4.0, 6.0, 5.0, 4.0], 0.5, 0.05, 1);
        let fit = fitting(&tested(&path)).unwrap();
        assert_eq!((fit.from, fit.to, fit.verdict), (0, 2, PhaseVerdict::Holds));
        assert!((fit.change.value - 4.0).abs() < 0.2);
        let fall = compression(&tested(&path)).unwrap();
        assert_eq!((fall.from, fall.to), (2, 4));
        assert_eq!(fall.verdict, PhaseVerdict::Holds);
        assert!(fall.change.ci[0] < -2.0 && fall.change.ci[1] > -2.0 && fall.change.ci[1] < 0.0);
    }

    #[test]
    fn a_path_that_rises_and_stays_does_not_compress() {
        let path = path(&[2.0, 4.0, 6.0, 6.0, 6.0], 0.5, 0.02, 2);
        let fall = compression(&tested(&path)).unwrap();
        assert_eq!(fall.verdict, PhaseVerdict::None, "{fall:?}");
        assert_eq!(
            fitting(&tested(&path)).unwrap().verdict,
            PhaseVerdict::Holds
        );
    }

    #[test]
    fn one_that_only_rises_has_its_maximum_last() {
        let path = path(&[2.0, 4.0, 6.0], 0.5, 0.02, 3);
        let fall = compression(&tested(&path)).unwrap();
        assert_eq!((fall.from, fall.to, fall.change.value), (2, 2, 0.0));
        assert_eq!(fall.verdict, PhaseVerdict::None);
        assert!(fall.change.value.is_sign_positive());
    }

    /// The maximum of twenty noisy figures lies above the last nearly always, and its own interval would
    /// often say that this means something.
    #[test]
    fn noise_alone_is_hardly_ever_a_phase_although_the_maximum_is_picked() {
        let runs = 200;
        let mut found = 0;
        for seed in 0..runs {
            let path = path(&[3.0; 20], 0.3, 0.2, seed);
            let verdict = compression(&tested(&path)).unwrap().verdict;
            found += usize::from(verdict == PhaseVerdict::Holds);
        }
        assert!(found <= 16, "{found} of {runs}");
    }

    #[test]
    fn changes_of_rounding_are_none() {
        let path = path(&[3.0, 3.004, 3.0], 0.1, 1e-6, 4);
        assert_eq!(
            compression(&tested(&path)).unwrap().verdict,
            PhaseVerdict::None
        );
    }

    #[test]
    fn figures_that_are_not_to_be_trusted_leave_it_open() {
        let path = path(&[6.0, 4.0], 0.1, 0.01, 5);
        let verdict = |change: &dyn Fn(&mut [Tested<'_>])| {
            let mut figures = tested(&path);
            change(&mut figures);
            compression(&figures).unwrap().verdict
        };
        assert_eq!(verdict(&|_| ()), PhaseVerdict::Holds);
        assert_eq!(verdict(&|f| f[0].flagged = true), PhaseVerdict::Undecided);
        // What falls from a ceiling fell at least as far as is seen.
        assert_eq!(verdict(&|f| f[0].saturated = true), PhaseVerdict::Holds);
        let both = |figures: &mut [Tested<'_>]| figures.iter_mut().for_each(|f| f.saturated = true);
        assert_eq!(verdict(&both), PhaseVerdict::Undecided);
    }

    #[test]
    fn one_checkpoint_has_no_phase() {
        let path = path(&[1.0], 0.1, 0.1, 6);
        assert_eq!(fitting(&tested(&path)), None);
        assert_eq!(compression(&[]), None);
    }
}
