//! MobileNetV2 (Sandler et al. 2018, arXiv 1801.04381).

use super::Architecture;
use super::blocks::{Activation, conv_norm_activation};
use super::net::{Conv, Feature, Net};

pub(super) const ARCHITECTURES: [Architecture; 1] =
    [Architecture::new("mobilenet_v2", "classifier.1.weight", describe).also_named(timm)];

/// Stages: expansion, channels, blocks, stride of the first block.
const STAGES: [(usize, usize, usize, usize); 7] = [
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
];

fn describe(net: &mut Net, n_classes: usize) {
    let input = net.input();
    let stem = Conv::new(32, 3).stride(2).padding(1);
    let mut x = conv_norm_relu6(net, "features.0", input, stem);
    let mut index = 1;
    for (expansion, channels, n_blocks, stride) in STAGES {
        for block in 0..n_blocks {
            let stride = if block == 0 { stride } else { 1 };
            let name = format!("features.{index}");
            x = inverted_residual(net, &name, x, (expansion, channels), stride);
            index += 1;
        }
    }
    let x = conv_norm_relu6(net, &format!("features.{index}"), x, Conv::new(1280, 1));
    net.alias("features", x);
    let x = net.global_average_pool("adaptive_avg_pool2d", x);
    let x = net.flatten("flatten", x, 1);
    net.alias("classifier.0", x);
    let x = net.linear("classifier.1", x, n_classes);
    net.alias("classifier", x);
}

fn conv_norm_relu6(net: &mut Net, name: &str, x: Feature, conv: Conv) -> Feature {
    conv_norm_activation(net, name, x, conv, Activation::Relu6)
}

/// A block. Without a shortcut its value is that of its last module.
fn inverted_residual(
    net: &mut Net,
    name: &str,
    input: Feature,
    (expansion, channels): (usize, usize),
    stride: usize,
) -> Feature {
    let mut index = 0;
    let mut next = || {
        index += 1;
        format!("{name}.conv.{}", index - 1)
    };
    let mut x = input;
    let hidden = expansion * input.channels;
    if expansion != 1 {
        x = conv_norm_relu6(net, &next(), x, Conv::new(hidden, 1));
    }
    let depthwise = Conv::new(hidden, 3)
        .padding(1)
        .stride(stride)
        .groups(hidden);
    x = conv_norm_relu6(net, &next(), x, depthwise);
    x = net.conv(&next(), x, Conv::new(channels, 1));
    let (last, whole) = (next(), format!("{name}.conv"));
    if stride == 1 && input.channels == channels {
        let branch = net.batch_norm(&last, x);
        net.alias(&whole, branch);
        return net.add_features(name, input, branch);
    }
    let output = net.batch_norm_of(name, &last, x);
    net.alias(&last, output);
    net.alias(&whole, output);
    output
}

/// timm's `mobilenetv2_100` has the same modules as stages of blocks.
fn timm(name: &str) -> String {
    renamed(name).unwrap_or_else(|| name.to_string())
}

fn renamed(name: &str) -> Option<String> {
    let (module, tensor) = name.rsplit_once('.')?;
    if module == "classifier.1" {
        return Some(format!("classifier.{tensor}"));
    }
    let parts: Vec<&str> = module.strip_prefix("features.")?.split('.').collect();
    let index: usize = parts.first()?.parse().ok()?;
    let n_blocks: usize = STAGES.iter().map(|(_, _, n_blocks, _)| n_blocks).sum();
    let module = match (index, &parts[1..]) {
        (0, ["0"]) => "conv_stem".to_string(),
        (0, ["1"]) => "bn1".to_string(),
        (last, ["0"]) if last == n_blocks + 1 => "conv_head".to_string(),
        (last, ["1"]) if last == n_blocks + 1 => "bn2".to_string(),
        (_, ["conv", inside @ ..]) => {
            let (stage, block) = place(index - 1)?;
            let modules: &[(&[&str], &str)] = match STAGES[stage].0 {
                1 => &[
                    (&["0", "0"], "conv_dw"),
                    (&["0", "1"], "bn1"),
                    (&["1"], "conv_pw"),
                    (&["2"], "bn2"),
                ],
                _ => &[
                    (&["0", "0"], "conv_pw"),
                    (&["0", "1"], "bn1"),
                    (&["1", "0"], "conv_dw"),
                    (&["1", "1"], "bn2"),
                    (&["2"], "conv_pwl"),
                    (&["3"], "bn3"),
                ],
            };
            let (_, module) = modules.iter().find(|(path, _)| *path == inside)?;
            format!("blocks.{stage}.{block}.{module}")
        }
        _ => return None,
    };
    Some(format!("{module}.{tensor}"))
}

/// The stage of a block, and its place in it.
fn place(mut block: usize) -> Option<(usize, usize)> {
    for (stage, &(_, _, n_blocks, _)) in STAGES.iter().enumerate() {
        if block < n_blocks {
            return Some((stage, block));
        }
        block -= n_blocks;
    }
    None
}
