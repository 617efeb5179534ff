//! A network that predicts classes.

use super::{Inputs, Matrix, Model, Network, exponentials};

/// A network whose outputs, added to the logarithm of the training samples' class shares, are the
/// logarithms of class probabilities up to a constant.
#[derive(Clone)]
pub(crate) struct Classifier<'a> {
    inputs: &'a Inputs,
    classes: &'a [usize],
    pub(crate) network: Network,
    log_shares: Vec<f32>,
}

impl<'a> Classifier<'a> {
    /// `network` ends in `n_classes` outputs. Shares are those in `train`, with half a sample more of
    /// each class, so that a class met later is not impossible.
    pub(crate) fn new(
        inputs: &'a Inputs,
        classes: &'a [usize],
        n_classes: usize,
        network: Network,
        train: &[usize],
    ) -> Self {
        let mut counts = vec![0.5_f32; n_classes];
        train
            .iter()
            .for_each(|&sample| counts[classes[sample]] += 1.0);
        let total: f32 = counts.iter().sum();
        Self {
            inputs,
            classes,
            network,
            log_shares: counts.iter().map(|count| (count / total).ln()).collect(),
        }
    }

    /// What the network adds to the logarithm of the shares.
    pub(crate) fn evidence(&self, samples: &[usize]) -> Matrix {
        self.network.forward(self.inputs.gather(samples)).output
    }

    /// ln p(class | vector) of each sample, with the evidence weighed by `weight`.
    pub(crate) fn log_probabilities(
        &self,
        evidence: &Matrix,
        samples: &[usize],
        weight: f32,
    ) -> Vec<f64> {
        let mut logits = evidence.clone();
        let of_row = |(row, &sample): (&mut [f32], &usize)| {
            for (logit, share) in row.iter_mut().zip(&self.log_shares) {
                *logit = weight * *logit + share;
            }
            let largest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let own = row[self.classes[sample]] - largest;
            f64::from(own - exponentials(row, largest).ln())
        };
        logits
            .data
            .chunks_exact_mut(evidence.columns)
            .zip(samples)
            .map(of_row)
            .collect()
    }
}

impl Model for Classifier<'_> {
    fn step(&mut self, batch: &[usize]) {
        let pass = self.network.forward(self.inputs.gather(batch));
        let mut gradient = pass.output.clone();
        for (row, &sample) in batch.iter().enumerate() {
            let row = gradient.row_mut(row);
            row.iter_mut()
                .zip(&self.log_shares)
                .for_each(|(l, share)| *l += share);
            let largest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let sum = exponentials(row, largest);
            let scale = 1.0 / batch.len() as f32;
            row.iter_mut().for_each(|l| *l *= scale / sum);
            row[self.classes[sample]] -= scale;
        }
        self.network.backward(&pass, gradient, false);
    }

    fn loss(&self, samples: &[usize]) -> f64 {
        let evidence = self.evidence(samples);
        let log = self.log_probabilities(&evidence, samples, 1.0);
        -log.iter().sum::<f64>() / samples.len() as f64
    }
}
