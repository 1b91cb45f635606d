//! Whole journeys over the twins: what becomes of a file or of words, how often they are sent, what it costs, and what each
//! side is told.

mod both_ways;
mod decided;
mod erased;
mod forward;
mod limits;
mod reopened;
mod replayed;
mod scanned;
mod synthetic;
mod to_agent;
mod transfers;
mod trouble;
mod usage;
mod world;
