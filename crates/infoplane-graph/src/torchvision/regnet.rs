//! RegNet (Radosavovic et al. 2020, arXiv 2003.13678).

use super::Architecture;
use super::blocks::{Activation, conv_norm_activation, squeeze_excitation};
use super::net::{Conv, Feature, Net};

/// Parameters of a network: its channels grow along a quantised line.
struct Params {
    /// Number of blocks.
    depth: usize,
    /// Channels of the first block, before rounding.
    first: f64,
    /// Channels more from block to block, before quantising.
    slope: f64,
    /// Factor of channels from stage to stage, before rounding.
    factor: f64,
    /// Channels of a group.
    group: usize,
}

const fn params(depth: usize, first: f64, slope: f64, factor: f64, group: usize) -> Params {
    Params {
        depth,
        first,
        slope,
        factor,
        group,
    }
}

/// An architecture of the family Y, whose blocks have a squeeze-and-excitation, or X, whose don't.
macro_rules! regnet {
    ($name:literal, $excites:literal, $($param:literal),+) => {
        Architecture::new($name, "fc.weight", |net, n| {
            describe(net, n, &params($($param),+), $excites);
        })
        .also_named(timm)
    };
}

pub(super) const ARCHITECTURES: [Architecture; 14] = [
    regnet!("regnet_y_400mf", true, 16, 48.0, 27.89, 2.09, 8),
    regnet!("regnet_y_800mf", true, 14, 56.0, 38.84, 2.4, 16),
    regnet!("regnet_y_1_6gf", true, 27, 48.0, 20.71, 2.65, 24),
    regnet!("regnet_y_3_2gf", true, 21, 80.0, 42.63, 2.66, 24),
    regnet!("regnet_y_8gf", true, 17, 192.0, 76.82, 2.19, 56),
    regnet!("regnet_y_16gf", true, 18, 200.0, 106.23, 2.48, 112),
    regnet!("regnet_y_32gf", true, 20, 232.0, 115.89, 2.53, 232),
    regnet!("regnet_x_400mf", false, 22, 24.0, 24.48, 2.54, 16),
    regnet!("regnet_x_800mf", false, 16, 56.0, 35.73, 2.28, 16),
    regnet!("regnet_x_1_6gf", false, 18, 80.0, 34.01, 2.25, 24),
    regnet!("regnet_x_3_2gf", false, 25, 88.0, 26.31, 2.25, 48),
    regnet!("regnet_x_8gf", false, 23, 80.0, 49.56, 2.88, 120),
    regnet!("regnet_x_16gf", false, 22, 216.0, 55.59, 2.1, 128),
    regnet!("regnet_x_32gf", false, 23, 320.0, 69.86, 2.0, 168),
];

/// Channels of the stem.
const STEM: usize = 32;

impl Params {
    /// Channels, channels of a group, and number of blocks of each stage.
    fn stages(&self) -> Vec<(usize, usize, usize)> {
        let mut stages: Vec<(usize, usize)> = Vec::new();
        for block in 0..self.depth {
            let line = self.first + self.slope * block as f64;
            let step = ((line / self.first).ln() / self.factor.ln()).round_ties_even();
            let quantised = self.first * self.factor.powf(step) / 8.0;
            let width = 8 * quantised.round_ties_even() as usize;
            match stages.last_mut() {
                Some((last, depth)) if *last == width => *depth += 1,
                _ => stages.push((width, 1)),
            }
        }
        let with_group = |(width, depth): (usize, usize)| {
            let group = self.group.min(width);
            (
                super::blocks::make_divisible(width as f64, group),
                group,
                depth,
            )
        };
        stages.into_iter().map(with_group).collect()
    }
}

fn describe(net: &mut Net, n_classes: usize, params: &Params, excites: bool) {
    let input = net.input();
    let stem = Conv::new(STEM, 3).stride(2).padding(1);
    let mut x = conv_norm_activation(net, "stem", input, stem, Activation::Relu);
    for (stage, (width, group, depth)) in params.stages().into_iter().enumerate() {
        let stage = format!("block{}", stage + 1);
        for index in 0..depth {
            let name = format!("trunk_output.{stage}.{stage}-{index}");
            let stride = if index == 0 { 2 } else { 1 };
            x = block(net, &name, x, (width, group), stride, excites);
        }
        net.alias(&format!("trunk_output.{stage}"), x);
    }
    net.alias("trunk_output", x);
    let x = net.global_average_pool("avgpool", x);
    let x = net.flatten("flatten", x, 1);
    net.linear("fc", x, n_classes);
}

/// A residual block with a bottleneck of its own width; its value is that after its last activation.
fn block(
    net: &mut Net,
    name: &str,
    input: Feature,
    (width, group): (usize, usize),
    stride: usize,
    excites: bool,
) -> Feature {
    let at = |module: &str| format!("{name}.{module}");
    let shortcut = match stride != 1 || input.channels != width {
        true => {
            let conv = Conv::new(width, 1).stride(stride);
            conv_norm_activation(net, &at("proj"), input, conv, Activation::None)
        }
        false => input,
    };
    let x = conv_norm_activation(
        net,
        &at("f.a"),
        input,
        Conv::new(width, 1),
        Activation::Relu,
    );
    let middle = Conv::new(width, 3)
        .padding(1)
        .stride(stride)
        .groups(width / group);
    let mut x = conv_norm_activation(net, &at("f.b"), x, middle, Activation::Relu);
    if excites {
        x = squeeze_excitation(net, &at("f.se"), x, input.channels / 4, Activation::Relu);
    }
    let x = conv_norm_activation(net, &at("f.c"), x, Conv::new(width, 1), Activation::None);
    net.alias(&at("f"), x);
    let sum = net.add_features(&at("add"), shortcut, x);
    let output = net.relu(name, sum);
    net.alias(&at("activation"), output);
    output
}

fn timm(name: &str) -> String {
    timm_name(name).unwrap_or_else(|| name.to_string())
}

/// timm's name of a tensor; `None` where it is the same.
fn timm_name(name: &str) -> Option<String> {
    let (module, tensor) = name.rsplit_once('.')?;
    let part = |index: &str| match index {
        "0" => Some("conv"),
        "1" => Some("bn"),
        _ => None,
    };
    let parts: Vec<&str> = module.split('.').collect();
    let module = match parts.as_slice() {
        ["fc"] => "head.fc".to_string(),
        ["stem", index] => format!("stem.{}", part(index)?),
        ["trunk_output", stage, block, inside @ ..] => {
            let stage = stage.strip_prefix("block")?;
            let block: usize = block.rsplit_once('-')?.1.parse().ok()?;
            let inside = match inside {
                ["proj", index] => format!("downsample.{}", part(index)?),
                ["f", "se", layer] => format!("se.{layer}"),
                ["f", conv @ ("a" | "b" | "c"), index] => {
                    let number = match *conv {
                        "a" => 1,
                        "b" => 2,
                        _ => 3,
                    };
                    format!("conv{number}.{}", part(index)?)
                }
                _ => return None,
            };
            format!("s{stage}.b{}.{inside}", block + 1)
        }
        _ => return None,
    };
    Some(format!("{module}.{tensor}"))
}

#[cfg(test)]
mod tests {
    use super::params;

    #[test]
    fn stages_are_those_of_the_paper() {
        let stages = params(16, 48.0, 27.89, 2.09, 8).stages();
        assert_eq!(stages, [(48, 8, 1), (104, 8, 3), (208, 8, 6), (440, 8, 6)]);
    }
}
