//! PDF: header within the first KiB, `startxref` and `%%EOF` at the end, encryption by the trailer; what opens with an
//! empty password is read like any other.
//!
//! Sources: ISO 32000-2 §7.5; the KiB of grace before the header and after `%%EOF` is Acrobat's (PDF 1.7 annex H).
//! Offsets that are a little off are common and repaired by every reader: only what points nowhere is called damage.
//! What the document would do is read from its objects, all of them.

mod attachments;
mod filters;
mod flags;
mod form_script;
mod key;
mod lexer;
mod objects;
mod value;
mod xfa;

use super::{find, rfind};
use crate::findings::Integrity;
use crate::kind::FileType;
use crate::seen::Seen;
use crate::source::Source;
use std::io;

/// Where the header must begin.
const HEADER_WITHIN: usize = 1024;
/// How far around the announced offset a cross-reference section is looked for.
const SLACK: u64 = 1024;
/// How much of a cross-reference stream's dictionary is read.
const DICTIONARY: u64 = 4096;

pub(super) fn read(source: &mut Source<'_>) -> io::Result<Option<Seen>> {
    let Some(leading) = header(source.head()) else {
        return headless(source);
    };
    let (tail_at, tail) = source.tail()?;
    let end = End::find(tail);
    let tail_encrypted = is_encrypted(tail);
    let alone = leading == 0 && matches!(source.head().get(8), None | Some(b'\r' | b'\n'));
    if !alone && end.is_none() && find(source.head(), b" obj").is_none() {
        // Something that merely quotes a header.
        return Ok(None);
    }
    let section = end
        .as_ref()
        .and_then(|end| end.section)
        .map(|offset| offset + leading);
    let section_encrypted = match section {
        Some(offset) => is_encrypted(source.at(offset, DICTIONARY)?),
        None => false,
    };
    let locked = tail_encrypted || section_encrypted || is_encrypted(source.head());
    let integrity = match end {
        Some(end) => end.judge(source, tail_at, section)?,
        None => Integrity::truncated("no end-of-file marker near the end"),
    };
    let mut seen = Seen::certain(FileType::Pdf).with_integrity(integrity);
    if source.is_deep() {
        objects::walk(source, leading, locked, &mut seen)?;
    }
    Ok(Some(seen))
}

/// A document whose header is missing or misspelt, which forgiving readers still open: objects first, the end last.
fn headless(source: &mut Source<'_>) -> io::Result<Option<Seen>> {
    let head = source.head();
    let head = &head[..head.len().min(HEADER_WITHIN)];
    if !head.starts_with(b"%") || find(head, b" obj").is_none() {
        return Ok(None);
    }
    let (_, tail) = source.tail()?;
    if find(tail, b"startxref").is_none() || rfind(tail, b"%%EOF").is_none() {
        return Ok(None);
    }
    let mut seen =
        Seen::likely(FileType::Pdf).with_integrity(Integrity::damaged("no valid header"));
    if source.is_deep() {
        objects::walk(source, 0, false, &mut seen)?;
    }
    Ok(Some(seen))
}

/// How many bytes stand before the header.
fn header(head: &[u8]) -> Option<u64> {
    let head = &head[..head.len().min(HEADER_WITHIN)];
    let at = find(head, b"%PDF-")?;
    head.get(at + 5)
        .is_some_and(u8::is_ascii_digit)
        .then_some(at as u64)
}

/// The last end-of-file marker.
struct End {
    /// Bytes from the start of the tail to after the marker and its line end.
    after: u64,
    /// The offset `startxref` announces; `None` where it is missing, no number, or zero.
    section: Option<u64>,
    /// Objects follow the marker: a later revision was begun and not finished.
    unfinished: bool,
}

impl End {
    fn find(tail: &[u8]) -> Option<Self> {
        let marker = rfind(tail, b"%%EOF")?;
        let rest = &tail[marker + 5..];
        let line_end = match rest {
            [b'\r', b'\n', ..] => 2,
            [b'\r' | b'\n', ..] => 1,
            _ => 0,
        };
        let section = rfind(&tail[..marker], b"startxref").and_then(|at| {
            let digits = tail[at + 9..marker].trim_ascii();
            std::str::from_utf8(digits)
                .ok()?
                .parse()
                .ok()
                .filter(|&offset| offset > 0)
        });
        let unfinished = memchr::memmem::find_iter(rest, b"obj")
            .any(|at| objects::object_id(&rest[..at]).is_some());
        Some(Self {
            after: (marker + 5 + line_end) as u64,
            section,
            unfinished,
        })
    }

    fn judge(
        &self,
        source: &mut Source<'_>,
        tail_at: u64,
        section: Option<u64>,
    ) -> io::Result<Integrity> {
        if self.unfinished {
            return Ok(Integrity::truncated(
                "objects follow the last end-of-file marker",
            ));
        }
        let Some(section) = section else {
            return Ok(Integrity::damaged(
                "no cross-reference offset before the end-of-file marker",
            ));
        };
        let end = tail_at + self.after;
        if section >= end {
            return Ok(Integrity::damaged(format!(
                "the cross-reference offset {section} is past the end"
            )));
        }
        let around = source.at(section.saturating_sub(SLACK), 2 * SLACK)?;
        if find(around, b"xref").is_none() && find(around, b" obj").is_none() {
            return Ok(Integrity::damaged(format!(
                "no cross-reference section at byte {section}"
            )));
        }
        let (_, tail) = source.tail()?;
        let rest = tail
            .get(usize::try_from(self.after).unwrap_or(usize::MAX)..)
            .unwrap_or_default();
        // Blank lines after the marker are how many writers end a text file.
        let blank = rest.len() <= 8 && rest.iter().all(u8::is_ascii_whitespace);
        Ok(if blank {
            Integrity::Whole
        } else {
            Integrity::ending_at(end, source.len())
        })
    }
}

/// Whether a dictionary key `/Encrypt` with a reference or a dictionary as its value stands in these bytes.
fn is_encrypted(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    while let Some(at) = find(rest, b"/Encrypt") {
        rest = &rest[at + 8..];
        let value = rest.trim_ascii_start();
        let reference = rest.first().is_some_and(u8::is_ascii_whitespace)
            && value.first().is_some_and(u8::is_ascii_digit);
        if reference || value.starts_with(b"<<") {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encryption_is_a_key_with_a_value() {
        assert!(is_encrypted(b"trailer << /Size 9 /Encrypt 8 0 R >>"));
        assert!(is_encrypted(b"/EncryptMetadata true /Encrypt<</V 4>>"));
        assert!(!is_encrypted(b"<< /EncryptMetadata false >>"));
        assert!(!is_encrypted(b"(say /Encrypted) /Encrypt null"));
    }

    #[test]
    fn headers_may_be_late_but_not_too_late() {
        assert_eq!(header(b"%PDF-1.7\n"), Some(0));
        assert_eq!(header(b"\r\n%PDF-1.4"), Some(2));
        assert_eq!(header(b"%PDF-x"), None);
        assert_eq!(
            header(&[vec![b' '; 1020], b"%PDF-1.4".to_vec()].concat()),
            None
        );
    }
}
