//! The `attache` command as a library, so that scenarios drive the same code that people do.
//!
//! [`connections`] reads what the owner configured, applies and shows it, [`site`] brings it up on this machine (embedded
//! engines or another AWS endpoint, stand-in platforms or one's own), [`local`] keeps it running, [`system`] finds what runs
//! (a deployed stack, or a local run) for the other commands, [`replay`] takes in what waited for
//! configuration, [`held`] releases and rejects, [`erase`] removes, [`redrive`] and [`resolve`] set going again, [`inspect`] judges
//! files at hand, [`plan`] says what a channel makes of them, [`send`] sends one, [`diagnose`] says why a call failed, [`doctor`] what
//! will fail, [`webhooks`] tells platforms where we are, [`profiles`] which surfaces there are, [`generated`] makes completions and
//! manual pages, [`demo`] is the tour.

pub mod binaries;
pub mod chosen;
pub mod connections;
pub mod content;
pub mod demo;
pub mod diagnose;
pub mod doctor;
pub mod erase;
pub mod generated;
pub mod held;
pub mod inspect;
pub mod local;
mod moment;
pub mod plan;
pub mod profiles;
pub mod ready;
pub mod redrive;
mod reopener;
pub mod replay;
pub mod resolve;
pub mod send;
pub mod site;
pub mod standins;
pub mod system;
pub mod webhooks;
