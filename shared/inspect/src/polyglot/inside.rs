//! What stands inside a format that has no business holding it: in comments, metadata, unused room, between structures.
//!
//! Which finds count depends on the host: a picture holds neither archives nor programs nor scripts, a text about
//! scripts holds scripts, a document holds what it openly carries.

use super::beginning::page;
use super::behind::hazard;
use super::foreign::{Found, Sort, ZIP, beginnings, letters_in_stream, script};
use super::{HOLD, is_media, is_zip};
use crate::findings::{HazardKind, Integrity};
use crate::formats::find;
use crate::kind::{Family, FileType};
use crate::seen::Seen;
use crate::source::Source;
use std::cmp::Reverse;
use std::io;
use std::ops::Range;

/// The most that is looked at of one aside, and of all of them that are not at hand anyway.
const ASIDE_CAP: u64 = 64 << 10;
const ASIDES_CAP: u64 = 512 << 10;
/// What reading one costs at least.
const ASIDE_LEAST: u64 = 8 << 10;
/// How many letters at the beginning make a text.
const TEXT: usize = 64;

/// What may not stand in a file.
#[derive(Clone, Copy)]
enum Host {
    /// Pictures, sound, film: nothing at all.
    Media,
    /// Texts quote scripts and say how documents begin; what no text has they do not hold.
    Text,
    /// RTF is made of letters, and of other documents' letters.
    Rtf,
    /// PDF holds other files in streams: openly, or not at all. Its texts may stand in it as they are.
    Pdf,
    /// Matroska attaches files, fonts mostly.
    Matroska,
    /// What is between the parts of an archive belongs to nobody.
    Archive,
}

impl Host {
    fn of(seen: &Seen, head: &[u8]) -> Option<Self> {
        let kind = seen.kind;
        // What is older than compound files has no end that could be told.
        let endless =
            kind.is_a() == Some(FileType::Ole2) && seen.integrity == Integrity::NotChecked;
        Some(match kind {
            FileType::Unknown if begins_as_text(head) => Self::Text,
            _ if endless => Self::Pdf,
            FileType::Pdf => Self::Pdf,
            FileType::Rtf => Self::Rtf,
            FileType::Email => return None,
            _ if is_zip(kind) => Self::Archive,
            FileType::Matroska | FileType::Webm => Self::Matroska,
            _ if is_media(kind) => Self::Media,
            _ if matches!(kind.family(), Family::Text | Family::Markup) => Self::Text,
            _ => return None,
        })
    }

    fn minds(self, found: &Found) -> bool {
        match self {
            Self::Media | Self::Archive => true,
            Self::Text | Self::Pdf | Self::Rtf => {
                matches!(found.sort, Sort::Program | Sort::Binary)
            }
            Self::Matroska => found.sort == Sort::Program,
        }
    }

    /// What these bytes hold that the host should not, and does not `open`ly carry at that place.
    fn finds(self, bytes: &[u8], open: impl Fn(usize) -> bool) -> Option<Found> {
        let signed = beginnings(bytes).find(|one| self.minds(one) && !open(one.at));
        let page = || {
            let (at, what) = page(bytes)?;
            let sort = Sort::Script;
            Some(Found { at, what, sort })
        };
        match self {
            Self::Media | Self::Archive => signed.or_else(page).or_else(|| script(bytes)),
            Self::Text | Self::Pdf | Self::Rtf | Self::Matroska => signed,
        }
    }
}

/// Adds what is found.
pub(super) fn look(source: &mut Source<'_>, seen: &mut Seen) -> io::Result<()> {
    let Some(host) = Host::of(seen, source.head()) else {
        return Ok(());
    };
    let at_once = match host {
        // A text that is one to its end has been read once already.
        Host::Text => seen.integrity == Integrity::Whole,
        Host::Media => seen.mapped && is_complete(&seen.integrity),
        Host::Archive => true,
        Host::Matroska | Host::Rtf | Host::Pdf => false,
    };
    if !at_once {
        source.hold(HOLD)?;
    }
    let mut found = match host {
        Host::Archive => None,
        _ => at_hand(source, host, seen)?,
    };
    if found.is_none() {
        found = in_asides(source, host, seen)?;
    }
    let noted = || host.finds(&seen.notes, |_| false);
    if let Some((at, Found { what, sort, .. })) = found {
        let evidence = format!("{what} inside {}, at byte {at}", called(seen.kind));
        seen.add_hazard(hazard(sort), evidence);
    } else if let Some(Found { what, sort, .. }) = noted() {
        let evidence = format!("{what} in the comments of {}", called(seen.kind));
        seen.add_hazard(hazard(sort), evidence);
    }
    if seen.kind == FileType::Pdf {
        let open = |at: usize| {
            seen.carried
                .iter()
                .any(|one| one.contains(&(at as u64 + 8)))
        };
        let letters = letters_in_stream(source.head()).filter(|one| !open(one.at));
        if let Some(Found { what, at, .. }) = letters {
            let evidence = format!("{what} in a stream of the document, at byte {at}");
            seen.add_hazard(HazardKind::Polyglot, evidence);
        }
    }
    Ok(())
}

fn called(kind: FileType) -> String {
    match kind {
        FileType::Unknown => "the file".to_owned(),
        kind => format!("a {}", kind.label()),
    }
}

fn is_complete(integrity: &Integrity) -> bool {
    matches!(integrity, Integrity::Whole | Integrity::Trailing { .. })
}

/// Whether a file begins with letters, for longer than formats of other bytes do.
fn begins_as_text(head: &[u8]) -> bool {
    let letters = |b: &u8| !matches!(b, 0..=8 | 14..=31 | 127);
    head.len() >= TEXT && head[..TEXT].iter().all(letters)
}

/// Looks through what was read of the file's two ends, which is all of a small one; answers also where it was found.
fn at_hand(source: &mut Source<'_>, host: Host, seen: &Seen) -> io::Result<Option<(u64, Found)>> {
    let carried = |at: u64| seen.carried.iter().any(|place| place.contains(&at));
    let minded = |bytes: &[u8], base: u64| {
        let found = host.finds(bytes, |at| carried(base + at as u64))?;
        Some((base + found.at as u64, found))
    };
    let found = minded(source.head(), 0);
    if found.is_some() || source.head().len() as u64 == source.len() {
        return Ok(found);
    }
    let (at, tail) = source.tail()?;
    Ok(minded(tail, at))
}

/// Looks through the places a format leaves to its writers, where they are not at hand; answers also where it was found.
fn in_asides(source: &mut Source<'_>, host: Host, seen: &Seen) -> io::Result<Option<(u64, Found)>> {
    let mut left = ASIDES_CAP;
    let length = |place: &Range<u64>| place.end.saturating_sub(place.start);
    let mut places: Vec<_> = seen.asides.iter().collect();
    // Where there are many, the large ones have room for something.
    places.sort_by_key(|place| Reverse(length(place)));
    for place in places {
        let held = place.end <= source.head().len() as u64;
        let cap = if held { u64::MAX } else { ASIDE_CAP.min(left) };
        let length = length(place).min(cap);
        if length == 0 || held && !matches!(host, Host::Archive) {
            continue;
        }
        left = left.saturating_sub(if held { 0 } else { length.max(ASIDE_LEAST) });
        let bytes = source.at(place.start, length)?;
        let found = host.finds(bytes, |_| false).filter(|one| {
            // What was deleted from an archive may still lie there, without a directory.
            one.what != ZIP || find(&bytes[one.at..], b"PK\x05\x06").is_some()
        });
        if let Some(found) = found {
            return Ok(Some((place.start + found.at as u64, found)));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use crate::claim::Claim;
    use crate::findings::HazardKind;
    use std::io::Cursor;

    const SCRIPT: &[u8] =
        b"const a = require('a')\nfunction b () {\n  return a(1)\n}\nmodule.exports = b\n";
    const ELF: &[u8] = b"\x7FELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0\x3E\0";

    fn png(name: &[u8; 4], content: &[u8]) -> Vec<u8> {
        let length = u32::try_from(content.len()).unwrap().to_be_bytes();
        let parts: [&[u8]; 7] = [
            b"\x89PNG\r\n\x1A\n\0\0\0\x0DIHDR\0\0\0\x01\0\0\0\x01\x08\x02\0\0\0\x90\x77\x53\xDE",
            &length,
            name,
            content,
            b"\0\0\0\0",
            b"\0\0\0\0IEND",
            b"\xAE\x42\x60\x82",
        ];
        parts.concat()
    }

    fn gif(comment: &[u8]) -> Vec<u8> {
        let blocks: Vec<u8> = comment
            .chunks(20)
            .flat_map(|part| [&[u8::try_from(part.len()).unwrap()], part].concat())
            .collect();
        let parts: [&[u8]; 5] = [
            b"GIF89a\x01\0\x01\0\0\0\0",
            b"!\xFE",
            &blocks,
            b"\0",
            b",\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;",
        ];
        parts.concat()
    }

    fn jpeg(marker: u8, content: &[u8]) -> Vec<u8> {
        let length = u16::try_from(content.len() + 2).unwrap().to_be_bytes();
        let parts: [&[u8]; 4] = [
            &[0xFF, 0xD8, 0xFF, marker],
            &length,
            content,
            b"\xFF\xC0\0\x0B\x08\0\x01\0\x01\x01\x01\x11\0\xFF\xDA\0\x08\x01\x01\0\0\x3F\0\0\xFF\xD9",
        ];
        parts.concat()
    }

    fn pdf(content: &[u8]) -> Vec<u8> {
        let head = format!("%PDF-1.4\n1 0 obj\n<</Length {}>>\nstream\n", content.len());
        let section = head.len() + content.len() + 18;
        let tail = format!(
            "\nendstream\nendobj\nxref\n0 1\n0000000000 65535 f \ntrailer <</Size 2>>\nstartxref\n{section}\n%%EOF\n"
        );
        [head.as_bytes(), content, tail.as_bytes()].concat()
    }

    /// An archive with `content` between its entry and its directory.
    fn zip(content: &[u8], comment: &[u8]) -> Vec<u8> {
        let entry =
            b"PK\x03\x04\x14\0\0\0\0\0\0\0\0\0\x83\x16\xDC\x8C\x01\0\0\0\x01\0\0\0\x01\0\0\0ax";
        let record = b"PK\x01\x02\x14\0\x14\0\0\0\0\0\0\0\0\0\x83\x16\xDC\x8C\x01\0\0\0\x01\0\0\0\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0a";
        let at = u32::try_from(entry.len() + content.len()).unwrap();
        let parts: [&[u8]; 7] = [
            entry,
            content,
            record,
            b"PK\x05\x06\0\0\0\0\x01\0\x01\0\x2F\0\0\0",
            &at.to_le_bytes(),
            &u16::try_from(comment.len()).unwrap().to_le_bytes(),
            comment,
        ];
        parts.concat()
    }

    #[test]
    fn what_has_no_business_there() {
        let polyglot = Some(HazardKind::Polyglot);
        let program = Some(HazardKind::TrailingExecutable);
        let shell: &[u8] = b"#!/bin/sh\necho a; echo b; echo c; echo d\n";
        let rows = [
            ("a script in a comment", gif(SCRIPT), polyglot),
            ("a description", gif(b"Made with a program, for the function of the day; thank you."), None),
            ("a program in a private chunk", png(b"prVt", ELF), program),
            ("a text", png(b"tEXt", b"Comment\0our garden, with a const of light (and a var of colours)"), None),
            ("RTF in a comment", jpeg(0xFE, b"{\\rtf1 x}"), polyglot),
            ("an archive in application data", jpeg(0xEF, &zip(b"", b"")), polyglot),
            ("a packet of metadata", jpeg(0xE1, b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF/></x:xmpmeta>"), None),
            ("a shell script in a stream", pdf(shell), polyglot),
            ("a page in a stream", pdf(b"<html><body>a</body></html>"), polyglot),
            ("letters in a stream", pdf(b"BT /F1 12 Tf (#!/bin/sh) Tj ET"), None),
            ("a program in a stream", pdf(ELF), program),
            ("a script between entries", zip(shell, b""), polyglot),
            ("padding between entries", zip(&[0; 300], b""), None),
            ("a page in the comment", zip(b"", b" x <script>a</script>"), polyglot),
            ("an archive's comment", zip(b"", b"Made by an archiver"), None),
            ("an archive in a text", [&b"name;town;street\n"[..], &b"a;b;c\n".repeat(20), &zip(b"", b""), b"\n"].concat(), polyglot),
            ("a text about it", b"An archive begins with PK\x03\x04, a script with #!/bin/sh, a document with %PDF-1.7.\n".to_vec(), None),
        ];
        for (name, bytes, expected) in rows {
            let findings = crate::inspect(&mut Cursor::new(&bytes), &Claim::default()).unwrap();
            let found = findings.hazards.first().map(|one| one.kind);
            assert_eq!(found, expected, "{name}: {findings:?}");
        }
    }

    #[test]
    fn places_out_of_reach_are_looked_at() {
        let far = |content: &[u8]| {
            let picture = png(b"prVt", content);
            let (end, padding) = (picture.len() - 12, vec![0x55; 1 << 20]);
            let filler = [
                &(1_u32 << 20).to_be_bytes()[..],
                b"IDAT",
                &padding,
                b"\0\0\0\0",
            ]
            .concat();
            [
                &picture[..33],
                &filler,
                &picture[33..end],
                &filler,
                &picture[end..],
            ]
            .concat()
        };
        for (content, expected) in [(ELF, true), (&b"plain"[..], false)] {
            let bytes = far(content);
            let findings = crate::inspect(&mut Cursor::new(&bytes), &Claim::default()).unwrap();
            assert_eq!(
                findings.has(HazardKind::TrailingExecutable),
                expected,
                "{findings:?}"
            );
            assert!(findings.bytes_read < 1 << 20, "{}", findings.bytes_read);
        }
    }
}
