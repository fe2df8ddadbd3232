//! Tables of DynamoDB: single items by key, conditions, and updates. No queries, no transactions.
//!
//! <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.html>

mod condition;
mod expression;
mod update;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use self::expression::{Names, invalid};
use super::At;
use crate::answer::Refusal;
use crate::rules::tables::{CONDITION_FAILED, TABLE_NOT_FOUND};
use crate::value::{extend, list, pick, text};

/// Tables by name.
pub(super) type Tables = BTreeMap<String, Table>;

/// An item: attribute values by name, as DynamoDB's JSON has them.
type Item = Map<String, Value>;

/// A table.
#[derive(Debug, Default)]
pub(super) struct Table {
    description: Value,
    /// The attributes that make its key.
    key: Vec<String>,
    items: BTreeMap<String, Item>,
}

impl At<'_> {
    pub(super) fn tables(&mut self, name: &str, input: &Value) -> Option<Result<Value, Refusal>> {
        if name == "CreateTable" {
            return Some(Ok(self.create_table(input)));
        }
        let table = text(input, "TableName");
        let table = table.rsplit('/').next().unwrap_or_default();
        let Some(table) = self.place.tables.get_mut(table) else {
            return Some(TABLE_NOT_FOUND.refuse());
        };
        Some(match name {
            "DescribeTable" => Ok(json!({"Table": table.description})),
            "GetItem" => table.get(input),
            "PutItem" => table.put(input),
            "UpdateItem" => table.update(input),
            "DeleteItem" => table.delete(input),
            "Scan" => Ok(table.scan()),
            _ => return None,
        })
    }

    fn create_table(&mut self, input: &Value) -> Value {
        let name = text(input, "TableName");
        let keys = list(input, "KeySchema").iter();
        let key = keys.map(|key| text(key, "AttributeName").to_owned());
        let mut description = pick(input, &["TableName", "KeySchema", "AttributeDefinitions"]);
        let arn = self.arn("dynamodb", &format!("table/{name}"));
        extend(
            &mut description,
            json!({"TableArn": arn, "TableStatus": "ACTIVE"}),
        );
        let table = Table {
            description: description.clone(),
            key: key.collect(),
            items: BTreeMap::new(),
        };
        self.place.tables.insert(name.to_owned(), table);
        json!({"TableDescription": description})
    }
}

impl Table {
    /// Returns the place of the item whose attributes these are.
    fn place(&self, attributes: &Value) -> Result<String, Refusal> {
        let mut place = String::new();
        for name in &self.key {
            let Some(value) = attributes.get(name) else {
                return Err(invalid(format!(
                    "One or more parameter values were invalid: Missing the key {name} in the item"
                )));
            };
            place += &value.to_string();
        }
        Ok(place)
    }

    fn get(&self, input: &Value) -> Result<Value, Refusal> {
        let item = self.items.get(&self.place(&input["Key"])?);
        Ok(item.map_or(json!({}), |item| json!({"Item": item})))
    }

    fn scan(&self) -> Value {
        json!({"Items": self.items.values().collect::<Vec<_>>(), "Count": self.items.len(),
            "ScannedCount": self.items.len()})
    }

    /// Returns the refusal of a condition that does not hold of what is there.
    fn check(
        &self,
        place: &str,
        input: &Value,
        names: &mut Names<'_>,
    ) -> Result<Option<Refusal>, Refusal> {
        let Some(condition) = input["ConditionExpression"].as_str() else {
            return Ok(None);
        };
        let none = Item::new();
        let item = self.items.get(place);
        if condition::holds(condition, names, item.unwrap_or(&none))? {
            return Ok(None);
        }
        let refusal = CONDITION_FAILED.refusal();
        let is_asked = input["ReturnValuesOnConditionCheckFailure"] == "ALL_OLD";
        Ok(Some(match item.filter(|_| is_asked) {
            Some(item) => refusal.with("Item", item.clone()),
            None => refusal,
        }))
    }

    fn put(&mut self, input: &Value) -> Result<Value, Refusal> {
        let place = self.place(&input["Item"])?;
        let mut names = Names::of(input);
        let refused = self.check(&place, input, &mut names)?;
        names.finish(refused)?;
        let mut item = input["Item"].as_object().cloned().unwrap_or_default();
        item.values_mut().for_each(expression::normalize);
        let before = self.items.insert(place, item);
        Ok(returned(input, before, None, &[]))
    }

    fn delete(&mut self, input: &Value) -> Result<Value, Refusal> {
        let place = self.place(&input["Key"])?;
        let mut names = Names::of(input);
        let refused = self.check(&place, input, &mut names)?;
        names.finish(refused)?;
        let before = self.items.remove(&place);
        Ok(returned(input, before, None, &[]))
    }

    fn update(&mut self, input: &Value) -> Result<Value, Refusal> {
        let place = self.place(&input["Key"])?;
        let mut names = Names::of(input);
        let before = self.items.get(&place).cloned();
        let mut item = before.clone().unwrap_or_else(|| {
            let key = input["Key"].as_object();
            key.cloned().unwrap_or_default()
        });
        let old = item.clone();
        let touched = match input["UpdateExpression"].as_str() {
            Some(update) => update::apply(update, &mut names, &old, &mut item)?,
            None => Vec::new(),
        };
        let refused = self.check(&place, input, &mut names)?;
        names.finish(refused)?;
        if let Some(key) = touched.iter().find(|name| self.key.contains(name)) {
            return Err(invalid(format!(
                "One or more parameter values were invalid: Cannot update attribute {key}. This attribute is part of the key"
            )));
        }
        self.items.insert(place, item.clone());
        Ok(returned(input, before, Some(item), &touched))
    }
}

/// Returns what `ReturnValues` asks for; nothing unless it does (dynamodb/data #30).
fn returned(input: &Value, before: Option<Item>, after: Option<Item>, touched: &[String]) -> Value {
    let only = |item: Option<Item>| {
        item.map(|mut item| {
            item.retain(|name, _| touched.contains(name));
            item
        })
    };
    let attributes = match input["ReturnValues"].as_str() {
        Some("ALL_OLD") => before,
        Some("ALL_NEW") => after,
        Some("UPDATED_OLD") => only(before),
        Some("UPDATED_NEW") => only(after),
        _ => None,
    };
    attributes.map_or(json!({}), |attributes| json!({"Attributes": attributes}))
}
