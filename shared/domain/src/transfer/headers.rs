//! What a download's status and headers must agree on with what was said before.

use super::failure::{error_page, size_doubted, size_refused};
use super::page::{is_page, says_nothing};
use super::{LARGEST_BYTES, Rest, rest};
use crate::diagnosis::rules::ours;
use crate::diagnosis::{Failure, Outcome, Platform, Seen, Step, judge};
use crate::digest::Sha256Digest;
use crate::event::MediaKind;
use crate::time::Timestamp;
use crate::wire::{Headers, Response};

/// What was said about the bytes before they came.
#[derive(Clone, Debug, Default)]
pub struct Said {
    /// The webhook's kind.
    pub kind: Option<MediaKind>,
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
    /// Whether only the first bytes tell it from a page ([`super::begins_like_page`]).
    pub unsure: bool,
    /// The byte the body begins with: none but 0, unless the rest was asked for and given.
    pub starts_at: u64,
}

/// Judges a download by its status and headers. `rest`: only that was asked for; a host may give the whole all the same.
///
/// # Errors
/// A [`Failure`]: the link died, the answer is a page and not the file, or the voices disagree.
pub fn read_headers(
    (status, headers): (u16, &Headers),
    said: Said,
    rest: Option<&Rest>,
    now: Timestamp,
) -> Result<Announced, Failure> {
    let (starts_at, length) = match (status, rest) {
        (206 | 416, Some(rest)) => rest.read(status, headers)?,
        _ => {
            judge_status(status, headers, now)?;
            (0, named_length(headers))
        }
    };
    let wire_type = headers.get("content-type").unwrap_or_default();
    let declared_type = said.origin_type.or(said.link_type);
    if is_page(wire_type, declared_type.as_deref(), said.kind) {
        return Err(error_page(&format!(
            "status {status} with a page or an error"
        )));
    }
    let digest = match said.digests {
        [Some(webhook), Some(link)] if webhook != link => {
            let evidence = "webhook and look-up name different digests";
            return Err(ours::DIGEST_DIFFERS.failure(evidence));
        }
        [webhook, link] => webhook.or(link),
    };
    // Identity was asked for. Where a digest is known it tells packed bytes from a wrong label; elsewhere nothing would.
    let encoding = headers.get("content-encoding").unwrap_or("identity");
    if digest.is_none() && !encoding.trim().eq_ignore_ascii_case("identity") {
        return Err(ours::ENCODED.failure("a content encoding that was not asked for"));
    }
    let size_bytes = agreed_length(length, said.size_bytes)?;
    let unsure = starts_at == 0 && says_nothing(wire_type, said.kind);
    // The type of a refusal's page is not the file's.
    let wire_type = (status != 416 && !wire_type.is_empty()).then(|| wire_type.to_owned());
    Ok(Announced {
        size_bytes,
        digest,
        declared_type: declared_type.or(wire_type),
        validator: rest::validator(headers),
        unsure,
        starts_at,
    })
}

fn judge_status(status: u16, headers: &Headers, now: Timestamp) -> Result<(), Failure> {
    if status == 200 {
        return Ok(());
    }
    // The body of a refusal is never read: it comes where a file should, and may be as long.
    let answer = Response {
        status,
        headers: headers.clone(),
        body: Vec::new(),
    };
    let seen = Seen {
        platform: Platform::Host,
        step: Step::Download,
        outcome: Outcome::Answer(&answer),
    };
    Err(judge(&seen, now))
}

fn named_length(headers: &Headers) -> Option<u64> {
    headers.get("content-length")?.trim().parse().ok()
}

fn agreed_length(header: Option<u64>, declared: Option<u64>) -> Result<Option<u64>, Failure> {
    let size_bytes = match (header, declared) {
        (Some(header), Some(declared)) if header != declared => {
            let evidence = format!("look-up says {declared} bytes, header says {header}");
            return Err(ours::LENGTH_DIFFERS.failure(evidence));
        }
        (header, declared) => header.or(declared),
    };
    match size_bytes {
        Some(size) if size == 0 || size > LARGEST_BYTES => match declared {
            Some(_) => Err(size_refused(size)),
            None => Err(size_doubted(size)),
        },
        size_bytes => Ok(size_bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&str, &str)]) -> Headers {
        Headers::new(
            pairs
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
        )
    }

    fn code(status: u16, pairs: &[(&str, &str)], said: Said) -> String {
        match read_headers((status, &headers(pairs)), said, None, Timestamp::default()) {
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
}
