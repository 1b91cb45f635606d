//! Checks of the protocols: an exhaustive model.

pub mod model;
