//! What a report is made of.

use infoplane_plane::{AblationResult, PlaneResult};
use infoplane_store::{KeptMaps, RunManifest};

/// A run's results, to write a report of.
#[derive(Debug, Clone, Copy)]
pub struct ReportInput<'a> {
    pub(crate) manifest: &'a RunManifest,
    pub(crate) plane: &'a PlaneResult,
    pub(crate) ablation: Option<&'a AblationResult>,
    pub(crate) samples: Option<&'a KeptMaps>,
}

impl<'a> ReportInput<'a> {
    /// A run's manifest and its plane.
    pub fn new(manifest: &'a RunManifest, plane: &'a PlaneResult) -> Self {
        Self {
            manifest,
            plane,
            ablation: None,
            samples: None,
        }
    }

    /// With the deletion curves of the run's ablation, of which the plane holds only the effects.
    pub fn with_ablation(self, ablation: Option<&'a AblationResult>) -> Self {
        Self { ablation, ..self }
    }

    /// With samples to show with the maps of their conductance.
    pub fn with_samples(self, samples: Option<&'a KeptMaps>) -> Self {
        Self { samples, ..self }
    }
}
