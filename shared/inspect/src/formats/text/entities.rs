//! Entities of an XML document type: ones that fetch, and ones that multiply (XML 1.0 §4.2; CWE-611, CWE-776).

use crate::findings::HazardKind;
use crate::seen::Seen;
use std::collections::BTreeMap;

/// More characters than this out of entities alone is a bomb.
const EXPANSION_CAP: u64 = 10 << 20;
/// Entities looked at.
const CAP: usize = 1024;

/// Adds what the declarations in a document type do.
pub(super) fn flag(text: &str, seen: &mut Seen) {
    let Some(start) = memchr::memmem::find(text.as_bytes(), b"<!DOCTYPE") else {
        return;
    };
    let mut values: BTreeMap<&str, &str> = BTreeMap::new();
    for at in memchr::memmem::find_iter(&text.as_bytes()[start..], b"<!ENTITY").take(CAP) {
        let declaration = text[start + at + 8..].trim_start();
        let declaration = declaration
            .strip_prefix('%')
            .map_or(declaration, str::trim_start);
        let Some((name, rest)) = declaration.split_once(char::is_whitespace) else {
            continue;
        };
        let rest = rest.trim_start();
        if rest.starts_with("SYSTEM") || rest.starts_with("PUBLIC") {
            seen.add_hazard(HazardKind::ExternalEntity, "an entity that is fetched");
        } else if let Some(quote) = rest
            .chars()
            .next()
            .filter(|quote| matches!(quote, '"' | '\''))
        {
            values.insert(name, rest[1..].split(quote).next().unwrap_or_default());
        }
    }
    let mut sizes = BTreeMap::new();
    let largest = values
        .keys()
        .map(|name| size(name, &values, &mut sizes, 0))
        .max();
    let body = memchr::memchr_iter(b'&', text.as_bytes()).count() as u64;
    if largest.is_some_and(|largest| {
        largest > EXPANSION_CAP || largest.saturating_mul(body) > 64 * EXPANSION_CAP
    }) {
        seen.add_hazard(HazardKind::Bomb, "entities that multiply");
    }
}

/// How many characters an entity becomes. One that contains itself counts as endless.
fn size<'a>(
    name: &'a str,
    values: &BTreeMap<&'a str, &'a str>,
    sizes: &mut BTreeMap<&'a str, u64>,
    depth: usize,
) -> u64 {
    if let Some(&known) = sizes.get(name) {
        return known;
    }
    let Some(value) = values.get(name) else {
        return 1;
    };
    if depth > 64 {
        return u64::MAX;
    }
    sizes.insert(name, u64::MAX);
    let mut total = value.len() as u64;
    for reference in value.split(['&', '%']).skip(1) {
        if let Some((inner, _)) = reference.split_once(';') {
            total = total.saturating_add(size(inner, values, sizes, depth + 1));
        }
    }
    sizes.insert(name, total);
    total
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kind::FileType;

    #[test]
    fn entities() {
        let laughs: String = (1..10)
            .map(|n| format!("<!ENTITY l{n} \"{}\">", format!("&l{};", n - 1).repeat(10)))
            .collect();
        let rows = [
            ("<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><a>&x;</a>".to_owned(), Some(HazardKind::ExternalEntity)),
            ("<!DOCTYPE a [<!ENTITY % x PUBLIC 'p' 'http://a'>]><a/>".to_owned(), Some(HazardKind::ExternalEntity)),
            (format!("<!DOCTYPE a [<!ENTITY l0 'lol'>{laughs}]><a>&l9;</a>"), Some(HazardKind::Bomb)),
            ("<!DOCTYPE a [<!ENTITY x '&y;'><!ENTITY y '&x;'>]><a/>".to_owned(), Some(HazardKind::Bomb)),
            ("<!DOCTYPE svg PUBLIC '-//W3C//DTD SVG 1.1//EN' 'http://a' [<!ENTITY ns 'http://b'>]><svg/>".to_owned(), None),
            ("<a>no document type</a>".to_owned(), None),
        ];
        for (text, expected) in rows {
            let mut seen = Seen::certain(FileType::Xml);
            flag(&text, &mut seen);
            assert_eq!(
                seen.hazards.first().map(|hazard| hazard.kind),
                expected,
                "{text}"
            );
        }
    }
}
