//! Questions to platforms that change nothing, and what every answer tells besides: the clock, caches and packers on the way.

use std::cell::RefCell;

use attache_domain::diagnosis::Passage;
use attache_domain::time::Timestamp;
use attache_domain::wire::{Auth, CallError, Method, Request, Response};
use attache_edge::clock::SystemClock;
use attache_edge::http::Platforms;
use attache_flow::ports::{Clock, Credential, Http};

use super::notebook::Notebook;
use super::rule::Rule;

/// How far this machine's clock may be from an answer's date, which has whole seconds and was on its way.
const SKEW_SECONDS: u64 = 60;

/// The way out.
#[derive(Default)]
pub(super) struct Visitor {
    platforms: Platforms,
    clock: SystemClock,
    /// Hosts whose answers were looked at: one tells as much as ten.
    seen: RefCell<Vec<String>>,
}

impl Visitor {
    /// The machine's time.
    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Asks. Anything but a read, or a token, is refused here: doctor changes nothing.
    ///
    /// # Errors
    /// As the call.
    pub(super) async fn ask(
        &self,
        request: &Request,
        credential: &Credential,
        notes: &mut Notebook,
    ) -> Result<Response, CallError> {
        if request.method != Method::Get && request.auth != Auth::ClientBasic {
            return Err(CallError::Refused("doctor only reads".to_owned()));
        }
        self.write(request, credential, notes).await
    }

    /// Calls, whatever the call does: for what a person asked to be written.
    ///
    /// # Errors
    /// As the call.
    pub(super) async fn write(
        &self,
        request: &Request,
        credential: &Credential,
        notes: &mut Notebook,
    ) -> Result<Response, CallError> {
        let response = self.platforms.call(request, credential).await?;
        let host = request.url.host_str().unwrap_or_default().to_owned();
        let is_new = !self.seen.borrow().contains(&host);
        if is_new {
            self.seen.borrow_mut().push(host.clone());
            look_at(&host, &response, self.now(), notes);
        }
        Ok(response)
    }
}

/// What an answer tells besides what it says.
fn look_at(host: &str, response: &Response, now: Timestamp, notes: &mut Notebook) {
    let passage = Passage::read(&response.headers);
    if passage.is_from_cache() {
        notes.find(Rule::Cached, host, passage.to_string());
    }
    let packed = response.headers.get("content-encoding");
    if let Some(coding) = packed.filter(|coding| !coding.eq_ignore_ascii_case("identity")) {
        let evidence = format!("Content-Encoding: {coding}, although only identity was asked for");
        notes.find(Rule::Compressed, host, evidence);
    }
    let date = response.headers.get("date");
    let Some(there) = date.and_then(Timestamp::parse_http_date) else {
        notes.skip("clock", host, "its answers have no date");
        return;
    };
    let ahead = now.saturating_since(there).as_secs();
    let behind = there.saturating_since(now).as_secs();
    if ahead.max(behind) > SKEW_SECONDS {
        let way = if ahead > behind { "ahead of" } else { "behind" };
        let evidence = format!("{} s {way} the date of {host}", ahead.max(behind));
        let is_known = notes.findings.iter().any(|it| it.id == Rule::ClockSkewed);
        if !is_known {
            notes.find(Rule::ClockSkewed, "this machine", evidence);
        }
    } else {
        notes.well("clock", host, format!("within {SKEW_SECONDS} s"));
    }
}

#[cfg(test)]
mod tests {
    use attache_domain::wire::Headers;

    use super::*;

    #[test]
    fn an_answer_tells_of_clock_cache_and_packing() {
        let now = Timestamp::parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        for (name, value, expected) in [
            ("date", "Sun, 06 Nov 1994 08:49:30 GMT", None),
            (
                "date",
                "Sun, 06 Nov 1994 08:34:37 GMT",
                Some(Rule::ClockSkewed),
            ),
            (
                "date",
                "Sun, 06 Nov 1994 09:04:37 GMT",
                Some(Rule::ClockSkewed),
            ),
            ("x-cache", "Miss from cloudfront", None),
            ("x-cache", "Hit from cloudfront", Some(Rule::Cached)),
            ("age", "12", Some(Rule::Cached)),
            ("content-encoding", "gzip", Some(Rule::Compressed)),
            ("content-encoding", "identity", None),
        ] {
            let response = Response {
                status: 429,
                headers: Headers::new([(name.to_owned(), value.to_owned())]),
                body: Vec::new(),
            };
            let mut notes = Notebook::default();
            look_at("host", &response, now, &mut notes);
            let found: Vec<_> = notes.findings.iter().map(|it| it.id).collect();
            assert_eq!(found, Vec::from_iter(expected), "{name}: {value}");
        }
    }
}
