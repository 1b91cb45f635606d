//! What flows on the agent's side may branch on: with a file, with the notice in its place, and with plain words.

#![expect(clippy::unwrap_used, reason = "a test: what does not work ends it")]

use crate::world::{DISGUISED, PHOTO, Site};
use serde_json::{Value, json};

/// The metadata of the only message the agent got, without the file's id.
fn metadata(site: &Site) -> Value {
    let sends = site.platforms.sends.borrow();
    assert_eq!(sends.len(), 1, "{sends:?}");
    let mut metadata = sends[0]["metadata"].clone();
    let id = metadata.as_object_mut().unwrap().remove("attache_media_id");
    let files = site.items(|item| item.origin.file().is_some());
    let expected = files.first().map(|item| json!(item.id.as_str()));
    assert_eq!(id, expected);
    metadata
}

#[test]
fn a_file_and_what_is_told_of_it_say_what_became_of_it() {
    let size = |file: &[u8]| file.len().to_string();
    for (file, expected) in [
        (
            PHOTO,
            json!({"sourceChannel": "whatsapp", "attache_state": "sent", "attache_verdict": "clean",
                "attache_type": "image/jpeg", "attache_size": size(PHOTO)}),
        ),
        (
            DISGUISED,
            json!({"sourceChannel": "whatsapp", "attache_state": "quarantined", "attache_verdict": "quarantined",
                "attache_type": "application/vnd.microsoft.portable-executable",
                "attache_size": size(DISGUISED)}),
        ),
    ] {
        let site = Site::new(file);
        assert_eq!(site.announce("wamid.1", Some("photo.jpg")).status, 200);
        site.run(6);
        assert_eq!(metadata(&site), expected);
    }
}

#[test]
fn words_have_none() {
    let site = Site::new(PHOTO);
    site.says("wamid.1", "text", json!({"body": "Hello"}));
    site.run(3);
    assert_eq!(metadata(&site), json!({"sourceChannel": "whatsapp"}));
}
