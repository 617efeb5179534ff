//! The figures of a row on halves of the samples, from which changes between runs get their intervals.

use infoplane_estimators::{Estimate, Information};

use crate::families::Found;

/// A row's figures on each half of the samples; complementary halves follow each other. Runs with as many
/// samples and the same seed have the same halves.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RowHalves {
    /// I(X;C) on each half, in bits; empty where the row has none.
    pub mi_x: Vec<f64>,
    /// I(C;Y) on each half, likewise.
    pub mi_y: Vec<f64>,
}

impl RowHalves {
    pub(crate) fn of(information: &Information) -> Self {
        let label = information.label.as_ref();
        Self {
            mi_x: information.input.subsamples.clone(),
            mi_y: label.map_or_else(Vec::new, of_label),
        }
    }

    /// Of what a family found; `None` where that makes no row.
    pub(crate) fn found(found: &Found) -> Option<Self> {
        match found {
            Found::Both(information) => Some(Self::of(information)),
            Found::Label(label) => Some(Self {
                mi_x: Vec::new(),
                mi_y: of_label(label),
            }),
            Found::Nothing => None,
        }
    }
}

fn of_label(label: &Estimate) -> Vec<f64> {
    label.subsamples.clone()
}
