//! What every operation is for, in a sentence, and what a caller should know before.

use crate::routes::Endpoint;

/// An operation in words. The first is the group it is listed in.
#[derive(Debug)]
pub(super) struct Words {
    pub tag: &'static str,
    pub summary: &'static str,
    pub description: &'static str,
}

/// The groups of operations, in the page's order.
pub(super) const TAGS: [(&str, &str); 7] = [
    (
        "Whole services",
        "A service with everything around it, by one request.",
    ),
    ("Clusters", "ECS clusters."),
    (
        "Services",
        "The services of a cluster, their events and their logs.",
    ),
    ("Tasks", "The tasks of a cluster."),
    (
        "Task definitions",
        "Families of task definitions and their revisions.",
    ),
    (
        "Registries",
        "Cloud Map services, which give ECS services a DNS name.",
    ),
    (
        "This API",
        "What the API says of itself. Public: no credentials.",
    ),
];

/// The words for an endpoint.
#[expect(
    clippy::too_many_lines,
    reason = "some lines for each endpoint, and nothing but words"
)]
pub(super) fn words(endpoint: Endpoint) -> Words {
    let (tag, summary, description) = match endpoint {
        Endpoint::Ping => (
            "This API",
            "Answer pong.",
            "Says that the function is there. Calls nothing.",
        ),
        Endpoint::ShowVersion => (
            "This API",
            "Show what was built, from which commit, and when.",
            "The one answer with lower-case members.",
        ),
        Endpoint::ShowOpenapi => (
            "This API",
            "Show this document.",
            "Send its `ETag` back as `If-None-Match`, and an unchanged document is answered by 304 without a body.",
        ),
        Endpoint::ShowDocs => (
            "This API",
            "Show this document as a page that can send requests.",
            "The page loads nothing from other hosts. A token that is typed into it stays in it.",
        ),
        Endpoint::CreateOrchestration => (
            "Whole services",
            "Create a service and what it needs, or nothing.",
            "Cluster, task definition and registry exist, if `service` names them, or are created, if their part is given. \
             Everything checkable is checked before the first call that changes anything. If a step fails, what this \
             request has made is taken back, newest first, and the problem says so in `Created`, `RolledBack` and \
             `LeftBehind`. The account's defaults apply where the body leaves a member out.",
        ),
        Endpoint::DeleteOrchestration => (
            "Whole services",
            "Delete a service and, if asked for, its registries and its cluster.",
            "What to delete stands in the body or in the query. With `recursive`, the registries go once the tasks and \
             their registrations are gone, and then the cluster, unless something else is in it or it is `default`. \
             While something is pending the answer is 202: the stack's queue goes on with it, or, where `Queued` is false, \
             the same request after `Retry-After`.",
        ),
        Endpoint::ListClusters => (
            "Clusters",
            "List the ARNs of the account's clusters.",
            COMPLETE,
        ),
        Endpoint::CreateCluster => (
            "Clusters",
            "Create a cluster.",
            "`clusterName` (or its shorthand `name`) is required: 1 to 255 letters, digits, `-` and `_`. A cluster of this \
             name that is ACTIVE already is answered as it is.",
        ),
        Endpoint::ShowCluster => (
            "Clusters",
            "Show an ACTIVE cluster with its settings, statistics and tags.",
            "An INACTIVE cluster is answered by 404, like one that never was.",
        ),
        Endpoint::DeleteCluster => (
            "Clusters",
            "Delete an empty cluster.",
            "409 while services, tasks or instances are in it.",
        ),
        Endpoint::ListServices => (
            "Services",
            "List a cluster's services, by their ARNs or as they are.",
            COMPLETE,
        ),
        Endpoint::CreateService => (
            "Services",
            "Create a service of a task definition that exists.",
            "Without `networkConfiguration`, it gets the account's subnets and security groups, and no public address; \
             without `launchType`, FARGATE, unless capacity providers decide.",
        ),
        Endpoint::ShowService => (
            "Services",
            "Show a service, a DRAINING or INACTIVE one too.",
            "With `all`, one flat object that also has its `ServiceEndpoint`, its `Tasks` and its `TaskDefinition`.",
        ),
        Endpoint::UpdateService => (
            "Services",
            "Change what the body names, such as the number of tasks, and leave all else of a service as it is.",
            "The account's defaults have no say. At least one member is required.",
        ),
        Endpoint::DeleteService => (
            "Services",
            "Force-delete a service and, if asked for, its registries and its cluster.",
            "Without `recursive` it is done once ECS has agreed; the service may still be draining. With it, as \
             `delete_orchestration`.",
        ),
        Endpoint::ListEvents => (
            "Services",
            "List what ECS says of a service, newest first.",
            "The last hundred events.",
        ),
        Endpoint::ShowLogs => (
            "Services",
            "Show the log of one container of one task.",
            "The log is where the `awslogs` options of the container's definition say; else in the group of the cluster's \
             name and the stream `service/container/task`. No output yet is no error: `Events` is empty.",
        ),
        Endpoint::ListTasks => (
            "Tasks",
            "List the ARNs of a cluster's tasks, of all launch types.",
            COMPLETE,
        ),
        Endpoint::RunTask => (
            "Tasks",
            "Run tasks of a task definition.",
            "Network and launch type default as for services. If AWS starts some tasks and not others, `Failures` says \
             why; if it starts none, the answer is a problem with `Failures`: 503 for want of capacity, else 409.",
        ),
        Endpoint::ShowTask => (
            "Tasks",
            "Show a task with its tags.",
            "A stopped task is known for about an hour.",
        ),
        Endpoint::StopTask => (
            "Tasks",
            "Stop a task.",
            "A service starts another one in its place.",
        ),
        Endpoint::ListTaskDefinitions => (
            "Task definitions",
            "List the ARNs of revisions: of one family, of the families of a prefix, or all.",
            COMPLETE,
        ),
        Endpoint::RegisterTaskDefinition => (
            "Task definitions",
            "Register a revision of a family.",
            "Without `requiresCompatibilities`, it is for FARGATE with `awsvpc` and the account's execution role. In a \
             container, `ports` is short for `portMappings`.",
        ),
        Endpoint::ShowTaskDefinition => (
            "Task definitions",
            "Show a revision, or a family's latest ACTIVE one, with its tags.",
            "What is shown can be posted back: what AWS answers but does not accept is dropped.",
        ),
        Endpoint::DeregisterTaskDefinition => (
            "Task definitions",
            "Deregister one revision.",
            "It becomes INACTIVE; what runs keeps running. A family without a revision is refused.",
        ),
        Endpoint::ListRegistries => (
            "Registries",
            "List the registries, of all namespaces or of one.",
            COMPLETE,
        ),
        Endpoint::CreateRegistry => (
            "Registries",
            "Create a registry in a namespace.",
            "Without a health check it gets a custom one with a failure threshold of 1, as ECS needs it.",
        ),
        Endpoint::ShowRegistry => (
            "Registries",
            "Show a registry.",
            "By its id, `srv-…`, or its ARN.",
        ),
        Endpoint::DeleteRegistry => (
            "Registries",
            "Delete a registry without instances.",
            "409 while instances are registered.",
        ),
    };
    Words {
        tag,
        summary,
        description,
    }
}

const COMPLETE: &str = "Complete without `limit`, however many pages AWS needs. With `limit`, and where the whole list \
                        takes too long or is too large for one answer, the header `Link` leads on.";
