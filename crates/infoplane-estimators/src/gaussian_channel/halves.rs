//! Both informations on random halves of the samples.

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};

use super::ends::Ends;
use super::kernel::Kernel;
use super::prepared::PreparedLayer;
use crate::Resampling;
use crate::resample::random_halves;

/// Below this share of the whole a sum is not taken as the rest that another one leaves, which would
/// be all rounding.
const SHARE_OF_REST: f64 = 0.05;

/// A half of a split.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    First,
    Second,
    /// The one that an odd number of samples leaves over.
    Neither,
}

/// Halves by splits, in the order of rows. Every other half is what the one before leaves, so sums over
/// the first of each split serve both.
pub(super) struct Halves {
    /// Halves; of an odd number the last split has only its first.
    count: usize,
    n: usize,
    /// `[n, splits]`, 1 where the first half holds the row.
    first: Vec<f32>,
    /// `[splits, n]`.
    side: Vec<Side>,
    /// The row in neither half, by split.
    left_over: Vec<Option<usize>>,
    /// `[splits, classes]`: rows of a class in the first and the second half.
    class_size: Vec<[usize; 2]>,
    n_classes: usize,
}

impl Halves {
    pub(super) fn new(resampling: &Resampling, layer: &PreparedLayer) -> Self {
        let n = layer.n;
        let halves = random_halves(n, resampling.subsamples, resampling.seed);
        let splits = halves.len().div_ceil(2);
        let n_classes = layer.classes.as_ref().map_or(0, |c| c.ranges.len());
        let mut found = Self {
            count: halves.len(),
            n,
            first: vec![0.0; n * splits],
            side: vec![Side::Neither; splits * n],
            left_over: vec![None; splits],
            class_size: vec![[0; 2]; splits * n_classes],
            n_classes,
        };
        for (split, halves) in halves.chunks(2).enumerate() {
            for (row, &sample) in layer.sample.iter().enumerate() {
                let side = match halves {
                    [first, ..] if first[sample] => Side::First,
                    [_, second] if second[sample] => Side::Second,
                    [_, _] => {
                        found.left_over[split] = Some(row);
                        Side::Neither
                    }
                    _ => Side::Neither,
                };
                found.side[split * n + row] = side;
                if side == Side::First {
                    found.first[row * splits + split] = 1.0;
                }
                if let (Some(classes), Some(index)) = (&layer.classes, side.index()) {
                    found.class_size[split * n_classes + classes.of_row[row]][index] += 1;
                }
            }
        }
        found
    }

    pub(super) fn count(&self) -> usize {
        self.count
    }

    fn splits(&self) -> usize {
        self.left_over.len()
    }

    /// Adds the rows of `kernel`, whose control variates summed over draws are `controls`.
    pub(super) fn add(
        &self,
        layer: &PreparedLayer,
        kernel: &Kernel<'_>,
        controls: &[f64],
        sums: &mut HalfSums,
    ) {
        let splits = self.splits();
        let products = self.products(layer, kernel);
        let mut draws = vec![0.0; kernel.draws()];
        for (local, row) in kernel.rows().enumerate() {
            let lines = local * kernel.draws()..(local + 1) * kernel.draws();
            let control = controls[local];
            for split in 0..splits {
                let sides = &self.side[split * self.n..][..self.n];
                let side = sides[row];
                let Some(index) = side.index() else { continue };
                let half = 2 * split + index;
                let mut informations = |of_first: &[f32], range: std::ops::Range<usize>, size| {
                    for (draw, sum) in draws.iter_mut().enumerate() {
                        let of_first = f64::from(of_first[(lines.start + draw) * splits + split]);
                        *sum = match side {
                            Side::First => of_first,
                            _ => self.rest(kernel, row, draw, split, of_first, range.clone()),
                        };
                    }
                    let centers = || range.clone().filter(|&j| sides[j] == side);
                    kernel.informations(&draws, row, size, centers)
                };
                let input = informations(&products.all, 0..self.n, self.n / 2);
                sums.input[half].push(input, control, kernel.draws());
                let Some(classes) = &layer.classes else {
                    continue;
                };
                let class = classes.of_row[row];
                let size = self.class_size[split * self.n_classes + class][index];
                if size > 1 {
                    let within =
                        informations(&products.of_class, classes.ranges[class].clone(), size);
                    sums.label[half].push(input - within, control, kernel.draws());
                }
            }
        }
    }

    /// The sum over the second half's centers in `range`, where the first's is `of_first`.
    fn rest(
        &self,
        kernel: &Kernel<'_>,
        row: usize,
        draw: usize,
        split: usize,
        of_first: f64,
        range: std::ops::Range<usize>,
    ) -> f64 {
        let values = kernel.values(row, draw);
        let whole = if range.len() == self.n {
            kernel.total(row, draw)
        } else {
            super::row::sum(&values[range.clone()])
        };
        let left_over = self.left_over[split].filter(|row| range.contains(row));
        let rest = whole - of_first - left_over.map_or(0.0, |row| f64::from(values[row]));
        if rest > SHARE_OF_REST * whole {
            return rest;
        }
        let sides = &self.side[split * self.n..][range.clone()];
        let held = sides.iter().zip(&values[range]);
        held.filter(|(side, _)| **side == Side::Second)
            .map(|(_, &value)| f64::from(value))
            .sum()
    }

    fn products(&self, layer: &PreparedLayer, kernel: &Kernel<'_>) -> Products {
        let (n, splits) = (self.n, self.splits());
        let (rows, draws) = (kernel.rows(), kernel.draws());
        let height = rows.len() * draws;
        let values = MatRef::from_row_major_slice(kernel.all_values(), height, n);
        let first = MatRef::from_row_major_slice(&self.first, n, splits);
        let product = |values: MatRef<'_, f32>, first: MatRef<'_, f32>, into: &mut [f32]| {
            let into = MatMut::from_row_major_slice_mut(into, values.nrows(), splits);
            matmul(into, Accum::Replace, values, first, 1.0, Par::Seq);
        };
        let mut all = vec![0.0; height * splits];
        product(values, first, &mut all);
        let mut of_class = vec![0.0; height * splits];
        // Rows are in the order of their class, so a block holds runs of a class.
        let mut row = rows.start;
        while let Some(classes) = layer.classes.as_ref().filter(|_| row < rows.end) {
            let class = classes.range_of(row);
            let end = class.end.min(rows.end);
            let lines = (row - rows.start) * draws..(end - rows.start) * draws;
            product(
                values
                    .subrows(lines.start, lines.len())
                    .subcols(class.start, class.len()),
                first.subrows(class.start, class.len()),
                &mut of_class[lines.start * splits..lines.end * splits],
            );
            row = end;
        }
        Products { all, of_class }
    }
}

impl Side {
    fn index(self) -> Option<usize> {
        match self {
            Self::First => Some(0),
            Self::Second => Some(1),
            Self::Neither => None,
        }
    }
}

/// Sums of a kernel's rows over the first halves, `[rows · draws, splits]`.
struct Products {
    all: Vec<f32>,
    /// Over those of the row's class.
    of_class: Vec<f32>,
}

/// A sum of pointwise informations in nats, over `n` (sample, draw) pairs.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sum {
    ends: Ends,
    control: f64,
    n: usize,
}

impl Sum {
    /// Adds sums over `n` draws.
    pub(super) fn push(&mut self, ends: Ends, control: f64, n: usize) {
        self.ends += ends;
        self.control += control;
        self.n += n;
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.push(other.ends, other.control, other.n);
    }

    /// The mean of value + factor · control; NaN over nothing.
    pub(super) fn bits(&self, factor: f64) -> f64 {
        let sum = self.ends.middle() + factor * self.control;
        sum / self.n as f64 * std::f64::consts::LOG2_E
    }
}

/// By half.
#[derive(Debug, Clone)]
pub(super) struct HalfSums {
    pub(super) input: Vec<Sum>,
    pub(super) label: Vec<Sum>,
}

impl HalfSums {
    pub(super) fn new(count: usize) -> Self {
        Self {
            input: vec![Sum::default(); count],
            label: vec![Sum::default(); count],
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        let both = [
            (&mut self.input, &other.input),
            (&mut self.label, &other.label),
        ];
        for (mine, theirs) in both {
            mine.iter_mut().zip(theirs).for_each(|(m, t)| m.merge(t));
        }
    }
}
