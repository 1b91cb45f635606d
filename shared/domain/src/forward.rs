//! Passing a verified webhook on to another system: what a job carries, what is sent, what follows from the answer.
//!
//! The other system gets the same bytes under the same signature, so it can verify them as if they came from the
//! platform. At least once and in no certain order, as from the platform itself. No credential of ours goes along.
//!
//! Webhooks are JSON and shrink to a fraction: a body is deflated, so that even the largest one we take in
//! nearly always fits into one message of a queue.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::time::Duration;

use data_encoding::BASE64;
use flate2::Compression;
use flate2::read::{DeflateDecoder, DeflateEncoder};
use rand::{Rng, RngExt};
use url::Url;

use crate::connection::Endpoint;
use crate::diagnosis::Diagnosis;
use crate::diagnosis::rules::ours;
use crate::egress;
use crate::job::{ForwardJob, Malformed, VERSION};
use crate::pacing::retry_after::{LONGEST, RetryAfter};
use crate::time::Timestamp;
use crate::wire::{Auth, Body, CallError, Headers, Method, Request, Response, Verbatim};

/// How long the other system may take to answer.
pub const PATIENCE: Duration = Duration::from_secs(15);

/// Attempts in all. With the waits between them: about an hour.
pub const ATTEMPTS: u32 = 12;

/// So many attempts, if the other system says that it does not want it: it may be just being set up.
pub const ATTEMPTS_REFUSED: u32 = 3;

/// The first wait; it doubles up to [`LONGEST`].
const FIRST_WAIT: Duration = Duration::from_secs(5);

/// The largest job: what SQS takes in one message (1 MiB since August 2025), less room for the diagnosis that a dead
/// letter has in addition.
pub const LARGEST_JOB: usize = 1024 * 1024 - 8 * 1024;

/// Characters of a job beside its body and the values of its headers; generous.
const AROUND: usize = 4 * 1024;

/// A webhook made ready to be passed on.
#[derive(Debug, PartialEq, Eq)]
pub enum Packed {
    /// It fits.
    Job(Box<ForwardJob>),
    /// It does not, even deflated.
    TooLarge,
}

/// Packs what came to `endpoint`. Of the headers only those go along that the body cannot be read or verified without,
/// and the sender's name for itself.
///
/// # Errors
/// If it cannot be deflated, which does not happen in memory.
pub fn pack(endpoint: &Endpoint, headers: &Headers, body: &[u8]) -> io::Result<Packed> {
    let scheme = endpoint.profile.scheme();
    let signature = scheme.as_ref().map(|scheme| scheme.header.as_ref());
    let names = ["content-type", "user-agent"];
    let headers: BTreeMap<String, String> = names
        .into_iter()
        .chain(signature)
        .filter_map(|name| Some((name.to_owned(), headers.get(name)?.to_owned())))
        .collect();
    let mut deflated = Vec::new();
    DeflateEncoder::new(body, Compression::default()).read_to_end(&mut deflated)?;
    let body = BASE64.encode(&deflated);
    // Escaped, a header is at most six times as long as it is.
    let beside: usize = headers.values().map(|value| 6 * value.len()).sum();
    if body.len() + beside + AROUND > LARGEST_JOB {
        return Ok(Packed::TooLarge);
    }
    Ok(Packed::Job(Box::new(ForwardJob {
        v: VERSION,
        endpoint: endpoint.id.clone(),
        attempts: 0,
        headers,
        body,
        diagnosis: None,
    })))
}

/// The request that passes a job on; `largest` is what a webhook may have at most.
///
/// # Errors
/// [`Malformed::Packing`] if the job carries nothing that [`pack`] made.
pub fn request(to: &Url, job: &ForwardJob, largest: usize) -> Result<Request, Malformed> {
    let deflated = BASE64.decode(job.body.as_bytes());
    let deflated = deflated.map_err(|_| Malformed::Packing)?;
    let mut bytes = Vec::new();
    let mut inflated = DeflateDecoder::new(deflated.as_slice()).take(largest as u64 + 1);
    let read = inflated.read_to_end(&mut bytes);
    if read.is_err() || bytes.len() > largest {
        return Err(Malformed::Packing);
    }
    Ok(Request {
        method: Method::Post,
        url: to.clone(),
        auth: Auth::None,
        body: Body::Verbatim(Verbatim {
            bytes,
            headers: job.headers.clone(),
        }),
        patience: PATIENCE,
        local: egress::is_plain_and_here(to),
    })
}

/// What follows from an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// The other system has it.
    Done,
    /// Come back after this long.
    Again(Duration, Box<Diagnosis>),
    /// Enough.
    GiveUp(Box<Diagnosis>),
}

/// Decides after attempt number `attempts` (from 1) was answered at `now`.
pub fn after(
    answer: &Result<Response, CallError>,
    attempts: u32,
    now: Timestamp,
    rng: &mut impl Rng,
) -> Next {
    let (hint, last, diagnosis) = match answer {
        Ok(response) if (200..300).contains(&response.status) => return Next::Done,
        Ok(response) => {
            let hint = response.headers.get("retry-after");
            let hint = hint.and_then(|value| RetryAfter::parse(value, now));
            let last = if is_refusal(response.status) {
                ATTEMPTS_REFUSED
            } else {
                ATTEMPTS
            };
            (hint, last, answered(response.status))
        }
        Err(error) => (None, ATTEMPTS, unanswered(error)),
    };
    if attempts >= last {
        Next::GiveUp(Box::new(diagnosis))
    } else {
        Next::Again(wait(attempts, hint, rng), Box::new(diagnosis))
    }
}

/// A status by which the other system says that it does not want it: neither late (408), too early (425) nor too much (429).
fn is_refusal(status: u16) -> bool {
    (400..500).contains(&status) && !matches!(status, 408 | 425 | 429)
}

/// The wait after so many attempts: 5 s doubling to 900 s, up to a fifth of it taken off by chance; at least what the
/// other system asked for, and then up to that fifth more. Never longer than a queue can delay.
fn wait(attempts: u32, hint: Option<RetryAfter>, rng: &mut impl Rng) -> Duration {
    let factor = 1_u32
        .checked_shl(attempts.saturating_sub(1))
        .unwrap_or(u32::MAX);
    let full = FIRST_WAIT.saturating_mul(factor).min(LONGEST);
    let spread = full / 5;
    let floor = hint
        .map_or(Duration::ZERO, RetryAfter::wait)
        .max(full - spread);
    // A fifth of a quarter of an hour: it fits.
    let spread = u64::try_from(spread.as_millis()).unwrap_or(u64::MAX);
    (floor + Duration::from_millis(rng.random_range(0..=spread))).min(LONGEST)
}

fn answered(status: u16) -> Diagnosis {
    let rule = match status {
        300..400 => ours::FORWARD_REDIRECTED,
        _ if is_refusal(status) => ours::FORWARD_REFUSED,
        _ => ours::FORWARD_UNAVAILABLE,
    };
    rule.diagnosis(format!("status {status}"))
}

fn unanswered(error: &CallError) -> Diagnosis {
    let rule = match error {
        CallError::Refused(_) => ours::FORWARD_ADDRESS,
        CallError::NoName(_)
        | CallError::Tls(..)
        | CallError::NotSent(_)
        | CallError::NoAnswer(_) => ours::FORWARD_NO_ANSWER,
    };
    rule.diagnosis(error.to_string())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;
    use crate::connection::tests::{endpoint, genesys_endpoint};

    const LARGEST_BODY: usize = 4 * 1024 * 1024;

    fn headers() -> Headers {
        let pairs = [
            ("authorization", "Basic secret"),
            ("content-type", "application/json; charset=utf-8"),
            ("host", "hooks.example"),
            ("user-agent", "facebookexternalua"),
            ("x-forwarded-for", "1.2.3.4"),
            ("x-hub-signature-256", "sha256=00"),
        ];
        Headers::new(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())))
    }

    fn packed(body: &[u8]) -> Option<ForwardJob> {
        match pack(&endpoint(), &headers(), body).unwrap() {
            Packed::Job(job) => Some(*job),
            Packed::TooLarge => None,
        }
    }

    /// Bytes that do not shrink.
    fn noise(length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        StdRng::seed_from_u64(1).fill(bytes.as_mut_slice());
        bytes
    }

    fn again(status: u16, attempts: u32) -> bool {
        let answer = answer(status, None);
        let mut rng = StdRng::seed_from_u64(1);
        match after(&answer, attempts, Timestamp::default(), &mut rng) {
            Next::Again(..) => true,
            Next::GiveUp(_) => false,
            Next::Done => panic!("{status} is no success"),
        }
    }

    fn answer(status: u16, retry_after: Option<&str>) -> Result<Response, CallError> {
        let headers = retry_after.map(|value| ("Retry-After".to_owned(), value.to_owned()));
        Ok(Response {
            status,
            headers: Headers::new(headers),
            body: b"secret of theirs".to_vec(),
        })
    }

    #[test]
    fn only_what_verifies_and_reads_the_body_goes_along() {
        let job = packed(b"{}").unwrap();
        let to = Url::parse("https://old.example/hook?key=1").unwrap();
        let request = request(&to, &job, LARGEST_BODY).unwrap();
        assert_eq!((&request.url, request.local), (&to, false));
        assert_eq!(request.auth, Auth::None);
        let Body::Verbatim(body) = request.body else {
            panic!("as it came")
        };
        assert_eq!(body.bytes, b"{}");
        let names: Vec<_> = body.headers.keys().map(String::as_str).collect();
        assert_eq!(names, ["content-type", "user-agent", "x-hub-signature-256"]);
        assert!(matches!(
            pack(&genesys_endpoint(), &Headers::default(), b"").unwrap(),
            Packed::Job(job) if job.headers.is_empty()
        ));
    }

    #[test]
    fn every_job_fits_into_a_message() {
        let text = br#"{"entry":[{"changes":[{"field":"messages"}]}]}"#;
        let largest = text.repeat(LARGEST_BODY / text.len());
        assert!(packed(&largest).is_some(), "text shrinks");
        let brink = (LARGEST_JOB - AROUND) / 4 * 3;
        assert!(packed(&noise(brink + 1000)).is_none(), "noise does not");
        let mut job = packed(&noise(brink - 1000)).unwrap();
        job.diagnosis = Some(ours::FORWARD_NO_ANSWER.diagnosis("\n".repeat(1000)));
        let length = serde_json::to_string(&job).unwrap().len();
        assert!(length <= 1024 * 1024, "{length}");
        assert!(length > LARGEST_JOB - AROUND, "{length}: room is wasted");
    }

    #[test]
    fn what_was_not_packed_here_is_refused() {
        let to = Url::parse("https://old.example/").unwrap();
        let bomb = packed(&vec![b' '; LARGEST_BODY + 1]).unwrap();
        assert!(
            request(&to, &bomb, LARGEST_BODY).is_err(),
            "longer than any"
        );
        for body in ["?", "AAAA", ""] {
            let job = ForwardJob {
                body: body.to_owned(),
                ..packed(b"{}").unwrap()
            };
            let refused = request(&to, &job, LARGEST_BODY).unwrap_err();
            assert_eq!(refused.to_string(), "what it carries does not unpack");
        }
    }

    #[test]
    fn plain_http_stays_on_this_machine() {
        let job = packed(b"{}").unwrap();
        for (to, local) in [
            ("http://127.0.0.1:9000/", true),
            ("http://old.example/", false),
            ("https://127.0.0.1:9000/", false),
        ] {
            let request = request(&Url::parse(to).unwrap(), &job, 9).unwrap();
            assert_eq!(request.local, local, "{to}");
        }
    }

    #[test]
    fn twelve_attempts_or_three_where_it_is_not_wanted() {
        for (status, all) in [
            (302, 12),
            (308, 12),
            (400, 3),
            (401, 3),
            (404, 3),
            (408, 12),
            (410, 3),
            (425, 12),
            (429, 12),
            (500, 12),
            (503, 12),
            (100, 12),
        ] {
            let made = (1..20).take_while(|n| again(status, *n)).count() + 1;
            assert_eq!(made, all, "{status}");
        }
        let mut rng = StdRng::seed_from_u64(1);
        for status in [200, 202, 204, 299] {
            let answer = answer(status, None);
            assert_eq!(
                after(&answer, 1, Timestamp::default(), &mut rng),
                Next::Done
            );
        }
    }

    #[test]
    fn a_diagnosis_says_what_was_seen_and_nothing_of_the_answer() {
        let lost = |error: CallError| Err(error);
        for (answer, code, evidence) in [
            (answer(302, None), "forward.redirected", "status 302"),
            (answer(404, None), "forward.refused", "status 404"),
            (answer(503, None), "forward.unavailable", "status 503"),
            (
                lost(CallError::NoAnswer("reset".to_owned())),
                "forward.no-answer",
                "no answer: reset",
            ),
            (
                lost(CallError::Refused("address 10.0.0.1".to_owned())),
                "forward.address-refused",
                "refused to connect: address 10.0.0.1",
            ),
        ] {
            let mut rng = StdRng::seed_from_u64(1);
            let Next::GiveUp(told) = after(&answer, 12, Timestamp::default(), &mut rng) else {
                panic!("twelve are enough")
            };
            assert_eq!(
                (told.code.as_str(), told.evidence.as_str()),
                (code, evidence)
            );
        }
    }

    #[test]
    fn waits_double_and_what_is_asked_for_is_kept() {
        let asked = |seconds| Some(RetryAfter::capped(Duration::from_secs(seconds)));
        for (attempts, hint, lowest, highest) in [
            (1, None, 4000, 5000),
            (2, None, 8000, 10_000),
            (8, None, 512_000, 640_000),
            (9, None, 720_000, 900_000),
            (u32::MAX, None, 720_000, 900_000),
            (1, asked(60), 60_000, 61_000),
            (8, asked(60), 512_000, 640_000),
            (1, asked(900), 900_000, 900_000),
        ] {
            for seed in 0..50 {
                let wait = wait(attempts, hint, &mut StdRng::seed_from_u64(seed));
                assert!(
                    (lowest..=highest).contains(&wait.as_millis()),
                    "{attempts} {hint:?}: {wait:?}"
                );
            }
        }
    }

    proptest! {
        #[test]
        fn bytes_come_out_as_they_went_in(body in prop::collection::vec(any::<u8>(), 0..3000)) {
            let job = packed(&body).unwrap();
            let job = ForwardJob::parse(&serde_json::to_string(&job).unwrap()).unwrap();
            let to = Url::parse("https://old.example/").unwrap();
            let Body::Verbatim(sent) = request(&to, &job, LARGEST_BODY).unwrap().body else {
                panic!("as it came")
            };
            prop_assert_eq!(sent.bytes, body);
        }
    }
}
