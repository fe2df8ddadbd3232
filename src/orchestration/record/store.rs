//! The table and the queue behind the records: conditional writes, consistent reads, delayed messages.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;

use super::{BeginError, Record, Watch};
use crate::aws::queue::Queue;
use crate::aws::table::{Condition, Table, Write};
use crate::aws::{self};
use crate::deadline::Deadline;

/// The longest that the table and the queue may take before a request is refused.
const PATIENCE: Duration = Duration::from_secs(5);
/// The time between two looks at a record that another request is at work on.
const POLL: Duration = Duration::from_millis(250);

/// The table of records, and the queue of their watches.
#[derive(Debug)]
pub(super) struct Store {
    pub table: Table,
    pub queue: Option<Arc<Queue>>,
}

impl Store {
    /// Writes the first record of a generation: there is none, or none that counts any more.
    pub async fn write_first(
        &self,
        record: &Record,
        now_ms: u64,
        deadline: Deadline,
    ) -> Result<Write<Record>, BeginError> {
        let condition = Condition {
            expression: "attribute_not_exists(#id) OR #expires < :now OR (#body = :body AND #state = :undone)",
            names: &[
                ("#id", "id"),
                ("#expires", "expires"),
                ("#body", "body"),
                ("#state", "state"),
            ],
            values: vec![
                (":now", number(now_ms / 1000)),
                (":body", AttributeValue::S(record.body.clone())),
                (":undone", AttributeValue::S("undone".to_owned())),
            ],
        };
        self.write(record, condition, deadline).await
    }

    /// Writes a record that follows the one of the version before.
    pub async fn write_next(
        &self,
        record: &Record,
        deadline: Deadline,
    ) -> Result<Write<Record>, BeginError> {
        let condition = Condition {
            expression: "#version = :before",
            names: &[("#version", "version")],
            values: vec![(":before", number(record.version.saturating_sub(1)))],
        };
        self.write(record, condition, deadline).await
    }

    /// Writes a record. What AWS did without a word that can be read is looked for.
    async fn write(
        &self,
        record: &Record,
        condition: Condition,
        deadline: Deadline,
    ) -> Result<Write<Record>, BeginError> {
        let put = self.table.put_item(record, condition);
        let error = match within_patience(deadline, "dynamodb:PutItem", put).await {
            // The SDK repeated a write that had been done.
            Ok(Write::Refused(Some(there))) if there == *record => return Ok(Write::Written),
            Ok(write) => return Ok(write),
            Err(error) => error,
        };
        if error.kind.leaves_outcome_unknown() {
            let found = self.read(&record.id, deadline).await;
            if found.is_ok_and(|found| found.as_ref() == Some(record)) {
                return Ok(Write::Written);
            }
        }
        Err(BeginError::Unavailable(error))
    }

    /// Reads the record of an id, as it was last written.
    pub async fn read(&self, id: &str, deadline: Deadline) -> Result<Option<Record>, aws::Error> {
        within_patience(deadline, "dynamodb:GetItem", self.table.get_item(id)).await
    }

    /// Reads the record of an id after a pause.
    pub async fn read_later(&self, id: &str) -> Result<Option<Record>, BeginError> {
        tokio::time::sleep(POLL).await;
        let found = self.table.get_item(id).await;
        found.map_err(BeginError::Unavailable)
    }

    /// Sends a watch, where there is a queue, to come back when its lease is over.
    pub async fn send(
        &self,
        watch: &Watch,
        now_ms: u64,
        deadline: Deadline,
    ) -> Result<(), BeginError> {
        let Some(queue) = &self.queue else {
            return Ok(());
        };
        let text = watch.text();
        let send = queue.send(&text, watch.delay(now_ms));
        within_patience(deadline, "sqs:SendMessage", send)
            .await
            .map_err(BeginError::Unavailable)
    }
}

async fn within_patience<T>(
    deadline: Deadline,
    operation: &'static str,
    work: impl Future<Output = Result<T, aws::Error>>,
) -> Result<T, aws::Error> {
    match deadline.within(PATIENCE).limit(Box::pin(work)).await {
        Ok(result) => result,
        Err(_) => Err(aws::queue::too_late(operation)),
    }
}

fn number(value: u64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}
