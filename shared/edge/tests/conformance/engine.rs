//! Which engine's services a test meets.

use attache_local::engine::Endpoints;

/// Names another engine's address, for example `http://127.0.0.1:4566`.
const VARIABLE: &str = "ATTACHE_CONFORMANCE_ENDPOINT";

/// The independent engine of `.ci/run`, known by its own health page.
pub(crate) const MINISTACK: &str = "ministack";

/// Which engine.
#[derive(Clone, Debug)]
pub(crate) enum Engine {
    /// Ours, in this process, fresh for each test.
    Embedded,
    /// One that is running already.
    Another {
        name: &'static str,
        endpoints: Endpoints,
    },
}

impl Engine {
    /// The engine of the environment, if it names one.
    pub(crate) async fn another() -> Option<Self> {
        let url = std::env::var(VARIABLE).ok().filter(|url| !url.is_empty())?;
        let health = reqwest::get(format!("{url}/_ministack/health")).await;
        let health = health.unwrap_or_else(|error| panic!("{VARIABLE}: {error}"));
        let name = if health.status().is_success() {
            MINISTACK
        } else {
            "another"
        };
        let endpoints = Endpoints::everywhere(&url);
        Some(Self::Another { name, endpoints })
    }

    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Embedded => "embedded",
            Self::Another { name, .. } => name,
        }
    }
}
