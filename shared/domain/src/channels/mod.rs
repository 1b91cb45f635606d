//! What a channel can carry: which types, how large, with what caption, under which name.
//!
//! | module | holds |
//! |---|---|
//! | [`media_type`] | MIME types without their parameters and aliases; wildcards |
//! | [`matrix`] | the capability matrix, a data file (`data/channels.toml`), and looking things up in it |
//! | [`mod@plan`] | what becomes of a file at its target |
//! | [`mod@wire_name`] | file names every platform accepts |
//!
//! The matrix says what the channels publish. What holds for one message is the least of all layers: the sender's channel,
//! the receiver's, its live configuration and the owner's own limits.

mod known_types;
pub mod matrix;
pub mod media_type;
pub mod plan;
pub mod wire_name;

pub use matrix::{Direction, Fit, Kind, Limits, Matrix, Media, Misfit};
pub use media_type::{MediaType, TypePattern};
pub use plan::plan;
pub use wire_name::wire_name;
