//! A balanced k-d tree whose leaves are laid out for vectors.
//!
//! Points are split at the median of the widest coordinate until a leaf holds at most
//! [`LEAF_POINTS`]; all leaves are at one depth, so node `i` has the children `2i + 1` and `2i + 2`
//! and nothing but the nodes' boxes is stored. Boxes are tight. A distance to a box is made of the
//! same differences as one to a point, so it never exceeds that of a point inside, and pruning by it
//! is exact.

use std::ops::Range;

use pulp::bytemuck;
use pulp::{Arch, Simd, WithSimd};

use super::all_pairs::{lanes, transpose_groups};
use super::nearest::{Nearest, Neighbour};
use super::points::Points;
use crate::parallel;

/// Most points in a leaf.
const LEAF_POINTS: usize = 32;

/// Leaves whose queries are one piece of parallel work.
const LEAVES_A_PIECE: usize = 8;

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

    /// The sides of the box of `node`.
    #[inline(always)]
    fn sides(&self, node: usize, width: usize) -> &[[f64; 2]] {
        self.boxes[node * 2 * width..][..2 * width].as_chunks().0
    }

    /// The smallest distance from `query` to anywhere in the box of `node`.
    #[inline(always)]
    fn nearest_corner(&self, node: usize, query: &[f64], width: usize) -> f64 {
        let mut largest = 0.0;
        for (&[low, high], &q) in self.sides(node, width).iter().zip(&query[..width]) {
            let outside = larger(low - q, q - high);
            largest = larger(largest, outside);
        }
        largest
    }

    /// The groups of a leaf.
    #[inline(always)]
    fn leaf<S: Simd>(&self, leaf: usize, width: usize) -> &[S::f64s] {
        let size = self.groups * width * S::F64_LANES;
        S::as_simd_f64s(&self.leaves[leaf * size..][..size]).0
    }

    /// `result` of every point and its `k` nearest, nearest first, in the order of points.
    pub(super) fn nearest<T: Send + Sync + Copy>(
        &self,
        k: usize,
        result: impl Fn(usize, &[Neighbour]) -> T + Sync,
    ) -> Vec<T> {
        self.by_leaves(|leaves| {
            Arch::new().dispatch(NearestOfLeaves {
                tree: self,
                leaves,
                k,
                result: &result,
            })
        })
    }

    /// For each point, how many lie within its own closed radius, itself among them.
    pub(super) fn count_within(&self, radii: &[f64]) -> Vec<usize> {
        self.by_leaves(|leaves| {
            Arch::new().dispatch(CountOfLeaves {
                tree: self,
                leaves,
                radii,
            })
        })
    }

    /// As [`Self::count_within`], of one point.
    pub(super) fn count_at(&self, point: usize, radius: f64) -> usize {
        let place = self.place[point] as usize;
        let query = &self.points[place * self.width..][..self.width];
        let first_leaf = self.n_leaves() - 1;
        let mut count = 0;
        let mut stack = vec![0];
        while let Some(node) = stack.pop() {
            if self.nearest_corner(node, query, self.width) > radius {
                continue;
            }
            if node < first_leaf {
                stack.extend([2 * node + 1, 2 * node + 2]);
                continue;
            }
            let leaf = node - first_leaf;
            let places = self.starts[leaf] * self.width..self.starts[leaf + 1] * self.width;
            let within = |point: &&[f64]| {
                let mut pairs = point.iter().zip(query);
                pairs.all(|(p, q)| (p - q).abs() <= radius)
            };
            count += self.points[places]
                .chunks_exact(self.width)
                .filter(within)
                .count();
        }
        count
    }

    /// Runs `piece` on runs of leaves, whose neighbours lie close together in memory, and puts its
    /// results, in the order of places, in the order of points.
    fn by_leaves<T: Send + Copy>(&self, piece: impl Fn(Range<usize>) -> Vec<T> + Sync) -> Vec<T> {
        let n_leaves = self.n_leaves();
        let by_place = parallel::map_runs(n_leaves, LEAVES_A_PIECE, piece);
        self.place
            .iter()
            .map(|&place| by_place[place as usize])
            .collect()
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

/// The queries of one leaf, lanes over queries; no query is nearer to anything than its limit, and
/// lanes without a query have a limit of −1.
struct LeafQueries<'a, S: Simd> {
    /// `[group, coordinate]`.
    queries: &'a [S::f64s],
    width: usize,
    limits: [f64; LEAF_POINTS],
}

impl<'a, S: Simd> LeafQueries<'a, S> {
    #[inline(always)]
    fn new(tree: &'a Tree, leaf: usize, width: usize, limit: impl Fn(usize) -> f64) -> Self {
        let mut limits = [-1.0; LEAF_POINTS];
        let places = tree.starts[leaf]..tree.starts[leaf + 1];
        for (own, place) in limits.iter_mut().zip(places) {
            *own = limit(place);
        }
        Self {
            queries: tree.leaf::<S>(leaf, width),
            width,
            limits,
        }
    }

    /// The queries of each group and their limits.
    ///
    /// To be used in plain loops: what iterator adaptors call is not compiled for the processor's
    /// vectors.
    #[inline(always)]
    fn groups(&self) -> impl Iterator<Item = (&'a [S::f64s], &S::f64s)> {
        let (limits, _) = S::as_simd_f64s(&self.limits);
        std::iter::zip(self.queries.chunks_exact(self.width), limits)
    }
}

/// The distances of a group's queries from a box, nowhere below 0.
#[inline(always)]
fn to_box<S: Simd>(simd: S, sides: &[[f64; 2]], group: &[S::f64s]) -> S::f64s {
    let mut largest = simd.splat_f64s(0.0);
    for (&[low, high], &query) in sides.iter().zip(group) {
        let below = simd.sub_f64s(simd.splat_f64s(low), query);
        let above = simd.sub_f64s(query, simd.splat_f64s(high));
        largest = simd.max_f64s(largest, simd.max_f64s(below, above));
    }
    largest
}

/// The distances of a group's queries from the farthest corner of a box.
#[inline(always)]
fn to_far_corner<S: Simd>(simd: S, sides: &[[f64; 2]], group: &[S::f64s]) -> S::f64s {
    let mut largest = simd.splat_f64s(0.0);
    for (&[low, high], &query) in sides.iter().zip(group) {
        let from_low = simd.sub_f64s(query, simd.splat_f64s(low));
        let from_high = simd.sub_f64s(simd.splat_f64s(high), query);
        largest = simd.max_f64s(largest, simd.max_f64s(from_low, from_high));
    }
    largest
}

struct NearestOfLeaves<'a, R> {
    tree: &'a Tree,
    leaves: Range<usize>,
    k: usize,
    result: &'a R,
}

impl<T, R: Fn(usize, &[Neighbour]) -> T> WithSimd for NearestOfLeaves<'_, R> {
    type Output = Vec<T>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Vec<T> {
        // Loops over a known number of coordinates are unrolled.
        match self.tree.width {
            2 => self.run(simd, 2),
            3 => self.run(simd, 3),
            4 => self.run(simd, 4),
            5 => self.run(simd, 5),
            6 => self.run(simd, 6),
            width => self.run(simd, width),
        }
    }
}

impl<T, R: Fn(usize, &[Neighbour]) -> T> NearestOfLeaves<'_, R> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S, width: usize) -> Vec<T> {
        let tree = self.tree;
        let first_leaf = tree.n_leaves() - 1;
        let mut nearest = vec![Nearest::new(self.k); LEAF_POINTS];
        let mut stack = Vec::new();
        let mut results = Vec::new();
        for leaf in self.leaves {
            let places = tree.starts[leaf]..tree.starts[leaf + 1];
            nearest.iter_mut().for_each(Nearest::clear);
            let mut queries = LeafQueries::<S>::new(tree, leaf, width, |_| f64::INFINITY);
            // From the leaf itself upwards, each time into the other half.
            let mut node = first_leaf + leaf;
            stack.push(node);
            loop {
                while let Some(node) = stack.pop() {
                    if node >= first_leaf {
                        tree.offer_leaf(
                            simd,
                            width,
                            node - first_leaf,
                            places.start,
                            &mut queries,
                            &mut nearest,
                        );
                    } else if queries.reach(simd, tree.sides(node, width)) {
                        let first = &tree.points[places.start * width..][..width];
                        let (a, b) = (2 * node + 1, 2 * node + 2);
                        let a_first = tree.nearest_corner(a, first, width)
                            <= tree.nearest_corner(b, first, width);
                        stack.extend(if a_first { [b, a] } else { [a, b] });
                    }
                }
                if node == 0 {
                    break;
                }
                stack.push(((node - 1) ^ 1) + 1);
                node = (node - 1) / 2;
            }
            for (place, nearest) in places.zip(&nearest) {
                results.push((self.result)(tree.order[place] as usize, nearest.found()));
            }
        }
        results
    }
}

impl<S: Simd> LeafQueries<'_, S> {
    /// Whether a query's limit reaches a box.
    #[inline(always)]
    fn reach(&self, simd: S, sides: &[[f64; 2]]) -> bool {
        for (group, &limits) in self.groups() {
            let within = simd.less_than_or_equal_f64s(to_box(simd, sides, group), limits);
            if simd.first_true_m64s(within) < S::F64_LANES {
                return true;
            }
        }
        false
    }
}

impl Tree {
    /// Offers the points of `leaf` to each of `queries`, which are those of the places from `first`,
    /// whose limit reaches its box.
    #[inline(always)]
    fn offer_leaf<S: Simd>(
        &self,
        simd: S,
        width: usize,
        leaf: usize,
        first: usize,
        queries: &mut LeafQueries<'_, S>,
        nearest: &mut [Nearest],
    ) {
        let sides = self.sides(self.n_leaves() - 1 + leaf, width);
        let points = self.leaf::<S>(leaf, width);
        let mut distances = [simd.splat_f64s(0.0); LEAF_POINTS];
        for (slot, (group, _)) in distances.iter_mut().zip(queries.groups()) {
            *slot = to_box(simd, sides, group);
        }
        let distances: &[f64] = bytemuck::cast_slice(&distances);
        let n_queries = queries.limits.len();
        for query in 0..n_queries {
            // An equal distance may belong to a lower sample.
            if distances[query] > queries.limits[query] {
                continue;
            }
            let own = first + query;
            let coordinates = &self.points[own * width..][..width];
            let nearest = &mut nearest[query];
            for (index, group) in points.chunks_exact(width).enumerate() {
                let mut largest = simd.splat_f64s(0.0);
                for (&column, &q) in group.iter().zip(coordinates) {
                    let difference = simd.sub_f64s(column, simd.splat_f64s(q));
                    largest = simd.max_f64s(largest, simd.abs_f64s(difference));
                }
                let limit = nearest.threshold().0;
                let nearer = simd.less_than_or_equal_f64s(largest, simd.splat_f64s(limit));
                if simd.first_true_m64s(nearer) == S::F64_LANES {
                    continue;
                }
                let vector = [largest];
                let distances: &[f64] = bytemuck::cast_slice(&vector);
                let start = self.starts[leaf] + index * S::F64_LANES;
                let end = self.starts[leaf + 1].min(start + S::F64_LANES);
                for (place, &distance) in (start..end).zip(distances) {
                    if distance <= limit && place != own {
                        nearest.offer(distance, self.order[place]);
                    }
                }
            }
            queries.limits[query] = nearest.threshold().0;
        }
    }
}

struct CountOfLeaves<'a> {
    tree: &'a Tree,
    leaves: Range<usize>,
    radii: &'a [f64],
}

impl WithSimd for CountOfLeaves<'_> {
    type Output = Vec<usize>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Vec<usize> {
        // Loops over a known number of coordinates are unrolled.
        match self.tree.width {
            2 => self.run(simd, 2),
            3 => self.run(simd, 3),
            4 => self.run(simd, 4),
            5 => self.run(simd, 5),
            6 => self.run(simd, 6),
            width => self.run(simd, width),
        }
    }
}

impl CountOfLeaves<'_> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S, width: usize) -> Vec<usize> {
        let tree = self.tree;
        let first_leaf = tree.n_leaves() - 1;
        let zero = simd.splat_f64s(0.0);
        let one = simd.splat_f64s(1.0);
        let mut stack = Vec::new();
        let mut results = Vec::new();
        for leaf in self.leaves {
            let queries = LeafQueries::<S>::new(tree, leaf, width, |place| {
                self.radii[tree.order[place] as usize]
            });
            let mut counts = [zero; LEAF_POINTS];
            stack.push((0, tree.n_leaves().trailing_zeros() as usize));
            while let Some((node, height)) = stack.pop() {
                let sides = tree.sides(node, width);
                if !queries.reach(simd, sides) {
                    continue;
                }
                let leaf = ((node + 1) << height) - 1 - first_leaf;
                let places = tree.starts[leaf]..tree.starts[leaf + (1 << height)];
                if height == 0 {
                    let points =
                        tree.points[places.start * width..places.end * width].chunks_exact(width);
                    for point in points {
                        for (count, (group, &limits)) in counts.iter_mut().zip(queries.groups()) {
                            let mut largest = zero;
                            for (&query, &coordinate) in group.iter().zip(point) {
                                let difference = simd.sub_f64s(query, simd.splat_f64s(coordinate));
                                largest = simd.max_f64s(largest, simd.abs_f64s(difference));
                            }
                            let within = simd.less_than_or_equal_f64s(largest, limits);
                            *count = simd.add_f64s(*count, simd.select_f64s(within, one, zero));
                        }
                    }
                } else if queries.contain_what_they_reach(simd, sides) {
                    let size = simd.splat_f64s(places.len() as f64);
                    for (count, (group, &limits)) in counts.iter_mut().zip(queries.groups()) {
                        let within =
                            simd.less_than_or_equal_f64s(to_box(simd, sides, group), limits);
                        *count = simd.add_f64s(*count, simd.select_f64s(within, size, zero));
                    }
                } else {
                    stack.push((2 * node + 1, height - 1));
                    stack.push((2 * node + 2, height - 1));
                }
            }
            let counts: &[f64] = bytemuck::cast_slice(&counts);
            let n_queries = tree.starts[leaf + 1] - tree.starts[leaf];
            results.extend(counts[..n_queries].iter().map(|&count| count as usize));
        }
        results
    }
}

impl<S: Simd> LeafQueries<'_, S> {
    /// Whether every query whose limit reaches a box holds all of it.
    #[inline(always)]
    fn contain_what_they_reach(&self, simd: S, sides: &[[f64; 2]]) -> bool {
        let (zero, one) = (simd.splat_f64s(0.0), simd.splat_f64s(1.0));
        for (group, &limits) in self.groups() {
            let near = to_box(simd, sides, group);
            let far = to_far_corner(simd, sides, group);
            let reached = simd.less_than_or_equal_f64s(near, limits);
            let held = simd.less_than_or_equal_f64s(far, limits);
            let reached = simd.select_f64s(reached, one, zero);
            let missing = simd.select_f64s(held, zero, reached);
            if simd.reduce_max_f64s(missing) > 0.0 {
                return false;
            }
        }
        true
    }
}
