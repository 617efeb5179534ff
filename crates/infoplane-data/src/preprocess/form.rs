//! The form of a network's input: which channels, in which order, and how they lie in memory.

use serde::{Deserialize, Serialize};

use super::Preprocess;
use crate::resample::RgbImage;

/// Which channels of an image the network takes, in its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Colours {
    /// Red, green, blue.
    #[default]
    Rgb,
    /// Blue, green, red.
    Bgr,
    /// One: the luma of ITU-R 601-2, as Pillow's `convert("L")`.
    Grey,
}

impl Colours {
    /// Number of channels.
    pub fn n_channels(self) -> usize {
        match self {
            Self::Rgb | Self::Bgr => 3,
            Self::Grey => 1,
        }
    }

    /// Which of red, green and blue the network's channel is. A grey image has the same in all three.
    fn source(self, channel: usize) -> usize {
        match self {
            Self::Rgb => channel,
            Self::Bgr => 2 - channel,
            Self::Grey => 0,
        }
    }

    pub(super) fn is_rgb(&self) -> bool {
        *self == Self::Rgb
    }

    pub(super) fn describe(self) -> Option<String> {
        match self {
            Self::Rgb => None,
            Self::Bgr => Some("channels blue, green, red".into()),
            Self::Grey => Some("grey".into()),
        }
    }
}

/// How the channels lie in the network's input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Placement {
    /// `[C, H, W]`.
    #[default]
    Planes,
    /// `[H, W, C]`, as TensorFlow has them.
    ChannelsLast,
    /// `[H, W]`, of one channel.
    Plane,
    /// `[C·H·W]`: the planes one behind the other.
    Flat,
}

impl Placement {
    pub(super) fn is_planes(&self) -> bool {
        *self == Self::Planes
    }

    pub(super) fn describe(self) -> Option<String> {
        let form = match self {
            Self::Planes => return None,
            Self::ChannelsLast => "height × width × channels",
            Self::Plane => "height × width",
            Self::Flat => "one vector, channel by channel",
        };
        Some(format!("laid out {form}"))
    }

    /// The shape of a sample.
    pub(crate) fn shape(self, channels: usize, height: usize, width: usize) -> Vec<usize> {
        match self {
            Self::Planes => vec![channels, height, width],
            Self::ChannelsLast => vec![height, width, channels],
            Self::Plane => vec![height, width],
            Self::Flat => vec![channels * height * width],
        }
    }
}

/// The form of a network whose samples have these dimensions, those that are free being none:
/// whether it takes one channel, where that can be told, and how the channels lie.
///
/// Three dimensions are `[C, H, W]` where the first is 1 or 3, or the last is neither; else
/// `[H, W, C]`. Two are `[H, W]`. One is flat: three squares, or one.
fn form_of(dims: &[Option<usize>]) -> (Option<bool>, Placement) {
    let grey = |size: Option<usize>| match size {
        Some(1) => Some(true),
        Some(3) => Some(false),
        _ => None,
    };
    match *dims {
        [first, _, last] => match (grey(first), grey(last)) {
            (None, Some(is_grey)) => (Some(is_grey), Placement::ChannelsLast),
            (is_grey, _) => (is_grey, Placement::Planes),
        },
        [_, _] => (Some(true), Placement::Plane),
        [Some(size)] => {
            let is_square = |n: usize| n.isqrt().pow(2) == n;
            (
                Some(!(size % 3 == 0 && is_square(size / 3))),
                Placement::Flat,
            )
        }
        [None] => (None, Placement::Flat),
        _ => (None, Placement::Planes),
    }
}

/// A sample's shape as that of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImageShape {
    /// Channels; any number of them.
    pub channels: usize,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// Whether a pixel's channels lie side by side.
    pub channels_last: bool,
}

impl ImageShape {
    /// That of a sample with a height and a width.
    pub fn of(sample_shape: &[usize]) -> Option<Self> {
        let dims: Vec<Option<usize>> = sample_shape.iter().copied().map(Some).collect();
        let channels_last = form_of(&dims).1 == Placement::ChannelsLast;
        let (channels, height, width) = match *sample_shape {
            [height, width, channels] if channels_last => (channels, height, width),
            [channels, height, width] => (channels, height, width),
            [height, width] => (1, height, width),
            _ => return None,
        };
        Some(Self {
            channels,
            height,
            width,
            channels_last,
        })
    }
}

impl Preprocess {
    /// Takes the form that a network of these sample dimensions wants, free ones being none: images
    /// become grey where it has one channel.
    pub fn fit(&mut self, dims: &[Option<usize>]) {
        let (is_grey, placement) = form_of(dims);
        self.placement = placement;
        match is_grey {
            Some(true) => self.colours = Colours::Grey,
            Some(false) if self.colours == Colours::Grey => self.colours = Colours::Rgb,
            _ => {}
        }
    }

    /// The shape of a sample made of an image of that size.
    pub(crate) fn sample_shape(&self, height: usize, width: usize) -> Vec<usize> {
        let channels = self.colours.n_channels();
        self.placement.shape(channels, height, width)
    }

    /// Writes (x/scale − mean)/std into `out`, which has the image's [`sample_shape`](Self::sample_shape).
    pub(crate) fn normalise(&self, image: &RgbImage, out: &mut [f32]) {
        let plane = image.width * image.height;
        for channel in 0..self.colours.n_channels() {
            let source = self.colours.source(channel);
            let mut table = [0.0; 256];
            for (value, entry) in table.iter_mut().enumerate() {
                *entry = self.normal(value as f32, source);
            }
            let values = image.pixels.chunks_exact(3);
            let values = values.map(|pixel| table[usize::from(pixel[source])]);
            let (start, step) = self.place(channel, plane);
            let places = out[start..].iter_mut().step_by(step);
            places.zip(values).for_each(|(out, value)| *out = value);
        }
    }

    fn normal(&self, value: f32, source: usize) -> f32 {
        (value / self.scale - self.mean[source]) / self.std[source]
    }

    /// Where a channel's first value lies in a sample of planes of `plane` pixels, and how far its
    /// values are apart.
    fn place(&self, channel: usize, plane: usize) -> (usize, usize) {
        match self.placement {
            Placement::ChannelsLast => (channel, self.colours.n_channels()),
            _ => (channel * plane, 1),
        }
    }

    /// A black image of `len` values in the network's form.
    pub fn black(&self, len: usize) -> Vec<f32> {
        let channels = self.colours.n_channels();
        let plane = len / channels;
        let mut row = vec![0.0; len];
        for channel in 0..channels {
            let (start, step) = self.place(channel, plane);
            let black = self.normal(0.0, self.colours.source(channel));
            let places = row[start..].iter_mut().step_by(step).take(plane);
            places.for_each(|out| *out = black);
        }
        row
    }

    /// The 8-bit values of a normalised sample as `[C, H, W]`, red, green and blue or grey: what the
    /// network saw, before scaling and normalisation.
    pub fn pixels(&self, sample: &[f32]) -> Vec<u8> {
        let channels = self.colours.n_channels();
        let plane = sample.len() / channels;
        let mut pixels = Vec::with_capacity(plane * channels);
        // A colour's place in the network's order: each order is its own inverse.
        for source in 0..channels {
            let (start, step) = self.place(self.colours.source(source), plane);
            let (mean, std) = (self.mean[source], self.std[source]);
            let values = sample[start.min(sample.len())..].iter().step_by(step);
            // A float that is cast saturates at 0 and 255.
            let eight_bits = |value: &f32| ((value * std + mean) * self.scale).round() as u8;
            pixels.extend(values.take(plane).map(eight_bits));
        }
        pixels
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normalisation_writes_channel_planes() {
        let image = RgbImage {
            width: 2,
            height: 1,
            pixels: vec![0, 255, 51, 255, 0, 102],
        };
        let mut out = [0.0; 6];
        Preprocess::preset("none")
            .unwrap()
            .normalise(&image, &mut out);
        assert_eq!(out, [0.0, 1.0, 1.0, 0.0, 0.2, 0.4]);
        Preprocess::default().normalise(&image, &mut out);
        assert_eq!(out[1], (1.0f32 - 0.485) / 0.229);
        assert_eq!(out[3], (0.0f32 - 0.456) / 0.224);
    }

    #[test]
    fn keras_modes_are_what_keras_computes() {
        // keras.applications.imagenet_utils.preprocess_input([[[10., 20., 250.]]], mode=…)
        let image = RgbImage {
            width: 1,
            height: 1,
            pixels: vec![10, 20, 250],
        };
        let mut out = [0.0; 3];
        let keras = |name: &str| {
            let mut preset = Preprocess::preset(name).unwrap();
            preset.fit(&[Some(224), Some(224), Some(3)]);
            preset
        };
        keras("caffe").normalise(&image, &mut out);
        assert_eq!(out, [250.0 - 103.939, 20.0 - 116.779, 10.0 - 123.68]);
        keras("tf").normalise(&image, &mut out);
        assert_eq!(out, [10.0, 20.0, 250.0].map(|x: f32| x / 127.5 - 1.0));
    }

    #[test]
    fn channels_lie_last_where_the_network_has_them_last() {
        let image = RgbImage {
            width: 2,
            height: 1,
            pixels: vec![1, 2, 3, 4, 5, 6],
        };
        let written = |dims: &[Option<usize>], scale: f32| {
            let mut preset = Preprocess::preset("none").unwrap();
            preset.scale = scale;
            preset.fit(dims);
            let mut out = vec![0.0; 2 * preset.colours.n_channels()];
            preset.normalise(&image, &mut out);
            (preset.sample_shape(1, 2), out)
        };
        assert_eq!(
            written(&[None, None, Some(3)], 1.0),
            (vec![1, 2, 3], vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
        );
        assert_eq!(
            written(&[Some(3), None, None], 1.0),
            (vec![3, 1, 2], vec![1.0, 4.0, 2.0, 5.0, 3.0, 6.0])
        );
        assert_eq!(
            written(&[Some(12)], 1.0),
            (vec![6], vec![1.0, 4.0, 2.0, 5.0, 3.0, 6.0])
        );
    }

    #[test]
    fn the_form_is_told_from_the_dimensions() {
        use Placement::{ChannelsLast, Flat, Plane, Planes};
        for (dims, expected) in [
            (&[Some(3), Some(224), Some(224)][..], (Some(false), Planes)),
            (&[Some(1), Some(28), Some(28)], (Some(true), Planes)),
            (
                &[Some(224), Some(224), Some(3)],
                (Some(false), ChannelsLast),
            ),
            (&[None, None, Some(1)], (Some(true), ChannelsLast)),
            (&[Some(3), Some(3), Some(3)], (Some(false), Planes)),
            (&[None, None, None], (None, Planes)),
            (&[Some(28), Some(28)], (Some(true), Plane)),
            (&[Some(784)], (Some(true), Flat)),
            (&[Some(3072)], (Some(false), Flat)),
        ] {
            assert_eq!(form_of(dims), expected, "{dims:?}");
        }
    }

    #[test]
    fn pixels_of_a_normalised_image_are_those_it_had() {
        let image = RgbImage {
            width: 16,
            height: 16,
            pixels: (0..256).flat_map(|i| [i as u8, 255 - i as u8, 7]).collect(),
        };
        let planes: Vec<u8> = (0..3)
            .flat_map(|channel| image.pixels.iter().skip(channel).step_by(3).copied())
            .collect();
        for name in Preprocess::PRESETS {
            for dims in [[Some(3), None, None], [None, None, Some(3)]] {
                let mut preprocess = Preprocess::preset(name).unwrap();
                preprocess.fit(&dims);
                let mut sample = vec![0.0; 3 * 256];
                preprocess.normalise(&image, &mut sample);
                assert_eq!(preprocess.pixels(&sample), planes, "{name} {dims:?}");
            }
        }
        let mut grey = Preprocess::preset("mnist").unwrap();
        grey.fit(&[Some(1), None, None]);
        let mut sample = vec![0.0; 256];
        grey.normalise(&image, &mut sample);
        assert_eq!(grey.pixels(&sample), planes[..256]);
    }

    #[test]
    fn black_is_a_black_image() {
        let image = RgbImage {
            width: 3,
            height: 2,
            pixels: vec![0; 18],
        };
        for name in Preprocess::PRESETS {
            for dims in [
                [Some(3), None, None],
                [None, None, Some(3)],
                [Some(1), None, None],
            ] {
                let mut preprocess = Preprocess::preset(name).unwrap();
                preprocess.fit(&dims);
                let mut sample = vec![f32::NAN; 6 * preprocess.colours.n_channels()];
                preprocess.normalise(&image, &mut sample);
                assert_eq!(preprocess.black(sample.len()), sample, "{name} {dims:?}");
            }
        }
    }
}
