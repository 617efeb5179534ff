//! The information plane: mutual information of every layer, transformation efficiency, resolution.
//!
//! [`analyse`] turns a [`PlaneInput`] into a [`PlaneResult`], and [`write_plane`] writes that as
//! `plane.json`, `plane.csv` and `plane.parquet`. [`PlaneInput::from_run`] reads a run directory; a
//! layer's vectors are read when their turn comes.

mod analyse;
mod channels;
mod checks;
mod completeness;
mod critical;
mod efficiency;
mod error;
mod families;
mod files;
mod input;
mod labels;
mod options;
mod rank;
mod resolution;
mod result;
mod roles;
mod run;
mod stability;
mod warnings;

pub use analyse::{Progress, Stage, analyse};
pub use channels::{ChannelView, ChosenChannel, CurvePoint};
pub use checks::{Check, CheckStep, Verdict};
pub use error::PlaneError;
pub use files::{PLANE_FORMAT, write_plane};
pub use input::{LabelInput, LayerInput, Matrix, PlaneInput, VectorSource};
pub use options::{PlaneOptions, TAUS};
pub use result::{
    Accuracy, ClassRow, CompletenessRow, CriticalLayer, Distribution, Figure, Interval, Ite,
    LabelSummary, NullFigure, PlaneResult, PlaneRow, Resolution, ResolutionPoint, ResolutionStep,
    VectorKind,
};
pub use roles::{Role, RoleRow};
pub use run::{Against, ClassGroups};
pub use stability::{HalvesAgreement, RankStability, RankedBy};
