//! Small networks of dense layers, trained on a part of the samples and judged on another.
//!
//! Single precision, Adam (Kingma and Ba 2015) with decoupled weight decay (Loshchilov and Hutter
//! 2019), ReLU between layers, weights of He et al. 2015. Matrix products run on one thread, so that
//! results do not depend on how many there are; folds run in parallel.

mod exponential;
mod folds;
mod inputs;
mod softmax;
mod train;

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

pub(crate) use exponential::{exponentials, exponentials_of_differences};
pub(crate) use folds::{Fold, folds};
pub(crate) use inputs::Inputs;
pub(crate) use softmax::Classifier;
pub(crate) use train::{Model, Training, train};

/// Learning rate where none is given.
const RATE: f32 = 2e-3;

/// Rows of equal length, row-major.
#[derive(Debug, Clone, Default)]
pub(crate) struct Matrix {
    pub(crate) data: Vec<f32>,
    pub(crate) rows: usize,
    pub(crate) columns: usize,
}

impl Matrix {
    pub(crate) fn zeros(rows: usize, columns: usize) -> Self {
        Self {
            data: vec![0.0; rows * columns],
            rows,
            columns,
        }
    }

    pub(crate) fn row(&self, row: usize) -> &[f32] {
        &self.data[row * self.columns..][..self.columns]
    }

    pub(crate) fn row_mut(&mut self, row: usize) -> &mut [f32] {
        &mut self.data[row * self.columns..][..self.columns]
    }

    pub(crate) fn view(&self) -> MatRef<'_, f32> {
        MatRef::from_row_major_slice(&self.data, self.rows, self.columns)
    }

    fn view_mut(&mut self) -> MatMut<'_, f32> {
        MatMut::from_row_major_slice_mut(&mut self.data, self.rows, self.columns)
    }

    /// `left · right`.
    pub(crate) fn product(left: MatRef<'_, f32>, right: MatRef<'_, f32>) -> Self {
        let mut product = Self::zeros(left.nrows(), right.ncols());
        matmul(
            product.view_mut(),
            Accum::Replace,
            left,
            right,
            1.0,
            Par::Seq,
        );
        product
    }
}

/// Parameters with what Adam keeps of their gradients.
#[derive(Debug, Clone)]
struct Adam {
    values: Matrix,
    mean: Vec<f32>,
    square: Vec<f32>,
}

impl Adam {
    fn new(values: Matrix) -> Self {
        Self {
            mean: vec![0.0; values.data.len()],
            square: vec![0.0; values.data.len()],
            values,
        }
    }

    fn step(&mut self, gradient: &[f32], steps: i32, rate: f32, decay: f32) {
        let (keep_mean, keep_square) = (0.9_f32, 0.999_f32);
        let mean_scale = 1.0 / (1.0 - keep_mean.powi(steps));
        let square_scale = 1.0 / (1.0 - keep_square.powi(steps));
        let moments = self.mean.iter_mut().zip(&mut self.square);
        for ((value, (mean, square)), g) in self.values.data.iter_mut().zip(moments).zip(gradient) {
            *mean = keep_mean * *mean + (1.0 - keep_mean) * g;
            *square = keep_square * *square + (1.0 - keep_square) * g * g;
            let change = *mean * mean_scale / ((*square * square_scale).sqrt() + 1e-8);
            *value -= rate * (change + decay * *value);
        }
    }
}

#[derive(Debug, Clone)]
struct Dense {
    /// Whether negative outputs become 0.
    rectifies: bool,
    /// `[inputs, outputs]`.
    weights: Adam,
    /// `[1, outputs]`.
    bias: Adam,
}

/// Dense layers with ReLU between them.
#[derive(Debug, Clone)]
pub(crate) struct Network {
    layers: Vec<Dense>,
    rate: f32,
    decay: f32,
    steps: i32,
}

/// What each layer received, and the output.
pub(crate) struct Pass {
    received: Vec<Matrix>,
    pub(crate) output: Matrix,
}

impl Network {
    /// Layers between `sizes`, which begin with the inputs and end with the outputs.
    pub(crate) fn new(sizes: &[usize], decay: f32, rng: &mut ChaCha8Rng) -> Self {
        let mut layers: Vec<Dense> = sizes
            .windows(2)
            .map(|size| {
                let mut weights = Matrix::zeros(size[0], size[1]);
                let deviation = (2.0 / size[0].max(1) as f32).sqrt();
                for weight in &mut weights.data {
                    let normal: f32 = StandardNormal.sample(rng);
                    *weight = deviation * normal;
                }
                Dense {
                    rectifies: true,
                    weights: Adam::new(weights),
                    bias: Adam::new(Matrix::zeros(1, size[1])),
                }
            })
            .collect();
        if let Some(last) = layers.last_mut() {
            last.rectifies = false;
        }
        Self {
            layers,
            rate: RATE,
            decay,
            steps: 0,
        }
    }

    /// Steps of this learning rate.
    pub(crate) fn with_rate(mut self, rate: f32) -> Self {
        self.rate = rate;
        self
    }

    /// The layers of this network, then those of `next`.
    pub(crate) fn then(mut self, next: Self) -> Self {
        self.layers.extend(next.layers);
        self
    }

    /// What the last layer receives.
    pub(crate) fn code(&self, inputs: Matrix) -> Matrix {
        self.forward(inputs).received.pop().unwrap_or_default()
    }

    /// The network begins by answering 0 to everything.
    pub(crate) fn with_last_layer_zero(mut self) -> Self {
        if let Some(last) = self.layers.last_mut() {
            last.weights.values.data.fill(0.0);
        }
        self
    }

    pub(crate) fn forward(&self, inputs: Matrix) -> Pass {
        let mut received = Vec::with_capacity(self.layers.len());
        let mut current = inputs;
        for layer in &self.layers {
            let mut next = Matrix::product(current.view(), layer.weights.values.view());
            for row in next.data.chunks_exact_mut(layer.bias.values.columns) {
                for (value, bias) in row.iter_mut().zip(&layer.bias.values.data) {
                    *value += bias;
                    if layer.rectifies {
                        *value = value.max(0.0);
                    }
                }
            }
            received.push(std::mem::replace(&mut current, next));
        }
        Pass {
            received,
            output: current,
        }
    }

    /// One step of Adam against `gradient`, the loss's by the output of `pass`. Gives the loss's
    /// gradient by the input, where `by_input`.
    pub(crate) fn backward(
        &mut self,
        pass: &Pass,
        gradient: Matrix,
        by_input: bool,
    ) -> Option<Matrix> {
        self.steps += 1;
        let mut gradient = gradient;
        for index in (0..self.layers.len()).rev() {
            let received = &pass.received[index];
            let rectified = index > 0 && self.layers[index - 1].rectifies;
            let layer = &mut self.layers[index];
            let before = (index > 0 || by_input).then(|| {
                let weights = layer.weights.values.view();
                let mut before = Matrix::product(gradient.view(), weights.transpose());
                if rectified {
                    for (slope, &value) in before.data.iter_mut().zip(&received.data) {
                        if value <= 0.0 {
                            *slope = 0.0;
                        }
                    }
                }
                before
            });
            let by_weights = Matrix::product(received.view().transpose(), gradient.view());
            let mut by_bias = vec![0.0; gradient.columns];
            for row in gradient.data.chunks_exact(gradient.columns) {
                by_bias.iter_mut().zip(row).for_each(|(sum, g)| *sum += g);
            }
            let (steps, rate) = (self.steps, self.rate);
            layer
                .weights
                .step(&by_weights.data, steps, rate, self.decay);
            layer.bias.step(&by_bias, steps, rate, 0.0);
            match before {
                Some(before) => gradient = before,
                None => return None,
            }
        }
        Some(gradient)
    }
}

#[cfg(test)]
mod tests;
