//! Foreign text made fit for a log: no token, secret, signed link, number or address of anybody's is left in it.
//!
//! What looks like one is taken out, known or not: rather a word too many than a secret too few. Taken out are the query,
//! fragment and user of every link, the value behind every name that means a secret, whatever follows the name of an
//! authorisation scheme, mail addresses, runs of eight digits and more (phone numbers, whatever is between the digits), and
//! words so long or so mixed that nobody would say them.

mod values;

use values::{is_of_name, without_values};

/// What stands in the place of what was taken out.
pub const MARK: &str = "…";

/// So many digits are somebody's number, and not a code.
const DIGITS: usize = 8;
/// A word of letters and digits so long is a token.
const MIXED: usize = 12;
/// Any word so long is one, unless it is a name in small letters.
const LONG: usize = 20;

/// A body for a log: at most `limit` bytes, one line.
#[must_use]
pub fn body(bytes: &[u8], limit: usize) -> String {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(limit)]);
    let clean = clean(whole(&text, bytes.len() > limit));
    clean[..floor(&clean, limit)].to_owned()
}

/// A short foreign text as part of evidence: at most `limit` characters, one line.
#[must_use]
pub fn line(text: &str, limit: usize) -> String {
    let enough = floor(text, limit * 8);
    let clean = clean(whole(&text[..enough], enough < text.len()));
    super::excerpt(clean.trim(), limit)
}

/// A text that was cut before it is read (so that a long one costs no more), without the word that the cut went through: half
/// a secret looks like none.
fn whole(text: &str, cut: bool) -> &str {
    match (cut, text.rfind(char::is_whitespace)) {
        (false, _) => text,
        (true, Some(end)) => &text[..end],
        (true, None) => "",
    }
}

/// The last boundary of a character at or before `limit`.
fn floor(text: &str, limit: usize) -> usize {
    let mut end = text.len().min(limit);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    end
}

/// The text in one line, without what is not to be seen.
fn clean(text: &str) -> String {
    let text = plain(text);
    let text = without_links(&text);
    let text = without_queries(&text);
    let text = without_values(&text);
    let text = without_addresses(&text);
    // Before the numbers: a token that lost the digits in it would be short enough to stay.
    let text = without_tokens(&text);
    without_numbers(&text)
}

/// Escapes of JSON and HTML undone as far as they hide the marks that are looked for; control characters are blanks.
fn plain(text: &str) -> String {
    let text = text
        .replace("\\/", "/")
        .replace("\\u0026", "&")
        .replace("\\u003d", "=")
        .replace("\\u003D", "=")
        .replace("\\u002B", "+")
        .replace("\\u002b", "+")
        .replace("\\u0040", "@")
        .replace("\\\"", "\"")
        .replace("\\n", " ")
        .replace("&amp;", "&")
        .replace("&quot;", "\"")
        .replace("%40", "@")
        .replace("%3A%2F%2F", "://")
        .replace("%3a%2f%2f", "://")
        .replace("%3F", "?")
        .replace("%3f", "?");
    let blank = |c: char| if c.is_control() { ' ' } else { c };
    text.chars().map(blank).collect()
}

fn ends_link(c: char) -> bool {
    c.is_whitespace()
        || matches!(
            c,
            '"' | '\'' | '<' | '>' | '`' | '|' | '\\' | '{' | '}' | ')' | ']'
        )
}

/// Links without user, query and fragment.
fn without_links(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, link) = rest.split_at(at + 3);
        out.push_str(before);
        let end = link.find(ends_link).unwrap_or(link.len());
        let (link, after) = link.split_at(end);
        let shown = link.find(['?', '#', ';']).unwrap_or(link.len());
        let host = link[..shown].find('/').unwrap_or(shown);
        let user = link[..host].rfind('@').map_or(0, |at| at + 1);
        out.push_str(&link[user..shown]);
        if shown < link.len() {
            out.push('?');
            out.push_str(MARK);
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

/// Queries of links that do not name their host.
fn without_queries(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('?') {
        let (before, query) = rest.split_at(at + 1);
        out.push_str(before);
        rest = query;
        let name = query.find(|c: char| !is_of_name(c)).unwrap_or(query.len());
        if name > 0 && query[name..].starts_with('=') {
            out.push_str(MARK);
            rest = &query[query.find(ends_link).unwrap_or(query.len())..];
        }
    }
    out.push_str(rest);
    out
}

/// Without mail addresses.
fn without_addresses(text: &str) -> String {
    let of_address = |c: char| {
        c.is_alphanumeric()
            || matches!(
                c,
                '.' | '_' | '%' | '+' | '-' | '~' | '\'' | '!' | '#' | '$' | '&' | '*' | '='
            )
    };
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('@') {
        let (before, after) = rest.split_at(at);
        let kept = before.trim_end_matches(of_address);
        let end = after[1..]
            .find(|c| !of_address(c))
            .map_or(after.len(), |end| end + 1);
        out.push_str(kept);
        out.push_str(MARK);
        rest = &after[end..];
    }
    out.push_str(rest);
    out
}

/// Without runs of many digits, whatever is between them, and without mail addresses.
fn without_numbers(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        if !(chars[at].is_numeric() || chars[at] == '+') {
            out.push(chars[at]);
            at += 1;
            continue;
        }
        let (end, digits) = number(&chars, at);
        if digits >= DIGITS {
            out.push_str(MARK);
        } else {
            out.extend(&chars[at..end]);
        }
        at = end;
    }
    out
}

/// Where a number ends that begins at `at`, and how many digits it has. Up to two signs may be between two of them.
fn number(chars: &[char], at: usize) -> (usize, usize) {
    let (mut end, mut digits, mut here) = (at + 1, usize::from(chars[at].is_numeric()), at + 1);
    while here < chars.len() {
        if chars[here].is_numeric() {
            digits += 1;
            end = here + 1;
        } else if !matches!(
            chars[here],
            ' ' | '-' | '.' | '(' | ')' | '/' | '\u{a0}' | '_'
        ) || here - end >= 2
        {
            break;
        }
        here += 1;
    }
    (end, digits)
}

/// Without words that are tokens.
fn without_tokens(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(is_of_word) {
        out.push_str(&rest[..start]);
        rest = &rest[start..];
        let end = rest.find(|c| !is_of_word(c)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        out.push_str(if is_token(word) { MARK } else { word });
        rest = after;
    }
    out.push_str(rest);
    out
}

fn is_of_word(c: char) -> bool {
    c.is_alphanumeric()
        || matches!(
            c,
            '_' | '-' | '+' | '=' | '~' | '%' | '/' | '!' | '$' | '*' | '^'
        )
}

/// A piece of letters and digits that is too long for a code, or a word too long for one that is not a path or a name in
/// small letters.
fn is_token(word: &str) -> bool {
    let mixed = |piece: &str| {
        piece.chars().count() >= MIXED
            && piece.chars().any(char::is_numeric)
            && piece.chars().any(char::is_alphabetic)
    };
    let small = |c: char| c.is_lowercase() || c.is_numeric() || matches!(c, '_' | '-' | '/');
    let pieces = || word.split(['-', '_', '=', '%', '/', '+', '~']);
    let long = word.chars().count() >= LONG;
    // An id in pieces: hexadecimal digits, say, with signs between.
    let in_pieces = || pieces().filter(|piece| is_number_like(piece)).count() >= 2;
    pieces().any(mixed) || (long && (!word.chars().all(small) || in_pieces()))
}

/// Letters and digits in one.
fn is_number_like(piece: &str) -> bool {
    piece.chars().count() >= 4 && piece.chars().any(char::is_numeric)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_helps_stays() {
        for text in [
            "(#130429) Rate limit hit",
            "Rate limit exceeded the maximum [300] requests within [60] seconds",
            "You are missing the following permission(s): conversation:message:receive",
            "Give it whatsapp_business_messaging",
            "Unsupported media type. Media is expected to be image/jpeg but was application/octet-stream.",
            "The media type 'multipart/form-data' is not supported.",
            "invalid peer certificate: UnknownIssuer",
            "GET https://api.mypurecloud.de/api/v2/conversations",
            "Bearer realm=\"genesys\"",
            "file size 25 MB, token expired",
        ] {
            assert_eq!(line(text, 200), text);
        }
    }

    #[test]
    fn what_is_secret_or_somebody_s_goes() {
        for (text, expected) in [
            (
                "Object with ID '1003383421387256' does not exist",
                "Object with ID '…' does not exist",
            ),
            (
                "https://u:pw@h.example/a/b?sig=1#x is dead",
                "https://h.example/a/b?… is dead",
            ),
            (
                r#"{"url":"https:\/\/h.example\/a?sig=1"}"#,
                r#"{"url":"https://h.example/a?…"}"#,
            ),
            ("see /a?x=1&y=2 now", "see /a?… now"),
            ("what? no=1", "what? no=1"),
            (
                r#"{"access_token":"ab","expires_in":5}"#,
                r#"{"access_token":"…","expires_in":5}"#,
            ),
            ("client_secret=ab&x=1", "client_secret=…&x=1"),
            (
                "<AccessToken>ab</AccessToken>",
                "<AccessToken>…</AccessToken>",
            ),
            ("Authorization: Bearer ab", "Authorization: …"),
            ("got Bearer aB cd", "got Bearer … cd"),
            ("Set-Cookie: a=b; c=d", "Set-Cookie: …"),
            ("mail john.smith+x@mail.example.com now", "mail … now"),
            ("call +49 (170) 123-4567, please", "call …, please"),
            (
                "access token: Session has expired",
                "access token: … has expired",
            ),
            ("id 8f14e45f-ceea-467f-9a3d-1f2e3d4c5b6a", "id …"),
        ] {
            assert_eq!(line(text, 200), expected, "{text}");
        }
    }

    #[test]
    fn a_cut_leaves_no_half_secret() {
        let text = format!("{} abcdefgh1234567890", "x ".repeat(45));
        for limit in 0..text.len() {
            assert!(!body(text.as_bytes(), limit).contains("abcd"), "{limit}");
        }
    }

    /// Secrets as they come, each with what must not show.
    fn planted() -> impl Strategy<Value = (String, String)> {
        let token = "[A-Za-z0-9_-]{20,60}";
        let base64 = "[A-Za-z0-9+/]{40,80}={0,2}";
        let same = |text: String| (text.clone(), text);
        let short = "[A-Za-z0-9!$^*_-]{6,12}";
        prop_oneof![
            token.prop_map(|it| (format!("Bearer {it}"), it)),
            base64.prop_map(|it| (format!("Basic {it}"), it)),
            base64.prop_map(same),
            "[0-9a-f]{32,64}".prop_map(same),
            "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}".prop_map(same),
            "EAA[A-Za-z0-9]{30,60}".prop_map(same),
            "eyJ[A-Za-z0-9_-]{20,30}\\.eyJ[A-Za-z0-9_-]{30,40}\\.[A-Za-z0-9_-]{43}".prop_map(same),
            short.prop_map(|it| (format!("\"access_token\":\"{it}\""), it)),
            short.prop_map(|it| (format!("\\\"client_secret\\\": \\\"{it}\\\""), it)),
            short.prop_map(|it| (format!("refresh_token={it}&scope=a"), it)),
            short.prop_map(|it| (format!("X-Api-Key: {it}"), it)),
            short.prop_map(|it| (format!("Cookie: sid={it}; b=c"), it)),
            short.prop_map(|it| (format!("https://h.example/p?x-any-name={it}"), it)),
            short.prop_map(|it| (format!("https:\\/\\/h.example\\/p?a=b\\u0026c={it}"), it)),
            short.prop_map(|it| (format!("https%3A%2F%2Fh.example/p%3Fa={it}"), it)),
            "[A-Za-z0-9]{6,12}".prop_map(|it| (format!("https://user:{it}@h.example/p"), it)),
            short.prop_map(|it| (format!("/relative?any={it}"), it)),
            short.prop_map(|it| (format!("<Password>{it}</Password>"), it)),
            "\\+?[1-9][0-9]{8,14}".prop_map(same),
            "\\+[1-9][0-9] [0-9]{3} [0-9]{3}-[0-9]{4}".prop_map(same),
            "[a-z]{6,9}(\\.[a-z]{6,9})?(@|%40)[a-z]{6,9}\\.(com|de)".prop_map(same),
        ]
    }

    proptest! {
        #[test]
        fn no_secret_shows(
            (text, secret) in planted(),
            before in "[a-z ,.{}\"<>=]{0,20}",
            after in "[a-z ,.{}\"<>]{0,20}",
        ) {
            let shown = body(format!("{before} {text} {after}").as_bytes(), 4096);
            let around = format!("{before} {after} h.example/p relative any x-any-name");
            let secret: Vec<char> = secret.chars().collect();
            for window in secret.windows(6) {
                let piece: String = window.iter().collect();
                prop_assert!(!shown.contains(&piece) || around.contains(&piece), "{piece} of {text} in {shown}");
            }
        }

        #[test]
        fn whatever_comes_is_one_short_line(bytes in prop::collection::vec(any::<u8>(), 0..300), limit in 0_usize..200) {
            let shown = body(&bytes, limit);
            prop_assert!(shown.len() <= limit);
            prop_assert!(!shown.chars().any(char::is_control));
            let text = String::from_utf8_lossy(&bytes);
            prop_assert!(line(&text, limit).chars().count() <= limit);
        }
    }
}
