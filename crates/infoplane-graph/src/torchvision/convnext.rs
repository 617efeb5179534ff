//! ConvNeXt (Liu et al. 2022, arXiv 2201.03545).

use super::Architecture;
use super::net::{Conv, Feature, Net};
use crate::op::Op;

pub(super) const ARCHITECTURES: [Architecture; 4] = [
    convnext("convnext_tiny", |net, n| {
        describe(net, n, [3, 3, 9, 3], [96, 192, 384, 768]);
    }),
    convnext("convnext_small", |net, n| {
        describe(net, n, [3, 3, 27, 3], [96, 192, 384, 768]);
    }),
    convnext("convnext_base", |net, n| {
        describe(net, n, [3, 3, 27, 3], [128, 256, 512, 1024]);
    }),
    convnext("convnext_large", |net, n| {
        describe(net, n, [3, 3, 27, 3], [192, 384, 768, 1536]);
    }),
];

/// Added to the variance by the layer normalisations.
const EPSILON: f32 = 1e-6;

const fn convnext(name: &'static str, describe: fn(&mut Net, usize)) -> Architecture {
    Architecture::new(name, "classifier.2.weight", describe).also_named(timm)
}

/// A network with so many blocks and channels in its stages.
fn describe(net: &mut Net, n_classes: usize, depths: [usize; 4], widths: [usize; 4]) {
    let input = net.input();
    let patches = Conv::new(widths[0], 4).stride(4).bias();
    let x = net.conv("features.0.0", input, patches);
    let mut x = norm_channels(net, "features.0", "features.0.1", x);
    net.alias("features.0.1", x);
    for (stage, (depth, width)) in depths.into_iter().zip(widths).enumerate() {
        if stage > 0 {
            let name = format!("features.{}", 2 * stage);
            let at = |module: usize| format!("{name}.{module}");
            x = norm_channels(net, &at(0), &at(0), x);
            let halve = Conv::new(width, 2).stride(2).bias();
            x = net.conv_of(&name, &at(1), x, halve);
            net.alias(&at(1), x);
        }
        let name = format!("features.{}", 2 * stage + 1);
        for index in 0..depth {
            x = block(net, &format!("{name}.{index}"), x);
        }
        net.alias(&name, x);
    }
    net.alias("features", x);
    let x = net.global_average_pool("avgpool", x);
    let x = norm_channels(net, "classifier.0", "classifier.0", x);
    let x = net.flatten("classifier.1", x, 1);
    let x = net.linear("classifier.2", x, n_classes);
    net.alias("classifier", x);
}

/// Axes with the channels last, and back.
fn permute(net: &mut Net, name: &str, x: Feature, perm: [usize; 4]) -> Feature {
    let op = Op::Transpose {
        perm: Some(perm.to_vec()),
    };
    net.add(name, op, vec![x.value], x.channels)
}

/// torchvision's `LayerNorm2d`: every position's channels are normalised.
fn norm_channels(net: &mut Net, name: &str, module: &str, x: Feature) -> Feature {
    let x = permute(net, &format!("{module}.permute"), x, [0, 2, 3, 1]);
    let x = net.layer_norm(&format!("{module}.layer_norm"), module, x, EPSILON);
    permute(net, name, x, [0, 3, 1, 2])
}

fn block(net: &mut Net, name: &str, input: Feature) -> Feature {
    let at = |module: usize| format!("{name}.block.{module}");
    let channels = input.channels;
    let depthwise = Conv::same(channels, [7; 2]).groups(channels).bias();
    let x = net.conv(&at(0), input, depthwise);
    let x = permute(net, &at(1), x, [0, 2, 3, 1]);
    let x = net.layer_norm(&at(2), &at(2), x, EPSILON);
    let x = net.linear_last(&at(3), x, 4 * channels);
    let x = net.gelu(&at(4), x);
    let x = net.linear_last(&at(5), x, channels);
    let x = permute(net, &at(6), x, [0, 3, 1, 2]);
    net.alias(&format!("{name}.block"), x);
    let scale = net.named_tensor(format!("{name}.layer_scale"), vec![channels, 1, 1]);
    let x = net.add(
        &format!("{name}.mul"),
        Op::Mul,
        vec![scale, x.value],
        channels,
    );
    let output = net.add_features(name, x, input);
    net.alias(&format!("{name}.add"), output);
    output
}

fn timm(name: &str) -> String {
    timm_name(name).unwrap_or_else(|| name.to_string())
}

/// timm's name of a tensor; `None` where it is the same.
fn timm_name(name: &str) -> Option<String> {
    let (module, tensor) = name.rsplit_once('.')?;
    let parts: Vec<&str> = module.split('.').collect();
    let stage = |feature: &str| Some(feature.parse::<usize>().ok()? / 2);
    let module = match parts.as_slice() {
        ["classifier", "0"] => "head.norm".to_string(),
        ["classifier", "2"] => "head.fc".to_string(),
        ["features", "0", index] => format!("stem.{index}"),
        ["features", feature, index] if tensor == "layer_scale" => {
            return Some(format!("stages.{}.blocks.{index}.gamma", stage(feature)?));
        }
        ["features", feature, index] => {
            format!("stages.{}.downsample.{index}", stage(feature)?)
        }
        ["features", feature, index, "block", inside] => {
            let inside = match *inside {
                "0" => "conv_dw",
                "2" => "norm",
                "3" => "mlp.fc1",
                "5" => "mlp.fc2",
                _ => return None,
            };
            format!("stages.{}.blocks.{index}.{inside}", stage(feature)?)
        }
        _ => return None,
    };
    Some(format!("{module}.{tensor}"))
}
