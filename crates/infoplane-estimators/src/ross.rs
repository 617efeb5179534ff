//! `ross`: mutual information of vectors with classes, by neighbours.
//!
//! ```text
//! I(X;Y) = ψ(N) + ⟨ψ(k_i)⟩ − ⟨ψ(N_i)⟩ − ⟨ψ(m_i)⟩
//! ```
//!
//! N_i is the number of samples of sample i's class, k_i = min(k, N_i − 1), ε_i the distance of its
//! k_i-th nearest neighbour *of its class* in the maximum norm, and m_i the number of samples of any
//! class nearer than ε_i, itself among them.
//!
//! **Assumes** that each class has a density, about constant over a ball of k of its samples.
//! **Bias**: small in up to about five dimensions; well separated classes read exactly right. In
//! high dimension information reads low, as balls of few samples span most of the class. Classes with
//! fewer than k samples use smaller balls: less bias, more variance.
//! **Ceiling**: H(Y).
//! **Ties**: where ε_i = 0 the sample's copies are counted in place of k_i and m_i, those of its
//! class and those of all; `tied` reports their share.
//! **Lone samples**, the only one of their class, are left out of N and of every count, as in
//! scikit-learn; `lone` reports how many. At least one class must have two samples. One class alone
//! has 0 bits, exactly. **Constant columns** are left out; constant vectors have 0 bits.
//! **Interval**: joined to that of the extrapolation from 6 neighbours and 1 to none, as for `ksg1`.
//! **Cost**: about N log N in up to some 16 dimensions, N² d above; memory O(N d).
//!
//! *Reference*: B. C. Ross, "Mutual information between discrete and continuous data sets", PLoS ONE
//! 9(2), e87357 (2014). The value equals that of scikit-learn's `mutual_info_classif` on one column,
//! but for the noise that it adds, and for classes of at most 2k samples, in which scikit-learn takes
//! rounded distances.

use std::f64::consts::LOG2_E;

use serde::{Deserialize, Serialize};

use crate::classes::ByClass;
use crate::digamma::Digamma;
use crate::extrapolated::Extrapolated;
use crate::ksg::{check_k, entropy_of, identity, parameters, remark};
use crate::neighbours::{ColumnScale, Points, count_around_in_classes};
use crate::{About, Estimate, Estimator, EstimatorError, Pair, Parameters, Point, Samples};

/// Unchecked parameters of [`Ross`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RossParams {
    /// Neighbours of the same class, from 1; fewer where the class has fewer. Default 3.
    pub k: usize,
    /// How columns are scaled. Default `normal-scores`.
    pub scale: ColumnScale,
}

impl Default for RossParams {
    fn default() -> Self {
        Self {
            k: 3,
            scale: ColumnScale::NormalScores,
        }
    }
}

impl RossParams {
    /// Checks the parameters.
    ///
    /// # Errors
    /// When `k` is 0.
    pub fn check(self) -> Result<Ross, EstimatorError> {
        check_k(self.k)?;
        Ok(Ross { params: self })
    }
}

/// The estimator `ross`, with checked parameters.
#[derive(Debug, Clone)]
pub struct Ross {
    params: RossParams,
}

impl Estimator for Ross {
    fn name(&self) -> &'static str {
        "ross"
    }

    fn parameters(&self) -> Parameters {
        parameters(self.params.k, self.params.scale)
    }

    fn less_biased(&self) -> Option<Box<dyn Estimator>> {
        let scale = self.params.scale;
        Some(Box::new(Extrapolated::new(|k| Ross {
            params: RossParams { k, scale },
        })))
    }

    fn point(&self, pair: &Pair<'_>, _seed: u64) -> Result<Point, EstimatorError> {
        let labels = match pair.about() {
            About::Classes(labels) => labels,
            About::Vectors(_) => {
                return Err(EstimatorError::Unsupported {
                    estimator: self.name(),
                    what: "information about vectors",
                    instead: "use ksg1, ksg2 or gao",
                });
            }
            About::Identity => return Err(identity(self.name())),
        };
        let by_class = ByClass::new(labels)?;
        let points = Points::new(pair.vectors(), self.params.scale);
        let mut remarks = by_class.remarks();
        remark(&mut remarks, "first", &points);
        if points.width() == 0 {
            return Ok(resolved(pair, 0.0, remarks));
        }
        let counts = count_around_in_classes(
            &points.gather(by_class.samples()),
            by_class.classes(),
            self.params.k,
        );
        let n = counts.len();
        let digamma = Digamma::up_to(n);
        let sizes = by_class.classes().iter().map(|class| {
            let size = class.len();
            size as f64 * digamma.at(size)
        });
        let sum = digamma.sum(counts.iter().map(|c| c.own))
            - digamma.sum(counts.iter().map(|c| c.all))
            - sizes.sum::<f64>();
        let tied = counts.iter().filter(|c| c.tied).count();
        if tied > 0 {
            remarks.insert("tied".to_owned(), (tied as f64 / n as f64).into());
        }
        let value = digamma.at(n) + sum / n as f64;
        Ok(resolved(pair, value, remarks))
    }

    /// By Kozachenko and Leonenko, with the same k and scale.
    fn entropy(&self, vectors: Samples<'_>, _seed: u64) -> Result<f64, EstimatorError> {
        entropy_of(vectors, self.params.scale, self.params.k)
    }
}

/// A value in nats that may reach H(Y) truly.
pub(crate) fn resolved(pair: &Pair<'_>, nats: f64, chosen: Parameters) -> Point {
    let point = Point::of(pair, nats * LOG2_E);
    Point {
        saturated: Estimate::is_saturated([point.value; 2], point.ceiling, true),
        chosen,
        ..point
    }
}
