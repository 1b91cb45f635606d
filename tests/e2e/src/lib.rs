//! Scenarios over real processes: the shared stage on which they play.
//!
//! A [`Stage`] is the whole system on this machine: the template's resources in the embedded engines, the functions as
//! their own processes, stand-ins for WhatsApp and Genesys on both sides. It is shortened in time only (leases, sweeps
//! and send deadlines of one or two seconds), so that recovery can be awaited. Every scenario has stages of its own,
//! waits for states with a bound and never for a moment, and looks at what was seen from outside: the agent's desk, the
//! rows, the objects, the log lines, the calls to AWS.
//!
//! [`binaries`] finds the functions, [`media`] are the files a customer sends, [`LogBook`] is what the functions printed,
//! [`OldSystem`] is one to pass webhooks on to,
//! [`eventually`] waits.
//!
//! Left out: platforms' own behaviour (`tests/platforms` proves the stand-ins against the published schemas) and
//! interleavings (`tests/simulation`, millions of times faster).

pub mod binaries;
mod log;
pub mod media;
mod old_system;
mod stage;
mod wait;

pub use log::LogBook;
pub use old_system::{OldSystem, Taken};
pub use stage::{CUSTOMER, CUSTOMER_SIDE, Rows, Sent, Setup, Stage};
pub use wait::eventually;
