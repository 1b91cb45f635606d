//! Passing on: what passed verification goes to the other system that the endpoint names, in a lane of its own.

use std::time::Duration;

use attache_domain::connection::Endpoint;
use attache_domain::forward::{Packed, pack};

use super::{Intake, Request};
use crate::forward;
use crate::ports::{Answer, Outage, Queue};

impl Intake<'_> {
    /// Makes the job durable, if there is somebody to pass it on to. What does not fit into a message is not passed on:
    /// the platform could send it as often as it liked.
    pub(super) async fn pass_on(&self, endpoint: &Endpoint, request: &Request) -> Answer<()> {
        if endpoint.forward_to.is_none() {
            return Ok(());
        }
        let packed = pack(endpoint, &request.headers, &request.body)
            .map_err(|e| Outage::new("packing a webhook", e))?;
        match packed {
            Packed::Job(job) => {
                forward::send(self.jobs, Queue::Forward, &job, Duration::ZERO).await
            }
            Packed::TooLarge => {
                tracing::error!(endpoint.id = %endpoint.id, correlation.id = %request.correlation_id, body.bytes = request.body.len(), "too large to be passed on");
                Ok(())
            }
        }
    }
}
