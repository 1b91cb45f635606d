//! Links and redirects: a bearer goes to the organisation's own API and nowhere else, and nothing goes to an address that is not
//! public, whatever a webhook or a `Location` says.

use attache_domain::connection::authority;
use attache_domain::egress::{is_public, judge};
use attache_domain::event::Link;
use attache_domain::platforms::links::{Hop, first_hop, read_hop};
use attache_domain::time::Timestamp;
use attache_domain::wire::{Auth, Headers, Response};
use attache_fuzz::{Edit, edited, genesys, whatsapp};
use url::{Host, Url};

/// The parts of links: a fuzzer chooses one of each and edits the whole.
const SCHEMES: [&str; 8] = [
    "https://",
    "http://",
    "https:",
    "HTTPS:\\\\",
    "//",
    "",
    "file://",
    "ht\ttps://",
];
const USERS: [&str; 6] = [
    "",
    "",
    "",
    "token@",
    "api.mypurecloud.de@",
    "lookaside.fbsbx.com:443@",
];
const HOSTS: [&str; 20] = [
    "api.mypurecloud.de",
    "apps.mypurecloud.de",
    "login.mypurecloud.de",
    "API.MYPURECLOUD.DE",
    "api.mypurecloud.de.",
    "api.mypurecloud.de.evil.example",
    "lookaside.fbsbx.com",
    "graph.facebook.com",
    "evil.example",
    "127.0.0.1",
    "0x7f.1",
    "2130706433",
    "169.254.169.254",
    "[::1]",
    "[::ffff:10.0.0.1]",
    "[64:ff9b::a9fe:a9fe]",
    "8.8.8.8",
    "localhost",
    "１２７.1",
    "api\u{3002}mypurecloud\u{3002}de",
];
const PORTS: [&str; 5] = ["", "", ":443", ":9001", ":80"];
const PATHS: [&str; 8] = [
    "/api/v2/downloads/1",
    "/platform/api/v2/downloads/1?issueRedirect=true",
    "/x?y=/api/v2/",
    "",
    "\\@api.mypurecloud.de/api/v2/",
    "#/api/v2/",
    "/../../api/v2/downloads/1",
    "/%2e%2e/api/v2/",
];

type Choice = ([u8; 5], Vec<Edit>);

fn link((choices, edits): &Choice) -> Option<Url> {
    fn one(of: &[&'static str], choice: u8) -> &'static str {
        of[usize::from(choice) % of.len()]
    }
    let parts = [&SCHEMES[..], &USERS, &HOSTS, &PORTS, &PATHS];
    let text: String = parts
        .into_iter()
        .zip(choices)
        .map(|(of, choice)| one(of, *choice))
        .collect();
    let text = edited(text.as_bytes(), edits);
    Url::parse(&String::from_utf8_lossy(&text)).ok()
}

/// What must hold of every link that is gone to.
fn is_harmless(url: &Url) {
    assert_eq!(url.scheme(), "https", "{url}");
    assert!(
        url.username().is_empty() && url.password().is_none(),
        "{url}"
    );
    match url.host() {
        Some(Host::Ipv4(address)) => assert!(is_public(address.into()), "{url}"),
        Some(Host::Ipv6(address)) => assert!(is_public(address.into()), "{url}"),
        Some(Host::Domain(name)) => assert!(!name.is_empty(), "{url}"),
        None => panic!("{url} leads nowhere"),
    }
}

#[test]
fn judged_links() {
    let hosts = whatsapp().bearer_hosts();
    bolero::check!()
        .with_iterations(50_000)
        .with_type::<Choice>()
        .for_each(|choice| {
            let Some(url) = link(choice) else { return };
            if judge(&url, &hosts, false).is_ok() {
                is_harmless(&url);
                assert!(hosts.contains(&authority(&url)), "{url}");
            }
        });
}

#[test]
fn links_of_webhooks() {
    let connection = genesys();
    bolero::check!()
        .with_iterations(50_000)
        .with_type::<Choice>()
        .for_each(|choice| {
            let Some(url) = link(choice) else { return };
            match first_hop(&connection, &Link(url)) {
                Ok(Hop::Ask(Link(asked)))
                | Ok(Hop::Download {
                    from: Link(asked),
                    auth: Auth::Bearer,
                }) => {
                    is_harmless(&asked);
                    let own = ["api.mypurecloud.de", "apps.mypurecloud.de"];
                    assert!(own.contains(&authority(&asked).as_str()), "{asked}");
                }
                Ok(Hop::Download {
                    from: Link(from), ..
                }) => is_harmless(&from),
                Err(_) => {}
            }
        });
}

#[test]
fn redirects_and_links_in_answers() {
    let connection = genesys();
    bolero::check!()
        .with_iterations(50_000)
        .with_type::<(Choice, bool)>()
        .for_each(|(choice, redirected)| {
            let Some(url) = link(choice) else { return };
            let location = ("Location".to_owned(), url.to_string());
            let quoted = url.as_str().replace('\\', "\\\\").replace('"', "\\\"");
            let response = Response {
                status: if *redirected { 302 } else { 200 },
                headers: Headers::new([location]),
                body: format!("{{\"url\":\"{quoted}\"}}").into_bytes(),
            };
            match read_hop(&connection, &response, Timestamp::from_seconds(0)) {
                Ok(Hop::Download {
                    from: Link(from),
                    auth: Auth::None,
                }) => is_harmless(&from),
                Ok(other) => panic!("{url} is followed with a credential: {other:?}"),
                Err(_) => {}
            }
        });
}
