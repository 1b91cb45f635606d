//! What any webhook becomes: the one event model that the rest of the system knows. Nothing behind it can tell which
//! platform a word or a file came from.
//!
//! A webhook is read into [`Announcement`]s (`said`); each becomes the items it asks for ([`admit`]): one for each
//! file, and one for words that no file carries. What is remembered of an item is its [`Origin`] (`origin`).

mod admit;
mod origin;
mod said;

pub use admit::{Admission, KeptBecause, Member, admit};
pub use origin::{Content, File, FollowUp, Origin, Receipt, ReceiptStatus, Words};
pub use said::{
    About, Announcement, Attachment, Fate, Link, MediaKind, Message, Part, Reached, Said, Status,
};

#[cfg(test)]
pub(crate) use admit::tests::origin;
