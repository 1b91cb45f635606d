//! The stand-ins from outside, over real sockets: rules, time, faults, contracts.

#![expect(
    clippy::expect_used,
    reason = "this whole crate is tests; what they share panics like them"
)]

mod agent_files;
mod agent_side;
mod agents;
mod cxone;
mod downloads;
mod faults;
mod framing_faults;
mod genesys;
mod genesys_faults;
mod integrations;
mod late_faults;
mod outbound;
mod ranges;
mod receipts;
mod says;
mod sends;
mod social;
mod statuses;
mod support;
mod tokens;
mod uploads;
mod webhooks;
