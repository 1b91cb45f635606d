//! Asking past an edge cache that gives an old error again (`S0-79`, ruling C23).

use crate::diagnosis::Diagnosis;
use crate::diagnosis::rules::ours;
use crate::wire::{Auth, Request};

/// The parameter that makes a question another one for every cache on the way. Platforms pass over parameters they do not know.
const PARAMETER: &str = "attache";

/// The same question, asked past the caches if `before` says that one of them answered the last time. Only what the bearer
/// opens takes a parameter more: a signed link is used as it came. `number` is another one each time.
#[must_use]
pub fn past_caches(mut request: Request, before: Option<&Diagnosis>, number: u32) -> Request {
    let cached = before.is_some_and(|diagnosis| diagnosis.rule == ours::CACHED.id);
    if cached && request.auth == Auth::Bearer {
        let mut pairs = request.url.query_pairs_mut();
        pairs.append_pair(PARAMETER, &number.to_string());
    }
    request
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Body, Method};
    use std::time::Duration;
    use url::Url;

    #[test]
    fn only_a_question_that_a_cache_answered_is_made_another() {
        let cached = ours::CACHED.diagnosis("x");
        let other = ours::INTERRUPTED.diagnosis("x");
        for (auth, before, expected) in [
            (
                Auth::Bearer,
                Some(&cached),
                "https://api.example/m?a=b&attache=3",
            ),
            (Auth::Bearer, Some(&other), "https://api.example/m?a=b"),
            (Auth::Bearer, None, "https://api.example/m?a=b"),
            (Auth::None, Some(&cached), "https://api.example/m?a=b"),
        ] {
            let request = Request {
                method: Method::Get,
                url: Url::parse("https://api.example/m?a=b").unwrap(),
                auth,
                body: Body::Empty,
                patience: Duration::ZERO,
                local: false,
            };
            assert_eq!(past_caches(request, before, 3).url.as_str(), expected);
        }
    }
}
