//! The parts of a message: what is attached to it, decoded, and under which names (RFC 2045 §§5–6, RFC 2046 §5.1, RFC 2047,
//! RFC 2183, RFC 2231).
//!
//! One pass over the lines. Boundaries are learnt from header fields as they come, so that parts within parts, and messages
//! within messages, need no stack.

use std::collections::BTreeSet;
use std::ops::Range;

/// Parts of one message, or mailbox, that are looked at.
pub(super) const PARTS_CAP: usize = 256;
/// Longer header fields are cut, as no name needs so much.
const FIELD_CAP: usize = 4096;

/// How the bytes of a part are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Encoding {
    #[default]
    Plain,
    Base64,
    QuotedPrintable,
}

/// One part that is no container of others.
#[derive(Debug, Default)]
pub(super) struct Part {
    /// The name it is attached under; empty where there is none.
    pub(super) name: String,
    /// The type it declares, in lower case, without parameters.
    pub(super) declared: String,
    encoding: Encoding,
    body: Range<usize>,
}

impl Part {
    /// Up to `cap` bytes of what is attached.
    pub(super) fn bytes(&self, message: &str, cap: usize) -> Vec<u8> {
        let body = &message.as_bytes()[self.body.clone()];
        match self.encoding {
            Encoding::Plain => body[..body.len().min(cap)].to_vec(),
            Encoding::Base64 => base64(body, cap),
            Encoding::QuotedPrintable => quoted(body, cap, false),
        }
    }

    /// Whether it is words that are shown as such, not a file.
    pub(super) fn is_words(&self) -> bool {
        self.name.is_empty() && matches!(self.declared.as_str(), "" | "text/plain")
    }

    fn is_container(&self) -> bool {
        self.declared.starts_with("multipart/") || self.declared.starts_with("message/rfc822")
    }
}

/// The parts, in their order; one more than the cap where there are more.
pub(super) fn parts(message: &str) -> Vec<Part> {
    let mut reader = Reader {
        header: Some(Vec::new()),
        ..Reader::default()
    };
    let mut at = 0;
    for line in message.split_inclusive('\n') {
        reader.line(line.trim_end_matches(['\r', '\n']), at..at + line.len());
        at += line.len();
        if reader.parts.len() > PARTS_CAP {
            return reader.parts;
        }
    }
    reader.close(at);
    reader.parts
}

#[derive(Default)]
struct Reader<'a> {
    parts: Vec<Part>,
    boundaries: BTreeSet<String>,
    /// The part whose body is being read.
    open: Option<Part>,
    /// The header being read, a field a text, unfolded.
    header: Option<Vec<String>>,
    /// Whether that header is a part's, and may be empty; blank lines may stand before the message's own.
    delimited: bool,
    before: &'a str,
}

impl<'a> Reader<'a> {
    fn line(&mut self, line: &'a str, place: Range<usize>) {
        let mailbox = line.starts_with("From ") && self.before.is_empty();
        let delimiter = line.strip_prefix("--").is_some_and(|rest| {
            let rest = rest.trim_end();
            let closed = rest.strip_suffix("--").unwrap_or(rest);
            self.boundaries.contains(rest) || self.boundaries.contains(closed)
        });
        self.before = line;
        if delimiter || mailbox {
            self.close(place.start);
            self.header = Some(Vec::new());
            self.delimited = delimiter;
        } else if let Some(header) = &mut self.header {
            header_line(header, line);
            if line.is_empty() && (self.delimited || !header.is_empty()) {
                self.begin(place.end);
            }
        }
    }

    /// Begins a body, by what its header says.
    fn begin(&mut self, at: usize) {
        let header = self.header.take().unwrap_or_default();
        let mut part = Part {
            body: at..at,
            ..Part::default()
        };
        for field in &header {
            let Some((name, value)) = field.split_once(':') else {
                continue;
            };
            match name.trim().to_ascii_lowercase().as_str() {
                "content-type" => {
                    let first = value.split(';').next().unwrap_or_default();
                    part.declared = first.trim().to_ascii_lowercase();
                    self.boundaries.extend(parameter(value, "boundary"));
                    if part.name.is_empty() {
                        part.name = parameter(value, "name").unwrap_or_default();
                    }
                }
                "content-disposition" => {
                    if let Some(name) = parameter(value, "filename") {
                        part.name = name;
                    }
                }
                "content-transfer-encoding" => {
                    part.encoding = match value.trim().to_ascii_lowercase().as_str() {
                        "base64" => Encoding::Base64,
                        "quoted-printable" => Encoding::QuotedPrintable,
                        _ => Encoding::Plain,
                    };
                }
                _ => {}
            }
        }
        if part.declared.starts_with("message/rfc822") {
            self.header = Some(Vec::new());
        } else if !part.is_container() {
            self.open = Some(part);
        }
    }

    fn close(&mut self, at: usize) {
        if let Some(mut part) = self.open.take() {
            part.body.end = at.max(part.body.start);
            self.parts.push(part);
        }
    }
}

/// Adds a line to a header, joined to the field that it goes on with.
fn header_line(header: &mut Vec<String>, line: &str) {
    match header.last_mut() {
        Some(field) if line.starts_with([' ', '\t']) => {
            if field.len() < FIELD_CAP {
                field.push_str(line);
            }
        }
        _ if line.is_empty() => {}
        _ => header.push(line.chars().take(FIELD_CAP).collect()),
    }
}

/// A parameter of a field, its pieces joined (`filename*0*=`), its letters decoded.
pub(super) fn parameter(value: &str, wanted: &str) -> Option<String> {
    let (mut plain, mut pieces) = (None, Vec::new());
    for (key, text) in pairs(value) {
        let Some(rest) = key.strip_prefix(wanted) else {
            continue;
        };
        if rest.is_empty() {
            plain.get_or_insert_with(|| words(&text));
        } else if let Some(rest) = rest.strip_prefix('*') {
            let number = rest.trim_end_matches('*').parse().unwrap_or(0_u32);
            let percent = rest.is_empty() || rest.ends_with('*');
            let text = match percent {
                true => unescaped(text.splitn(3, '\'').last().unwrap_or_default()),
                false => text,
            };
            pieces.push((number, text));
        }
    }
    pieces.sort_by_key(|piece| piece.0);
    let joined: String = pieces.into_iter().map(|piece| piece.1).collect();
    Some(joined).filter(|joined| !joined.is_empty()).or(plain)
}

/// Parameters as they stand, keys in lower case, quotes taken off.
fn pairs(value: &str) -> Vec<(String, String)> {
    let mut pieces = vec![String::new()];
    let (mut quoted, mut escaped) = (false, false);
    for c in value.chars() {
        let Some(piece) = pieces.last_mut() else {
            break;
        };
        match c {
            _ if escaped => {
                piece.push(c);
                escaped = false;
            }
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            ';' if !quoted => pieces.push(String::new()),
            _ => piece.push(c),
        }
    }
    let pair = |piece: &String| {
        let (key, text) = piece.split_once('=')?;
        Some((key.trim().to_ascii_lowercase(), text.trim().to_owned()))
    };
    pieces.iter().filter_map(pair).collect()
}

/// `%65xe` as `exe`.
fn unescaped(text: &str) -> String {
    let bytes = quoted(text.as_bytes(), FIELD_CAP, true);
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Encoded words resolved: `=?utf-8?B?…?=`, `=?utf-8?Q?…?=`. Letters outside of ASCII need not be right: extensions have none.
fn words(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("=?") {
        out.push_str(rest[..at].trim_end());
        let mut fields = rest[at + 2..].splitn(4, '?');
        let (_, how, packed, after) = (fields.next(), fields.next(), fields.next(), fields.next());
        let (Some(how), Some(packed), Some(after)) = (how, packed, after) else {
            break;
        };
        let bytes = match how {
            "B" | "b" => base64(packed.as_bytes(), FIELD_CAP),
            _ => quoted(packed.as_bytes(), FIELD_CAP, false),
        };
        out.push_str(&String::from_utf8_lossy(&bytes));
        rest = after.strip_prefix('=').unwrap_or(after);
    }
    out.push_str(rest.strip_prefix("=?").unwrap_or(rest));
    out
}

/// Quoted-printable, or with `percent` the escapes of links.
fn quoted(text: &[u8], cap: usize, percent: bool) -> Vec<u8> {
    let sign = if percent { b'%' } else { b'=' };
    let digit = |at: usize| char::from(*text.get(at)?).to_digit(16);
    let (mut out, mut at) = (Vec::new(), 0);
    while at < text.len() && out.len() < cap {
        if text[at] != sign {
            out.push(text[at]);
            at += 1;
        } else if let (Some(high), Some(low)) = (digit(at + 1), digit(at + 2)) {
            out.push((high * 16 + low) as u8);
            at += 3;
        } else if !percent && matches!(text.get(at + 1), Some(b'\r' | b'\n')) {
            // A line that goes on.
            let feed = text[at + 1] == b'\r' && text.get(at + 2) == Some(&b'\n');
            at += 2 + usize::from(feed);
        } else {
            out.push(text[at]);
            at += 1;
        }
    }
    out
}

/// Base64 with everything passed over that is none, as readers do (RFC 2045 §6.8).
fn base64(text: &[u8], cap: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(cap.min(text.len() / 4 * 3 + 3));
    let (mut bits, mut held) = (0_u32, 0);
    for &byte in text {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => continue,
        };
        bits = (bits << 6 | u32::from(value)) & 0xFF_FFFF;
        held += 6;
        if held >= 8 {
            held -= 8;
            out.push((bits >> held & 0xFF) as u8);
            if out.len() == cap {
                break;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let rows = [
            ("attachment; filename=\"invoice.exe\"", "invoice.exe"),
            ("attachment; filename*=UTF-8''invoice.%65xe", "invoice.exe"),
            (
                "attachment; filename*1=\"e.exe\"; filename*0=\"invoic\"",
                "invoice.exe",
            ),
            (
                "attachment; filename*0*=utf-8''in%76; filename*1=oice.js",
                "invoice.js",
            ),
            ("attachment; filename=\"=?utf-8?B?YS5leGU=?=\"", "a.exe"),
            ("attachment; filename=\"=?utf-8?Q?a=2Eexe?=\"", "a.exe"),
            ("attachment; FILENAME = a.exe", "a.exe"),
            ("attachment; filename=\"a;b.pdf\"; size=3", "a;b.pdf"),
            ("attachment; filename=\"a.exe", "a.exe"),
            ("attachment; filename=\"=?utf-8?", "utf-8?"),
        ];
        for (value, expected) in rows {
            assert_eq!(
                parameter(value, "filename").as_deref(),
                Some(expected),
                "{value}"
            );
        }
        assert_eq!(parameter("attachment; filenames=a", "filename"), None);
    }

    #[test]
    fn parts_within_parts() {
        let message = "From: a@b\r\nContent-Type: multipart/mixed;\r\n boundary=\"x y\"\r\n\r\npreamble\r\n\
            --x y\r\nContent-Type: multipart/alternative; boundary=in\r\n\r\n--in\r\n\r\nwords\r\n\
            --in\r\nContent-Type: text/html\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n<p=3E=\r\nhi\r\n--in--\r\n\
            --x y\r\nContent-Type: application/pdf; name=a.pdf\r\nContent-Transfer-Encoding: BASE64\r\n\r\naGVs\r\nbG8=\r\n--x y--\r\n";
        let found: Vec<_> = parts(message)
            .iter()
            .map(|part| {
                let text = String::from_utf8(part.bytes(message, 100)).unwrap();
                (part.name.clone(), part.declared.clone(), text)
            })
            .collect();
        let expected = [
            ("", "", "words\r\n"),
            ("", "text/html", "<p>hi\r\n"),
            ("a.pdf", "application/pdf", "hello"),
        ];
        let expected = expected.map(|(a, b, c)| (a.to_owned(), b.to_owned(), c.to_owned()));
        assert_eq!(found, expected);
        let single = "From: a@b\nContent-Transfer-Encoding: base64\n\naGk=\n";
        assert_eq!(parts(single)[0].bytes(single, 9), b"hi");
        assert_eq!(parts(single)[0].bytes(single, 1), b"h");
    }
}
