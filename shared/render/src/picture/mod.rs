//! Pictures: decoded under limits, turned upright, made smaller until they fit.

mod scans;

use std::borrow::Cow;
use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::{
    DynamicImage, ImageDecoder, ImageEncoder, ImageError, ImageFormat, ImageReader, Limits,
    RgbImage, metadata::Orientation,
};

use crate::{Change, LARGEST_PICTURE, Rendition, Unconvertible};

/// The most pixels that are decoded: a 50-megapixel camera's picture. In memory that is at most 8 bytes a pixel, for those of
/// 16 bits a colour, and about as much again while it is turned or laid on white.
pub const MOST_PIXELS: u64 = 50_000_000;

/// Bytes a pixel, at most, that a decoder may hold.
const PIXEL_BYTES: u64 = 8;

/// The JPEG quality at which artefacts do not show on photographs at their own size.
const QUALITY: u8 = 85;

/// Smaller than this, in pixels, a picture shows nothing.
const SHORTEST_SIDE: u32 = 16;

/// Each try is a tenth smaller than the one before at least, and mostly as small as it needs to be at once.
const TRIES: usize = 12;

/// The largest colour profile that is kept, in bytes; usual ones have 0.5 to 4 KB.
const LARGEST_PROFILE: usize = 64_000;

/// What a rendition is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For photographs; nothing is transparent.
    Jpeg,
    /// For drawings and text.
    Png,
}

/// What a rendition has to be like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// Its format.
    pub format: Format,
    /// The most bytes.
    pub max_bytes: u64,
    /// The most pixels of its longer side; `None`: as many as the original has.
    pub max_side: Option<u32>,
}

/// Makes a rendition of a picture: of the first image, if it moves or has pages.
///
/// # Errors
/// [`Unconvertible`] if it is too large, not a picture of a format we read, damaged, or fits at no size.
pub fn picture(bytes: &[u8], target: &Target) -> Result<Rendition, Unconvertible> {
    let length = bytes.len() as u64;
    if length > LARGEST_PICTURE {
        return Err(Unconvertible::TooLong {
            bytes: length,
            limit: LARGEST_PICTURE,
        });
    }
    let (image, profile) = decode(bytes)?;
    let mut changes = Vec::new();
    let image = plain(image, target.format, &mut changes);
    let from = (image.width(), image.height());
    let (bytes, to) = shrink(&image, profile.as_deref(), target)?;
    if to != from {
        changes.push(Change::Scaled { from, to });
    }
    Ok(Rendition {
        bytes,
        media_type: match target.format {
            Format::Jpeg => "image/jpeg",
            Format::Png => "image/png",
        },
        changes,
    })
}

/// The first image, upright, and its colour profile.
fn decode(bytes: &[u8]) -> Result<(DynamicImage, Option<Vec<u8>>), Unconvertible> {
    let format = image::guess_format(bytes).map_err(|_| Unconvertible::Format)?;
    match format {
        ImageFormat::Jpeg => scans::bounded(bytes)?,
        ImageFormat::Png
        | ImageFormat::Gif
        | ImageFormat::WebP
        | ImageFormat::Bmp
        | ImageFormat::Tiff => {}
        _ => return Err(Unconvertible::Format),
    }
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(MOST_PIXELS * PIXEL_BYTES);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(damaged)?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > MOST_PIXELS {
        return Err(Unconvertible::TooManyPixels { width, height });
    }
    // A description that cannot be read is none: the picture is still there.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let profile = decoder.icc_profile().ok().flatten();
    let mut image = DynamicImage::from_decoder(decoder).map_err(damaged)?;
    image.apply_orientation(orientation);
    Ok((image, profile.filter(|profile| describes_rgb(profile))))
}

fn damaged(error: image::ImageError) -> Unconvertible {
    Unconvertible::Damaged(error.to_string())
}

/// Whether a colour profile is about red, green and blue (ICC.1, bytes 16 to 19 of its header): what decoders made of other
/// colours it no longer describes.
fn describes_rgb(profile: &[u8]) -> bool {
    profile.len() <= LARGEST_PROFILE && profile.get(16..20) == Some(b"RGB ")
}

/// Eight bits a colour, red, green and blue, and transparency only where the format has it and the picture makes use of it.
fn plain(image: DynamicImage, format: Format, changes: &mut Vec<Change>) -> DynamicImage {
    if !image.color().has_alpha() {
        return DynamicImage::ImageRgb8(image.into_rgb8());
    }
    let image = image.into_rgba8();
    if image.pixels().all(|pixel| pixel.0[3] == u8::MAX) {
        return DynamicImage::ImageRgb8(DynamicImage::ImageRgba8(image).into_rgb8());
    }
    if format == Format::Png {
        return DynamicImage::ImageRgba8(image);
    }
    changes.push(Change::Flattened);
    let mut flat = RgbImage::new(image.width(), image.height());
    for (pixel, on_white) in image.pixels().zip(flat.pixels_mut()) {
        let [red, green, blue, alpha] = pixel.0;
        on_white.0 = [red, green, blue].map(|colour| over_white(colour, alpha));
    }
    DynamicImage::ImageRgb8(flat)
}

/// A colour seen through to white.
fn over_white(colour: u8, alpha: u8) -> u8 {
    let (colour, alpha, full) = (u16::from(colour), u16::from(alpha), u16::from(u8::MAX));
    let mixed = (colour * alpha + full * (full - alpha)) / full;
    u8::try_from(mixed).unwrap_or(u8::MAX)
}

/// Encodes at the largest size that fits, and says which.
fn shrink(
    image: &DynamicImage,
    profile: Option<&[u8]>,
    target: &Target,
) -> Result<(Vec<u8>, (u32, u32)), Unconvertible> {
    let longer = image.width().max(image.height());
    let mut side = longer.min(target.max_side.unwrap_or(longer));
    let limit = Unconvertible::Limit {
        limit: target.max_bytes,
    };
    for _ in 0..TRIES {
        let scaled = scaled(image, side);
        let bytes = encode(&scaled, profile, target.format)?;
        if bytes.len() as u64 <= target.max_bytes {
            return Ok((bytes, (scaled.width(), scaled.height())));
        }
        side = smaller(side, bytes.len() as u64, target.max_bytes);
        if side < SHORTEST_SIDE.min(longer) {
            break;
        }
    }
    Err(limit)
}

/// The next side to try. Bytes grow with the area, a little slower: aim a twentieth below.
fn smaller(side: u32, bytes: u64, max_bytes: u64) -> u32 {
    let ratio = (max_bytes as f64 / bytes.max(1) as f64).sqrt() * 0.95;
    (f64::from(side) * ratio.min(0.9)) as u32
}

/// With a longer side of so many pixels.
fn scaled(image: &DynamicImage, side: u32) -> Cow<'_, DynamicImage> {
    let longer = u64::from(image.width().max(image.height()));
    if u64::from(side) >= longer {
        return Cow::Borrowed(image);
    }
    let of = |length: u32| {
        let scaled = u64::from(length) * u64::from(side) / longer;
        u32::try_from(scaled).unwrap_or(side).max(1)
    };
    Cow::Owned(image.thumbnail_exact(of(image.width()), of(image.height())))
}

fn encode(
    image: &DynamicImage,
    profile: Option<&[u8]>,
    format: Format,
) -> Result<Vec<u8>, Unconvertible> {
    let mut bytes = Vec::new();
    let (pixels, width, height) = (image.as_bytes(), image.width(), image.height());
    let colours = image.color().into();
    match format {
        Format::Jpeg => {
            let encoder = JpegEncoder::new_with_quality(&mut bytes, QUALITY);
            with_profile(encoder, profile)?.write_image(pixels, width, height, colours)
        }
        Format::Png => {
            let encoder = PngEncoder::new(&mut bytes);
            with_profile(encoder, profile)?.write_image(pixels, width, height, colours)
        }
    }
    .map_err(damaged)?;
    Ok(bytes)
}

fn with_profile<E: ImageEncoder>(
    mut encoder: E,
    profile: Option<&[u8]>,
) -> Result<E, Unconvertible> {
    if let Some(profile) = profile {
        let set = encoder.set_icc_profile(profile.to_vec());
        set.map_err(|error| damaged(ImageError::Unsupported(error)))?;
    }
    Ok(encoder)
}
