//! A file whose inspection comes to no end: its journey does, and those who wait for it are told.

use std::future::pending;
use std::rc::Rc;
use std::time::Duration;

use async_trait::async_trait;
use attache_domain::journey::Stage;
use attache_domain::verdict::Verdict;
use attache_flow::batch::{Trouble, isolated};
use attache_flow::memory::Weather;
use attache_flow::ports::{Answer, Queue};
use futures_util::FutureExt;

use crate::world::{PHOTO, Site, directory};

/// How inspecting ends that comes to no end.
#[derive(Clone, Copy, Debug)]
enum Ends {
    Panic,
    /// The process is gone at its timeout, and with it whatever it was doing.
    Timeout,
}

#[async_trait(?Send)]
impl Weather for Ends {
    async fn before(&self, call: &'static str) -> Answer<()> {
        match (call, self) {
            ("objects.open", Self::Panic) => panic!("the inspection panics"),
            ("objects.open", Self::Timeout) => pending().await,
            _ => Ok(()),
        }
    }

    async fn after(&self, _call: &'static str) -> Answer<()> {
        Ok(())
    }

    async fn wait(&self, _duration: Duration) {}
}

/// Judges what there is to judge, each by a process of its own; how many of them came to no end.
fn judged(site: &Site) -> usize {
    let judge = site.judge_of_files();
    let keys: Vec<String> = site.world.state.borrow_mut().events.drain(..).collect();
    let by_event = keys
        .iter()
        .map(|key| isolated(|| judge.object_created(key)).now_or_never());
    let jobs = site.world.receive(Queue::Judge);
    let by_job = jobs
        .iter()
        .map(|job| isolated(|| judge.handle(&job.body)).now_or_never());
    let outcomes: Vec<_> = by_event.chain(by_job).collect();
    let endless = |outcome: &&Option<Result<(), Trouble>>| !matches!(outcome, Some(Ok(())));
    outcomes.iter().filter(endless).count()
}

#[test]
fn what_can_never_be_judged_is_held_and_told_of() {
    for ends in [Ends::Panic, Ends::Timeout] {
        let site = Site::with(PHOTO, directory(), Rc::new(ends));
        site.announce("m", Some("photo.jpg"));
        site.refresh();
        site.fetch();
        site.pass(10);
        site.refresh();
        site.fetch();
        let mut endless = judged(&site);
        let mut minutes = 0;
        while site.item().gate.verdict == Verdict::Unjudged {
            minutes += 1;
            assert!(minutes < 120, "{ends:?}: no end in two hours");
            site.pass(60);
            site.sweep();
            endless += judged(&site);
            site.fetch();
        }
        let item = site.item();
        assert_eq!(
            (item.gate.stage, item.gate.verdict, item.gate.due_at),
            (Stage::Planned, Verdict::Held, None),
            "{ends:?}"
        );
        assert_eq!(item.record.reasons[0].code, "not-judged", "{ends:?}");
        assert!((5..=10).contains(&endless), "{ends:?}: {endless} times");
        assert!(item.is_held() && item.record.object.is_some(), "{ends:?}");
        site.run(5);
        assert!(site.files_sent().is_empty(), "{ends:?}");
        let sends = site.platforms.sends.borrow();
        let notices = sends.iter().filter_map(|body| body["text"].as_str());
        let ours = notices.filter(|text| text.starts_with("[Attaché]"));
        assert_eq!(ours.count(), 1, "{ends:?}: the agent is told");
        item.trail.verify(&item.id).unwrap();
        let tries = site.world.state.borrow().calls.get("objects.open").copied();
        site.pass(3600);
        site.sweep();
        assert_eq!(judged(&site), 0, "{ends:?}");
        let later = site.world.state.borrow().calls.get("objects.open").copied();
        assert_eq!(tries, later, "{ends:?}: nobody looks any more");
    }
}
