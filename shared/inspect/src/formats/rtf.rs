//! RTF: control words up to the last brace; objects, templates and fields that load or start something.
//!
//! Readers forgive nearly everything, and attackers know it: the header is accepted as short as Word accepts it, control
//! words are told from text by syntax alone. Source: Rich Text Format Specification 1.9.1; MS-OLEDS §2.2.4.

use super::{executable, find, ole2};
use crate::findings::{HazardKind, Integrity};
use crate::kind::FileType;
use crate::seen::Seen;
use crate::source::Source;
use std::io;

/// How much is looked at.
const CAP: u64 = 4 << 20;
/// How much of an object's data is decoded.
const OBJECT_CAP: usize = 1 << 20;
/// Objects decoded.
const OBJECTS_CAP: usize = 16;
/// How much of a field's code or an address is collected.
const CODE_CAP: usize = 256;

pub(super) fn read(source: &mut Source<'_>) -> io::Result<Option<Seen>> {
    let head = source.head();
    let start = head
        .strip_prefix(b"\xEF\xBB\xBF")
        .unwrap_or(head)
        .trim_ascii_start();
    if !start.starts_with(b"{\\rt") {
        return Ok(None);
    }
    let mut seen = if start.starts_with(b"{\\rtf") {
        Seen::certain(FileType::Rtf)
    } else {
        Seen::likely(FileType::Rtf)
    };
    seen.integrity = integrity(source)?;
    if source.is_deep() {
        let length = source.len();
        let bytes = source.prefix(CAP)?;
        walk(&bytes, &mut seen)?;
        if bytes.len() as u64 != length {
            let long = format!("RTF longer than {CAP} bytes");
            seen.add_hazard(HazardKind::BeyondLimits, long);
        }
    }
    Ok(Some(seen))
}

/// The last brace closes the document; only padding may follow.
fn integrity(source: &mut Source<'_>) -> io::Result<Integrity> {
    let length = source.len();
    let (at, tail) = source.tail()?;
    let padding = |b: &u8| b.is_ascii_whitespace() || *b == 0;
    Ok(match tail.iter().rposition(|b| !padding(b)) {
        Some(last) if tail[last] == b'}' => Integrity::Whole,
        _ => match memchr::memrchr(b'}', tail) {
            Some(brace) if find(&tail[brace..], b"\\").is_none() => {
                Integrity::ending_at(at + brace as u64 + 1, length)
            }
            _ => Integrity::truncated("the last brace is missing"),
        },
    })
}

/// Where the text that follows goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Into {
    Nothing,
    Code,
    Template,
    Class,
    Data,
}

struct Walk<'a> {
    seen: &'a mut Seen,
    into: Into,
    depth: usize,
    /// The depth whose end ends the collecting.
    until: usize,
    text: Vec<u8>,
    objects: usize,
    /// Where the document's own group closed.
    end: Option<usize>,
}

fn walk(bytes: &[u8], seen: &mut Seen) -> io::Result<()> {
    let mut walk = Walk {
        seen,
        into: Into::Nothing,
        depth: 0,
        until: 0,
        text: Vec::new(),
        objects: 0,
        end: None,
    };
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'{' => walk.depth += 1,
            b'}' => {
                if walk.into != Into::Nothing && walk.depth <= walk.until {
                    walk.collected()?;
                }
                walk.depth = walk.depth.saturating_sub(1);
                if walk.depth == 0 {
                    walk.end.get_or_insert(at + 1);
                }
            }
            b'\\' => {
                at = walk.control(bytes, at + 1)?;
                continue;
            }
            _ if walk.into == Into::Nothing => {
                // Text nobody collects is stepped over as a whole.
                at += memchr::memchr3(b'{', b'}', b'\\', &bytes[at..]).unwrap_or(bytes.len() - at);
                continue;
            }
            _ => walk.push(byte),
        }
        at += 1;
    }
    walk.collected()?;
    walk.seen.reach = walk.end.map(|end| end as u64);
    Ok(())
}

impl Walk<'_> {
    fn push(&mut self, byte: u8) {
        let cap = if self.into == Into::Data {
            2 * OBJECT_CAP
        } else {
            CODE_CAP
        };
        if self.text.len() < cap {
            self.text.push(byte);
        }
    }

    /// Handles what follows a backslash; answers where to go on.
    fn control(&mut self, bytes: &[u8], at: usize) -> io::Result<usize> {
        let rest = bytes.get(at..).unwrap_or_default();
        let letters = rest
            .iter()
            .take(32)
            .take_while(|b| b.is_ascii_alphabetic())
            .count();
        if letters == 0 {
            if rest.first() == Some(&b'\'') {
                let digits = rest
                    .get(1..3)
                    .and_then(|pair| std::str::from_utf8(pair).ok());
                if let Some(byte) = digits.and_then(|pair| u8::from_str_radix(pair, 16).ok()) {
                    self.push(byte);
                }
                return Ok(at + 3);
            }
            return Ok(at + 1);
        }
        let (word, after) = rest.split_at(letters);
        let sign = usize::from(after.first() == Some(&b'-'));
        let digits = after[sign..]
            .iter()
            .take(10)
            .take_while(|b| b.is_ascii_digit())
            .count();
        let number = std::str::from_utf8(&after[sign..sign + digits])
            .ok()
            .and_then(|n| n.parse::<usize>().ok());
        let mut end = at + letters + if digits > 0 { sign + digits } else { 0 };
        end += usize::from(bytes.get(end) == Some(&b' '));
        if word == b"bin" && sign == 0 {
            return Ok(end.saturating_add(number.unwrap_or(0)));
        }
        self.word(word)?;
        Ok(end)
    }

    fn word(&mut self, word: &[u8]) -> io::Result<()> {
        match word {
            b"fldinst" => self.collect(Into::Code)?,
            b"template" => self.collect(Into::Template)?,
            b"objclass" => self.collect(Into::Class)?,
            b"objdata" => self.collect(Into::Data)?,
            b"objocx" => self.seen.add_hazard(HazardKind::ActiveX, "a control"),
            b"objlink" | b"objautlink" => self
                .seen
                .add_hazard(HazardKind::ExternalObject, "a linked object"),
            _ => {}
        }
        Ok(())
    }

    fn collect(&mut self, into: Into) -> io::Result<()> {
        self.collected()?;
        self.into = into;
        self.until = self.depth;
        Ok(())
    }

    /// Judges what was collected.
    fn collected(&mut self) -> io::Result<()> {
        let text = std::mem::take(&mut self.text);
        let letters = text.trim_ascii();
        match std::mem::replace(&mut self.into, Into::Nothing) {
            Into::Code if letters.len() > 3 && letters[..3].eq_ignore_ascii_case(b"DDE") => {
                self.seen.add_hazard(HazardKind::Dde, "a DDE field");
            }
            Into::Template
                if letters.starts_with(b"\\\\")
                    || letters.starts_with(b"//")
                    || find(letters, b"://").is_some() =>
            {
                self.seen.add_hazard(
                    HazardKind::ExternalTemplate,
                    "a template from another place",
                );
            }
            Into::Class => self.class(letters),
            Into::Data if self.objects < OBJECTS_CAP => {
                self.objects += 1;
                self.data(&text)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn class(&mut self, name: &[u8]) {
        let is = |class: &[u8]| {
            name.len() >= class.len() && name[..class.len()].eq_ignore_ascii_case(class)
        };
        if is(b"Package") {
            self.seen
                .add_hazard(HazardKind::OlePackage, "a packed file as an object");
        } else if is(b"OLE2Link") {
            self.seen
                .add_hazard(HazardKind::ExternalObject, "a linked object");
        } else if is(b"Equation.") {
            self.seen
                .add_hazard(HazardKind::OlePackage, "an object for the equation editor");
        }
    }

    /// Judges an object: version, format, class name, and then its bytes.
    fn data(&mut self, text: &[u8]) -> io::Result<()> {
        let digits: Vec<u8> = text
            .iter()
            .filter_map(|&b| char::from(b).to_digit(16))
            .map(|digit| digit as u8)
            .collect();
        let bytes: Vec<u8> = digits
            .chunks_exact(2)
            .map(|pair| pair[0] << 4 | pair[1])
            .collect();
        if let Some(length) = bytes.get(8..12) {
            let length = u32::from_le_bytes([length[0], length[1], length[2], length[3]]) as usize;
            let name = bytes.get(12..12 + length.min(64)).unwrap_or_default();
            self.class(name);
            if name.len() >= 8 && name[..7].eq_ignore_ascii_case(b"Package") {
                // Two empty names and the length stand before the package itself.
                ole2::package::judge(bytes.get(12 + length + 12..).unwrap_or_default(), self.seen);
            }
        }
        if let Some(at) = find(&bytes, ole2::SIGNATURE) {
            ole2::object(bytes[at..].to_vec(), self.seen)?;
        } else if executable::is_program(bytes.get(12..).unwrap_or_default()) {
            self.seen.add_hazard(
                HazardKind::EmbeddedExecutable,
                "an object that is a program",
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_ends_with_its_own_group() {
        let rows = [
            ("{\\rtf1 a{b}c}", Some(13)),
            ("{\\rtf1 \\} x}#!/bin/sh {}", Some(12)),
            ("{\\rtf1 \\bin2 }}x}", Some(17)),
            ("{\\rtf1 a{b}", None),
        ];
        for (text, expected) in rows {
            let mut seen = Seen::certain(FileType::Rtf);
            walk(text.as_bytes(), &mut seen).unwrap();
            assert_eq!(seen.reach, expected, "{text}");
        }
    }

    #[test]
    fn what_loads_or_starts() {
        use HazardKind::*;
        let package = "010500000200000008000000".to_owned()
            + "5061636b61676500"
            + "0000000000000000"
            + "20000000"
            + "0200"
            + "612e65786500"
            + "612e65786500";
        let rows: [(String, &[HazardKind]); 8] = [
            ("{\\rtf1 plain \\b text}".to_owned(), &[]),
            (
                "{\\rtf1{\\field{\\*\\fldinst {\\rtlch DDE}AUTO c:\\\\x}{\\fldrslt}}}".to_owned(),
                &[Dde],
            ),
            (
                "{\\rtf1{\\field{\\*\\fldinst HYPERLINK \"http://a\"}}}".to_owned(),
                &[],
            ),
            (
                "{\\rt{\\*\\template http://a.example/t}}".to_owned(),
                &[ExternalTemplate],
            ),
            ("{\\rtf1{\\*\\template C:\\\\Normal.dot}}".to_owned(), &[]),
            (
                format!(
                    "{{\\rtf1{{\\object\\objemb{{\\*\\objclass Package}}{{\\*\\objdata {package}}}}}}}"
                ),
                &[OlePackage, EmbeddedExecutable],
            ),
            (
                "{\\rtf1{\\object\\objocx{\\*\\objdata 0105}}}".to_owned(),
                &[ActiveX],
            ),
            (
                "{\\rtf1\\bin5 }}}}}{\\object\\objautlink}}".to_owned(),
                &[ExternalObject],
            ),
        ];
        for (text, expected) in rows {
            let mut seen = Seen::certain(FileType::Rtf);
            walk(text.as_bytes(), &mut seen).unwrap();
            let kinds: Vec<_> = seen.hazards.iter().map(|hazard| hazard.kind).collect();
            assert_eq!(kinds, expected, "{text}");
        }
    }
}
