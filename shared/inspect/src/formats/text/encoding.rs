//! From bytes to characters: UTF-8, UTF-16 with a byte order mark, or a guessed legacy encoding.

use std::borrow::Cow;

/// A text and how it was read.
pub(super) struct Decoded<'a> {
    pub(super) text: Cow<'a, str>,
    /// All of the file was given.
    pub(super) complete: bool,
    /// The file ends within a character.
    pub(super) cut: bool,
    /// A Unicode encoding, checked; otherwise a legacy one, guessed.
    pub(super) certain: bool,
}

/// In a legacy text letters of another alphabet may be many; bytes without any ASCII are no text we can tell.
const LEGACY_ASCII_PERCENT: usize = 60;

/// A cheap look at the head: no control bytes, or a UTF-16 mark.
pub(super) fn may_be_text(head: &[u8]) -> bool {
    is_utf16(head) || !head.iter().any(|&b| is_control(b))
}

/// Decodes; `None` if this is no text. `complete` says that `bytes` are the whole file.
pub(super) fn decode(bytes: &[u8], complete: bool) -> Option<Decoded<'_>> {
    match bytes {
        [0xFF, 0xFE, rest @ ..] => utf16(rest, complete, u16::from_le_bytes),
        [0xFE, 0xFF, rest @ ..] => utf16(rest, complete, u16::from_be_bytes),
        _ if bytes.iter().any(|&b| is_control(b)) => None,
        _ => Some(utf8(
            bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes),
            complete,
        ))
        .flatten()
        .or_else(|| legacy(bytes, complete)),
    }
}

fn is_utf16(head: &[u8]) -> bool {
    matches!(head, [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..])
}

/// Tab, line feed, form feed, carriage return and escape are what text carries; all else below space is binary.
fn is_control(byte: u8) -> bool {
    matches!(byte, 0..=0x08 | 0x0B | 0x0E..=0x1A | 0x1C..=0x1F | 0x7F)
}

fn utf8(bytes: &[u8], complete: bool) -> Option<Decoded<'_>> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Some(Decoded {
            text: text.into(),
            complete,
            cut: false,
            certain: true,
        }),
        // An incomplete last character is the window's end, or the file's.
        Err(error) if error.error_len().is_none() && error.valid_up_to() > 0 => {
            let text = std::str::from_utf8(&bytes[..error.valid_up_to()]).ok()?;
            Some(Decoded {
                text: text.into(),
                complete,
                cut: complete,
                certain: true,
            })
        }
        Err(_) => None,
    }
}

fn utf16(bytes: &[u8], complete: bool, unit: fn([u8; 2]) -> u16) -> Option<Decoded<'static>> {
    let pairs = bytes.chunks_exact(2);
    let odd = !pairs.remainder().is_empty();
    let units: Vec<u16> = pairs.map(|pair| unit([pair[0], pair[1]])).collect();
    let lone_end = units
        .last()
        .is_some_and(|last| (0xD800..0xDC00).contains(last));
    let whole = &units[..units.len() - usize::from(lone_end)];
    let text = String::from_utf16(whole).ok()?;
    let control = text.chars().any(|c| u8::try_from(c).is_ok_and(is_control));
    (!control).then(|| Decoded {
        text: text.into(),
        complete,
        cut: complete && (odd || lone_end),
        certain: true,
    })
}

/// Mostly ASCII with some high bytes: read as Latin-1, which maps every byte and so never fails.
fn legacy(bytes: &[u8], complete: bool) -> Option<Decoded<'static>> {
    let ascii = bytes.iter().filter(|b| b.is_ascii()).count();
    let enough = bytes.len() >= 8 && ascii * 100 >= bytes.len() * LEGACY_ASCII_PERCENT;
    enough.then(|| Decoded {
        text: bytes.iter().map(|&b| char::from(b)).collect(),
        complete,
        cut: false,
        certain: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings() {
        type Row<'a> = (&'a str, &'a [u8], Option<(&'a str, bool, bool)>);
        let rows: [Row; 10] = [
            ("ascii", b"hello\r\n", Some(("hello\r\n", false, true))),
            (
                "utf-8",
                "Rückgabe".as_bytes(),
                Some(("Rückgabe", false, true)),
            ),
            ("utf-8 mark", b"\xEF\xBB\xBFhi", Some(("hi", false, true))),
            ("utf-8 cut", b"R\xC3", Some(("R", true, true))),
            (
                "utf-16 little",
                b"\xFF\xFEh\0i\0",
                Some(("hi", false, true)),
            ),
            ("utf-16 big", b"\xFE\xFF\0h\0i", Some(("hi", false, true))),
            ("utf-16 odd", b"\xFF\xFEh\0i", Some(("h", true, true))),
            (
                "latin-1",
                b"Gr\xFC\xDFe aus K\xF6ln",
                Some(("Grüße aus Köln", false, false)),
            ),
            ("a nul", b"text\0", None),
            (
                "high bytes only",
                b"\xFC\xDF\xF6\xE4\xFC\xDF\xF6\xE4\xFC",
                None,
            ),
        ];
        for (name, bytes, expected) in rows {
            let decoded = decode(bytes, true);
            let seen = decoded
                .as_ref()
                .map(|d| (d.text.as_ref(), d.cut, d.certain));
            assert_eq!(seen, expected, "{name}");
        }
    }
}
