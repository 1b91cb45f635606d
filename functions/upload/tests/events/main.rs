//! Recorded batches of the queues `media` and `media-retry` through the handler, over the twins and platforms that answer as
//! they are told.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod site;
mod to_agent;
mod to_customer;
