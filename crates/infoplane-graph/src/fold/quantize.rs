//! Weights stored as integers with a scale and a zero point: of the whole tensor, of each index of an
//! axis, or of each block along an axis.

use super::tensor;
use crate::resolve::{Problem, axis_index, invalid};
use crate::tensor::{Tensor, TensorData};

/// What a tensor is quantised by.
#[derive(Clone, Copy)]
pub(super) struct Grid<'a> {
    pub scale: &'a Tensor,
    pub zero_point: Option<&'a Tensor>,
    pub axis: i64,
    /// 0 where each index of the axis, or the whole tensor, has a scale of its own.
    pub block_size: usize,
}

/// Scale and zero point of every element of a tensor.
struct Cells<'a> {
    scales: &'a [f32],
    zero_points: Option<&'a [i64]>,
    /// For each element, which scale is its own.
    indices: Vec<usize>,
}

impl<'a> Grid<'a> {
    fn over(self, shape: &[usize]) -> Result<Cells<'a>, Problem> {
        let scales = self
            .scale
            .floats()
            .ok_or_else(|| invalid("a scale that is not a float"))?;
        let zero_points = match self.zero_point {
            Some(zero_point) => {
                if zero_point.shape() != self.scale.shape() {
                    return Err(invalid(format!(
                        "a scale of shape {:?} and a zero point of shape {:?}",
                        self.scale.shape(),
                        zero_point.shape()
                    )));
                }
                let integers = zero_point.integers();
                Some(integers.ok_or_else(|| invalid("a zero point that is not an integer"))?)
            }
            None => None,
        };
        Ok(Cells {
            scales,
            zero_points,
            indices: self.indices(shape)?,
        })
    }

    fn indices(self, shape: &[usize]) -> Result<Vec<usize>, Problem> {
        let n: usize = shape.iter().product();
        let own = self.scale.shape();
        if own.iter().product::<usize>() == 1 && own.len() <= 1 {
            return Ok(vec![0; n]);
        }
        let axis = axis_index(self.axis, shape.len())?;
        let inner: usize = shape[axis + 1..].iter().product();
        let per_axis = self.block_size == 0 && own == [shape[axis]];
        let per_block = self.block_size > 0 && {
            let mut blocks = shape.to_vec();
            blocks[axis] = shape[axis].div_ceil(self.block_size);
            own == blocks
        };
        if per_axis {
            Ok((0..n).map(|index| index / inner % shape[axis]).collect())
        } else if per_block {
            let n_blocks = own[axis];
            Ok((0..n)
                .map(|index| {
                    let (outer, rest) = (index / inner / shape[axis], index % inner);
                    let block = index / inner % shape[axis] / self.block_size;
                    (outer * n_blocks + block) * inner + rest
                })
                .collect())
        } else {
            Err(invalid(format!(
                "a scale of shape {own:?} for the shape {shape:?} along axis {axis}"
            )))
        }
    }
}

impl Cells<'_> {
    fn each(&self) -> impl Iterator<Item = (f32, i64)> {
        self.indices.iter().map(|&index| {
            let zero_point = self.zero_points.map_or(0, |points| points[index]);
            (self.scales[index], zero_point)
        })
    }
}

/// The integers min(max(round(x/scale) + zero point, low), high).
pub(super) fn quantize(
    source: &Tensor,
    grid: Grid<'_>,
    [low, high]: [i64; 2],
) -> Result<Tensor, Problem> {
    let values = source
        .floats()
        .ok_or_else(|| invalid("quantised values that are no floats"))?;
    let cells = grid.over(source.shape())?;
    let integers = values
        .iter()
        .zip(cells.each())
        .map(|(&x, (scale, zero_point))| {
            let nearest = (x / scale).round_ties_even() as i64;
            nearest.saturating_add(zero_point).clamp(low, high)
        });
    let data = TensorData::I64(integers.collect());
    tensor(source.shape().to_vec(), data)
}

/// (x − zero point) · scale
pub(super) fn dequantize(source: &Tensor, grid: Grid<'_>) -> Result<Tensor, Problem> {
    let values = source
        .integers()
        .ok_or_else(|| invalid("quantised values that are no integers"))?;
    let cells = grid.over(source.shape())?;
    let floats = values
        .iter()
        .zip(cells.each())
        .map(|(&x, (scale, zero_point))| x.saturating_sub(zero_point) as f32 * scale);
    let data = TensorData::F32(floats.collect());
    tensor(source.shape().to_vec(), data)
}

#[cfg(test)]
mod tests {
    use super::{Grid, dequantize, quantize};
    use crate::tensor::{Tensor, TensorData};

    fn floats(shape: &[usize], values: &[f32]) -> Tensor {
        Tensor::new(shape.to_vec(), TensorData::F32(values.to_vec().into())).unwrap()
    }

    fn grid<'a>(scale: &'a Tensor, zero_point: Option<&'a Tensor>, block_size: usize) -> Grid<'a> {
        Grid {
            scale,
            zero_point,
            axis: 1,
            block_size,
        }
    }

    #[test]
    fn numbers_round_to_even_and_stay_in_range() {
        let scale = floats(&[], &[0.5]);
        let zero_point = Tensor::new(vec![], TensorData::I64(vec![10])).unwrap();
        let x = floats(&[1, 5], &[0.25, 0.75, -0.6, 900.0, -900.0]);
        let q = quantize(&x, grid(&scale, Some(&zero_point), 0), [0, 255]).unwrap();
        assert_eq!(q.integers().unwrap(), [10, 12, 9, 255, 0]);
        let back = dequantize(&q, grid(&scale, Some(&zero_point), 0)).unwrap();
        assert_eq!(back.floats().unwrap(), [0.0, 1.0, -0.5, 122.5, -5.0]);
    }

    #[test]
    fn a_block_along_an_axis_has_a_scale_of_its_own() {
        // Blocks of two along the axis of three: the last one is short.
        let q = Tensor::new(vec![2, 3, 2], TensorData::I64(vec![1; 12])).unwrap();
        let scale = floats(&[2, 2, 2], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]);
        let x = dequantize(&q, grid(&scale, None, 2)).unwrap();
        assert_eq!(
            x.floats().unwrap(),
            [1.0, 2.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 5.0, 6.0, 7.0, 8.0]
        );
        assert!(dequantize(&q, grid(&scale, None, 3)).is_err());
        let wrong = Tensor::from_integers(vec![0]);
        assert!(dequantize(&q, grid(&scale, Some(&wrong), 2)).is_err());
    }
}
