//! DenseNet (Huang et al. 2016, arXiv 1608.06993).

use super::Architecture;
use super::net::{Conv, Feature, Net};

pub(super) const ARCHITECTURES: [Architecture; 4] = [
    densenet("densenet121", |net, n| {
        describe(net, n, 32, [6, 12, 24, 16], 64);
    }),
    densenet("densenet161", |net, n| {
        describe(net, n, 48, [6, 12, 36, 24], 96);
    }),
    densenet("densenet169", |net, n| {
        describe(net, n, 32, [6, 12, 32, 32], 64);
    }),
    densenet("densenet201", |net, n| {
        describe(net, n, 32, [6, 12, 48, 32], 64);
    }),
];

/// Channels of a layer's 1 × 1 convolution over the channels that it adds.
const BOTTLENECK: usize = 4;

const fn densenet(name: &'static str, describe: fn(&mut Net, usize)) -> Architecture {
    Architecture::new(name, "classifier.weight", describe).also_named(before_renaming)
}

/// A network whose layers add `growth` channels each to the `stem`'s, in blocks of so many layers.
fn describe(net: &mut Net, n_classes: usize, growth: usize, depths: [usize; 4], stem: usize) {
    let input = net.input();
    let conv = Conv::new(stem, 7).stride(2).padding(3);
    let x = net.conv("features.conv0", input, conv);
    let x = net.batch_norm("features.norm0", x);
    let x = net.relu("features.relu0", x);
    let mut x = net.max_pool("features.pool0", x, (3, 2, 1), false);
    for (index, depth) in depths.into_iter().enumerate() {
        if index > 0 {
            x = transition(net, &format!("features.transition{index}"), x);
        }
        x = dense_block(
            net,
            &format!("features.denseblock{}", index + 1),
            x,
            growth,
            depth,
        );
    }
    let x = net.batch_norm("features.norm5", x);
    net.alias("features", x);
    let x = net.relu("relu", x);
    let x = net.global_average_pool("adaptive_avg_pool2d", x);
    let x = net.flatten("flatten", x, 1);
    net.linear("classifier", x, n_classes);
}

/// Layers that each see what came into the block and what all before them have added.
fn dense_block(net: &mut Net, name: &str, x: Feature, growth: usize, depth: usize) -> Feature {
    let mut parts = vec![x];
    for index in 1..=depth {
        let at = |module: &str| format!("{name}.denselayer{index}.{module}");
        let x = match parts.as_slice() {
            &[only] => only,
            parts => net.concat(&at("cat"), parts),
        };
        let x = net.batch_norm(&at("norm1"), x);
        let x = net.relu(&at("relu1"), x);
        let x = net.conv(&at("conv1"), x, Conv::new(BOTTLENECK * growth, 1));
        let x = net.batch_norm(&at("norm2"), x);
        let x = net.relu(&at("relu2"), x);
        let layer = format!("{name}.denselayer{index}");
        let added = net.conv_of(&layer, &at("conv2"), x, Conv::new(growth, 3).padding(1));
        net.alias(&at("conv2"), added);
        parts.push(added);
    }
    let output = net.concat(name, &parts);
    net.alias(&format!("{name}.cat"), output);
    output
}

/// Halves channels, height and width.
fn transition(net: &mut Net, name: &str, x: Feature) -> Feature {
    let at = |module: &str| format!("{name}.{module}");
    let x = net.batch_norm(&at("norm"), x);
    let x = net.relu(&at("relu"), x);
    let x = net.conv(&at("conv"), x, Conv::new(x.channels / 2, 1));
    let output = net.average_pool(name, x, (2, 2, 0));
    net.alias(&at("pool"), output);
    output
}

/// The names in the files of torchvision's own weights: `norm.1` for `norm1`.
fn before_renaming(name: &str) -> String {
    let mut parts: Vec<String> = name.split('.').map(str::to_string).collect();
    if parts.iter().any(|part| part.starts_with("denselayer")) {
        for part in &mut parts {
            for module in ["norm", "conv"] {
                if let Some(index @ ("1" | "2")) = part.strip_prefix(module) {
                    *part = format!("{module}.{index}");
                }
            }
        }
    }
    parts.join(".")
}
