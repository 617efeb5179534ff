//! A sample's own blurred version as the start of its path.

/// Gaussian blur of the positions of each channel: weights proportional to exp(−d²/2σ²) up to a
/// distance of 3σ, separable; beyond the border the value at the border counts.
///
/// As a baseline it keeps a sample's colours and takes away its detail (Sturmfels, Lundberg and Lee
/// 2020, *Visualizing the Impact of Feature Attribution Baselines*).
#[derive(Debug, Clone, PartialEq)]
pub struct GaussianBlur {
    channels: usize,
    height: usize,
    width: usize,
    sigma: f64,
    /// Weights at distances 0, 1, …; the sum over both sides is 1.
    weights: Vec<f32>,
}

impl GaussianBlur {
    /// A blur of `sigma` pixels for samples of `[channels, height, width]`.
    pub fn new([channels, height, width]: [usize; 3], sigma: f64) -> GaussianBlur {
        let reach = (3.0 * sigma).ceil() as usize;
        let bell: Vec<f64> = (0..=reach)
            .map(|d| (-(d as f64).powi(2) / (2.0 * sigma * sigma)).exp())
            .collect();
        let sum = 2.0 * bell.iter().sum::<f64>() - 1.0;
        GaussianBlur {
            channels,
            height,
            width,
            sigma,
            weights: bell.iter().map(|weight| (weight / sum) as f32).collect(),
        }
    }

    /// σ in pixels.
    pub fn sigma(&self) -> f64 {
        self.sigma
    }

    pub(crate) fn len(&self) -> usize {
        self.channels * self.height * self.width
    }

    /// Fills `blurred` with `sample` blurred.
    pub(crate) fn apply(&self, sample: &[f32], blurred: &mut [f32]) {
        let plane = self.height * self.width;
        let mut across = vec![0.0; plane];
        for (sample, blurred) in sample
            .chunks_exact(plane)
            .zip(blurred.chunks_exact_mut(plane))
        {
            for (from, to) in sample
                .chunks_exact(self.width)
                .zip(across.chunks_exact_mut(self.width))
            {
                self.line(self.width, |x| from[x], |x, value| to[x] = value);
            }
            for x in 0..self.width {
                let at = |y: usize| y * self.width + x;
                self.line(
                    self.height,
                    |y| across[at(y)],
                    |y, value| blurred[at(y)] = value,
                );
            }
        }
    }

    fn line(&self, len: usize, read: impl Fn(usize) -> f32, mut write: impl FnMut(usize, f32)) {
        for place in 0..len {
            let mut value = self.weights[0] * read(place);
            for (distance, weight) in self.weights.iter().enumerate().skip(1) {
                let before = place.saturating_sub(distance);
                let after = (place + distance).min(len - 1);
                value += weight * (read(before) + read(after));
            }
            write(place, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_becomes_a_bell_and_a_constant_stays() {
        let blur = GaussianBlur::new([2, 21, 31], 2.0);
        let mut sample = vec![0.0; blur.len()];
        sample[21 * 31..].fill(3.0);
        sample[10 * 31 + 15] = 1.0;
        let mut blurred = vec![f32::NAN; blur.len()];
        blur.apply(&sample, &mut blurred);
        assert!(
            blurred[21 * 31..]
                .iter()
                .all(|value| (value - 3.0).abs() < 1e-5)
        );
        let bell = &blurred[..21 * 31];
        assert!((bell.iter().sum::<f32>() - 1.0).abs() < 1e-5);
        let ratio = bell[10 * 31 + 17] / bell[10 * 31 + 15];
        assert!(
            (ratio - (-0.5f32).exp()).abs() < 1e-5,
            "one σ aside: {ratio}"
        );
        assert_eq!(bell[12 * 31 + 15], bell[10 * 31 + 17]);
    }
}
