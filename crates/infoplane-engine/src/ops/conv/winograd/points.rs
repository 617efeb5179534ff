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

/// F(4 × 4, 3 × 3) with the points 0, ±1, ±2, ∞: 36 products for 16 outputs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Four;

impl Points<6, 4> for Four {
    fn weights(self, [a, b, c]: [f64; 3]) -> [f64; 6] {
        [
            a / 4.0,
            -(a + b + c) / 6.0,
            -(a - b + c) / 6.0,
            (a + 2.0 * b + 4.0 * c) / 24.0,
            (a - 2.0 * b + 4.0 * c) / 24.0,
            c,
        ]
    }

    #[inline(always)]
    fn input<S: Simd>(self, simd: S, d: [S::Vector; 6]) -> [S::Vector; 6] {
        let (two, four, minus_four) = (simd.splat(2.0), simd.splat(4.0), simd.splat(-4.0));
        let minus_five = simd.splat(-5.0);
        let even = simd.mul_add(minus_four, d[2], d[4]);
        let odd = simd.mul_add(minus_four, d[1], d[3]);
        let outer = simd.sub(d[4], d[2]);
        let inner = simd.mul(two, simd.sub(d[3], d[1]));
        [
            simd.mul_add(minus_five, d[2], simd.mul_add(four, d[0], d[4])),
            simd.add(even, odd),
            simd.sub(even, odd),
            simd.add(outer, inner),
            simd.sub(outer, inner),
            simd.mul_add(minus_five, d[3], simd.mul_add(four, d[1], d[5])),
        ]
    }

    #[inline(always)]
    fn output<S: Simd>(self, simd: S, m: [S::Vector; 6]) -> [S::Vector; 4] {
        let (two, four, eight) = (simd.splat(2.0), simd.splat(4.0), simd.splat(8.0));
        let (near, far) = (simd.add(m[1], m[2]), simd.add(m[3], m[4]));
        let (near_odd, far_odd) = (simd.sub(m[1], m[2]), simd.sub(m[3], m[4]));
        [
            simd.add(simd.add(m[0], near), far),
            simd.mul_add(two, far_odd, near_odd),
            simd.mul_add(four, far, near),
            simd.add(simd.mul_add(eight, far_odd, near_odd), m[5]),
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
