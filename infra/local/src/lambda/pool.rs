//! One function: its settings, its idle instances, its counts.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;

use super::instance::Instance;

/// One function, as the fleet runs it.
#[derive(Clone, Debug)]
pub struct FunctionSettings {
    /// The logical id. Invocations name it, and it is the access key id the process calls AWS with.
    pub logical_id: String,
    /// The physical name, told to the process.
    pub name: String,
    /// The file name of the binary, without the platform's suffix.
    pub binary: String,
    /// How long one invocation may take.
    pub timeout: Duration,
    /// Memory in MB, told to the process.
    pub memory_mb: u64,
    /// The environment the template gives.
    pub environment: BTreeMap<String, String>,
    /// The largest number of instances at once; at least one.
    pub concurrency: usize,
}

/// What happened to the invocations of one function so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Invocations {
    /// Begun, finished or not.
    pub started: u64,
    /// Ended with an answer.
    pub succeeded: u64,
    /// Ended without one: errors, crashes, timeouts, failed starts.
    pub failed: u64,
    /// Processes started.
    pub cold_starts: u64,
}

/// The instances of one function, and what happened to its invocations.
pub(crate) struct Pool {
    /// The function.
    pub(crate) settings: FunctionSettings,
    /// The environment of its processes, but for what differs between instances.
    pub(crate) environment: BTreeMap<String, String>,
    /// One for each instance that may work at once; closed when the fleet stops.
    pub(crate) permits: Semaphore,
    idle: Mutex<Vec<Arc<Instance>>>,
    counts: Mutex<Invocations>,
}

/// An instance in use. Dropped without being returned to its pool, it is killed: nobody knows what it is doing.
pub(crate) struct Lease(Option<Arc<Instance>>);

impl Pool {
    /// A pool without instances.
    pub(crate) fn new(settings: FunctionSettings, shared: &BTreeMap<String, String>) -> Self {
        Self {
            environment: environment(&settings, shared),
            permits: Semaphore::new(settings.concurrency.max(1)),
            idle: Mutex::new(Vec::new()),
            counts: Mutex::new(Invocations::default()),
            settings,
        }
    }

    /// The instance used last: the fewest processes stay in use.
    pub(crate) fn take_idle(&self) -> Option<Lease> {
        let mut idle = lock(&self.idle);
        while let Some(instance) = idle.pop() {
            if instance.is_alive() {
                return Some(Lease::new(instance));
            }
        }
        None
    }

    /// Takes an instance back that has done its work.
    pub(crate) fn give_back(&self, mut lease: Lease) {
        if let Some(instance) = lease.0.take() {
            lock(&self.idle).push(instance);
        }
    }

    /// Forgets the idle instances, which are about to be ended.
    pub(crate) fn forget_idle(&self) {
        lock(&self.idle).clear();
    }

    /// The counts so far.
    pub(crate) fn counts(&self) -> Invocations {
        *lock(&self.counts)
    }

    /// Changes the counts.
    pub(crate) fn count(&self, change: impl FnOnce(&mut Invocations)) {
        change(&mut lock(&self.counts));
    }
}

impl Lease {
    /// Takes an instance into use.
    pub(crate) fn new(instance: Arc<Instance>) -> Self {
        Self(Some(instance))
    }

    /// The instance, while it has not been given back.
    pub(crate) fn instance(&self) -> Option<&Arc<Instance>> {
        self.0.as_ref()
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(instance) = self.0.take() {
            instance.kill();
        }
    }
}

/// What a process sees. Nothing is inherited but what finding programs and trusting certificates needs.
fn environment(
    settings: &FunctionSettings,
    shared: &BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    let region = crate::template::REGION;
    let mut environment = BTreeMap::new();
    for name in ["PATH", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR"] {
        if let Ok(value) = std::env::var(name) {
            environment.insert(name.to_owned(), value);
        }
    }
    let given = [
        ("AWS_LAMBDA_FUNCTION_NAME", settings.name.clone()),
        (
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
            settings.memory_mb.to_string(),
        ),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST".to_owned()),
        (
            "AWS_LAMBDA_LOG_GROUP_NAME",
            format!("/aws/lambda/{}", settings.name),
        ),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand".to_owned()),
        ("AWS_REGION", region.to_owned()),
        ("AWS_DEFAULT_REGION", region.to_owned()),
        ("AWS_ACCESS_KEY_ID", settings.logical_id.clone()),
        ("AWS_SECRET_ACCESS_KEY", "local".to_owned()),
        ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
        ("_HANDLER", "bootstrap".to_owned()),
        ("TZ", ":UTC".to_owned()),
    ];
    environment.extend(given.map(|(name, value)| (name.to_owned(), value)));
    for source in [shared, &settings.environment] {
        environment.extend(source.clone());
    }
    environment
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
