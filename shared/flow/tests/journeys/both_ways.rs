//! Both directions, every word: what becomes of words, captions, statuses and an agent's files, and what each side is told.

#![expect(clippy::unwrap_used, reason = "a test: what does not work ends it")]

use crate::world::{Answer, DISGUISED, PHOTO, Site};
use attache_domain::event::Content;
use attache_domain::journey::{Item, Stage};
use attache_flow::ports::Clock;
use serde_json::{Value, json};

const ANIMATION: &[u8] = include_bytes!("../../../../tests/media/animation.webp");
const VOICE: &[u8] = include_bytes!("../../../../tests/media/voice.ogg");

/// A site whose customer has just written, so that the agent may answer.
fn open(file: &[u8]) -> Site {
    let site = Site::new(file);
    assert_eq!(
        site.says("wamid.first", "text", json!({"body": "Hello"}))
            .status,
        200
    );
    site.run(3);
    assert_eq!(texts(&site), ["Hello"]);
    site
}

/// What the agent reads.
fn texts(site: &Site) -> Vec<String> {
    let text = |body: &Value| body["text"].as_str().unwrap_or_default().to_owned();
    site.platforms.sends.borrow().iter().map(text).collect()
}

fn said(site: &Site) -> Vec<Value> {
    site.platforms.said.borrow().clone()
}

/// The receipts, as status and reason code.
fn receipts(site: &Site) -> Vec<String> {
    let read = |body: &Value| {
        let code = body["reasons"][0]["code"]
            .as_str()
            .unwrap_or("-")
            .to_owned();
        assert_eq!(body["isFinalReceipt"], true);
        format!(
            "{} {} {code}",
            body["id"].as_str().unwrap(),
            body["status"].as_str().unwrap()
        )
    };
    site.platforms.receipts.borrow().iter().map(read).collect()
}

/// The item of the agent's message.
fn outgoing(site: &Site) -> Item {
    let mut items = site.items(|item| {
        item.origin.connection.as_str() == "genesys"
            && item
                .origin
                .target
                .as_ref()
                .is_some_and(|target| target.as_str() == "wa-sales")
    });
    assert_eq!(items.len(), 1);
    items.remove(0)
}

#[test]
fn an_agents_file_reaches_the_customer_and_its_receipt_the_agent() {
    let site = open(PHOTO);
    let reply = site.agent_says("g1", "Look", json!([site.attachment("a1", "photo.jpg")]));
    assert_eq!(reply.status, 200, "the bytes are stored before the answer");
    assert_eq!(
        site.item().record.link.as_deref().map(str::is_empty),
        Some(false),
        "sealed"
    );
    site.run(5);
    assert_eq!(*site.platforms.uploads.borrow(), [PHOTO]);
    let item = outgoing(&site);
    assert_eq!((item.gate.stage, item.record.link), (Stage::Sent, None));
    let message = said(&site).remove(0);
    assert_eq!(message["type"], "image");
    assert_eq!(
        message["image"],
        json!({"id": "uploaded-1", "caption": "Look"})
    );
    assert_eq!(message["biz_opaque_callback_data"], item.id.as_str());
    for status in ["delivered", "sent", "read", "delivered"] {
        assert_eq!(
            site.reports("wamid.1", status, item.id.as_str(), None)
                .status,
            200
        );
    }
    site.run(3);
    assert_eq!(receipts(&site), ["g1 Delivered -"]);
    assert_eq!(outgoing(&site).gate.stage, Stage::Read);
    let bearers = site.platforms.bearers.borrow();
    assert!(!bearers.iter().any(|host| host == "signed.example"));
}

#[test]
fn a_message_whose_answer_is_lost_goes_out_once() {
    for (told, stage, words) in [(true, Stage::Delivered, 1), (false, Stage::Unconfirmed, 2)] {
        let site = open(PHOTO);
        site.platforms.answers.borrow_mut().push_back(Answer::Lost);
        site.agent_says("g1", "See you", Value::Null);
        site.run(5);
        assert_eq!(
            outgoing(&site).gate.stage,
            Stage::Sending,
            "nobody knows yet"
        );
        if told {
            let id = outgoing(&site).id;
            site.reports("wamid.1", "delivered", id.as_str(), None);
        }
        for _ in 0..8 {
            site.pass(10);
            site.sweep();
            site.run(1);
        }
        assert_eq!((outgoing(&site).gate.stage, said(&site).len()), (stage, 1));
        assert_eq!(texts(&site).len(), words, "{:?}", texts(&site));
        assert_eq!(receipts(&site).len(), usize::from(told));
    }
    let site = open(PHOTO);
    site.platforms.answers.borrow_mut().push_back(Answer::Lost);
    site.agent_says("g1", "See you", Value::Null);
    for _ in 0..8 {
        site.run(1);
        site.pass(10);
        site.sweep();
    }
    assert_eq!(outgoing(&site).gate.stage, Stage::Unconfirmed);
    site.reports("wamid.1", "delivered", outgoing(&site).id.as_str(), None);
    site.run(2);
    let item = outgoing(&site);
    assert_eq!(
        (item.gate.stage, item.gate.epoch),
        (Stage::Delivered, 1),
        "late, but told"
    );
    assert_eq!(receipts(&site), ["g1 Delivered -"]);
    site.says(
        "m1",
        "text",
        json!({"text": {"body": "Till then"}, "context": {"id": "wamid.1"}}),
    );
    site.run(2);
    let told = texts(&site);
    assert!(
        told.iter().any(|text| text == "↪ “See you”\nTill then"),
        "the status told its name: {told:?}"
    );
}

#[test]
fn what_cannot_go_out_fails_whole_and_the_agent_is_told() {
    for (file, code, word) in [
        (
            ANIMATION,
            "MediaTypeNotAllowed",
            "does not take files of type",
        ),
        (DISGUISED, "DataFiltered", "dangerous"),
    ] {
        let site = open(file);
        // 600 KB of WebP are over the limit of an animated sticker, and no picture.
        let mut file = file.to_vec();
        if code == "MediaTypeNotAllowed" {
            file = image_gif();
        }
        site.platforms.file.replace(file);
        site.agent_says(
            "g1",
            "The invoice",
            json!([site.attachment("a1", "invoice.gif")]),
        );
        site.run(5);
        assert_eq!(said(&site), Vec::<Value>::new(), "nothing without its file");
        assert_eq!(receipts(&site), [format!("g1 Failed {code}")]);
        let notice = texts(&site).pop().unwrap();
        assert!(
            notice.contains(word) && notice.contains("invoice.gif"),
            "{notice}"
        );
        assert!(notice.contains("was not sent either"), "{notice}");
    }
}

/// The smallest GIF: one white dot.
fn image_gif() -> Vec<u8> {
    let hex =
        b"47494638396101000100800000ffffff00000021f90400000000002c00000000010001000002024401003b";
    data_encoding::HEXLOWER.decode(hex).unwrap()
}

#[test]
fn a_closed_window_is_known_before_sending() {
    let site = open(PHOTO);
    site.pass(25 * 3600);
    site.agent_says("g1", "Still there?", Value::Null);
    site.run(3);
    assert_eq!(said(&site), Vec::<Value>::new());
    assert_eq!(receipts(&site), ["g1 Failed MessageExpired"]);
    assert_eq!(outgoing(&site).gate.stage, Stage::Failed);
    assert!(texts(&site).pop().unwrap().contains("24 hours"));
    // And what only Meta knew ends the same way.
    let site = open(PHOTO);
    site.agent_says("g2", "Still there?", Value::Null);
    site.run(3);
    site.reports(
        "wamid.1",
        "failed",
        outgoing(&site).id.as_str(),
        Some(131_047),
    );
    site.run(3);
    assert_eq!(receipts(&site), ["g2 Failed MessageExpired"]);
    assert_eq!(outgoing(&site).gate.stage, Stage::Undelivered);
}

#[test]
fn a_caption_that_fits_no_voice_note_follows_it() {
    let site = open(VOICE);
    site.agent_says("g1", "Listen", json!([site.attachment("a1", "voice.ogg")]));
    site.run(8);
    let kinds: Vec<_> = said(&site)
        .iter()
        .map(|body| body["type"].clone())
        .collect();
    assert_eq!(kinds, ["audio", "text"]);
    assert_eq!(said(&site)[1]["text"]["body"], "Listen");
    assert!(said(&site)[0]["audio"].get("caption").is_none());
}

#[test]
fn the_last_word_waits_for_a_caption_on_its_own() {
    let site = open(VOICE);
    site.agent_says("g1", "Listen", json!([site.attachment("a1", "voice.ogg")]));
    site.run(8);
    let parts: Vec<String> = said(&site)
        .iter()
        .map(|body| {
            body["biz_opaque_callback_data"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    assert_eq!(parts.len(), 2);
    for (part, expected) in parts.iter().zip([vec![], vec!["g1 Delivered -"]]) {
        site.reports("wamid.1", "delivered", part, None);
        site.run(2);
        assert_eq!(receipts(&site), expected);
    }
}

#[test]
fn what_was_given_up_untold_is_told_by_sweep() {
    let site = open(PHOTO);
    site.platforms
        .answers
        .borrow_mut()
        .push_back(Answer::Status(400));
    site.agent_says("g1", "See you", Value::Null);
    // As if the process had died right after the end was written.
    site.deliver();
    let id = outgoing(&site).id;
    {
        let mut state = site.world.state.borrow_mut();
        state.items.retain(|_, item| {
            !item
                .origin
                .attachment
                .as_str()
                .starts_with("attache:notice")
                && !item
                    .origin
                    .attachment
                    .as_str()
                    .starts_with("attache:receipt")
        });
        let item = state.items.get_mut(&id).unwrap();
        assert_eq!((item.gate.stage, item.gate.due_at), (Stage::Failed, None));
        item.gate.due_at = Some(attache_domain::time::Timestamp::from_millis(1));
    }
    site.sweep();
    site.run(3);
    assert_eq!(receipts(&site).len(), 1);
    assert_eq!(texts(&site).len(), 2, "the customer's words and a notice");
    assert_eq!(outgoing(&site).gate.due_at, None);
}

#[test]
fn an_album_arrives_in_its_order() {
    let site = open(PHOTO);
    let album: Vec<Value> = (1..=3)
        .map(|n| site.attachment(&format!("a{n}"), &format!("{n}.jpg")))
        .collect();
    // The first meets a limit: the others wait for it.
    site.agent_says("g1", "Three", Value::Array(album));
    site.platforms
        .answers
        .borrow_mut()
        .push_back(Answer::Status(429));
    site.run(30);
    let captions: Vec<_> = said(&site)
        .iter()
        .map(|body| body["image"].get("caption").cloned())
        .collect();
    assert_eq!(captions, [Some(json!("Three")), None, None]);
    let ids: Vec<String> = said(&site)
        .iter()
        .map(|body| {
            body["biz_opaque_callback_data"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    let bundle = site
        .items(|item| item.origin.file().is_some())
        .remove(0)
        .origin
        .bundle;
    assert_eq!(
        ids,
        bundle.iter().map(ToString::to_string).collect::<Vec<_>>()
    );
    for (n, id) in ids.iter().enumerate() {
        assert_eq!(
            receipts(&site),
            Vec::<String>::new(),
            "not before all are there"
        );
        site.reports(&format!("wamid.{n}"), "delivered", id, None);
        site.run(2);
    }
    assert_eq!(receipts(&site), ["g1 Delivered -"]);
}

#[test]
fn a_quarantined_photo_leaves_its_caption_and_a_notice() {
    let site = Site::new(DISGUISED);
    site.says(
        "m1",
        "document",
        json!({"id": "1", "filename": "photo.png", "caption": "our dog"}),
    );
    site.run(5);
    let told = texts(&site);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0].contains("our dog")
            && told[0].contains("photo.png")
            && told[0].contains("quarantine"),
        "{told:?}"
    );
    assert_eq!(site.item().gate.stage, Stage::Rejected);
}

#[test]
fn a_reply_quotes_what_it_answers() {
    let site = open(PHOTO);
    site.agent_says("g1", "Blue or red?", Value::Null);
    site.run(3);
    let reply = |id: &str, to: &str, body: &str| {
        site.says(
            id,
            "text",
            json!({"text": {"body": body}, "context": {"id": to}}),
        );
    };
    reply("m1", "wamid.1", "Red");
    reply("m2", "wamid.first", "As I said");
    reply("m3", "wamid.unknown", "Yes");
    site.says(
        "m4",
        "reaction",
        json!({"message_id": "wamid.1", "emoji": "👍"}),
    );
    site.run(3);
    let mut told = texts(&site).split_off(1);
    told.sort();
    assert_eq!(
        told,
        [
            "↪ an earlier message\nYes",
            "↪ “Blue or red?”\nRed",
            "↪ “Blue or red?”\n[reacted] 👍",
            "↪ “Hello”\nAs I said",
        ]
    );
    let before = site.world.state.borrow().items.len();
    reply("m1", "wamid.1", "Red");
    site.run(2);
    assert_eq!(
        (site.world.state.borrow().items.len(), texts(&site).len()),
        (before, 5)
    );
}

#[test]
fn bytes_first_tries_are_counted_and_the_last_is_acknowledged() {
    let site = open(PHOTO);
    site.platforms.cut.borrow_mut().extend([100; 40]);
    let post = || {
        site.agent_says("g1", "", json!([site.attachment("a1", "photo.jpg")]))
            .status
    };
    let answers: Vec<u16> = (0..6).map(|_| post()).collect();
    assert_eq!(answers, [503, 503, 503, 503, 503, 200]);
    site.platforms.cut.borrow_mut().clear();
    for _ in 0..30 {
        site.run(2);
        site.pass(30);
        site.sweep();
    }
    assert_eq!(
        (outgoing(&site).gate.stage, said(&site).len()),
        (Stage::Sent, 1)
    );
}

#[test]
fn nothing_is_lost_when_the_link_is_dead() {
    let site = open(PHOTO);
    site.platforms.cut.borrow_mut().extend([100; 400]);
    site.agent_says("g1", "", json!([site.attachment("a1", "photo.jpg")]));
    for _ in 0..60 {
        site.run(1);
        site.pass(60);
        site.sweep();
    }
    assert_eq!(outgoing(&site).gate.stage, Stage::Lost);
    assert_eq!(receipts(&site).len(), 1);
    assert!(texts(&site).pop().unwrap().contains("photo.jpg"));
}

#[test]
fn another_tenants_status_moves_nothing() {
    let site = open(PHOTO);
    site.says("m1", "document", json!({"id": "1"}));
    site.run(5);
    // An id of an item that did not go out over this number.
    let id = site.item().id;
    site.reports("wamid.9", "failed", id.as_str(), Some(131_026));
    site.run(2);
    assert_eq!(site.item().gate.stage, Stage::Sent);
    assert_eq!(receipts(&site), Vec::<String>::new());
}

#[test]
fn words_cost_three_writes_and_never_a_bucket() {
    let site = Site::new(PHOTO);
    site.refresh();
    site.says("m1", "location", json!({"latitude": 1, "longitude": 2}));
    site.deliver();
    let items = site.items(|item| matches!(item.origin.content, Content::Words(_)));
    assert_eq!(items[0].gate.stage, Stage::Sent);
    assert_eq!(
        site.world.state.borrow().writes.len(),
        3,
        "announced, claimed, sent"
    );
    assert_eq!(site.calls("objects.head"), 0);
    assert!(items[0].gate.due_at.is_none());
    assert!(site.world.now() >= items[0].origin.sent_at);
}

#[test]
fn a_closed_window_invites_by_template_once_a_day() {
    let site = Site::inviting(PHOTO);
    site.says("wamid.first", "text", json!({"body": "Hello"}));
    site.run(3);
    site.pass(25 * 3600);
    for message in ["g1", "g2"] {
        site.agent_says(message, "Still there?", Value::Null);
        site.run(3);
    }
    let invited: Vec<_> = said(&site)
        .iter()
        .map(|body| body["template"]["name"].clone())
        .collect();
    assert_eq!(invited, ["we_have_an_answer"]);
    assert!(said(&site)[0].get("biz_opaque_callback_data").is_none());
    let expired = ["g1", "g2"].map(|id| format!("{id} Failed MessageExpired"));
    assert_eq!(receipts(&site), expired);
}
