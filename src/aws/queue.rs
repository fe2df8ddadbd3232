//! Amazon SQS: the stack's own queue, in the function's own account.

use std::time::Duration;

use aws_config::SdkConfig;

use super::Error;
use super::calls::{CountCalls, Service};
use super::lazy_client::{LazyClient, lazy};
use crate::config;

/// The role that lacks the permission where a call in the own account is refused, as an error names it.
pub(super) const OWN_ROLE: &str = "ecs-api's own";

/// The longest that SQS delays a message
/// (<https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html>).
pub const DELAY_MAX: Duration = Duration::from_mins(15);

/// Returns the error of a call in the own account that was not waited for.
pub fn too_late(operation: &'static str) -> Error {
    Error::too_late(operation, OWN_ROLE)
}

/// The queue for what outlives a request, and the one for what can't be finished.
#[derive(Debug)]
pub struct Queue {
    sqs: LazyClient<aws_sdk_sqs::Client>,
    urls: config::CleanupQueue,
}

impl Queue {
    /// Takes the function's own SDK configuration. Calls nothing.
    pub fn new(urls: config::CleanupQueue, own: &SdkConfig) -> Self {
        let sqs = lazy(own, |own| {
            let config = aws_sdk_sqs::config::Builder::from(own);
            let config = config.interceptor(CountCalls(Service::Sqs));
            aws_sdk_sqs::Client::from_conf(config.build())
        });
        Self { sqs, urls }
    }

    /// Returns `true` if the ARN is this queue's.
    pub fn has_arn(&self, arn: &str) -> bool {
        let mut of_url = self.urls.url.rsplit('/');
        let (name, account) = (of_url.next(), of_url.next());
        let parts: Vec<_> = arn.split(':').collect();
        matches!(parts[..], ["arn", _, "sqs", _, of, named] if Some(of) == account && Some(named) == name)
    }

    /// `sqs:SendMessage`: the message arrives after a delay of 0 to 900 seconds
    /// (<https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html>).
    ///
    /// # Errors
    /// [`Error`] with AWS's refusal.
    pub async fn send(&self, body: &str, delay: Duration) -> Result<(), Error> {
        self.send_to(&self.urls.url, body, delay).await
    }

    /// `sqs:SendMessage` to the queue for what can't be finished; whether there is one.
    ///
    /// # Errors
    /// [`Error`] with AWS's refusal.
    pub async fn send_dead_letter(&self, body: &str) -> Result<bool, Error> {
        let Some(url) = &self.urls.dead_letter_url else {
            return Ok(false);
        };
        self.send_to(url, body, Duration::ZERO).await.map(|()| true)
    }

    async fn send_to(&self, url: &str, body: &str, delay: Duration) -> Result<(), Error> {
        let delay_s = i32::try_from(delay.as_secs()).unwrap_or(i32::MAX);
        let call = self
            .sqs
            .send_message()
            .queue_url(url)
            .message_body(body)
            .delay_seconds(delay_s);
        call.send()
            .await
            .map(drop)
            .map_err(|error| Error::from_sdk("sqs:SendMessage", OWN_ROLE, error))
    }
}

#[cfg(test)]
mod tests {
    use aws_config::BehaviorVersion;

    use super::*;

    #[test]
    fn a_queue_is_known_by_account_and_name() {
        for (url, arn, is_ours) in [
            (
                "https://sqs.us-east-1.amazonaws.com/123456789012/cleanup",
                "arn:aws:sqs:us-east-1:123456789012:cleanup",
                true,
            ),
            (
                "http://127.0.0.1:4566/123456789012/cleanup",
                "arn:aws-cn:sqs:cn-north-1:123456789012:cleanup",
                true,
            ),
            (
                "https://sqs.us-east-1.amazonaws.com/123456789012/cleanup",
                "arn:aws:sqs:us-east-1:123456789012:other",
                false,
            ),
            (
                "https://sqs.us-east-1.amazonaws.com/123456789012/cleanup",
                "arn:aws:sqs:us-east-1:999999999999:cleanup",
                false,
            ),
            (
                "https://sqs.us-east-1.amazonaws.com/123456789012/cleanup",
                "cleanup",
                false,
            ),
            (
                "https://sqs.us-east-1.amazonaws.com/123456789012/cleanup",
                "",
                false,
            ),
        ] {
            let urls = config::CleanupQueue {
                url: url.to_owned(),
                dead_letter_url: None,
            };
            let own = SdkConfig::builder()
                .behavior_version(BehaviorVersion::latest())
                .build();
            assert_eq!(Queue::new(urls, &own).has_arn(arn), is_ours, "{url} {arn}");
        }
    }
}
