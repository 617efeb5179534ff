//! Which intervals of a mesh to split.

/// Intervals of the first mesh of [`crate::Quadrature::Adaptive`].
pub const INITIAL_STEPS: usize = 8;

/// When refinement stops.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AdaptiveRule {
    /// Largest completeness error over the cut layers, relative to |F(x) − F(x')|.
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
    fn worst(&self) -> f64 {
        self.errors
            .iter()
            .fold(0.0, |worst, error| worst.max(error.abs()))
    }
}

/// Largest absolute completeness error over the cut layers.
pub(crate) fn total_error(intervals: &[Interval]) -> f64 {
    let n_cuts = intervals
        .first()
        .map_or(0, |interval| interval.errors.len());
    (0..n_cuts)
        .map(|cut| {
            let sum: f64 = intervals.iter().map(|interval| interval.errors[cut]).sum();
            sum.abs()
        })
        .fold(0.0, f64::max)
}

/// Indices of the intervals to split next, ascending: those with the largest errors that together
/// make up half of all, at most `room`.
pub(crate) fn to_split(intervals: &[Interval], room: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..intervals.len()).collect();
    // Stable, so that equal errors keep the order of the mesh.
    order.sort_by(|&a, &b| intervals[b].worst().total_cmp(&intervals[a].worst()));
    let half = intervals.iter().map(Interval::worst).sum::<f64>() / 2.0;
    let mut covered = 0.0;
    let mut chosen: Vec<usize> = Vec::new();
    for index in order {
        if chosen.len() == room || (covered >= half && !chosen.is_empty()) {
            break;
        }
        // Intervals can't be halved for ever.
        let Interval { low, high, .. } = intervals[index];
        if (high - low) < 1e-6 {
            continue;
        }
        covered += intervals[index].worst();
        chosen.push(index);
    }
    chosen.sort_unstable();
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interval(low: f64, high: f64, error: f64) -> Interval {
        Interval {
            low,
            high,
            errors: vec![error],
        }
    }

    #[test]
    fn the_worst_half_of_the_error_is_split_within_the_room() {
        let mesh: Vec<Interval> = [0.1, -4.0, 0.2, 3.0, 0.1]
            .iter()
            .enumerate()
            .map(|(i, &error)| interval(i as f64, i as f64 + 1.0, error))
            .collect();
        assert_eq!(to_split(&mesh, 10), [1]);
        assert_eq!(to_split(&mesh[2..], 10), [1]);
        let even = vec![interval(0.0, 1.0, 1.0); 6];
        assert_eq!(to_split(&even, 10), [0, 1, 2]);
        assert_eq!(to_split(&even, 2), [0, 1]);
        assert!((total_error(&mesh) - 0.6).abs() < 1e-12);
    }
}
