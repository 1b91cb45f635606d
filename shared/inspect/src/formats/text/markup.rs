//! HTML, SVG and XML, and whether they carry anything that runs.
//!
//! A browser that sniffs takes markup for markup after any white space or comments (WHATWG MIME Sniffing §7.1), so that
//! is where it is looked for; a page that begins further down is found by a tag at the beginning of a line.

use crate::kind::FileType;

/// How far into a text a page may begin after other lines.
const LATE_START: usize = 1024;
/// Tags that make a text a page.
const HTML_TAGS: [&str; 24] = [
    "html", "head", "body", "script", "iframe", "h1", "h2", "div", "font", "table", "a", "style",
    "title", "b", "br", "p", "img", "meta", "link", "span", "form", "ul", "object", "base",
];
/// Tags that nobody writes at the beginning of a line of prose.
const PAGE_TAGS: [&str; 6] = [
    "<html",
    "<!doctype html",
    "<script",
    "<iframe",
    "<svg",
    "<body",
];

/// Which markup this is, if any.
pub(super) fn kind(text: &str) -> Option<FileType> {
    let start = skip_preamble(text);
    if start.starts_with('<') {
        if let Some(kind) = by_first_tag(start) {
            return Some(kind);
        }
        if text
            .trim_start()
            .get(..5)
            .is_some_and(|begin| begin.eq_ignore_ascii_case("<?xml"))
        {
            return Some(by_root(start));
        }
    }
    late_start(text)
}

/// Skips white space, comments, the XML declaration and processing instructions.
fn skip_preamble(text: &str) -> &str {
    let mut rest = text.trim_start();
    loop {
        let end = if rest.starts_with("<!--") {
            rest.find("-->").map(|at| at + 3)
        } else if rest.starts_with("<?") {
            rest.find("?>").map(|at| at + 2)
        } else {
            None
        };
        match end {
            Some(end) => rest = rest[end..].trim_start(),
            None => return rest,
        }
    }
}

fn by_first_tag(start: &str) -> Option<FileType> {
    let begin: String = start
        .chars()
        .skip(1)
        .take(64)
        .collect::<String>()
        .to_ascii_lowercase();
    if begin.starts_with("!doctype") {
        let name = begin["!doctype".len()..].trim_start();
        return Some(if name.starts_with("svg") {
            FileType::Svg
        } else if name.starts_with("html") {
            FileType::Html
        } else {
            FileType::Xml
        });
    }
    let tag: String = begin
        .chars()
        .take_while(|c| c.is_ascii_alphanumeric() || matches!(c, ':' | '-' | '_'))
        .collect();
    let ended = begin[tag.len()..].starts_with(['>', ' ', '\t', '\r', '\n', '/']);
    match tag.rsplit(':').next().unwrap_or_default() {
        _ if !ended => None,
        "svg" => Some(FileType::Svg),
        name if HTML_TAGS.contains(&name) => Some(FileType::Html),
        _ if start.contains(&format!("</{tag}"))
            || start.contains(&format!("</{}", &start[1..=tag.len()])) =>
        {
            Some(FileType::Xml)
        }
        _ => None,
    }
}

/// The type by the first element after a declaration.
fn by_root(start: &str) -> FileType {
    by_first_tag(start).unwrap_or(FileType::Xml)
}

fn late_start(text: &str) -> Option<FileType> {
    let cut = text
        .char_indices()
        .map(|(at, _)| at)
        .nth(LATE_START)
        .unwrap_or(text.len());
    let line = |line: &str| {
        let begin = line
            .trim_start()
            .chars()
            .take(16)
            .collect::<String>()
            .to_ascii_lowercase();
        PAGE_TAGS.iter().any(|tag| begin.starts_with(tag))
    };
    text[..cut].lines().any(line).then_some(FileType::Html)
}

/// What in the markup would run, if anything.
pub(super) fn active_content(text: &str) -> Option<&'static str> {
    let plain = decode_references(text);
    if has_element(&plain, "script") {
        return Some("a script element");
    }
    let squeezed: String = plain
        .chars()
        .filter(|c| !c.is_whitespace() && !c.is_control())
        .collect();
    if squeezed.contains("javascript:") || squeezed.contains("vbscript:") {
        return Some("a script address");
    }
    if has_handler(&plain) {
        return Some("an event handler");
    }
    ["iframe", "object", "embed", "foreignobject"]
        .iter()
        .any(|tag| has_element(&plain, tag))
        .then_some("an embedded document")
}

/// Lower case, with numeric character references resolved: they are how addresses hide.
fn decode_references(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("&#") {
        plain.push_str(&rest[..at]);
        let reference = &rest[at + 2..];
        let (digits, radix) = match reference.strip_prefix(['x', 'X']) {
            Some(hexadecimal) => (hexadecimal, 16),
            None => (reference, 10),
        };
        let length = digits
            .bytes()
            .take(8)
            .take_while(|b| char::from(*b).is_digit(radix))
            .count();
        match u32::from_str_radix(&digits[..length], radix)
            .ok()
            .and_then(char::from_u32)
        {
            Some(character) => {
                plain.push(character);
                rest = digits[length..]
                    .strip_prefix(';')
                    .unwrap_or(&digits[length..]);
            }
            None => {
                plain.push_str("&#");
                rest = reference;
            }
        }
    }
    plain.push_str(rest);
    plain.make_ascii_lowercase();
    plain
}

/// Whether an element of this name opens, with or without a namespace prefix.
fn has_element(plain: &str, name: &str) -> bool {
    plain.match_indices('<').any(|(at, _)| {
        let tag = &plain[at + 1..];
        let end = tag
            .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, ':' | '-' | '_')))
            .unwrap_or(tag.len());
        tag[..end].rsplit(':').next() == Some(name)
    })
}

/// Whether a tag carries an attribute `on…=`.
fn has_handler(plain: &str) -> bool {
    plain.split('<').skip(1).any(|tag| {
        let tag = tag.split('>').next().unwrap_or_default();
        tag.match_indices("on").any(|(at, _)| {
            let before = tag[..at].chars().next_back();
            let name = tag[at + 2..].trim_start_matches(|c: char| c.is_ascii_alphabetic());
            let letters = tag.len() - at - 2 - name.len();
            letters >= 3
                && before.is_some_and(|c| c.is_whitespace() || matches!(c, '"' | '\'' | '/'))
                && name.trim_start().starts_with('=')
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds() {
        let rows = [
            ("<!DOCTYPE html><p>x", Some(FileType::Html)),
            ("\n\n  <!-- hi --> <HTML lang=de>", Some(FileType::Html)),
            ("<?xml version='1.0'?><svg xmlns='x'/>", Some(FileType::Svg)),
            (
                "<?xml version='1.0'?><!-- c --><!DOCTYPE svg PUBLIC 'x'><svg/>",
                Some(FileType::Svg),
            ),
            (
                "<s:svg xmlns:s='http://www.w3.org/2000/svg'></s:svg>",
                Some(FileType::Svg),
            ),
            (
                "<?xml version=\"1.0\"?><order><id>1</id></order>",
                Some(FileType::Xml),
            ),
            ("<order><id>1</id></order>", Some(FileType::Xml)),
            (
                "Dear customer\n<script>alert(1)</script>",
                Some(FileType::Html),
            ),
            ("a < b and b > c", None),
            ("<3 you", None),
            ("<https://example.org> is the address", None),
            ("use the <p> tag", None),
        ];
        for (text, expected) in rows {
            assert_eq!(kind(text), expected, "{text}");
        }
    }

    #[test]
    fn what_runs() {
        let rows = [
            ("<svg><script>x</script></svg>", Some("a script element")),
            ("<svg:svg><svg:SCRIPT/></svg:svg>", Some("a script element")),
            ("<a href='java&#115;cript:x'>", Some("a script address")),
            ("<a href='java\n\tscript:x'>", Some("a script address")),
            ("<svg onload = 'x()'>", Some("an event handler")),
            ("<svg/onload=x()>", Some("an event handler")),
            ("<img src=x\nonerror=alert(1)>", Some("an event handler")),
            ("<iframe src=x>", Some("an embedded document")),
            ("<p>one=1, option = 2</p>", None),
            ("<p title='on top'>", None),
            ("<rect fill='none' iconset='a'/>", None),
        ];
        for (text, expected) in rows {
            assert_eq!(active_content(text), expected, "{text}");
        }
    }
}
