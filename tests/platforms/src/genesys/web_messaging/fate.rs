//! What becomes of a file once its bytes are there, and who is told.

use std::sync::Arc;

use serde_json::json;

use super::{Progress, Uploaded, files};
use crate::{
    delivery::{Cargo, MessageId},
    faults::Fault,
    genesys::{agent::written, files::Stored, state::State},
};

/// The type of completion events.
pub(super) const EVENT: &str = "genesys.cloud.messaging.file.upload.completed";

/// Decides what becomes of a file, as the fault has it if there is one. The event that is on its way already, where it is to
/// come before the answer to the bytes.
pub(super) fn decide(
    state: &Arc<State>,
    file: &Uploaded,
    fault: Option<Fault>,
) -> Option<MessageId> {
    let id = file.file_id.as_str();
    let (end, events) = match fault {
        Some(Fault::StuckQueued) => {
            state
                .uploads
                .change(id, |file| file.progress = Progress::Queued);
            return None;
        }
        Some(Fault::Silent202) => return None,
        Some(Fault::CompletionNever) => (Progress::Completed, 0),
        Some(Fault::CompletionTwice) => (Progress::Completed, 2),
        Some(Fault::TlsDowngrade) => (Progress::TurnedAway, 1),
        Some(Fault::Scan500) => (Progress::ScanFailed, 1),
        Some(Fault::VirusFound) => (Progress::Malicious, 1),
        Some(Fault::CompletionFirst) => {
            finish(state, id, Progress::Completed);
            return tell(state, id, Progress::Completed);
        }
        _ => (Progress::Completed, 1),
    };
    let (state, id) = (state.clone(), id.to_owned());
    let due = state.options.clock.now() + state.options.scan_takes;
    let background = state.background.clone();
    background.spawn(async move {
        state.options.clock.sleep_until(due).await;
        if finish(&state, &id, end) {
            for _ in 0..events {
                tell(&state, &id, end);
            }
        }
    });
    None
}

/// Whether the file came to its end: one that was taken back does not.
fn finish(state: &State, id: &str, end: Progress) -> bool {
    let mut finished = false;
    state.uploads.change(id, |file| {
        if file.progress == Progress::Cancelled {
            return;
        }
        finished = true;
        file.progress = end;
        let (Some(bytes), Some(at)) = (&file.bytes, file.accepted_at) else {
            return;
        };
        let text = |key: &str| file.metadata[key].as_str().unwrap_or_default().to_owned();
        let ids = (file.file_id.as_str(), &*text("messageId"));
        if end == Progress::Completed {
            state.files.insert(Stored {
                name: Some(text("fileName")),
                ..Stored::new(ids, bytes.clone(), text("contentType"), at)
            });
        }
    });
    state.background.changed();
    finished
}

/// Sends the event, if there is somewhere to send it to.
fn tell(state: &State, id: &str, end: Progress) -> Option<MessageId> {
    state.uploads.address().callback()?;
    let (status, scan, format) = match end {
        Progress::TurnedAway => ("failed", "clean", "passed"),
        Progress::Malicious => ("completed", "malicious", "passed"),
        Progress::ScanFailed => ("failed", "error", "failed"),
        _ => ("completed", "clean", "passed"),
    };
    let event = MessageId(crate::random::uuid());
    let mut body = json!({
        "eventId": event.as_str(), "eventType": EVENT, "timestamp": written(state.options.clock.now()),
        "data": {"fileId": id, "virusScanResult": scan, "formatValidation": format, "status": status},
    });
    if end == Progress::TurnedAway {
        files::turned_away(&mut body["data"]);
    }
    let cargo = Cargo {
        messages: vec![event.clone()],
        body: body.to_string().into_bytes(),
        ..Cargo::default()
    };
    state.courier.queue(state.uploads.address(), cargo);
    Some(event)
}
