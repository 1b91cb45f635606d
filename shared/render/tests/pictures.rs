//! Pictures of real encoders, and what is left of them: their size, their orientation, no place.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::io::Cursor;

use attache_render::{Change, Format, Rendition, Target, Unconvertible, picture};
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Rgb, RgbImage, RgbaImage};

macro_rules! sample {
    ($name:literal) => {
        include_bytes!(concat!("../../../tests/media/", $name))
    };
}

const JPEG: Target = Target {
    format: Format::Jpeg,
    max_bytes: 5_000_000,
    max_side: None,
};
const PNG: Target = Target {
    format: Format::Png,
    ..JPEG
};

fn read(rendition: &Rendition) -> DynamicImage {
    let format = match rendition.media_type {
        "image/jpeg" => ImageFormat::Jpeg,
        _ => ImageFormat::Png,
    };
    image::load_from_memory_with_format(&rendition.bytes, format).unwrap()
}

fn encoded(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// Left half red, right half blue.
fn two_halves() -> DynamicImage {
    let colour = |x, _| {
        if x < 40 {
            Rgb([250, 0, 0])
        } else {
            Rgb([0, 0, 250])
        }
    };
    DynamicImage::ImageRgb8(RgbImage::from_fn(80, 40, colour))
}

/// A JPEG with a description of camera and place, whose orientation is this.
fn described(orientation: u8) -> Vec<u8> {
    let jpeg = encoded(&two_halves(), ImageFormat::Jpeg);
    let mut tiff = b"II\x2a\0\x08\0\0\0\x02\0".to_vec();
    tiff.extend([0x12, 1, 3, 0, 1, 0, 0, 0, orientation, 0, 0, 0]);
    tiff.extend([0x0F, 1, 2, 0, 8, 0, 0, 0, 38, 0, 0, 0, 0, 0, 0, 0]);
    tiff.extend(b"GPS-HERE");
    let mut exif = b"Exif\0\0".to_vec();
    exif.extend(tiff);
    let length = u16::try_from(exif.len() + 2).unwrap().to_be_bytes();
    [&jpeg[..2], &[0xFF, 0xE1], &length, &exif, &jpeg[2..]].concat()
}

#[test]
fn samples_become_what_is_asked_for() {
    for (bytes, target, size, flattened) in [
        (&sample!("anim.gif")[..], PNG, (160, 160), false),
        (sample!("anim.gif"), JPEG, (160, 160), false),
        (sample!("animation.webp"), JPEG, (160, 160), false),
        (sample!("sticker.webp"), PNG, (512, 512), false),
        (sample!("sticker.webp"), JPEG, (512, 512), true),
        (sample!("screenshot.png"), JPEG, (900, 420), false),
        (sample!("photo.jpg"), JPEG, (1280, 853), false),
    ] {
        let made = picture(bytes, &target).unwrap();
        let image = read(&made);
        assert_eq!((image.width(), image.height()), size);
        assert_eq!(made.changes.contains(&Change::Flattened), flattened);
    }
    for format in [ImageFormat::Bmp, ImageFormat::Tiff] {
        let made = picture(&encoded(&two_halves(), format), &PNG).unwrap();
        assert_eq!(read(&made), two_halves(), "{format:?}");
        assert_eq!(made.changes, []);
    }
}

#[test]
fn a_rendition_is_as_large_as_it_may_be_and_no_larger() {
    let photo = sample!("photo-1mb.jpg");
    for (max_bytes, max_side) in [
        (500_000, None),
        (100_000, None),
        (20_000, None),
        (2_000_000, Some(640)),
        (3_000, Some(640)),
    ] {
        for format in [Format::Jpeg, Format::Png] {
            let target = Target {
                format,
                max_bytes,
                max_side,
            };
            let made = picture(photo, &target).unwrap();
            let length = made.bytes.len() as u64;
            assert!(length <= max_bytes, "{target:?}: {length}");
            // Not much smaller than it needs to be, unless the side says so.
            let image = read(&made);
            let longer = image.width().max(image.height());
            let is_full = length > max_bytes / 2 || Some(longer) == max_side;
            assert!(is_full, "{target:?}: {length} bytes, {longer} pixels");
            let to = (image.width(), image.height());
            let from = (2600, 1733);
            assert_eq!(made.changes, [Change::Scaled { from, to }]);
        }
    }
    let impossible = Target {
        max_bytes: 100,
        ..JPEG
    };
    let limit = Unconvertible::Limit { limit: 100 };
    assert_eq!(picture(photo, &impossible), Err(limit));
}

#[test]
fn the_camera_says_which_way_is_up_and_nothing_else() {
    for (orientation, size, is_red_at) in [
        (1, (80, 40), (10, 20)),
        (2, (80, 40), (70, 20)),
        (3, (80, 40), (70, 20)),
        (6, (40, 80), (20, 10)),
        (8, (40, 80), (20, 70)),
    ] {
        let original = described(orientation);
        assert!(original.windows(8).any(|part| part == b"GPS-HERE"));
        let made = picture(&original, &JPEG).unwrap();
        let image = read(&made).into_rgb8();
        assert_eq!(image.dimensions(), size, "orientation {orientation}");
        let [red, _, blue] = image.get_pixel(is_red_at.0, is_red_at.1).0;
        assert!(red > 200 && blue < 60, "orientation {orientation}");
        assert!(!made.bytes.windows(4).any(|part| part == b"Exif"));
        assert!(!made.bytes.windows(8).any(|part| part == b"GPS-HERE"));
    }
}

#[test]
fn what_is_transparent_is_laid_on_white() {
    let glass = RgbaImage::from_pixel(20, 20, image::Rgba([0, 0, 0, 0]));
    let png = encoded(&DynamicImage::ImageRgba8(glass), ImageFormat::Png);
    let made = picture(&png, &JPEG).unwrap();
    let image = read(&made).into_rgb8();
    assert!(image.pixels().all(|pixel| pixel.0 == [255, 255, 255]));
}

#[test]
fn a_colour_profile_of_red_green_and_blue_is_kept() {
    let mut profile = vec![0; 200];
    profile[16..20].copy_from_slice(b"RGB ");
    for (space, kept) in [(b"RGB ", true), (b"CMYK", false)] {
        profile[16..20].copy_from_slice(space);
        let mut png = Vec::new();
        let mut encoder = image::codecs::png::PngEncoder::new(&mut png);
        image::ImageEncoder::set_icc_profile(&mut encoder, profile.clone()).unwrap();
        two_halves().write_with_encoder(encoder).unwrap();
        let made = picture(&png, &JPEG).unwrap();
        let reader = ImageReader::with_format(Cursor::new(made.bytes), ImageFormat::Jpeg);
        let found = reader.into_decoder().unwrap().icc_profile().unwrap();
        assert_eq!(found.is_some(), kept);
    }
}

#[test]
fn what_costs_too_much_is_refused_before_it_costs() {
    // A bitmap's header of 60 000 × 60 000 pixels, and nothing behind it.
    let mut bitmap = b"BM\x36\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0".to_vec();
    bitmap.extend(60_000_u32.to_le_bytes());
    bitmap.extend(60_000_u32.to_le_bytes());
    bitmap.extend([1, 0, 24, 0]);
    bitmap.extend([0; 24]);
    let (width, height) = (60_000, 60_000);
    let refused = Err(Unconvertible::TooManyPixels { width, height });
    assert_eq!(picture(&bitmap, &JPEG), refused);
    for foreign in [
        &sample!("Rechnung März (1).pdf")[..],
        sample!("invoice.png"),
        b"",
    ] {
        assert_eq!(picture(foreign, &JPEG), Err(Unconvertible::Format));
    }
    let cut = &sample!("screenshot.png")[..2000];
    assert!(matches!(
        picture(cut, &JPEG),
        Err(Unconvertible::Damaged(_))
    ));
}
