//! Permissions, counts and kill points: what stands between the functions and the embedded engines.
//!
//! The [`Guard`] lets a function make exactly the calls its policy in the template grants, so that a permission that is
//! missing is noticed here and not in production. It counts every call. And it can kill a function's process right
//! before or right after a side effect takes place, which is how crash safety is proved.
//!
//! A policy is evaluated as IAM does (an explicit `Deny` wins, nothing is allowed unless granted, wildcards in actions
//! and resources), with two limits: conditions cannot be seen from here, so an `Allow` with a condition counts as granted
//! and a `Deny` with one as not applying; and resource policies (of buckets, keys, queues) are not read.
//!
//! Who calls is told by the access key id: a function's logical id, `operator` for people and tools, who may do
//! everything, and `event-source.<function>` for Lambda's own polling on a function's behalf.

mod calls;
mod guard;
mod kill;
mod permissions;

pub use calls::CallCount;
pub use guard::{Guard, OPERATOR};
pub use kill::{Act, Armed, KillPoint, When};
pub use permissions::Permissions;

/// The principal of the event sources of a function.
#[must_use]
pub fn event_source(function: &str) -> String {
    format!("event-source.{function}")
}
