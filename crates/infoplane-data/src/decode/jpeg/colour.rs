//! Components to RGB, with libjpeg's fixed-point arithmetic (jdcolor.c) and Pillow's for ink.

use super::JpegError;

/// What the components mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ColourModel {
    Grey,
    Rgb,
    /// Luma, blue and red difference.
    YCbCr,
    /// Ink, stored inverted as Adobe does.
    Cmyk,
    /// Ink with its first three components as luma and differences.
    Ycck,
}

impl ColourModel {
    /// libjpeg's guess (jdapimin.c) from the component ids, the presence of a JFIF marker and the
    /// colour transform of an Adobe marker.
    pub(super) fn new(ids: &[u8], jfif: bool, adobe: Option<u8>) -> Self {
        match ids {
            [_] => Self::Grey,
            [_, _, _] if jfif => Self::YCbCr,
            [_, _, _] => match adobe {
                Some(0) => Self::Rgb,
                Some(_) => Self::YCbCr,
                None if ids == b"RGB" => Self::Rgb,
                None => Self::YCbCr,
            },
            _ => match adobe {
                None | Some(0) => Self::Cmyk,
                Some(_) => Self::Ycck,
            },
        }
    }

    /// Appends a row of pixels. `rows` holds one row a component.
    pub(super) fn append_rgb(
        self,
        rows: &[Vec<u8>],
        pixels: &mut Vec<u8>,
    ) -> Result<(), JpegError> {
        match (self, rows) {
            (Self::Grey, [grey]) => pixels.extend(grey.iter().flat_map(|&grey| [grey; 3])),
            (Self::Rgb, [red, green, blue]) => {
                let rows = red.iter().zip(green).zip(blue);
                pixels.extend(rows.flat_map(|((&red, &green), &blue)| [red, green, blue]));
            }
            (Self::YCbCr, [luma, blue, red]) => {
                let rows = luma.iter().zip(blue).zip(red);
                pixels.extend(rows.flat_map(|((&luma, &blue), &red)| ycc_to_rgb(luma, blue, red)));
            }
            (Self::Cmyk, [cyan, magenta, yellow, black]) => {
                let rows = cyan.iter().zip(magenta).zip(yellow).zip(black);
                pixels.extend(rows.flat_map(|(((&cyan, &magenta), &yellow), &black)| {
                    ink_to_rgb([cyan, magenta, yellow], black)
                }));
            }
            (Self::Ycck, [luma, blue, red, black]) => {
                let rows = luma.iter().zip(blue).zip(red).zip(black);
                pixels.extend(rows.flat_map(|(((&luma, &blue), &red), &black)| {
                    ink_to_rgb(ycc_to_rgb(luma, blue, red).map(|value| 255 - value), black)
                }));
            }
            _ => {
                return Err(JpegError::malformed(
                    "components do not fit the colour model",
                ));
            }
        }
        Ok(())
    }
}

const SCALE_BITS: u32 = 16;
const HALF: i32 = 1 << (SCALE_BITS - 1);

/// A constant of the conversion in 16-bit fixed point.
const fn fix(value: f64) -> i32 {
    (value * (1 << SCALE_BITS) as f64 + 0.5) as i32
}

/// ITU-R BT.601 with the full range, as JFIF has it.
#[inline]
fn ycc_to_rgb(luma: u8, blue: u8, red: u8) -> [u8; 3] {
    let luma = i32::from(luma);
    let (blue, red) = (i32::from(blue) - 128, i32::from(red) - 128);
    let green = (HALF - fix(0.34414) * blue - fix(0.71414) * red) >> SCALE_BITS;
    let clamp = |value: i32| value.clamp(0, 255) as u8;
    [
        clamp(luma + ((fix(1.40200) * red + HALF) >> SCALE_BITS)),
        clamp(luma + green),
        clamp(luma + ((fix(1.77200) * blue + HALF) >> SCALE_BITS)),
    ]
}

/// Pillow's `cmyk2rgb`, for ink that is stored inverted.
#[inline]
fn ink_to_rgb(inverted: [u8; 3], inverted_black: u8) -> [u8; 3] {
    let paper = i32::from(inverted_black);
    inverted.map(|value| {
        let product = (255 - i32::from(value)) * paper + 128;
        (paper - (((product >> 8) + product) >> 8)).clamp(0, 255) as u8
    })
}
