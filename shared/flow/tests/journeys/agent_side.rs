//! A file into a conversation from the agent's side: its place, its state, and one message that is never sent again.

#![expect(clippy::unwrap_used, reason = "a test: what does not work ends it")]

use std::rc::Rc;

use attache_domain::address::Address;
use attache_domain::channels::Direction;
use attache_domain::digest::Sha256Digest;
use attache_domain::ids::ConnectionId;
use attache_domain::journey::{Item, Stage};
use attache_flow::memory::Calm;
use attache_flow::ports::{Source, SourceError};
use attache_flow::submission::{Parcel, Submission, Submitted};
use bytes::Bytes;
use futures_util::FutureExt;
use serde_json::{Value, json};

use crate::world::{Answer, PHOTO, Site, agent_side_directory};

fn site() -> Site {
    let site = Site::with(PHOTO, agent_side_directory(), Rc::new(Calm));
    site.refresh();
    site
}

struct Whole(Option<Bytes>);

#[async_trait::async_trait(?Send)]
impl Source for Whole {
    async fn next(&mut self) -> Result<Option<Bytes>, SourceError> {
        Ok(self.0.take())
    }
}

/// What somebody sends by hand to `customer`, with these fields of an address.
fn submit(site: &Site, customer: &str, key: &str, fields: &[(&str, &str)]) -> Item {
    let owned = |(field, value): &(&str, &str)| ((*field).to_owned(), (*value).to_owned());
    let address: Address = fields.iter().map(owned).collect();
    let parcel = Parcel {
        target: (&ConnectionId::new("agent"), Direction::ToCustomer),
        customer,
        customer_name: None,
        address: &address,
        key,
        file_name: "My Photo (1).jpg",
        text: None,
        size_bytes: PHOTO.len() as u64,
        digest: Sha256Digest::of(PHOTO),
    };
    let submission = Submission {
        items: &site.world,
        objects: &site.world,
        clock: &site.world,
    };
    let mut source = Whole(Some(Bytes::from_static(PHOTO)));
    let submitted = submission.submit(&parcel, &mut source).now_or_never();
    match submitted.unwrap().unwrap() {
        Submitted::Now(item) => *item,
        other => panic!("{other:?}"),
    }
}

const OPEN: &[(&str, &str)] = &[("conversationId", "c1"), ("communicationId", "m1")];

fn now(site: &Site, item: &Item) -> Item {
    let mut found = site.items(|it| it.id == item.id);
    found.remove(0)
}

fn code(item: &Item) -> Option<&str> {
    item.record.diagnosis.as_ref().map(|it| it.code.as_str())
}

fn said(site: &Site) -> Vec<Value> {
    site.platforms.said.borrow().clone()
}

#[test]
fn a_file_is_sent_once_it_is_valid() {
    let site = site();
    let states = ["uploading", "uploading"];
    site.platforms.agent.states.borrow_mut().extend(states);
    let item = submit(&site, "c1", "1", OPEN);
    site.run(8);
    assert_eq!(now(&site, &item).gate.stage, Stage::Processing);
    assert!(said(&site).is_empty(), "accepted is not delivered");
    site.run(12);
    let sent = now(&site, &item);
    assert_eq!(sent.gate.stage, Stage::Sent);
    assert_eq!(sent.record.uploaded.as_deref(), Some("medium-1"));
    let name = "My_Photo_1.jpg";
    let message = json!({"textBody": name, "mediaIds": ["medium-1"]});
    assert_eq!(said(&site), [message]);
    let media = site.platforms.agent.media.borrow();
    let medium = &media["medium-1"];
    assert_eq!(medium.bytes.as_deref(), Some(PHOTO));
    let metadata = json!({"fileName": name, "contentLengthBytes": PHOTO.len()});
    assert_eq!(medium.metadata, metadata);
    assert!(medium.of.ends_with("/c1/communications/m1"), "{medium:?}");
    let bearers = site.platforms.bearers.borrow();
    assert!(!bearers.iter().any(|host| host.ends_with(".example")));
    let rows = format!("{:?}", site.world.state.borrow().items);
    assert!(!rows.contains("sig=secret"), "no link is kept");
}

#[test]
fn a_conversation_remembers_where_it_is() {
    let site = site();
    let unknown = submit(&site, "16505551234", "1", &[]);
    site.run(3);
    let unknown = now(&site, &unknown);
    assert_eq!(unknown.gate.stage, Stage::Failed);
    assert_eq!(code(&unknown), Some("ours.address-missing"));
    submit(&site, "16505551234", "2", OPEN);
    site.run(10);
    let again = submit(&site, "16505551234", "3", &[]);
    site.run(10);
    assert_eq!(now(&site, &again).gate.stage, Stage::Sent);
    // And so does a route find it: another platform's agent writes to the same customer.
    let content = json!([site.attachment("file-1", "photo.jpg")]);
    assert_eq!(site.agent_says("m-1", "Look", content).status, 200);
    site.run(15);
    let said = said(&site);
    assert_eq!(said.len(), 3, "{said:?}");
    assert_eq!(
        said[2],
        json!({"textBody": "Look", "mediaIds": ["medium-3"]})
    );
    assert_eq!(site.agent_says("m-2", "Words", Value::Null).status, 200);
    site.run(5);
    let words = site.platforms.said.borrow().last().cloned();
    assert_eq!(words, Some(json!({"textBody": "Words"})));
}

#[test]
fn what_is_not_valid_is_not_sent() {
    let site = site();
    site.platforms
        .agent
        .states
        .borrow_mut()
        .push_back("invalid");
    let item = submit(&site, "c1", "1", OPEN);
    site.run(20);
    let item = now(&site, &item);
    assert_eq!(item.gate.stage, Stage::Failed);
    assert_eq!(code(&item), Some("genesys.media-refused"));
    assert!(said(&site).is_empty());
}

#[test]
fn an_upload_that_never_ends_is_begun_anew() {
    let site = site();
    let item = submit(&site, "c1", "1", OPEN);
    let open = std::iter::repeat_n("uploading", 14);
    site.platforms.agent.states.borrow_mut().extend(open);
    site.run(90);
    let item = now(&site, &item);
    assert_eq!((item.gate.stage, item.record.attempts), (Stage::Sent, 1));
    assert_eq!(item.record.uploaded.as_deref(), Some("medium-2"));
    assert_eq!(said(&site).len(), 1);
}

#[test]
fn an_open_outcome_is_never_sent_again() {
    let site = site();
    site.platforms.answers.borrow_mut().push_back(Answer::Lost);
    let item = submit(&site, "c1", "1", OPEN);
    for _ in 0..12 {
        site.run(10);
        site.sweep();
    }
    assert_eq!(now(&site, &item).gate.stage, Stage::Unconfirmed);
    assert_eq!(said(&site).len(), 1);
}
