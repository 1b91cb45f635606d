//! The template on one machine.

pub mod template;
