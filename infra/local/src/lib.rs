//! The template on one machine.

pub mod lambda;
mod serve;
pub mod template;
