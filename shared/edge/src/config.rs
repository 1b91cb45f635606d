//! The environment as a source of settings. What they are called and may be is said in [`attache_domain::settings`].

use attache_domain::settings::{Settings, trimmed};

/// The process's environment.
#[derive(Clone, Copy, Debug, Default)]
pub struct Environment;

impl Settings for Environment {
    fn get(&self, key: &str) -> Option<String> {
        std::env::var(key).ok().and_then(|value| trimmed(&value))
    }
}
