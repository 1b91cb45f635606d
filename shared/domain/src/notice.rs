//! What is said when something cannot be delivered: nothing anyone says vanishes without a notice.
//!
//! A notice goes to the agent, who is a person and can ask the customer or send something else; Attaché never writes to a
//! customer in its own name. Towards the agent a caption crosses with the notice that stands in its file's place. Towards
//! the customer nothing of a message goes out without its file (`U4`), and the sender's platform gets a failed receipt.

use crate::channels::Direction;
use crate::diagnosis::Diagnosis;
use crate::event::{Content, FollowUp, Origin, Receipt, ReceiptStatus, Words};
use crate::journey::Item;
use crate::verdict::{Plan, Verdict};

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
    /// It was lost, refused, or given up.
    Failed(&'a Diagnosis),
    /// Whether it was sent is not known, and it is not sent again.
    Unconfirmed,
}

/// The longest part of somebody's words that a notice repeats.
const LONGEST_EXCERPT: usize = 80;

/// The items that follow from `item` coming to this end: a notice to the agent, a receipt to the agent's platform, both or
/// none. They are named after `item`: asked for twice, they are made once.
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
    if ours || origin.shadow || origin.target.is_none() {
        return Vec::new();
    }
    let agent = match origin.direction {
        Direction::ToAgent => origin.target.clone(),
        Direction::ToCustomer => Some(origin.connection.clone()),
    };
    let words = notice(item, ending).map(|text| {
        let content = Content::Words(Words { text, notice: true });
        origin.follow_up(FollowUp::Notice, content, agent.clone(), Direction::ToAgent)
    });
    let receipt = (origin.direction == Direction::ToCustomer)
        .then(|| receipt(item, ending))
        .flatten()
        .map(|receipt| {
            let content = Content::Receipt(receipt);
            origin.follow_up(FollowUp::Receipt, content, agent, Direction::ToAgent)
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
        Ending::KeptBack | Ending::Unconfirmed => None,
    }
}

/// The notice's words; `None` where the agent has nothing to learn.
fn notice(item: &Item, ending: &Ending<'_>) -> Option<String> {
    let what = what(&item.origin);
    let (subject, consequence) = match (item.origin.direction, ending) {
        (_, Ending::Delivered) => return None,
        (Direction::ToAgent, Ending::Unconfirmed) => return None,
        (Direction::ToAgent, _) if item.origin.file().is_none() => return None,
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
        Ending::KeptBack => because(item),
        Ending::NotTaken { reason, .. } => (*reason).to_owned(),
        Ending::Failed(diagnosis) => diagnosis.remedy.clone(),
        Ending::Unconfirmed => "The connection broke after it was handed over".to_owned(),
        Ending::Delivered => String::new(),
    };
    let mut text = format!("[Attaché] {subject} {what}. {consequence}: {reason}");
    if !text.ends_with('.') {
        text.push('.');
    }
    let caption = item.origin.file().and_then(|file| file.caption.as_deref());
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
    let kept = match item.gate.verdict {
        Verdict::Quarantined => "it is dangerous and was put into quarantine",
        Verdict::Held | Verdict::Clean | Verdict::Unjudged => {
            "it could not be judged safe and is kept until a person decides"
        }
    };
    let reasons: Vec<&str> = item
        .record
        .reasons
        .iter()
        .map(|reason| reason.evidence.as_str())
        .collect();
    if reasons.is_empty() {
        kept.to_owned()
    } else {
        format!("{kept} ({})", reasons.join("; "))
    }
}

/// The ending that a plan means, if it lets nothing out.
#[must_use]
pub fn of_plan(plan: &Plan) -> Option<Ending<'_>> {
    let why = plan.refusal().filter(|_| plan.delivery().is_none())?;
    Some(Ending::NotTaken {
        code: &why.code,
        reason: &why.reason,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::rules::ours;
    use crate::journey::tests::item;
    use crate::verdict::Reason;

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
