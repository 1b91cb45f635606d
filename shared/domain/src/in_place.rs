//! The words that go out in the place of a file: a link to it, or what it is, with the caption that came with it.
//!
//! A customer reads them and may speak any language: name, link and time need none. The link is made when the words are sent
//! and lies nowhere: it is in no row, no job and no log.

use url::Url;

use crate::journey::Item;
use crate::time::Timestamp;
use crate::verdict::Plan;

/// The words with which the item's file is linked to, as `name`; the link can be followed until `until`.
#[must_use]
pub fn with_link(item: &Item, name: &str, link: &Url, until: Timestamp) -> String {
    let until = until.to_rfc3339();
    let minute = until.get(..16).unwrap_or(&until).replace('T', " ");
    below_caption(item, &format!("{name}\n{link}\n(→ {minute} UTC)"))
}

/// The words that say what the item's file is.
#[must_use]
pub fn with_summary(item: &Item, summary: &str) -> String {
    below_caption(item, summary)
}

fn below_caption(item: &Item, words: &str) -> String {
    let caption = item.origin.file().and_then(|file| file.caption.as_deref());
    let is_apart = item.record.plan.as_ref().is_some_and(Plan::leaves_caption);
    match caption.filter(|_| !is_apart) {
        Some(caption) => format!("{caption}\n\n{words}"),
        None => words.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Content;
    use crate::journey::tests::item;
    use crate::verdict::Refusal;

    #[test]
    fn the_caption_stays_with_what_stands_in_its_files_place() {
        let link = Url::parse("https://bucket.example/a?X-Amz-Signature=1").unwrap();
        let until = Timestamp::from_seconds(1_744_344_500);
        for (caption, caption_apart, beginning) in [
            (None, false, "report.docx\n"),
            (Some("The report"), false, "The report\n\nreport.docx\n"),
            (Some("The report"), true, "report.docx\n"),
        ] {
            let mut item = item();
            item.record.plan = Some(Plan::Link {
                mime: "application/msword".to_owned(),
                name: "report.docx".to_owned(),
                caption_apart,
                why: Refusal {
                    code: "channel.type".to_owned(),
                    reason: "no".to_owned(),
                },
            });
            if let Content::File(file) = &mut item.origin.content {
                file.caption = caption.map(str::to_owned);
            }
            let words = with_link(&item, "report.docx", &link, until);
            assert!(words.starts_with(beginning), "{words}");
            assert!(words.ends_with(&format!("\n{link}\n(→ 2025-04-11 04:08 UTC)")));
            assert!(with_summary(&item, "A file.").ends_with("A file."));
        }
    }
}
