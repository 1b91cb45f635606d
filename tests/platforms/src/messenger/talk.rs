//! Who has written to whom and when, and what pages have sent.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    time::Duration,
};

use bytes::Bytes;
use serde_json::Value;
use time::OffsetDateTime;

use super::surface::Surface;

/// A message that a page has sent to a customer.
#[derive(Clone, Debug)]
pub struct SentMessage {
    /// Its id.
    pub id: String,
    /// By which surface.
    pub surface: Surface,
    /// The page it came from.
    pub page_id: String,
    /// The customer.
    pub to: String,
    /// The request's body.
    pub body: Value,
    /// The file that it shows.
    pub file: Option<SentFile>,
    /// When, by the stand-in's clock.
    pub at: OffsetDateTime,
    /// Whether the customer has read it.
    pub read: bool,
}

impl SentMessage {
    /// Its text.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        self.body["message"]["text"].as_str()
    }
}

/// A file as a page handed it over.
#[derive(Clone, Debug)]
pub struct SentFile {
    /// `image`, `audio`, `video` or `file`.
    pub kind: String,
    /// The bytes.
    pub bytes: Bytes,
    /// The declared type.
    pub mime: String,
    /// The name it was handed over under.
    pub name: Option<String>,
}

/// What a page did beside sending messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    /// To whom.
    pub to: String,
    /// `typing_on`, `typing_off` or `mark_seen`.
    pub action: String,
}

/// What is known of a customer of a page.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    pub(super) surface: Surface,
    pub(super) wrote_at: OffsetDateTime,
    pub(super) blocks: bool,
}

#[derive(Debug, Default)]
pub(super) struct Talk {
    /// Page and customer → what is known.
    known: HashMap<(String, String), Known>,
    pub(super) sent: Vec<SentMessage>,
    pub(super) actions: Vec<Action>,
    /// Requests that no page documents.
    pub(super) breaches: Vec<String>,
    /// Page and class → the calls of the last second.
    calls: HashMap<(String, &'static str), VecDeque<OffsetDateTime>>,
    /// How many calls were one too many.
    pub(super) throttled: usize,
    /// Pages and the customers that block them.
    blocked: HashSet<(String, String)>,
}

impl Talk {
    /// A customer wrote: the page may answer from now.
    pub(super) fn heard(
        &mut self,
        page: &str,
        customer: &str,
        surface: Surface,
        at: OffsetDateTime,
    ) {
        let pair = (page.to_owned(), customer.to_owned());
        let known = Known {
            surface,
            wrote_at: at,
            blocks: false,
        };
        self.known.insert(pair, known);
    }

    pub(super) fn block(&mut self, page: &str, customer: &str) {
        self.blocked.insert((page.to_owned(), customer.to_owned()));
    }

    pub(super) fn known(&self, page: &str, customer: &str) -> Option<Known> {
        let pair = (page.to_owned(), customer.to_owned());
        let known = *self.known.get(&pair)?;
        Some(Known {
            blocks: self.blocked.contains(&pair),
            ..known
        })
    }

    /// Whether a page may make one more call of this class now; if so, it counts.
    pub(super) fn admit(
        &mut self,
        (page, class): (&str, &'static str),
        most: usize,
        now: OffsetDateTime,
    ) -> bool {
        let calls = self.calls.entry((page.to_owned(), class)).or_default();
        while calls
            .front()
            .is_some_and(|&call| call + Duration::from_secs(1) <= now)
        {
            calls.pop_front();
        }
        let admitted = calls.len() < most;
        match admitted {
            true => calls.push_back(now),
            false => self.throttled += 1,
        }
        admitted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_may_call_so_often_in_any_second() {
        let at = |millis| OffsetDateTime::UNIX_EPOCH + Duration::from_millis(millis);
        let mut talk = Talk::default();
        let rows = [
            ("a", 0, true),
            ("a", 900, true),
            ("a", 999, false),
            ("b", 999, true),
            ("a", 1000, true),
            ("a", 1899, false),
            ("a", 1900, true),
        ];
        for (page, millis, expected) in rows {
            assert_eq!(
                talk.admit((page, "media"), 2, at(millis)),
                expected,
                "{page} {millis}"
            );
        }
        assert_eq!(talk.throttled, 2);
    }
}
