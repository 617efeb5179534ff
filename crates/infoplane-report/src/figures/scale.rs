//! Maps of data to lengths, and where their ticks stand.

/// A linear or logarithmic axis.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scale {
    domain: [f64; 2],
    range: [f64; 2],
    logarithmic: bool,
}

impl Scale {
    /// A linear scale whose ends are round numbers, or a little beyond the data where that is nearer.
    pub(super) fn linear(domain: [f64; 2], range: [f64; 2]) -> Self {
        let [low, high] = ordered(domain);
        let step = round_step(high - low, 5);
        Self {
            domain: [
                ((low / step).floor() * step).max(low - 0.06 * (high - low)),
                ((high / step).ceil() * step).min(high + 0.06 * (high - low)),
            ],
            range,
            logarithmic: false,
        }
    }

    /// A logarithmic scale over exactly this domain, whose ends must be positive.
    pub(super) fn logarithmic(domain: [f64; 2], range: [f64; 2]) -> Self {
        let low = domain[0].max(f64::MIN_POSITIVE);
        Self {
            domain: [low, domain[1].max(low * 1.001)],
            range,
            logarithmic: true,
        }
    }

    pub(super) fn domain(&self) -> [f64; 2] {
        self.domain
    }

    /// The length of a value; values outside the domain go to its ends.
    pub(super) fn at(&self, value: f64) -> f64 {
        let [low, high] = self.domain;
        let value = value.clamp(low, high);
        let share = if self.logarithmic {
            (value / low).ln() / (high / low).ln()
        } else {
            (value - low) / (high - low)
        };
        self.range[0] + share * (self.range[1] - self.range[0])
    }

    /// Tick values: round steps, or powers of ten where the scale is logarithmic.
    pub(super) fn ticks(&self) -> Vec<f64> {
        let [low, high] = self.domain;
        if self.logarithmic {
            let first = low.log10().ceil() as i32;
            let last = high.log10().floor() as i32;
            return (first..=last).map(|power| 10f64.powi(power)).collect();
        }
        let step = round_step(high - low, 5);
        let first = (low / step).ceil() as i64;
        let last = (high / step + 1e-9).floor() as i64;
        (first..=last).map(|index| index as f64 * step).collect()
    }
}

/// A tick's label with no more decimals than the step between ticks needs.
pub(super) fn tick_label(value: f64, ticks: &[f64], scale: &Scale) -> String {
    if scale.logarithmic {
        return format!("{value}");
    }
    let step = match ticks {
        [first, second, ..] => second - first,
        _ => value.abs(),
    };
    let decimals = if step > 0.0 && step.is_finite() {
        (-(step * 1.000_001).log10().floor()).clamp(0.0, 6.0) as usize
    } else {
        0
    };
    let text = format!("{value:.decimals$}");
    if text
        .trim_start_matches('-')
        .chars()
        .all(|c| c == '0' || c == '.')
    {
        return "0".to_owned();
    }
    text.replace('-', "−")
}

/// The round number (1, 2 or 5 times a power of ten) nearest above a `count`th of the span.
fn round_step(span: f64, count: usize) -> f64 {
    let raw = span / count as f64;
    let power = 10f64.powf(raw.log10().floor());
    let factor = match raw / power {
        ratio if ratio <= 1.0 => 1.0,
        ratio if ratio <= 2.0 => 2.0,
        ratio if ratio <= 5.0 => 5.0,
        _ => 10.0,
    };
    factor * power
}

/// The domain with its ends in order, finite, and apart.
fn ordered(domain: [f64; 2]) -> [f64; 2] {
    let [a, b] = domain.map(|end| if end.is_finite() { end } else { 0.0 });
    let (low, high) = (a.min(b), a.max(b));
    if high - low > 1e-12 * high.abs().max(1e-12) {
        [low, high]
    } else {
        [low, low + 1.0]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_hold_the_data() {
        let scale = Scale::linear([0.03, 5.3], [0.0, 100.0]);
        let [low, high] = scale.domain();
        assert!(low == 0.0 && (5.3..6.0).contains(&high));
        assert_eq!(scale.ticks(), [0.0, 2.0, 4.0]);
        let low = Scale::linear([-0.02, 2.7], [0.0, 100.0]).domain()[0];
        assert!((-0.2..-0.02).contains(&low), "{low}");
        assert_eq!(Scale::linear([0.0, 4.0], [0.0, 100.0]).at(1.0), 25.0);
        let labels: Vec<String> = [0.0, 0.05, 0.1]
            .map(|t| tick_label(t, &[0.0, 0.05], &scale))
            .into();
        assert_eq!(labels, ["0", "0.05", "0.10"]);
    }

    #[test]
    fn logarithmic_ticks_are_powers_of_ten() {
        let scale = Scale::logarithmic([0.002, 2.0], [0.0, 3.0]);
        assert_eq!(scale.ticks(), [0.01, 0.1, 1.0]);
        assert!((scale.at(0.02) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn empty_and_broken_domains_still_scale() {
        for domain in [
            [0.0, 0.0],
            [3.0, 3.0],
            [f64::NAN, f64::INFINITY],
            [2.0, -1.0],
        ] {
            let scale = Scale::linear(domain, [0.0, 1.0]);
            assert!(scale.at(0.5).is_finite(), "{domain:?}");
            assert!((2..=12).contains(&scale.ticks().len()), "{domain:?}");
        }
    }
}
