//! The rules of Attaché as plain functions over plain data: no async runtime, AWS, HTTP client, clock, environment or
//! global randomness.

// pub mod channels;
// pub mod digest;
pub mod pacing;
// pub mod signature;
pub mod time;
