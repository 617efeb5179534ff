//! The mean over all positions of a channel.

use crate::kernel::{Gradient, Kernel, Operand, VjpContext};
use crate::simd::{Job, LANES, Lanes, Simd, SimdLevel, dispatch};

/// Builds the kernel; none where other axes than all positions are averaged.
pub(super) fn build(axes: &[usize], operands: &[Operand]) -> Option<Box<dyn Kernel>> {
    let shape = &operands.first()?.shape;
    let all_positions = axes.iter().copied().eq(2..shape.len());
    let positions: usize = shape.iter().skip(2).product();
    (all_positions && shape.len() > 2 && positions > 0)
        .then(|| Box::new(Mean { positions }) as Box<dyn Kernel>)
}

struct Mean {
    positions: usize,
}

impl Kernel for Mean {
    fn name(&self) -> &'static str {
        "mean over positions"
    }

    fn forward(&self, inputs: &[&[f32]], output: &mut [f32], _: &mut [u32], _: &mut [f32]) {
        let planes = inputs[0].chunks_exact(self.positions * LANES);
        for (plane, mean) in planes.zip(output.as_chunks_mut().0) {
            let plane = plane.as_chunks().0;
            dispatch(SimdLevel::current(), Average { plane, mean });
        }
    }

    fn vjp(&self, _: usize, context: VjpContext<'_>, gradient: Gradient<'_>) {
        let planes = gradient.data.chunks_exact_mut(self.positions * LANES);
        for (plane, mean) in planes.zip(context.grad_output.as_chunks().0) {
            let job = Spread {
                plane: plane.as_chunks_mut().0,
                mean,
                accumulate: gradient.accumulate,
            };
            dispatch(SimdLevel::current(), job);
        }
    }
}

struct Average<'a> {
    plane: &'a [Lanes],
    mean: &'a mut Lanes,
}

impl Job for Average<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        // Short runs, so that rounding errors do not grow with the number of positions.
        const RUN: usize = 64;
        let mut total = simd.splat(0.0);
        for run in self.plane.chunks(RUN) {
            let mut sum = simd.splat(0.0);
            for value in run {
                sum = simd.add(sum, simd.load(value));
            }
            total = simd.add(total, sum);
        }
        let share = simd.splat(1.0 / self.plane.len() as f32);
        simd.store(simd.mul(total, share), self.mean);
    }
}

struct Spread<'a> {
    plane: &'a mut [Lanes],
    mean: &'a Lanes,
    accumulate: bool,
}

impl Job for Spread<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let share = simd.splat(1.0 / self.plane.len() as f32);
        let each = simd.mul(simd.load(self.mean), share);
        for slot in self.plane {
            let value = if self.accumulate {
                simd.add(simd.load(slot), each)
            } else {
                each
            };
            simd.store(value, slot);
        }
    }
}
