//! Entities of an XML document type: ones that fetch, and ones that multiply (XML 1.0 §4.2; CWE-611, CWE-776).

use crate::findings::HazardKind;
use crate::seen::Seen;
use crate::work::Work;
use std::collections::BTreeMap;

/// More characters than this out of entities alone is a bomb.
const EXPANSION_CAP: u64 = 10 << 20;
/// Entities looked at.
const CAP: usize = 16 << 10;

/// Longer names are none: what they declare is not used either.
const NAME_CAP: usize = 256;

/// Adds what the declarations in a document type do.
pub(in crate::formats) fn flag(text: &str, seen: &mut Seen) {
    let mut work = Work::over(text.len());
    declarations(text, seen, &mut work);
    if work.is_spent() {
        let many = "more declarations of entities than are looked at";
        seen.add_hazard(HazardKind::BeyondLimits, many);
    }
}

fn declarations(text: &str, seen: &mut Seen, work: &mut Work) {
    let Some(start) = memchr::memmem::find(text.as_bytes(), b"<!DOCTYPE") else {
        return;
    };
    let mut values: BTreeMap<&str, &str> = BTreeMap::new();
    let mut places = memchr::memmem::find_iter(&text.as_bytes()[start..], b"<!ENTITY");
    for at in places.by_ref().take(CAP) {
        if work.is_spent() {
            break;
        }
        let whole = &text[start + at + 8..];
        let declaration = whole.trim_start();
        let declaration = declaration
            .strip_prefix('%')
            .map_or(declaration, str::trim_start);
        let end = declaration
            .char_indices()
            .take(NAME_CAP)
            .find(|(_, one)| one.is_whitespace());
        work.looked_at(whole.len() - declaration.len() + end.map_or(NAME_CAP, |(end, _)| end));
        let Some((name, rest)) = end.map(|(end, _)| declaration.split_at(end)) else {
            continue;
        };
        let begun = rest.len();
        let rest = rest.trim_start();
        work.looked_at(begun - rest.len());
        if rest.starts_with("SYSTEM") || rest.starts_with("PUBLIC") {
            seen.add_hazard(HazardKind::ExternalEntity, "an entity that is fetched");
        } else if let Some(quote) = rest
            .chars()
            .next()
            .filter(|quote| matches!(quote, '"' | '\''))
        {
            let value = rest[1..].split(quote).next().unwrap_or_default();
            work.looked_at(value.len());
            values.insert(name, value);
        }
    }
    if places.next().is_some() {
        let many = format!("more than {CAP} declarations of entities");
        seen.add_hazard(HazardKind::BeyondLimits, many);
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
    use crate::work::assert_grows_with_length;

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
            (format!("<!DOCTYPE a [{}<!ENTITY x SYSTEM 'file:///a'>]><a/>", "<!ENTITY y 'z'>".repeat(2000)), Some(HazardKind::ExternalEntity)),
            (format!("<!DOCTYPE a [{}]><a/>", "<!ENTITY y 'z'>".repeat(20_000)), Some(HazardKind::BeyondLimits)),
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

    #[test]
    fn work_grows_with_the_text() {
        let tokens = [
            "<!ENTITY",
            "<!ENTITY ",
            "<!ENTITY % ",
            "<!ENTITY a ",
            "<!ENTITY a \"",
            "<!ENTITY a \"'",
            "<!ENTITY a '\">",
        ];
        for token in tokens {
            assert_grows_with_length(token, |times| {
                let text = format!("<!DOCTYPE a {}{}", token.repeat(times), "a".repeat(times));
                let mut work = Work::over(text.len());
                declarations(&text, &mut Seen::certain(FileType::Xml), &mut work);
                work.spent()
            });
        }
        let long = format!(
            "<!DOCTYPE a {}{}",
            "<!ENTITY".repeat(1024),
            "a".repeat(900_000)
        );
        let mut work = Work::over(long.len());
        declarations(&long, &mut Seen::certain(FileType::Xml), &mut work);
        assert!(work.spent() < long.len() as u64, "{}", work.spent());
    }
}
