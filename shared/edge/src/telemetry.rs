//! Logs: one JSON object a line on standard output, with the event's fields at its top level and without spans.

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use attache_domain::settings::{ConfigError, Settings};

/// Crates whose chatter below a warning helps nobody, and may show what must not be logged. Names are prefixes.
const QUIET: [&str; 7] = [
    "aws_",
    "h2",
    "hyper",
    "lambda_runtime",
    "reqwest",
    "rustls",
    "tower",
];

/// Begins to log at the level that `LOG_LEVEL` names (`error`, `warn`, `info`, `debug`, `trace`; `info` if not set).
/// A second call changes nothing.
///
/// # Errors
/// [`ConfigError`] if `LOG_LEVEL` is another word.
pub fn start(settings: &dyn Settings) -> Result<(), ConfigError> {
    let line = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_writer(std::io::stdout);
    let registry = tracing_subscriber::registry()
        .with(filter(settings)?)
        .with(line);
    // Fails only if logging has begun already.
    drop(registry.try_init());
    Ok(())
}

fn filter(settings: &dyn Settings) -> Result<Targets, ConfigError> {
    let level = level(settings)?;
    let quiet = QUIET.map(|target| (target, level.min(LevelFilter::WARN)));
    Ok(Targets::new().with_default(level).with_targets(quiet))
}

fn level(settings: &dyn Settings) -> Result<LevelFilter, ConfigError> {
    let Some(value) = settings.get("LOG_LEVEL") else {
        return Ok(LevelFilter::INFO);
    };
    match value.to_ascii_lowercase().as_str() {
        "error" => Ok(LevelFilter::ERROR),
        "warn" => Ok(LevelFilter::WARN),
        "info" => Ok(LevelFilter::INFO),
        "debug" => Ok(LevelFilter::DEBUG),
        "trace" => Ok(LevelFilter::TRACE),
        _ => Err(ConfigError::Invalid {
            key: "LOG_LEVEL",
            value,
            expected: "error, warn, info, debug or trace".to_owned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use tracing::Level;

    use super::*;

    #[test]
    fn ours_follow_the_setting_and_others_stay_quiet() {
        for (setting, target, level, expected) in [
            ("", "attache_flow::fetch", Level::INFO, true),
            ("", "attache_flow::fetch", Level::DEBUG, false),
            ("debug", "attache_flow::fetch", Level::DEBUG, true),
            ("TRACE", "hyper_util::client", Level::INFO, false),
            ("trace", "aws_runtime::auth", Level::WARN, true),
            ("error", "aws_runtime::auth", Level::WARN, false),
        ] {
            let settings = BTreeMap::from([("LOG_LEVEL".to_owned(), setting.to_owned())]);
            let filter = filter(&settings).unwrap();
            assert_eq!(
                filter.would_enable(target, &level),
                expected,
                "{setting} {target} {level}"
            );
        }
    }

    #[test]
    fn another_word_is_refused() {
        let settings = BTreeMap::from([("LOG_LEVEL".to_owned(), "loud".to_owned())]);
        let error = start(&settings).unwrap_err().to_string();
        assert_eq!(
            error,
            "LOG_LEVEL is \"loud\", expected error, warn, info, debug or trace"
        );
    }
}
