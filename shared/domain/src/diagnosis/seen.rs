//! What was seen: an answer, a report, or why there is neither.

use serde_json::Value;

use crate::wire::{CallError, Handshake, Response};

/// Whose answer it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Platform {
    /// WhatsApp Cloud API.
    WhatsApp,
    /// Messenger.
    Messenger,
    /// Instagram Direct.
    Instagram,
    /// Genesys Cloud, published surfaces and the source documents' ones.
    Genesys,
    /// NICE CXone, published surfaces and the source documents' ones.
    Cxone,
    /// A host that gives files by link: a platform's content network, an object store.
    Host,
}

impl Platform {
    /// Every platform.
    pub const ALL: [Self; 6] = [
        Self::WhatsApp,
        Self::Messenger,
        Self::Instagram,
        Self::Genesys,
        Self::Cxone,
        Self::Host,
    ];

    /// What the codes of its failures begin with.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::WhatsApp => "whatsapp",
            Self::Messenger => "messenger",
            Self::Instagram => "instagram",
            Self::Genesys => "genesys",
            Self::Cxone => "cxone",
            Self::Host => "transfer",
        }
    }

    /// Where it tells the world whether it works (checked 2026-11-26); `None`: a host of files is nobody's in particular.
    #[must_use]
    pub fn status_page(self) -> Option<&'static str> {
        match self {
            Self::WhatsApp => Some("https://metastatus.com/whatsapp-business-api"),
            Self::Messenger | Self::Instagram => Some("https://metastatus.com"),
            Self::Genesys => Some("https://status.mypurecloud.com"),
            Self::Cxone => Some("https://status.niceincontact.com"),
            Self::Host => None,
        }
    }

    /// The platform of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == name)
    }

    pub(super) fn is_meta(self) -> bool {
        matches!(self, Self::WhatsApp | Self::Messenger | Self::Instagram)
    }
}

/// What was being done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A token was asked for.
    Token,
    /// Where a file is.
    LookUp,
    /// The file's bytes.
    Download,
    /// Bytes were handed over. Nobody sees that, so it may be repeated.
    Upload,
    /// What became of bytes handed over.
    UploadStatus,
    /// A message was sent: the one step that must not happen twice.
    Send,
    /// The platform reports by webhook what became of a message or an upload.
    Webhook,
    /// A webhook was registered.
    Register,
    /// What the platform takes, as its owner set it up.
    Configuration,
}

impl Step {
    /// Every step.
    pub const ALL: [Self; 9] = [
        Self::Token,
        Self::LookUp,
        Self::Download,
        Self::Upload,
        Self::UploadStatus,
        Self::Send,
        Self::Webhook,
        Self::Register,
        Self::Configuration,
    ];

    /// Its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::LookUp => "look-up",
            Self::Download => "download",
            Self::Upload => "upload",
            Self::UploadStatus => "upload-status",
            Self::Send => "send",
            Self::Webhook => "webhook",
            Self::Register => "register",
            Self::Configuration => "configuration",
        }
    }

    /// The step of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == name)
    }
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// We did not want to connect.
    Refused,
    /// The name has no address.
    Name,
    /// TLS did not come about.
    Tls(Handshake),
    /// No connection, for another reason.
    NoConnection,
    /// It was sent, or may have been.
    NoAnswer,
}

impl Trouble {
    /// What a call ended with.
    #[must_use]
    pub fn of(error: &CallError) -> Self {
        match error {
            CallError::Refused(_) => Self::Refused,
            CallError::NoName(_) => Self::Name,
            CallError::Tls(handshake, _) => Self::Tls(*handshake),
            CallError::NotSent(_) => Self::NoConnection,
            CallError::NoAnswer(_) => Self::NoAnswer,
        }
    }
}

/// What was seen.
#[derive(Clone, Copy, Debug)]
pub enum Outcome<'a> {
    /// An answer.
    Answer(&'a Response),
    /// What a verified webhook or a look-up reports: the error itself, or the event's data.
    Report(&'a Value),
    /// No answer.
    Lost(&'a CallError),
}

/// What was seen, of whom, doing what.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// Whose answer it should be.
    pub platform: Platform,
    /// What was being done.
    pub step: Step,
    /// What came.
    pub outcome: Outcome<'a>,
}
