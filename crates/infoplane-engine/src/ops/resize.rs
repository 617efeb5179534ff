//! Interpolation along axes, one after the other.

use infoplane_graph::ResizedAxis;

use super::operands::runtime;
use super::vectorize::vectorized;
use crate::error::EngineError;
use crate::kernel::{Gradient, Kernel, Operand, VjpContext};

/// Builds the kernel that takes weighted sums along `axes`. What lies beyond the operand along any of
/// them is `outside_value`.
pub(crate) fn build(
    operator: &'static str,
    axes: &[ResizedAxis],
    outside_value: f32,
    operands: &[Operand],
    output_shape: &[usize],
) -> Result<Box<dyn Kernel>, EngineError> {
    let mut shape = runtime(operator, operands, 0)?.to_vec();
    let misfit = || {
        let resized: Vec<usize> = axes.iter().map(|axis| axis.axis).collect();
        EngineError::unsupported(
            operator,
            format!(
                "axes {resized:?} of {:?} to {output_shape:?}",
                operands[0].shape
            ),
        )
    };
    let mut steps = Vec::with_capacity(axes.len());
    for resized in axes {
        let axis = resized.axis;
        let (source, target) = (
            *shape.get(axis).ok_or_else(misfit)?,
            *output_shape.get(axis).ok_or_else(misfit)?,
        );
        let fits = resized.sources.len() == target * resized.taps
            && resized.weights.len() == resized.sources.len()
            && resized.sources.iter().all(|&index| index < source)
            && resized.outside.iter().all(|&place| place < target);
        if !fits || resized.taps == 0 || source == 0 {
            return Err(misfit());
        }
        shape[axis] = target;
        steps.push(Step {
            source,
            target,
            inner: shape[axis + 1..].iter().product(),
            taps: resized.taps,
            sources: resized.sources.clone(),
            weights: resized.weights.clone(),
            len: shape.iter().product(),
        });
    }
    if shape != output_shape || steps.is_empty() || shape.contains(&0) {
        return Err(misfit());
    }
    Ok(Box::new(Resize {
        outside: outside(axes, output_shape),
        outside_value,
        steps,
    }))
}

/// Places of the result that lie beyond the operand, ascending.
fn outside(axes: &[ResizedAxis], output_shape: &[usize]) -> Vec<usize> {
    if axes.iter().all(|axis| axis.outside.is_empty()) {
        return Vec::new();
    }
    let beyond = |place: &usize| {
        axes.iter().any(|resized| {
            let inner: usize = output_shape[resized.axis + 1..].iter().product();
            let along = place / inner % output_shape[resized.axis];
            resized.outside.binary_search(&along).is_ok()
        })
    };
    (0..output_shape.iter().product()).filter(beyond).collect()
}

struct Resize {
    steps: Vec<Step>,
    outside: Vec<usize>,
    outside_value: f32,
}

/// Weighted sums along one axis.
struct Step {
    /// Extent of the axis before.
    source: usize,
    /// Extent of the axis after.
    target: usize,
    /// Elements from one place on the axis to the next.
    inner: usize,
    taps: usize,
    sources: Vec<usize>,
    weights: Vec<f32>,
    /// Elements of the whole tensor after.
    len: usize,
}

impl Step {
    /// Places on the axis after, with what each is the sum of.
    fn places(&self) -> impl Iterator<Item = (&[usize], &[f32])> {
        let sources = self.sources.chunks_exact(self.taps);
        sources.zip(self.weights.chunks_exact(self.taps))
    }

    #[inline(always)]
    fn sum(&self, input: &[f32], output: &mut [f32]) {
        let blocks = input.chunks_exact(self.source * self.inner);
        let targets = output.chunks_exact_mut(self.target * self.inner);
        for (block, target) in blocks.zip(targets) {
            for (slots, (sources, weights)) in
                target.chunks_exact_mut(self.inner).zip(self.places())
            {
                slots.fill(0.0);
                for (source, &weight) in sources.iter().zip(weights) {
                    let run = &block[source * self.inner..][..self.inner];
                    for (slot, x) in slots.iter_mut().zip(run) {
                        *slot += weight * x;
                    }
                }
            }
        }
    }

    /// The product with the transposed weights, added to `gradient`.
    #[inline(always)]
    fn spread(&self, grad_output: &[f32], gradient: &mut [f32]) {
        let blocks = gradient.chunks_exact_mut(self.source * self.inner);
        let targets = grad_output.chunks_exact(self.target * self.inner);
        for (block, target) in blocks.zip(targets) {
            for (run, (sources, weights)) in target.chunks_exact(self.inner).zip(self.places()) {
                for (source, &weight) in sources.iter().zip(weights) {
                    let slots = &mut block[source * self.inner..][..self.inner];
                    for (slot, g) in slots.iter_mut().zip(run) {
                        *slot += weight * g;
                    }
                }
            }
        }
    }
}

impl Resize {
    /// Floats of the largest tensor between two steps.
    fn between(&self) -> usize {
        let (_, earlier) = self.steps.split_last().unzip();
        let earlier: &[Step] = earlier.unwrap_or(&[]);
        earlier.iter().map(|step| step.len).max().unwrap_or(0)
    }
}

impl Kernel for Resize {
    fn name(&self) -> &'static str {
        let taps = self.steps.iter().map(|step| step.taps).max();
        match taps {
            Some(1) => "resize, nearest",
            _ => "resize, interpolated",
        }
    }

    fn scratch_len(&self) -> usize {
        2 * self.between()
    }

    fn constant_bytes(&self) -> usize {
        let bytes = |step: &Step| {
            size_of_val(step.sources.as_slice()) + size_of_val(step.weights.as_slice())
        };
        self.steps.iter().map(bytes).sum::<usize>() + size_of_val(self.outside.as_slice())
    }

    fn forward(&self, inputs: &[&[f32]], output: &mut [f32], _: &mut [u32], scratch: &mut [f32]) {
        let (mut held, mut free) = scratch.split_at_mut(self.between());
        for (index, step) in self.steps.iter().enumerate() {
            let last = index + 1 == self.steps.len();
            let source: &[f32] = if index == 0 { inputs[0] } else { held };
            let target: &mut [f32] = if last { output } else { &mut free[..step.len] };
            vectorized(|| step.sum(source, target));
            std::mem::swap(&mut held, &mut free);
        }
        for &place in &self.outside {
            output[place] = self.outside_value;
        }
    }

    fn vjp(&self, _: usize, context: VjpContext<'_>, mut gradient: Gradient<'_>) {
        gradient.clear_unless_accumulating();
        for &place in &self.outside {
            context.grad_output[place] = 0.0;
        }
        let (mut held, mut free) = context.scratch.split_at_mut(self.between());
        for (index, step) in self.steps.iter().enumerate().rev() {
            let is_last = index + 1 == self.steps.len();
            let source: &[f32] = if is_last { context.grad_output } else { held };
            match index.checked_sub(1) {
                None => vectorized(|| step.spread(source, gradient.data)),
                Some(before) => {
                    let target = &mut free[..self.steps[before].len];
                    target.fill(0.0);
                    vectorized(|| step.spread(source, target));
                }
            }
            std::mem::swap(&mut held, &mut free);
        }
    }
}

#[cfg(test)]
mod tests {
    use infoplane_graph::ResizedAxis;
    use proptest::prelude::*;

    use super::build;
    use crate::kernel::Kernel;
    use crate::ops::testing::{check_against_reference, check_laws, operand, values};

    /// An axis with weights by formula, some of them on the same element.
    fn resized(axis: usize, source: usize, target: usize, taps: usize) -> ResizedAxis {
        let len = target * taps;
        ResizedAxis {
            axis,
            taps,
            sources: (0..len).map(|i| (i * 7 + i / taps) % source).collect(),
            weights: values(len, axis as u64 + 3),
            outside: Vec::new(),
        }
    }

    fn resize(shape: &[usize], axes: &[ResizedAxis]) -> (Box<dyn Kernel>, Vec<usize>) {
        let mut output_shape = shape.to_vec();
        for axis in axes {
            output_shape[axis.axis] = axis.sources.len() / axis.taps;
        }
        let kernel = build("Resize", axes, 0.25, &[operand(shape)], &output_shape).unwrap();
        (kernel, output_shape)
    }

    /// Every element as a sum over all elements of the operand, with the product of the axes' weights.
    fn reference_resize(
        shape: &[usize],
        output_shape: &[usize],
        axes: &[ResizedAxis],
        input: &[f64],
    ) -> Vec<f64> {
        let places = |mut flat: usize, shape: &[usize]| {
            let mut places = vec![0; shape.len()];
            for axis in (0..shape.len()).rev() {
                places[axis] = flat % shape[axis];
                flat /= shape[axis];
            }
            places
        };
        let weight = |axis: usize, target: usize, source: usize| match axes
            .iter()
            .find(|resized| resized.axis == axis)
        {
            None => f64::from(u8::from(target == source)),
            Some(resized) => (target * resized.taps..(target + 1) * resized.taps)
                .filter(|&tap| resized.sources[tap] == source)
                .map(|tap| f64::from(resized.weights[tap]))
                .sum(),
        };
        (0..output_shape.iter().product())
            .map(|flat| {
                let to = places(flat, output_shape);
                if axes
                    .iter()
                    .any(|axis| axis.outside.contains(&to[axis.axis]))
                {
                    return 0.25;
                }
                let terms = input.iter().enumerate().map(|(flat, x)| {
                    let from = places(flat, shape);
                    let weights = (0..shape.len()).map(|axis| weight(axis, to[axis], from[axis]));
                    x * weights.product::<f64>()
                });
                terms.sum()
            })
            .collect()
    }

    #[test]
    fn resized_axes_match_the_reference() {
        let shape = [2, 2, 3, 5];
        for axes in [
            vec![resized(3, 5, 7, 1)],
            vec![resized(2, 3, 6, 2)],
            vec![resized(2, 3, 4, 2), resized(3, 5, 2, 3)],
            vec![
                resized(1, 2, 3, 1),
                resized(2, 3, 5, 2),
                resized(3, 5, 3, 4),
            ],
            vec![
                ResizedAxis {
                    outside: vec![0, 3],
                    ..resized(2, 3, 4, 2)
                },
                resized(3, 5, 2, 2),
            ],
        ] {
            let (kernel, output_shape) = resize(&shape, &axes);
            check_against_reference(
                &*kernel,
                &[values(60, 5)],
                |wide| reference_resize(&shape, &output_shape, &axes, &wide[0]),
                1e-5,
            );
        }
    }

    #[test]
    fn axes_that_do_not_fit_are_refused() {
        let attempt = |axes: &[ResizedAxis], output_shape: &[usize]| {
            build("Resize", axes, 0.0, &[operand(&[2, 3])], output_shape).is_err()
        };
        assert!(attempt(&[resized(2, 3, 4, 1)], &[2, 4]));
        assert!(attempt(&[resized(1, 5, 4, 1)], &[2, 4]));
        assert!(attempt(&[resized(1, 3, 4, 1)], &[2, 5]));
        assert!(attempt(&[], &[2, 3]));
    }

    proptest! {
        #[test]
        fn vjp_is_linear(
            (h, w) in (1usize..5, 1usize..5),
            (to_h, to_w) in (1usize..6, 1usize..6),
            taps in 1usize..4,
            seed: u64,
        ) {
            let axes = [resized(1, h, to_h, taps), resized(2, w, to_w, taps)];
            let (kernel, output_shape) = resize(&[2, h, w], &axes);
            let output_len = output_shape.iter().product();
            check_laws(&*kernel, &[values(2 * h * w, seed)], output_len, seed);
        }
    }
}
