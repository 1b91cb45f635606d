//! All functions and their instances.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;

use super::error::InvokeError;
use super::instance::{Instance, Outcome, Start};
use super::log::{LogLine, LogSink, LogSource};
use super::pool::{FunctionSettings, Invocations, Lease, Pool};
use super::registry::Registry;
use super::runtime_api;
use crate::serve::{Port, Server};

/// Lambda's limit for a synchronous payload, either way, in bytes.
pub(crate) const PAYLOAD_LIMIT: usize = 6 * 1024 * 1024 + 100;

/// What all functions share.
pub struct FleetOptions {
    /// The directory of the compiled binaries.
    pub binaries: PathBuf,
    /// Environment every function gets besides its own, e.g. `AWS_ENDPOINT_URL_SQS`. May name keys that all use.
    pub environment: BTreeMap<String, String>,
    /// Takes what the functions print.
    pub log: Arc<dyn LogSink>,
    /// How long an instance may take until it first asks for work. Lambda gives 10 seconds.
    pub init_limit: Duration,
}

/// The running functions. Dropping it kills their processes.
pub struct Fleet {
    options: FleetOptions,
    registry: Registry,
    pools: BTreeMap<String, Pool>,
    next_instance: AtomicU64,
}

impl Fleet {
    /// Readies the functions. No process is started until it is needed.
    #[must_use]
    pub fn new(options: FleetOptions, functions: Vec<FunctionSettings>) -> Arc<Self> {
        let registry = Registry::new();
        let pools = functions
            .into_iter()
            .map(|settings| {
                let pool = Pool::new(settings, &options.environment);
                (pool.settings.logical_id.clone(), pool)
            })
            .collect();
        Arc::new(Self {
            options,
            registry,
            pools,
            next_instance: AtomicU64::new(1),
        })
    }

    /// Invokes a function and waits for its answer; waits first while all its instances are busy.
    ///
    /// # Errors
    /// One kind for each way an invocation can go wrong; see [`InvokeError`].
    pub async fn invoke(&self, function: &str, payload: Bytes) -> Result<Bytes, InvokeError> {
        let pool = self
            .pools
            .get(function)
            .ok_or_else(|| InvokeError::Unknown {
                function: function.to_owned(),
            })?;
        if payload.len() > PAYLOAD_LIMIT {
            let bytes = payload.len();
            return Err(InvokeError::TooLarge { bytes });
        }
        let _permit = pool
            .permits
            .acquire()
            .await
            .map_err(|_| InvokeError::Stopped)?;
        pool.count(|counts| counts.started += 1);
        let result = self.attempt(pool, payload).await;
        pool.count(|counts| match result {
            Ok(_) => counts.succeeded += 1,
            Err(_) => counts.failed += 1,
        });
        result
    }

    /// Kills every live process of a function, now. Returns how many there were.
    pub fn kill(&self, function: &str) -> usize {
        self.signal(function, Instance::kill)
    }

    /// Has every process of a function stand still that works on something, now. Returns how many there were.
    pub fn freeze(&self, function: &str) -> usize {
        self.signal(function, |instance| {
            instance.is_working() && instance.freeze()
        })
    }

    /// Has every process of a function go on that stands still. Returns how many there were.
    pub fn thaw(&self, function: &str) -> usize {
        self.signal(function, |instance| instance.thaw())
    }

    fn signal(&self, function: &str, how: impl Fn(&Instance) -> bool) -> usize {
        let instances = self.registry.all();
        let of_it = instances
            .iter()
            .filter(|instance| instance.function() == function);
        of_it.filter(|instance| how(instance)).count()
    }

    /// Kills every live process of every function, now.
    pub fn kill_all(&self) {
        for instance in self.registry.all() {
            instance.kill();
        }
    }

    /// What happened so far; all zero for an unknown function.
    #[must_use]
    pub fn invocations(&self, function: &str) -> Invocations {
        let pool = self.pools.get(function);
        pool.map(Pool::counts).unwrap_or_default()
    }

    /// The number of live processes of a function.
    #[must_use]
    pub fn live(&self, function: &str) -> usize {
        let instances = self.registry.all();
        let of_it = |instance: &&Arc<Instance>| instance.function() == function;
        instances.iter().filter(of_it).count()
    }

    /// Refuses new work, kills every process and waits until all are gone.
    pub async fn stop(&self) {
        for pool in self.pools.values() {
            pool.permits.close();
            pool.forget_idle();
        }
        self.kill_all();
        self.registry.empty().await;
    }

    async fn attempt(&self, pool: &Pool, payload: Bytes) -> Result<Bytes, InvokeError> {
        let function = || pool.settings.logical_id.clone();
        loop {
            let warm = pool.take_idle();
            let was_warm = warm.is_some();
            let lease = match warm {
                Some(lease) => lease,
                None => self.cold_start(pool).await?,
            };
            let Some(instance) = lease.instance() else {
                return Err(InvokeError::Stopped);
            };
            match instance.run(payload.clone(), pool.settings.timeout).await {
                Outcome::Reported(report) => {
                    if let Err(document) = &report {
                        self.note(instance, &String::from_utf8_lossy(document));
                    }
                    pool.give_back(lease);
                    return report.map_err(|payload| InvokeError::Function {
                        function: function(),
                        payload,
                    });
                }
                // It died while idle. Nothing was begun, so another one takes the work.
                Outcome::NotTaken(_) if was_warm => {}
                Outcome::NotTaken(status) | Outcome::Exited(status) => {
                    return Err(InvokeError::Exited {
                        function: function(),
                        status,
                    });
                }
                Outcome::TimedOut => {
                    let limit = pool.settings.timeout;
                    let seconds = limit.as_secs_f64();
                    self.note(
                        instance,
                        &format!("Task timed out after {seconds:.2} seconds"),
                    );
                    return Err(InvokeError::TimedOut {
                        function: function(),
                        limit,
                    });
                }
            }
        }
    }

    async fn cold_start(&self, pool: &Pool) -> Result<Lease, InvokeError> {
        let number = self.next_instance.fetch_add(1, Ordering::Relaxed);
        let id = format!("{}-{number}", pool.settings.binary);
        let file = format!("{}{}", pool.settings.binary, std::env::consts::EXE_SUFFIX);
        let binary = self.options.binaries.join(file);
        let port = Port::take(0).await.map_err(|source| InvokeError::Spawn {
            binary: binary.clone(),
            source,
        })?;
        let mut environment = pool.environment.clone();
        environment.insert(
            "AWS_LAMBDA_RUNTIME_API".to_owned(),
            port.address().to_string(),
        );
        environment.insert("AWS_LAMBDA_LOG_STREAM_NAME".to_owned(), id.clone());
        let function = &pool.settings.logical_id;
        let log = &self.options.log;
        let start = Start {
            id,
            function,
            arn: crate::template::arn("lambda", &format!("function:{}", pool.settings.name)),
            binary: &binary,
            environment,
        };
        let instance = match Instance::spawn(start, log) {
            Ok(instance) => instance,
            Err(source) => {
                let error = InvokeError::Spawn { binary, source };
                self.line(function, "none", &error.to_string());
                return Err(error);
            }
        };
        pool.count(|counts| counts.cold_starts += 1);
        self.registry.add(&instance);
        let server = runtime_api::serve(port, Arc::clone(&instance));
        self.watch(Arc::clone(&instance), server);
        let lease = Lease::new(Arc::clone(&instance));
        // Asked after it was registered: either `stop` finds it there, or it finds the fleet stopped here.
        if pool.permits.is_closed() {
            return Err(InvokeError::Stopped);
        }
        let reason = match tokio::time::timeout(self.options.init_limit, instance.ready()).await {
            Ok(Ok(())) => return Ok(lease),
            Ok(Err(how)) => how,
            Err(_) => format!("no call for work within {:?}", self.options.init_limit),
        };
        self.note(&instance, &format!("initialisation failed: {reason}"));
        Err(InvokeError::Init {
            function: function.clone(),
            reason,
        })
    }

    /// Waits for the end of a process, so that it is reaped, forgotten, and known to whoever waits for its answer.
    fn watch(&self, instance: Arc<Instance>, server: Server) {
        let registry = self.registry.clone();
        let log = Arc::clone(&self.options.log);
        tokio::spawn(async move {
            let how = match instance.exit().await {
                Ok(status) => status.to_string(),
                Err(error) => error.to_string(),
            };
            drop(server);
            registry.remove(instance.id());
            log.line(&LogLine {
                function: instance.function(),
                instance: instance.id(),
                source: LogSource::Platform,
                text: &format!("process ended: {how}"),
            });
            instance.ended(how);
        });
    }

    fn note(&self, instance: &Instance, text: &str) {
        self.line(instance.function(), instance.id(), text);
    }

    fn line(&self, function: &str, instance: &str, text: &str) {
        self.options.log.line(&LogLine {
            function,
            instance,
            source: LogSource::Platform,
            text,
        });
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        self.kill_all();
    }
}
