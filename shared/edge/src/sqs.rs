//! The queues, by the AWS SDK for SQS.

use std::collections::HashMap;
use std::time::Duration;

use async_trait::async_trait;
use attache_flow::ports::{Answer, Jobs, Outage, Queue};
use aws_sdk_sqs::Client;

use crate::outage::outage;
use attache_domain::settings::Settings;

/// The longest delay SQS takes.
const LONGEST_DELAY: Duration = Duration::from_secs(900);

/// The longest message group id SQS takes.
const LONGEST_GROUP: usize = 128;

/// The environment key that holds a queue's URL.
#[must_use]
pub fn url_key(queue: Queue) -> &'static str {
    match queue {
        Queue::Fetch => "FETCH_QUEUE_URL",
        Queue::Judge => "JUDGE_QUEUE_URL",
        Queue::Convert => "CONVERT_QUEUE_URL",
        Queue::Media => "MEDIA_QUEUE_URL",
        Queue::MediaRetry => "MEDIA_RETRY_QUEUE_URL",
        Queue::Text => "TEXT_QUEUE_URL",
        Queue::Refresh => "REFRESH_QUEUE_URL",
        Queue::Forward => "FORWARD_QUEUE_URL",
        Queue::FetchDeadLetters => "FETCH_DEAD_LETTERS_URL",
        Queue::MediaDeadLetters => "MEDIA_DEAD_LETTERS_URL",
        Queue::TextDeadLetters => "TEXT_DEAD_LETTERS_URL",
        Queue::ForwardDeadLetters => "FORWARD_DEAD_LETTERS_URL",
    }
}

/// The queues a function may send to.
#[derive(Clone, Debug)]
pub struct Queues {
    client: Client,
    urls: HashMap<Queue, String>,
}

impl Queues {
    /// Queues by URL. Sending to any other is an outage that says so.
    #[must_use]
    pub fn new(client: Client, urls: impl IntoIterator<Item = (Queue, String)>) -> Self {
        Self {
            client,
            urls: urls.into_iter().collect(),
        }
    }

    /// Every queue whose URL the settings hold, under its [`url_key`].
    #[must_use]
    pub fn from_settings(client: Client, settings: &dyn Settings) -> Self {
        let all = [
            Queue::Fetch,
            Queue::Judge,
            Queue::Convert,
            Queue::Media,
            Queue::MediaRetry,
            Queue::Text,
            Queue::Refresh,
            Queue::Forward,
            Queue::FetchDeadLetters,
            Queue::MediaDeadLetters,
            Queue::TextDeadLetters,
            Queue::ForwardDeadLetters,
        ];
        let found = all
            .into_iter()
            .filter_map(|queue| Some((queue, settings.get(url_key(queue))?)));
        Self::new(client, found)
    }
}

#[async_trait(?Send)]
impl Jobs for Queues {
    async fn send(&self, queue: Queue, body: String, delay: Duration, group: &str) -> Answer<()> {
        let doing = || format!("sending to queue {queue:?}");
        let missing = || Outage::new(doing(), format!("{} is not set", url_key(queue)));
        let url = self.urls.get(&queue).ok_or_else(missing)?;
        // At most 900, so it fits.
        let seconds = i32::try_from(delay.min(LONGEST_DELAY).as_secs()).unwrap_or(i32::MAX);
        let message = self.client.send_message().queue_url(url);
        let message = message
            .message_body(body)
            .delay_seconds(seconds)
            .message_group_id(group_id(group));
        message.send().await.map_err(|e| outage(doing(), e))?;
        Ok(())
    }
}

/// A fairness group in the characters SQS takes: ASCII letters, digits and punctuation, at most 128 of them, at least
/// one. Owners name connections as they like; two names that come out alike only share their fairness.
fn group_id(group: &str) -> String {
    let fit = |c: char| if c.is_ascii_graphic() { c } else { '_' };
    let id: String = group.chars().map(fit).take(LONGEST_GROUP).collect();
    if id.is_empty() { "_".to_owned() } else { id }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_come_out_as_sqs_takes_them() {
        for (group, expected) in [
            ("wa-sales", "wa-sales"),
            ("Köln 2", "K_ln_2"),
            ("", "_"),
            (&"x".repeat(200), &"x".repeat(128)),
        ] {
            assert_eq!(group_id(group), expected);
        }
    }
}
