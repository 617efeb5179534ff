//! The span of a layer's vectors.

use crate::{Matrix, PlaneError, PlaneInput, VectorKind, VectorRange};

/// The least and greatest number among the vectors of each layer and kind of several runs of the same
/// layers: the ends between which bins of equal width mean the same in every run and for every unit of a
/// layer.
///
/// # Errors
/// When vectors can't be read.
pub fn range_of(input: &PlaneInput<'_>) -> Result<Vec<VectorRange>, PlaneError> {
    let mut ranges = Vec::with_capacity(2 * input.layers.len());
    for (index, layer) in input.layers.iter().enumerate() {
        for kind in [VectorKind::Conductance, VectorKind::Activation] {
            let [low, high] = ends(&input.vectors.vectors(index, kind)?);
            ranges.push(VectorRange {
                layer: layer.name.clone(),
                kind,
                low,
                high,
            });
        }
    }
    Ok(ranges)
}

fn ends(matrix: &Matrix) -> [f64; 2] {
    let numbers = matrix.data.iter().copied().map(f64::from);
    numbers.fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], number| {
        [low.min(number), high.max(number)]
    })
}

impl VectorRange {
    /// The smallest range that holds this one and `other`.
    pub fn with(&self, other: &VectorRange) -> VectorRange {
        VectorRange {
            low: self.low.min(other.low),
            high: self.high.max(other.high),
            ..self.clone()
        }
    }
}
