//! Batches of messages from an SQS queue.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html>

use serde::Deserialize;
use serde_json::{Value, json};

/// The messages that the queue has delivered.
#[derive(Debug, Deserialize)]
pub struct Batch {
    /// The messages, in no order.
    #[serde(rename = "Records")]
    pub messages: Vec<Message>,
}

/// One message of a queue.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    /// The queue's id of it.
    pub message_id: String,
    /// The message as it was sent.
    pub body: String,
    event_source: String,
    /// The ARN of the queue.
    #[serde(rename = "eventSourceARN")]
    pub queue_arn: String,
}

/// Reads the batch in the event, if it is one.
pub(super) fn batch(event: &Value) -> Option<Batch> {
    let batch = Batch::deserialize(event).ok()?;
    let is_from_sqs = batch
        .messages
        .iter()
        .all(|message| message.event_source == "aws:sqs");
    (is_from_sqs && !batch.messages.is_empty() && event.as_object()?.len() == 1).then_some(batch)
}

/// Creates the answer that has SQS deliver these messages again, and forget the others
/// (<https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html>).
pub fn failures<'m>(ids: impl IntoIterator<Item = &'m str>) -> Value {
    json!({"batchItemFailures": ids.into_iter().map(|id| json!({"itemIdentifier": id})).collect::<Vec<_>>()})
}
