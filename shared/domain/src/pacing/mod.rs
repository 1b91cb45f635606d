//! When may the next call to a platform be made? First pace, so that limits are not hit; then back off, when they
//! were hit all the same; then stop asking for a while, when the far side is down.
//!
//! | module | answers |
//! |---|---|
//! | [`rate`] | what a limit *is*: one call every T, so many at once |
//! | [`gcra`] | when exactly n calls may be made, reserved in one conditional write |
//! | [`attempt`] | that conditional write, as a value |
//! | [`wait`] | how that wait is split between the queue and the function |
//! | [`retry_after`] | what the platform asked for, read and capped |
//! | [`backoff`] | how long to wait after a failure, and when to give up |
//! | [`breaker`] | whether to call at all |
//! | [`host`] | both of these, for a host that hands out files |
//! | [`mod@line`] | the same for a platform that takes messages, with its pace after it refused |
//! | [`budget`] | how many errors a platform may be made to answer with |
//! | [`usage`] | what answers tell of limits before they are hit |
//!
//! Everything here is arithmetic: `now` and the random generator are arguments, waits are answers. Nobody sleeps,
//! stores or logs in these modules; the handlers and the adapter of the `limits` table do.

pub mod attempt;
pub mod backoff;
pub mod breaker;
pub mod budget;
pub mod gcra;
pub mod host;
pub mod line;
pub mod rate;
pub mod retry_after;
pub mod usage;
pub mod wait;
