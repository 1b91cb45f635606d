//! How a file goes out over HTTP: whole, in part, or spoilt by a fault.

use std::{io::Write as _, ops::RangeInclusive};

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use http::{
    StatusCode,
    header::{
        ACCEPT_RANGES, CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_RANGE, ETAG, LAST_MODIFIED,
    },
};
use time::{OffsetDateTime, format_description::BorrowedFormatItem, macros::format_description};

use crate::{
    faults::{Fault, Faults},
    spoil::marred,
    wire::{Answer, Manner, Request},
};

/// Dates as HTTP writes them: `Sun, 06 Nov 1994 08:49:37 GMT`.
const HTTP_DATE: &[BorrowedFormatItem<'_>] = format_description!(
    "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
);

/// A moment as HTTP writes it.
pub(crate) fn http_date(at: OffsetDateTime) -> String {
    // Formatting fails for years beyond four digits only.
    at.to_utc().format(HTTP_DATE).unwrap_or_default()
}

/// A file to be served.
pub(crate) struct Served<'f> {
    pub(crate) bytes: &'f Bytes,
    pub(crate) mime: &'f str,
    /// Hex digest of the bytes; its first half is the entity tag.
    pub(crate) sha256_hex: &'f str,
    /// Since when the bytes are these.
    pub(crate) modified_at: OffsetDateTime,
    /// Whether `Range` and `If-Range` are honoured.
    pub(crate) ranges: bool,
}

/// The bytes as they are sent, and by what a client may know them again.
struct Version {
    bytes: Bytes,
    tag: String,
    modified: String,
}

impl Version {
    fn new(file: &Served<'_>, fault: Option<Fault>) -> Self {
        let bytes = file.bytes;
        let tag = |hex: &str| format!("\"{hex}\"");
        let date = http_date;
        let (bytes, name, modified_at) = match fault {
            Some(Fault::ObjectChangedBetweenRanges) => {
                let later = file.modified_at + std::time::Duration::from_secs(60);
                (with_one_byte_wrong(bytes), &file.sha256_hex[32..], later)
            }
            _ => {
                let (bytes, tag) = (spoilt(bytes, fault), &file.sha256_hex[..32]);
                (bytes, tag, file.modified_at)
            }
        };
        Self {
            bytes,
            tag: tag(name),
            modified: date(modified_at),
        }
    }
}

/// The answer with the file, as the fault leaves it. Faults that keep the body from being sent at all are not looked at here.
pub(crate) fn serve(
    request: &Request,
    file: &Served<'_>,
    fault: Option<Fault>,
    faults: &Faults,
) -> Answer {
    let version = Version::new(file, fault);
    let length = version.bytes.len();
    let honoured = file.ranges && fault != Some(Fault::ServerIgnoresRange);
    let asked = match honoured {
        true => asked(request, &version),
        false => Asked::Whole,
    };
    let answer = match asked {
        Asked::Part(range) => {
            let (from, to) = (*range.start(), *range.end());
            let named = format!("bytes {from}-{to}/{length}");
            let part = version.bytes.slice(range);
            Answer::new(StatusCode::PARTIAL_CONTENT, file.mime, part).with(CONTENT_RANGE, &named)
        }
        Asked::Beyond => {
            let status = StatusCode::RANGE_NOT_SATISFIABLE;
            let beyond = Answer::new(status, "text/plain", "");
            return beyond.with(CONTENT_RANGE, &format!("bytes */{length}"));
        }
        Asked::Whole => Answer::new(StatusCode::OK, file.mime, version.bytes.clone()),
    };
    let answer = match honoured {
        true => answer
            .with(ACCEPT_RANGES, "bytes")
            .with(ETAG, &version.tag)
            .with(LAST_MODIFIED, &version.modified),
        false => answer,
    };
    let answer = match fault {
        Some(Fault::GzipLies | Fault::GzipLabelLies) => answer.with(CONTENT_ENCODING, "gzip"),
        _ => answer,
    };
    let manner = manner(fault, faults, answer.body.len());
    let answer = answer.with(CONTENT_DISPOSITION, "attachment");
    marred(answer.in_manner(manner), fault, faults)
}

/// What a fault makes of the bytes.
fn spoilt(bytes: &Bytes, fault: Option<Fault>) -> Bytes {
    match fault {
        Some(Fault::LengthLies) => bytes.slice(..bytes.len() - bytes.len().div_ceil(4)),
        Some(Fault::DigestMismatch) => with_one_byte_wrong(bytes),
        Some(Fault::GzipLies) => packed(bytes),
        _ => bytes.clone(),
    }
}

/// How a body of this length goes out.
fn manner(fault: Option<Fault>, faults: &Faults, length: usize) -> Manner {
    let stalled = |sent| Manner::Stalled(sent, Box::pin(faults.stalled()));
    match fault {
        Some(Fault::SlowBody) => Manner::Slow(faults.slow_rate()),
        Some(Fault::OneBytePerSecond) => Manner::Slow(faults.trickle_rate()),
        Some(Fault::TruncatedBody) => Manner::Truncated,
        Some(Fault::ResetMidBody) => Manner::Reset,
        Some(Fault::Stall) => stalled(length / 2),
        Some(Fault::StallAt99) => stalled(length - length.div_ceil(100)),
        _ => Manner::Whole,
    }
}

/// What a request asks for.
#[derive(Debug, PartialEq, Eq)]
enum Asked {
    /// Everything; also where the range cannot be understood, or `If-Range` names another version.
    Whole,
    /// This part.
    Part(RangeInclusive<usize>),
    /// A part that there is not.
    Beyond,
}

/// Reads `Range` and `If-Range`. One range in bytes is understood (`a-b`, `a-`, `-n`); several are answered with everything, as
/// Amazon S3 does.
fn asked(request: &Request, version: &Version) -> Asked {
    let holds = |validator: &str| {
        [&version.tag, &version.modified]
            .iter()
            .any(|v| *v == validator)
    };
    if !request.header("if-range").is_none_or(holds) {
        return Asked::Whole;
    }
    let range = request.header("range").and_then(read_range);
    let length = version.bytes.len();
    match range {
        None => Asked::Whole,
        Some((None, count)) if count == 0 || length == 0 => Asked::Beyond,
        Some((None, count)) => Asked::Part(length.saturating_sub(count)..=length - 1),
        Some((Some(from), _)) if from >= length => Asked::Beyond,
        Some((Some(from), to)) => Asked::Part(from..=to.min(length - 1)),
    }
}

/// The first and the last byte of a range, or nothing and the number of last bytes.
fn read_range(text: &str) -> Option<(Option<usize>, usize)> {
    let (from, to) = text.strip_prefix("bytes=")?.split_once('-')?;
    match (from, to) {
        ("", count) => Some((None, count.parse().ok()?)),
        (from, "") => Some((Some(from.parse().ok()?), usize::MAX)),
        (from, to) => {
            let (from, to) = (from.parse().ok()?, to.parse().ok()?);
            (from <= to).then_some((Some(from), to))
        }
    }
}

fn with_one_byte_wrong(bytes: &Bytes) -> Bytes {
    let mut wrong = bytes.to_vec();
    let middle = wrong.len() / 2;
    if let Some(byte) = wrong.get_mut(middle) {
        *byte ^= 0x01;
    }
    wrong.into()
}

fn packed(bytes: &Bytes) -> Bytes {
    let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
    let whole = packer.write_all(bytes).and_then(|()| packer.finish());
    // Memory takes everything.
    whole.unwrap_or_default().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_and_refused() {
        let date = "Sun, 06 Nov 1994 08:49:37 GMT";
        let rows = [
            ("bytes=2-", None, Asked::Part(2..=9)),
            ("bytes=2-4", None, Asked::Part(2..=4)),
            ("bytes=2-99", Some("\"t\""), Asked::Part(2..=9)),
            ("bytes=2-4", Some(date), Asked::Part(2..=4)),
            ("bytes=2-4", Some("\"old\""), Asked::Whole),
            ("bytes=10-", Some("\"old\""), Asked::Whole),
            ("bytes=10-", None, Asked::Beyond),
            ("bytes=-3", None, Asked::Part(7..=9)),
            ("bytes=-30", None, Asked::Part(0..=9)),
            ("bytes=-0", None, Asked::Beyond),
            ("bytes=4-2", None, Asked::Whole),
            ("bytes=1-2,4-5", None, Asked::Whole),
            ("lines=1-2", None, Asked::Whole),
        ];
        let version = Version {
            bytes: Bytes::from_static(b"0123456789"),
            tag: "\"t\"".into(),
            modified: date.into(),
        };
        for (range, if_range, expected) in rows {
            let mut headers = http::HeaderMap::new();
            headers.insert("range", range.parse().expect("a header"));
            if let Some(validator) = if_range {
                headers.insert("if-range", validator.parse().expect("a header"));
            }
            let request = Request {
                method: http::Method::GET,
                target: "/file".into(),
                path: "/file".into(),
                query: String::new(),
                headers,
                body: Bytes::new(),
            };
            assert_eq!(asked(&request, &version), expected, "{range} {if_range:?}");
        }
    }

    #[test]
    fn dates_are_written_as_http_wants_them() {
        let moment = time::macros::datetime!(1994-11-06 08:49:37.5 UTC);
        assert_eq!(
            moment.format(HTTP_DATE).expect("in range"),
            "Sun, 06 Nov 1994 08:49:37 GMT"
        );
    }
}
