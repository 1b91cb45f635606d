//! Whom a file is for: `--address KEY=VALUE`, by the names that the connection's platform gives them.

use anyhow::{Result, bail, ensure};
use attache_domain::address::Address;
use attache_domain::connection::Profile;

/// One `--address`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    key: String,
    value: String,
}

impl std::str::FromStr for Part {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((key, value)) if !key.is_empty() && !value.is_empty() => Ok(Self {
                key: key.to_owned(),
                value: value.to_owned(),
            }),
            _ => Err("expected KEY=VALUE, such as to=+4915112345678".to_owned()),
        }
    }
}

/// The customer, as platforms call them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Customer {
    pub(super) address: String,
    pub(super) name: Option<String>,
    /// What else says where it goes.
    pub(super) place: Address,
}

/// What a profile's messages are addressed by.
struct Fields {
    /// The customer's address, and what it is.
    address: (&'static str, &'static str),
    /// The customer's name, where one is sent along.
    name: Option<&'static str>,
    /// What names the customer where their address is not given: the first field of the place.
    or_place: bool,
}

fn fields(profile: Profile) -> Fields {
    match profile {
        Profile::WhatsApp => Fields {
            address: ("to", "the customer's number with its country code"),
            name: None,
            or_place: false,
        },
        Profile::Messenger => Fields {
            address: ("to", "the customer's id for the page (PSID)"),
            name: None,
            or_place: false,
        },
        Profile::Instagram => Fields {
            address: ("to", "the customer's id for the account (IGSID)"),
            name: None,
            or_place: false,
        },
        Profile::GenesysOpenMessaging | Profile::GenesysWebMessaging => Fields {
            address: ("from", "the customer's address on the channel"),
            name: Some("nickname"),
            or_place: false,
        },
        Profile::CxoneByoc => Fields {
            address: ("from", "the customer's address on the channel"),
            name: Some("nickname"),
            or_place: false,
        },
        Profile::CxoneConversations => Fields {
            address: ("conversationId", "the conversation's id"),
            name: None,
            or_place: false,
        },
        Profile::GenesysMediaUpload => Fields {
            address: ("from", "any name: the test's files go to nobody"),
            name: None,
            or_place: false,
        },
        Profile::GenesysAgent => Fields {
            address: (
                "to",
                "the customer, by a name of yours under which the rest is remembered",
            ),
            name: None,
            or_place: true,
        },
        Profile::GenesysMessageMedia | Profile::GenesysWebChat => Fields {
            address: ("from", "the customer, as the platform names them"),
            name: None,
            or_place: false,
        },
    }
}

/// Puts the parts together.
///
/// # Errors
/// Names what is missing, unknown, said twice or no address.
pub(super) fn customer(profile: Profile, parts: &[Part]) -> Result<Customer> {
    let fields = fields(profile);
    let (key, what) = fields.address;
    let places = profile.addressed_by();
    let mut expected = format!("profile {profile} takes {key}= ({what})");
    for other in fields.name.iter().chain(places) {
        expected.push_str(&format!(" and {other}="));
    }
    let (mut address, mut name) = (None, None);
    let mut others: Vec<(&str, Option<String>)> = places.iter().map(|it| (*it, None)).collect();
    for part in parts {
        let other = others.iter_mut().find(|(field, _)| *field == part.key);
        let place = match (part.key.as_str(), other) {
            (known, _) if known == key => &mut address,
            (known, _) if Some(known) == fields.name => &mut name,
            (_, Some((_, value))) => value,
            (unknown, None) => bail!("--address {unknown}=… is unknown: {expected}"),
        };
        ensure!(
            place.is_none(),
            "--address {}=… was given twice: {expected}",
            part.key
        );
        *place = Some(part.value.clone());
    }
    let first = others.first().and_then(|(_, value)| value.clone());
    let stands_in = first.filter(|_| fields.or_place);
    let Some(address) = address.or(stands_in) else {
        bail!("--address {key}=… is missing: {expected}");
    };
    let named = |(field, value): (&str, Option<String>)| Some((field.to_owned(), value?));
    let place = others.into_iter().filter_map(named).collect();
    let address = match profile {
        Profile::WhatsApp => number(&address)?,
        Profile::GenesysOpenMessaging
        | Profile::GenesysMessageMedia
        | Profile::GenesysWebMessaging
        | Profile::GenesysWebChat
        | Profile::GenesysMediaUpload
        | Profile::GenesysAgent
        | Profile::Messenger
        | Profile::Instagram
        | Profile::CxoneByoc
        | Profile::CxoneConversations => address,
    };
    Ok(Customer {
        address,
        name,
        place,
    })
}

/// A number as WhatsApp names customers: digits alone.
fn number(text: &str) -> Result<String> {
    let digits: String = text
        .chars()
        .filter(|c| !matches!(c, '+' | ' ' | '-' | '(' | ')' | '.' | '/'))
        .collect();
    let fits = (7..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    ensure!(
        fits,
        "--address to={text} is no number: expected its country code and 7 to 15 digits, such as +4915112345678"
    );
    Ok(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(texts: &[&str]) -> Vec<Part> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn each_profile_has_its_own_names() {
        let sheena = |address: &str, name: Option<&str>| Customer {
            address: address.to_owned(),
            name: name.map(str::to_owned),
            place: Address::default(),
        };
        for (profile, given, expected) in [
            (
                Profile::WhatsApp,
                &["to=+49 (151) 12345-678"][..],
                sheena("4915112345678", None),
            ),
            (
                Profile::GenesysOpenMessaging,
                &["nickname=Sheena", "from=a=b"],
                sheena("a=b", Some("Sheena")),
            ),
        ] {
            assert_eq!(customer(profile, &parts(given)).unwrap(), expected);
        }
    }

    #[test]
    fn an_agent_s_side_is_addressed_by_conversation_and_communication() {
        let fields = |customer: &Customer| {
            ["conversationId", "communicationId"]
                .map(|field| customer.place.get(field).map(str::to_owned))
        };
        let (c, m) = (Some("c1".to_owned()), Some("m1".to_owned()));
        for (given, address, expected) in [
            (
                &["conversationId=c1", "communicationId=m1"][..],
                "c1",
                [c.clone(), m.clone()],
            ),
            (&["to=sheena"], "sheena", [None, None]),
            (
                &["communicationId=m1", "to=sheena", "conversationId=c1"],
                "sheena",
                [c, m],
            ),
        ] {
            let customer = customer(Profile::GenesysAgent, &parts(given)).unwrap();
            assert_eq!(
                (customer.address.as_str(), fields(&customer)),
                (address, expected)
            );
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (profile, given, expected) in [
            (Profile::WhatsApp, &[][..], "--address to=… is missing"),
            (Profile::WhatsApp, &["to=sheena"], "is no number"),
            (Profile::WhatsApp, &["to=1234567", "to=12345678"], "twice"),
            (
                Profile::WhatsApp,
                &["from=1"],
                "--address from=… is unknown: profile whatsapp takes to=",
            ),
            (
                Profile::GenesysAgent,
                &["communicationId=m1"],
                "--address to=… is missing: profile genesys-agent takes to=",
            ),
            (
                Profile::GenesysAgent,
                &["conversationId=1", "conversationId=2"],
                "twice",
            ),
            (
                Profile::GenesysMessageMedia,
                &["to=1"],
                "--address from=… is missing: profile genesys-message-media takes from=",
            ),
        ] {
            let error = customer(profile, &parts(given)).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
        for text in ["to", "=1", "to="] {
            assert!(text.parse::<Part>().is_err(), "{text}");
        }
    }
}
