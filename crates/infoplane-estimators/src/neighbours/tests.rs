//! Every method against plain loops.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;

/// Uniform numbers, on a grid of `1 / grid` where it is not 0, so that there are ties.
fn points(n: usize, width: usize, grid: u32, seed: u64) -> Points {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let data = (0..n * width)
        .map(|_| {
            let value: f64 = rng.random();
            match grid {
                0 => value,
                grid => (value * f64::from(grid)).floor() / f64::from(grid),
            }
        })
        .collect();
    Points::of(data, n, width)
}

fn plain_nearest(points: &Points, sample: usize, among: Range<usize>, k: usize) -> Vec<Neighbour> {
    let mut all: Vec<Neighbour> = among
        .filter(|&other| other != sample)
        .map(|other| Neighbour {
            distance: points.distance(sample, other),
            sample: other as u32,
        })
        .collect();
    all.sort_by(|a, b| {
        (a.distance, a.sample)
            .partial_cmp(&(b.distance, b.sample))
            .unwrap()
    });
    all.truncate(k);
    all
}

fn plain_count(points: &Points, sample: usize, among: Range<usize>, radius: f64) -> usize {
    among
        .filter(|&other| points.distance(sample, other) <= radius)
        .count()
}

/// Sides of every width that matters, with and without ties.
fn cases() -> impl Iterator<Item = (Points, Points, usize)> {
    let shapes = [
        (9, 1, 1, 1),
        (300, 1, 1, 3),
        (300, 2, 1, 5),
        (257, 3, 4, 2),
        (130, 20, 11, 4),
        (41, 0, 2, 3),
    ];
    shapes.into_iter().flat_map(|(n, first, second, k)| {
        [0, 6, 1].into_iter().map(move |grid| {
            (
                points(n, first, grid, u64::from(grid)),
                points(n, second, grid, 7),
                k,
            )
        })
    })
}

#[test]
fn both_methods_find_what_plain_loops_find() {
    for (first, second, k) in cases() {
        let joint = first.beside(&second);
        let n = joint.n();
        let methods: &[Method] = if first.width() == 0 {
            &[Method::AllPairs]
        } else {
            &[Method::Tree, Method::AllPairs]
        };
        for &method in methods {
            let found = count_around_by(method, &first, &second, k, |sample, neighbours| {
                assert_eq!(neighbours, plain_nearest(&joint, sample, 0..n, k));
                let radius = neighbours.last().unwrap().distance;
                Radii {
                    first: radius.next_down(),
                    second: radius,
                    joint: Some(radius / 2.0),
                }
            });
            for (sample, counts) in found.iter().enumerate() {
                let radius = plain_nearest(&joint, sample, 0..n, k)[k - 1].distance;
                let expected = Counts {
                    first: plain_count(&first, sample, 0..n, radius.next_down()),
                    second: plain_count(&second, sample, 0..n, radius),
                    joint: plain_count(&joint, sample, 0..n, radius / 2.0),
                };
                assert_eq!(*counts, expected, "{method:?}, sample {sample} of {n}");
            }
        }
    }
}

#[test]
fn both_methods_find_what_plain_loops_find_in_classes() {
    for (points, _, k) in cases().filter(|case| case.0.width() > 0) {
        let n = points.n();
        let classes = [0..2, 2..5, 5..n / 2 + 3, n / 2 + 3..n];
        for method in [Method::Tree, Method::AllPairs] {
            let found = count_around_in_classes_by(method, &points, &classes, k);
            for (sample, counts) in found.iter().enumerate() {
                let class = classes
                    .iter()
                    .find(|c| c.contains(&sample))
                    .unwrap()
                    .clone();
                let nearest = plain_nearest(&points, sample, class.clone(), k);
                let radius = nearest.last().unwrap().distance;
                let expected = if radius == 0.0 {
                    ClassCounts {
                        own: plain_count(&points, sample, class, 0.0),
                        all: plain_count(&points, sample, 0..n, 0.0),
                        tied: true,
                    }
                } else {
                    ClassCounts {
                        own: nearest.len(),
                        all: plain_count(&points, sample, 0..n, radius.next_down()),
                        tied: false,
                    }
                };
                assert_eq!(*counts, expected, "{method:?}, sample {sample} of {n}");
            }
        }
    }
}

#[test]
fn kth_distances_agree_with_plain_loops() {
    for (first, _, k) in cases().filter(|case| case.0.width() > 0) {
        for (sample, distance) in kth_distances(&first, k).into_iter().enumerate() {
            let expected = plain_nearest(&first, sample, 0..first.n(), k)[k - 1].distance;
            assert_eq!(distance, expected);
        }
    }
}

#[test]
fn nearest_keeps_the_lower_sample_of_equals() {
    let mut nearest = Nearest::new(2);
    for (distance, sample) in [(2.0, 9), (1.0, 5), (1.0, 3), (1.0, 8)] {
        nearest.offer(distance, sample);
    }
    let samples: Vec<u32> = nearest.found().iter().map(|n| n.sample).collect();
    assert_eq!(samples, [3, 5]);
}

#[test]
fn constant_columns_are_left_out_and_others_get_deviation_one() {
    let data: Vec<f64> = (0..10).flat_map(|i| [7.25, f64::from(i) * 1e200]).collect();
    let samples = crate::Samples::from_f64(&data, 10, 2).unwrap();
    let points = Points::new(samples, ColumnScale::Deviation);
    assert_eq!((points.width(), points.constant()), (1, 1));
    let mean = points.data().iter().sum::<f64>() / 10.0;
    let variance = points
        .data()
        .iter()
        .map(|v| (v - mean).powi(2))
        .sum::<f64>()
        / 10.0;
    assert!((variance - 1.0).abs() < 1e-12);
    assert_eq!(Points::new(samples, ColumnScale::None).data()[1], 1e200);
}

#[test]
fn repeats_are_counted_once_each() {
    let points = Points::of(vec![1.0, 0.0, 2.0, -0.0, 1.0, 1.0], 6, 1);
    assert_eq!(points.repeated(), 0.5);
}

/// Where `tree_pays` comes from: `cargo test --release -- --ignored --nocapture time_methods`.
#[test]
#[ignore = "prints times, checks nothing"]
fn time_methods() {
    for n in [500, 2_000, 10_000, 50_000] {
        for width in 1..=9 {
            if n == 50_000 && width < 6 {
                continue;
            }
            let (first, second) = (points(n, width, 0, 1), points(n, width, 0, 2));
            // A dependence, without which more neighbours lie within the radii of a side.
            let mixed = second.data().iter().zip(first.data());
            let second = Points::of(mixed.map(|(b, a)| a + 0.3 * b).collect(), n, width);
            let seconds = [Method::Tree, Method::AllPairs].map(|method| {
                let start = std::time::Instant::now();
                count_around_by(method, &first, &second, 3, |_, neighbours| {
                    let radius = neighbours[2].distance.next_down();
                    Radii {
                        first: radius,
                        second: radius,
                        joint: None,
                    }
                });
                start.elapsed().as_secs_f64()
            });
            println!(
                "n {n:6}  {:2} dimensions  tree {:8.4} s  pairs {:8.4} s",
                2 * width,
                seconds[0],
                seconds[1]
            );
        }
    }
}
