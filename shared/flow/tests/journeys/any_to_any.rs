//! Every profile that takes in to every profile that delivers: generated over [`Profile::ALL`], so that a new profile plays along
//! from its first day, or does not compile.
//!
//! Routes go from a customers' channel to an agents' platform and back; any other is a mistake that validation names. What a file
//! becomes follows from the matrix of what the target takes, and from its bytes.

#![expect(clippy::unwrap_used, reason = "a test: what does not work ends it")]

use std::rc::Rc;

use attache_domain::channels::{Direction, Matrix, Media, MediaType};
use attache_domain::connection::{
    Account, Connection, Directory, Page, Profile, Retention, Route, Row, SecretName,
};
use attache_domain::digest::Sha256Digest;
use attache_domain::ids::{ConnectionId, EndpointId};
use attache_domain::journey::{Item, Stage};
use attache_domain::verdict::Verdict;
use attache_flow::memory::Calm;
use serde_json::{Value, json};

use crate::world::{DISGUISED, PHOTO, Site, endpoint, integration, number, org, page_directory};

/// Who writes, as every platform names the same person here.
const CUSTOMER: &str = "16505551234";

/// Name, type and bytes of a file, and whether it is what it says.
const FILES: [(&str, &str, &[u8], bool); 5] = [
    ("photo.jpg", "image/jpeg", PHOTO, true),
    (
        "notes.txt",
        "text/plain",
        include_bytes!("../../../../tests/media/notes.txt"),
        true,
    ),
    (
        "clip.mp4",
        "video/mp4",
        include_bytes!("../../../../tests/media/clip.mp4"),
        true,
    ),
    (
        "brief.docx",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        include_bytes!("../../../../tests/media/brief.docx"),
        true,
    ),
    ("invoice.png", "image/png", DISGUISED, false),
];

/// The endpoint that a profile's webhooks come to.
fn endpoint_of(profile: Profile) -> &'static str {
    match profile {
        Profile::WhatsApp => "wa",
        Profile::GenesysOpenMessaging => "gc",
        Profile::GenesysMessageMedia => "mm",
        Profile::GenesysWebMessaging => "web",
        Profile::Messenger => "fb",
        Profile::Instagram => "ig",
    }
}

/// A connection of a profile, under the profile's own name.
fn connection(profile: Profile) -> Connection {
    let from = |row: Row| match row {
        Row::Connection(connection) => connection.account,
        other => panic!("{other:?}"),
    };
    let endpoint = EndpointId::new(endpoint_of(profile));
    let account = match profile {
        Profile::WhatsApp => from(number("x", "106540352242922")),
        Profile::GenesysOpenMessaging => from(integration("x", "2d1f6a3c")),
        Profile::GenesysMessageMedia => Account::GenesysMessageMedia {
            endpoint,
            org: org(),
        },
        Profile::GenesysWebMessaging => Account::GenesysWebMessaging {
            endpoint: Some(endpoint),
            channel_id: "7d3a0c11".to_owned(),
            org: org(),
        },
        Profile::Messenger => Account::Messenger {
            page: page(profile),
        },
        Profile::Instagram => Account::Instagram {
            account_id: "17841405793187218".to_owned(),
            page: page(profile),
        },
    };
    Connection::new(ConnectionId::new(profile.as_str()), account)
}

fn page(profile: Profile) -> Page {
    let directory = page_directory(false, Retention::Keep);
    let page = directory.connection(&ConnectionId::new("page")).unwrap();
    Page {
        endpoint: EndpointId::new(endpoint_of(profile)),
        token: SecretName("wa-token".to_owned()),
        ..page.page().unwrap().clone()
    }
}

fn route(from: Profile, to: Option<Profile>) -> Row {
    Row::Route(Route {
        from: ConnectionId::new(from.as_str()),
        to: to.map(|to| ConnectionId::new(to.as_str())),
    })
}

/// A route there, and back where something can be delivered; else the other side is an archive.
fn directory(from: Profile, to: Profile) -> Directory {
    let mut rows = Vec::new();
    for profile in [from, to] {
        rows.push(Row::Endpoint(endpoint(endpoint_of(profile), profile)));
        rows.push(Row::Connection(connection(profile)));
    }
    rows.push(route(to, from.delivers().then_some(from)));
    rows.push(route(from, Some(to)));
    Directory::new(rows)
}

/// Every pair; what is said of the route between them, if it cannot be.
fn pairs() -> impl Iterator<Item = (Profile, Profile, Option<String>)> {
    let all = || Profile::ALL.into_iter();
    all()
        .flat_map(move |from| all().map(move |to| (from, to)))
        .map(|(from, to)| {
            let problems = directory(from, to).problems();
            let of_route = { problems }
                .into_iter()
                .find(|problem| problem.row == format!("route/{from}"));
            (from, to, of_route.map(|problem| problem.problem))
        })
}

/// The pairs that a route may join.
fn joined() -> impl Iterator<Item = (Profile, Profile)> {
    pairs().filter_map(|(from, to, problem)| problem.is_none().then_some((from, to)))
}

/// Has a file come in over a profile; `false`: over it no files come.
fn brings(site: &Site, from: Profile, (name, mime): (&str, &str)) -> bool {
    let media_event = || {
        json!({"event_type": "message:message-media", "timestamp": site.now(),
            "data": {"message_id": "msg-1", "conversation_id": CUSTOMER, "id": "media-1", "media_type": mime,
                "url": "https://api.mypurecloud.de/api/v2/message/mediadata/media-1", "content_length_bytes": 1}})
    };
    let of_page = || {
        let url = format!("https://signed.example/{name}?sig=secret");
        json!({"message": {"mid": "m_1", "attachments": [{"type": "file", "payload": {"url": url}}]}})
    };
    let reply = match from {
        Profile::WhatsApp => {
            let document = json!({"id": "media-1", "mime_type": mime, "filename": name});
            site.says("wamid.A", "document", document)
        }
        Profile::Messenger | Profile::Instagram => site.event(endpoint_of(from), &of_page()),
        Profile::GenesysOpenMessaging => {
            let mut file = site.attachment("a1", name);
            file["attachment"]["mime"] = json!(mime);
            site.agent_says("g1", "", json!([file]))
        }
        Profile::GenesysMessageMedia => site.media_event(&media_event()),
        Profile::GenesysWebMessaging => return false,
    };
    assert_eq!(reply.status, 200, "{from} {name}");
    true
}

/// Has words come in over a profile; `false`: over it none come.
fn says(site: &Site, from: Profile, text: &str) -> bool {
    let reply = match from {
        Profile::WhatsApp => site.says("wamid.T", "text", json!({ "body": text })),
        Profile::Messenger | Profile::Instagram => {
            let said = json!({"message": {"mid": "m_t", "text": text}});
            site.event(endpoint_of(from), &said)
        }
        Profile::GenesysOpenMessaging => site.agent_says("g2", text, Value::Null),
        Profile::GenesysMessageMedia | Profile::GenesysWebMessaging => return false,
    };
    assert_eq!(reply.status, 200, "{from}");
    true
}

/// A site for a pair whose customer has written, where customers are written to.
fn opened(from: Profile, to: Profile, file: &[u8]) -> Site {
    let site = Site::with(file, directory(from, to), Rc::new(Calm));
    site.refresh();
    if from.direction() == Direction::ToCustomer {
        assert!(says(&site, to, "Hello"), "{to}");
        site.run(3);
        site.platforms.sends.borrow_mut().clear();
    }
    site
}

/// How many messages that show this file reached the target.
fn shown(site: &Site, to: Profile, item: &Item) -> usize {
    let bytes = site.platforms.file.borrow().clone();
    match to {
        Profile::WhatsApp | Profile::Messenger | Profile::Instagram => {
            let said = site.platforms.said.borrow().clone();
            let uploads = site.platforms.uploads.borrow();
            let handed = (1..)
                .zip(uploads.iter())
                .filter(|(_, upload)| **upload == bytes);
            let named = |n: usize| {
                let id = format!("\"uploaded-{n}\"");
                said.iter()
                    .filter(|body| body.to_string().contains(&id))
                    .count()
            };
            handed.map(|(n, _)| named(n)).sum()
        }
        Profile::GenesysOpenMessaging => {
            let stored = item.record.object.as_ref().map(|object| object.digest);
            assert_eq!(stored, Some(Sha256Digest::of(&bytes)));
            let link = |body: &&Value| body.to_string().contains(item.id.as_str());
            site.files_sent().iter().filter(link).count()
        }
        Profile::GenesysWebMessaging => {
            let files = site.platforms.web.files.borrow();
            let here = |body: &&Value| {
                let id = body["content"][0]["attachment"]["id"]
                    .as_str()
                    .unwrap_or_default();
                files
                    .get(id)
                    .is_some_and(|file| file.bytes.as_ref() == Some(&bytes))
            };
            site.files_sent().iter().filter(here).count()
        }
        Profile::GenesysMessageMedia => 0,
    }
}

/// Whether the matrix has the target take the file as it is.
fn is_taken(from: Profile, to: Profile, (mime, bytes): (&str, usize)) -> bool {
    let limits = Matrix::shipped()
        .limits(to.as_str(), from.direction())
        .unwrap();
    let media = Media {
        media_type: &MediaType::parse(mime).unwrap(),
        codec: None,
        bytes: bytes as u64,
        animated: false,
    };
    limits.fit(media).is_ok()
}

#[test]
fn routes_join_customers_and_agents_and_nothing_else() {
    for (from, to, problem) in pairs() {
        let expected = if !to.delivers() {
            Some(format!("nothing can be delivered over profile {to}"))
        } else if from.direction() == to.direction() {
            Some(format!(
                "{from} leads to {to}; expected one of a customer's channel and one of an agent's platform"
            ))
        } else {
            None
        };
        assert_eq!(problem, expected, "{from} to {to}");
    }
    for profile in Profile::ALL {
        let takes_part = joined().any(|(from, to)| from == profile || to == profile);
        assert!(takes_part, "{profile} is joined with nobody");
    }
}

#[test]
fn every_file_goes_from_everywhere_to_everywhere_or_is_told_of() {
    let (mut arrived, mut told) = (0, 0);
    for (from, to) in joined() {
        for (name, mime, bytes, honest) in FILES {
            let site = opened(from, to, bytes);
            if !brings(&site, from, (name, mime)) {
                continue;
            }
            site.run(40);
            let case = format!("{name} from {from} to {to}");
            let item = site.item();
            let taken = honest && is_taken(from, to, (mime, bytes.len()));
            let got = (item.gate.stage, item.gate.verdict);
            assert_eq!(
                shown(&site, to, &item),
                usize::from(taken),
                "{case}: {got:?}"
            );
            if taken {
                assert_eq!(got, (Stage::Sent, Verdict::Clean), "{case}");
                arrived += 1;
                continue;
            }
            let verdict = if honest {
                Verdict::Clean
            } else {
                Verdict::Quarantined
            };
            assert_eq!(got, (Stage::Rejected, verdict), "{case}");
            // A surface that takes in alone can be told nothing.
            if from.delivers() || from.direction() == Direction::ToAgent {
                assert_ne!(site.agent_reads(), [""; 0], "{case}: nobody is told");
                told += 1;
            }
        }
    }
    assert!(
        arrived > 20 && told > 10,
        "{arrived} arrived, {told} told of"
    );
}

#[test]
fn words_go_from_everywhere_to_everywhere() {
    let mut arrived = 0;
    for (from, to) in joined() {
        let site = opened(from, to, PHOTO);
        if !says(&site, from, "Grüße 👋") {
            continue;
        }
        site.run(10);
        let read = match to.direction() {
            Direction::ToCustomer => site.agent_reads(),
            Direction::ToAgent => {
                let said = site.platforms.said.borrow();
                let text = |body: &Value| {
                    let of_page = body["message"]["text"].as_str();
                    of_page.or(body["text"]["body"].as_str()).map(str::to_owned)
                };
                said.iter().filter_map(text).collect()
            }
        };
        assert_eq!(read, ["Grüße 👋"], "{from} to {to}");
        arrived += 1;
    }
    assert!(arrived >= 9, "{arrived}");
}
