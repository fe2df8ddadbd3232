//! What an account holds, and what AWS answers of it: as much as a flow needs to go all the way.
//!
//! No limits, no pages, no permissions: those are answers that an input gives itself.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use tokio::time::Instant;

/// The account's place in every ARN.
const ECS: &str = "arn:aws:ecs:us-east-1:111122223333";
const CLOUD_MAP: &str = "arn:aws:servicediscovery:us-east-1:111122223333";
/// The registry and the task that the documentation names are the first ones that are made.
const FIRST_REGISTRY: &str = "srv-tvtbgvkkxtts3qlf";
const FIRST_TASK: u128 = 0x0123_4567_89ab_cdef_0123_4567_89ab_cdef;
/// A code and a message of AWS.
pub type Refusal = (&'static str, &'static str);

/// Everything in the account, each thing as AWS describes it.
#[derive(Debug)]
pub struct FakeAws {
    clusters: Vec<Value>,
    services: Vec<Value>,
    revisions: Vec<Value>,
    registries: Vec<Value>,
    tasks: Vec<Value>,
    made: u64,
    /// Seconds since 1970. The function takes no notice of what is old.
    began_at: u64,
    drains_in: Duration,
    /// When a deleted service is INACTIVE and its tasks have stopped, by its ARN.
    drained_at: BTreeMap<String, Instant>,
}

/// One thing, by what an answer may call it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thing {
    /// Its ARN.
    pub arn: String,
    /// Its name.
    pub name: String,
}

impl Thing {
    /// Whether this is its ARN or its name.
    pub fn is_called(&self, text: &str) -> bool {
        self.arn == text || self.name == text
    }
}

impl FakeAws {
    /// Nothing but a namespace.
    pub fn new(drains_in: Duration) -> Self {
        Self {
            clusters: Vec::new(),
            services: Vec::new(),
            revisions: Vec::new(),
            registries: Vec::new(),
            tasks: Vec::new(),
            made: 0,
            began_at: SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .expect("it is after 1970")
                .as_secs(),
            drains_in,
            drained_at: BTreeMap::new(),
        }
    }

    /// Puts in what the documentation's bodies make.
    pub fn furnish(&mut self) {
        let container = json!({"name": "webserver", "image": "nginx:alpine", "logConfiguration": {
            "logDriver": "awslogs", "options": {"awslogs-group": "myclu", "awslogs-stream-prefix": "webapp"}}});
        let registry = format!("{CLOUD_MAP}:service/{FIRST_REGISTRY}");
        self.create_cluster(&json!({"clusterName": "myclu"}));
        self.register(&json!({"family": "mytaskdef", "containerDefinitions": [container]}));
        let records = json!({"DnsRecords": [{"TTL": 30, "Type": "A"}]});
        let www =
            json!({"Name": "www", "NamespaceId": "ns-y3uaw6neshhbev3f", "DnsConfig": records});
        let webapp = json!({"cluster": "myclu", "serviceName": "webapp", "taskDefinition": "mytaskdef",
            "desiredCount": 1, "launchType": "FARGATE", "serviceRegistries": [{"registryArn": registry}]});
        let made = self
            .create_registry(&www)
            .and_then(|_| self.create_service(&webapp));
        made.expect("nothing is in the way in an empty account");
    }

    /// What is there; of what was deleted, AWS still knows some.
    pub fn things(&self) -> Vec<Thing> {
        let of = |things: &[Value], arn: &str, name: &str| -> Vec<Thing> {
            let is_there = |thing: &&Value| {
                thing["status"]
                    .as_str()
                    .is_none_or(|status| status == "ACTIVE")
            };
            let thing = |thing: &Value| Thing {
                arn: text(thing, arn).to_owned(),
                name: text(thing, name).to_owned(),
            };
            things.iter().filter(is_there).map(thing).collect()
        };
        let mut things = of(&self.clusters, "clusterArn", "clusterName");
        things.extend(of(&self.services, "serviceArn", "serviceName"));
        things.extend(of(&self.revisions, "taskDefinitionArn", "family"));
        things.extend(of(&self.registries, "Arn", "Name"));
        things
    }

    /// Does what an operation, by its IAM name, asks for.
    pub fn call(&mut self, operation: &str, input: &Value) -> Result<Value, Refusal> {
        self.drain();
        match operation {
            "ecs:CreateCluster" => Ok(json!({"cluster": self.create_cluster(input)})),
            "ecs:DeleteCluster" => self.delete_cluster(input),
            "ecs:TagResource" => Ok(self.tag(input)),
            "ecs:UntagResource" => Ok(self.untag(input)),
            "ecs:CreateService" => self.create_service(input),
            "ecs:UpdateService" => self.update_service(input),
            "ecs:DeleteService" => self.delete_service(input),
            "ecs:RegisterTaskDefinition" => Ok(revision_answer(&self.register(input))),
            "ecs:DeregisterTaskDefinition" => self.deregister(input),
            "ecs:RunTask" => self.run_task(input),
            "ecs:StopTask" => self.stop_task(input),
            "servicediscovery:CreateService" => self.create_registry(input),
            "servicediscovery:DeleteService" => self.delete_registry(input),
            "servicediscovery:DeregisterInstance" => Ok(json!({"OperationId": "operation-1"})),
            "sqs:SendMessage" => Ok(json!({"MessageId": "message-1"})),
            _ => self.look(operation, input),
        }
    }

    /// The operations that change nothing.
    fn look(&self, operation: &str, input: &Value) -> Result<Value, Refusal> {
        match operation {
            "ecs:ListClusters" => Ok(json!({"clusterArns": listed(&self.clusters, "clusterArn")})),
            "ecs:DescribeClusters" => Ok(
                json!({"clusters": described(&self.clusters, "clusterName", &input["clusters"])}),
            ),
            "ecs:ListServices" => {
                Ok(json!({"serviceArns": listed(&self.in_cluster(input)?, "serviceArn")}))
            }
            "ecs:DescribeServices" => Ok(
                json!({"services": described(&self.in_cluster(input)?, "serviceName", &input["services"])}),
            ),
            "ecs:ListTasks" => self.list_tasks(input),
            "ecs:DescribeTasks" => {
                Ok(json!({"tasks": described(&self.tasks, "taskArn", &input["tasks"])}))
            }
            "ecs:ListTaskDefinitions" => {
                Ok(json!({"taskDefinitionArns": listed(&self.revisions, "taskDefinitionArn")}))
            }
            "ecs:ListTaskDefinitionFamilies" => {
                Ok(json!({"families": listed(&self.revisions, "family")}))
            }
            "ecs:DescribeTaskDefinition" => {
                let found = self.revision(text(input, "taskDefinition"));
                found
                    .map(revision_answer)
                    .ok_or(("ClientException", "Unable to describe task definition."))
            }
            "servicediscovery:GetNamespace" => {
                Ok(json!({"Namespace": {"Id": input["Id"], "Name": "example"}}))
            }
            "servicediscovery:ListServices" => Ok(json!({"Services": self.registries})),
            "servicediscovery:GetService" => {
                Ok(json!({"Service": self.registry(text(input, "Id"))?}))
            }
            "servicediscovery:ListTagsForResource" => {
                Ok(json!({"Tags": self.registry(text(input, "ResourceARN"))?["Tags"]}))
            }
            "servicediscovery:ListInstances" => {
                Ok(json!({"Instances": self.instances(text(input, "ServiceId"))}))
            }
            "logs:GetLogEvents" => Ok(
                json!({"events": [{"timestamp": 1, "message": "hello", "ingestionTime": 2}],
                "nextForwardToken": "f/1", "nextBackwardToken": "b/1"}),
            ),
            _ => Err((
                "UnknownOperationException",
                "this AWS knows no such operation",
            )),
        }
    }

    /// A time of creation that nothing else has.
    fn next(&mut self) -> u64 {
        self.made += 1;
        self.began_at + self.made
    }

    fn drain(&mut self) {
        let now = Instant::now();
        for service in self
            .services
            .iter_mut()
            .filter(|service| text(service, "status") == "DRAINING")
        {
            if self
                .drained_at
                .get(text(service, "serviceArn"))
                .is_none_or(|at| *at <= now)
            {
                let group = format!("service:{}", text(service, "serviceName"));
                service["status"] = "INACTIVE".into();
                service["runningCount"] = 0.into();
                for task in self
                    .tasks
                    .iter_mut()
                    .filter(|task| text(task, "group") == group)
                {
                    (task["lastStatus"], task["desiredStatus"]) =
                        ("STOPPED".into(), "STOPPED".into());
                }
            }
        }
    }

    fn cluster(&self, name: &str) -> Result<&Value, Refusal> {
        let found = self
            .clusters
            .iter()
            .find(|cluster| text(cluster, "clusterName") == last(name));
        let active = found.filter(|cluster| text(cluster, "status") == "ACTIVE");
        active.ok_or(("ClusterNotFoundException", "Cluster not found."))
    }

    fn create_cluster(&mut self, input: &Value) -> Value {
        let name = text(input, "clusterName").to_owned();
        if let Ok(cluster) = self.cluster(&name) {
            return cluster.clone();
        }
        self.clusters
            .retain(|cluster| text(cluster, "clusterName") != name);
        let cluster = with(
            input,
            json!({"clusterArn": format!("{ECS}:cluster/{name}"), "status": "ACTIVE"}),
        );
        self.clusters.push(cluster.clone());
        cluster
    }

    fn delete_cluster(&mut self, input: &Value) -> Result<Value, Refusal> {
        let arn = text(self.cluster(text(input, "cluster"))?, "clusterArn").to_owned();
        let is_in = |thing: &Value| text(thing, "clusterArn") == arn;
        if self
            .services
            .iter()
            .any(|service| is_in(service) && text(service, "status") != "INACTIVE")
        {
            return Err((
                "ClusterContainsServicesException",
                "The Cluster cannot be deleted while Services are active.",
            ));
        }
        if self
            .tasks
            .iter()
            .any(|task| is_in(task) && text(task, "lastStatus") != "STOPPED")
        {
            return Err((
                "ClusterContainsTasksException",
                "The Cluster cannot be deleted while Tasks are active.",
            ));
        }
        let cluster = self
            .clusters
            .iter_mut()
            .find(|cluster| is_in(cluster))
            .expect("it was found before");
        cluster["status"] = "INACTIVE".into();
        Ok(json!({"cluster": cluster}))
    }

    fn tag(&mut self, input: &Value) -> Value {
        for cluster in self
            .clusters
            .iter_mut()
            .filter(|cluster| cluster["clusterArn"] == input["resourceArn"])
        {
            let mut tags = cluster["tags"].as_array().cloned().unwrap_or_default();
            tags.extend(input["tags"].as_array().cloned().unwrap_or_default());
            cluster["tags"] = tags.into();
        }
        json!({})
    }

    fn untag(&mut self, input: &Value) -> Value {
        for cluster in self
            .clusters
            .iter_mut()
            .filter(|cluster| cluster["clusterArn"] == input["resourceArn"])
        {
            if let Some(tags) = cluster["tags"].as_array_mut() {
                tags.retain(|tag| !texts(&input["tagKeys"]).any(|key| tag["key"] == key));
            }
        }
        json!({})
    }

    fn in_cluster(&self, input: &Value) -> Result<Vec<Value>, Refusal> {
        let arn = text(self.cluster(text(input, "cluster"))?, "clusterArn");
        Ok(self
            .services
            .iter()
            .filter(|service| text(service, "clusterArn") == arn)
            .cloned()
            .collect())
    }

    fn create_service(&mut self, input: &Value) -> Result<Value, Refusal> {
        let cluster = text(self.cluster(text(input, "cluster"))?, "clusterArn").to_owned();
        let arn = format!(
            "{ECS}:service/{}/{}",
            last(&cluster),
            text(input, "serviceName")
        );
        if let Some(there) = self
            .services
            .iter()
            .find(|service| text(service, "serviceArn") == arn)
        {
            match text(there, "status") {
                _ if !input["clientToken"].is_null()
                    && there["clientToken"] == input["clientToken"] =>
                {
                    return Ok(json!({"service": there}));
                }
                "ACTIVE" => {
                    return Err((
                        "InvalidParameterException",
                        "Creation of service was not idempotent.",
                    ));
                }
                "DRAINING" => {
                    return Err((
                        "InvalidParameterException",
                        "Unable to Start a service that is still Draining.",
                    ));
                }
                _ => {}
            }
        }
        let definition = self.active_revision(text(input, "taskDefinition"))?;
        for registry in input["serviceRegistries"].as_array().into_iter().flatten() {
            let lacks = |_| {
                (
                    "InvalidParameterException",
                    "The registry of the service was not found.",
                )
            };
            self.registry(text(registry, "registryArn"))
                .map_err(lacks)?;
        }
        let count = i64::from(input["desiredCount"].as_i64().unwrap_or_default() > 0);
        let described = json!({"serviceArn": arn, "clusterArn": cluster, "status": "ACTIVE", "runningCount": count,
            "taskDefinition": definition, "createdAt": self.next()});
        let service = with(input, described);
        if count > 0 {
            self.start_task(
                &cluster,
                &definition,
                &format!("service:{}", text(input, "serviceName")),
            );
        }
        self.services
            .retain(|service| text(service, "serviceArn") != arn);
        self.services.push(service.clone());
        Ok(json!({"service": service}))
    }

    fn active_service(&mut self, input: &Value) -> Result<&mut Value, Refusal> {
        let cluster = text(self.cluster(text(input, "cluster"))?, "clusterArn").to_owned();
        let named = self.services.iter_mut().find(|service| {
            text(service, "clusterArn") == cluster
                && text(service, "serviceName") == last(text(input, "service"))
        });
        let active = named.filter(|service| text(service, "status") == "ACTIVE");
        active.ok_or(("ServiceNotFoundException", "Service not found."))
    }

    fn update_service(&mut self, input: &Value) -> Result<Value, Refusal> {
        let service = self.active_service(input)?;
        if let Some(count) = input["desiredCount"].as_i64() {
            service["desiredCount"] = count.into();
        }
        Ok(json!({"service": service}))
    }

    fn delete_service(&mut self, input: &Value) -> Result<Value, Refusal> {
        let drained_at = Instant::now() + self.drains_in;
        let service = self.active_service(input)?;
        service["status"] = "DRAINING".into();
        service["desiredCount"] = 0.into();
        let service = service.clone();
        self.drained_at
            .insert(text(&service, "serviceArn").to_owned(), drained_at);
        Ok(json!({"service": service}))
    }

    /// A revision by `family`, then the latest, `family:revision` or ARN.
    fn revision(&self, name: &str) -> Option<&Value> {
        let is_active = |revision: &Value| text(revision, "status") == "ACTIVE";
        let is_it = |revision: &&Value| {
            last(text(revision, "taskDefinitionArn")) == last(name)
                || (text(revision, "family") == name && is_active(revision))
        };
        self.revisions.iter().rev().find(is_it)
    }

    fn active_revision(&self, name: &str) -> Result<String, Refusal> {
        let found = self
            .revision(name)
            .ok_or(("ClientException", "TaskDefinition not found."))?;
        if text(found, "status") == "ACTIVE" {
            Ok(text(found, "taskDefinitionArn").to_owned())
        } else {
            Err(("ClientException", "TaskDefinition is inactive"))
        }
    }

    fn register(&mut self, input: &Value) -> Value {
        let family = text(input, "family").to_owned();
        let number = 1 + self
            .revisions
            .iter()
            .filter(|revision| text(revision, "family") == family)
            .count();
        let described = json!({"taskDefinitionArn": format!("{ECS}:task-definition/{family}:{number}"),
            "revision": number, "status": "ACTIVE", "registeredAt": self.next()});
        let revision = with(input, described);
        self.revisions.push(revision.clone());
        revision
    }

    fn deregister(&mut self, input: &Value) -> Result<Value, Refusal> {
        let name = last(text(input, "taskDefinition"));
        let revision = self
            .revisions
            .iter_mut()
            .find(|revision| last(text(revision, "taskDefinitionArn")) == name);
        let revision = revision.ok_or((
            "ClientException",
            "The specified task definition does not exist.",
        ))?;
        revision["status"] = "INACTIVE".into();
        Ok(json!({"taskDefinition": revision}))
    }

    fn start_task(&mut self, cluster: &str, definition: &str, group: &str) -> Value {
        let id = FIRST_TASK + u128::try_from(self.tasks.len()).unwrap_or_default();
        let task = json!({"taskArn": format!("{ECS}:task/{}/{id:032x}", last(cluster)), "clusterArn": cluster,
            "taskDefinitionArn": definition, "group": group, "lastStatus": "RUNNING", "desiredStatus": "RUNNING"});
        self.tasks.push(task.clone());
        task
    }

    fn run_task(&mut self, input: &Value) -> Result<Value, Refusal> {
        let cluster = text(self.cluster(text(input, "cluster"))?, "clusterArn").to_owned();
        let definition = self.active_revision(text(input, "taskDefinition"))?;
        let count = input["count"].as_u64().unwrap_or(1).min(3);
        let tasks: Vec<_> = (0..count)
            .map(|_| self.start_task(&cluster, &definition, "family:run"))
            .collect();
        Ok(json!({"tasks": tasks, "failures": []}))
    }

    fn stop_task(&mut self, input: &Value) -> Result<Value, Refusal> {
        let id = last(text(input, "task"));
        let task = self
            .tasks
            .iter_mut()
            .find(|task| last(text(task, "taskArn")) == id);
        let task = task.ok_or((
            "InvalidParameterException",
            "The referenced task was not found.",
        ))?;
        task["desiredStatus"] = "STOPPED".into();
        Ok(json!({"task": task}))
    }

    fn list_tasks(&self, input: &Value) -> Result<Value, Refusal> {
        let arn = text(self.cluster(text(input, "cluster"))?, "clusterArn");
        let status = input["desiredStatus"].as_str().unwrap_or("RUNNING");
        let found = self.tasks.iter().filter(|task| {
            text(task, "clusterArn") == arn
                && text(task, "desiredStatus") == status
                && input["serviceName"]
                    .as_str()
                    .is_none_or(|name| text(task, "group").ends_with(last(name)))
        });
        Ok(json!({"taskArns": found.map(|task| text(task, "taskArn")).collect::<Vec<_>>()}))
    }

    /// A registry by its id or ARN.
    fn registry(&self, id: &str) -> Result<&Value, Refusal> {
        let found = self
            .registries
            .iter()
            .find(|registry| text(registry, "Id") == last(id));
        found.ok_or(("ServiceNotFound", "No service was found."))
    }

    fn create_registry(&mut self, input: &Value) -> Result<Value, Refusal> {
        let is_same = |registry: &&Value, member: &str| registry[member] == input[member];
        let named = self
            .registries
            .iter()
            .find(|other| is_same(other, "Name") && is_same(other, "NamespaceId"));
        if let Some(there) = named {
            let is_repeated =
                !there["CreatorRequestId"].is_null() && is_same(&there, "CreatorRequestId");
            return if is_repeated {
                Ok(json!({"Service": there}))
            } else {
                Err(("ServiceAlreadyExists", "Service already exists."))
            };
        }
        let made = self.next();
        let is_first = self.registries.is_empty();
        let id = if is_first {
            FIRST_REGISTRY.to_owned()
        } else {
            format!("srv-{made:017}")
        };
        let described =
            json!({"Id": id, "Arn": format!("{CLOUD_MAP}:service/{id}"), "CreateDate": made});
        let registry = with(input, described);
        self.registries.push(registry.clone());
        Ok(json!({"Service": registry}))
    }

    fn delete_registry(&mut self, input: &Value) -> Result<Value, Refusal> {
        let id = text(self.registry(text(input, "Id"))?, "Id").to_owned();
        if !self.instances(&id).is_empty() {
            return Err((
                "ResourceInUse",
                "Service contains registered instances; delete the instances first.",
            ));
        }
        self.registries
            .retain(|registry| text(registry, "Id") != id);
        Ok(json!({}))
    }

    /// The tasks that are registered.
    fn instances(&self, id: &str) -> Vec<Value> {
        let users = self.services.iter().filter(|service| {
            let mut registries = service["serviceRegistries"]
                .as_array()
                .into_iter()
                .flatten();
            registries.any(|registry| last(text(registry, "registryArn")) == last(id))
        });
        let instances = users.flat_map(|service| {
            let name = text(service, "serviceName");
            let tasks = self.tasks.iter().filter(move |task| {
                text(task, "group").strip_prefix("service:") == Some(name) && text(task, "lastStatus") != "STOPPED"
            });
            tasks.map(move |task| {
                json!({"Id": last(text(task, "taskArn")), "Attributes": {
                    "ECS_SERVICE_NAME": name, "ECS_CLUSTER_NAME": last(text(service, "clusterArn"))}})
            })
        });
        instances.collect()
    }
}

/// A revision beside its tags, as `DescribeTaskDefinition` answers.
fn revision_answer(revision: &Value) -> Value {
    json!({"taskDefinition": revision, "tags": revision["tags"]})
}

/// What was asked for, with what AWS adds. The SDK takes no notice of what is no member of the answer.
fn with(input: &Value, added: Value) -> Value {
    let mut described = input.as_object().cloned().unwrap_or_default();
    if let Value::Object(added) = added {
        described.extend(added);
    }
    described.into()
}

fn text<'v>(thing: &'v Value, member: &str) -> &'v str {
    thing[member].as_str().unwrap_or_default()
}

fn texts(list: &Value) -> impl Iterator<Item = &str> {
    list.as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
}

/// What follows the last slash of an ARN; the whole of a name.
fn last(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or_default()
}

fn listed(things: &[Value], member: &str) -> Vec<String> {
    let is_active = |thing: &&Value| {
        thing["status"]
            .as_str()
            .is_none_or(|status| status == "ACTIVE")
    };
    things
        .iter()
        .filter(is_active)
        .map(|thing| text(thing, member).to_owned())
        .collect()
}

/// Those of the things that are asked for by name or ARN.
fn described(things: &[Value], member: &str, wanted: &Value) -> Vec<Value> {
    let is_wanted =
        |thing: &&Value| texts(wanted).any(|name| last(name) == last(text(thing, member)));
    things.iter().filter(is_wanted).cloned().collect()
}
