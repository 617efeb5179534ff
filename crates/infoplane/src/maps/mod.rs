//! Where in a sample each layer's conductance lies, of a few samples that a run chose.
//!
//! The run's own sweep goes over them again, with the same path, quadrature and kernels, so that each map
//! sums to the stored vector; only what is kept of a layer is another ([`Reduction::Positions`]).

mod choice;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, PoisonError};

use infoplane_attribution::{Attribution, Reduction, SweepOptions};
use infoplane_data::ImageShape;
use infoplane_engine::Backend;
use infoplane_store::{
    ImageValues, KeptMaps, KeptSample, MapChoice, RunDir, SampleGroup, StoreError,
};

use crate::error::Error;
use crate::pool::{Loaded, Outcome, attribute_all};
use crate::progress::{Phase, Progress};
use crate::run::Run;
use choice::{candidates, choose};

/// Most samples that maps are kept of. A report holds all of them.
pub const MAX_KEPT_MAPS: usize = 100;

/// Samples that maps are kept of in the demo where nothing else is asked for.
pub const DEMO_KEPT_MAPS: usize = 12;

impl Run {
    /// Refuses to keep maps of samples that are no images, or of a network without positions.
    pub(crate) fn check_maps(&self) -> Result<(), Error> {
        let refuse = |reason: String| Err(Error::Setting(format!("--keep-maps: {reason}")));
        let model = &self.manifest().model;
        if model.image_shape().is_none() {
            return refuse(format!(
                "the samples have shape {:?}; maps are shown over images, of 1 or 3 channels × height × width",
                model.input_shape
            ));
        }
        if model.layers.iter().all(|layer| layer.map_shape().is_none()) {
            return refuse(
                "none of the analysed layers has positions, so there is nothing to map; leave it out, or choose other --layers".to_string(),
            );
        }
        Ok(())
    }

    /// Maps of `requested` samples of this run, which `stored` holds whole; nothing where they are there.
    pub(crate) fn keep_maps(
        &self,
        stored: &RunDir,
        (requested, seed): (usize, u64),
        progress: &mut dyn FnMut(&Progress),
        stop: &AtomicBool,
    ) -> Result<(), Error> {
        let choice = MapChoice {
            requested,
            seed,
            values: match self.preprocess {
                Some(_) => ImageValues::Pixels,
                None => ImageValues::Stretched,
            },
        };
        match stored.maps() {
            Ok(Some(there)) if there.choice == choice => return Ok(()),
            Ok(_) => {}
            Err(StoreError::DamagedMaps { path, reason }) => {
                let path = path.display();
                tracing::warn!("{path} is damaged: {reason}; it is made again");
            }
            Err(error) => return Err(error.into()),
        }
        let indices = stored.indices()?;
        let chosen: Vec<(usize, SampleGroup)> = choose(&candidates(stored)?, requested, seed)
            .into_iter()
            // The data set has that many.
            .map(|(position, group)| (indices[position] as usize, group))
            .collect();
        let mut found = self.sweep_positions(&chosen, progress, stop)?;
        let samples: Option<Vec<KeptSample>> = chosen
            .iter()
            .map(|&(index, group)| {
                let (image, attribution) = found.remove(&index)?;
                Some(self.kept_sample(index, group, image, attribution))
            })
            .collect();
        let Some(samples) = samples else {
            let counts = stored.counts();
            return Err(Error::Interrupted {
                done: counts.analysed + counts.skipped,
                total: counts.total,
            });
        };
        Ok(stored.write_maps(&KeptMaps { choice, samples })?)
    }

    /// The images and attributions of the chosen samples, by index; those that `stop` left time for.
    fn sweep_positions(
        &self,
        chosen: &[(usize, SampleGroup)],
        progress: &mut dyn FnMut(&Progress),
        stop: &AtomicBool,
    ) -> Result<BTreeMap<usize, (Vec<u8>, Attribution)>, Error> {
        let plan = self.plan()?;
        let sweep = self.sweep_over(
            &plan,
            SweepOptions {
                reduction: Reduction::Positions,
                ..self.options.clone()
            },
        )?;
        let unreadable = |index: usize, reason: String| {
            Error::Setting(format!(
                "--keep-maps: {} can't be read again: {reason}",
                self.dataset.id(index)
            ))
        };
        let images = Mutex::new(BTreeMap::new());
        let load = |index: usize, row: &mut [f32]| {
            let loaded = self.dataset.load(index, row);
            loaded.map_err(|error| error.reason)?;
            let mut images = images.lock().unwrap_or_else(PoisonError::into_inner);
            images.insert(index, self.image(row));
            Ok(Loaded {
                label: self.dataset.label(index).map(|label| label.0),
                ..Loaded::default()
            })
        };
        let todo: Vec<usize> = chosen.iter().map(|(index, _)| *index).collect();
        let mut found = BTreeMap::new();
        attribute_all(
            &sweep,
            plan.input_len(),
            &todo,
            self.n_threads,
            stop,
            &load,
            &mut |index, outcome| {
                let attribution = match outcome {
                    Outcome::Attributed(attribution) => *attribution,
                    Outcome::Unusable(reason) => return Err(unreadable(index, reason)),
                    Outcome::Failed(error) => return Err(error.into()),
                };
                let mut images = images.lock().unwrap_or_else(PoisonError::into_inner);
                // Only what was loaded is attributed.
                let image = images.remove(&index).unwrap_or_default();
                found.insert(index, (image, attribution));
                progress(&Progress::of(Phase::Maps, found.len(), todo.len()));
                Ok(())
            },
        )?;
        Ok(found)
    }

    /// A sample's 8-bit values.
    fn image(&self, sample: &[f32]) -> Vec<u8> {
        match &self.preprocess {
            Some(preprocess) => preprocess.pixels(sample),
            None => stretched(&planes(sample, &self.manifest().model.input_shape)),
        }
    }

    fn kept_sample(
        &self,
        index: usize,
        group: SampleGroup,
        image: Vec<u8>,
        attribution: Attribution,
    ) -> KeptSample {
        let layers = self.manifest().model.layers.iter();
        let maps = layers.zip(attribution.conductance);
        KeptSample {
            index: index as u64,
            id: self.dataset.id(index).to_string(),
            group,
            label: self.dataset.label(index).map(|label| label.0 as u32),
            predicted: attribution.predicted as u32,
            target: attribution.target as u32,
            probability: probability(&attribution.logits, attribution.predicted),
            f_input: attribution.f_input,
            f_baseline: attribution.f_baseline,
            steps: attribution.steps as u32,
            image,
            maps: maps
                .filter_map(|(layer, map)| layer.map_shape().map(|_| map))
                .collect(),
        }
    }
}

/// A sample's values channel by channel.
fn planes<'s>(sample: &'s [f32], shape: &[usize]) -> Cow<'s, [f32]> {
    match ImageShape::of(shape) {
        Some(image) if image.channels_last => (0..image.channels)
            .flat_map(|channel| sample.iter().skip(channel).step_by(image.channels))
            .copied()
            .collect(),
        _ => sample.into(),
    }
}

/// Values from the least, 0, to the greatest, 255; 0 where all are the same.
fn stretched(sample: &[f32]) -> Vec<u8> {
    let least = sample.iter().copied().fold(f32::INFINITY, f32::min);
    let greatest = sample.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let scale = 255.0 / (greatest - least).max(f32::MIN_POSITIVE);
    let values = sample.iter();
    values
        .map(|value| ((value - least) * scale).round() as u8)
        .collect()
}

/// The softmax of the logits at a unit.
fn probability(logits: &[f32], unit: usize) -> f32 {
    let own = f64::from(logits[unit]);
    let sum: f64 = logits.iter().map(|&l| (f64::from(l) - own).exp()).sum();
    (1.0 / sum) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_are_stretched_from_their_least_to_their_greatest_value() {
        assert_eq!(stretched(&[-1.0, 0.0, 1.0, 3.0]), [0, 64, 128, 255]);
        assert_eq!(stretched(&[2.0, 2.0]), [0, 0]);
    }

    #[test]
    fn probabilities_are_those_of_the_softmax_however_large_the_logits() {
        let close = |found: f32, expected: f32| assert!((found - expected).abs() < 1e-6);
        close(probability(&[0.0, 2.0f32.ln()], 1), 2.0 / 3.0);
        close(probability(&[1000.0, 1000.0], 0), 0.5);
        close(probability(&[-1000.0, 1000.0], 0), 0.0);
    }
}
