//! `latent`: both sides compressed by learned encoders, then `ksg1` on the codes (LMI); for classes
//! an encoder that predicts them, then `ross`.
//!
//! ```text
//! Î(X;Y) = Î_ksg(z(X); w(Y))
//! ```
//!
//! **Vectors.** The codes z and w are learned to predict each other's side and their own:
//! |y − ŷ(z)|² + |x − x̂(w)|² + r (|x − x̂(z)|² + |y − ŷ(w)|²), each over the number of coordinates. Two
//! recipes compete, r = 0 with strong weight decay and r = 0.1 with a weaker one; the one whose codes
//! of the validation samples share the most is taken. **Classes.** z has at most as many dimensions as there
//! are classes less one, and a softmax regression on it predicts the class.
//!
//! Samples are divided into folds; encoders are fitted to a training part of the other folds, stopped
//! early by a validation part, and the neighbours are those among the codes of the fold itself, which
//! no encoder met: codes of samples trained on would lie closer to their partners than they should.
//! The value is the mean of the folds' estimates, weighed by their samples.
//!
//! **Assumes** that what is shared can be seen in few dimensions, by prediction of one side's means
//! from the other. **Bias**: downwards, by what the codes lose (data processing) and by that of
//! `ksg1` in twice the code's dimensions with N/folds samples. **Ceiling**: that of `ksg1` for a
//! fold's samples; H(Y) for classes. **Constant sides** have 0 bits, exactly. **Cost**: some 10³
//! batches a fold, each of batch · d · hidden multiply-adds for six networks; memory 4 N d bytes.
//!
//! *Reference*: G. Gowri, X. Lun, A. Klein and P. Yin, "Approximating mutual information of
//! high-dimensional variables using learned representations", NeurIPS 2024 (arXiv 2409.02732). There r
//! is 1, and samples that encoders were fitted to may be estimated on.

use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::ksg::{Ksg1, Ksg1Params, identity};
use crate::neighbours::ColumnScale;
use crate::network::{Classifier, Fold, Inputs, Matrix, Model, Network, Training, folds, train};
use crate::parallel;
use crate::probe::{check_folds, check_range, few_replicates};
use crate::ross::{Ross, RossParams, resolved};
use crate::{
    About, Estimate, Estimator, EstimatorError, Labels, Pair, Parameters, Point, Resampling,
    Samples,
};

/// Unchecked parameters of [`Latent`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LatentParams {
    /// Dimensions of each code, from 1 to 64. Default 8.
    pub dimensions: usize,
    /// Units of each hidden layer, from 1 to 4096. Default 64.
    pub hidden: usize,
    /// Neighbours among the codes, from 1 to below the samples of a fold. Default 3.
    pub k: usize,
    /// Folds, from 2 to 20. Default 2.
    pub folds: usize,
    /// Samples in a training batch, from 1. Default 128.
    pub batch: usize,
    /// Most passes over the training samples, from 1. Default 60.
    pub rounds: usize,
}

impl Default for LatentParams {
    fn default() -> Self {
        Self {
            dimensions: 8,
            hidden: 64,
            k: 3,
            folds: 2,
            batch: 128,
            rounds: 60,
        }
    }
}

impl LatentParams {
    /// Checks the parameters.
    ///
    /// # Errors
    /// For the first parameter outside of its range.
    pub fn check(self) -> Result<Latent, EstimatorError> {
        check_range("dimensions", self.dimensions, 1..=64, "from 1 to 64")?;
        check_range("hidden", self.hidden, 1..=4096, "from 1 to 4096")?;
        check_range("folds", self.folds, 2..=20, "from 2 to 20")?;
        check_range("batch", self.batch, 1..=usize::MAX, "at least 1")?;
        check_range("rounds", self.rounds, 1..=usize::MAX, "at least 1")?;
        // Codes are scaled as a whole: a coordinate of little variance is one that predicts little.
        let (k, scale) = (self.k, ColumnScale::None);
        Ok(Latent {
            ksg: Ksg1Params { k, scale }.check()?,
            ross: RossParams { k, scale }.check()?,
            params: self,
        })
    }
}

/// How codes of vectors are learned.
#[derive(Debug, Clone, Copy)]
struct Recipe {
    /// Weight of a code's own side beside the other's.
    reconstruction: f32,
    /// Decay of weights, per unit of learning rate.
    decay: f32,
}

/// The first finds what few of many coordinates share, the second keeps what the other side's mean
/// does not show.
const RECIPES: [Recipe; 2] = [
    Recipe {
        reconstruction: 0.0,
        decay: 5.0,
    },
    Recipe {
        reconstruction: 0.1,
        decay: 2.0,
    },
];

/// Decay of weights for classes.
const CLASS_DECAY: f32 = 2.0;

/// The estimator `latent`, with checked parameters.
#[derive(Debug, Clone)]
pub struct Latent {
    params: LatentParams,
    ksg: Ksg1,
    ross: Ross,
}

/// An encoder of each side, and from each code a decoder to each side.
#[derive(Clone)]
struct Encoders<'a> {
    inputs: [&'a Inputs; 2],
    encoders: [Network; 2],
    /// `[code][side]`.
    decoders: [[Network; 2]; 2],
    reconstruction: f32,
}

impl Encoders<'_> {
    fn weight(&self, code: usize, side: usize) -> f32 {
        if code == side {
            self.reconstruction
        } else {
            1.0
        }
    }
}

impl Model for Encoders<'_> {
    fn step(&mut self, batch: &[usize]) {
        let sides = self.inputs.map(|side| side.gather(batch));
        for code in 0..2 {
            let encoded = self.encoders[code].forward(sides[code].clone());
            let mut by_code = Matrix::zeros(batch.len(), encoded.output.columns);
            for (side, truth) in sides.iter().enumerate() {
                let weight = self.weight(code, side);
                if weight == 0.0 {
                    continue;
                }
                let decoder = &mut self.decoders[code][side];
                let decoded = decoder.forward(encoded.output.clone());
                let mut gradient = decoded.output.clone();
                let scale = 2.0 * weight / gradient.data.len() as f32;
                for (g, truth) in gradient.data.iter_mut().zip(&truth.data) {
                    *g = scale * (*g - truth);
                }
                if let Some(found) = decoder.backward(&decoded, gradient, true) {
                    by_code
                        .data
                        .iter_mut()
                        .zip(found.data)
                        .for_each(|(sum, g)| *sum += g);
                }
            }
            self.encoders[code].backward(&encoded, by_code, false);
        }
    }

    fn loss(&self, samples: &[usize]) -> f64 {
        let sides = self.inputs.map(|side| side.gather(samples));
        let mut loss = 0.0;
        for code in 0..2 {
            let encoded = self.encoders[code].forward(sides[code].clone()).output;
            for (side, truth) in sides.iter().enumerate() {
                let weight = f64::from(self.weight(code, side));
                if weight == 0.0 {
                    continue;
                }
                let decoded = self.decoders[code][side].forward(encoded.clone()).output;
                let squares = decoded.data.iter().zip(&truth.data);
                let sum: f64 = squares.map(|(d, t)| f64::from(d - t).powi(2)).sum();
                loss += weight * sum / decoded.data.len() as f64;
            }
        }
        loss
    }
}

/// Codes in double precision, divided by their whole standard deviation.
fn scaled(codes: &Matrix) -> Vec<f64> {
    let (n, width) = (codes.rows as f64, codes.columns);
    let mut mean = vec![0.0; width];
    for row in codes.data.chunks_exact(width) {
        mean.iter_mut()
            .zip(row)
            .for_each(|(m, &v)| *m += f64::from(v) / n);
    }
    let centred = codes
        .data
        .chunks_exact(width)
        .flat_map(|row| row.iter().zip(&mean))
        .map(|(&v, m)| f64::from(v) - m);
    let mut centred: Vec<f64> = centred.collect();
    let deviation = (centred.iter().map(|v| v * v).sum::<f64>() / n).sqrt();
    if deviation > 0.0 {
        centred.iter_mut().for_each(|v| *v /= deviation);
    }
    centred
}

impl Latent {
    fn training(&self) -> Training {
        Training {
            batch: self.params.batch,
            rounds: self.params.rounds,
            steps_a_round: 20,
            patience: 8,
        }
    }

    /// `ksg1` on the codes of the fold's test samples, by the recipe whose codes of the validation
    /// samples share the most.
    fn of_vectors(
        &self,
        inputs: [&Inputs; 2],
        fold: &Fold,
        seed: u64,
    ) -> Result<(Point, usize), EstimatorError> {
        let mut best: Option<(f64, usize, Encoders<'_>)> = None;
        for (index, recipe) in RECIPES.into_iter().enumerate() {
            let encoders = self.encoders(inputs, fold, recipe, fold.rng(seed, index));
            // Too few validation samples for k neighbours leave the first recipe.
            let score = self
                .shared(&encoders, &fold.validation, seed)
                .map_or(f64::NEG_INFINITY, |point| point.value);
            if best.as_ref().is_none_or(|best| score > best.0) {
                best = Some((score, index, encoders));
            }
        }
        let Some((_, index, encoders)) = best else {
            return Err(identity(self.name()));
        };
        Ok((self.shared(&encoders, &fold.test, seed)?, index))
    }

    fn encoders<'a>(
        &self,
        inputs: [&'a Inputs; 2],
        fold: &Fold,
        recipe: Recipe,
        mut rng: ChaCha8Rng,
    ) -> Encoders<'a> {
        let params = &self.params;
        let dimensions = inputs.map(|side| side.width().min(params.dimensions));
        let encoders = [0, 1].map(|side| {
            let sizes = [inputs[side].width(), params.hidden, dimensions[side]];
            Network::new(&sizes, recipe.decay, &mut rng)
        });
        let decoders = [0, 1].map(|code| {
            [0, 1].map(|side| {
                let sizes = [dimensions[code], params.hidden, inputs[side].width()];
                Network::new(&sizes, recipe.decay, &mut rng).with_last_layer_zero()
            })
        });
        let model = Encoders {
            inputs,
            encoders,
            decoders,
            reconstruction: recipe.reconstruction,
        };
        let training = self.training();
        train(model, training, &fold.train, &fold.validation, &mut rng).0
    }

    /// `ksg1` on the codes of some samples.
    fn shared(
        &self,
        encoders: &Encoders<'_>,
        samples: &[usize],
        seed: u64,
    ) -> Result<Point, EstimatorError> {
        let codes = [0, 1].map(|side| {
            let inputs = encoders.inputs[side].gather(samples);
            encoders.encoders[side].forward(inputs).output
        });
        let scaled = [scaled(&codes[0]), scaled(&codes[1])];
        let [x, y] =
            [0, 1].map(|side| Samples::checked(&scaled[side], samples.len(), codes[side].columns));
        self.ksg.point(&Pair::new(x, About::Vectors(y))?, seed)
    }

    /// `ross` on the codes of the fold's test samples; `None` where no class has two of them.
    fn of_classes(
        &self,
        inputs: &Inputs,
        labels: &Labels,
        fold: &Fold,
        seed: u64,
    ) -> Result<Option<Point>, EstimatorError> {
        let n_classes = labels.n_classes();
        let dimensions = self.params.dimensions.min(n_classes - 1);
        let mut rng = fold.rng(seed, 0);
        let decay = CLASS_DECAY;
        let encoder = [inputs.width(), self.params.hidden, dimensions];
        let network = Network::new(&encoder, decay, &mut rng).then(Network::new(
            &[dimensions, n_classes],
            decay,
            &mut rng,
        ));
        let model = Classifier::new(inputs, labels.dense(), n_classes, network, &fold.train);
        let (model, _) = train(
            model,
            self.training(),
            &fold.train,
            &fold.validation,
            &mut rng,
        );
        let codes = scaled(&model.network.code(inputs.gather(&fold.test)));
        let labels = labels.gather(&fold.test);
        let samples = Samples::checked(&codes, fold.test.len(), dimensions);
        let pair = Pair::new(samples, About::Classes(&labels))?;
        match self.ross.point(&pair, seed) {
            Err(EstimatorError::LoneClasses { .. }) => Ok(None),
            point => point.map(Some),
        }
    }
}

impl Estimator for Latent {
    fn name(&self) -> &'static str {
        "latent"
    }

    fn parameters(&self) -> Parameters {
        [
            ("dimensions".to_owned(), self.params.dimensions.into()),
            ("hidden".to_owned(), self.params.hidden.into()),
            ("k".to_owned(), self.params.k.into()),
            ("folds".to_owned(), self.params.folds.into()),
            ("batch".to_owned(), self.params.batch.into()),
            ("rounds".to_owned(), self.params.rounds.into()),
        ]
        .into()
    }

    fn point(&self, pair: &Pair<'_>, seed: u64) -> Result<Point, EstimatorError> {
        let n = pair.n_samples();
        if matches!(pair.about(), About::Identity) {
            return Err(identity(self.name()));
        }
        check_folds(n, self.params.folds)?;
        let folds = folds(n, self.params.folds, seed);
        if let Some(fold) = folds.iter().find(|fold| fold.test.len() <= self.params.k) {
            return Err(EstimatorError::TooFewSamples {
                found: fold.test.len(),
                minimum: self.params.k + 1,
            });
        }
        let first = Inputs::new(pair.vectors());
        let mut chosen = Parameters::new();
        let points: Vec<Option<(Point, usize)>> = match pair.about() {
            About::Classes(labels) => {
                if first.width() == 0 || labels.n_classes() == 1 {
                    return Ok(resolved(pair, 0.0, Parameters::new()));
                }
                parallel::try_map_items(&folds, |fold| {
                    let point = self.of_classes(&first, labels, fold, seed)?;
                    Ok(point.map(|point| (point, fold.test.len())))
                })?
            }
            About::Vectors(other) => {
                let second = Inputs::new(other);
                if first.width() == 0 || second.width() == 0 {
                    return Ok(Point::of(pair, 0.0));
                }
                let found = parallel::try_map_items(&folds, |fold| {
                    self.of_vectors([&first, &second], fold, seed)
                })?;
                let recipes: Vec<f32> = found
                    .iter()
                    .map(|(_, recipe)| RECIPES[*recipe].reconstruction)
                    .collect();
                chosen.insert("reconstruction".to_owned(), recipes.into());
                let sizes = folds.iter().map(|fold| fold.test.len());
                found
                    .into_iter()
                    .zip(sizes)
                    .map(|((point, _), n)| Some((point, n)))
                    .collect()
            }
            About::Identity => return Err(identity(self.name())),
        };
        let points: Vec<(Point, usize)> = points.into_iter().flatten().collect();
        let total: usize = points.iter().map(|(_, n)| n).sum();
        if total == 0 {
            let About::Classes(labels) = pair.about() else {
                return Err(identity(self.name()));
            };
            return Err(EstimatorError::lone(labels));
        }
        let value = points
            .iter()
            .map(|(point, n)| point.value * *n as f64)
            .sum::<f64>()
            / total as f64;
        let lowest = points
            .iter()
            .map(|(p, _)| p.ceiling)
            .fold(f64::INFINITY, f64::min);
        let (ceiling, resolves) = match pair.about() {
            About::Classes(labels) => (labels.entropy(), true),
            _ => (lowest, false),
        };
        Ok(Point {
            ceiling,
            saturated: Estimate::is_saturated([value; 2], ceiling, resolves),
            chosen,
            ..Point::of(pair, value)
        })
    }

    fn resampling(&self) -> Resampling {
        few_replicates()
    }
}
