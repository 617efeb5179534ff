//! EfficientNet (Tan and Le 2019, arXiv 1905.11946).

use super::Architecture;
use super::blocks::{Activation, conv_norm_activation, make_divisible, squeeze_excitation};
use super::net::{Conv, Feature, Net};

pub(super) const ARCHITECTURES: [Architecture; 8] = [
    efficientnet("efficientnet_b0", 224, |net, n| describe(net, n, 1.0, 1.0)).also_named(timm),
    efficientnet("efficientnet_b1", 240, |net, n| describe(net, n, 1.0, 1.1)).also_named(timm),
    efficientnet("efficientnet_b2", 288, |net, n| describe(net, n, 1.1, 1.2)).also_named(timm),
    efficientnet("efficientnet_b3", 300, |net, n| describe(net, n, 1.2, 1.4)).also_named(timm),
    efficientnet("efficientnet_b4", 380, |net, n| describe(net, n, 1.4, 1.8)).also_named(timm),
    // timm's larger ones differ in what is added to the variance.
    efficientnet("efficientnet_b5", 456, |net, n| {
        describe_large(net, n, 1.6, 2.2);
    }),
    efficientnet("efficientnet_b6", 528, |net, n| {
        describe_large(net, n, 1.8, 2.6);
    }),
    efficientnet("efficientnet_b7", 600, |net, n| {
        describe_large(net, n, 2.0, 3.1);
    }),
];

/// Stages of the smallest network: expansion, window, stride of the first block, channels, blocks.
const STAGES: [(usize, usize, usize, usize, usize); 7] = [
    (1, 3, 1, 16, 1),
    (6, 3, 2, 24, 2),
    (6, 5, 2, 40, 2),
    (6, 3, 2, 80, 3),
    (6, 5, 1, 112, 3),
    (6, 5, 2, 192, 4),
    (6, 3, 1, 320, 1),
];
/// Channels of the smallest network's stem.
const STEM: usize = 32;
/// Added to the variance by the batch normalisations of b5 and larger.
const LARGE_EPSILON: f32 = 1e-3;

const fn efficientnet(
    name: &'static str,
    side: usize,
    describe: fn(&mut Net, usize),
) -> Architecture {
    Architecture::new(name, "classifier.1.weight", describe).side(side)
}

fn describe_large(net: &mut Net, n_classes: usize, width: f64, depth: f64) {
    net.epsilon = LARGE_EPSILON;
    describe(net, n_classes, width, depth);
}

fn n_blocks(of_smallest: usize, depth: f64) -> usize {
    (of_smallest as f64 * depth).ceil() as usize
}

/// A network with `width` times the channels and `depth` times the blocks of the smallest.
fn describe(net: &mut Net, n_classes: usize, width: f64, depth: f64) {
    let wide = |channels: usize| make_divisible(channels as f64 * width, 8);
    let input = net.input();
    let stem = Conv::new(wide(STEM), 3).stride(2).padding(1);
    let mut x = conv_norm_activation(net, "features.0", input, stem, Activation::Silu);
    for (index, (expansion, kernel, stride, channels, blocks)) in STAGES.into_iter().enumerate() {
        let stage = format!("features.{}", index + 1);
        for block in 0..n_blocks(blocks, depth) {
            let stride = if block == 0 { stride } else { 1 };
            let shape = (expansion, kernel, wide(channels));
            x = inverted_residual(net, &format!("{stage}.{block}"), x, shape, stride);
        }
        net.alias(&stage, x);
    }
    let last = Conv::new(4 * x.channels, 1);
    let x = conv_norm_activation(net, "features.8", x, last, Activation::Silu);
    net.alias("features", x);
    let x = net.global_average_pool("avgpool", x);
    let x = net.flatten("flatten", x, 1);
    net.alias("classifier.0", x);
    let x = net.linear("classifier.1", x, n_classes);
    net.alias("classifier", x);
}

/// torchvision's `MBConv`. Without a shortcut its value is that of its last module.
fn inverted_residual(
    net: &mut Net,
    name: &str,
    input: Feature,
    (expansion, kernel, channels): (usize, usize, usize),
    stride: usize,
) -> Feature {
    let mut index = 0;
    let mut next = || {
        index += 1;
        format!("{name}.block.{}", index - 1)
    };
    let hidden = expansion * input.channels;
    let mut x = input;
    if expansion != 1 {
        x = conv_norm_activation(net, &next(), x, Conv::new(hidden, 1), Activation::Silu);
    }
    let depthwise = Conv::same(hidden, [kernel; 2])
        .stride(stride)
        .groups(hidden);
    x = conv_norm_activation(net, &next(), x, depthwise, Activation::Silu);
    let squeezed = (input.channels / 4).max(1);
    x = squeeze_excitation(net, &next(), x, squeezed, Activation::Silu);
    let last = next();
    let x = conv_norm_activation(net, &last, x, Conv::new(channels, 1), Activation::None);
    net.alias(&format!("{name}.block"), x);
    if stride == 1 && input.channels == channels {
        let output = net.add_features(name, x, input);
        net.alias(&format!("{name}.add"), output);
        return output;
    }
    net.alias(name, x);
    x
}

fn timm(name: &str) -> String {
    timm_name(name).unwrap_or_else(|| name.to_string())
}

/// timm's name of a tensor; `None` where it is the same.
fn timm_name(name: &str) -> Option<String> {
    let (module, tensor) = name.rsplit_once('.')?;
    if module == "classifier.1" {
        return Some(format!("classifier.{tensor}"));
    }
    let parts: Vec<&str> = module.strip_prefix("features.")?.split('.').collect();
    let module = match parts.as_slice() {
        ["0", "0"] => "conv_stem".to_string(),
        ["0", "1"] => "bn1".to_string(),
        ["8", "0"] => "conv_head".to_string(),
        ["8", "1"] => "bn2".to_string(),
        [stage, block, "block", inside @ ..] => {
            let stage: usize = stage.parse().ok()?;
            let modules: &[(&[&str], &str)] = match stage {
                1 => &[
                    (&["0", "0"], "conv_dw"),
                    (&["0", "1"], "bn1"),
                    (&["1", "fc1"], "se.conv_reduce"),
                    (&["1", "fc2"], "se.conv_expand"),
                    (&["2", "0"], "conv_pw"),
                    (&["2", "1"], "bn2"),
                ],
                _ => &[
                    (&["0", "0"], "conv_pw"),
                    (&["0", "1"], "bn1"),
                    (&["1", "0"], "conv_dw"),
                    (&["1", "1"], "bn2"),
                    (&["2", "fc1"], "se.conv_reduce"),
                    (&["2", "fc2"], "se.conv_expand"),
                    (&["3", "0"], "conv_pwl"),
                    (&["3", "1"], "bn3"),
                ],
            };
            let (_, module) = modules.iter().find(|(path, _)| *path == inside)?;
            format!("blocks.{}.{block}.{module}", stage - 1)
        }
        _ => return None,
    };
    Some(format!("{module}.{tensor}"))
}
