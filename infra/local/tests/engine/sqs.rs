//! SQS: delivery, visibility, dead letters, batches.

use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{
    DeleteMessageBatchRequestEntry, Message, MessageAttributeValue, MessageSystemAttributeName,
    QueueAttributeName, SendMessageBatchRequestEntry,
};

use crate::{engines, refused, soon, sqs};

async fn queue(queues: &Client, name: &str, attributes: &[(QueueAttributeName, &str)]) -> String {
    let mut create = queues.create_queue().queue_name(name);
    for (attribute, value) in attributes {
        create = create.attributes(attribute.clone(), *value);
    }
    create.send().await.unwrap().queue_url.unwrap()
}

async fn receive(queues: &Client, url: &str) -> Vec<Message> {
    let request = queues
        .receive_message()
        .queue_url(url)
        .max_number_of_messages(10)
        .message_attribute_names("All")
        .message_system_attribute_names(MessageSystemAttributeName::All);
    request.send().await.unwrap().messages.unwrap_or_default()
}

fn bodies(messages: &[Message]) -> Vec<&str> {
    messages.iter().filter_map(Message::body).collect()
}

fn count(message: &Message) -> &str {
    &message.attributes().unwrap()[&MessageSystemAttributeName::ApproximateReceiveCount]
}

#[tokio::test]
async fn a_message_comes_back_with_all_that_was_sent_until_it_is_deleted() {
    let engines = engines().await;
    let queues = sqs(engines.endpoints(), "operator").await;
    let url = queue(
        &queues,
        "media",
        &[(QueueAttributeName::VisibilityTimeout, "60")],
    )
    .await;
    let trace = MessageAttributeValue::builder()
        .data_type("String")
        .string_value("t-1")
        .build()
        .unwrap();
    let sent = queues
        .send_message()
        .queue_url(&url)
        .message_body("Grüße 👋")
        .message_group_id("conn-1")
        .message_attributes("trace", trace);
    let sent = sent.send().await.unwrap();

    let received = receive(&queues, &url).await;
    assert_eq!(bodies(&received), ["Grüße 👋"]);
    assert_eq!(received[0].message_id(), sent.message_id());
    assert_eq!(received[0].md5_of_body(), sent.md5_of_message_body());
    assert_eq!(
        received[0].md5_of_message_attributes(),
        sent.md5_of_message_attributes()
    );
    assert_eq!(
        received[0].message_attributes().unwrap()["trace"].string_value(),
        Some("t-1")
    );
    let system = received[0].attributes().unwrap();
    assert_eq!(
        system[&MessageSystemAttributeName::MessageGroupId],
        "conn-1"
    );
    assert_eq!(count(&received[0]), "1");

    assert!(receive(&queues, &url).await.is_empty(), "it is in flight");
    let handle = received[0].receipt_handle().unwrap();
    queues
        .change_message_visibility()
        .queue_url(&url)
        .receipt_handle(handle)
        .visibility_timeout(0)
        .send()
        .await
        .unwrap();
    let again = receive(&queues, &url).await;
    assert_eq!(count(&again[0]), "2");
    queues
        .delete_message()
        .queue_url(&url)
        .receipt_handle(again[0].receipt_handle().unwrap())
        .send()
        .await
        .unwrap();
    let counts = queues
        .get_queue_attributes()
        .queue_url(&url)
        .attribute_names(QueueAttributeName::All)
        .send()
        .await
        .unwrap();
    for name in [
        QueueAttributeName::ApproximateNumberOfMessages,
        QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
    ] {
        assert_eq!(counts.attributes().unwrap()[&name], "0", "{name:?}");
    }
}

#[tokio::test]
async fn a_waiting_receiver_gets_a_message_the_moment_it_is_sent_or_shown() {
    let engines = engines().await;
    let queues = sqs(engines.endpoints(), "operator").await;
    let url = queue(&queues, "media", &[]).await;
    let wait = |seconds| {
        queues
            .receive_message()
            .queue_url(&url)
            .wait_time_seconds(seconds)
            .visibility_timeout(1)
            .send()
    };
    let (received, ()) = soon(async {
        tokio::join!(wait(20), async {
            queues
                .send_message()
                .queue_url(&url)
                .message_body("x")
                .send()
                .await
                .unwrap();
        })
    })
    .await;
    assert_eq!(bodies(received.unwrap().messages()), ["x"]);
    // Nobody deletes it: after its second in flight it is shown to whoever waits.
    let started = std::time::Instant::now();
    assert_eq!(bodies(soon(wait(20)).await.unwrap().messages()), ["x"]);
    assert!(
        started.elapsed() < Duration::from_secs(10),
        "{:?}",
        started.elapsed()
    );
}

#[tokio::test]
async fn a_message_received_too_often_goes_to_the_dead_letters_and_can_be_moved_back() {
    let engines = engines().await;
    let queues = sqs(engines.endpoints(), "operator").await;
    let dead = queue(&queues, "media-dead-letters", &[]).await;
    // The count as text: CloudFormation sends it so.
    let policy = r#"{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:media-dead-letters","maxReceiveCount":"2"}"#;
    let attributes = [
        (QueueAttributeName::VisibilityTimeout, "0"),
        (QueueAttributeName::RedrivePolicy, policy),
    ];
    let url = queue(&queues, "media", &attributes).await;
    queues
        .send_message()
        .queue_url(&url)
        .message_body("poison")
        .send()
        .await
        .unwrap();
    for _ in 0..2 {
        assert_eq!(bodies(&receive(&queues, &url).await), ["poison"]);
    }
    assert!(receive(&queues, &url).await.is_empty());
    let letters = receive(&queues, &dead).await;
    assert_eq!(bodies(&letters), ["poison"]);
    let source =
        &letters[0].attributes().unwrap()[&MessageSystemAttributeName::DeadLetterQueueSourceArn];
    assert_eq!(source, "arn:aws:sqs:us-east-1:000000000000:media");

    let handle = letters[0].receipt_handle().unwrap();
    queues
        .change_message_visibility()
        .queue_url(&dead)
        .receipt_handle(handle)
        .visibility_timeout(0)
        .send()
        .await
        .unwrap();
    let arn = "arn:aws:sqs:us-east-1:000000000000:media-dead-letters";
    queues
        .start_message_move_task()
        .source_arn(arn)
        .send()
        .await
        .unwrap();
    let back = receive(&queues, &url).await;
    assert_eq!((bodies(&back), count(&back[0])), (vec!["poison"], "1"));
}

#[tokio::test]
async fn batches_answer_entry_by_entry() {
    let engines = engines().await;
    let queues = sqs(engines.endpoints(), "operator").await;
    let url = queue(&queues, "media", &[]).await;
    let entry = |id: &str, delay| {
        SendMessageBatchRequestEntry::builder()
            .id(id)
            .message_body(id)
            .delay_seconds(delay)
            .build()
            .unwrap()
    };
    let sent = queues
        .send_message_batch()
        .queue_url(&url)
        .entries(entry("a", 0))
        .entries(entry("b", 901))
        .entries(entry("c", 0));
    let sent = sent.send().await.unwrap();
    assert_eq!(
        sent.successful()
            .iter()
            .map(|entry| entry.id())
            .collect::<Vec<_>>(),
        ["a", "c"]
    );
    assert_eq!(sent.failed()[0].code(), "InvalidParameterValue");

    let received = receive(&queues, &url).await;
    let delete = |id: &str, handle: &str| {
        DeleteMessageBatchRequestEntry::builder()
            .id(id)
            .receipt_handle(handle)
            .build()
            .unwrap()
    };
    let deleted = queues
        .delete_message_batch()
        .queue_url(&url)
        .entries(delete("good", received[0].receipt_handle().unwrap()))
        .entries(delete("bad", "no such handle"))
        .send()
        .await
        .unwrap();
    assert_eq!(
        (deleted.successful()[0].id(), deleted.failed()[0].code()),
        ("good", "ReceiptHandleIsInvalid")
    );

    let none = queues
        .send_message_batch()
        .queue_url(&url)
        .set_entries(Some(Vec::new()))
        .send()
        .await;
    assert_eq!(refused!(none).0, "AWS.SimpleQueueService.EmptyBatchRequest");
    let twice = queues
        .send_message_batch()
        .queue_url(&url)
        .entries(entry("a", 0))
        .entries(entry("a", 0))
        .send()
        .await;
    assert_eq!(
        refused!(twice).0,
        "AWS.SimpleQueueService.BatchEntryIdsNotDistinct"
    );
}

#[tokio::test]
async fn a_queue_is_created_once_and_told_from_one_with_other_attributes() {
    let engines = engines().await;
    let queues = sqs(engines.endpoints(), "operator").await;
    let url = queue(
        &queues,
        "media",
        &[(QueueAttributeName::VisibilityTimeout, "60")],
    )
    .await;
    assert_eq!(
        queue(
            &queues,
            "media",
            &[(QueueAttributeName::VisibilityTimeout, "60")]
        )
        .await,
        url
    );
    let other = queues
        .create_queue()
        .queue_name("media")
        .attributes(QueueAttributeName::VisibilityTimeout, "61")
        .send()
        .await;
    assert_eq!(refused!(other).0, "QueueAlreadyExists");
    let missing = queues
        .get_queue_url()
        .queue_name("nobody")
        .send()
        .await
        .unwrap_err()
        .into_service_error();
    assert!(missing.is_queue_does_not_exist(), "{missing:?}");
    let policy = r#"{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:nobody","maxReceiveCount":2}"#;
    let dangling = queues
        .create_queue()
        .queue_name("x")
        .attributes(QueueAttributeName::RedrivePolicy, policy)
        .send()
        .await;
    assert_eq!(refused!(dangling).0, "InvalidParameterValue");
}
