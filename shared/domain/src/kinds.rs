//! Every kind of message, and what becomes of it: carried as it is, told in words, recorded, or refused with a notice to its
//! sender. Nothing that anyone says vanishes. The README prints this table, and tests compare the two, and each row with what
//! the readers of the webhooks do.

use crate::channels::Direction;

/// What becomes of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Treatment {
    /// It arrives as what it is.
    Carried,
    /// It arrives in words.
    InWords,
    /// It is taken into account and written down; the other side's platform has no place for it.
    Recorded,
    /// It does not arrive, and its sender is told why.
    Refused,
}

impl Treatment {
    /// The word in the table.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Carried => "carried",
            Self::InWords => "in words",
            Self::Recorded => "recorded",
            Self::Refused => "refused",
        }
    }
}

/// One kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    /// Which way it goes.
    pub direction: Direction,
    /// Its name.
    pub name: &'static str,
    /// What becomes of it.
    pub treatment: Treatment,
    /// How, in a few words.
    pub how: &'static str,
}

const fn kind(
    direction: Direction,
    name: &'static str,
    treatment: Treatment,
    how: &'static str,
) -> Kind {
    Kind {
        direction,
        name,
        treatment,
        how,
    }
}

use Direction::{ToAgent, ToCustomer};
use Treatment::{Carried, InWords, Recorded, Refused};

/// Every kind, customer's first.
pub const KINDS: &[Kind] = &[
    kind(ToAgent, "text", Carried, "as text, by the text lane"),
    kind(ToAgent, "image, video, document", Carried, "as a file"),
    kind(ToAgent, "voice note, audio", Carried, "as a file"),
    kind(ToAgent, "sticker", Carried, "as a picture"),
    kind(
        ToAgent,
        "caption",
        Carried,
        "with its file; with the notice in the file's place if that is kept back",
    ),
    kind(
        ToAgent,
        "reply context",
        InWords,
        "the message it answers is quoted before it",
    ),
    kind(
        ToAgent,
        "reaction",
        InWords,
        "`[reacted] 👍`, with the message quoted; an empty one takes it back",
    ),
    kind(
        ToAgent,
        "location",
        InWords,
        "name, address, coordinates, link to a map",
    ),
    kind(
        ToAgent,
        "contacts",
        InWords,
        "names, companies, numbers, addresses",
    ),
    kind(
        ToAgent,
        "shared post, reel, link",
        InWords,
        "what was shared, its title and link",
    ),
    kind(
        ToAgent,
        "story mention, answer to a story",
        Carried,
        "the story as a file while it lives; words that say so",
    ),
    kind(ToAgent, "button", InWords, "`[chose] …`"),
    kind(
        ToAgent,
        "list reply",
        InWords,
        "`[chose] …` with its description",
    ),
    kind(ToAgent, "form reply", InWords, "the answers as they came"),
    kind(
        ToAgent,
        "order",
        InWords,
        "each line with quantity, product, price",
    ),
    kind(ToAgent, "number change", InWords, "WhatsApp's own sentence"),
    kind(
        ToAgent,
        "unsend",
        InWords,
        "that a message was deleted; its files are removed where `retention` says so",
    ),
    kind(
        ToAgent,
        "unsupported",
        InWords,
        "that something came which the channel does not hand over, with its error",
    ),
    kind(
        ToAgent,
        "file WhatsApp could not get",
        InWords,
        "the same (131052)",
    ),
    kind(
        ToAgent,
        "kind newer than this version",
        InWords,
        "that something came, and its kind",
    ),
    kind(
        ToAgent,
        "sent, delivered",
        Recorded,
        "in the journey; `delivered` becomes the final receipt, which CXone has no place for",
    ),
    kind(
        ToAgent,
        "read",
        Recorded,
        "in the journey; Genesys takes no such receipt",
    ),
    kind(
        ToAgent,
        "failed",
        Carried,
        "as a failed receipt with reason, and a notice; to CXone as a notice alone",
    ),
    kind(ToAgent, "account notice", Recorded, "kept 30 days"),
    kind(
        ToCustomer,
        "text",
        Carried,
        "as text, in pieces as long as the channel takes",
    ),
    kind(
        ToCustomer,
        "attachment",
        Carried,
        "as picture, sound, film, document or sticker, as its bytes are",
    ),
    kind(
        ToCustomer,
        "text with attachment",
        Carried,
        "as caption; behind the file where the channel takes none or not as long a one",
    ),
    kind(
        ToCustomer,
        "attachment the channel does not take",
        Refused,
        "notice and failed receipt; its text is not sent without it",
    ),
    kind(
        ToCustomer,
        "attachment that is dangerous",
        Refused,
        "notice and failed receipt",
    ),
    kind(
        ToCustomer,
        "anything outside the 24 h window",
        Refused,
        "WhatsApp: configured template once a day; Messenger, Instagram: sent as a person's answer for seven days, if `human_agent` is set; notice and failed receipt `MessageExpired`",
    ),
    kind(ToCustomer, "quick replies", InWords, "numbered lines"),
    kind(
        ToCustomer,
        "card, carousel",
        InWords,
        "title, text, links, numbered choices",
    ),
    kind(ToCustomer, "list", InWords, "numbered lines"),
    kind(ToCustomer, "link", InWords, "the link"),
    kind(ToCustomer, "location", InWords, "address and link to a map"),
    kind(
        ToCustomer,
        "typing",
        Carried,
        "WhatsApp: on the customer's last message, which is marked as read; dropped after 10 s",
    ),
    kind(
        ToCustomer,
        "receipt",
        Recorded,
        "kept 30 days; a failed one in the journey of the file it is about",
    ),
    kind(
        ToCustomer,
        "agent transfer",
        Recorded,
        "Genesys does not tell; the conversation goes on under the same address",
    ),
    kind(
        ToCustomer,
        "conversation end",
        Recorded,
        "Genesys does not tell; an event that does come is kept 30 days",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::Profile;
    use crate::event::{Fate, Part, Said};
    use crate::platforms;
    use serde_json::{Value, json};

    /// What is written about kinds in the README: the rows of the table under this heading.
    fn printed() -> Vec<String> {
        let readme = include_str!("../../../README.md");
        let (_, rest) = readme
            .split_once("<!-- kinds -->")
            .expect("the table's mark");
        let (table, _) = rest.split_once("<!-- /kinds -->").expect("the table's end");
        table
            .lines()
            .filter(|line| line.starts_with('|'))
            .skip(2)
            .map(str::to_owned)
            .collect()
    }

    #[test]
    fn the_readme_says_the_same() {
        let way = |direction| match direction {
            ToAgent => "customer → agent",
            ToCustomer => "agent → customer",
        };
        let expected: Vec<String> = KINDS
            .iter()
            .map(|k| {
                format!(
                    "| {} | {} | {} | {} |",
                    way(k.direction),
                    k.name,
                    k.treatment.as_str(),
                    k.how
                )
            })
            .collect();
        assert_eq!(printed(), expected);
    }

    fn whatsapp(kind: &str, content: Value) -> Said {
        let mut message = json!({"from": "1", "id": "m", "type": kind});
        message[kind] = content;
        from_whatsapp(json!({ "messages": [message] }))
    }

    fn from_whatsapp(value: Value) -> Said {
        let body = json!({"entry": [{"changes": [{"value": value}]}]});
        let mut all = platforms::parse(Profile::WhatsApp, body.to_string().as_bytes()).unwrap();
        all.remove(0).said
    }

    fn messenger(attachment: Value) -> Said {
        let message = json!({"mid": "m", "attachments": [attachment]});
        let body = json!({"entry": [{"messaging": [{ "message": message }]}]});
        let mut all = platforms::parse(Profile::Messenger, body.to_string().as_bytes()).unwrap();
        all.remove(0).said
    }

    fn genesys(body: Value) -> Said {
        let text = body.to_string();
        let mut all = platforms::parse(Profile::GenesysOpenMessaging, text.as_bytes()).unwrap();
        all.remove(0).said
    }

    fn content(kind: &str, content: Value) -> Said {
        let mut item = json!({ "contentType": kind });
        let key = format!("{}{}", kind[..1].to_lowercase(), &kind[1..]);
        item[key] = content;
        genesys(json!({"type": "Text", "content": [item]}))
    }

    /// A message of the kind, as its platform sends it.
    fn sample(kind: &Kind) -> Option<Said> {
        let file = json!({"id": "1", "mime_type": "a/b", "caption": "look"});
        let status = |word: &str| from_whatsapp(json!({"statuses": [{"id": "w", "status": word}]}));
        let attachment = |media: &str| json!({"mediaType": media, "url": "https://x.example/1", "mime": "image/png"});
        Some(match (kind.direction, kind.name) {
            (ToAgent, "text") => whatsapp("text", json!({"body": "Hello"})),
            (ToAgent, "image, video, document" | "caption") => whatsapp("image", file),
            (ToAgent, "voice note, audio") => whatsapp("audio", file),
            (ToAgent, "sticker") => whatsapp("sticker", file),
            (ToAgent, "reply context") => from_whatsapp(
                json!({"messages": [{"type": "text", "text": {"body": "yes"}, "context": {"id": "w"}}]}),
            ),
            (ToAgent, "reaction") => {
                whatsapp("reaction", json!({"message_id": "w", "emoji": "👍"}))
            }
            (ToAgent, "location") => whatsapp("location", json!({"latitude": 1, "longitude": 2})),
            (ToAgent, "contacts") => {
                whatsapp("contacts", json!([{"name": {"formatted_name": "A"}}]))
            }
            (ToAgent, "shared post, reel, link") => messenger(
                json!({"type": "reel", "payload": {"title": "Cats", "url": "https://x.example/1"}}),
            ),
            (ToAgent, "story mention, answer to a story") => messenger(
                json!({"type": "story_mention", "payload": {"url": "https://x.example/1"}}),
            ),
            (ToAgent, "button") => whatsapp("button", json!({"text": "Yes"})),
            (ToAgent, "list reply") => {
                whatsapp("interactive", json!({"list_reply": {"title": "Monday"}}))
            }
            (ToAgent, "form reply") => {
                whatsapp("interactive", json!({"nfm_reply": {"response_json": "{}"}}))
            }
            (ToAgent, "order") => whatsapp("order", json!({"product_items": []})),
            (ToAgent, "number change") => whatsapp("system", json!({"body": "changed"})),
            (ToAgent, "unsend") => whatsapp("revoke", json!({})),
            (ToAgent, "unsupported") => whatsapp("unsupported", json!({})),
            (ToAgent, "file WhatsApp could not get") => whatsapp("image", json!({})),
            (ToAgent, "kind newer than this version") => whatsapp("hologram", json!({})),
            (ToAgent, "sent, delivered") => status("delivered"),
            (ToAgent, "read") => status("read"),
            (ToAgent, "failed") => status("failed"),
            (ToAgent, "account notice") => from_whatsapp(json!({"event": "x"})),
            (ToCustomer, "text") => genesys(json!({"type": "Text", "text": "Hello"})),
            (ToCustomer, "attachment") => content("Attachment", attachment("Image")),
            (ToCustomer, "text with attachment") => genesys(
                json!({"type": "Text", "text": "Look", "content": [{"contentType": "Attachment", "attachment": attachment("File")}]}),
            ),
            (ToCustomer, "quick replies") => {
                content("QuickReply", json!({"text": "Yes", "payload": "y"}))
            }
            (ToCustomer, "card, carousel") => content("Card", json!({"title": "Sofa"})),
            (ToCustomer, "list") => content("ListPicker", json!({"sections": [{"title": "Days"}]})),
            (ToCustomer, "link") => content("Attachment", attachment("Link")),
            (ToCustomer, "location") => content("Location", json!({"address": "Street 1"})),
            (ToCustomer, "typing") => {
                genesys(json!({"type": "Event", "events": [{"eventType": "Typing"}]}))
            }
            (ToCustomer, "receipt") => genesys(json!({"type": "Receipt"})),
            (ToCustomer, "conversation end") => {
                genesys(json!({"type": "Event", "events": [{"eventType": "Presence"}]}))
            }
            // Nothing comes for it; or what comes is one of the kinds above, and its end is the journeys' business.
            (
                ToCustomer,
                "agent transfer"
                | "attachment the channel does not take"
                | "attachment that is dangerous"
                | "anything outside the 24 h window",
            ) => return None,
            (_, name) => panic!("no sample of {name}"),
        })
    }

    #[test]
    fn each_kind_is_read_as_the_table_says() {
        for kind in KINDS {
            let Some(said) = sample(kind) else {
                assert!(matches!(kind.treatment, Refused | Recorded), "{kind:?}");
                continue;
            };
            let fits = match (&said, kind.treatment) {
                (Said::Message(message), Carried | InWords) => {
                    let file = message
                        .parts
                        .iter()
                        .any(|part| matches!(part, Part::File(_)));
                    file == (kind.treatment == Carried) || kind.name == "text"
                }
                (Said::Status(status), Carried) => matches!(status.fate, Fate::Failed(_)),
                (Said::Status(_) | Said::Notice(_), Recorded) | (Said::Typing, Carried) => true,
                _ => false,
            };
            assert!(fits, "{kind:?} is read as {said:?}");
        }
    }
}
