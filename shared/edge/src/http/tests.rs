//! The way out, against servers on this machine that answer with fixed bytes, or stop in the middle.

mod rebinding;
mod upload;

use attache_domain::connection::AuthHeader;
use attache_domain::signature::Secret;
use attache_domain::wire::{Auth, Handshake, Verbatim};
use attache_flow::ports::SourceError;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use url::Url;

use super::*;

/// What the server does after it has sent its bytes.
#[derive(Clone, Copy)]
enum Then {
    Close,
    Stall,
}

/// A server for one connection: reads a request's head and body, sends `answer`, and hands over what it read.
async fn server(answer: Vec<u8>, then: Then) -> (Url, oneshot::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!(
        "http://{}/path?sig=QUERYSECRET",
        listener.local_addr().unwrap()
    );
    let (sender, receiver) = oneshot::channel();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut got = Vec::new();
        let mut buffer = [0; 4096];
        while !complete(&String::from_utf8_lossy(&got)) {
            let n = stream.read(&mut buffer).await.unwrap();
            assert_ne!(n, 0, "the request ended early");
            got.extend_from_slice(&buffer[..n]);
        }
        stream.write_all(&answer).await.unwrap();
        sender.send(String::from_utf8(got).unwrap()).unwrap();
        if matches!(then, Then::Stall) {
            // Ends when the client gives up.
            let _ = stream.read(&mut buffer).await;
        }
    });
    (Url::parse(&url).unwrap(), receiver)
}

/// Whether a request is there whole.
fn complete(text: &str) -> bool {
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head.lines().find_map(|line| {
        line.to_ascii_lowercase()
            .strip_prefix("content-length: ")?
            .parse()
            .ok()
    });
    body.len() >= length.unwrap_or(0)
}

fn request(url: Url) -> Request {
    Request {
        method: Method::Get,
        url,
        auth: Auth::None,
        body: Body::Empty,
        patience: Duration::from_secs(10),
        local: true,
    }
}

fn answer(head: &str, body: &[u8]) -> Vec<u8> {
    [
        format!("HTTP/1.1 {head}\r\ncontent-length: {}\r\n\r\n", body.len()).as_bytes(),
        body,
    ]
    .concat()
}

async fn call(request: &Request) -> Result<Response, CallError> {
    Platforms::new().call(request, &Credential::None).await
}

#[tokio::test]
async fn requests_leave_as_they_were_asked_for() {
    let secret = |text: &str| Secret::new(text).unwrap();
    let form = Body::Form(vec![(
        "grant_type".to_owned(),
        "client credentials".to_owned(),
    )]);
    let password = Body::Form(vec![("username".to_owned(), "KEY=1".to_owned())]);
    for (method, body, credential, expected) in [
        (
            Method::Post,
            password,
            Credential::ClientAndPassword {
                id: "client".to_owned(),
                secret: secret("pass"),
                password: secret("k/e+y=="),
            },
            vec![
                "authorization: Basic Y2xpZW50OnBhc3M=",
                "\r\n\r\nusername=KEY%3D1&password=k%2Fe%2By%3D%3D",
            ],
        ),
        (
            Method::Get,
            Body::Empty,
            Credential::None,
            vec!["GET /path?sig=QUERYSECRET HTTP/1.1"],
        ),
        (
            Method::Post,
            Body::Json("{\"a\":1}".to_owned()),
            Credential::Bearer(secret("t0k")),
            vec![
                "POST /path",
                "authorization: Bearer t0k",
                "content-type: application/json",
                "\r\n\r\n{\"a\":1}",
            ],
        ),
        (
            Method::Get,
            Body::Empty,
            Credential::Header {
                name: AuthHeader::parse("D360-API-KEY").unwrap(),
                token: secret("t0k"),
            },
            vec!["\r\nd360-api-key: t0k\r\n"],
        ),
        (
            Method::Post,
            form,
            Credential::Basic {
                id: "client".to_owned(),
                secret: secret("pass"),
            },
            vec![
                "authorization: Basic Y2xpZW50OnBhc3M=",
                "application/x-www-form-urlencoded",
                "grant_type=client+credentials",
            ],
        ),
    ] {
        let (url, seen) = server(answer("200 OK\r\nX-Two: b", b"fine"), Then::Close).await;
        let request = Request {
            method,
            body,
            ..request(url)
        };
        let response = Platforms::new().call(&request, &credential).await.unwrap();
        assert_eq!(
            (response.status, response.body.as_slice()),
            (200, &b"fine"[..])
        );
        assert_eq!(response.headers.get("x-two"), Some("b"));
        let seen = seen.await.unwrap();
        for part in expected {
            assert!(seen.contains(part), "{part} in {seen}");
        }
        assert!(
            seen.contains("accept-encoding: identity") && seen.contains("user-agent: attache/"),
            "{seen}"
        );
    }
}

#[tokio::test]
async fn what_is_sent_on_leaves_as_it_came() {
    let verbatim = |value: &str| {
        let headers = [
            ("content-type", "application/json; charset=utf-8"),
            ("user-agent", "facebookexternalua"),
            ("x-hub-signature-256", value),
        ];
        Body::Verbatim(Verbatim {
            bytes: b"{\"a\" : \"\\u00f6\"}\r\n".to_vec(),
            headers: headers
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
        })
    };
    let (url, seen) = server(answer("204 No Content", b""), Then::Close).await;
    let mut request = Request {
        method: Method::Post,
        body: verbatim("sha256=00"),
        ..request(url)
    };
    assert_eq!(call(&request).await.unwrap().status, 204);
    let seen = seen.await.unwrap();
    let (head, body) = seen.split_once("\r\n\r\n").unwrap();
    assert_eq!(body, "{\"a\" : \"\\u00f6\"}\r\n");
    let lines: Vec<_> = head.lines().map(str::to_ascii_lowercase).collect();
    for (name, value) in [
        ("content-type", "application/json; charset=utf-8"),
        ("user-agent", "facebookexternalua"),
        ("x-hub-signature-256", "sha256=00"),
        ("content-length", "18"),
    ] {
        let found = lines.iter().filter(|line| line.starts_with(name));
        assert_eq!(
            found.collect::<Vec<_>>(),
            [&format!("{name}: {value}")],
            "once, and as it came: {head}"
        );
    }
    request.body = verbatim("sha256=\n");
    let refused = call(&request).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "refused to connect: header \"x-hub-signature-256\" cannot be sent"
    );
}

#[tokio::test]
async fn redirects_and_packed_bodies_are_handed_over_as_they_are() {
    let (url, _seen) = server(
        answer("302 Found\r\nlocation: http://127.0.0.1:1/", b""),
        Then::Close,
    )
    .await;
    let response = call(&request(url)).await.unwrap();
    assert_eq!(
        (response.status, response.headers.get("location")),
        (302, Some("http://127.0.0.1:1/"))
    );
    let (url, _seen) = server(
        answer("200 OK\r\ncontent-encoding: gzip", b"not gzip"),
        Then::Close,
    )
    .await;
    assert_eq!(call(&request(url)).await.unwrap().body, b"not gzip");
}

#[tokio::test]
async fn an_answer_without_end_is_cut() {
    let (url, _seen) = server(answer("500 Oops", &vec![b'x'; body::CAP + 5]), Then::Stall).await;
    let response = call(&request(url)).await.unwrap();
    assert_eq!((response.status, response.body.len()), (500, body::CAP));
}

#[tokio::test]
async fn failures_tell_what_can_have_happened_and_no_secret() {
    let unused = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let nobody = Url::parse(&format!("http://{unused}/?sig=QUERYSECRET")).unwrap();
    let (cut, _cut) = server(
        b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf".to_vec(),
        Then::Close,
    )
    .await;
    let (silent, _silent) = server(Vec::new(), Then::Close).await;
    let (stalled, _stalled) = server(Vec::new(), Then::Stall).await;
    let (garbled, _garbled) = server(b"SSH-2.0-OpenSSH\r\n".to_vec(), Then::Close).await;
    let plain = Url::parse("http://platform.example/?sig=QUERYSECRET").unwrap();
    let private = Url::parse("https://169.254.169.254/latest?sig=QUERYSECRET").unwrap();
    let named = Url::parse("https://localhost/?sig=QUERYSECRET").unwrap();
    let patience = Duration::from_secs(10);
    for (name, url, local, patience, expected) in [
        ("nobody listens", nobody, true, patience, "NotSent"),
        ("body cut off", cut, true, patience, "NoAnswer"),
        (
            "closed without an answer",
            silent,
            true,
            patience,
            "NoAnswer",
        ),
        ("not HTTP", garbled, true, patience, "NoAnswer"),
        (
            "too slow",
            stalled,
            true,
            Duration::from_millis(50),
            "NoAnswer",
        ),
        ("plain HTTP", plain, false, patience, "Refused"),
        ("a private address", private, false, patience, "Refused"),
        ("a name for one", named, false, patience, "Refused"),
    ] {
        let request = Request {
            local,
            patience,
            ..request(url)
        };
        let secret = Credential::Bearer(Secret::new("t0pS3cret").unwrap());
        let error = Platforms::new().call(&request, &secret).await.unwrap_err();
        let text = format!("{error:?} {error}");
        assert!(text.starts_with(expected), "{name}: {text}");
        assert!(
            !text.contains("QUERYSECRET") && !text.contains("t0pS3cret"),
            "{name}: {text}"
        );
    }
}

/// A handshake's end, as a server on this machine brings it about: an alert's bytes (RFC 8446 §6), or nothing any more.
#[tokio::test]
async fn what_ends_a_handshake_is_told() {
    let alert = |description| vec![0x15, 3, 3, 0, 2, 2, description];
    for (name, bytes, expected) in [
        ("handshake_failure", alert(40), Handshake::Refused),
        ("protocol_version", alert(70), Handshake::Version),
        ("cut", Vec::new(), Handshake::Cut),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://{}/", listener.local_addr().unwrap());
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut hello = [0; 4096];
            assert_ne!(stream.read(&mut hello).await.unwrap(), 0);
            stream.write_all(&bytes).await.unwrap();
        });
        let error = call(&request(Url::parse(&url).unwrap())).await.unwrap_err();
        assert!(
            matches!(error, CallError::Tls(handshake, _) if handshake == expected),
            "{name}: {error:?}"
        );
    }
}

#[tokio::test]
async fn a_name_without_address_is_called_so() {
    // The label is longer than a name's may be: no resolver knows it, and none is asked.
    let url = format!("http://{}.invalid/", "x".repeat(70));
    let error = call(&request(Url::parse(&url).unwrap())).await.unwrap_err();
    assert!(matches!(error, CallError::NoName(_)), "{error:?}");
}

#[tokio::test]
async fn a_credential_that_would_break_out_of_its_header_stays_home() {
    let (url, _seen) = server(Vec::new(), Then::Close).await;
    let credential = Credential::Bearer(Secret::new("a\r\nx: y").unwrap());
    let error = Platforms::new()
        .call(&request(url), &credential)
        .await
        .unwrap_err();
    assert!(matches!(error, CallError::Refused(_)), "{error}");
}

#[tokio::test]
async fn downloads_come_piece_by_piece_and_end_as_they_should() {
    let whole = answer("200 OK\r\ncontent-type: image/png", &vec![b'x'; 300_000]);
    let cut = whole[..200_000].to_vec();
    for (name, answer, then, expected) in [
        ("whole", whole, Then::Close, None),
        ("cut off", cut.clone(), Then::Close, Some("")),
        ("stalled", cut, Then::Stall, Some("no bytes for 50ms")),
    ] {
        let (url, _seen) = server(answer, then).await;
        let platforms = Platforms {
            idle: Duration::from_millis(50),
            ..Platforms::new()
        };
        let mut download = platforms
            .download(&request(url), &Credential::None, None)
            .await
            .unwrap();
        assert_eq!(
            (download.status, download.headers.get("content-type")),
            (200, Some("image/png"))
        );
        let mut got = 0;
        let end = loop {
            match download.body.next().await {
                Ok(Some(piece)) => got += piece.len(),
                Ok(None) => break None,
                Err(SourceError::Broken(text)) => break Some(text),
                Err(other) => panic!("{name}: {other}"),
            }
        };
        match (&end, expected) {
            (None, None) => assert_eq!(got, 300_000, "{name}"),
            (Some(text), Some(part)) => assert!(text.contains(part), "{name}: {text}"),
            _ => panic!("{name}: {end:?}"),
        }
    }
}

#[tokio::test]
async fn the_rest_of_one_state_is_asked_for() {
    let head = "206 Partial Content\r\ncontent-range: bytes 5-8/9";
    let (url, seen) = server(answer(head, b"rest"), Then::Close).await;
    let rest = Rest {
        from_byte: 5,
        validator: "\"v1\"".to_owned(),
    };
    let mut download = Platforms::new()
        .download(&request(url), &Credential::None, Some(&rest))
        .await
        .unwrap();
    assert_eq!(download.status, 206);
    assert_eq!(download.body.next().await.unwrap().unwrap(), "rest");
    let seen = seen.await.unwrap();
    for line in ["range: bytes=5-\r\n", "if-range: \"v1\"\r\n"] {
        assert!(seen.contains(line), "{line} in {seen}");
    }
}

#[tokio::test]
async fn a_download_without_headers_is_given_up() {
    let (url, _seen) = server(Vec::new(), Then::Stall).await;
    let request = Request {
        patience: Duration::from_millis(50),
        ..request(url)
    };
    let error = Platforms::new()
        .download(&request, &Credential::None, None)
        .await
        .err()
        .unwrap();
    assert_eq!(
        error,
        CallError::NoAnswer("no headers within 50ms".to_owned())
    );
}
