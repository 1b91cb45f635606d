//! What a conversation's flow may branch on: attributes of a file that travel with the message that carries it, or tells of it
//! (`S1-34`, `S1-37`; routing on metadata only, `S1-33`).

use super::{Item, Stage};
use crate::verdict::Verdict;

/// An attribute: its name, and its value as text.
pub type Attribute = (&'static str, String);

/// The attributes of a file: `attache_media_id`, `attache_verdict`, `attache_state`, and, once they are known,
/// `attache_type` (of what goes out) and `attache_size` (in bytes). None of what is no file.
///
/// The state is `sent` for a file that goes out with this very message; else what became of it: `held`, `quarantined`, the stage
/// it ended in (`rejected`, `lost`, `failed`, …), or `pending`.
#[must_use]
pub fn attributes(item: &Item, goes_out: bool) -> Vec<Attribute> {
    if item.origin.file().is_none() {
        return Vec::new();
    }
    let mut all = vec![
        ("attache_media_id", item.id.to_string()),
        ("attache_verdict", item.gate.verdict.as_str().to_owned()),
        ("attache_state", state(item, goes_out).to_owned()),
    ];
    if let Some((delivery, object)) = item.outgoing() {
        all.push(("attache_type", delivery.mime.clone()));
        all.push(("attache_size", object.size_bytes.to_string()));
    } else if let Some(object) = &item.record.object {
        all.push(("attache_size", object.size_bytes.to_string()));
    }
    all
}

fn state(item: &Item, goes_out: bool) -> &'static str {
    match (item.gate.verdict, item.gate.stage) {
        _ if goes_out => Stage::Sent.as_str(),
        (verdict @ (Verdict::Held | Verdict::Quarantined), _) => verdict.as_str(),
        (_, stage) if stage.is_over() => stage.as_str(),
        _ => "pending",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Sha256Digest;
    use crate::journey::StoredObject;
    use crate::journey::tests::item;
    use crate::verdict::{Delivery, Plan};

    fn said(item: &Item, goes_out: bool) -> String {
        let all = attributes(item, goes_out);
        let all: Vec<String> = all
            .iter()
            .map(|(n, v)| format!("{}={v}", &n[8..]))
            .collect();
        all[1..].join(" ")
    }

    #[test]
    fn what_is_known_is_told() {
        let mut item = item();
        assert_eq!(attributes(&item, true)[0].1, item.id.as_str());
        assert_eq!(said(&item, false), "verdict=unjudged state=pending");
        item.record.object = Some(StoredObject {
            etag: "e".to_owned(),
            size_bytes: 7,
            digest: Sha256Digest::of(b"x"),
        });
        item.gate.verdict = Verdict::Held;
        assert_eq!(said(&item, false), "verdict=held state=held size=7");
        item.gate.verdict = Verdict::Clean;
        item.gate.stage = Stage::Rejected;
        assert_eq!(said(&item, false), "verdict=clean state=rejected size=7");
        item.record.plan = Some(Plan::AsIs(Delivery {
            mime: "image/png".to_owned(),
            name: "a.png".to_owned(),
            kind: None,
            caption_apart: false,
        }));
        item.gate.stage = Stage::Sending;
        let expected = "verdict=clean state=sent type=image/png size=7";
        assert_eq!(said(&item, true), expected);
    }
}
