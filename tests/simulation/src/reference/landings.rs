//! What arrives: is it what was said, in its order, to whom it was meant, and true?

use std::time::Duration;

use attache_domain::event::{FollowUp, ReceiptStatus};
use attache_domain::ids::MediaId;
use attache_domain::journey::{Gate, Stage};
use attache_domain::verdict::Verdict;

use super::{Promise, Reference};
use crate::files::Nature;
use crate::platforms::customers::Content;
use crate::platforms::genesys::{Landing, Said};
use crate::platforms::whatsapp::Told;
use crate::scene::{Message, Part, Role, Scene, Side, What, wamid};

/// How long a part waits for the one before it.
const WAITED_OUT: Duration = Duration::from_secs(15 * 60);

/// How late words may be while nothing goes wrong: tokens come with the first tick of `refresh`.
const WORDS_WAIT: Duration = Duration::from_secs(150);

impl Reference {
    /// Something reached the agents' side.
    pub fn land(&self, scene: &Scene, landing: &Landing) {
        let id = &landing.row;
        scene.note(format_args!(
            "  {} arrives: {:?}",
            landing.wire, landing.said
        ));
        let Some((message, part, role)) = scene.row(id) else {
            let detail = format!("a message of nobody: {landing:?}");
            return self.break_promise(Promise::Faithful, detail);
        };
        {
            let mut all = self.sends.borrow_mut();
            let sends = all.entry(id.clone()).or_default();
            sends.landed += 1;
            sends.wires.insert(landing.wire.clone());
            let once = sends.landed <= 1 + sends.open && sends.wires.len() == 1;
            self.demand(once, Promise::Once, || format!("{id}: {sends:?}"));
            let unknown = sends.open > 0;
            self.demand(unknown || !sends.written_off, Promise::Told, || {
                format!("{id} arrives although the agent was told that it does not")
            });
        }
        match (&landing.said, role) {
            (Said::Receipt(status), Role::Receipt) => self.judge_receipt(message, id, status),
            (Said::Message { text, file: None }, Role::Notice | Role::CaptionNotice) => {
                self.judge_notice(scene, (message, part), role, text.as_deref());
            }
            (Said::Message { text, file: None }, Role::InPlace) => {
                let text = text.as_deref().unwrap_or_default();
                // It is told before the row says so; that it comes true is looked at in the end.
                let fine = text.starts_with("[Attaché] The customer gets a link")
                    && message.side == Side::Agent
                    && scene.links;
                self.demand(fine, Promise::Told, || {
                    format!("of {part:?} is told {text:?}")
                });
            }
            (Said::Message { text, file }, Role::Part) if message.side == Side::Customer => {
                let right = match (&part.what, file) {
                    (What::Words(words), None) => {
                        is_said(scene, message, text.as_deref(), Some(words))
                    }
                    (What::File(sent), Some((link, digest))) => {
                        *digest == sent.file.digest.to_string()
                            && self.is_its_link(scene, (message, id), link)
                            && is_said(scene, message, text.as_deref(), sent.caption.as_deref())
                    }
                    (What::File(sent), None) => {
                        let text = text.as_deref().unwrap_or_default();
                        scene.links
                            && self.has_drifted(scene, message)
                            && text.contains(&id.arrival_key())
                            && text.contains(sent.caption.as_deref().unwrap_or_default())
                    }
                    (What::Words(_), Some(_)) => false,
                };
                self.demand(
                    right && landing.wire == message.id,
                    Promise::Faithful,
                    || format!("{part:?} arrives as {landing:?}"),
                );
                self.judge_wait(scene, id, part);
            }
            _ => self.break_promise(
                Promise::Faithful,
                format!("{role:?} is sent as {landing:?}"),
            ),
        }
    }

    /// A message reached a customer.
    pub(crate) fn tell(&self, scene: &Scene, told: &Told) {
        let now = scene.agenda.now();
        scene.note(format_args!("  {} is told", told.customer));
        let Some((message, part, role)) = scene.row(&told.row) else {
            let detail = format!("a message of nobody: {told:?}");
            return self.break_promise(Promise::Faithful, detail);
        };
        let meant = message.side == Side::Agent
            && (told.number, told.customer.as_str()) == (message.number, message.customer);
        self.demand(meant, Promise::Faithful, || {
            format!("{told:?} for {message:?}")
        });
        if matches!(told.what, Content::Template) {
            return self.invite(&told.row, (told.number, told.customer.clone()), now);
        }
        {
            let mut all = self.sends.borrow_mut();
            let sends = all.entry(told.row.clone()).or_default();
            sends.landed += 1;
            self.demand(sends.landed == 1, Promise::Once, || {
                format!("{} reaches {} twice: {sends:?}", told.row, told.customer)
            });
            self.demand(!sends.written_off, Promise::Told, || {
                format!(
                    "{} arrives although the agent was told that it does not",
                    told.row
                )
            });
        }
        let right = match (&part.what, role, &told.what) {
            (What::Words(words), Role::Part, Content::Text(text)) => words == text,
            (What::File(sent), Role::Caption, Content::Text(text)) => {
                sent.caption.as_ref() == Some(text)
            }
            (What::File(sent), Role::Part, Content::File(bytes, caption)) => {
                let with = sent
                    .caption
                    .as_ref()
                    .filter(|it| it.chars().count() <= 1024);
                *bytes == sent.file.bytes && caption.as_ref() == with
            }
            (What::File(sent), Role::Part, Content::Text(text)) => {
                let caption = sent.caption.as_deref();
                let with = caption.filter(|it| it.chars().count() <= 1024);
                let beginning = with.map_or_else(String::new, |it| format!("{it}\n\n"));
                let why = sent.file.nature == Nature::Foreign || self.has_drifted(scene, message);
                scene.links
                    && why
                    && text.starts_with(&beginning)
                    && text.contains(&told.row.arrival_key())
            }
            _ => false,
        };
        self.demand(right, Promise::Faithful, || {
            format!("{part:?} is told as {told:?}")
        });
        self.judge_order(scene, message, (&told.row, role));
        if message.parts.len() == 1 {
            self.judge_wait(scene, &told.row, part);
        }
    }

    /// Nothing overtakes what goes before it in its message, unless that has come to its end or was waited for long
    /// enough.
    fn judge_order(&self, scene: &Scene, message: &Message, (id, role): (&MediaId, Role)) {
        let now = scene.agenda.now();
        let (rows, sends) = (self.rows.borrow(), self.sends.borrow());
        let mut before: Vec<&MediaId> = Vec::new();
        let position = scene.entry(id).map_or(0, |entry| entry.part);
        if role == Role::Caption {
            before.push(&message.parts[position].id);
        } else {
            before.extend(message.parts.iter().take(position).map(|part| &part.id));
        }
        for other in before {
            let landed = sends.get(other).is_some_and(|sends| sends.landed > 0);
            let over = rows.get(other).is_some_and(|row| is_over(&row.gate));
            let waited = now >= message.sent_at() + WAITED_OUT;
            self.demand(landed || over || waited, Promise::Order, || {
                format!("{id} of {} is told before {other}", message.id)
            });
        }
    }

    /// Words alone are on time whatever files are under way.
    fn judge_wait(&self, scene: &Scene, id: &MediaId, part: &Part) {
        let born = self.rows.borrow().get(id).map(|row| row.born);
        let Some(born) = born.filter(|_| part.sent().is_none() && scene.faults.is_calm()) else {
            return;
        };
        let late = scene.agenda.now().saturating_since(born);
        self.demand(late <= WORDS_WAIT, Promise::Words, || {
            format!("{id} arrives {late:?} after it was taken in")
        });
    }

    fn judge_receipt(&self, message: &Message, id: &MediaId, status: &str) {
        let mut all = self.sends.borrow_mut();
        let before = [ReceiptStatus::Delivered, ReceiptStatus::Failed].map(|status| {
            let id = message.follow_up(FollowUp::Receipt(status), "");
            all.get(&id).and_then(|sends| sends.receipt.clone())
        });
        if let Some(sends) = all.get_mut(id) {
            sends.receipt = Some(status.to_owned());
        }
        self.demand(
            before.iter().flatten().all(|before| before == status),
            Promise::Receipts,
            || format!("{}: a second last word: {status}", message.id),
        );
        let of = |part: &Part| all.get(&part.id).cloned().unwrap_or_default();
        let caption = |part: &Part| {
            let of = FollowUp::Caption;
            all.get(&message.follow_up(of, &part.attachment)).cloned()
        };
        let all_delivered = message.parts.iter().all(|part| {
            of(part).is_delivered() && caption(part).is_none_or(|sends| sends.is_delivered())
        });
        let some_not = message.parts.iter().any(|part| {
            let lost_caption = caption(part).is_some_and(|sends| !sends.is_well());
            !of(part).is_well() || lost_caption
        });
        let is_true = match status {
            "Delivered" => all_delivered,
            "Failed" => some_not,
            _ => false,
        };
        self.demand(
            is_true && message.side == Side::Agent,
            Promise::Receipts,
            || format!("{} is said to be {status}", message.id),
        );
    }

    /// A notice says that something did not go out: then it did not.
    fn judge_notice(
        &self,
        scene: &Scene,
        (message, part): (&Message, &Part),
        role: Role,
        text: Option<&str>,
    ) {
        let text = text.unwrap_or_default();
        let caption = part.sent().and_then(|sent| sent.caption.as_deref());
        let with_caption =
            message.side == Side::Agent || text.contains(caption.unwrap_or_default());
        self.demand(
            text.starts_with("[Attaché]") && with_caption,
            Promise::Told,
            || format!("{part:?} is replaced by {text:?}"),
        );
        if text.contains("It is not known whether") {
            return;
        }
        let about = match role {
            Role::CaptionNotice => {
                let of = FollowUp::Caption;
                message.follow_up(of, &part.attachment)
            }
            _ => part.id.clone(),
        };
        let sends = {
            let mut all = self.sends.borrow_mut();
            let sends = all.entry(about.clone()).or_default();
            sends.written_off = true;
            sends.clone()
        };
        // Of an agent's side that never answers nobody can know better.
        let unknown = message.side == Side::Customer && sends.open > 0;
        self.demand(unknown || !sends.is_well(), Promise::Told, || {
            format!("{about} has arrived, and the agent reads {text:?}")
        });
        let file = part.sent().map(|sent| sent.file.nature);
        let dangerous = text.contains("quarantine");
        self.demand(
            !dangerous || matches!(file, Some(Nature::Executable | Nature::Infected)),
            Promise::Told,
            || format!("{file:?} is called dangerous in {}", scene.agenda.now()),
        );
    }
}

/// Words as they were said, behind the beginning of what they answer.
fn is_said(scene: &Scene, message: &Message, text: Option<&str>, words: Option<&str>) -> bool {
    let Some(answers) = &message.answers else {
        return text == words;
    };
    let Some(text) = text.and_then(|text| text.strip_prefix("↪ ")) else {
        return false;
    };
    let (quote, rest) = text
        .split_once('\n')
        .map_or((text, None), |(quote, rest)| (quote, Some(rest)));
    let repeated = quote.strip_prefix('“').and_then(|it| it.split_once('”'));
    let is_theirs = repeated.is_none_or(|(repeated, _)| {
        let beginning = repeated.trim_end_matches('…');
        let mut texts = texts_of(scene, answers);
        texts.any(|it| it.starts_with(beginning))
    });
    rest == words && !quote.is_empty() && is_theirs
}

/// Everything that was said in the message a platform calls `id`.
fn texts_of<'a>(scene: &'a Scene, id: &'a str) -> impl Iterator<Item = &'a str> {
    let parts = scene.messages.iter().flat_map(move |message| {
        let whole = message.id == id;
        let parts = message.parts.iter();
        parts.filter(move |part| whole || wamid(&part.id) == id)
    });
    parts.flat_map(|part| match &part.what {
        What::Words(words) => vec![words.as_str()],
        What::File(sent) => sent
            .caption
            .as_deref()
            .into_iter()
            .chain(sent.file.name)
            .collect(),
    })
}

/// Whether nothing more happens to a row by itself.
pub(super) fn is_over(gate: &Gate) -> bool {
    let held = gate.verdict == Verdict::Held && gate.stage == Stage::Planned;
    let dangerous = gate.verdict == Verdict::Quarantined;
    gate.stage.is_over() || held || dangerous
}
