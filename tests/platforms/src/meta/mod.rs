//! What Meta's channels share: the Graph host's errors and refusals, and how webhooks are written, signed and repeated.

pub(crate) mod callback;
pub(crate) mod error;
pub(crate) mod form;
pub(crate) mod graph;
pub(crate) mod written;

pub use callback::RetryPlan;
