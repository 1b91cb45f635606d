//! Items that a person names on the command line, and why.

use attache_domain::ids::MediaId;
use clap::Args;
use clap::builder::NonEmptyStringValueParser;

use crate::system::Target;

/// Options of commands that do something to single items.
#[derive(Args, Debug)]
pub struct Chosen {
    /// The items, by their media ids (26 characters, as logs and tables name them).
    #[arg(required = true, value_name = "ID")]
    pub(crate) ids: Vec<MediaId>,
    #[command(flatten)]
    pub(crate) target: Target,
    /// Why; written down with each item.
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) reason: String,
    /// Prints one line of JSON for each item instead: media, outcome, and the stage and verdict where they matter.
    #[arg(long)]
    pub(crate) json: bool,
}
