//! Images of a smooth blob: many pixels, few degrees of freedom.
//!
//! A blob's place can be read off its pixels, so each image is an invertible function of its latent
//! variables: the information of two images is that of their latents, and a class that is a function
//! of the place is told wholly.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::normal::pairs;
use super::{Task, normal_cdf};

const LATENT: &str = "closed form of the Gaussian latents that the images are a function of";
const FUNCTION: &str = "the class is a function of the image: its entropy";

/// Correlation of each of the two places' latents.
const CORRELATION: f64 = 0.8;

#[derive(Clone, Copy)]
struct Format {
    side: usize,
    colours: usize,
}

const GREY: Format = Format {
    side: 28,
    colours: 1,
};
const COLOUR: Format = Format {
    side: 32,
    colours: 3,
};

impl Format {
    fn width(self) -> usize {
        self.side * self.side * self.colours
    }

    /// A blob at `place`, in units of the image's side, with a strength a colour.
    fn render(self, place: [f64; 2], spread: f64, strength: [f64; 3]) -> Vec<f64> {
        let side = self.side as f64;
        let profile = |centre: f64| -> Vec<f64> {
            (0..self.side)
                .map(|pixel| {
                    let distance = ((pixel as f64 + 0.5) / side - centre) / spread;
                    (-0.5 * distance * distance).exp()
                })
                .collect()
        };
        let (across, down) = (profile(place[0]), profile(place[1]));
        let mut image = Vec::with_capacity(self.width());
        for strength in &strength[..self.colours] {
            for d in &down {
                image.extend(across.iter().map(|a| strength * d * a));
            }
        }
        image
    }
}

pub(super) fn tasks() -> Vec<Task> {
    let latent_information = -(-CORRELATION * CORRELATION).ln_1p();
    let mut tasks = Vec::new();
    for format in [GREY, COLOUR] {
        let width = format.width();
        tasks.push(Task::of_classes(
            format!("image-{width}-side"),
            width,
            2,
            std::f64::consts::LN_2,
            FUNCTION,
            move |rng| {
                let right = rng.random_bool(0.5);
                let place = [half(rng, right), rng.random_range(0.2..0.8)];
                (blob(rng, format, place), usize::from(right))
            },
        ));
        tasks.push(Task::of_classes(
            format!("image-{width}-diagonal"),
            width,
            2,
            std::f64::consts::LN_2,
            FUNCTION,
            move |rng| {
                let class = rng.random_bool(0.5);
                (on_diagonal(rng, format, class), usize::from(class))
            },
        ));
        tasks.push(Task::of_vectors(
            format!("image-{width}-pair"),
            [width, width],
            latent_information,
            LATENT,
            move |rng| {
                let (x, y) = pairs(rng, 2, 2, CORRELATION);
                let mut image = |latent: Vec<f64>| {
                    let place = [latent[0], latent[1]].map(|z| 0.15 + 0.7 * normal_cdf(z));
                    blob(rng, format, place)
                };
                (image(x), image(y))
            },
        ));
        tasks.push(Task::of_vectors(
            format!("image-{width}-shared-class"),
            [width, width],
            std::f64::consts::LN_2,
            "both images tell one class, and are independent given it",
            move |rng| {
                let class = rng.random_bool(0.5);
                let image = on_diagonal(rng, format, class);
                (image, on_diagonal(rng, format, class))
            },
        ));
    }
    tasks
}

/// A place in the right or left half, away from the middle.
fn half(rng: &mut ChaCha8Rng, upper: bool) -> f64 {
    let offset = rng.random_range(0.1..0.3);
    if upper { 0.5 + offset } else { 0.5 - offset }
}

/// Class 1 lies above left or below right, class 0 on the other diagonal: no linear function of the
/// pixels tells them apart.
fn on_diagonal(rng: &mut ChaCha8Rng, format: Format, class: bool) -> Vec<f64> {
    let right = rng.random_bool(0.5);
    let place = [half(rng, right), half(rng, right == class)];
    blob(rng, format, place)
}

/// A blob of random size and strength, which tell nothing.
fn blob(rng: &mut ChaCha8Rng, format: Format, place: [f64; 2]) -> Vec<f64> {
    let spread = rng.random_range(0.06..0.1);
    let strength = std::array::from_fn(|_| rng.random_range(0.5..1.0));
    format.render(place, spread, strength)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    /// The centre of mass of an image's first colour, in units of its side.
    fn centre(image: &[f64], side: usize) -> [f64; 2] {
        let mut sums = [0.0; 3];
        for (index, value) in image[..side * side].iter().enumerate() {
            sums[0] += value;
            sums[1] += value * ((index % side) as f64 + 0.5) / side as f64;
            sums[2] += value * ((index / side) as f64 + 0.5) / side as f64;
        }
        [sums[1] / sums[0], sums[2] / sums[0]]
    }

    #[test]
    fn the_class_can_be_read_off_every_image() {
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        for format in [GREY, COLOUR] {
            for i in 0..200 {
                let class = i % 2 == 0;
                let image = on_diagonal(&mut rng, format, class);
                let [x, y] = centre(&image, format.side);
                assert_eq!((x > 0.5) == (y > 0.5), class, "{x} {y}");
            }
        }
    }
}
