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

/// The paths of all rows of the first checkpoint through all `checkpoints`, which are in training order. A
/// row that a checkpoint lacks, of a label that is the same for all samples there, leaves its place empty.
///
/// # Errors
/// [`PlaneError::Series`] for fewer than two checkpoints, and for one that lacks a layer of the first.
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
    for row in &first.rows {
        let has = |other: &&Checkpoint| other.rows.iter().any(|own| own.layer == row.layer);
        if let Some(other) = others.iter().find(|other| !has(other)) {
            return Err(PlaneError::Series(format!(
                "{} has no layer `{}`, which {} has; the checkpoints of a series must have the same layers",
                other.name, row.layer, first.name
            )));
        }
    }
    Ok(first
        .rows
        .iter()
        .map(|row| path(checkpoints, row))
        .collect())
}

/// What the path of a row is made of at one checkpoint.
type Found<'a> = Option<(&'a PlaneRow, &'a RowHalves)>;

fn path(checkpoints: &[Checkpoint], row: &PlaneRow) -> SeriesPath {
    let same = |own: &PlaneRow| {
        own.layer == row.layer
            && own.kind == row.kind
            && own.estimator == row.estimator
            && own.label == row.label
    };
    let found: Vec<Found<'_>> = checkpoints
        .iter()
        .map(|checkpoint| {
            let mut rows = checkpoint.rows.iter().zip(&checkpoint.halves);
            rows.find(|(own, _)| same(own))
        })
        .collect();
    let figures = found.iter().map(|found| PathPoint {
        mi_x: found.and_then(|(row, _)| row.mi_x.as_ref().map(PathFigure::of)),
        mi_y: found.and_then(|(row, _)| row.mi_y.as_ref().map(PathFigure::of)),
    });
    let input = found.iter().map(|found| {
        let (row, halves) = (*found)?;
        Some(tested(row.mi_x.as_ref()?, &halves.mi_x))
    });
    let label = found.iter().map(|found| {
        let (row, halves) = (*found)?;
        Some(tested(row.mi_y.as_ref()?, &halves.mi_y))
    });
    // Only where every checkpoint has the figure.
    let (input, label): (Option<Vec<_>>, Option<Vec<_>>) = (input.collect(), label.collect());
    SeriesPath {
        layer: row.layer.clone(),
        depth: row.depth,
        cut: row.cut,
        kind: row.kind,
        estimator: row.estimator.clone(),
        label: row.label.clone(),
        points: figures.collect(),
        fitting: label.and_then(|figures| fitting(&figures)),
        compression: input.and_then(|figures| compression(&figures)),
    }
}

fn tested<'a>(figure: &Figure, halves: &'a [f64]) -> Tested<'a> {
    Tested {
        value: figure.value,
        halves,
        saturated: figure.saturated,
        flagged: figure.flagged,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Ite, PhaseVerdict};

    fn figure(value: f64) -> Figure {
        Figure {
            value,
            unit: "bits".to_owned(),
            ci: [value; 2],
            bracket: [value; 2],
            ceiling: 10.0,
            null: None,
            saturated: false,
            flagged: false,
        }
    }

    /// A checkpoint of layers with their two figures, which no half moves.
    fn checkpoint(name: &str, layers: &[(&str, f64, Option<f64>)]) -> Checkpoint {
        let rows = layers.iter().map(|&(layer, mi_x, mi_y)| PlaneRow {
            layer: layer.to_owned(),
            depth: 1,
            cut: true,
            kind: VectorKind::Activation,
            estimator: "gaussian-channel".to_owned(),
            label: "class".to_owned(),
            n: 100,
            width: 4,
            dimensions: 4,
            mi_x: Some(figure(mi_x)),
            mi_y: mi_y.map(figure),
            ite: Ite {
                ratio: None,
                normalized: None,
                incremental: None,
            },
        });
        let halves = layers.iter().map(|&(_, mi_x, mi_y)| RowHalves {
            mi_x: vec![mi_x; 20],
            mi_y: mi_y.map_or_else(Vec::new, |mi_y| vec![mi_y; 20]),
        });
        Checkpoint {
            name: name.to_owned(),
            rows: rows.collect(),
            halves: halves.collect(),
        }
    }

    #[test]
    fn layers_are_followed_by_name_through_the_checkpoints() {
        let series = [
            checkpoint("a", &[("one", 5.0, Some(0.5)), ("two", 3.0, Some(0.5))]),
            checkpoint("b", &[("two", 4.0, Some(1.0)), ("one", 5.0, Some(1.0))]),
            checkpoint("c", &[("one", 5.0, Some(1.0)), ("two", 2.0, Some(1.5))]),
        ];
        let paths = paths(&series).unwrap();
        let values = |path: &SeriesPath| -> Vec<f64> {
            path.points.iter().map(|p| p.mi_x.unwrap().value).collect()
        };
        assert_eq!(values(&paths[0]), [5.0, 5.0, 5.0]);
        assert_eq!(values(&paths[1]), [3.0, 4.0, 2.0]);
        let compression = |path: &SeriesPath| path.compression.clone().unwrap();
        assert_eq!(compression(&paths[0]).verdict, PhaseVerdict::None);
        let fall = compression(&paths[1]);
        assert_eq!((fall.from, fall.to, fall.change.value), (1, 2, -2.0));
        assert_eq!(fall.verdict, PhaseVerdict::Holds);
        assert_eq!(paths[1].fitting.clone().unwrap().change.value, 1.0);
    }

    #[test]
    fn a_phase_needs_its_figure_at_every_checkpoint() {
        let series = [
            checkpoint("a", &[("one", 5.0, Some(0.5))]),
            checkpoint("b", &[("one", 4.0, None)]),
        ];
        let paths = paths(&series).unwrap();
        assert_eq!(paths[0].fitting, None);
        assert!(paths[0].points[1].mi_y.is_none());
        assert!(paths[0].compression.is_some());
    }

    #[test]
    fn a_missing_layer_and_a_lone_checkpoint_are_refused() {
        let (a, b) = (
            checkpoint("a", &[("one", 5.0, None)]),
            checkpoint("b", &[("two", 5.0, None)]),
        );
        let said = paths(&[a.clone(), b]).unwrap_err().to_string();
        assert!(said.contains("b has no layer `one`"), "{said}");
        assert!(paths(&[a]).unwrap_err().to_string().contains("at least 2"));
    }
}
