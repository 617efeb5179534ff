//! One row of the mixture, as its sample sees it through a noise draw: the inner loop of the channel.
//!
//! Exponents and their powers are in single precision. An exponent is rounded relative to its size, so
//! those that count, within 50 of the largest, are off by some 1e−6 at random, which is the relative
//! error of a sum of many. Sums over [`TILE`] centers and what follows are in double precision.

use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};

/// Numbers worked on together. Sums are kept in as many lanes whatever the processor's vectors, so
/// that the order of additions is the same everywhere.
const LANES: usize = 16;

/// Centers that stay in the first cache while every τ takes its turn.
const TILE: usize = 1024;

/// Powers below 2^LOWEST are taken for 2^LOWEST, about 1e−38, the smallest normal number.
const LOWEST: f32 = -126.0;

/// A sum of exponentials below this has lost terms to [`LOWEST`], and is taken again relative to its
/// largest term.
pub(super) const TRUSTED: f64 = 1e-20;

/// One row of the mixture seen from sample i: for the noise draw ε, center j has the exponent
/// `−half_distance[j]/τ² + (projection[j] − own_projection)/τ`; for −ε the second term changes its sign.
///
/// An exponent is at most x²/2 with x the noise in the direction of the center, a normal variable, so
/// none comes near the 88 at which e^x overflows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row<'a> {
    /// |Z_i − Z_j|²/2; infinite for j = i, which takes the own center out of every sum.
    pub(super) half_distance: &'a [f32],
    /// ε·Z_j.
    pub(super) projection: &'a [f32],
    /// ε·Z_i.
    pub(super) own_projection: f32,
}

/// What a τ makes of distances and projections: exponents of 2.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scale {
    even: f32,
    odd: f32,
}

impl Scale {
    /// For exponents of `tau`.
    pub(super) fn new(tau: f64) -> Self {
        Self {
            even: (-std::f64::consts::LOG2_E / (tau * tau)) as f32,
            odd: (std::f64::consts::LOG2_E / tau) as f32,
        }
    }

    /// The exponents of 2 for ε and −ε.
    #[inline(always)]
    fn exponents(self, half_distance: f32, difference: f32) -> [f32; 2] {
        let even = half_distance * self.even;
        let odd = difference * self.odd;
        [even + odd, even - odd]
    }
}

impl<'a> Row<'a> {
    /// Its parts of [`TILE`] centers.
    #[inline(always)]
    fn tiles(self) -> impl Iterator<Item = Row<'a>> {
        let distances = self.half_distance.chunks(TILE);
        let pairs = distances.zip(self.projection.chunks(TILE));
        pairs.map(move |(half_distance, projection)| Row {
            half_distance,
            projection,
            ..self
        })
    }

    fn slice(&self, range: Range<usize>) -> Row<'_> {
        Row {
            half_distance: &self.half_distance[range.clone()],
            projection: &self.projection[range],
            ..*self
        }
    }

    /// Adds Σ_j exp(exponent j) over `range`, for ε and −ε, to the `sums` of each scale.
    pub(super) fn add_sums(&self, range: Range<usize>, scales: &[Scale], sums: &mut [[f64; 2]]) {
        Arch::new().dispatch(Sums {
            row: self.slice(range),
            scales,
            sums,
        });
    }

    /// ln Σ_j exp(exponent j) over `range`, for ε and −ε, however small the sums; −∞ over no center
    /// but the own.
    pub(super) fn log_sums(&self, range: Range<usize>, scale: Scale) -> [f64; 2] {
        let row = self.slice(range);
        let largest = row.largest(scale);
        let mut sums = [0.0; 2];
        Arch::new().dispatch(Shifted {
            row,
            scale,
            largest,
            sums: &mut sums,
        });
        [0, 1].map(|side| match largest[side] {
            f32::NEG_INFINITY => f64::NEG_INFINITY,
            largest => f64::from(largest) * std::f64::consts::LN_2 + sums[side].ln(),
        })
    }

    /// As [`Self::log_sums`] over `centers` in any order, one by one.
    pub(super) fn log_sum_over(
        &self,
        centers: impl Iterator<Item = usize> + Clone,
        scale: Scale,
    ) -> [f64; 2] {
        [0, 1].map(|side| {
            let exponent = |j| {
                let both = scale.exponents(
                    self.half_distance[j],
                    self.projection[j] - self.own_projection,
                );
                f64::from(both[side])
            };
            let exponents = centers.clone().map(exponent);
            let largest = exponents.clone().fold(f64::NEG_INFINITY, f64::max);
            if largest == f64::NEG_INFINITY {
                return largest;
            }
            let sum: f64 = exponents.map(|e| (e - largest).exp2()).sum();
            largest * std::f64::consts::LN_2 + sum.ln()
        })
    }

    /// The largest exponents of 2, for ε and −ε.
    pub(super) fn largest(&self, scale: Scale) -> [f32; 2] {
        Arch::new().dispatch(Largest { row: *self, scale })
    }

    /// Writes 2^(exponent j − shift) for ε to `plus` and for −ε to `minus`.
    pub(super) fn fill(&self, scale: Scale, shift: [f32; 2], plus: &mut [f32], minus: &mut [f32]) {
        Arch::new().dispatch(Fill {
            row: *self,
            scale,
            shift,
            plus,
            minus,
        });
    }
}

/// Σ values.
pub(super) fn sum(values: &[f32]) -> f64 {
    let mut sum = 0.0;
    add_sum(values, &mut sum);
    sum
}

/// Adds Σ values to `sum`, in the order of [`Row::add_sums`].
pub(super) fn add_sum(values: &[f32], sum: &mut f64) {
    Arch::new().dispatch(Sum { values, sum });
}

/// Visits distances and differences of projections by blocks of [`LANES`] centers; what is missing of the
/// last is filled with centers that count nothing.
#[inline(always)]
fn for_each_block(row: Row<'_>, mut visit: impl FnMut(&[f32; LANES], &[f32; LANES])) {
    let own = row.own_projection;
    let (distances, distance_tail) = row.half_distance.as_chunks::<LANES>();
    let (projections, projection_tail) = row.projection.as_chunks::<LANES>();
    for (distance, projection) in distances.iter().zip(projections) {
        visit(distance, &projection.map(|p| p - own));
    }
    if !distance_tail.is_empty() {
        let (mut distance, mut projection) = ([f32::INFINITY; LANES], [own; LANES]);
        distance[..distance_tail.len()].copy_from_slice(distance_tail);
        projection[..projection_tail.len()].copy_from_slice(projection_tail);
        visit(&distance, &projection.map(|p| p - own));
    }
}

#[inline(always)]
fn sum_lanes(lanes: [f32; LANES]) -> f64 {
    lanes.into_iter().map(f64::from).sum()
}

struct Sums<'a> {
    row: Row<'a>,
    scales: &'a [Scale],
    sums: &'a mut [[f64; 2]],
}

impl WithSimd for Sums<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for tile in self.row.tiles() {
            for (scale, sums) in self.scales.iter().zip(&mut *self.sums) {
                let (mut plus, mut minus) = ([0.0; LANES], [0.0; LANES]);
                for_each_block(tile, |distance, projection| {
                    for lane in 0..LANES {
                        let [p, m] = scale.exponents(distance[lane], projection[lane]);
                        plus[lane] += power(p);
                        minus[lane] += power(m);
                    }
                });
                sums[0] += sum_lanes(plus);
                sums[1] += sum_lanes(minus);
            }
        }
    }
}

struct Shifted<'a> {
    row: Row<'a>,
    scale: Scale,
    largest: [f32; 2],
    sums: &'a mut [f64; 2],
}

impl WithSimd for Shifted<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for tile in self.row.tiles() {
            let (mut plus, mut minus) = ([0.0; LANES], [0.0; LANES]);
            for_each_block(tile, |distance, projection| {
                for lane in 0..LANES {
                    let [p, m] = self.scale.exponents(distance[lane], projection[lane]);
                    plus[lane] += power(p - self.largest[0]);
                    minus[lane] += power(m - self.largest[1]);
                }
            });
            self.sums[0] += sum_lanes(plus);
            self.sums[1] += sum_lanes(minus);
        }
    }
}

struct Largest<'a> {
    row: Row<'a>,
    scale: Scale,
}

impl WithSimd for Largest<'_> {
    type Output = [f32; 2];

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> [f32; 2] {
        let larger = |a: f32, b: f32| if a > b { a } else { b };
        let (mut plus, mut minus) = ([f32::NEG_INFINITY; LANES], [f32::NEG_INFINITY; LANES]);
        for_each_block(self.row, |distance, projection| {
            for lane in 0..LANES {
                let [p, m] = self.scale.exponents(distance[lane], projection[lane]);
                plus[lane] = larger(p, plus[lane]);
                minus[lane] = larger(m, minus[lane]);
            }
        });
        [plus, minus].map(|lanes| lanes.into_iter().fold(f32::NEG_INFINITY, f32::max))
    }
}

struct Fill<'a, 'o> {
    row: Row<'a>,
    scale: Scale,
    shift: [f32; 2],
    plus: &'o mut [f32],
    minus: &'o mut [f32],
}

impl WithSimd for Fill<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let centers = self.row.half_distance.iter().zip(self.row.projection);
        let outputs = self.plus.iter_mut().zip(self.minus);
        for ((&distance, &projection), (plus, minus)) in centers.zip(outputs) {
            let difference = projection - self.row.own_projection;
            let [p, m] = self.scale.exponents(distance, difference);
            *plus = power(p - self.shift[0]);
            *minus = power(m - self.shift[1]);
        }
    }
}

struct Sum<'a> {
    values: &'a [f32],
    sum: &'a mut f64,
}

impl WithSimd for Sum<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for tile in self.values.chunks(TILE) {
            let mut lanes = [0.0; LANES];
            let (blocks, tail) = tile.as_chunks::<LANES>();
            for block in blocks {
                for lane in 0..LANES {
                    lanes[lane] += block[lane];
                }
            }
            lanes.iter_mut().zip(tail).for_each(|(lane, v)| *lane += v);
            *self.sum += sum_lanes(lanes);
        }
    }
}

/// 2^x for x ≤ 127, within 3e−7 relative for x ≥ [`LOWEST`] and 2^LOWEST below.
///
/// x = n + r with |r| ≤ ½, 2^r by the polynomial of degree 5 of least relative error (Remez 1934;
/// 7.5e−8), and n added to the exponent's bits. No branch and no table, so that it is vectorised.
#[inline(always)]
fn power(x: f32) -> f32 {
    /// Adding this rounds to an integer and leaves it in the low bits.
    const ROUND: f32 = 1.5 * (1_u32 << 23) as f32;
    let x = if x < LOWEST { LOWEST } else { x };
    let shifted = x + ROUND;
    let r = x - (shifted - ROUND);
    let mut sum = 1.327_647_2e-3;
    for coefficient in [
        9.675_541e-3,
        5.550_713_3e-2,
        2.402_212e-1,
        6.931_469_7e-1,
        1.0,
    ] {
        sum = sum * r + coefficient;
    }
    f32::from_bits(sum.to_bits().wrapping_add(shifted.to_bits() << 23))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn power_agrees_with_the_standard_library() {
        for i in 0..200_000 {
            let x = LOWEST + i as f32 * (127.0 - LOWEST) / 200_000.0;
            let expected = f64::from(x).exp2();
            let error = f64::from(power(x)) / expected - 1.0;
            assert!(error.abs() < 3e-7, "2^{x}: {error}");
        }
        assert_eq!(power(0.0), 1.0);
        for below in [f32::NEG_INFINITY, -1e9, -127.0] {
            assert_eq!(power(below), f32::MIN_POSITIVE);
        }
    }

    /// Distances up to `far`, and the row's own center among them.
    fn row_of(n: usize, far: f32) -> (Vec<f32>, Vec<f32>) {
        let part = |j: usize, step: f32| (j as f32 * step).fract();
        let mut half_distance: Vec<f32> = (0..n).map(|j| far * part(j, 0.618)).collect();
        half_distance[n / 2] = f32::INFINITY;
        (half_distance, (0..n).map(|j| part(j, 0.37) - 0.5).collect())
    }

    fn plain(row: &Row<'_>, j: usize, tau: f64) -> [f64; 2] {
        let even = -f64::from(row.half_distance[j]) / (tau * tau);
        let odd = f64::from(row.projection[j] - row.own_projection) / tau;
        [even + odd, even - odd]
    }

    #[test]
    fn sums_agree_with_plain_ones_whatever_the_length() {
        let taus = [0.3, 0.7, 1.0];
        let scales = taus.map(Scale::new);
        for n in [1, 2, 15, 16, 17, 37, TILE - 1, TILE, 3 * TILE + 5] {
            let (half_distance, projection) = row_of(n, 4.0);
            let row = Row {
                half_distance: &half_distance,
                projection: &projection,
                own_projection: 0.1,
            };
            let range = n / 9..n - n / 7;
            let mut sums = [[1.0; 2]; 3];
            row.add_sums(range.clone(), &scales, &mut sums);
            let (mut plus, mut minus) = (vec![0.0; n], vec![0.0; n]);
            for (index, &tau) in taus.iter().enumerate() {
                let logs = row.log_sums(range.clone(), scales[index]);
                let over = row.log_sum_over(range.clone(), scales[index]);
                row.fill(scales[index], [-3.0, 2.0], &mut plus, &mut minus);
                let filled = [
                    sum(&plus[range.clone()]) / 8.0,
                    sum(&minus[range.clone()]) * 4.0,
                ];
                for side in 0..2 {
                    let expected: f64 =
                        range.clone().map(|j| plain(&row, j, tau)[side].exp()).sum();
                    let near = |found: f64| (found - expected).abs() <= 2e-6 * expected + 1e-30;
                    assert!(near(sums[index][side] - 1.0), "{n} at {tau}");
                    assert!(near(logs[side].exp()), "{n} at {tau}");
                    assert!(near(over[side].exp()), "{n} at {tau}");
                    assert!(near(filled[side]), "{n} at {tau}");
                }
            }
        }
    }

    #[test]
    fn logarithms_survive_underflow() {
        let (half_distance, projection) = row_of(50, 1.0);
        let half_distance: Vec<f32> = half_distance.iter().map(|d| d + 30.0).collect();
        let row = Row {
            half_distance: &half_distance,
            projection: &projection,
            own_projection: 0.1,
        };
        let tau = 0.1;
        let found = row.log_sums(0..50, Scale::new(tau));
        for (side, found) in found.into_iter().enumerate() {
            let exponents: Vec<f64> = (0..50).map(|j| plain(&row, j, tau)[side]).collect();
            let largest = exponents.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let sum: f64 = exponents.iter().map(|e| (e - largest).exp()).sum();
            assert!((found / (largest + sum.ln()) - 1.0).abs() < 1e-6);
        }
        let alone = Row {
            half_distance: &[f32::INFINITY],
            projection: &[0.0],
            own_projection: 0.0,
        };
        assert_eq!(
            alone.log_sums(0..1, Scale::new(tau)),
            [f64::NEG_INFINITY; 2]
        );
        assert_eq!(
            alone.log_sums(0..0, Scale::new(tau)),
            [f64::NEG_INFINITY; 2]
        );
    }
}
