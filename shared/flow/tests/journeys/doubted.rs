//! Bytes that cannot be the file's: one bad answer is doubted, the same four times over is believed.

use std::rc::Rc;

use attache_domain::journey::Stage;
use attache_flow::memory::Calm;

use serde_json::json;

use crate::world::{Host, Site, directory};

const FILE: &[u8] = b"a note of some length, which is longer than a part\n";

/// What a host does wrong, and how often.
#[derive(Clone, Copy)]
enum Wrong {
    Byte,
    Answer(u16, &'static [(&'static str, &'static str)]),
}

fn site(wrong: Wrong, times: usize, no_length: bool) -> Site {
    let file = FILE.repeat(60);
    let site = Site::with(&file, directory(), Rc::new(Calm));
    *site.platforms.host.borrow_mut() = Host {
        silent_look_up: true,
        no_length,
        ..Host::default()
    };
    match wrong {
        Wrong::Byte => site.platforms.wrong.set(times),
        Wrong::Answer(status, headers) => {
            let answers = vec![(status, headers); times];
            site.platforms.downloads.borrow_mut().extend(answers);
        }
    }
    site.refresh();
    match wrong {
        Wrong::Byte => site.announce("m", Some("note.txt")),
        Wrong::Answer(..) => {
            let content = json!({"id": "media-m", "mime_type": "text/plain"});
            site.says("m", "document", content)
        }
    };
    site.run(60);
    site
}

#[test]
fn what_may_pass_costs_no_file_and_what_stays_does() {
    let elsewhere = &[("location", "https://elsewhere.example/")];
    for (name, wrong, no_length, code) in [
        ("a byte", Wrong::Byte, false, "transfer.other-bytes"),
        (
            "a byte, in parts",
            Wrong::Byte,
            true,
            "transfer.other-bytes",
        ),
        (
            "empty",
            Wrong::Answer(200, &[("content-length", "0")]),
            false,
            "transfer.size-refused",
        ),
        (
            "empty, of unknown length",
            Wrong::Answer(200, &[]),
            false,
            "transfer.size-refused",
        ),
        (
            "huge",
            Wrong::Answer(200, &[("content-length", "999999999999")]),
            false,
            "transfer.size-refused",
        ),
        (
            "redirected",
            Wrong::Answer(302, elsewhere),
            false,
            "transfer.redirected",
        ),
    ] {
        for (times, expected) in [(1, Stage::Sent), (3, Stage::Sent), (4, Stage::Lost)] {
            let site = site(wrong, times, no_length);
            let item = site.item();
            assert_eq!(item.gate.stage, expected, "{name}, {times} times");
            let state = site.world.state.borrow();
            assert!(state.uploads.is_empty(), "{name}: {:?}", state.uploads);
            drop(state);
            if expected == Stage::Lost {
                let diagnosis = item.record.diagnosis.map(|it| it.code);
                assert_eq!(diagnosis.as_deref(), Some(code), "{name}");
            } else {
                assert_eq!(site.files_sent().len(), 1, "{name}, {times} times");
            }
        }
    }
}
