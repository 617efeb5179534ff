//! The resampler against Pillow and against laws of interpolation.

use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::npy::NpzFile;

fn whole(len: usize) -> Span {
    Span { start: 0, len }
}

fn resize(image: &RgbImage, size: (usize, usize), interpolation: Interpolation) -> RgbImage {
    resize_window(image, size, (whole(size.0), whole(size.1)), interpolation)
}

#[test]
fn every_value_is_pillows() {
    let fixtures = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/fixtures/pillow_resize.npz"
    );
    let mut fixtures = NpzFile::open(Path::new(fixtures)).unwrap();
    let read = |fixtures: &mut NpzFile, key: &str| {
        let array = fixtures.read(key).unwrap();
        RgbImage {
            height: array.shape()[0],
            width: array.shape()[1],
            pixels: array.bytes().to_vec(),
        }
    };
    let image = read(&mut fixtures, "image");
    let keys = fixtures.keys();
    assert_eq!(keys.len(), 2 + 3 * 7);
    for key in keys.iter().filter(|key| key.contains('/')) {
        let expected = read(&mut fixtures, key);
        let interpolation = key.split('/').next().unwrap().parse().unwrap();
        let found = resize(&image, (expected.width, expected.height), interpolation);
        assert_eq!(found, expected, "{key}");
    }
}

#[test]
fn grey_is_pillows() {
    let fixtures = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/fixtures/pillow_resize.npz"
    );
    let mut fixtures = NpzFile::open(Path::new(fixtures)).unwrap();
    let (image, grey) = (
        fixtures.read("image").unwrap(),
        fixtures.read("grey").unwrap(),
    );
    let mut found = RgbImage {
        height: image.shape()[0],
        width: image.shape()[1],
        pixels: image.bytes().to_vec(),
    };
    found.make_grey();
    let expected: Vec<u8> = grey.bytes().iter().flat_map(|&luma| [luma; 3]).collect();
    assert_eq!(found.pixels, expected);
}

#[test]
fn fixed_point_weights_sum_to_one_within_their_rounding() {
    for kernel in [
        Kernel {
            support: 1.0,
            weight: triangle,
        },
        Kernel {
            support: 2.0,
            weight: cubic,
        },
    ] {
        for (input, output) in [(288, 256), (500, 256), (7, 256), (3000, 224), (2, 1)] {
            let taps = Taps::new(input, output, whole(output), kernel);
            for (span, weights) in taps.iter() {
                assert!(span.start + span.len <= input);
                let sum: i64 = weights.iter().map(|&weight| i64::from(weight)).sum();
                assert!((sum - (1 << PRECISION_BITS)).unsigned_abs() as usize <= weights.len());
            }
        }
    }
}

#[test]
fn interpolation_names_are_read_as_they_are_written() {
    for kind in [
        Interpolation::Nearest,
        Interpolation::Bilinear,
        Interpolation::Bicubic,
    ] {
        assert_eq!(kind.to_string().parse(), Ok(kind));
    }
    let message = "cubic".parse::<Interpolation>().unwrap_err();
    assert!(
        message.contains("nearest, bilinear and bicubic"),
        "{message}"
    );
}

fn any_interpolation() -> impl Strategy<Value = Interpolation> {
    prop_oneof![
        Just(Interpolation::Nearest),
        Just(Interpolation::Bilinear),
        Just(Interpolation::Bicubic),
    ]
}

prop_compose! {
    fn any_image()(width in 1usize..24, height in 1usize..24)(
        pixels in proptest::collection::vec(any::<u8>(), width * height * 3),
        width in Just(width), height in Just(height),
    ) -> RgbImage {
        RgbImage { width, height, pixels }
    }
}

proptest! {
    #[test]
    fn resizing_to_the_same_size_changes_nothing(
        image in any_image(), interpolation in any_interpolation(),
    ) {
        prop_assert_eq!(resize(&image, (image.width, image.height), interpolation), image);
    }

    #[test]
    fn a_constant_image_stays_constant(
        colour in any::<[u8; 3]>(),
        from in (1usize..40, 1usize..40), to in (1usize..40, 1usize..40),
        interpolation in any_interpolation(),
    ) {
        let (width, height) = from;
        let image = RgbImage { width, height, pixels: colour.repeat(width * height) };
        prop_assert_eq!(resize(&image, to, interpolation).pixels, colour.repeat(to.0 * to.1));
    }

    #[test]
    fn a_window_is_a_part_of_the_whole(
        image in any_image(), to in (1usize..30, 1usize..30),
        cut in any::<[prop::sample::Index; 4]>(),
        interpolation in any_interpolation(),
    ) {
        let span = |size: usize, start: prop::sample::Index, len: prop::sample::Index| {
            let start = start.index(size);
            Span { start, len: 1 + len.index(size - start) }
        };
        let columns = span(to.0, cut[0], cut[1]);
        let rows = span(to.1, cut[2], cut[3]);
        let part = resize_window(&image, to, (columns, rows), interpolation);
        let whole = resize(&image, to, interpolation);
        prop_assert_eq!((part.width, part.height), (columns.len, rows.len));
        for (y, row) in part.pixels.chunks_exact(columns.len * 3).enumerate() {
            let start = ((rows.start + y) * to.0 + columns.start) * 3;
            prop_assert_eq!(row, &whole.pixels[start..start + row.len()]);
        }
    }

    #[test]
    fn swapping_rows_and_columns_of_a_linear_resize_in_one_direction_swaps_the_result(
        image in any_image(), width in 1usize..30,
    ) {
        let swap = |image: &RgbImage| {
            let mut pixels = Vec::with_capacity(image.pixels.len());
            for x in 0..image.width {
                for y in 0..image.height {
                    pixels.extend_from_slice(&image.pixels[(y * image.width + x) * 3..][..3]);
                }
            }
            RgbImage { width: image.height, height: image.width, pixels }
        };
        let across = resize(&image, (width, image.height), Interpolation::Bilinear);
        let down = resize(&swap(&image), (image.height, width), Interpolation::Bilinear);
        prop_assert_eq!(swap(&down), across);
    }
}
