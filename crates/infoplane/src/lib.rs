//! Conductance-based information plane analysis of trained networks.
//!
//! [`Analysis`] runs the whole job, from a network and samples to a report; the crates it is made of
//! are re-exported for everything in between.

mod ablation;
mod analysis;
mod arrays;
mod comparison;
mod config;
mod controls;
mod demo;
pub mod doctor;
mod error;
mod hardware;
pub mod hub;
mod information;
mod maps;
mod mean;
mod model;
mod model_source;
mod names;
mod pool;
mod progress;
mod run;
mod selftest;
mod series;
mod shard;

pub use ablation::{Ablated, AblationRequest, ablate};
pub use analysis::{Analysis, Finished, plane, report};
pub use arrays::{AttributeSummary, Predictions, Unreached, attribute, predict};
pub use comparison::compare;
pub use config::{
    DEFAULT_BLUR, DEFAULT_CAPTUM_STEPS, DEFAULT_CONTROL_SAMPLES, DEFAULT_MAX_STEPS, DEFAULT_POWER,
    DEFAULT_SEED, DEFAULT_STEPS, DEFAULT_TOLERANCE, RunConfig,
};
pub use error::Error;
pub use information::{InformationRequest, InformationResult, LoadedPair};
pub use maps::{DEMO_KEPT_MAPS, MAX_KEPT_MAPS};
pub use model::{LayerChoice, Model};
pub use progress::{Phase, Progress};
pub use run::Run;
pub use selftest::{
    GRADIENT_TOLERANCE, GradientCheck, InformationTrial, TrialResult, check_gradients,
    try_estimators,
};
pub use series::{FinishedSeries, Series, SeriesProgress};
pub use shard::ShardDone;

pub use infoplane_attribution::{Quadrature, Reduction, argmax};
pub use infoplane_engine::PlanSummary;
pub use infoplane_graph::Layer;
pub use infoplane_plane::{
    AblationResult, AblationSettings, ControlKind, ControlsResult, Figure, Interval, PlaneResult,
    RankedBy, Replacement, SeriesResult, VectorKind,
};
pub use infoplane_report::FigureFormat;
pub use infoplane_store::{Shard, SkippedSample};

pub use infoplane_attribution as attribution;
pub use infoplane_data as data;
pub use infoplane_engine as engine;
pub use infoplane_estimators as estimators;
pub use infoplane_graph as graph;
pub use infoplane_plane as plane_parts;
pub use infoplane_report as report_parts;
pub use infoplane_store as store;
