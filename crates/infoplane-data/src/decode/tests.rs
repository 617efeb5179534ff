//! Decoders against Pillow, and against broken files.

use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::*;
use crate::npy::NpzFile;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(fixtures().join("images").join(name)).unwrap()
}

/// Share of values that differ from Pillow's, and the largest difference, by file.
fn differences(prefix: &str) -> Vec<(String, f64, u8)> {
    let mut expected = NpzFile::open(&fixtures().join("pillow_decode.npz")).unwrap();
    let names: Vec<String> = expected
        .keys()
        .into_iter()
        .filter(|name| name.starts_with(prefix))
        .collect();
    assert!(!names.is_empty());
    names
        .into_iter()
        .map(|name| {
            let expected = expected.read(&name).unwrap();
            let found = decode(&fixture(&name)).unwrap_or_else(|reason| panic!("{name}: {reason}"));
            assert_eq!([found.height, found.width, 3], expected.shape(), "{name}");
            let pairs = found.pixels.iter().zip(expected.bytes());
            let off: Vec<u8> = pairs.map(|(a, b)| a.abs_diff(*b)).collect();
            let differing = off.iter().filter(|&&difference| difference > 0).count();
            let largest = off.iter().copied().max().unwrap_or(0);
            (name, differing as f64 / off.len() as f64, largest)
        })
        .collect()
}

#[test]
fn jpeg_png_bmp_and_gif_are_decoded_as_pillow_does() {
    let all = ["jpeg", "png", "bmp", "gif", "webp_lossless"];
    let all = all.into_iter().flat_map(differences);
    let other: Vec<_> = all.filter(|(_, _, largest)| *largest > 0).collect();
    assert!(other.is_empty(), "{other:?}");
}

#[test]
fn lossy_webp_is_decoded_nearly_as_pillow_does() {
    for (name, share, largest) in differences("webp_lossy") {
        assert!(
            largest <= 2,
            "{name}: {share} of the values differ, by up to {largest}"
        );
    }
}

#[test]
fn what_is_no_image_is_said_to_be_none() {
    for (bytes, reason) in [
        (&b""[..], "the file is empty"),
        (b"hello, world", "not a JPEG, PNG, BMP, GIF or WebP image"),
        (b"\xFF\xD8", "truncated"),
        (b"\xFF\xD8\xFF\xD9", "no frame"),
        (b"\x89PNG\r\n\x1a\n", ""),
    ] {
        let message = decode(bytes).unwrap_err();
        assert!(message.contains(reason), "{message}");
    }
}

#[test]
fn a_jpeg_cut_anywhere_is_refused() {
    for name in [
        "jpeg_420.jpg",
        "jpeg_restarts.jpg",
        "jpeg_420_progressive.jpg",
    ] {
        let bytes = fixture(name);
        // Up to the end-of-image marker, and in a sequential file up to the image's last byte.
        for length in 0..bytes.len() - 3 {
            assert!(decode(&bytes[..length]).is_err(), "{name} cut to {length}");
        }
    }
}

#[test]
fn a_sequential_jpeg_needs_no_end_marker() {
    let bytes = fixture("jpeg_420.jpg");
    assert_eq!(decode(&bytes[..bytes.len() - 2]), decode(&bytes));
}

#[test]
fn a_jpeg_that_lies_about_its_size_is_refused_before_memory_is_taken() {
    let mut bytes = fixture("jpeg_420.jpg");
    let frame = bytes
        .windows(2)
        .position(|pair| pair == [0xFF, 0xC0])
        .unwrap();
    bytes[frame + 5..frame + 9].copy_from_slice(&[0x2F, 0xFF, 0x2F, 0xFF]);
    assert!(decode(&bytes).unwrap_err().contains("truncated"));
    bytes[frame + 5..frame + 9].copy_from_slice(&[0xFF; 4]);
    assert!(decode(&bytes).unwrap_err().contains("65535 × 65535 pixels"));
}

#[test]
fn variants_that_are_not_decoded_are_named() {
    let bytes = fixture("jpeg_420.jpg");
    let frame = bytes
        .windows(2)
        .position(|pair| pair == [0xFF, 0xC0])
        .unwrap();
    for (offset, value, reason) in [
        (1, 0xC9, "arithmetic coding"),
        (1, 0xC3, "lossless"),
        (4, 12, "12 bits a sample"),
        (9, 2, "2 colour components"),
        (11, 0x32, "fractional sampling factors"),
    ] {
        let mut bytes = bytes.clone();
        bytes[frame + offset] = value;
        if value == 0x32 {
            bytes[frame + 14] = 0x22;
        }
        let message = decode(&bytes).unwrap_err();
        assert!(message.contains(reason), "{message}");
    }
}

const BROKEN: [&str; 10] = [
    "jpeg_420.jpg",
    "jpeg_420_progressive.jpg",
    "jpeg_restarts_progressive.jpg",
    "jpeg_cmyk.jpg",
    "jpeg_grey.jpg",
    "png_rgba.png",
    "png_palette.png",
    "bmp_rgb.bmp",
    "gif.gif",
    "webp_lossy.webp",
];

const SIGNATURES: [&[u8]; 5] = [
    b"\xFF\xD8\xFF",
    b"\x89PNG\r\n\x1a\n",
    b"BM",
    b"GIF89a",
    b"RIFF\x40\0\0\0WEBPVP8 ",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn broken_bytes_never_panic(
        which in 0..BROKEN.len(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
        length in any::<prop::sample::Index>(), cut in any::<bool>(),
    ) {
        let mut bytes = fixture(BROKEN[which]);
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if cut {
            bytes.truncate(length.index(bytes.len()));
        }
        if let Ok(image) = decode(&bytes) {
            prop_assert_eq!(image.pixels.len(), image.width * image.height * 3);
        }
    }

    #[test]
    fn noise_after_a_signature_never_panics(
        signature in prop::sample::select(SIGNATURES.to_vec()),
        noise in proptest::collection::vec(any::<u8>(), 0..300),
    ) {
        let _ = decode(&[signature, &noise].concat());
    }
}

#[test]
fn a_palette_that_ends_within_a_colour_is_no_panic() {
    let broken = include_bytes!("../../tests/fixtures/broken/palette_cut.png");
    assert!(decode(broken).unwrap_err().contains("broken"));
}
