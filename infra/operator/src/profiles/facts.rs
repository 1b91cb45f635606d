//! What is to be known of each profile before one is picked for a real account. A new profile does not compile without.

use attache_domain::connection::Profile;
use serde::Serialize;

/// Whether the platform itself publishes the surface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// It does.
    Published,
    /// The source documents describe it, and the platform does not: for no real account.
    DocumentsOnly,
}

impl Standing {
    /// The word used in configuration and documents.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Published => "published",
            Self::DocumentsOnly => "documents-only",
        }
    }
}

/// A field that says for whom a message is, or from whom.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Address {
    /// As the platform calls it.
    pub field: &'static str,
    /// Where its value comes from.
    pub from: &'static str,
}

/// Something that no document of the platform settles.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Open {
    /// What is not known.
    pub fact: &'static str,
    /// What to run, over a connection of one's own, to know.
    pub settled_by: &'static str,
}

/// One profile.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Facts {
    /// Whether its surface is published.
    pub standing: Standing,
    /// What comes in over it; `None`: nothing does.
    pub takes_in: Option<&'static str>,
    /// How files and words leave by it; `None`: nothing does.
    pub delivers_by: Option<&'static str>,
    /// The addresses of its conversations.
    pub addresses: &'static [Address],
    /// What is not confirmed.
    pub open: &'static [Open],
}

/// What a probe by hand looks like.
const SEND: &str = "attache send FILE --to CONNECTION --address … --until delivered";

const WHATSAPP: Facts = Facts {
    standing: Standing::Published,
    takes_in: Some("signed webhooks of messages and statuses; files by id for seven days"),
    delivers_by: Some("media upload, then a message by id"),
    addresses: &[
        Address {
            field: "to",
            from: "`from` of the customer's last message",
        },
        Address {
            field: "phone_number_id",
            from: "the connection",
        },
    ],
    open: &[
        Open {
            fact: "how fast the number may send; 20 files a second are begun with",
            settled_by: "attache doctor --connection CONNECTION, and log `the platform asked for less`",
        },
        Open {
            fact: "how Meta refuses a media id that it no longer has",
            settled_by: "attache diagnose FILE, with the answer",
        },
    ],
};

const MESSENGER: Facts = Facts {
    standing: Standing::Published,
    takes_in: Some("signed webhooks with links that need no bearer; no name, type, size or digest"),
    delivers_by: Some("attachment upload by bytes, then a message by id; words apart"),
    addresses: &[
        Address {
            field: "recipient.id",
            from: "`sender.id` (PSID) of the customer's last message",
        },
        Address {
            field: "page_id",
            from: "the connection",
        },
    ],
    open: &[Open {
        fact: "how long links live; files are fetched at once",
        settled_by: "metric LinkLifeLeft, and `attache redrive --cause transfer.link-refused` on what was lost",
    }],
};

const INSTAGRAM: Facts = Facts {
    addresses: &[
        Address {
            field: "recipient.id",
            from: "`sender.id` (IGSID) of the customer's last message",
        },
        Address {
            field: "account_id, page_id",
            from: "the connection",
        },
    ],
    open: &[
        Open {
            fact: "how long links live; files are fetched at once",
            settled_by: "metric LinkLifeLeft, and `attache redrive --cause transfer.link-refused` on what was lost",
        },
        Open {
            fact: "that what was handed over as bytes is sent by its attachment_id",
            settled_by: SEND,
        },
    ],
    ..MESSENGER
};

const GENESYS_OPEN_MESSAGING: Facts = Facts {
    standing: Standing::Published,
    takes_in: Some("signed outbound webhooks; files by token, then by a signed link without it"),
    delivers_by: Some("an inbound open message with a link that Genesys fetches; receipts back"),
    addresses: &[
        Address {
            field: "channel.from.id",
            from: "the customer's address on the channel",
        },
        Address {
            field: "channel.to.id",
            from: "`channel.to.id` of the agent's message",
        },
        Address {
            field: "integration_id",
            from: "the connection",
        },
    ],
    open: &[
        Open {
            fact: "how long Genesys takes to fetch a link, and whether it tells that it could not",
            settled_by: SEND,
        },
        Open {
            fact: "whether a second message with the same id is suppressed",
            settled_by: "attache send, twice with the same --key, and a look into the conversation",
        },
        Open {
            fact: "the rate limit of the OAuth client",
            settled_by: "attache doctor --connection CONNECTION",
        },
        Open {
            fact: "whether Architect sees `metadata` or `channel.metadata.customAttributes`",
            settled_by: "infra/flows, with both switched on",
        },
    ],
};

const GENESYS_MESSAGE_MEDIA: Facts = Facts {
    standing: Standing::DocumentsOnly,
    takes_in: Some("events `message:message-media`; files by token"),
    delivers_by: Some("a form with `mediaFile`, then a message with `mediaId`; attributes, notes"),
    addresses: &[
        Address {
            field: "from.id",
            from: "the customer: `data.conversation_id` of the event, or `--address from=…`",
        },
        Address {
            field: "to.id",
            from: "`--address to=…`, else the connection's `agent_id`",
        },
    ],
    open: &[Open {
        fact: "that the surface exists: Genesys publishes none of it",
        settled_by: "attache doctor --connection CONNECTION",
    }],
};

const GENESYS_WEB_MESSAGING: Facts = Facts {
    standing: Standing::DocumentsOnly,
    takes_in: Some("signed events of what became of uploads"),
    delivers_by: Some("metadata, bytes to a link, a completion, then a message"),
    addresses: &[
        Address {
            field: "channelId",
            from: "the connection's `channel_id`",
        },
        Address {
            field: "messageId",
            from: "the customer's message",
        },
        Address {
            field: "fileId",
            from: "the answer to the metadata",
        },
    ],
    open: &[Open {
        fact: "that the surface exists: Genesys publishes none of it",
        settled_by: "attache doctor --connection CONNECTION",
    }],
};

const GENESYS_WEB_CHAT: Facts = Facts {
    standing: Standing::DocumentsOnly,
    takes_in: None,
    delivers_by: Some("a form with `file`, then a message with `attachments`"),
    addresses: &[
        Address {
            field: "conversationId",
            from: "`--address conversationId=…`, after that the conversation's row",
        },
        Address {
            field: "from.id",
            from: "the customer",
        },
        Address {
            field: "to.id",
            from: "`--address to=…`, else the connection's `agent_id`",
        },
    ],
    open: &[Open {
        fact: "that the surface exists: Genesys publishes none of it",
        settled_by: "attache doctor --connection CONNECTION",
    }],
};

const GENESYS_AGENT: Facts = Facts {
    standing: Standing::Published,
    takes_in: None,
    delivers_by: Some(
        "a place, bytes to a link, a medium that becomes valid, then a message by id",
    ),
    addresses: &[Address {
        field: "conversationId, communicationId",
        from: "`--address FIELD=…`, after that the conversation's row",
    }],
    open: &[
        Open {
            fact: "whether a message may have words and a file at once",
            settled_by: "attache send FILE --to CONNECTION --text WORDS --address …",
        },
        Open {
            fact: "how long a place for bytes lives",
            settled_by: "metric of failures genesys.upload-link-expired",
        },
    ],
};

const GENESYS_MEDIA_UPLOAD: Facts = Facts {
    standing: Standing::DocumentsOnly,
    takes_in: Some("signed events `media.upload.completed`"),
    delivers_by: Some("a form with the test's fields; nobody gets the file"),
    addresses: &[Address {
        field: "channelType",
        from: "the connection's `channel_type`",
    }],
    open: &[Open {
        fact: "that the surface exists: Genesys publishes none of it",
        settled_by: "attache send FILE --to CONNECTION --address from=test",
    }],
};

const CXONE_BYOC: Facts = Facts {
    standing: Standing::Published,
    takes_in: Some(
        "agents' messages by contracts 1.0 and 2.0, with a token that Attaché issues; files by signed links",
    ),
    delivers_by: Some("a message with a link, or with a temporary attachment in base64"),
    addresses: &[
        Address {
            field: "thread.idOnExternalPlatform",
            from: "channel, business address and customer",
        },
        Address {
            field: "channelId",
            from: "the connection's `channel_id`",
        },
    ],
    open: &[
        Open {
            fact: "whether CXone calls again when it got no answer, and how it names a repeat",
            settled_by: "log `duplicate webhook`, after an answer was held back",
        },
        Open {
            fact: "whether it tells a repeated message of a customer by its id",
            settled_by: SEND,
        },
        Open {
            fact: "whether it takes an empty text with a file, and files of 40 MB",
            settled_by: SEND,
        },
    ],
};

const CXONE_CONVERSATIONS: Facts = Facts {
    standing: Standing::DocumentsOnly,
    takes_in: Some("events `CONVERSATION_MESSAGE`; files by token"),
    delivers_by: Some("the bytes in a form, then a message that names them"),
    addresses: &[Address {
        field: "conversationId",
        from: "the customer's address: `data.conversation_id` of the event",
    }],
    open: &[Open {
        fact: "that the surface exists: NICE publishes none of it",
        settled_by: "attache doctor --connection CONNECTION",
    }],
};

/// What is known of a profile.
#[must_use]
pub fn of(profile: Profile) -> &'static Facts {
    match profile {
        Profile::WhatsApp => &WHATSAPP,
        Profile::Messenger => &MESSENGER,
        Profile::Instagram => &INSTAGRAM,
        Profile::GenesysOpenMessaging => &GENESYS_OPEN_MESSAGING,
        Profile::GenesysMessageMedia => &GENESYS_MESSAGE_MEDIA,
        Profile::GenesysWebMessaging => &GENESYS_WEB_MESSAGING,
        Profile::GenesysWebChat => &GENESYS_WEB_CHAT,
        Profile::GenesysMediaUpload => &GENESYS_MEDIA_UPLOAD,
        Profile::GenesysAgent => &GENESYS_AGENT,
        Profile::CxoneByoc => &CXONE_BYOC,
        Profile::CxoneConversations => &CXONE_CONVERSATIONS,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_say_what_the_code_does() {
        for profile in Profile::ALL {
            let facts = of(profile);
            assert_eq!(facts.delivers_by.is_some(), profile.delivers(), "{profile}");
            assert!(!facts.addresses.is_empty(), "{profile}");
            let doubted = facts.open.iter().any(|open| open.fact.contains("exists"));
            let unpublished = facts.standing == Standing::DocumentsOnly;
            assert_eq!(doubted, unpublished, "{profile}");
        }
    }
}
