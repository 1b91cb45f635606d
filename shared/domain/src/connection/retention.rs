//! How long the bytes of what came over a connection stay (ruling C25). Rows stay in any case: they say what became of what.

use serde::{Deserialize, Serialize};

/// What the owner decided for a connection; some platforms' terms decide it for the owner.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Retention {
    /// Until the bucket's own lifecycle removes them. That a customer took a message back is told.
    #[default]
    Keep,
    /// The same, but what a customer takes back is removed from every store.
    KeepUntilUnsend,
    /// Only as long as delivering takes; and what a customer takes back is removed at once.
    ReferenceOnly,
}

impl Retention {
    /// Whether it is the default, which is not written down.
    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "the signature serde asks for"
    )]
    pub(super) fn is_keep(&self) -> bool {
        *self == Self::Keep
    }

    /// Whether what a customer takes back is removed.
    #[must_use]
    pub fn honours_unsend(self) -> bool {
        self != Self::Keep
    }
}
