//! The `attache` binary: what it says of itself and of a configuration. (With this test `cargo test --workspace` builds
//! the binary, which the scenarios start.)

use std::path::Path;
use std::process::{Command, Output};

use anyhow::Result;

fn attache(arguments: &[&str]) -> Result<Output> {
    Ok(Command::new(env!("CARGO_BIN_EXE_attache"))
        .args(arguments)
        .output()?)
}

#[test]
fn help_names_every_subcommand() -> Result<()> {
    let help = attache(&["--help"])?;
    let text = String::from_utf8_lossy(&help.stdout);
    assert!(help.status.success());
    for subcommand in [
        "demo",
        "local",
        "connections",
        "replay",
        "release",
        "reject",
        "resolve",
        "redrive",
        "erase",
        "inspect",
        "plan",
        "diagnose",
        "send",
        "profiles",
        "completions",
        "man",
    ] {
        assert!(text.contains(subcommand), "{subcommand} in:\n{text}");
    }
    Ok(())
}

#[test]
fn completions_and_manual_pages_know_every_subcommand() -> Result<()> {
    for shell in ["bash", "zsh", "fish"] {
        let script = attache(&["completions", shell])?;
        let text = String::from_utf8_lossy(&script.stdout);
        assert!(
            script.status.success() && text.contains("redrive"),
            "{shell}: {text}"
        );
    }
    let folder = tempfile::tempdir()?;
    let pages = folder.path().join("pages");
    let written = attache(&["man", &pages.display().to_string()])?;
    assert!(
        written.status.success(),
        "{}",
        String::from_utf8_lossy(&written.stderr)
    );
    for page in [
        "attache.1",
        "attache-redrive.1",
        "attache-connections-apply.1",
    ] {
        let text = std::fs::read_to_string(pages.join(page))?;
        assert!(text.contains(".SH SYNOPSIS"), "{page}:\n{text}");
    }
    Ok(())
}

#[test]
fn profiles_say_which_surfaces_are_published() -> Result<()> {
    let table = attache(&["profiles"])?;
    let text = String::from_utf8_lossy(&table.stdout);
    for (profile, standing) in [
        ("whatsapp", "published"),
        ("genesys-web-messaging", "documents-only"),
    ] {
        let line = text.lines().find(|line| line.starts_with(profile));
        assert!(
            line.is_some_and(|line| line.contains(standing)),
            "{profile} in:\n{text}"
        );
    }
    let lines = attache(&["profiles", "--json"])?;
    let lines = String::from_utf8(lines.stdout)?;
    for line in lines.lines() {
        let facts: serde_json::Value = serde_json::from_str(line)?;
        assert!(
            facts["addresses"].is_array() && facts["open"].is_array(),
            "{line}"
        );
    }
    assert_eq!(
        lines.lines().count(),
        text.lines().count() - 3,
        "a line for each"
    );
    let unknown = attache(&["profiles", "fax"])?;
    let told = String::from_utf8_lossy(&unknown.stderr);
    assert!(
        !unknown.status.success() && told.contains("there are whatsapp"),
        "{told}"
    );
    Ok(())
}

#[test]
fn a_configuration_is_found_right_or_wrong_by_exit_code_file_and_line() -> Result<()> {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../connections.example.toml");
    let right = attache(&["connections", "validate", &example.display().to_string()])?;
    assert!(
        right.status.success(),
        "{}",
        String::from_utf8_lossy(&right.stderr)
    );

    let folder = std::env::temp_dir().join(format!("attache-command-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let path = folder.join("wrong.toml");
    std::fs::write(&path, "[[route]]\nfrom = \"nobody\"\n")?;
    let wrong = attache(&["connections", "validate", &path.display().to_string()])?;
    std::fs::remove_dir_all(&folder)?;
    let text = String::from_utf8_lossy(&wrong.stderr);
    assert!(!wrong.status.success());
    assert!(
        text.contains("wrong.toml:1: ") && text.contains("\"nobody\" is not configured"),
        "{text}"
    );
    Ok(())
}

/// A folder of one's own for a test, empty.
fn folder(name: &str) -> Result<std::path::PathBuf> {
    let folder = std::env::temp_dir().join(format!("attache-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}

#[test]
fn files_are_judged_by_their_bytes_a_line_each() -> Result<()> {
    let folder = folder("inspect")?;
    let path = |name: &str| folder.join(name).display().to_string();
    std::fs::write(path("note.txt"), "hello\n")?;
    std::fs::write(path("bild \u{e4}.jpg"), b"\x7FELF\x02\x01\x01\0")?;
    let files = [path("note.txt"), path("bild \u{e4}.jpg")];
    let mut arguments = vec![
        "inspect",
        "--json",
        "--declared",
        "text/plain; charset=utf-8",
    ];
    arguments.extend(files.iter().map(String::as_str));
    let judged = attache(&arguments)?;
    std::fs::remove_dir_all(&folder)?;
    assert!(
        judged.status.success() && judged.stderr.is_empty(),
        "{judged:?}"
    );
    let text = String::from_utf8(judged.stdout)?;
    let lines: Vec<serde_json::Value> = text
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<_, _>>()?;
    let expected = serde_json::json!({
        "file": files[0], "type": "text/plain", "kind": "text", "confidence": "likely", "declared": "text/plain",
        "extension": "txt", "agrees": true, "integrity": "whole", "hazards": [], "verdict": "clean", "reasons": [],
    });
    assert_eq!(lines[0], expected);
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[1]["file"], files[1]);
    assert_eq!(lines[1]["verdict"], "quarantined");
    assert_eq!(lines[1]["agrees"], false);
    assert_eq!(lines[1]["hazards"][0]["kind"], "executable");
    Ok(())
}

#[test]
fn files_are_judged_by_the_owners_policy() -> Result<()> {
    let folder = folder("inspect-policy")?;
    let path = |name: &str| folder.join(name).display().to_string();
    std::fs::write(path("known.txt"), "hello\n")?;
    std::fs::write(path("program"), b"\x7FELF\x02\x01\x01\0")?;
    let list = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03  known.txt\n";
    std::fs::write(path("blocked.txt"), list)?;
    let policy =
        "[policy]\nblocked_file = \"blocked.txt\"\n[policy.hazards]\nexecutable = \"clean\"\n";
    std::fs::write(path("connections.toml"), policy)?;
    let config = path("connections.toml");
    let checked = attache(&["connections", "validate", &config])?;
    let files = [path("known.txt"), path("program")];
    let judged = attache(&["inspect", "--connections", &config, &files[0], &files[1]])?;
    let to = ["--to", "whatsapp", &files[0]];
    let planned = [&["plan", "--json", "--connections", &config], &to[..]].concat();
    let planned = attache(&planned)?;
    std::fs::remove_dir_all(&folder)?;
    let text = |bytes: Vec<u8>| String::from_utf8(bytes);
    let checked = text(checked.stdout)?;
    assert!(
        checked.contains("hazards.executable is \"clean\": what has it is delivered"),
        "{checked}"
    );
    let judged = text(judged.stdout)?;
    assert!(judged.contains("known.txt: quarantined,"), "{judged}");
    assert!(
        judged.contains("quarantined  block-listed: its hash is on the owner's block list"),
        "{judged}"
    );
    assert!(judged.contains("clean  executable: "), "{judged}");
    let planned: serde_json::Value = serde_json::from_slice(&planned.stdout)?;
    assert_eq!(planned["verdict"], "quarantined");
    Ok(())
}

#[test]
fn a_file_that_cannot_be_read_spoils_nothing_but_the_exit_code() -> Result<()> {
    let folder = folder("inspect-missing")?;
    let path = |name: &str| folder.join(name).display().to_string();
    std::fs::write(path("empty"), "")?;
    std::fs::write(path("last.txt"), "hello\n")?;
    let judged = attache(&[
        "inspect",
        &path("missing"),
        &folder.display().to_string(),
        &path("empty"),
        &path("last.txt"),
    ])?;
    std::fs::remove_dir_all(&folder)?;
    assert_eq!(judged.status.code(), Some(1));
    let (out, err) = (
        String::from_utf8(judged.stdout)?,
        String::from_utf8(judged.stderr)?,
    );
    assert!(
        err.contains("missing cannot be read: ") && err.contains("it is a folder"),
        "{err}"
    );
    assert_eq!(err.lines().count(), 2, "{err}");
    assert!(
        out.contains("empty: held, ") && out.contains("damaged: the file is empty"),
        "{out}"
    );
    assert!(
        out.contains("last.txt: clean, plain text (text/plain)"),
        "{out}"
    );
    Ok(())
}

/// The fields of one line of `attache plan --json`.
fn plan(file: &str, arguments: &[&str]) -> Result<serde_json::Value> {
    let planned = attache(&[&["plan", "--json", file], arguments].concat())?;
    let stderr = String::from_utf8_lossy(&planned.stderr);
    assert!(planned.status.success(), "{file} {arguments:?}: {stderr}");
    Ok(serde_json::from_slice(&planned.stdout)?)
}

/// A sample of `tests/media`.
fn sample(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/media");
    folder.join(name).display().to_string()
}

#[test]
fn each_sample_has_its_plan_on_each_channel() -> Result<()> {
    let docx = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
    for (file, arguments, expected) in [
        (
            "photo.jpg",
            &["--to", "messenger"][..],
            ["as-is", "image/jpeg", "photo.jpg", "image"],
        ),
        (
            "Rechnung März (1).pdf",
            &["--to", "whatsapp"],
            [
                "as-is",
                "application/pdf",
                "Rechnung_Maerz_1.pdf",
                "document",
            ],
        ),
        (
            "voice.ogg",
            &["--to", "whatsapp", "--declared", "audio/ogg"],
            ["re-typed", "audio/ogg; codecs=opus", "voice.ogg", "audio"],
        ),
        (
            "clip.mp4",
            &[
                "--to",
                "instagram",
                "--declared",
                "application/octet-stream",
            ],
            ["re-typed", "video/mp4", "clip.mp4", "video"],
        ),
        (
            "animation.webp",
            &["--to", "whatsapp"],
            ["as-is", "image/webp", "animation.webp", "sticker"],
        ),
        (
            "brief.docx",
            &["--to", "web-chat"],
            ["as-is", docx, "brief.docx", ""],
        ),
        (
            "brief.docx",
            &["--to", "cxone", "--direction", "to-customer"],
            ["as-is", docx, "brief.docx", ""],
        ),
        (
            "anim.gif",
            &["--to", "whatsapp", "--allow", "convert"],
            ["converted", "image/png", "anim.png", "image"],
        ),
        (
            "notes.txt",
            &["--to", "instagram", "--allow", "link,convert"],
            ["converted", "application/pdf", "notes.pdf", "document"],
        ),
        (
            "brief.docx",
            &["--to", "instagram", "--allow", "link,summary"],
            ["link", "", "brief.docx", ""],
        ),
        (
            "brief.docx",
            &["--to", "instagram", "--allow", "summary"],
            ["summary", "", "", ""],
        ),
        (
            "brief.docx",
            &["--to", "instagram"],
            ["rejected", "", "", ""],
        ),
    ] {
        let line = plan(&sample(file), arguments)?;
        let found = ["plan", "wire_type", "wire_name", "sent_as"]
            .map(|key| line[key].as_str().unwrap_or_default());
        assert_eq!(found, expected, "{file} {arguments:?}");
        assert_eq!(line["verdict"], "clean", "{file}");
    }
    Ok(())
}

#[test]
fn the_help_explains_every_field_of_a_line() -> Result<()> {
    let help = String::from_utf8(attache(&["plan", "--help"])?.stdout)?;
    let (_, fields) = help.split_once("Fields of a line").unwrap_or_default();
    let mut explained: Vec<&str> = fields
        .lines()
        .skip(1)
        .filter_map(|line| line.get(..21))
        .flat_map(|names| names.split(", "))
        .map(str::trim)
        .collect();
    let line = plan(&sample("photo.jpg"), &["--to", "messenger"])?;
    let mut printed: Vec<&str> = line
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, _)| key.as_str())
        .collect();
    printed.sort_unstable();
    explained.sort_unstable();
    assert_eq!(explained, printed);
    Ok(())
}

#[test]
fn a_refusal_says_why_what_is_allowed_and_what_could_be_done() -> Result<()> {
    let line = plan(
        &sample("anim.gif"),
        &["--to", "whatsapp", "--allow", "summary"],
    )?;
    let reason = line["reason"].as_str().unwrap_or_default();
    assert!(
        reason.starts_with("WhatsApp does not take files of type image/gif. It takes image/jpeg,"),
        "{reason}"
    );
    assert_eq!(line["code"], "channel.type");
    assert_eq!(line["allowed"][0], "image/jpeg");
    assert_eq!(line["could_be"], serde_json::json!(["converted", "link"]));
    let lied = plan(&sample("invoice.png"), &["--to", "messenger"])?;
    assert_eq!(lied["verdict"], "quarantined", "whatever the plan says");
    assert_eq!(lied["could_be"], serde_json::json!([]));
    Ok(())
}

#[test]
fn the_owners_limits_count_for_the_owners_connections() -> Result<()> {
    let folder = folder("plan-limits")?;
    let example = std::fs::read_to_string(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../connections.example.toml"),
    )?;
    let path = folder.join("connections.toml").display().to_string();
    let limited = example.replace("# [connection.limits]", "[connection.limits]");
    let limited = limited.replace("# max_bytes = 10_000_000", "max_bytes = 5000");
    let limited = limited.replace("# convert = true", "convert = true");
    std::fs::write(&path, limited)?;
    let to = ["--to", "whatsapp-sales", "--connections", &path];
    let docx = plan(&sample("brief.docx"), &to)?;
    let png = plan(&sample("screenshot.png"), &to)?;
    let mp4 = plan(&sample("clip.mp4"), &to)?;
    std::fs::write(
        &path,
        example.replace(
            "# [connection.limits]",
            "[connection.limits]\nmax_bytes = 0",
        ),
    )?;
    let wrong = attache(&[&["plan", &sample("photo.jpg")][..], &to].concat())?;
    std::fs::remove_dir_all(&folder)?;
    for (line, planned) in [(&docx, "as-is"), (&png, "converted"), (&mp4, "rejected")] {
        assert_eq!(line["profile"], "whatsapp");
        assert_eq!(line["plan"], planned, "{line}");
        assert_eq!(
            (&line["limit_bytes"], &line["limited_by"]),
            (&5000.into(), &"owner".into())
        );
    }
    assert_eq!(png["could_be"], serde_json::json!(["link"]));
    assert_eq!(mp4["code"], "channel.size");
    assert_eq!(wrong.status.code(), Some(1));
    let told = String::from_utf8(wrong.stderr)?;
    assert!(
        told.contains("connection/whatsapp-sales: key `limits.max_bytes` is 0"),
        "{told}"
    );
    Ok(())
}

#[test]
fn the_platforms_own_configuration_counts() -> Result<()> {
    let folder = folder("plan-live")?;
    let path = folder.join("chat.json").display().to_string();
    let configuration = serde_json::json!({
        "fileAttachments": { "maxSize": 10_000, "allowedMimeTypes": ["image/png", "image/gif"] },
    });
    std::fs::write(&path, configuration.to_string())?;
    let to = ["--to", "web-chat", "--live", &path];
    let (gif, png, pdf) = (
        plan(&sample("anim.gif"), &to)?,
        plan(&sample("screenshot.png"), &to)?,
        plan(&sample("truncated.pdf"), &to)?,
    );
    let wrong = attache(&[
        "plan",
        &sample("anim.gif"),
        "--to",
        "cxone",
        "--live",
        &path,
    ])?;
    std::fs::remove_dir_all(&folder)?;
    assert_eq!(
        (&gif["plan"], &gif["limited_by"]),
        (&"as-is".into(), &"live".into())
    );
    assert_eq!(
        (&png["code"], &png["limited_by"]),
        (&"channel.size".into(), &"live".into())
    );
    assert_eq!(pdf["code"], "channel.type");
    assert_eq!(wrong.status.code(), Some(1));
    let told = String::from_utf8(wrong.stderr)?;
    assert!(
        told.contains("it is no configuration of cxone-byoc: missing field `settings`"),
        "{told}"
    );
    Ok(())
}

#[test]
fn thousands_of_files_are_planned_in_one_call_and_one_that_is_missing_spoils_only_the_exit_code()
-> Result<()> {
    let folder = folder("plan-many")?;
    let mut files = Vec::new();
    for n in 0..2000 {
        let path = folder.join(format!("{n}.txt"));
        std::fs::write(&path, format!("note {n}\n"))?;
        files.push(path.display().to_string());
    }
    files.push(folder.join("missing").display().to_string());
    let mut arguments = vec!["plan", "--json", "--to", "cxone-byoc"];
    arguments.extend(files.iter().map(String::as_str));
    let planned = attache(&arguments)?;
    let unknown = attache(&["plan", &files[0], "--to", "telegram"])?;
    std::fs::remove_dir_all(&folder)?;
    assert_eq!(planned.status.code(), Some(1));
    let (out, err) = (
        String::from_utf8(planned.stdout)?,
        String::from_utf8(planned.stderr)?,
    );
    assert!(err.contains("missing cannot be read"), "{err}");
    assert_eq!(out.lines().count(), 2000);
    for (line, file) in out.lines().zip(&files) {
        let line: serde_json::Value = serde_json::from_str(line)?;
        assert_eq!(
            (&line["file"], &line["plan"]),
            (&serde_json::json!(file), &serde_json::json!("as-is"))
        );
    }
    assert_eq!(unknown.status.code(), Some(1));
    let told = String::from_utf8(unknown.stderr)?;
    assert!(
        told.contains("\"telegram\" is no channel") && told.contains("messenger, instagram"),
        "{told}"
    );
    Ok(())
}

#[test]
fn a_recorded_answer_is_diagnosed_without_what_is_secret_in_it() -> Result<()> {
    let folder = folder("diagnose")?;
    let path = folder.join("answer.http");
    std::fs::write(
        &path,
        "HTTP/1.1 400 Bad Request\r\nRetry-After: 7\r\n\r\n{\"error\":{\"code\":131056,\"fbtrace_id\":\"Az8or2yh\",\
         \"message\":\"to +16505551234 with token EAAGm0PX4ZCpsBAKZCq5ZAbcd1234567890\"}}",
    )?;
    let at = path.display().to_string();
    let options = ["--platform", "whatsapp", "--step", "send"];
    let words = attache(&[&["diagnose", &at][..], &options].concat())?;
    let json = attache(&[&["diagnose", "--json", &at][..], &options].concat())?;
    let nameless = attache(&["diagnose", &at])?;
    std::fs::remove_dir_all(&folder)?;
    assert!(words.status.success() && json.status.success());
    let line: serde_json::Value = serde_json::from_slice(&json.stdout)?;
    assert_eq!(
        (&line["rule"], &line["code"], &line["confidence"]),
        (
            &"wa-pair-throttled".into(),
            &"whatsapp.pair-throttled".into(),
            &"certain".into()
        )
    );
    assert_eq!(line["follows"], "again after 7 s at the least");
    for printed in [words.stdout, json.stdout] {
        let printed = String::from_utf8(printed)?;
        assert!(printed.contains("Az8or2yh"), "{printed}");
        assert!(
            !printed.contains("16505551234") && !printed.contains("EAAG"),
            "{printed}"
        );
    }
    assert_eq!(nameless.status.code(), Some(1));
    let told = String::from_utf8(nameless.stderr)?;
    assert!(
        told.contains("platform should be one of whatsapp"),
        "{told}"
    );
    Ok(())
}

#[test]
fn the_labelled_answers_are_diagnosed_as_they_are_labelled() -> Result<()> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../shared/domain/fixtures/diagnosis/known.jsonl");
    let output = attache(&["diagnose", "--json", &path.display().to_string()])?;
    let rule = |line: &str| -> Result<serde_json::Value> {
        let line: serde_json::Value = serde_json::from_str(line)?;
        Ok(line["rule"].clone())
    };
    let printed = String::from_utf8(output.stdout)?;
    let printed: Vec<_> = printed.lines().map(rule).collect::<Result<_>>()?;
    let labelled = std::fs::read_to_string(&path)?;
    let labelled: Vec<_> = labelled.lines().map(rule).collect::<Result<_>>()?;
    assert_eq!(printed, labelled);
    Ok(())
}
