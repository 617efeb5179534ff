//! Each layer's way through the planes of the checkpoints.

use serde::{Deserialize, Serialize};

use super::phase::{Phase, Tested, compression, fitting};
use crate::{Figure, PlaneError, PlaneRow, RowHalves, VectorKind};

/// The plane of one checkpoint.
#[derive(Debug, Clone, PartialEq)]
pub struct Checkpoint {
    /// What it is called in errors.
    pub name: String,
    /// The plane's rows.
    pub rows: Vec<PlaneRow>,
    /// Their figures on halves of the samples, as many and in the same order.
    pub halves: Vec<RowHalves>,
}

/// One layer through all checkpoints, by one estimator and against one label.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SeriesPath {
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
    /// What Y is.
    pub label: String,
    /// The places on the plane, one a checkpoint, in their order.
    pub points: Vec<PathPoint>,
    /// The largest rise of I(·;Y) from the first checkpoint; absent without labels.
    pub fitting: Option<Phase>,
    /// The largest fall of I(X;·) to the last checkpoint; absent for an estimator for which it is infinite.
    pub compression: Option<Phase>,
}

/// A layer at one checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PathPoint {
    /// I(X;·).
    pub mi_x: Option<PathFigure>,
    /// I(·;Y).
    pub mi_y: Option<PathFigure>,
}

/// A figure of the plane, without what its run's `plane.json` has more of it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PathFigure {
    /// The estimate in bits.
    pub value: f64,
    /// Its 95 % interval.
    pub ci: [f64; 2],
    /// Whether it is too close to its ceiling to mean anything.
    pub saturated: bool,
    /// Whether its bracket is too wide to trust it.
    pub flagged: bool,
}

impl PathFigure {
    fn of(figure: &Figure) -> Self {
        Self {
            value: figure.value,
            ci: figure.ci,
            saturated: figure.saturated,
            flagged: figure.flagged,
        }
    }
}

/// The paths of all rows of the first checkpoint through all `checkpoints`, which are in training order.
///
/// # Errors
/// [`PlaneError::Series`] for fewer than two checkpoints, and for one whose rows are not those of the
/// first.
pub fn paths(checkpoints: &[Checkpoint]) -> Result<Vec<SeriesPath>, PlaneError> {
    let (first, others) = match checkpoints {
        [first, others @ ..] if !others.is_empty() => (first, others),
        _ => {
            return Err(PlaneError::Series(format!(
                "a series of {} checkpoints; at least 2 are needed",
                checkpoints.len()
            )));
        }
    };
    for checkpoint in others {
        check_rows(first, checkpoint)?;
    }
    Ok((0..first.rows.len())
        .map(|index| path(checkpoints, &first.rows[index], index))
        .collect())
}

fn check_rows(first: &Checkpoint, other: &Checkpoint) -> Result<(), PlaneError> {
    fn key(row: &PlaneRow) -> (&str, VectorKind, &str, &str) {
        (&row.layer, row.kind, &row.estimator, &row.label)
    }
    let pairs = first.rows.iter().zip(&other.rows);
    let different = pairs.into_iter().find(|(a, b)| key(a) != key(b));
    let said = match different {
        Some((expected, found)) => format!(
            "{}: {} of layer `{}` ({}, {}) where {} has {} of layer `{}` ({}, {})",
            other.name,
            found.kind,
            found.layer,
            found.estimator,
            found.label,
            first.name,
            expected.kind,
            expected.layer,
            expected.estimator,
            expected.label
        ),
        None if first.rows.len() != other.rows.len() => format!(
            "{}: {} rows of the plane where {} has {}",
            other.name,
            other.rows.len(),
            first.name,
            first.rows.len()
        ),
        None => return Ok(()),
    };
    Err(PlaneError::Series(format!(
        "{said}; the checkpoints of a series must have the same layers"
    )))
}

fn path(checkpoints: &[Checkpoint], row: &PlaneRow, index: usize) -> SeriesPath {
    let rows = || checkpoints.iter().filter_map(|c| c.rows.get(index));
    SeriesPath {
        layer: row.layer.clone(),
        depth: row.depth,
        cut: row.cut,
        kind: row.kind,
        estimator: row.estimator.clone(),
        label: row.label.clone(),
        points: rows()
            .map(|row| PathPoint {
                mi_x: row.mi_x.as_ref().map(PathFigure::of),
                mi_y: row.mi_y.as_ref().map(PathFigure::of),
            })
            .collect(),
        fitting: tested(checkpoints, index, |row, halves| {
            (row.mi_y.as_ref(), &halves.mi_y)
        })
        .and_then(|figures| fitting(&figures)),
        compression: tested(checkpoints, index, |row, halves| {
            (row.mi_x.as_ref(), &halves.mi_x)
        })
        .and_then(|figures| compression(&figures)),
    }
}

/// One figure of every checkpoint; `None` where any lacks it.
fn tested(
    checkpoints: &[Checkpoint],
    index: usize,
    get: impl for<'a> Fn(&'a PlaneRow, &'a RowHalves) -> (Option<&'a Figure>, &'a Vec<f64>),
) -> Option<Vec<Tested<'_>>> {
    checkpoints
        .iter()
        .map(|checkpoint| {
            let (figure, halves) = get(checkpoint.rows.get(index)?, checkpoint.halves.get(index)?);
            figure.map(|figure| Tested {
                value: figure.value,
                halves,
                saturated: figure.saturated,
                flagged: figure.flagged,
            })
        })
        .collect()
}
