//! Matrix products: `Gemm`, and `MatMul` with broadcast leading axes.

use super::linear::Linear;
use super::loops::{Loops, broadcast_strides, dense_strides};
use super::operands::{Source, operand};
use crate::error::EngineError;
use crate::gemm::{Matrix, MatrixMut, gemm};
use crate::kernel::{Gradient, Kernel, Operand, Reads, VjpContext};

/// From so many rows on, packing the weights costs less than reading them for every few rows: a product of
/// matrices is faster than [`Linear`].
const MANY_ROWS: usize = 32;

/// Attributes of a `Gemm`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct GemmAttributes {
    pub alpha: f32,
    pub beta: f32,
    pub trans_a: bool,
    pub trans_b: bool,
}

/// Builds the kernel of α·op(A)·op(B) + β·C; C, broadcast to the result, may be left out. All but the last
/// axis of an A that is not transposed are rows.
pub(crate) fn build_gemm(
    operator: &'static str,
    attributes: GemmAttributes,
    operands: &[Operand],
    output_shape: &[usize],
) -> Result<Box<dyn Kernel>, EngineError> {
    let GemmAttributes {
        alpha,
        beta,
        trans_a,
        trans_b,
    } = attributes;
    let a = &operand(operator, operands, 0)?.shape;
    let b = &operand(operator, operands, 1)?.shape;
    let misfit = || shape_error(operator, operands, output_shape);
    let (a, output_shape) = match trans_a {
        true => (a.clone(), output_shape.to_vec()),
        false => (as_matrix(a), as_matrix(output_shape)),
    };
    let (&[a_rows, a_cols], &[b_rows, b_cols]) = (a.as_slice(), b.as_slice()) else {
        return Err(misfit());
    };
    let (rows, inner) = if trans_a {
        (a_cols, a_rows)
    } else {
        (a_rows, a_cols)
    };
    let (b_inner, cols) = if trans_b {
        (b_cols, b_rows)
    } else {
        (b_rows, b_cols)
    };
    if inner != b_inner || output_shape != [rows, cols] || operands.len() > 3 {
        return Err(misfit());
    }
    let sources = Source::of_all(operator, operands)?;
    if let (Source::Runtime(_), Source::Constant(weights)) = (&sources[0], &sources[1])
        && !trans_a
        && rows < MANY_ROWS
        && let Some(bias) = row_bias(operands.get(2), beta, cols)
    {
        return Ok(Box::new(Linear {
            alpha,
            samples: rows,
            matrix: [b_rows, b_cols],
            weights: weights.clone(),
            rows_are_outputs: trans_b,
            bias,
        }));
    }
    let addend = match (operands.get(2), sources.get(2)) {
        (Some(operand), Some(source)) => {
            let strides = broadcast_strides(&operand.shape, &output_shape).ok_or_else(misfit)?;
            Some(Addend {
                source: source.clone(),
                factor: beta,
                loops: Loops::new(
                    &output_shape,
                    [&dense_strides(&output_shape), &strides],
                    [0, 0],
                ),
            })
        }
        _ => None,
    };
    Ok(Box::new(Product {
        name: "gemm",
        alpha,
        a: Factor {
            source: sources[0].clone(),
            transposed: trans_a,
        },
        b: Factor {
            source: sources[1].clone(),
            transposed: trans_b,
        },
        size: Size { rows, inner, cols },
        batches: Loops::over(Vec::new(), [0; 3]),
        shared: [false; 2],
        addend,
    }))
}

/// The shape of a matrix whose rows are all but the last axis.
fn as_matrix(shape: &[usize]) -> Vec<usize> {
    match shape.split_last() {
        Some((&last, rows)) => vec![rows.iter().product(), last],
        None => Vec::new(),
    }
}

/// β · C where C is a constant that is the same for every row; empty where there is none.
fn row_bias(addend: Option<&Operand>, beta: f32, cols: usize) -> Option<Vec<f32>> {
    let Some(addend) = addend else {
        return Some(Vec::new());
    };
    let values = addend.constant.as_ref()?;
    let is_row = addend.shape.last() == Some(&cols) && addend.n_elements() == cols;
    is_row.then(|| values.iter().map(|&value| beta * value).collect())
}

/// Builds the kernel of a matrix product as NumPy's `matmul`: the last two axes are matrices, those
/// before broadcast, and a vector is a row on the left and a column on the right.
pub(crate) fn build_matmul(
    operator: &'static str,
    operands: &[Operand],
    output_shape: &[usize],
) -> Result<Box<dyn Kernel>, EngineError> {
    let a = &operand(operator, operands, 0)?.shape;
    let b = &operand(operator, operands, 1)?.shape;
    let misfit = || shape_error(operator, operands, output_shape);
    let (a_lead, rows, inner) = match a.as_slice() {
        [] => return Err(misfit()),
        [inner] => (&a[..0], None, *inner),
        [lead @ .., rows, inner] => (lead, Some(*rows), *inner),
    };
    let (b_lead, b_inner, cols) = match b.as_slice() {
        [] => return Err(misfit()),
        [inner] => (&b[..0], *inner, None),
        [lead @ .., inner, cols] => (lead, *inner, Some(*cols)),
    };
    let n_matrix_axes = usize::from(rows.is_some()) + usize::from(cols.is_some());
    let lead = output_shape
        .len()
        .checked_sub(n_matrix_axes)
        .map(|n_lead| &output_shape[..n_lead])
        .ok_or_else(misfit)?;
    let expected: Vec<usize> = lead.iter().copied().chain(rows).chain(cols).collect();
    let (rows, cols) = (rows.unwrap_or(1), cols.unwrap_or(1));
    if inner != b_inner || output_shape != expected || operands.len() != 2 {
        return Err(misfit());
    }
    let strides = |own_lead: &[usize], matrix: usize| {
        let strides = broadcast_strides(own_lead, lead).ok_or_else(misfit)?;
        Ok::<_, EngineError>(
            strides
                .into_iter()
                .map(|stride| stride * matrix as isize)
                .collect::<Vec<_>>(),
        )
    };
    let a_strides = strides(a_lead, rows * inner)?;
    let b_strides = strides(b_lead, inner * cols)?;
    let c_strides: Vec<isize> = dense_strides(lead)
        .into_iter()
        .map(|stride| stride * (rows * cols) as isize)
        .collect();
    let n_matrices = |lead: &[usize]| lead.iter().product::<usize>();
    let mut size = Size { rows, inner, cols };
    let mut batches = Loops::new(lead, [&c_strides, &a_strides, &b_strides], [0; 3]);
    let mut shared = [a_lead, b_lead].map(|own_lead| n_matrices(own_lead) != n_matrices(lead));
    // One matrix on the right for all on the left: they are one tall matrix.
    if n_matrices(b_lead) == 1 && !shared[0] {
        size.rows *= n_matrices(lead);
        batches = Loops::over(Vec::new(), [0; 3]);
        shared = [false; 2];
    }
    let sources = Source::of_all(operator, operands)?;
    if let (Source::Runtime(_), Source::Constant(weights)) = (&sources[0], &sources[1])
        && batches.axes().is_empty()
        && size.rows < MANY_ROWS
    {
        return Ok(Box::new(Linear {
            alpha: 1.0,
            samples: size.rows,
            matrix: [size.inner, size.cols],
            weights: weights.clone(),
            rows_are_outputs: false,
            bias: Vec::new(),
        }));
    }
    let factor = |side: usize| Factor {
        source: sources[side].clone(),
        transposed: false,
    };
    Ok(Box::new(Product {
        name: if batches.axes().is_empty() {
            "matmul"
        } else {
            "matmul, batched"
        },
        alpha: 1.0,
        a: factor(0),
        b: factor(1),
        size,
        batches,
        shared,
        addend: None,
    }))
}

fn shape_error(
    operator: &'static str,
    operands: &[Operand],
    output_shape: &[usize],
) -> EngineError {
    let shapes: Vec<&[usize]> = operands.iter().map(|o| o.shape.as_slice()).collect();
    EngineError::unsupported(
        operator,
        format!("the shapes {shapes:?} to {output_shape:?}"),
    )
}

/// Extents of one product.
#[derive(Debug, Clone, Copy)]
struct Size {
    rows: usize,
    inner: usize,
    cols: usize,
}

/// One side of a product.
#[derive(Debug)]
struct Factor {
    source: Source,
    transposed: bool,
}

impl Factor {
    /// The matrix at `start`, of `rows` × `cols` once transposed.
    fn matrix<'a>(&self, data: &'a [f32], start: usize, rows: usize, cols: usize) -> Matrix<'a> {
        let data = &data[start..];
        if self.transposed {
            Matrix::row_major(data, cols, rows).transposed()
        } else {
            Matrix::row_major(data, rows, cols)
        }
    }

    /// As [`Factor::matrix`], for the factor's gradient.
    fn matrix_mut<'a>(
        &self,
        data: &'a mut [f32],
        start: usize,
        rows: usize,
        cols: usize,
    ) -> MatrixMut<'a> {
        let data = &mut data[start..];
        if self.transposed {
            MatrixMut::row_major(data, cols, rows).transposed()
        } else {
            MatrixMut::row_major(data, rows, cols)
        }
    }
}

/// What is added to a product.
#[derive(Debug)]
struct Addend {
    source: Source,
    factor: f32,
    /// Result, addend.
    loops: Loops<2>,
}

struct Product {
    name: &'static str,
    alpha: f32,
    a: Factor,
    b: Factor,
    size: Size,
    /// First elements of result, A and B for every matrix of the result.
    batches: Loops<3>,
    /// Whether A and B are used for several matrices of the result.
    shared: [bool; 2],
    addend: Option<Addend>,
}

impl Kernel for Product {
    fn name(&self) -> &'static str {
        self.name
    }

    fn reads(&self) -> Reads {
        Reads {
            inputs: self.a.source.is_runtime() && self.b.source.is_runtime(),
            output: false,
        }
    }

    fn constant_bytes(&self) -> usize {
        let addend = self.addend.as_ref().map(|addend| &addend.source);
        [Some(&self.a.source), Some(&self.b.source), addend]
            .into_iter()
            .flatten()
            .map(Source::constant_bytes)
            .sum()
    }

    fn forward(&self, inputs: &[&[f32]], output: &mut [f32], _: &mut [u32], _: &mut [f32]) {
        let Size { rows, inner, cols } = self.size;
        let (a, b) = (self.a.source.get(inputs), self.b.source.get(inputs));
        if let Some(addend) = &self.addend {
            addend.spread(inputs, output);
        }
        let beta = if self.addend.is_some() { 1.0 } else { 0.0 };
        self.batches.for_each(|[c_start, a_start, b_start]| {
            gemm(
                self.alpha,
                self.a.matrix(a, a_start, rows, inner),
                self.b.matrix(b, b_start, inner, cols),
                beta,
                MatrixMut::row_major(&mut output[c_start..], rows, cols),
            );
        });
    }

    fn vjp(&self, operand: usize, context: VjpContext<'_>, mut gradient: Gradient<'_>) {
        let Size { rows, inner, cols } = self.size;
        if let Some(addend) = &self.addend
            && addend.source.is_operand(operand)
        {
            return addend.gather(context.grad_output, gradient);
        }
        let is_a = self.a.source.is_operand(operand);
        if self.shared[usize::from(!is_a)] {
            gradient.clear_unless_accumulating();
            gradient.accumulate = true;
        }
        let beta = if gradient.accumulate { 1.0 } else { 0.0 };
        self.batches.for_each(|[c_start, a_start, b_start]| {
            let g = Matrix::row_major(&context.grad_output[c_start..], rows, cols);
            if is_a {
                let b = self.b.source.get(context.inputs);
                gemm(
                    self.alpha,
                    g,
                    self.b.matrix(b, b_start, inner, cols).transposed(),
                    beta,
                    self.a.matrix_mut(gradient.data, a_start, rows, inner),
                );
            } else {
                let a = self.a.source.get(context.inputs);
                gemm(
                    self.alpha,
                    self.a.matrix(a, a_start, rows, inner).transposed(),
                    g,
                    beta,
                    self.b.matrix_mut(gradient.data, b_start, inner, cols),
                );
            }
        });
    }
}

impl Addend {
    /// Fills the result with the broadcast, scaled addend.
    fn spread(&self, inputs: &[&[f32]], output: &mut [f32]) {
        let addend = self.source.get(inputs);
        let inner = self.loops.inner();
        self.loops.for_each_run(|[start, from]| {
            let run = &mut output[start..start + inner.extent];
            if inner.strides[1] == 0 {
                run.fill(self.factor * addend[from]);
            } else {
                for (slot, &value) in run.iter_mut().zip(&addend[from..]) {
                    *slot = self.factor * value;
                }
            }
        });
    }

    /// The gradient: that of the result, scaled and summed over the broadcast axes.
    fn gather(&self, grad_output: &[f32], mut gradient: Gradient<'_>) {
        gradient.clear_unless_accumulating();
        let inner = self.loops.inner();
        self.loops.for_each_run(|[start, to]| {
            let run = &grad_output[start..start + inner.extent];
            if inner.strides[1] == 0 {
                gradient.data[to] += self.factor * super::math::sum(run);
            } else {
                for (slot, &g) in gradient.data[to..].iter_mut().zip(run) {
                    *slot += self.factor * g;
                }
            }
        });
    }
}

#[cfg(test)]
#[path = "matmul_tests.rs"]
mod tests;
