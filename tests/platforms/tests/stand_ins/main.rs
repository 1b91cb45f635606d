//! The stand-ins from outside, over real sockets: rules, time, faults, contracts.

#![expect(
    clippy::expect_used,
    reason = "this whole crate is tests; what they share panics like them"
)]

mod downloads;
mod faults;
mod genesys;
mod outbound;
mod support;
mod webhooks;
