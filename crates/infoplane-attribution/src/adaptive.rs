//! Which intervals of a mesh to split.

/// Intervals of the first mesh of [`crate::Quadrature::Adaptive`].
pub const INITIAL_STEPS: usize = 12;

/// Narrowest interval that is split.
const NARROWEST: f64 = 1e-6;

/// When refinement stops.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AdaptiveRule {
    /// Largest completeness error over the cut layers, relative to |F(x) − F(x')|. What is below the
    /// rounding of the outputs, 4 ε max(|F(x)|, |F(x')|) in f32, is not split for.
    pub tolerance: f64,
    /// Most intervals.
    pub max_steps: usize,
}

impl AdaptiveRule {
    pub(crate) fn initial_steps(&self) -> usize {
        INITIAL_STEPS.min(self.max_steps)
    }
}

/// One interval of a mesh with its completeness error.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Interval {
    pub low: f64,
    pub high: f64,
    /// By cut layer: ΣC − (F(high) − F(low)).
    pub errors: Vec<f64>,
}

impl Interval {
    /// The square of its error, over all cut layers.
    pub fn squared_error(&self) -> f64 {
        dot(&self.errors, &self.errors)
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// The mesh's completeness error, by cut layer.
pub(crate) fn total_errors(mesh: &[Interval]) -> Vec<f64> {
    let n_cuts = mesh.first().map_or(0, |interval| interval.errors.len());
    (0..n_cuts)
        .map(|cut| mesh.iter().map(|interval| interval.errors[cut]).sum())
        .collect()
}

/// Largest absolute completeness error over the cut layers.
pub(crate) fn largest(errors: &[f64]) -> f64 {
    errors
        .iter()
        .fold(0.0, |worst, error| worst.max(error.abs()))
}

/// Indices of the intervals to split next, ascending, at most `room`.
///
/// With the errors eⱼ of the intervals (one element a cut layer) and their sum E, Σⱼ E·eⱼ = |E|²: an
/// interval's share of the squared error is E·eⱼ. Large errors that cancel are left alone, as are
/// intervals whose error makes up for that of others. The interval with the largest share comes first;
/// further ones are chosen as if its error were gone.
pub(crate) fn to_split(mesh: &[Interval], room: usize) -> Vec<usize> {
    let mut left = total_errors(mesh);
    let mut chosen: Vec<usize> = Vec::new();
    while chosen.len() < room {
        let open = (0..mesh.len()).filter(|index| {
            !chosen.contains(index) && mesh[*index].high - mesh[*index].low >= NARROWEST
        });
        let share = |index: usize| dot(&left, &mesh[index].errors);
        // The first of several, whatever their order in memory.
        let best = open.fold(None, |best: Option<(usize, f64)>, index| match best {
            Some((_, most)) if most >= share(index) => best,
            _ => Some((index, share(index))),
        });
        match best {
            Some((index, share)) if share > 0.0 || chosen.is_empty() => {
                for (left, error) in left.iter_mut().zip(&mesh[index].errors) {
                    *left -= error;
                }
                chosen.push(index);
            }
            _ => break,
        }
    }
    chosen.sort_unstable();
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mesh(errors: &[&[f64]]) -> Vec<Interval> {
        let interval = |(index, errors): (usize, &&[f64])| Interval {
            low: index as f64,
            high: index as f64 + 1.0,
            errors: errors.to_vec(),
        };
        errors.iter().enumerate().map(interval).collect()
    }

    #[test]
    fn the_interval_with_the_largest_share_of_the_total_is_split() {
        // The total is 0.6 with the sign of the fourth; the second makes up for it.
        let one_cut = mesh(&[&[0.1], &[-3.0], &[0.2], &[3.2], &[0.1]]);
        assert!((largest(&total_errors(&one_cut)) - 0.6).abs() < 1e-12);
        assert_eq!(to_split(&one_cut, 1), [3]);
        // With the fourth gone the second's is what is left.
        assert_eq!(to_split(&one_cut, 2), [1, 3]);
        // The second cut layer is wrong altogether; the largest error of the first is no help.
        let two_cuts = mesh(&[&[5.0, 0.0], &[-5.0, 1.0], &[0.0, 2.0]]);
        assert_eq!(to_split(&two_cuts, 1), [2]);
    }

    #[test]
    fn splitting_ends_with_room_error_or_width() {
        let even = mesh(&[[1.0].as_slice(); 6]);
        assert_eq!(to_split(&even, 2), [0, 1]);
        assert_eq!(to_split(&even, 10).len(), 6);
        let mut narrow = even;
        for interval in &mut narrow {
            interval.high = interval.low + 1e-7;
        }
        assert!(to_split(&narrow, 4).is_empty());
        assert!(total_errors(&[]).is_empty());
    }
}
