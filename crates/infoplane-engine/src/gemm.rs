//! Matrix products on strided views: the only place that calls the `gemm` crate.

/// A read-only matrix inside a slice: element (r, c) is
/// `data[offset + r · row_stride + c · col_stride]`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Matrix<'a> {
    pub data: &'a [f32],
    pub offset: usize,
    pub rows: usize,
    pub cols: usize,
    pub row_stride: usize,
    pub col_stride: usize,
}

/// A writable matrix inside a slice, laid out as [`Matrix`]. Its elements must not overlap.
#[derive(Debug)]
pub(crate) struct MatrixMut<'a> {
    pub data: &'a mut [f32],
    pub offset: usize,
    pub rows: usize,
    pub cols: usize,
    pub row_stride: usize,
    pub col_stride: usize,
}

impl<'a> Matrix<'a> {
    /// The first `rows · cols` elements of a slice, row by row.
    pub fn row_major(data: &'a [f32], rows: usize, cols: usize) -> Matrix<'a> {
        Matrix {
            data,
            offset: 0,
            rows,
            cols,
            row_stride: cols,
            col_stride: 1,
        }
    }

    /// The transposed view of the same elements.
    pub fn transposed(self) -> Matrix<'a> {
        Matrix {
            rows: self.cols,
            cols: self.rows,
            row_stride: self.col_stride,
            col_stride: self.row_stride,
            ..self
        }
    }
}

impl<'a> MatrixMut<'a> {
    /// The first `rows · cols` elements of a slice, row by row.
    pub fn row_major(data: &'a mut [f32], rows: usize, cols: usize) -> MatrixMut<'a> {
        MatrixMut {
            data,
            offset: 0,
            rows,
            cols,
            row_stride: cols,
            col_stride: 1,
        }
    }

    /// The transposed view of the same elements.
    pub fn transposed(self) -> MatrixMut<'a> {
        MatrixMut {
            data: self.data,
            offset: self.offset,
            rows: self.cols,
            cols: self.rows,
            row_stride: self.col_stride,
            col_stride: self.row_stride,
        }
    }
}

/// C ← α·A·B + β·C on the calling thread; C is not read where β is 0.
///
/// # Panics
/// Where the shapes don't fit or a view reaches beyond its slice: a mistake of the calling kernel.
pub(crate) fn gemm(alpha: f32, a: Matrix<'_>, b: Matrix<'_>, beta: f32, c: MatrixMut<'_>) {
    assert!(
        a.rows == c.rows && b.cols == c.cols && a.cols == b.rows,
        "product of {}×{} and {}×{} into {}×{}",
        a.rows,
        a.cols,
        b.rows,
        b.cols,
        c.rows,
        c.cols
    );
    if c.rows == 0 || c.cols == 0 {
        return;
    }
    let a_strides = checked_strides(
        a.data.len(),
        a.offset,
        [a.rows, a.cols],
        [a.row_stride, a.col_stride],
    );
    let b_strides = checked_strides(
        b.data.len(),
        b.offset,
        [b.rows, b.cols],
        [b.row_stride, b.col_stride],
    );
    let c_strides = checked_strides(
        c.data.len(),
        c.offset,
        [c.rows, c.cols],
        [c.row_stride, c.col_stride],
    );
    // SAFETY: `checked_strides` has asserted that every element (r, c) of the three views lies
    // inside its slice, so each pointer formed below and each element that `gemm` derives from it
    // with these extents and strides is in bounds. C is borrowed mutably, hence disjoint from A and
    // B; without parallelism nothing else touches it meanwhile. C's uninitialised content is no
    // concern, because a slice of f32 is always initialised.
    unsafe {
        ::gemm::gemm(
            c.rows,
            c.cols,
            a.cols,
            c.data[c.offset..].as_mut_ptr(),
            c_strides[1],
            c_strides[0],
            beta != 0.0,
            a.data[a.offset..].as_ptr(),
            a_strides[1],
            a_strides[0],
            b.data[b.offset..].as_ptr(),
            b_strides[1],
            b_strides[0],
            beta,
            alpha,
            false,
            false,
            false,
            ::gemm::Parallelism::None,
        );
    }
}

/// Asserts that a view lies inside its slice; returns its strides as the `gemm` crate takes them.
fn checked_strides(
    len: usize,
    offset: usize,
    extents: [usize; 2],
    strides: [usize; 2],
) -> [isize; 2] {
    if extents.contains(&0) {
        assert!(offset <= len, "an empty view at {offset} of {len} elements");
        return [0, 0];
    }
    let last = extents
        .iter()
        .zip(strides)
        .try_fold(offset, |index, (&extent, stride)| {
            (extent - 1).checked_mul(stride)?.checked_add(index)
        });
    assert!(
        last.is_some_and(|last| last < len),
        "a view of {extents:?} with strides {strides:?} at {offset} of {len} elements"
    );
    // Only a stride that is never followed, along an axis of extent 1, can be beyond isize.
    strides.map(|stride| isize::try_from(stride).unwrap_or(1))
}

#[cfg(test)]
mod tests {
    use super::{Matrix, MatrixMut, gemm};
    use crate::ops::testing::{assert_close, values};

    fn reference_product(
        alpha: f64,
        a: Matrix<'_>,
        b: Matrix<'_>,
        beta: f64,
        c: &[f32],
        [offset, row_stride, col_stride]: [usize; 3],
    ) -> Vec<f64> {
        let mut result: Vec<f64> = c.iter().map(|&value| f64::from(value)).collect();
        for row in 0..a.rows {
            for col in 0..b.cols {
                let sum: f64 = (0..a.cols)
                    .map(|k| {
                        f64::from(a.data[a.offset + row * a.row_stride + k * a.col_stride])
                            * f64::from(b.data[b.offset + k * b.row_stride + col * b.col_stride])
                    })
                    .sum();
                let slot = &mut result[offset + row * row_stride + col * col_stride];
                *slot = alpha * sum + if beta == 0.0 { 0.0 } else { beta * *slot };
            }
        }
        result
    }

    #[test]
    fn products_match_the_reference_for_every_orientation() {
        for (m, n, k) in [
            (1, 1, 1),
            (3, 5, 7),
            (1, 17, 33),
            (19, 1, 8),
            (40, 70, 90),
            (7, 3, 1),
        ] {
            let (a_data, b_data) = (values(m * k, 1), values(k * n, 2));
            for bits in 0..8 {
                let a = if bits & 1 == 0 {
                    Matrix::row_major(&a_data, m, k)
                } else {
                    Matrix::row_major(&a_data, k, m).transposed()
                };
                let b = if bits & 2 == 0 {
                    Matrix::row_major(&b_data, k, n)
                } else {
                    Matrix::row_major(&b_data, n, k).transposed()
                };
                for (alpha, beta) in [(1.0, 0.0), (0.5, 1.0), (-2.0, 0.25)] {
                    let start = if beta == 0.0 {
                        vec![f32::NAN; m * n]
                    } else {
                        values(m * n, 3)
                    };
                    let mut result = start.clone();
                    let (c, layout) = if bits & 4 == 0 {
                        (MatrixMut::row_major(&mut result, m, n), [0, n, 1])
                    } else {
                        (
                            MatrixMut::row_major(&mut result, n, m).transposed(),
                            [0, 1, m],
                        )
                    };
                    gemm(alpha, a, b, beta, c);
                    let expected =
                        reference_product(f64::from(alpha), a, b, f64::from(beta), &start, layout);
                    assert_close(&result, &expected, 1e-5, "product");
                }
            }
        }
    }

    #[test]
    fn views_leave_the_rest_of_the_slice_alone() {
        let (a_data, b_data) = (values(200, 4), values(200, 5));
        let a = Matrix {
            data: &a_data,
            offset: 3,
            rows: 5,
            cols: 6,
            row_stride: 20,
            col_stride: 2,
        };
        let b = Matrix {
            data: &b_data,
            offset: 11,
            rows: 6,
            cols: 4,
            row_stride: 9,
            col_stride: 3,
        };
        let start = values(100, 6);
        let mut result = start.clone();
        gemm(
            1.0,
            a,
            b,
            1.0,
            MatrixMut {
                data: &mut result,
                offset: 7,
                rows: 5,
                cols: 4,
                row_stride: 15,
                col_stride: 2,
            },
        );
        let expected = reference_product(1.0, a, b, 1.0, &start, [7, 15, 2]);
        assert_close(&result, &expected, 1e-6, "product");
    }

    #[test]
    fn an_empty_inner_axis_gives_zeros() {
        let mut result = vec![f32::NAN; 6];
        gemm(
            1.0,
            Matrix::row_major(&[], 2, 0),
            Matrix::row_major(&[], 0, 3),
            0.0,
            MatrixMut::row_major(&mut result, 2, 3),
        );
        assert_eq!(result, [0.0; 6]);
    }

    #[test]
    #[should_panic(expected = "a view of [2, 3]")]
    fn a_view_beyond_its_slice_is_refused() {
        let data = [0.0; 6];
        let mut result = [0.0; 4];
        gemm(
            1.0,
            Matrix {
                offset: 1,
                ..Matrix::row_major(&data, 2, 3)
            },
            Matrix::row_major(&data, 3, 2),
            0.0,
            MatrixMut::row_major(&mut result, 2, 2),
        );
    }
}
