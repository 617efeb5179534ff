//! How a tensor of channels and positions lies in memory.

use crate::simd::LANES;

/// Channels of a block.
pub(crate) const BLOCK: usize = LANES;

/// The order of one row's elements: `channels` × `positions`.
///
/// Element (c, p) is at `((c / block) · positions + p) · block + c % block`. With a block of 1 that is
/// the plain, row-major order. With a block of all channels it is that of a value whose channels are last,
/// as the features of tokens. With other blocks the last one may be padded: its lanes beyond `channels` mean
/// nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// Channels of a row; for rows without positions, its units.
    pub channels: usize,
    /// Positions of a channel (height times width).
    pub positions: usize,
    /// Channels that lie side by side.
    pub block: usize,
}

impl Layout {
    /// Row-major order.
    pub fn plain(channels: usize, positions: usize) -> Layout {
        Layout {
            channels,
            positions,
            block: 1,
        }
    }

    /// Row-major order of a value whose channels are on its last axis.
    pub fn channels_last(channels: usize, positions: usize) -> Layout {
        Layout {
            channels,
            positions,
            block: channels,
        }
    }

    pub(crate) fn blocked(channels: usize, positions: usize) -> Layout {
        Layout {
            channels,
            positions,
            block: BLOCK,
        }
    }

    /// Floats of one row, with the padding of the last block.
    pub fn row_len(&self) -> usize {
        self.n_blocks() * self.positions * self.block
    }

    /// Number of blocks.
    pub fn n_blocks(&self) -> usize {
        self.channels.div_ceil(self.block)
    }

    /// Whether both orders are the same, floats for floats.
    pub(crate) fn is_same_as(&self, other: &Layout) -> bool {
        let trivial =
            |layout: &Layout| layout.positions == 1 && layout.channels.is_multiple_of(layout.block);
        self == other
            || (self.channels * self.positions == other.channels * other.positions
                && (trivial(self) || self.block == 1)
                && (trivial(other) || other.block == 1))
    }

    /// Copies a row of this order to plain order.
    pub fn to_plain(&self, row: &[f32], plain: &mut [f32]) {
        self.put_plain(row, plain, false);
    }

    /// Sets or adds to a row of plain order from one of this order.
    pub(crate) fn put_plain(&self, row: &[f32], plain: &mut [f32], accumulate: bool) {
        for (channel, line) in plain.chunks_exact_mut(self.positions.max(1)).enumerate() {
            let elements = row[self.index(channel, 0)..].iter().step_by(self.block);
            for (slot, &element) in line.iter_mut().zip(elements) {
                *slot = if accumulate { *slot + element } else { element };
            }
        }
    }

    /// Copies a row of plain order to this order; padding becomes 0.
    pub fn from_plain(&self, plain: &[f32], row: &mut [f32]) {
        self.put_blocked(plain, row, false);
    }

    /// Sets or adds to a row of this order from one of plain order; padding becomes 0.
    pub(crate) fn put_blocked(&self, plain: &[f32], row: &mut [f32], accumulate: bool) {
        if !accumulate && !self.channels.is_multiple_of(self.block) {
            row.fill(0.0);
        }
        for (channel, line) in plain.chunks_exact(self.positions.max(1)).enumerate() {
            let elements = row[self.index(channel, 0)..].iter_mut().step_by(self.block);
            for (slot, &element) in elements.zip(line) {
                *slot = if accumulate { *slot + element } else { element };
            }
        }
    }

    /// Where an element of a row is.
    pub fn index(&self, channel: usize, position: usize) -> usize {
        (channel / self.block * self.positions + position) * self.block + channel % self.block
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_directions_undo_each_other_and_follow_the_formula() {
        for (channels, positions) in [(1, 1), (3, 7), (16, 4), (17, 1), (40, 9)] {
            let layout = Layout::blocked(channels, positions);
            let plain: Vec<f32> = (1..=channels * positions).map(|i| i as f32).collect();
            let mut row = vec![f32::NAN; layout.row_len()];
            layout.from_plain(&plain, &mut row);
            for c in 0..channels {
                for p in 0..positions {
                    let at = ((c / 16) * positions + p) * 16 + c % 16;
                    assert_eq!(layout.index(c, p), at);
                    assert_eq!(row[at], plain[c * positions + p]);
                }
            }
            assert_eq!(
                row.iter().filter(|value| **value != 0.0).count(),
                plain.len()
            );
            let mut back = vec![f32::NAN; plain.len()];
            layout.to_plain(&row, &mut back);
            assert_eq!(back, plain);
            let same = layout.is_same_as(&Layout::plain(channels, positions));
            assert_eq!(same, row == plain);
        }
    }
}
