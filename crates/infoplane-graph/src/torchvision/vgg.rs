//! VGG (Simonyan and Zisserman 2014, arXiv 1409.1556), with and without batch normalisation.

use super::Architecture;
use super::net::{Conv, Net};

pub(super) const ARCHITECTURES: [Architecture; 8] = [
    vgg("vgg11", |net, n| describe(net, n, [1, 1, 2, 2, 2], false)),
    vgg("vgg13", |net, n| describe(net, n, [2, 2, 2, 2, 2], false)),
    vgg("vgg16", |net, n| describe(net, n, [2, 2, 3, 3, 3], false)),
    vgg("vgg19", |net, n| describe(net, n, [2, 2, 4, 4, 4], false)),
    vgg("vgg11_bn", |net, n| describe(net, n, [1, 1, 2, 2, 2], true)),
    vgg("vgg13_bn", |net, n| describe(net, n, [2, 2, 2, 2, 2], true)),
    vgg("vgg16_bn", |net, n| describe(net, n, [2, 2, 3, 3, 3], true)),
    vgg("vgg19_bn", |net, n| describe(net, n, [2, 2, 4, 4, 4], true)),
];

/// Channels of each stage.
const WIDTHS: [usize; 5] = [64, 128, 256, 512, 512];
/// Height and width that the classifier takes.
const POOLED: usize = 7;
/// Units of the hidden linear layers.
const HIDDEN: usize = 4096;

const fn vgg(name: &'static str, describe: fn(&mut Net, usize)) -> Architecture {
    Architecture::new(name, "classifier.6.weight", describe).also_named(timm)
}

/// A network of stages with so many convolutions each.
fn describe(net: &mut Net, n_classes: usize, depths: [usize; 5], batch_norm: bool) {
    let mut index = 0;
    let mut next = || {
        index += 1;
        format!("features.{}", index - 1)
    };
    let mut x = net.input();
    for (width, depth) in WIDTHS.into_iter().zip(depths) {
        for _ in 0..depth {
            x = net.conv(&next(), x, Conv::new(width, 3).padding(1).bias());
            if batch_norm {
                x = net.batch_norm(&next(), x);
            }
            x = net.relu(&next(), x);
        }
        x = net.max_pool(&next(), x, (2, 2, 0), false);
    }
    net.alias("features", x);
    let x = net.adaptive_average_pool("avgpool", x, POOLED);
    let x = net.flatten("flatten", x, POOLED * POOLED);
    let x = net.linear("classifier.0", x, HIDDEN);
    let x = net.relu("classifier.1", x);
    net.alias("classifier.2", x);
    let x = net.linear("classifier.3", x, HIDDEN);
    let x = net.relu("classifier.4", x);
    net.alias("classifier.5", x);
    let x = net.linear("classifier.6", x, n_classes);
    net.alias("classifier", x);
}

/// timm has convolutions in place of the first two linear layers; their weights have the same order.
fn timm(name: &str) -> String {
    for (own, other) in [
        ("classifier.0.", "pre_logits.fc1."),
        ("classifier.3.", "pre_logits.fc2."),
        ("classifier.6.", "head.fc."),
    ] {
        if let Some(tensor) = name.strip_prefix(own) {
            return format!("{other}{tensor}");
        }
    }
    name.to_string()
}
