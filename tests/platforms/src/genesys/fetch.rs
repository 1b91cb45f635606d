//! How Genesys gets an attachment: a plain GET of the link it was given.
//!
//! No header of its own, no redirect followed, 25 MB at most, all or nothing. How often Genesys tries is not known: once here.

use sha2::{Digest, Sha256};
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use time::{OffsetDateTime, PrimitiveDateTime};

use super::{desk::Fetched, state::State};
use crate::faults::{Fault, Point};

const SIGNED_AT: &[BorrowedFormatItem<'_>] =
    format_description!("[year][month][day]T[hour][minute][second]Z");

/// Whether a supported-content profile allows a media type. Parameters of the type do not matter.
pub(super) fn allowed(profile: &[String], mime: &str) -> bool {
    let essence = mime
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    profile.iter().any(|pattern| match pattern.split_once('/') {
        Some(("*", "*")) => true,
        Some((kind, "*")) => essence.split('/').next() == Some(kind),
        _ => *pattern == essence,
    })
}

/// Fetches a link; `subjects` are the ids by which a stall may be aimed.
pub(super) async fn fetch(state: &State, url: &str, subjects: &[String]) -> Fetched {
    match state.faults.take(Point::Fetch, subjects) {
        Some(Fault::Stall) => state.faults.stalled().await,
        Some(Fault::LinkPulledLate) => {
            if let Some(dead) = dead_from(url) {
                state.options.clock.sleep_until(dead).await;
            }
        }
        Some(_) | None => {}
    }
    let started = tokio::time::Instant::now();
    let patience = state.options.fetch_patience;
    match tokio::time::timeout(patience, get(state, url)).await {
        Err(_) => Fetched::Failed(format!("not within {patience:?}")),
        Ok(Err(failed)) => failed,
        Ok(Ok((body, content_type))) => Fetched::Whole {
            sha256: data_encoding::HEXLOWER.encode(&Sha256::digest(&body)),
            bytes: body.into(),
            content_type,
            took: started.elapsed(),
        },
    }
}

/// From when a link is dead, by what it says itself: CloudFront's `Expires`, or S3's date and life.
fn dead_from(link: &str) -> Option<OffsetDateTime> {
    let link = url::Url::parse(link).ok()?;
    let value = |wanted: &str| {
        let mut pairs = link.query_pairs();
        let pair = pairs.find(|(name, _)| name == wanted);
        pair.map(|(_, value)| value.into_owned())
    };
    let second = time::Duration::SECOND;
    if let Some(expires) = value("Expires") {
        let expires = OffsetDateTime::from_unix_timestamp(expires.parse().ok()?);
        return Some(expires.ok()? + second);
    }
    let signed = PrimitiveDateTime::parse(&value("X-Amz-Date")?, SIGNED_AT).ok()?;
    let life = time::Duration::seconds(value("X-Amz-Expires")?.parse().ok()?);
    Some(signed.assume_utc() + life + second)
}

async fn get(state: &State, url: &str) -> Result<(Vec<u8>, Option<String>), Fetched> {
    let cap = state.options.attachment_cap_bytes;
    let failed = |error: reqwest::Error| Fetched::Failed(error.without_url().to_string());
    let mut response = state.client.get(url).send().await.map_err(failed)?;
    if response.status() != http::StatusCode::OK {
        return Err(Fetched::Failed(format!(
            "the link answered {}",
            response.status()
        )));
    }
    let content_type = response.headers().get(http::header::CONTENT_TYPE);
    let content_type = content_type
        .and_then(|value| value.to_str().ok())
        .map(str::to_owned);
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(failed)? {
        if body.len() + piece.len() > cap {
            return Err(Fetched::TooLarge);
        }
        body.extend_from_slice(&piece);
    }
    Ok((body, content_type))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profiles_match_by_pattern() {
        let rows = [
            ("*/*", "application/pdf", true),
            ("image/*", "image/png", true),
            ("image/*", "application/pdf", false),
            ("audio/ogg", "audio/ogg; codecs=opus", true),
            ("image/jpeg", "IMAGE/JPEG", true),
            ("image/jpeg", "image/png", false),
        ];
        for (pattern, mime, expected) in rows {
            assert_eq!(
                allowed(&[pattern.into()], mime),
                expected,
                "{pattern} {mime}"
            );
        }
    }
}
