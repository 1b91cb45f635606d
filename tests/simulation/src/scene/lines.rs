//! Who says what to whom, drawn for one seed; also what customers take back, at any moment before or after it comes.

use attache_domain::ids::MediaId;

use super::CUSTOMERS;
use super::cast::{Message, Part, Sent, Side, What, derive, wamid};
use crate::dice::Dice;
use crate::files::{File, Nature};

/// Draws the messages of one seed.
pub(super) fn messages(dice: &Dice) -> Vec<Message> {
    let mut messages: Vec<Message> = (0..dice.between(1, 4))
        .map(|n| customer(dice, n, None))
        .collect();
    for n in 0..dice.between(0, 3) {
        messages.push(agent(dice, n));
    }
    if dice.chance(30) {
        messages.extend(dead_ones(dice));
    }
    let answered: Vec<(usize, &'static str, MediaId)> = messages
        .iter()
        .filter(|it| it.side == Side::Agent && dice.chance(400))
        .map(|it| (it.number, it.customer, it.parts[0].id.clone()))
        .collect();
    for (n, (number, who, row)) in (10..).zip(answered) {
        let mut reply = customer(dice, n, Some(number));
        reply.customer = who;
        reply.answers = Some(wamid(&row));
        reply.cue = Some(row);
        messages.push(reply);
    }
    let taken_back = messages
        .iter()
        .filter(|it| it.side == Side::Customer && dice.chance(300))
        .map(|it| take_back(dice, it));
    let taken_back: Vec<Message> = taken_back.collect();
    messages.extend(taken_back);
    messages
}

/// Files of one number that Meta says it does not know: so many that asking for them could shut the number out.
fn dead_ones(dice: &Dice) -> Vec<Message> {
    let several = (20..20 + dice.between(5, 7)).map(|n| {
        let mut message = customer(dice, n, Some(0));
        for part in &mut message.parts {
            if let What::File(sent) = &mut part.what {
                sent.dead = dice.chance(900);
            }
        }
        message
    });
    several.collect()
}

/// The customer takes a message back: mostly soon, sometimes much later; some platforms' webhooks come in any order.
fn take_back(dice: &Dice, message: &Message) -> Message {
    let early = dice.chance(150);
    let longest = *dice
        .pick(&[
            300, 1_500, 1_500, 5_000, 20_000, 120_000, 1_800_000, 30_000_000,
        ])
        .unwrap_or(&300);
    let at = if early {
        message.at.saturating_sub(dice.millis(0, 5_000))
    } else {
        message.at + dice.millis(0, longest)
    };
    let mut words = Message {
        id: format!("wamid.unsend.{}", message.id),
        at,
        parts: Vec::new(),
        answers: None,
        takes_back: Some(message.id.clone()),
        ..message.clone()
    };
    let what = What::Words("[The customer deleted a message]".to_owned());
    words.parts = named(&words, vec![(String::new(), what)]);
    words
}

fn customer(dice: &Dice, n: u64, number: Option<usize>) -> Message {
    let number = number
        .or_else(|| dice.pick(&[0, 0, 0, 1, 1, 2]).copied())
        .unwrap_or(0);
    let what = if dice.chance(250) {
        What::Words(format!("What the customer says, {n}."))
    } else {
        let caption = dice
            .chance(400)
            .then(|| format!("The customer's caption {n}"));
        What::File(Box::new(Sent {
            caption,
            withheld: dice.chance(5),
            tardy: dice.chance(60),
            ..sent(dice, n, false)
        }))
    };
    let mut message = Message {
        id: format!("wamid.{n}"),
        side: Side::Customer,
        number,
        customer: CUSTOMERS[*dice.pick(&[0, 0, 1, 2]).unwrap_or(&0)],
        at: dice.millis(0, 30_000),
        parts: Vec::new(),
        answers: (n > 0 && dice.chance(100)).then(|| "wamid.0".to_owned()),
        cue: None,
        takes_back: None,
    };
    message.parts = named(&message, vec![(format!("90000{n}"), what)]);
    message
}

fn agent(dice: &Dice, n: u64) -> Message {
    let late = dice.chance(200);
    let mut message = Message {
        id: format!("agent-{n}"),
        side: Side::Agent,
        number: *dice.pick(&[0, 0, 1]).unwrap_or(&0),
        customer: CUSTOMERS[*dice.pick(&[0, 0, 0, 0, 1, 2]).unwrap_or(&0)],
        at: dice.millis(
            if late { 480_000 } else { 0 },
            if late { 1_200_000 } else { 120_000 },
        ),
        parts: Vec::new(),
        answers: None,
        cue: None,
        takes_back: None,
    };
    let words = |n: u64| What::Words(format!("What the agent says, {n}."));
    let several = |count: u64| (0..count).map(|k| file(dice, 100 + 10 * n + k)).collect();
    let mut whats: Vec<What> = match dice.below(10) {
        0 | 1 => vec![words(n)],
        // Longer than the 4096 characters that one message may have: it arrives as two, the first of which ends behind a word.
        2 => [4095, 900]
            .map(|long| What::Words("word ".repeat(long)[..long].to_owned()))
            .into(),
        3..=6 => several(1),
        _ => several(dice.between(2, 3)),
    };
    let caption = match dice.below(6) {
        0 | 1 => None,
        // More than a file takes along.
        2 | 3 => Some(format!("The agent's long caption {n} {}", "x".repeat(1100))),
        _ => Some(format!("The agent's caption {n}")),
    };
    if let Some(What::File(first)) = whats.first_mut() {
        first.caption = caption;
    }
    let whats = whats.into_iter().enumerate().map(|(k, what)| {
        let name = match (&what, k) {
            (What::File(_), _) => format!("attachment-{n}-{k}"),
            (What::Words(_), 0) => "attache:words".to_owned(),
            (What::Words(_), _) => format!("attache:words/{k}"),
        };
        (name, what)
    });
    message.parts = named(&message, whats.collect());
    message
}

fn file(dice: &Dice, n: u64) -> What {
    What::File(Box::new(Sent {
        withheld: dice.chance(20),
        signed: dice.chance(200),
        tardy: dice.chance(150),
        ..sent(dice, n, true)
    }))
}

fn sent(dice: &Dice, n: u64, to_customer: bool) -> Sent {
    let nature = match dice.below(10) {
        0 => Nature::Executable,
        1 => Nature::Infected,
        2 => Nature::Torn,
        3 if to_customer => Nature::Foreign,
        _ => Nature::Clean,
    };
    Sent {
        file: File::new(nature, n, dice.chance(500)),
        caption: None,
        withheld: false,
        dead: false,
        signed: false,
        tardy: false,
    }
}

/// The parts of a message under their names; words of a customer have the name of the first words of a message.
fn named(message: &Message, whats: Vec<(String, What)>) -> Vec<Part> {
    let parts = whats.into_iter().map(|(attachment, what)| {
        let attachment = match &what {
            What::Words(_) if message.side == Side::Customer => "attache:words".to_owned(),
            What::Words(_) | What::File(_) => attachment,
        };
        Part {
            id: derive(&message.connection(), &message.id, &attachment),
            attachment,
            what,
        }
    });
    parts.collect()
}
