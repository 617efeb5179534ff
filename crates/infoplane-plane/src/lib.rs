//! The information plane: mutual information of every layer, transformation efficiency, resolution.
//!
//! [`analyse`] turns a [`PlaneInput`] into a [`PlaneResult`], and [`write_plane`] writes that as
//! `plane.json`, `plane.csv` and `plane.parquet`. [`PlaneInput::from_run`] reads a run directory; a
//! layer's vectors are read when their turn comes.

mod analyse;
mod completeness;
mod critical;
mod efficiency;
mod error;
mod files;
mod input;
mod labels;
mod options;
mod resolution;
mod result;
mod run;
mod warnings;

pub use analyse::{Progress, Stage, analyse};
pub use error::PlaneError;
pub use files::{PLANE_FORMAT, write_plane};
pub use input::{LabelInput, LayerInput, Matrix, PlaneInput, VectorSource};
pub use options::{PlaneOptions, TAUS};
pub use result::{
    Accuracy, CompletenessRow, CriticalLayer, Distribution, Figure, Interval, Ite, LabelSummary,
    NullFigure, PlaneResult, PlaneRow, Resolution, ResolutionPoint, ResolutionStep, VectorKind,
};
pub use run::ClassGroups;
