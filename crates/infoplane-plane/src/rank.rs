//! Kendall's rank correlation, and when two figures are equal.

/// Figures that differ by less than about this are equal: layers that hold the same vectors up to a scale
/// differ by rounding alone, and no order may hang on that.
const TIE: f64 = 1e-4;

/// The multiple of [`TIE`] nearest to a figure.
pub(crate) fn level(figure: f64) -> f64 {
    (figure / TIE).round()
}

/// τ_b of two rankings over the places where both are defined and finite: the share of pairs ordered
/// alike less that of pairs ordered otherwise, ties (see [`level`]) taken out of either side (Kendall 1945). `None` for
/// fewer than two places and where a side is all ties.
pub(crate) fn kendall(one: &[Option<f64>], other: &[Option<f64>]) -> Option<f64> {
    let both: Vec<(f64, f64)> = one
        .iter()
        .zip(other)
        .filter_map(|(a, b)| Some(((*a)?, (*b)?)))
        .filter(|(a, b)| a.is_finite() && b.is_finite())
        .collect();
    let (mut alike, mut untied_one, mut untied_other) = (0i64, 0i64, 0i64);
    for (index, (a, b)) in both.iter().enumerate() {
        for (c, d) in &both[index + 1..] {
            let order = |x: f64, y: f64| {
                let (x, y) = (level(x), level(y));
                i64::from(x > y) - i64::from(x < y)
            };
            let (first, second) = (order(*a, *c), order(*b, *d));
            alike += first * second;
            untied_one += first.abs();
            untied_other += second.abs();
        }
    }
    (untied_one > 0 && untied_other > 0)
        .then(|| alike as f64 / ((untied_one as f64) * (untied_other as f64)).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[f64]) -> Vec<Option<f64>> {
        values.iter().copied().map(Some).collect()
    }

    #[test]
    fn correlation_is_that_of_the_definition() {
        let up = of(&[1.0, 2.0, 3.0, 4.0]);
        assert_eq!(kendall(&up, &up), Some(1.0));
        assert_eq!(kendall(&up, &of(&[4.0, 3.0, 2.0, 1.0])), Some(-1.0));
        // One of six pairs the other way round: (5 − 1)/6.
        let found = kendall(&up, &of(&[1.0, 3.0, 2.0, 4.0])).unwrap();
        assert!((found - 4.0 / 6.0).abs() < 1e-12);
        // SciPy: kendalltau([1, 2, 3, 4], [1, 1, 2, 3]) = 0.9128709291752769.
        let tied = kendall(&up, &of(&[1.0, 1.0, 2.0, 3.0])).unwrap();
        assert!((tied - 0.912_870_929_175_276_9).abs() < 1e-12);
    }

    #[test]
    fn rounding_orders_nothing() {
        let up = of(&[1.0, 2.0, 3.0]);
        let nearly = of(&[1.0, 2.0 + 2e-6, 2.0 - 2e-6]);
        assert_eq!(kendall(&up, &nearly), kendall(&up, &of(&[1.0, 2.0, 2.0])));
    }

    #[test]
    fn undefined_places_do_not_count() {
        let one = [Some(1.0), None, Some(2.0), Some(f64::NAN)];
        assert_eq!(kendall(&one, &of(&[5.0, 0.0, 6.0, 1.0])), Some(1.0));
        assert_eq!(kendall(&one[..2], &of(&[5.0, 0.0])), None);
        assert_eq!(kendall(&of(&[1.0, 1.0]), &of(&[1.0, 2.0])), None);
    }
}
