//! The way to every host a connection names: its name, the egress, TLS.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use attache_domain::connection::{Connection, authority};
use attache_domain::egress::{is_metadata, is_public};
use attache_domain::ids::ConnectionId;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use url::Url;

use super::egress::List;
use super::notebook::Notebook;
use super::rule::{Rule, Severity};
use super::subject::Subject;
use super::tls;

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(5);

/// One host, and who needs it.
struct Host {
    url: Url,
    local: bool,
    needed_by: Vec<ConnectionId>,
}

/// Looks at each host once. A host with an error cuts off the connections that need it: they are sent nothing further.
pub(super) async fn check(subject: &Subject, list: Option<&List>, notes: &mut Notebook) {
    for (name, host) in needed(subject.connections()) {
        let before = notes.findings.len();
        examine(&name, &host, list, notes).await;
        let is_error = notes.findings[before..]
            .iter()
            .any(|finding| finding.severity == Severity::Error);
        if is_error {
            notes.cut_off.extend(host.needed_by);
        }
    }
}

fn needed<'a>(connections: impl Iterator<Item = &'a Connection>) -> BTreeMap<String, Host> {
    let mut hosts = BTreeMap::new();
    for connection in connections {
        let bases = connection.bases();
        let scheme = bases.first().map_or("https", |url| url.scheme());
        let media = connection.bearer_hosts();
        let media = media
            .iter()
            .filter_map(|host| Url::parse(&format!("{scheme}://{host}")).ok());
        for url in bases.iter().map(|url| (*url).clone()).chain(media) {
            let host = hosts.entry(authority(&url)).or_insert_with(|| Host {
                url,
                local: connection.local,
                needed_by: Vec::new(),
            });
            if !host.needed_by.contains(&connection.id) {
                host.needed_by.push(connection.id.clone());
            }
        }
    }
    hosts
}

async fn examine(name: &str, host: &Host, list: Option<&List>, notes: &mut Notebook) {
    let Some(addresses) = resolved(name, host, notes).await else {
        return;
    };
    if let Some(list) = list {
        let unlisted: Vec<IpAddr> = addresses
            .iter()
            .map(SocketAddr::ip)
            .filter(|it| !list.has(*it))
            .collect();
        match unlisted.is_empty() {
            true => notes.well("egress-list", name, "every address is on it"),
            false => notes.find(Rule::NotListed, name, shown(&unlisted)),
        }
    }
    let Some(stream) = connected(name, &addresses, notes).await else {
        return;
    };
    if host.url.scheme() == "https" {
        tls::check(name, host.url.host_str().unwrap_or_default(), stream, notes).await;
    } else {
        notes.skip("tls", name, "plain http, for a stand-in on this machine");
    }
}

/// The addresses that may be called.
async fn resolved(name: &str, host: &Host, notes: &mut Notebook) -> Option<Vec<SocketAddr>> {
    let port = host.url.port_or_known_default().unwrap_or(443);
    let bare = host.url.host_str().unwrap_or_default();
    let bare = bare.trim_start_matches('[').trim_end_matches(']');
    let found = match lookup_host((bare, port)).await {
        Ok(found) => found.collect::<Vec<_>>(),
        Err(error) => {
            notes.find(Rule::NoName, name, error.to_string());
            return None;
        }
    };
    let may = |ip: IpAddr| match host.local {
        true => !is_metadata(ip),
        false => is_public(ip),
    };
    let fit: Vec<SocketAddr> = found.iter().copied().filter(|it| may(it.ip())).collect();
    if fit.is_empty() {
        let all: Vec<IpAddr> = found.iter().map(SocketAddr::ip).collect();
        let rule = if all.is_empty() {
            Rule::NoName
        } else {
            Rule::NotPublic
        };
        notes.find(rule, name, shown(&all));
        return None;
    }
    Some(fit)
}

/// A connection to the first address that takes one.
async fn connected(
    name: &str,
    addresses: &[SocketAddr],
    notes: &mut Notebook,
) -> Option<TcpStream> {
    let mut evidence = Vec::new();
    for address in addresses {
        match timeout(CONNECT, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                notes.well("egress", name, format!("{address} takes connections"));
                return Some(stream);
            }
            Ok(Err(error)) => evidence.push(format!("{address}: {error}")),
            Err(_) => evidence.push(format!("{address}: nothing within {} s", CONNECT.as_secs())),
        }
    }
    notes.find(Rule::Unreachable, name, evidence.join("; "));
    None
}

fn shown(addresses: &[IpAddr]) -> String {
    let texts: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    texts.join(", ")
}
