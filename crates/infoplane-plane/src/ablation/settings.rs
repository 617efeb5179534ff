//! How layers are ablated.

use serde::{Deserialize, Serialize};

use crate::PlaneError;

/// Samples over which means are taken, where the run has as many: at least these, more where more are
/// ablated.
pub const MEAN_SAMPLES: usize = 500;

/// Most random draws.
const MOST_DRAWS: usize = 1000;

/// What stands in for a channel's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Replacement {
    /// Their mean over the data set at each position. The layer then sees nothing of the sample in the
    /// channel, but what it sees everywhere: with one mean for all positions, borders (where padding
    /// shows) would hold values that the network never meets there, and damage would be measured that
    /// comes from the strangeness and not from what is missing.
    #[default]
    Mean,
    /// Zero. After a ReLU that is a channel that is silent.
    Zero,
}

impl std::fmt::Display for Replacement {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Mean => "mean",
            Self::Zero => "zero",
        })
    }
}

/// Settings of an ablation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AblationSettings {
    /// Shares of a layer's channels to replace, above 0 and at most 1. Of `C` channels the nearest
    /// number to the share is taken, and one at least.
    pub fractions: Vec<f64>,
    /// Random draws of as many channels, for the control.
    pub draws: usize,
    /// What replaces channels.
    pub replace: Replacement,
    /// Ablate at most this many samples, spread evenly over the run's.
    pub limit: usize,
    /// Seed of the draws.
    pub seed: u64,
}

impl Default for AblationSettings {
    fn default() -> Self {
        Self {
            fractions: vec![0.05, 0.1, 0.2, 0.4, 0.7, 1.0],
            draws: 5,
            replace: Replacement::Mean,
            limit: 500,
            seed: 0,
        }
    }
}

impl AblationSettings {
    /// The settings with ascending fractions, each once.
    ///
    /// # Errors
    /// [`PlaneError::Ablation`] where there is no fraction or one outside (0, 1], fewer than two draws
    /// (their scatter would be unknown) or more than 1000, or fewer than two samples.
    pub fn check(mut self) -> Result<Self, PlaneError> {
        let invalid = |reason: String| Err(PlaneError::Ablation(reason));
        if self.fractions.is_empty() {
            return invalid("no fraction of channels to replace; give at least one, as 0.1".into());
        }
        if let Some(fraction) = self.fractions.iter().find(|q| !(**q > 0.0 && **q <= 1.0)) {
            return invalid(format!(
                "the fraction {fraction} of channels; above 0 and at most 1 are allowed"
            ));
        }
        if !(2..=MOST_DRAWS).contains(&self.draws) {
            return invalid(format!(
                "{} random draws; 2 to {MOST_DRAWS} are allowed (one says nothing of how draws scatter)",
                self.draws
            ));
        }
        if self.limit < 2 {
            return invalid(format!(
                "a limit of {} samples; at least 2 are needed for an interval",
                self.limit
            ));
        }
        self.fractions.sort_unstable_by(f64::total_cmp);
        self.fractions.dedup();
        Ok(self)
    }

    /// Positions, in order, of the samples that are ablated out of `n`.
    pub fn samples(&self, n: usize) -> Vec<usize> {
        spread(n, self.limit)
    }

    /// Positions, in order, of the samples over which means are taken, out of `n`.
    pub fn mean_samples(&self, n: usize) -> Vec<usize> {
        spread(n, self.limit.max(MEAN_SAMPLES))
    }
}

/// At most `limit` of `n` positions, spread evenly.
fn spread(n: usize, limit: usize) -> Vec<usize> {
    let kept = n.min(limit);
    (0..kept)
        .map(|i| (i as u128 * n as u128 / kept as u128) as usize)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_ordered_or_refused_with_what_is_allowed() {
        let with = |fractions: &[f64], draws, limit| {
            let settings = AblationSettings {
                fractions: fractions.to_vec(),
                draws,
                limit,
                ..AblationSettings::default()
            };
            settings.check().map_err(|error| error.to_string())
        };
        assert_eq!(with(&[1.0, 0.1, 0.1], 2, 2).unwrap().fractions, [0.1, 1.0]);
        for (refused, word) in [
            (with(&[], 5, 9), "at least one"),
            (with(&[0.0], 5, 9), "above 0"),
            (with(&[1.5], 5, 9), "at most 1"),
            (with(&[f64::NAN], 5, 9), "above 0"),
            (with(&[0.5], 1, 9), "2 to 1000"),
            (with(&[0.5], 5, 1), "at least 2"),
        ] {
            let message = refused.unwrap_err();
            assert!(message.contains(word), "{message}");
        }
    }

    #[test]
    fn samples_are_spread_over_the_run() {
        let settings = AblationSettings {
            limit: 4,
            ..AblationSettings::default()
        };
        assert_eq!(settings.samples(10), [0, 2, 5, 7]);
        assert_eq!(settings.samples(3), [0, 1, 2]);
        assert_eq!(settings.samples(0), [0; 0]);
        assert_eq!(settings.mean_samples(1000).len(), MEAN_SAMPLES);
    }
}
