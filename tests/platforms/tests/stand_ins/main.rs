//! The stand-ins from outside, over real sockets: rules, time, faults, contracts.

mod downloads;
mod faults;
mod genesys;
mod outbound;
mod support;
mod webhooks;
