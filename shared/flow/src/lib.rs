//! The loops of Attaché over its ports: ask the domain what to do next, do it, report back. No SDK, no timers, no
//! spawning: the same code runs in the functions (over `edge`), in tests (over [`memory`]) and in the simulation,
//! which crashes it between any two calls.
//!
//! One module for each function's promise: [`intake`] → [`fetch`] → [`judge`] → [`convert`] → [`deliver`], with [`forward`],
//! [`refresh`] and [`sweep`] beside them; [`ports`] is what they need of the world, [`conformance`] what every implementation of a
//! port must do.

pub mod batch;
pub mod bearer;
pub mod completion;
pub mod conformance;
pub mod convert;
pub mod decision;
pub mod deliver;
pub mod erasure;
pub mod fetch;
pub mod forward;
pub mod guard;
pub mod held;
pub mod intake;
pub mod judge;
mod learning;
pub mod memory;
pub mod metered;
pub mod ports;
pub mod refresh;
pub mod reopening;
pub mod replay;
pub mod retry;
pub mod status;
pub mod submission;
pub mod sweep;
pub mod taken;
pub mod telling;
