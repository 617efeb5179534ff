//! Controls: the same analysis with one thing changed, beside the result.
//!
//! What should destroy the finding is tried, and must destroy it: trained weights shuffled, from the
//! output down to the input (cascading randomisation, Adebayo et al. 2018, arXiv 1810.03292), and labels
//! shuffled. What should not matter is tried, and must not: another target, another baseline, more
//! steps.

mod agreement;
mod compare;
mod files;
mod verdict;

use serde::{Deserialize, Serialize};

pub use compare::{ControlCase, compare_controls};
pub(crate) use files::write_controls;

use crate::{Accuracy, Interval};

/// What a control changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ControlKind {
    /// Trained weights shuffled, from the output down.
    Weights,
    /// Labels shuffled over the samples.
    Labels,
    /// The true label attributed in place of the predicted class, or the other way round.
    Target,
    /// Another baseline.
    Baseline,
    /// More steps on the path.
    Steps,
}

impl ControlKind {
    /// All of them, in the order in which they are shown.
    pub const ALL: [ControlKind; 5] = [
        ControlKind::Weights,
        ControlKind::Labels,
        ControlKind::Target,
        ControlKind::Baseline,
        ControlKind::Steps,
    ];

    /// The name, as in files and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            ControlKind::Weights => "weights",
            ControlKind::Labels => "labels",
            ControlKind::Target => "target",
            ControlKind::Baseline => "baseline",
            ControlKind::Steps => "steps",
        }
    }

    /// The control of this name.
    pub fn from_name(name: &str) -> Option<ControlKind> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// Whether a control came out as it must, where the finding is one about the trained network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ControlVerdict {
    /// It did.
    AsExpected,
    /// It did not.
    NotAsExpected,
    /// The figures don't say.
    Undecided,
}

impl std::fmt::Display for ControlVerdict {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::AsExpected => "as expected",
            Self::NotAsExpected => "not as expected",
            Self::Undecided => "undecided",
        })
    }
}

/// All controls of a run: the entry `controls` of `plane.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ControlsResult {
    /// Channel noise of all figures here: fewer samples need more than the plane's.
    pub tau: f64,
    /// True where even the coarsest τ left a bracket of the unchanged run wider than the limit.
    pub flagged: bool,
    /// The controls that were made.
    pub controls: Vec<ControlResult>,
    /// Those that were asked for and can't be made.
    pub omitted: Vec<OmittedControl>,
}

/// One control.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ControlResult {
    /// Its name: that of its kind; stages of a cascade have numbers (`weights-2`).
    pub name: String,
    /// What it changes.
    pub kind: ControlKind,
    /// The change in words, with its size.
    pub change: String,
    /// Samples compared: those that are analysed in both.
    pub n: usize,
    /// How often the changed network is right; absent without labels.
    pub accuracy: Option<Accuracy>,
    /// What must happen.
    pub expectation: String,
    /// Whether it did; absent for the first stages of a cascade, of which nothing is expected.
    pub verdict: Option<ControlVerdict>,
    /// The figures behind the verdict.
    pub evidence: String,
    /// Kendall's τ_b between the layers' ranking by ITE with and without the change; absent where fewer
    /// than two layers have one.
    pub ranking: Option<f64>,
    /// The conductances' figures, in network order.
    pub layers: Vec<ControlRow>,
}

/// A layer's conductances with a change and without.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ControlRow {
    /// Layer name.
    pub layer: String,
    /// Operators on the longest path from the input.
    pub depth: usize,
    /// I(X;C) of the unchanged run on the same samples, in bits.
    pub mi_x: Interval,
    /// I(C;Y) of it.
    pub mi_y: Option<Interval>,
    /// Its ITE `ratio`.
    pub ite: Option<Interval>,
    /// I(X;C) with the change, in bits.
    pub changed_mi_x: Interval,
    /// I(C;Y) with it.
    pub changed_mi_y: Option<Interval>,
    /// ITE `ratio` with it.
    pub changed_ite: Option<Interval>,
    /// I(C;Y) with the change less without, on shared halves of the samples.
    pub mi_y_difference: Option<Interval>,
    /// Mean over the samples of Spearman's ρ between the two conductance vectors; absent for one
    /// channel.
    pub rank_correlation: Option<Interval>,
    /// Mean over the samples of ‖C' − C‖ / ‖C‖.
    pub relative_difference: Option<Interval>,
}

/// A control that can't be made for a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OmittedControl {
    /// Which.
    pub kind: ControlKind,
    /// Why not.
    pub reason: String,
}
