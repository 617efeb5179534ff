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
    channels_last: bool,
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
            channels_last: false,
            sigma,
            weights: bell.iter().map(|weight| (weight / sum) as f32).collect(),
        }
    }

    /// The same for samples of `[height, width, channels]`.
    pub fn with_channels_last(self) -> GaussianBlur {
        GaussianBlur {
            channels_last: true,
            ..self
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
        let (plane, width) = (self.height * self.width, self.width);
        let mut across = vec![0.0; plane];
        for channel in 0..self.channels {
            let (start, step) = match self.channels_last {
                true => (channel, self.channels),
                false => (channel * plane, 1),
            };
            let place = |pixel: usize| start + pixel * step;
            for y in 0..self.height {
                self.line(
                    width,
                    |x| sample[place(y * width + x)],
                    |x, value| across[y * width + x] = value,
                );
            }
            for x in 0..width {
                self.line(
                    self.height,
                    |y| across[y * width + x],
                    |y, value| blurred[place(y * width + x)] = value,
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

        let last = |planes: &[f32]| -> Vec<f32> {
            (0..blur.len())
                .map(|at| planes[at % 2 * 21 * 31 + at / 2])
                .collect()
        };
        let mut found = vec![f32::NAN; blur.len()];
        let with_last = blur.clone().with_channels_last();
        with_last.apply(&last(&sample), &mut found);
        assert_eq!(found, last(&blurred));
    }
}
