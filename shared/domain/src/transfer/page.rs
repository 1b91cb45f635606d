//! Pages and error messages that come with status 200 where a file should.
//!
//! A type that says so is believed, unless the platform announced such a file. Where the type says nothing, the first bytes do; but
//! only a picture, a sound or a film is told from a page by them: a document may be one.

use crate::event::MediaKind;

/// How many of the first bytes are looked at.
const LOOKED_AT: usize = 256;

/// Whether a body of this type is a page or an error message, where a file of this kind and declared type should come.
pub(super) fn is_page(
    wire_type: &str,
    declared_type: Option<&str>,
    kind: Option<MediaKind>,
) -> bool {
    let wire = essence(wire_type);
    let declared = essence(declared_type.unwrap_or_default());
    if is_markup(&wire) {
        return !is_markup(&declared);
    }
    kind.is_some_and(is_played) && is_structured(&wire) && !is_structured(&declared)
}

/// Whether only the first bytes can tell.
pub(super) fn says_nothing(wire_type: &str, kind: Option<MediaKind>) -> bool {
    let silent = [
        "",
        "text/plain",
        "application/octet-stream",
        "binary/octet-stream",
    ];
    kind.is_some_and(is_played) && silent.contains(&essence(wire_type).as_str())
}

/// Whether what begins so is a page or an error message, where a picture, a sound or a film of this declared type should come.
#[must_use]
pub fn begins_like_page(first: &[u8], declared_type: Option<&str>) -> bool {
    let text = String::from_utf8_lossy(first.get(..LOOKED_AT).unwrap_or(first)).to_lowercase();
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let after_brace = text.strip_prefix('{').map(str::trim_start);
    let is_json = after_brace.is_some_and(|rest| rest.starts_with(['"', '}']));
    let is_page = ["<!doctype html", "<html"]
        .iter()
        .any(|it| text.starts_with(it));
    let is_xml = ["<?xml", "<error"].iter().any(|it| text.starts_with(it));
    let declared = essence(declared_type.unwrap_or_default());
    is_page || (is_json || is_xml) && !is_structured(&declared)
}

/// A type without its parameters, in small letters.
fn essence(media_type: &str) -> String {
    let essence = media_type.split(';').next().unwrap_or_default();
    essence.trim().to_ascii_lowercase()
}

fn is_markup(essence: &str) -> bool {
    ["text/html", "application/xhtml+xml"].contains(&essence)
}

fn is_structured(essence: &str) -> bool {
    let named = [
        "application/json",
        "text/json",
        "application/xml",
        "text/xml",
    ];
    named.contains(&essence) || essence.ends_with("+json") || essence.ends_with("+xml")
}

fn is_played(kind: MediaKind) -> bool {
    match kind {
        MediaKind::Image | MediaKind::Audio | MediaKind::Video | MediaKind::Sticker => true,
        MediaKind::Document => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_told_by_its_type() {
        use MediaKind::{Document, Image};
        for (wire, declared, kind, expected) in [
            ("text/html", None, Some(Image), true),
            (
                "Text/HTML; charset=UTF-8",
                Some("image/jpeg"),
                Some(Image),
                true,
            ),
            ("application/xhtml+xml", None, None, true),
            ("TEXT/HTML", Some("text/html"), Some(Document), false),
            (
                "application/xhtml+xml",
                Some("text/html"),
                Some(Document),
                false,
            ),
            ("application/json", Some("image/jpeg"), Some(Image), true),
            ("application/problem+json", None, Some(Image), true),
            ("text/xml", None, Some(Image), true),
            ("text/xml", Some("image/svg+xml"), Some(Image), false),
            ("application/json", None, Some(Document), false),
            ("image/jpeg", None, Some(Image), false),
            ("", None, Some(Image), false),
        ] {
            assert_eq!(
                is_page(wire, declared, kind),
                expected,
                "{wire} for {declared:?}"
            );
        }
    }

    #[test]
    fn where_the_type_says_nothing_the_first_bytes_do() {
        for (wire, kind, expected) in [
            ("", MediaKind::Video, true),
            ("Application/Octet-Stream", MediaKind::Image, true),
            ("image/png", MediaKind::Image, false),
            ("", MediaKind::Document, false),
        ] {
            assert_eq!(says_nothing(wire, Some(kind)), expected, "{wire}");
        }
        for (first, declared, expected) in [
            (&b"<!DOCTYPE html><title>Oops"[..], None, true),
            (b"\xef\xbb\xbf\r\n <HTML>", None, true),
            (
                br#"{"error":{"message":"expired"}}"#,
                Some("image/jpeg"),
                true,
            ),
            (
                br#"<?xml version="1.0"?><Error><Code>AccessDenied"#,
                None,
                true,
            ),
            (
                br#"<?xml version="1.0"?><svg>"#,
                Some("image/svg+xml"),
                false,
            ),
            (b"{\\rtf1", None, false),
            (b"\xff\xd8\xff\xe0", None, false),
            (b"", None, false),
        ] {
            assert_eq!(begins_like_page(first, declared), expected, "{first:?}");
        }
    }
}
