//! 95 % intervals of means and shares over samples.

use statrs::distribution::{ContinuousCDF, StudentsT};

use crate::Interval;

/// The two-sided 95 % quantile of Student's t; the normal one where `freedom` is no number it knows, or so
/// large that they agree to 2e-5 (statrs does not end at infinity).
pub(crate) fn t_quantile(freedom: f64) -> f64 {
    const NORMAL: f64 = 1.959_963_984_540_054;
    const NEARLY_NORMAL: f64 = 1e5;
    if freedom > NEARLY_NORMAL {
        return NORMAL;
    }
    StudentsT::new(0.0, 1.0, freedom).map_or(NORMAL, |t| t.inverse_cdf(0.975))
}

pub(crate) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

/// Squared standard error of the mean; 0 for fewer than two values.
fn squared_error(values: &[f64]) -> f64 {
    if values.len() < 2 {
        return 0.0;
    }
    let (n, mean) = (values.len() as f64, mean(values));
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    squares / (n - 1.0) / n
}

/// Mean with Student's t interval.
pub(crate) fn mean_interval(values: &[f64]) -> Interval {
    crossed_interval(values, &[])
}

/// Mean of `samples`, each of which is already the mean over random draws, with an interval for other
/// samples and other draws. `draws` holds, for each draw, the mean over the same samples.
///
/// The two squared errors s²/n add up (samples and draws are crossed, both random), and Student's t has
/// Satterthwaite's degrees of freedom (Satterthwaite 1946). What scatter the samples leave in the draws'
/// means is counted in both, which makes the interval a little too wide.
pub(crate) fn crossed_interval(samples: &[f64], draws: &[f64]) -> Interval {
    let value = mean(samples);
    let parts = [samples, draws].map(|values| (squared_error(values), values.len()));
    let error: f64 = parts.iter().map(|(squared, _)| squared).sum();
    if error == 0.0 {
        return Interval {
            value,
            ci: [value; 2],
        };
    }
    let weights: f64 = parts
        .iter()
        .filter(|(squared, _)| *squared > 0.0)
        .map(|(squared, n)| squared.powi(2) / (*n as f64 - 1.0))
        .sum();
    let half = t_quantile(error.powi(2) / weights) * error.sqrt();
    Interval {
        value,
        ci: [value - half, value + half],
    }
}

/// Share of the samples that are 1, with Wilson's interval (Wilson 1927), which stays within [0, 1] and
/// does not collapse where all or none are.
pub(crate) fn share_interval(values: &[f64]) -> Interval {
    let (n, share) = (values.len().max(1) as f64, mean(values));
    let z = t_quantile(f64::INFINITY);
    let scale = 1.0 + z * z / n;
    let middle = (share + z * z / (2.0 * n)) / scale;
    let half = z / scale * (share * (1.0 - share) / n + z * z / (4.0 * n * n)).sqrt();
    Interval {
        value: share,
        ci: [
            (middle - half).clamp(0.0, share),
            (middle + half).clamp(share, 1.0),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quantile_ends_in_the_normal_one() {
        let known = [
            (1.0, 12.7062),
            (10.0, 2.2281),
            (1e5, 1.959_99),
            (1e9, 1.959_96),
        ];
        for (freedom, quantile) in known.into_iter().chain([(f64::INFINITY, 1.959_96)]) {
            assert!((t_quantile(freedom) - quantile).abs() < 1e-4, "{freedom}");
        }
    }

    fn near(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-6, "{found}, not {expected}");
    }

    #[test]
    fn intervals_are_those_of_the_tables() {
        // t(4) = 2.776445; s² of 1 … 5 is 2.5.
        let interval = mean_interval(&[1.0, 2.0, 3.0, 4.0, 5.0]);
        near(interval.value, 3.0);
        near(interval.ci[1] - 3.0, 2.776_445_1 * 0.5f64.sqrt());
        // Wilson's interval of 8 of 10.
        let mut hits = vec![1.0; 8];
        hits.extend([0.0; 2]);
        let share = share_interval(&hits);
        near(share.ci[0], 0.490_162_5);
        near(share.ci[1], 0.943_317_8);
        assert_eq!(share_interval(&[1.0; 20]).ci[1], 1.0);
        assert!(share_interval(&[1.0; 20]).ci[0] < 0.9);
        near(t_quantile(f64::INFINITY), 1.959_964);
    }

    #[test]
    fn scattered_draws_widen_the_interval_and_equal_ones_do_not() {
        let samples: Vec<f64> = (0..100).map(|i| f64::from(i % 7)).collect();
        let alone = mean_interval(&samples);
        let width = |interval: Interval| interval.ci[1] - interval.ci[0];
        let same = crossed_interval(&samples, &[3.0; 5]);
        near(width(same), width(alone));
        let scattered = crossed_interval(&samples, &[1.0, 5.0, 2.0, 4.0, 3.0]);
        assert!(width(scattered) > 2.0 * width(alone));
        assert_eq!(crossed_interval(&[2.0; 4], &[2.0; 3]).ci, [2.0, 2.0]);
    }
}
