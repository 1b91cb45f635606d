//! Channels of one's own making: what CXone asks of a middleware (`webhook`, `address`, [`answer`]), and what it is given
//! (`message`). The conversation is the thread, named alike in both directions:
//!
//! | field | comes from |
//! |---|---|
//! | `channelId` | the connection's `channel_id`; in calls of ours the path, in CXone's that of contract 2.0 |
//! | `thread.idOnExternalPlatform` | channel, business address and customer: `whatsapp_106540352242922_16505551234` |
//! | `authorEndUserIdentity`, `endUserRecipients` | the customer's address |
//! | `recipients` | the business address |
//! | `idOnExternalPlatform` of a message | the customer's own message id; of an agent's message ours, in the answer to it |

mod address;
mod answer;
mod message;
mod webhook;
mod words;

pub use address::Address;
pub use answer::{answer, message_name};
pub use message::{create_message, read_uploaded, upload};
pub use webhook::{parse, parse_at};
