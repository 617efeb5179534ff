//! What one interval of the path contributes to a layer's conductance, reduced as it streams.

/// What is kept of a layer's conductance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reduction {
    /// One number a channel: the sum over positions.
    #[default]
    Channels,
    /// One number a unit.
    None,
}

/// Values and gradients of one layer at one node.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NodeState<'a> {
    pub h: &'a [f32],
    pub g: &'a [f32],
}

/// Which gradient an interval uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IntervalRule {
    /// The mean of both ends.
    Trapezoid,
    /// That of the end nearer to the baseline.
    Left,
}

/// Adds `sign` · g ⊙ (h_high − h_low) to `sums`, one element a channel of `positions` units (or a
/// unit, with `positions` = 1); returns the total over all units without the sign.
///
/// Products are summed in runs of f32 no longer than a channel, everything else in f64.
pub(crate) fn add_interval(
    low: NodeState<'_>,
    high: NodeState<'_>,
    rule: IntervalRule,
    positions: usize,
    sign: f64,
    sums: &mut [f64],
) -> f64 {
    let mut total = 0.0;
    let channels = low
        .h
        .chunks_exact(positions)
        .zip(low.g.chunks_exact(positions))
        .zip(
            high.h
                .chunks_exact(positions)
                .zip(high.g.chunks_exact(positions)),
        );
    for (sum, ((low_h, low_g), (high_h, high_g))) in sums.iter_mut().zip(channels) {
        let contribution = rule.contribution(low_h, high_h, low_g, high_g);
        *sum += sign * contribution;
        total += contribution;
    }
    total
}

/// As [`add_interval`] with sign 1, where the state at the high end is not needed any more: it is
/// replaced by that at the low end while both are in the cache.
pub(crate) fn add_interval_and_move_on(
    low: NodeState<'_>,
    (high_h, high_g): (&mut [f32], &mut [f32]),
    rule: IntervalRule,
    positions: usize,
    sums: &mut [f64],
) -> f64 {
    let mut total = 0.0;
    let channels = low
        .h
        .chunks_exact(positions)
        .zip(low.g.chunks_exact(positions))
        .zip(
            high_h
                .chunks_exact_mut(positions)
                .zip(high_g.chunks_exact_mut(positions)),
        );
    for (sum, ((low_h, low_g), (high_h, high_g))) in sums.iter_mut().zip(channels) {
        let contribution = rule.contribution(low_h, high_h, low_g, high_g);
        *sum += contribution;
        total += contribution;
        high_h.copy_from_slice(low_h);
        high_g.copy_from_slice(low_g);
    }
    total
}

impl IntervalRule {
    /// What one channel contributes.
    #[inline(always)]
    fn contribution(self, low_h: &[f32], high_h: &[f32], low_g: &[f32], high_g: &[f32]) -> f64 {
        match self {
            IntervalRule::Trapezoid => {
                0.5 * sum_products(low_h, high_h, low_g, high_g, |low, high| low + high)
            }
            IntervalRule::Left => sum_products(low_h, high_h, low_g, high_g, |low, _| low),
        }
    }
}

/// Σ gradient(g_low, g_high) · (h_high − h_low), in sixteen lanes.
#[inline(always)]
fn sum_products(
    low_h: &[f32],
    high_h: &[f32],
    low_g: &[f32],
    high_g: &[f32],
    gradient: impl Fn(f32, f32) -> f32,
) -> f64 {
    const LANES: usize = 16;
    let mut lanes = [0.0f32; LANES];
    let (low_h, low_h_rest) = low_h.as_chunks::<LANES>();
    let (high_h, high_h_rest) = high_h.as_chunks::<LANES>();
    let (low_g, low_g_rest) = low_g.as_chunks::<LANES>();
    let (high_g, high_g_rest) = high_g.as_chunks::<LANES>();
    for ((low_h, high_h), (low_g, high_g)) in low_h.iter().zip(high_h).zip(low_g.iter().zip(high_g))
    {
        for lane in 0..LANES {
            lanes[lane] += gradient(low_g[lane], high_g[lane]) * (high_h[lane] - low_h[lane]);
        }
    }
    let rest: f64 = low_h_rest
        .iter()
        .zip(high_h_rest)
        .zip(low_g_rest.iter().zip(high_g_rest))
        .map(|((low_h, high_h), (low_g, high_g))| {
            f64::from(gradient(*low_g, *high_g) * (high_h - low_h))
        })
        .sum();
    rest + lanes.iter().map(|&lane| f64::from(lane)).sum::<f64>()
}

/// Mean over the positions of each channel.
pub(crate) fn channel_means(h: &[f32], positions: usize, means: &mut [f32]) {
    for (mean, channel) in means.iter_mut().zip(h.chunks_exact(positions)) {
        let sum: f64 = channel.iter().map(|&value| f64::from(value)).sum();
        *mean = (sum / positions as f64) as f32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_sum_over_positions_by_channel() {
        let (h0, h1) = ([0.0, 1.0, 2.0, 3.0], [1.0, 3.0, 2.0, 0.0]);
        let (g0, g1) = ([1.0, 1.0, 0.5, -1.0], [3.0, 1.0, 0.5, 2.0]);
        let (low, high) = (NodeState { h: &h0, g: &g0 }, NodeState { h: &h1, g: &g1 });
        let mut sums = [10.0, 0.0];
        let total = add_interval(low, high, IntervalRule::Trapezoid, 2, 1.0, &mut sums);
        assert_eq!(sums, [10.0 + 2.0 + 2.0, -1.5]);
        assert_eq!(total, 2.5);
        let mut units = [0.0; 4];
        add_interval(low, high, IntervalRule::Left, 1, -1.0, &mut units);
        assert_eq!(units, [-1.0, -2.0, 0.0, -3.0]);
    }

    #[test]
    fn moving_on_gives_the_same_and_leaves_the_low_end() {
        let (h0, h1) = ([0.0, 1.0, 2.0, 3.0], [1.0, 3.0, 2.0, 0.0]);
        let (g0, g1) = ([1.0, 1.0, 0.5, -1.0], [3.0, 1.0, 0.5, 2.0]);
        let low = NodeState { h: &h0, g: &g0 };
        for rule in [IntervalRule::Trapezoid, IntervalRule::Left] {
            let (mut expected, mut actual) = ([0.0; 2], [0.0; 2]);
            let high = NodeState { h: &h1, g: &g1 };
            let total = add_interval(low, high, rule, 2, 1.0, &mut expected);
            let (mut h, mut g) = (h1, g1);
            let moved = add_interval_and_move_on(low, (&mut h, &mut g), rule, 2, &mut actual);
            assert_eq!((total, expected), (moved, actual));
            assert_eq!((h, g), (h0, g0));
        }
    }

    #[test]
    fn long_channels_use_every_element_once() {
        let h0 = vec![0.0f32; 1003];
        let h1: Vec<f32> = (0..1003).map(|i| i as f32).collect();
        let g = vec![1.0f32; 1003];
        let mut sums = [0.0];
        let total = add_interval(
            NodeState { h: &h0, g: &g },
            NodeState { h: &h1, g: &g },
            IntervalRule::Trapezoid,
            1003,
            1.0,
            &mut sums,
        );
        assert_eq!(total, (1002 * 1003 / 2) as f64);
        let mut mean = [0.0];
        channel_means(&h1, 1003, &mut mean);
        assert_eq!(mean, [501.0]);
    }
}
