//! The estimators by name, for a command line or a configuration.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::{
    BinnedParams, Estimator, EstimatorError, GaoParams, GaussianChannelParams, GaussianParams,
    InfoNceParams, KdeParams, Ksg1Params, Ksg2Params, KsgExtrapolatedParams, LatentParams,
    ProbeParams, RenyiParams, RossParams, SlicedParams,
};

/// A family: what a user may want to know before choosing it.
#[derive(Debug, Clone, Copy)]
pub struct Family {
    /// Its name.
    pub name: &'static str,
    /// In a few words.
    pub about: &'static str,
    /// The parameter that sets how finely it looks, and the values that a sweep takes.
    pub scale: Option<(&'static str, &'static [f64])>,
    build: Build,
}

/// The error is a reason for a person.
type Build = fn(Map<String, Value>) -> Result<Box<dyn Estimator>, String>;

/// Deserializes parameters, checks them, and builds a family.
macro_rules! family {
    ($name:literal, $params:ty, $about:literal, $scale:expr) => {
        Family {
            name: $name,
            about: $about,
            scale: $scale,
            build: |parameters| {
                let parameters: $params = from_map(parameters)?;
                let estimator = parameters.check().map_err(|error| error.to_string())?;
                Ok(Box::new(estimator))
            },
        }
    };
}

const TAUS: &[f64] = &[0.1, 0.15, 0.2, 0.3, 0.5, 0.7, 1.0];
const NEIGHBOURS: &[f64] = &[1.0, 2.0, 3.0, 5.0, 8.0, 12.0, 20.0];

/// Every family, in the order in which they are shown.
pub const FAMILIES: &[Family] = &[
    family!(
        "gaussian-channel",
        GaussianChannelParams,
        "what passes a Gaussian channel of stated noise; the plane's own",
        Some(("tau", TAUS))
    ),
    family!(
        "kde",
        KdeParams,
        "pairwise bounds of Gaussian mixtures (Kolchinsky and Tracey)",
        Some(("tau", TAUS))
    ),
    family!(
        "ksg1",
        Ksg1Params,
        "nearest neighbours, both sides vectors (Kraskov et al., first form)",
        Some(("k", NEIGHBOURS))
    ),
    family!(
        "ksg2",
        Ksg2Params,
        "nearest neighbours, both sides vectors (Kraskov et al., second form)",
        Some(("k", NEIGHBOURS))
    ),
    family!(
        "ksg-extrapolated",
        KsgExtrapolatedParams,
        "ksg1 extrapolated over the number of neighbours, for up to 10 dimensions in all",
        Some(("far", &[2.0, 4.0, 6.0, 8.0, 16.0, 32.0]))
    ),
    family!(
        "ross",
        RossParams,
        "nearest neighbours, vectors with classes (Ross)",
        Some(("k", NEIGHBOURS))
    ),
    family!(
        "gao",
        GaoParams,
        "nearest neighbours, mixed discrete and continuous (Gao et al.)",
        Some(("k", NEIGHBOURS))
    ),
    family!(
        "renyi",
        RenyiParams,
        "matrix-based Rényi entropy of kernels (Sánchez Giraldo et al.)",
        Some(("width", &[0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5]))
    ),
    family!(
        "binned",
        BinnedParams,
        "counts in a partition, with a correction for few samples",
        Some(("bins", &[2.0, 4.0, 8.0, 16.0, 32.0, 64.0]))
    ),
    family!(
        "gaussian",
        GaussianParams,
        "closed form of Gaussian vectors: the linear reference",
        None
    ),
    family!(
        "sliced",
        SlicedParams,
        "ksg1 or ross averaged over random projections (Goldfeld and Greenewald)",
        Some(("dimensions", &[1.0, 2.0, 3.0, 4.0]))
    ),
    family!(
        "infonce",
        InfoNceParams,
        "variational lower bound by telling partners from others (van den Oord et al.)",
        None
    ),
    family!(
        "probe",
        ProbeParams,
        "H(Y) less the held-out cross-entropy of a classifier: a lower bound",
        None
    ),
    family!(
        "latent",
        LatentParams,
        "neighbours among learned codes, for high dimension (Gowri et al.)",
        Some(("dimensions", &[1.0, 2.0, 4.0, 8.0, 16.0]))
    ),
];

fn from_map<T: DeserializeOwned>(parameters: Map<String, Value>) -> Result<T, String> {
    serde_json::from_value(Value::Object(parameters)).map_err(|error| error.to_string())
}

/// The family of a name.
///
/// # Errors
/// [`EstimatorError::UnknownEstimator`] with the nearest name and all of them.
pub fn family(name: &str) -> Result<&'static Family, EstimatorError> {
    FAMILIES
        .iter()
        .find(|family| family.name == name)
        .ok_or_else(|| EstimatorError::UnknownEstimator {
            name: name.to_owned(),
            nearest: nearest(name),
            known: FAMILIES.iter().map(|family| family.name).collect(),
        })
}

/// The name that a person may have meant.
fn nearest(name: &str) -> Option<&'static str> {
    const ENOUGH: f64 = 0.75;
    let likeness = |family: &Family| strsim::jaro_winkler(name, family.name);
    let best = FAMILIES
        .iter()
        .max_by(|a, b| likeness(a).total_cmp(&likeness(b)))?;
    (likeness(best) >= ENOUGH).then_some(best.name)
}

impl Family {
    /// The family with these parameters, the others as they are by default.
    ///
    /// # Errors
    /// [`EstimatorError::Parameters`] for one that it does not have, or a value outside its range.
    pub fn build(
        &self,
        parameters: Map<String, Value>,
    ) -> Result<Box<dyn Estimator>, EstimatorError> {
        (self.build)(parameters).map_err(|reason| EstimatorError::Parameters {
            estimator: self.name,
            reason,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_family_answers_to_its_name_and_takes_its_scale() {
        for family in FAMILIES {
            assert_eq!(family.build(Map::new()).unwrap().name(), family.name);
            let Some((parameter, values)) = family.scale else {
                continue;
            };
            for &value in values {
                let value = match value.fract() == 0.0 && parameter != "tau" && parameter != "width"
                {
                    true => json!(value as usize),
                    false => json!(value),
                };
                let built = family.build(Map::from_iter([(parameter.to_owned(), value.clone())]));
                assert_eq!(
                    built.unwrap().parameters()[parameter],
                    value,
                    "{}",
                    family.name
                );
            }
        }
    }

    #[test]
    fn what_is_not_there_is_named() {
        let error = family("ksg").unwrap_err().to_string();
        assert!(error.contains("`ksg`") && error.contains("ksg1"), "{error}");
        let unknown = Map::from_iter([("kk".to_owned(), json!(3))]);
        let error = family("ksg1")
            .unwrap()
            .build(unknown)
            .unwrap_err()
            .to_string();
        assert!(error.contains("kk") && error.contains("scale"), "{error}");
        let bad = Map::from_iter([("tau".to_owned(), json!(-1.0))]);
        let error = family("kde").unwrap().build(bad).unwrap_err().to_string();
        assert!(error.contains("tau"), "{error}");
    }
}
