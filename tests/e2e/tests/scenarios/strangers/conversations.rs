//! Files from a shell into conversations that Genesys has already: on the agent's side, as published, and on the surfaces of the
//! source documents, web chat and message media.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use attache_e2e::media;
use attache_platforms::faults::{Aim, Fault, Point, Times};
use attache_platforms::genesys::{Conversation, MediaState};
use serde_json::{Value, json};

use super::BOUND;
use super::command::{Command, Signal};
use super::platforms::Platforms;

const PHOTO: &str = "photo.jpg";
const INVOICE: &str = "Rechnung März (1).pdf";

/// The connections, beside those of every stranger.
fn connections(platforms: &Platforms) -> String {
    let genesys = &platforms.genesys;
    let (api, login) = (genesys.api_url(), genesys.login_url());
    let client = &genesys.options().client_id;
    let connection = |id: &str, profile: &str, login: &str, more: &str| {
        format!(
            "\n[[connection]]\nid = \"{id}\"\nprofile = \"{profile}\"\napi_url = \"{api}\"\nlogin_url = \"{login}\"\n\
             client_id = \"{client}\"\nclient_secret = {{ env = \"MY_CLIENT_SECRET\" }}\nlocal = true\n{more}"
        )
    };
    let endpoint = "\n[[endpoint]]\nid = \"media\"\nprofile = \"genesys-message-media\"\nsecrets = [{ generate = true }]\n";
    [
        platforms.connections_toml(),
        connection("agent-side", "genesys-agent", &login, ""),
        connection(
            "chat",
            "genesys-web-chat",
            &api,
            "configuration_id = \"a1b2c3d4\"\n",
        ),
        endpoint.to_owned(),
        connection(
            "media",
            "genesys-message-media",
            &login,
            "endpoint = \"media\"\n",
        ),
        "\n[[endpoint]]\nid = \"test\"\nprofile = \"genesys-media-upload\"\nsecrets = [{ env = \"MY_EVENT_SECRET\" }]\n".to_owned(),
        connection("upload-test", "genesys-media-upload", &login, "endpoint = \"test\"\n"),
    ]
    .concat()
}

/// What `attache send` says at its end, and whether it went well.
async fn send(home: &Path, to: &str, file: &str, rest: &[&str]) -> Result<(bool, Value)> {
    let mut command = Command::in_folder(home);
    command.args(["send", file, "--to", to, "--json", "--local", "data"]);
    command.args(rest.iter().flat_map(|it| it.split('|')));
    let ended = command.run(BOUND).await?;
    let line = ended.output.lines().last();
    let line = line.with_context(|| format!("it said nothing: {}", ended.errors))?;
    Ok((ended.status.success(), serde_json::from_str(line)?))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_go_into_conversations_that_there_are() -> Result<()> {
    let home = tempfile::tempdir()?;
    let path = home.path();
    let platforms = Platforms::start().await?;
    std::fs::write(path.join("one.toml"), connections(&platforms))?;
    for name in [PHOTO, INVOICE] {
        std::fs::write(path.join(name), media::bytes(name))?;
    }
    let mut command = Command::in_folder(path);
    command.args("local --json --connections one.toml --data data".split(' '));
    let mut secrets = platforms.secrets();
    let events = platforms.genesys.options().webhook_secret.clone();
    secrets.push(("MY_EVENT_SECRET", events));
    let running = command.with_secrets(secrets).start().await?;

    on_the_agent_s_side(path, &platforms).await?;
    what_the_agent_s_side_refuses(path, &platforms).await?;
    into_a_web_chat(path, &platforms).await?;
    by_message_media(path, &platforms).await?;
    let callback = format!("{}/webhooks/test", running.api()?);
    the_upload_test(path, &platforms, &callback).await?;
    running.stop(Signal::Int, BOUND).await?;
    let breaches = platforms.breaches();
    ensure!(breaches.is_empty(), "{breaches:?}");
    Ok(())
}

/// The address of a conversation, as arguments.
fn at(open: &Conversation) -> String {
    format!(
        "--address|conversationId={}|--address|communicationId={}",
        open.conversation_id, open.communication_id
    )
}

async fn on_the_agent_s_side(path: &Path, platforms: &Platforms) -> Result<()> {
    let desk = platforms.genesys.agent_side();
    let open = desk.open();
    let sheena = "--address|to=sheena";
    let (sent, first) = send(path, "agent-side", PHOTO, &[&at(&open), sheena]).await?;
    ensure!(sent, "{first}");
    let said = desk.said();
    let [message] = said.as_slice() else {
        anyhow::bail!("{said:?}")
    };
    ensure!(
        first["message"] == message.id.as_str() && message.of == open,
        "{first}"
    );
    let expected = json!({"textBody": PHOTO, "mediaIds": [first["attachment"]]});
    ensure!(message.request == expected, "{message:?}");
    let (bytes, mime) = message.media[0].bytes.clone().context("no bytes")?;
    ensure!(
        bytes == media::bytes(PHOTO) && mime == "image/jpeg",
        "other bytes"
    );
    // From then on her name is enough.
    let (sent, second) = send(path, "agent-side", PHOTO, &[sheena, "--text|Once more"]).await?;
    ensure!(sent, "{second}");
    let said = desk.said();
    ensure!(said.len() == 2 && said[1].of == open, "{said:?}");
    ensure!(said[1].request["textBody"] == "Once more", "{said:?}");
    Ok(())
}

async fn what_the_agent_s_side_refuses(path: &Path, platforms: &Platforms) -> Result<()> {
    let (desk, faults) = (platforms.genesys.agent_side(), platforms.genesys.faults());
    let (open, closed) = (desk.open(), desk.open());
    desk.close(&closed);
    let before = desk.said().len();
    for (fault, file, rest, state, reason) in [
        (
            None,
            PHOTO,
            "--address|to=nobody".to_owned(),
            "failed",
            "ours.address-missing",
        ),
        (None, PHOTO, at(&closed), "failed", "genesys.not-found"),
        // The default profile lets agents send pictures alone.
        (None, INVOICE, at(&open), "rejected", "channel.type"),
        (
            Some((Fault::VirusFound, Point::Scan)),
            PHOTO,
            at(&open),
            "failed",
            "genesys.media-refused",
        ),
    ] {
        if let Some((fault, point)) = fault {
            arm(faults, fault, point)?;
        }
        let (sent, told) = send(path, "agent-side", file, &[&rest]).await?;
        ensure!(!sent && told["state"] == state, "{told}");
        let why = told["reason"].as_str().unwrap_or_default();
        ensure!(why.contains(reason), "no {reason} in {told}");
    }
    let media = desk.media();
    let refused = media.iter().filter(|it| it.state == MediaState::Invalid);
    ensure!(
        refused.count() == 1 && desk.said().len() == before,
        "{media:?}"
    );
    // A message that was taken and not answered is not sent again.
    arm(faults, Fault::LostAnswer, Point::AgentMessage)?;
    let (sent, told) = send(path, "agent-side", PHOTO, &[&at(&open), "--patience|8"]).await?;
    ensure!(!sent && desk.said().len() == before + 1, "{told}");
    Ok(())
}

fn arm(faults: &attache_platforms::faults::Faults, fault: Fault, point: Point) -> Result<()> {
    let aim = Aim {
        times: Times(1),
        point: Some(point),
        ..Aim::default()
    };
    faults.arm_aimed(fault, aim)?;
    Ok(())
}

async fn into_a_web_chat(path: &Path, platforms: &Platforms) -> Result<()> {
    let desk = platforms.genesys.by_name();
    let to =
        "--address|from=customer-contact-id|--address|to=agent-user-id|--address|conversationId=c1";
    let (sent, told) = send(path, "chat", INVOICE, &[to, "--text|Please review it."]).await?;
    ensure!(sent, "{told}");
    let said = desk.said();
    let expected = json!({
        "to": {"id": "agent-user-id", "type": "user"},
        "from": {"id": "customer-contact-id", "type": "contact"},
        "text": "Please review it.",
        "attachments": [{"id": told["attachment"], "name": "Rechnung_Maerz_1.pdf", "type": "application/pdf"}],
    });
    ensure!(said.len() == 1 && said[0].request == expected, "{said:?}");
    let files = desk.files();
    ensure!(files[0].bytes == media::bytes(INVOICE), "other bytes");
    ensure!(files[0].conversation.as_deref() == Some("c1"), "{files:?}");
    // The configuration said ten megabytes; the server takes less: it is not tried again as it was.
    arm(platforms.genesys.faults(), Fault::LimitDrift, Point::Form)?;
    let (sent, told) = send(path, "chat", INVOICE, &[to]).await?;
    ensure!(!sent && desk.files().len() == 1, "{told}");
    let why = told["reason"].as_str().unwrap_or_default();
    ensure!(why.contains("channel."), "{told}");
    Ok(())
}

async fn by_message_media(path: &Path, platforms: &Platforms) -> Result<()> {
    let desk = platforms.genesys.by_name();
    let to = "--address|from=agent-or-bot-id|--address|to=user-external-12345";
    arm(platforms.genesys.faults(), Fault::FiveHundreds, Point::Form)?;
    let (sent, told) = send(path, "media", INVOICE, &[to, "--text|The report."]).await?;
    ensure!(sent, "{told}");
    let said = desk.said();
    let message = said.last().context("no message")?;
    let expected = json!({
        "to": {"id": "user-external-12345"}, "from": {"id": "agent-or-bot-id"}, "type": "message",
        "body": "The report.", "mediaId": told["attachment"],
    });
    ensure!(message.request == expected, "{message:?}");
    let notes = || async {
        let about = format!("{}/attributes", message.id);
        Ok(desk.notes().into_iter().find(|(it, _)| *it == about))
    };
    let (_, attributes) = attache_e2e::eventually("attributes", BOUND, notes).await?;
    ensure!(
        attributes["attributes"]["attache_type"] == "application/pdf",
        "{attributes}"
    );
    Ok(())
}

async fn the_upload_test(path: &Path, platforms: &Platforms, callback: &str) -> Result<()> {
    let (test, faults) = (platforms.genesys.media_upload(), platforms.genesys.faults());
    test.set_callback(callback.parse()?);
    let name = "--address|from=test";
    let (sent, told) = send(path, "upload-test", PHOTO, &[name]).await?;
    ensure!(sent && told["message"].is_null(), "{told}");
    let files = test.files();
    let [file] = files.as_slice() else {
        anyhow::bail!("{files:?}")
    };
    ensure!(told["attachment"] == file.media_id.as_str(), "{told}");
    ensure!(file.bytes == media::bytes(PHOTO), "other bytes");
    let channel = file.fields.iter().find(|(field, _)| field == "channelType");
    ensure!(
        channel.is_some_and(|(_, value)| value == "whatsapp"),
        "{file:?}"
    );
    // What fails behind the edge is handed over again.
    arm(faults, Fault::CdnIngestion, Point::Scan)?;
    let (sent, told) = send(path, "upload-test", PHOTO, &[name]).await?;
    ensure!(sent && test.files().len() == 3, "{told}");
    Ok(())
}
