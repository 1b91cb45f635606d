//! Starting, holding and stopping a local run.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::clients::Clients;
use super::options::LocalOptions;
use super::signing::Signing;
use super::{provision, wiring};
use crate::content::ContentDomain;
use crate::engine::{Endpoints, EngineOptions, Engines};
use crate::iam::{Armed, CallCount, Guard, KillPoint, OPERATOR, Permissions};
use crate::lambda::{Fleet, FleetOptions, Invocations};
use crate::serve::{Port, Server};
use crate::source::{Dispatcher, HttpFront, announced, forwarded};
use crate::template::{Settings, Template};

/// What Lambda gives a function to initialise.
const INIT_LIMIT: Duration = Duration::from_secs(10);
/// How long the sources may take to finish what they are doing when the run stops.
const STOP_BOUND: Duration = Duration::from_secs(3);

/// The way in: [`LocalStack::provision`].
#[derive(Clone, Copy, Debug)]
pub struct LocalStack;

/// Everything the template declares exists; no function runs yet.
pub struct Provisioned {
    options: LocalOptions,
    engines: Option<Engines>,
    endpoints: Endpoints,
    signing: Signing,
    template: Template,
    guard: Arc<Guard>,
    port: Port,
    clients: Clients,
    content: Option<ContentDomain>,
}

/// A running stack. Dropping it kills the functions and ends the engines; [`LocalRun::stop`] does so in order.
pub struct LocalRun {
    template: Template,
    endpoints: Endpoints,
    clients: Clients,
    guard: Arc<Guard>,
    fleet: Arc<Fleet>,
    api_url: String,
    front: Option<Server>,
    stop: watch::Sender<bool>,
    sources: JoinSet<()>,
    engines: Option<Engines>,
    content: Option<ContentDomain>,
}

impl LocalStack {
    /// Starts the engines, or takes the other endpoint, and creates what the template declares. Running it again on
    /// kept data finds everything as it was.
    ///
    /// # Errors
    /// When the template cannot be read, the engines cannot start, the port is taken, or a resource cannot be created;
    /// the message names the resource.
    pub async fn provision(options: LocalOptions) -> Result<Provisioned> {
        let port = Port::take(options.port)
            .await
            .with_context(|| format!("cannot listen on port {}", options.port))?;
        let guard = Arc::new(Guard::default());
        let (engines, endpoints, signing) = match &options.aws_endpoint {
            Some(url) => (None, Endpoints::everywhere(url), Signing::of_environment()),
            None => {
                let engines = Engines::start(EngineOptions {
                    data_dir: options.data_dir.clone(),
                    observer: Arc::clone(&guard) as _,
                    clock: Arc::clone(&options.clock),
                })
                .await?;
                let endpoints = engines.endpoints().clone();
                (Some(engines), endpoints, Signing::ByName)
            }
        };
        let clients = Clients::signed(&endpoints, &signing.credentials(OPERATOR));
        let mut settings = Settings {
            parameters: options.parameters.clone(),
            sqs_endpoint: endpoints.sqs.clone(),
            key_ids: BTreeMap::new(),
        };
        // Read twice: the ids of the keys, which other resources refer to, are known only once the keys exist.
        let declared = Template::read(&options.template, &settings)?;
        settings.key_ids = provision::keys(&clients, &declared).await?;
        let template = Template::read(&options.template, &settings)?;
        provision::resources(&clients, &template).await?;
        guard.enforce(Permissions::of(&template));
        let content = match template.distributions.first() {
            Some(distribution) => {
                let here = (clients.s3.clone(), Arc::clone(&options.clock));
                let started = ContentDomain::start(distribution, &template.public_keys, here);
                Some(started.await.context(distribution.logical_id.clone())?)
            }
            None => None,
        };
        Ok(Provisioned {
            content,
            options,
            engines,
            endpoints,
            signing,
            template,
            guard,
            port,
            clients,
        })
    }
}

impl Provisioned {
    /// The resolved template: names, URLs and ARNs as they are in this run.
    #[must_use]
    pub fn template(&self) -> &Template {
        &self.template
    }

    /// Where the AWS services are.
    #[must_use]
    pub fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

    /// SDK clients that may do everything.
    #[must_use]
    pub fn clients(&self) -> &Clients {
        &self.clients
    }

    /// Where the HTTP API will be, without a trailing slash. Requests made before [`Provisioned::run`] wait.
    #[must_use]
    pub fn api_url(&self) -> String {
        format!("http://{}", self.port.address())
    }

    /// Starts the event sources. Functions start when there is work for them; schedules tick at once.
    ///
    /// # Errors
    /// When an event source names something the template does not declare, or the other engine cannot be made to tell
    /// us about new objects.
    pub async fn run(self) -> Result<LocalRun> {
        let api_url = self.api_url();
        let Self {
            options,
            mut engines,
            endpoints,
            signing,
            template,
            guard,
            port,
            clients,
            content,
        } = self;
        let mut environment = wiring::endpoint_variables(&endpoints);
        environment.extend(signing.variables());
        let fleet = Fleet::new(
            FleetOptions {
                binaries: options.binaries,
                environment,
                log: options.log,
                init_limit: INIT_LIMIT,
            },
            wiring::functions(&template, content.as_ref()),
        );
        guard.watch(&fleet);
        let sources = wiring::sources(&template, &endpoints, &signing, &fleet)?;
        let stop = watch::Sender::new(false);
        let mut running = JoinSet::new();
        for queue in sources.queues {
            running.spawn(queue.run(stop.subscribe()));
        }
        let dispatcher = Dispatcher::new(sources.objects);
        match engines.as_mut().map(Engines::take_object_events) {
            Some(Some(objects)) => {
                running.spawn(until(stop.subscribe(), announced(dispatcher, objects)));
            }
            Some(None) => {}
            None => {
                let url = provision::forward_objects(&clients, &template).await?;
                let sqs = clients.sqs.clone();
                running.spawn(forwarded(dispatcher, sqs, url, stop.subscribe()));
            }
        }
        for ticker in sources.schedules {
            running.spawn(until(stop.subscribe(), ticker.run()));
        }
        let front = HttpFront::new(&template, Arc::clone(&fleet), options.http_limits).serve(port);
        Ok(LocalRun {
            template,
            endpoints,
            clients,
            guard,
            fleet,
            api_url,
            front: Some(front),
            stop,
            sources: running,
            engines,
            content,
        })
    }
}

impl LocalRun {
    /// Where the HTTP API is, without a trailing slash.
    #[must_use]
    pub fn api_url(&self) -> &str {
        &self.api_url
    }

    /// Where the AWS services are.
    #[must_use]
    pub fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

    /// The resolved template: names, URLs and ARNs as they are in this run.
    #[must_use]
    pub fn template(&self) -> &Template {
        &self.template
    }

    /// Where the content domain is, without a trailing slash; `None`: the template has none.
    #[must_use]
    pub fn content_url(&self) -> Option<&str> {
        self.content.as_ref().map(|domain| domain.url.as_str())
    }

    /// SDK clients that may do everything.
    #[must_use]
    pub fn clients(&self) -> &Clients {
        &self.clients
    }

    /// Every call to the embedded engines so far, counted by principal, action and resource.
    #[must_use]
    pub fn calls(&self) -> Vec<CallCount> {
        self.guard.calls()
    }

    /// Kills every live process of a function now, without warning. Returns how many there were.
    pub fn kill_function(&self, logical_id: &str) -> usize {
        self.fleet.kill(logical_id)
    }

    /// Has what [`Act::Freeze`](crate::iam::Act::Freeze) made stand still of a function go on. Returns how many processes there were.
    pub fn thaw_function(&self, logical_id: &str) -> usize {
        self.fleet.thaw(logical_id)
    }

    /// Arms a kill point at one of a function's side effects on the embedded engines.
    pub fn arm(&self, point: KillPoint) -> Armed {
        self.guard.arm(point)
    }

    /// What happened to a function's invocations so far.
    #[must_use]
    pub fn invocations(&self, logical_id: &str) -> Invocations {
        self.fleet.invocations(logical_id)
    }

    /// Invokes a function directly, as its own event sources do.
    ///
    /// # Errors
    /// One kind for each way an invocation can go wrong.
    pub async fn invoke(
        &self,
        logical_id: &str,
        payload: impl Into<bytes::Bytes>,
    ) -> Result<bytes::Bytes, crate::lambda::InvokeError> {
        self.fleet.invoke(logical_id, payload.into()).await
    }

    /// The functions, for those who must kill or count from another task.
    #[must_use]
    pub fn fleet(&self) -> &Arc<Fleet> {
        &self.fleet
    }

    /// Takes no new work, gives running batches a moment, ends every process, and writes the engines' state.
    ///
    /// # Errors
    /// When the engines' state cannot be written.
    pub async fn stop(mut self) -> Result<()> {
        self.front = None;
        self.stop.send_replace(true);
        let finished = async { while self.sources.join_next().await.is_some() {} };
        // What takes longer is ended with its process, and comes back as a message that becomes visible again.
        let _ = tokio::time::timeout(STOP_BOUND, finished).await;
        self.sources.abort_all();
        self.fleet.stop().await;
        match self.engines.take() {
            Some(engines) => engines.stop().await,
            None => Ok(()),
        }
    }
}

impl Drop for LocalRun {
    fn drop(&mut self) {
        self.fleet.kill_all();
    }
}

async fn until(mut stop: watch::Receiver<bool>, work: impl Future<Output = ()>) {
    tokio::select! {
        () = work => {}
        _ = stop.wait_for(|stop| *stop) => {}
    }
}
