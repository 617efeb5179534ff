//! Mutual information of two variables from files: the command `mi`.

use std::collections::BTreeMap;

use infoplane_data::{Values, Variable, VariableKind};
use infoplane_estimators::auto;
use infoplane_estimators::registry::{self, Family};
use infoplane_estimators::{
    About, Estimate, Labels, Pair, Parameters, Resampling, Samples, categorical_information,
};
use serde_json::{Map, Value};

use crate::Error;

/// The name under which two categorical variables are estimated.
const CATEGORICAL: &str = "categorical";

/// Kraskov's estimator in the form that the pair asks for: `ross` where a side is classes, else `ksg1`.
const KSG: &str = "ksg";

/// What is asked for.
#[derive(Debug, Clone)]
pub struct InformationRequest {
    /// The first variable: `FILE`, `FILE:KEY` or `FILE:COLUMN,COLUMN`.
    pub first: String,
    /// How it is taken.
    pub first_kind: VariableKind,
    /// The second variable.
    pub second: String,
    /// How it is taken.
    pub second_kind: VariableKind,
    /// The estimator's name, or `auto`.
    pub estimator: String,
    /// Its parameters by name.
    pub parameters: Map<String, Value>,
    /// Intervals and null.
    pub subsamples: Option<usize>,
    /// Permutations behind the null.
    pub permutations: Option<usize>,
    /// Seed.
    pub seed: u64,
    /// Whether samples with a missing or infinite number on either side are left out.
    pub drop_missing: bool,
}

/// Two variables, ready for an estimator.
#[derive(Debug, Clone)]
pub struct LoadedPair {
    first: Side,
    second: Side,
    /// What a user should know about the data.
    pub remarks: Vec<String>,
}

#[derive(Debug, Clone)]
enum Side {
    Vectors {
        data: Vec<f64>,
        n: usize,
        width: usize,
    },
    Classes(Labels),
}

/// An estimate with what it was made by.
#[derive(Debug, Clone)]
pub struct InformationResult {
    /// The estimator.
    pub estimator: String,
    /// Its parameters, those chosen from the data among them.
    pub parameters: Parameters,
    /// Samples.
    pub n: usize,
    /// Entropy of each side in bits: that of the counts for classes; for vectors that of the family, where it
    /// has one (differential for families of densities).
    pub entropies: [Option<f64>; 2],
    /// The estimate, in bits.
    pub estimate: Estimate,
}

impl LoadedPair {
    /// Reads both variables and checks that they fit together.
    ///
    /// # Errors
    /// As [`Variable::read`]; [`Error::Setting`] where the variables differ in length, or a number is
    /// missing or infinite and such samples are not to be left out.
    pub fn read(request: &InformationRequest) -> Result<LoadedPair, Error> {
        let mut first = Variable::read(&request.first, request.first_kind)?;
        let mut second = Variable::read(&request.second, request.second_kind)?;
        let (n, m) = (first.n_samples(), second.n_samples());
        if n != m {
            return Err(Error::Setting(format!(
                "{} has {n} samples and {} has {m}; each sample needs its partner",
                first.name, second.name
            )));
        }
        let mut remarks = Vec::new();
        let bad: Vec<bool> = (0..n)
            .map(|row| is_bad(&first.values, row) || is_bad(&second.values, row))
            .collect();
        let n_bad = bad.iter().filter(|bad| **bad).count();
        if n_bad > 0 {
            if !request.drop_missing {
                let row = bad.iter().position(|bad| *bad).unwrap_or(0);
                return Err(Error::Setting(format!(
                    "{n_bad} of {n} samples miss a value or hold one that is not finite, the first at \
                     row {row} (counted from 0); --drop-missing leaves them out"
                )));
            }
            keep(&mut first.values, &bad);
            keep(&mut second.values, &bad);
            remarks.push(format!(
                "{n_bad} of {n} samples left out: a value is missing or not finite"
            ));
        }
        let pair = LoadedPair {
            first: side(&first, &mut remarks)?,
            second: side(&second, &mut remarks)?,
            remarks,
        };
        Ok(pair)
    }

    /// What each side was taken for, in words.
    pub fn describe(&self) -> [String; 2] {
        [&self.first, &self.second].map(|side| match side {
            Side::Vectors { n, width: 1, .. } => format!("{n} numbers"),
            Side::Vectors { n, width, .. } => format!("{n} vectors of {width} numbers"),
            Side::Classes(labels) => {
                format!(
                    "{} samples of {} classes",
                    labels.n_samples(),
                    labels.n_classes()
                )
            }
        })
    }

    /// Estimates by the family and parameters of the request.
    ///
    /// # Errors
    /// [`Error::Estimator`] where the family does not exist, has no such parameter, or has no answer
    /// for this kind of pair.
    pub fn estimate(&self, request: &InformationRequest) -> Result<InformationResult, Error> {
        let seed = request.seed;
        let resampling = |default: Resampling| Resampling {
            subsamples: request.subsamples.unwrap_or(default.subsamples),
            permutations: request.permutations.unwrap_or(default.permutations),
            seed,
        };
        let (vectors, about) = match (&self.first, &self.second) {
            (Side::Classes(a), Side::Classes(b)) => {
                if !matches!(request.estimator.as_str(), "auto" | CATEGORICAL) {
                    return Err(Error::Setting(format!(
                        "both variables are classes, which are counted and take no estimator; leave \
                         out --estimator {}, or take one side as numbers with --x-kind or --y-kind",
                        request.estimator
                    )));
                }
                let estimate = categorical_information(a, b, &resampling(Resampling::default()))?;
                return Ok(InformationResult {
                    estimator: CATEGORICAL.to_owned(),
                    parameters: Parameters::new(),
                    n: a.n_samples(),
                    entropies: [a, b].map(|side| Some(side.entropy())),
                    estimate,
                });
            }
            (vectors, Side::Classes(labels)) | (Side::Classes(labels), vectors) => {
                (vectors.samples()?, About::Classes(labels))
            }
            (first, second) => (first.samples()?, About::Vectors(second.samples()?)),
        };
        let pair = Pair::new(vectors, about)?;
        let family = choose(&request.estimator, &pair)?;
        let estimator = family.build(request.parameters.clone())?;
        let estimate = estimator.estimate(&pair, &resampling(estimator.resampling()))?;
        let mut parameters = estimator.parameters();
        parameters.extend(estimate.chosen.clone());
        Ok(InformationResult {
            estimator: family.name.to_owned(),
            parameters,
            n: pair.n_samples(),
            entropies: [&self.first, &self.second].map(|side| match side {
                Side::Classes(labels) => Some(labels.entropy()),
                // A family without an entropy, or of too few samples for one, has none to show.
                vectors => estimator
                    .entropy(vectors.samples().ok()?, request.seed)
                    .ok(),
            }),
            estimate,
        })
    }

    /// One estimate for each value of the family's scale parameter; `values` instead of the family's
    /// own where given.
    ///
    /// # Errors
    /// As [`LoadedPair::estimate`]; [`Error::Setting`] for a family without a scale.
    pub fn sweep(
        &self,
        request: &InformationRequest,
        values: &[f64],
    ) -> Result<Vec<(String, f64, InformationResult)>, Error> {
        let family = match request.estimator.as_str() {
            "auto" | KSG => {
                let found = self.estimate(&InformationRequest {
                    subsamples: Some(0),
                    permutations: Some(0),
                    ..request.clone()
                })?;
                registry::family(&found.estimator)?
            }
            name => registry::family(name)?,
        };
        let Some((parameter, own)) = family.scale else {
            return Err(Error::Setting(format!(
                "{} has no scale to sweep over; those that have one are {}",
                family.name,
                scaled_families()
            )));
        };
        let values = if values.is_empty() { own } else { values };
        let at = |&value: &f64| {
            let mut request = request.clone();
            family.name.clone_into(&mut request.estimator);
            // A whole number is one by its type too, for parameters that count.
            let json = match value.fract() == 0.0 && own.iter().all(|v| v.fract() == 0.0) {
                true => Value::from(value as u64),
                false => Value::from(value),
            };
            request.parameters.insert(parameter.to_owned(), json);
            Ok((parameter.to_owned(), value, self.estimate(&request)?))
        };
        values.iter().map(at).collect()
    }
}

fn scaled_families() -> String {
    let scaled: BTreeMap<&str, &str> = registry::FAMILIES
        .iter()
        .filter_map(|family| Some((family.name, family.scale?.0)))
        .collect();
    let named: Vec<String> = scaled.iter().map(|(f, p)| format!("{f} ({p})")).collect();
    named.join(", ")
}

fn choose(name: &str, pair: &Pair<'_>) -> Result<&'static Family, Error> {
    let name = match name {
        "auto" => auto::choose(pair),
        KSG => match pair.about() {
            About::Classes(_) => "ross",
            _ => "ksg1",
        },
        CATEGORICAL => {
            return Err(Error::Setting(
                "`categorical` counts classes on both sides; take both as classes with --x-kind and \
                 --y-kind, or use another estimator"
                    .to_owned(),
            ));
        }
        name => name,
    };
    Ok(registry::family(name)?)
}

impl Side {
    fn samples(&self) -> Result<Samples<'_>, Error> {
        match self {
            Side::Vectors { data, n, width } => Ok(Samples::from_f64(data, *n, *width)?),
            Side::Classes(_) => Err(Error::Setting("classes are not vectors".to_owned())),
        }
    }
}

fn is_bad(values: &Values, row: usize) -> bool {
    match values {
        Values::Numbers { data, width } => data[row * width..(row + 1) * width]
            .iter()
            .any(|v| !v.is_finite()),
        Values::Classes { classes, .. } => classes[row].is_none(),
    }
}

fn keep(values: &mut Values, bad: &[bool]) {
    match values {
        Values::Numbers { data, width } => {
            let rows = data.chunks_exact(*width).zip(bad);
            *data = rows
                .filter(|(_, bad)| !**bad)
                .flat_map(|(row, _)| row)
                .copied()
                .collect();
        }
        Values::Classes { classes, .. } => {
            let mut bad = bad.iter();
            classes.retain(|_| !*bad.next().unwrap_or(&false));
        }
    }
}

/// A variable without missing values, and what is noteworthy about it.
fn side(variable: &Variable, remarks: &mut Vec<String>) -> Result<Side, Error> {
    let name = &variable.name;
    match &variable.values {
        Values::Classes { classes, .. } => {
            let classes: Vec<u32> = classes.iter().copied().flatten().collect();
            let labels = Labels::new(&classes)?;
            if labels.n_classes() == 1 {
                remarks.push(format!(
                    "{name} holds one class only, and so carries no information"
                ));
            }
            Ok(Side::Classes(labels))
        }
        Values::Numbers { data, width } => {
            let n = variable.n_samples();
            let constant = (0..*width)
                .filter(|column| {
                    let mut values = data.iter().skip(*column).step_by(*width);
                    let first = values.next();
                    values.all(|value| Some(value) == first)
                })
                .count();
            match (constant, *width) {
                (0, _) => {}
                (1, 1) => {
                    remarks.push(format!("{name} is constant, and so carries no information"))
                }
                (c, width) => {
                    remarks.push(format!("{c} of {width} columns of {name} are constant"))
                }
            }
            let mut rows: Vec<&[f64]> = data.chunks_exact((*width).max(1)).collect();
            rows.sort_unstable_by(|a, b| {
                a.iter()
                    .map(|v| v.to_bits())
                    .cmp(b.iter().map(|v| v.to_bits()))
            });
            rows.dedup();
            // What repeats is not continuous, and neighbours of such data are ties.
            if constant < *width && rows.len() < n {
                remarks.push(format!(
                    "{} of {n} rows of {name} repeat others",
                    n - rows.len()
                ));
            }
            Ok(Side::Vectors {
                data: data.clone(),
                n,
                width: *width,
            })
        }
    }
}
