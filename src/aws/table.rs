//! Amazon DynamoDB: the stack's own table, in the function's own account.

use std::collections::HashMap;

use aws_config::SdkConfig;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Error;
use super::calls::{CountCalls, Service};
use super::lazy_client::{LazyClient, lazy};
use super::queue::OWN_ROLE;

/// The table's partition key, a string.
const KEY: &str = "id";

/// A table of items with a string as their key.
#[derive(Debug)]
pub struct Table {
    dynamodb: LazyClient<aws_sdk_dynamodb::Client>,
    name: String,
}

/// Must hold of the item that is there, or a write is refused.
///
/// Both maps' keys are those of the expression: `#name`, `:value`
/// (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.ConditionExpressions.html>).
#[derive(Debug)]
pub struct Condition {
    /// The expression.
    pub expression: &'static str,
    /// The attributes that it names.
    pub names: &'static [(&'static str, &'static str)],
    /// The values that it compares with.
    pub values: Vec<(&'static str, AttributeValue)>,
}

/// The end of a conditional write.
#[derive(Debug)]
pub enum Write<T> {
    /// The item is in the table.
    Written,
    /// The condition does not hold of the item that is there; `None` if there is none.
    Refused(Option<T>),
}

impl Table {
    /// Takes the table's name and the function's own SDK configuration. Calls nothing.
    pub fn new(name: String, own: &SdkConfig) -> Self {
        let dynamodb = lazy(own, |own| {
            let config = aws_sdk_dynamodb::config::Builder::from(own);
            let config = config.interceptor(CountCalls(Service::DynamoDb));
            aws_sdk_dynamodb::Client::from_conf(config.build())
        });
        Self { dynamodb, name }
    }

    /// `dynamodb:PutItem`: replaces an item where the condition holds of it.
    ///
    /// # Errors
    /// [`Error`] with AWS's refusal.
    pub async fn put_item<T>(&self, item: &T, condition: Condition) -> Result<Write<T>, Error>
    where
        T: Serialize + DeserializeOwned,
    {
        const OPERATION: &str = "dynamodb:PutItem";
        let item = serde_dynamo::to_item(item)
            .map_err(|_| Error::nonsense(OPERATION, OWN_ROLE, "item"))?;
        let call = self
            .dynamodb
            .put_item()
            .table_name(&self.name)
            .set_item(Some(item))
            .condition_expression(condition.expression)
            .set_expression_attribute_names(Some(owned(condition.names.iter().copied())))
            .set_expression_attribute_values(Some(owned(condition.values)))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        match call.send().await {
            Ok(_) => Ok(Write::Written),
            Err(SdkError::ServiceError(refusal))
                if refusal.err().is_conditional_check_failed_exception() =>
            {
                there(refusal.err()).map(Write::Refused)
            }
            Err(error) => Err(Error::from_sdk(OPERATION, OWN_ROLE, error)),
        }
    }

    /// `dynamodb:GetItem`, as it was last written; `None` if there is none of the key.
    ///
    /// # Errors
    /// [`Error`] with AWS's refusal.
    pub async fn get_item<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, Error> {
        const OPERATION: &str = "dynamodb:GetItem";
        let call = self
            .dynamodb
            .get_item()
            .table_name(&self.name)
            .key(KEY, AttributeValue::S(key.to_owned()))
            .consistent_read(true);
        let answer = call
            .send()
            .await
            .map_err(|error| Error::from_sdk(OPERATION, OWN_ROLE, error))?;
        read(OPERATION, answer.item)
    }
}

/// Returns the item that a condition did not hold of.
fn there<T: DeserializeOwned>(refusal: &PutItemError) -> Result<Option<T>, Error> {
    let item = match refusal {
        PutItemError::ConditionalCheckFailedException(failed) => failed.item.clone(),
        _ => None,
    };
    read("dynamodb:PutItem", item)
}

fn read<T: DeserializeOwned>(
    operation: &'static str,
    item: Option<HashMap<String, AttributeValue>>,
) -> Result<Option<T>, Error> {
    item.map(serde_dynamo::from_item)
        .transpose()
        .map_err(|_| Error::nonsense(operation, OWN_ROLE, "item"))
}

fn owned<K: Into<String>, V, W: From<V>>(
    pairs: impl IntoIterator<Item = (K, V)>,
) -> HashMap<String, W> {
    pairs
        .into_iter()
        .map(|(key, value)| (key.into(), value.into()))
        .collect()
}
