//! From a decoded image to the network's input: resize, crop, scale, normalise, as torchvision
//! does.

use serde::{Deserialize, Serialize};

use crate::error::DataError;
use crate::resample::{Interpolation, RgbImage, Span, resize_window};

mod form;
mod presets;

pub use form::{Colours, ImageShape, Placement};

/// Largest side of a resized or cropped image, in pixels.
const MAX_SIDE: u32 = 1 << 14;

/// The divisor of 8-bit values where none is set.
const WHITE: f32 = 255.0;

/// What is done to an image, in this order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Preprocess {
    /// Resize so that the shorter side has this many pixels, keeping the aspect ratio; antialiased.
    pub resize: Option<u32>,
    /// How pixels are interpolated when resizing.
    pub interpolation: Interpolation,
    /// Cut a centred square of this side; where the image is smaller, black is added around it.
    pub crop: Option<u32>,
    /// Divides the 8-bit value x: 255 for values in [0, 1].
    #[serde(default = "white", skip_serializing_if = "is_white")]
    pub scale: f32,
    /// Subtracted from x/scale, by channel (red, green, blue, whatever the network's order). Of grey
    /// images the first is used.
    pub mean: [f32; 3],
    /// Divides x/scale − mean, by channel.
    pub std: [f32; 3],
    /// Which channels the network takes.
    #[serde(default, skip_serializing_if = "Colours::is_rgb")]
    pub colours: Colours,
    /// How they lie in its input.
    #[serde(default, skip_serializing_if = "Placement::is_planes")]
    pub placement: Placement,
}

fn white() -> f32 {
    WHITE
}

fn is_white(scale: &f32) -> bool {
    *scale == WHITE
}

impl Default for Preprocess {
    /// The preset `imagenet`.
    fn default() -> Self {
        presets::imagenet(256, 224, Interpolation::Bilinear)
    }
}

impl Preprocess {
    /// What is done, in words.
    pub fn describe(&self) -> String {
        let mut steps = Vec::new();
        if let Some(side) = self.resize {
            steps.push(format!(
                "shorter side resized to {side} ({}{})",
                self.interpolation,
                match self.interpolation {
                    Interpolation::Nearest => "",
                    _ => ", antialiased",
                }
            ));
        }
        if let Some(side) = self.crop {
            steps.push(format!("centre crop {side}"));
        }
        steps.push(match self.scale {
            1.0 => "x".into(),
            scale => format!("x/{scale}"),
        });
        if self.mean != [0.0; 3] || self.std != [1.0; 3] {
            let ([m0, m1, m2], [s0, s1, s2]) = (self.mean, self.std);
            steps.push(match self.colours {
                Colours::Grey => format!("mean {m0}, std {s0}"),
                _ => format!("mean ({m0}, {m1}, {m2}), std ({s0}, {s1}, {s2})"),
            });
        }
        steps.extend(self.colours.describe());
        steps.extend(self.placement.describe());
        steps.join(", ")
    }

    /// Checks that every setting makes sense.
    ///
    /// # Errors
    /// [`DataError::Preprocess`] naming the setting, its value and what is allowed.
    pub fn validate(&self) -> Result<(), DataError> {
        for (name, side) in [("resize", self.resize), ("crop", self.crop)] {
            if side.is_some_and(|side| side == 0 || side > MAX_SIDE) {
                return Err(DataError::Preprocess(format!(
                    "{name} is {}; allowed are 1 to {MAX_SIDE} pixels",
                    side.unwrap_or_default()
                )));
            }
        }
        if !(self.scale.is_finite() && self.scale > 0.0) {
            return Err(DataError::Preprocess(format!(
                "scale is {}; it must be finite and above 0",
                self.scale
            )));
        }
        if let Some(mean) = self.mean.iter().find(|mean| !mean.is_finite()) {
            return Err(DataError::Preprocess(format!(
                "mean holds {mean}; it must be finite"
            )));
        }
        if let Some(std) = self
            .std
            .iter()
            .find(|std| !(std.is_finite() && **std > 0.0))
        {
            return Err(DataError::Preprocess(format!(
                "std holds {std}; it must be finite and above 0"
            )));
        }
        Ok(())
    }

    /// Height and width of what an image of `width × height` becomes.
    pub(crate) fn output_size(&self, width: usize, height: usize) -> (usize, usize) {
        match self.crop {
            Some(side) => (side as usize, side as usize),
            None => {
                let (width, height) = self.resized(width, height);
                (height, width)
            }
        }
    }

    /// Width and height after resizing: the longer side is ⌊side · long / short⌋.
    fn resized(&self, width: usize, height: usize) -> (usize, usize) {
        let Some(side) = self.resize.map(|side| side as usize) else {
            return (width, height);
        };
        if width <= height {
            (side, side * height / width)
        } else {
            (side * width / height, side)
        }
    }

    /// Resizes and crops, in 8 bits. Requires a non-empty image.
    pub(crate) fn resize_and_crop(&self, image: &RgbImage) -> RgbImage {
        let (width, height) = self.resized(image.width, image.height);
        let columns = Window::new(width, self.crop);
        let rows = Window::new(height, self.crop);
        let whole = (width, height) == (image.width, image.height);
        let inner = if whole && columns.kept.len == width && rows.kept.len == height {
            image.clone()
        } else {
            resize_window(
                image,
                (width, height),
                (columns.kept, rows.kept),
                self.interpolation,
            )
        };
        if columns.len == columns.kept.len && rows.len == rows.kept.len {
            return inner;
        }
        let mut pixels = vec![0; rows.len * columns.len * 3];
        let source = inner.pixels.chunks_exact(inner.width * 3);
        let target = pixels.chunks_exact_mut(columns.len * 3);
        for (from, to) in source.zip(target.skip(rows.before)) {
            to[columns.before * 3..][..from.len()].copy_from_slice(from);
        }
        RgbImage {
            width: columns.len,
            height: rows.len,
            pixels,
        }
    }
}

/// Where a centred crop of one dimension lies, and the black before it where the image is smaller.
struct Window {
    /// Pixels of the result.
    len: usize,
    /// Black pixels before the image.
    before: usize,
    /// Pixels of the image that are kept.
    kept: Span,
}

impl Window {
    fn new(size: usize, crop: Option<u32>) -> Self {
        let crop = crop.map_or(size, |crop| crop as usize);
        let (before, start) = if crop > size {
            ((crop - size) / 2, 0)
        } else {
            (0, half_to_even(size - crop))
        };
        Self {
            len: crop,
            before,
            kept: Span {
                start,
                len: size.min(crop),
            },
        }
    }
}

/// Python's `round(n / 2)`: a half goes to the even neighbour.
fn half_to_even(n: usize) -> usize {
    let half = n / 2;
    half + (n % 2) * (half % 2)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn image(width: usize, height: usize) -> RgbImage {
        RgbImage {
            width,
            height,
            pixels: (0..width * height * 3)
                .map(|i| (i * 7 % 251) as u8)
                .collect(),
        }
    }

    #[test]
    fn the_crop_offset_is_rounded_as_python_rounds() {
        let offsets: Vec<usize> = (0..8).map(half_to_even).collect();
        assert_eq!(offsets, [0, 0, 1, 2, 2, 2, 3, 4]);
    }

    #[test]
    fn the_longer_side_is_rounded_down_as_torchvision_does() {
        let preprocess = Preprocess::default();
        assert_eq!(preprocess.resized(500, 334), (383, 256));
        assert_eq!(preprocess.resized(333, 500), (256, 384));
        assert_eq!(preprocess.resized(288, 288), (256, 256));
    }

    #[test]
    fn an_image_smaller_than_the_crop_is_padded_with_black() {
        let preprocess = Preprocess {
            crop: Some(5),
            ..Preprocess::preset("none").unwrap()
        };
        let small = image(2, 7);
        let out = preprocess.resize_and_crop(&small);
        assert_eq!((out.width, out.height), (5, 5));
        for y in 0..5 {
            let row = &out.pixels[y * 15..(y + 1) * 15];
            assert_eq!(row[..3], [0; 3]);
            assert_eq!(row[3..9], small.pixels[(y + 1) * 6..(y + 2) * 6]);
            assert_eq!(row[9..], [0; 6]);
        }
    }

    #[test]
    fn settings_that_make_no_sense_are_refused() {
        let base = Preprocess::default();
        for (bad, named) in [
            (
                Preprocess {
                    resize: Some(0),
                    ..base.clone()
                },
                "resize is 0",
            ),
            (
                Preprocess {
                    crop: Some(u32::MAX),
                    ..base.clone()
                },
                "crop is 4294967295",
            ),
            (
                Preprocess {
                    std: [1.0, 0.0, 1.0],
                    ..base.clone()
                },
                "std holds 0",
            ),
            (
                Preprocess {
                    scale: 0.0,
                    ..base.clone()
                },
                "scale is 0",
            ),
            (
                Preprocess {
                    mean: [f32::NAN; 3],
                    ..base.clone()
                },
                "mean holds NaN",
            ),
        ] {
            let message = bad.validate().unwrap_err().to_string();
            assert!(message.contains(named), "{message}");
        }
        base.validate().unwrap();
    }

    #[test]
    fn the_words_say_every_step() {
        assert_eq!(
            Preprocess::default().describe(),
            "shorter side resized to 256 (bilinear, antialiased), centre crop 224, x/255, \
             mean (0.485, 0.456, 0.406), std (0.229, 0.224, 0.225)"
        );
        assert_eq!(Preprocess::preset("none").unwrap().describe(), "x/255");
        let other = Preprocess {
            placement: Placement::ChannelsLast,
            ..Preprocess::preset("caffe").unwrap()
        };
        assert_eq!(
            other.describe(),
            "shorter side resized to 256 (bilinear, antialiased), centre crop 224, x, \
             mean (123.68, 116.779, 103.939), std (1, 1, 1), channels blue, green, red, \
             laid out height × width × channels"
        );
    }

    proptest! {
        #[test]
        fn the_result_has_the_promised_size(
            width in 1usize..40, height in 1usize..40,
            resize in proptest::option::of(1u32..30), crop in proptest::option::of(1u32..30),
        ) {
            let preprocess = Preprocess { resize, crop, ..Preprocess::default() };
            let out = preprocess.resize_and_crop(&image(width, height));
            prop_assert_eq!((out.height, out.width), preprocess.output_size(width, height));
            prop_assert_eq!(out.pixels.len(), out.width * out.height * 3);
        }
    }
}
