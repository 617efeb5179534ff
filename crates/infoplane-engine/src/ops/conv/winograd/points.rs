//! The transforms of Winograd's minimal filtering F(m × m, 3 × 3) (Winograd 1980; Lavin and Gray 2016,
//! arXiv 1509.09308): Y = Aᵀ [(G g Gᵀ) ⊙ (Bᵀ d B)] A for a patch d of (m + 2)² inputs, weights g and
//! m² outputs Y.

use crate::simd::Simd;

/// The transforms along one axis: `N` = m + 2 inputs, `M` = m outputs.
pub(super) trait Points<const N: usize, const M: usize>: Copy {
    /// G: what three weights become.
    fn weights(self, g: [f64; 3]) -> [f64; N];

    /// Bᵀ: what a line of inputs becomes.
    fn input<S: Simd>(self, simd: S, d: [S::Vector; N]) -> [S::Vector; N];

    /// Aᵀ: the outputs of a line of products.
    fn output<S: Simd>(self, simd: S, m: [S::Vector; N]) -> [S::Vector; M];
}

/// F(4 × 4, 3 × 3) with the points 0, ±5/8, ±3/2, ∞: 36 products for 16 outputs.
///
/// Points whose squares have a product near 1 keep the transformed values of like size: the rounding
/// error is half that of the usual points 0, ±1, ±2, ∞, and twice that of adding up the products as they
/// stand (Barabasz et al. 2020, arXiv 1803.10986, on the choice of points; the figures are those of
/// 64 channels of rectified normal inputs). All constants are exact in binary.
#[derive(Debug, Clone, Copy)]
pub(super) struct Four;

/// The two pairs of points ±a, ±b.
const A: f32 = 0.625;
const B: f32 = 1.5;

impl Points<6, 4> for Four {
    fn weights(self, [low, middle, high]: [f64; 3]) -> [f64; 6] {
        let (a, b) = (f64::from(A), f64::from(B));
        // The polynomial low + middle·x + high·x² at x, over the product of the distances to the other
        // points.
        let at = |x: f64, distances: f64| (low + middle * x + high * x * x) / distances;
        let (near, far) = (2.0 * a * a * (a * a - b * b), 2.0 * b * b * (b * b - a * a));
        [
            low / (a * a * b * b),
            at(a, near),
            at(-a, near),
            at(b, far),
            at(-b, far),
            high,
        ]
    }

    #[inline(always)]
    fn input<S: Simd>(self, simd: S, d: [S::Vector; 6]) -> [S::Vector; 6] {
        let (a, b) = (simd.splat(A), simd.splat(B));
        let (minus_a2, minus_b2) = (simd.splat(-A * A), simd.splat(-B * B));
        let (sum, product) = (simd.splat(-(A * A + B * B)), simd.splat(A * A * B * B));
        let near_even = simd.mul_add(minus_b2, d[2], d[4]);
        let near_odd = simd.mul(a, simd.mul_add(minus_b2, d[1], d[3]));
        let far_even = simd.mul_add(minus_a2, d[2], d[4]);
        let far_odd = simd.mul(b, simd.mul_add(minus_a2, d[1], d[3]));
        [
            simd.mul_add(product, d[0], simd.mul_add(sum, d[2], d[4])),
            simd.add(near_even, near_odd),
            simd.sub(near_even, near_odd),
            simd.add(far_even, far_odd),
            simd.sub(far_even, far_odd),
            simd.mul_add(product, d[1], simd.mul_add(sum, d[3], d[5])),
        ]
    }

    #[inline(always)]
    fn output<S: Simd>(self, simd: S, m: [S::Vector; 6]) -> [S::Vector; 4] {
        let (near, far) = (simd.add(m[1], m[2]), simd.add(m[3], m[4]));
        let (near_odd, far_odd) = (simd.sub(m[1], m[2]), simd.sub(m[3], m[4]));
        let weighted = |(a, b): (f32, f32), near: S::Vector, far: S::Vector| {
            simd.mul_add(simd.splat(a), near, simd.mul(simd.splat(b), far))
        };
        [
            simd.add(simd.add(m[0], near), far),
            weighted((A, B), near_odd, far_odd),
            weighted((A * A, B * B), near, far),
            simd.add(weighted((A * A * A, B * B * B), near_odd, far_odd), m[5]),
        ]
    }
}

/// F(2 × 2, 3 × 3) with the points 0, ±1, ∞: 16 products for 4 outputs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Two;

impl Points<4, 2> for Two {
    fn weights(self, [a, b, c]: [f64; 3]) -> [f64; 4] {
        [a, (a + b + c) / 2.0, (a - b + c) / 2.0, c]
    }

    #[inline(always)]
    fn input<S: Simd>(self, simd: S, d: [S::Vector; 4]) -> [S::Vector; 4] {
        [
            simd.sub(d[0], d[2]),
            simd.add(d[1], d[2]),
            simd.sub(d[2], d[1]),
            simd.sub(d[3], d[1]),
        ]
    }

    #[inline(always)]
    fn output<S: Simd>(self, simd: S, m: [S::Vector; 4]) -> [S::Vector; 2] {
        let (sum, difference) = (simd.add(m[1], m[2]), simd.sub(m[1], m[2]));
        [simd.add(m[0], sum), simd.add(difference, m[3])]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::{Job, LANES, SimdLevel, dispatch};

    struct OneAxis<P> {
        points: P,
        weights: [f64; 3],
        inputs: Vec<f32>,
    }

    /// Σ of products along one axis, in lane 0.
    fn outputs<const N: usize, const M: usize, P: Points<N, M>, S: Simd>(
        simd: S,
        case: &OneAxis<P>,
    ) -> Vec<f32> {
        let weights = case.points.weights(case.weights);
        let inputs: [S::Vector; N] = std::array::from_fn(|i| simd.splat(case.inputs[i]));
        let inputs = case.points.input(simd, inputs);
        let products: [S::Vector; N] =
            std::array::from_fn(|i| simd.mul(inputs[i], simd.splat(weights[i] as f32)));
        case.points
            .output(simd, products)
            .iter()
            .map(|&vector| {
                let mut lanes = [0.0; LANES];
                simd.store(vector, &mut lanes);
                lanes[0]
            })
            .collect()
    }

    impl Job for OneAxis<Four> {
        type Output = Vec<f32>;

        fn run<S: Simd>(self, simd: S) -> Vec<f32> {
            outputs(simd, &self)
        }
    }

    impl Job for OneAxis<Two> {
        type Output = Vec<f32>;

        fn run<S: Simd>(self, simd: S) -> Vec<f32> {
            outputs(simd, &self)
        }
    }

    #[test]
    fn along_one_axis_the_transforms_make_a_correlation() {
        let (weights, inputs) = ([0.5, -1.25, 2.0], vec![1.0, -2.0, 0.5, 3.0, -1.5, 0.25]);
        let expected = |output: usize| -> f32 {
            (0..3)
                .map(|tap| weights[tap] as f32 * inputs[output + tap])
                .sum()
        };
        for level in SimdLevel::detect() {
            let four = dispatch(
                level,
                OneAxis {
                    points: Four,
                    weights,
                    inputs: inputs.clone(),
                },
            );
            let two = dispatch(
                level,
                OneAxis {
                    points: Two,
                    weights,
                    inputs: inputs[..4].to_vec(),
                },
            );
            for (output, actual) in four.iter().enumerate() {
                assert!((actual - expected(output)).abs() < 1e-5, "{level:?}");
            }
            for (output, actual) in two.iter().enumerate() {
                assert!((actual - expected(output)).abs() < 1e-5, "{level:?}");
            }
        }
    }
}
