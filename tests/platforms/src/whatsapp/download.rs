//! The download host: links with a short life, the token needed again, bodies that may be spoilt.

use std::{ops::RangeInclusive, sync::Arc};

use bytes::Bytes;
use http::{
    Method, StatusCode,
    header::{ACCEPT_RANGES, CONTENT_DISPOSITION, CONTENT_RANGE, ETAG, RETRY_AFTER},
};

use super::{
    graph::subject_ids,
    media::{BadLink, LINK_PATH, Medium},
    state::{State, lock},
};
use crate::{
    faults::{Fault, Point},
    wire::{Answer, Manner, Request},
};

/// Answers a request to the download host.
pub(super) async fn answer(state: Arc<State>, request: Request) -> Answer {
    if request.method != Method::GET || request.path != LINK_PATH {
        return plain(StatusCode::NOT_FOUND, "Not Found");
    }
    let id = request.parameter("mid").unwrap_or_default();
    let fault = state
        .faults
        .take(Point::Download, &subject_ids(&state, &id));
    match fault {
        Some(Fault::FiveHundreds) => {
            return plain(StatusCode::SERVICE_UNAVAILABLE, "").with(RETRY_AFTER, "1");
        }
        Some(Fault::HtmlErrorPage) => return Answer::html(StatusCode::OK),
        Some(Fault::ExpiredLink) => return expired(&state),
        Some(Fault::Unauthorised) => return unauthorised(),
        Some(Fault::RedirectOffHost) => {
            let to = format!("{}{}?{}", state.elsewhere, request.path, request.query);
            return Answer::redirect(&to);
        }
        _ => {}
    }
    match admit(&state, &request, &id) {
        Ok(medium) => serve(&state, &request, &medium, fault),
        Err(refused) => *refused,
    }
}

/// The medium behind a link, or the refusal.
fn admit(state: &State, request: &Request, id: &str) -> Result<Medium, Box<Answer>> {
    if request.bearer() != Some(lock(&state.access_token).as_str()) {
        return Err(unauthorised().into());
    }
    if state.options.needs_user_agent && request.header("user-agent").is_none() {
        return Err(plain(StatusCode::FORBIDDEN, "Forbidden").into());
    }
    let now = state.options.clock.now();
    let part = |name| request.parameter(name).unwrap_or_default();
    let link = state
        .links
        .check(id, &part("ext"), &part("hash"), now.unix_timestamp());
    link.map_err(|bad| match bad {
        BadLink::Expired => expired(state),
        BadLink::Forged => plain(StatusCode::FORBIDDEN, "Bad URL hash"),
    })?;
    lock(&state.media)
        .alive(id, now)
        .cloned()
        .ok_or_else(|| expired(state).into())
}

fn serve(state: &State, request: &Request, medium: &Medium, fault: Option<Fault>) -> Answer {
    let mut bytes = medium.bytes.clone();
    let manner = match fault {
        Some(Fault::SlowBody) => Manner::Slow(state.faults.slow_rate()),
        Some(Fault::TruncatedBody) => Manner::Truncated,
        Some(Fault::ResetMidBody) => Manner::Reset,
        Some(Fault::Stall) => Manner::Stalled(Box::pin(state.faults.stalled())),
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
    let tag = format!("\"{}\"", &medium.sha256_hex()[..32]);
    let range = state
        .options
        .ranges
        .then(|| requested_range(request, &tag, bytes.len()));
    let answer = match range.flatten() {
        Some(range) => {
            let (from, to) = (*range.start(), *range.end());
            let named = format!("bytes {from}-{to}/{}", bytes.len());
            let part = Answer::new(
                StatusCode::PARTIAL_CONTENT,
                &medium.mime,
                bytes.slice(range),
            );
            part.with(CONTENT_RANGE, &named)
        }
        None => Answer::new(StatusCode::OK, &medium.mime, bytes),
    };
    let answer = match state.options.ranges {
        true => answer.with(ACCEPT_RANGES, "bytes").with(ETAG, &tag),
        false => answer,
    };
    answer
        .with(CONTENT_DISPOSITION, "attachment")
        .in_manner(manner)
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

fn expired(state: &State) -> Answer {
    let status = StatusCode::from_u16(state.options.expired_status);
    plain(
        status.unwrap_or(StatusCode::NOT_FOUND),
        "URL signature expired",
    )
}

fn unauthorised() -> Answer {
    plain(StatusCode::UNAUTHORIZED, "Authentication required")
}

fn plain(status: StatusCode, text: &'static str) -> Answer {
    Answer::new(status, "text/plain", text)
}

/// The host that is nobody's: it serves every medium to whoever asks, so that following a redirect blindly seems to work.
pub(super) async fn nobody(state: Arc<State>, request: Request) -> Answer {
    let id = request.parameter("mid").unwrap_or_default();
    let media = lock(&state.media);
    match media.alive(&id, state.options.clock.now()) {
        Some(medium) => Answer::new(StatusCode::OK, &medium.mime, medium.bytes.clone()),
        None => Answer::new(StatusCode::NOT_FOUND, "text/plain", "Not Found"),
    }
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
                method: Method::GET,
                path: LINK_PATH.into(),
                query: String::new(),
                headers,
                body: Bytes::new(),
            };
            assert_eq!(requested_range(&request, "\"t\"", 10), expected, "{range}");
        }
    }
}
