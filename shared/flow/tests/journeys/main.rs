//! Whole journeys over the twins: what becomes of a file or of words, how often they are sent, what it costs, and what each
//! side is told.

mod agent_side;
mod attributes;
mod batches;
mod both_ways;
mod by_name;
mod cxone;
mod decided;
mod down;
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
mod tenants;
mod to_agent;
mod tokens;
mod transfers;
mod trouble;
mod two_steps;
mod usage;
mod world;
