//! Images of one size that lie as 8-bit values one behind the other, in memory.

use crate::images::ImageSource;
use crate::resample::RgbImage;

/// `[n]` images, each of 1 or 3 planes `[height, width]`, red first.
pub(crate) struct RawImages {
    pub(crate) bytes: Vec<u8>,
    /// Where the first image begins.
    pub(crate) start: usize,
    /// Bytes from one image to the next.
    pub(crate) step: usize,
    /// Planes of an image: 1 or 3.
    pub(crate) channels: usize,
    pub(crate) height: usize,
    pub(crate) width: usize,
}

impl RawImages {
    fn planes(&self, place: usize) -> &[u8] {
        let start = self.start + place * self.step;
        &self.bytes[start..start + self.channels * self.height * self.width]
    }
}

impl ImageSource for RawImages {
    fn read(&self, place: usize, _id: &str) -> Result<RgbImage, String> {
        let plane = self.height * self.width;
        let planes = self.planes(place);
        let last = self.channels - 1;
        let pixels = (0..plane).flat_map(|pixel| {
            [0, 1, 2].map(|channel: usize| planes[channel.min(last) * plane + pixel])
        });
        Ok(RgbImage {
            width: self.width,
            height: self.height,
            pixels: pixels.collect(),
        })
    }

    fn size(&self, place: usize, _id: &str) -> u64 {
        self.planes(place).len() as u64
    }

    fn content(&self, place: usize) -> Option<&[u8]> {
        Some(self.planes(place))
    }
}
