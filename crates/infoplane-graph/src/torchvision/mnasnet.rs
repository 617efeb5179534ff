//! MNASNet (Tan et al. 2018, arXiv 1807.11626).

use super::Architecture;
use super::blocks::make_divisible;
use super::net::{Conv, Feature, Net};

pub(super) const ARCHITECTURES: [Architecture; 4] = [
    mnasnet("mnasnet0_5", |net, n| describe(net, n, 0.5)),
    mnasnet("mnasnet0_75", |net, n| describe(net, n, 0.75)),
    mnasnet("mnasnet1_0", |net, n| describe(net, n, 1.0)),
    mnasnet("mnasnet1_3", |net, n| describe(net, n, 1.3)),
];

/// Stacks of blocks: channels, window, stride of the first block, expansion, blocks.
const STACKS: [(usize, usize, usize, usize, usize); 6] = [
    (24, 3, 2, 3, 3),
    (40, 5, 2, 3, 3),
    (80, 5, 2, 6, 3),
    (96, 3, 1, 6, 2),
    (192, 5, 2, 6, 4),
    (320, 3, 1, 6, 1),
];

const fn mnasnet(name: &'static str, describe: fn(&mut Net, usize)) -> Architecture {
    Architecture::new(name, "classifier.1.weight", describe)
}

/// A network with `width` times the usual channels.
fn describe(net: &mut Net, n_classes: usize, width: f64) {
    let wide = |channels: usize| make_divisible(channels as f64 * width, 8);
    let input = net.input();
    let stem = wide(32);
    let conv = Conv::new(stem, 3).stride(2).padding(1);
    let x = conv_norm_relu(net, "layers", 0, input, conv);
    let depthwise = Conv::new(stem, 3).padding(1).groups(stem);
    let x = conv_norm_relu(net, "layers", 3, x, depthwise);
    let x = net.conv("layers.6", x, Conv::new(wide(16), 1));
    let mut x = net.batch_norm("layers.7", x);
    for (stack, (channels, kernel, stride, expansion, n_blocks)) in STACKS.into_iter().enumerate() {
        let stack = format!("layers.{}", stack + 8);
        for block in 0..n_blocks {
            let stride = if block == 0 { stride } else { 1 };
            let shape = (wide(channels), kernel, expansion);
            x = inverted_residual(net, &format!("{stack}.{block}"), x, shape, stride);
        }
        net.alias(&stack, x);
    }
    let x = conv_norm_relu(net, "layers", 14, x, Conv::new(1280, 1));
    net.alias("layers", x);
    let x = net.global_average_pool("mean.positions", x);
    let x = net.flatten("mean", x, 1);
    net.alias("classifier.0", x);
    let x = net.linear("classifier.1", x, n_classes);
    net.alias("classifier", x);
}

/// A convolution, its normalisation and its activation as modules `index` to `index + 2` of `name`.
fn conv_norm_relu(net: &mut Net, name: &str, index: usize, x: Feature, conv: Conv) -> Feature {
    let x = net.conv(&format!("{name}.{index}"), x, conv);
    let x = net.batch_norm(&format!("{name}.{}", index + 1), x);
    net.relu(&format!("{name}.{}", index + 2), x)
}

fn inverted_residual(
    net: &mut Net,
    name: &str,
    input: Feature,
    (channels, kernel, expansion): (usize, usize, usize),
    stride: usize,
) -> Feature {
    let layers = format!("{name}.layers");
    let hidden = expansion * input.channels;
    let x = conv_norm_relu(net, &layers, 0, input, Conv::new(hidden, 1));
    let depthwise = Conv::same(hidden, [kernel; 2])
        .stride(stride)
        .groups(hidden);
    let x = conv_norm_relu(net, &layers, 3, x, depthwise);
    let x = net.conv(&format!("{layers}.6"), x, Conv::new(channels, 1));
    let last = format!("{layers}.7");
    if stride == 1 && input.channels == channels {
        let branch = net.batch_norm(&last, x);
        net.alias(&layers, branch);
        let output = net.add_features(name, branch, input);
        net.alias(&format!("{name}.add"), output);
        return output;
    }
    let output = net.batch_norm_of(name, &last, x);
    net.alias(&last, output);
    net.alias(&layers, output);
    output
}
