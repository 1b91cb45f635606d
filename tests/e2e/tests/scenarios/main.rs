//! The system from outside: real processes, real HTTP, real files.

mod archive;
mod bad_input;
mod batches;
mod both_ways;
mod content_domain;
mod cxone;
mod flows;
mod happy;
mod kill_points;
mod limits;
mod misbehaving;
mod passed_on;
mod purity;
mod refused;
mod replay_storm;
mod scanned;
mod social;
mod storm;
mod strangers;
mod taken_back;
mod template_agrees;
mod throttled;
mod two_steps;
