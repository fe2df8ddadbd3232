//! Queues of SQS.

use serde_json::Value;

use super::Exchange;
use crate::answer::{Refusal, Rule};
use crate::value::text;

pub(crate) const NON_EXISTENT: Rule = Rule::new(
    "AWS.SimpleQueueService.NonExistentQueue",
    "The specified queue does not exist.",
    "[sqs/forwarding]",
);
const DELAY: Rule = Rule::new(
    "InvalidParameterValue",
    "Value {} for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= 900.",
    "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html",
);
const TOO_LONG: Rule = Rule::new(
    "InvalidParameterValue",
    "One or more parameters are invalid. Reason: Message must be shorter than 1048576 bytes.",
    "[lambda/sqs_mapping_controls], https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html",
);

/// Sends a message of at most 1 MiB, delayed by at most 15 minutes.
pub(super) async fn send(exchange: &mut Exchange<'_>) -> Result<Value, Refusal> {
    let delay = exchange.input()["DelaySeconds"]
        .as_i64()
        .unwrap_or_default();
    if !(0..=900).contains(&delay) {
        return DELAY.refuse_naming(&[&delay.to_string()]);
    }
    if text(exchange.input(), "MessageBody").len() > 1 << 20 {
        return TOO_LONG.refuse();
    }
    exchange.pass().await
}
