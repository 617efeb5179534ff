//! ResNet (He et al. 2015, arXiv 1512.03385), with its wide and grouped variants.

use super::Architecture;
use super::net::{Conv, Feature, Net};

pub(super) const ARCHITECTURES: [Architecture; 7] = [
    resnet("resnet18", |net, n| describe(net, n, BASIC, [2, 2, 2, 2])),
    resnet("resnet34", |net, n| describe(net, n, BASIC, [3, 4, 6, 3])),
    resnet("resnet50", |net, n| {
        describe(net, n, BOTTLENECK, [3, 4, 6, 3]);
    }),
    resnet("resnet101", |net, n| {
        describe(net, n, BOTTLENECK, [3, 4, 23, 3]);
    }),
    resnet("resnet152", |net, n| {
        describe(net, n, BOTTLENECK, [3, 8, 36, 3]);
    }),
    resnet("resnext50_32x4d", |net, n| {
        describe(net, n, GROUPED, [3, 4, 6, 3]);
    }),
    resnet("wide_resnet50_2", |net, n| {
        describe(net, n, WIDE, [3, 4, 6, 3]);
    }),
];

const fn resnet(name: &'static str, describe: fn(&mut Net, usize)) -> Architecture {
    Architecture::new(name, "fc.weight", describe)
}

/// The kind of a residual block.
#[derive(Clone, Copy)]
enum Block {
    /// Two 3 × 3 convolutions.
    Basic,
    /// 1 × 1, 3 × 3, 1 × 1; the middle one with `width` times the channels of [`Block::Basic`], in
    /// 64ths, in so many groups.
    Bottleneck { width: usize, groups: usize },
}

const BASIC: Block = Block::Basic;
const BOTTLENECK: Block = Block::Bottleneck {
    width: 64,
    groups: 1,
};
const GROUPED: Block = Block::Bottleneck {
    width: 32 * 4,
    groups: 32,
};
const WIDE: Block = Block::Bottleneck {
    width: 128,
    groups: 1,
};

fn describe(net: &mut Net, n_classes: usize, block: Block, depths: [usize; 4]) {
    let input = net.input();
    let x = net.conv("conv1", input, Conv::new(64, 7).stride(2).padding(3));
    let x = net.batch_norm("bn1", x);
    let x = net.relu("relu", x);
    let mut x = net.max_pool("maxpool", x, (3, 2, 1), false);
    for (stage, depth) in depths.into_iter().enumerate() {
        let layer = format!("layer{}", stage + 1);
        for index in 0..depth {
            let stride = if stage > 0 && index == 0 { 2 } else { 1 };
            x = residual(
                net,
                &format!("{layer}.{index}"),
                x,
                block,
                64 << stage,
                stride,
            );
        }
        net.alias(&layer, x);
    }
    let x = net.global_average_pool("avgpool", x);
    let x = net.flatten("flatten", x, 1);
    net.linear("fc", x, n_classes);
}

/// A block; its value is that after its last activation.
fn residual(
    net: &mut Net,
    name: &str,
    input: Feature,
    block: Block,
    planes: usize,
    stride: usize,
) -> Feature {
    let at = |module: &str| format!("{name}.{module}");
    let (branch, last_relu) = match block {
        Block::Basic => {
            let conv = Conv::new(planes, 3).padding(1);
            let x = net.conv(&at("conv1"), input, conv.stride(stride));
            let x = net.batch_norm(&at("bn1"), x);
            let x = net.relu(&at("relu"), x);
            let x = net.conv(&at("conv2"), x, conv);
            (net.batch_norm(&at("bn2"), x), "relu_1")
        }
        Block::Bottleneck { width, groups } => {
            let width = planes * width / 64;
            let x = net.conv(&at("conv1"), input, Conv::new(width, 1));
            let x = net.batch_norm(&at("bn1"), x);
            let x = net.relu(&at("relu"), x);
            let middle = Conv::new(width, 3).padding(1).stride(stride).groups(groups);
            let x = net.conv(&at("conv2"), x, middle);
            let x = net.batch_norm(&at("bn2"), x);
            let x = net.relu(&at("relu_1"), x);
            let x = net.conv(&at("conv3"), x, Conv::new(4 * planes, 1));
            (net.batch_norm(&at("bn3"), x), "relu_2")
        }
    };
    let shortcut = if stride != 1 || input.channels != branch.channels {
        let conv = Conv::new(branch.channels, 1).stride(stride);
        let x = net.conv(&at("downsample.0"), input, conv);
        let x = net.batch_norm(&at("downsample.1"), x);
        net.alias(&at("downsample"), x);
        x
    } else {
        input
    };
    let sum = net.add_features(&at("add"), branch, shortcut);
    let output = net.relu(name, sum);
    net.alias(&at(last_relu), output);
    output
}
