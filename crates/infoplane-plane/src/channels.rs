//! Which channels of a layer carry what it tells about the label.
//!
//! Channels are cut at their quartiles (equal numbers share a level), and levels are counted with the
//! label:
//! - *alone*: I(Q_j; Y), with Miller and Madow's correction of the counts' bias;
//! - *greedy selection*: the next channel is the one that adds most beside each one already chosen,
//!   argmax_j min_{s chosen} I(Q_j; Y | Q_s) (conditional mutual information maximisation, Fleuret 2004,
//!   JMLR 5:1531), so that of two channels that say the same only one is chosen.
//!
//! How many chosen channels carry the layer's information is then measured by the plane's own
//! estimator: I(C̃_S;Y) of the first m chosen channels behind the *layer's* noise. A subset of channels
//! behind the same noise is a function of the layer behind it, so this rises to the layer's I(C̃;Y).

use infoplane_estimators::{GaussianChannel, Labels, PreparedLayer, Samples};
use serde::{Deserialize, Serialize};

use crate::{LayerInput, Matrix, PlaneError, VectorKind};

/// Levels of a channel.
const LEVELS: usize = 4;

/// Channels chosen at most.
const MOST_CHOSEN: usize = 64;

/// Samples for the curve at most; it compares with the whole layer on the same samples.
const MOST_SAMPLES: usize = 2_000;

/// Share of the layer's I(C;Y) that counts as carrying it.
const REACHED: f64 = 0.9;

/// The channels of one layer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChannelView {
    /// Layer name.
    pub layer: String,
    /// Which vectors.
    pub kind: VectorKind,
    /// Channels of the layer.
    pub n_channels: usize,
    /// I(Q_j;Y) in bits of each channel's quartile levels alone.
    pub alone: Vec<f64>,
    /// Channels in the order chosen, at most 64.
    pub chosen: Vec<ChosenChannel>,
    /// I(C̃;Y) in bits of the whole layer behind the plane's noise, on the curve's samples.
    pub whole: f64,
    /// Channels chosen and their I(C̃_S;Y) in bits behind the layer's noise.
    pub curve: Vec<ChannelCurvePoint>,
    /// The fewest chosen channels that carry 90 % of `whole`; absent where 64 don't.
    pub reach: Option<usize>,
    /// `reach` as a share of the layer's channels: the layer's concentration.
    pub concentration: Option<f64>,
    /// Samples behind the curve.
    pub n: usize,
}

/// A chosen channel.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ChosenChannel {
    /// Index of the channel.
    pub channel: usize,
    /// What it adds beside those chosen before, in bits of its quartile levels.
    pub adds: f64,
}

/// A point of the curve.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ChannelCurvePoint {
    /// Channels.
    pub channels: usize,
    /// I(C̃_S;Y) in bits.
    pub mi_y: f64,
}

/// The view of one layer's vectors at noise `tau`.
pub(crate) fn view(
    layer: &LayerInput,
    kind: VectorKind,
    matrix: &Matrix,
    labels: &Labels,
    channel: &GaussianChannel,
    tau: f64,
) -> Result<ChannelView, PlaneError> {
    let levels: Vec<Vec<u8>> = (0..matrix.width)
        .map(|index| quartiles(&column(matrix, index)))
        .collect();
    let counter = Counter::new(labels);
    let alone: Vec<f64> = levels.iter().map(|q| counter.alone(q)).collect();
    let chosen = choose(&levels, &alone, &counter);
    let named = |source| PlaneError::Layer {
        layer: layer.name.clone(),
        kind,
        source,
    };
    let order: Vec<usize> = chosen.iter().map(|c| c.channel).collect();
    let curve = Curve::new(matrix, labels, channel, tau).map_err(named)?;
    let whole = curve.whole;
    let (mut points, mut reach) = (Vec::new(), None);
    let mut measure = |channels: usize| -> Result<f64, PlaneError> {
        let mi_y = curve.at(&order[..channels]).map_err(named)?;
        points.push(ChannelCurvePoint { channels, mi_y });
        Ok(mi_y)
    };
    if whole > 0.0 && !order.is_empty() {
        // Doubling, then halving between the last that does not reach and the first that does.
        let (mut low, mut high) = (0, 1);
        loop {
            if measure(high)? >= REACHED * whole {
                reach = Some(high);
                break;
            }
            low = high;
            if high == order.len() {
                break;
            }
            high = (2 * high).min(order.len());
        }
        while let Some(found) = reach.filter(|&found| found > low + 1) {
            let middle = low + (found - low) / 2;
            if measure(middle)? >= REACHED * whole {
                reach = Some(middle);
            } else {
                low = middle;
            }
        }
    }
    points.sort_by_key(|point| point.channels);
    Ok(ChannelView {
        layer: layer.name.clone(),
        kind,
        n_channels: matrix.width,
        alone,
        chosen,
        whole,
        curve: points,
        reach,
        concentration: reach.map(|reach| reach as f64 / matrix.width as f64),
        n: curve.n,
    })
}

fn column(matrix: &Matrix, index: usize) -> Vec<f32> {
    let rows = matrix.data.chunks_exact(matrix.width.max(1));
    rows.map(|row| row[index]).collect()
}

/// The number of quartiles below each value.
fn quartiles(values: &[f32]) -> Vec<u8> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f32::total_cmp);
    let edges: Vec<f32> = (1..LEVELS)
        .filter_map(|level| sorted.get(level * sorted.len() / LEVELS).copied())
        .collect();
    let level = |v: &f32| edges.iter().map(|edge| u8::from(v > edge)).sum();
    values.iter().map(level).collect()
}

/// Counts levels with labels.
struct Counter<'a> {
    labels: &'a [usize],
    n_classes: usize,
    /// c ln c.
    terms: Vec<f64>,
    label_entropy: f64,
}

impl<'a> Counter<'a> {
    fn new(labels: &'a Labels) -> Self {
        let n = labels.n_samples();
        let term = |c: usize| {
            if c > 1 {
                c as f64 * (c as f64).ln()
            } else {
                0.0
            }
        };
        let mut counter = Self {
            labels: labels.dense(),
            n_classes: labels.n_classes(),
            terms: (0..=n).map(term).collect(),
            label_entropy: 0.0,
        };
        counter.label_entropy = counter.entropy(labels.counts().iter().copied());
        counter
    }

    /// In nats, with Miller and Madow's (cells − 1)/2N.
    fn entropy(&self, counts: impl Iterator<Item = usize>) -> f64 {
        let n = (self.terms.len() - 1) as f64;
        let (mut sum, mut cells) = (0.0, 0);
        for count in counts.filter(|&count| count > 0) {
            sum += self.terms[count];
            cells += 1;
        }
        n.ln() - sum / n + f64::from(cells - 1) / (2.0 * n)
    }

    /// I(symbol; Y) in nats of symbols below `n_symbols`.
    fn information(&self, symbols: impl Iterator<Item = usize>, n_symbols: usize) -> f64 {
        let mut joint = vec![0usize; n_symbols * self.n_classes];
        for (symbol, &class) in symbols.zip(self.labels) {
            joint[symbol * self.n_classes + class] += 1;
        }
        let symbols = joint
            .chunks_exact(self.n_classes.max(1))
            .map(|row| row.iter().sum());
        self.entropy(symbols) + self.label_entropy - self.entropy(joint.iter().copied())
    }

    /// I(Q;Y) in bits.
    fn alone(&self, levels: &[u8]) -> f64 {
        let symbols = levels.iter().map(|&q| usize::from(q));
        self.information(symbols, LEVELS) * std::f64::consts::LOG2_E
    }

    /// I(Q;Y | other) in bits.
    fn beside(&self, levels: &[u8], other: &[u8], other_alone: f64) -> f64 {
        let symbols = levels
            .iter()
            .zip(other)
            .map(|(&q, &o)| usize::from(q) * LEVELS + usize::from(o));
        self.information(symbols, LEVELS * LEVELS) * std::f64::consts::LOG2_E - other_alone
    }
}

/// A channel's score only falls as more are chosen, so it is brought up to date only while it leads.
fn choose(levels: &[Vec<u8>], alone: &[f64], counter: &Counter<'_>) -> Vec<ChosenChannel> {
    let mut scores = alone.to_vec();
    let mut seen = vec![0; levels.len()];
    let mut chosen: Vec<ChosenChannel> = Vec::new();
    let mut taken = vec![false; levels.len()];
    while chosen.len() < MOST_CHOSEN.min(levels.len()) {
        let mut best: Option<usize> = None;
        for channel in (0..levels.len()).filter(|&c| !taken[c]) {
            while best.is_none_or(|b| scores[channel] > scores[b]) && seen[channel] < chosen.len() {
                let other = chosen[seen[channel]].channel;
                let adds = counter.beside(&levels[channel], &levels[other], alone[other]);
                scores[channel] = scores[channel].min(adds);
                seen[channel] += 1;
            }
            if best.is_none_or(|b| scores[channel] > scores[b]) {
                best = Some(channel);
            }
        }
        let Some(channel) = best else { break };
        taken[channel] = true;
        chosen.push(ChosenChannel {
            channel,
            adds: scores[channel],
        });
    }
    chosen
}

/// I(C̃_S;Y) of subsets of a layer's channels behind the layer's noise.
struct Curve<'a> {
    channel: &'a GaussianChannel,
    matrix: Matrix,
    labels: Labels,
    /// Variance of the noise in each coordinate.
    noise: f64,
    whole: f64,
    n: usize,
}

impl<'a> Curve<'a> {
    fn new(
        matrix: &Matrix,
        labels: &Labels,
        channel: &'a GaussianChannel,
        tau: f64,
    ) -> Result<Self, infoplane_estimators::EstimatorError> {
        let step = matrix.n_samples.div_ceil(MOST_SAMPLES).max(1);
        let kept: Vec<usize> = (0..matrix.n_samples).step_by(step).collect();
        let data = kept
            .iter()
            .flat_map(|&i| &matrix.data[i * matrix.width..(i + 1) * matrix.width])
            .copied()
            .collect();
        let matrix = Matrix {
            data,
            n_samples: kept.len(),
            width: matrix.width,
        };
        let dense: Vec<u32> = kept
            .iter()
            .map(|&i| u32::try_from(labels.dense()[i]).unwrap_or(u32::MAX))
            .collect();
        let mut curve = Self {
            channel,
            n: kept.len(),
            noise: tau * tau * variance(&matrix),
            labels: Labels::new(&dense)?,
            whole: 0.0,
            matrix,
        };
        curve.whole = curve.estimate(&curve.matrix, tau)?;
        Ok(curve)
    }

    fn at(&self, channels: &[usize]) -> Result<f64, infoplane_estimators::EstimatorError> {
        let rows = self.matrix.data.chunks_exact(self.matrix.width.max(1));
        let matrix = Matrix {
            data: rows
                .flat_map(|row| channels.iter().map(|&channel| row[channel]))
                .collect(),
            n_samples: self.n,
            width: channels.len(),
        };
        let tau = (self.noise / variance(&matrix)).sqrt();
        // Channels that hardly vary drown in the layer's noise.
        if !tau.is_finite() || tau > 1e3 {
            return Ok(0.0);
        }
        self.estimate(&matrix, tau.max(1e-3))
    }

    fn estimate(
        &self,
        matrix: &Matrix,
        tau: f64,
    ) -> Result<f64, infoplane_estimators::EstimatorError> {
        let samples = Samples::new(&matrix.data, matrix.n_samples, matrix.width)?;
        let prepared: PreparedLayer = self.channel.prepare(samples, Some(&self.labels))?;
        let points = self.channel.sweep(&prepared, &[tau])?;
        let label = points.first().and_then(|point| point.label);
        Ok(label.map_or(0.0, |label| label.value))
    }
}

/// tr Cov.
fn variance(matrix: &Matrix) -> f64 {
    let n = matrix.n_samples as f64;
    let (mut sums, mut squares) = (vec![0.0; matrix.width], vec![0.0; matrix.width]);
    for row in matrix.data.chunks_exact(matrix.width.max(1)) {
        for ((sum, square), &v) in sums.iter_mut().zip(&mut squares).zip(row) {
            *sum += f64::from(v);
            *square += f64::from(v) * f64::from(v);
        }
    }
    let of = |(sum, square): (&f64, &f64)| (square / n - (sum / n).powi(2)).max(0.0);
    sums.iter().zip(&squares).map(of).sum()
}

#[cfg(test)]
mod tests {
    use infoplane_estimators::GaussianChannelParams;

    use super::*;

    /// Four classes: channel 0 tells the high bit, 1 repeats it, 2 tells the low bit, the rest nothing.
    fn layer() -> (Matrix, Labels) {
        let (n, width) = (800, 12);
        let mut state = 1u64;
        let mut noise = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            ((state >> 40) as f32 / 16_777_216.0 - 0.5) * 0.4
        };
        let mut data = Vec::new();
        let mut labels = Vec::new();
        for i in 0..n {
            let class = (i % 4) as u32;
            labels.push(class);
            let bits = [class / 2, class / 2, class % 2];
            for channel in 0..width {
                let bit = bits.get(channel).map_or(0.0, |&bit| bit as f32 * 4.0);
                data.push(bit + noise());
            }
        }
        let matrix = Matrix {
            data,
            n_samples: n,
            width,
        };
        (matrix, Labels::new(&labels).unwrap())
    }

    #[test]
    fn channels_that_carry_the_label_are_chosen_and_their_copy_is_not() {
        let (matrix, labels) = layer();
        let channel = GaussianChannelParams::default().check().unwrap();
        let input = LayerInput {
            name: "l".to_owned(),
            depth: 1,
            cut: true,
            delta: None,
        };
        let view = view(
            &input,
            VectorKind::Conductance,
            &matrix,
            &labels,
            &channel,
            0.1,
        )
        .unwrap();
        for (channel, expected) in [(0, 1.0), (1, 1.0), (2, 1.0), (5, 0.0)] {
            let found = view.alone[channel];
            assert!((found - expected).abs() < 0.02, "{channel}: {found}");
        }
        let mut first: Vec<usize> = view.chosen[..2].iter().map(|c| c.channel).collect();
        first.sort_unstable();
        assert!(first == [0, 2] || first == [1, 2], "{first:?}");
        assert!(view.chosen[1].adds > 0.98 && view.chosen[2].adds < 0.02);
        assert_eq!(view.reach, Some(2));
        assert!((view.whole - 2.0).abs() < 0.05, "{}", view.whole);
        assert!(view.curve.iter().all(|p| p.mi_y <= view.whole + 0.05));
    }

    #[test]
    fn equal_numbers_share_a_level() {
        assert_eq!(
            quartiles(&[0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 2.0, 3.0]),
            [0, 0, 0, 0, 0, 2, 2, 3]
        );
        assert_eq!(quartiles(&[5.0; 4]), [0; 4]);
    }
}
