//! The result of an analysis: the content of `plane.json`.

use serde::{Deserialize, Serialize};

use crate::channels::ChannelView;
use crate::checks::Check;
use crate::families::OWN;
use crate::roles::RoleRow;
use crate::stability::RankStability;
use crate::{AblationEvidence, ControlsResult, Verdict};

/// The content of `plane.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlaneResult {
    /// Version of this layout.
    pub format: u32,
    /// Number of analysed samples.
    pub n: usize,
    /// What the label is and how well the samples cover it.
    pub label: LabelSummary,
    /// Which attribution target the conductances belong to (`predicted`, `label`, …).
    pub target: String,
    /// Share of samples whose predicted class is their label; absent where there are no labels.
    pub accuracy: Option<Accuracy>,
    /// The channel noise that was chosen, and why.
    pub resolution: Resolution,
    /// One row a (layer, kind, estimator, label). First those of the plane's own estimator and label
    /// ([`PlaneResult::own_rows`]), in network order, conductance before activation; then the others in
    /// the same order.
    pub rows: Vec<PlaneRow>,
    /// What each step between consecutive cut layers does to both informations, by kind.
    #[serde(default)]
    pub roles: Vec<RoleRow>,
    /// How much the layers' ranking depends on samples, noise and estimator.
    #[serde(default)]
    pub stability: Vec<RankStability>,
    /// What theory predicts, and what became of it.
    #[serde(default)]
    pub checks: Vec<Check>,
    /// How far each class's vectors lie from those of all, by layer and kind.
    #[serde(default)]
    pub classes: Vec<ClassRow>,
    /// Which channels carry a layer's information about the label, for conductances.
    #[serde(default)]
    pub channels: Vec<ChannelView>,
    /// Completeness error by cut layer.
    pub completeness: Vec<CompletenessRow>,
    /// Path steps a sample took.
    pub steps: Distribution,
    /// Samples by number of path steps, fewest steps first.
    #[serde(default)]
    pub step_counts: Vec<StepCount>,
    /// Layers ranked by transformation efficiency on the conductance plane, best first; only layers
    /// whose figures are neither saturated nor flagged.
    pub critical: Vec<CriticalLayer>,
    /// What the ablation says of the layers, where the run has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ablation: Option<AblationEvidence>,
    /// The same analysis with one thing changed, where the run has controls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub controls: Option<ControlsResult>,
    /// Sentences a reader must see before trusting a figure.
    pub warnings: Vec<String>,
    /// What was asked of the analysis; absent where it was called without settings of a run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<InformationSettings>,
}

impl PlaneResult {
    /// The rows of the plane's own estimator (`gaussian-channel`) and label, of which I(X;C) is always
    /// there.
    pub fn own_rows(&self) -> impl Iterator<Item = &PlaneRow> {
        self.rows
            .iter()
            .filter(|row| row.estimator == OWN && row.label == self.label.kind)
    }
}

/// What was asked of the analysis, as it was given: with `run.json`, everything that determines the result.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct InformationSettings {
    /// The file and column that map classes to groups, `FILE.csv:COLUMN`.
    pub groups: Option<String>,
    /// The labels asked for; empty for the default.
    pub against: Vec<String>,
    /// The families of estimators beside the plane's own.
    pub estimators: Vec<String>,
    /// The channel's noise, where it was fixed and not chosen.
    pub tau: Option<f64>,
    /// Seed of everything random in the analysis.
    pub seed: u64,
}

/// Samples that took as many path steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepCount {
    /// Path steps.
    pub steps: u32,
    /// Samples.
    pub samples: usize,
}

/// What a layer's vectors tell of each class: D(p(c̃|y) ‖ p(c̃)), whose mean over samples is I(C̃;Y).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassRow {
    /// Layer name.
    pub layer: String,
    /// Which vectors.
    pub kind: VectorKind,
    /// Bits by label, in the order of [`LabelSummary::names`]; absent for a label of one sample.
    pub bits: Vec<Option<f64>>,
}

/// The label's side of the plane.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LabelSummary {
    /// `class`, `group` where classes were mapped to groups, `predicted`, or `none`.
    pub kind: String,
    /// Number of distinct labels present.
    pub n_classes: usize,
    /// Fewest samples of one label.
    pub min_per_class: usize,
    /// Median number of samples of a label.
    pub median_per_class: f64,
    /// H(Y) of the empirical label distribution, in bits.
    pub entropy: f64,
    /// True where labels have too few samples for a trustworthy I(C;Y).
    pub coarse: bool,
    /// Names of the labels present, in the order of their index.
    pub names: Vec<String>,
}

/// How often the network is right.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Accuracy {
    /// Samples whose highest output is their class.
    pub correct: usize,
    /// Samples with a label.
    pub labelled: usize,
}

/// The channel noise τ of the run, relative to the layer's whole standard deviation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Resolution {
    /// The τ every row with `estimator = "gaussian-channel"` was estimated at.
    pub tau: f64,
    /// Widest bracket allowed, in bits.
    pub bracket_limit: f64,
    /// True where even the coarsest τ left a bracket wider than the limit.
    pub flagged: bool,
    /// Why this τ, in one sentence.
    pub reason: String,
    /// Every τ that was tried, with every layer's values.
    pub sweep: Vec<ResolutionStep>,
}

/// One τ of the resolution sweep.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ResolutionStep {
    /// Noise relative to the layer's standard deviation.
    pub tau: f64,
    /// Widest bracket of any layer, in bits.
    pub widest_bracket: f64,
    /// The layer, kind and quantity of the widest bracket.
    pub widest_at: String,
    /// The estimates, in the order of [`PlaneResult::rows`].
    pub points: Vec<ResolutionPoint>,
}

/// One layer at one τ.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ResolutionPoint {
    /// Layer name.
    pub layer: String,
    /// Which vectors.
    pub kind: VectorKind,
    /// I(X;C) in bits.
    pub mi_x: f64,
    /// I(C;Y) in bits.
    pub mi_y: Option<f64>,
    /// ITE `ratio`.
    pub ite: Option<f64>,
}

/// Which of a layer's vectors a figure is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum VectorKind {
    /// Layer conductance, summed over positions.
    Conductance,
    /// Activation, averaged over positions.
    Activation,
}

impl std::fmt::Display for VectorKind {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Conductance => "conductance",
            Self::Activation => "activation",
        })
    }
}

/// One point of the plane.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlaneRow {
    /// Layer name.
    pub layer: String,
    /// Operators on the longest path from the input.
    pub depth: usize,
    /// Whether the layer is a cut layer.
    pub cut: bool,
    /// Which vectors.
    pub kind: VectorKind,
    /// Estimator name.
    pub estimator: String,
    /// What Y is: `class`, `group`, `predicted`, or `none`.
    #[serde(default = "no_label")]
    pub label: String,
    /// Samples.
    pub n: usize,
    /// Length of the vectors.
    pub width: usize,
    /// Dimensions kept for the estimate (principal components).
    pub dimensions: usize,
    /// I(X;C); absent for an estimator for which it is infinite.
    pub mi_x: Option<Figure>,
    /// I(C;Y); absent where the samples have no labels.
    pub mi_y: Option<Figure>,
    /// Transformation efficiency by form.
    pub ite: Ite,
}

fn no_label() -> String {
    "none".to_owned()
}

/// An estimate with everything needed to judge it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// The estimate.
    pub value: f64,
    /// Its unit, `bits`.
    pub unit: String,
    /// 95 % interval by subsampling without replacement.
    pub ci: [f64; 2],
    /// The two errors of opposite sign whose middle is the value: [lower, upper].
    pub bracket: [f64; 2],
    /// Largest value the sample size or the label allows: log₂ N or H(Y).
    pub ceiling: f64,
    /// Value under permuted labels; absent where a permutation changes nothing (I(X;C) of a channel).
    pub null: Option<NullFigure>,
    /// True where the value is too close to its ceiling to mean anything.
    pub saturated: bool,
    /// True where the bracket is wider than the limit, so that the value is not to be trusted.
    pub flagged: bool,
}

/// The permutation null of a figure.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct NullFigure {
    /// Mean over permutations.
    pub mean: f64,
    /// 95th percentile over permutations.
    pub p95: f64,
    /// Share of permutations (with the observed one counted) at or above the value.
    pub p_value: f64,
}

/// Information Transformation Efficiency in the forms of design.md §2.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ite {
    /// I(C;Y) / I(X;C).
    pub ratio: Option<Interval>,
    /// [I(C;Y)/H(Y)] / [I(X;C)/log₂ N].
    pub normalized: Option<Interval>,
    /// ΔI(C;Y) / |ΔI(X;C)| from the previous cut layer; absent where undefined.
    pub incremental: Option<Interval>,
}

/// A number with its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The number.
    pub value: f64,
    /// Its interval.
    pub ci: [f64; 2],
}

/// Completeness of one cut layer over all samples: |Σ C − (F(x) − F(x'))| / |F(x) − F(x')|.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CompletenessRow {
    /// Layer name.
    pub layer: String,
    /// Relative error over the samples.
    pub relative: Distribution,
    /// Absolute error over the samples, in units of the output.
    pub absolute: Distribution,
}

/// A summary of one number over the samples.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Distribution {
    /// Smallest.
    pub min: f64,
    /// Median.
    pub median: f64,
    /// Mean.
    pub mean: f64,
    /// 95th percentile.
    pub p95: f64,
    /// Largest.
    pub max: f64,
}

/// A layer named as critical, with the evidence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CriticalLayer {
    /// Layer name.
    pub layer: String,
    /// 1 for the highest efficiency.
    pub rank: usize,
    /// ITE `ratio` on the conductance plane.
    pub ite: Interval,
    /// Why it stands out, in one sentence.
    pub evidence: String,
    /// What plane and ablation say together, where the run has an ablation of the layer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
}
