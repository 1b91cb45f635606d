//! What becomes of a message that was accepted: sent, delivered, read, or failed.

use std::sync::Arc;

use serde_json::Value;

use super::{
    media::essence,
    options::PhoneNumber,
    outbound::media_part,
    sent::{SentMedia, SentMessage},
    state::{State, lock},
    statuses::report,
    upload::TABLE,
};
use crate::{
    faults::Point,
    meta::error::{self, GraphError},
};

/// Decides a message's fate and reports it.
pub(super) async fn follow(state: &Arc<State>, from: &PhoneNumber, sent: SentMessage) {
    let media = match fate(state, &sent).await {
        Ok(media) => media,
        Err(error) => {
            update(state, &sent.id, "failed", None);
            return report(state, from, &sent, "failed", Some(&error));
        }
    };
    report(state, from, &sent, "sent", None);
    update(state, &sent.id, "delivered", media);
    report(state, from, &sent, "delivered", None);
    if state.options.auto_read {
        read(state, from, &sent);
    }
}

/// The customer reads a message.
pub(super) fn read(state: &Arc<State>, from: &PhoneNumber, sent: &SentMessage) {
    update(state, &sent.id, "read", None);
    report(state, from, sent, "read", None);
}

async fn fate(state: &State, sent: &SentMessage) -> Result<Option<SentMedia>, GraphError> {
    let template = sent.body["type"] == "template";
    if !template && !lock(&state.outbound).window_open(sent, state.options.clock.now()) {
        let why = "Message failed to send because more than 24 hours have passed since the customer last replied to this number.";
        return Err(GraphError::new(error::WINDOW_CLOSED).details(why));
    }
    let Some(part) = media_part(&sent.body) else {
        return Ok(None);
    };
    let mut subjects = vec![sent.id.clone(), sent.to.clone()];
    subjects.extend(part["id"].as_str().map(str::to_owned));
    if state.faults.take(Point::Fate, &subjects).is_some() {
        let why = "The media could not be uploaded to the customer.";
        return Err(GraphError::new(error::MEDIA_UPLOAD).details(why));
    }
    let media = match part["link"].as_str() {
        Some(link) => Some(fetch(state, link).await.ok_or_else(|| {
            let why = "Failed to download the media from the given link.";
            GraphError::new(error::MEDIA_DOWNLOAD).details(why)
        })?),
        None => sent.media.clone(),
    };
    if let Some(media) = &media {
        fits(&sent.body, &essence(&media.mime))?;
    }
    Ok(media)
}

/// The bytes behind a link, as the customer would get them.
async fn fetch(state: &State, link: &str) -> Option<SentMedia> {
    let request = state.client.get(link).timeout(state.options.patience);
    let response = request.send().await.ok()?;
    if !response.status().is_success() {
        return None;
    }
    let mime = response.headers().get(http::header::CONTENT_TYPE);
    let mime = mime.and_then(|value| value.to_str().ok())?.to_owned();
    let bytes = response.bytes().await.ok()?;
    Some(SentMedia { bytes, mime })
}

/// A message type takes the media types of its row only.
fn fits(body: &Value, essence: &str) -> Result<(), GraphError> {
    let mut rows = TABLE.iter();
    let row = rows.find(|(kind, _, _)| body["type"] == *kind);
    match row.is_none_or(|(_, _, types)| types.contains(&essence)) {
        true => Ok(()),
        false => {
            let why = format!("Unsupported media type: {essence}.");
            Err(GraphError::new(error::MEDIA_UPLOAD).details(&why))
        }
    }
}

fn update(state: &State, id: &str, status: &'static str, media: Option<SentMedia>) {
    lock(&state.outbound).update(id, status, media);
    state.background.changed();
}
