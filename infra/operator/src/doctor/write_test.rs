//! The direct upload test of the source documents (`S0-22` to `S0-26`, `S4-1`): one small picture to the platform's media endpoint, without
//! any channel's connector, marked as a test. The one thing that doctor ever writes, and only if it is told to.

use std::net::IpAddr;
use std::time::Duration;

use attache_domain::connection::{Connection, Profile};
use attache_domain::diagnosis::Failure;
use attache_domain::digest::Sha256Digest;
use attache_domain::platforms::genesys::media_upload;
use attache_domain::platforms::uploads::Sent;
use attache_domain::wire::{Body, Request, Verbatim};

use super::accounts;
use super::egress::List;
use super::notebook::Notebook;
use super::rule::Rule;
use super::subject::Subject;
use super::token::Tokens;

/// One white pixel.
const PICTURE: &[u8] = &[
    0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x48, 0x44, 0x52,
    0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x01, 0x08, 0x02, 0x00, 0x00, 0x00, 0x90, 0x77, 0x53,
    0xde, 0x00, 0x00, 0x00, 0x0c, 0x49, 0x44, 0x41, 0x54, 0x78, 0xda, 0x63, 0xf8, 0xff, 0xff, 0x3f,
    0x00, 0x05, 0xfe, 0x02, 0xfe, 0x33, 0x12, 0x95, 0x14, 0x00, 0x00, 0x00, 0x00, 0x49, 0x45, 0x4e,
    0x44, 0xae, 0x42, 0x60, 0x82,
];

/// What the file is called, as in the documents.
const NAME: &str = "test_upload.png";

/// How long the platform may take (`S0-82` is of what comes after).
const PATIENCE: Duration = Duration::from_secs(60);

/// Sends it over each connection of the test.
pub(super) async fn check(
    subject: &Subject,
    tokens: &Tokens,
    list: Option<&List>,
    notes: &mut Notebook,
) {
    let mut tested = false;
    for connection in subject.connections() {
        if connection.profile() != Profile::GenesysMediaUpload {
            continue;
        }
        tested = true;
        let Some(credential) = tokens.of(&connection.id) else {
            notes.skip("write-test", &connection.id, "there is no token for it");
            continue;
        };
        let request = match request(connection) {
            Ok(request) => request,
            Err(failure) => {
                accounts::refused(connection, &failure, notes);
                continue;
            }
        };
        let answer = match tokens.visitor.write(&request, &credential, notes).await {
            Ok(answer) => answer,
            Err(error) => {
                notes.find(Rule::WriteRefused, &connection.id, error.to_string());
                continue;
            }
        };
        let edge = media_upload::edge(&answer);
        let node = edge.node.as_deref().unwrap_or("that does not name itself");
        match media_upload::read_upload(&answer, tokens.visitor.now()) {
            Ok(accepted) => {
                let id = edge.request_id.as_deref().unwrap_or("none");
                let text = format!(
                    "status {}: a handshake for {} by edge {node}, request id {id}",
                    answer.status, accepted.file
                );
                notes.well("write-test", &connection.id, text);
            }
            Err(failure) => {
                let diagnosis = &failure.diagnosis;
                let evidence = format!("{}: {} (edge {node})", diagnosis.code, diagnosis.evidence);
                notes.find(Rule::WriteRefused, &connection.id, evidence);
            }
        }
        edge_address(node, list, notes);
    }
    if !tested {
        let why = "no connection has profile genesys-media-upload";
        notes.skip("write-test", "connections", why);
    }
}

/// An edge that names itself by its address must be one that is let out to.
fn edge_address(node: &str, list: Option<&List>, notes: &mut Notebook) {
    let Some(list) = list else { return };
    match node.parse::<IpAddr>() {
        Ok(address) if list.has(address) => notes.well("egress-list", node, "the edge is on it"),
        Ok(_) => notes.find(
            Rule::NotListed,
            node,
            "the edge that answered is not on the list",
        ),
        Err(_) => notes.skip(
            "egress-list",
            node,
            "the edge names itself, not its address",
        ),
    }
}

/// The upload with its mark. The file is small: its form is sent whole.
fn request(connection: &Connection) -> Result<Request, Failure> {
    let file = Sent {
        mime: "image/png",
        name: NAME,
        size_bytes: PICTURE.len() as u64,
    };
    let file = (file, Sha256Digest::of(PICTURE));
    let mut request = media_upload::upload(connection, file, PATIENCE)?;
    if let Body::Multipart(form) = &request.body {
        let bytes = [form.head.as_bytes(), PICTURE, form.tail.as_bytes()].concat();
        let headers = [
            ("content-type".to_owned(), form.content_type()),
            ("x-synthetic-test".to_owned(), "true".to_owned()),
        ];
        request.body = Body::Verbatim(Verbatim {
            bytes,
            headers: headers.into(),
        });
    }
    Ok(request)
}
