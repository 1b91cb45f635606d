//! Whole journeys over the twins: what becomes of a file or of words, how often they are sent, what it costs, and what each
//! side is told.

mod attributes;
mod batches;
mod both_ways;
mod cxone;
mod decided;
mod erased;
mod forward;
mod held_uploads;
mod limits;
mod links;
mod reopened;
mod replayed;
mod scanned;
mod social;
mod storms;
mod synthetic;
mod to_agent;
mod transfers;
mod trouble;
mod two_steps;
mod usage;
mod world;
