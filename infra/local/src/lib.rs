//! The template on one machine.

pub mod engine;
pub mod lambda;
mod serve;
pub mod template;
