//! `infonce`: a contrastive lower bound by a learned critic.
//!
//! ```text
//! I(X;Y) ≥ E[ log B − log Σ_{j ≤ B} exp(f(x_i, y_j) − f(x_i, y_i)) ]
//! ```
//!
//! over batches of B pairs, for any critic f that does not depend on the samples it is judged on. The
//! critic is f(x, y) = u(x)·v(y) with a small network on each side. It is fitted to both
//! directions (which y belongs to x, and which x to y), and the value is the mean of both bounds.
//! Samples are divided into folds; for each, the critic is fitted to a training part of the other
//! folds, stopped early by a validation part, which also chooses the weight of its scores (0 for one
//! that knows nothing), and judged on the fold itself, in batches of at most B. So every sample is
//! judged once, by a critic that never met it. Classes enter as vectors with a one at their place.
//!
//! **Assumes** independent samples. **Bias**: downwards, by what the critic can't express or learn,
//! and without limit once I(X;Y) nears log B. **Ceiling**: log₂ of the smallest batch that is judged
//! (about B, or a fold where that is smaller); H(Y) where that is less. Values near log₂ B are
//! flagged. **Constant sides** have 0 bits, exactly. **Cost**: some 10³ batches a fold, each
//! B (d + B) · hidden multiply-adds; memory 4 N d bytes.
//!
//! *Reference*: A. van den Oord, Y. Li and O. Vinyals, arXiv 1807.03748 (2018); B. Poole et al., "On
//! variational bounds of mutual information", ICML 2019 (arXiv 1905.06922), eq. 10.

use std::f64::consts::LOG2_E;

use serde::{Deserialize, Serialize};

use crate::ksg::identity;
use crate::network::{
    Fold, Inputs, Matrix, Model, Network, Training, exponentials, exponentials_of_differences,
    folds, train,
};
use crate::parallel;
use crate::probe::{
    EVIDENCE_WEIGHTS, better, check_decay, check_folds, check_range, few_replicates,
};
use crate::{About, Estimate, Estimator, EstimatorError, Pair, Parameters, Point, Resampling};

/// Unchecked parameters of [`InfoNce`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct InfoNceParams {
    /// Units of each hidden layer, from 1 to 4096. Default 64.
    pub hidden: usize,
    /// Length of u(x) and v(y), from 1 to 1024. Default 32.
    pub embedding: usize,
    /// Pairs in a batch, from 2 to 4096. Default 256.
    pub batch: usize,
    /// Folds, from 2 to 20. Default 5.
    pub folds: usize,
    /// Most passes over the training samples, from 1. Default 60.
    pub rounds: usize,
    /// Decay of weights, per unit of learning rate, from 0 to 100. Default 0.7, at
    /// which little is lost to overfitting on thousands of samples; much above, weak dependence is
    /// lost.
    pub weight_decay: f64,
}

impl Default for InfoNceParams {
    fn default() -> Self {
        Self {
            hidden: 64,
            embedding: 32,
            batch: 256,
            folds: 5,
            rounds: 60,
            weight_decay: 0.7,
        }
    }
}

impl InfoNceParams {
    /// Checks the parameters.
    ///
    /// # Errors
    /// For the first parameter outside of its range.
    pub fn check(self) -> Result<InfoNce, EstimatorError> {
        check_range("hidden", self.hidden, 1..=4096, "from 1 to 4096")?;
        check_range("embedding", self.embedding, 1..=1024, "from 1 to 1024")?;
        check_range("batch", self.batch, 2..=4096, "from 2 to 4096")?;
        check_range("folds", self.folds, 2..=20, "from 2 to 20")?;
        check_range("rounds", self.rounds, 1..=usize::MAX, "at least 1")?;
        check_decay(self.weight_decay)?;
        Ok(InfoNce { params: self })
    }
}

/// The estimator `infonce`, with checked parameters.
#[derive(Debug, Clone)]
pub struct InfoNce {
    params: InfoNceParams,
}

#[derive(Clone)]
struct Critic<'a> {
    inputs: [&'a Inputs; 2],
    networks: [Network; 2],
    batch: usize,
}

/// Scores of every x with every y of a batch, after which row and column maxima and sums are known.
struct Scores {
    values: Matrix,
    log_rows: Vec<f32>,
    log_columns: Vec<f32>,
}

impl Scores {
    fn new(u: &Matrix, v: &Matrix, weight: f32) -> Self {
        let mut values = Matrix::product(u.view(), v.view().transpose());
        values.data.iter_mut().for_each(|score| *score *= weight);
        let n = values.rows;
        let mut copy = values.data.clone();
        let log_rows = copy
            .chunks_exact_mut(n)
            .map(|row| {
                let largest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                largest + exponentials(row, largest).ln()
            })
            .collect();
        let mut largest = vec![f32::NEG_INFINITY; n];
        for row in values.data.chunks_exact(n) {
            for (largest, &score) in largest.iter_mut().zip(row) {
                *largest = largest.max(score);
            }
        }
        let mut sums = vec![0.0_f32; n];
        copy.copy_from_slice(&values.data);
        for row in copy.chunks_exact_mut(n) {
            exponentials_of_differences(row, &largest);
            sums.iter_mut()
                .zip(&*row)
                .for_each(|(sum, term)| *sum += term);
        }
        let log_columns = largest
            .iter()
            .zip(sums)
            .map(|(l, sum)| l + sum.ln())
            .collect();
        Self {
            values,
            log_rows,
            log_columns,
        }
    }

    /// Σ over pairs of log B less the mean of both losses.
    fn bound(&self) -> f64 {
        let n = self.values.rows;
        let losses: f64 = (0..n)
            .map(|i| {
                let own = self.values.row(i)[i];
                f64::from(0.5 * (self.log_rows[i] + self.log_columns[i]) - own)
            })
            .sum();
        n as f64 * (n as f64).ln() - losses
    }
}

/// Runs of `samples` of about equal length, at most `batch`.
fn batches(samples: &[usize], batch: usize) -> impl Iterator<Item = &[usize]> {
    let count = samples.len().div_ceil(batch);
    (0..count).map(move |index| {
        &samples[index * samples.len() / count..(index + 1) * samples.len() / count]
    })
}

impl Critic<'_> {
    /// The bound on samples, summed over them, at each weight of the scores.
    fn bounds<const W: usize>(&self, samples: &[usize], weights: [f32; W]) -> [f64; W] {
        let mut sums = [0.0; W];
        for batch in batches(samples, self.batch) {
            let [u, v] = [0, 1].map(|side| {
                self.networks[side]
                    .forward(self.inputs[side].gather(batch))
                    .output
            });
            for (sum, weight) in sums.iter_mut().zip(weights) {
                *sum += Scores::new(&u, &v, weight).bound();
            }
        }
        sums
    }
}

impl Model for Critic<'_> {
    fn step(&mut self, batch: &[usize]) {
        let [u, v] =
            [0, 1].map(|side| self.networks[side].forward(self.inputs[side].gather(batch)));
        let scores = Scores::new(&u.output, &v.output, 1.0);
        let n = batch.len();
        let scale = 0.5 / n as f32;
        let mut gradient = scores.values.clone();
        let mut by_column = vec![0.0; n];
        for i in 0..n {
            let row = gradient.row_mut(i);
            by_column.copy_from_slice(row);
            exponentials(row, scores.log_rows[i]);
            exponentials_of_differences(&mut by_column, &scores.log_columns);
            for (by_row, by_column) in row.iter_mut().zip(&by_column) {
                *by_row = scale * (*by_row + by_column);
            }
            row[i] -= 2.0 * scale;
        }
        let by_u = Matrix::product(gradient.view(), v.output.view());
        let by_v = Matrix::product(gradient.view().transpose(), u.output.view());
        self.networks[0].backward(&u, by_u, false);
        self.networks[1].backward(&v, by_v, false);
    }

    fn loss(&self, samples: &[usize]) -> f64 {
        -self.bounds(samples, [1.0])[0] / samples.len() as f64
    }
}

impl InfoNce {
    /// The bound summed over the fold's test samples, in nats.
    fn judge(&self, inputs: [&Inputs; 2], fold: &Fold, seed: u64) -> f64 {
        let params = &self.params;
        let mut rng = fold.rng(seed, 0);
        let networks = inputs.map(|side| {
            let sizes = [side.width(), params.hidden, params.hidden, params.embedding];
            Network::new(&sizes, params.weight_decay as f32, &mut rng)
        });
        let critic = Critic {
            inputs,
            networks,
            batch: params.batch,
        };
        let training = Training {
            batch: params.batch,
            rounds: params.rounds,
            steps_a_round: 20,
            patience: 8,
        };
        let (critic, _) = train(critic, training, &fold.train, &fold.validation, &mut rng);
        let scores = critic.bounds(&fold.validation, EVIDENCE_WEIGHTS);
        let (_, weight) = scores
            .into_iter()
            .zip(EVIDENCE_WEIGHTS)
            .fold((f64::NEG_INFINITY, 0.0), better);
        critic.bounds(&fold.test, [weight])[0]
    }
}

impl Estimator for InfoNce {
    fn name(&self) -> &'static str {
        "infonce"
    }

    fn parameters(&self) -> Parameters {
        [
            ("hidden".to_owned(), self.params.hidden.into()),
            ("embedding".to_owned(), self.params.embedding.into()),
            ("batch".to_owned(), self.params.batch.into()),
            ("folds".to_owned(), self.params.folds.into()),
            ("rounds".to_owned(), self.params.rounds.into()),
            ("weight_decay".to_owned(), self.params.weight_decay.into()),
        ]
        .into()
    }

    fn point(&self, pair: &Pair<'_>, seed: u64) -> Result<Point, EstimatorError> {
        let n = pair.n_samples();
        let other = match pair.about() {
            About::Vectors(other) => Inputs::new(other),
            About::Classes(labels) => Inputs::one_hot(labels.dense(), labels.n_classes()),
            About::Identity => return Err(identity(self.name())),
        };
        check_folds(n, self.params.folds)?;
        let first = Inputs::new(pair.vectors());
        let folds = folds(n, self.params.folds, seed);
        let smallest = folds
            .iter()
            .flat_map(|fold| batches(&fold.test, self.params.batch).map(<[usize]>::len))
            .min()
            .unwrap_or(1);
        let log_batch = (smallest as f64).log2();
        // H(Y) may be reached truly; log₂ B says that more can't be seen.
        let (ceiling, resolves) = match pair.about() {
            About::Classes(labels) if labels.entropy() < log_batch => (labels.entropy(), true),
            _ => (log_batch, false),
        };
        let value = if first.width() == 0 || other.width() == 0 {
            0.0
        } else {
            let bounds =
                parallel::map_items(&folds, |fold| self.judge([&first, &other], fold, seed));
            bounds.iter().sum::<f64>() / n as f64 * LOG2_E
        };
        Ok(Point {
            ceiling,
            saturated: Estimate::is_saturated([value; 2], ceiling, resolves),
            ..Point::of(pair, value)
        })
    }

    fn resampling(&self) -> Resampling {
        few_replicates()
    }
}
