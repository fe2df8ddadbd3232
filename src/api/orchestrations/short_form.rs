//! The short form of an orchestrated create: what people say in one line, in place of four of AWS's inputs.
//!
//! Pure. It is read whole, and everything wrong with it is said together, under the names of its own members; then it is
//! written as the long form, which is read as if the caller had sent it.

mod members;
mod size;

use serde_json::{Map, Value, json};

use crate::api::schema::{Member, Schema};
use crate::api::tags::TAGS;
use crate::ids::{AccountRegion, ClusterName, NamespaceId, is_ecs_name};
use crate::text::printable;
use crate::wire::members::key_of;
use crate::wire::validation::{Invalid, Validation};
use members::Members;
use size::Size;

/// The members that no long form has.
const OWN: [&str; 11] = [
    "name",
    "image",
    "port",
    "cpu",
    "memory",
    "count",
    "environment",
    "secrets",
    "command",
    "namespace",
    "capacity",
];
/// The members that both forms have.
const SHARED: [&str; 2] = ["cluster", "tags"];
/// The members that no short form has.
const LONG: [&str; 3] = ["service", "taskDefinition", "serviceRegistry"];

/// The longest name of a registry that is one label of a DNS name
/// (<https://docs.aws.amazon.com/cloud-map/latest/api/API_CreateService.html>).
const LABEL_MAX: usize = 63;
/// The seconds for which a resolver may keep the address of a task.
const TTL_S: u32 = 30;

/// The short form, as the description tells it.
pub(super) const SHORT_FORM: Schema = Schema::Component(
    "ShortForm",
    &Schema::Closed(&[
        Member::always("name", Schema::Text)
            .described("The name of service, family and container; 1 to 255 letters, digits, `-` and `_`."),
        Member::always("cluster", Schema::Text)
            .described("The cluster, by its name or ARN. It is created where it is missing."),
        Member::always("image", Schema::Text),
        Member::optional("port", Schema::Integer).described("The port that the container listens on, 1 to 65535."),
        Member::optional("cpu", Schema::Integer)
            .described("The CPU units of a task, 1024 for one vCPU. Default: 256, or what `memory` takes."),
        Member::optional("memory", Schema::Integer)
            .described("The memory of a task in MiB. Default: the least that Fargate has for `cpu`; 512 for 256."),
        Member::optional("count", Schema::Integer).described("The number of tasks, 0 or more. Default: 1."),
        Member::optional("environment", TEXTS).described("Variables of the container, by name."),
        Member::optional("secrets", TEXTS).described(
            "Variables whose values are secrets, by name: each the ARN of a secret, or the name or ARN of a parameter.",
        ),
        Member::optional("command", Schema::List(&Schema::Text)),
        Member::optional("namespace", Schema::Text).described(
            "The Cloud Map namespace in which the tasks are found by the service's name, by its id, ARN or name. Default: none.",
        ),
        Member::optional("capacity", Schema::Json(r#"{"enum": ["on-demand", "spot", "mixed"]}"#)).described(
            "On demand, Fargate Spot, or the first task on demand and the others on Spot. Default: `on-demand`.",
        ),
        Member::optional("tags", TAGS).described("Tags of everything that is made, as a map or as AWS's list."),
    ]),
);

const TEXTS: Schema =
    Schema::Json(r#"{"type": "object", "additionalProperties": {"type": "string"}}"#);

/// A create in its short form.
#[derive(Debug)]
pub(super) struct ShortForm {
    name: String,
    cluster: String,
    image: String,
    port: Option<u32>,
    size: Size,
    count: u32,
    environment: Vec<(String, String)>,
    secrets: Vec<(String, String)>,
    command: Option<Vec<String>>,
    namespace: Option<Namespace>,
    capacity: Capacity,
    tags: Option<Value>,
}

/// A Cloud Map namespace, as a caller names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Namespace {
    /// By its id or its ARN.
    Id(String),
    /// By its name, which must be looked for.
    Named(String),
}

/// The capacity that tasks run on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Capacity {
    OnDemand,
    Spot,
    Mixed,
}

/// Returns `true` if a body is in the short form: it has a member that is of no other, or a cluster by its name alone.
pub(super) fn is_short(body: &Map<String, Value>) -> bool {
    let given = |name: &str| {
        key_of(body, name)
            .map(|key| &body[&key])
            .filter(|value| !value.is_null())
    };
    let has_cluster_name = given("cluster").is_some_and(Value::is_string);
    OWN.iter().any(|name| given(name).is_some())
        || (has_cluster_name && !LONG.iter().any(|name| given(name).is_some()))
}

/// Returns the short form's member that a member of the long form comes from; any other path as it is.
pub(super) fn own_path(long: &str) -> &str {
    match long {
        "service.desiredCount" => "count",
        "service.capacityProviderStrategy" => "capacity",
        "serviceRegistry.NamespaceId" => "namespace",
        "taskDefinition.family" | "service.serviceName" | "serviceRegistry.Name" => "name",
        "cluster.clusterName" | "service.cluster" => "cluster",
        "cluster.tags"
        | "taskDefinition.tags"
        | "serviceRegistry.tags"
        | "serviceRegistry.Tags"
        | "service.tags" => "tags",
        other => other,
    }
}

impl ShortForm {
    /// Reads a body, although one of its members is wrong.
    pub fn read(
        mut body: Map<String, Value>,
        region: &AccountRegion,
        validation: &mut Validation,
    ) -> Result<Self, Invalid> {
        refuse_long_form(&mut body, validation);
        let mut members = Members {
            body: &mut body,
            validation,
        };
        let name = members.required("name", "the name of the service");
        let cluster = members.required("cluster", "the name of the cluster");
        let image = members.required("image", "the image of the container");
        let port = members.integer("port", 1..=65_535);
        let (cpu, memory) = (
            members.integer("cpu", 1..=u32::MAX),
            members.integer("memory", 1..=u32::MAX),
        );
        let count = members.integer("count", 0..=i32::MAX.unsigned_abs());
        let environment = members.texts("environment");
        let secrets = members.texts("secrets");
        let command = members.list("command");
        let namespace = members
            .text("namespace")
            .map(|text| text.map(Namespace::parse));
        let capacity = members.text("capacity");
        let tags = validation.take(&mut body, "", "tags");
        validation.refuse_others(&body, "", OWN.into_iter().chain(SHARED));
        let name = name.and_then(|name| check_name(name, &namespace, validation));
        let cluster = cluster.and_then(|text| match ClusterName::parse(&text, region) {
            Ok(name) => Ok(name.to_string()),
            Err(error) => Err(validation.refuse("cluster", error.to_string())),
        });
        let size = read_size(cpu, memory, validation);
        let capacity = capacity.and_then(|text| Capacity::parse(text.as_deref(), validation));
        refuse_twins(&environment, &secrets, validation);
        Ok(Self {
            name: name?,
            cluster: cluster?,
            image: image?,
            port: port?,
            size: size?,
            count: count?.unwrap_or(1),
            environment: environment?,
            secrets: secrets?,
            command: command?,
            namespace: namespace?,
            capacity: capacity?,
            tags,
        })
    }

    /// Returns the namespace's name, where it is not known by its id.
    pub fn namespace_name(&self) -> Option<&str> {
        match &self.namespace {
            Some(Namespace::Named(name)) => Some(name),
            Some(Namespace::Id(_)) | None => None,
        }
    }

    /// Writes the long form that it stands for. `found` is the id of the namespace that it names.
    pub fn into_long_form(self, found: Option<String>) -> Map<String, Value> {
        let namespace = match &self.namespace {
            None => None,
            Some(Namespace::Id(id)) => Some(id.clone()),
            Some(Namespace::Named(_)) => found,
        };
        let mut long = Map::new();
        long.insert("cluster".to_owned(), self.cluster());
        long.insert("taskDefinition".to_owned(), self.task_definition());
        long.extend(namespace.map(|id| ("serviceRegistry".to_owned(), self.registry(&id))));
        long.insert("service".to_owned(), self.service());
        long.extend(self.tags.map(|tags| ("tags".to_owned(), tags)));
        long
    }

    fn cluster(&self) -> Value {
        let mut cluster = json!({"clusterName": self.cluster});
        if self.capacity != Capacity::OnDemand {
            // ECS takes no strategy of a provider that the cluster does not have.
            cluster["capacityProviders"] = json!(["FARGATE", "FARGATE_SPOT"]);
        }
        cluster
    }

    fn task_definition(&self) -> Value {
        let mut container = json!({"name": self.name, "image": self.image, "essential": true});
        if let Some(port) = self.port {
            container["portMappings"] = json!([{"containerPort": port, "protocol": "tcp"}]);
        }
        if !self.environment.is_empty() {
            let variables = self.environment.iter();
            container["environment"] = variables
                .map(|(name, value)| json!({"name": name, "value": value}))
                .collect();
        }
        if !self.secrets.is_empty() {
            let secrets = self.secrets.iter();
            container["secrets"] = secrets
                .map(|(name, from)| json!({"name": name, "valueFrom": from}))
                .collect();
        }
        if let Some(command) = &self.command {
            container["command"] = json!(command);
        }
        json!({
            "family": self.name,
            "cpu": self.size.cpu.to_string(),
            "memory": self.size.memory.to_string(),
            "containerDefinitions": [container],
        })
    }

    fn registry(&self, namespace_id: &str) -> Value {
        json!({
            "Name": self.name,
            "NamespaceId": namespace_id,
            "DnsConfig": {"DnsRecords": [{"Type": "A", "TTL": TTL_S}]},
        })
    }

    fn service(&self) -> Value {
        let mut service = json!({
            "serviceName": self.name,
            "desiredCount": self.count,
            "deploymentConfiguration": {"deploymentCircuitBreaker": {"enable": true, "rollback": true}},
        });
        // Said in any case: a cluster may have a default strategy.
        match self.capacity {
            Capacity::OnDemand => service["launchType"] = "FARGATE".into(),
            Capacity::Spot => {
                service["capacityProviderStrategy"] =
                    json!([{"capacityProvider": "FARGATE_SPOT", "weight": 1}]);
            }
            Capacity::Mixed => {
                service["capacityProviderStrategy"] = json!([
                    {"capacityProvider": "FARGATE", "base": 1, "weight": 0},
                    {"capacityProvider": "FARGATE_SPOT", "weight": 1},
                ]);
            }
        }
        service
    }
}

impl Namespace {
    fn parse(text: String) -> Self {
        if NamespaceId::is_given(&text) {
            Self::Id(text)
        } else {
            Self::Named(text)
        }
    }
}

impl Capacity {
    fn parse(text: Option<&str>, validation: &mut Validation) -> Result<Self, Invalid> {
        match text {
            None | Some("on-demand") => Ok(Self::OnDemand),
            Some("spot") => Ok(Self::Spot),
            Some("mixed") => Ok(Self::Mixed),
            Some(other) => {
                let message = format!(
                    "expected `on-demand`, `spot` or `mixed`, got `{}`",
                    printable(other)
                );
                Err(validation.refuse("capacity", message))
            }
        }
    }
}

/// Refuses members of the long form beside those of the short one.
fn refuse_long_form(body: &mut Map<String, Value>, validation: &mut Validation) {
    let own = OWN.iter().find(|name| key_of(body, name).is_some());
    let beside = own.map_or_else(|| "a cluster's name".to_owned(), |name| format!("`{name}`"));
    for name in LONG {
        if validation.take(body, "", name).is_some() {
            let message = format!(
                "is of the long form, and {beside} of the short one; give one of the forms"
            );
            validation.refuse(name, message);
        }
    }
}

/// Checks the name, which is that of the service, its family and its container, and of its registry if there is one.
fn check_name(
    name: String,
    namespace: &Result<Option<Namespace>, Invalid>,
    validation: &mut Validation,
) -> Result<String, Invalid> {
    let given = printable(&name);
    if !is_ecs_name(&name) {
        let message = format!("expected 1 to 255 letters, digits, `-` and `_`, got `{given}`");
        return Err(validation.refuse("name", message));
    }
    if matches!(namespace, Ok(Some(_))) && name.len() > LABEL_MAX {
        let message =
            format!("expected at most {LABEL_MAX} characters beside `namespace`, got `{given}`");
        return Err(validation.refuse("name", message));
    }
    Ok(name)
}

fn read_size(
    cpu: Result<Option<u32>, Invalid>,
    memory: Result<Option<u32>, Invalid>,
    validation: &mut Validation,
) -> Result<Size, Invalid> {
    Size::of(cpu?, memory?).map_err(|error| validation.refuse(error.member(), error.to_string()))
}

/// Refuses a variable that is a secret, too: ECS takes each name once
/// (<https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html>).
fn refuse_twins(
    environment: &Result<Vec<(String, String)>, Invalid>,
    secrets: &Result<Vec<(String, String)>, Invalid>,
    validation: &mut Validation,
) {
    let (Ok(environment), Ok(secrets)) = (environment, secrets) else {
        return;
    };
    let is_variable = |name: &str| environment.iter().any(|(other, _)| other == name);
    for (name, _) in secrets.iter().filter(|(name, _)| is_variable(name)) {
        let path = format!("secrets.{}", printable(name));
        validation.refuse(path, "given in `environment`, too; give one of them");
    }
}
