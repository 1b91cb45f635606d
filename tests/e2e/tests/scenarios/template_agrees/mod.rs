//! `template.yaml` and the code say the same: every key that is read is set and every key that is set is read; every
//! call that is made is granted and nothing else is; and what holds throughout the template does hold throughout.

mod content;
mod environment;
mod exercise;
mod given_up;
pub(crate) mod grants;
mod structure;

use anyhow::Result;
use attache_local::template::{Settings, Template};
use attache_operator::binaries::root;

/// A function's declaration of the AWS calls it makes: action and what it is made on.
pub(crate) type Calls = &'static [(&'static str, &'static str)];

/// Every function with its declared calls, by logical id.
pub(crate) const FUNCTIONS: [(&str, Calls); 9] = [
    ("IntakeFunction", attache_intake::config::CALLS),
    ("FetchFunction", attache_fetch::config::CALLS),
    ("ValidateFunction", attache_validate::config::CALLS),
    ("ConvertFunction", attache_convert::config::CALLS),
    ("UploadFunction", attache_upload::config::CALLS),
    ("TextFunction", attache_text::config::CALLS),
    ("ForwardFunction", attache_forward::config::CALLS),
    ("RefreshFunction", attache_refresh::config::CALLS),
    ("SweepFunction", attache_sweep::config::CALLS),
];

/// The template as it is deployed by default, with known ids for its keys.
fn template() -> Result<Template> {
    let key_ids =
        ["DataKey", "MediaKey", "QuarantineKey"].map(|key| (key.to_owned(), key.to_owned()));
    let settings = Settings {
        sqs_endpoint: "http://127.0.0.1:1".to_owned(),
        key_ids: key_ids.into(),
        ..Settings::default()
    };
    Ok(Template::read(&root().join("template.yaml"), &settings)?)
}

#[test]
fn every_function_is_covered() -> Result<()> {
    let mut declared: Vec<_> = template()?
        .functions
        .into_iter()
        .map(|function| function.logical_id)
        .collect();
    let mut covered = FUNCTIONS.map(|(function, _)| function);
    declared.sort();
    covered.sort_unstable();
    assert_eq!(declared, covered);
    Ok(())
}
