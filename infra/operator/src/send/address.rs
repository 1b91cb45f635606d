//! Whom a file is for: `--address KEY=VALUE`, by the names that the connection's platform gives them.

use anyhow::{Result, bail, ensure};
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
}

/// What a profile's messages are addressed by.
struct Fields {
    /// The customer's address, and what it is.
    address: (&'static str, &'static str),
    /// The customer's name, where one is sent along.
    name: Option<&'static str>,
}

fn fields(profile: Profile) -> Option<Fields> {
    match profile {
        Profile::WhatsApp => Some(Fields {
            address: ("to", "the customer's number with its country code"),
            name: None,
        }),
        Profile::Messenger => Some(Fields {
            address: ("to", "the customer's id for the page (PSID)"),
            name: None,
        }),
        Profile::Instagram => Some(Fields {
            address: ("to", "the customer's id for the account (IGSID)"),
            name: None,
        }),
        Profile::GenesysOpenMessaging | Profile::GenesysWebMessaging => Some(Fields {
            address: ("from", "the customer's address on the channel"),
            name: Some("nickname"),
        }),
        Profile::CxoneByoc => Some(Fields {
            address: ("from", "the customer's address on the channel"),
            name: Some("nickname"),
        }),
        Profile::CxoneConversations => Some(Fields {
            address: ("conversationId", "the conversation's id"),
            name: None,
        }),
        Profile::GenesysMessageMedia => None,
    }
}

/// Puts the parts together.
///
/// # Errors
/// Names what is missing, unknown, said twice or no address.
pub(super) fn customer(profile: Profile, parts: &[Part]) -> Result<Customer> {
    let Some(fields) = fields(profile) else {
        bail!("nothing can be delivered over profile {profile}");
    };
    let (key, what) = fields.address;
    let expected = match fields.name {
        Some(name) => format!("profile {profile} takes {key}= ({what}) and {name}="),
        None => format!("profile {profile} takes {key}= ({what})"),
    };
    let (mut address, mut name) = (None, None);
    for part in parts {
        let place = match part.key.as_str() {
            known if known == key => &mut address,
            known if Some(known) == fields.name => &mut name,
            unknown => bail!("--address {unknown}=… is unknown: {expected}"),
        };
        ensure!(
            place.is_none(),
            "--address {}=… was given twice: {expected}",
            part.key
        );
        *place = Some(part.value.clone());
    }
    let Some(address) = address else {
        bail!("--address {key}=… is missing: {expected}");
    };
    let address = match profile {
        Profile::WhatsApp => number(&address)?,
        Profile::GenesysOpenMessaging
        | Profile::GenesysMessageMedia
        | Profile::GenesysWebMessaging
        | Profile::Messenger
        | Profile::Instagram
        | Profile::CxoneByoc
        | Profile::CxoneConversations => address,
    };
    Ok(Customer { address, name })
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
                Profile::GenesysMessageMedia,
                &["to=1"],
                "nothing can be delivered over profile genesys-message-media",
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
