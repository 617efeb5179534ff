//! Tasks whose information is known, for checking the estimators.
//!
//! [`all`] lists them; each draws any number of samples from a seed. [`GaussianClusters`] and
//! [`GaussianVectors`] are those of the Gaussian channel, whose truth depends on the noise.

mod clusters;
mod deterministic;
mod gaussian;
mod images;
mod mixed;
mod mixture;
mod normal;
mod student;

pub use clusters::GaussianClusters;
pub use gaussian::GaussianVectors;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::{About, EstimatorError, Labels, Pair, Samples};

/// Every task, families together.
pub fn all() -> Vec<Task> {
    [
        normal::tasks(),
        student::tasks(),
        mixed::tasks(),
        mixture::tasks(),
        images::tasks(),
        deterministic::tasks(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// A distribution of pairs whose mutual information is known.
pub struct Task {
    /// Its name, unique in [`all`].
    pub name: String,
    /// Length of the vectors.
    pub width: usize,
    /// What the vectors tell about.
    pub other: OtherSide,
    /// The mutual information in bits; infinite where one side is a function of the other, and the
    /// honest answer is a saturated one.
    pub truth: f64,
    /// How the truth is known.
    pub source: &'static str,
    sampler: Sampler,
}

/// What the vectors of a task tell about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OtherSide {
    /// Vectors of this length.
    Vectors(usize),
    /// This many classes.
    Classes(usize),
}

/// Draws one sample: appends its vector, and the other side's.
type Sampler = Box<dyn Fn(&mut ChaCha8Rng, &mut Vec<f64>, &mut Other) + Send + Sync>;

/// The other side of a task's samples.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Other {
    Vectors(Vec<f64>),
    Classes(Vec<u32>),
}

impl Other {
    fn push_all(&mut self, values: impl IntoIterator<Item = f64>) {
        if let Other::Vectors(data) = self {
            data.extend(values);
        }
    }

    fn push_class(&mut self, class: usize) {
        if let Other::Classes(classes) = self {
            classes.push(class as u32);
        }
    }
}

/// Samples of a task.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskData {
    /// Row-major `[n_samples, width]`.
    pub vectors: Vec<f64>,
    /// Length of a vector.
    pub width: usize,
    /// Number of samples.
    pub n_samples: usize,
    /// The other side's vectors, row-major, with their length.
    pub other: Option<(Vec<f64>, usize)>,
    /// The class of each sample.
    pub labels: Option<Labels>,
}

impl TaskData {
    /// The pair for an estimator.
    ///
    /// # Errors
    /// When there are fewer than [`crate::MIN_SAMPLES`] samples.
    pub fn pair(&self) -> Result<Pair<'_>, EstimatorError> {
        let vectors = Samples::from_f64(&self.vectors, self.n_samples, self.width)?;
        let about = match (&self.other, &self.labels) {
            (Some((data, width)), _) => {
                About::Vectors(Samples::from_f64(data, self.n_samples, *width)?)
            }
            (None, Some(labels)) => About::Classes(labels),
            (None, None) => About::Identity,
        };
        Pair::new(vectors, about)
    }
}

impl Task {
    /// Between vectors of two widths.
    fn of_vectors(
        name: impl Into<String>,
        widths: [usize; 2],
        truth_nats: f64,
        source: &'static str,
        draw: impl Fn(&mut ChaCha8Rng) -> (Vec<f64>, Vec<f64>) + Send + Sync + 'static,
    ) -> Self {
        Self {
            name: name.into(),
            width: widths[0],
            other: OtherSide::Vectors(widths[1]),
            truth: truth_nats * std::f64::consts::LOG2_E,
            source,
            sampler: Box::new(move |rng, vectors, other| {
                let (x, y) = draw(rng);
                vectors.extend(x);
                other.push_all(y);
            }),
        }
    }

    /// Between vectors and a class.
    fn of_classes(
        name: impl Into<String>,
        width: usize,
        classes: usize,
        truth_nats: f64,
        source: &'static str,
        draw: impl Fn(&mut ChaCha8Rng) -> (Vec<f64>, usize) + Send + Sync + 'static,
    ) -> Self {
        Self {
            name: name.into(),
            width,
            other: OtherSide::Classes(classes),
            truth: truth_nats * std::f64::consts::LOG2_E,
            source,
            sampler: Box::new(move |rng, vectors, other| {
                let (x, class) = draw(rng);
                vectors.extend(x);
                other.push_class(class);
            }),
        }
    }

    /// `n` independent samples; the first samples of a longer draw are those of a shorter one.
    pub fn sample(&self, n: usize, seed: u64) -> TaskData {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut vectors = Vec::with_capacity(n * self.width);
        let mut other = match self.other {
            OtherSide::Vectors(width) => Other::Vectors(Vec::with_capacity(n * width)),
            OtherSide::Classes(_) => Other::Classes(Vec::with_capacity(n)),
        };
        for _ in 0..n {
            (self.sampler)(&mut rng, &mut vectors, &mut other);
        }
        let (other, labels) = match (other, self.other) {
            (Other::Vectors(data), OtherSide::Vectors(width)) => (Some((data, width)), None),
            // Labels exist from one sample on; none are needed of an empty draw.
            (Other::Classes(classes), _) => (None, Labels::new(&classes).ok()),
            (Other::Vectors(_), OtherSide::Classes(_)) => (None, None),
        };
        TaskData {
            vectors,
            width: self.width,
            n_samples: n,
            other,
            labels,
        }
    }
}

impl std::fmt::Debug for Task {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Task")
            .field("name", &self.name)
            .field("width", &self.width)
            .field("other", &self.other)
            .field("truth", &self.truth)
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}

fn standard_normal(rng: &mut ChaCha8Rng) -> f64 {
    rand_distr::Distribution::sample(&rand_distr::StandardNormal, rng)
}

/// The distribution function of the standard normal.
fn normal_cdf(x: f64) -> f64 {
    0.5 * statrs::function::erf::erfc(-x * std::f64::consts::FRAC_1_SQRT_2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nats(name: &str) -> f64 {
        let task = all().into_iter().find(|task| task.name == name);
        task.unwrap_or_else(|| panic!("no task {name}")).truth * std::f64::consts::LN_2
    }

    /// Published figures: the benchmark of Czyż et al. (2023) for normals and Student's t, Gao et al.
    /// (2017) for the mixed pair.
    #[test]
    fn truths_are_the_published_ones() {
        for (name, published) in [
            ("normal-1", 0.4133),
            ("normal-sparse-2", 1.0217),
            ("normal-sparse-50", 1.0217),
            ("normal-dense-2", 0.2939),
            ("normal-dense-3", 0.4133),
            ("normal-dense-5", 0.5928),
            ("normal-dense-25", 1.2922),
            ("normal-dense-50", 1.6243),
            ("student-1-1", 0.2242),
            ("student-2-1", 0.4319),
            ("student-2-2", 0.1931),
            ("student-3-2", 0.2909),
            ("student-3-3", 0.1787),
            ("student-5-2", 0.4482),
            ("student-5-3", 0.2985),
            ("gao-uniform-5", 1.0549),
            ("additive-uniform-0.1", 1.7094),
            ("additive-uniform-0.75", 0.3333),
        ] {
            let found = nats(name);
            assert!((found - published).abs() < 5.1e-5, "{name}: {found}");
        }
    }

    #[test]
    fn names_differ_and_samples_are_finite_of_the_stated_shape_and_by_seed() {
        let tasks = all();
        let mut names: Vec<&str> = tasks.iter().map(|task| task.name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), tasks.len());
        for task in &tasks {
            let data = task.sample(40, 3);
            assert_eq!(data.vectors.len(), 40 * task.width, "{}", task.name);
            match task.other {
                OtherSide::Vectors(width) => {
                    assert_eq!(data.other.as_ref().unwrap().0.len(), 40 * width);
                }
                OtherSide::Classes(count) => {
                    let labels = data.labels.as_ref().unwrap();
                    assert_eq!(labels.n_samples(), 40);
                    assert!(labels.present().iter().all(|&c| (c as usize) < count));
                }
            }
            data.pair().unwrap();
            assert_eq!(data, task.sample(40, 3), "{}", task.name);
            assert_ne!(data.vectors, task.sample(40, 4).vectors, "{}", task.name);
            let longer = task.sample(41, 3);
            assert_eq!(data.vectors, longer.vectors[..data.vectors.len()]);
            assert!(task.truth >= 0.0);
        }
    }
}
