//! How much the ranking of the layers depends on the samples, the noise and the estimator.

use infoplane_estimators::Information;
use serde::{Deserialize, Serialize};

use crate::rank::kendall;

/// What layers are ranked by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RankedBy {
    /// ITE `ratio`.
    Ite,
    /// I(C;Y).
    MiY,
}

/// Agreement of the rankings of the layers' conductances, as Kendall's τ_b.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RankStability {
    /// What ranks the layers.
    pub by: RankedBy,
    /// The rankings compared: `τ = 0.3` of the plane's estimator, then the other estimators.
    pub rankings: Vec<String>,
    /// τ_b of each two of them, in [−1, 1]; absent where fewer than two layers have a figure.
    pub kendall: Vec<Vec<Option<f64>>>,
    /// Agreement of half the samples with all of them, at the plane's τ.
    pub halves: Option<HalvesAgreement>,
}

/// τ_b between the ranking by a random half of the samples and by all, over halves.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct HalvesAgreement {
    /// Mean.
    pub mean: f64,
    /// 5th percentile.
    pub p05: f64,
    /// Halves.
    pub n: usize,
}

/// A ranking: its name and a figure a layer.
pub(crate) type Ranking = (String, Vec<Option<f64>>);

/// The matrix of `rankings`, and the agreement of halves by `layers`' own subsamples.
pub(crate) fn stability(
    by: RankedBy,
    rankings: Vec<Ranking>,
    layers: &[&Information],
) -> RankStability {
    let kendall = rankings
        .iter()
        .map(|(_, one)| {
            rankings
                .iter()
                .map(|(_, other)| kendall(one, other))
                .collect()
        })
        .collect();
    RankStability {
        by,
        rankings: rankings.into_iter().map(|(name, _)| name).collect(),
        kendall,
        halves: halves(by, layers),
    }
}

/// The figure of each layer on half `half` of the samples; on all where it is `None`.
pub(crate) fn figures(
    by: RankedBy,
    layers: &[&Information],
    half: Option<usize>,
) -> Vec<Option<f64>> {
    let of = |information: &&Information| {
        let label = information.label.as_ref()?;
        let at = |estimate: &infoplane_estimators::Estimate| match half {
            None => Some(estimate.value),
            Some(half) => estimate.subsamples.get(half).copied(),
        };
        match by {
            RankedBy::MiY => at(label),
            RankedBy::Ite => {
                let input = at(&information.input)?;
                (input > 0.0).then_some(at(label)? / input)
            }
        }
    };
    layers.iter().map(of).collect()
}

/// How well halves agree with all by ITE.
pub(crate) fn halves_by_ite(layers: &[&Information]) -> Option<HalvesAgreement> {
    halves(RankedBy::Ite, layers)
}

fn halves(by: RankedBy, layers: &[&Information]) -> Option<HalvesAgreement> {
    let count = layers.first()?.input.subsamples.len();
    let whole = figures(by, layers, None);
    let mut found: Vec<f64> = (0..count)
        .filter_map(|half| kendall(&whole, &figures(by, layers, Some(half))))
        .collect();
    found.sort_unstable_by(f64::total_cmp);
    let n = found.len();
    (n > 0).then(|| HalvesAgreement {
        mean: found.iter().sum::<f64>() / n as f64,
        p05: found[n / 20],
        n,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::efficiency::tests::information;

    #[test]
    fn equal_rankings_agree_and_halves_without_scatter_too() {
        let layers = [
            information(5.0, 1.0, 0.0),
            information(4.0, 1.5, 0.0),
            information(3.0, 2.0, 0.0),
        ];
        let layers: Vec<&Information> = layers.iter().collect();
        let ite = figures(RankedBy::Ite, &layers, None);
        let found = stability(
            RankedBy::Ite,
            vec![
                ("τ = 0.3".to_owned(), ite.clone()),
                (
                    "kde".to_owned(),
                    ite.iter().map(|v| v.map(|v| -v)).collect(),
                ),
            ],
            &layers,
        );
        assert_eq!(found.kendall[0], [Some(1.0), Some(-1.0)]);
        let halves = found.halves.unwrap();
        assert_eq!((halves.mean, halves.n), (1.0, 40));
    }

    #[test]
    fn scatter_that_is_larger_than_the_steps_shows_in_halves() {
        let mut layers = [information(5.0, 1.0, 0.0), information(5.0, 1.1, 0.0)];
        // Every other half turns the two round.
        let label = layers[1].label.as_mut().unwrap();
        for half in label.subsamples.iter_mut().step_by(2) {
            *half = 0.5;
        }
        let layers: Vec<&Information> = layers.iter().collect();
        let found = stability(RankedBy::MiY, Vec::new(), &layers);
        assert!(found.halves.unwrap().mean.abs() < 1e-12);
    }
}
