//! I(C̃;Y) under permuted labels.

use super::halves::Sum;
use super::kernel::Kernel;
use super::prepared::{Classes, PreparedLayer};
use crate::Resampling;
use crate::resample::random_permutations;

/// Draws of a row whose values lie together, to be added at once.
const TOGETHER: usize = 4;

/// Sums that grow side by side, so that an addition need not wait for the one before.
const CHAINS: usize = 4;

/// Assignments of the labels to the rows.
pub(super) struct Permutations<'a> {
    classes: Option<&'a Classes>,
    all: Vec<Permutation>,
}

struct Permutation {
    /// Rows by class: class c has `members[range of c]`, in ascending order.
    members: Vec<u32>,
    /// The class of each row.
    class: Vec<u32>,
}

impl Permutation {
    fn new(order: Vec<usize>, classes: &Classes) -> Self {
        let mut class = vec![0; order.len()];
        for (&row, &of_place) in order.iter().zip(&classes.of_row) {
            class[row] = of_place as u32;
        }
        let mut members: Vec<u32> = order.into_iter().map(|row| row as u32).collect();
        for range in &classes.ranges {
            members[range.clone()].sort_unstable();
        }
        Self { members, class }
    }
}

impl<'a> Permutations<'a> {
    /// None without labels.
    pub(super) fn new(resampling: &Resampling, layer: &'a PreparedLayer) -> Self {
        let classes = layer.classes.as_ref();
        let all = classes.map(|classes| {
            random_permutations(layer.n, resampling.permutations, resampling.seed)
                .into_iter()
                .map(|order| Permutation::new(order, classes))
                .collect()
        });
        Self {
            classes,
            all: all.unwrap_or_default(),
        }
    }

    pub(super) fn count(&self) -> usize {
        self.all.len()
    }

    /// Adds the rows of `kernel` to the sum of each permutation.
    pub(super) fn add(&self, kernel: &Kernel<'_>, sums: &mut [Sum]) {
        let Some(classes) = self.classes.filter(|_| !self.all.is_empty()) else {
            return;
        };
        let draws = kernel.draws();
        let mut groups = vec![Vec::new(); draws.div_ceil(TOGETHER)];
        let mut within = vec![0.0; draws];
        for row in kernel.rows() {
            for (group, values) in groups.iter_mut().enumerate() {
                let first = group * TOGETHER;
                side_by_side(kernel, row, first..draws.min(first + TOGETHER), values);
            }
            let totals: Vec<f64> = (0..draws).map(|draw| kernel.total(row, draw)).collect();
            let n = kernel.values(row, 0).len();
            let input = kernel.informations(&totals, row, n, || 0..n);
            for (permutation, sum) in self.all.iter().zip(&mut *sums) {
                let range = classes.ranges[permutation.class[row] as usize].clone();
                if range.len() < 2 {
                    continue;
                }
                let members = &permutation.members[range];
                for (values, within) in groups.iter().zip(within.chunks_mut(TOGETHER)) {
                    let found = sum_over(values, members);
                    let found = found.into_iter().map(f64::from);
                    within.iter_mut().zip(found).for_each(|(w, f)| *w = f);
                }
                let centers = || members.iter().map(|&j| j as usize);
                let label = input - kernel.informations(&within, row, members.len(), centers);
                sum.push(label, 0.0, draws);
            }
        }
    }
}

/// The values of `draws` of a row, by center; the last draw again for those that are missing.
fn side_by_side(
    kernel: &Kernel<'_>,
    row: usize,
    draws: std::ops::Range<usize>,
    into: &mut Vec<[f32; TOGETHER]>,
) {
    let last = draws.end - 1;
    let draw = |place: usize| kernel.values(row, (draws.start + place).min(last)).iter();
    let [first, second, third, fourth] = std::array::from_fn(draw);
    let values = first.zip(second).zip(third).zip(fourth);
    into.clear();
    into.extend(values.map(|(((a, b), c), d)| [*a, *b, *c, *d]));
}

/// Σ of `values` over `members`.
fn sum_over(values: &[[f32; TOGETHER]], members: &[u32]) -> [f32; TOGETHER] {
    let add = |sum: &mut [f32; TOGETHER], member: u32| {
        let values = &values[member as usize];
        sum.iter_mut().zip(values).for_each(|(s, v)| *s += v);
    };
    let mut chains = [[0.0; TOGETHER]; CHAINS];
    let (blocks, tail) = members.as_chunks::<CHAINS>();
    for block in blocks {
        for (sum, &member) in chains.iter_mut().zip(block) {
            add(sum, member);
        }
    }
    let [mut whole, rest @ ..] = chains;
    for &member in tail {
        add(&mut whole, member);
    }
    for chain in rest {
        whole.iter_mut().zip(chain).for_each(|(w, c)| *w += c);
    }
    whole
}
