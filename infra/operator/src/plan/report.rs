//! What `attache plan` says of one file: a JSON line, or lines for a person.

use std::fmt;

use attache_domain::channels::{Kind, Layer, Media, MediaType, Misfit, Offered, Render, codec_of};
use attache_domain::verdict::{Delivery, Plan};
use attache_inspect::{Judgement, Reason, Verdict};
use serde::Serialize;

use super::Target;

/// The fields of a line, for the command's help; a test compares them with what is printed.
pub const JSON_LINES: &str = "\
Fields of a line of --json, null where they do not apply:
  file, to           as they were named
  profile            the wire surface behind that
  direction          to-agent or to-customer
  type, bytes        what the file is by its bytes
  verdict            clean, held or quarantined; what is not clean is kept back, whatever the plan
  plan               as-is, re-typed, converted, link, summary or rejected
  wire_type          the type it goes out under, in the channel's spelling
  wire_name          the file name it goes out under; of a link, its name for people
  sent_as            image, audio, video, document or sticker; null where the channel does not sort
  render             inline or download; null where no source says
  caption_chars      the longest caption with it; 0: none; null: no limit is published
  words              the words in its place
  limit_bytes        the most bytes of this type, or of the rendition
  limited_by         who sets that: platform, channel, live or owner
  code, reason       why the original does not go out: channel.type, channel.size or channel.unknown, and in words
  allowed            the types that do, where the type is the reason
  could_be           what it could be if --allow said so: converted, link, summary
  source, checked    where the limits are written, and when that was looked up";

/// One file's plan, flat; [`JSON_LINES`] explains the fields.
#[derive(Debug, Serialize)]
pub(super) struct Report<'a> {
    file: &'a str,
    to: &'a str,
    profile: &'a str,
    direction: &'static str,
    r#type: &'a str,
    bytes: u64,
    verdict: Verdict,
    plan: &'static str,
    wire_type: Option<String>,
    wire_name: Option<String>,
    sent_as: Option<Kind>,
    render: Option<Render>,
    caption_chars: Option<u32>,
    words: Option<String>,
    limit_bytes: Option<u64>,
    limited_by: Option<Layer>,
    code: Option<String>,
    reason: Option<String>,
    allowed: Option<Vec<String>>,
    could_be: Vec<&'static str>,
    source: Option<String>,
    checked: Option<String>,
    #[serde(skip)]
    ways: Vec<Plan>,
    #[serde(skip)]
    reasons: &'a [Reason],
}

impl<'a> Report<'a> {
    pub(super) fn new(
        file: &'a str,
        target: &'a Target,
        offered: &Offered<'a>,
        (plan, ways): (Plan, Vec<Plan>),
        judgement: &'a Judgement,
    ) -> Self {
        let found = offered.found;
        let mut report = Self {
            file,
            to: &target.name,
            profile: target.profile,
            direction: target.channel.direction.as_str(),
            r#type: found.content_type,
            bytes: found.bytes,
            verdict: judgement.verdict,
            plan: plan.as_str(),
            wire_type: None,
            wire_name: None,
            sent_as: None,
            render: None,
            caption_chars: None,
            words: None,
            limit_bytes: None,
            limited_by: None,
            code: plan.refusal().map(|why| why.code.clone()),
            reason: plan.refusal().map(|why| why.reason.clone()),
            allowed: None,
            could_be: ways.iter().map(Plan::as_str).collect(),
            source: None,
            checked: None,
            ways,
            reasons: &judgement.reasons,
        };
        match plan {
            Plan::AsIs(it) | Plan::ReTyped(it) => {
                report.look_up(target, (found.content_type, found.bytes, found.animated));
                report.deliver(it);
            }
            Plan::Converted { to, .. } => {
                report.look_up(target, (&to.mime, 0, false));
                report.deliver(to);
            }
            Plan::Link { name, .. } => report.wire_name = Some(name),
            Plan::Summary { text, .. } => report.words = Some(text),
            Plan::Rejected(_) => {
                report.look_up(target, (found.content_type, found.bytes, found.animated));
            }
            Plan::Keep => {}
        }
        report
    }

    fn deliver(&mut self, delivery: Delivery) {
        self.wire_type = Some(delivery.mime);
        self.wire_name = Some(delivery.name);
        self.sent_as = delivery.kind;
    }

    /// What the channel says of such a file.
    fn look_up(&mut self, target: &Target, (content_type, bytes, animated): (&str, u64, bool)) {
        let Ok(media_type) = MediaType::parse(content_type) else {
            return;
        };
        let limits = &target.channel.limits;
        match limits.fit(Media {
            media_type: &media_type,
            codec: codec_of(content_type).as_deref(),
            bytes,
            animated,
        }) {
            Ok(fit) => {
                (self.limit_bytes, self.limited_by) = (Some(fit.max_bytes), Some(fit.bound_by));
                (self.render, self.caption_chars) = (fit.render, fit.caption_chars);
                (self.source, self.checked) = (Some(fit.source.0), Some(fit.source.1));
            }
            Err(Misfit::Size {
                limit_bytes,
                bound_by,
            }) => (self.limit_bytes, self.limited_by) = (Some(limit_bytes), Some(bound_by)),
            Err(Misfit::Type | Misfit::Refused) => {
                self.allowed = Some(limits.types().map(ToString::to_string).collect());
            }
        }
    }
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.file)?;
        if self.verdict != Verdict::Clean {
            write!(f, "kept back, {}; then ", self.verdict.as_str())?;
        }
        f.write_str(self.plan)?;
        match (&self.wire_type, &self.wire_name) {
            (Some(wire_type), Some(name)) => write!(f, ", {wire_type} {name:?}")?,
            (_, Some(name)) => write!(f, ", {name:?}")?,
            (_, None) => {}
        }
        if let (Some(limit), Some(by)) = (self.limit_bytes, self.limited_by) {
            write!(f, ", of at most {limit} bytes ({})", by.as_str())?;
        }
        if let Some(render) = self.render {
            write!(f, ", {}", render.as_str())?;
        }
        if let Some(words) = &self.words {
            write!(f, "\n  {words}")?;
        }
        if let (Some(code), Some(reason)) = (&self.code, &self.reason) {
            write!(f, "\n  {code}: {reason}")?;
        }
        for way in &self.ways {
            write!(f, "\n  could be {}", way.as_str())?;
            if let Plan::Converted { to, .. } = way {
                write!(f, " to {} {:?}", to.mime, to.name)?;
            }
        }
        let grave = |reason: &&Reason| reason.verdict != Verdict::Clean;
        for reason in self.reasons.iter().filter(grave) {
            let (verdict, code) = (reason.verdict.as_str(), reason.code.as_str());
            write!(f, "\n  {verdict}  {code}: {}", reason.evidence)?;
        }
        Ok(())
    }
}
