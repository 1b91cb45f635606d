//! Which route of the HTTP API a request takes.
//!
//! As API Gateway does: a route with more literal segments wins over one with variables, a greedy variable
//! (`{proxy+}`) comes after both, `$default` last; a route for the very method wins over `ANY`.

use std::collections::BTreeMap;

use crate::template::Route;

/// A route that fits, with the values of its variables (percent-decoded).
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Match<'a> {
    /// The index in the list of routes.
    pub(crate) route: &'a Route,
    /// Path parameters by name.
    pub(crate) parameters: BTreeMap<String, String>,
}

/// Finds the route for a request.
pub(crate) fn find<'a>(
    routes: impl Iterator<Item = &'a Route>,
    method: &str,
    path: &str,
) -> Option<Match<'a>> {
    routes
        .filter(|route| route.method == method || route.method == "ANY")
        .filter_map(|route| {
            let (rank, parameters) = fit(&route.path, path)?;
            let exact = route.method == method;
            Some(((rank, exact), Match { route, parameters }))
        })
        .max_by(|(left, _), (right, _)| left.cmp(right))
        .map(|(_, found)| found)
}

/// How well a pattern fits: kind of route first, then the number of literal segments.
type Rank = (u8, usize);

fn fit(pattern: &str, path: &str) -> Option<(Rank, BTreeMap<String, String>)> {
    let mut parameters = BTreeMap::new();
    if pattern == "$default" {
        return Some(((0, 0), parameters));
    }
    let mut literals = 0;
    let mut given = path.trim_start_matches('/').split('/');
    for expected in pattern.trim_start_matches('/').split('/') {
        let variable = expected.strip_prefix('{').and_then(|e| e.strip_suffix('}'));
        match variable {
            Some(name) if name.ends_with('+') => {
                let rest: Vec<&str> = given.collect();
                if rest.is_empty() {
                    return None;
                }
                let name = name.trim_end_matches('+').to_owned();
                parameters.insert(name, decode(&rest.join("/")));
                return Some(((1, literals), parameters));
            }
            Some(name) => {
                let value = given.next().filter(|value| !value.is_empty())?;
                parameters.insert(name.to_owned(), decode(value));
            }
            None => {
                given.next().filter(|value| *value == expected)?;
                literals += 1;
            }
        }
    }
    match given.next() {
        Some(_) => None,
        None => Some(((2, literals), parameters)),
    }
}

/// Percent-decoding; bytes that are not UTF-8 are replaced. A plus stays a plus in a path.
pub(crate) fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let escaped = match (first, tail) {
            (b'%', [high, low, after @ ..]) => hex(*high)
                .zip(hex(*low))
                .map(|(high, low)| (high * 16 + low, after)),
            _ => None,
        };
        let (byte, after) = escaped.unwrap_or((*first, tail));
        bytes.push(byte);
        rest = after;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routes() -> Vec<Route> {
        [
            "GET /webhooks/{endpoint}",
            "POST /webhooks/{endpoint}",
            "POST /webhooks/{endpoint}/{path+}",
            "ANY /webhooks/health",
            "ANY /files/{path+}",
            "PUT /files/{id}",
        ]
        .iter()
        .map(|key| {
            let (method, path) = key.split_once(' ').unwrap();
            Route {
                method: method.to_owned(),
                path: path.to_owned(),
            }
        })
        .collect()
    }

    #[test]
    fn requests_find_their_route() {
        let rows = [
            (
                "GET",
                "/webhooks/wa",
                Some(("GET /webhooks/{endpoint}", "wa")),
            ),
            (
                "POST",
                "/webhooks/a%20b",
                Some(("POST /webhooks/{endpoint}", "a b")),
            ),
            (
                "GET",
                "/webhooks/health",
                Some(("ANY /webhooks/health", "")),
            ),
            ("DELETE", "/webhooks/wa", None),
            ("GET", "/webhooks", None),
            ("GET", "/webhooks/", None),
            ("GET", "/webhooks/a/b", None),
            (
                "POST",
                "/webhooks/cx/2.0/channel/b%201/outbound",
                Some((
                    "POST /webhooks/{endpoint}/{path+}",
                    "cx 2.0/channel/b 1/outbound",
                )),
            ),
            (
                "GET",
                "/files/a/b%2Fc",
                Some(("ANY /files/{path+}", "a/b/c")),
            ),
            ("PUT", "/files/a", Some(("PUT /files/{id}", "a"))),
            ("GET", "/", None),
        ];
        let routes = routes();
        for (method, path, expected) in rows {
            let found = find(routes.iter(), method, path).map(|found| {
                let values: Vec<String> = found.parameters.into_values().collect();
                (found.route.key(), values.join(" "))
            });
            let expected = expected.map(|(key, value)| (key.to_owned(), value.to_owned()));
            assert_eq!(found, expected, "{method} {path}");
        }
    }

    #[test]
    fn broken_escapes_stay_as_they_are() {
        for (text, expected) in [
            ("a%2", "a%2"),
            ("%zz", "%zz"),
            ("%C3%A4", "ä"),
            ("a+b", "a+b"),
        ] {
            assert_eq!(decode(text), expected);
        }
    }
}
