//! Blocked kernels against the plain ones, which are tested against references of their own.

use infoplane_graph::{Operation, Window2d};
use proptest::prelude::*;

use super::build;
use crate::kernel::Kernel;
use crate::layout::Layout;
use crate::ops::reorder::InPlainOrder;
use crate::ops::testing::{forward, operand, pool_output, values, vjp, window};

fn layout(shape: &[usize]) -> Layout {
    Layout::blocked(shape[1], shape[2..].iter().product())
}

/// Asserts that both kernels of an operator give the same values and gradients.
fn check(operation: &Operation, shape: &[usize], output_shape: &[usize], input: &[f32]) {
    let operands = [operand(shape)];
    let kernel = build(operation, &operands, output_shape).unwrap().unwrap();
    let blocked = InPlainOrder {
        kernel,
        input: layout(shape),
        output: layout(output_shape),
        samples: shape[0],
    };
    let plain = crate::ops::build(operation, &operands, output_shape).unwrap();
    let len = output_shape.iter().product();
    let grad_output = values(len, 5);
    let run = |kernel: &dyn Kernel| {
        let (output, saved) = forward(kernel, &[input], len);
        let gradient = vjp(kernel, &[input], &output, &saved, &grad_output, 0);
        (output, gradient)
    };
    let ((y, g), (plain_y, plain_g)) = (run(&blocked), run(&*plain));
    for (a, b) in y.iter().zip(&plain_y).chain(g.iter().zip(&plain_g)) {
        assert!(
            (a - b).abs() <= 1e-5 || a == b || a.is_nan() && b.is_nan(),
            "{a} and {b}"
        );
    }
}

fn pools(window: Window2d) -> [Operation; 3] {
    let average = |count_include_pad| Operation::AveragePool {
        window,
        count_include_pad,
        counted_pads_end: window.pads_end,
    };
    [Operation::MaxPool { window }, average(true), average(false)]
}

#[test]
fn pools_of_blocks_are_pools() {
    for (window, shape) in [
        (
            window([3, 3], [2, 2], [1, 1], [0, 0], [0, 0]),
            [2, 3, 11, 11],
        ),
        (
            window([2, 2], [2, 2], [1, 1], [0, 0], [0, 0]),
            [1, 40, 8, 9],
        ),
        (
            window([3, 3], [2, 2], [1, 1], [1, 1], [1, 1]),
            [1, 17, 7, 8],
        ),
        (
            window([2, 3], [3, 4], [2, 1], [1, 0], [0, 2]),
            [2, 1, 9, 13],
        ),
        (window([1, 1], [1, 1], [1, 1], [0, 0], [0, 0]), [1, 1, 1, 1]),
    ] {
        let input = values(shape.iter().product(), 6);
        for operation in pools(window) {
            check(&operation, &shape, &pool_output(&window, &shape), &input);
        }
    }
}

#[test]
fn ties_infinities_and_nan_go_the_way_of_the_plain_kernel() {
    let window = window([3, 3], [2, 2], [1, 1], [1, 1], [1, 1]);
    let shape = [1, 5, 4, 4];
    let mut input: Vec<f32> = (0..80).map(|i| (i % 3) as f32).collect();
    input[..16].fill(f32::NEG_INFINITY);
    input[20] = f32::NAN;
    let operation = Operation::MaxPool { window };
    check(&operation, &shape, &pool_output(&window, &shape), &input);
}

#[test]
fn windows_of_more_taps_than_a_byte_counts_are_left_to_the_plain_kernel() {
    let window = window([17, 16], [1, 1], [1, 1], [0, 0], [0, 0]);
    let operation = Operation::MaxPool { window };
    let kernel = build(&operation, &[operand(&[1, 16, 18, 17])], &[1, 16, 2, 2]);
    assert!(kernel.unwrap().is_none());
}

#[test]
fn means_over_positions_are_means() {
    for shape in [[1, 1, 1, 1], [2, 19, 7, 5], [1, 16, 20, 9]] {
        let axes = vec![2, 3];
        let operation = Operation::ReduceMean { axes };
        let input = values(shape.iter().product(), 4);
        check(&operation, &shape, &[shape[0], shape[1], 1, 1], &input);
    }
    let over_rows = Operation::ReduceMean { axes: vec![2] };
    let kernel = build(&over_rows, &[operand(&[1, 16, 3, 3])], &[1, 16, 1, 3]);
    assert!(kernel.unwrap().is_none());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_pool_of_blocks_is_a_pool(
        channels in 1usize..20, h in 3usize..9, w in 3usize..10, kernel in [1usize..4, 1usize..4],
        strides in [1usize..4, 1usize..3], seed: u64,
    ) {
        let pads = kernel.map(|size| size / 2);
        let window = window(kernel, strides, [1, 1], pads, pads);
        let shape = [2, channels, h, w];
        let input = values(shape.iter().product(), seed);
        for operation in pools(window) {
            check(&operation, &shape, &pool_output(&window, &shape), &input);
        }
    }
}
