//! Which family for which pair: the table of `docs/estimators.md` as a function.

use crate::neighbours::{ColumnScale, Points};
use crate::{About, Pair};

/// Share of repeated vectors from which a side counts as discrete or mixed.
const REPEATED: f64 = 0.05;

/// Most coordinates of vectors with classes for neighbours.
const CLASS_COORDINATES: usize = 5;

/// Most coordinates of both sides for `ksg1`, and for `ksg-extrapolated`.
const FEW_COORDINATES: usize = 4;
const SOME_COORDINATES: usize = 10;

/// Fewest samples that a network learns something from.
const LEARNABLE: usize = 500;

/// The name of the family to use for a pair, by the number of samples, the coordinates that are not
/// constant, and whether vectors repeat.
///
/// | about | coordinates | samples | family |
/// |---|---|---|---|
/// | identity | any | any | `gaussian-channel` |
/// | classes | up to 5, repeated | any | `gao` |
/// | classes | up to 5 | any | `ross` |
/// | classes | more | from 500 | `probe` |
/// | classes | more | fewer | `gaussian` |
/// | vectors | both sides up to 10, a side repeated | any | `gao` |
/// | vectors | both sides up to 4 | any | `ksg1` |
/// | vectors | both sides up to 10 | any | `ksg-extrapolated` |
/// | vectors | more | from 500 | `latent` |
/// | vectors | more | fewer | `gaussian` |
pub fn choose(pair: &Pair<'_>) -> &'static str {
    let side = |samples| {
        let points = Points::new(samples, ColumnScale::None);
        (points.width(), points.repeated() >= REPEATED)
    };
    let learnable = pair.n_samples() >= LEARNABLE;
    match pair.about() {
        About::Identity => "gaussian-channel",
        About::Classes(_) => match side(pair.vectors()) {
            (width, true) if width <= CLASS_COORDINATES => "gao",
            (width, false) if width <= CLASS_COORDINATES => "ross",
            _ if learnable => "probe",
            _ => "gaussian",
        },
        About::Vectors(other) => {
            let (first, first_repeated) = side(pair.vectors());
            let (second, second_repeated) = side(other);
            match first + second {
                width if width <= SOME_COORDINATES && (first_repeated || second_repeated) => "gao",
                width if width <= FEW_COORDINATES => "ksg1",
                width if width <= SOME_COORDINATES => "ksg-extrapolated",
                _ if learnable => "latent",
                _ => "gaussian",
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tasks;

    fn chosen(task: &str, n: usize) -> &'static str {
        let task = tasks::all().into_iter().find(|t| t.name == task).unwrap();
        choose(&task.sample(n, 1).pair().unwrap())
    }

    #[test]
    fn the_table_is_followed() {
        for (task, n, expected) in [
            ("normal-1", 200, "ksg1"),
            ("normal-sparse-2", 200, "ksg1"),
            ("normal-dense-3", 200, "ksg-extrapolated"),
            ("spiral-sparse-5", 200, "ksg-extrapolated"),
            ("normal-sparse-50", 500, "latent"),
            ("normal-sparse-50", 499, "gaussian"),
            ("gao-uniform-5", 200, "gao"),
            ("zero-inflated-poisson", 200, "gao"),
            ("gao-uniform-5-classes", 200, "ross"),
            ("mixture-2", 200, "ross"),
            ("mixture-50", 800, "probe"),
            ("mixture-50", 100, "gaussian"),
            ("image-784-side", 500, "probe"),
            ("image-784-pair", 500, "latent"),
        ] {
            assert_eq!(chosen(task, n), expected, "{task}, {n} samples");
        }
    }

    #[test]
    fn identity_constant_columns_and_repeats_are_seen() {
        let mut data: Vec<f64> = (0..600).map(|i| f64::from((i * 7919) % 6_007)).collect();
        // Nine of ten columns are constant.
        for (index, value) in data.iter_mut().enumerate() {
            if index % 10 != 0 {
                *value = 1.0;
            }
        }
        let samples = crate::Samples::from_f64(&data, 60, 10).unwrap();
        let about = |about| choose(&Pair::new(samples, about).unwrap());
        assert_eq!(about(About::Identity), "gaussian-channel");
        assert_eq!(about(About::Vectors(samples)), "ksg1");
        let classes: Vec<u32> = (0..60).map(|i| i % 2).collect();
        let labels = crate::Labels::new(&classes).unwrap();
        assert_eq!(about(About::Classes(&labels)), "ross");
        let rounded: Vec<f64> = data.iter().map(|v| (v / 500.0).round()).collect();
        let rounded = crate::Samples::from_f64(&rounded, 60, 10).unwrap();
        let pair = Pair::new(rounded, About::Classes(&labels)).unwrap();
        assert_eq!(choose(&pair), "gao");
    }

    #[test]
    fn every_choice_is_a_family() {
        for task in tasks::all() {
            for n in [30, 600] {
                crate::registry::family(chosen(&task.name, n)).unwrap();
            }
        }
    }
}
