//! Stand-ins.
#![allow(dead_code)]
pub mod canary;
pub mod clock;
pub mod faults;
pub mod journal;
pub mod signature;
pub mod specs;
mod wire;
