//! Which channels are replaced: those of highest conductance, and random ones.

use infoplane_store::{RunDir, VectorKind};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use crate::{AblationSettings, PlaneError};

/// Mean |conductance| of each of a layer's channels, over all samples of a run.
///
/// # Errors
/// [`PlaneError::Store`] where the run has no such layer or its vectors can't be read.
pub fn channel_magnitudes(run: &RunDir, layer: &str) -> Result<Vec<f64>, PlaneError> {
    let vectors = run.vectors(layer, VectorKind::Conductance)?;
    let mut sums = vec![0.0; vectors.width];
    for row in vectors.rows() {
        for (sum, &value) in sums.iter_mut().zip(row) {
            *sum += f64::from(value).abs();
        }
    }
    let n = vectors.n.max(1) as f64;
    Ok(sums.into_iter().map(|sum| sum / n).collect())
}

/// The sets of a layer's channels that are replaced, each by itself.
///
/// Both series are nested: a larger set holds the smaller ones, so that a curve deletes channel after
/// channel. Where all channels are replaced there is only one set, which is in every series.
#[derive(Debug, Clone, PartialEq)]
pub struct ChannelSets {
    n_channels: usize,
    /// Sizes, ascending, each once.
    sizes: Vec<usize>,
    /// Channels by descending magnitude.
    top: Vec<usize>,
    /// Channels in random order, one order a draw.
    random: Vec<Vec<usize>>,
}

impl ChannelSets {
    /// The sets of a layer whose channels have these magnitudes. Among equal ones the first comes first.
    ///
    /// `layer` is the layer's position in the run: each (layer, draw) has its own stream of the seed.
    pub fn new(magnitudes: &[f64], settings: &AblationSettings, layer: usize) -> Self {
        let n_channels = magnitudes.len();
        let mut top: Vec<usize> = (0..n_channels).collect();
        top.sort_by(|&a, &b| magnitudes[b].total_cmp(&magnitudes[a]));
        let mut sizes: Vec<usize> = settings
            .fractions
            .iter()
            .map(|fraction| (fraction * n_channels as f64).round() as usize)
            .map(|size| size.clamp(1.min(n_channels), n_channels))
            .collect();
        sizes.sort_unstable();
        sizes.dedup();
        let random = (0..settings.draws)
            .map(|draw| {
                let mut rng = ChaCha8Rng::seed_from_u64(settings.seed);
                rng.set_stream(((layer as u64) << 32) | draw as u64);
                let mut order: Vec<usize> = (0..n_channels).collect();
                order.shuffle(&mut rng);
                order
            })
            .collect();
        Self {
            n_channels,
            sizes,
            top,
            random,
        }
    }

    /// Channels of the layer.
    pub fn n_channels(&self) -> usize {
        self.n_channels
    }

    /// Sizes of the sets, ascending.
    pub fn sizes(&self) -> &[usize] {
        &self.sizes
    }

    /// Random draws.
    pub fn n_draws(&self) -> usize {
        self.random.len()
    }

    /// Every set to measure: for each size in turn the top channels, then each draw's; all channels
    /// once.
    pub fn sets(&self) -> Vec<Vec<usize>> {
        let mut sets = Vec::new();
        for &size in &self.sizes {
            sets.push(self.top[..size].to_vec());
            if size < self.n_channels {
                sets.extend(self.random.iter().map(|order| order[..size].to_vec()));
            }
        }
        sets
    }

    /// Where in [`ChannelSets::sets`] a size's top channels are; `size` by its position in
    /// [`ChannelSets::sizes`].
    pub(crate) fn top_set(&self, size: usize) -> usize {
        size * (1 + self.n_draws())
    }

    /// Where a size's random channels of a draw are.
    pub(crate) fn random_set(&self, size: usize, draw: usize) -> usize {
        match self.sizes[size] < self.n_channels {
            true => self.top_set(size) + 1 + draw,
            false => self.top_set(size),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(seed: u64) -> AblationSettings {
        AblationSettings {
            fractions: vec![0.01, 0.1, 0.5, 1.0],
            draws: 3,
            seed,
            ..AblationSettings::default()
        }
    }

    #[test]
    fn top_channels_come_by_magnitude_and_sets_are_nested_and_of_equal_size() {
        let sets = ChannelSets::new(&[1.0, 5.0, 0.0, 5.0, 2.0, 0.5], &settings(0), 4);
        assert_eq!(sets.sizes(), [1, 3, 6]);
        let all = sets.sets();
        assert_eq!(all.len(), 4 + 4 + 1);
        assert_eq!(all[sets.top_set(0)], [1]);
        assert_eq!(all[sets.top_set(1)], [1, 3, 4]);
        for draw in 0..3 {
            let of = |size| &all[sets.random_set(size, draw)];
            assert_eq!((of(0).len(), of(1).len()), (1, 3));
            assert!(of(0).iter().all(|channel| of(1).contains(channel)));
            assert_eq!(of(2), &all[sets.top_set(2)]);
        }
    }

    #[test]
    fn draws_differ_by_layer_draw_and_seed_and_come_again() {
        let of = |seed, layer| ChannelSets::new(&[1.0; 40], &settings(seed), layer);
        assert_eq!(of(0, 1), of(0, 1));
        assert_ne!(of(0, 1).random, of(0, 2).random);
        assert_ne!(of(0, 1).random, of(1, 1).random);
        assert_ne!(of(0, 1).random[0], of(0, 1).random[1]);
    }
}
