//! The `attache` command as a library, so that scenarios drive the same code that people do.
//!
//! [`connections`] reads what the owner configured, [`site`] brings it up on this machine (embedded engines or another
//! AWS endpoint, stand-in platforms or one's own), [`local`] keeps it running, [`demo`] is the tour.

pub mod binaries;
pub mod connections;
pub mod demo;
pub mod local;
pub mod ready;
pub mod site;
pub mod standins;
