//! From bytes to characters: UTF-8, UTF-16 and UTF-32 with a byte order mark, UTF-16 without one, or a guessed legacy
//! encoding.

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
    /// Every character takes several bytes.
    pub(super) wide: bool,
}

/// In a legacy text with at least so much ASCII, letters of another alphabet may stand anywhere.
const LEGACY_ASCII_PERCENT: usize = 60;
/// With less, they must come in words: changes between them and ASCII letters are few, and texts are not short.
const LEGACY_CHANGES_PERCENT: usize = 12;
const LEGACY_LEAST: usize = 20;
/// So many bytes without one control character are no chance: one in ten would be one. Texts of East Asia have few gaps.
const LEGACY_LONG: usize = 256;
/// How much is looked at to tell UTF-16 without a mark.
const UNMARKED: usize = 1024;

/// A cheap look at the head: no control bytes, or the look of wide characters.
pub(super) fn may_be_text(head: &[u8]) -> bool {
    wide(head).is_some() || !head.iter().any(|&b| is_control(b))
}

/// Decodes; `None` if this is no text. `complete` says that `bytes` are the whole file, `called_text` that its name or declared
/// type says it is text: that breaks the tie for a few letters of another alphabet.
pub(super) fn decode(bytes: &[u8], complete: bool, called_text: bool) -> Option<Decoded<'_>> {
    match wide(bytes) {
        Some(Wide::Utf16(unit, mark)) => utf16(&bytes[mark..], complete, unit),
        Some(Wide::Utf32(unit)) => utf32(&bytes[4..], complete, unit),
        None if bytes.iter().any(|&b| is_control(b)) => None,
        None => utf8(
            bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes),
            complete,
        )
        .or_else(|| legacy(bytes, complete, called_text)),
    }
}

/// Bytes as text without its control characters, read as Latin-1 where they are no UTF-8.
pub(super) fn without_controls(bytes: &[u8]) -> String {
    let plain: Vec<u8> = bytes.iter().copied().filter(|&b| !is_control(b)).collect();
    let plain = plain.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&plain);
    match std::str::from_utf8(plain) {
        Ok(text) => text.to_owned(),
        Err(_) => plain.iter().map(|&b| char::from(b)).collect(),
    }
}

/// Bytes as text for looking through, without judging whether they are text: by their mark or their looks, otherwise
/// UTF-8, and what is none of it replaced.
pub(in crate::formats) fn unicode(bytes: &[u8]) -> String {
    let units = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        char::decode_utf16(bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]])))
            .map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER))
            .collect()
    };
    match wide(bytes) {
        Some(Wide::Utf16(unit, mark)) => units(&bytes[mark..], unit),
        _ => String::from_utf8_lossy(bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes))
            .into_owned(),
    }
}

/// An encoding in which every character takes several bytes.
enum Wide {
    /// How a unit is read, and the length of the mark.
    Utf16(fn([u8; 2]) -> u16, usize),
    Utf32(fn([u8; 4]) -> u32),
}

fn wide(head: &[u8]) -> Option<Wide> {
    match head {
        [0xFF, 0xFE, 0, 0, ..] => Some(Wide::Utf32(u32::from_le_bytes)),
        [0, 0, 0xFE, 0xFF, ..] => Some(Wide::Utf32(u32::from_be_bytes)),
        [0xFF, 0xFE, ..] => Some(Wide::Utf16(u16::from_le_bytes, 2)),
        [0xFE, 0xFF, ..] => Some(Wide::Utf16(u16::from_be_bytes, 2)),
        _ => unmarked(&head[..head.len().min(UNMARKED)]),
    }
}

/// UTF-16 without a mark: one half of all pairs is nearly always zero, the other never and never a control character.
fn unmarked(head: &[u8]) -> Option<Wide> {
    let pairs = head.len() / 2;
    if pairs < 4 || !head.contains(&0) {
        return None;
    }
    let fits = |high: usize| {
        let zeros = head.chunks_exact(2).filter(|pair| pair[high] == 0).count();
        let plain = head.chunks_exact(2).all(|pair| {
            let low = pair[1 - high];
            pair[high] != 0 || (low != 0 && !is_control(low))
        });
        plain && zeros * 100 >= pairs * 70
    };
    if fits(1) {
        Some(Wide::Utf16(u16::from_le_bytes, 0))
    } else if fits(0) {
        Some(Wide::Utf16(u16::from_be_bytes, 0))
    } else {
        None
    }
}

/// What text carries: tab to carriage return, the bell, the backspace that printers struck over with, escape, and the
/// mark by which DOS ended a text. All else below space is binary.
fn is_control(byte: u8) -> bool {
    matches!(byte, 0..=0x06 | 0x0E..=0x19 | 0x1C..=0x1F | 0x7F)
}

fn utf8(bytes: &[u8], complete: bool) -> Option<Decoded<'_>> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Some(Decoded {
            text: text.into(),
            complete,
            cut: false,
            certain: true,
            wide: false,
        }),
        // An incomplete last character is the window's end, or the file's.
        Err(error) if error.error_len().is_none() && error.valid_up_to() > 0 => {
            let text = std::str::from_utf8(&bytes[..error.valid_up_to()]).ok()?;
            Some(Decoded {
                text: text.into(),
                complete,
                cut: complete,
                certain: true,
                wide: false,
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
        wide: true,
    })
}

fn utf32(bytes: &[u8], complete: bool, unit: fn([u8; 4]) -> u32) -> Option<Decoded<'static>> {
    let fours = bytes.chunks_exact(4);
    let odd = !fours.remainder().is_empty();
    let text: String = fours
        .map(|four| char::from_u32(unit([four[0], four[1], four[2], four[3]])))
        .collect::<Option<_>>()?;
    let control = text.chars().any(|c| u8::try_from(c).is_ok_and(is_control));
    (!control).then(|| Decoded {
        text: text.into(),
        complete,
        cut: complete && odd,
        certain: true,
        wide: true,
    })
}

/// Read as Latin-1, which maps every byte and so never fails.
fn legacy(bytes: &[u8], complete: bool, called_text: bool) -> Option<Decoded<'static>> {
    let ascii = bytes.iter().filter(|b| b.is_ascii()).count();
    let mostly = bytes.len() >= 8 && ascii * 100 >= bytes.len() * LEGACY_ASCII_PERCENT;
    let no_chance = bytes.len() >= LEGACY_LONG && bytes.iter().any(u8::is_ascii_whitespace);
    (called_text || mostly || no_chance || has_words(bytes)).then(|| Decoded {
        text: bytes.iter().map(|&b| char::from(b)).collect(),
        complete,
        cut: false,
        certain: false,
        wide: false,
    })
}

/// Whether letters of another alphabet stand in words: seldom right beside ASCII letters, and with gaps between them.
fn has_words(bytes: &[u8]) -> bool {
    let gaps = bytes
        .iter()
        .filter(|b| b.is_ascii_whitespace() || b.is_ascii_punctuation())
        .count();
    let changes = bytes
        .windows(2)
        .filter(|pair| pair[0].is_ascii() != pair[1].is_ascii())
        .filter(|pair| pair.iter().any(u8::is_ascii_alphanumeric))
        .count();
    bytes.len() >= LEGACY_LEAST
        && gaps * 40 >= bytes.len()
        && changes * 100 <= bytes.len() * LEGACY_CHANGES_PERCENT
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ops::Add;

    #[test]
    fn encodings() {
        type Row<'a> = (&'a str, &'a [u8], Option<(&'a str, bool, bool)>);
        let rows: [Row; 17] = [
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
            (
                "utf-16 little, no mark",
                b"h\0i\0!\0\n\0",
                Some(("hi!\n", false, true)),
            ),
            (
                "utf-16 big, no mark",
                b"\0h\0i\0!\0\n",
                Some(("hi!\n", false, true)),
            ),
            ("utf-32", b"\xFF\xFE\0\0h\0\0\0", Some(("h", false, true))),
            (
                "windows-1251",
                b"\xCF\xF0\xE8\xE2\xE5\xF2, \xEC\xE8\xF0! \xCA\xE0\xEA \xE4\xE5\xEB\xE0?",
                Some(("Ïðèâåò, ìèð! Êàê äåëà?", false, false)),
            ),
            (
                "printed, from DOS",
                b"N\x08NA\x08A\x0B\x07\r\n\x1A",
                Some(("N\x08NA\x08A\x0B\x07\r\n\x1A", false, true)),
            ),
            (
                "wide letters",
                &[b"\xC7\xD1\xB1\xDB".repeat(80), b"\n".to_vec()].concat(),
                Some((
                    &"\u{c7}\u{d1}\u{b1}\u{db}".repeat(80).add("\n"),
                    false,
                    false,
                )),
            ),
            ("numbers", b"\x01\0\x02\0\x03\0\x04\0\x05\0", None),
            ("a nul", b"text\0", None),
            (
                "high bytes only",
                b"\xFC\xDF\xF6\xE4\xFC\xDF\xF6\xE4\xFC",
                None,
            ),
        ];
        for (name, bytes, expected) in rows {
            let decoded = decode(bytes, true, false);
            let seen = decoded
                .as_ref()
                .map(|d| (d.text.as_ref(), d.cut, d.certain));
            assert_eq!(seen, expected, "{name}");
        }
    }

    #[test]
    fn a_name_breaks_the_tie_for_few_letters() {
        let rows: [(&str, &[u8], bool); 5] = [
            ("one letter", b"\xE9", true),
            (
                "shift-jis",
                b"\x82\xB1\x82\xEA\x82\xCD\x93\xFA\x96\x7B",
                true,
            ),
            ("gbk", b"\xC4\xE3\xBA\xC3\xA3\xAC\xD5\xE2", true),
            ("control characters", b"\xC4\xE3\x01\xBA", false),
            ("a nul", b"\xC4\xE3\0", false),
        ];
        for (name, bytes, text) in rows {
            assert!(decode(bytes, true, false).is_none(), "{name}");
            let called = decode(bytes, true, true);
            assert_eq!(
                called.as_ref().map(|it| it.certain),
                text.then_some(false),
                "{name}"
            );
        }
    }
}
