//! Exact nearest neighbours and counts of samples within a radius, in the maximum norm.
//!
//! | joint dimensions | method |
//! |---|---|
//! | up to 8 + 2 log₂(N/512), at least 2 | k-d tree; a side of one dimension is counted by sorting |
//! | more | every pair of samples, eight queries at a time, lanes of a vector over samples |
//!
//! Both give the same neighbours and counts, to the last bit: the maximum of absolute differences
//! rounds alike in any order, and equal distances are ordered by the sample's index. Work is
//! parallel over queries. Memory is the samples twice over and a few rows of N for each thread.

mod all_pairs;
mod line;
mod nearest;
mod points;
mod tree;

use crate::parallel;
use std::ops::Range;

use all_pairs::{Columns, Rows};
use line::Line;
use nearest::Nearest;
pub(crate) use nearest::Neighbour;
pub use points::ColumnScale;
pub(crate) use points::Points;
use tree::Tree;

/// Whether a tree is faster than all pairs. Above 8 dimensions at 500 samples, 12 at 2,000, 16 at
/// 10,000 and about 21 at 50,000, a neighbourhood spans so much of every coordinate that a tree
/// prunes too little. Measured on dependent uniform samples by the test `time_methods`.
fn tree_pays(n: usize, dimensions: usize) -> bool {
    dimensions as f64 <= f64::max(2.0, 8.0 + 2.0 * (n as f64 / 512.0).log2())
}

/// Closed radii around a sample: who lies at a distance of at most the radius is counted.
/// A negative radius counts nobody.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Radii {
    pub(crate) first: f64,
    pub(crate) second: f64,
    /// In the joint space; counted on demand only.
    pub(crate) joint: Option<f64>,
}

/// Samples within the radii, the sample itself among them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) first: usize,
    pub(crate) second: usize,
    pub(crate) joint: usize,
}

/// How neighbours are found; `None` leaves the choice to [`tree_pays`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    Tree,
    AllPairs,
}

impl Method {
    fn choose(n: usize, dimensions: usize) -> Self {
        if tree_pays(n, dimensions) {
            Method::Tree
        } else {
            Method::AllPairs
        }
    }
}

/// For each sample, finds its `k` nearest neighbours in the joint space of both sides and counts who
/// lies within the radii that `radii` makes of its index and neighbours (nearest first).
///
/// There must be more than `k` samples, as many on one side as on the other.
pub(crate) fn count_around(
    first: &Points,
    second: &Points,
    k: usize,
    radii: impl Fn(usize, &[Neighbour]) -> Radii + Sync,
) -> Vec<Counts> {
    let method = Method::choose(first.n(), first.width() + second.width());
    count_around_by(method, first, second, k, radii)
}

pub(crate) fn count_around_by(
    method: Method,
    first: &Points,
    second: &Points,
    k: usize,
    radii: impl Fn(usize, &[Neighbour]) -> Radii + Sync,
) -> Vec<Counts> {
    debug_assert!(k >= 1 && first.n() > k && first.n() == second.n());
    match method {
        Method::Tree => {
            let (joint, (first, second)) = rayon::join(
                || Tree::new(&first.beside(second)),
                || rayon::join(|| Side::new(first), || Side::new(second)),
            );
            let radii = joint.nearest(k, |sample, neighbours| radii(sample, neighbours));
            let firsts: Vec<f64> = radii.iter().map(|r| r.first).collect();
            let seconds: Vec<f64> = radii.iter().map(|r| r.second).collect();
            let (first, second) = rayon::join(
                || first.count_within(&firsts),
                || second.count_within(&seconds),
            );
            let counts = |i: usize| Counts {
                first: first[i],
                second: second[i],
                joint: radii[i].joint.map_or(0, |radius| joint.count_at(i, radius)),
            };
            parallel::map_runs(radii.len(), 1024, |run| run.map(counts).collect())
        }
        Method::AllPairs => {
            let sides = [Columns::new(first), Columns::new(second)];
            all_pairs::tiles(first.n(), 2, |queries, rows: &mut [Rows], counts| {
                let [a, b] = rows else { return };
                sides[0].distances(first, queries.clone(), a);
                sides[1].distances(second, queries.clone(), b);
                for (query, sample) in queries.enumerate() {
                    let (a, b) = (a.row_mut(query), b.row_mut(query));
                    // Takes the sample itself out of its neighbours.
                    a[sample] = f64::INFINITY;
                    let mut nearest = Nearest::new(k);
                    all_pairs::nearest_of_both(a, b, &mut nearest);
                    a[sample] = 0.0;
                    let radii = radii(sample, nearest.found());
                    counts.push(Counts {
                        first: all_pairs::count(a, radii.first),
                        second: all_pairs::count(b, radii.second),
                        joint: radii
                            .joint
                            .map_or(0, |radius| all_pairs::count_in_both(a, b, radius)),
                    });
                }
            })
        }
    }
}

/// Points that are counted within radii.
enum Side<'a> {
    Line(Line<'a>),
    Tree(Tree),
}

impl<'a> Side<'a> {
    fn new(points: &'a Points) -> Self {
        if points.width() == 1 {
            Self::Line(Line::new(points.data()))
        } else {
            Self::Tree(Tree::new(points))
        }
    }

    /// For each point, how many lie within its own closed radius, itself among them.
    fn count_within(&self, radii: &[f64]) -> Vec<usize> {
        match self {
            Self::Line(line) => line.count_within(radii),
            Self::Tree(tree) => tree.count_within(radii),
        }
    }
}

/// The distance of each point from its `k`-th nearest.
pub(crate) fn kth_distances(points: &Points, k: usize) -> Vec<f64> {
    debug_assert!(k >= 1 && points.n() > k);
    let last = |found: &[Neighbour]| found.last().map_or(f64::INFINITY, |n| n.distance);
    match Method::choose(points.n(), points.width()) {
        Method::Tree => Tree::new(points).nearest(k, |_, found| last(found)),
        Method::AllPairs => {
            let columns = Columns::new(points);
            all_pairs::tiles(points.n(), 1, |queries, rows: &mut [Rows], distances| {
                let [rows] = rows else { return };
                columns.distances(points, queries.clone(), rows);
                for (query, sample) in queries.enumerate() {
                    let row = rows.row_mut(query);
                    row[sample] = f64::INFINITY;
                    let mut nearest = Nearest::new(k);
                    all_pairs::nearest_of(row, &mut nearest);
                    distances.push(last(nearest.found()));
                }
            })
        }
    }
}

/// What a sample sees of its own class and of all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ClassCounts {
    /// Neighbours of its class within the radius or on it, itself left out; where more lie at
    /// distance 0, all of those and itself.
    pub(crate) own: usize,
    /// Samples of every class within the radius, itself among them.
    pub(crate) all: usize,
    /// Whether the radius is 0: the `k`-th neighbour of the class is a copy of the sample.
    pub(crate) tied: bool,
}

/// For each point, the distance of its `k`-th nearest in its class (the last one, where the class
/// has fewer), and how many of all points lie nearer than that.
///
/// Points of a class lie together: class c is `classes[c]`, and each holds at least two.
pub(crate) fn count_around_in_classes(
    points: &Points,
    classes: &[Range<usize>],
    k: usize,
) -> Vec<ClassCounts> {
    let method = Method::choose(points.n(), points.width());
    count_around_in_classes_by(method, points, classes, k)
}

pub(crate) fn count_around_in_classes_by(
    method: Method,
    points: &Points,
    classes: &[Range<usize>],
    k: usize,
) -> Vec<ClassCounts> {
    debug_assert!(classes.iter().all(|class| class.len() > 1));
    match method {
        Method::Tree => {
            // A radius, or −1 − copies where the radius is 0.
            let found: Vec<(f64, usize)> = classes
                .iter()
                .flat_map(|class| {
                    let own = points.subset(class.clone());
                    let tree = Tree::new(&own);
                    let k = k.min(class.len() - 1);
                    let radii = tree.nearest(k, |_, found| {
                        found.last().map_or(f64::INFINITY, |n| n.distance)
                    });
                    radii
                        .into_iter()
                        .enumerate()
                        .map(|(i, radius)| match radius {
                            0.0 => (radius, tree.count_at(i, 0.0)),
                            _ => (radius, k),
                        })
                        .collect::<Vec<_>>()
                })
                .collect();
            let radii: Vec<f64> = found.iter().map(|f| open_unless_zero(f.0)).collect();
            let all = Side::new(points).count_within(&radii);
            found
                .into_iter()
                .zip(all)
                .map(|((radius, own), all)| ClassCounts {
                    own,
                    all,
                    tied: radius == 0.0,
                })
                .collect()
        }
        Method::AllPairs => {
            let columns = Columns::new(points);
            let class_of: Vec<usize> = classes
                .iter()
                .enumerate()
                .flat_map(|(class, range)| std::iter::repeat_n(class, range.len()))
                .collect();
            all_pairs::tiles(points.n(), 1, |queries, rows: &mut [Rows], counts| {
                let [rows] = rows else { return };
                columns.distances(points, queries.clone(), rows);
                for (query, sample) in queries.enumerate() {
                    let class = classes[class_of[sample]].clone();
                    let row = rows.row_mut(query);
                    row[sample] = f64::INFINITY;
                    let k = k.min(class.len() - 1);
                    let mut nearest = Nearest::new(k);
                    all_pairs::nearest_of(&row[class.clone()], &mut nearest);
                    row[sample] = 0.0;
                    let radius = nearest.threshold().0;
                    let tied = radius == 0.0;
                    counts.push(ClassCounts {
                        own: if tied {
                            all_pairs::count(&row[class], 0.0)
                        } else {
                            k
                        },
                        all: all_pairs::count(row, open_unless_zero(radius)),
                        tied,
                    });
                }
            })
        }
    }
}

/// The closed radius that counts who is nearer than `radius`; 0, which nobody is nearer than, counts
/// the copies.
pub(crate) fn open_unless_zero(radius: f64) -> f64 {
    if radius == 0.0 {
        0.0
    } else {
        radius.next_down()
    }
}

#[cfg(test)]
mod tests;
