//! The in-memory twins, held to what every implementation of a port must do.

#![expect(clippy::expect_used, reason = "a test that cannot go on fails")]

use std::future::Future;

use attache_domain::connection::{Directory, SecretName};
use attache_domain::signature::Secret;
use attache_flow::conformance;
use attache_flow::memory::World;
use futures_util::FutureExt;

const RUN: &str = "twin";

fn world() -> World {
    World::calm(Directory::default())
}

/// A twin never waits.
fn done(suite: impl Future<Output = ()>) {
    suite.now_or_never().expect("a twin waits for nothing");
}

#[test]
fn items() {
    done(conformance::items(&world(), RUN));
}

#[test]
fn claims() {
    done(conformance::claims(&world(), RUN));
}

#[test]
fn conversations() {
    done(conformance::conversations(&world(), RUN));
}

#[test]
fn tokens() {
    done(conformance::tokens(&world(), RUN));
}

#[test]
fn overdue_order() {
    done(conformance::overdue_order(&world(), RUN));
}

#[test]
fn limits() {
    done(conformance::limits(&world(), RUN));
}

#[test]
fn objects() {
    done(conformance::objects(&world(), RUN));
}

#[test]
fn parts() {
    let world = world();
    done(conformance::parts((&world, &world), RUN));
}

#[test]
fn jobs() {
    let world = world();
    let receive = async |queue| {
        world
            .receive(queue)
            .into_iter()
            .map(|message| message.body)
            .collect()
    };
    done(conformance::jobs(&world, RUN, receive));
}

#[test]
fn secrets() {
    let world = world();
    let (name, value) = (
        SecretName("attache/test/one".to_owned()),
        Secret::new("value").unwrap(),
    );
    world.put_secret(&name, value.clone());
    done(conformance::secrets(&world, &name, &value));
}

#[test]
fn scanner() {
    let world = world();
    let (signature, name) = (b"a signature".as_slice(), "Twin.Test");
    {
        let mut state = world.state.borrow_mut();
        state.signatures.push((signature.to_vec(), name.to_owned()));
        state.longest_scan = Some(300_000);
    }
    done(conformance::scanner(&world, (signature, name), 300_000));
    world.state.borrow_mut().scanner_is_down = true;
    done(conformance::scanner_in_trouble(&world, signature.to_vec()));
}

#[test]
fn vault() {
    done(conformance::vault(&world(), RUN));
}
