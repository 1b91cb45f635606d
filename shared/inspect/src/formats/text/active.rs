//! What in markup runs: script elements, addresses that are scripts, handlers of events, documents in the document
//! (HTML Living Standard §§4.12, 8.1.7; SVG 2 §15). XML runs only where it holds SVG or XHTML.
//!
//! Long pages are looked at piece by piece; pieces overlap, so that what stands across their border is seen whole.

use crate::kind::FileType;
use memchr::memmem;
use std::collections::BTreeSet;

/// Namespaces in which a browser runs scripts.
pub(super) const RUNNING_NAMESPACES: [&str; 2] =
    ["http://www.w3.org/2000/svg", "http://www.w3.org/1999/xhtml"];
/// Beginnings of addresses that hold a page or a script.
const PAGES: [&[u8]; 3] = [b"text/html", b"application/xhtml", b"text/javascript"];
/// How far before an address its tag may begin.
const NEAR: usize = 1024;
/// Tags, addresses and references that are looked at in one text: more than any page has that people made.
const EVENTS_CAP: usize = 600_000;
/// The longest tag that is searched for handlers at once: longer ones are a file in an attribute.
const TAG_CAP: usize = 1 << 20;

/// What was found, the plainest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Runs {
    Script,
    Address,
    Page,
    Handler,
    Document,
}

/// What has been seen of a text so far.
pub(super) struct Active {
    /// Whether it is markup in which scripts run.
    runs: bool,
    /// Prefixes of names that are declared for such markup.
    prefixes: BTreeSet<String>,
    /// The last piece ended within a tag.
    open: bool,
    /// Tags, addresses and references that may still be looked at.
    left: usize,
    found: Option<Runs>,
}

impl Active {
    pub(super) fn new(kind: FileType) -> Self {
        Self {
            runs: kind != FileType::Xml,
            prefixes: BTreeSet::new(),
            open: false,
            left: EVENTS_CAP,
            found: None,
        }
    }

    /// Whether there was more than is looked at.
    pub(super) fn exhausted(&self) -> bool {
        self.left == 0
    }

    /// Looks at the next piece.
    pub(super) fn look(&mut self, piece: &str) {
        let bytes = piece.as_bytes();
        let events = memchr::memchr3_iter(b'<', b':', b'&', bytes).count();
        self.left = self.left.saturating_sub(events);
        if self.exhausted() {
            return;
        }
        let plain = decode_references(piece);
        self.runs |= RUNNING_NAMESPACES
            .iter()
            .any(|namespace| memmem::find(plain.as_bytes(), namespace.as_bytes()).is_some());
        self.declare(&plain);
        if self.open && has_handler(tag(plain.as_bytes())) {
            self.add(Runs::Handler);
        }
        let bracket = memchr::memrchr2(b'<', b'>', plain.as_bytes());
        self.open = bracket.map_or(self.open, |at| plain.as_bytes()[at] == b'<');
        self.tags(&plain);
        self.addresses(plain.as_bytes());
    }

    /// Whether this is markup in which scripts run.
    pub(super) fn runs(&self) -> bool {
        self.runs
    }

    /// What would run, if anything.
    pub(super) fn evidence(&self) -> Option<&'static str> {
        Some(match self.found.filter(|_| self.runs)? {
            Runs::Script => "a script element",
            Runs::Address => "a script address",
            Runs::Page => "a page in an address",
            Runs::Handler => "an event handler",
            Runs::Document => "an embedded document",
        })
    }

    fn add(&mut self, runs: Runs) {
        self.found = Some(self.found.map_or(runs, |found| found.min(runs)));
    }

    /// Notes prefixes that are declared for a namespace whose scripts run.
    fn declare(&mut self, plain: &str) {
        for at in memmem::find_iter(plain.as_bytes(), b"xmlns:") {
            let rest = &plain[at + 6..];
            let (_, prefix) = split_name(rest);
            let value = rest[prefix.len()..]
                .trim_start()
                .strip_prefix('=')
                .and_then(|rest| rest.trim_start().strip_prefix(['"', '\'']));
            let runs = |value: &str| RUNNING_NAMESPACES.iter().any(|one| value.starts_with(one));
            if value.is_some_and(runs) {
                self.prefixes.insert(prefix.to_owned());
            }
        }
    }

    fn tags(&mut self, plain: &str) {
        for at in memchr::memchr_iter(b'<', plain.as_bytes()) {
            let rest = &plain[at + 1..];
            if !rest.starts_with(|c: char| c.is_ascii_alphabetic()) {
                continue;
            }
            let (prefix, name) = split_name(rest);
            if prefix.is_none_or(|prefix| self.prefixes.contains(prefix)) {
                match name {
                    "script" => self.add(Runs::Script),
                    "iframe" | "object" | "embed" => self.add(Runs::Document),
                    _ => {}
                }
            }
            let open = self.found.is_none_or(|found| found > Runs::Handler);
            if open && has_handler(tag(rest.as_bytes())) {
                self.add(Runs::Handler);
            }
        }
    }

    fn addresses(&mut self, plain: &[u8]) {
        for at in memchr::memchr_iter(b':', plain) {
            if let Some(start) = [&b"javascript"[..], b"vbscript"]
                .into_iter()
                .find_map(|scheme| ends_with(&plain[..at], scheme))
            {
                if begins_value(&plain[..start]) {
                    self.add(Runs::Address);
                }
            } else if let Some(start) = ends_with(&plain[..at], b"data") {
                let begins = |what: &&[u8]| starts_with(&plain[at + 1..], what);
                let use_of = || {
                    let near = &plain[start.saturating_sub(NEAR)..start];
                    memchr::memrchr(b'<', near)
                        .is_some_and(|tag| near[tag + 1..].starts_with(b"use"))
                };
                if PAGES.iter().any(begins) || use_of() {
                    self.add(Runs::Page);
                }
            }
        }
    }
}

/// Lower case, with the character references resolved in which addresses hide. Those of angle brackets stay: they are
/// how a page shows markup.
fn decode_references(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = memchr::memchr(b'&', rest.as_bytes()) {
        plain.push_str(&rest[..at]);
        let reference = &rest[at + 1..];
        match resolve(reference) {
            Some((character, length)) => {
                plain.push(character);
                rest = &reference[length..];
            }
            None => {
                plain.push('&');
                rest = reference;
            }
        }
    }
    plain.push_str(rest);
    plain.make_ascii_lowercase();
    plain
}

/// The character that a reference stands for, and how long the reference is after its ampersand.
fn resolve(reference: &str) -> Option<(char, usize)> {
    let named = [("colon;", ':'), ("Tab;", '\t'), ("NewLine;", '\n')];
    if let Some((name, character)) = named.iter().find(|(name, _)| reference.starts_with(name)) {
        return Some((*character, name.len()));
    }
    let number = reference.strip_prefix('#')?;
    let (digits, radix, before) = match number.strip_prefix(['x', 'X']) {
        Some(hexadecimal) => (hexadecimal, 16, 2),
        None => (number, 10, 1),
    };
    // Zeros before a number are as good a disguise as any.
    let zeros = digits.bytes().take_while(|&b| b == b'0').count();
    let length = digits[zeros..]
        .bytes()
        .take(8)
        .take_while(|&b| char::from(b).is_digit(radix))
        .count();
    let character = u32::from_str_radix(&digits[zeros..zeros + length], radix)
        .ok()
        .and_then(char::from_u32)
        .filter(|one| !matches!(one, '<' | '>'))?;
    let end = before + zeros + length;
    Some((
        character,
        end + usize::from(reference[end..].starts_with(';')),
    ))
}

/// The prefix and local name that a text begins with.
fn split_name(text: &str) -> (Option<&str>, &str) {
    let end = text
        .bytes()
        .position(|b| !(b.is_ascii_alphanumeric() || matches!(b, b':' | b'-' | b'_' | b'.')));
    let name = &text[..end.unwrap_or(text.len())];
    match name.split_once(':') {
        Some((prefix, local)) => (Some(prefix), local),
        None => (None, name),
    }
}

/// Where a word begins that these bytes end with, white space and control characters in it passed over.
fn ends_with(bytes: &[u8], word: &[u8]) -> Option<usize> {
    let mut left = word;
    for (at, &byte) in bytes.iter().enumerate().rev() {
        if is_passed_over(byte) {
            continue;
        }
        left = left.strip_suffix(&[byte])?;
        if left.is_empty() {
            return Some(at);
        }
    }
    None
}

fn starts_with(bytes: &[u8], word: &[u8]) -> bool {
    let plain = bytes.iter().filter(|byte| !is_passed_over(**byte));
    plain.take(word.len()).eq(word)
}

fn is_passed_over(byte: u8) -> bool {
    byte <= b' ' || byte == 0x7F
}

/// Whether the value of an attribute begins behind these bytes, or a part of one: not a word of prose.
fn begins_value(bytes: &[u8]) -> bool {
    let spaced = |bytes: &[u8]| {
        let kept = bytes.iter().rposition(|byte| !is_passed_over(*byte));
        kept.map_or(0, |at| at + 1)
    };
    let before = &bytes[..spaced(bytes)];
    match before {
        [.., b'=' | b';' | b','] => true,
        [rest @ .., b'"' | b'\'' | b'`'] => rest[..spaced(rest)].ends_with(b"="),
        _ => before.ends_with(b"url("),
    }
}

/// What is left of a tag.
fn tag(rest: &[u8]) -> &[u8] {
    let tag = &rest[..rest.len().min(TAG_CAP)];
    &tag[..memchr::memchr2(b'<', b'>', tag).unwrap_or(tag.len())]
}

/// Whether a tag carries an attribute `on…=`.
fn has_handler(tag: &[u8]) -> bool {
    memmem::find_iter(tag, b"on").any(|at| {
        let boundary = tag[..at]
            .last()
            .is_some_and(|&byte| byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'' | b'/'));
        boundary && is_handler(&tag[at + 2..])
    })
}

/// Whether an attribute goes on as `load=`, `click =` and the like after its `on`.
fn is_handler(rest: &[u8]) -> bool {
    let letters = rest
        .iter()
        .take_while(|byte| byte.is_ascii_alphabetic())
        .count();
    letters >= 3 && rest[letters..].trim_ascii_start().starts_with(b"=")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(kind: FileType, text: &str) -> Option<&'static str> {
        let mut active = Active::new(kind);
        active.look(text);
        active.evidence()
    }

    #[test]
    fn what_runs() {
        let rows = [
            ("<svg><script>x</script></svg>", Some("a script element")),
            (
                "<s:svg xmlns:s='http://www.w3.org/2000/svg'><s:SCRIPT/></s:svg>",
                Some("a script element"),
            ),
            ("<a:svg xmlns:office='urn:x'><office:script/></a:svg>", None),
            ("<a href='java&#115;cript:x'>", Some("a script address")),
            (
                "<a href=java&#0000115;cript&colon;x>",
                Some("a script address"),
            ),
            ("<a href='java\n\tscript:x'>", Some("a script address")),
            ("<a href = ' javascript&#x3A;x'>", Some("a script address")),
            ("<p style='x:url(vbscript:x)'>", Some("a script address")),
            (
                "<meta content='0;url=javascript:x'>",
                Some("a script address"),
            ),
            (
                "<a title='>' href='jav&Tab;ascript:x'>",
                Some("a script address"),
            ),
            (
                "<p>JavaScript: The Good Parts, \"JavaScript: a guide\"</p>",
                None,
            ),
            ("<a href='data:text/html,x'>", Some("a page in an address")),
            (
                "<use xlink:href='data:image/svg+xml,x'>",
                Some("a page in an address"),
            ),
            ("<img src='data:image/png;base64,x'>", None),
            ("<svg onload = 'x()'>", Some("an event handler")),
            ("<svg/onload=x()>", Some("an event handler")),
            ("<img src=x\nonerror=alert(1)>", Some("an event handler")),
            ("<iframe src=x>", Some("an embedded document")),
            ("<p>&#60;script&#62; and &lt;script></p>", None),
            ("<p>one=1, option = 2</p>", None),
            ("<p title='on top'>", None),
            ("<rect fill='none' iconset='a'/>", None),
        ];
        for (text, expected) in rows {
            assert_eq!(runs(FileType::Svg, text), expected, "{text}");
        }
        assert_eq!(runs(FileType::Xml, "<job><script>x</script></job>"), None);
    }

    #[test]
    fn pieces_know_what_stood_before_them() {
        let mut active = Active::new(FileType::Xml);
        active.look("<a xmlns:h='http://www.w3.org/1999/xhtml'>");
        assert_eq!(active.evidence(), None);
        active.look("<h:script>x</h:script></a>");
        assert_eq!(active.evidence(), Some("a script element"));
        let mut active = Active::new(FileType::Html);
        active.look("<p title='long");
        active.look("er' onclick='x()'>");
        assert_eq!(active.evidence(), Some("an event handler"));
    }
}
