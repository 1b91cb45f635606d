//! Bringing a customer's file in: the look-up by media id and the link it answers with.
//!
//! Two hops, both with the bearer: `GET /{version}/{media-id}` on the Graph host, then the link on another host. The
//! link lives five minutes; the id of a webhook's file re-mints it for seven days.

use std::time::Duration;

use serde_json::Value;
use url::Url;

use super::error::failure;
use crate::connection::{Account, Connection, authority};
use crate::diagnosis::{Failure, Step};
use crate::digest::Sha256Digest;
use crate::ids::AttachmentId;
use crate::platforms::lenient::{digest, whole};
use crate::time::Timestamp;
use crate::wire::{Auth, Body, Method, Request, Response};

/// How long the look-up may take: it is a small read, and a waiting fetch holds a lease.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where a file can be had right now.
#[derive(Clone, PartialEq, Eq)]
pub struct LookedUp {
    /// The download link. A credential of its own: never logged.
    pub url: Url,
    /// The type the platform names.
    pub declared_type: Option<String>,
    /// The length the platform names, in bytes.
    pub size_bytes: Option<u64>,
    /// The digest the platform names.
    pub digest: Option<Sha256Digest>,
}

impl std::fmt::Debug for LookedUp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "LookedUp({}, {:?} bytes)",
            self.url.host_str().unwrap_or("?"),
            self.size_bytes
        )
    }
}

/// The look-up of one media id. `phone_number_id` is sent along: the call then succeeds only for media of that
/// number, so that no tenant can reach another's.
///
/// # Errors
/// A failure of domain `ours` if the connection is not a WhatsApp one or its base URL takes no path.
pub fn look_up(connection: &Connection, media: &AttachmentId) -> Result<Request, Failure> {
    let Account::WhatsApp {
        base_url,
        graph_version,
        phone_number_id,
        ..
    } = &connection.account
    else {
        return Err(Failure::misconfigured(
            "the connection is not a WhatsApp one",
        ));
    };
    let bare = connection.provider.bare_paths;
    let mut url = base_url.clone();
    url.path_segments_mut()
        .map_err(|()| Failure::misconfigured("base_url takes no path"))?
        .pop_if_empty()
        .extend((!bare).then_some(graph_version))
        .push(media.as_str());
    if !bare {
        url.query_pairs_mut()
            .append_pair("phone_number_id", phone_number_id);
    }
    Ok(Request {
        method: Method::Get,
        url,
        auth: Auth::Bearer,
        body: Body::Empty,
        patience: PATIENCE,
        local: connection.local,
    })
}

/// Reads the look-up's answer. Links of Meta's lead to the provider instead, where the connection's hands files on itself.
///
/// # Errors
/// The vendor's error as a [`Failure`]; an answer without a usable link is `Unavailable`: asked again, it may come.
pub fn read_link(
    connection: &Connection,
    response: &Response,
    now: Timestamp,
) -> Result<LookedUp, Failure> {
    if response.status != 200 {
        return Err(failure(Step::LookUp, response, now));
    }
    let body: Value = serde_json::from_slice(&response.body).unwrap_or_default();
    let url = body
        .get("url")
        .and_then(Value::as_str)
        .and_then(|text| Url::parse(text).ok());
    let Some(url) = url else {
        return Err(failure(Step::LookUp, response, now));
    };
    Ok(LookedUp {
        url: at_provider(connection, url)?,
        declared_type: body
            .get("mime_type")
            .and_then(Value::as_str)
            .map(str::to_owned),
        // A string in the OpenAPI document, an integer in live captures.
        size_bytes: whole(&body, "file_size"),
        // Hexadecimal here, base64 in the webhook.
        digest: body.get("sha256").and_then(Value::as_str).and_then(digest),
    })
}

/// The link, or the same path at the provider if that is where Meta's files are had. Links to anybody else stay as they are, and
/// are refused for that.
fn at_provider(connection: &Connection, link: Url) -> Result<Url, Failure> {
    let Account::WhatsApp {
        base_url,
        media_hosts,
        ..
    } = &connection.account
    else {
        return Ok(link);
    };
    if !connection.provider.bare_paths || !media_hosts.contains(&authority(&link)) {
        return Ok(link);
    }
    let mut url = base_url.clone();
    let segments: Vec<&str> = link.path_segments().into_iter().flatten().collect();
    url.path_segments_mut()
        .map_err(|()| Failure::misconfigured("base_url takes no path"))?
        .pop_if_empty()
        .extend(segments);
    url.set_query(link.query());
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::tests::{genesys, whatsapp};
    use crate::diagnosis::Disposition;
    use crate::wire::Headers;

    fn answer(status: u16, body: &str) -> Response {
        Response {
            status,
            headers: Headers::default(),
            body: body.as_bytes().to_vec(),
        }
    }

    #[test]
    fn the_look_up_names_the_number() {
        let request = look_up(&whatsapp(), &AttachmentId::new("100/3?x")).unwrap();
        let expected =
            "https://graph.facebook.com/v23.0/100%2F3%3Fx?phone_number_id=106540352242922";
        assert_eq!(
            (request.url.as_str(), request.auth),
            (expected, Auth::Bearer)
        );
        assert!(look_up(&genesys(), &AttachmentId::new("1")).is_err());
    }

    #[test]
    fn the_published_answer_and_its_spellings() {
        let now = Timestamp::from_seconds(0);
        let body = include_str!("fixtures/response-media-get.json");
        let link = read_link(&whatsapp(), &answer(200, body), now).unwrap();
        assert_eq!(link.url.host_str(), Some("lookaside.fbsbx.com"));
        assert_eq!(
            (link.size_bytes, link.declared_type.as_deref()),
            (Some(303_833), Some("image/jpeg"))
        );
        assert!(link.digest.is_some());
        assert!(
            !format!("{link:?}").contains("hash="),
            "a link is a credential"
        );
        let as_string = body.replace("303833", "\"303833\"");
        assert_eq!(
            read_link(&whatsapp(), &answer(200, &as_string), now)
                .unwrap()
                .size_bytes,
            Some(303_833)
        );
    }

    #[test]
    fn a_provider_with_bare_paths_is_asked_for_everything() {
        let mut connection = whatsapp();
        connection.provider.bare_paths = true;
        if let Account::WhatsApp { base_url, .. } = &mut connection.account {
            *base_url = Url::parse("https://waba.provider.example/hub/").unwrap();
        }
        let asked = look_up(&connection, &AttachmentId::new("42")).unwrap();
        assert_eq!(asked.url.as_str(), "https://waba.provider.example/hub/42");
        let read = |url: &str| {
            let body = serde_json::json!({ "url": url }).to_string();
            let link = read_link(&connection, &answer(200, &body), Timestamp::default());
            link.unwrap().url.to_string()
        };
        let path = "whatsapp_business/attachments/?mid=1&ext=2&hash=3";
        assert_eq!(
            read(&format!("https://lookaside.fbsbx.com/{path}")),
            format!("https://waba.provider.example/hub/{path}")
        );
        assert_eq!(
            connection.bearer_hosts(),
            ["waba.provider.example"],
            "Meta sees no key"
        );
        let foreign = "https://lookaside.fbsbx.com.evil.example/x";
        assert_eq!(read(foreign), foreign, "refused where it is fetched");
    }

    #[test]
    fn an_answer_without_a_link_is_asked_for_again() {
        for body in ["", "{}", r#"{"url":7}"#, r#"{"url":"not a url"}"#] {
            let failure =
                read_link(&whatsapp(), &answer(200, body), Timestamp::from_seconds(0)).unwrap_err();
            assert_eq!(failure.disposition, Disposition::Unavailable, "{body}");
        }
    }
}
