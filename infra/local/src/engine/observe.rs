//! Who calls what: every request to an engine, seen before it takes effect and after.
//!
//! An [`Observer`] is told the caller's name, the IAM action and the IAM resource, as AWS itself would judge them, and
//! may refuse the request, lose it on the way in, or lose its answer on the way out. Permissions, counting and kill
//! points are built on this; nothing here decides anything.

/// One request to an engine, in the terms IAM uses.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AwsCall {
    /// The caller: the access key id of the `Authorization` header or of `X-Amz-Credential`. `anonymous` if neither is there.
    pub principal: String,
    /// The IAM action, for example `dynamodb:UpdateItem`. Batch operations carry the action IAM checks for them:
    /// `SendMessageBatch` is `sqs:SendMessage`, `HeadObject` is `s3:GetObject`.
    pub action: String,
    /// The API operation as called, for example `SendMessageBatch`.
    pub operation: String,
    /// The ARN the action is checked against, for example `arn:aws:s3:::bucket/key` with the key as the caller meant
    /// it (not percent-encoded).
    pub resource: String,
}

/// What to do with a request that has not been carried out yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Before {
    /// Carry it out.
    Forward,
    /// Answer as the service answers a caller without permission. Nothing is done.
    Deny,
    /// Close the connection without an answer. Nothing is done.
    Drop,
}

/// What to do with the answer of a request that has been carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum After {
    /// Send it.
    Answer,
    /// Close the connection without an answer: the effect took place and the caller cannot know.
    Drop,
}

/// Sees every request to every engine. Called on the request's own task, so it must not block.
///
/// Some requests need more than one permission: a `CopyObject` also reads its source, a `TransactWriteItems` touches
/// several tables. `before` is then called once for each, the request's own call first; one refusal refuses the whole.
/// `after` is called once, with the request's own call.
pub trait Observer: Send + Sync {
    /// Decides about a request before anything is done. For uploads the body has not been read yet.
    fn before(&self, call: &AwsCall) -> Before;

    /// Decides about the answer. `status` is the HTTP status; a failed call had no effect.
    fn after(&self, call: &AwsCall, status: u16) -> After;
}

/// Lets everything through.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unobserved;

impl Observer for Unobserved {
    fn before(&self, _: &AwsCall) -> Before {
        Before::Forward
    }

    fn after(&self, _: &AwsCall, _: u16) -> After {
        After::Answer
    }
}
