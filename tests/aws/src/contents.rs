//! The contents of an AWS in memory: looked at, and furnished, past all rules.

use serde_json::{Value, json};

use crate::answer::Refusal;
use crate::call::{Call, Request};
use crate::fake_aws::FakeAws;
pub use crate::memory::Message;
use crate::value::{last, list, text};

/// The region of everything here.
const REGION: &str = "us-east-1";

/// One thing, by what an answer may call it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Thing {
    /// Its ARN.
    pub arn: String,
    /// Its name.
    pub name: String,
}

impl Thing {
    /// Returns `true` if this is its ARN or its name.
    pub fn is_called(&self, text: &str) -> bool {
        self.arn == text || self.name == text
    }
}

fn call(account: &str, operation: &str, input: &Value) -> Call {
    Call {
        operation: operation.to_owned(),
        access_key: account.to_owned(),
        account: account.to_owned(),
        region: REGION.to_owned(),
        host: String::new(),
        app: None,
        user_agent: String::new(),
        input: input.clone(),
    }
}

impl FakeAws {
    /// Asks for an operation, by its IAM name, as the root user of an account in `us-east-1`: the rules look at it, and no
    /// script, and no journal has it.
    ///
    /// # Errors
    ///
    /// A refusal of AWS.
    ///
    /// # Panics
    ///
    /// In front of an emulator.
    pub async fn ask(
        &self,
        account: &str,
        operation: &str,
        input: &Value,
    ) -> Result<Value, Refusal> {
        let call = call(account, operation, input);
        let (answer, refusal) = self.world.answer(&call, &Request::default(), None).await;
        match refusal {
            Some(refusal) => Err(refusal),
            None => Ok(serde_json::from_slice(&answer.body).unwrap_or_default()),
        }
    }

    /// Does an operation, by its IAM name, as the root user of an account in `us-east-1`: no rule looks at it, and no
    /// journal has it.
    ///
    /// # Errors
    ///
    /// A refusal where even a lax AWS refuses, as of something that is not there.
    ///
    /// # Panics
    ///
    /// In front of an emulator.
    pub fn put(&self, account: &str, operation: &str, input: &Value) -> Result<Value, Refusal> {
        let call = call(account, operation, input);
        self.world
            .in_memory(|memory, clock| memory.call(&call, operation, input, clock))
    }

    /// Puts a private DNS namespace of this id and name into an account.
    ///
    /// # Panics
    ///
    /// In front of an emulator.
    pub fn put_namespace(&self, account: &str, id: &str, name: &str) {
        let namespace = json!({"Id": id, "Name": name});
        let put = self.put(account, "servicediscovery:PutNamespace", &namespace);
        put.expect("nothing is in its way");
    }

    /// Makes a queue; its URL.
    ///
    /// # Panics
    ///
    /// In front of an emulator.
    pub fn put_queue(&self, account: &str, name: &str) -> String {
        let made = self.put(account, "sqs:CreateQueue", &json!({"QueueName": name}));
        let made = made.expect("nothing is in its way");
        text(&made, "QueueUrl").to_owned()
    }

    /// Makes a table whose key is one text.
    ///
    /// # Panics
    ///
    /// In front of an emulator.
    pub fn put_table(&self, account: &str, name: &str, key: &str) {
        let table = json!({"TableName": name, "KeySchema": [{"AttributeName": key, "KeyType": "HASH"}],
            "AttributeDefinitions": [{"AttributeName": key, "AttributeType": "S"}]});
        let made = self.put(account, "dynamodb:CreateTable", &table);
        made.expect("nothing is in its way");
    }

    /// Puts a parameter, or another text into one that is there.
    ///
    /// # Panics
    ///
    /// In front of an emulator.
    pub fn put_parameter(&self, account: &str, name: &str, value: &str) {
        let parameter = json!({"Name": name, "Value": value, "Type": "String", "Overwrite": true});
        let put = self.put(account, "ssm:PutParameter", &parameter);
        put.expect("nothing is in its way");
    }

    /// Deletes a parameter.
    ///
    /// # Panics
    ///
    /// In front of an emulator, or where there is none of the name.
    pub fn delete_parameter(&self, account: &str, name: &str) {
        let deleted = self.put(account, "ssm:DeleteParameter", &json!({"Name": name}));
        deleted.expect("the parameter is there");
    }

    /// Returns the items of a table, as DynamoDB's JSON has them.
    pub fn items(&self, account: &str, table: &str) -> Vec<Value> {
        let scanned = self.put(account, "dynamodb:Scan", &json!({"TableName": table}));
        list(&scanned.unwrap_or_default(), "Items").to_vec()
    }

    /// Returns the messages of a queue, those that are delayed, too, in the order in which they were sent.
    pub fn messages(&self, queue_url: &str) -> Vec<Message> {
        let account = queue_url.rsplit('/').nth(1).unwrap_or_default();
        let place = (account.to_owned(), REGION.to_owned());
        self.world
            .in_memory(|memory, _| memory.messages(&place, last(queue_url)))
    }

    /// Returns what an account holds and a create could have made: ACTIVE clusters, services and task definitions, and
    /// registries.
    pub fn things(&self, account: &str) -> Vec<Thing> {
        let place = (account.to_owned(), REGION.to_owned());
        let mut things = Vec::new();
        for (thing, arn, name) in self.world.in_memory(|memory, _| memory.things(&place)) {
            things.push(Thing {
                arn: text(&thing, arn).to_owned(),
                name: text(&thing, name).to_owned(),
            });
        }
        things
    }
}
