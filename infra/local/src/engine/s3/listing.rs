//! Listing the objects of a bucket: sorted, by prefix, folded at a delimiter, page by page.

use std::sync::Arc;

use data_encoding::BASE64URL_NOPAD;
use s3s::dto::{
    CommonPrefix, ListObjectsOutput, ListObjectsV2Input, ListObjectsV2Output, ObjectStorageClass,
};
use s3s::{S3Response, S3Result, s3_error};

use super::Objects;
use super::object::Object;

/// One line of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Line<'a> {
    Object(&'a str),
    Folder(&'a str),
}

impl<'a> Line<'a> {
    fn name(&self) -> &'a str {
        match self {
            Self::Object(name) | Self::Folder(name) => name,
        }
    }
}

/// The lines after a name, folded: everything sharing its text up to the delimiter is one line.
fn lines<'a>(
    keys: impl Iterator<Item = &'a str>,
    prefix: &str,
    delimiter: &str,
    after: &str,
) -> Vec<Line<'a>> {
    let mut lines: Vec<Line<'a>> = Vec::new();
    for key in keys {
        let Some(rest) = key.strip_prefix(prefix) else {
            continue;
        };
        let line = match rest.find(delimiter).filter(|_| !delimiter.is_empty()) {
            Some(place) => Line::Folder(&key[..prefix.len() + place + delimiter.len()]),
            None => Line::Object(key),
        };
        // After a folder come no keys inside it.
        let seen = line.name() <= after && !after.is_empty();
        if !seen && lines.last() != Some(&line) {
            lines.push(line);
        }
    }
    lines
}

impl Objects {
    pub(super) fn list(
        &self,
        input: ListObjectsV2Input,
    ) -> S3Result<S3Response<ListObjectsV2Output>> {
        let state = self.store.state();
        let objects = state.bucket(&input.bucket)?;
        let prefix = input.prefix.as_deref().unwrap_or_default();
        let resumed = input
            .continuation_token
            .as_deref()
            .map(decoded)
            .transpose()?;
        let after = resumed
            .as_deref()
            .or(input.start_after.as_deref())
            .unwrap_or_default();
        let max = input
            .max_keys
            .and_then(|max| usize::try_from(max).ok())
            .unwrap_or(1000)
            .min(1000);
        let mut lines = lines(
            objects.keys().map(String::as_str),
            prefix,
            input.delimiter.as_deref().unwrap_or_default(),
            after,
        );
        let is_truncated = lines.len() > max && max > 0;
        lines.truncate(max);
        let next = lines
            .last()
            .filter(|_| is_truncated)
            .map(|line| BASE64URL_NOPAD.encode(line.name().as_bytes()));
        let (mut contents, mut folders) = (Vec::new(), Vec::new());
        for line in &lines {
            match line {
                Line::Object(key) => contents.extend(objects.get(*key).map(listed)),
                Line::Folder(name) => folders.push(CommonPrefix {
                    prefix: Some((*name).to_owned()),
                }),
            }
        }
        Ok(S3Response::new(ListObjectsV2Output {
            key_count: i32::try_from(lines.len()).ok(),
            max_keys: i32::try_from(max).ok(),
            is_truncated: Some(is_truncated),
            next_continuation_token: next,
            contents: Some(contents),
            common_prefixes: Some(folders),
            continuation_token: input.continuation_token,
            delimiter: input.delimiter,
            prefix: input.prefix,
            start_after: input.start_after,
            name: Some(input.bucket),
            ..Default::default()
        }))
    }

    /// The older form: its marker is a plain key.
    pub(super) fn list_v1(
        &self,
        input: s3s::dto::ListObjectsInput,
    ) -> S3Result<S3Response<ListObjectsOutput>> {
        let marker = input.marker.clone();
        let newer = ListObjectsV2Input {
            start_after: input.marker.clone(),
            ..ListObjectsV2Input::from(input)
        };
        let newer = ListObjectsV2Input {
            continuation_token: None,
            ..newer
        };
        let listing = self.list(newer)?.output;
        let next_marker = listing
            .next_continuation_token
            .as_deref()
            .map(decoded)
            .transpose()?;
        Ok(S3Response::new(ListObjectsOutput {
            contents: listing.contents,
            common_prefixes: listing.common_prefixes,
            delimiter: listing.delimiter,
            is_truncated: listing.is_truncated,
            marker,
            max_keys: listing.max_keys,
            name: listing.name,
            next_marker,
            prefix: listing.prefix,
            ..Default::default()
        }))
    }
}

fn listed(object: &Arc<Object>) -> s3s::dto::Object {
    s3s::dto::Object {
        key: Some(object.key.clone()),
        size: i64::try_from(object.size).ok(),
        e_tag: Some(object.etag()),
        last_modified: Some(object.last_modified()),
        storage_class: Some(ObjectStorageClass::from_static(
            ObjectStorageClass::STANDARD,
        )),
        ..Default::default()
    }
}

fn decoded(token: &str) -> S3Result<String> {
    BASE64URL_NOPAD
        .decode(token.as_bytes())
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or_else(|| {
            s3_error!(
                InvalidArgument,
                "The continuation token provided is incorrect"
            )
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_folded_at_the_delimiter_and_resume_after_a_name() {
        let keys = ["a/1", "a/2", "b", "c/x/1", "c/y", "d"];
        for (name, prefix, delimiter, after, expected) in [
            (
                "everything",
                "",
                "",
                "",
                vec!["a/1", "a/2", "b", "c/x/1", "c/y", "d"],
            ),
            ("folded", "", "/", "", vec!["a/", "b", "c/", "d"]),
            ("inside a folder", "c/", "/", "", vec!["c/x/", "c/y"]),
            ("after a key", "", "", "b", vec!["c/x/1", "c/y", "d"]),
            ("after a folder", "", "/", "a/", vec!["b", "c/", "d"]),
            ("nothing there", "z", "/", "", vec![]),
        ] {
            let found: Vec<_> = lines(keys.into_iter(), prefix, delimiter, after)
                .iter()
                .map(Line::name)
                .collect();
            assert_eq!(found, expected, "{name}");
        }
    }
}
