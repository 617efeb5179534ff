//! ShuffleNetV2 (Ma et al. 2018, arXiv 1807.11164).

use super::Architecture;
use super::net::{Conv, Feature, Net};
use crate::op::Op;

pub(super) const ARCHITECTURES: [Architecture; 4] = [
    shufflenet("shufflenet_v2_x0_5", |net, n| {
        describe(net, n, [48, 96, 192, 1024]);
    }),
    shufflenet("shufflenet_v2_x1_0", |net, n| {
        describe(net, n, [116, 232, 464, 1024]);
    }),
    shufflenet("shufflenet_v2_x1_5", |net, n| {
        describe(net, n, [176, 352, 704, 1024]);
    }),
    shufflenet("shufflenet_v2_x2_0", |net, n| {
        describe(net, n, [244, 488, 976, 2048]);
    }),
];

/// Channels of the stem.
const STEM: usize = 24;
/// Blocks of each stage.
const DEPTHS: [usize; 3] = [4, 8, 4];

const fn shufflenet(name: &'static str, describe: fn(&mut Net, usize)) -> Architecture {
    Architecture::new(name, "fc.weight", describe)
}

/// A network with so many channels in its stages, and after its last convolution.
fn describe(net: &mut Net, n_classes: usize, [a, b, c, last]: [usize; 4]) {
    let input = net.input();
    let conv = Conv::new(STEM, 3).stride(2).padding(1);
    let x = conv_norm_relu(net, "conv1", 0, input, conv);
    net.alias("conv1", x);
    let mut x = net.max_pool("maxpool", x, (3, 2, 1), false);
    for (index, (channels, depth)) in [a, b, c].into_iter().zip(DEPTHS).enumerate() {
        let stage = format!("stage{}", index + 2);
        x = first_block(net, &format!("{stage}.0"), x, channels);
        for block in 1..depth {
            x = later_block(net, &format!("{stage}.{block}"), x);
        }
        net.alias(&stage, x);
    }
    let x = conv_norm_relu(net, "conv5", 0, x, Conv::new(last, 1));
    net.alias("conv5", x);
    let x = net.global_average_pool("mean.positions", x);
    let x = net.flatten("mean", x, 1);
    net.linear("fc", x, n_classes);
}

/// A convolution, its normalisation and its activation as modules `index` to `index + 2` of `name`.
fn conv_norm_relu(net: &mut Net, name: &str, index: usize, x: Feature, conv: Conv) -> Feature {
    let x = conv_norm(net, name, index, x, conv);
    net.relu(&format!("{name}.{}", index + 2), x)
}

fn conv_norm(net: &mut Net, name: &str, index: usize, x: Feature, conv: Conv) -> Feature {
    let x = net.conv(&format!("{name}.{index}"), x, conv);
    net.batch_norm(&format!("{name}.{}", index + 1), x)
}

fn depthwise(channels: usize, stride: usize) -> Conv {
    Conv::new(channels, 3)
        .padding(1)
        .stride(stride)
        .groups(channels)
}

/// The branch that every block has.
fn branch2(net: &mut Net, name: &str, x: Feature, channels: usize, stride: usize) -> Feature {
    let name = format!("{name}.branch2");
    let x = conv_norm_relu(net, &name, 0, x, Conv::new(channels, 1));
    let x = conv_norm(net, &name, 3, x, depthwise(channels, stride));
    let x = conv_norm_relu(net, &name, 5, x, Conv::new(channels, 1));
    net.alias(&name, x);
    x
}

/// A block that halves height and width: both branches see all channels.
fn first_block(net: &mut Net, name: &str, x: Feature, channels: usize) -> Feature {
    let branch1 = format!("{name}.branch1");
    let left = conv_norm(net, &branch1, 0, x, depthwise(x.channels, 2));
    let left = conv_norm_relu(net, &branch1, 2, left, Conv::new(channels / 2, 1));
    net.alias(&branch1, left);
    let right = branch2(net, name, x, channels / 2, 2);
    shuffle(net, name, &[left, right])
}

/// A block that leaves half of the channels as they are.
fn later_block(net: &mut Net, name: &str, x: Feature) -> Feature {
    let half = x.channels / 2;
    let left = net.channels(&format!("{name}.chunk.0"), x, 0, half);
    let right = net.channels(&format!("{name}.chunk.1"), x, half, half);
    let right = branch2(net, name, right, half, 1);
    shuffle(net, name, &[left, right])
}

/// Puts the halves' channels in turns.
fn shuffle(net: &mut Net, name: &str, halves: &[Feature; 2]) -> Feature {
    let at = |part: &str| format!("{name}.{part}");
    let x = net.concat(&at("cat"), halves);
    let half = halves[0].channels;
    let size = Op::Shape {
        start: 2,
        end: None,
    };
    let size = net.add(&at("size"), size, vec![x.value], 2).value;
    // 0 stands for the number of samples.
    let target = |net: &mut Net, part: &str, channels: &[i64]| {
        let channels = net.integers(&at(&format!("{part}.channels")), channels);
        let name = at(&format!("{part}.shape"));
        net.add(&name, Op::Concat { axis: 0 }, vec![channels, size], 1)
    };
    let reshape = Op::Reshape { allow_zero: false };
    let halves = target(net, "view", &[0, 2, half as i64]).value;
    let x = net.add(&at("view"), reshape.clone(), vec![x.value, halves], half);
    let transpose = Op::Transpose {
        perm: Some(vec![0, 2, 1, 3, 4]),
    };
    let x = net.add(&at("transpose"), transpose, vec![x.value], 2);
    let whole = target(net, "view_1", &[0, 2 * half as i64]).value;
    let output = net.add(name, reshape, vec![x.value, whole], 2 * half);
    net.alias(&at("view_1"), output);
    output
}
