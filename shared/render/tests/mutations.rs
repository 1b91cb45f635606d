//! Real files with damage of every kind: a rendition within its limit, or a reason; never a panic.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::io::Cursor;
use std::sync::LazyLock;

use attache_render::{Format, Shape, Target, document, picture};
use image::{DynamicImage, ImageFormat, imageops};
use proptest::prelude::*;

/// Small pictures of every format that is read.
static PICTURES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let photo = include_bytes!("../../../tests/media/photo.jpg");
    let photo = image::load_from_memory(photo).unwrap().thumbnail(96, 64);
    let encoded = |image: &DynamicImage, format| {
        let mut bytes = Cursor::new(Vec::new());
        image.write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    };
    let deep = DynamicImage::ImageLuma16(imageops::resize(
        &photo.to_luma16(),
        40,
        30,
        imageops::Nearest,
    ));
    let made = [
        (&photo, ImageFormat::Jpeg),
        (&photo, ImageFormat::Png),
        (&deep, ImageFormat::Png),
        (&photo, ImageFormat::Bmp),
        (&photo, ImageFormat::Tiff),
        (&photo, ImageFormat::WebP),
        (&photo, ImageFormat::Gif),
    ];
    let samples = [
        include_bytes!("../../../tests/media/anim.gif").to_vec(),
        include_bytes!("../../../tests/media/animation.webp").to_vec(),
        include_bytes!("../../../tests/media/sticker.webp").to_vec(),
    ];
    let made = made.map(|(image, format)| encoded(image, format));
    made.into_iter().chain(samples).collect()
});

/// One piece of damage: where (in parts of 65 536), what, and with what.
type Damage = (u16, u8, u32);

fn damaged(mut bytes: Vec<u8>, damages: &[Damage]) -> Vec<u8> {
    for (place, what, with) in damages {
        if bytes.is_empty() {
            break;
        }
        // Most of what can go wrong stands in the first bytes.
        let whole = if what % 2 == 0 {
            bytes.len()
        } else {
            bytes.len().min(256)
        };
        let at = usize::from(*place) * whole / 65_536;
        let piece = with.to_le_bytes();
        match what % 7 {
            0 | 1 => bytes[at] = piece[0],
            2 => bytes[at] ^= 1 << (with % 8),
            3 => bytes.truncate(at),
            4 => drop(bytes.splice(at..at, piece)),
            5 => drop(bytes.drain(at..bytes.len().min(at + usize::from(piece[0])))),
            _ => {
                let end = bytes.len().min(at + 4);
                bytes[at..end].copy_from_slice(&piece[..end - at]);
            }
        }
    }
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(800))]

    #[test]
    fn pictures(
        which in any::<prop::sample::Index>(),
        damages in prop::collection::vec(any::<Damage>(), 0..6),
        png: bool,
    ) {
        let bytes = damaged(which.get(&PICTURES).clone(), &damages);
        let format = if png { Format::Png } else { Format::Jpeg };
        let target = Target { format, max_bytes: 6_000, max_side: Some(200) };
        if let Ok(made) = picture(&bytes, &target) {
            prop_assert!(made.bytes.len() <= 6_000);
            prop_assert!(image::load_from_memory(&made.bytes).is_ok());
        }
    }

    #[test]
    fn texts(bytes in prop::collection::vec(any::<u8>(), 0..2000), text in ".{0,300}", table: bool) {
        let shape = if table { Shape::Table } else { Shape::Text };
        for bytes in [bytes.as_slice(), text.as_bytes()] {
            if let Ok(made) = document(bytes, shape, &text) {
                prop_assert!(made.bytes.starts_with(b"%PDF-"));
            }
        }
    }
}
