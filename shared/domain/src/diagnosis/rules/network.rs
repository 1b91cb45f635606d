//! DNS, TCP and TLS on the way, and what stands in between: proxies that want credentials, portals that want a visitor.

use super::super::Confidence::{Certain, Likely};
use super::super::Domain::{Network, Ours};
use super::super::rule::Then::{Again, Open, Reject};
use super::super::rule::{Rule, rule, status, wire};
use super::super::seen::Platform::Host;
use super::super::seen::Step::{Send, Token};
use super::super::seen::Trouble::{Name, NoAnswer, NoConnection, Refused, Tls};
use crate::wire::Handshake;

#[rustfmt::skip]
pub(super) const RULES: &[Rule] = &[
    rule("net-address-host", "transfer.address-refused", wire(&[Refused]).of(&[Host]), (Ours, Reject, Certain), ADDRESS, "design §5"),
    rule("net-address", "network.address-refused", wire(&[Refused]), (Ours, Reject, Certain), URL, "design §5"),
    rule("net-name", "network.no-name", wire(&[Name]), (Network, Again, Certain), DNS, "S0-26"),
    rule("tls-chain", "network.tls-chain", wire(&[Tls(Handshake::Chain)]), (Network, Again, Certain), CHAIN, "S0-28"),
    rule("tls-expired", "network.tls-expired", wire(&[Tls(Handshake::Expired)]), (Network, Again, Certain), EXPIRED, "S0-28"),
    rule("tls-name", "network.tls-name", wire(&[Tls(Handshake::Name)]), (Network, Again, Certain), OTHER_NAME, "S0-28"),
    rule("tls-version", "network.tls-version", wire(&[Tls(Handshake::Version)]), (Network, Again, Certain), VERSION, "S0-29"),
    rule("tls-failure", "network.tls-refused", wire(&[Tls(Handshake::Refused)]), (Network, Again, Likely), HANDSHAKE, "S0-27 (handshake_failure)"),
    rule("tls-cut", "network.tls-cut", wire(&[Tls(Handshake::Cut)]), (Network, Again, Likely), CUT, "S0-27 (SSL_ERROR_SYSCALL), S0-26"),
    rule("net-no-token", "network.no-token-answer", wire(&[NoConnection, NoAnswer]).at(&[Token]), (Network, Again, Likely), NO_TOKEN, "S0-57"),
    rule("net-no-connection", "network.no-connection", wire(&[NoConnection]), (Network, Again, Likely), NETWORK, "S0-26, C7"),
    rule("net-open", "network.no-answer", wire(&[NoAnswer]).at(&[Send]), (Network, Open, Likely), NETWORK, "C7"),
    rule("net-no-answer", "network.no-answer", wire(&[NoAnswer]), (Network, Again, Likely), NETWORK, "C7"),
    rule("proxy-credentials", "network.proxy-refused", status(&[(407, 407)]), (Network, Again, Likely), PROXY, "RFC 9110 §15.5.8"),
    rule("captive-portal", "network.portal", status(&[(511, 511)]), (Network, Again, Likely), PORTAL, "RFC 6585 §6"),
];

const ADDRESS: &str =
    "The name resolves to an address that is not public. Look into DNS before anything else.";
const URL: &str = "Correct the connection's URL.";
const DNS: &str = "The name has no address. Check the host's name in the connection, then DNS from where Attaché runs.";
const CHAIN: &str = "The certificate is not one of a known authority, or its chain is incomplete: look for a proxy that opens TLS, or have the chain completed.";
const EXPIRED: &str = "The certificate is expired, revoked or not valid yet. Have it renewed; if only Attaché sees it, look for a proxy between.";
const OTHER_NAME: &str = "The certificate is another host's. Check DNS and the host's name; look for a proxy or portal between.";
const VERSION: &str = "Both sides have no TLS version in common: Attaché speaks 1.2 and 1.3. Look for a proxy or firewall that lowers it.";
const HANDSHAKE: &str = "The other side refused the TLS handshake (handshake_failure): look for a proxy or firewall with old ciphers between, or a client certificate that is wanted.";
const CUT: &str = "The connection was cut during the TLS handshake (SSL_ERROR_SYSCALL): mostly a firewall's egress rule. Allow the platform's and its content network's addresses.";
const NO_TOKEN: &str = "Nothing to do yet: the old token is kept and the next run tries again. If it lasts, look at the login host's reachability.";
const NETWORK: &str = "Nothing to do: Attaché tries again. If it lasts, look at DNS, egress rules and the platform's status page.";
const PROXY: &str = "A proxy between wants credentials. Let Attaché's network out without it.";
const PORTAL: &str =
    "A portal between wants a visitor to sign in. Let Attaché's network out without it.";
