//! Who saw a credential: every host that a token reached, and whether it should have.
//!
//! Platforms register each token they accept or issue together with the hosts that may see it. Every listener of every platform that
//! shares the canary shows it every request. A token found anywhere else (header, URL or body) is a stray.
//! Hosts are the listeners' own addresses, not what a request claims in `Host`.

use std::sync::{Arc, Mutex, PoisonError};

use crate::wire::Request;

/// Where in a request a token was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In this header.
    Header(String),
    /// In the path or the query.
    Url,
    /// In the body.
    Body,
}

/// One request in which a token was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// Whose token it is: the platform that accepts it.
    pub issuer: &'static str,
    /// `host:port` of the listener that received it.
    pub host: String,
    /// The request's path.
    pub path: String,
    /// Where in the request it stood.
    pub place: Place,
    /// Whether this host may see this token.
    pub at_home: bool,
}

#[derive(Debug)]
struct Watched {
    issuer: &'static str,
    token: String,
    homes: Vec<String>,
}

#[derive(Debug, Default)]
struct State {
    watched: Vec<Watched>,
    sightings: Vec<Sighting>,
}

/// The watch over all tokens. Clones share it; give the same one to several platforms to see tokens cross over.
#[derive(Clone, Debug, Default)]
pub struct Canary(Arc<Mutex<State>>);

impl Canary {
    /// Watches `token`, which only `homes` (`host:port`) may see.
    pub(crate) fn watch(&self, issuer: &'static str, token: &str, homes: &[&str]) {
        if token.is_empty() {
            // Everything contains it; there is nothing to protect.
            return;
        }
        self.locked().watched.push(Watched {
            issuer,
            token: token.to_owned(),
            homes: homes.iter().map(|&home| home.to_owned()).collect(),
        });
    }

    pub(crate) fn inspect(&self, host: &str, request: &Request) {
        let mut state = self.locked();
        let State { watched, sightings } = &mut *state;
        for one in watched {
            let at_home = one.homes.iter().any(|home| home == host);
            for place in places(one.token.as_bytes(), request, at_home) {
                sightings.push(Sighting {
                    issuer: one.issuer,
                    host: host.to_owned(),
                    path: request.path.clone(),
                    place,
                    at_home,
                });
            }
        }
    }

    /// Every sighting so far, oldest first.
    #[must_use]
    pub fn sightings(&self) -> Vec<Sighting> {
        self.locked().sightings.clone()
    }

    /// The sightings at hosts that should not have seen the token. Empty is what a test wants.
    #[must_use]
    pub fn strays(&self) -> Vec<Sighting> {
        let sightings = self.sightings().into_iter();
        sightings.filter(|sighting| !sighting.at_home).collect()
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where the token stands. Bodies are searched at foreign hosts only: at home they may be media of any size.
fn places(token: &[u8], request: &Request, at_home: bool) -> Vec<Place> {
    let within = |text: &[u8]| text.windows(token.len()).any(|window| window == token);
    let mut places = Vec::new();
    for (name, value) in &request.headers {
        if within(value.as_bytes()) {
            places.push(Place::Header(name.as_str().to_owned()));
        }
    }
    if within(request.path.as_bytes()) || within(request.query.as_bytes()) {
        places.push(Place::Url);
    }
    if !at_home && within(&request.body) {
        places.push(Place::Body);
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_found_in_headers_urls_and_foreign_bodies() {
        let rows = [
            (
                "home:1",
                "Bearer t0ken",
                "",
                "",
                vec![Place::Header("authorization".into())],
            ),
            (
                "away:1",
                "Bearer t0ken",
                "",
                "",
                vec![Place::Header("authorization".into())],
            ),
            ("away:1", "", "access_token=t0ken", "", vec![Place::Url]),
            ("away:1", "", "", "{\"t\":\"t0ken\"}", vec![Place::Body]),
            ("away:1", "Bearer other", "", "", vec![]),
        ];
        for (host, authorization, query, body, expected) in rows {
            let canary = Canary::default();
            canary.watch("test", "t0ken", &["home:1"]);
            let mut headers = http::HeaderMap::new();
            headers.insert("authorization", authorization.parse().expect("a header"));
            let request = Request {
                method: http::Method::GET,
                target: format!("/?{query}"),
                path: "/".into(),
                query: query.into(),
                headers,
                body: body.into(),
            };
            canary.inspect(host, &request);
            let found: Vec<_> = canary.sightings().into_iter().map(|s| s.place).collect();
            assert_eq!(found, expected, "{host} {authorization} {query} {body}");
            let stray = host != "home:1" && !expected.is_empty();
            assert_eq!(!canary.strays().is_empty(), stray);
        }
    }
}
