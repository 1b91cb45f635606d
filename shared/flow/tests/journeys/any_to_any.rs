//! Every profile that takes in to every profile that delivers: generated over [`Profile::ALL`], so that a new profile plays along
//! from its first day, or does not compile.
//!
//! Routes go from a customers' channel to an agents' platform and back; any other is a mistake that validation names. What a file
//! becomes follows from the matrix of what the target takes, and from its bytes.

#![expect(clippy::unwrap_used, reason = "a test: what does not work ends it")]

use std::rc::Rc;

use attache_domain::channels::{Direction, Matrix, Media, MediaType};
use attache_domain::connection::{
    Account, Attachments, Connection, Directory, Page, Profile, Retention, Route, Row, SecretName,
};
use attache_domain::conversation::ConversationId;
use attache_domain::digest::Sha256Digest;
use attache_domain::ids::{ConnectionId, EndpointId};
use attache_domain::journey::{Item, Stage};
use attache_domain::verdict::Verdict;
use attache_flow::memory::Calm;
use attache_flow::ports::Conversations;
use futures_util::FutureExt;
use serde_json::{Value, json};

use crate::cxone;
use crate::world::{
    DISGUISED, PHOTO, Site, byoc_directory, endpoint, integration, number, org, page_directory,
};

/// Who writes, as every platform names the same person here.
const CUSTOMER: &str = "16505551234";

/// What the customer says first.
const HELLO: &str = "Hello";

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
        Profile::GenesysMediaUpload => "theirs",
        Profile::CxoneByoc => "cx",
        Profile::CxoneConversations => "gc",
        Profile::GenesysWebChat | Profile::GenesysAgent => "",
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
            agent_id: Some("agent-7".to_owned()),
            org: org(),
        },
        Profile::GenesysWebChat => Account::GenesysWebChat {
            configuration_id: "a1b2c3d4".to_owned(),
            agent_id: Some("agent-7".to_owned()),
            org: org(),
        },
        Profile::GenesysMediaUpload => Account::GenesysMediaUpload {
            endpoint,
            channel_type: "whatsapp".to_owned(),
            org: org(),
        },
        Profile::CxoneByoc => byoc(),
        Profile::CxoneConversations => Account::CxoneConversations {
            endpoint: Some(endpoint),
            tenant: match byoc() {
                Account::CxoneByoc { tenant, .. } => tenant,
                other => panic!("{other:?}"),
            },
        },
        Profile::GenesysAgent => Account::GenesysAgent {
            supported_content: None,
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

fn byoc() -> Account {
    let directory = byoc_directory(Attachments::Link);
    let connection = directory.connection(&ConnectionId::new("cxone")).unwrap();
    connection.account.clone()
}

/// Whether the world has a twin of it: of CXone's conversations it has none.
fn is_played(profile: Profile) -> bool {
    profile != Profile::CxoneConversations
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
        if profile.takes_in() {
            rows.push(Row::Endpoint(endpoint(endpoint_of(profile), profile)));
        }
        rows.push(Row::Connection(connection(profile)));
    }
    if to.takes_in() {
        rows.push(route(to, from.delivers().then_some(from)));
    }
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
    let played = pairs().filter(|(from, to, _)| is_played(*from) && is_played(*to));
    played.filter_map(|(from, to, problem)| problem.is_none().then_some((from, to)))
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
        Profile::CxoneByoc => {
            let url = format!("https://signed.example/{name}?sig=secret");
            let file = json!({"id": "a", "friendlyName": name, "mimeType": mime, "url": url});
            cxone::answers(site, "", json!([file]))
        }
        Profile::GenesysWebMessaging
        | Profile::GenesysMediaUpload
        | Profile::GenesysWebChat
        | Profile::GenesysAgent
        | Profile::CxoneConversations => return false,
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
        Profile::CxoneByoc => cxone::answers(site, text, json!([])),
        Profile::GenesysMessageMedia
        | Profile::GenesysWebMessaging
        | Profile::GenesysMediaUpload
        | Profile::GenesysWebChat
        | Profile::GenesysAgent
        | Profile::CxoneConversations => return false,
    };
    assert_eq!(reply.status, 200, "{from}");
    true
}

/// A site for a pair whose customer has written, where customers are written to.
fn opened(from: Profile, to: Profile, file: &[u8]) -> Site {
    let site = Site::with(file, directory(from, to), Rc::new(Calm));
    *site.platforms.web_chat.borrow_mut() = json!({"id": "a1b2c3d4"});
    site.refresh();
    if !to.addressed_by().is_empty() {
        // Somebody noted in which conversation the customer is, and over which part of it.
        let id = ConversationId::new(&ConnectionId::new(to.as_str()), CUSTOMER);
        let parts = ["c1", "m1"][..to.addressed_by().len()].join("/");
        let linked = Conversations::link(&site.world, &id, &parts).now_or_never();
        linked.unwrap().unwrap();
    }
    if from.direction() == Direction::ToCustomer && says(&site, to, HELLO) {
        site.run(3);
        site.platforms.sends.borrow_mut().clear();
        site.platforms.said.borrow_mut().clear();
    }
    site
}

/// How many messages that show this file reached the target.
fn shown(site: &Site, to: Profile, item: &Item) -> usize {
    let bytes = site.platforms.file.borrow().clone();
    match to {
        Profile::WhatsApp
        | Profile::Messenger
        | Profile::Instagram
        | Profile::GenesysMessageMedia
        | Profile::GenesysWebChat => {
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
        Profile::GenesysAgent => {
            let media = site.platforms.agent.media.borrow();
            let said = site.platforms.said.borrow();
            let here = |body: &&Value| {
                let id = body["mediaIds"][0].as_str().unwrap_or_default();
                media
                    .get(id)
                    .is_some_and(|medium| medium.bytes.as_ref() == Some(&bytes))
            };
            said.iter().filter(here).count()
        }
        Profile::CxoneByoc | Profile::CxoneConversations => {
            let messages = site.platforms.cxone.messages.borrow();
            let link = |body: &&Value| body.to_string().contains(item.id.as_str());
            messages.iter().filter(link).count()
        }
        // A test: nobody gets the file.
        Profile::GenesysMediaUpload => {
            let uploads = site.platforms.uploads.borrow();
            uploads.iter().filter(|upload| **upload == bytes).count()
        }
    }
}

/// Whether words can be said over a profile: the direct upload test has none.
fn carries_words(profile: Profile) -> bool {
    profile != Profile::GenesysMediaUpload
}

/// All that anybody reads, on whichever side: as texts stand in the messages of the different surfaces.
fn read(site: &Site) -> Vec<String> {
    let said = site.platforms.said.borrow();
    let cxone = site.platforms.cxone.messages.borrow();
    let text = |body: &Value| {
        let places = [
            "/message/text",
            "/text/body",
            "/text",
            "/textBody",
            "/messageContent/payload/text",
            "/body",
        ];
        let mut texts = places.iter().filter_map(|at| body.pointer(at)?.as_str());
        texts.next().map(str::to_owned)
    };
    let notes = site.platforms.notes.borrow();
    let notes = notes.iter().map(|(_, body)| body);
    let said = said.iter().chain(cxone.iter()).chain(notes);
    let said = said.filter_map(text);
    let texts = site.agent_reads().into_iter().chain(said);
    texts
        .filter(|text| !text.is_empty() && text != HELLO)
        .collect()
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
    for profile in Profile::ALL.into_iter().filter(|it| is_played(*it)) {
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
                // What became of a test is told by an event alone.
                let end = match to {
                    Profile::GenesysMediaUpload => Stage::Processing,
                    _ => Stage::Sent,
                };
                assert_eq!(got, (end, Verdict::Clean), "{case}");
                arrived += 1;
                continue;
            }
            let verdict = if honest {
                Verdict::Clean
            } else {
                Verdict::Quarantined
            };
            assert_eq!(got, (Stage::Rejected, verdict), "{case}");
            let agents = match from.direction() {
                Direction::ToAgent => to,
                Direction::ToCustomer => from,
            };
            if carries_words(agents) {
                assert_ne!(read(&site), [""; 0], "{case}: nobody is told");
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
        let expected: &[&str] = match carries_words(to) {
            true => &["Grüße 👋"],
            false => &[],
        };
        assert_eq!(read(&site), expected, "{from} to {to}");
        arrived += 1;
    }
    assert!(arrived >= 9, "{arrived}");
}
