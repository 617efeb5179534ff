//! Subsampled components to full resolution, as libjpeg's "fancy" upsampling (jdsample.c).
//!
//! Halved dimensions are interpolated with weights 3/4 and 1/4, other ratios repeat samples.

use super::JpegError;
use super::frame::{Frame, Plane};

/// Gives rows of each component at the image's resolution.
pub(super) struct Upsampler<'a> {
    components: Vec<Source<'a>>,
    /// Column sums of two rows.
    sums: Vec<i32>,
    /// An upsampled row, which may be longer than the image.
    wide: Vec<u8>,
}

struct Source<'a> {
    plane: &'a Plane,
    /// Size in samples.
    width: usize,
    height: usize,
    method: Method,
}

#[derive(Clone, Copy)]
enum Method {
    Full,
    /// Half the columns.
    Across,
    /// Half the rows.
    Down,
    /// Half of both.
    Both,
    /// Every sample that many times across and down.
    Repeat(usize, usize),
}

impl<'a> Upsampler<'a> {
    pub(super) fn new(frame: &Frame, planes: &'a [Plane]) -> Result<Self, JpegError> {
        let components = frame
            .components
            .iter()
            .zip(planes)
            .map(|(component, plane)| {
                let whole = frame.h_max.is_multiple_of(component.h)
                    && frame.v_max.is_multiple_of(component.v);
                if !whole {
                    return Err(JpegError::Unsupported("fractional sampling factors".into()));
                }
                let ratios = (frame.h_max / component.h, frame.v_max / component.v);
                // libjpeg does not interpolate across fewer than three columns.
                let method = match ratios {
                    (1, 1) => Method::Full,
                    (1, 2) => Method::Down,
                    (2, 1) if component.width > 2 => Method::Across,
                    (2, 2) if component.width > 2 => Method::Both,
                    (across, down) => Method::Repeat(across, down),
                };
                Ok(Source {
                    plane,
                    width: component.width,
                    height: component.height,
                    method,
                })
            })
            .collect::<Result<_, _>>()?;
        Ok(Self {
            components,
            sums: Vec::new(),
            wide: Vec::new(),
        })
    }

    /// Writes row `y` of a component.
    pub(super) fn row(&mut self, component: usize, y: usize, out: &mut [u8]) {
        let source = &self.components[component];
        match source.method {
            Method::Full => out.copy_from_slice(&source.row(y)[..out.len()]),
            Method::Repeat(across, down) => {
                let row = source.row(y / down);
                for (out, &sample) in out.chunks_mut(across).zip(row) {
                    out.fill(sample);
                }
            }
            Method::Down => {
                let (near, far) = source.rows_around(y);
                let bias = if y.is_multiple_of(2) { 1 } else { 2 };
                for ((out, &near), &far) in out.iter_mut().zip(near).zip(far) {
                    *out = ((i32::from(near) * 3 + i32::from(far) + bias) >> 2) as u8;
                }
            }
            Method::Across => {
                self.sums.clear();
                self.sums
                    .extend(source.row(y).iter().map(|&sample| i32::from(sample)));
                interpolate(&self.sums, &mut self.wide, (1, 2), 2);
                out.copy_from_slice(&self.wide[..out.len()]);
            }
            Method::Both => {
                let (near, far) = source.rows_around(y);
                let pairs = near.iter().zip(far);
                self.sums.clear();
                self.sums
                    .extend(pairs.map(|(&near, &far)| i32::from(near) * 3 + i32::from(far)));
                interpolate(&self.sums, &mut self.wide, (8, 7), 4);
                out.copy_from_slice(&self.wide[..out.len()]);
            }
        }
    }
}

impl Source<'_> {
    fn row(&self, y: usize) -> &[u8] {
        &self.plane.samples[y * self.plane.stride..][..self.width]
    }

    /// The sample rows nearest and next to row `y` of a component of half the rows.
    fn rows_around(&self, y: usize) -> (&[u8], &[u8]) {
        let near = y / 2;
        let far = if y.is_multiple_of(2) {
            near.saturating_sub(1)
        } else {
            (near + 1).min(self.height - 1)
        };
        (self.row(near), self.row(far))
    }
}

/// Doubles a row: each value gives two pixels, 3/4 of itself and 1/4 of its neighbour to the left
/// and to the right. `bias` is added before the shift, for the left and the right pixel in turn. At
/// the ends the value is its own neighbour.
fn interpolate(values: &[i32], out: &mut Vec<u8>, (left_bias, right_bias): (i32, i32), shift: u32) {
    out.resize(values.len() * 2, 0);
    let left = values.iter().take(1).chain(values);
    for ((pair, &value), &neighbour) in out.chunks_exact_mut(2).zip(values).zip(left) {
        pair[0] = ((value * 3 + neighbour + left_bias) >> shift) as u8;
    }
    let right = values.iter().skip(1).chain(values.last());
    for ((pair, &value), &neighbour) in out.chunks_exact_mut(2).zip(values).zip(right) {
        pair[1] = ((value * 3 + neighbour + right_bias) >> shift) as u8;
    }
}
