//! What functions read from their environment is what the template sets.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use attache_domain::settings::{ConfigError, Settings};
use attache_edge::sqs::url_key;
use attache_flow::ports::Queue;

use super::{Calls, FUNCTIONS, template};

/// Read by `attache_edge::telemetry` before anything else; the SDKs' own `AWS_…` keys come from Lambda.
const BY_TELEMETRY: &str = "LOG_LEVEL";

const QUEUES: [(Queue, &str); 12] = [
    (Queue::Fetch, "FetchQueue"),
    (Queue::Judge, "JudgeQueue"),
    (Queue::Convert, "ConvertQueue"),
    (Queue::Media, "MediaQueue"),
    (Queue::MediaRetry, "MediaRetryQueue"),
    (Queue::Text, "TextQueue"),
    (Queue::TextDeadLetters, "TextDeadLetters"),
    (Queue::Forward, "ForwardQueue"),
    (Queue::ForwardDeadLetters, "ForwardDeadLetters"),
    (Queue::Refresh, "RefreshQueue"),
    (Queue::FetchDeadLetters, "FetchDeadLetters"),
    (Queue::MediaDeadLetters, "MediaDeadLetters"),
];

/// The template's environment of one function, which remembers what was asked for.
struct Recording<'a> {
    set: &'a BTreeMap<String, String>,
    read: RefCell<BTreeSet<String>>,
}

impl Settings for Recording<'_> {
    fn get(&self, key: &str) -> Option<String> {
        self.read.borrow_mut().insert(key.to_owned());
        Settings::get(self.set, key)
    }
}

fn read(function: &str, settings: &dyn Settings) -> Result<(), ConfigError> {
    match function {
        "IntakeFunction" => attache_intake::config::Config::read(settings).map(drop),
        "FetchFunction" => attache_fetch::config::Config::read(settings).map(drop),
        "ValidateFunction" => attache_validate::config::Config::read(settings).map(drop),
        "UploadFunction" => attache_upload::config::Config::read(settings).map(drop),
        "TextFunction" => attache_text::config::Config::read(settings).map(drop),
        "ConvertFunction" => attache_convert::config::Config::read(settings).map(drop),
        "ForwardFunction" => attache_forward::config::Config::read(settings).map(drop),
        "RefreshFunction" => attache_refresh::config::Config::read(settings).map(drop),
        "SweepFunction" => attache_sweep::config::Config::read(settings).map(drop),
        other => panic!("{other} reads its settings nowhere"),
    }
}

/// `Queues::from_settings` takes whatever is set, and sending to any other queue fails: so exactly the queues a function
/// sends to must be set.
fn queue_keys(calls: Calls) -> BTreeSet<String> {
    let sends_to = |logical_id: &str| calls.contains(&("sqs:SendMessage", logical_id));
    let sent_to = QUEUES
        .into_iter()
        .filter(|(_, logical_id)| sends_to(logical_id));
    sent_to
        .map(|(queue, _)| url_key(queue).to_owned())
        .collect()
}

#[test]
fn every_key_that_is_read_is_set_and_every_key_that_is_set_is_read() -> Result<()> {
    let template = template()?;
    for (id, calls) in FUNCTIONS {
        let function = template.function(id).context(id)?;
        let settings = Recording {
            set: &function.environment,
            read: RefCell::default(),
        };
        read(id, &settings).with_context(|| format!("{id} cannot read what the template sets"))?;
        let mut wanted = settings.read.into_inner();
        wanted.extend(queue_keys(calls));
        wanted.insert(BY_TELEMETRY.to_owned());
        let set: BTreeSet<_> = function.environment.keys().cloned().collect();
        assert_eq!(
            set, wanted,
            "{id}: left what the template sets, right what the code reads"
        );
    }
    Ok(())
}

#[test]
fn queue_keys_lead_to_the_queues_they_name() -> Result<()> {
    let template = template()?;
    for (id, calls) in FUNCTIONS {
        let function = template.function(id).context(id)?;
        for (queue, logical_id) in QUEUES {
            if !calls.contains(&("sqs:SendMessage", logical_id)) {
                continue;
            }
            let url = &template.queue(logical_id).context(logical_id)?.url;
            assert_eq!(
                function.environment.get(url_key(queue)),
                Some(url),
                "{id}: {}",
                url_key(queue)
            );
        }
    }
    Ok(())
}
