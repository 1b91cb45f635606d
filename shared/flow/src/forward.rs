//! Forward: what passed verification is passed on to the other system, byte for byte, until it says that it has it.
//!
//! A lane of its own, with nothing but its queue: another system that is slow or down holds up nobody. The endpoint's
//! present address counts, not the one of the moment the webhook came in. Neither bytes nor headers nor the address's
//! path and query ever reach a log.

use std::time::Duration;

use attache_domain::connection::Directory;
use attache_domain::forward::{Next, after, request};
use attache_domain::ids::EndpointId;
use attache_domain::job::ForwardJob;
use rand::SeedableRng;
use rand::rngs::StdRng;
use url::Url;

use crate::batch::Trouble;
use crate::intake::LARGEST_BODY;
use crate::ports::{Answer, Clock, Credential, Directories, Http, Jobs, Outage, Queue};

/// What forward needs.
#[derive(Clone, Copy)]
pub struct Forward<'a> {
    /// The queues.
    pub jobs: &'a dyn Jobs,
    /// The way out.
    pub http: &'a dyn Http,
    /// Time.
    pub clock: &'a dyn Clock,
    /// The configuration.
    pub directories: &'a dyn Directories,
}

impl Forward<'_> {
    /// Handles one message of the `forward` queue.
    ///
    /// # Errors
    /// [`Trouble`] if the world failed or the message is no job.
    pub async fn handle(&self, body: &str) -> Result<(), Trouble> {
        let mut job = ForwardJob::parse(body)?;
        if job.diagnosis.take().is_some() {
            // A dead letter that was moved back.
            job.attempts = 0;
        }
        let Some(to) = self.address(&job.endpoint).await? else {
            tracing::info!(endpoint.id = %job.endpoint, "dropped: it is not passed on any more");
            return Ok(());
        };
        let request = request(&to, &job, LARGEST_BODY)?;
        let answer = self.http.call(&request, &Credential::None).await;
        job.attempts += 1;
        let mut rng = StdRng::seed_from_u64(self.clock.draw());
        match after(&answer, job.attempts, self.clock.now(), &mut rng) {
            Next::Done => {
                tracing::info!(endpoint.id = %job.endpoint, attempts = job.attempts, "passed on");
                Ok(())
            }
            Next::Again(wait, why) => {
                tracing::warn!(endpoint.id = %job.endpoint, attempts = job.attempts, failure.code = %why.code, evidence = %why.evidence, wait_seconds = wait.as_secs(), "not passed on yet");
                send(self.jobs, Queue::Forward, &job, wait).await?;
                Ok(())
            }
            Next::GiveUp(why) => {
                tracing::error!(endpoint.id = %job.endpoint, attempts = job.attempts, failure.code = %why.code, evidence = %why.evidence, remedy = %why.remedy, "given up");
                job.diagnosis = Some(*why);
                send(self.jobs, Queue::ForwardDeadLetters, &job, Duration::ZERO).await?;
                Ok(())
            }
        }
    }

    /// The endpoint's present address. Whoever made the job knew one, so a copy in hand that does not may be older than the
    /// job: nothing is dropped before the newest was asked.
    async fn address(&self, endpoint: &EndpointId) -> Answer<Option<Url>> {
        let to = |directory: &Directory| directory.endpoint(endpoint)?.forward_to.clone();
        match to(&*self.directories.current().await?) {
            Some(known) => Ok(Some(known)),
            None => Ok(to(&*self.directories.newest().await?)),
        }
    }
}

/// Sends a job, in the fairness group of its endpoint.
pub(crate) async fn send(
    jobs: &dyn Jobs,
    queue: Queue,
    job: &ForwardJob,
    delay: Duration,
) -> Answer<()> {
    let body = serde_json::to_string(job).map_err(|e| Outage::new("writing a job", e))?;
    jobs.send(queue, body, delay, job.endpoint.as_str()).await
}
