//! Values of names that mean a secret, and what follows the name of an authorisation scheme.

use super::MARK;

/// Names whose value is nobody's business, in small letters without `-`, `_` and `.`. The end of a name counts:
/// `fb_exchange_token`, `X-Amz-Security-Token`.
const SECRET_NAMES: [&str; 22] = [
    "token",
    "secret",
    "password",
    "passwd",
    "pwd",
    "signature",
    "sig",
    "authorization",
    "cookie",
    "apikey",
    "accesskey",
    "accesskeyid",
    "privatekey",
    "credential",
    "credentials",
    "proof",
    "assertion",
    "verifier",
    "session",
    "sessionid",
    "jwt",
    "pin",
];

/// Those of them whose value goes on to the end of its line.
const LONG_VALUES: [&str; 4] = ["authorization", "cookie", "password", "passwd"];

/// Schemes of `Authorization`.
const SCHEMES: [&str; 5] = ["bearer", "basic", "digest", "negotiate", "hmac"];

/// Without the values of names that mean a secret, and without what follows a scheme's name.
pub(super) fn without_values(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_alphanumeric()) {
        out.push_str(&rest[..start]);
        rest = &rest[start..];
        let end = rest.find(|c: char| !is_of_name(c)).unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        let closing = out.ends_with("</");
        out.push_str(name);
        rest = after;
        let Some((between, value)) = value_of(name, after).filter(|_| !closing) else {
            continue;
        };
        out.push_str(&after[..between]);
        out.push_str(MARK);
        rest = &after[value..];
    }
    out.push_str(rest);
    out
}

pub(super) fn is_of_name(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '.')
}

/// Where the value begins and ends that belongs to a secret name.
fn value_of(name: &str, after: &str) -> Option<(usize, usize)> {
    let small: String = name
        .chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect();
    if SCHEMES.contains(&small.as_str()) {
        return credential(after);
    }
    if !SECRET_NAMES.iter().any(|secret| small.ends_with(secret)) {
        return None;
    }
    let told = after.trim_start_matches(|c: char| is_quote(c) || c.is_whitespace());
    let told = told
        .strip_prefix("%3D")
        .or_else(|| told.strip_prefix([':', '=', '>']))?;
    let value = told.trim_start();
    let (value, quote) = match value.strip_prefix(is_quote) {
        Some(inside) => (inside, value.chars().next()),
        None => (value, None),
    };
    let all = LONG_VALUES.iter().any(|name| small.ends_with(name));
    let end = match quote {
        Some(mark) => value.find(mark),
        None if all => value.find(['<', '"', '\'']),
        None => value.find(|c: char| {
            c.is_whitespace() || matches!(c, '&' | ',' | ';' | '<' | '"' | '\'' | '}')
        }),
    };
    let begins = after.len() - value.len();
    Some((begins, begins + end.unwrap_or(value.len())))
}

/// The word after the name of a scheme. "Bearer realm=…" and "basic types" tell nothing: a credential has more than small
/// letters in it.
fn credential(after: &str) -> Option<(usize, usize)> {
    let word = after.trim_start();
    let begins = after.len() - word.len();
    let end = word.find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '<' | ','));
    let word = &word[..end.unwrap_or(word.len())];
    let telling = !word.starts_with("realm=") && word.chars().any(|c| !c.is_lowercase());
    (begins > 0 && telling).then_some((begins, begins + word.len()))
}

fn is_quote(c: char) -> bool {
    matches!(c, '"' | '\'')
}
