//! Two vectors behind noise each: I(C̃;D̃) = h(C̃) + h(D̃) − h(C̃, D̃), by the same propagation of the
//! samples through a mixture on each side and one on both.

use super::block::Block;
use super::ends::Ends;
use super::prepared::PreparedLayer;
use super::row::{Row, Scale};
use super::sweep::{Drawn, Measured};
use crate::parallel;

/// Noise of the second side must not repeat that of the first.
const SECOND_SIDE: u64 = 0x9e37_79b9_7f4a_7c15;

/// The sum of pointwise informations at `tau`, in nats; empty where a side is constant.
pub(super) fn total(
    first: &PreparedLayer,
    second: &PreparedLayer,
    pairs: usize,
    seed: u64,
    tau: f64,
) -> Measured {
    let (Some(first_scaled), Some(second_scaled)) = (&first.scaled, &second.scaled) else {
        return Measured::default();
    };
    let (n, scale) = (first.n, Scale::new(tau));
    let blocks = first.blocks(size_of::<f32>() * n * 2 * (1 + pairs));
    let parts = parallel::map_items(&blocks, |rows| {
        let sides = [
            Block::new(first, first_scaled, rows.clone(), pairs, seed),
            Block::new(
                second,
                second_scaled,
                rows.clone(),
                pairs,
                seed ^ SECOND_SIDE,
            ),
        ];
        let mut joint = Joint::default();
        let mut total = Measured::default();
        let mut drawn = vec![Drawn::default(); pairs];
        for row in rows.clone() {
            for (pair, drawn) in drawn.iter_mut().enumerate() {
                let seen = sides.each_ref().map(|side| side.row(row, pair));
                let [plus, minus] = joint.informations(seen, scale);
                drawn.value = (plus + minus) * 0.5;
            }
            total.add_sample(&drawn);
        }
        total
    });
    let mut total = Measured::default();
    parts.into_iter().for_each(|part| total.add(part));
    total
}

/// A row of the mixture on both sides, whose exponents are the sums of either side's.
#[derive(Default)]
struct Joint {
    half_distance: Vec<f32>,
    projection: Vec<f32>,
}

impl Joint {
    /// The pointwise informations of a row for ε and −ε.
    fn informations(&mut self, [first, second]: [Row<'_>; 2], scale: Scale) -> [Ends; 2] {
        let n = first.half_distance.len();
        let add = |sums: &mut Vec<f32>, first: &[f32], second: &[f32]| {
            sums.clear();
            sums.extend(first.iter().zip(second).map(|(a, b)| a + b));
        };
        add(
            &mut self.half_distance,
            first.half_distance,
            second.half_distance,
        );
        add(&mut self.projection, first.projection, second.projection);
        let joint = Row {
            half_distance: &self.half_distance,
            projection: &self.projection,
            own_projection: first.own_projection + second.own_projection,
        };
        let [alone, other, joint] = [first, second, joint].map(|row| row.log_sums(0..n, scale));
        [0, 1].map(|sign| {
            Ends::pointwise(alone[sign], n) + Ends::pointwise(other[sign], n)
                - Ends::pointwise(joint[sign], n)
        })
    }
}
