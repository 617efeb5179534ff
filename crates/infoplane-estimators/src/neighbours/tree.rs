//! A balanced k-d tree whose leaves are laid out for vectors.
//!
//! Points are split at the median of the widest coordinate until a leaf holds at most
//! [`LEAF_POINTS`]; all leaves are at one depth, so node `i` has the children `2i + 1` and `2i + 2`
//! and nothing but the nodes' boxes is stored. Boxes are tight. A distance to a box is made of the
//! same differences as one to a point, so it never exceeds that of a point inside, and pruning by it
//! is exact.

use rayon::prelude::*;

use pulp::bytemuck;
use pulp::{Arch, Simd, WithSimd};

use super::all_pairs::{lanes, transpose_groups};
use super::nearest::{Nearest, Neighbour};
use super::points::Points;

/// Most points in a leaf.
const LEAF_POINTS: usize = 16;

/// Leaves whose queries are one piece of parallel work.
const LEAVES_A_PIECE: usize = 16;

pub(super) struct Tree {
    width: usize,
    /// Points by place, `[n, width]`.
    points: Vec<f64>,
    /// The point at each place.
    order: Vec<u32>,
    /// The place of each point.
    place: Vec<u32>,
    /// The places of leaf `l` start at `starts[l]`.
    starts: Vec<usize>,
    /// `[node, lower then upper end of a coordinate]`.
    boxes: Vec<f64>,
    /// Leaves as `[leaf, group, coordinate, lane]`, filled up with points infinitely far away.
    leaves: Vec<f64>,
    /// Groups of lanes in a leaf.
    groups: usize,
}

impl Tree {
    /// `points` must have at least one coordinate.
    pub(super) fn new(points: &Points) -> Self {
        let (n, width) = (points.n(), points.width());
        debug_assert!(n > 0 && width > 0);
        let n_leaves = n.div_ceil(LEAF_POINTS).next_power_of_two();
        let depth = n_leaves.trailing_zeros() as usize;
        let mut order: Vec<u32> = (0..n as u32).collect();
        split(points, &mut order, depth);

        let mut starts = vec![0, n];
        for _ in 0..depth {
            let middles = starts.windows(2).flat_map(|w| [w[0], middle(w[0], w[1])]);
            starts = middles.chain([n]).collect();
        }
        let lanes = lanes();
        let groups = starts
            .windows(2)
            .map(|w| (w[1] - w[0]).div_ceil(lanes))
            .max()
            .unwrap_or(0);
        let mut tree = Self {
            width,
            points: order
                .iter()
                .flat_map(|&i| points.row(i as usize))
                .copied()
                .collect(),
            place: vec![0; n],
            boxes: vec![0.0; (2 * n_leaves - 1) * 2 * width],
            leaves: Vec::with_capacity(n_leaves * groups * lanes * width),
            order,
            starts,
            groups,
        };
        for (place, &point) in tree.order.iter().enumerate() {
            tree.place[point as usize] = place as u32;
        }
        for leaf in 0..n_leaves {
            let places = tree.starts[leaf]..tree.starts[leaf + 1];
            let rows = tree.points[places.start * width..places.end * width].chunks_exact(width);
            transpose_groups(rows, width, lanes, &mut tree.leaves);
            let filled = (leaf + 1) * groups * lanes * width;
            tree.leaves.resize(filled, f64::INFINITY);
        }
        tree.fill_boxes(n_leaves);
        tree
    }

    fn fill_boxes(&mut self, n_leaves: usize) {
        let width = self.width;
        for node in (0..2 * n_leaves - 1).rev() {
            let mut sides = vec![[f64::INFINITY, f64::NEG_INFINITY]; width];
            if node >= n_leaves - 1 {
                let leaf = node - (n_leaves - 1);
                let places = self.starts[leaf]..self.starts[leaf + 1];
                let points = &self.points[places.start * width..places.end * width];
                for point in points.chunks_exact(width) {
                    for (side, &value) in sides.iter_mut().zip(point) {
                        *side = [side[0].min(value), side[1].max(value)];
                    }
                }
            } else {
                for child in [2 * node + 1, 2 * node + 2] {
                    let (ends, _) = self.boxes[child * 2 * width..][..2 * width].as_chunks::<2>();
                    for (side, end) in sides.iter_mut().zip(ends) {
                        *side = [side[0].min(end[0]), side[1].max(end[1])];
                    }
                }
            }
            self.boxes[node * 2 * width..][..2 * width].copy_from_slice(sides.as_flattened());
        }
    }

    fn n_leaves(&self) -> usize {
        self.starts.len() - 1
    }

    fn node(&self, node: usize) -> &[[f64; 2]] {
        self.boxes[node * 2 * self.width..][..2 * self.width]
            .as_chunks()
            .0
    }

    /// The smallest distance from `query` to anywhere in the box of `node`.
    #[inline(always)]
    fn nearest_corner(&self, node: usize, query: &[f64]) -> f64 {
        let mut largest = 0.0;
        for (&[low, high], &q) in self.node(node).iter().zip(query) {
            let outside = larger(low - q, q - high);
            largest = larger(largest, outside);
        }
        largest
    }

    /// The largest distance from `query` to anywhere in the box of `node`.
    #[inline(always)]
    fn farthest_corner(&self, node: usize, query: &[f64]) -> f64 {
        let mut largest = 0.0;
        for (&[low, high], &q) in self.node(node).iter().zip(query) {
            largest = larger(largest, larger(q - low, high - q));
        }
        largest
    }

    /// The groups of a leaf.
    #[inline(always)]
    fn leaf<S: Simd>(&self, leaf: usize) -> &[S::f64s] {
        let size = self.groups * self.width * S::F64_LANES;
        S::as_simd_f64s(&self.leaves[leaf * size..][..size]).0
    }

    /// `result` of every point and its `k` nearest, nearest first, in the order of points.
    pub(super) fn nearest<T: Send + Sync + Copy>(
        &self,
        k: usize,
        result: impl Fn(usize, &[Neighbour]) -> T + Sync,
    ) -> Vec<T> {
        self.by_leaves(|places| {
            Arch::new().dispatch(NearestOfPlaces {
                tree: self,
                places,
                k,
                result: &result,
            })
        })
    }

    /// For each point, how many lie within its own closed radius, itself among them.
    pub(super) fn count_within(&self, radii: &[f64]) -> Vec<usize> {
        self.by_leaves(|places| {
            Arch::new().dispatch(CountOfPlaces {
                tree: self,
                places,
                radii,
            })
        })
    }

    /// As [`Self::count_within`], of one point.
    pub(super) fn count_at(&self, point: usize, radius: f64) -> usize {
        struct CountAt<'a> {
            tree: &'a Tree,
            place: usize,
            radius: f64,
        }
        impl WithSimd for CountAt<'_> {
            type Output = usize;
            #[inline(always)]
            fn with_simd<S: Simd>(self, simd: S) -> usize {
                self.tree
                    .count(simd, self.place, self.radius, &mut Vec::new())
            }
        }
        Arch::new().dispatch(CountAt {
            tree: self,
            place: self.place[point] as usize,
            radius,
        })
    }

    /// Runs `piece` on pieces of the places, whose neighbours lie close together in memory, and puts
    /// its results in the order of points.
    fn by_leaves<T: Send + Sync + Copy>(
        &self,
        piece: impl Fn(std::ops::Range<usize>) -> Vec<T> + Sync,
    ) -> Vec<T> {
        let n_leaves = self.n_leaves();
        let pieces: Vec<Vec<T>> = (0..n_leaves.div_ceil(LEAVES_A_PIECE))
            .into_par_iter()
            .map(|index| {
                let end = ((index + 1) * LEAVES_A_PIECE).min(n_leaves);
                piece(self.starts[index * LEAVES_A_PIECE]..self.starts[end])
            })
            .collect();
        let by_place = pieces.concat();
        self.place
            .iter()
            .map(|&place| by_place[place as usize])
            .collect()
    }

    /// Places within the closed `radius` of that at `place`.
    #[inline(always)]
    fn count<S: Simd>(
        &self,
        simd: S,
        place: usize,
        radius: f64,
        stack: &mut Vec<(usize, usize)>,
    ) -> usize {
        let query = &self.points[place * self.width..][..self.width];
        let first_leaf = self.n_leaves() - 1;
        let (zero, one) = (simd.splat_f64s(0.0), simd.splat_f64s(1.0));
        let bound = simd.splat_f64s(radius);
        let mut inside = 0;
        let mut counted = zero;
        stack.clear();
        // A node with how many levels of leaves it has below.
        stack.push((0, self.n_leaves().trailing_zeros() as usize));
        while let Some((node, height)) = stack.pop() {
            if self.nearest_corner(node, query) > radius {
                continue;
            }
            if node >= first_leaf {
                for group in self.leaf::<S>(node - first_leaf).chunks_exact(self.width) {
                    let mut largest = zero;
                    for (&column, &q) in group.iter().zip(query) {
                        let difference = simd.sub_f64s(column, simd.splat_f64s(q));
                        largest = simd.max_f64s(largest, simd.abs_f64s(difference));
                    }
                    let within = simd.less_than_or_equal_f64s(largest, bound);
                    counted = simd.add_f64s(counted, simd.select_f64s(within, one, zero));
                }
            } else if self.farthest_corner(node, query) <= radius {
                // The leaves below, in a row.
                let leaf = ((node + 1) << height) - 1 - first_leaf;
                inside += self.starts[leaf + (1 << height)] - self.starts[leaf];
            } else {
                stack.push((2 * node + 1, height - 1));
                stack.push((2 * node + 2, height - 1));
            }
        }
        inside + simd.reduce_sum_f64s(counted) as usize
    }
}

/// Without the treatment of NaN that `f64::max` has.
#[inline(always)]
fn larger(a: f64, b: f64) -> f64 {
    if a > b { a } else { b }
}

fn middle(start: usize, end: usize) -> usize {
    start + (end - start) / 2
}

/// Puts `order` in the order of leaves, `depth` levels below.
fn split(points: &Points, order: &mut [u32], depth: usize) {
    if depth == 0 || order.is_empty() {
        return;
    }
    let mut sides = vec![[f64::INFINITY, f64::NEG_INFINITY]; points.width()];
    for &point in &*order {
        for (side, &value) in sides.iter_mut().zip(points.row(point as usize)) {
            *side = [side[0].min(value), side[1].max(value)];
        }
    }
    let mut widest = 0;
    for (coordinate, side) in sides.iter().enumerate() {
        if side[1] - side[0] > sides[widest][1] - sides[widest][0] {
            widest = coordinate;
        }
    }
    let middle = middle(0, order.len());
    let value = |point: u32| points.data()[point as usize * points.width() + widest];
    order.select_nth_unstable_by(middle, |&a, &b| value(a).total_cmp(&value(b)));
    let (low, high) = order.split_at_mut(middle);
    if low.len() > 4096 {
        rayon::join(
            || split(points, low, depth - 1),
            || split(points, high, depth - 1),
        );
    } else {
        split(points, low, depth - 1);
        split(points, high, depth - 1);
    }
}

struct NearestOfPlaces<'a, R> {
    tree: &'a Tree,
    places: std::ops::Range<usize>,
    k: usize,
    result: &'a R,
}

impl<T, R: Fn(usize, &[Neighbour]) -> T> WithSimd for NearestOfPlaces<'_, R> {
    type Output = Vec<T>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Vec<T> {
        let tree = self.tree;
        let first_leaf = tree.n_leaves() - 1;
        let mut nearest = Nearest::new(self.k);
        // Nodes to visit, with the distance of their box.
        let mut stack: Vec<(usize, f64)> = Vec::new();
        let mut results = Vec::with_capacity(self.places.len());
        for place in self.places {
            let query = &tree.points[place * tree.width..][..tree.width];
            let own = tree.order[place];
            nearest.clear();
            stack.push((0, 0.0));
            while let Some((node, distance)) = stack.pop() {
                // An equal distance may belong to a lower sample.
                if distance > nearest.threshold().0 {
                    continue;
                }
                if node < first_leaf {
                    let (a, b) = (2 * node + 1, 2 * node + 2);
                    let to_a = tree.nearest_corner(a, query);
                    let to_b = tree.nearest_corner(b, query);
                    let (nearer, farther) = if to_b < to_a {
                        ((b, to_b), (a, to_a))
                    } else {
                        ((a, to_a), (b, to_b))
                    };
                    stack.push(farther);
                    stack.push(nearer);
                    continue;
                }
                let leaf = node - first_leaf;
                let start = tree.starts[leaf];
                let groups = tree.leaf::<S>(leaf).chunks_exact(tree.width);
                for (index, group) in groups.enumerate() {
                    let mut largest = simd.splat_f64s(0.0);
                    for (&column, &q) in group.iter().zip(query) {
                        let difference = simd.sub_f64s(column, simd.splat_f64s(q));
                        largest = simd.max_f64s(largest, simd.abs_f64s(difference));
                    }
                    let threshold = simd.splat_f64s(nearest.threshold().0);
                    let nearer = simd.less_than_or_equal_f64s(largest, threshold);
                    if simd.first_true_m64s(nearer) == S::F64_LANES {
                        continue;
                    }
                    let vector = [largest];
                    let distances: &[f64] = bytemuck::cast_slice(&vector);
                    let start = start + index * S::F64_LANES;
                    let end = tree.starts[leaf + 1].min(start + S::F64_LANES);
                    for (place, &distance) in (start..end).zip(distances) {
                        let sample = tree.order[place];
                        if sample != own {
                            nearest.offer(distance, sample);
                        }
                    }
                }
            }
            results.push((self.result)(own as usize, nearest.found()));
        }
        results
    }
}

struct CountOfPlaces<'a> {
    tree: &'a Tree,
    places: std::ops::Range<usize>,
    radii: &'a [f64],
}

impl WithSimd for CountOfPlaces<'_> {
    type Output = Vec<usize>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Vec<usize> {
        let mut stack = Vec::new();
        self.places
            .map(|place| {
                let radius = self.radii[self.tree.order[place] as usize];
                self.tree.count(simd, place, radius, &mut stack)
            })
            .collect()
    }
}
