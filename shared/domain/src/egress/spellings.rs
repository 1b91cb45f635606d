//! Forbidden targets in every spelling we could think of: a table of targets × functions that spell. None may pass, neither by
//! the list of a connection nor where a link is judged against its own host (an agent's link may be signed by anybody).

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::*;
use crate::connection::authority;

/// A connection's list as a deployment has it.
fn hosts() -> Vec<String> {
    [
        "graph.facebook.com",
        "lookaside.fbsbx.com",
        "api.mypurecloud.de",
        "cdn.example.com:8443",
    ]
    .map(str::to_owned)
    .to_vec()
}

/// This machine, clouds' credentials, and networks that are nobody else's business.
const FORBIDDEN_V4: [Ipv4Addr; 14] = [
    Ipv4Addr::new(127, 0, 0, 1),
    Ipv4Addr::new(127, 255, 255, 254),
    Ipv4Addr::new(0, 0, 0, 0),
    Ipv4Addr::new(169, 254, 169, 254),
    Ipv4Addr::new(169, 254, 170, 2),
    Ipv4Addr::new(169, 254, 100, 1),
    Ipv4Addr::new(100, 100, 100, 200),
    Ipv4Addr::new(192, 0, 0, 192),
    Ipv4Addr::new(168, 63, 129, 16),
    Ipv4Addr::new(10, 0, 0, 5),
    Ipv4Addr::new(172, 31, 255, 1),
    Ipv4Addr::new(192, 168, 1, 1),
    Ipv4Addr::new(198, 18, 0, 1),
    Ipv4Addr::new(192, 88, 99, 1),
];

/// IPv6 addresses that are forbidden for their own sake, in several forms.
const FORBIDDEN_V6: [&str; 23] = [
    "::1",
    "0:0:0:0:0:0:0:1",
    "0000:0000:0000:0000:0000:0000:0000:0001",
    "::0001",
    "0::1",
    "::0.0.0.1",
    "::",
    "0:0::0:0",
    "fe80::1",
    "FE80::1",
    "febf::1",
    "fec0::1",
    "fc00::1",
    "fd00:ec2::254",
    "fd20:ce::254",
    "fd00:EC2:0:0:0:0:0:254",
    "ff02::1",
    "ff0e::1",
    "2001:db8::1",
    "3fff::1",
    "100::1",
    "2001:10::1",
    "fe80::5efe:808:808",
];

/// Names that lead to this machine or to a cloud's credentials.
const FORBIDDEN_NAMES: [&str; 14] = [
    "localhost",
    "LOCALHOST",
    "localhost.",
    "localhost.localdomain",
    "me.localhost",
    "ip6-localhost",
    "metadata.google.internal",
    "metadata",
    "instance-data",
    "instance-data.ec2.internal",
    "kubernetes.default.svc",
    "127.0.0.1.nip.io",
    "localtest.me",
    "a9fea9fe.example.com",
];

/// Looks of a listed host that are other hosts.
const LOOK_ALIKES: [&str; 24] = [
    "lookaside.fbsbx.com.",
    "lookaside.fbsbx.com.evil.example",
    "lookaside.fbsbx.com-evil.example",
    "evil-lookaside.fbsbx.com",
    "sub.lookaside.fbsbx.com",
    "fbsbx.com",
    "lookaside-fbsbx.com",
    "lookaside.fbsbx.co",
    "lookaside.fbsbx.comm",
    "1ookaside.fbsbx.com",
    "looкaside.fbsbx.com",
    "lookas\u{131}de.fbsbx.com",
    "lookaside.fbsbx.c\u{43e}m",
    "xn--lookaside-.fbsbx.com",
    "lookaside.fbsbx.com%2eevil.example",
    "lookaside.fbsbx.com%00.evil.example",
    "lookaside.fbsbx.com%0d%0a.evil.example",
    "lookaside.fbsbx.com%2f.evil.example",
    "lookaside.fbsbx.com%23.evil.example",
    "lookaside.fbsbx.com%40evil.example",
    "lookaside.fbsbx.com:8443",
    "lookaside.fbsbx.com:80",
    "cdn.example.com",
    "cdn.example.com:8444",
];

/// Ways to write an IPv4 address where a host stands.
fn spelt(address: Ipv4Addr) -> Vec<String> {
    let [a, b, c, d] = address.octets();
    let (whole, dotted) = (u32::from(address), address.to_string());
    let low24 = whole & 0x00ff_ffff;
    let low16 = whole & 0xffff;
    let with_digits = |zero: char| -> String {
        let digit = |c: char| c.to_digit(10).and_then(|n| char::from_u32(zero as u32 + n));
        dotted.chars().map(|c| digit(c).unwrap_or(c)).collect()
    };
    vec![
        dotted.clone(),
        format!("{dotted}."),
        format!("{whole}"),
        format!("{whole:#x}"),
        format!("0X{whole:X}"),
        format!("0{whole:o}"),
        format!("{a:#x}.{b:#x}.{c:#x}.{d:#x}"),
        format!("0{a:o}.0{b:o}.0{c:o}.0{d:o}"),
        format!("0000{a:o}.0000{b:o}.0000{c:o}.0000{d:o}"),
        format!("{a:#x}.{b}.0{c:o}.{d}"),
        format!("{a}.{low24}"),
        format!("{a:#x}.{low24:#x}"),
        format!("{a}.{b}.{low16}"),
        format!("0{a:o}.{b:#x}.{low16}"),
        dotted.replace('.', "%2e"),
        dotted.bytes().map(|byte| format!("%{byte:02x}")).collect(),
        dotted.replace('.', "\u{3002}"),
        dotted.replace('.', "\u{ff0e}"),
        dotted.replace('.', "\u{ff61}"),
        dotted.replace('.', "\u{ad}."),
        with_digits('\u{ff10}'),
        with_digits('\u{1d7ce}'),
        with_digits('\u{1d7d8}'),
        format!("{}\t.{}", a, &dotted[a.to_string().len() + 1..]),
        format!("{}\r\n{}", &dotted[..1], &dotted[1..]),
    ]
}

/// IPv6 addresses that carry an IPv4 address.
fn carrying(address: Ipv4Addr) -> Vec<String> {
    let [a, b, c, d] = address.octets();
    let (high, low) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
    let six = |s: [u16; 8]| format!("[{}]", Ipv6Addr::from(s));
    vec![
        format!("[::ffff:{address}]"),
        format!("[::FFFF:{high:x}:{low:x}]"),
        format!("[0:0:0:0:0:ffff:{high:04x}:{low:04x}]"),
        format!("[::{high:x}:{low:x}]"),
        // Translated (RFC 2765), NAT64 well-known and for local use (RFC 6052, 8215).
        format!("[::ffff:0:{address}]"),
        format!("[64:ff9b::{address}]"),
        format!("[64:ff9b:1::{address}]"),
        // 6to4 and Teredo, its server and its client, which is inverted.
        six([0x2002, high, low, 0, 0, 0, 0, 1]),
        six([0x2001, 0, high, low, 0, 0, !0x0808, !0x0808]),
        six([0x2001, 0, 0x0808, 0x0808, 0, 0, !high, !low]),
        // ISATAP, with a network of its own and with a public one.
        six([0xfe80, 0, 0, 0, 0, 0x5efe, high, low]),
        six([0x2a00, 0x1450, 0, 1, 0, 0x5efe, high, low]),
        six([0x2a00, 0x1450, 0, 1, 0x0200, 0x5efe, high, low]),
    ]
}

/// Links that lead to a host, however they look. The host is never a listed one.
fn links(host: &str) -> Vec<String> {
    vec![
        format!("https://{host}/latest/meta-data/"),
        format!("https://{host}:9001/2018-06-01/runtime/invocation/next"),
        format!("HTTPS:\\\\{host}\\x"),
        format!("https:{host}/x"),
        format!("https:////{host}/x"),
        format!(" https://{host}/x\n"),
        format!("ht\ttps://{host}/x"),
        format!("https://lookaside.fbsbx.com@{host}/x"),
        format!("https://lookaside.fbsbx.com:443@{host}/x"),
        format!("https://lookaside.fbsbx.com%2f@{host}/x"),
        format!("https://@{host}/x"),
        format!("https://{host}\\@lookaside.fbsbx.com/x"),
        format!("https://{host}#@lookaside.fbsbx.com/x"),
        format!("https://{host}?@lookaside.fbsbx.com/x"),
        format!("https://{host}/@lookaside.fbsbx.com/x"),
        format!("http://{host}/x"),
    ]
}

/// Links of other schemes, whoever they lead to.
fn other_schemes() -> Vec<String> {
    let schemes = [
        "http",
        "ftp",
        "file",
        "gopher",
        "dict",
        "ldap",
        "sftp",
        "tftp",
        "ws",
        "wss",
        "jar",
        "netdoc",
        "data",
        "javascript",
        "blob",
        "unix",
        "httpss",
        "https+unix",
        "view-source:https",
    ];
    let links = |scheme: &str| {
        [
            "lookaside.fbsbx.com",
            "127.0.0.1:9001",
            "graph.facebook.com",
        ]
        .map(|host| format!("{scheme}://{host}/x"))
    };
    schemes.into_iter().flat_map(links).collect()
}

/// Why a link is refused: it is none, or it breaks a rule. `None` if it passes.
fn refusal(link: &str, hosts: &[String]) -> Option<String> {
    match Url::parse(link) {
        Ok(url) => judge(&url, hosts, false)
            .err()
            .map(|refused| refused.to_string()),
        Err(error) => Some(error.to_string()),
    }
}

#[test]
fn no_forbidden_target_is_reached_in_any_spelling() {
    let addresses: Vec<String> = FORBIDDEN_V4
        .into_iter()
        .flat_map(|address| [spelt(address), carrying(address)].concat())
        .chain(FORBIDDEN_V6.map(|address| format!("[{address}]")))
        .chain([
            "[fe80::1%25eth0]".to_owned(),
            "[::1".to_owned(),
            "::1".to_owned(),
        ])
        .collect();
    let names = FORBIDDEN_NAMES.into_iter().chain(LOOK_ALIKES);
    let hosts_spelt: Vec<String> = addresses
        .iter()
        .cloned()
        .chain(names.map(str::to_owned))
        .collect();

    let all: BTreeSet<String> = hosts_spelt
        .iter()
        .flat_map(|host| links(host))
        .chain(other_schemes())
        .collect();
    let passed: Vec<_> = all
        .iter()
        .filter(|link| refusal(link, &hosts()).is_none())
        .collect();
    assert!(passed.is_empty(), "{passed:#?}");

    // Where a link may lead to any host, its address alone decides: judged against its own authority, and before it is connected to.
    let mut told_by_address = 0;
    for link in addresses.iter().flat_map(|host| links(host)) {
        let Ok(url) = Url::parse(&link) else { continue };
        let own = [authority(&url)];
        assert!(judge(&url, &own, false).is_err(), "{link} leads to {url}");
        let address: Option<IpAddr> = match url.host() {
            Some(Host::Ipv4(address)) => Some(address.into()),
            Some(Host::Ipv6(address)) => Some(address.into()),
            _ => None,
        };
        if let Some(address) = address {
            assert!(!is_public(address), "{link} leads to {address}");
            told_by_address += 1;
        }
    }
    let spellings = hosts_spelt.iter().collect::<BTreeSet<_>>().len();
    assert!(spellings >= 400, "only {spellings} spellings of hosts");
    assert!(
        told_by_address > 400 * 8,
        "only {told_by_address} links were told by their address"
    );
}

#[test]
fn a_local_connection_reaches_this_machine_and_no_credentials_of_a_cloud() {
    for (link, fine) in [
        ("http://127.0.0.1:9000/x", true),
        ("http://10.0.0.5/x", true),
        ("http://[fd12:3456::1]/x", true),
        ("http://169.254.169.254/latest/meta-data/", false),
        ("http://0xa9fea9fe/", false),
        ("http://169.254.170.2/v2/credentials", false),
        ("http://[::ffff:169.254.169.254]/", false),
        ("http://[64:ff9b::169.254.169.254]/", false),
        ("http://[fe80::a9fe:a9fe]/", false),
        ("http://[fd00:ec2::254]/", false),
        ("http://[fd20:ce::254]/", false),
        ("http://100.100.100.200/", false),
        ("http://192.0.0.192/", false),
        ("http://168.63.129.16/", false),
    ] {
        let url = Url::parse(link).unwrap();
        let own = [authority(&url)];
        assert_eq!(judge(&url, &own, true).is_ok(), fine, "{link}");
    }
}

#[test]
fn a_listed_host_stays_allowed_in_its_spellings() {
    for link in [
        "https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid=1&ext=2&hash=3",
        "https://LOOKASIDE.FBSBX.COM/x",
        "HTTPS://lookaside.fbsbx.com/x",
        "https://lookaside.fbsbx.com:443/x",
        "https://lookaside.fbsbx.com:0443/x",
        "https://lookaside.fbsbx.com:/x",
        "https://lookaside.fbsbx.com",
        "https://lookaside.fbsbx.com?x",
        "https://lookaside.fbsbx.com#@evil.example",
        "https://lookaside.fbsbx.com/@127.0.0.1",
        "https://lookaside.fbsbx.com/http://169.254.169.254/",
        "https://lookaside.fbsbx.com\\@127.0.0.1/",
        "https:lookaside.fbsbx.com/x",
        "https:\\\\lookaside.fbsbx.com\\x",
        " https://lookaside.fbsbx.com/x ",
        "https://look\taside.fbsbx\n.com/x",
        "https://%6cookaside.fbsbx.com/x",
        "https://ｌｏｏｋａｓｉｄｅ.fbsbx.com/x",
        "https://lookaside。fbsbx。com/x",
        "https://graph.facebook.com/v23.0/1",
        "https://api.mypurecloud.de/api/v2/downloads/1",
        "https://cdn.example.com:8443/x",
    ] {
        assert_eq!(refusal(link, &hosts()), None, "{link:?}");
    }
    for address in [
        "8.8.8.8",
        "157.240.1.1",
        "2a03:2880::1",
        "64:ff9b::8.8.8.8",
        "2002:808:808::1",
    ] {
        assert!(is_public(address.parse().unwrap()), "{address}");
    }
}
