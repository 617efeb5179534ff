//! Encoded images to 8-bit RGB, as Pillow's `Image.open(file).convert("RGB")`.

use std::io::Cursor;

use image::{DynamicImage, ImageReader, Limits};

use crate::guard::guarded;
use crate::resample::RgbImage;

mod jpeg;

/// Most pixels an image may have; Pillow refuses more as a decompression bomb.
const MAX_PIXELS: usize = 178_956_970;

/// Decodes a JPEG, PNG, BMP, GIF (its first frame) or WebP image, whatever its file is called.
/// Alpha is dropped, not blended. The error is a reason for a person.
pub(crate) fn decode(bytes: &[u8]) -> Result<RgbImage, String> {
    if bytes.is_empty() {
        return Err("the file is empty".into());
    }
    if bytes.starts_with(&[0xFF, 0xD8]) {
        return jpeg::decode(bytes).map_err(|error| error.to_string());
    }
    let format = image::guess_format(bytes)
        .map_err(|_| "not a JPEG, PNG, BMP, GIF or WebP image".to_string())?;
    let mut limits = Limits::default();
    limits.max_alloc = Some(MAX_PIXELS as u64 * 4);
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.limits(limits);
    let image = guarded(|| reader.decode().map_err(|error| error.to_string()))?;
    let (width, height) = (image.width() as usize, image.height() as usize);
    if width == 0 || height == 0 {
        return Err("the image has no pixels".into());
    }
    Ok(RgbImage {
        width,
        height,
        pixels: to_rgb(image, is_grey_16_bit(bytes)),
    })
}

/// Whether a file is a PNG of 16-bit grey, perhaps with one value that is transparent.
fn is_grey_16_bit(bytes: &[u8]) -> bool {
    // Depth and colour type lie behind width and height in the first chunk.
    bytes.starts_with(b"\x89PNG") && bytes.get(24..26) == Some(&[16, 0])
}

/// Pillow's conversions to RGB.
fn to_rgb(image: DynamicImage, is_grey_16_bit: bool) -> Vec<u8> {
    let saturated = |value: u16| [u8::try_from(value).unwrap_or(u8::MAX); 3];
    match image {
        // Pillow keeps 16-bit grey as it is, whatever is transparent, and saturates it when it converts.
        DynamicImage::ImageLuma16(grey) if is_grey_16_bit => {
            grey.as_raw().iter().copied().flat_map(saturated).collect()
        }
        DynamicImage::ImageLumaA16(image) if is_grey_16_bit => (image.as_raw().chunks_exact(2))
            .flat_map(|pixel| saturated(pixel[0]))
            .collect(),
        // Of 16-bit colours it reads the high byte.
        DynamicImage::ImageLumaA16(image) => (image.as_raw().chunks_exact(2))
            .flat_map(|pixel| [high_byte(pixel[0]); 3])
            .collect(),
        DynamicImage::ImageRgb16(image) => image.as_raw().iter().map(|&v| high_byte(v)).collect(),
        DynamicImage::ImageRgba16(image) => (image.as_raw().chunks_exact(4))
            .flat_map(|pixel| [pixel[0], pixel[1], pixel[2]].map(high_byte))
            .collect(),
        image => image.into_rgb8().into_raw(),
    }
}

fn high_byte(value: u16) -> u8 {
    (value >> 8) as u8
}

#[cfg(test)]
mod tests;
