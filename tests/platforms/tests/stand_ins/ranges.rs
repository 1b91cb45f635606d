//! Parts of files at both download hosts: as HTTP wants them, ignored, and of an object that changed meanwhile.

use crate::support::*;

fn header<'a>(answer: &'a reqwest::Response, name: &str) -> &'a str {
    let value = answer.headers().get(name);
    value.map_or("", |value| value.to_str().expect("text"))
}

#[tokio::test]
async fn parts_are_served_as_http_wants_them() {
    let (_whatsapp, _genesys, downloads) = downloads().await;
    for download in &downloads {
        let whole = download.get(&[]).await.expect("an answer");
        assert_eq!(header(&whole, "accept-ranges"), "bytes");
        let tag = header(&whole, "etag").to_owned();
        let date = header(&whole, "last-modified").to_owned();
        assert!(tag.len() == 34 && date.ends_with(" GMT"), "{tag} {date}");
        let rows = [
            (
                "bytes=199990-",
                "",
                206,
                "bytes 199990-199999/200000",
                199_990..200_000,
            ),
            ("bytes=5-9", tag.as_str(), 206, "bytes 5-9/200000", 5..10),
            ("bytes=5-9", date.as_str(), 206, "bytes 5-9/200000", 5..10),
            (
                "bytes=-10",
                "",
                206,
                "bytes 199990-199999/200000",
                199_990..200_000,
            ),
            ("bytes=5-9", "\"another\"", 200, "", 0..200_000),
            ("bytes=9-5", "", 200, "", 0..200_000),
            ("bytes=1-2,5-9", "", 200, "", 0..200_000),
            ("bytes=200000-", "", 416, "bytes */200000", 0..0),
            ("bytes=200000-", "\"another\"", 200, "", 0..200_000),
        ];
        for (range, validator, status, named, part) in rows {
            let mut headers = vec![("range", range)];
            if !validator.is_empty() {
                headers.push(("if-range", validator));
            }
            let answer = download.get(&headers).await.expect("an answer");
            assert_eq!(answer.status(), status, "{range} {validator}");
            assert_eq!(
                header(&answer, "content-range"),
                named,
                "{range} {validator}"
            );
            assert_eq!(
                header(&answer, "content-length"),
                part.len().to_string(),
                "{range}"
            );
            assert!(
                read(answer).await == (download.bytes[part].to_vec(), true),
                "{range}"
            );
        }
    }
}

#[tokio::test]
async fn a_server_ignores_ranges_and_only_those() {
    let (_whatsapp, _genesys, downloads) = downloads().await;
    for download in &downloads {
        let armed = download.arm("server-ignores-range");
        download.get(&[]).await.expect("an answer");
        assert_eq!(armed.fired(), 0, "nothing was there to be ignored");
        let answer = download.get(&[("range", "bytes=5-9")]).await;
        let answer = answer.expect("an answer");
        assert_eq!(answer.status(), 200);
        assert_eq!(header(&answer, "accept-ranges"), "");
        assert!(read(answer).await == (download.bytes.clone(), true));
        let answer = download.get(&[("range", "bytes=5-9")]).await;
        assert_eq!(answer.expect("an answer").status(), 206, "used up");
    }
}

#[tokio::test]
async fn an_object_changes_between_two_requests() {
    let (_whatsapp, _genesys, downloads) = downloads().await;
    for download in &downloads {
        let before = download.get(&[]).await.expect("an answer");
        let (tag, date) = (header(&before, "etag"), header(&before, "last-modified"));
        for validator in [tag, date, ""] {
            download.arm("object-changed-between-ranges");
            let mut headers = vec![("range", "bytes=99990-100009")];
            if !validator.is_empty() {
                headers.push(("if-range", validator));
            }
            let after = download.get(&headers).await.expect("an answer");
            assert_ne!(header(&after, "etag"), tag);
            assert_ne!(header(&after, "last-modified"), date);
            let expected = if validator.is_empty() { 206 } else { 200 };
            assert_eq!(after.status(), expected, "{validator}");
            let (got, _) = read(after).await;
            let same = if validator.is_empty() {
                &download.bytes[99_990..100_010]
            } else {
                &download.bytes[..]
            };
            assert!(got.len() == same.len() && got != same, "{validator}");
        }
    }
}
