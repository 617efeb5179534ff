//! The information plane: mutual information of every layer, transformation efficiency, resolution.
//!
//! [`analyse`] turns a [`PlaneInput`] into a [`PlaneResult`], and [`write_plane`] writes that as
//! `plane.json`, `plane.csv` and `plane.parquet`. [`PlaneInput::from_run`] reads a run directory; a
//! layer's vectors are read when their turn comes.
//!
//! [`paths`] follows the layers through the planes of several checkpoints, and [`write_series`] writes what
//! it found.
//!
//! [`compare_controls`] puts changed runs beside the run itself, and [`combine`] holds an [`AblationResult`] against the ranking:
//! critical layers have both.

mod ablation;
mod analyse;
mod channels;
mod checks;
mod completeness;
mod controls;
mod critical;
mod efficiency;
mod error;
mod families;
mod files;
mod halves;
mod input;
mod labels;
mod options;
mod rank;
mod resolution;
mod result;
mod roles;
mod run;
mod series;
mod spearman;
mod spread;
mod stability;
mod table;
mod warnings;

pub use ablation::{
    ABLATION_FORMAT, AblationEvidence, AblationInput, AblationResult, AblationSettings,
    ChannelSets, CurvePoint, Damage, Damages, LayerAblation, LayerEvidence, LayerOutcomes,
    MEAN_SAMPLES, Measures, OmittedLayer, Outcome, Replacement, Verdict, channel_magnitudes,
    combine, read_ablation, summarise, write_ablation,
};
pub use analyse::{Progress, Stage, analyse, analyse_with_halves, sweep_resolutions};
pub use channels::{ChannelCurvePoint, ChannelView, ChosenChannel};
pub use checks::{Check, CheckStep, CheckVerdict};
pub use controls::{
    ControlCase, ControlKind, ControlResult, ControlRow, ControlVerdict, ControlsResult,
    OmittedControl, compare_controls,
};
pub use error::PlaneError;
pub use families::{OTHER_PERMUTATIONS, OTHER_SUBSAMPLES, estimator_parameters};
pub use files::{PLANE_FORMAT, write_plane};
pub use halves::RowHalves;
pub use input::{LabelInput, LayerInput, Matrix, PlaneInput, VectorSource};
pub use options::{PlaneOptions, TAUS, VectorRange};
pub use resolution::{Swept, common_resolution};
pub use result::{
    Accuracy, ClassRow, CompletenessRow, CriticalLayer, Distribution, Figure, InformationSettings,
    Interval, Ite, LabelSummary, NullFigure, PlaneResult, PlaneRow, Resolution, ResolutionPoint,
    ResolutionStep, StepCount, VectorKind,
};
pub use roles::{LEAST as LEAST_CHANGE, Role, RoleRow};
pub use run::{Against, ClassGroups};
pub use series::{
    Checkpoint, CheckpointInfo, PathFigure, PathPoint, Phase, PhaseVerdict, SERIES_FORMAT,
    SeriesOrder, SeriesPath, SeriesResult, paths, range_of, write_series,
};
pub use spearman::{RankCorrelation, spearman};
pub use stability::{HalvesAgreement, RankStability, RankedBy};
