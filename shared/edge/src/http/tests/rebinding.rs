//! Names whose addresses change between two look-ups, or are of two kinds: what was judged is what is called.

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Mutex;

use reqwest::dns::Resolve;

use super::*;

/// Answers a look-up with the next of these, and counts them.
#[derive(Debug)]
struct Scripted {
    answers: Mutex<VecDeque<Vec<&'static str>>>,
}

impl Scripted {
    fn new(answers: &[&[&'static str]]) -> Arc<Self> {
        let answers = answers.iter().map(|it| it.to_vec()).collect();
        Arc::new(Self {
            answers: Mutex::new(answers),
        })
    }

    fn left(&self) -> usize {
        self.answers.lock().unwrap().len()
    }
}

#[async_trait]
impl Names for Scripted {
    async fn look_up(&self, _host: &str) -> io::Result<Vec<SocketAddr>> {
        let answer = self.answers.lock().unwrap().pop_front();
        let answer = answer.ok_or_else(|| io::Error::other("asked once too often"))?;
        let socket = |text: &&str| SocketAddr::new(text.parse::<IpAddr>().unwrap(), 0);
        Ok(answer.iter().map(socket).collect())
    }
}

fn platforms(names: &Arc<Scripted>) -> Platforms {
    Platforms {
        names: Arc::clone(names) as Arc<dyn Names>,
        ..Platforms::new()
    }
}

/// The addresses a client would call, or why there are none.
async fn resolved(judged: Judged, names: &Arc<Scripted>) -> Result<Vec<String>, String> {
    let names = Arc::clone(names) as Arc<dyn Names>;
    let resolver = Resolver { judged, names };
    match resolver.resolve("media.example".parse().unwrap()).await {
        Ok(found) => Ok(found.map(|it| it.ip().to_string()).collect()),
        Err(refused) => Err(refused.to_string()),
    }
}

#[tokio::test]
async fn of_a_mixed_answer_only_what_may_be_called_is_left() {
    const PUBLIC: &str = "93.184.215.14";
    let none = |wanted: &str| Err(format!("media.example has no {wanted} address"));
    for (judged, answer, expected) in [
        (
            Judged::Public,
            vec!["127.0.0.1", PUBLIC, "10.0.0.8"],
            Ok(vec![PUBLIC]),
        ),
        (
            Judged::Public,
            vec!["::ffff:169.254.169.254", PUBLIC],
            Ok(vec![PUBLIC]),
        ),
        (Judged::Public, vec!["127.0.0.1", "::1"], none("public")),
        (
            Judged::Local,
            vec!["169.254.169.254", "127.0.0.1"],
            Ok(vec!["127.0.0.1"]),
        ),
        (
            Judged::Local,
            vec!["169.254.169.254", "fd00:ec2::254"],
            none("harmless"),
        ),
    ] {
        let names = Scripted::new(&[&answer]);
        let expected: Result<Vec<String>, String> =
            expected.map(|it| it.into_iter().map(str::to_owned).collect());
        assert_eq!(resolved(judged, &names).await, expected, "{answer:?}");
    }
}

#[tokio::test]
async fn a_name_that_answers_public_first_and_private_then_is_refused_then() {
    let names = Scripted::new(&[&["93.184.215.14"], &["127.0.0.1"]]);
    assert!(resolved(Judged::Public, &names).await.is_ok());
    let again = resolved(Judged::Public, &names).await;
    assert_eq!(again, Err("media.example has no public address".to_owned()));
}

#[tokio::test]
async fn a_public_call_to_a_name_rebound_to_this_machine_never_reaches_it() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let names = Scripted::new(&[&["127.0.0.1"], &["::1", "127.0.0.1"]]);
    let platforms = platforms(&names);
    for _ in 0..2 {
        let url = Url::parse(&format!("https://media.example:{port}/x")).unwrap();
        let request = Request {
            local: false,
            ..request(url)
        };
        let error = platforms.call(&request, &Credential::None).await;
        let refused = CallError::Refused("media.example has no public address".to_owned());
        assert_eq!(error.unwrap_err(), refused);
    }
    assert_eq!(names.left(), 0, "it was looked up");
    let knocked = listener.accept();
    let nobody = tokio::time::timeout(Duration::ZERO, knocked).await;
    assert!(nobody.is_err(), "somebody connected");
}

#[tokio::test]
async fn between_judging_and_calling_nothing_is_looked_up_again() {
    let (url, seen) = server(
        answer("204 No Content\r\nconnection: close", b""),
        Then::Close,
    )
    .await;
    let url = format!("http://media.example:{}/x", url.port().unwrap());
    // A second look-up would lead to a cloud's metadata, a third is not answered at all.
    let names = Scripted::new(&[&["127.0.0.1"], &["169.254.169.254"]]);
    let platforms = platforms(&names);
    let request = request(Url::parse(&url).unwrap());
    let reply = platforms.call(&request, &Credential::None).await.unwrap();
    assert_eq!((reply.status, names.left()), (204, 1));
    assert!(seen.await.unwrap().starts_with("GET /x "));
    let again = platforms.call(&request, &Credential::None).await;
    assert!(matches!(again, Err(CallError::Refused(_))), "{again:?}");
}
