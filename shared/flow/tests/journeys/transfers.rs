//! How bytes come in where one stream is not enough: in parts, past breaks, from hosts that know nothing of the rest.

use std::rc::Rc;

use crate::world::{Host, PART_BYTES, Site, directory};
use attache_domain::digest::Sha256Digest;
use attache_domain::journey::Stage;
use attache_flow::memory::Calm;
use serde_json::json;

/// A text of `length` bytes in which no two parts are alike.
fn text(length: usize) -> Vec<u8> {
    let lines = (0..).flat_map(|n| format!("line {n}\n").into_bytes());
    lines.take(length).collect()
}

fn site(file: &[u8], host: Host) -> Site {
    let site = Site::with(file, directory(), Rc::new(Calm));
    *site.platforms.host.borrow_mut() = host;
    site.refresh();
    site
}

/// It arrived, as what it is, and nothing else is left in the store.
fn arrived(site: &Site, file: &[u8], name: &str) {
    let item = site.item();
    assert_eq!(item.gate.stage, Stage::Sent, "{name}: {:?}", item.record);
    assert_eq!(item.record.transfer, None, "{name}");
    let digest = item.record.object.map(|object| object.digest);
    assert_eq!(digest, Some(Sha256Digest::of(file)), "{name}");
    let state = site.world.state.borrow();
    assert!(state.objects[&item.id].bytes == file, "{name}: other bytes");
    assert!(state.uploads.is_empty(), "{name}: {:?}", state.uploads);
    drop(state);
    assert_eq!(site.files_sent().len(), 1, "{name}");
}

const KNOWN: Host = Host {
    etag: Some("\"v1\""),
    honours_range: true,
    silent_look_up: false,
    no_length: false,
    becomes: None,
};

#[test]
fn of_unknown_length_it_comes_whole_or_in_parts() {
    for (name, length, in_parts) in [
        ("small", 700, false),
        ("just a part", PART_BYTES - 1, false),
        ("a part", PART_BYTES, true),
        ("a part and a byte", PART_BYTES + 1, true),
        ("three parts", 3 * PART_BYTES, true),
    ] {
        let file = text(length);
        let host = Host {
            silent_look_up: true,
            no_length: true,
            ..Host::default()
        };
        let site = site(&file, host);
        site.announce("m", Some("notes.txt"));
        site.run(3);
        arrived(&site, &file, name);
        let object = &site.world.state.borrow().objects[&site.item().id];
        assert_eq!(object.joined, in_parts, "{name}");
        assert_eq!(site.platforms.given.get(), length, "{name}: once");
    }
}

#[test]
fn what_broke_off_goes_on_where_it_stopped() {
    let file = text(4_500);
    for (name, honours_range, etag, cuts, opened, at_most) in [
        ("once", true, Some("\"v1\""), vec![2_600], 2, 7_100),
        // Straight first; then the parts that came are kept.
        ("twice", true, Some("\"v1\""), vec![2_600, 2_600], 3, 7_100),
        (
            "again and again",
            true,
            Some("\"v1\""),
            vec![9, 600, 600, 600, 600, 600, 600],
            8,
            4_600,
        ),
        (
            "range ignored",
            false,
            Some("\"v1\""),
            vec![2_600, 3_600],
            3,
            10_700,
        ),
        (
            "nothing to name it by",
            true,
            None,
            vec![2_600, 3_600],
            3,
            10_700,
        ),
    ] {
        let host = Host {
            etag,
            honours_range,
            ..Host::default()
        };
        let site = site(&file, host);
        site.platforms.cut.borrow_mut().extend(cuts);
        site.announce("m", Some("notes.txt"));
        site.run(60);
        arrived(&site, &file, name);
        let asked = site.platforms.asked_from.borrow().clone();
        assert_eq!(asked.len(), opened, "{name}: {asked:?}");
        let given = site.platforms.given.get();
        assert!(given <= at_most, "{name}: {given} bytes for {asked:?}");
    }
}

#[test]
fn the_rest_of_another_file_is_never_joined_to_it() {
    let file = text(3_500);
    let other: Vec<u8> = text(3_500).iter().map(u8::to_ascii_uppercase).collect();
    for (name, host) in [
        ("its host says so", KNOWN),
        (
            "its digest says so",
            Host {
                honours_range: false,
                ..KNOWN
            },
        ),
        (
            "nobody names it",
            Host {
                etag: None,
                ..KNOWN
            },
        ),
    ] {
        for announced in [false, true] {
            let site = site(&file, host.clone());
            site.platforms.cut.borrow_mut().extend([100, 2_600]);
            if announced {
                site.announce("m", Some("notes.txt"));
            } else {
                let content = json!({"id": "media-m", "mime_type": "text/plain"});
                site.says("m", "document", content);
            }
            site.fetch();
            site.pass(3);
            let changed = Host {
                silent_look_up: true,
                becomes: Some(other.clone()),
                ..host.clone()
            };
            // The second download is the last of the file as it was.
            *site.platforms.host.borrow_mut() = changed;
            site.run(60);
            if !announced {
                arrived(&site, &other, name);
                continue;
            }
            let item = site.item();
            assert_eq!(item.gate.stage, Stage::Lost, "{name}: {:?}", item.record);
            let diagnosis = item.record.diagnosis.unwrap();
            assert_eq!(diagnosis.code, "transfer.other-bytes", "{name}");
            let state = site.world.state.borrow();
            assert!(
                state.uploads.is_empty() && state.objects.is_empty(),
                "{name}"
            );
        }
    }
}

#[test]
fn what_is_given_up_leaves_no_part_behind() {
    let site = site(&text(3_500), KNOWN);
    site.platforms
        .cut
        .borrow_mut()
        .extend([100, 1_200, 0, 0, 0, 0]);
    site.announce("m", Some("notes.txt"));
    site.fetch();
    site.pass(3);
    site.fetch();
    let item = site.item();
    assert_eq!(item.gate.stage, Stage::Fetching, "{:?}", item.record);
    assert_eq!(item.record.transfer.map(|t| t.offset), Some(1_000));
    assert_eq!(site.world.state.borrow().uploads.len(), 1);
    // WhatsApp: the id is gone, and not merely late.
    let gone =
        json!({"error": {"code": 100, "error_subcode": 33, "message": "Unsupported get request"}});
    let gone = (400, gone.to_string());
    site.platforms
        .look_ups
        .borrow_mut()
        .extend([gone.clone(), gone]);
    site.run(60);
    assert_eq!(site.item().gate.stage, Stage::Lost);
    assert!(site.world.state.borrow().uploads.is_empty());
}
