//! JPEG, exact to libjpeg-turbo's defaults, which Pillow and torchvision decode with.
//!
//! The standard (ITU-T T.81) leaves the inverse transform's rounding, the interpolation of
//! subsampled chroma and the colour conversion's rounding to the decoder, and decoders differ in up
//! to a sixth of all pixel values. This one takes libjpeg's choices: the integer transform `islow`
//! ([`idct`]), "fancy" upsampling ([`upsample`]) and 16-bit fixed-point colour conversion
//! ([`colour`]).
//!
//! Sequential and progressive Huffman-coded files of 8 bits are read; arithmetic coding, 12 bits
//! and lossless files are refused.

use crate::resample::RgbImage;

mod colour;
mod entropy;
mod frame;
mod huffman;
mod idct;
mod markers;
mod upsample;

use frame::Frame;

/// Why a JPEG cannot be decoded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum JpegError {
    /// The file ends before the image does.
    #[error("the JPEG file is truncated")]
    Truncated,
    /// A rule of the format is broken.
    #[error("broken JPEG file: {0}")]
    Malformed(String),
    /// A variant that is not decoded.
    #[error("JPEG variant not supported: {0}")]
    Unsupported(String),
}

impl JpegError {
    fn malformed(reason: impl Into<String>) -> Self {
        Self::Malformed(reason.into())
    }
}

/// Decodes a whole file to RGB.
pub(super) fn decode(bytes: &[u8]) -> Result<RgbImage, JpegError> {
    let (frame, colour_model) = markers::read(bytes)?;
    let planes = frame.planes()?;
    let Frame { width, height, .. } = frame;
    let mut upsampler = upsample::Upsampler::new(&frame, &planes)?;
    let mut pixels = Vec::with_capacity(width * height * 3);
    let mut rows = vec![vec![0; width]; planes.len()];
    for y in 0..height {
        for (component, row) in rows.iter_mut().enumerate() {
            upsampler.row(component, y, row);
        }
        colour_model.append_rgb(&rows, &mut pixels)?;
    }
    Ok(RgbImage {
        width,
        height,
        pixels,
    })
}
