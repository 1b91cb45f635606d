//! Mail as text: messages, mailboxes and saved pages (RFC 5322 §2.2, RFC 2045, RFC 4155), and what they attach.

use super::mime::{self, PARTS_CAP};
use crate::allowance::Allowance;
use crate::findings::HazardKind;
use crate::formats::attached::{self, Carrier, HEAD};
use crate::formats::runnable;
use crate::seen::Seen;
use std::io;

/// Header fields that only mail has, in lower case.
const FIELDS: [&str; 18] = [
    "from",
    "to",
    "cc",
    "bcc",
    "subject",
    "date",
    "message-id",
    "received",
    "return-path",
    "mime-version",
    "reply-to",
    "delivered-to",
    "dkim-signature",
    "content-type",
    "in-reply-to",
    "references",
    "sender",
    "x-mailer",
];
/// Fields that some other texts have as well: two of the rest are needed beside them.
const LOOSE: [&str; 5] = ["from", "to", "subject", "date", "references"];
/// Header lines looked at.
const LINES: usize = 64;

/// Whether the text begins with the header of a message: field lines only, several of them mail's own.
pub(super) fn is_message(text: &str) -> bool {
    let mut lines = text
        .trim_start_matches(['\u{feff}', '\r', '\n'])
        .lines()
        .take(LINES)
        .peekable();
    let mailbox = lines
        .peek()
        .is_some_and(|first| first.starts_with("From ") && first.split(' ').count() >= 6);
    let length = lines.peek().is_some_and(|first| {
        !first.is_empty() && first.trim_end().bytes().all(|b| b.is_ascii_digit())
    });
    if mailbox || length {
        lines.next();
    }
    let (mut strong, mut loose, mut header) = (0, 0, false);
    for line in lines {
        if line.is_empty() {
            header = true;
            break;
        }
        if line.starts_with([' ', '\t']) {
            continue;
        }
        let Some((name, value)) = line.split_once(':').filter(|(name, _)| is_field_name(name))
        else {
            return false;
        };
        let name = name.to_ascii_lowercase();
        if name == "content-type" && value.trim_start().starts_with("multipart/") {
            // Nothing but mail has parts.
            strong += 2;
        } else if LOOSE.contains(&name.as_str()) {
            loose += 1;
        } else if FIELDS.contains(&name.as_str()) {
            strong += 1;
        }
    }
    strong >= 2 || (strong == 1 && (loose >= 2 || mailbox)) || (header && loose >= 3)
}

fn is_field_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_graphic() && b != b':')
}

/// Adds what a message attaches: each part decoded, and judged by what it is.
pub(super) fn flag(text: &str, allowance: &mut Allowance, seen: &mut Seen) -> io::Result<()> {
    by_names(text, seen);
    // Pages saved by Word carry their code in a part that begins like this once it is encoded.
    if text.contains("QWN0aXZlTWltZ") {
        seen.add_hazard(HazardKind::Macro, "a part with the code of a document");
    }
    let parts = mime::parts(text);
    if parts.len() > PARTS_CAP {
        let many = format!("more than {PARTS_CAP} parts");
        seen.add_hazard(HazardKind::BeyondLimits, many);
    }
    for part in &parts {
        let head = part.bytes(text, HEAD as usize);
        if part.is_words() {
            attached::by_head(Carrier::Message, &head, seen);
            continue;
        }
        let page = part.name.is_empty() && part.declared == "text/html";
        let name = if page { "page.html" } else { &part.name };
        attached::by_name(Carrier::Message, name, seen);
        let unpack = |cap: usize| Ok(part.bytes(text, cap));
        attached::enter((allowance, Carrier::Message), (name, &head), unpack, seen)?;
    }
    Ok(())
}

/// Adds names that stand anywhere after `name=` or `filename=`, quoted or not, perhaps continued (`filename*0=`): also in
/// what is no header to us, and is one to somebody else.
fn by_names(text: &str, seen: &mut Seen) {
    for (at, _) in text.match_indices("name") {
        let rest = text[at + 4..].trim_start_matches(['*', '0', ' ']);
        let Some(value) = rest.strip_prefix('=') else {
            continue;
        };
        let line = value.lines().next().unwrap_or_default();
        let name = match line.strip_prefix('"') {
            Some(quoted) => quoted.split('"').next(),
            None => line.split([';', ' ']).next(),
        };
        if let Some(extension) = name.and_then(runnable::extension) {
            let inside = format!("an attachment that ends with .{extension}");
            seen.add_hazard(HazardKind::ExecutableInside, inside);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kind::FileType;

    #[test]
    fn messages() {
        let rows = [
            (
                "From: a@b\nTo: c@d\nSubject: x\nMessage-ID: <1>\n\nhello",
                true,
            ),
            ("Received: from a\n\tby b\nDate: Mon\nFrom: a@b\n\nx", true),
            (
                "MIME-Version: 1.0\r\nContent-Type: multipart/related;\r\n\tboundary=x\r\n\r\n",
                true,
            ),
            ("From a Mon Jun 01 10:00:00 2009\nReceived: x\n\nz", true),
            ("From: a@b\nTo: c@d\nSubject: x\n\nforwarded by hand", true),
            (
                "Subject: x\nContent-Type: multipart/mixed;\n boundary=a\n\n--a",
                true,
            ),
            ("To: you\nbring milk", false),
            ("Subject: hello", false),
            ("key: value\nother: thing\n", false),
            ("", false),
        ];
        for (text, expected) in rows {
            assert_eq!(is_message(text), expected, "{text}");
        }
    }

    #[test]
    fn attachments() {
        let rows = [
            (
                "Content-Disposition: attachment; filename=\"invoice.exe\"",
                true,
            ),
            ("Content-Type: application/x; name=a.js; x", true),
            ("filename*0=\"a.vbs\"", true),
            ("filename=\"invoice.pdf\"", false),
            (
                "Content-Disposition: attachment; filename*=UTF-8''invoice.%65xe\n\nx",
                true,
            ),
            (
                "From: a@b\nContent-Transfer-Encoding: base64\n\nf0VMRgIBAQAAAAAAAAAAAA==",
                true,
            ),
            (
                "From: a@b\nContent-Transfer-Encoding: base64\n\naGVsbG8=",
                false,
            ),
            (
                "From: a@b\nContent-Type: text/html\n\n<p>x</p><script>a()</script>",
                true,
            ),
            ("From: a@b\nContent-Type: text/html\n\n<p>x</p>", false),
            ("From: a@b\nContent-Type: text/plain\n\n#!/bin/sh\n", false),
        ];
        for (text, expected) in rows {
            let mut seen = Seen::certain(FileType::Email);
            flag(text, &mut Allowance::of(1 << 20), &mut seen).unwrap();
            assert_eq!(!seen.hazards.is_empty(), expected, "{text}");
        }
    }
}
