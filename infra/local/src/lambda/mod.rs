//! Lambda on one machine: functions as own processes, spoken to through the real Runtime API.
//!
//! A [`Fleet`] starts an instance of a function when none is idle (a cold start), hands it one invocation at a time,
//! keeps it warm, ends it when it exceeds its time limit, and replaces it when it dies. Functions are the compiled
//! binaries that are also deployed; they get the environment the template gives them and nothing of ours.
//!
//! As on Lambda: initialisation has 10 seconds, an answer 6 MB, an instance one invocation at a time, and an instance
//! that is stopped is killed without warning. Not as on Lambda: no memory or CPU limit, no expiry of idle instances, no
//! response streaming, no extensions.
//!
//! No process outlives the run: children are killed when the fleet stops or is dropped, and when the parent itself is
//! killed their next call to the Runtime API fails, which ends them.
//!
//! Follows <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html> (checked 2026-11-20).

mod alone;
mod error;
mod fleet;
mod instance;
mod log;
mod pool;
mod registry;
mod runtime_api;
mod trial;

pub use alone::Alone;
pub use error::InvokeError;
pub use fleet::{Fleet, FleetOptions};
pub use log::{LogLine, LogSink, LogSource, NoLog};
pub use pool::{FunctionSettings, Invocations};
pub use trial::{Failed, Trial, fails_saying, hands_back};

/// A random request id in the form of a UUID, version 4.
#[must_use]
pub fn request_id() -> String {
    let bits: u128 = rand::random();
    let bits = (bits & !(0xF << 76) & !(0x3 << 62)) | (0x4 << 76) | (0x2 << 62);
    let hex = format!("{bits:032x}");
    let (a, rest) = hex.split_at(8);
    let (b, rest) = rest.split_at(4);
    let (c, rest) = rest.split_at(4);
    let (d, e) = rest.split_at(4);
    format!("{a}-{b}-{c}-{d}-{e}")
}

#[cfg(test)]
mod tests {
    #[test]
    fn request_ids_are_version_4_uuids() {
        let id = super::request_id();
        let lengths: Vec<usize> = id.split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12], "{id}");
        assert_eq!(&id[14..15], "4", "{id}");
        assert!("89ab".contains(&id[19..20]), "{id}");
    }
}
