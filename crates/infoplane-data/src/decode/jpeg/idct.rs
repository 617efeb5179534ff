//! The inverse cosine transform `islow` of libjpeg (jidctint.c).
//!
//! C. Loeffler, A. Ligtenberg and G. Moschytz, "Practical fast 1-D DCT algorithms with 11
//! multiplications", 1989, in 13-bit fixed point with two extra bits between the passes.

use std::num::Wrapping;

const CONST_BITS: usize = 13;
const PASS1_BITS: usize = 2;

/// Dequantises and transforms a block into `out`, whose rows are `stride` apart.
///
/// `coefficients` and `quantisers` are in natural order. Broken files make sums wrap, never panic.
pub(super) fn inverse_dct(
    coefficients: &[i16; 64],
    quantisers: &[u16; 64],
    out: &mut [u8],
    stride: usize,
) {
    if coefficients[1..]
        .iter()
        .all(|&coefficient| coefficient == 0)
    {
        let dc = Wrapping(dequantise(coefficients[0], quantisers[0])) << PASS1_BITS;
        let pixel = to_sample(descale(dc << CONST_BITS, CONST_BITS + PASS1_BITS + 3));
        for row in out.chunks_mut(stride) {
            row[..8].fill(pixel);
        }
        return;
    }
    let mut work = [[Wrapping(0); 8]; 8];
    for column in 0..8 {
        let at = |row: usize| {
            let index = row * 8 + column;
            Wrapping(dequantise(coefficients[index], quantisers[index]))
        };
        let input = [at(0), at(1), at(2), at(3), at(4), at(5), at(6), at(7)];
        if input[1..].iter().all(|&value| value.0 == 0) {
            for row in &mut work {
                row[column] = input[0] << PASS1_BITS;
            }
            continue;
        }
        let output = transform(input, CONST_BITS - PASS1_BITS);
        for (row, value) in work.iter_mut().zip(output) {
            row[column] = value;
        }
    }
    for (row, out) in work.into_iter().zip(out.chunks_mut(stride)) {
        let output = transform(row, CONST_BITS + PASS1_BITS + 3);
        for (out, value) in out.iter_mut().zip(output) {
            *out = to_sample(value);
        }
    }
}

/// In 16 bits, as libjpeg-turbo's vector code has it; only broken files have larger values.
fn dequantise(coefficient: i16, quantiser: u16) -> i32 {
    i32::from((i32::from(coefficient) * i32::from(quantiser)) as i16)
}

fn descale(value: Wrapping<i32>, bits: usize) -> Wrapping<i32> {
    (value + (Wrapping(1) << (bits - 1))) >> bits
}

fn to_sample(value: Wrapping<i32>) -> u8 {
    value.0.saturating_add(128).clamp(0, 255) as u8
}

/// One dimension; the result is scaled down by `bits`.
#[inline]
fn transform(input: [Wrapping<i32>; 8], bits: usize) -> [Wrapping<i32>; 8] {
    const FIX_0_298631336: Wrapping<i32> = Wrapping(2446);
    const FIX_0_390180644: Wrapping<i32> = Wrapping(3196);
    const FIX_0_541196100: Wrapping<i32> = Wrapping(4433);
    const FIX_0_765366865: Wrapping<i32> = Wrapping(6270);
    const FIX_0_899976223: Wrapping<i32> = Wrapping(7373);
    const FIX_1_175875602: Wrapping<i32> = Wrapping(9633);
    const FIX_1_501321110: Wrapping<i32> = Wrapping(12299);
    const FIX_1_847759065: Wrapping<i32> = Wrapping(15137);
    const FIX_1_961570560: Wrapping<i32> = Wrapping(16069);
    const FIX_2_053119869: Wrapping<i32> = Wrapping(16819);
    const FIX_2_562915447: Wrapping<i32> = Wrapping(20995);
    const FIX_3_072711026: Wrapping<i32> = Wrapping(25172);

    // Even part.
    let z1 = (input[2] + input[6]) * FIX_0_541196100;
    let tmp2 = z1 - input[6] * FIX_1_847759065;
    let tmp3 = z1 + input[2] * FIX_0_765366865;
    let tmp0 = (input[0] + input[4]) << CONST_BITS;
    let tmp1 = (input[0] - input[4]) << CONST_BITS;
    let even = [tmp0 + tmp3, tmp1 + tmp2, tmp1 - tmp2, tmp0 - tmp3];

    // Odd part.
    let [tmp0, tmp1, tmp2, tmp3] = [input[7], input[5], input[3], input[1]];
    let z5 = (tmp0 + tmp2 + tmp1 + tmp3) * FIX_1_175875602;
    let z1 = (tmp0 + tmp3) * -FIX_0_899976223;
    let z2 = (tmp1 + tmp2) * -FIX_2_562915447;
    let z3 = (tmp0 + tmp2) * -FIX_1_961570560 + z5;
    let z4 = (tmp1 + tmp3) * -FIX_0_390180644 + z5;
    let odd = [
        tmp3 * FIX_1_501321110 + z1 + z4,
        tmp2 * FIX_3_072711026 + z2 + z3,
        tmp1 * FIX_2_053119869 + z2 + z4,
        tmp0 * FIX_0_298631336 + z1 + z3,
    ];

    let mut output = [Wrapping(0); 8];
    for i in 0..4 {
        output[i] = descale(even[i] + odd[i], bits);
        output[7 - i] = descale(even[i] - odd[i], bits);
    }
    output
}
