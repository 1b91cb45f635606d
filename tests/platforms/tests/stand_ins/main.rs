//! The stand-ins from outside, over real sockets: rules, time, faults, contracts.

#![expect(
    clippy::expect_used,
    reason = "this whole crate is tests; what they share panics like them"
)]

mod agent_files;
mod agents;
mod downloads;
mod faults;
mod genesys;
mod integrations;
mod outbound;
mod receipts;
mod support;
mod webhooks;
