//! The rules of bringing bytes in: what a download's headers must agree on, and what follows when it fails.
//!
//! Declared size, header and counted bytes agree; so do the digests, where the platform gives them. What nobody names the
//! length of is taken in parts ([`Checkpoint`]), and so is what broke off before.

mod checkpoint;
mod rest;

use std::time::Duration;

use rand::{Rng, RngExt};

use crate::delivery::Next;
use crate::diagnosis::{Diagnosis, Disposition, Domain, Failure};
use crate::digest::Sha256Digest;
use crate::egress::Refused;
use crate::time::Timestamp;
use crate::wire::{CallError, Headers};

pub use checkpoint::{Checkpoint, PART_BYTES, Part};
pub use rest::Rest;

/// How long the download's headers may take.
pub const HEADERS_PATIENCE: Duration = Duration::from_secs(10);

/// The largest file taken in: WhatsApp's documents, 100 MB, read generously.
pub const LARGEST_BYTES: u64 = 100 * 1024 * 1024;

/// The longest pause between two tries (SQS's longest delay).
const LONGEST_PAUSE: Duration = Duration::from_secs(900);

/// What was said about the bytes before they came.
#[derive(Clone, Debug, Default)]
pub struct Said {
    /// The webhook's type.
    pub origin_type: Option<String>,
    /// The look-up's type.
    pub link_type: Option<String>,
    /// The look-up's length.
    pub size_bytes: Option<u64>,
    /// The webhook's and the look-up's digest.
    pub digests: [Option<Sha256Digest>; 2],
}

/// What the voices agree on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announced {
    /// Exact length of the whole file; `None`: nobody named it.
    pub size_bytes: Option<u64>,
    /// Digest, if anybody gave one.
    pub digest: Option<Sha256Digest>,
    /// The type declared.
    pub declared_type: Option<String>,
    /// What names this state of the file to its host, if the host named it: a strong entity tag or a date.
    pub validator: Option<String>,
    /// The byte the body begins with: none but 0, unless the rest was asked for and given.
    pub starts_at: u64,
}

/// Judges a download by its status and headers. `rest`: only that was asked for; a host may give the whole all the same.
///
/// # Errors
/// A [`Failure`]: the link died, the answer is a page and not the file, or the voices disagree.
pub fn read_headers(
    status: u16,
    headers: &Headers,
    said: Said,
    rest: Option<&Rest>,
) -> Result<Announced, Failure> {
    let (starts_at, length) = match (status, rest) {
        (206 | 416, Some(rest)) => rest.read(status, headers)?,
        _ => {
            judge_status(status)?;
            (0, named_length(headers))
        }
    };
    let wire_type = headers.get("content-type").unwrap_or_default();
    let declared_type = said.origin_type.or(said.link_type);
    if is_page(wire_type, declared_type.as_deref()) {
        let evidence = format!("status {status} with an HTML page");
        return Err(unavailable("transfer.error-page", &evidence));
    }
    let digest = match said.digests {
        [Some(webhook), Some(link)] if webhook != link => {
            return Err(failed(
                Disposition::Rejected,
                "transfer.digest-differs",
                "webhook and look-up name different digests",
            ));
        }
        [webhook, link] => webhook.or(link),
    };
    // Identity was asked for. Where a digest is known it tells packed bytes from a wrong label; elsewhere nothing would.
    let encoding = headers.get("content-encoding").unwrap_or("identity");
    if digest.is_none() && !encoding.trim().eq_ignore_ascii_case("identity") {
        return Err(unavailable(
            "transfer.encoded",
            "a content encoding that was not asked for",
        ));
    }
    let size_bytes = agreed_length(length, said.size_bytes)?;
    // The type of a refusal's page is not the file's.
    let wire_type = (status != 416 && !wire_type.is_empty()).then(|| wire_type.to_owned());
    Ok(Announced {
        size_bytes,
        digest,
        declared_type: declared_type.or(wire_type),
        validator: rest::validator(headers),
        starts_at,
    })
}

fn judge_status(status: u16) -> Result<(), Failure> {
    let evidence = format!("status {status}");
    Err(match status {
        200 => return Ok(()),
        // The link died; the next attempt looks it up again.
        401 | 403 | 404 | 410 => unavailable("transfer.link-refused", &evidence),
        429 => {
            let throttled = Disposition::Throttled { retry_after: None };
            failed(throttled, "transfer.throttled", &evidence)
        }
        300..=399 => failed(Disposition::Rejected, "transfer.redirected", &evidence),
        _ => unavailable("transfer.unavailable", &evidence),
    })
}

fn is_page(wire_type: &str, declared_type: Option<&str>) -> bool {
    let declared = declared_type.unwrap_or_default();
    wire_type.starts_with("text/html") && !declared.starts_with("text/html")
}

fn named_length(headers: &Headers) -> Option<u64> {
    headers.get("content-length")?.trim().parse().ok()
}

fn agreed_length(header: Option<u64>, declared: Option<u64>) -> Result<Option<u64>, Failure> {
    let size_bytes = match (header, declared) {
        (Some(header), Some(declared)) if header != declared => {
            let evidence = format!("look-up says {declared} bytes, header says {header}");
            return Err(unavailable("transfer.length-differs", &evidence));
        }
        (header, declared) => header.or(declared),
    };
    match size_bytes {
        Some(size) if size == 0 || size > LARGEST_BYTES => Err(size_refused(size)),
        size_bytes => Ok(size_bytes),
    }
}

/// Nothing, or too much.
#[must_use]
pub fn size_refused(size_bytes: u64) -> Failure {
    failed(
        Disposition::Rejected,
        "transfer.size-refused",
        &format!("{size_bytes} bytes, at most {LARGEST_BYTES}"),
    )
}

/// What follows after attempt `attempts` (from 1) failed. A fetch may try until the platform no longer
/// gives the file, at `gone_at`: pauses double from one second to fifteen minutes, with a quarter of jitter. A token refused again after its
/// renewal is such a failure too: whoever replaces it in time loses nothing.
pub fn after(
    failure: Failure,
    attempts: u32,
    (gone_at, now): (Timestamp, Timestamp),
    rng: &mut impl Rng,
) -> Next {
    let hint = match failure.disposition {
        Disposition::Rejected => return Next::GiveUp(failure.diagnosis),
        Disposition::Throttled { retry_after } => retry_after.unwrap_or_default(),
        // A token that stays refused is ours to replace, and the platform keeps the file meanwhile.
        Disposition::Unauthorised | Disposition::Unavailable | Disposition::Unknown => {
            Duration::ZERO
        }
    };
    if now >= gone_at && attempts >= MOST_AFTER_LIFE {
        return Next::GiveUp(Box::new(failure.diagnosis.given_up(attempts)));
    }
    let pause = Duration::from_secs(1)
        .saturating_mul(2_u32.saturating_pow(attempts.saturating_sub(1)))
        .min(LONGEST_PAUSE * 4 / 5);
    let wait = pause.max(hint).min(LONGEST_PAUSE);
    let jitter = rng.random_range(Duration::ZERO..=wait / 4);
    Next::Retry {
        wait: (wait + jitter).min(LONGEST_PAUSE),
        repeat: false,
    }
}

/// An item announced long ago (a clock that is off, a replay) still gets this many attempts.
const MOST_AFTER_LIFE: u32 = 4;

/// No answer came.
#[must_use]
pub fn no_answer(error: &CallError) -> Failure {
    let (disposition, code) = match error {
        CallError::Refused(_) => (Disposition::Rejected, "transfer.address-refused"),
        CallError::NotSent(_) => (Disposition::Unavailable, "network.no-connection"),
        CallError::NoAnswer(_) => (Disposition::Unavailable, "network.no-answer"),
    };
    Failure::new(
        disposition,
        Diagnosis::new(Domain::Network, code, error.to_string(), remedy(code)),
    )
}

/// The link names a host that may not have the bearer.
#[must_use]
pub fn refused_host(refused: &Refused) -> Failure {
    failed(
        Disposition::Rejected,
        "transfer.host-refused",
        &refused.to_string(),
    )
}

/// A look-up's failure as it is to be taken after `attempts` failed ones: a platform may announce a file seconds before it gives
/// it, so that it knows none of this id is believed when it says so for the fourth time. No longer: look-ups that fail count
/// against the whole number.
#[must_use]
pub fn not_there_yet(mut failure: Failure, attempts: u32) -> Failure {
    let code = failure.diagnosis.code.as_str();
    if attempts < LATE_ATTEMPTS && ["whatsapp.media-gone", "genesys.link-dead"].contains(&code) {
        failure.disposition = Disposition::Unavailable;
    }
    failure
}

/// After so many failed attempts a file is gone, not late: seven seconds and more.
const LATE_ATTEMPTS: u32 = 3;

/// The stream ended early or was too long.
#[must_use]
pub fn interrupted(evidence: &str) -> Failure {
    failed(Disposition::Unavailable, "transfer.interrupted", evidence)
}

/// What comes now is not what came before.
#[must_use]
pub fn changed() -> Failure {
    unavailable(
        "transfer.file-changed",
        "the file is another than the one of which a part was stored",
    )
}

/// It comes so slowly that no step of it is done in the time one process has.
#[must_use]
pub fn too_slow() -> Failure {
    unavailable("transfer.too-slow", "no part of it comes in time")
}

/// The store no longer knows the parts it took.
#[must_use]
pub fn parts_gone() -> Failure {
    unavailable(
        "transfer.parts-gone",
        "the store no longer has the parts that came before",
    )
}

/// Bytes that are not those announced.
#[must_use]
pub fn other_bytes() -> Failure {
    failed(
        Disposition::Rejected,
        "transfer.other-bytes",
        "the bytes do not have the announced digest",
    )
}

/// There is nothing to have the file by.
#[must_use]
pub fn no_link() -> Failure {
    failed(
        Disposition::Rejected,
        "transfer.no-link",
        "the message named no usable link",
    )
}

/// One hop led to another, again and again.
#[must_use]
pub fn looping() -> Failure {
    failed(
        Disposition::Unavailable,
        "transfer.redirect-loop",
        "more hops than any platform needs",
    )
}

/// The store said "exists", and then nothing was there.
#[must_use]
pub fn vanished() -> Failure {
    failed(
        Disposition::Unavailable,
        "transfer.object-vanished",
        "the store refused a second object, then had none",
    )
}

fn unavailable(code: &str, evidence: &str) -> Failure {
    failed(Disposition::Unavailable, code, evidence)
}

fn failed(disposition: Disposition, code: &str, evidence: &str) -> Failure {
    Failure::new(
        disposition,
        Diagnosis::new(domain(code), code, evidence, remedy(code)),
    )
}

fn domain(code: &str) -> Domain {
    match code {
        "transfer.size-refused" => Domain::Customer,
        "transfer.host-refused" | "transfer.address-refused" => Domain::Ours,
        "transfer.digest-differs"
        | "transfer.other-bytes"
        | "transfer.redirected"
        | "transfer.no-link" => Domain::Provider,
        _ => Domain::Pipeline,
    }
}

fn remedy(code: &str) -> &'static str {
    match code {
        "transfer.size-refused" => {
            "The file is empty or larger than Attaché takes. Ask the customer for another."
        }
        "transfer.host-refused" => {
            "If this host belongs to the platform, add it to the connection's media_hosts."
        }
        "transfer.address-refused" => {
            "The name resolves to an address that is not public. Look into DNS before anything else."
        }
        "transfer.digest-differs" | "transfer.other-bytes" => {
            "The file changed under its id. Ask the customer to send it again."
        }
        "transfer.no-link" => {
            "The platform announced a file without saying where it is. Ask for it again."
        }
        "transfer.redirected" => {
            "The platform answers with a redirect, which its documents do not mention. Report it."
        }
        _ => "Nothing to do: Attaché tries again while the platform still has the file.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    /// WhatsApp's.
    const LIFE: Duration = Duration::from_secs(7 * 24 * 3600);

    fn headers(pairs: &[(&str, &str)]) -> Headers {
        Headers::new(
            pairs
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
        )
    }

    fn code(status: u16, pairs: &[(&str, &str)], said: Said) -> String {
        match read_headers(status, &headers(pairs), said, None) {
            Ok(announced) => match announced.size_bytes {
                Some(size) => format!("{size} bytes"),
                None => "unknown".to_owned(),
            },
            Err(failure) => failure.diagnosis.code,
        }
    }

    #[test]
    fn voices_must_agree() {
        let (a, b) = (Sha256Digest::of(b"a"), Sha256Digest::of(b"b"));
        let sized = |n| Said {
            size_bytes: Some(n),
            ..Said::default()
        };
        for (name, status, pairs, said, expected) in [
            (
                "agreed",
                200,
                &[("Content-Length", "5")][..],
                sized(5),
                "5 bytes",
            ),
            (
                "header only",
                200,
                &[("Content-Length", "5")],
                Said::default(),
                "5 bytes",
            ),
            ("look-up only", 200, &[], sized(5), "5 bytes"),
            ("nobody", 200, &[], Said::default(), "unknown"),
            (
                "differ",
                200,
                &[("Content-Length", "6")],
                sized(5),
                "transfer.length-differs",
            ),
            (
                "empty",
                200,
                &[("Content-Length", "0")],
                Said::default(),
                "transfer.size-refused",
            ),
            (
                "huge",
                200,
                &[("Content-Length", "999999999999")],
                Said::default(),
                "transfer.size-refused",
            ),
            (
                "packed",
                200,
                &[("Content-Length", "5"), ("Content-Encoding", "gzip")],
                Said::default(),
                "transfer.encoded",
            ),
            (
                "said to be packed, and a digest that will tell",
                200,
                &[("Content-Length", "5"), ("Content-Encoding", "gzip")],
                Said {
                    digests: [Some(a), None],
                    ..Said::default()
                },
                "5 bytes",
            ),
            (
                "not packed",
                200,
                &[("Content-Length", "5"), ("Content-Encoding", "Identity")],
                Said::default(),
                "5 bytes",
            ),
            ("dead link", 404, &[], sized(5), "transfer.link-refused"),
            ("redirect", 302, &[], sized(5), "transfer.redirected"),
            (
                "page",
                200,
                &[
                    ("Content-Type", "text/html; charset=utf-8"),
                    ("Content-Length", "5"),
                ],
                sized(5),
                "transfer.error-page",
            ),
            (
                "digests",
                200,
                &[("Content-Length", "5")],
                Said {
                    digests: [Some(a), Some(b)],
                    ..sized(5)
                },
                "transfer.digest-differs",
            ),
        ] {
            assert_eq!(code(status, pairs, said), expected, "{name}");
        }
    }

    #[test]
    fn a_fetch_tries_for_days_and_then_ends() {
        let sent = Timestamp::from_seconds(1_000);
        let mut rng = StdRng::seed_from_u64(1);
        let mut now = sent;
        let mut tries = 0;
        loop {
            tries += 1;
            match after(interrupted("x"), tries, (sent + LIFE, now), &mut rng) {
                Next::Retry { wait, .. } => {
                    assert!(
                        wait <= LONGEST_PAUSE && wait >= Duration::from_secs(1),
                        "{wait:?}"
                    );
                    now = now + wait;
                }
                Next::GiveUp(_) => break,
                Next::Renew => panic!("no renewal was called for"),
            }
        }
        assert!(now >= sent + LIFE && tries < 1_000, "{tries} tries");
    }

    #[test]
    fn a_token_that_stays_refused_costs_time_not_the_file() {
        let mut rng = StdRng::seed_from_u64(1);
        let sent = Timestamp::from_seconds(1_000);
        let refused = || failed(Disposition::Unauthorised, "whatsapp.token-refused", "190");
        let next = |now, rng: &mut StdRng| after(refused(), 9, (sent + LIFE, now), rng);
        assert!(matches!(next(sent, &mut rng), Next::Retry { .. }));
        assert!(matches!(next(sent + LIFE, &mut rng), Next::GiveUp(_)));
    }

    #[test]
    fn a_late_file_is_asked_for_again_and_a_dead_one_not_for_long() {
        for (code, attempts, expected) in [
            ("whatsapp.media-gone", 0, Disposition::Unavailable),
            ("genesys.link-dead", 2, Disposition::Unavailable),
            ("whatsapp.media-gone", 3, Disposition::Rejected),
            ("whatsapp.permission", 0, Disposition::Rejected),
        ] {
            let failure = not_there_yet(failed(Disposition::Rejected, code, ""), attempts);
            assert_eq!(failure.disposition, expected, "{code} {attempts}");
        }
    }

    #[test]
    fn refusals_are_final() {
        let mut rng = StdRng::seed_from_u64(1);
        let now = Timestamp::from_seconds(5);
        assert!(matches!(
            after(other_bytes(), 1, (now, now), &mut rng),
            Next::GiveUp(_)
        ));
    }
}
