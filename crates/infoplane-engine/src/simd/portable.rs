//! Plain arrays, for the compiler to make of them what the architecture has.

use super::{LANES, Lanes, Simd};

#[derive(Clone, Copy)]
pub(super) struct Portable;

#[inline(always)]
fn each(function: impl Fn(usize) -> f32) -> Lanes {
    let mut result = [0.0; LANES];
    for (lane, slot) in result.iter_mut().enumerate() {
        *slot = function(lane);
    }
    result
}

#[inline(always)]
fn bits(function: impl Fn(usize) -> bool) -> u16 {
    let mut result = 0;
    for lane in 0..LANES {
        result |= u16::from(function(lane)) << lane;
    }
    result
}

impl Simd for Portable {
    type Vector = Lanes;

    #[inline(always)]
    fn splat(self, value: f32) -> Lanes {
        [value; LANES]
    }

    #[inline(always)]
    fn load(self, from: &Lanes) -> Lanes {
        *from
    }

    #[inline(always)]
    fn store(self, vector: Lanes, to: &mut Lanes) {
        *to = vector;
    }

    #[inline(always)]
    fn add(self, a: Lanes, b: Lanes) -> Lanes {
        each(|lane| a[lane] + b[lane])
    }

    #[inline(always)]
    fn sub(self, a: Lanes, b: Lanes) -> Lanes {
        each(|lane| a[lane] - b[lane])
    }

    #[inline(always)]
    fn mul(self, a: Lanes, b: Lanes) -> Lanes {
        each(|lane| a[lane] * b[lane])
    }

    #[inline(always)]
    fn mul_add(self, a: Lanes, b: Lanes, c: Lanes) -> Lanes {
        each(|lane| a[lane] * b[lane] + c[lane])
    }

    #[inline(always)]
    fn greater(self, a: Lanes, b: Lanes) -> u16 {
        bits(|lane| a[lane] > b[lane])
    }

    #[inline(always)]
    fn at_most(self, a: Lanes, b: Lanes) -> u16 {
        bits(|lane| a[lane] <= b[lane])
    }

    #[inline(always)]
    fn select(self, lanes: u16, a: Lanes, b: Lanes) -> Lanes {
        each(|lane| {
            if lanes >> lane & 1 == 1 {
                a[lane]
            } else {
                b[lane]
            }
        })
    }
}
