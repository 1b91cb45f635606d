//! The adapters over services that speak the real protocols, held to what every implementation of a port must do.
//!
//! Without a variable the services are the embedded engines, which also count what each promise costs in calls
//! ([`counted`]). `ATTACHE_CONFORMANCE_ENDPOINT=http://…` adds the same suites over the AWS endpoint at that address:
//! an engine that shares no code with the embedded ones. Each test's name begins with its engine, and a test is listed
//! only if it runs: none passes by being left out.
//!
//! On the other engine everything is created under fresh names and removed afterwards. Calls are signed with the keys
//! of the environment, else with `test` and `test`.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod counted;

mod deviations;
mod engine;
mod resources;
mod samples;
mod services;
mod suites;

use std::panic::{AssertUnwindSafe, resume_unwind};
use std::pin::Pin;
use std::process::ExitCode;

use futures_util::FutureExt;
use libtest_mimic::{Arguments, Failed, Trial};

use engine::Engine;
use services::Services;

/// One test: its name, and what it does with services of its own.
type Check = (
    &'static str,
    for<'a> fn(&'a Services) -> Pin<Box<dyn Future<Output = ()> + 'a>>,
);

/// The list of these functions as checks.
macro_rules! checks {
    ($($check:ident),* $(,)?) => {
        [$((stringify!($check), |services| Box::pin($check(services)))),*]
    };
}
use checks;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let mut trials: Vec<_> = suites::ALL
        .iter()
        .chain(&counted::ALL)
        .map(|check| trial(&Engine::Embedded, check))
        .collect();
    if let Some(another) = block_on(Engine::another()) {
        for line in deviations::of(&another) {
            let (name, promise) = (another.name(), line.promise);
            let (instead, documentation) = (line.instead, line.documentation);
            eprintln!("{name} differs from AWS in {promise:?}: {instead} ({documentation})");
        }
        trials.extend(suites::ALL.iter().map(|check| trial(&another, check)));
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn trial(engine: &Engine, check: &Check) -> Trial {
    let (engine, (name, check)) = (engine.clone(), *check);
    Trial::test(format!("{}::{name}", engine.name()), move || {
        block_on(async {
            let services = Services::start(&engine).await;
            let checked = AssertUnwindSafe(check(&services)).catch_unwind().await;
            let removed = services.end().await;
            match checked {
                Ok(()) => removed.map_err(Failed::from),
                Err(panic) => resume_unwind(panic),
            }
        })
    })
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.enable_all().build().unwrap();
    runtime.block_on(future)
}
