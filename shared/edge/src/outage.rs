//! How an SDK's error becomes an [`Outage`]: whole, as its source, with what we were doing in front.

use std::error::Error;
use std::fmt::Debug;

use attache_flow::ports::Outage;
use aws_smithy_runtime_api::client::result::SdkError;

/// Wraps an SDK's error. Its chain names the service's code and message, never a credential or a signed URL.
pub(crate) fn outage<E, R>(doing: impl Into<String>, error: SdkError<E, R>) -> Outage
where
    E: Error + Send + Sync + 'static,
    R: Debug + Send + Sync + 'static,
{
    Outage::new(doing, error)
}
