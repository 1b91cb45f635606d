//! What is said when something cannot be delivered: nothing anyone says vanishes without a notice.
//!
//! A notice goes to the agent, who is a person and can ask the customer or send something else; Attaché never writes to a
//! customer in its own name. Towards the agent a caption crosses with the notice that stands in its file's place. Towards
//! the customer nothing of a message goes out without its file (`U4`), and the sender's platform gets a failed receipt.

use crate::channels::Direction;
use crate::diagnosis::Diagnosis;
use crate::event::{Content, FollowUp, Origin, Receipt, ReceiptStatus, Words};
use crate::journey::{Item, is_by_hand};
use crate::verdict::{DELETED, Plan, Verdict};

/// How an item ended, or came to a stop, as far as others must be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending<'a> {
    /// It arrived at the recipient's device.
    Delivered,
    /// The verdict keeps it back.
    KeptBack,
    /// The plan says that the target cannot take it.
    NotTaken {
        /// Stable code.
        code: &'a str,
        /// Why, in words.
        reason: &'a str,
    },
    /// Words go out in its place.
    InPlace {
        /// What they are.
        what: &'static str,
        /// Why not the file, in words.
        reason: &'a str,
    },
    /// It was lost, refused, or given up.
    Failed(&'a Diagnosis),
    /// Whether it was sent is not known, and it is not sent again.
    Unconfirmed,
    /// It was delivered before it was known to be malware.
    TooLate,
}

/// The longest part of somebody's words that a notice repeats.
const LONGEST_EXCERPT: usize = 80;

/// The items that follow from `item` coming to this end: a notice to the agent, a receipt to the agent's platform, both or
/// none. They are named after `item` and its epoch: asked for twice, they are made once.
#[must_use]
pub fn follow_ups(item: &Item, ending: &Ending<'_>) -> Vec<Origin> {
    let origin = &item.origin;
    let ours = match &origin.content {
        Content::File(_) => false,
        Content::Words(words) => words.notice,
        Content::Receipt(_) => true,
    };
    // Archived or only watched: nobody waits for it. Of our own words nothing is told: who could not be reached with
    // them cannot be reached with words about them.
    // What a person sent by hand came in nowhere: that person looks at it.
    let by_hand = origin.target.as_ref() == Some(&origin.connection);
    if ours || by_hand || origin.shadow || origin.target.is_none() {
        return Vec::new();
    }
    let agent = match origin.direction {
        Direction::ToAgent => origin.target.clone(),
        Direction::ToCustomer => Some(origin.connection.clone()),
    };
    let words = notice(item, ending).map(|text| {
        let content = Content::Words(Words { text, notice: true });
        let part = match ending {
            Ending::TooLate => FollowUp::Warning,
            // What becomes of the words is told besides.
            Ending::InPlace { .. } => FollowUp::InPlace,
            _ => FollowUp::Notice(item.gate.epoch),
        };
        origin.follow_up(part, content, agent.clone(), Direction::ToAgent)
    });
    let receipt = (origin.direction == Direction::ToCustomer)
        .then(|| receipt(item, ending))
        .flatten()
        .map(|receipt| {
            let what = FollowUp::Receipt(receipt.status);
            let content = Content::Receipt(receipt);
            origin.follow_up(what, content, agent, Direction::ToAgent)
        });
    words.into_iter().chain(receipt).collect()
}

fn receipt(item: &Item, ending: &Ending<'_>) -> Option<Receipt> {
    let failed = |code: &str, reason: String| {
        Some(Receipt {
            status: ReceiptStatus::Failed,
            reason: Some(reason),
            code: Some(code.to_owned()),
        })
    };
    match ending {
        Ending::Delivered => Some(Receipt {
            status: ReceiptStatus::Delivered,
            reason: None,
            code: None,
        }),
        Ending::KeptBack if item.gate.verdict == Verdict::Quarantined => {
            failed("verdict.quarantined", because(item))
        }
        Ending::NotTaken { code, reason } => failed(code, (*reason).to_owned()),
        Ending::Failed(diagnosis) => failed(&diagnosis.code, diagnosis.remedy.clone()),
        // Not the last word: a person decides, or a status comes after all.
        Ending::KeptBack | Ending::Unconfirmed | Ending::InPlace { .. } => None,
        // The last word was given.
        Ending::TooLate => None,
    }
}

/// The notice's words; `None` where the agent has nothing to learn.
fn notice(item: &Item, ending: &Ending<'_>) -> Option<String> {
    let what = what(&item.origin);
    let (subject, consequence) = match (item.origin.direction, ending) {
        (_, Ending::Delivered) => return None,
        (Direction::ToAgent, Ending::Unconfirmed) => return None,
        // The agent reads the words themselves.
        (Direction::ToAgent, Ending::InPlace { .. }) => return None,
        (
            Direction::ToCustomer,
            Ending::InPlace {
                what: words,
                reason,
            },
        ) => {
            return Some(format!(
                "[Attaché] The customer gets {words} in the place of {what}: {reason}"
            ));
        }
        (Direction::ToAgent, _) if item.origin.file().is_none() => return None,
        (Direction::ToAgent, Ending::TooLate) => (
            "Do not open what the customer sent:",
            "It was passed on to you before its danger was known",
        ),
        (Direction::ToCustomer, Ending::TooLate) => (
            "Tell the customer not to open",
            "It was delivered before its danger was known",
        ),
        (Direction::ToAgent, _) => ("The customer sent", "It was not passed on to you"),
        (Direction::ToCustomer, Ending::Unconfirmed) => (
            "It is not known whether the customer received",
            "It was not sent again, so that nobody gets it twice",
        ),
        (Direction::ToCustomer, Ending::KeptBack) if item.gate.verdict == Verdict::Held => {
            ("Not sent to the customer yet:", "It is held back")
        }
        (Direction::ToCustomer, _) => ("Not delivered to the customer:", "Nothing was delivered"),
    };
    let reason = match ending {
        Ending::KeptBack | Ending::TooLate => because(item),
        Ending::NotTaken { reason, .. } => (*reason).to_owned(),
        Ending::Failed(diagnosis) => diagnosis.remedy.clone(),
        Ending::Unconfirmed => "The connection broke after it was handed over".to_owned(),
        Ending::Delivered | Ending::InPlace { .. } => String::new(),
    };
    let mut text = format!("[Attaché] {subject} {what}. {consequence}: {reason}");
    if !text.ends_with('.') {
        text.push('.');
    }
    // With what was delivered its words were.
    let file = item.origin.file().filter(|_| *ending != Ending::TooLate);
    let caption = file.and_then(|file| file.caption.as_deref());
    match (item.origin.direction, caption) {
        (Direction::ToAgent, Some(caption)) => {
            text.push_str("\nThe customer wrote with it:\n");
            text.push_str(caption);
        }
        (Direction::ToCustomer, Some(_)) => {
            text.push_str(" The text that came with it was not sent either.");
        }
        (_, None) => {}
    }
    Some(text)
}

/// What the item is, as its sender knows it.
fn what(origin: &Origin) -> String {
    match &origin.content {
        Content::File(file) => match &file.file_name {
            Some(name) => format!(
                "the file “{}”",
                crate::diagnosis::excerpt(name, LONGEST_EXCERPT)
            ),
            None => format!("a file ({})", file.kind.as_str()),
        },
        Content::Words(words) => {
            format!(
                "“{}”",
                crate::diagnosis::excerpt(&words.text, LONGEST_EXCERPT)
            )
        }
        Content::Receipt(_) => "a receipt".to_owned(),
    }
}

fn because(item: &Item) -> String {
    let is_deleted = item.record.reasons.iter().any(|it| it.code == DELETED);
    let kept = match item.gate.verdict {
        Verdict::Quarantined if is_deleted => "it is dangerous and was deleted",
        Verdict::Quarantined => "it is dangerous and was put into quarantine",
        Verdict::Held | Verdict::Clean | Verdict::Unjudged => {
            "it could not be judged safe and is kept until a person decides"
        }
    };
    let reasons = item.record.reasons.iter();
    let reasons = reasons.filter(|it| it.code != DELETED && !is_by_hand(it));
    let reasons: Vec<&str> = reasons.map(|reason| reason.evidence.as_str()).collect();
    if reasons.is_empty() {
        kept.to_owned()
    } else {
        format!("{kept} ({})", reasons.join("; "))
    }
}

/// What is to be told of a plan, if the file itself does not go out by it.
#[must_use]
pub fn of_plan(plan: &Plan) -> Option<Ending<'_>> {
    let why = plan.refusal().filter(|_| plan.delivery().is_none())?;
    let reason = why.reason.as_str();
    let in_place = |what| Ending::InPlace { what, reason };
    Some(match plan {
        Plan::Link { .. } => in_place("a link that lives for some hours"),
        Plan::Summary { .. } => in_place("words that say what it is"),
        _ => Ending::NotTaken {
            code: &why.code,
            reason,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::rules::ours;
    use crate::journey::tests::item;
    use crate::verdict::{Reason, Refusal};

    fn quarantined() -> Item {
        let mut item = item();
        item.gate.verdict = Verdict::Quarantined;
        item.record.reasons = vec![Reason {
            code: "executable".to_owned(),
            evidence: "Windows executable (PE)".to_owned(),
        }];
        item
    }

    fn outgoing(mut item: Item) -> Item {
        item.origin.direction = Direction::ToCustomer;
        item
    }

    fn told(origins: &[Origin]) -> Vec<String> {
        let text = |origin: &Origin| match &origin.content {
            Content::Words(words) => words.text.clone(),
            Content::Receipt(receipt) => format!("{:?} {:?}", receipt.status, receipt.code),
            Content::File(_) => "a file".to_owned(),
        };
        origins.iter().map(text).collect()
    }

    #[test]
    fn a_caption_crosses_with_the_notice_in_its_files_place() {
        let item = quarantined();
        let told_origins = follow_ups(&item, &Ending::KeptBack);
        assert_eq!(
            told(&told_origins),
            [
                "[Attaché] The customer sent a file (image). It was not passed on to you: it is dangerous and was put into quarantine (Windows executable (PE)).\nThe customer wrote with it:\nTaj Mahal"
            ]
        );
        assert_eq!(told_origins[0].target, item.origin.target);
        assert_eq!(
            told_origins,
            follow_ups(&item, &Ending::KeptBack),
            "made once"
        );
    }

    #[test]
    fn what_goes_in_a_files_place_is_told_apart_from_what_becomes_of_it() {
        let why = || Refusal {
            code: "channel.type".to_owned(),
            reason: "It does not take this.".to_owned(),
        };
        let link = Plan::Link {
            mime: "text/csv".to_owned(),
            name: "a.csv".to_owned(),
            caption_apart: false,
            why: why(),
        };
        let summary = Plan::Summary {
            text: "A file.".to_owned(),
            caption_apart: false,
            why: why(),
        };
        for (plan, words) in [
            (&link, "a link that lives for some hours"),
            (&summary, "words that say what it is"),
        ] {
            let item = outgoing(item());
            let ending = of_plan(plan).unwrap();
            let in_place = follow_ups(&item, &ending);
            assert_eq!(
                told(&in_place),
                [format!(
                    "[Attaché] The customer gets {words} in the place of a file (image): It does not take this."
                )]
            );
            let later = follow_ups(&item, &Ending::Unconfirmed);
            assert_ne!(in_place[0].media_id(), later[0].media_id());
        }
        assert_eq!(follow_ups(&item(), &of_plan(&link).unwrap()), []);
        let rejected = Plan::Rejected(why());
        assert!(matches!(of_plan(&rejected), Some(Ending::NotTaken { .. })));
    }

    #[test]
    fn an_agent_learns_by_notice_and_receipt_what_was_not_delivered() {
        let mut diagnosis = ours::WINDOW_CLOSED.diagnosis("131047");
        diagnosis.remedy = "Wait for the customer to write".to_owned();
        let table: [(&str, Item, Ending<'_>, &[&str]); 5] = [
            (
                "delivered",
                outgoing(item()),
                Ending::Delivered,
                &["Delivered None"],
            ),
            (
                "refused by the target",
                outgoing(item()),
                Ending::Failed(&diagnosis),
                &[
                    "[Attaché] Not delivered to the customer: a file (image). Nothing was delivered: Wait for the customer to write. The text that came with it was not sent either.",
                    "Failed Some(\"whatsapp.window-closed\")",
                ],
            ),
            (
                "of a type the channel does not take",
                outgoing(item()),
                Ending::NotTaken {
                    code: "channel.type",
                    reason: "WhatsApp takes no such files.",
                },
                &[
                    "[Attaché] Not delivered to the customer: a file (image). Nothing was delivered: WhatsApp takes no such files. The text that came with it was not sent either.",
                    "Failed Some(\"channel.type\")",
                ],
            ),
            (
                "unknown",
                outgoing(item()),
                Ending::Unconfirmed,
                &[
                    "[Attaché] It is not known whether the customer received a file (image). It was not sent again, so that nobody gets it twice: The connection broke after it was handed over. The text that came with it was not sent either.",
                ],
            ),
            ("delivered to the agent", item(), Ending::Delivered, &[]),
        ];
        for (name, item, ending, expected) in table {
            let origins = follow_ups(&item, &ending);
            assert_eq!(told(&origins), expected, "{name}");
            let agent = if item.origin.direction == Direction::ToCustomer {
                Some(item.origin.connection.clone())
            } else {
                item.origin.target.clone()
            };
            assert!(
                origins
                    .iter()
                    .all(|o| o.target == agent && o.direction == Direction::ToAgent),
                "{name}"
            );
        }
    }

    #[test]
    fn what_was_delivered_before_its_danger_was_known_is_warned_of() {
        for (item, words) in [
            (
                quarantined(),
                "[Attaché] Do not open what the customer sent: a file (image). It was passed on to you before its danger was known: it is dangerous and was put into quarantine (Windows executable (PE)).",
            ),
            (
                outgoing(quarantined()),
                "[Attaché] Tell the customer not to open a file (image). It was delivered before its danger was known: it is dangerous and was put into quarantine (Windows executable (PE)).",
            ),
        ] {
            let warned = follow_ups(&item, &Ending::TooLate);
            assert_eq!(told(&warned), [words]);
            let before = follow_ups(&item, &Ending::Unconfirmed);
            assert!(
                before
                    .iter()
                    .all(|it| it.media_id() != warned[0].media_id())
            );
        }
    }

    #[test]
    fn a_deleted_file_is_not_said_to_be_kept() {
        let mut item = quarantined();
        item.record.reasons.push(Reason {
            code: DELETED.to_owned(),
            evidence: "the policy".to_owned(),
        });
        let text = &told(&follow_ups(&item, &Ending::KeptBack))[0];
        assert!(
            text.contains("it is dangerous and was deleted (Windows executable (PE))."),
            "{text}"
        );
    }

    #[test]
    fn nobody_is_told_of_notices_archives_and_rehearsals() {
        let diagnosis = ours::TOO_LATE.diagnosis("");
        let notice = follow_ups(&quarantined(), &Ending::KeptBack).remove(0);
        for origin in [
            notice,
            Origin {
                target: None,
                ..item().origin
            },
            Origin {
                shadow: true,
                ..item().origin
            },
        ] {
            let item = crate::journey::tests::announced(origin);
            assert_eq!(follow_ups(&item, &Ending::Failed(&diagnosis)), []);
        }
    }
}
