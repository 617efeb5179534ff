//! The plane by other estimators than its own.

use infoplane_estimators::registry::{self, Family};
use infoplane_estimators::{
    About, Estimate, Estimator, EstimatorError, Information, Labels, Pair, Resampling, Samples,
};
use serde_json::Map;

/// The plane's own estimator.
pub(crate) const OWN: &str = "gaussian-channel";

/// Halves behind an interval, the same for every layer; fewer than the plane's own, as some families
/// take long.
const SUBSAMPLES: usize = 20;

/// Permutations behind a null.
const PERMUTATIONS: usize = 10;

/// A family that was asked for.
pub(crate) struct Other {
    family: &'static Family,
    estimator: Box<dyn Estimator>,
}

/// What a family says of a layer.
pub(crate) enum Found {
    /// Both informations; the second without labels absent.
    Both(Box<Information>),
    /// I(C;Y) alone, of a family for which I(X;C) is infinite.
    Label(Box<Estimate>),
    /// Neither: such a family, without labels.
    Nothing,
}

/// The families of `names` but the plane's own, each once.
pub(crate) fn build(names: &[String]) -> Result<Vec<Other>, EstimatorError> {
    let mut others: Vec<Other> = Vec::new();
    for name in names.iter().filter(|name| *name != OWN) {
        let family = registry::family(name)?;
        if others.iter().all(|other| other.family.name != family.name) {
            let estimator = family.build(Map::new())?;
            others.push(Other { family, estimator });
        }
    }
    Ok(others)
}

impl Other {
    pub(crate) fn name(&self) -> &'static str {
        self.family.name
    }

    pub(crate) fn estimate(
        &self,
        samples: Samples<'_>,
        labels: Option<&Labels>,
        seed: u64,
    ) -> Result<Found, EstimatorError> {
        let resampling = Resampling {
            subsamples: SUBSAMPLES,
            permutations: PERMUTATIONS,
            seed,
        };
        let of = |estimator: &dyn Estimator, about| match estimator
            .estimate(&Pair::new(samples, about)?, &resampling)
        {
            Err(EstimatorError::Unsupported { .. }) => Ok(None),
            found => found.map(Some),
        };
        let label = match labels {
            Some(labels) => of(self.estimator.as_ref(), About::Classes(labels))?,
            None => None,
        };
        // A scale that was chosen for the label is that of both informations, or their ratio would
        // compare two different things.
        let chosen = self.family.scale.and_then(|(scale, _)| {
            let value = label.as_ref()?.chosen.get(scale)?;
            value.is_number().then(|| (scale.to_owned(), value.clone()))
        });
        let input = match chosen {
            Some(setting) => {
                let estimator = self.family.build(Map::from_iter([setting]))?;
                of(estimator.as_ref(), About::Identity)?
            }
            None => of(self.estimator.as_ref(), About::Identity)?,
        };
        Ok(match (input, label) {
            (Some(input), label) => Found::Both(Box::new(Information {
                input,
                label,
                n_samples: samples.n_samples(),
                n_lone: 0,
                dimensions: samples.width(),
                variance_kept: 1.0,
            })),
            (None, Some(label)) => Found::Label(Box::new(label)),
            (None, None) => Found::Nothing,
        })
    }
}
