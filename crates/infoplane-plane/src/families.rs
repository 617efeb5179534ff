//! The plane by other estimators than its own.
//!
//! An estimator is asked for by its family's name, or with parameters as
//! `binned:partition=equal-width:bins=30`; its rows carry what was asked for as their name.

use std::collections::BTreeMap;

use infoplane_estimators::registry::{self, Family};
use infoplane_estimators::{
    About, Estimate, Estimator, EstimatorError, Information, Labels, Pair, Resampling, Samples,
};
use serde_json::{Map, Value, json};

use crate::VectorRange;

/// The plane's own estimator.
pub(crate) const OWN: &str = "gaussian-channel";

/// The family that is Kraskov's estimator for classes.
const CLASS_KSG: &str = "ross";

/// Halves behind an interval of another estimator than the plane's own, the same for every layer; fewer
/// than for its own, as some families take long.
pub const OTHER_SUBSAMPLES: usize = 20;

/// Permutations behind a null of another estimator than the plane's own.
pub const OTHER_PERMUTATIONS: usize = 10;

/// A family that was asked for, perhaps with parameters.
pub(crate) struct Other {
    name: String,
    family: &'static Family,
    parameters: Map<String, Value>,
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

/// Every parameter of the estimator that rows name `name`, with the defaults of those that the name does not
/// give; `None` for a name that no estimator has.
pub fn estimator_parameters(name: &str) -> Option<BTreeMap<String, Value>> {
    let other = Other::of(name).ok()?;
    Some(other.estimator.parameters())
}

/// The families of `names` but the plane's own, each once.
pub(crate) fn build(names: &[String]) -> Result<Vec<Other>, EstimatorError> {
    let mut others: Vec<Other> = Vec::new();
    for name in names.iter().filter(|name| *name != OWN) {
        let other = Other::of(name)?;
        if others.iter().all(|before| before.name != other.name) {
            others.push(other);
        }
    }
    Ok(others)
}

impl Other {
    /// What `FAMILY` or `FAMILY:PARAMETER=VALUE:…` asks for. `ksg` is Kraskov's estimator in the form for
    /// classes, `ross`.
    fn of(name: &str) -> Result<Self, EstimatorError> {
        let (family, parameters) = name.split_once(':').unwrap_or((name, ""));
        let family = registry::family(if family == "ksg" { CLASS_KSG } else { family })?;
        if family.name.starts_with("ksg") {
            return Err(EstimatorError::Unsupported {
                estimator: family.name,
                what: "information about classes, which the plane is made of",
                instead: "use ross, its form for classes, or gao",
            });
        }
        let name = match parameters {
            "" => family.name.to_owned(),
            parameters => format!("{}:{parameters}", family.name),
        };
        let words = parameters.split(':').filter(|word| !word.is_empty());
        let mut parameters = Map::new();
        for word in words {
            let (parameter, value) =
                word.split_once('=')
                    .ok_or_else(|| EstimatorError::Parameters {
                        estimator: family.name,
                        reason: format!("`{word}` in `{name}`: expected PARAMETER=VALUE"),
                    })?;
            let value = serde_json::from_str(value).unwrap_or_else(|_| json!(value));
            parameters.insert(parameter.to_owned(), value);
        }
        Ok(Self {
            name,
            family,
            estimator: family.build(parameters.clone())?,
            parameters,
        })
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Whether its bins have equal widths between ends that it was not given.
    pub(crate) fn wants_range(&self) -> bool {
        let own = self.estimator.parameters();
        own.get("partition") == Some(&json!("equal-width")) && !own.contains_key("low")
    }

    /// The same with its bins between these ends, where it [wants](Self::wants_range) any. Vectors
    /// without extent have no such bins, and keep their one.
    pub(crate) fn within(&self, range: Option<&VectorRange>) -> Result<Self, EstimatorError> {
        let mut parameters = self.parameters.clone();
        if let Some(range) = range.filter(|range| self.wants_range() && range.low < range.high) {
            parameters.insert("low".to_owned(), json!(range.low));
            parameters.insert("high".to_owned(), json!(range.high));
        }
        Ok(Self {
            name: self.name.clone(),
            family: self.family,
            estimator: self.family.build(parameters.clone())?,
            parameters,
        })
    }

    pub(crate) fn estimate(
        &self,
        samples: Samples<'_>,
        labels: Option<&Labels>,
        seed: u64,
    ) -> Result<Found, EstimatorError> {
        let resampling = Resampling {
            subsamples: OTHER_SUBSAMPLES,
            permutations: OTHER_PERMUTATIONS,
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
                let mut parameters = self.parameters.clone();
                parameters.extend([setting]);
                let estimator = self.family.build(parameters)?;
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

#[cfg(test)]
mod tests {
    use super::*;

    fn said(name: &str) -> String {
        build(&[name.to_owned()])
            .err()
            .map_or_else(String::new, |error| error.to_string())
    }

    #[test]
    fn families_of_two_vectors_are_refused_and_ksg_is_its_form_for_classes() {
        let names = ["ksg", "ross", "ksg:k=4"].map(str::to_owned);
        let built = build(&names).unwrap();
        let built: Vec<&str> = built.iter().map(Other::name).collect();
        assert_eq!(built, ["ross", "ross:k=4"]);
        for name in ["ksg1", "ksg2", "ksg-extrapolated"] {
            let message = said(name);
            assert!(
                message.contains(name) && message.contains("ross"),
                "{message}"
            );
        }
    }

    #[test]
    fn parameters_stand_behind_a_family_s_name() {
        let names = ["binned:partition=equal-width:bins=30", "binned", OWN];
        let names = names.map(str::to_owned);
        let built = build(&names).unwrap();
        assert_eq!(built.len(), 2);
        assert_eq!(built[0].name(), names[0]);
        assert_eq!(built[0].estimator.parameters()["bins"], json!(30));
        assert!(built[0].wants_range() && !built[1].wants_range());
        assert!(said("binned:30").contains("`30`"), "{}", said("binned:30"));
        assert!(said("binned:bin=3").contains("bin"));
        assert!(said("bind").contains("`bind`"));
    }

    #[test]
    fn a_range_holds_for_equal_widths_alone() {
        let range = VectorRange {
            layer: "a".to_owned(),
            kind: crate::VectorKind::Activation,
            low: -1.0,
            high: 1.0,
        };
        let names = ["binned:partition=equal-width", "binned"].map(str::to_owned);
        let built = build(&names).unwrap();
        let ends = |other: &Other, range: &VectorRange| {
            let within = other.within(Some(range)).unwrap();
            within.estimator.parameters().get("low").cloned()
        };
        assert_eq!(ends(&built[0], &range), Some(json!(-1.0)));
        assert_eq!(ends(&built[1], &range), None);
        let flat = VectorRange {
            high: -1.0,
            ..range
        };
        assert_eq!(ends(&built[0], &flat), None);
    }
}
