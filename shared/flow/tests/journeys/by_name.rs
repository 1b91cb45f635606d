//! Files to web chat and message media, as the source documents have them: handed over in one form, named by a message.

#![expect(clippy::unwrap_used, reason = "a test: what does not work ends it")]

use std::rc::Rc;

use attache_domain::connection::Profile;
use attache_domain::conversation::ConversationId;
use attache_domain::ids::ConnectionId;
use attache_domain::journey::{Item, Stage};
use attache_domain::signature::{Scheme, Secret};
use attache_flow::memory::Calm;
use attache_flow::ports::{Clock, Conversations};
use futures_util::FutureExt;
use serde_json::{Value, json};

use crate::world::{Answer, GENESYS_SECRET, PHOTO, Site, by_name_directory};

fn site(profile: Profile) -> Site {
    let site = Site::with(PHOTO, by_name_directory(profile), Rc::new(Calm));
    *site.platforms.web_chat.borrow_mut() = json!({"id": "a1b2c3d4"});
    site.refresh();
    site
}

/// Somebody noted in which conversation the customer is.
fn in_conversation(site: &Site) {
    let id = ConversationId::new(&ConnectionId::new("theirs"), "16505551234");
    let linked = Conversations::link(&site.world, &id, "c1/").now_or_never();
    linked.unwrap().unwrap();
}

fn code(item: &Item) -> Option<&str> {
    item.record.diagnosis.as_ref().map(|it| it.code.as_str())
}

fn said(site: &Site) -> Vec<Value> {
    site.platforms.said.borrow().clone()
}

fn arrives(site: &Site) -> Item {
    assert_eq!(site.announce("wamid.A", Some("photo.jpg")).status, 200);
    site.run(10);
    site.item()
}

#[test]
fn web_chat_is_told_of_a_file_in_its_conversation() {
    let site = site(Profile::GenesysWebChat);
    in_conversation(&site);
    let item = arrives(&site);
    assert_eq!(item.gate.stage, Stage::Sent, "{:?}", item.record.diagnosis);
    assert_eq!(site.platforms.uploads.borrow().as_slice(), [PHOTO]);
    let message = json!({"to": {"id": "agent-7", "type": "user"}, "from": {"id": "16505551234", "type": "contact"}, "text": "",
        "attachments": [{"id": "uploaded-1", "name": "photo.jpg", "type": "image/jpeg"}]});
    assert_eq!(said(&site), [message]);
    assert_eq!(item.record.delivered_as.as_deref(), Some("said-1"));
    // The same bytes again: they are handed over again, for who knows to which conversation the first ones belong.
    assert_eq!(site.announce("wamid.B", Some("photo.jpg")).status, 200);
    site.run(10);
    assert_eq!(
        (site.platforms.uploads.borrow().len(), said(&site).len()),
        (2, 2)
    );
}

#[test]
fn without_a_conversation_nothing_is_sent() {
    let site = site(Profile::GenesysWebChat);
    let item = arrives(&site);
    assert_eq!(code(&item), Some("ours.address-missing"));
    assert!(said(&site).is_empty());
}

#[test]
fn what_a_web_chat_is_configured_for_holds() {
    for (files, stage) in [
        (json!({"allowedMimeTypes": ["image/png"]}), Stage::Rejected),
        (
            json!({"maxSize": PHOTO.len() - 1, "allowedMimeTypes": ["image/jpeg"]}),
            Stage::Rejected,
        ),
        (json!({"allowedMimeTypes": []}), Stage::Sent),
        (
            json!({"maxSize": PHOTO.len(), "allowedMimeTypes": ["image/jpeg"]}),
            Stage::Sent,
        ),
    ] {
        let site = Site::with(
            PHOTO,
            by_name_directory(Profile::GenesysWebChat),
            Rc::new(Calm),
        );
        *site.platforms.web_chat.borrow_mut() = json!({"id": "c", "fileAttachments": files});
        site.refresh();
        in_conversation(&site);
        assert_eq!(arrives(&site).gate.stage, stage, "{files}");
    }
}

#[test]
fn a_file_that_is_too_large_after_all_is_a_drift() {
    let site = site(Profile::GenesysWebChat);
    in_conversation(&site);
    let refused = (
        413,
        r#"{"code":"request.entity.too.large","message":"too large"}"#,
    );
    site.platforms
        .upload_answers
        .borrow_mut()
        .push_back(refused);
    let item = arrives(&site);
    assert_eq!(item.gate.stage, Stage::Rejected);
    assert!(item.record.refused.is_some());
    let said = said(&site);
    assert_eq!(said.len(), 1, "a notice in its place: {said:?}");
    assert!(said[0].get("attachments").is_none(), "{said:?}");
}

#[test]
fn another_file_than_was_sent_is_handed_over_again() {
    let site = site(Profile::GenesysWebChat);
    in_conversation(&site);
    let other = (200, r#"{"id":"x","type":"application/octet-stream"}"#);
    site.platforms.upload_answers.borrow_mut().push_back(other);
    let item = arrives(&site);
    assert_eq!((item.gate.stage, item.record.attempts), (Stage::Sent, 1));
    assert_eq!(said(&site)[0]["attachments"][0]["id"], "uploaded-1");
}

#[test]
fn message_media_is_told_of_a_file_and_flows_of_what_it_is() {
    let site = site(Profile::GenesysMessageMedia);
    let item = arrives(&site);
    assert_eq!(item.gate.stage, Stage::Sent, "{:?}", item.record.diagnosis);
    let message = json!({"to": {"id": "agent-7"}, "from": {"id": "16505551234"}, "type": "message", "body": "",
        "mediaId": "uploaded-1"});
    assert_eq!(said(&site), [message]);
    let notes = site.platforms.notes.borrow();
    let [(about, attributes)] = notes.as_slice() else {
        panic!("{notes:?}")
    };
    assert_eq!(about, "said-1/attributes");
    assert_eq!(attributes["attributes"]["attache_state"], "sent");
    assert_eq!(attributes["attributes"]["attache_type"], "image/jpeg");
}

#[test]
fn after_a_lost_answer_the_repeat_is_recorded() {
    let site = site(Profile::GenesysMessageMedia);
    site.platforms.answers.borrow_mut().push_back(Answer::Lost);
    let item = arrives(&site);
    assert_eq!((item.gate.stage, item.record.repeats), (Stage::Sent, 1));
    assert_eq!(
        site.platforms.uploads.borrow().len(),
        1,
        "the bytes are there"
    );
}

#[test]
fn what_became_of_an_agent_s_file_is_noted() {
    let site = site(Profile::GenesysMessageMedia);
    let body = json!({"event_id": "e1", "event_type": "message:message-media", "timestamp": site.world.now().to_rfc3339(),
        "data": {"id": "media-1", "url": "https://api.mypurecloud.de/api/v2/message/mediadata/media-1", "media_type": "image/jpeg",
            "size": PHOTO.len(), "conversation_id": "16505551234", "message_id": "msg-1"}});
    let body = body.to_string();
    let secret = Secret::new(GENESYS_SECRET).unwrap();
    let signature = Scheme::GENESYS.sign(&secret, body.as_bytes());
    assert_eq!(
        site.post_to("media", body.as_bytes(), &signature).status,
        200
    );
    // The customer never wrote: the window is closed.
    site.run(10);
    let notes = site.platforms.notes.borrow();
    let (about, note) = notes.last().unwrap();
    assert_eq!(about, "msg-1");
    assert_eq!(note["type"], "system");
    assert_eq!(note["attributes"]["attache_state"], "failed");
}
