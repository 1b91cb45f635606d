//! `attache profiles`: the surfaces that Attaché speaks, so that nobody picks one for a real account that does not exist.

mod facts;

use std::io::{self, Write};

use anyhow::{Context, Result};
use attache_domain::connection::Profile;
use clap::Args;
use serde::Serialize;

pub use facts::{Facts, Standing, of};

/// Options of `attache profiles`.
#[derive(Args, Debug)]
pub struct Options {
    /// Only this profile, with its addresses and what is not confirmed.
    profile: Option<String>,
    /// Prints a JSON document a line, one for each profile.
    #[arg(long)]
    json: bool,
}

/// One line of `--json`.
#[derive(Serialize)]
struct Line {
    profile: Profile,
    #[serde(flatten)]
    facts: &'static Facts,
}

/// Prints them.
///
/// # Errors
/// If there is no profile of that name, or standard output cannot be written to.
pub fn run(options: &Options) -> Result<bool> {
    let profiles = chosen(options.profile.as_deref())?;
    let text: String = match (options.json, options.profile.is_some()) {
        (true, _) => in_json(&profiles)?,
        (false, true) => profiles.iter().map(|it| in_full(*it)).collect(),
        (false, false) => table(&profiles),
    };
    io::stdout()
        .write_all(text.as_bytes())
        .context("writing to standard output")?;
    Ok(true)
}

/// All, or the one of that name.
fn chosen(name: Option<&str>) -> Result<Vec<Profile>> {
    let Some(name) = name else {
        return Ok(Profile::ALL.to_vec());
    };
    let found = Profile::ALL.into_iter().find(|it| it.as_str() == name);
    let found = found.with_context(|| {
        let names = Profile::ALL.map(Profile::as_str).join(", ");
        format!("there is no profile {name:?}; there are {names}")
    })?;
    Ok(vec![found])
}

fn in_json(profiles: &[Profile]) -> Result<String> {
    let mut text = String::new();
    for profile in profiles {
        let line = Line {
            profile: *profile,
            facts: of(*profile),
        };
        text.push_str(&serde_json::to_string(&line)?);
        text.push('\n');
    }
    Ok(text)
}

/// A line for each.
fn table(profiles: &[Profile]) -> String {
    let width = profiles.iter().map(|it| it.as_str().len()).max();
    let width = width.unwrap_or_default();
    let mut text = format!(
        "{:<width$}  {:<14}  {:<8}  {:<8}  not confirmed\n",
        "profile", "surface", "takes in", "delivers"
    );
    for profile in profiles {
        let facts = of(*profile);
        let or_not = |it: Option<&str>| if it.is_some() { "yes" } else { "–" };
        text.push_str(&format!(
            "{:<width$}  {:<14}  {:<8}  {:<8}  {}\n",
            profile.as_str(),
            facts.standing.as_str(),
            or_not(facts.takes_in),
            or_not(facts.delivers_by),
            facts.open.len(),
        ));
    }
    text.push_str("\nattache profiles NAME says how, to whom, and what would settle the rest. What is documents-only is for no real account.\n");
    text
}

/// Everything of one.
fn in_full(profile: Profile) -> String {
    let facts = of(profile);
    let mut text = format!(
        "{profile}, {}\n  takes in   {}\n  delivers   {}\n",
        facts.standing.as_str(),
        facts.takes_in.unwrap_or("nothing"),
        facts.delivers_by.unwrap_or("nothing"),
    );
    for address in facts.addresses {
        text.push_str(&format!(
            "  address    {}: {}\n",
            address.field, address.from
        ));
    }
    for open in facts.open {
        text.push_str(&format!(
            "  not confirmed: {}\n             settled by: {}\n",
            open.fact, open.settled_by
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_profile_has_its_line() {
        let table = table(&Profile::ALL);
        for profile in Profile::ALL {
            let line = table
                .lines()
                .find(|line| line.split_whitespace().next() == Some(profile.as_str()));
            assert!(
                line.is_some_and(|it| it.contains(of(profile).standing.as_str())),
                "{profile}"
            );
            assert!(in_full(profile).starts_with(profile.as_str()));
        }
    }

    #[test]
    fn names_are_known_or_listed() {
        assert_eq!(chosen(Some("messenger")).unwrap(), [Profile::Messenger]);
        let error = chosen(Some("fax")).unwrap_err().to_string();
        assert!(
            error.contains("\"fax\"") && error.contains("whatsapp"),
            "{error}"
        );
    }
}
