//! Which faults are armed, for whom, and how often they have struck.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
    time::Duration,
};

use time::OffsetDateTime;
use tokio::sync::watch;

use super::{Aim, Fault, FaultError, Point, Times};
use crate::{clock::Clock, wait::TimedOut, wire::Request};

/// A fault that was armed; tells how often it has struck.
#[derive(Clone, Debug)]
pub struct Armed {
    fired: Arc<AtomicU32>,
}

impl Armed {
    /// How many requests have met this fault so far.
    #[must_use]
    pub fn fired(&self) -> u32 {
        self.fired.load(Ordering::SeqCst)
    }
}

#[derive(Debug)]
struct Entry {
    fault: Fault,
    left: u32,
    point: Option<Point>,
    subject: Option<String>,
    until: Option<OffsetDateTime>,
    /// What its first strike makes of `until`.
    once_begun: Option<Duration>,
    fired: Arc<AtomicU32>,
}

/// The faults of one platform. Clones share them.
#[derive(Clone, Debug)]
pub struct Faults {
    platform: &'static str,
    points: &'static [Point],
    entries: Arc<Mutex<Vec<Entry>>>,
    releases: Arc<watch::Sender<u64>>,
    held: Arc<watch::Sender<usize>>,
    slow_rate: Arc<AtomicU64>,
    trickle_rate: Arc<AtomicU64>,
    clock: Clock,
    retry_after_seconds: Arc<AtomicU64>,
}

/// Bytes per second of a slow body unless told otherwise.
const SLOW_RATE: u64 = 8 * 1024;

impl Faults {
    pub(crate) fn new(platform: &'static str, points: &'static [Point], clock: Clock) -> Self {
        Self {
            platform,
            points,
            entries: Arc::default(),
            releases: Arc::new(watch::Sender::new(0)),
            held: Arc::new(watch::Sender::new(0)),
            slow_rate: Arc::new(AtomicU64::new(SLOW_RATE)),
            trickle_rate: Arc::new(AtomicU64::new(1)),
            clock,
            retry_after_seconds: Arc::new(AtomicU64::new(1)),
        }
    }

    /// Arms `fault` for the next `times` requests it can strike. Faults strike in the order they were armed, one per request.
    ///
    /// # Errors
    /// [`FaultError::NotHere`] if nothing on this platform can show the fault.
    pub fn arm(&self, fault: Fault, times: Times) -> Result<Armed, FaultError> {
        let aim = Aim::default();
        self.arm_aimed(fault, Aim { times, ..aim })
    }

    /// As [`Faults::arm`], for requests about one medium id or message id only.
    ///
    /// # Errors
    /// As [`Faults::arm`].
    pub fn arm_on(&self, fault: Fault, times: Times, subject: &str) -> Result<Armed, FaultError> {
        let (aim, subject) = (Aim::default(), Some(subject));
        let aim = Aim {
            times,
            subject,
            ..aim
        };
        self.arm_aimed(fault, aim)
    }

    /// As [`Faults::arm`], for requests at one point only.
    ///
    /// # Errors
    /// [`FaultError::NotHere`] if the fault cannot strike at this point of this platform.
    pub fn arm_at(&self, fault: Fault, times: Times, point: Point) -> Result<Armed, FaultError> {
        let (aim, point) = (Aim::default(), Some(point));
        self.arm_aimed(
            fault,
            Aim {
                times,
                point,
                ..aim
            },
        )
    }

    /// As [`Faults::arm`], by the fault's name.
    ///
    /// # Errors
    /// [`FaultError::Unknown`] for a name that is not in the catalogue, else as [`Faults::arm`].
    pub fn arm_named(&self, name: &str, times: Times) -> Result<Armed, FaultError> {
        self.arm(name.parse()?, times)
    }

    /// Arms `fault` for the requests it is aimed at.
    ///
    /// # Errors
    /// [`FaultError::NotHere`] if the fault cannot strike at this platform, or not at the point it is aimed at.
    pub fn arm_aimed(&self, fault: Fault, aim: Aim<'_>) -> Result<Armed, FaultError> {
        let mut points = fault.points().iter();
        if !points.any(|p| self.points.contains(p) && aim.point.is_none_or(|point| point == *p)) {
            return Err(FaultError::NotHere {
                fault,
                platform: self.platform,
            });
        }
        let fired = Arc::new(AtomicU32::new(0));
        let lasting = aim.lasting.or(fault.lasts());
        if aim.times.0 > 0 {
            self.locked().push(Entry {
                fault,
                left: aim.times.0,
                point: aim.point,
                subject: aim.subject.map(ToOwned::to_owned),
                until: lasting.map(|lasting| self.clock.now() + lasting),
                once_begun: aim.once_begun,
                fired: fired.clone(),
            });
        }
        Ok(Armed { fired })
    }

    /// Forgets every fault that has not struck yet.
    pub fn disarm_all(&self) {
        self.locked().clear();
    }

    /// Lets everything go on that [`Fault::Stall`] or [`Fault::StallAt99`] holds at this moment.
    pub fn release(&self) {
        self.releases.send_modify(|count| *count += 1);
    }

    /// Sets the pace of [`Fault::SlowBody`], in bytes per second (8 KiB/s at first; at least 1).
    pub fn set_slow_rate(&self, bytes_per_second: u64) {
        self.slow_rate
            .store(bytes_per_second.max(1), Ordering::SeqCst);
    }

    /// Sets the pace of [`Fault::OneBytePerSecond`] and [`Fault::SlowHeaders`], in bytes per second (1 at first, and at least).
    pub fn set_trickle_rate(&self, bytes_per_second: u64) {
        self.trickle_rate
            .store(bytes_per_second.max(1), Ordering::SeqCst);
    }

    pub(crate) fn trickle_rate(&self) -> u64 {
        self.trickle_rate.load(Ordering::SeqCst)
    }

    /// Sets what [`Fault::RateLimit`] says in `Retry-After` where the platform sends it (1 at first).
    pub fn set_retry_after_seconds(&self, seconds: u64) {
        self.retry_after_seconds.store(seconds, Ordering::SeqCst);
    }

    pub(crate) fn retry_after_seconds(&self) -> u64 {
        self.retry_after_seconds.load(Ordering::SeqCst)
    }

    pub(crate) fn slow_rate(&self) -> u64 {
        self.slow_rate.load(Ordering::SeqCst)
    }

    /// The fault that a request at this point meets, if any, as it is to be shown; `subjects` are the ids the request is about.
    pub(crate) fn take(&self, point: Point, subjects: &[impl AsRef<str>]) -> Option<Fault> {
        self.take_of(point, false, subjects)
    }

    /// As [`Faults::take`], at [`Point::Download`]: here it matters whether the request is for a part.
    pub(crate) fn take_at_download(
        &self,
        request: &Request,
        subjects: &[impl AsRef<str>],
    ) -> Option<Fault> {
        let ranged = request.header("range").is_some();
        self.take_of(Point::Download, ranged, subjects)
    }

    fn take_of(&self, point: Point, ranged: bool, subjects: &[impl AsRef<str>]) -> Option<Fault> {
        let now = self.clock.now();
        let mut entries = self.locked();
        entries.retain(|entry| entry.until.is_none_or(|until| now < until));
        let index = entries.iter().position(|entry| {
            entry.fault.points().contains(&point)
                && (ranged || !entry.fault.needs_range())
                && entry.point.is_none_or(|only| only == point)
                && entry
                    .subject
                    .as_deref()
                    .is_none_or(|wanted| subjects.iter().any(|subject| subject.as_ref() == wanted))
        })?;
        let entry = &mut entries[index];
        if let Some(lasting) = entry.once_begun.take() {
            entry.until = Some(now + lasting);
        }
        entry.fired.fetch_add(1, Ordering::SeqCst);
        let fault = entry.fault;
        if entry.left != u32::MAX {
            entry.left = entry.left.saturating_sub(1);
        }
        if entry.left == 0 {
            entries.remove(index);
        }
        tracing::debug!(platform = self.platform, %fault, ?point, "a fault strikes");
        Some(fault.shown())
    }

    /// How many requests [`Fault::Stall`] holds at this moment.
    #[must_use]
    pub fn held(&self) -> usize {
        *self.held.borrow()
    }

    /// Waits until [`Fault::Stall`] holds at least one request: what is released after this was held.
    ///
    /// # Errors
    /// If none is held `within` this real time.
    pub async fn wait_until_held(&self, within: Duration) -> Result<(), TimedOut> {
        let mut held = self.held.subscribe();
        let wait = tokio::time::timeout(within, held.wait_for(|&count| count > 0));
        match wait.await {
            Ok(Ok(_)) => Ok(()),
            _ => Err(TimedOut { within }),
        }
    }

    /// A wait that ends with the next [`Faults::release`] after this call; it counts as held once something waits for it.
    pub(crate) fn stalled(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut releases = self.releases.subscribe();
        let held = self.held.clone();
        async move {
            let _held = Held::new(held);
            // An error means the platform is gone, and with it whoever held the answer back.
            let _ = releases.changed().await;
        }
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, Vec<Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts one held request for as long as it lives.
struct Held(Arc<watch::Sender<usize>>);

impl Held {
    fn new(count: Arc<watch::Sender<usize>>) -> Self {
        count.send_modify(|count| *count += 1);
        Self(count)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

/// The pause between two pieces of a slow body.
pub(crate) const SLOW_TICK: Duration = Duration::from_millis(50);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_used_up_in_order_and_only_by_its_subject() {
        let faults = Faults::new("test", &[Point::Download], Clock::real());
        let one = faults
            .arm_on(Fault::Stall, Times(1), "m1")
            .expect("applies");
        let two = faults.arm(Fault::SlowBody, Times(2)).expect("applies");
        let rows = [
            (Point::Inbound, "m1", Some(Fault::Stall)),
            (Point::Download, "m1", Some(Fault::SlowBody)),
            (Point::Download, "m2", Some(Fault::SlowBody)),
            (Point::Download, "m2", None),
        ];
        for (point, subject, expected) in rows {
            assert_eq!(faults.take(point, &[subject]), expected);
        }
        assert_eq!((one.fired(), two.fired()), (1, 2));
    }

    #[test]
    fn a_fault_with_an_end_strikes_until_the_clock_has_passed_it() {
        let clock = Clock::real();
        let faults = Faults::new("test", &[Point::Download], clock.clone());
        let minute = faults.arm(Fault::FiveHundredsForAMinute, Times::ALWAYS);
        let aim = Aim {
            times: Times::ALWAYS,
            lasting: Some(Duration::from_secs(90)),
            ..Aim::default()
        };
        faults
            .arm_aimed(Fault::LateAttachment, aim)
            .expect("applies");
        for (by, expected) in [
            (0, Some(Fault::FiveHundreds)),
            (59, Some(Fault::FiveHundreds)),
            (2, Some(Fault::LateAttachment)),
            (30, None),
        ] {
            clock.advance(Duration::from_secs(by));
            assert_eq!(faults.take(Point::Download, &["m1"]), expected, "{by}");
        }
        assert_eq!(minute.expect("applies").fired(), 2);
    }

    #[test]
    fn a_fault_may_last_from_its_first_strike_on() {
        let clock = Clock::real();
        let faults = Faults::new("test", &[Point::Inbound], clock.clone());
        let aim = Aim {
            times: Times::ALWAYS,
            once_begun: Some(Duration::from_secs(3)),
            ..Aim::default()
        };
        faults.arm_aimed(Fault::RateLimit, aim).expect("applies");
        for (by, expected) in [
            (600, Some(Fault::RateLimit)),
            (2, Some(Fault::RateLimit)),
            (1, None),
        ] {
            clock.advance(Duration::from_secs(by));
            assert_eq!(faults.take(Point::Inbound, &["m1"]), expected, "{by}");
        }
    }

    #[test]
    fn a_fault_that_cannot_strike_is_refused() {
        let faults = Faults::new("test", &[Point::Inbound], Clock::real());
        let refused = faults.arm(Fault::TruncatedBody, Times(1));
        assert_eq!(
            refused.err(),
            Some(FaultError::NotHere {
                fault: Fault::TruncatedBody,
                platform: "test"
            })
        );
        assert!(faults.arm_named("nonsense", Times(1)).is_err());
        let elsewhere = faults.arm_at(Fault::Stall, Times(1), Point::Download);
        assert!(
            elsewhere.is_err(),
            "the fault fits, the point is another platform's"
        );
    }
}
