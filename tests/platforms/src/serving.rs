//! How a file goes out over HTTP: whole, in part, or spoilt by a fault.

use std::ops::RangeInclusive;

use bytes::Bytes;
use http::{
    StatusCode,
    header::{ACCEPT_RANGES, CONTENT_DISPOSITION, CONTENT_RANGE, ETAG},
};

use crate::{
    faults::{Fault, Faults},
    wire::{Answer, Manner, Request},
};

/// A file to be served.
pub(crate) struct Served<'f> {
    pub(crate) bytes: &'f Bytes,
    pub(crate) mime: &'f str,
    /// Hex digest of the bytes; its first half is the entity tag.
    pub(crate) sha256_hex: &'f str,
    /// Whether `Range` and `If-Range` are honoured.
    pub(crate) ranges: bool,
}

/// The answer with the file, as the fault leaves it. Faults that keep the body from being sent at all are not looked at here.
pub(crate) fn serve(
    request: &Request,
    file: &Served<'_>,
    fault: Option<Fault>,
    faults: &Faults,
) -> Answer {
    let (bytes, manner) = spoil(file.bytes.clone(), fault, faults);
    let tag = format!("\"{}\"", &file.sha256_hex[..32]);
    let range = file
        .ranges
        .then(|| requested_range(request, &tag, bytes.len()));
    let answer = match range.flatten() {
        Some(range) => {
            let (from, to) = (*range.start(), *range.end());
            let named = format!("bytes {from}-{to}/{}", bytes.len());
            let part = Answer::new(StatusCode::PARTIAL_CONTENT, file.mime, bytes.slice(range));
            part.with(CONTENT_RANGE, &named)
        }
        None => Answer::new(StatusCode::OK, file.mime, bytes),
    };
    let answer = match file.ranges {
        true => answer.with(ACCEPT_RANGES, "bytes").with(ETAG, &tag),
        false => answer,
    };
    answer
        .with(CONTENT_DISPOSITION, "attachment")
        .in_manner(manner)
}

/// What a fault makes of the bytes, and how they go out.
fn spoil(mut bytes: Bytes, fault: Option<Fault>, faults: &Faults) -> (Bytes, Manner) {
    let manner = match fault {
        Some(Fault::SlowBody) => Manner::Slow(faults.slow_rate()),
        Some(Fault::TruncatedBody) => Manner::Truncated,
        Some(Fault::ResetMidBody) => Manner::Reset,
        Some(Fault::Stall) => Manner::Stalled(Box::pin(faults.stalled())),
        Some(Fault::LengthLies) => {
            bytes.truncate(bytes.len() - bytes.len().div_ceil(4));
            Manner::Whole
        }
        Some(Fault::DigestMismatch) => {
            bytes = with_one_byte_wrong(&bytes);
            Manner::Whole
        }
        _ => Manner::Whole,
    };
    (bytes, manner)
}

/// The one range a client asks for (`bytes=a-` or `bytes=a-b`), if it can be served and `If-Range` still holds.
fn requested_range(request: &Request, tag: &str, length: usize) -> Option<RangeInclusive<usize>> {
    if request
        .header("if-range")
        .is_some_and(|validator| validator != tag)
    {
        return None;
    }
    let (from, to) = request
        .header("range")?
        .strip_prefix("bytes=")?
        .split_once('-')?;
    let from: usize = from.parse().ok()?;
    let last = length.checked_sub(1)?;
    let to = match to {
        "" => last,
        to => to.parse::<usize>().ok()?.min(last),
    };
    (from <= to).then_some(from..=to)
}

fn with_one_byte_wrong(bytes: &Bytes) -> Bytes {
    let mut wrong = bytes.to_vec();
    let middle = wrong.len() / 2;
    if let Some(byte) = wrong.get_mut(middle) {
        *byte ^= 0x01;
    }
    wrong.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_and_refused() {
        let rows = [
            ("bytes=2-", None, Some(2..=9)),
            ("bytes=2-4", None, Some(2..=4)),
            ("bytes=2-99", Some("\"t\""), Some(2..=9)),
            ("bytes=2-4", Some("\"old\""), None),
            ("bytes=10-", None, None),
            ("bytes=-3", None, None),
            ("lines=1-2", None, None),
        ];
        for (range, if_range, expected) in rows {
            let mut headers = http::HeaderMap::new();
            headers.insert("range", range.parse().expect("a header"));
            if let Some(validator) = if_range {
                headers.insert("if-range", validator.parse().expect("a header"));
            }
            let request = Request {
                method: http::Method::GET,
                path: "/file".into(),
                query: String::new(),
                headers,
                body: Bytes::new(),
            };
            assert_eq!(requested_range(&request, "\"t\"", 10), expected, "{range}");
        }
    }
}
