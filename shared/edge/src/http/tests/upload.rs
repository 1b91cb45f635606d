//! Files sent alone or within forms: the bytes on the wire, and what becomes of a body whose file fails.

use std::cell::Cell;
use std::collections::VecDeque;
use std::rc::Rc;

use attache_domain::wire::{Base64Body, FileBody, Multipart};
use bytes::Bytes;

use super::*;

/// Prepared pieces, counted as they are taken; at their end, or for ever, nothing.
struct Pieces {
    left: VecDeque<Result<Bytes, SourceError>>,
    taken: Rc<Cell<u64>>,
    then_pause: bool,
}

impl Pieces {
    fn of(bytes: &[u8]) -> Self {
        let pieces = bytes.chunks(65_536);
        Self {
            left: pieces
                .map(|piece| Ok(Bytes::copy_from_slice(piece)))
                .collect(),
            taken: Rc::default(),
            then_pause: false,
        }
    }

    /// The same piece again and again, of which memory holds one.
    fn repeated(piece: &'static [u8], times: usize) -> Self {
        let piece = Bytes::from_static(piece);
        Self {
            left: std::iter::repeat_n(Ok(piece), times).collect(),
            ..Self::of(&[])
        }
    }

    fn then(mut self, error: SourceError) -> Self {
        self.left.push_back(Err(error));
        self
    }

    fn then_pause(self) -> Self {
        Self {
            then_pause: true,
            ..self
        }
    }
}

#[async_trait(?Send)]
impl Source for Pieces {
    async fn next(&mut self) -> Result<Option<Bytes>, SourceError> {
        if self.left.is_empty() && self.then_pause {
            std::future::pending::<()>().await;
        }
        let piece = self.left.pop_front().transpose()?;
        let length = piece.as_ref().map_or(0, |piece| piece.len() as u64);
        self.taken.set(self.taken.get() + length);
        Ok(piece)
    }
}

fn form(file_bytes: u64) -> Multipart {
    let file = ("file", "größe.png", "image/png");
    Multipart::new(&[("messaging_product", "whatsapp")], file, file_bytes, "d1")
}

fn post(url: Url, form: Multipart) -> Request {
    Request {
        method: Method::Post,
        body: Body::Multipart(form),
        ..request(url)
    }
}

/// When the server answers.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Answers {
    /// Once it has the whole form.
    InTheEnd,
    /// As soon as it has the head of the request; it reads nothing more until the client gives up.
    AtOnce,
    /// Never; it reads nothing more either.
    Never,
}

/// A server for one request: what it got, head and body, and nothing if the connection ended before that was whole.
async fn taker(answers: Answers) -> (Url, oneshot::Receiver<Option<(String, Vec<u8>)>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v23.0/1/media", listener.local_addr().unwrap());
    let (sender, receiver) = oneshot::channel();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let (mut got, mut buffer) = (Vec::new(), vec![0; 65_536]);
        let whole = loop {
            // A client that goes away may do it the hard way.
            let n = stream.read(&mut buffer).await.unwrap_or(0);
            got.extend_from_slice(&buffer[..n]);
            let split = split(&got);
            match split {
                Some((head, _)) if answers != Answers::InTheEnd => break Some((head, Vec::new())),
                Some((head, body)) if body.len() as u64 >= length(&head) => {
                    break Some((head, body));
                }
                _ if n == 0 => break None,
                _ => {}
            }
        };
        if answers != Answers::Never && whole.is_some() {
            let text = answer("200 OK", b"{\"id\":\"4490709327384033\"}");
            stream.write_all(&text).await.unwrap();
        }
        let _ = sender.send(whole);
        if answers != Answers::InTheEnd {
            // Open, and nothing is read: ends with the test.
            std::future::pending::<()>().await;
        }
    });
    (Url::parse(&url).unwrap(), receiver)
}

fn split(got: &[u8]) -> Option<(String, Vec<u8>)> {
    let end = got.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = String::from_utf8(got[..end].to_vec()).unwrap();
    Some((head.to_ascii_lowercase(), got[end + 4..].to_vec()))
}

fn length(head: &str) -> u64 {
    let value = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    value.unwrap().parse().unwrap()
}

async fn upload(request: &Request, file: Pieces) -> Result<Response, CallError> {
    let credential = Credential::Bearer(Secret::new("t0pS3cret").unwrap());
    Platforms::new()
        .upload(request, &credential, Box::new(file))
        .await
}

#[tokio::test]
async fn a_form_leaves_byte_for_byte_with_its_exact_length() {
    for size in [0, 5, 3_000_000] {
        let file: Vec<u8> = (0..size).map(|n: u32| (n % 251) as u8).collect();
        let (url, seen) = taker(Answers::InTheEnd).await;
        let form = form(u64::from(size));
        let response = upload(&post(url, form.clone()), Pieces::of(&file))
            .await
            .unwrap();
        assert_eq!(
            (response.status, response.body.as_slice()),
            (200, &b"{\"id\":\"4490709327384033\"}"[..])
        );
        let (head, body) = seen.await.unwrap().unwrap();
        for part in [
            "post /v23.0/1/media http/1.1",
            "content-type: multipart/form-data; boundary=attache-d1",
            "authorization: bearer t0ps3cret",
        ] {
            assert!(head.contains(part), "{part} in {head}");
        }
        assert!(!head.contains("transfer-encoding"), "{head}");
        assert_eq!(length(&head), form.content_length());
        let expected = [form.head.as_bytes(), &file, form.tail.as_bytes()].concat();
        assert!(body == expected, "{size}: {} bytes", body.len());
    }
}

#[tokio::test]
async fn a_file_in_base64_leaves_with_its_exact_length_and_never_short() {
    let file: Vec<u8> = (0..200_000_u32).map(|n| (n % 251) as u8).collect();
    let body = Base64Body::new("content", &[("mimeType", "image/png")], 200_000);
    let post = |url| Request {
        method: Method::Post,
        body: Body::Base64(body.clone()),
        ..request(url)
    };
    let (url, seen) = taker(Answers::InTheEnd).await;
    let response = upload(&post(url), Pieces::of(&file)).await.unwrap();
    assert_eq!(response.status, 200);
    let (head, got) = seen.await.unwrap().unwrap();
    assert!(head.contains("content-type: application/json"), "{head}");
    assert_eq!(length(&head), body.content_length());
    let encoded = BASE64.encode(&file);
    let expected = [
        body.head.as_bytes(),
        encoded.as_bytes(),
        body.tail.as_bytes(),
    ]
    .concat();
    assert!(got == expected, "{} bytes", got.len());
    let (url, seen) = taker(Answers::InTheEnd).await;
    let short = upload(&post(url), Pieces::of(&file[..199_000])).await;
    assert!(matches!(short, Err(CallError::NoAnswer(_))), "{short:?}");
    assert!(
        seen.await.unwrap().is_none(),
        "a short file is no whole body"
    );
}

fn put(url: Url, size_bytes: u64) -> Request {
    Request {
        method: Method::Put,
        body: Body::File(FileBody {
            content_type: "image/png".to_owned(),
            size_bytes,
            headers: [("x-genesys-file-id".to_owned(), "f1".to_owned())].into(),
        }),
        ..request(url)
    }
}

#[tokio::test]
async fn a_file_alone_leaves_under_its_own_type_and_headers_and_without_a_bearer() {
    let file = vec![b'x'; 200_000];
    let (url, seen) = taker(Answers::InTheEnd).await;
    let (platforms, request) = (Platforms::new(), put(url, 200_000));
    let source = Box::new(Pieces::of(&file));
    let answer = platforms.upload(&request, &Credential::None, source).await;
    assert_eq!(answer.unwrap().status, 200);
    let (head, body) = seen.await.unwrap().unwrap();
    for part in [
        "put /v23.0/1/media http/1.1",
        "content-type: image/png\r\n",
        "x-genesys-file-id: f1",
        "cache-control: no-store, no-cache, must-revalidate",
        "accept-encoding: identity",
    ] {
        assert!(head.contains(part), "{part} in {head}");
    }
    for part in ["authorization", "content-encoding", "transfer-encoding"] {
        assert!(!head.contains(part), "{part} in {head}");
    }
    assert_eq!(length(&head), 200_000);
    assert!(body == file, "{} bytes", body.len());
    let (url, seen) = taker(Answers::InTheEnd).await;
    let error = upload(&put(url, 200_001), Pieces::of(&file)).await;
    assert!(matches!(error, Err(CallError::NoAnswer(_))), "too short");
    assert_eq!(seen.await.unwrap(), None);
}

#[tokio::test]
async fn a_form_whose_file_fails_is_never_complete() {
    let file = vec![b'x'; 300_000];
    let broken = || SourceError::Broken("reset".to_owned());
    for (name, said, file, text) in [
        ("at once", 300_000, Pieces::of(&[]).then(broken()), "reset"),
        (
            "midway",
            300_000,
            Pieces::of(&file[..200_000]).then(broken()),
            "reset",
        ),
        (
            "at the end",
            300_000,
            Pieces::of(&file).then(broken()),
            "reset",
        ),
        ("too short", 300_001, Pieces::of(&file), "expected"),
        ("too long", 299_999, Pieces::of(&file), "expected"),
    ] {
        let (url, seen) = taker(Answers::InTheEnd).await;
        let error = upload(&post(url, form(said)), file).await.unwrap_err();
        assert!(
            matches!(&error, CallError::NoAnswer(said) if said.contains(text)),
            "{name}: {error}"
        );
        assert_eq!(seen.await.unwrap(), None, "{name}");
    }
}

#[tokio::test]
async fn an_answer_before_the_end_is_an_answer() {
    let (url, _seen) = taker(Answers::AtOnce).await;
    let file = Pieces::of(&[b'x'; 100_000]).then_pause();
    let response = upload(&post(url, form(1 << 30)), file).await.unwrap();
    assert_eq!(response.status, 200);
}

#[tokio::test]
async fn a_file_is_read_no_faster_than_it_is_taken() {
    let (url, _seen) = taker(Answers::Never).await;
    let file = Pieces::repeated(&[b'x'; 65_536], 1600);
    let taken = Rc::clone(&file.taken);
    let request = Request {
        patience: Duration::from_millis(200),
        ..post(url, form(1600 << 16))
    };
    let error = upload(&request, file).await.unwrap_err();
    assert!(matches!(error, CallError::NoAnswer(_)), "{error}");
    // What the kernel keeps for a connection, and little more.
    assert!(taken.get() < 50 << 20, "{} bytes", taken.get());
}

#[tokio::test]
async fn failures_of_an_upload_tell_what_can_have_happened() {
    let unused = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let nobody = Url::parse(&format!("http://{unused}/")).unwrap();
    let plain = Url::parse("http://platform.example/").unwrap();
    let (slow, _seen) = taker(Answers::InTheEnd).await;
    for (name, request, expected) in [
        ("nobody listens", post(nobody, form(1)), "NotSent"),
        (
            "plain HTTP",
            Request {
                local: false,
                ..post(plain.clone(), form(1))
            },
            "Refused",
        ),
        (
            "no form",
            Request {
                body: Body::Empty,
                ..post(plain.clone(), form(1))
            },
            "Refused",
        ),
        (
            "a file without end",
            Request {
                patience: Duration::from_millis(50),
                ..post(slow, form(9))
            },
            "NoAnswer",
        ),
    ] {
        let error = upload(&request, Pieces::of(b"x").then_pause())
            .await
            .unwrap_err();
        let text = format!("{error:?}");
        assert!(text.starts_with(expected), "{name}: {text}");
        assert!(!text.contains("t0pS3cret"), "{name}: {text}");
    }
    let error = call(&post(plain, form(1))).await.unwrap_err();
    assert_eq!(
        error,
        CallError::Refused("a body without its file".to_owned())
    );
}
