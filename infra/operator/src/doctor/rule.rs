//! Everything doctor can find: one table of ids, each with what it means, what to do, and which asks of the sources it answers.
//! `infra/findings.md` is this table for people.

use std::fmt;

use serde::{Serialize, Serializer};

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Files or words do not arrive.
    Error,
    /// They arrive today; something is about to change that, or some of them do not.
    Warning,
    /// Worth knowing. Does not count for the exit code.
    Note,
}

impl Severity {
    /// The word in tables.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

macro_rules! rules {
    ($($(#[$doc:meta])* $name:ident = $id:literal, $severity:ident, [$($ask:literal),*], $remedy:literal;)*) => {
        /// One thing that can be found.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Rule {
            $($(#[$doc])* $name,)*
        }

        impl Rule {
            /// All of them, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Its id.
            #[must_use]
            pub fn id(self) -> &'static str {
                match self { $(Self::$name => $id,)* }
            }

            /// How bad it is.
            #[must_use]
            pub fn severity(self) -> Severity {
                match self { $(Self::$name => Severity::$severity,)* }
            }

            /// The asks it answers, by their ids in the checklist.
            #[must_use]
            pub fn asks(self) -> &'static [&'static str] {
                match self { $(Self::$name => &[$($ask),*],)* }
            }

            /// What to do about it.
            #[must_use]
            pub fn remedy(self) -> &'static str {
                match self { $(Self::$name => $remedy,)* }
            }
        }
    };
}

rules! {
    /// The file has mistakes.
    ConfigWrong = "config.wrong", Error, ["S1-8", "SX-11"], "Correct the line that is named; `attache connections validate` says the same without asking anybody.";
    /// A secret that is referred to is not there.
    SecretMissing = "config.secret-missing", Error, ["SX-12"], "Set the variable or file that is named, or create the secret, then apply the file again.";
    /// Nothing leads from a connection that takes in.
    NoRoute = "config.no-route", Note, ["SX-12"], "Add a [[route]] if what comes over it is to go anywhere: without one it is kept for 30 days and alarmed.";
    /// The Graph API version nears its end or is over.
    GraphVersionOld = "config.graph-version", Warning, ["S0-59"], "Set `graph_version` to a newer one after reading Meta's changelog; a version lives for about two years (ruling C29).";
    /// No address for a host.
    NoName = "host.no-name", Error, ["S0-21", "SX-12"], "Correct the host's name, or the resolver of the network this runs in.";
    /// A host has no public address.
    NotPublic = "host.not-public", Error, ["S0-21"], "Ask who answers for this name: a private or metadata address is never called. For a server of your own set `local = true`, in a local run.";
    /// Nobody takes the connection.
    Unreachable = "host.unreachable", Error, ["S0-26", "SX-12"], "Allow egress to this host and port in firewall, security group and NAT.";
    /// An address is not on the owner's egress list.
    NotListed = "host.not-on-egress-list", Warning, ["S0-25", "S0-26"], "Add the address or its block to the egress rules: closed edge blocks are the commonest cause of uploads that vanish.";
    /// TLS older than 1.2, or none in common.
    TlsTooOld = "tls.too-old", Error, ["S0-29", "S0-30"], "Something on the way speaks no TLS 1.2. Nothing here goes below it: have the proxy or load balancer configured for 1.2 and 1.3.";
    /// TLS 1.2 and nothing newer.
    TlsOnly12 = "tls.only-1.2", Warning, ["S0-29", "S0-30"], "Let whoever ends TLS here offer 1.3: providers increasingly ask for it, and one that does answers the second hop with 403.";
    /// The certificate came without the one that signed it.
    TlsNoIntermediate = "tls.no-intermediate", Error, ["S0-21", "S0-28"], "Serve the full chain, leaf first, without the root. (If the named issuer is a root of your own, trust it: SSL_CERT_FILE.)";
    /// The chain leads to nobody who is trusted.
    TlsUntrusted = "tls.untrusted", Error, ["S0-21", "S0-28"], "An inspecting proxy or another server answers. Take it out of the way of these hosts, or, if it is yours, trust its root (SSL_CERT_FILE).";
    /// A certificate is over, or not valid yet.
    TlsExpired = "tls.expired", Error, ["S0-21", "S0-28"], "Renew the certificate. If it looks valid elsewhere, set this machine's clock.";
    /// A certificate ends within three weeks.
    TlsExpiresSoon = "tls.expires-soon", Warning, ["S0-28"], "Renew it before it ends, and see why nothing renewed it by itself.";
    /// The certificate is another host's.
    TlsWrongName = "tls.wrong-name", Error, ["S0-21", "S0-28"], "Correct the host in the configuration, or have the right certificate served: the edge that answers is not the host that was asked for.";
    /// The handshake ended for another reason.
    TlsRefused = "tls.refused", Error, ["S0-21", "S0-27"], "Look for what cuts TLS between here and there: firewall, inspecting proxy, a client certificate that is asked for.";
    /// The credentials are not taken.
    TokenRefused = "token.refused", Error, ["S0-52", "S0-57", "S2-27", "S3-50"], "Correct client id and secret, or make a new token, in the platform's console; then put it where the configuration refers to.";
    /// No token came, for another reason than the credentials.
    TokenUnanswered = "token.unanswered", Error, ["S0-57", "S2-4"], "Read the evidence: `attache diagnose` knows what it means.";
    /// Tokens live shorter than a batch should.
    TokenShort = "token.short-life", Warning, ["S0-55", "S0-60", "SB-16"], "Raise the token duration of the OAuth client: below 300 s every batch waits for a token of its own.";
    /// The account may not do what its profile needs.
    PermissionMissing = "permission.missing", Error, ["S0-4", "S0-54", "S1-4", "S3-51"], "Give the account's role the permission that is named.";
    /// The platform does not know what the configuration names.
    AccountUnknown = "account.unknown", Error, ["SX-11"], "Correct the id, or the region: the platform that answers knows no such number, page or integration, or not for this account.";
    /// The platform says nothing that helps.
    AccountUnanswered = "account.unanswered", Error, ["S0-8", "SX-12"], "Read the evidence: `attache diagnose` knows what it means. Try again: it may be the platform's hour.";
    /// Our endpoint does not answer.
    WebhookUnreachable = "webhook.unreachable", Error, ["S1-10", "S3-22"], "See that the API is deployed and its address is right; then what stands before it.";
    /// Our functions do not know the endpoint.
    WebhookUnknown = "webhook.unknown-endpoint", Error, ["S1-10"], "Apply the file (`attache connections apply`): an endpoint is closed until its row and all its secrets are there.";
    /// The verify token is not the one the functions have.
    WebhookVerifyToken = "webhook.verify-token", Error, ["S0-61"], "Apply the file again, and paste the token that `attache connections show --reveal` prints into Meta's screen.";
    /// The platform calls another address, or none.
    WebhookElsewhere = "webhook.elsewhere", Error, ["S3-22", "S3-23"], "Run `attache webhooks register CONNECTION`, or paste the address that `attache connections show` prints.";
    /// The platform signs with another secret.
    WebhookSecret = "webhook.secret", Error, ["S0-53", "S0-61", "S3-29"], "Run `attache webhooks register CONNECTION`, or paste the secret that `attache connections show --reveal` prints.";
    /// Events that the profile needs are not subscribed.
    WebhookEvents = "webhook.events", Error, ["S3-24"], "Run `attache webhooks register CONNECTION`, or tick the fields that are named.";
    /// The content profile refuses types that customers' channels take.
    ContentRefused = "content.refused", Warning, ["S0-70", "S1-52"], "Widen the integration's supported content profile (Genesys Cloud → Admin → Message → Supported Content), or agents' files of these types are not sent.";
    /// The owner's limits are wider than the platform's.
    LimitWider = "limits.wider-than-platform", Warning, ["S1-24", "S4-2"], "Narrow `[connection.limits]` to what the platform takes, so that files are planned for it rather than refused by it.";
    /// This machine's clock is off.
    ClockSkewed = "clock.skewed", Error, ["SX-12"], "Set this machine's clock (NTP). Signatures, leases and token lives are told by it.";
    /// A cached answer on a path where nothing may be cached.
    Cached = "path.cached", Error, ["S0-34", "S0-76", "S0-77", "S0-80"], "Take API paths out of the edge's cache (`no-store`), purge it, and see infra/runbooks.";
    /// An answer was packed although nothing but identity was asked for.
    Compressed = "path.compressed", Warning, ["S0-31", "S0-32", "S0-33"], "Switch compression off for media on whatever stands between: a body of another length is refused as tampered with.";
    /// A profile is pulled from, and there is no content domain.
    NoContentDomain = "content.no-domain", Error, ["S1-7"], "Deploy with ContentDomainName: a presigned link ends with the session of the role that signed it, perhaps before the platform comes for it.";
    /// A queue has no dead-letter queue.
    NoDeadLetters = "aws.no-dead-letters", Error, ["S0-47", "SX-12"], "Deploy the template again: its queues have one each, and this one was changed by hand.";
    /// Messages come back while they are still worked on.
    VisibilityShort = "aws.visibility-short", Error, ["SX-12"], "Deploy the template again: a message must stay hidden for six times as long as its function may take.";
    /// An alarm of the template is not there.
    NoAlarm = "aws.no-alarm", Warning, ["SX-12"], "Deploy this version's template: without the alarm nobody is told of what it watches.";
    /// A function may not do what it does.
    FunctionMayNot = "aws.permission-missing", Error, ["SX-12"], "Deploy this version's template: the functions of this version make this call.";
    /// A bucket may be opened to the public.
    BucketPublic = "aws.bucket-public", Error, ["SX-12"], "Switch all of S3's Block Public Access on for this bucket; deploying the template again does.";
    /// A bucket's default encryption is not the stack's key.
    BucketUnencrypted = "aws.bucket-unencrypted", Error, ["SX-12"], "Set the bucket's default encryption to the stack's own KMS key; deploying the template again does.";
    /// The caller may not look.
    NotAllowed = "aws.not-allowed", Note, ["SX-12"], "Give whoever runs doctor the permission that is named, if this is to be checked.";
    /// A resource that the stack names is not there.
    ResourceMissing = "aws.missing", Error, ["SX-12"], "Deploy the template again: what its outputs name was removed.";
    /// The test upload was refused.
    WriteRefused = "write-test.refused", Error, ["S0-22", "S0-23", "S4-1"], "Read the evidence: `attache diagnose` knows what it means.";
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

impl Serialize for Rule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.id())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fmt::Write as _;

    use super::*;

    /// The table as `infra/findings.md` has it.
    fn page() -> String {
        let mut page = String::from(
            "# What doctor finds\n\n`attache doctor` names each finding by an id of this table (made from `infra/operator/src/doctor/rule.rs`; a test \
             compares the two). Errors and warnings make its exit code 1, notes do not.\n\n\
             | id | severity | what to do | asks |\n|---|---|---|---|\n",
        );
        for rule in Rule::ALL {
            let asks = rule.asks().join(", ");
            let (id, severity, remedy) = (rule.id(), rule.severity().as_str(), rule.remedy());
            // Writing into a string never fails.
            let _ = writeln!(page, "| `{id}` | {severity} | {remedy} | {asks} |");
        }
        page
    }

    #[test]
    fn ids_are_one_each_and_tell_what_to_do() {
        let ids: BTreeSet<_> = Rule::ALL.iter().map(|rule| rule.id()).collect();
        assert_eq!(ids.len(), Rule::ALL.len());
        for rule in Rule::ALL {
            assert!(rule.remedy().ends_with(['.', ')']), "{rule}");
            assert!(!rule.asks().is_empty(), "{rule}");
        }
    }

    #[test]
    fn the_page_for_people_is_this_table() {
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../findings.md");
        let written = std::fs::read_to_string(root).unwrap();
        assert!(
            written == page(),
            "infra/findings.md should be:\n{}",
            page()
        );
    }
}
