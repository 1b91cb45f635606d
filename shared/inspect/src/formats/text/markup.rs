//! HTML, SVG and XML, told by their first tag.
//!
//! A browser that sniffs takes markup for markup after any white space or comments (WHATWG MIME Sniffing §7.1), so that
//! is where it is looked for; a page that begins further down is found by a tag at the beginning of a line.

use crate::kind::FileType;

/// How far into a text a page may begin after other lines.
const LATE_START: usize = 1024;
/// Tags that make a text a page.
const HTML_TAGS: [&str; 37] = [
    "html",
    "head",
    "body",
    "script",
    "iframe",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "div",
    "font",
    "table",
    "a",
    "style",
    "title",
    "b",
    "br",
    "p",
    "img",
    "meta",
    "link",
    "span",
    "form",
    "ul",
    "ol",
    "hr",
    "pre",
    "center",
    "strong",
    "em",
    "blockquote",
    "object",
    "base",
    "frameset",
    "frame",
];
/// Tags that nobody writes at the beginning of a line of prose: they begin a page after some other text.
const PAGE_TAGS: [&str; 3] = ["<html", "<!doctype html", "<body"];
/// Tags that run in a text taken for a page. Alone they make no page of it: Markdown and letters about pages have them.
const RUNNING_TAGS: [&str; 3] = ["<script", "<iframe", "<svg"];

/// Which markup this is, if any.
pub(super) fn kind(text: &str) -> Option<FileType> {
    let start = skip_preamble(text);
    if start.starts_with('<') {
        let declared = text
            .trim_start()
            .get(..5)
            .is_some_and(|begin| begin.eq_ignore_ascii_case("<?xml"));
        let kind = if declared {
            Some(by_root(start))
        } else {
            by_first_tag(start)
        };
        if kind.is_some() {
            return kind;
        }
    }
    late_start(text)
}

/// Which markup begins right here, if any.
pub(super) fn kind_at_start(text: &str) -> Option<FileType> {
    let start = skip_preamble(text);
    let kind = kind(text)?;
    start.starts_with('<').then_some(kind)
}

/// As [`kind`], where the name may break a tie: templates and parts of pages begin with anything, and Markdown begins with
/// tags of pages at times.
pub(super) fn kind_named(text: &str, extension: Option<&str>) -> Option<FileType> {
    let kind = kind(text);
    match extension {
        Some("html" | "htm") if kind.is_none_or(|kind| kind == FileType::Xml) => {
            has_tags(text).then_some(FileType::Html).or(kind)
        }
        Some("xml") if kind.is_none() => {
            let start = skip_preamble(text).strip_prefix('<').unwrap_or_default();
            start
                .starts_with(|c: char| c.is_alphabetic())
                .then_some(FileType::Xml)
        }
        Some("md" | "markdown") if kind == Some(FileType::Html) => {
            (!is_markdown(text)).then_some(FileType::Html)
        }
        _ => kind,
    }
}

/// Whether a line begins with a tag of a page.
fn has_tags(text: &str) -> bool {
    text.lines().any(|line| {
        let tag = line.trim_start().strip_prefix('<').unwrap_or_default();
        let name: String = tag
            .chars()
            .take_while(char::is_ascii_alphanumeric)
            .map(|c| c.to_ascii_lowercase())
            .collect();
        let ended = tag[name.len()..].starts_with(['>', ' ', '/']);
        ended && HTML_TAGS.contains(&name.as_str())
    })
}

/// Whether lines have Markdown's headings, lists or fences, and nothing makes a page of it as a whole.
fn is_markdown(text: &str) -> bool {
    let page = PAGE_TAGS.iter().chain(&RUNNING_TAGS).any(|tag| {
        let begin = skip_preamble(text);
        begin
            .get(..tag.len())
            .is_some_and(|begin| begin.eq_ignore_ascii_case(tag))
    });
    let marks = ["# ", "## ", "### ", "- ", "* ", "```", "> ", "["];
    !page
        && text
            .lines()
            .any(|line| marks.iter().any(|mark| line.starts_with(mark)))
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
    if let Some(name) = begin.strip_prefix("!doctype").map(str::trim_start) {
        return Some(match name {
            _ if name.starts_with("svg") => FileType::Svg,
            _ if name.starts_with("html") => FileType::Html,
            _ => FileType::Xml,
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
        // One whose end is cut off, or beyond what is looked at.
        _ if start
            .split('>')
            .next()
            .is_some_and(|tag| tag.contains(" xmlns")) =>
        {
            Some(FileType::Xml)
        }
        _ => None,
    }
}

/// The type by the first element after a declaration: XML in general, unless it is one of the two a browser renders.
/// Elements that merely share a name with HTML's are data.
fn by_root(start: &str) -> FileType {
    match by_first_tag(start) {
        Some(FileType::Svg) => FileType::Svg,
        Some(FileType::Html) => {
            let begin: String = start
                .chars()
                .take(512)
                .collect::<String>()
                .to_ascii_lowercase();
            let page = begin.starts_with("<html")
                || begin.starts_with("<!doctype html")
                || begin.contains("//www.w3.org/1999/xhtml");
            if page { FileType::Html } else { FileType::Xml }
        }
        _ => FileType::Xml,
    }
}

fn late_start(text: &str) -> Option<FileType> {
    has_line(text, &PAGE_TAGS).then_some(FileType::Html)
}

/// Whether a text that is no markup would run something where it is taken for it.
pub(super) fn runs_as_page(text: &str) -> bool {
    has_line(text, &RUNNING_TAGS)
}

/// Whether one of the first lines begins with one of these tags.
fn has_line(text: &str, tags: &[&str]) -> bool {
    let cut = text
        .char_indices()
        .map(|(at, _)| at)
        .nth(LATE_START)
        .unwrap_or(text.len());
    text[..cut].lines().any(|line| {
        let begin = line
            .trim_start()
            .chars()
            .take(16)
            .collect::<String>()
            .to_ascii_lowercase();
        tags.iter().any(|tag| begin.starts_with(tag))
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
                "<?xml version='1.0'?><TABLE><row>1</row></TABLE>",
                Some(FileType::Xml),
            ),
            (
                "<?xml version='1.0'?><html xmlns='http://www.w3.org/1999/xhtml'/>",
                Some(FileType::Html),
            ),
            (
                "Dear customer\n<html><script>alert(1)</script>",
                Some(FileType::Html),
            ),
            (
                "<rss xmlns:a='urn:x' version='2.0'><channel",
                Some(FileType::Xml),
            ),
            ("<h3>Links</h3>", Some(FileType::Html)),
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
    fn names_break_ties() {
        let rows = [
            (
                "{% block a %}\n  <div>x</div>",
                "html",
                Some(FileType::Html),
            ),
            (
                "<section><p>x</p></section>\n<p>y</p>",
                "html",
                Some(FileType::Html),
            ),
            ("no tag at all", "html", None),
            ("<!-- part --><appendix id='a'>", "xml", Some(FileType::Xml)),
            ("a < b", "xml", None),
            ("<p align=center>x</p>\n\n# Title\n", "md", None),
            ("<html>\n# Title\n", "md", Some(FileType::Html)),
            ("<script>x</script>\n# Title\n", "md", Some(FileType::Html)),
            ("<p>only a page</p>", "md", Some(FileType::Html)),
            ("<p>x</p>\n# Title\n", "txt", Some(FileType::Html)),
        ];
        for (text, extension, expected) in rows {
            assert_eq!(kind_named(text, Some(extension)), expected, "{text}");
        }
    }
}
