//! Where we may connect, and where a bearer token may go: the judgement of one hop, before any packet leaves.
//!
//! A webhook can name any link, so a link is foreign input. The rule is an exact host list per connection; the
//! addresses a listed name resolves to are judged again by the edge ([`is_public`]) and the connection is pinned to
//! one of them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

/// Why a hop was refused. Says what was wrong, never the query.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Not HTTPS (or, for a local connection, not HTTP either).
    #[error("scheme {0:?} is not allowed")]
    Scheme(String),
    /// The host is not one of the connection's.
    #[error("host {0:?} is not on the connection's list")]
    Host(String),
    /// The link carries a user name or password.
    #[error("the link carries credentials")]
    Credentials,
    /// A literal address that is not public or, for a local connection, that clouds hand out credentials at.
    #[error("address {0} is not public")]
    Address(IpAddr),
}

/// Judges a hop against the exact host list of its connection. Entries are `host` (the scheme's own port) or
/// `host:port`; `local` connections may use plain HTTP and private addresses, but none at which a cloud hands out
/// credentials: a machine of theirs is where a trial may well run.
///
/// # Errors
/// [`Refused`] says which rule the link broke.
pub fn judge(url: &Url, hosts: &[String], local: bool) -> Result<(), Refused> {
    match url.scheme() {
        "https" => {}
        "http" if local => {}
        other => return Err(Refused::Scheme(other.to_owned())),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Refused::Credentials);
    }
    let host = url.host_str().unwrap_or_default();
    let listed = hosts.iter().any(|entry| match url.port() {
        Some(port) => entry.eq_ignore_ascii_case(&format!("{host}:{port}")),
        None => entry.eq_ignore_ascii_case(host),
    });
    if !listed {
        return Err(Refused::Host(host.to_owned()));
    }
    let literal = match url.host() {
        Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
        Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
        Some(Host::Domain(_)) | None => None,
    };
    let may_be_reached = |address| match local {
        true => !is_metadata(address),
        false => is_public(address),
    };
    match literal {
        Some(address) if !may_be_reached(address) => Err(Refused::Address(address)),
        Some(_) | None => Ok(()),
    }
}

/// Whether a link leads to this machine, by its address, over plain HTTP. A name could lead anywhere.
#[must_use]
pub fn is_plain_and_here(url: &Url) -> bool {
    let here = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(_)) | None => false,
    };
    here && url.scheme() == "http"
}

/// Whether a cloud answers its own machines at this address, also with credentials: link-local ones (AWS, Azure, Google)
/// and the few that lie elsewhere, in any IPv6 form too.
#[must_use]
pub fn is_metadata(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_link_local() || METADATA_V4.contains(&v4),
        IpAddr::V6(v6) => match embedded_v4(v6) {
            Some(v4) => v4.is_link_local() || METADATA_V4.contains(&v4),
            // AWS over IPv6 (fd00:ec2::254, ::23), Google (fd20:ce::254).
            None => {
                v6.is_unicast_link_local()
                    || matches!(v6.segments(), [0xfd00, 0x0ec2, ..] | [0xfd20, 0x00ce, ..])
            }
        },
    }
}

/// Alibaba's, Oracle's and Azure's, of which the last is in a public range.
const METADATA_V4: [Ipv4Addr; 3] = [
    Ipv4Addr::new(100, 100, 100, 200),
    Ipv4Addr::new(192, 0, 0, 192),
    Ipv4Addr::new(168, 63, 129, 16),
];

/// Whether an address is on the public internet: not loopback, private, link-local (cloud metadata), shared,
/// documentation, benchmarking, multicast, reserved, nor an IPv6 form that embeds such an IPv4 address.
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => match embedded_v4(v6) {
            Some(v4) => is_public_v4(v4),
            None => is_public_v6(v6),
        },
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !(address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation()
        || address.is_broadcast()
        || a == 0
        || a >= 224
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 198 && (b == 18 || b == 19))
        // The anycast address of 6to4's relays, which are no more.
        || (a == 192 && b == 88 && c == 99)
        || METADATA_V4.contains(&address))
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let first = address.segments()[0];
    let second = address.segments()[1];
    // Only 2000::/3 is handed out as global unicast. Of it, 2001::/23 is for protocols, not for hosts: Teredo, which carries
    // IPv4 addresses inverted, benchmarking, identifiers. The other two are for documentation.
    (first & 0xe000) == 0x2000
        && !(first == 0x2001 && (second < 0x0200 || second == 0x0db8))
        && first != 0x3fff
        // ISATAP: an interface that leads on to an IPv4 address.
        && match address.segments() {
            [_, _, _, _, 0 | 0x0200, 0x5efe, high, low] => is_public_v4(joined(high, low)),
            _ => true,
        }
}

/// The IPv4 address inside a mapped, compatible, NAT64 or 6to4 address.
fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let s = address.segments();
    let tail = || joined(s[6], s[7]);
    match s {
        [0, 0, 0, 0, 0, 0xffff, ..] | [0x64, 0xff9b, 0, 0, 0, 0, ..] => Some(tail()),
        [0, 0, 0, 0, 0, 0, _, low] if s[6] != 0 || low > 1 => Some(tail()),
        [0x2002, high, low, ..] => Some(joined(high, low)),
        _ => None,
    }
}

fn joined(high: u16, low: u16) -> Ipv4Addr {
    Ipv4Addr::from((u32::from(high) << 16) | u32::from(low))
}

#[cfg(test)]
mod spellings;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_listed_hosts_over_tls() {
        let hosts = [
            "lookaside.fbsbx.com".to_owned(),
            "127.0.0.1:9000".to_owned(),
        ];
        for (link, local, fine) in [
            ("https://lookaside.fbsbx.com/a?mid=1", false, true),
            ("https://LOOKASIDE.fbsbx.com/a", false, true),
            ("https://lookaside.fbsbx.com:443/a", false, true),
            ("https://lookaside.fbsbx.com:8443/a", false, false),
            ("http://lookaside.fbsbx.com/a", false, false),
            ("https://lookaside.fbsbx.com.evil.example/a", false, false),
            ("https://evil.example/lookaside.fbsbx.com", false, false),
            ("https://token@lookaside.fbsbx.com/", false, false),
            ("file:///etc/passwd", true, false),
            ("http://127.0.0.1:9000/x", true, true),
            ("http://127.0.0.1:9001/x", true, false),
            ("https://127.0.0.1:9000/x", false, false),
            ("http://0x7f000001:9000/x", false, false),
            ("https://[::ffff:127.0.0.1]:9000/x", false, false),
        ] {
            assert_eq!(
                judge(&Url::parse(link).unwrap(), &hosts, local).is_ok(),
                fine,
                "{link}"
            );
        }
    }

    #[test]
    fn this_machine_is_told_by_its_address() {
        for (link, here) in [
            ("http://127.0.0.1:9000/hook", true),
            ("http://[::1]/", true),
            ("https://127.0.0.1/", false),
            ("http://localhost/", false),
            ("http://10.0.0.1/", false),
            ("ftp://127.0.0.1/", false),
        ] {
            assert_eq!(
                is_plain_and_here(&Url::parse(link).unwrap()),
                here,
                "{link}"
            );
        }
    }

    #[test]
    fn private_addresses_in_any_spelling_are_not_public() {
        for text in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "198.18.0.1",
            "192.0.0.1",
            "::",
            "::1",
            "fe80::1",
            "fd00::1",
            "fc00::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "2002:7f00:1::",
            "::7f00:1",
            "2001:db8::1",
        ] {
            assert!(!is_public(text.parse().unwrap()), "{text}");
        }
        for text in [
            "157.240.1.1",
            "8.8.8.8",
            "2a03:2880:f12f:83:face:b00c:0:25de",
            "::ffff:8.8.8.8",
        ] {
            assert!(is_public(text.parse().unwrap()), "{text}");
        }
    }
}
