//! MIME types as they are compared: the essence (`type/subtype`) in lower case, without parameters, one spelling per
//! format; and the wildcards by which platforms allow them.
//!
//! Webhooks say `audio/ogg; codecs=opus`, browsers `image/jpg`, phones `video/3gpp` where WhatsApp's list says `video/3gp`. All
//! comparing is done on [`MediaType`], which has one spelling for each; what goes out is spelt as the channel spells it
//! ([`Limits::fit`](super::Limits::fit)).

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::known_types::KNOWN;

/// A MIME type's essence in its one spelling.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MediaType(String);

/// A type that is allowed, or a whole family of them: `image/png`, `image/*`, `*/*`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TypePattern {
    /// As written, for sending; never used for comparing.
    spelling: String,
    matches: Matches,
    /// The only codec that is allowed; `None`: any.
    codec: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Matches {
    Everything,
    /// The top-level type with its slash: `image/`.
    Family(String),
    One(MediaType),
}

/// A text is not a MIME type, or not a pattern of one.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0:?} is not a MIME type")]
pub struct NotAMediaType(String);

impl MediaType {
    /// Reads a `Content-Type` or a bare type; parameters, case and blanks around it are dropped, aliases resolved.
    ///
    /// # Errors
    /// [`NotAMediaType`] unless it is two tokens of RFC 9110 with a slash between them. Wildcards are none.
    pub fn parse(text: &str) -> Result<Self, NotAMediaType> {
        let essence = text
            .split(';')
            .next()
            .unwrap_or_default()
            .trim_ascii()
            .to_ascii_lowercase();
        match essence.split_once('/') {
            Some((family, subtype)) if is_token(family) && is_token(subtype) => {
                let known = KNOWN
                    .iter()
                    .find(|(_, _, aliases)| aliases.contains(&essence.as_str()));
                Ok(Self(known.map_or(essence, |(name, ..)| (*name).to_owned())))
            }
            _ => Err(NotAMediaType(text.to_owned())),
        }
    }

    /// The essence, `type/subtype` in lower case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The file extensions of this type, without dot, the usual one first; empty for a type we do not know.
    #[must_use]
    pub fn extensions(&self) -> &'static [&'static str] {
        KNOWN
            .iter()
            .find(|(name, ..)| *name == self.0)
            .map_or(&[], |(_, extensions, _)| extensions)
    }
}

/// The codec that a `Content-Type` names in its parameter `codecs` (RFC 6381), in lower case.
#[must_use]
pub fn codec_of(content_type: &str) -> Option<String> {
    let parameters = content_type.split(';').skip(1);
    let mut named = parameters.filter_map(|parameter| parameter.split_once('='));
    let (_, codec) = named.find(|(key, _)| key.trim_ascii().eq_ignore_ascii_case("codecs"))?;
    let codec = codec.trim_ascii().trim_matches('"').to_ascii_lowercase();
    (!codec.is_empty()).then_some(codec)
}

/// Is this (in lower case, without dot) the extension of any type we know?
pub(super) fn is_known_extension(extension: &str) -> bool {
    KNOWN
        .iter()
        .any(|(_, extensions, _)| extensions.contains(&extension))
}

impl TypePattern {
    /// Reads a type or a wildcard (`type/*`, `*/*`).
    ///
    /// # Errors
    /// [`NotAMediaType`] for anything else, `*` and `*/png` included.
    pub fn parse(text: &str) -> Result<Self, NotAMediaType> {
        let spelling = text.trim_ascii().to_ascii_lowercase();
        let matches = match spelling.split_once('/') {
            Some(("*", "*")) => Matches::Everything,
            Some((family, "*")) if is_token(family) => Matches::Family(format!("{family}/")),
            _ => Matches::One(MediaType::parse(&spelling)?),
        };
        Ok(Self {
            codec: codec_of(&spelling),
            spelling,
            matches,
        })
    }

    /// Does it allow this type, coded like this?
    #[must_use]
    pub fn allows(&self, media_type: &MediaType, codec: Option<&str>) -> bool {
        let is_type = match &self.matches {
            Matches::Everything => true,
            Matches::Family(family) => media_type.0.starts_with(family),
            Matches::One(one) => one == media_type,
        };
        is_type && (self.codec.is_none() || self.codec.as_deref() == codec)
    }

    /// What both allow, in this one's spelling where both name the same type; `None`: nothing.
    #[must_use]
    pub fn and(&self, other: &Self) -> Option<Self> {
        let covers = |wide: &Self, narrow: &Self| match (&wide.matches, &narrow.matches) {
            (Matches::Everything, _) => true,
            (Matches::Family(wide), Matches::Family(narrow)) => wide == narrow,
            (_, Matches::One(one)) => wide.allows(one, narrow.codec.as_deref()),
            (Matches::Family(_) | Matches::One(_), _) => false,
        };
        if covers(other, self) {
            Some(self.clone())
        } else {
            covers(self, other).then(|| other.clone())
        }
    }

    /// How the channel spells this type, if the pattern is a single type.
    #[must_use]
    pub fn exact_spelling(&self) -> Option<&str> {
        matches!(self.matches, Matches::One(_)).then_some(self.spelling.as_str())
    }
}

/// A token of RFC 9110 §5.6.2, except `*`, which is the wildcard here.
fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'+-.^_`|~".contains(&byte))
}

impl fmt::Display for MediaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for MediaType {
    type Error = NotAMediaType;

    fn try_from(text: String) -> Result<Self, NotAMediaType> {
        Self::parse(&text)
    }
}

impl From<MediaType> for String {
    fn from(media_type: MediaType) -> Self {
        media_type.0
    }
}

impl fmt::Display for TypePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.spelling)
    }
}

impl TryFrom<String> for TypePattern {
    type Error = NotAMediaType;

    fn try_from(text: String) -> Result<Self, NotAMediaType> {
        Self::parse(&text)
    }
}

impl From<TypePattern> for String {
    fn from(pattern: TypePattern) -> Self {
        pattern.spelling
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_spelling_per_type() {
        for (text, expected) in [
            ("image/png", Some("image/png")),
            ("Image/PNG ", Some("image/png")),
            ("audio/ogg; codecs=opus", Some("audio/ogg")),
            ("text/plain;charset=utf-8", Some("text/plain")),
            ("image/jpg", Some("image/jpeg")),
            ("video/3gp", Some("video/3gpp")),
            ("application/x-zip-compressed", Some("application/zip")),
            (
                "application/x-unheard.of+xml",
                Some("application/x-unheard.of+xml"),
            ),
            ("", None),
            ("png", None),
            ("image/", None),
            ("/png", None),
            ("image/*", None),
            ("*/*", None),
            ("image/png/x", None),
            ("image png", None),
            ("image/pn\u{e9}", None),
        ] {
            let parsed = MediaType::parse(text).ok();
            assert_eq!(parsed.as_ref().map(MediaType::as_str), expected, "{text:?}");
        }
    }

    #[test]
    fn patterns_allow_types_families_and_everything() {
        for (pattern, media_type, expected) in [
            ("*/*", "application/pdf", true),
            ("image/*", "image/webp", true),
            ("IMAGE/*", "image/webp", true),
            ("image/*", "imagery/webp", false),
            ("image/*", "video/mp4", false),
            ("image/jpg", "image/jpeg", true),
            ("image/jpeg", "image/png", false),
            ("video/3gp", "video/3gpp", true),
            ("audio/ogg", "audio/ogg; codecs=vorbis", true),
            ("audio/ogg; codecs=opus", "audio/ogg;codecs=\"OPUS\"", true),
            ("audio/ogg; codecs=opus", "audio/ogg; codecs=vorbis", false),
            ("audio/ogg; codecs=opus", "audio/ogg", false),
        ] {
            let allowed = TypePattern::parse(pattern).unwrap().allows(
                &MediaType::parse(media_type).unwrap(),
                codec_of(media_type).as_deref(),
            );
            assert_eq!(allowed, expected, "{pattern} and {media_type}");
        }
        for wrong in ["", "*", "*/png", "image", "image/**", "image/p*"] {
            assert!(TypePattern::parse(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn two_patterns_allow_together_what_each_does() {
        for (one, other, expected) in [
            ("image/*", "image/png", Some("image/png")),
            ("image/png", "image/*", Some("image/png")),
            ("*/*", "image/*", Some("image/*")),
            ("image/*", "*/*", Some("image/*")),
            ("video/3gp", "video/3gpp", Some("video/3gp")),
            ("image/*", "video/*", None),
            ("image/png", "image/gif", None),
            (
                "audio/ogg; codecs=opus",
                "audio/ogg",
                Some("audio/ogg; codecs=opus"),
            ),
            (
                "audio/ogg",
                "audio/ogg; codecs=opus",
                Some("audio/ogg; codecs=opus"),
            ),
            ("audio/ogg; codecs=opus", "audio/ogg; codecs=vorbis", None),
        ] {
            let parse = |text| TypePattern::parse(text).unwrap();
            let both = parse(one).and(&parse(other));
            let both = both.map(|pattern| pattern.to_string());
            assert_eq!(both.as_deref(), expected, "{one} and {other}");
        }
    }

    #[test]
    fn the_table_names_every_type_once() {
        let mut names: Vec<&str> = KNOWN
            .iter()
            .flat_map(|(name, _, aliases)| aliases.iter().chain([name]))
            .copied()
            .collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
        assert!(
            KNOWN
                .iter()
                .all(|(_, extensions, _)| !extensions.is_empty())
        );
    }
}
