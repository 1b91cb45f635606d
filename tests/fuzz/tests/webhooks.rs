//! Webhooks: whatever comes is read or refused, and what is kept of it reads as the same again.

use attache_domain::connection::Profile;
use attache_domain::event::Said;
use attache_domain::platforms::parse;
use attache_fuzz::{Edit, edited, webhooks};

/// Reads a body under a profile. What is announced must be kept as a slice that announces the same, and nothing besides; of a
/// notice it is enough that it stays the same notice.
fn read(profile: Profile, body: &[u8]) {
    let Ok(announced) = parse(profile, body) else {
        return;
    };
    for one in announced {
        let again = parse(profile, one.slice.as_bytes());
        let again = again.unwrap_or_else(|error| panic!("{error}: {}", one.slice));
        let [again] = again.as_slice() else {
            panic!("{} announcements in {}", again.len(), one.slice)
        };
        match (&one.said, &again.said) {
            (Said::Notice(_), Said::Notice(_)) => assert_eq!(again.message, one.message),
            _ => assert_eq!(*again, one),
        }
    }
}

#[test]
fn any_bytes() {
    bolero::check!()
        .with_iterations(20_000)
        .for_each(|body: &[u8]| {
            Profile::ALL
                .into_iter()
                .for_each(|profile| read(profile, body))
        });
}

#[test]
fn edited_webhooks() {
    let seeds = webhooks();
    bolero::check!()
        .with_iterations(20_000)
        .with_type::<(u8, Vec<Edit>)>()
        .for_each(|(seed, edits)| {
            let (profile, body) = seeds[usize::from(*seed) % seeds.len()];
            read(profile, &edited(body.as_bytes(), edits));
        });
}

#[test]
fn webhooks_of_another_profile() {
    let seeds = webhooks();
    bolero::check!()
        .with_iterations(2_000)
        .with_type::<(u8, u8, Vec<Edit>)>()
        .for_each(|(seed, profile, edits)| {
            let (_, body) = seeds[usize::from(*seed) % seeds.len()];
            let profile = Profile::ALL[usize::from(*profile) % Profile::ALL.len()];
            read(profile, &edited(body.as_bytes(), edits));
        });
}
