//! Pooling by the p-norm of each window.

use infoplane_graph::Window2d;

use super::vectorize::vectorized;
use super::window::PlaneWindow;
use crate::error::EngineError;
use crate::kernel::{Gradient, Kernel, Operand, Reads, VjpContext};

/// Builds the kernel of (Σ |x|^p)^(1/p) of each window over `[N, C, H, W]` or `[N, C, W]`.
pub(crate) fn build(
    operator: &'static str,
    window: &Window2d,
    p: u32,
    operands: &[Operand],
    output_shape: &[usize],
) -> Result<Box<dyn Kernel>, EngineError> {
    let window = PlaneWindow::new(operator, window, operands, output_shape)?;
    if p == 0 {
        return Err(EngineError::unsupported(operator, "an exponent of 0"));
    }
    Ok(Box::new(LpPool { window, p }))
}

/// A window of zeros has the norm 0 and, as the norm has a corner there, no gradient.
struct LpPool {
    window: PlaneWindow,
    p: u32,
}

impl LpPool {
    #[inline(always)]
    fn plane(&self, plane: &[f32], output: &mut [f32]) {
        let (cols, exponent) = (self.window.cols.target, self.p as i32);
        for (row, slots) in output.chunks_exact_mut(cols).enumerate() {
            for (col, slot) in slots.iter_mut().enumerate() {
                let mut total = 0.0;
                self.for_each_tap(row, col, |index| {
                    total += power(plane[index].abs(), exponent)
                });
                *slot = match self.p {
                    1 => total,
                    2 => total.sqrt(),
                    p => total.powf(1.0 / p as f32),
                };
            }
        }
    }

    /// Adds g · sign(x) · (|x| / y)^(p − 1) to the elements under each window.
    #[inline(always)]
    fn spread(&self, x: &[f32], y: &[f32], g: &[f32], gradient: &mut [f32]) {
        let (cols, exponent) = (self.window.cols.target, self.p as i32 - 1);
        let results = y.iter().zip(g).enumerate();
        for (place, (&y, &g)) in results.filter(|(_, (y, _))| **y != 0.0) {
            self.for_each_tap(place / cols, place % cols, |index| {
                let share = power(x[index].abs() / y, exponent);
                let sign = if x[index] == 0.0 {
                    0.0
                } else {
                    x[index].signum()
                };
                gradient[index] += g * sign * share;
            });
        }
    }

    #[inline(always)]
    fn for_each_tap(&self, row: usize, col: usize, mut visit: impl FnMut(usize)) {
        let PlaneWindow { rows, cols, .. } = &self.window;
        for tap_row in rows.taps[row].clone() {
            let start = rows.index(row, tap_row) * cols.source;
            for tap_col in cols.taps[col].clone() {
                visit(start + cols.index(col, tap_col));
            }
        }
    }
}

/// x^exponent with the usual exponents spelled out.
#[inline(always)]
fn power(x: f32, exponent: i32) -> f32 {
    match exponent {
        0 => 1.0,
        1 => x,
        2 => x * x,
        _ => x.powi(exponent),
    }
}

impl Kernel for LpPool {
    fn name(&self) -> &'static str {
        "lp pool"
    }

    fn reads(&self) -> Reads {
        Reads {
            inputs: true,
            output: true,
        }
    }

    fn forward(&self, inputs: &[&[f32]], output: &mut [f32], _: &mut [u32], _: &mut [f32]) {
        let PlaneWindow { rows, cols, .. } = &self.window;
        let planes = inputs[0].chunks_exact(rows.source * cols.source);
        let targets = output.chunks_exact_mut(rows.target * cols.target);
        for (plane, output) in planes.zip(targets) {
            vectorized(|| self.plane(plane, output));
        }
    }

    fn vjp(&self, _: usize, context: VjpContext<'_>, mut gradient: Gradient<'_>) {
        gradient.clear_unless_accumulating();
        let PlaneWindow { rows, cols, .. } = &self.window;
        let (source, target) = (rows.source * cols.source, rows.target * cols.target);
        let results = context.output.chunks_exact(target);
        let results = results.zip(context.grad_output.chunks_exact(target));
        let planes = context.inputs[0].chunks_exact(source);
        let planes = planes.zip(gradient.data.chunks_exact_mut(source));
        for ((x, gradient), (y, g)) in planes.zip(results) {
            vectorized(|| self.spread(x, y, g, gradient));
        }
    }
}

#[cfg(test)]
mod tests {
    use infoplane_graph::Window2d;
    use proptest::prelude::*;

    use super::build;
    use crate::kernel::Kernel;
    use crate::ops::testing::{
        check_against_reference, check_laws, forward, operand, pool_output, values, vjp, window,
    };

    fn lp_pool(window: &Window2d, p: u32, shape: &[usize]) -> Box<dyn Kernel> {
        let output_shape = pool_output(window, shape);
        build("LpPool", window, p, &[operand(shape)], &output_shape).unwrap()
    }

    fn reference_lp_pool(window: &Window2d, p: u32, shape: &[usize; 4], x: &[f64]) -> Vec<f64> {
        let [n, c, h, w] = *shape;
        let output_shape = pool_output(window, shape);
        let mut result = Vec::new();
        for plane in 0..n * c {
            for row in 0..output_shape[2] {
                for col in 0..output_shape[3] {
                    let mut total = 0.0;
                    for tap_row in 0..window.kernel[0] {
                        for tap_col in 0..window.kernel[1] {
                            let y = (row * window.strides[0] + tap_row * window.dilations[0])
                                .wrapping_sub(window.pads_begin[0]);
                            let z = (col * window.strides[1] + tap_col * window.dilations[1])
                                .wrapping_sub(window.pads_begin[1]);
                            if y < h && z < w {
                                total += x[(plane * h + y) * w + z].abs().powi(p as i32);
                            }
                        }
                    }
                    result.push(total.powf(1.0 / f64::from(p)));
                }
            }
        }
        result
    }

    #[test]
    fn lp_pool_matches_the_reference() {
        for (window, shape) in [
            (window([3, 3], [2, 2], [1, 1], [0, 0], [0, 0]), [2, 3, 7, 9]),
            (window([3, 3], [2, 2], [1, 1], [1, 1], [1, 2]), [1, 2, 8, 7]),
            (
                window([2, 3], [3, 4], [2, 1], [1, 0], [0, 2]),
                [2, 1, 9, 13],
            ),
            (
                window([1, 3], [1, 2], [1, 2], [0, 2], [0, 1]),
                [2, 2, 1, 15],
            ),
            (window([5, 7], [1, 1], [1, 1], [0, 0], [0, 0]), [2, 3, 5, 7]),
        ] {
            for p in 1..=4 {
                check_against_reference(
                    &*lp_pool(&window, p, &shape),
                    &[values(shape.iter().product(), 6)],
                    |wide| reference_lp_pool(&window, p, &shape, &wide[0]),
                    1e-5,
                );
            }
        }
    }

    #[test]
    fn a_window_of_zeros_has_no_gradient() {
        let window = window([2, 2], [2, 2], [1, 1], [0, 0], [0, 0]);
        for p in [1, 2, 3] {
            let kernel = lp_pool(&window, p, &[1, 1, 2, 2]);
            let (output, saved) = forward(&*kernel, &[&[0.0; 4]], 1);
            assert_eq!(output, [0.0]);
            assert_eq!(
                vjp(&*kernel, &[&[0.0; 4]], &output, &saved, &[1.0], 0),
                [0.0; 4]
            );
        }
        let attempt = build(
            "LpPool",
            &window,
            0,
            &[operand(&[1, 1, 2, 2])],
            &[1, 1, 1, 1],
        );
        assert!(attempt.is_err());
    }

    proptest! {
        #[test]
        fn vjp_is_linear(
            kernel in 1usize..4,
            stride in 1usize..4,
            (h, w) in (3usize..9, 3usize..9),
            p in 1u32..4,
            seed: u64,
        ) {
            let window = window([kernel; 2], [stride; 2], [1; 2], [kernel / 2; 2], [kernel / 2; 2]);
            let shape = [1, 2, h, w];
            let output_len = pool_output(&window, &shape).iter().product();
            let input = values(shape.iter().product(), seed);
            check_laws(&*lp_pool(&window, p, &shape), &[input], output_len, seed);
        }
    }
}
