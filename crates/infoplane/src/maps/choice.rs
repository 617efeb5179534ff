//! Which samples maps are kept of: the best, the worst, and some at random.

use infoplane_attribution::argmax;
use infoplane_store::{RunDir, SampleGroup};

use crate::controls::shuffle;
use crate::error::Error;

/// What a sample is chosen by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Candidate {
    /// Whether its label is another class than the predicted one.
    pub wrong: bool,
    /// The attributed unit's logit less the largest of the others.
    pub margin: f32,
    /// The largest logit less the second.
    pub confidence: f32,
}

/// The stored samples of a run, in order.
pub(super) fn candidates(stored: &RunDir) -> Result<Vec<Candidate>, Error> {
    let (labels, targets) = (stored.labels()?, stored.targets()?);
    let logits = stored.logits()?;
    let samples = labels.into_iter().zip(targets).zip(logits.rows());
    Ok(samples
        .map(|((label, target), logits)| {
            let predicted = argmax(logits);
            Candidate {
                wrong: label.is_some_and(|label| label as usize != predicted),
                margin: margin(logits, target as usize),
                confidence: margin(logits, predicted),
            }
        })
        .collect())
}

/// A unit's logit less the largest of the others; the logit itself where there are none.
fn margin(logits: &[f32], unit: usize) -> f32 {
    let others = logits
        .iter()
        .enumerate()
        .filter(|(other, _)| *other != unit);
    let largest = others.map(|(_, &logit)| logit).reduce(f32::max);
    logits[unit] - largest.unwrap_or(0.0)
}

/// Chooses `n` samples, or all where there are fewer: their positions in `samples`, with the reason.
///
/// A third is best: not wrong, widest margin first. A third is worst: wrong, highest confidence first;
/// where there are no more of them, those of the narrowest margin. The rest is drawn from what is left
/// by `seed`, in order of position, and makes up for best ones that there are not. Where a third is no
/// whole number, best comes before worst and worst before random. Equals are taken in order of position.
pub(super) fn choose(samples: &[Candidate], n: usize, seed: u64) -> Vec<(usize, SampleGroup)> {
    let n = n.min(samples.len());
    let n_best = n.div_ceil(3);
    let n_worst = (n - n_best).div_ceil(2);

    let positions = 0..samples.len();
    let (mut wrong, mut right): (Vec<usize>, Vec<usize>) =
        positions.partition(|&position| samples[position].wrong);
    right.sort_by(|&a, &b| samples[b].margin.total_cmp(&samples[a].margin));
    wrong.sort_by(|&a, &b| samples[b].confidence.total_cmp(&samples[a].confidence));

    let mut left = right.split_off(n_best.min(right.len()));
    left.sort_by(|&a, &b| samples[a].margin.total_cmp(&samples[b].margin));
    let mut rest: Vec<usize> = wrong.into_iter().chain(left).collect();
    let mut drawn = rest.split_off(n_worst.min(rest.len()));
    drawn.sort_unstable();
    shuffle(&mut drawn, &format!("maps {seed}"));
    drawn.truncate(n - right.len() - rest.len());
    drawn.sort_unstable();

    [
        (right, SampleGroup::Best),
        (rest, SampleGroup::Worst),
        (drawn, SampleGroup::Random),
    ]
    .into_iter()
    .flat_map(|(chosen, group)| chosen.into_iter().map(move |position| (position, group)))
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(wrong: bool, margin: f32) -> Candidate {
        Candidate {
            wrong,
            margin,
            confidence: margin,
        }
    }

    fn positions(chosen: &[(usize, SampleGroup)], group: SampleGroup) -> Vec<usize> {
        let of_group = chosen.iter().filter(|(_, own)| *own == group);
        of_group.map(|(position, _)| *position).collect()
    }

    #[test]
    fn best_are_right_by_far_worst_are_wrong_and_sure_and_the_rest_is_random() {
        // Every fifth is wrong; margins are all different.
        let samples: Vec<Candidate> = (0..40)
            .map(|i| candidate(i % 5 == 0, ((i * 7) % 40) as f32))
            .collect();
        let chosen = choose(&samples, 12, 3);
        let margins = |group| -> Vec<(bool, f32)> {
            let positions = positions(&chosen, group).into_iter();
            positions
                .map(|position| (samples[position].wrong, samples[position].margin))
                .collect()
        };
        let best = [39.0, 38.0, 37.0, 36.0].map(|margin| (false, margin));
        assert_eq!(margins(SampleGroup::Best), best);
        let worst = [35.0, 30.0, 25.0, 20.0].map(|margin| (true, margin));
        assert_eq!(margins(SampleGroup::Worst), worst);
        let random = positions(&chosen, SampleGroup::Random);
        assert!(random.len() == 4 && random.is_sorted());
        let mut all: Vec<usize> = chosen.iter().map(|(position, _)| *position).collect();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 12);

        assert_eq!(choose(&samples, 12, 3), chosen);
        let other = choose(&samples, 12, 4);
        assert_eq!(other[..8], chosen[..8]);
        assert_ne!(other[8..], chosen[8..]);
    }

    #[test]
    fn without_wrong_samples_the_worst_are_those_of_the_narrowest_margin() {
        let samples: Vec<Candidate> = (0..20)
            .map(|i| candidate(i == 4, ((i * 3) % 20) as f32))
            .collect();
        let chosen = choose(&samples, 6, 0);
        // The one that is wrong, then the least margin.
        assert_eq!(positions(&chosen, SampleGroup::Worst), [4, 0]);
    }

    #[test]
    fn all_are_taken_where_there_are_no_more_and_random_ones_stand_in_for_best() {
        let wrong: Vec<Candidate> = (0..5).map(|i| candidate(true, i as f32)).collect();
        let chosen = choose(&wrong, 12, 0);
        assert_eq!(positions(&chosen, SampleGroup::Best), [0; 0]);
        assert_eq!(positions(&chosen, SampleGroup::Worst), [4, 3]);
        assert_eq!(positions(&chosen, SampleGroup::Random), [0, 1, 2]);
        for (n, groups) in [(1, [1, 0, 0]), (2, [1, 1, 0]), (5, [2, 2, 1])] {
            let samples: Vec<Candidate> = (0..9).map(|i| candidate(i > 5, i as f32)).collect();
            let chosen = choose(&samples, n, 0);
            let counts = SampleGroup::ALL.map(|group| positions(&chosen, group).len());
            assert_eq!(counts, groups, "{n}");
        }
    }

    #[test]
    fn margins_are_against_the_largest_of_the_others() {
        assert_eq!(margin(&[1.0, 4.0, 2.5], 1), 1.5);
        assert_eq!(margin(&[1.0, 4.0, 2.5], 0), -3.0);
        assert_eq!(margin(&[2.0], 0), 2.0);
    }
}
