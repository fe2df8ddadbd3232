//! An AWS in memory: what accounts hold, and what becomes of it at once.
//!
//! It does what it is asked, as an emulator does. What real AWS refuses, leaves out of its answers, or takes its time
//! for is told by the [rules](crate::rules) in front of it.

mod cloud_map;
mod clusters;
mod dynamodb;
mod log_search;
mod logs;
mod queues;
mod services;
mod ssm;
mod task_definitions;
mod tasks;

use std::collections::BTreeMap;

use serde_json::Value;

pub use self::queues::Message;
use crate::answer::{ASSUME_ROLE, Refusal};
use crate::call::Call;
use crate::clock::Clock;
use crate::value::text;

/// Everything that there is.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    places: BTreeMap<(String, String), Place>,
    made: u64,
}

/// The contents of an account in a region, each thing as AWS describes it.
#[derive(Debug, Default)]
struct Place {
    clusters: BTreeMap<String, Value>,
    services: Vec<Value>,
    task_definitions: Vec<Value>,
    tasks: Vec<Value>,
    cloud_map: cloud_map::CloudMap,
    logs: logs::Logs,
    queues: queues::Queues,
    tables: dynamodb::Tables,
    parameters: BTreeMap<String, Value>,
    /// Tags of ECS's things, by ARN.
    tags: BTreeMap<String, Vec<Value>>,
}

/// One call at its place.
struct At<'m> {
    place: &'m mut Place,
    made: &'m mut u64,
    call: &'m Call,
    clock: &'m Clock,
}

impl At<'_> {
    fn arn(&self, service: &str, resource: &str) -> String {
        self.call.arn(service, resource)
    }

    /// Returns a number that nothing else has.
    fn next(&mut self) -> u64 {
        *self.made += 1;
        *self.made
    }
}

impl Memory {
    /// Does what an operation asks for. `call` says who asks, and where.
    pub(crate) fn call(
        &mut self,
        call: &Call,
        operation: &str,
        input: &Value,
        clock: &Clock,
    ) -> Result<Value, Refusal> {
        let place = (call.account.clone(), call.region.clone());
        let mut at = At {
            place: self.places.entry(place).or_default(),
            made: &mut self.made,
            call,
            clock,
        };
        if operation == ASSUME_ROLE {
            return Ok(at.assume_role(input));
        }
        if operation == "sts:GetCallerIdentity" {
            return Ok(at.caller_identity());
        }
        let (service, name) = operation.split_once(':').unwrap_or_default();
        let answer = match service {
            "ecs" => at.ecs(name, input),
            "servicediscovery" => at.cloud_map(name, input),
            "logs" => at.logs(name, input),
            "sqs" => at.queues(name, input),
            "dynamodb" => at.tables(name, input),
            "ssm" => at.parameters(name, input),
            _ => None,
        };
        answer.unwrap_or_else(|| {
            let message = format!("the AWS in memory has no `{operation}`");
            Err(Refusal::of("UnknownOperationException", message))
        })
    }
}

impl Memory {
    /// Returns the messages of a queue.
    pub(crate) fn messages(&self, place: &(String, String), queue: &str) -> Vec<Message> {
        let queue = self
            .places
            .get(place)
            .and_then(|place| place.queues.get(queue));
        queue
            .map(|queue| queue.messages.clone())
            .unwrap_or_default()
    }

    /// Returns what there is, each with the members that hold its ARN and its name. Of what was deleted, AWS still knows
    /// some.
    pub(crate) fn things(
        &self,
        place: &(String, String),
    ) -> Vec<(Value, &'static str, &'static str)> {
        let (account, region) = place;
        let Some(place) = self.places.get(place) else {
            return Vec::new();
        };
        let groups = place.logs.keys().map(|name| {
            let arn = format!("arn:aws:logs:{region}:{account}:log-group:{name}");
            let group = serde_json::json!({"logGroupArn": arn, "logGroupName": name});
            (group, "logGroupArn", "logGroupName")
        });
        let clusters = place
            .clusters
            .values()
            .map(|thing| (thing, "clusterArn", "clusterName"));
        let services = place
            .services
            .iter()
            .map(|thing| (thing, "serviceArn", "serviceName"));
        let definitions = place.task_definitions.iter();
        let definitions = definitions.map(|thing| (thing, "taskDefinitionArn", "family"));
        let registries = place
            .cloud_map
            .registries()
            .map(|thing| (thing, "Arn", "Name"));
        let all = clusters
            .chain(services)
            .chain(definitions)
            .chain(registries);
        all.filter(|(thing, ..)| {
            thing["status"]
                .as_str()
                .is_none_or(|status| status == "ACTIVE")
        })
        .map(|(thing, arn, name)| (thing.clone(), arn, name))
        .chain(groups)
        .collect()
    }
}

impl At<'_> {
    fn ecs(&mut self, name: &str, input: &Value) -> Option<Result<Value, Refusal>> {
        Some(match name {
            "CreateCluster" => Ok(self.create_cluster(input)),
            "DescribeClusters" => Ok(self.describe_clusters(input)),
            "ListClusters" => Ok(self.list_clusters()),
            "DeleteCluster" => self.delete_cluster(input),
            "TagResource" => Ok(self.tag(input)),
            "UntagResource" => Ok(self.untag(input)),
            "ListTagsForResource" => Ok(self.list_tags(input)),
            "RegisterTaskDefinition" => Ok(self.register(input)),
            "DescribeTaskDefinition" => self.describe_task_definition(input),
            "DeregisterTaskDefinition" => self.deregister(input),
            "DeleteTaskDefinitions" => Ok(self.delete_task_definitions(input)),
            "ListTaskDefinitions" => Ok(self.list_task_definitions(input)),
            "ListTaskDefinitionFamilies" => Ok(self.list_families(input)),
            "CreateService" => self.create_service(input),
            "DescribeServices" => Ok(self.describe_services(input)),
            "ListServices" => Ok(self.list_services(input)),
            "UpdateService" => self.update_service(input),
            "DeleteService" => self.delete_service(input),
            "DeleteExpressGatewayService" => self.delete_express_service(input),
            "RunTask" => self.run_task(input),
            "DescribeTasks" => Ok(self.describe_tasks(input)),
            "ListTasks" => Ok(self.list_tasks(input)),
            "StopTask" => self.stop_task(input),
            _ => return None,
        })
    }

    /// Returns a session of a role. Its key names the account, so that any AWS that is asked knows whose it is.
    /// The identity of the hub's function, whatever it may do.
    fn caller_identity(&self) -> Value {
        let account = &self.call.account;
        let xml = format!(
            "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult>\
             <Arn>arn:aws:sts::{account}:assumed-role/function/ecs-api</Arn><UserId>AROA{account}:ecs-api</UserId>\
             <Account>{account}</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"
        );
        xml.into()
    }

    fn assume_role(&mut self, input: &Value) -> Value {
        let role = text(input, "RoleArn").to_owned();
        let account = role.split(':').nth(4).unwrap_or_default().to_owned();
        let session = text(input, "RoleSessionName").to_owned();
        let number = self.next();
        let name = role.rsplit('/').next().unwrap_or_default();
        serde_json::json!({
            "AssumedRoleUser": {
                "AssumedRoleId": format!("AROA{account}:{session}"),
                "Arn": format!("arn:aws:sts::{account}:assumed-role/{name}/{session}"),
            },
            "Credentials": {
                "AccessKeyId": format!("ASIA{account}{number:06}"),
                "SecretAccessKey": "secret",
                "SessionToken": format!("session-{number}"),
                // An hour, as each session of a role of a role.
                "Expiration": rfc_3339(self.clock.millis() / 1_000 + 3_600),
            },
        })
    }
}

/// Writes seconds since 1970 as `2026-11-22T14:08:06Z`.
fn rfc_3339(seconds: u64) -> String {
    let time = aws_smithy_types::DateTime::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX));
    time.fmt(aws_smithy_types::date_time::Format::DateTime)
        .unwrap_or_default()
}
