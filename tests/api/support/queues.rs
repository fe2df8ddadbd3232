//! The stack's own queues, of one test.

use std::sync::atomic::{AtomicU64, Ordering};

use ecs_api::config::CleanupQueue;
use serde_json::{Value, json};

use super::local_aws::{endpoint, hub_config};

/// A queue, and one for its dead letters.
pub struct TestQueues {
    /// The queues in the function's configuration.
    pub urls: CleanupQueue,
    sqs: aws_sdk_sqs::Client,
}

impl TestQueues {
    /// New ones.
    pub async fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let sqs = aws_sdk_sqs::Client::new(&hub_config(endpoint()));
        let name = format!("cleanup-{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let (url, dead_letter_url) = (
            create(&sqs, &name).await,
            create(&sqs, &format!("{name}-dead")).await,
        );
        Self {
            urls: CleanupQueue {
                url,
                dead_letter_url: Some(dead_letter_url),
            },
            sqs,
        }
    }

    /// The queue's ARN.
    pub fn arn(&self) -> String {
        let mut parts = self.urls.url.rsplit('/');
        let (name, account) = (parts.next().unwrap(), parts.next().unwrap());
        format!("arn:aws:sqs:us-east-1:{account}:{name}")
    }

    /// The batch in which the queue delivers messages.
    pub fn batch(&self, bodies: &[Value]) -> Value {
        let record = |(index, body): (usize, &Value)| {
            json!({
                "messageId": format!("message-{index}"), "receiptHandle": "…", "attributes": {"ApproximateReceiveCount": "1"},
                "body": body.as_str().map_or_else(|| body.to_string(), str::to_owned), "messageAttributes": {},
                "md5OfBody": "…", "eventSource": "aws:sqs", "eventSourceARN": self.arn(), "awsRegion": "us-east-1",
            })
        };
        json!({"Records": bodies.iter().enumerate().map(record).collect::<Vec<_>>()})
    }

    /// Receives the messages that are due.
    pub async fn receive(&self) -> Vec<Due> {
        let receive = self.sqs.receive_message().queue_url(&self.urls.url);
        let received = receive.max_number_of_messages(10).send().await.unwrap();
        let messages = received.messages().iter();
        messages
            .map(|message| Due {
                body: message.body().unwrap().into(),
                receipt: message.receipt_handle().unwrap().to_owned(),
            })
            .collect()
    }

    /// Deletes a message that was received.
    pub async fn forget(&self, receipt: &str) {
        let delete = self.sqs.delete_message().queue_url(&self.urls.url);
        delete.receipt_handle(receipt).send().await.unwrap();
    }

    /// Returns `true` if no message is left, those that are delayed or under way included.
    pub async fn are_empty(&self) -> bool {
        use aws_sdk_sqs::types::QueueAttributeName as Name;
        let names = [
            Name::ApproximateNumberOfMessages,
            Name::ApproximateNumberOfMessagesDelayed,
            Name::ApproximateNumberOfMessagesNotVisible,
        ];
        let attributes = self.sqs.get_queue_attributes().queue_url(&self.urls.url);
        let attributes = attributes
            .set_attribute_names(Some(names.to_vec()))
            .send()
            .await
            .unwrap();
        let counts = attributes.attributes().unwrap();
        names
            .iter()
            .all(|name| counts.get(name).is_none_or(|count| count == "0"))
    }

    /// The dead letters that have come since the last look.
    pub async fn dead_letters(&self) -> Vec<Value> {
        let receive = self
            .sqs
            .receive_message()
            .set_queue_url(self.urls.dead_letter_url.clone());
        let received = receive.max_number_of_messages(10).send().await.unwrap();
        received
            .messages()
            .iter()
            .map(|message| serde_json::from_str(message.body().unwrap()).unwrap())
            .collect()
    }
}

/// A message that was received.
pub struct Due {
    pub body: Value,
    pub receipt: String,
}

async fn create(sqs: &aws_sdk_sqs::Client, name: &str) -> String {
    sqs.create_queue()
        .queue_name(name)
        .send()
        .await
        .unwrap()
        .queue_url
        .unwrap()
}
