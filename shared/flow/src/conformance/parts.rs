//! Objects that come in parts.

use std::io::Read;

use attache_domain::ids::MediaId;
use attache_domain::transfer::{PART_BYTES, Part};
use bytes::Bytes;

use super::objects::{Pieces, content};
use super::{item, ok};
use crate::ports::{Arrival, Joined, Objects, Parts, Stored};

/// The suite of [`Parts`], over the same buckets as `objects`.
pub async fn parts((parts, objects): (&dyn Parts, &dyn Objects), run: &str) {
    joining((parts, objects), run).await;
    never_over_another((parts, objects), run).await;
    ending((parts, objects), run).await;
}

const DECLARED: &str = "video/mp4";

/// Sends `bytes` as parts of an upload; the last part first replaced by what it is not.
async fn send(parts: &dyn Parts, id: &MediaId, upload: &str, bytes: &Bytes) -> Vec<Part> {
    let mut all = Vec::new();
    for (number, at) in (1..).zip((0..bytes.len()).step_by(PART_BYTES)) {
        let piece = bytes.slice(at..bytes.len().min(at + PART_BYTES));
        let wrong = Bytes::from_static(b"of a holder that was overtaken");
        ok(parts.add_part(id, upload, number, wrong).await);
        let part = ok(parts.add_part(id, upload, number, piece).await);
        all.push(part.unwrap_or_else(|| panic!("part {number}: no such upload")));
    }
    all
}

async fn joining((parts, objects): (&dyn Parts, &dyn Objects), run: &str) {
    for (name, length) in [
        ("parts-one", 7),
        ("parts-three", 2 * PART_BYTES as u32 + 11),
    ] {
        let (id, bytes) = (item(run, name).id, Bytes::from(content(length)));
        let upload = ok(parts.begin_parts(&id, Some(DECLARED), 3).await);
        let all = send(parts, &id, &upload, &bytes).await;
        assert_eq!(ok(objects.head(&id).await), None, "{name}: not yet");
        assert_eq!(
            ok(parts.join_parts(&id, &upload, &all).await),
            Joined::Whole,
            "{name}"
        );
        let Some(head) = ok(objects.head(&id).await) else {
            panic!("{name}: nothing there");
        };
        assert_eq!(
            (head.size_bytes, head.digest, head.declared_type.as_deref()),
            (u64::from(length), None, Some(DECLARED)),
            "{name}"
        );
        let mut read = Vec::new();
        let opened = ok(objects.open(&id, &head.etag).await);
        let Some(mut opened) = opened else {
            panic!("{name}: another is there");
        };
        assert!(
            opened
                .read_to_end(&mut read)
                .is_ok_and(|n| n == bytes.len())
        );
        assert!(read == bytes, "{name}: other bytes");
        // Its answer may have been lost. Stores differ in what they say then: that it is there, or that the upload is over.
        let again = ok(parts.join_parts(&id, &upload, &all).await);
        assert!(
            matches!(again, Joined::Whole | Joined::Gone),
            "{name}: {again:?}"
        );
        assert_eq!(ok(objects.head(&id).await), Some(head), "{name}: untouched");
    }
}

async fn never_over_another((parts, objects): (&dyn Parts, &dyn Objects), run: &str) {
    let (id, bytes) = (item(run, "parts-late").id, Bytes::from(content(9)));
    let upload = ok(parts.begin_parts(&id, None, 4).await);
    let all = send(parts, &id, &upload, &bytes).await;
    let first = content(5);
    let arrival = Arrival {
        id: id.clone(),
        size_bytes: 5,
        digest: None,
        declared_type: None,
        fence: 3,
    };
    let stored = ok(objects.store(&arrival, &mut Pieces::of(&first)).await);
    assert!(matches!(stored, Stored::Whole(_)), "{stored:?}");
    assert_eq!(
        ok(parts.join_parts(&id, &upload, &all).await),
        Joined::Exists
    );
    let head = ok(objects.head(&id).await);
    assert_eq!(head.map(|head| head.size_bytes), Some(5), "the first stays");
    ok(parts.discard_parts(&id, &upload).await);
}

async fn ending((parts, objects): (&dyn Parts, &dyn Objects), run: &str) {
    let (id, bytes) = (item(run, "parts-ended").id, Bytes::from(content(9)));
    let upload = ok(parts.begin_parts(&id, None, 1).await);
    let all = send(parts, &id, &upload, &bytes).await;
    let other = vec![Part {
        etag: "\"00000000000000000000000000000000\"".to_owned(),
        ..all[0].clone()
    }];
    assert_eq!(
        ok(parts.join_parts(&id, &upload, &other).await),
        Joined::Gone,
        "a part that is not there"
    );
    for _ in 0..2 {
        ok(parts.discard_parts(&id, &upload).await);
    }
    assert_eq!(ok(parts.add_part(&id, &upload, 1, bytes).await), None);
    assert_eq!(ok(parts.join_parts(&id, &upload, &all).await), Joined::Gone);
    assert_eq!(ok(objects.head(&id).await), None);
}
