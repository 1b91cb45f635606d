//! The longest that a rendition takes: originals at the bounds of what is converted, built to be slow, each beside the time
//! that the function has.

use std::fmt;
use std::time::Instant;

use anyhow::{Context, Result};
use attache_render::{Format, LONGEST_TEXT, Shape, Target, document, picture};
use image::{ExtendedColorType, ImageEncoder};
use serde::Serialize;

use crate::bar::{self, Bar, Side};

/// The sides of the largest square that is decoded.
const SIDE: u32 = 7_071;
/// The time limit of `convert`, in seconds (`template.yaml`), halved: Lambda at 1769 MB is one such core, and it also loads and stores.
const BAR: f64 = 60.0;
/// The least limit that a channel sets on pictures: what makes for the most tries.
const TIGHT: u64 = 100_000;

/// What was measured.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    bench: &'static str,
    build: &'static str,
    bars: Vec<Bar>,
}

/// Makes each rendition once.
///
/// # Errors
/// If an original cannot be made, or there is no rendition of it.
pub(crate) fn measure() -> Result<Report> {
    let pictures = [
        (
            "PNG of 50 million pixels, noise to JPEG",
            noise()?,
            Format::Jpeg,
        ),
        ("the same to PNG", noise()?, Format::Png),
        (
            "JPEG of 50 million pixels in 64 scans",
            scans(),
            Format::Jpeg,
        ),
    ];
    let mut bars = Vec::new();
    for (name, original, format) in pictures {
        let target = Target {
            format,
            max_bytes: TIGHT,
            max_side: None,
        };
        let start = Instant::now();
        picture(&original, &target).with_context(|| name.to_owned())?;
        bars.push(bar(name, start));
    }
    let length = usize::try_from(LONGEST_TEXT)?;
    let rows: String = "a;bb;ccc;dddd\n".chars().cycle().take(length).collect();
    for (name, shape) in [
        ("the longest text", Shape::Text),
        ("the longest table", Shape::Table),
    ] {
        let start = Instant::now();
        // A refusal for its many pages comes as late as an answer.
        drop(document(rows.as_bytes(), shape, "a table"));
        bars.push(bar(name, start));
    }
    Ok(Report {
        bench: "renditions",
        build: crate::build(),
        bars,
    })
}

fn bar(name: &str, start: Instant) -> Bar {
    let took = start.elapsed().as_secs_f64();
    Bar::new(name, (took, " s"), Side::AtMost, BAR)
}

/// A picture that nothing shrinks: numbers without an order.
fn noise() -> Result<Vec<u8>> {
    let mut state = 1_u32;
    let grey: Vec<u8> = (0..SIDE * SIDE)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            // Two bits of noise keep the file within what is converted.
            (state >> 30) as u8
        })
        .collect();
    let mut bytes = Vec::new();
    image::codecs::png::PngEncoder::new(&mut bytes).write_image(
        &grey,
        SIDE,
        SIDE,
        ExtendedColorType::L8,
    )?;
    Ok(bytes)
}

/// A progressive JPEG of one colour: one scan for the averages and 63 that say "nothing more" over and over (ITU-T T.81 §G).
fn scans() -> Vec<u8> {
    let [high, low] = u16::try_from(SIDE).unwrap_or(u16::MAX).to_be_bytes();
    let blocks = (SIDE.div_ceil(8) * SIDE.div_ceil(8)) as usize;
    let table = |class: u8, symbol: u8| {
        let mut bytes = vec![0xFF, 0xC4, 0, 20, class, 1];
        bytes.extend([0; 15]);
        bytes.push(symbol);
        bytes
    };
    let mut bytes = vec![0xFF, 0xD8, 0xFF, 0xDB, 0, 67, 0];
    bytes.extend([1; 64]);
    bytes.extend([0xFF, 0xC2, 0, 11, 8, high, low, high, low, 1, 1, 0x11, 0]);
    bytes.extend(table(0x00, 0));
    // The end of a band for 16384 blocks and as many more as fourteen bits say.
    bytes.extend(table(0x10, 0xE0));
    bytes.extend([0xFF, 0xDA, 0, 8, 1, 1, 0, 0, 0, 0]);
    bytes.extend(std::iter::repeat_n(0, blocks.div_ceil(8)));
    for _ in 0..63 {
        bytes.extend([0xFF, 0xDA, 0, 8, 1, 1, 0, 1, 63, 0]);
        bytes.extend(bands(blocks));
    }
    bytes.extend([0xFF, 0xD9]);
    bytes
}

/// So many blocks of nothing: a code of one bit and fourteen bits of one for 32 767 of them.
fn bands(blocks: usize) -> Vec<u8> {
    let mut bits: Vec<bool> = Vec::new();
    for _ in 0..blocks.div_ceil(32_767) {
        bits.push(false);
        bits.extend([true; 14]);
    }
    bits.resize(bits.len().next_multiple_of(8), true);
    bits.chunks(8)
        .map(|byte| byte.iter().fold(0, |all, bit| all << 1 | u8::from(*bit)))
        .flat_map(|byte| {
            if byte == 0xFF {
                vec![0xFF, 0]
            } else {
                vec![byte]
            }
        })
        .collect()
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} build, each once", self.build)?;
        bar::write_all(f, &self.bars)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bands_are_codes_without_markers() {
        let bytes = bands(781_456);
        assert!(bytes.windows(2).all(|pair| pair[0] != 0xFF || pair[1] == 0));
        assert_eq!(
            bytes.iter().filter(|byte| **byte != 0).count(),
            (24 * 15_usize).div_ceil(8)
        );
    }
}
