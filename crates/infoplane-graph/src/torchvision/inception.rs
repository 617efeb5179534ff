//! GoogLeNet (Szegedy et al. 2014, arXiv 1409.4842) and Inception v3 (Szegedy et al. 2015, arXiv
//! 1512.00567).
//!
//! torchvision's weights for them come from TensorFlow and want colours in [−1, 1]. torchvision prepares
//! images as for all its networks, and the network itself changes the scale (its `transform_input`, which it
//! sets with those weights and leaves off without). Nothing in a file of weights tells which is meant, so
//! there are two names of each.

use super::Architecture;
use super::net::{Conv, Feature, Net};
use crate::op::Op;

pub(super) const ARCHITECTURES: [Architecture; 4] = [
    googlenet("googlenet", |net, n| describe_googlenet(net, n, true)),
    googlenet("googlenet_untransformed", |net, n| {
        describe_googlenet(net, n, false);
    }),
    inception_v3("inception_v3", |net, n| describe_v3(net, n, true)),
    inception_v3("inception_v3_untransformed", |net, n| {
        describe_v3(net, n, false);
    }),
];

/// Added to the variance by these networks' batch normalisations.
const EPSILON: f32 = 1e-3;
/// Mean and deviation of each colour that images are prepared with.
const PREPARED: [(f32, f32); 3] = [(0.485, 0.229), (0.456, 0.224), (0.406, 0.225)];

const fn googlenet(name: &'static str, describe: fn(&mut Net, usize)) -> Architecture {
    Architecture::new(name, "fc.weight", describe).training_only(&["aux1.", "aux2."])
}

const fn inception_v3(name: &'static str, describe: fn(&mut Net, usize)) -> Architecture {
    let architecture = Architecture::new(name, "fc.weight", describe);
    architecture.side(299).training_only(&["AuxLogits."])
}

/// torchvision's `transform_input`: from colours prepared with [`PREPARED`] to colours in [−1, 1].
fn transform_input(net: &mut Net, x: Feature) -> Feature {
    let colours: Vec<Feature> = PREPARED
        .into_iter()
        .enumerate()
        .map(|(colour, (mean, deviation))| {
            let at = |part: &str| format!("transform_input.{colour}.{part}");
            let x = net.channels(&at("colour"), x, colour, 1);
            let scale = net.scalar(&at("scale"), deviation / 0.5);
            let shift = net.scalar(&at("shift"), (mean - 0.5) / 0.5);
            let x = net.add(&at("mul"), Op::Mul, vec![x.value, scale], 1);
            net.add(&at("add"), Op::Add, vec![x.value, shift], 1)
        })
        .collect();
    net.concat("transform_input", &colours)
}

fn start(net: &mut Net, transforms: bool) -> Feature {
    net.epsilon = EPSILON;
    let input = net.input();
    match transforms {
        true => transform_input(net, input),
        false => input,
    }
}

/// torchvision's `BasicConv2d`; its value is that after the activation.
fn basic(net: &mut Net, name: &str, x: Feature, conv: Conv) -> Feature {
    let x = net.conv(&format!("{name}.conv"), x, conv);
    let x = net.batch_norm(&format!("{name}.bn"), x);
    let output = net.relu(name, x);
    net.alias(&format!("{name}.relu"), output);
    output
}

fn square(channels: usize, kernel: usize) -> Conv {
    Conv::same(channels, [kernel; 2])
}

/// A module whose value is its branches' channels one after another.
fn join(net: &mut Net, name: &str, branches: &[Feature]) -> Feature {
    let output = net.concat(name, branches);
    net.alias(&format!("{name}.cat"), output);
    output
}

/// A stage of GoogLeNet after a pool of so large a window: its modules' names, and by branch the channels of
/// their convolutions.
type Stage = (usize, &'static [(&'static str, [usize; 6])]);

const STAGES: [Stage; 3] = [
    (
        3,
        &[
            ("3a", [64, 96, 128, 16, 32, 32]),
            ("3b", [128, 128, 192, 32, 96, 64]),
        ],
    ),
    (
        3,
        &[
            ("4a", [192, 96, 208, 16, 48, 64]),
            ("4b", [160, 112, 224, 24, 64, 64]),
            ("4c", [128, 128, 256, 24, 64, 64]),
            ("4d", [112, 144, 288, 32, 64, 64]),
            ("4e", [256, 160, 320, 32, 128, 128]),
        ],
    ),
    (
        2,
        &[
            ("5a", [256, 160, 320, 32, 128, 128]),
            ("5b", [384, 192, 384, 48, 128, 128]),
        ],
    ),
];

fn describe_googlenet(net: &mut Net, n_classes: usize, transforms: bool) {
    let x = start(net, transforms);
    let x = basic(net, "conv1", x, square(64, 7).stride(2));
    let x = net.max_pool("maxpool1", x, (3, 2, 0), true);
    let x = basic(net, "conv2", x, Conv::new(64, 1));
    let mut x = basic(net, "conv3", x, square(192, 3));
    for (index, (window, modules)) in STAGES.into_iter().enumerate() {
        let pool = format!("maxpool{}", index + 2);
        x = net.max_pool(&pool, x, (window, 2, 0), true);
        for &(module, channels) in modules {
            x = four_branches(net, &format!("inception{module}"), x, channels);
        }
    }
    classify(net, x, n_classes);
}

/// GoogLeNet's module. Its third branch has a window of 3 where the paper has one of 5, as in torchvision.
fn four_branches(net: &mut Net, name: &str, x: Feature, channels: [usize; 6]) -> Feature {
    let at = |module: &str| format!("{name}.{module}");
    let [first, reduced, second, reduced_again, third, pooled] = channels;
    let branch1 = basic(net, &at("branch1"), x, Conv::new(first, 1));
    let branch2 = basic(net, &at("branch2.0"), x, Conv::new(reduced, 1));
    let branch2 = basic(net, &at("branch2.1"), branch2, square(second, 3));
    let branch3 = basic(net, &at("branch3.0"), x, Conv::new(reduced_again, 1));
    let branch3 = basic(net, &at("branch3.1"), branch3, square(third, 3));
    let branch4 = net.max_pool(&at("branch4.0"), x, (3, 1, 1), true);
    let branch4 = basic(net, &at("branch4.1"), branch4, Conv::new(pooled, 1));
    for (branch, value) in [
        ("branch2", branch2),
        ("branch3", branch3),
        ("branch4", branch4),
    ] {
        net.alias(&at(branch), value);
    }
    join(net, name, &[branch1, branch2, branch3, branch4])
}

fn classify(net: &mut Net, x: Feature, n_classes: usize) {
    let x = net.global_average_pool("avgpool", x);
    // The dropout before or after changes nothing.
    net.alias("dropout", x);
    let x = net.flatten("flatten", x, 1);
    net.linear("fc", x, n_classes);
}

fn describe_v3(net: &mut Net, n_classes: usize, transforms: bool) {
    let x = start(net, transforms);
    let x = basic(net, "Conv2d_1a_3x3", x, Conv::new(32, 3).stride(2));
    let x = basic(net, "Conv2d_2a_3x3", x, Conv::new(32, 3));
    let x = basic(net, "Conv2d_2b_3x3", x, square(64, 3));
    let x = net.max_pool("maxpool1", x, (3, 2, 0), false);
    let x = basic(net, "Conv2d_3b_1x1", x, Conv::new(80, 1));
    let x = basic(net, "Conv2d_4a_3x3", x, Conv::new(192, 3));
    let mut x = net.max_pool("maxpool2", x, (3, 2, 0), false);
    for (module, pooled) in [("5b", 32), ("5c", 64), ("5d", 64)] {
        x = module_a(net, &format!("Mixed_{module}"), x, pooled);
    }
    x = module_b(net, "Mixed_6a", x);
    for (module, inner) in [("6b", 128), ("6c", 160), ("6d", 160), ("6e", 192)] {
        x = module_c(net, &format!("Mixed_{module}"), x, inner);
    }
    x = module_d(net, "Mixed_7a", x);
    for module in ["7b", "7c"] {
        x = module_e(net, &format!("Mixed_{module}"), x);
    }
    classify(net, x, n_classes);
}

/// Convolutions one after another, by the end of their module's name.
fn chain(net: &mut Net, name: &str, x: Feature, convs: &[(&str, Conv)]) -> Feature {
    convs.iter().fold(x, |x, (module, conv)| {
        basic(net, &format!("{name}.{module}"), x, *conv)
    })
}

/// Means of 3 × 3 positions, then a 1 × 1 convolution.
fn pooled_branch(net: &mut Net, name: &str, x: Feature, channels: usize) -> Feature {
    let x = net.average_pool(&format!("{name}.avg_pool2d"), x, (3, 1, 1));
    chain(net, name, x, &[("branch_pool", Conv::new(channels, 1))])
}

fn module_a(net: &mut Net, name: &str, x: Feature, pooled: usize) -> Feature {
    let first = chain(net, name, x, &[("branch1x1", Conv::new(64, 1))]);
    let large = [
        ("branch5x5_1", Conv::new(48, 1)),
        ("branch5x5_2", square(64, 5)),
    ];
    let large = chain(net, name, x, &large);
    let double = [
        ("branch3x3dbl_1", Conv::new(64, 1)),
        ("branch3x3dbl_2", square(96, 3)),
        ("branch3x3dbl_3", square(96, 3)),
    ];
    let double = chain(net, name, x, &double);
    let pooled = pooled_branch(net, name, x, pooled);
    join(net, name, &[first, large, double, pooled])
}

fn module_b(net: &mut Net, name: &str, x: Feature) -> Feature {
    let single = [("branch3x3", Conv::new(384, 3).stride(2))];
    let single = chain(net, name, x, &single);
    let double = [
        ("branch3x3dbl_1", Conv::new(64, 1)),
        ("branch3x3dbl_2", square(96, 3)),
        ("branch3x3dbl_3", Conv::new(96, 3).stride(2)),
    ];
    let double = chain(net, name, x, &double);
    let pooled = net.max_pool(&format!("{name}.max_pool2d"), x, (3, 2, 0), false);
    join(net, name, &[single, double, pooled])
}

fn module_c(net: &mut Net, name: &str, x: Feature, inner: usize) -> Feature {
    let across = |channels: usize| Conv::same(channels, [1, 7]);
    let down = |channels: usize| Conv::same(channels, [7, 1]);
    let first = chain(net, name, x, &[("branch1x1", Conv::new(192, 1))]);
    let single = [
        ("branch7x7_1", Conv::new(inner, 1)),
        ("branch7x7_2", across(inner)),
        ("branch7x7_3", down(192)),
    ];
    let single = chain(net, name, x, &single);
    let double = [
        ("branch7x7dbl_1", Conv::new(inner, 1)),
        ("branch7x7dbl_2", down(inner)),
        ("branch7x7dbl_3", across(inner)),
        ("branch7x7dbl_4", down(inner)),
        ("branch7x7dbl_5", across(192)),
    ];
    let double = chain(net, name, x, &double);
    let pooled = pooled_branch(net, name, x, 192);
    join(net, name, &[first, single, double, pooled])
}

fn module_d(net: &mut Net, name: &str, x: Feature) -> Feature {
    let single = [
        ("branch3x3_1", Conv::new(192, 1)),
        ("branch3x3_2", Conv::new(320, 3).stride(2)),
    ];
    let single = chain(net, name, x, &single);
    let large = [
        ("branch7x7x3_1", Conv::new(192, 1)),
        ("branch7x7x3_2", Conv::same(192, [1, 7])),
        ("branch7x7x3_3", Conv::same(192, [7, 1])),
        ("branch7x7x3_4", Conv::new(192, 3).stride(2)),
    ];
    let large = chain(net, name, x, &large);
    let pooled = net.max_pool(&format!("{name}.max_pool2d"), x, (3, 2, 0), false);
    join(net, name, &[single, large, pooled])
}

fn module_e(net: &mut Net, name: &str, x: Feature) -> Feature {
    let first = chain(net, name, x, &[("branch1x1", Conv::new(320, 1))]);
    let single = chain(net, name, x, &[("branch3x3_1", Conv::new(384, 1))]);
    let single = both_ways(net, name, single, ["branch3x3_2a", "branch3x3_2b", "cat"]);
    let double = [
        ("branch3x3dbl_1", Conv::new(448, 1)),
        ("branch3x3dbl_2", square(384, 3)),
    ];
    let double = chain(net, name, x, &double);
    let names = ["branch3x3dbl_3a", "branch3x3dbl_3b", "cat_1"];
    let double = both_ways(net, name, double, names);
    let pooled = pooled_branch(net, name, x, 192);
    let output = net.concat(name, &[first, single, double, pooled]);
    net.alias(&format!("{name}.cat_2"), output);
    output
}

/// A window of 1 × 3 beside one of 3 × 1.
fn both_ways(net: &mut Net, name: &str, x: Feature, modules: [&str; 3]) -> Feature {
    let [across, down, joined] = modules;
    let across = chain(net, name, x, &[(across, Conv::same(384, [1, 3]))]);
    let down = chain(net, name, x, &[(down, Conv::same(384, [3, 1]))]);
    net.concat(&format!("{name}.{joined}"), &[across, down])
}
