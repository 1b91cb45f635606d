//! What can be done with a file that its channel does not take, if the owner allows it.

use serde::{Deserialize, Serialize};

use super::limits::{Fit, Limits, Media};
use super::media_type::MediaType;

/// The largest picture that is converted, in bytes: what it takes to read one is paid in memory.
pub const LARGEST_PICTURE: u64 = 50_000_000;

/// The longest text that is made a PDF of, in bytes: some 400 full pages.
pub const LONGEST_TEXT: u64 = 2_000_000;

/// Pictures that are converted, and into what, the better first. JPEG becomes smaller than anything else at the size of a
/// photograph; what GIF is used for keeps its edges in PNG. HEIC is not among them: its coding is patented.
const PICTURES: &[(&str, &[&str])] = &[
    ("image/jpeg", &["image/jpeg", "image/png"]),
    ("image/png", &["image/jpeg", "image/png"]),
    ("image/webp", &["image/jpeg", "image/png"]),
    ("image/bmp", &["image/jpeg", "image/png"]),
    ("image/tiff", &["image/jpeg", "image/png"]),
    ("image/gif", &["image/png", "image/jpeg"]),
];

/// Texts that are made a PDF of.
const TEXTS: &[&str] = &["text/plain", "text/csv", "text/tab-separated-values"];

/// Files of office programs, by how their types begin.
const OFFICE: &[&str] = &[
    "application/msword",
    "application/rtf",
    "application/vnd.apple.",
    "application/vnd.ms-excel",
    "application/vnd.ms-powerpoint",
    "application/vnd.ms-word",
    "application/vnd.oasis.opendocument.",
    "application/vnd.openxmlformats-officedocument.",
];

/// What the owner allows where a channel does not take the original.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ways {
    /// Make a rendition of another type, or a smaller one. Of a moving picture the first image is left.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub convert: bool,
    /// Send a link in its place.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub link: bool,
    /// Say in words what it is, where it is an office file and nothing else is left.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub summary: bool,
    /// Say it in base64 (`S1-56`, to the letter): for a program at the other end, which decodes it. No person can read it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub base64_summary: bool,
}

/// The type of a rendition that `limits` would take of a file of this type and size, and how that fits; `None`: there is none.
pub(super) fn rendition(
    limits: &Limits<'_>,
    media_type: &MediaType,
    bytes: u64,
) -> Option<(MediaType, Fit)> {
    let picture = PICTURES
        .iter()
        .find(|(from, _)| *from == media_type.as_str())
        .filter(|_| bytes <= LARGEST_PICTURE);
    let is_text = TEXTS.contains(&media_type.as_str()) && bytes <= LONGEST_TEXT;
    let candidates = match picture {
        Some((_, into)) => into,
        None if is_text => &["application/pdf"][..],
        None => &[],
    };
    candidates.iter().find_map(|candidate| {
        let to = MediaType::parse(candidate).ok()?;
        let fit = limits.fit(Media {
            media_type: &to,
            codec: None,
            bytes: 0,
            animated: false,
        });
        Some((to, fit.ok()?))
    })
}

/// Is it a file of an office program?
pub(super) fn is_office(media_type: &MediaType) -> bool {
    OFFICE
        .iter()
        .any(|beginning| media_type.as_str().starts_with(beginning))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channels::matrix::{Direction, Matrix};

    #[test]
    fn renditions_are_of_a_type_the_channel_takes() {
        for (profile, from, bytes, expected) in [
            ("whatsapp", "image/gif", 10, Some(("image/png", 5_000_000))),
            (
                "whatsapp",
                "image/webp",
                200_000,
                Some(("image/jpeg", 5_000_000)),
            ),
            (
                "whatsapp",
                "image/jpeg",
                6_000_000,
                Some(("image/jpeg", 5_000_000)),
            ),
            (
                "whatsapp",
                "image/tiff",
                LARGEST_PICTURE,
                Some(("image/jpeg", 5_000_000)),
            ),
            ("whatsapp", "image/tiff", LARGEST_PICTURE + 1, None),
            (
                "whatsapp",
                "text/csv",
                10,
                Some(("application/pdf", 100_000_000)),
            ),
            ("whatsapp", "text/csv", LONGEST_TEXT + 1, None),
            (
                "instagram",
                "text/plain",
                10,
                Some(("application/pdf", 25_000_000)),
            ),
            ("genesys-open-messaging", "text/plain", 10, None),
            ("whatsapp", "image/heic", 10, None),
            ("whatsapp", "video/quicktime", 10, None),
        ] {
            let limits = Matrix::shipped()
                .limits(profile, Direction::ToCustomer)
                .unwrap();
            let found = rendition(&limits, &MediaType::parse(from).unwrap(), bytes);
            let found = found.as_ref().map(|(to, fit)| (to.as_str(), fit.max_bytes));
            assert_eq!(found, expected, "{profile} {from} {bytes}");
        }
    }

    #[test]
    fn office_files_are_known() {
        for (text, expected) in [
            ("application/msword", true),
            ("application/vnd.oasis.opendocument.text", true),
            ("application/vnd.ms-cab-compressed", false),
            ("application/pdf", false),
        ] {
            assert_eq!(is_office(&MediaType::parse(text).unwrap()), expected);
        }
    }
}
