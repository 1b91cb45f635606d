//! Checks of the protocols. The [`model`] explores an abstraction of them to the end; the simulation runs the code itself,
//! seed by seed: production handlers over the in-memory twins, in virtual time, with faults drawn from the seed, watched
//! by a [`reference`](mod@reference) of what must hold.
//!
//! One seed is one run ([`run::play`]): a few messages of customers and agents, words and files, over a few numbers in a few
//! webhooks ([`scene`]), the platforms ([`platforms`]), the queues ([`broker`]), the functions ([`bench`](mod@bench)) on a single-threaded executor
//! ([`schedule`]), and the weather ([`faults`]). The same seed gives the same run, line by line ([`trace`]).
//!
//! Some of what customers say they take back, at any moment before or after it comes; in some runs a host of files is in
//! [`trouble`] for everybody, or does not know what it is asked for.
//!
//! What it leaves out: disagreeing clocks, people (nobody releases, retries, replays or has something erased), endpoints
//! that only watch or pass on, the documents' media events, and whatever lies behind the ports: the adapters are checked against the twins by the conformance suite.

pub mod bench;
pub mod broker;
mod bugs;
pub mod dice;
pub mod faults;
pub mod files;
mod limiter;
pub mod model;
pub mod platforms;
pub mod ports;
pub mod reference;
pub mod run;
pub mod sabotage;
pub mod scene;
pub mod schedule;
pub mod trace;
pub mod trouble;
