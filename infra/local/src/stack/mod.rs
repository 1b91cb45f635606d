//! The whole stack: engines, resources, functions and their sources, from one template.
//!
//! Two steps, so that connections and secrets can be written before anything runs:
//! [`LocalStack::provision`] starts the engines (or uses another endpoint) and creates what the template declares;
//! [`Provisioned::run`] starts the event sources, and with them the functions.

mod clients;
mod options;
mod provision;
mod run;
mod signing;
mod wiring;

pub use clients::Clients;
pub use options::LocalOptions;
pub use run::{LocalRun, LocalStack, Provisioned};
pub use signing::Signing;
