//! Preprocessing by name.

use std::sync::LazyLock;

use super::{Colours, Placement, Preprocess};
use crate::error::DataError;
use crate::resample::Interpolation;

/// Means of ImageNet's red, green and blue, as nearly every torchvision model uses them.
const IMAGENET_MEAN: [f32; 3] = [0.485, 0.456, 0.406];
/// Standard deviations of ImageNet's red, green and blue.
const IMAGENET_STD: [f32; 3] = [0.229, 0.224, 0.225];

/// The transforms that torchvision keeps with its weights; `scripts/torchvision_transforms.py` wrote
/// the table.
static TORCHVISION: LazyLock<Vec<Transforms>> = LazyLock::new(|| {
    include_str!("../../assets/torchvision_transforms.tsv")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(Transforms::parse)
        .collect()
});

/// A line of the table.
struct Transforms {
    /// The network's name; with another version of its weights than `IMAGENET1K_V1`, that behind it.
    name: &'static str,
    resize: u32,
    crop: u32,
    interpolation: Interpolation,
    mean: [f32; 3],
    std: [f32; 3],
}

impl Transforms {
    fn parse(line: &'static str) -> Option<Transforms> {
        let mut fields = line.split('\t');
        Some(Transforms {
            name: fields.next()?,
            resize: fields.next()?.parse().ok()?,
            crop: fields.next()?.parse().ok()?,
            interpolation: fields.next()?.parse().ok()?,
            mean: channels(fields.next()?)?,
            std: channels(fields.next()?)?,
        })
    }
}

fn channels(text: &str) -> Option<[f32; 3]> {
    let values: Option<Vec<f32>> = text.split(',').map(|value| value.parse().ok()).collect();
    values?.try_into().ok()
}

/// torchvision's transforms of those sides.
pub(super) fn imagenet(resize: u32, crop: u32, interpolation: Interpolation) -> Preprocess {
    Preprocess {
        resize: Some(resize),
        interpolation,
        crop: Some(crop),
        scale: super::WHITE,
        mean: IMAGENET_MEAN,
        std: IMAGENET_STD,
        colours: Colours::Rgb,
        placement: Placement::Planes,
    }
}

impl Preprocess {
    /// The names [`preset`](Self::preset) takes, besides those of torchvision's networks.
    pub const PRESETS: [&str; 6] = ["imagenet", "cifar10", "mnist", "caffe", "tf", "none"];

    /// A preset by name:
    ///
    /// | name | resize, crop | values |
    /// |---|---|---|
    /// | `imagenet` | 256 bilinear, 224 | x/255, ImageNet's mean and std |
    /// | a torchvision network, such as `resnet50` | those of its weights `IMAGENET1K_V1` | theirs |
    /// | the same with `_v2` or another version, such as `resnet50_v2` | those of that version | theirs |
    /// | `caffe` | 256 bilinear, 224 | x − (123.68, 116.779, 103.939) as blue, green, red: Keras' mode `caffe` |
    /// | `tf` | 256 bilinear, 224 | x/127.5 − 1: Keras' mode `tf` |
    /// | `cifar10` | no | as `imagenet` |
    /// | `mnist` | no | grey, x/255, mean 0.1307, std 0.3081 |
    /// | `none` | no | x/255 |
    ///
    /// # Errors
    /// [`DataError::Preprocess`] for another name.
    pub fn preset(name: &str) -> Result<Self, DataError> {
        let unresized = Self {
            resize: None,
            crop: None,
            ..Self::default()
        };
        Ok(match name {
            "imagenet" => Self::default(),
            "cifar10" => unresized,
            "mnist" => Self {
                mean: [0.1307; 3],
                std: [0.3081; 3],
                colours: Colours::Grey,
                ..unresized
            },
            "caffe" => Self {
                scale: 1.0,
                mean: [123.68, 116.779, 103.939],
                std: [1.0; 3],
                colours: Colours::Bgr,
                ..Self::default()
            },
            "tf" => Self {
                scale: 127.5,
                mean: [1.0; 3],
                std: [1.0; 3],
                ..Self::default()
            },
            "none" => Self {
                mean: [0.0; 3],
                std: [1.0; 3],
                ..unresized
            },
            _ => return Self::of_network(name).ok_or_else(|| unknown(name)),
        })
    }

    /// The transforms that torchvision keeps with the weights of one of its networks.
    pub fn of_network(name: &str) -> Option<Self> {
        let found = TORCHVISION.iter().find(|known| known.name == name)?;
        Some(Self {
            mean: found.mean,
            std: found.std,
            ..imagenet(found.resize, found.crop, found.interpolation)
        })
    }
}

fn unknown(name: &str) -> DataError {
    let known = TORCHVISION.iter().map(|known| known.name);
    let known: Vec<&str> = Preprocess::PRESETS.into_iter().chain(known).collect();
    let nearest = crate::classes::nearest(name, &known);
    DataError::Preprocess(format!(
        "unknown preset `{name}`{}; allowed are {}, and torchvision's networks, such as resnet50 for its \
         weights IMAGENET1K_V1 or resnet50_v2",
        match nearest.as_slice() {
            [] => String::new(),
            nearest => format!(" (nearest: {})", nearest.join(", ")),
        },
        Preprocess::PRESETS.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sides(name: &str) -> (u32, u32, Interpolation) {
        let preset = Preprocess::preset(name).unwrap();
        (
            preset.resize.unwrap(),
            preset.crop.unwrap(),
            preset.interpolation,
        )
    }

    #[test]
    fn torchvision_networks_have_their_own_transforms() {
        use Interpolation::{Bicubic, Bilinear};
        for (name, expected) in [
            ("resnet50", (256, 224, Bilinear)),
            ("resnet50_v2", (232, 224, Bilinear)),
            ("inception_v3", (342, 299, Bilinear)),
            ("efficientnet_b0", (256, 224, Bicubic)),
            ("efficientnet_b7", (600, 600, Bicubic)),
            ("convnext_tiny", (236, 224, Bilinear)),
            ("vit_b_16", (256, 224, Bilinear)),
            ("vit_b_16_swag_e2e_v1", (384, 384, Bicubic)),
        ] {
            assert_eq!(sides(name), expected, "{name}");
        }
    }

    #[test]
    fn every_line_of_the_table_is_read() {
        let table = include_str!("../../assets/torchvision_transforms.tsv");
        let lines = table.lines().filter(|line| !line.starts_with('#'));
        assert_eq!(TORCHVISION.len(), lines.count());
        assert!(TORCHVISION.len() > 80);
        for known in TORCHVISION.iter() {
            Preprocess::preset(known.name).unwrap().validate().unwrap();
        }
    }

    #[test]
    fn an_unknown_preset_is_named_with_the_nearest_and_those_that_are_known() {
        let message = Preprocess::preset("imagenett").unwrap_err().to_string();
        for part in [
            "(nearest: `imagenet`)",
            "cifar10, mnist, caffe, tf, none",
            "resnet50_v2",
        ] {
            assert!(message.contains(part), "{message}");
        }
    }
}
