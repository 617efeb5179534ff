//! `renyi`: matrix-based entropy of order α, from the eigenvalues of kernel matrices.
//!
//! With a Gaussian kernel K_ij = exp(−|x_i − x_j|²/2s²), A = K/N has trace 1, and
//!
//! ```text
//! S_α(A) = 1/(1 − α) log₂ Σ_i λ_i(A)^α        S_α(A, B) = S_α(A ∘ B / tr(A ∘ B))
//! I_α(A; B) = S_α(A) + S_α(B) − S_α(A, B)
//! ```
//!
//! (Sánchez Giraldo, Rao and Príncipe 2015, IEEE Trans. Inf. Theory 61:535). Nothing is assumed of
//! the distribution and no density is estimated; the figure is a property of the samples at the
//! kernel's width and no estimate of Shannon's information, though it shares its order relations:
//! 0 ≤ I_α ≤ min(S_α(A), S_α(B)).
//!
//! - **Classes**: the kernel is 1 within a class and 0 between (Wickstrøm et al. 2019, arXiv
//!   1909.11396), so A ∘ B falls into one block a class, and S_α(B) is the Rényi entropy of the
//!   classes' shares, which is the ceiling.
//! - **Identity**: every sample is like itself alone, B = I/N, and I_α = S_α(A).
//! - **Vectors**: the product of both Gaussian kernels is the one of the vectors side by side.
//!
//! **Width.** s is in units of the square root of the side's whole variance. For classes, of 24 widths
//! from 0.05 to 5, it is the one whose kernel has the largest alignment ⟨K, L⟩/(|K| |L|) with the
//! classes' kernel (Wickstrøm et al. 2019), over at most 1,000 samples. Else s = N^(−1/(4 + d)), with d
//! the effective dimension (Σλ)²/Σλ² of the covariance's eigenvalues: Scott's rule, which is that of
//! Sánchez Giraldo et al. but for d. [`RenyiParams::width`] fixes it, for figures that are to be
//! compared between layers.
//!
//! **Above [`RenyiParams::exact_limit`] samples** the kernel is approximated from
//! [`RenyiParams::landmarks`] of them (Nyström; Williams and Seeger 2001). The approximation is below
//! the kernel, so each eigenvalue is at least the approximate one, and what is missing is the residual
//! trace, known exactly. Convexity gives bounds on the entropy that hold whatever the rest looks
//! like: lowest with the residual all on the largest eigenvalue, highest with it levelled over the
//! smallest. They are the bracket, and each entropy's value is its middle. Without approximation the
//! bracket is the value. The bounds are only as narrow as the kernel is smooth: of 20,000 vectors in
//! 32 equal dimensions at the rule's width, 600 landmarks leave a bracket of 6
//! bits, which flags the figure. A wider kernel or more landmarks then help, or fewer samples.
//!
//! **Saturated** where the samples are all unlike: S_α of the vectors (of the pair, for two vectors)
//! at 95 % of log₂ N.
//!
//! **Bias** is towards the ceiling for narrow kernels and towards 0 for wide ones; permuted labels do
//! not give 0 but the null's mean, which must be read beside the figure.
//!
//! **Bad cases.** Constant vectors carry 0 bits. Duplicates are like one sample of more weight. One
//! class gives 0; a class of one sample is an eigenvalue of its own.
//!
//! **Intervals.** Halves keep the scale and the width of the whole, with two vectors they choose their own; permuted
//! labels choose their own width. Of two vectors a permutation changes only the spectrum of both together.
//!
//! Cost: N² d + 4/3 N³ for each exact spectrum (one, and a smaller one a class; three for two
//! vectors), N m (d + m) + m³ with m landmarks. Memory: 8 N² bytes a spectrum up to the limit, which
//! is at most 20,000; above it 8 blocks of m².

mod resampled;
mod spectrum;

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::distances::Rows;
use crate::parallel;
use crate::principal::Scaled;
use crate::{
    About, Estimate, Estimator, EstimatorError, Labels, Pair, Parameters, Point, Resampling,
    SATURATION_SHARE, Samples,
};
use spectrum::{Spectrum, alignment_widths};

/// Unchecked parameters of [`Renyi`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RenyiParams {
    /// Order α, above 0 and at most 10; 1 is von Neumann's entropy. Default 1.01.
    pub alpha: f64,
    /// Kernel width s of every side relative to the square root of its whole variance, from 0.001 to
    /// 1000. Default: chosen from the data.
    pub width: Option<f64>,
    /// Most samples with an exact spectrum, at most 20,000. Default 3,000.
    pub exact_limit: usize,
    /// Samples that stand for all above the limit, at least 10. Default 600.
    pub landmarks: usize,
    /// Dimensions kept at most, from 1. Default 64.
    pub max_components: usize,
}

impl Default for RenyiParams {
    fn default() -> Self {
        Self {
            alpha: 1.01,
            width: None,
            exact_limit: 3_000,
            landmarks: 600,
            max_components: 64,
        }
    }
}

impl RenyiParams {
    /// Checks the parameters.
    ///
    /// # Errors
    /// For the first parameter outside of its range.
    pub fn check(self) -> Result<Renyi, EstimatorError> {
        let refuse = |name, value: String, allowed| {
            Err(EstimatorError::Parameter {
                name,
                value,
                allowed,
            })
        };
        if !(self.alpha > 0.0 && self.alpha <= 10.0) {
            return refuse("alpha", self.alpha.to_string(), "above 0 and at most 10");
        }
        if let Some(width) = self.width
            && !(1e-3..=1e3).contains(&width)
        {
            return refuse("width", width.to_string(), "from 0.001 to 1000");
        }
        if self.exact_limit > 20_000 {
            return refuse("exact_limit", self.exact_limit.to_string(), "at most 20000");
        }
        if self.landmarks < 10 {
            return refuse("landmarks", self.landmarks.to_string(), "at least 10");
        }
        if self.max_components == 0 {
            return refuse("max_components", "0".to_owned(), "at least 1");
        }
        Ok(Renyi { params: self })
    }
}

/// The estimator `renyi`, with checked parameters.
#[derive(Debug, Clone)]
pub struct Renyi {
    params: RenyiParams,
}

/// What the vectors' kernel and its product with the classes' have in common with the classes.
struct OfClasses {
    information: Entropy,
    /// S_α of the vectors.
    alone: Entropy,
    /// S_α of the classes: the ceiling.
    classes: f64,
}

/// Two vectors in units of their kernels' widths, and the entropy of each.
struct Sides {
    first: Rows,
    second: Rows,
    alone: [Entropy; 2],
}

/// An entropy in bits, with bounds.
#[derive(Debug, Clone, Copy, Default)]
struct Entropy {
    value: f64,
    low: f64,
    high: f64,
}

impl Entropy {
    fn exactly(value: f64) -> Self {
        Self {
            value,
            low: value,
            high: value,
        }
    }

    /// `self` + `other` − `joint`.
    fn shared(self, other: Self, joint: Self) -> Self {
        Self {
            value: self.value + other.value - joint.value,
            low: self.low + other.low - joint.high,
            high: self.high + other.high - joint.low,
        }
    }
}

impl Renyi {
    /// The checked parameters.
    pub fn params(&self) -> &RenyiParams {
        &self.params
    }

    fn scaled(&self, samples: Samples<'_>) -> Result<Option<Scaled>, EstimatorError> {
        Scaled::new(samples, self.params.max_components)
    }

    fn rule_width(&self, scaled: &Scaled, n: usize) -> f64 {
        self.params.width.unwrap_or_else(|| {
            let sum: f64 = scaled.variances.iter().sum();
            let squares: f64 = scaled.variances.iter().map(|v| v * v).sum();
            let dimension = if squares > 0.0 {
                sum * sum / squares
            } else {
                1.0
            };
            (n as f64).powf(-1.0 / (4.0 + dimension))
        })
    }

    fn spectrum(&self, rows: &Rows, whole: usize, seed: u64) -> Result<Spectrum, EstimatorError> {
        if whole <= self.params.exact_limit || rows.n() <= self.params.landmarks {
            Spectrum::exact(rows)
        } else {
            Spectrum::from_landmarks(rows, self.params.landmarks, seed)
        }
    }

    /// S_α of the kernel of rows in units of its width.
    fn entropy_of(&self, rows: &Rows, seed: u64) -> Result<Entropy, EstimatorError> {
        Ok(self
            .spectrum(rows, rows.n(), seed)?
            .entropy(self.params.alpha))
    }

    /// The width of each labelling's kernel.
    fn widths_for(&self, scaled: &Scaled, labellings: &[Labels]) -> Vec<f64> {
        match self.params.width {
            Some(width) => vec![width; labellings.len()],
            None => alignment_widths(scaled, labellings),
        }
    }

    /// I_α of rows in units of the kernel's width and their classes.
    fn of_classes(
        &self,
        rows: &Rows,
        labels: &Labels,
        alone: Entropy,
        seed: u64,
    ) -> Result<OfClasses, EstimatorError> {
        let n = labels.n_samples() as f64;
        let shares = labels.counts().iter().map(|&c| c as f64 / n).collect();
        let classes = Spectrum::of(shares).entropy(self.params.alpha);
        let joint = self.within_classes(rows, labels, seed)?;
        Ok(OfClasses {
            information: alone.shared(classes, joint),
            alone,
            classes: classes.value,
        })
    }

    /// The rows in units of their width, and the information about which of them it is.
    fn identity_point(
        &self,
        pair: &Pair<'_>,
        scaled: &Scaled,
        seed: u64,
    ) -> Result<(Rows, Point), EstimatorError> {
        let n = pair.n_samples();
        let width = self.rule_width(scaled, n);
        let rows = in_widths(scaled, width);
        let entropy = self.entropy_of(&rows, seed)?;
        let mut point = Point::of(pair, 0.0);
        point.chosen.insert("width".to_owned(), json!(width));
        Ok((rows, filled(point, entropy, entropy, n)))
    }

    /// Both sides in units of their widths with their entropies, and the information of one about the other.
    fn vectors_point(
        &self,
        pair: &Pair<'_>,
        sides: [&Scaled; 2],
        seed: u64,
    ) -> Result<(Sides, Point), EstimatorError> {
        let n = pair.n_samples();
        let widths = sides.map(|side| self.rule_width(side, n));
        let [first, second] = [0, 1].map(|side| in_widths(sides[side], widths[side]));
        let joint = first.beside(&second);
        let all = [&joint, &first, &second];
        let entropies = parallel::try_map_items(&all, |rows| self.entropy_of(rows, seed))?;
        let alone = [entropies[1], entropies[2]];
        let mut point = Point::of(pair, 0.0);
        point.chosen.insert("width".to_owned(), json!(widths));
        let information = alone[0].shared(alone[1], entropies[0]);
        let sides = Sides {
            first,
            second,
            alone,
        };
        Ok((sides, filled(point, information, entropies[0], n)))
    }

    fn class_point(&self, pair: &Pair<'_>, width: f64, found: &OfClasses) -> Point {
        let mut point = Point::of(pair, 0.0);
        point.chosen.insert("width".to_owned(), json!(width));
        point.ceiling = found.classes;
        filled(point, found.information, found.alone, pair.n_samples())
    }

    /// S_α of the product of the kernel with that of the classes: a block a class.
    fn within_classes(
        &self,
        rows: &Rows,
        labels: &Labels,
        seed: u64,
    ) -> Result<Entropy, EstimatorError> {
        let mut members = vec![Vec::new(); labels.n_classes()];
        for (sample, &class) in labels.dense().iter().enumerate() {
            members[class].push(sample);
        }
        let n = rows.n();
        let blocks = parallel::try_map_items(&members, |members| {
            let block = self.spectrum(&rows.subset(members), n, seed)?;
            Ok(block.scaled(members.len() as f64 / n as f64))
        })?;
        Ok(Spectrum::union(blocks).entropy(self.params.alpha))
    }
}

impl Estimator for Renyi {
    fn name(&self) -> &'static str {
        "renyi"
    }

    fn parameters(&self) -> Parameters {
        [
            ("alpha", json!(self.params.alpha)),
            ("width", json!(self.params.width)),
            ("exact_limit", json!(self.params.exact_limit)),
            ("landmarks", json!(self.params.landmarks)),
            ("max_components", json!(self.params.max_components)),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }

    /// The seed chooses the landmarks, and nothing below the limit.
    fn point(&self, pair: &Pair<'_>, seed: u64) -> Result<Point, EstimatorError> {
        let point = Point::of(pair, 0.0);
        let Some(scaled) = self.scaled(pair.vectors())? else {
            return Ok(point);
        };
        match pair.about() {
            About::Identity => Ok(self.identity_point(pair, &scaled, seed)?.1),
            About::Classes(labels) => {
                let width = self.widths_for(&scaled, std::slice::from_ref(labels))[0];
                let rows = in_widths(&scaled, width);
                let alone = self.entropy_of(&rows, seed)?;
                let found = self.of_classes(&rows, labels, alone, seed)?;
                Ok(self.class_point(pair, width, &found))
            }
            About::Vectors(other) => match self.scaled(other)? {
                Some(second) => Ok(self.vectors_point(pair, [&scaled, &second], seed)?.1),
                None => Ok(point),
            },
        }
    }

    /// As for every family, but with one vector halves have the kernel that the whole chose.
    fn estimate(
        &self,
        pair: &Pair<'_>,
        resampling: &Resampling,
    ) -> Result<Estimate, EstimatorError> {
        self.resampled(pair, resampling)
    }

    /// Fewer than the default, as each costs a spectrum.
    fn resampling(&self) -> Resampling {
        Resampling {
            subsamples: 30,
            permutations: 20,
            ..Default::default()
        }
    }

    /// S_α of the kernel matrix, of a width by the rule; not a differential entropy.
    fn entropy(&self, vectors: Samples<'_>, seed: u64) -> Result<f64, EstimatorError> {
        let Some(scaled) = self.scaled(vectors)? else {
            return Ok(0.0);
        };
        let width = self.rule_width(&scaled, vectors.n_samples());
        Ok(self.entropy_of(&in_widths(&scaled, width), seed)?.value)
    }
}

/// The point with this information, found by kernels of `n` samples whose entropy is `used`.
fn filled(point: Point, information: Entropy, used: Entropy, n: usize) -> Point {
    let most = (n as f64).log2();
    Point {
        value: information.value,
        bracket: Some([information.low, information.high]),
        saturated: most > 0.0 && used.value >= SATURATION_SHARE * most,
        ..point
    }
}

/// Rows in units of the kernel's width.
fn in_widths(scaled: &Scaled, width: f64) -> Rows {
    let data = scaled.data.iter().map(|v| v / width).collect();
    Rows::new(data, scaled.dimensions)
}

#[cfg(test)]
mod tests;
