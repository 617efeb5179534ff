//! The columns of a convolution seen as a matrix product: each output position of each sample is a
//! column, each weight tap of each channel a row. Columns are packed in panels, straight from the
//! image, without a matrix of them ever being made.

use infoplane_graph::Window2d;

/// The image side of a convolution.
#[derive(Debug, Clone, Copy)]
pub(super) struct Geometry {
    /// Samples, channels, height and width of what is read.
    pub source: [usize; 4],
    /// Height and width of what is written.
    pub target: [usize; 2],
    pub kernel: [usize; 2],
    pub strides: [usize; 2],
    pub dilations: [usize; 2],
    /// Padding above and left; negative where the source is cropped.
    pub pads: [isize; 2],
}

impl Geometry {
    pub fn forward(source: [usize; 4], target: [usize; 2], window: &Window2d) -> Geometry {
        Geometry {
            source,
            target,
            kernel: window.kernel,
            strides: window.strides,
            dilations: window.dilations,
            pads: window.pads_begin.map(|pad| pad as isize),
        }
        .flattened()
    }

    /// The geometry that reads the output's gradient and writes the input's, with flipped taps.
    /// Only for stride 1.
    pub fn transposed(source: [usize; 4], target: [usize; 2], window: &Window2d) -> Geometry {
        let pads = [0, 1].map(|axis| {
            (window.dilations[axis] * (window.kernel[axis] - 1)) as isize
                - window.pads_begin[axis] as isize
        });
        Geometry {
            source,
            target,
            kernel: window.kernel,
            strides: [1, 1],
            dilations: window.dilations,
            pads,
        }
        .flattened()
    }

    /// Positions without neighbours, for products that only look at the channels.
    pub fn pointwise(source: [usize; 4]) -> Geometry {
        Geometry {
            source,
            target: [source[2], source[3]],
            kernel: [1, 1],
            strides: [1, 1],
            dilations: [1, 1],
            pads: [0, 0],
        }
        .flattened()
    }

    /// One long row where no tap looks beside its own position.
    fn flattened(mut self) -> Geometry {
        let plain = self.kernel == [1, 1]
            && self.strides == [1, 1]
            && self.pads == [0, 0]
            && self.target == [self.source[2], self.source[3]];
        if plain {
            let positions = self.target[0] * self.target[1];
            self.source = [self.source[0], self.source[1], 1, positions];
            self.target = [1, positions];
        }
        self
    }

    pub fn taps(&self) -> usize {
        self.kernel[0] * self.kernel[1]
    }
}

/// A run of columns that lie side by side in one row of one sample's output.
#[derive(Debug, Clone, Copy)]
pub(super) struct Run {
    /// First lane in the panel.
    pub lane: usize,
    pub len: usize,
    pub sample: usize,
    /// Row and column of the output.
    pub row: usize,
    pub col: usize,
}

/// The runs of every panel of columns.
#[derive(Debug)]
pub(super) struct Panels {
    runs: Vec<Run>,
    /// Where each panel's runs begin, and one more.
    starts: Vec<usize>,
}

impl Panels {
    /// Cuts `samples` outputs of `rows` × `cols` into panels of `width` columns.
    pub fn new(samples: usize, rows: usize, cols: usize, width: usize) -> Panels {
        let mut runs = Vec::new();
        let mut starts = vec![0];
        let mut lane = 0;
        for sample in 0..samples {
            for row in 0..rows {
                let mut col = 0;
                while col < cols {
                    let len = (width - lane).min(cols - col);
                    runs.push(Run {
                        lane,
                        len,
                        sample,
                        row,
                        col,
                    });
                    col += len;
                    lane += len;
                    if lane == width {
                        starts.push(runs.len());
                        lane = 0;
                    }
                }
            }
        }
        if lane > 0 {
            starts.push(runs.len());
        }
        Panels { runs, starts }
    }

    pub fn len(&self) -> usize {
        self.starts.len() - 1
    }

    pub fn runs(&self, panel: usize) -> &[Run] {
        &self.runs[self.starts[panel]..self.starts[panel + 1]]
    }
}

/// Packs one panel: row k of `panel` holds tap k (channel, then vertical, then horizontal tap) of
/// every lane. Channels from `first_channel` on are read. Lanes of no run keep their content.
#[inline(always)]
pub(super) fn pack_panel<const NR: usize>(
    geometry: &Geometry,
    source: &[f32],
    first_channel: usize,
    runs: &[Run],
    panel: &mut [[f32; NR]],
) {
    let [_, channels, height, width] = geometry.source;
    let [kernel_h, kernel_w] = geometry.kernel;
    let taps = kernel_h * kernel_w;
    for run in runs {
        let lanes = run.lane..run.lane + run.len;
        let plane = |channel: usize| ((run.sample * channels) + channel) * height;
        for (offset, rows) in panel.chunks_exact_mut(taps).enumerate() {
            let plane = plane(first_channel + offset);
            let mut rows = rows.iter_mut();
            for tap_y in 0..kernel_h {
                let y = (run.row * geometry.strides[0] + tap_y * geometry.dilations[0]) as isize
                    - geometry.pads[0];
                let line = usize::try_from(y)
                    .ok()
                    .filter(|&y| y < height)
                    .map(|y| &source[(plane + y) * width..][..width]);
                for tap_x in 0..kernel_w {
                    let Some(row) = rows.next() else { return };
                    let target = &mut row[lanes.clone()];
                    let Some(line) = line else {
                        target.fill(0.0);
                        continue;
                    };
                    let x = (run.col * geometry.strides[1] + tap_x * geometry.dilations[1])
                        as isize
                        - geometry.pads[1];
                    if geometry.strides[1] == 1 {
                        copy_line(target, line, x);
                    } else {
                        gather_line(target, line, x, geometry.strides[1]);
                    }
                }
            }
        }
    }
}

/// Copies `line[x..]`, with zeros where that lies outside the line.
#[inline(always)]
fn copy_line(target: &mut [f32], line: &[f32], x: isize) {
    let len = target.len();
    if x >= 0 && x as usize + len <= line.len() {
        copy_short(target, &line[x as usize..][..len]);
        return;
    }
    let before = usize::try_from(-x).unwrap_or(0).min(len);
    let from = usize::try_from(x).unwrap_or(0).min(line.len());
    let inside = (line.len() - from).min(len - before);
    let (head, rest) = target.split_at_mut(before);
    let (middle, tail) = rest.split_at_mut(inside);
    head.fill(0.0);
    copy_short(middle, &line[from..from + inside]);
    tail.fill(0.0);
}

/// Copies a few floats without a call: whole vectors, the last ones overlapping.
#[inline(always)]
fn copy_short(target: &mut [f32], source: &[f32]) {
    const W: usize = 16;
    let len = target.len().min(source.len());
    let (target, source) = (&mut target[..len], &source[..len]);
    if len >= W {
        let mut at = 0;
        while at + W <= len {
            target[at..at + W].copy_from_slice(&source[at..at + W]);
            at += W;
        }
        target[len - W..].copy_from_slice(&source[len - W..]);
    } else if len >= 4 {
        let mut at = 0;
        while at + 4 <= len {
            target[at..at + 4].copy_from_slice(&source[at..at + 4]);
            at += 4;
        }
        target[len - 4..].copy_from_slice(&source[len - 4..]);
    } else {
        for (target, source) in target.iter_mut().zip(source) {
            *target = *source;
        }
    }
}

/// Every `stride`-th element of `line[x..]`, with zeros where that lies outside the line.
#[inline(always)]
fn gather_line(target: &mut [f32], line: &[f32], x: isize, stride: usize) {
    let reach = (target.len().max(1) - 1) * stride;
    if let Ok(first) = usize::try_from(x)
        && first + reach < line.len()
    {
        for (target, source) in target.iter_mut().zip(line[first..].iter().step_by(stride)) {
            *target = *source;
        }
        return;
    }
    for (index, target) in target.iter_mut().enumerate() {
        let x = x + (index * stride) as isize;
        *target = usize::try_from(x)
            .ok()
            .and_then(|x| line.get(x))
            .copied()
            .unwrap_or(0.0);
    }
}
