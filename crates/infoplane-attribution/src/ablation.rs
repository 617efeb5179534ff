//! Ablation: channels of a layer are replaced, the network runs on from there, and what becomes of
//! its output is measured.
//!
//! A sample costs one forward pass, and for each set of channels what comes after the layer
//! ([`Session::forward_from`]). The rows of a micro-batch are different sets of one sample.

use infoplane_engine::{Backend, Session};

use crate::error::AttributionError;
use crate::worker::argmax;

/// The sets of channels to replace at one layer, each by itself.
#[derive(Debug, Clone, PartialEq)]
pub struct AblatedLayer {
    /// Its name, for messages.
    pub name: String,
    /// Its position among the backend's requested layers.
    pub request: usize,
    /// Channels of each set, by number; units where the layer has no positions.
    pub sets: Vec<Vec<usize>>,
    /// What replaces them: one row in the layer's layout, as [`crate::LayerSums::means`] gives it, or
    /// zeros.
    pub replacement: Vec<f32>,
}

/// What is replaced in a network.
pub struct Ablation<'b> {
    backend: &'b dyn Backend,
    layers: Vec<AblatedLayer>,
}

/// A sample to be ablated.
#[derive(Debug, Clone, Copy)]
pub struct AblationSample<'s> {
    /// One row of the network's input.
    pub input: &'s [f32],
    /// The output unit whose logit is measured.
    pub target: usize,
    /// The class whose cross-entropy is measured; the unchanged network's prediction where `None`.
    pub class: Option<usize>,
}

/// What the network's output is like.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AblationOutcome {
    /// The unit with the largest logit; the first of several.
    pub predicted: usize,
    /// The target's logit.
    pub target_logit: f32,
    /// −log₂ softmax(logits)\[class\], in bits.
    pub cross_entropy: f64,
}

/// One sample's outcomes.
#[derive(Debug, Clone, PartialEq)]
pub struct AblatedSample {
    /// The unchanged network's logits.
    pub logits: Vec<f32>,
    /// The unchanged network's outcome.
    pub intact: AblationOutcome,
    /// For each layer, for each of its sets.
    pub layers: Vec<Vec<AblationOutcome>>,
}

impl<'b> Ablation<'b> {
    /// Checks that the layers fit the backend, whose plan must keep its values.
    ///
    /// # Errors
    /// [`AttributionError::Length`] where a replacement has not the length of its layer's row,
    /// [`AttributionError::NoSuchChannel`] where a layer lacks a channel of a set.
    pub fn new(
        backend: &'b dyn Backend,
        layers: Vec<AblatedLayer>,
    ) -> Result<Ablation<'b>, AttributionError> {
        for layer in &layers {
            let layout = backend.layouts().get(layer.request);
            let expected = layout.map_or(0, |layout| layout.row_len());
            if layer.replacement.len() != expected {
                return Err(AttributionError::Length {
                    what: "the replacement of a layer",
                    expected,
                    actual: layer.replacement.len(),
                });
            }
            let n_channels = layout.map_or(0, |layout| layout.channels);
            let mut channels = layer.sets.iter().flatten();
            if let Some(&channel) = channels.find(|&&channel| channel >= n_channels) {
                return Err(AttributionError::NoSuchChannel {
                    layer: layer.name.clone(),
                    channel,
                    n_channels,
                });
            }
        }
        Ok(Ablation { backend, layers })
    }

    /// The means to ablate samples one after another; allocates everything it will need.
    pub fn worker(&self) -> AblationWorker<'_> {
        let layouts = self.backend.layouts();
        let longest = layouts.iter().map(|layout| layout.row_len()).max();
        AblationWorker {
            ablation: self,
            session: self.backend.session(),
            own: self
                .layers
                .iter()
                .map(|layer| vec![0.0; layer.replacement.len()])
                .collect(),
            rows: vec![0.0; longest.unwrap_or(0) * self.backend.batch()],
        }
    }
}

/// Ablates samples of one [`Ablation`]. No result depends on the sample before.
pub struct AblationWorker<'a> {
    ablation: &'a Ablation<'a>,
    session: Box<dyn Session + 'a>,
    /// Each layer's values for the sample, one row.
    own: Vec<Vec<f32>>,
    /// A layer's micro-batch with sets replaced.
    rows: Vec<f32>,
}

impl AblationWorker<'_> {
    /// Runs one sample unchanged, and with each set of each layer replaced.
    ///
    /// # Errors
    /// [`AttributionError::Length`] and [`AttributionError::TargetOutOfRange`] where the sample does not
    /// fit the network; [`AttributionError::NotFiniteAblated`] where an output is infinite or not a
    /// number; [`AttributionError::Engine`] where the plan does not keep its values.
    pub fn ablate(
        &mut self,
        sample: AblationSample<'_>,
    ) -> Result<AblatedSample, AttributionError> {
        let backend = self.ablation.backend;
        let (expected, n_outputs) = (backend.sample_len(), backend.n_outputs());
        if sample.input.len() != expected {
            return Err(AttributionError::Length {
                what: "the sample",
                expected,
                actual: sample.input.len(),
            });
        }
        if let Some(target) = [Some(sample.target), sample.class]
            .into_iter()
            .flatten()
            .find(|&unit| unit >= n_outputs)
        {
            return Err(AttributionError::TargetOutOfRange { target, n_outputs });
        }
        let mut content = vec![0.0; backend.input_len()];
        self.session.enter(sample.input, &mut content);
        for row in self.session.input().chunks_exact_mut(content.len()) {
            row.copy_from_slice(&content);
        }
        let logits = self.session.forward()[..n_outputs].to_vec();
        let class = sample.class.unwrap_or_else(|| argmax(&logits));
        let measure = |logits: &[f32], layer: Option<&str>| {
            outcome(logits, sample.target, class).ok_or_else(|| {
                AttributionError::NotFiniteAblated {
                    layer: layer.map(str::to_owned),
                }
            })
        };
        let intact = measure(&logits, None)?;

        let layers = &self.ablation.layers;
        for (layer, own) in layers.iter().zip(&mut self.own) {
            let values = self.session.values(layer.request)?;
            let row_len = own.len();
            own.copy_from_slice(&values[..row_len]);
        }
        let mut outcomes = vec![Vec::new(); layers.len()];
        // From the last layer to the first, what one leaves behind is behind the next as well, and
        // runs again anyway.
        for (index, layer) in layers.iter().enumerate().rev() {
            let layout = backend.layouts()[layer.request];
            let (own, row_len) = (&self.own[index], layout.row_len());
            let rows = &mut self.rows[..backend.batch() * row_len];
            outcomes[index].reserve(layer.sets.len());
            for sets in layer.sets.chunks(backend.batch()) {
                for (place, row) in rows.chunks_exact_mut(row_len.max(1)).enumerate() {
                    row.copy_from_slice(own);
                    for &channel in sets.get(place).into_iter().flatten() {
                        for position in 0..layout.positions {
                            let unit = layout.index(channel, position);
                            row[unit] = layer.replacement[unit];
                        }
                    }
                }
                let logits = self.session.forward_from(layer.request, rows)?;
                for logits in logits.chunks_exact(n_outputs).take(sets.len()) {
                    outcomes[index].push(measure(logits, Some(&layer.name))?);
                }
            }
        }
        Ok(AblatedSample {
            logits,
            intact,
            layers: outcomes,
        })
    }
}

/// What is measured of logits; `None` where one is not finite.
fn outcome(logits: &[f32], target: usize, class: usize) -> Option<AblationOutcome> {
    if logits.iter().any(|logit| !logit.is_finite()) {
        return None;
    }
    let largest = f64::from(logits.iter().copied().fold(f32::NEG_INFINITY, f32::max));
    let sum: f64 = logits
        .iter()
        .map(|&logit| (f64::from(logit) - largest).exp())
        .sum();
    let nats = sum.ln() - (f64::from(logits[class]) - largest);
    Some(AblationOutcome {
        predicted: argmax(logits),
        target_logit: logits[target],
        // Rounding must not make a certain prediction better than certain.
        cross_entropy: (nats * std::f64::consts::LOG2_E).max(0.0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cross_entropy_is_in_bits_and_stands_large_logits() {
        let even = outcome(&[2.0, 2.0, 2.0, 2.0], 1, 3).unwrap();
        assert_eq!((even.predicted, even.target_logit), (0, 2.0));
        assert!((even.cross_entropy - 2.0).abs() < 1e-12);
        let far = outcome(&[1000.0, 0.0], 1, 1).unwrap();
        assert!((far.cross_entropy - 1000.0 * std::f64::consts::LOG2_E).abs() < 1e-6);
        assert_eq!(outcome(&[1000.0, 0.0], 0, 0).unwrap().cross_entropy, 0.0);
        assert_eq!(outcome(&[f32::NAN, 0.0], 0, 0), None);
    }
}
