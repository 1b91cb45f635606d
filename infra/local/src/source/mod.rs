//! What starts functions: the HTTP API, queues, objects and the clock, with the event shapes AWS gives.
//!
//! Each source keeps AWS's promises and limits where a function or its caller could notice them: the HTTP API waits 30
//! seconds, a failed batch becomes visible again by its visibility timeout alone, an asynchronous invocation is
//! retried and then recorded as failed. Differences are named where they are made.

mod asynchronous;
mod batch;
mod front;
mod http_event;
mod object;
mod poller;
mod route;
mod schedule;

pub use front::HttpLimits;

pub(crate) use asynchronous::{AsyncInvoker, Destination};
pub(crate) use front::HttpFront;
pub(crate) use object::{Dispatcher, Subscription, announced, forwarded};
pub(crate) use poller::QueueSource;
pub(crate) use schedule::Ticker;
