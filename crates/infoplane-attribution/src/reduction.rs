//! What one interval of the path contributes to a layer's conductance, reduced as it streams.

use infoplane_engine::{Layout, vectorized};

/// What is kept of a layer's conductance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reduction {
    /// One number a channel (a feature of tokens): the sum over positions.
    #[default]
    Channels,
    /// One number a position (a token): the sum over channels.
    Positions,
    /// One number a unit.
    None,
}

impl Reduction {
    /// Sums that are kept of a layer, with those of padding.
    pub(crate) fn n_sums(self, layout: &Layout) -> usize {
        match self {
            Reduction::Channels => layout.n_blocks() * layout.block,
            Reduction::Positions => layout.positions,
            Reduction::None => layout.row_len(),
        }
    }

    /// The sums as a vector: channel by channel, position by position, or all units in row-major order of
    /// the value, whose channels are first or last.
    pub(crate) fn vector(self, sums: &[f64], layout: Layout, channels_last: bool) -> Vec<f64> {
        match self {
            Reduction::None if channels_last => sums.to_vec(),
            Reduction::Channels => sums[..layout.channels].to_vec(),
            Reduction::Positions => sums.to_vec(),
            Reduction::None => (0..layout.channels)
                .flat_map(|channel| (0..layout.positions).map(move |p| layout.index(channel, p)))
                .map(|index| sums[index])
                .collect(),
        }
    }
}

/// Values and gradients of one layer at one node, in the layer's order.
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

/// How an interval is added up.
pub(crate) type Adding = (IntervalRule, Reduction, Layout);

/// Elements that are summed in f32 before they go on in f64.
const RUN: usize = 256;

/// Adds `sign` · g ⊙ (h_high − h_low) to `sums` ([`Reduction::n_sums`]); returns the total over all
/// units without the sign.
///
/// Products are summed in short runs of f32, everything else in f64. With [`Reduction::Positions`] the
/// total is, bit for bit, that with [`Reduction::Channels`], so that both split the same intervals.
pub(crate) fn add_interval(
    low: NodeState<'_>,
    high: NodeState<'_>,
    adding: Adding,
    sign: f64,
    sums: &mut [f64],
) -> f64 {
    vectorized(|| add_states(low, high, adding, sign, sums))
}

/// As [`add_interval`] with sign 1, where the state at the high end is not needed any more: it is
/// replaced by that at the low end.
pub(crate) fn add_interval_and_move_on(
    low: NodeState<'_>,
    (high_h, high_g): (&mut [f32], &mut [f32]),
    adding: Adding,
    sums: &mut [f64],
) -> f64 {
    let high = NodeState {
        h: high_h,
        g: high_g,
    };
    let total = add_interval(low, high, adding, 1.0, sums);
    high_h.copy_from_slice(low.h);
    high_g.copy_from_slice(low.g);
    total
}

#[inline(always)]
fn add_states(
    low: NodeState<'_>,
    high: NodeState<'_>,
    (rule, reduction, layout): Adding,
    sign: f64,
    sums: &mut [f64],
) -> f64 {
    match (rule, reduction) {
        (IntervalRule::Trapezoid, _) => add_products(
            |a, b| 0.5 * (a + b),
            low,
            high,
            (reduction, layout),
            sign,
            sums,
        ),
        (IntervalRule::Left, _) => {
            add_products(|a, _| a, low, high, (reduction, layout), sign, sums)
        }
    }
}

#[inline(always)]
fn add_products(
    gradient: impl Fn(f32, f32) -> f32 + Copy,
    low: NodeState<'_>,
    high: NodeState<'_>,
    (reduction, layout): (Reduction, Layout),
    sign: f64,
    sums: &mut [f64],
) -> f64 {
    let products = Products {
        gradient,
        low,
        high,
    };
    match (reduction, layout.block) {
        (Reduction::None, block) => {
            let mut total = 0.0;
            let plane = layout.positions * block;
            for (index, sums) in sums.chunks_exact_mut(plane.max(1)).enumerate() {
                let channels = block.min(layout.channels - index * block);
                for (place, sum) in sums.iter_mut().enumerate() {
                    if place % block < channels {
                        let product = f64::from(products.at(index * plane + place));
                        *sum += sign * product;
                        total += product;
                    }
                }
            }
            total
        }
        (Reduction::Channels, _) => products.by_channel(layout, |channel, contribution| {
            sums[channel] += sign * contribution;
        }),
        (Reduction::Positions, block) => {
            let plane = layout.positions * block;
            for index in 0..layout.n_blocks() {
                let channels = block.min(layout.channels - index * block);
                for (position, sum) in sums.iter_mut().enumerate() {
                    let first = index * plane + position * block;
                    let contribution: f64 = (first..first + channels)
                        .map(|place| f64::from(products.at(place)))
                        .sum();
                    *sum += sign * contribution;
                }
            }
            products.by_channel(layout, |_, _| {})
        }
    }
}

/// Channels of a block, where there are blocks.
const LANES: usize = 16;

/// gradient(g_low, g_high) · (h_high − h_low), element by element.
#[derive(Clone, Copy)]
struct Products<'a, F> {
    gradient: F,
    low: NodeState<'a>,
    high: NodeState<'a>,
}

impl<F: Fn(f32, f32) -> f32 + Copy> Products<'_, F> {
    #[inline(always)]
    fn at(&self, index: usize) -> f32 {
        (self.gradient)(self.low.g[index], self.high.g[index])
            * (self.high.h[index] - self.low.h[index])
    }

    /// Hands each channel's sum over its positions to `take`; returns the total.
    #[inline(always)]
    fn by_channel(&self, layout: Layout, mut take: impl FnMut(usize, f64)) -> f64 {
        let mut total = 0.0;
        let plane = layout.positions * layout.block;
        for block in 0..layout.n_blocks() {
            let range = block * plane..(block + 1) * plane;
            if layout.block == 1 {
                let contribution = self.sum(range);
                take(block, contribution);
                total += contribution;
                continue;
            }
            if layout.block != LANES {
                return self.by_last_axis(layout, take);
            }
            let channels = LANES.min(layout.channels - block * LANES);
            for (lane, contribution) in self.sum_lanes(range).into_iter().take(channels).enumerate()
            {
                take(block * LANES + lane, contribution);
                total += contribution;
            }
        }
        total
    }

    /// The same where the channels of a position lie side by side.
    #[inline(always)]
    fn by_last_axis(&self, layout: Layout, mut take: impl FnMut(usize, f64)) -> f64 {
        let mut total = 0.0;
        for first in (0..layout.channels).step_by(LANES) {
            let channels = LANES.min(layout.channels - first);
            let mut sums = [0.0f64; LANES];
            for begin in (0..layout.positions).step_by(RUN) {
                let mut run = [0.0f32; LANES];
                for position in begin..layout.positions.min(begin + RUN) {
                    let at = position * layout.channels + first;
                    for (lane, run) in run.iter_mut().enumerate().take(channels) {
                        *run += self.at(at + lane);
                    }
                }
                for (sum, run) in sums.iter_mut().zip(run) {
                    *sum += f64::from(run);
                }
            }
            for (lane, &contribution) in sums.iter().enumerate().take(channels) {
                take(first + lane, contribution);
                total += contribution;
            }
        }
        total
    }

    /// The sum over a range.
    #[inline(always)]
    fn sum(&self, range: std::ops::Range<usize>) -> f64 {
        let whole = range.len() / LANES * LANES;
        let lanes = self.sum_lanes(range.start..range.start + whole);
        let rest: f64 = (range.start + whole..range.end)
            .map(|index| f64::from(self.at(index)))
            .sum();
        rest + lanes.iter().sum::<f64>()
    }

    /// The sums over a range of every sixteenth element.
    #[inline(always)]
    fn sum_lanes(&self, range: std::ops::Range<usize>) -> [f64; LANES] {
        let (low_h, high_h) = (&self.low.h[range.clone()], &self.high.h[range.clone()]);
        let (low_g, high_g) = (&self.low.g[range.clone()], &self.high.g[range]);
        let mut sums = [0.0f64; LANES];
        let runs = low_h
            .chunks(RUN * LANES)
            .zip(high_h.chunks(RUN * LANES))
            .zip(low_g.chunks(RUN * LANES).zip(high_g.chunks(RUN * LANES)));
        for ((low_h, high_h), (low_g, high_g)) in runs {
            let mut run = [0.0f32; LANES];
            let vectors = (low_h.as_chunks::<LANES>().0.iter())
                .zip(high_h.as_chunks::<LANES>().0)
                .zip((low_g.as_chunks::<LANES>().0.iter()).zip(high_g.as_chunks::<LANES>().0));
            for ((low_h, high_h), (low_g, high_g)) in vectors {
                for lane in 0..LANES {
                    run[lane] +=
                        (self.gradient)(low_g[lane], high_g[lane]) * (high_h[lane] - low_h[lane]);
                }
            }
            for (sum, run) in sums.iter_mut().zip(run) {
                *sum += f64::from(run);
            }
        }
        sums
    }
}

/// Mean over the positions of each channel.
pub(crate) fn channel_means(h: &[f32], layout: Layout, means: &mut [f32]) {
    for (channel, mean) in means.iter_mut().enumerate() {
        let units = h[layout.index(channel, 0)..].iter().step_by(layout.block);
        let sum: f64 = units
            .take(layout.positions)
            .map(|&value| f64::from(value))
            .sum();
        *mean = (sum / layout.positions as f64) as f32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(channels: usize, positions: usize) -> Layout {
        Layout {
            channels,
            positions,
            block: 1,
        }
    }

    #[test]
    fn intervals_sum_over_positions_by_channel() {
        let (h0, h1) = ([0.0, 1.0, 2.0, 3.0], [1.0, 3.0, 2.0, 0.0]);
        let (g0, g1) = ([1.0, 1.0, 0.5, -1.0], [3.0, 1.0, 0.5, 2.0]);
        let (low, high) = (NodeState { h: &h0, g: &g0 }, NodeState { h: &h1, g: &g1 });
        let mut sums = [10.0, 0.0];
        let channels = (IntervalRule::Trapezoid, Reduction::Channels, plain(2, 2));
        let total = add_interval(low, high, channels, 1.0, &mut sums);
        assert_eq!(sums, [10.0 + 2.0 + 2.0, -1.5]);
        assert_eq!(total, 2.5);
        let mut units = [0.0; 4];
        let each = (IntervalRule::Left, Reduction::None, plain(2, 2));
        add_interval(low, high, each, -1.0, &mut units);
        assert_eq!(units, [-1.0, -2.0, 0.0, -3.0]);
        let mut positions = [0.0; 2];
        let by_position = (IntervalRule::Left, Reduction::Positions, plain(2, 2));
        add_interval(low, high, by_position, -1.0, &mut positions);
        assert_eq!(positions, [-1.0, -5.0]);
    }

    #[test]
    fn blocked_and_plain_layers_give_the_same_vectors() {
        let (channels, positions) = (19, 300);
        let blocked = Layout {
            channels,
            positions,
            block: 16,
        };
        let field = |seed: usize| -> Vec<f32> {
            (0..channels * positions)
                .map(|i| ((i * seed) % 31) as f32 / 8.0 - 2.0)
                .collect()
        };
        // Padding must not count, whatever it holds.
        let to_blocks = |plain: &[f32]| {
            let mut row = vec![f32::NAN; blocked.row_len()];
            let mut covered = vec![0.0; blocked.row_len()];
            blocked.from_plain(plain, &mut covered);
            let mut ones = vec![0.0; blocked.row_len()];
            blocked.from_plain(&vec![1.0; plain.len()], &mut ones);
            for ((slot, value), one) in row.iter_mut().zip(&covered).zip(&ones) {
                if *one == 1.0 {
                    *slot = *value;
                }
            }
            row
        };
        let plain_state = [field(3), field(7), field(11), field(13)];
        let blocked_state = plain_state.clone().map(|field| to_blocks(&field));
        for reduction in [Reduction::Channels, Reduction::Positions, Reduction::None] {
            let add = |state: &[Vec<f32>; 4], layout: Layout| {
                let (low, high) = (
                    NodeState {
                        h: &state[0],
                        g: &state[1],
                    },
                    NodeState {
                        h: &state[2],
                        g: &state[3],
                    },
                );
                let mut sums = vec![0.0; reduction.n_sums(&layout)];
                let adding = (IntervalRule::Trapezoid, reduction, layout);
                let total = add_interval(low, high, adding, 1.0, &mut sums);
                (reduction.vector(&sums, layout, false), total)
            };
            let (expected, expected_total) = add(&plain_state, plain(channels, positions));
            let (actual, total) = add(&blocked_state, blocked);
            assert!((total - expected_total).abs() < 1e-6 * expected_total.abs());
            for (a, b) in actual.iter().zip(&expected) {
                assert!((a - b).abs() < 1e-4, "{a} and {b}");
            }
            let mut means = [vec![0.0; channels], vec![0.0; channels]];
            channel_means(&blocked_state[0], blocked, &mut means[0]);
            channel_means(&plain_state[0], plain(channels, positions), &mut means[1]);
            assert_eq!(means[0], means[1]);
        }
    }

    #[test]
    fn features_of_tokens_are_channels() {
        // One block of a vector, and sizes that fill none; more tokens than a run.
        for (channels, tokens) in [(16, 5), (3, 600), (37, 4), (1, 7)] {
            let last = Layout::channels_last(channels, tokens);
            let first = plain(channels, tokens);
            let field = |seed: usize| -> Vec<f32> {
                (0..channels * tokens)
                    .map(|i| ((i * seed) % 31) as f32 / 8.0 - 2.0)
                    .collect()
            };
            let transposed = |field: &Vec<f32>| -> Vec<f32> {
                let unit = |c: usize| (0..tokens).map(move |t| field[t * channels + c]);
                (0..channels).flat_map(unit).collect()
            };
            let tokens_first = [field(3), field(7), field(11), field(13)];
            let channels_first = tokens_first.each_ref().map(transposed);
            let add = |states: &[Vec<f32>; 4], layout: Layout, reduction: Reduction| {
                let [h0, g0, h1, g1] = states.each_ref().map(Vec::as_slice);
                let (low, high) = (NodeState { h: h0, g: g0 }, NodeState { h: h1, g: g1 });
                let mut sums = vec![0.0; reduction.n_sums(&layout)];
                let adding = (IntervalRule::Trapezoid, reduction, layout);
                let total = add_interval(low, high, adding, 1.0, &mut sums);
                let is_last = layout.block != 1;
                (reduction.vector(&sums, layout, is_last), total)
            };
            for reduction in [Reduction::Channels, Reduction::Positions] {
                let (expected, expected_total) = add(&channels_first, first, reduction);
                let (actual, total) = add(&tokens_first, last, reduction);
                assert!((total - expected_total).abs() < 1e-4);
                for (a, b) in actual.iter().zip(&expected) {
                    assert!((a - b).abs() < 1e-4, "{channels} {tokens}: {a} and {b}");
                }
            }
            let (units, _) = add(&tokens_first, last, Reduction::None);
            let (per_token, _) = add(&tokens_first, last, Reduction::Positions);
            for (token, sum) in units.chunks_exact(channels).zip(&per_token) {
                assert!((token.iter().sum::<f64>() - sum).abs() < 1e-9);
            }
            let mut means = [vec![0.0; channels], vec![0.0; channels]];
            channel_means(&tokens_first[0], last, &mut means[0]);
            channel_means(&channels_first[0], first, &mut means[1]);
            assert_eq!(means[0], means[1]);
        }
    }

    #[test]
    fn positions_have_the_total_of_channels_and_the_sums_of_units() {
        for block in [1, 16] {
            let layout = Layout {
                channels: 19,
                positions: 300,
                block,
            };
            let field = |seed: usize| -> Vec<f32> {
                (0..layout.row_len())
                    .map(|i| ((i * seed) % 29) as f32 / 7.0 - 2.0)
                    .collect()
            };
            let states = [field(3), field(7), field(11), field(13)];
            let add = |reduction: Reduction| {
                let (low, high) = (
                    NodeState {
                        h: &states[0],
                        g: &states[1],
                    },
                    NodeState {
                        h: &states[2],
                        g: &states[3],
                    },
                );
                let mut sums = vec![0.0; reduction.n_sums(&layout)];
                let adding = (IntervalRule::Trapezoid, reduction, layout);
                let total = add_interval(low, high, adding, -1.0, &mut sums);
                (reduction.vector(&sums, layout, false), total)
            };
            let (positions, total) = add(Reduction::Positions);
            assert_eq!(total, add(Reduction::Channels).1);
            let (units, _) = add(Reduction::None);
            for (position, sum) in positions.iter().enumerate() {
                let expected: f64 = units.iter().skip(position).step_by(300).sum();
                assert!((sum - expected).abs() < 1e-9, "{sum} and {expected}");
            }
        }
    }

    #[test]
    fn moving_on_gives_the_same_and_leaves_the_low_end() {
        let (h0, h1) = ([0.0, 1.0, 2.0, 3.0], [1.0, 3.0, 2.0, 0.0]);
        let (g0, g1) = ([1.0, 1.0, 0.5, -1.0], [3.0, 1.0, 0.5, 2.0]);
        let low = NodeState { h: &h0, g: &g0 };
        for rule in [IntervalRule::Trapezoid, IntervalRule::Left] {
            let adding = (rule, Reduction::Channels, plain(2, 2));
            let (mut expected, mut actual) = ([0.0; 2], [0.0; 2]);
            let high = NodeState { h: &h1, g: &g1 };
            let total = add_interval(low, high, adding, 1.0, &mut expected);
            let (mut h, mut g) = (h1, g1);
            let moved = add_interval_and_move_on(low, (&mut h, &mut g), adding, &mut actual);
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
            (IntervalRule::Trapezoid, Reduction::Channels, plain(1, 1003)),
            1.0,
            &mut sums,
        );
        assert_eq!(total, (1002 * 1003 / 2) as f64);
        let mut mean = [0.0];
        channel_means(&h1, plain(1, 1003), &mut mean);
        assert_eq!(mean, [501.0]);
    }
}
