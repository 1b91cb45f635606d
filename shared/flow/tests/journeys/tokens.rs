//! Tokens over hours: renewed before anybody misses them, once for each life, and what happens where they are not.

use std::cell::Cell;

use async_trait::async_trait;
use attache_domain::journey::Stage;
use attache_domain::time::Timestamp;
use attache_domain::transfer::Rest;
use attache_domain::wire::{CallError, Request, Response};
use attache_flow::ports::{Clock, Credential, Download, Http, Source};
use attache_flow::refresh::Refresh;
use futures_util::FutureExt;

use super::world::{PHOTO, Site};

/// A tick of the scheduled run: once a minute, whether or not it succeeds.
fn tick(site: &Site) -> bool {
    let renewed = site.refresher().run().now_or_never();
    renewed.is_some_and(|renewed| renewed.is_ok())
}

/// So many seconds pass, with everything at work and `refresh` once a minute.
fn pass(site: &Site, seconds: u64) {
    for second in 0..seconds {
        if second % 60 == 0 {
            tick(site);
        }
        site.renew_what_is_asked_for();
        site.fetch();
        site.judge();
        site.deliver();
        site.pass(1);
    }
}

fn issued(site: &Site) -> u32 {
    *site.platforms.issued.borrow()
}

/// All of them arrived, each by one call.
fn all_arrived(site: &Site, files: usize) {
    let items = site.items(|item| item.origin.file().is_some());
    assert_eq!(items.len(), files);
    for item in items {
        assert_eq!(item.gate.stage, Stage::Sent, "{:?}", item.record.diagnosis);
    }
    assert_eq!(site.files_sent().len(), files);
}

#[test]
fn a_life_shorter_than_the_margin_delivers_everything_with_one_renewal_each() {
    let site = Site::new(PHOTO);
    site.platforms.life.set(240);
    for file in 0..50 {
        site.announce(&format!("m{file}"), None);
        pass(&site, 24);
    }
    pass(&site, 60);
    all_arrived(&site, 50);
    assert_eq!(site.platforms.came_dead.get(), 0);
    // Renewed at 90 s before the end, looked at every minute: at the soonest every 150 s, of each of the two.
    let lives = (50 * 24 + 60) / 150 + 1;
    assert!(
        issued(&site) <= 2 * lives,
        "{} in {lives} lives",
        issued(&site)
    );
}

#[test]
fn hours_under_load_cost_one_renewal_a_life_and_no_file() {
    let site = Site::new(PHOTO);
    site.platforms.life.set(3600);
    let mut files = 0;
    for _ in 0..18 {
        for _ in 0..50 {
            site.announce(&format!("m{files}"), None);
            files += 1;
        }
        pass(&site, 600);
    }
    all_arrived(&site, files);
    assert_eq!(site.platforms.came_dead.get(), 0);
    // Three hours, each life given up ten minutes before its end.
    assert_eq!(issued(&site), 2 * (1 + 3 * 3600 / 3000));
}

#[test]
fn an_issuer_that_is_down_for_an_hour_costs_time_and_no_file() {
    let site = Site::new(PHOTO);
    site.platforms.life.set(3600);
    assert!(tick(&site));
    site.platforms.no_tokens.set(Some(503));
    site.pass(3000);
    assert!(
        !tick(&site),
        "the run fails, which the alarm sees, ten minutes ahead"
    );
    // The token there is serves while it lives …
    site.announce("early", None);
    pass(&site, 10);
    assert_eq!(site.files_sent().len(), 1);
    // … and then nothing goes out, and nothing is lost.
    site.pass(600);
    site.announce("late", None);
    pass(&site, 2400);
    assert_eq!(
        (site.files_sent().len(), site.platforms.came_dead.get()),
        (1, 0)
    );
    site.platforms.no_tokens.set(None);
    pass(&site, 180);
    all_arrived(&site, 2);
    assert_eq!(
        issued(&site),
        4,
        "two to begin with, and two after the hour"
    );
}

#[test]
fn revoked_tokens_cost_one_refused_call_and_one_renewal() {
    let site = Site::new(PHOTO);
    tick(&site);
    for dies in site.platforms.dies.borrow_mut().iter_mut() {
        *dies = site.platforms.now.get();
    }
    site.announce("m", None);
    pass(&site, 120);
    assert_eq!(site.item().gate.stage, Stage::Sent);
    assert_eq!((site.platforms.came_dead.get(), issued(&site)), (1, 3));
}

/// While one refresher waits for its answer, another one runs.
struct Meanwhile<'a> {
    site: &'a Site,
    other_ran: Cell<bool>,
}

impl Meanwhile<'_> {
    fn refresher(&self) -> Refresh<'_> {
        Refresh {
            http: self,
            ..self.site.refresher()
        }
    }
}

#[async_trait(?Send)]
impl Http for Meanwhile<'_> {
    async fn call(
        &self,
        request: &Request,
        credential: &Credential,
    ) -> Result<Response, CallError> {
        if !self.other_ran.replace(true) {
            let other = self.refresher().run().await;
            assert!(other.is_ok(), "who is second has nothing to complain of");
        }
        self.site.platforms.call(request, credential).await
    }

    async fn upload(
        &self,
        request: &Request,
        credential: &Credential,
        file: Box<dyn Source>,
    ) -> Result<Response, CallError> {
        self.site.platforms.upload(request, credential, file).await
    }

    async fn download(
        &self,
        request: &Request,
        credential: &Credential,
        rest: Option<&Rest>,
    ) -> Result<Download, CallError> {
        self.site
            .platforms
            .download(request, credential, rest)
            .await
    }
}

#[test]
fn two_refreshers_at_once_renew_each_token_once() {
    let site = Site::new(PHOTO);
    let meanwhile = Meanwhile {
        site: &site,
        other_ran: Cell::new(false),
    };
    let ran = meanwhile.refresher().run().now_or_never();
    assert!(ran.is_some_and(|ran| ran.is_ok()) && meanwhile.other_ran.get());
    assert_eq!(issued(&site), 2, "one for files and one for messages");
}

#[test]
fn a_platform_whose_clock_differs_sees_no_dead_token() {
    // A token's life counts from when it was given, by whoever's clock.
    for difference in [-900, 900] {
        let site = Site::new(PHOTO);
        site.platforms.life.set(3600);
        let ours = site.world.now().as_seconds();
        let theirs = ours.saturating_add_signed(difference);
        site.platforms.now.set(Timestamp::from_seconds(theirs));
        for file in 0..12 {
            site.announce(&format!("m{file}"), None);
            pass(&site, 600);
        }
        all_arrived(&site, 12);
        assert_eq!(site.platforms.came_dead.get(), 0, "{difference} s");
    }
}
