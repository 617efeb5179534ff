//! Resizing of 8-bit images, exact to Pillow.
//!
//! Pillow's `Image.resize` (libImaging/Resample.c) convolves horizontally, rounds to 8 bits, then
//! convolves vertically, with the kernel widened by the scale when shrinking (antialiasing) and
//! weights in fixed point. Every rounding is reproduced, so the result is the same to the bit.
//! Only the pixels inside a window of the output are computed.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Bits after the point of a fixed-point weight: 32, less 8 for a pixel and 2 for overshoot.
const PRECISION_BITS: u32 = 32 - 8 - 2;

/// How a pixel is interpolated from its neighbours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Interpolation {
    /// The nearest pixel.
    Nearest,
    /// Triangle kernel of support 1, antialiased.
    Bilinear,
    /// Keys' cubic kernel with a = −0.5 of support 2, antialiased.
    Bicubic,
}

impl fmt::Display for Interpolation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nearest => "nearest",
            Self::Bilinear => "bilinear",
            Self::Bicubic => "bicubic",
        })
    }
}

impl FromStr for Interpolation {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "nearest" => Ok(Self::Nearest),
            "bilinear" => Ok(Self::Bilinear),
            "bicubic" => Ok(Self::Bicubic),
            _ => Err(format!(
                "unknown interpolation `{text}`; allowed are nearest, bilinear and bicubic"
            )),
        }
    }
}

/// An 8-bit RGB image, `[height, width, 3]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RgbImage {
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Row-major, three bytes a pixel; its length is `height · width · 3`.
    pub pixels: Vec<u8>,
}

impl RgbImage {
    /// Gives the three channels the luma of ITU-R 601-2 in Pillow's rounding: `convert("L")`.
    pub(crate) fn make_grey(&mut self) {
        for pixel in self.pixels.chunks_exact_mut(3) {
            let [red, green, blue] = [pixel[0], pixel[1], pixel[2]].map(u32::from);
            let luma = (red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16;
            // The weights sum to 2¹⁶, so this fits.
            pixel.fill(luma as u8);
        }
    }
}

/// A range of output rows or columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: usize,
    pub(crate) len: usize,
}

/// Resizes `image` to `width × height` and returns the window `columns × rows` of the result.
///
/// Requires non-zero sizes and a window inside the output.
pub(crate) fn resize_window(
    image: &RgbImage,
    (width, height): (usize, usize),
    (columns, rows): (Span, Span),
    interpolation: Interpolation,
) -> RgbImage {
    let kernel = match interpolation {
        Interpolation::Nearest => return nearest(image, (width, height), (columns, rows)),
        Interpolation::Bilinear => Kernel {
            support: 1.0,
            weight: triangle,
        },
        Interpolation::Bicubic => Kernel {
            support: 2.0,
            weight: cubic,
        },
    };
    let vertical = Taps::new(image.height, height, rows, kernel);
    let source_rows = vertical.source_range();
    let horizontal = Taps::new(image.width, width, columns, kernel);
    let across = convolve_rows(image, &horizontal, source_rows);
    convolve_columns(&across, &vertical, source_rows.start)
}

/// An interpolation kernel: zero outside ±`support`.
#[derive(Clone, Copy)]
struct Kernel {
    support: f64,
    weight: fn(f64) -> f64,
}

fn triangle(x: f64) -> f64 {
    let x = x.abs();
    if x < 1.0 { 1.0 - x } else { 0.0 }
}

/// R. Keys, "Cubic convolution interpolation for digital image processing", 1981.
fn cubic(x: f64) -> f64 {
    const A: f64 = -0.5;
    let x = x.abs();
    if x < 1.0 {
        ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0
    } else if x < 2.0 {
        (((x - 5.0) * x + 8.0) * x - 4.0) * A
    } else {
        0.0
    }
}

/// For each output pixel of a window, the input pixels it is made of and their fixed-point weights.
struct Taps {
    /// First input pixel and number of pixels, by output pixel.
    bounds: Vec<Span>,
    /// `stride` weights an output pixel.
    weights: Vec<i32>,
    stride: usize,
}

impl Taps {
    fn new(input: usize, output: usize, window: Span, kernel: Kernel) -> Self {
        if input == output {
            return Self::identity(window);
        }
        let scale = input as f64 / output as f64;
        let filter_scale = scale.max(1.0);
        let support = kernel.support * filter_scale;
        let stride = support.ceil() as usize * 2 + 1;
        let inverse = 1.0 / filter_scale;
        let mut bounds = Vec::with_capacity(window.len);
        let mut weights = Vec::with_capacity(window.len * stride);
        let mut exact = Vec::with_capacity(stride);
        for position in window.start..window.start + window.len {
            let center = (position as f64 + 0.5) * scale;
            let first = ((center - support + 0.5).max(0.0)) as usize;
            let end = ((center + support + 0.5) as usize).min(input);
            exact.clear();
            exact
                .extend((first..end).map(|x| (kernel.weight)((x as f64 - center + 0.5) * inverse)));
            let total: f64 = exact.iter().sum();
            for weight in &mut exact {
                if total != 0.0 {
                    *weight /= total;
                }
            }
            bounds.push(Span {
                start: first,
                len: exact.len(),
            });
            weights.extend(exact.iter().map(|&weight| fixed_point(weight)));
            weights.resize(bounds.len() * stride, 0);
        }
        Self {
            bounds,
            weights,
            stride,
        }
    }

    /// Pillow skips a pass whose size does not change.
    fn identity(window: Span) -> Self {
        Self {
            bounds: (window.start..window.start + window.len)
                .map(|start| Span { start, len: 1 })
                .collect(),
            weights: vec![1 << PRECISION_BITS; window.len],
            stride: 1,
        }
    }

    /// The input pixels that the window needs.
    fn source_range(&self) -> Span {
        let start = self.bounds.iter().map(|span| span.start).min().unwrap_or(0);
        let end = self.bounds.iter().map(|span| span.start + span.len).max();
        Span {
            start,
            len: end.unwrap_or(start) - start,
        }
    }

    fn iter(&self) -> impl Iterator<Item = (Span, &[i32])> {
        self.bounds
            .iter()
            .zip(self.weights.chunks_exact(self.stride))
            .map(|(&span, weights)| (span, &weights[..span.len]))
    }
}

/// Rounds half away from zero.
fn fixed_point(weight: f64) -> i32 {
    let scaled = weight * f64::from(1u32 << PRECISION_BITS);
    (scaled + if weight < 0.0 { -0.5 } else { 0.5 }) as i32
}

/// Half a pixel step in fixed point: what rounding adds before the shift.
const HALF: i32 = 1 << (PRECISION_BITS - 1);

fn to_pixel(sum: i32) -> u8 {
    (sum >> PRECISION_BITS).clamp(0, 255) as u8
}

fn convolve_rows(image: &RgbImage, taps: &Taps, rows: Span) -> RgbImage {
    let width = taps.bounds.len();
    let mut pixels = Vec::with_capacity(rows.len * width * 3);
    for row in image
        .pixels
        .chunks_exact(image.width * 3)
        .skip(rows.start)
        .take(rows.len)
    {
        for (span, weights) in taps.iter() {
            let mut sum = [HALF; 3];
            let source = &row[span.start * 3..(span.start + span.len) * 3];
            for (pixel, &weight) in source.chunks_exact(3).zip(weights) {
                sum[0] += i32::from(pixel[0]) * weight;
                sum[1] += i32::from(pixel[1]) * weight;
                sum[2] += i32::from(pixel[2]) * weight;
            }
            pixels.extend(sum.map(to_pixel));
        }
    }
    RgbImage {
        width,
        height: rows.len,
        pixels,
    }
}

/// `image` holds the source rows from `first_row` on.
fn convolve_columns(image: &RgbImage, taps: &Taps, first_row: usize) -> RgbImage {
    let row_len = image.width * 3;
    let mut pixels = Vec::with_capacity(taps.bounds.len() * row_len);
    let mut sums = vec![HALF; row_len];
    for (span, weights) in taps.iter() {
        sums.fill(HALF);
        let start = (span.start - first_row) * row_len;
        let source = &image.pixels[start..start + span.len * row_len];
        for (row, &weight) in source.chunks_exact(row_len).zip(weights) {
            for (sum, &value) in sums.iter_mut().zip(row) {
                *sum += i32::from(value) * weight;
            }
        }
        pixels.extend(sums.iter().map(|&sum| to_pixel(sum)));
    }
    RgbImage {
        width: image.width,
        height: taps.bounds.len(),
        pixels,
    }
}

/// Pillow's nearest neighbour (libImaging/Geometry.c) adds the scale up pixel by pixel; so does
/// this.
fn nearest(
    image: &RgbImage,
    (width, height): (usize, usize),
    (columns, rows): (Span, Span),
) -> RgbImage {
    let positions = |input: usize, output: usize, window: Span| -> Vec<usize> {
        let scale = input as f64 / output as f64;
        let mut at = scale * 0.5;
        let mut found = Vec::with_capacity(window.len);
        for position in 0..window.start + window.len {
            if position >= window.start {
                found.push((at as usize).min(input - 1));
            }
            at += scale;
        }
        found
    };
    let source_columns = positions(image.width, width, columns);
    let mut pixels = Vec::with_capacity(rows.len * columns.len * 3);
    for y in positions(image.height, height, rows) {
        let row = &image.pixels[y * image.width * 3..(y + 1) * image.width * 3];
        for &x in &source_columns {
            pixels.extend_from_slice(&row[x * 3..x * 3 + 3]);
        }
    }
    RgbImage {
        width: columns.len,
        height: rows.len,
        pixels,
    }
}

#[cfg(test)]
mod tests;
