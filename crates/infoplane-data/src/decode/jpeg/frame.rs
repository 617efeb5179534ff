//! The image's layout: components, their blocks and their samples.

use super::JpegError;
use super::idct::inverse_dct;
use crate::decode::MAX_PIXELS;

/// Most components that are decoded.
const MAX_COMPONENTS: usize = 4;

/// What a start-of-frame marker declares, and the coefficients read so far.
pub(super) struct Frame {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) progressive: bool,
    /// Largest sampling factors of the components.
    pub(super) h_max: usize,
    pub(super) v_max: usize,
    pub(super) components: Vec<Component>,
}

/// One colour component.
pub(super) struct Component {
    pub(super) id: u8,
    /// Sampling factors.
    pub(super) h: usize,
    pub(super) v: usize,
    /// Size in samples.
    pub(super) width: usize,
    pub(super) height: usize,
    /// Blocks in a row, with those that only fill up the last minimum coded unit.
    pub(super) blocks_across: usize,
    pub(super) blocks_down: usize,
    /// Index of its quantisation table.
    pub(super) quantiser: usize,
    /// Its quantisation table, as it stands when its first scan starts.
    pub(super) quantisers: Option<[u16; 64]>,
    /// Coefficients in natural order, by block in row-major order.
    pub(super) coefficients: Vec<[i16; 64]>,
}

/// A component's samples, `stride` apart.
pub(super) struct Plane {
    pub(super) stride: usize,
    pub(super) samples: Vec<u8>,
}

impl Frame {
    /// From the body of a start-of-frame marker. `remaining` bytes of the file are left; memory is
    /// taken only where they can hold an image of the declared size.
    pub(super) fn parse(
        body: &[u8],
        progressive: bool,
        remaining: usize,
    ) -> Result<Self, JpegError> {
        let &[precision, h1, h0, w1, w0, count, ref rest @ ..] = body else {
            return Err(JpegError::malformed("short frame header"));
        };
        if precision != 8 {
            return Err(JpegError::Unsupported(format!("{precision} bits a sample")));
        }
        let height = usize::from(u16::from_be_bytes([h1, h0]));
        let width = usize::from(u16::from_be_bytes([w1, w0]));
        let count = usize::from(count);
        if height == 0 {
            return Err(JpegError::Unsupported(
                "height given after the image".into(),
            ));
        }
        if width == 0 || count == 0 || rest.len() < count * 3 {
            return Err(JpegError::malformed("frame without pixels or components"));
        }
        if count > MAX_COMPONENTS || count == 2 {
            return Err(JpegError::Unsupported(format!("{count} colour components")));
        }
        if width * height > MAX_PIXELS {
            return Err(JpegError::Unsupported(format!(
                "{width} × {height} pixels; at most {MAX_PIXELS} are decoded"
            )));
        }
        let factors = |spec: &[u8]| (usize::from(spec[1] >> 4), usize::from(spec[1] & 15));
        let specs = || rest.chunks_exact(3).take(count);
        if specs()
            .map(factors)
            .any(|(h, v)| !(1..=4).contains(&h) || !(1..=4).contains(&v))
        {
            return Err(JpegError::malformed("sampling factor outside 1 to 4"));
        }
        let h_max = specs().map(|spec| factors(spec).0).max().unwrap_or(1);
        let v_max = specs().map(|spec| factors(spec).1).max().unwrap_or(1);
        let units_across = width.div_ceil(8 * h_max);
        let units_down = height.div_ceil(8 * v_max);
        // Each block takes one bit at least.
        let n_blocks: usize = specs()
            .map(factors)
            .map(|(h, v)| units_across * h * units_down * v)
            .sum();
        if n_blocks / 8 > remaining {
            return Err(JpegError::Truncated);
        }
        let components = specs()
            .map(|spec| {
                let (h, v) = factors(spec);
                let (blocks_across, blocks_down) = (units_across * h, units_down * v);
                Component {
                    id: spec[0],
                    h,
                    v,
                    width: (width * h).div_ceil(h_max),
                    height: (height * v).div_ceil(v_max),
                    blocks_across,
                    blocks_down,
                    quantiser: usize::from(spec[2]),
                    quantisers: None,
                    coefficients: vec![[0; 64]; blocks_across * blocks_down],
                }
            })
            .collect();
        Ok(Self {
            width,
            height,
            progressive,
            h_max,
            v_max,
            components,
        })
    }

    /// Transforms every block to samples.
    pub(super) fn planes(&self) -> Result<Vec<Plane>, JpegError> {
        self.components
            .iter()
            .map(|component| {
                let quantisers = component
                    .quantisers
                    .as_ref()
                    .ok_or_else(|| JpegError::malformed("a component has no data"))?;
                let stride = component.blocks_across * 8;
                let mut samples = vec![0; stride * component.blocks_down * 8];
                let bands = samples.chunks_exact_mut(stride * 8);
                let blocks = component.coefficients.chunks_exact(component.blocks_across);
                for (band, blocks) in bands.zip(blocks) {
                    for (column, block) in blocks.iter().enumerate() {
                        inverse_dct(block, quantisers, &mut band[column * 8..], stride);
                    }
                }
                Ok(Plane { stride, samples })
            })
            .collect()
    }
}
