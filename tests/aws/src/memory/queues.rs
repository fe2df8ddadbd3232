//! Queues of SQS.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::At;
use crate::answer::Refusal;
use crate::rules::queues::NON_EXISTENT;
use crate::value::{last, text};

/// Queues by name.
pub(super) type Queues = BTreeMap<String, Queue>;

/// A queue.
#[derive(Debug, Default)]
pub(super) struct Queue {
    attributes: BTreeMap<String, String>,
    pub(super) messages: Vec<Message>,
}

/// A message in a queue.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// Its id.
    pub id: String,
    /// Its body.
    pub body: String,
    /// The attributes that it was sent with, as SQS's JSON has them.
    pub attributes: Value,
    /// The time at which it can be received.
    pub visible_at: Instant,
    /// The number of times that it was received.
    pub receive_count: u32,
}

impl At<'_> {
    pub(super) fn queues(&mut self, name: &str, input: &Value) -> Option<Result<Value, Refusal>> {
        if name == "CreateQueue" {
            return Some(Ok(self.create_queue(input)));
        }
        let queue = last(
            input["QueueUrl"]
                .as_str()
                .unwrap_or_else(|| text(input, "QueueName")),
        );
        let url = self.queue_url(queue);
        let number = self.next();
        let Some(queue) = self.place.queues.get_mut(queue) else {
            return Some(NON_EXISTENT.refuse());
        };
        Some(Ok(match name {
            "GetQueueUrl" => json!({"QueueUrl": url}),
            "GetQueueAttributes" => json!({"Attributes": queue.attributes}),
            "SendMessage" => queue.send(number, input),
            "ReceiveMessage" => queue.receive(input),
            "DeleteMessage" => queue.delete(input),
            "ChangeMessageVisibility" => queue.hide(input),
            "PurgeQueue" => {
                queue.messages.clear();
                json!({})
            }
            _ => return None,
        }))
    }

    fn queue_url(&self, name: &str) -> String {
        let (region, account) = (&self.call.region, &self.call.account);
        format!("https://sqs.{region}.amazonaws.com/{account}/{name}")
    }

    fn create_queue(&mut self, input: &Value) -> Value {
        let name = text(input, "QueueName");
        let arn = self.arn("sqs", name);
        // A queue's defaults [lambda/sqs_mapping_controls].
        let mut attributes: BTreeMap<String, String> = [
            ("VisibilityTimeout", "30"),
            ("DelaySeconds", "0"),
            ("MessageRetentionPeriod", "345600"),
            ("MaximumMessageSize", "1048576"),
            ("QueueArn", &arn),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        for (name, value) in input["Attributes"].as_object().into_iter().flatten() {
            attributes.insert(name.clone(), value.as_str().unwrap_or_default().to_owned());
        }
        let queue = self.place.queues.entry(name.to_owned()).or_default();
        queue.attributes.extend(attributes);
        json!({"QueueUrl": self.queue_url(name)})
    }
}

impl Queue {
    fn seconds(&self, attribute: &str) -> u64 {
        let value = self.attributes.get(attribute);
        value.and_then(|value| value.parse().ok()).unwrap_or(0)
    }

    fn send(&mut self, number: u64, input: &Value) -> Value {
        let delay = input["DelaySeconds"].as_u64();
        let delay = delay.unwrap_or_else(|| self.seconds("DelaySeconds"));
        let id = format!("message-{number}");
        self.messages.push(Message {
            id: id.clone(),
            body: text(input, "MessageBody").to_owned(),
            attributes: input["MessageAttributes"].clone(),
            visible_at: Instant::now() + Duration::from_secs(delay),
            receive_count: 0,
        });
        json!({"MessageId": id})
    }

    /// Returns messages and hides them for the visibility timeout. Without messages the answer is `{}` (sqs/forwarding).
    fn receive(&mut self, input: &Value) -> Value {
        let now = Instant::now();
        let hidden = input["VisibilityTimeout"].as_u64();
        let hidden = hidden.unwrap_or_else(|| self.seconds("VisibilityTimeout"));
        let count = input["MaxNumberOfMessages"].as_u64().unwrap_or(1);
        let visible = self
            .messages
            .iter_mut()
            .filter(|message| message.visible_at <= now);
        let mut received = Vec::new();
        for message in visible.take(usize::try_from(count).unwrap_or(1)) {
            message.receive_count += 1;
            message.visible_at = now + Duration::from_secs(hidden);
            received.push(
                json!({"MessageId": message.id, "ReceiptHandle": message.id, "Body": message.body,
                "Attributes": {"ApproximateReceiveCount": message.receive_count.to_string()},
                "MessageAttributes": message.attributes}),
            );
        }
        if received.is_empty() {
            json!({})
        } else {
            json!({"Messages": received})
        }
    }

    fn delete(&mut self, input: &Value) -> Value {
        let handle = text(input, "ReceiptHandle");
        self.messages.retain(|message| message.id != handle);
        json!({})
    }

    fn hide(&mut self, input: &Value) -> Value {
        let handle = text(input, "ReceiptHandle");
        let seconds = input["VisibilityTimeout"].as_u64().unwrap_or_default();
        for message in &mut self.messages {
            if message.id == handle {
                message.visible_at = Instant::now() + Duration::from_secs(seconds);
            }
        }
        json!({})
    }
}
