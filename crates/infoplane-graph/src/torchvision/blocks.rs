//! Modules of modules that several architectures are made of.

use super::net::{Conv, Feature, Net};

/// What follows a normalisation.
#[derive(Clone, Copy)]
pub(super) enum Activation {
    None,
    Relu,
    Relu6,
    Silu,
}

/// torchvision's `Conv2dNormActivation`: a convolution, batch normalisation and activation as the modules
/// 0, 1 and 2 of `name`. Its value has the name of the whole.
pub(super) fn conv_norm_activation(
    net: &mut Net,
    name: &str,
    x: Feature,
    conv: Conv,
    activation: Activation,
) -> Feature {
    let at = |module: usize| format!("{name}.{module}");
    let x = net.conv(&at(0), x, conv);
    if let Activation::None = activation {
        let output = net.batch_norm_of(name, &at(1), x);
        net.alias(&at(1), output);
        return output;
    }
    let x = net.batch_norm(&at(1), x);
    let output = match activation {
        Activation::Relu6 => net.relu6(name, x),
        Activation::Silu => net.silu(name, x),
        Activation::Relu | Activation::None => net.relu(name, x),
    };
    net.alias(&at(2), output);
    output
}

/// torchvision's `SqueezeExcitation` of so many hidden channels: every channel times a number between 0 and
/// 1 that depends on all channels' means.
pub(super) fn squeeze_excitation(
    net: &mut Net,
    name: &str,
    x: Feature,
    squeezed: usize,
    activation: Activation,
) -> Feature {
    let at = |module: &str| format!("{name}.{module}");
    let scale = net.global_average_pool(&at("avgpool"), x);
    let scale = net.conv(&at("fc1"), scale, Conv::new(squeezed, 1).bias());
    let scale = match activation {
        Activation::Silu => net.silu(&at("activation"), scale),
        _ => net.relu(&at("activation"), scale),
    };
    let scale = net.conv(&at("fc2"), scale, Conv::new(x.channels, 1).bias());
    let scale = net.sigmoid(&at("scale_activation"), scale);
    net.multiply(name, x, scale)
}

/// The multiple of `divisor` nearest to a number of channels; the next one where it would be smaller by
/// more than a tenth.
pub(super) fn make_divisible(channels: f64, divisor: usize) -> usize {
    let nearest = (channels + divisor as f64 / 2.0) as usize / divisor * divisor;
    let nearest = nearest.max(divisor);
    match (nearest as f64) < 0.9 * channels {
        true => nearest + divisor,
        false => nearest,
    }
}

#[cfg(test)]
mod tests {
    use super::make_divisible;

    #[test]
    fn channels_are_rounded_but_not_by_more_than_a_tenth() {
        let rounded = [3.0, 12.0, 16.0, 35.2, 19.0, 11.5].map(|n| make_divisible(n, 8));
        assert_eq!(rounded, [8, 16, 16, 32, 24, 16]);
    }
}
