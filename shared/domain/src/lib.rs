//! The rules of Attaché as plain functions over plain data: no async runtime, AWS, HTTP client, clock, environment or
//! global randomness. Time and randomness come in as arguments, decisions go out as values, and the handlers in
//! `flow` carry them out. Each module is one idea and can be read alone; a good order is
//! [`ids`] → [`connection`] → [`event`] → [`journey`] → [`claim`] → [`delivery`] → [`platforms`].

pub mod address;
pub mod audit;
pub mod bundle;
pub mod channels;
pub mod claim;
pub mod connection;
pub mod conversation;
pub mod delivery;
pub mod diagnosis;
pub mod digest;
pub mod egress;
pub mod event;
pub mod forward;
pub mod ids;
pub mod in_place;
pub mod job;
pub mod journey;
pub mod kinds;
pub mod notice;
pub mod pacing;
pub mod platforms;
pub mod processing;
pub mod pull;
pub mod scan;
pub mod settings;
pub mod signature;
pub mod time;
pub mod token;
pub mod transfer;
pub mod verdict;
pub mod wire;
