//! `probe`: the class information that a small classifier finds, a lower bound.
//!
//! ```text
//! I(X;Y) ≥ H(Y) − E[−log q(Y|X)]
//! ```
//!
//! for any distribution q(y|x) that does not depend on the samples it is judged on, with equality
//! for the true one (Barber and Agakov 2003). q is a softmax regression, of two strengths of weight
//! decay, or a network of one hidden layer. Samples are divided into folds; for each, the models are
//! fitted to a training part of the other folds, stopped early and chosen by a validation part, which
//! also chooses how much weight the model's evidence gets beside the class shares (0 for a model that
//! knows nothing), and judged on the fold itself. So every sample is judged once, by a model that
//! never met it, and none is used to choose the model that judges it.
//!
//! **Assumes** independent samples: copies on both sides of a fold make a model look good.
//! **Bias**: downwards, by what the models can't express or learn from 2/3 of the samples; upwards
//! only by noise. Next to none for well separated classes, in any dimension.
//! **Ceiling**: H(Y). **Constant vectors** have 0 bits, exactly, as has one class alone. A class
//! met in one fold only has its share's probability of half a sample. **Cost**: some 10³ to 10⁴ steps of
//! a batch, batch · (d + classes) · hidden multiply-adds each, once for the estimate and its interval and
//! once a permutation; memory 4 N d bytes.
//!
//! **Interval.** The value is a mean of held-out terms, one a sample, so its value on a half of the
//! samples is the mean of the half's terms with the half's own H(Y); nothing is fitted again. Such an
//! interval is that of the bound which the fitted models attain (Bayle et al. 2020, "Cross-validation
//! confidence intervals for test error"); what another training set would have taught them is not in
//! it, as the distance to the truth is not.
//!
//! *Reference*: D. Barber and F. Agakov, "The IM algorithm", NeurIPS 2003; early use as a measure of
//! representations: G. Alain and Y. Bengio, arXiv 1610.01644 (2016).

use std::f64::consts::LOG2_E;

use serde::{Deserialize, Serialize};

use crate::estimator::{assembled, permuted};
use crate::ksg::identity;
use crate::network::{Classifier, Fold, Inputs, Network, Training, folds, train};
use crate::parallel;
use crate::resample::on_halves;
use crate::ross::resolved;
use crate::{
    About, Estimate, Estimator, EstimatorError, Labels, Pair, Parameters, Point, Resampling,
};

/// Learning rate: two to three times that of the encoders, which these shallow models bear.
const RATE: f32 = 5e-3;

/// Weights of the evidence that validation chooses from; below 1 for a model too sure of itself.
pub(crate) const EVIDENCE_WEIGHTS: [f32; 9] = [0.0, 0.1, 0.25, 0.5, 0.7, 0.85, 1.0, 1.2, 1.5];

/// Unchecked parameters of [`Probe`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProbeParams {
    /// Units of the hidden layer, from 1 to 4096. Default 64.
    pub hidden: usize,
    /// Folds, from 2 to 20. Default 5.
    pub folds: usize,
    /// Samples in a training batch, from 1. Default 128.
    pub batch: usize,
    /// Most passes over the training samples, from 1. Default 60.
    pub rounds: usize,
}

impl Default for ProbeParams {
    fn default() -> Self {
        Self {
            hidden: 64,
            folds: 5,
            batch: 128,
            rounds: 60,
        }
    }
}

impl ProbeParams {
    /// Checks the parameters.
    ///
    /// # Errors
    /// For the first parameter outside of its range.
    pub fn check(self) -> Result<Probe, EstimatorError> {
        check_range("hidden", self.hidden, 1..=4096, "from 1 to 4096")?;
        check_range("folds", self.folds, 2..=20, "from 2 to 20")?;
        check_range("batch", self.batch, 1..=usize::MAX, "at least 1")?;
        check_range("rounds", self.rounds, 1..=usize::MAX, "at least 1")?;
        Ok(Probe { params: self })
    }
}

/// Refuses a whole number outside of a range.
pub(crate) fn check_range(
    name: &'static str,
    value: usize,
    range: std::ops::RangeInclusive<usize>,
    allowed: &'static str,
) -> Result<(), EstimatorError> {
    if range.contains(&value) {
        return Ok(());
    }
    Err(EstimatorError::Parameter {
        name,
        value: value.to_string(),
        allowed,
    })
}

/// Refuses a decay of weights outside of its range.
pub(crate) fn check_decay(value: f64) -> Result<(), EstimatorError> {
    if (0.0..=100.0).contains(&value) {
        return Ok(());
    }
    Err(EstimatorError::Parameter {
        name: "weight_decay",
        value: value.to_string(),
        allowed: "from 0 to 100",
    })
}

/// Refuses fewer samples than make folds of two and parts to train on.
pub(crate) fn check_folds(n: usize, folds: usize) -> Result<(), EstimatorError> {
    let minimum = 2 * folds.max(4);
    if n >= minimum {
        return Ok(());
    }
    Err(EstimatorError::TooFewSamples { found: n, minimum })
}

/// Fewer replicates than other families, whose replicates train no networks.
pub(crate) fn few_replicates() -> Resampling {
    Resampling {
        subsamples: 20,
        permutations: 19,
        ..Resampling::default()
    }
}

/// The estimator `probe`, with checked parameters.
#[derive(Debug, Clone)]
pub struct Probe {
    params: ProbeParams,
}

/// The models that compete, simplest first.
const MODELS: [&str; 3] = ["softmax, decay 0.3", "softmax, decay 0.01", "hidden layer"];

/// What the models say of samples that they never met.
struct Judged {
    /// ln q(y|x) of each sample.
    log_probabilities: Vec<f64>,
    /// How many folds each of [`MODELS`] was chosen in.
    chosen: [usize; MODELS.len()],
}

impl Judged {
    /// H(Y) − E[−log q(Y|X)] in nats of the samples with these labels, whose log probabilities these are.
    fn bound(labels: &Labels, log_probabilities: impl Iterator<Item = f64>) -> f64 {
        let sum: f64 = log_probabilities.sum();
        labels.entropy() / LOG2_E + sum / labels.n_samples() as f64
    }

    fn point(&self, pair: &Pair<'_>, labels: &Labels) -> Point {
        let value = Self::bound(labels, self.log_probabilities.iter().copied());
        let folds = MODELS.iter().zip(self.chosen).filter(|(_, n)| *n > 0);
        let chosen = folds.map(|(name, n)| (format!("folds by {name}"), n.into()));
        resolved(pair, value, chosen.collect())
    }
}

impl Probe {
    /// Classes that vectors may tell about; an error for other partners.
    fn labels<'a>(&self, pair: &Pair<'a>) -> Result<&'a Labels, EstimatorError> {
        match pair.about() {
            About::Classes(labels) => Ok(labels),
            About::Vectors(_) => Err(EstimatorError::Unsupported {
                estimator: self.name(),
                what: "information about vectors",
                instead: "use infonce or latent",
            }),
            About::Identity => Err(identity(self.name())),
        }
    }

    /// Judges every sample; `None` where vectors are constant or there is one class.
    fn judged(
        &self,
        pair: &Pair<'_>,
        labels: &Labels,
        seed: u64,
    ) -> Result<Option<Judged>, EstimatorError> {
        let n = pair.n_samples();
        check_folds(n, self.params.folds)?;
        let inputs = Inputs::new(pair.vectors());
        if inputs.width() == 0 || labels.n_classes() == 1 {
            return Ok(None);
        }
        let folds = folds(n, self.params.folds, seed);
        let found = parallel::map_items(&folds, |fold| self.judge(&inputs, labels, fold, seed));
        let mut judged = Judged {
            log_probabilities: vec![f64::NAN; n],
            chosen: [0; MODELS.len()],
        };
        for (fold, (log, model)) in folds.iter().zip(found) {
            for (&sample, log) in fold.test.iter().zip(log) {
                judged.log_probabilities[sample] = log;
            }
            judged.chosen[model] += 1;
        }
        Ok(Some(judged))
    }

    /// ln q(y|x) of the fold's test samples, and which model was chosen.
    fn judge(&self, inputs: &Inputs, labels: &Labels, fold: &Fold, seed: u64) -> (Vec<f64>, usize) {
        let (classes, n_classes) = (labels.dense(), labels.n_classes());
        let training = Training {
            batch: self.params.batch,
            rounds: self.params.rounds,
            steps_a_round: 10,
            patience: 8,
        };
        let width = inputs.width();
        let fitted = (0..MODELS.len()).map(|index| {
            let mut rng = fold.rng(seed, index);
            let network = match index {
                0 => Network::new(&[width, n_classes], 0.3, &mut rng),
                1 => Network::new(&[width, n_classes], 0.01, &mut rng),
                _ => Network::new(&[width, self.params.hidden, n_classes], 0.05, &mut rng),
            };
            let network = network.with_last_layer_zero().with_rate(RATE);
            let model = Classifier::new(inputs, classes, n_classes, network, &fold.train);
            let (model, _) = train(model, training, &fold.train, &fold.validation, &mut rng);
            let evidence = model.evidence(&fold.validation);
            let scores = EVIDENCE_WEIGHTS.map(|weight| {
                let log = model.log_probabilities(&evidence, &fold.validation, weight);
                (log.iter().sum::<f64>(), weight)
            });
            let (score, weight) = scores.into_iter().fold((f64::NEG_INFINITY, 0.0), better);
            (score, index, weight, model)
        });
        let best = fitted.reduce(|best, next| if next.0 > best.0 { next } else { best });
        let Some((_, index, weight, model)) = best else {
            return (vec![f64::NAN; fold.test.len()], 0);
        };
        let evidence = model.evidence(&fold.test);
        let log = model.log_probabilities(&evidence, &fold.test, weight);
        (log, index)
    }
}

/// The higher score; of equals the first.
pub(crate) fn better(best: (f64, f32), next: (f64, f32)) -> (f64, f32) {
    if next.0 > best.0 { next } else { best }
}

impl Estimator for Probe {
    fn name(&self) -> &'static str {
        "probe"
    }

    fn parameters(&self) -> Parameters {
        [
            ("hidden".to_owned(), self.params.hidden.into()),
            ("folds".to_owned(), self.params.folds.into()),
            ("batch".to_owned(), self.params.batch.into()),
            ("rounds".to_owned(), self.params.rounds.into()),
        ]
        .into()
    }

    fn point(&self, pair: &Pair<'_>, seed: u64) -> Result<Point, EstimatorError> {
        let labels = self.labels(pair)?;
        let judged = self.judged(pair, labels, seed)?;
        Ok(judged.map_or_else(
            || resolved(pair, 0.0, Parameters::new()),
            |judged| judged.point(pair, labels),
        ))
    }

    /// Models are fitted to all samples and to permuted labels, and not to halves.
    fn estimate(
        &self,
        pair: &Pair<'_>,
        resampling: &Resampling,
    ) -> Result<Estimate, EstimatorError> {
        let labels = self.labels(pair)?;
        let Some(judged) = self.judged(pair, labels, resampling.seed)? else {
            let nothing = resolved(pair, 0.0, Parameters::new());
            let subsamples = vec![0.0; resampling.subsamples];
            let permuted = vec![0.0; resampling.permutations];
            return Ok(assembled(nothing, subsamples, permuted, None));
        };
        let subsamples = on_halves(pair.n_samples(), resampling, |rows, _| {
            let log = rows.iter().map(|&row| judged.log_probabilities[row]);
            Judged::bound(&labels.gather(rows), log) * LOG2_E
        });
        Ok(assembled(
            judged.point(pair, labels),
            subsamples,
            permuted(self, pair, resampling),
            None,
        ))
    }

    fn resampling(&self) -> Resampling {
        few_replicates()
    }
}
