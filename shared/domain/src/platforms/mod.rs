//! The platforms, without I/O: build requests, parse answers and webhooks, turn vendor errors into a disposition and
//! a diagnosis. Wire facts cite the vendor's page or specification.

pub mod genesys;
pub mod whatsapp;
