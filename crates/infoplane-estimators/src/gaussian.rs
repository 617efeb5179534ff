//! `gaussian`: the closed form for Gaussian vectors, as the linear reference.
//!
//! ```text
//! vectors    I(C;D) = ½ log₂ (det Σ_C · det Σ_D / det Σ_CD)
//! classes    I(C;Y) = mean over samples of log₂ p(y|c)/p(y),   c | y ~ N(μ_y, Σ_within)
//! entropy    h(C)   = ½ log₂ ((2πe)^d det Σ_C)
//! ```
//!
//! **Assumes** jointly Gaussian vectors; for classes, Gaussians of one covariance, **pooled** over the
//! classes (as in linear discriminant analysis). Of other distributions it sees the linear part of
//! the dependence only: usually less than there is, but not a bound.
//!
//! **Covariance.** Coordinates are standardised first. Sample covariances are used as they are, and the
//! mean of their log-determinants' error, known for Gaussians (Wishart), is taken off:
//! E log det S = log det Σ + Σ_{i=1..d} ψ((N − i)/2) − d log((N − 1)/2). Where N is below four
//! times the number of coordinates, Ledoit and Wolf's (2004) shrinkage towards the identity stands in
//! ([`Shrinkage`]); it needs no correction, but it pulls the information down whenever only few of
//! many coordinates are correlated.
//!
//! **Classes.** The model's mean log-likelihood ratio reads too high by about (parameters)/2N nats on
//! the samples it is fitted to, and too low by as much on samples left out. Both are computed, the
//! second exactly, by leaving out one sample at a time (Sherman and Morrison's formula); they are the
//! bracket, and the value is its middle, whose error is of second order. A class of one sample has
//! no left-out mean, so lone samples count in neither end.
//!
//! **Ceiling.** Correlations as near 1 as double precision tells apart, 26 bits for each coordinate of
//! the smaller side; H(Y) for classes. **Saturated** where the covariance is singular, or N is at
//! most the number of coordinates: then the shrinkage, not the data, sets the figure.
//!
//! **Bad cases.** Constant columns are dropped; a side of nothing else tells 0 bits. Copies of a column
//! make the covariance singular. The samples' identity has no closed form.
//!
//! Cost: N d² + d³ with d all coordinates; for classes also N · K · d. Memory: N · d + d² numbers.
//!
//! References: Cover and Thomas 2006, §8.4; Ledoit and Wolf 2004, J. Multivariate Anal. 88:365;
//! Anderson 2003, §7.5 (Wishart determinant).

use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, MatRef, Par};
use serde::{Deserialize, Serialize};
use serde_json::json;
use statrs::function::gamma::digamma;

use crate::principal::{eigen, eigenvalues};
use crate::{About, Estimate, Estimator, EstimatorError, Labels, Pair, Parameters, Point, Samples};

/// How the correlation matrix is shrunk towards the identity.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shrinkage {
    /// None, with the Wishart correction, from four samples a coordinate on; `LedoitWolf` below.
    Auto,
    /// None, with the Wishart correction.
    None,
    /// The intensity of least expected squared error (Ledoit and Wolf 2004).
    LedoitWolf,
    /// This intensity, in [0, 1].
    Fixed(f64),
}

/// Unchecked parameters of [`Gaussian`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GaussianParams {
    /// How correlations are shrunk. Default `auto`.
    pub shrinkage: Shrinkage,
}

impl Default for GaussianParams {
    fn default() -> Self {
        Self {
            shrinkage: Shrinkage::Auto,
        }
    }
}

impl GaussianParams {
    /// Checks the parameters.
    ///
    /// # Errors
    /// When a fixed shrinkage is outside of [0, 1].
    pub fn check(self) -> Result<Gaussian, EstimatorError> {
        if let Shrinkage::Fixed(intensity) = self.shrinkage
            && !(0.0..=1.0).contains(&intensity)
        {
            return Err(EstimatorError::Parameter {
                name: "shrinkage",
                value: intensity.to_string(),
                allowed: "from 0 to 1",
            });
        }
        Ok(Gaussian { params: self })
    }
}

/// The estimator `gaussian`, with checked parameters.
#[derive(Debug, Clone)]
pub struct Gaussian {
    params: GaussianParams,
}

/// Eigenvalues of a correlation matrix below this are rounding.
const SINGULAR: f64 = 1e-12;

/// Bits that double precision leaves to one canonical correlation: ½ log₂ 2⁵².
const BITS_A_CORRELATION: f64 = 26.0;

/// Columns of mean 0 and variance 1.
struct Standardised {
    /// `[n, width]`, row-major.
    data: Vec<f64>,
    width: usize,
    /// Σ log₂ of the columns' standard deviations.
    log_scale: f64,
}

impl Standardised {
    /// Without constant columns, of which there are `n_constant`.
    fn new(samples: Samples<'_>) -> (Self, usize) {
        let (n, all) = (samples.n_samples(), samples.width());
        let raw = samples.to_vec();
        let mut columns = Vec::new();
        let mut log_scale = 0.0;
        for column in 0..all {
            let numbers = || raw.iter().skip(column).step_by(all);
            let mean = numbers().sum::<f64>() / n as f64;
            let variance = numbers().map(|v| (v - mean).powi(2)).sum::<f64>() / (n as f64 - 1.0);
            let deviation = variance.sqrt();
            // As for `Scaled`: what is left of equal numbers is rounding.
            if deviation > 1e-12 * mean.abs() && deviation.is_normal() {
                log_scale += deviation.log2();
                columns.push((column, mean, 1.0 / deviation));
            }
        }
        let width = columns.len();
        let data = (0..n)
            .flat_map(|i| columns.iter().map(move |c| (i, c)))
            .map(|(i, &(column, mean, factor))| (raw[i * all + column] - mean) * factor)
            .collect();
        let standardised = Self {
            data,
            width,
            log_scale,
        };
        (standardised, all - width)
    }

    fn beside(&self, other: &Self) -> Self {
        let rows = self.data.chunks_exact(self.width);
        let data = rows
            .zip(other.data.chunks_exact(other.width))
            .flat_map(|(a, b)| a.iter().chain(b))
            .copied()
            .collect();
        Self {
            data,
            width: self.width + other.width,
            log_scale: self.log_scale + other.log_scale,
        }
    }
}

/// A covariance matrix and how it was shrunk.
struct Covariance {
    matrix: Mat<f64>,
    intensity: f64,
    /// Samples less those spent on means.
    freedom: f64,
}

impl Covariance {
    /// Of centred rows, with `freedom` of them free.
    fn new(rows: &[f64], width: usize, freedom: f64, shrinkage: Shrinkage) -> Self {
        let n = rows.len() / width;
        let z = MatRef::from_row_major_slice(rows, n, width);
        let mut matrix = Mat::<f64>::zeros(width, width);
        matmul(
            &mut matrix,
            Accum::Replace,
            z.transpose(),
            z,
            1.0 / freedom,
            Par::Seq,
        );
        let mut intensity = match shrinkage {
            Shrinkage::Fixed(intensity) => intensity,
            Shrinkage::None => 0.0,
            Shrinkage::Auto if freedom >= 4.0 * width as f64 => 0.0,
            Shrinkage::Auto | Shrinkage::LedoitWolf => ledoit_wolf(rows, &matrix, freedom),
        };
        let trace: f64 = (0..width).map(|k| matrix[(k, k)]).sum::<f64>() / width as f64;
        if !intensity.is_finite() {
            intensity = 1.0;
        }
        for column in 0..width {
            for row in 0..width {
                matrix[(row, column)] *= 1.0 - intensity;
            }
            matrix[(column, column)] += intensity * trace;
        }
        Self {
            matrix,
            intensity,
            freedom,
        }
    }

    /// log₂ det, less its expected error where nothing was shrunk; and whether it is singular.
    fn log_determinant(
        &self,
        range: std::ops::Range<usize>,
    ) -> Result<(f64, bool), EstimatorError> {
        let width = range.len();
        let part = self
            .matrix
            .submatrix(range.start, range.start, width, width)
            .to_owned();
        let values = eigenvalues(&part)?;
        let singular = values.iter().any(|&value| value < SINGULAR);
        let sum: f64 = values.iter().map(|value| value.max(SINGULAR).log2()).sum();
        let bias: f64 = if self.intensity == 0.0 && !singular && self.freedom >= width as f64 {
            let terms = (0..width).map(|i| digamma(0.5 * (self.freedom - i as f64)));
            terms.sum::<f64>() - width as f64 * (0.5 * self.freedom).ln()
        } else {
            0.0
        };
        Ok((sum - bias * std::f64::consts::LOG2_E, singular))
    }
}

/// Intensity towards a multiple of the identity: b²/d² with d² = |S − m I|², b² the mean squared
/// distance of the samples' own products from S over N, at most d².
fn ledoit_wolf(rows: &[f64], covariance: &Mat<f64>, freedom: f64) -> f64 {
    let width = covariance.nrows();
    let mut square = 0.0;
    for column in 0..width {
        for row in 0..width {
            square += covariance[(row, column)].powi(2);
        }
    }
    let trace: f64 = (0..width).map(|k| covariance[(k, k)]).sum();
    let distance = square - trace * trace / width as f64;
    // Σ |x x' − S|² = Σ |x|⁴ − N |S|², up to the freedom lost to means.
    let fourth: f64 = rows
        .chunks_exact(width)
        .map(|row| row.iter().map(|v| v * v).sum::<f64>().powi(2))
        .sum();
    let spread = (fourth / freedom - square).max(0.0) / freedom;
    if distance <= 0.0 {
        return 1.0;
    }
    (spread / distance).min(1.0)
}

impl Gaussian {
    /// The checked parameters.
    pub fn params(&self) -> &GaussianParams {
        &self.params
    }

    fn between(
        &self,
        pair: &Pair<'_>,
        first: Standardised,
        other: Samples<'_>,
    ) -> Result<Point, EstimatorError> {
        let n = pair.n_samples();
        let (second, constant) = Standardised::new(other);
        let mut point = Point::of(pair, 0.0);
        point.ceiling = BITS_A_CORRELATION * first.width.min(second.width) as f64;
        point.saturated = false;
        point.chosen.insert(
            "constant_columns".into(),
            json!(constant + pair.vectors().width() - first.width),
        );
        if first.width == 0 || second.width == 0 {
            return Ok(point);
        }
        let joint = first.beside(&second);
        let (split, width) = (first.width, joint.width);
        let covariance = Covariance::new(&joint.data, width, n as f64 - 1.0, self.params.shrinkage);
        let (whole, singular) = covariance.log_determinant(0..width)?;
        let (one, one_singular) = covariance.log_determinant(0..split)?;
        let (two, two_singular) = covariance.log_determinant(split..width)?;
        point.value = 0.5 * (one + two - whole);
        point.saturated = singular || one_singular || two_singular || n <= width + 1;
        point
            .chosen
            .insert("shrinkage".into(), json!(covariance.intensity));
        Ok(point)
    }

    fn about_classes(
        &self,
        pair: &Pair<'_>,
        vectors: Standardised,
        labels: &Labels,
    ) -> Result<Point, EstimatorError> {
        let n = pair.n_samples();
        let lone = labels.counts().iter().filter(|&&count| count == 1).count();
        if lone == n {
            return Err(EstimatorError::lone(labels));
        }
        let mut point = Point::of(pair, 0.0);
        point.bracket = Some([0.0; 2]);
        if vectors.width == 0 || labels.n_classes() == 1 {
            return Ok(point);
        }
        let freedom = (n - labels.n_classes()).max(1) as f64;
        let (whitened, means, intensity) = self.whiten(&vectors, labels, freedom)?;
        let width = vectors.width;
        let (mut fitted, mut left_out) = (0.0, 0.0);
        for (row, &class) in whitened.chunks_exact(width).zip(labels.dense()) {
            let size = labels.counts()[class] as f64;
            if size < 2.0 {
                continue;
            }
            let own: Vec<f64> = row
                .iter()
                .zip(&means[class * width..][..width])
                .map(|(v, m)| v - m)
                .collect();
            let square: f64 = own.iter().map(|v| v * v).sum();
            // Leaving the row out takes size/(size − 1) u u' from the sum of squares W, so that
            // v' W⁻¹ v grows by c (v' W⁻¹ u)² / (1 − c u' W⁻¹ u).
            let share = size / (size - 1.0) / freedom * (1.0 - intensity);
            let growth = share / (1.0 - share * square).max(SINGULAR);
            let unfreed = (freedom - 1.0).max(1.0) / freedom;
            let mut densities = [f64::NEG_INFINITY; 2].map(|_| Vec::new());
            for (k, mean) in means.chunks_exact(width).enumerate() {
                let (mut distance, mut product) = (0.0, 0.0);
                for ((v, m), u) in row.iter().zip(mean).zip(&own) {
                    distance += (v - m) * (v - m);
                    product += (v - m) * u;
                }
                let count = labels.counts()[k] as f64;
                densities[0].push((count / n as f64).ln() - 0.5 * distance);
                let (stretch, count) = if k == class {
                    (size / (size - 1.0), count - 1.0)
                } else {
                    (1.0, count)
                };
                let distance = distance + growth * product * product;
                densities[1].push(
                    (count / (n as f64 - 1.0)).ln() - 0.5 * distance * stretch * stretch * unfreed,
                );
            }
            let ratio = |logs: &[f64], share: f64| {
                let largest = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let sum: f64 = logs.iter().map(|l| (l - largest).exp()).sum();
                logs[class] - largest - sum.ln() - share.ln()
            };
            fitted += ratio(&densities[0], size / n as f64);
            left_out += ratio(&densities[1], size / n as f64);
        }
        let scale = std::f64::consts::LOG2_E / (n - lone) as f64;
        let (fitted, left_out) = (fitted * scale, left_out * scale);
        point.value = 0.5 * (fitted + left_out);
        let bracket = [fitted.min(left_out), fitted.max(left_out)];
        point.bracket = Some(bracket);
        point.saturated = Estimate::is_saturated(bracket, point.ceiling, true);
        point.chosen.insert("shrinkage".into(), json!(intensity));
        Ok(point)
    }

    /// Rows and class means in the coordinates in which the pooled covariance is the identity, and the
    /// shrinkage.
    fn whiten(
        &self,
        vectors: &Standardised,
        labels: &Labels,
        freedom: f64,
    ) -> Result<(Vec<f64>, Vec<f64>, f64), EstimatorError> {
        let width = vectors.width;
        let class_means = |data: &[f64]| {
            let mut means = vec![0.0; labels.n_classes() * width];
            for (row, &class) in data.chunks_exact(width).zip(labels.dense()) {
                let share = 1.0 / labels.counts()[class] as f64;
                let mean = &mut means[class * width..][..width];
                mean.iter_mut().zip(row).for_each(|(m, v)| *m += v * share);
            }
            means
        };
        let means = class_means(&vectors.data);
        let centred: Vec<f64> = vectors
            .data
            .chunks_exact(width)
            .zip(labels.dense())
            .flat_map(|(row, &class)| {
                let mean = &means[class * width..][..width];
                row.iter().zip(mean).map(|(v, m)| v - m)
            })
            .collect();
        let covariance = Covariance::new(&centred, width, freedom, self.params.shrinkage);
        let (values, mut axes) = eigen(&covariance.matrix)?;
        for (k, value) in values.iter().enumerate() {
            let factor = 1.0 / value.max(SINGULAR).sqrt();
            for row in 0..width {
                axes[(row, k)] *= factor;
            }
        }
        let n = labels.n_samples();
        let mut whitened = Mat::<f64>::zeros(n, width);
        matmul(
            &mut whitened,
            Accum::Replace,
            MatRef::from_row_major_slice(&vectors.data, n, width),
            &axes,
            1.0,
            Par::Seq,
        );
        let rows: Vec<f64> = (0..n)
            .flat_map(|i| (0..width).map(move |k| (i, k)))
            .map(|index| whitened[index])
            .collect();
        let means = class_means(&rows);
        Ok((rows, means, covariance.intensity))
    }
}

impl Estimator for Gaussian {
    fn name(&self) -> &'static str {
        "gaussian"
    }

    fn parameters(&self) -> Parameters {
        [("shrinkage".to_owned(), json!(self.params.shrinkage))].into()
    }

    /// There are no random draws: the seed changes nothing.
    fn point(&self, pair: &Pair<'_>, _seed: u64) -> Result<Point, EstimatorError> {
        let (vectors, _) = Standardised::new(pair.vectors());
        match pair.about() {
            About::Vectors(other) => self.between(pair, vectors, other),
            About::Classes(labels) => self.about_classes(pair, vectors, labels),
            About::Identity => Err(EstimatorError::Unsupported {
                estimator: "gaussian",
                what: "the information about the samples' identity",
                instead: "gaussian-channel, kde, renyi and binned have one",
            }),
        }
    }

    /// −∞ where a column is constant.
    fn entropy(&self, vectors: Samples<'_>, _seed: u64) -> Result<f64, EstimatorError> {
        let (standardised, constant) = Standardised::new(vectors);
        if constant > 0 {
            return Ok(f64::NEG_INFINITY);
        }
        let width = standardised.width;
        let freedom = vectors.n_samples() as f64 - 1.0;
        let covariance = Covariance::new(&standardised.data, width, freedom, self.params.shrinkage);
        let (log_determinant, _) = covariance.log_determinant(0..width)?;
        let unit = (std::f64::consts::TAU * std::f64::consts::E).log2();
        Ok(0.5 * (width as f64 * unit + log_determinant) + standardised.log_scale)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tasks;

    fn gaussian(shrinkage: Shrinkage) -> Gaussian {
        GaussianParams { shrinkage }.check().unwrap()
    }

    fn mean_value(name: &str, n: usize, shrinkage: Shrinkage, draws: u64) -> (f64, f64) {
        let task = tasks::all().into_iter().find(|t| t.name == name).unwrap();
        let sum: f64 = (0..draws)
            .map(|seed| {
                let data = task.sample(n, seed);
                let pair = data.pair().unwrap();
                gaussian(shrinkage).point(&pair, 0).unwrap().value
            })
            .sum();
        (sum / draws as f64, task.truth)
    }

    #[test]
    fn gaussian_tasks_are_without_bias() {
        for (name, n, tolerance) in [
            ("normal-1", 200, 0.03),
            ("normal-dense-5", 200, 0.05),
            ("normal-sparse-10", 200, 0.06),
            ("normal-sparse-50", 2_000, 0.05),
            ("independent-20", 300, 0.03),
        ] {
            let (found, truth) = mean_value(name, n, Shrinkage::Auto, 20);
            assert!((found - truth).abs() < tolerance, "{name}: {found} {truth}");
        }
    }

    #[test]
    fn the_correction_is_what_makes_it_so() {
        let (corrected, truth) = mean_value("independent-20", 300, Shrinkage::None, 5);
        let (uncorrected, _) = mean_value("independent-20", 300, Shrinkage::Fixed(1e-9), 5);
        assert!((corrected - truth).abs() < 0.1 && uncorrected > 0.8);
    }

    /// The middle is nearer to the truth than either end, with few samples a class too.
    #[test]
    fn classes_of_one_covariance_are_told_without_bias() {
        for (name, n, tolerance) in [
            ("mixture-2", 400, 0.04),
            ("mixture-10", 400, 0.04),
            ("mixture-50", 1_000, 0.06),
            ("independent-5-classes-10", 300, 0.04),
        ] {
            let task = tasks::all().into_iter().find(|t| t.name == name).unwrap();
            let mut sums = [0.0; 3];
            for seed in 0..10 {
                let data = task.sample(n, seed);
                let found = gaussian(Shrinkage::Auto)
                    .point(&data.pair().unwrap(), 0)
                    .unwrap();
                let [low, high] = found.bracket.unwrap();
                for (sum, value) in sums.iter_mut().zip([low, found.value, high]) {
                    *sum += value / 10.0;
                }
            }
            let [low, middle, high] = sums;
            assert!(low < task.truth && task.truth < high, "{name} {low} {high}");
            assert!((middle - task.truth).abs() < tolerance, "{name} {middle}");
        }
    }

    /// Leaving out by the formula is leaving out.
    #[test]
    fn left_out_is_a_fit_without_the_sample() {
        let task = tasks::all()
            .into_iter()
            .find(|t| t.name == "mixture-2")
            .unwrap();
        let data = task.sample(30, 3);
        let labels = data.labels.as_ref().unwrap();
        let estimator = gaussian(Shrinkage::None);
        let [low, _] = estimator
            .point(&data.pair().unwrap(), 0)
            .unwrap()
            .bracket
            .unwrap();
        let mut sum = 0.0;
        let mut used = 0.0;
        for out in (0..30).filter(|&i| labels.counts()[labels.dense()[i]] > 1) {
            let members =
                |class: usize| (0..30).filter(move |&i| i != out && labels.dense()[i] == class);
            let x = |i: usize| [data.vectors[2 * i], data.vectors[2 * i + 1]];
            let mut means = Vec::new();
            let mut scatter = [0.0; 3];
            for class in 0..labels.n_classes() {
                let count = members(class).count() as f64;
                let mean = [0, 1].map(|k| members(class).map(|i| x(i)[k]).sum::<f64>() / count);
                for i in members(class) {
                    let d = [x(i)[0] - mean[0], x(i)[1] - mean[1]];
                    scatter[0] += d[0] * d[0];
                    scatter[1] += d[0] * d[1];
                    scatter[2] += d[1] * d[1];
                }
                means.push((mean, count));
            }
            let freedom = 29.0 - labels.n_classes() as f64;
            let s = scatter.map(|v| v / freedom);
            let determinant = s[0] * s[2] - s[1] * s[1];
            let weights: Vec<f64> = means
                .iter()
                .map(|(mean, count)| {
                    let d = [x(out)[0] - mean[0], x(out)[1] - mean[1]];
                    let square = (s[2] * d[0] * d[0] - 2.0 * s[1] * d[0] * d[1]
                        + s[0] * d[1] * d[1])
                        / determinant;
                    count / 29.0 * (-0.5 * square).exp()
                })
                .collect();
            let class = labels.dense()[out];
            let prior = labels.counts()[class] as f64 / 30.0;
            sum += (weights[class] / weights.iter().sum::<f64>() / prior).log2();
            used += 1.0;
        }
        assert!((low - sum / used).abs() < 1e-9, "{low} {}", sum / used);
    }

    #[test]
    fn linear_maps_change_nothing() {
        let task = tasks::all()
            .into_iter()
            .find(|t| t.name == "normal-dense-3")
            .unwrap();
        let data = task.sample(300, 1);
        let estimator = gaussian(Shrinkage::Auto);
        let before = estimator.point(&data.pair().unwrap(), 0).unwrap().value;
        let mapped: Vec<f64> = data
            .vectors
            .chunks_exact(3)
            .rev()
            .flat_map(|v| [2.0 * v[0] - v[1], v[1] + 5.0 * v[2] + 1.0, v[2]])
            .collect();
        let (other, width) = data.other.as_ref().unwrap();
        let other: Vec<f64> = other.rchunks_exact(*width).flatten().copied().collect();
        let first = Samples::from_f64(&mapped, 300, 3).unwrap();
        let second = Samples::from_f64(&other, 300, *width).unwrap();
        let pair = Pair::new(first, About::Vectors(second)).unwrap();
        let swapped = Pair::new(second, About::Vectors(first)).unwrap();
        for pair in [pair, swapped] {
            let after = estimator.point(&pair, 0).unwrap().value;
            assert!((after - before).abs() < 1e-9, "{after} {before}");
        }
    }

    #[test]
    fn entropy_is_the_closed_form() {
        let task = tasks::all()
            .into_iter()
            .find(|t| t.name == "independent-5")
            .unwrap();
        let data = task.sample(4_000, 1);
        let scaled: Vec<f64> = data.vectors.iter().map(|v| v * 8.0).collect();
        let samples = Samples::from_f64(&scaled, 4_000, 5).unwrap();
        let found = gaussian(Shrinkage::Auto).entropy(samples, 0).unwrap();
        let unit = 0.5 * (std::f64::consts::TAU * std::f64::consts::E).log2();
        assert!((found - 5.0 * (unit + 3.0)).abs() < 0.08, "{found}");
    }

    #[test]
    fn bad_cases_are_flagged_or_refused() {
        let task = tasks::all()
            .into_iter()
            .find(|t| t.name == "deterministic-tanh")
            .unwrap();
        let data = task.sample(60, 1);
        let pair = data.pair().unwrap();
        let found = gaussian(Shrinkage::Auto).point(&pair, 0).unwrap();
        assert!(found.saturated && found.value.is_finite());
        let first = pair.vectors();
        let copy = Pair::new(first, About::Vectors(first)).unwrap();
        let found = gaussian(Shrinkage::None).point(&copy, 0).unwrap();
        assert!(found.saturated && found.value > 50.0);
        let constant = vec![0.1; 60];
        let constant = Samples::from_f64(&constant, 60, 1).unwrap();
        let pair = Pair::new(first, About::Vectors(constant)).unwrap();
        let found = gaussian(Shrinkage::Auto).point(&pair, 0).unwrap();
        assert_eq!((found.value, found.saturated), (0.0, false));
        let pair = Pair::new(first, About::Identity).unwrap();
        assert!(gaussian(Shrinkage::Auto).point(&pair, 0).is_err());
        let alone = Labels::new(&(0..60).collect::<Vec<u32>>()).unwrap();
        let pair = Pair::new(first, About::Classes(&alone)).unwrap();
        assert!(gaussian(Shrinkage::Auto).point(&pair, 0).is_err());
        assert!(
            GaussianParams {
                shrinkage: Shrinkage::Fixed(2.0)
            }
            .check()
            .is_err()
        );
    }
}
