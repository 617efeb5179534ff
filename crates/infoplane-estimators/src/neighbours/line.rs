//! Counts on a line, by sorting.

use crate::parallel;

/// Numbers in ascending order.
pub(super) struct Line<'a> {
    values: &'a [f64],
    sorted: Vec<f64>,
    /// The index of each sorted number.
    order: Vec<u32>,
}

impl<'a> Line<'a> {
    pub(super) fn new(values: &'a [f64]) -> Self {
        let mut order: Vec<u32> = (0..values.len() as u32).collect();
        order.sort_unstable_by(|&a, &b| values[a as usize].total_cmp(&values[b as usize]));
        Self {
            values,
            sorted: order.iter().map(|&i| values[i as usize]).collect(),
            order,
        }
    }

    /// For each number, how many lie within its own closed radius, itself among them.
    ///
    /// Distances are differences as they round, which is monotone along the line.
    pub(super) fn count_within(&self, radii: &[f64]) -> Vec<usize> {
        let n = self.values.len();
        let mut counts = vec![0; n];
        let count_at = |place: usize| {
            let (value, radius) = (self.sorted[place], radii[self.order[place] as usize]);
            if radius < 0.0 {
                return 0;
            }
            place - self.first_within(place, value, radius)
                + (self.end_within(place, value, radius) - place)
        };
        let by_place = parallel::map_runs(n, 256, |run| run.map(count_at).collect());
        for (&sample, count) in self.order.iter().zip(by_place) {
            counts[sample as usize] = count;
        }
        counts
    }

    /// The first place at or below `place` within the radius: by doubling steps, then by halving.
    fn first_within(&self, place: usize, value: f64, radius: f64) -> usize {
        let mut step = 1;
        while step <= place && value - self.sorted[place - step] <= radius {
            step *= 2;
        }
        let low = (place + 1).saturating_sub(step);
        let high = place - step / 2;
        low + self.sorted[low..high].partition_point(|v| value - v > radius)
    }

    /// The place after the last one within the radius.
    fn end_within(&self, place: usize, value: f64, radius: f64) -> usize {
        let n = self.sorted.len();
        let mut step = 1;
        while place + step < n && self.sorted[place + step] - value <= radius {
            step *= 2;
        }
        let low = place + step / 2;
        let high = (place + step).min(n);
        low + self.sorted[low..high].partition_point(|v| v - value <= radius)
    }
}
