//! What a page hears of its messages: echoes, deliveries, reads. Posted at once, or held back until a test lets them go.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{
    customer::post,
    options::Page,
    state::{State, lock},
    surface::Surface,
    talk::SentMessage,
    webhook::Event,
};
use crate::delivery::{Cargo, MessageId};

/// One thing that a page is told of a message.
#[derive(Clone, Debug)]
struct Report {
    message: String,
    word: &'static str,
    event: Event,
}

/// Reports held back, if they are.
#[derive(Debug, Default)]
pub(super) struct Reports {
    holding: bool,
    held: Vec<Report>,
}

/// A message was accepted: it shows in the page's own chat, and on the customer's telephone.
pub(super) fn of_sent(state: &Arc<State>, sent: &SentMessage) {
    let Some(page) = state.page(&sent.page_id) else {
        return;
    };
    if state.options.echoes {
        tell(state, sent, "echo", echo(state, page, sent));
    }
    if sent.surface.tells_deliveries() {
        let mut delivery = json!({ "watermark": state.options.clock.unix_millis() });
        if state.options.mids_in_deliveries {
            delivery["mids"] = json!([sent.id]);
        }
        let fields = json!({ "delivery": delivery });
        tell(
            state,
            sent,
            "delivery",
            of_customer(state, page, sent, fields),
        );
    }
    if state.options.auto_read {
        read(state, page, sent);
    }
}

/// The customer reads a message: Messenger says up to when, Instagram which.
pub(super) fn read(state: &Arc<State>, page: &Page, sent: &SentMessage) {
    let mut talk = lock(&state.talk);
    let messages = talk.sent.iter_mut();
    messages
        .filter(|it| it.id == sent.id)
        .for_each(|it| it.read = true);
    drop(talk);
    let watermark = state.options.clock.unix_millis();
    let mut fields = match sent.surface {
        Surface::Messenger => json!({ "read": { "watermark": watermark } }),
        Surface::Instagram => json!({ "read": { "mid": sent.id } }),
    };
    fields["timestamp"] = watermark.into();
    tell(state, sent, "read", of_customer(state, page, sent, fields));
}

/// What a page sent, as the page's other apps and itself hear of it.
fn echo(state: &State, page: &Page, sent: &SentMessage) -> Event {
    let business = state.business(page, sent.surface);
    let mut message = json!({ "mid": sent.id, "is_echo": true });
    if sent.surface == Surface::Messenger {
        message["app_id"] = state.options.app_id.into();
    }
    for field in ["text", "metadata"] {
        if let Some(value) = sent.body["message"].get(field) {
            message[field] = value.clone();
        }
    }
    if let Some(file) = &sent.file {
        let url = format!("{}/echoed/{}", state.elsewhere, sent.id);
        message["attachments"] = json!([{ "type": file.kind, "payload": { "url": url } }]);
    }
    let fields = json!({
        "sender": { "id": business }, "recipient": { "id": sent.to },
        "timestamp": state.options.clock.unix_millis(), "message": message,
    });
    Event {
        surface: sent.surface,
        business,
        fields,
    }
}

fn of_customer(state: &State, page: &Page, sent: &SentMessage, mut fields: Value) -> Event {
    let business = state.business(page, sent.surface);
    fields["sender"] = json!({ "id": sent.to });
    fields["recipient"] = json!({ "id": business });
    Event {
        surface: sent.surface,
        business,
        fields,
    }
}

/// Posts a report, or keeps it.
fn tell(state: &Arc<State>, sent: &SentMessage, word: &'static str, event: Event) {
    let report = Report {
        message: sent.id.clone(),
        word,
        event,
    };
    let mut reports = lock(&state.reports);
    if reports.holding {
        reports.held.push(report);
        return;
    }
    drop(reports);
    out(state, report);
}

fn out(state: &Arc<State>, report: Report) {
    let cargo = Cargo {
        statuses: vec![(MessageId(report.message), report.word.to_owned())],
        ..Cargo::default()
    };
    post(state, cargo, &[report.event]);
}

/// Holds reports back from now on, or posts those held back, in the order they came about, and holds back no more.
pub(super) fn hold(state: &Arc<State>, holding: bool) {
    let released = {
        let mut reports = lock(&state.reports);
        reports.holding = holding;
        match holding {
            true => Vec::new(),
            false => std::mem::take(&mut reports.held),
        }
    };
    released.into_iter().for_each(|report| out(state, report));
}
