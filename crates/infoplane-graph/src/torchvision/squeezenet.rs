//! SqueezeNet (Iandola et al. 2016, arXiv 1602.07360).

use super::Architecture;
use super::net::{Conv, Feature, Net};

pub(super) const ARCHITECTURES: [Architecture; 2] = [
    squeezenet("squeezenet1_0", |net, n| {
        describe(net, n, Conv::new(96, 7), [2, 6, 11]);
    }),
    squeezenet("squeezenet1_1", |net, n| {
        describe(net, n, Conv::new(64, 3), [2, 5, 8]);
    }),
];

/// Channels of the fire modules: squeezed, and of each of the two expansions.
const FIRES: [(usize, usize); 8] = [
    (16, 64),
    (16, 64),
    (32, 128),
    (32, 128),
    (48, 192),
    (48, 192),
    (64, 256),
    (64, 256),
];
/// Modules of `features`.
const N_FEATURES: usize = 13;

const fn squeezenet(name: &'static str, describe: fn(&mut Net, usize)) -> Architecture {
    Architecture::new(name, "classifier.1.weight", describe)
}

/// A network with this stem and pools at these places among its features.
fn describe(net: &mut Net, n_classes: usize, stem: Conv, pools: [usize; 3]) {
    let input = net.input();
    let x = net.conv("features.0", input, stem.stride(2).bias());
    let mut x = net.relu("features.1", x);
    let mut fires = FIRES.into_iter();
    for index in 2..N_FEATURES {
        let name = format!("features.{index}");
        x = match pools.contains(&index) {
            true => net.max_pool(&name, x, (3, 2, 0), true),
            false => match fires.next() {
                Some((squeezed, expanded)) => fire(net, &name, x, squeezed, expanded),
                None => x,
            },
        };
    }
    net.alias("features", x);
    net.alias("classifier.0", x);
    let x = net.conv("classifier.1", x, Conv::new(n_classes, 1).bias());
    let x = net.relu("classifier.2", x);
    let x = net.global_average_pool("classifier.3", x);
    net.alias("classifier", x);
    net.flatten("flatten", x, 1);
}

fn fire(net: &mut Net, name: &str, x: Feature, squeezed: usize, expanded: usize) -> Feature {
    let at = |module: &str| format!("{name}.{module}");
    let x = net.conv(&at("squeeze"), x, Conv::new(squeezed, 1).bias());
    let x = net.relu(&at("squeeze_activation"), x);
    let small = net.conv(&at("expand1x1"), x, Conv::new(expanded, 1).bias());
    let small = net.relu(&at("expand1x1_activation"), small);
    let large = Conv::new(expanded, 3).padding(1).bias();
    let large = net.conv(&at("expand3x3"), x, large);
    let large = net.relu(&at("expand3x3_activation"), large);
    net.concat(name, &[small, large])
}
