//! Objects of a PDF as values: just enough syntax to see dictionaries whole (ISO 32000-2 §7.3).

use super::value::{Value, is_telling};
use std::borrow::Cow;

/// Arrays and dictionaries nested deeper than this are not entered.
const DEPTH_CAP: usize = 48;

/// Reads values from bytes, one after another.
pub(super) struct Lexer<'a> {
    bytes: &'a [u8],
    pub(super) at: usize,
}

/// What a byte is to the syntax.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Regular,
    Space,
    Delimiter,
}

/// The class of every byte: looked up, since most of the work is walking over bytes (ISO 32000-2 §7.2.3).
const CLASSES: [Class; 256] = {
    let mut classes = [Class::Regular; 256];
    let (spaces, delimiters) = (b"\0\t\n\x0C\r ", b"()<>[]{}/%");
    let mut at = 0;
    while at < spaces.len() {
        classes[spaces[at] as usize] = Class::Space;
        at += 1;
    }
    at = 0;
    while at < delimiters.len() {
        classes[delimiters[at] as usize] = Class::Delimiter;
        at += 1;
    }
    classes
};

fn class(byte: u8) -> Class {
    CLASSES[usize::from(byte)]
}

impl<'a> Lexer<'a> {
    pub(super) fn new(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at }
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// Skips white space and comments.
    pub(super) fn skip(&mut self) {
        while let Some(byte) = self.peek() {
            if byte == b'%' {
                let rest = &self.bytes[self.at..];
                self.at += memchr::memchr2(b'\r', b'\n', rest).unwrap_or(rest.len());
            } else if class(byte) == Class::Space {
                self.at += 1;
            } else {
                return;
            }
        }
    }

    /// Whether these letters come next; they are then behind us.
    pub(super) fn word(&mut self, word: &[u8]) -> bool {
        self.skip();
        let here = self
            .bytes
            .get(self.at..)
            .is_some_and(|rest| rest.starts_with(word));
        if here {
            self.at += word.len();
        }
        here
    }

    /// The next value; `None` where none begins or the bytes end within it.
    pub(super) fn value(&mut self) -> Option<Value<'a>> {
        self.nested(0)
    }

    /// Steps over the next value without keeping it; answers whether it holds a telling name. `None` as for a value.
    pub(super) fn step(&mut self) -> Option<bool> {
        let (mut telling, mut open) = (false, 0_usize);
        loop {
            self.skip();
            match (self.peek()?, self.bytes.get(self.at + 1)) {
                (b'/', _) => {
                    self.at += 1;
                    telling |= is_telling(self.run());
                }
                (b'(', _) => _ = self.text()?,
                (b'<', Some(b'<')) => {
                    self.at += 2;
                    open += 1;
                }
                (b'<', _) => _ = self.hexadecimal()?,
                (b'[', _) => {
                    self.at += 1;
                    open += 1;
                }
                (b'>', Some(b'>')) if open > 0 => {
                    self.at += 2;
                    open -= 1;
                }
                (b']' | b'>', _) if open > 0 => {
                    self.at += 1;
                    open -= 1;
                }
                (b')' | b'>' | b']' | b'{' | b'}', _) => return None,
                (b'+' | b'-' | b'.' | b'0'..=b'9', _) if open == 0 => _ = self.number(),
                (b'+' | b'-' | b'.' | b'0'..=b'9', _) => _ = self.run(),
                _ => _ = self.keyword()?,
            }
            if open == 0 {
                return Some(telling);
            }
        }
    }

    fn nested(&mut self, depth: usize) -> Option<Value<'a>> {
        if depth > DEPTH_CAP {
            return None;
        }
        self.skip();
        match (self.peek()?, self.bytes.get(self.at + 1)) {
            (b'/', _) => Some(Value::Name(self.name())),
            (b'(', _) => self.text().map(Value::Text),
            (b'<', Some(b'<')) => self.dictionary(depth),
            (b'<', _) => self.hexadecimal().map(Value::Text),
            (b'[', _) => self.list(depth),
            (b'+' | b'-' | b'.' | b'0'..=b'9', _) => Some(self.number()),
            (b')' | b'>' | b']' | b'{' | b'}', _) => None,
            _ => self.keyword(),
        }
    }

    fn run(&mut self) -> &'a [u8] {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let length = rest
            .iter()
            .position(|&b| class(b) != Class::Regular)
            .unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }

    /// `true`, `null` and the like; `None` for the words that end an object.
    fn keyword(&mut self) -> Option<Value<'a>> {
        let start = self.at;
        let word = self.run();
        if matches!(
            word,
            b"endobj" | b"stream" | b"endstream" | b"obj" | b"xref" | b"trailer" | b"startxref"
        ) {
            self.at = start;
            return None;
        }
        Some(match word {
            b"true" => Value::Truth(true),
            b"false" => Value::Truth(false),
            _ => Value::Other,
        })
    }

    /// A name with its `#xx` resolved.
    fn name(&mut self) -> Cow<'a, [u8]> {
        self.at += 1;
        let raw = self.run();
        if !raw.contains(&b'#') {
            return Cow::Borrowed(raw);
        }
        let mut name = Vec::with_capacity(raw.len());
        let mut rest = raw;
        while let [first, more @ ..] = rest {
            let escaped = (*first == b'#')
                .then(|| more.get(..2).and_then(hexadecimal_byte))
                .flatten();
            name.push(escaped.unwrap_or(*first));
            rest = if escaped.is_some() { &more[2..] } else { more };
        }
        Cow::Owned(name)
    }

    fn text(&mut self) -> Option<&'a [u8]> {
        let start = self.at + 1;
        let mut open = 0;
        let mut at = self.at;
        loop {
            match self.bytes.get(at)? {
                b'\\' => at += 1,
                b'(' => open += 1,
                b')' => open -= 1,
                _ => {}
            }
            at += 1;
            if open == 0 {
                self.at = at;
                return self.bytes.get(start..at - 1);
            }
        }
    }

    fn hexadecimal(&mut self) -> Option<&'a [u8]> {
        let rest = self.bytes.get(self.at + 1..)?;
        let end = memchr::memchr(b'>', rest)?;
        self.at += end + 2;
        Some(&rest[..end])
    }

    fn list(&mut self, depth: usize) -> Option<Value<'a>> {
        self.at += 1;
        let mut values = Vec::new();
        loop {
            self.skip();
            if self.peek()? == b']' {
                self.at += 1;
                return Some(Value::List(values));
            }
            values.push(self.nested(depth + 1)?);
        }
    }

    fn dictionary(&mut self, depth: usize) -> Option<Value<'a>> {
        self.at += 2;
        let mut pairs = Vec::new();
        loop {
            self.skip();
            match self.peek()? {
                b'>' => {
                    self.at += if self.bytes.get(self.at + 1) == Some(&b'>') {
                        2
                    } else {
                        1
                    };
                    return Some(Value::Dictionary(pairs));
                }
                b'/' => {
                    let key = self.name();
                    // A key without a value is a slip of some writers: the next key or the end follows.
                    self.skip();
                    let value = if self.peek() == Some(b'>') {
                        Value::Other
                    } else {
                        self.nested(depth + 1)?
                    };
                    pairs.push((key, value));
                }
                // Anything else between keys is skipped, as readers do.
                _ => {
                    self.nested(depth + 1)?;
                }
            }
        }
    }

    /// A number, or the reference that it begins.
    fn number(&mut self) -> Value<'a> {
        let Some(first) = digits(self.run()) else {
            return Value::Other;
        };
        let behind = self.at;
        let reference = u32::try_from(first).ok().filter(|_| {
            self.skip();
            self.peek().is_some_and(|byte| byte.is_ascii_digit())
                && digits(self.run()).is_some()
                && {
                    self.skip();
                    self.run() == b"R"
                }
        });
        match reference {
            Some(object) => Value::Reference(object),
            None => {
                self.at = behind;
                Value::Whole(first)
            }
        }
    }
}

fn digits(word: &[u8]) -> Option<i64> {
    std::str::from_utf8(word).ok()?.parse().ok()
}

fn hexadecimal_byte(pair: &[u8]) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    u8::try_from(digit(pair[0])? << 4 | digit(pair[1])?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Option<Value<'_>> {
        Lexer::new(bytes, 0).value()
    }

    #[test]
    fn dictionaries_are_seen_whole() {
        let bytes = b"<< /Type/Action % note\n/S /#4aava#53cript /JS (a\\)b(c)d) /Next [1 0 R -2 <AB> true] /N 5 >>";
        let value = read(bytes).unwrap();
        assert!(value.is(b"Type", b"Action") && value.is(b"S", b"JavaScript"));
        assert_eq!(value.get(b"JS"), Some(&Value::Text(b"a\\)b(c)d")));
        let next = [
            Value::Reference(1),
            Value::Whole(-2),
            Value::Text(b"AB"),
            Value::Truth(true),
        ];
        assert_eq!(value.get(b"Next"), Some(&Value::List(next.to_vec())));
        assert_eq!(value.get(b"N").and_then(Value::whole), Some(5));
    }

    #[test]
    fn stepping_ends_where_reading_does() {
        let rows: [(&[u8], bool); 7] = [
            (b"<< /A [1 0 R (x) <</B /C>>] /D <AB> >> rest", false),
            (b"<< /S /JavaScript >> rest", true),
            (b"<< /S /J#61vaScript >> rest", true),
            (b"[/A (/JS) % /JS\n 3] rest", false),
            (b"12 0 R rest", false),
            (b"12 rest", false),
            (b"true rest", false),
        ];
        for (bytes, telling) in rows {
            let (mut steps, mut reads) = (Lexer::new(bytes, 0), Lexer::new(bytes, 0));
            assert_eq!(
                steps.step(),
                Some(telling),
                "{}",
                String::from_utf8_lossy(bytes)
            );
            reads.value().unwrap();
            assert_eq!(steps.at, reads.at, "{}", String::from_utf8_lossy(bytes));
        }
    }

    #[test]
    fn what_does_not_end_is_no_value() {
        let rows: [&[u8]; 6] = [b"<< /A 1", b"(abc", b"[1 2", b"<41", b"endobj", b""];
        for bytes in rows {
            assert_eq!(read(bytes), None, "{bytes:?}");
            assert_eq!(Lexer::new(bytes, 0).step(), None, "{bytes:?}");
        }
        assert_eq!(read(&b"[".repeat(100_000)), None);
        assert_eq!(read(&b"<</A".repeat(100_000)), None);
    }
}
