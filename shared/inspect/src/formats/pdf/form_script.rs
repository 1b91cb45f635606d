//! Scripts of forms that can do no harm: formatting, sums of fields, printing.
//!
//! Acrobat and its kin write such scripts into nearly every form, and labels print themselves. They are told by a list of
//! what they may be made of, so that whatever is not on it counts as a script: no loops, no functions, no property by a
//! computed name, nothing called but what the list names, and no name on the list given another meaning.

use crate::findings::HazardKind;
use crate::seen::Seen;

/// The longest script that is looked at, in bytes.
const CAP: usize = 8 << 10;

/// What may be called by its bare name, besides Acrobat's own `AF…` (Acrobat JavaScript API reference, `AForm.api`).
const CALLS: [&str; 9] = [
    "getField",
    "Number",
    "String",
    "parseFloat",
    "parseInt",
    "isNaN",
    "Array",
    "Date",
    "print",
];
/// Methods that may be called.
const METHODS: [&str; 12] = [
    "getField", "toFixed", "round", "floor", "ceil", "abs", "min", "max", "pow", "print",
    "replace", "toString",
];
/// Properties that may be read or set.
const PROPERTIES: [&str; 9] = [
    "value",
    "valueAsString",
    "target",
    "rc",
    "willCommit",
    "change",
    "name",
    "length",
    "textColor",
];
/// Words of the language, and objects that have nothing but the above.
const WORDS: [&str; 12] = [
    "var",
    "if",
    "else",
    "new",
    "true",
    "false",
    "null",
    "undefined",
    "this",
    "event",
    "Math",
    "NaN",
];

/// Adds a script as what it is.
pub(super) fn flag(code: &str, seen: &mut Seen) {
    if is_harmless(code) {
        seen.add_hazard(
            HazardKind::PdfFormScript,
            "a script that formats or adds up fields, or prints",
        );
    } else {
        seen.add_hazard(HazardKind::PdfJavascript, "a JavaScript action");
    }
}

/// The characters of a string as it stands in the file, in parentheses or as hexadecimal digits (ISO 32000-2 §7.3.4).
pub(super) fn text(raw: &[u8]) -> String {
    characters(&bytes_of(raw))
}

/// The bytes of a string as it stands in the file.
pub(super) fn bytes_of(raw: &[u8]) -> Vec<u8> {
    let digits = !raw.is_empty()
        && raw
            .iter()
            .all(|b| b.is_ascii_hexdigit() || b.is_ascii_whitespace());
    if !digits {
        return unescaped(raw);
    }
    let digits: Vec<u32> = raw
        .iter()
        .filter_map(|&b| char::from(b).to_digit(16))
        .collect();
    digits
        .chunks(2)
        .map(|pair| (pair[0] << 4 | pair.get(1).copied().unwrap_or(0)) as u8)
        .collect()
}

/// The characters of bytes: UTF-16 where they say so, one byte each otherwise.
pub(super) fn characters(bytes: &[u8]) -> String {
    match bytes {
        [0xFE, 0xFF, rest @ ..] => {
            let units = rest
                .chunks_exact(2)
                .map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
            char::decode_utf16(units)
                .map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER))
                .collect()
        }
        _ => bytes.iter().copied().map(char::from).collect(),
    }
}

fn unescaped(raw: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let [first, more @ ..] = rest {
        rest = more;
        if *first != b'\\' {
            plain.push(*first);
            continue;
        }
        let octal = rest
            .iter()
            .take(3)
            .take_while(|b| matches!(b, b'0'..=b'7'))
            .count();
        if octal > 0 {
            let code = rest[..octal]
                .iter()
                .fold(0_u32, |code, digit| code * 8 + u32::from(digit - b'0'));
            plain.push((code & 0xFF) as u8);
            rest = &rest[octal..];
            continue;
        }
        let Some((&escaped, more)) = rest.split_first() else {
            break;
        };
        rest = more;
        match escaped {
            b'n' => plain.push(b'\n'),
            b'r' => plain.push(b'\r'),
            b't' => plain.push(b'\t'),
            b'b' => plain.push(8),
            b'f' => plain.push(12),
            // The line goes on.
            b'\r' => rest = rest.strip_prefix(b"\n").unwrap_or(rest),
            b'\n' => {}
            other => plain.push(other),
        }
    }
    plain
}

/// A piece of a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token<'a> {
    Word(&'a str),
    Number,
    Text,
    Sign(u8),
}

/// Whether a script is made of nothing but what the lists name.
pub(super) fn is_harmless(code: &str) -> bool {
    // Two characters end a line, and with it a comment, that look like none.
    if code.len() > CAP || code.contains(['\u{2028}', '\u{2029}']) {
        return false;
    }
    let Some(tokens) = tokens(code) else {
        return false;
    };
    let own: Vec<&str> = tokens
        .windows(2)
        .filter_map(|pair| match pair {
            [Token::Word("var"), Token::Word(name)] => Some(*name),
            _ => None,
        })
        .collect();
    let at = |index: usize| tokens.get(index).copied();
    (0..tokens.len()).all(|index| {
        let before = index.checked_sub(1).and_then(at);
        match tokens[index] {
            Token::Number | Token::Text => true,
            Token::Word(word) => word_is_harmless(word, &own, before, at(index + 1)),
            Token::Sign(sign) => sign_is_harmless(sign, before),
        }
    })
}

fn word_is_harmless(
    word: &str,
    own: &[&str],
    before: Option<Token<'_>>,
    after: Option<Token<'_>>,
) -> bool {
    let called = after == Some(Token::Sign(b'('));
    if before == Some(Token::Sign(b'.')) {
        return if called {
            METHODS.contains(&word)
        } else {
            PROPERTIES.contains(&word)
        };
    }
    if called {
        return word == "if" || CALLS.contains(&word) || is_acrobats(word);
    }
    let key = after == Some(Token::Sign(b':'))
        && matches!(before, Some(Token::Sign(b'{' | b',')))
        && word.starts_with('b');
    WORDS.contains(&word) || key || own.contains(&word) && !CALLS.contains(&word)
}

/// `AFNumber_Format`, `AFSimple_Calculate` and so on.
fn is_acrobats(word: &str) -> bool {
    word.strip_prefix("AF").is_some_and(|rest| {
        [
            "Number_",
            "Percent_",
            "Date_",
            "Time_",
            "Special_",
            "Range_",
            "Simple_",
            "Simple",
            "MakeNumber",
        ]
        .iter()
        .any(|start| rest.starts_with(start))
    })
}

fn sign_is_harmless(sign: u8, before: Option<Token<'_>>) -> bool {
    let value = matches!(
        before,
        Some(Token::Word(_) | Token::Text | Token::Sign(b')' | b']'))
    );
    match sign {
        // A property by a computed name could be any.
        b'[' => !value,
        // What an expression answers is not called; a word before it was looked at.
        b'(' => !matches!(before, Some(Token::Sign(b')' | b']' | b'}') | Token::Text)),
        _ => true,
    }
}

/// The pieces of a script; `None` where it has any that are not on the list.
fn tokens(code: &str) -> Option<Vec<Token<'_>>> {
    let bytes = code.as_bytes();
    let (mut tokens, mut at) = (Vec::new(), 0);
    while let Some(&byte) = bytes.get(at) {
        let rest = &bytes[at..];
        let word =
            |allowed: fn(&u8) -> bool| rest.iter().position(|b| !allowed(b)).unwrap_or(rest.len());
        at += match byte {
            b' ' | b'\t' | b'\r' | b'\n' => 1,
            b'/' if rest.starts_with(b"//") => {
                memchr::memchr2(b'\r', b'\n', rest).unwrap_or(rest.len())
            }
            b'/' if rest.starts_with(b"/*") => memchr::memmem::find(&rest[2..], b"*/")? + 4,
            b'/' if !divides(&tokens) => return None,
            b'"' | b'\'' => {
                tokens.push(Token::Text);
                text_length(rest)?
            }
            b'0'..=b'9' => {
                tokens.push(Token::Number);
                word(|b| b.is_ascii_alphanumeric() || *b == b'.')
            }
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => {
                let length = word(|b| b.is_ascii_alphanumeric() || *b == b'_');
                tokens.push(Token::Word(code.get(at..at + length)?));
                length
            }
            b'(' | b')' | b'[' | b']' | b'{' | b'}' | b',' | b';' | b':' | b'?' | b'.' | b'='
            | b'+' | b'-' | b'*' | b'/' | b'%' | b'<' | b'>' | b'!' | b'&' | b'|' => {
                tokens.push(Token::Sign(byte));
                1
            }
            _ => return None,
        };
    }
    Some(tokens)
}

/// Whether a stroke after these pieces surely divides. Elsewhere it could begin a pattern, whose quotes are none.
fn divides(tokens: &[Token<'_>]) -> bool {
    match tokens.last() {
        Some(Token::Number) => true,
        Some(Token::Word(word)) => !["var", "if", "else", "new"].contains(word),
        // What follows the condition of an `if` may be a pattern.
        Some(Token::Sign(b')')) => !tokens.contains(&Token::Word("if")),
        _ => false,
    }
}

/// How long a text in quotes is; `None` where it does not end on its line.
fn text_length(bytes: &[u8]) -> Option<usize> {
    let mut at = 1;
    loop {
        match *bytes.get(at)? {
            b'\\' => at += 1,
            b'\r' | b'\n' => return None,
            byte if byte == bytes[0] => return Some(at + 1),
            _ => {}
        }
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_forms_do() {
        let harmless = [
            "AFNumber_Format(2, 0, 0, 0, \"\", true);",
            "AFSimple_Calculate(\"SUM\", new Array (\"a.0\", \"a.1\"));",
            "AFDate_FormatEx(\"dd.mm.yyyy\");\r",
            "event.value = this.getField(\"net\").value * 1.19; // with tax",
            "var a = this.getField('a').value;\nvar b = getField('b').value;\nif (b != 0) { event.value = a / b; } else event.value = \"\";",
            "event.value = Math.round(Number(event.value) * 100) / 100",
            "this.print({bUI: true, bSilent: false});",
            "print(true);",
            "",
        ];
        for code in harmless {
            assert!(is_harmless(code), "{code}");
        }
    }

    #[test]
    fn what_is_any_script() {
        let scripts = [
            "app.alert('hi')",
            "eval('x')",
            "var x = eval; x('y')",
            "Number = event.value ? eval : 0; Number('x')",
            "this['ev' + 'al']('x')",
            "this.getField = this.eval; this.getField('x')",
            "var Number = 1; Number('x')",
            "for (;;) {}",
            "while (true) {}",
            "function f() {}",
            "if (1) /\"/.test(1); app.launchURL('x'); \"/\"",
            "if (1) {} else /\"/.name; app.launchURL('x'); \"/\"",
            "// \u{2028}app.launchURL('x')",
            "(event.value)('x')",
            "util.printf('%45000f', 1)",
            "this.submitForm('http://a.example')",
            "this.exportDataObject({cName: 'a.exe', nLaunch: 2})",
            "AFNumber_Format(2); app.launchURL('http://a.example')",
            "\\u0065val('x')",
            "`${x}`",
            "'open",
            "ev\u{e4}l()",
        ];
        for code in scripts {
            assert!(!is_harmless(code), "{code}");
        }
    }

    #[test]
    fn strings_as_they_stand_in_the_file() {
        let rows: [(&[u8], &str); 5] = [
            (b"print\\(true\\);", "print(true);"),
            (b"a\\\nb\\012\\101", "ab\nA"),
            (b"FEFF0061002E006A0073", "a.js"),
            (b"\xFE\xFF\0a\0b", "ab"),
            (b"plain", "plain"),
        ];
        for (raw, expected) in rows {
            assert_eq!(text(raw), expected);
        }
    }
}
