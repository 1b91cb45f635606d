//! What a channel can carry: which types, how large, with what caption, under which name.
//!
//! | module | holds |
//! |---|---|
//! | [`media_type`] | MIME types without their parameters and aliases; wildcards |
//! | [`matrix`] | the capability matrix, a data file (`data/channels.toml`), and looking things up in it |
//! | [`limits`] | its rows of one channel, narrowed by live configuration and owner; whether a file fits |
//! | [`live`] | what platforms tell of their configuration, as bounds |
//! | [`taken`] | what is known of one connection beyond the matrix: what its platform told, what it refused |
//! | [`mod@plan`] | what becomes of a file at its target |
//! | [`longest_text`] | how long one message of words may be, and longer ones in pieces |
//! | [`ways`] | what can be done where it does not fit |
//! | [`mod@wire_name`] | file names every platform accepts |
//!
//! The matrix says what the channels publish. What holds for one message is the least of all layers: the platform's, the
//! channel's, its live configuration's and the owner's own limits.

mod known_types;
pub mod limits;
pub mod live;
pub mod longest_text;
pub mod matrix;
pub mod media_type;
pub mod plan;
pub mod taken;
pub mod ways;
pub mod wire_name;

pub use limits::{Bounds, Fit, Layer, Limits, Media, Misfit, Render};
pub use longest_text::LongestText;
pub use matrix::{Direction, Kind, Matrix, Surface};
pub use media_type::{MediaType, TypePattern, codec_of};
pub use plan::{Channel, Found, Known, Offered, plan, plan_for};
pub use taken::{Objection, Refused, Taken};
pub use ways::Ways;
pub use wire_name::{display_name, wire_name};
