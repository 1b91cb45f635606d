//! What CXone calls under an endpoint of ours, by the rest of the path (cxone.md §2.2, §3). The names of the token's and the unused
//! addresses are ours to give; those of messages are CXone's.

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address<'a> {
    /// The authorization URL.
    Token,
    /// An agent's message, by contract 1.0 (which names no channel) or 2.0.
    Message {
        /// The channel, if the path names it.
        channel: Option<&'a str>,
    },
    /// An address a channel type may have and that nothing of ours needs: answered and left at that.
    Unused,
}

impl<'a> Address<'a> {
    /// The address behind `/webhooks/<endpoint>/`; `None`: there is none.
    #[must_use]
    pub fn read(path: &'a str) -> Option<Self> {
        let segments: Vec<&str> = path.split('/').collect();
        match segments.as_slice() {
            ["1.0", "token"] => Some(Self::Token),
            ["1.0", "posts", post, "messages"] if !post.is_empty() => {
                Some(Self::Message { channel: None })
            }
            ["2.0", "channel", channel, "outbound"] if !channel.is_empty() => {
                let channel = Some(*channel);
                Some(Self::Message { channel })
            }
            ["1.0" | "2.0", "action" | "reconnect" | "remove", ..] => Some(Self::Unused),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_both_contracts() {
        let message = |channel| Some(Address::Message { channel });
        for (path, expected) in [
            ("1.0/token", Some(Address::Token)),
            ("1.0/posts/p1/messages", message(None)),
            ("2.0/channel/byoc_1/outbound", message(Some("byoc_1"))),
            ("1.0/action", Some(Address::Unused)),
            ("1.0/reconnect/x", Some(Address::Unused)),
            ("2.0/remove", Some(Address::Unused)),
            ("1.0/posts//messages", None),
            ("2.0/channel//outbound", None),
            ("2.0/channel/byoc_1/outbound/", None),
            ("3.0/token", None),
            ("token", None),
            ("", None),
        ] {
            assert_eq!(Address::read(path), expected, "{path}");
        }
    }
}
