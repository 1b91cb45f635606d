//! The source documents' conversations of CXone (`S1-12`, `S1-14`, `S1-42`, `S1-44`), which NICE does not publish: an event that names
//! files, their download by the bearer, an upload as a form, and a message that names what was uploaded. Written as the documents have
//! it, for systems that were built after them; no tenant of NICE's is known to answer it (`infra/decisions/0034`).
//!
//! | field | comes from |
//! |---|---|
//! | `conversation_id`, `conversationId` | the customer's address: it is all that the event says of whom it is about |
//! | `message_id` | names the message; without it `event_id` |
//! | `attachment_id`, `attachmentId` | the platform's name for a file, in the event and in the answer to an upload |

mod event;
mod message;

pub use event::parse;
pub use message::{UPLOAD_LIFE, create_message, read_uploaded, upload};
