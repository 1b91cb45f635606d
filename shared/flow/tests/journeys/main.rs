//! Whole journeys over the twins: what becomes of a file or of words, how often they are sent, what it costs, and what each
//! side is told.

mod agent_side;
mod any_to_any;
mod attributes;
mod batches;
mod both_ways;
mod by_name;
mod cxone;
mod decided;
mod doubted;
mod down;
mod erased;
mod forward;
mod held_uploads;
mod limits;
mod links;
mod refused_tokens;
mod reopened;
mod replayed;
mod scanned;
mod scopes;
mod social;
mod storms;
mod synthetic;
mod tenants;
mod times;
mod to_agent;
mod tokens;
mod transfers;
mod trouble;
mod two_steps;
mod unjudged;
mod upload_test;
mod usage;
mod world;
