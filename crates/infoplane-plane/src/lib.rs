//! The information plane: mutual information of every layer, transformation efficiency, resolution.

mod result;

pub use result::{
    Accuracy, CompletenessRow, CriticalLayer, Distribution, Figure, Interval, Ite, LabelSummary,
    NullFigure, PlaneResult, PlaneRow, Resolution, ResolutionPoint, ResolutionStep, VectorKind,
};
