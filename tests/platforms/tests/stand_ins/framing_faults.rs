//! Faults of the headers and of the way a body's length is told, seen by a plain client and on the bare connection.

use std::{io::Read as _, time::Instant};

use attache_platforms::faults::{Fault, Times};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::support::*;

/// Everything that comes back on a connection of its own: the lines of the head, and the body.
async fn on_the_wire(download: &Download) -> (Vec<String>, Vec<u8>) {
    let url: url::Url = download.link.parse().expect("a URL");
    let host = url.host_str().expect("a host");
    let port = url.port().expect("a port");
    let mut stream = TcpStream::connect((host, port)).await.expect("connects");
    let token = download.token.iter();
    let token: String = token
        .map(|token| format!("Authorization: Bearer {token}\r\n"))
        .collect();
    let target = &url[url::Position::BeforePath..url::Position::AfterQuery];
    let head =
        format!("GET {target} HTTP/1.1\r\nHost: {host}:{port}\r\nUser-Agent: plain\r\n{token}\r\n");
    stream.write_all(head.as_bytes()).await.expect("sent");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.expect("whole");
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n");
    let end = end.expect("an end of the head");
    let head = String::from_utf8(answer[..end].to_vec()).expect("text");
    (
        head.lines().map(str::to_owned).collect(),
        answer[end + 4..].to_vec(),
    )
}

fn values<'h>(head: &'h [String], name: &str) -> Vec<&'h str> {
    let lines = head.iter().filter_map(|line| line.split_once(": "));
    lines
        .filter(|(n, _)| n.eq_ignore_ascii_case(name))
        .map(|(_, value)| value)
        .collect()
}

#[tokio::test]
async fn lengths_lie_in_every_way() {
    let (_whatsapp, _genesys, downloads) = downloads().await;
    let rows: [(&str, &[&str]); 6] = [
        ("length-plus-one", &["200001"]),
        ("length-minus-one", &["199999"]),
        ("length-zero", &["0"]),
        ("length-huge", &["10000000000000"]),
        ("length-missing", &[]),
        ("length-twice", &["200000", "200001"]),
    ];
    for download in &downloads {
        for (name, lengths) in rows {
            download.arm(name);
            let (head, body) = on_the_wire(download).await;
            assert_eq!(head[0], "HTTP/1.1 200 OK", "{name}");
            assert_eq!(values(&head, "content-length"), lengths, "{name}");
            assert_eq!(values(&head, "content-type"), ["image/jpeg"], "{name}");
            assert!(body == download.bytes, "{name}: {} bytes", body.len());
        }
    }
}

#[tokio::test]
async fn a_plain_client_is_told_too_much_too_little_or_nothing() {
    let (_whatsapp, _genesys, downloads) = downloads().await;
    // What the client takes for the whole, and whether it thinks that it is in order.
    let rows = [
        ("length-plus-one", 200_000, false),
        ("length-minus-one", 199_999, true),
        ("length-zero", 0, true),
        ("length-huge", 200_000, false),
        ("length-missing", 200_000, true),
        ("chunked", 200_000, true),
    ];
    for download in &downloads {
        for (name, length, in_order) in rows {
            let armed = download.arm(name);
            let (got, ended) = read(download.get(&[]).await.expect(name)).await;
            assert_eq!((got.len(), ended), (length, in_order), "{name}");
            assert!(download.bytes.starts_with(&got), "{name}");
            assert_eq!(armed.fired(), 1, "{name}");
        }
        for name in ["length-twice", "header-flood", "endless-header"] {
            let armed = download.arm(name);
            assert!(download.get(&[]).await.is_err(), "{name}");
            assert_eq!(armed.fired(), 1, "{name}");
        }
    }
}

#[tokio::test]
async fn chunks_come_without_a_length_and_a_flood_before_the_rest() {
    let (_whatsapp, _genesys, downloads) = downloads().await;
    for download in &downloads {
        download.arm("chunked");
        let answer = download.get(&[]).await.expect("an answer");
        assert_eq!(answer.content_length(), None);
        assert_eq!(answer.headers()["transfer-encoding"], "chunked");
        assert!(read(answer).await == (download.bytes.clone(), true));

        download.arm("header-flood");
        let (head, body) = on_the_wire(download).await;
        let flood = head.iter().filter(|line| line.starts_with("x-flood-"));
        assert_eq!(flood.count(), 10_000);
        assert!(body == download.bytes);
    }
}

#[tokio::test]
async fn headers_and_bodies_trickle() {
    let (_whatsapp, _genesys, downloads) = downloads().await;
    for download in &downloads {
        // A thousand bytes a second: headers of a few hundred bytes take their time.
        download.faults.set_trickle_rate(1000);
        download.arm("slow-headers");
        let started = Instant::now();
        let answer = download.get(&[]).await.expect("an answer");
        assert!(started.elapsed().as_millis() >= 100, "{answer:?}");
        assert!(read(answer).await == (download.bytes.clone(), true));

        download.faults.set_trickle_rate(100);
        download.arm("one-byte-per-second");
        let started = Instant::now();
        let mut answer = download.get(&[]).await.expect("an answer");
        let mut got = Vec::new();
        while got.len() < 5 {
            got.extend(answer.chunk().await.expect("in order").expect("more"));
        }
        assert!(download.bytes.starts_with(&got));
        assert!(started.elapsed().as_millis() >= 10 * got.len() as u128);
    }
}

#[tokio::test]
async fn a_body_stalls_before_its_last_hundredth() {
    let (_whatsapp, _genesys, downloads) = downloads().await;
    for download in &downloads {
        download.arm("stall-at-99");
        let mut answer = download.get(&[]).await.expect("an answer");
        let mut got = 0;
        while got < 198_000 {
            got += answer.chunk().await.expect("in order").expect("more").len();
        }
        let held = download.faults.wait_until_held(SOON).await;
        held.expect("nothing more without a release");
        download.faults.release();
        let (rest, in_order) = read(answer).await;
        assert_eq!((got + rest.len(), in_order), (200_000, true));
    }
}

#[tokio::test]
async fn a_body_is_packed_unasked_or_only_says_so() {
    let (_whatsapp, _genesys, downloads) = downloads().await;
    for download in &downloads {
        for (name, packed) in [("gzip-lies", true), ("gzip-label-lies", false)] {
            download.arm(name);
            let answer = download.get(&[("accept-encoding", "identity")]).await;
            let answer = answer.expect("an answer");
            assert_eq!(answer.headers()["content-encoding"], "gzip", "{name}");
            let (got, in_order) = read(answer).await;
            assert!(in_order, "{name}");
            let mut unpacked = Vec::new();
            let unpacking = flate2::read::GzDecoder::new(&*got).read_to_end(&mut unpacked);
            let bytes = if packed { unpacked } else { got };
            assert!(bytes == download.bytes, "{name}");
            assert_eq!(unpacking.is_ok(), packed, "{name}");
        }
    }
}

#[tokio::test]
async fn redirects_lead_to_the_metadata_and_round_in_circles() {
    let (whatsapp, _genesys, downloads) = downloads().await;
    for download in &downloads {
        for (name, to) in [
            (
                "redirect-to-metadata",
                "http://169.254.169.254/latest/meta-data/iam/security-credentials/",
            ),
            ("redirect-loop", download.link.as_str()),
        ] {
            download.arm(name);
            let answer = download.get(&[]).await.expect("an answer");
            assert_eq!(answer.status(), 302, "{name}");
            assert_eq!(answer.headers()["location"], to, "{name}");
        }
    }
    let loops = whatsapp.faults().arm(Fault::RedirectLoop, Times(1));
    let answer = look_up_id(&whatsapp, "1").await;
    assert_eq!(loops.expect("applies").fired(), 1);
    let to = answer.headers()["location"].to_str().expect("text");
    assert_eq!(to, answer.url().as_str());
}
