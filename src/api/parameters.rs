//! The parameters of paths and queries: each with its meaning, unit and default, where more than one operation knows it.

/// A parameter of a path or a query.
#[derive(Debug, Clone, Copy)]
pub struct Parameter {
    /// The name.
    pub name: &'static str,
    /// The values that it may have.
    pub values: Values,
    /// A sentence that says its meaning, its unit and its default.
    pub description: &'static str,
    /// An example. A query parameter with one is required, and so is every parameter of a path.
    pub example: Option<&'static str>,
}

/// The launch types that services are listed and searched by.
pub const LAUNCH_TYPES: &[&str] = &["FARGATE", "EC2", "EXTERNAL", "MANAGED_INSTANCES"];

/// The values that a parameter may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Values {
    /// Any text.
    Text,
    /// Any text but the empty one.
    SomeText,
    /// `true`, `false`, `1` or `0`, in any case.
    Flag,
    /// One of these, in any case.
    OneOf(&'static [&'static str]),
    /// A whole number from 1 to this.
    UpTo(i64),
    /// Milliseconds since 1970, or RFC 3339.
    Time,
    /// A name in ECS.
    Name,
    /// A cluster's name or ARN.
    Cluster,
    /// The name of something of this kind in a cluster, `cluster/name`, or its ARN.
    InCluster(&'static str),
    /// A task's id, `cluster/id` or ARN, in double quotes or not.
    QuotedTask,
    /// A family, `family:revision`, or an ARN.
    TaskDefinition,
    /// Text that a regular expression describes.
    Pattern(&'static str),
}

impl Parameter {
    /// Creates a query parameter that may be left out.
    pub const fn new(name: &'static str, values: Values, description: &'static str) -> Self {
        Self {
            name,
            values,
            description,
            example: None,
        }
    }

    /// Creates a parameter that must be there.
    pub const fn required(
        name: &'static str,
        values: Values,
        description: &'static str,
        example: &'static str,
    ) -> Self {
        Self {
            name,
            values,
            description,
            example: Some(example),
        }
    }
}

/// The most entries of a list's page.
pub const LIMIT: Parameter = Parameter::new(
    "limit",
    Values::UpTo(1000),
    "The most entries of one answer, 1 to 1000. Default: all.",
);

/// The place at which a list goes on.
pub const NEXT_TOKEN: Parameter = Parameter::new(
    "nextToken",
    Values::Text,
    "The `nextToken` of an earlier answer's `Link`: the list goes on from there.",
);

/// Asks a delete for what belongs to the service too.
pub const RECURSIVE: Parameter = Parameter::new(
    "recursive",
    Values::Flag,
    "Also delete what belongs to the service. Default: false.",
);

/// The most seconds of a long poll, which fits into the time that a gateway gives a request.
pub const WAIT_MAX_S: u32 = 25;

/// The query of a `Location` that waits as long as a request may.
pub const WAIT_ON: &str = "wait=25";

/// Asks a long poll to wait.
pub const WAIT: Parameter = Parameter::new(
    "wait",
    Values::UpTo(WAIT_MAX_S as i64),
    "Waits for the end, this many seconds at most, 1 to 25. Default: answers at once.",
);

/// Every parameter of a path.
pub const OF_PATHS: &[Parameter] = &[
    Parameter::required(
        "account",
        Values::Pattern("^[A-Za-z0-9_.-]{1,64}$"),
        "The account's name in the configuration of the API: not the twelve digits.",
        "nonprod",
    ),
    Parameter::required(
        "cluster",
        Values::Cluster,
        "The cluster's name or, percent-encoded, its ARN.",
        "myclu",
    ),
    Parameter::required(
        "service",
        Values::InCluster("service"),
        "The service's name or, percent-encoded, its ARN.",
        "webapp",
    ),
    Parameter::required(
        "deployment",
        Values::Pattern(
            "^(arn:aws[a-z-]*:ecs:[a-z0-9-]+:[0-9]{12}:service-(deployment|revision)/[A-Za-z0-9_-]+/[A-Za-z0-9_-]+/|ecs-svc/)?[A-Za-z0-9_-]{1,64}$",
        ),
        "The id of a service deployment, or of the service revision that it aims at; or, percent-encoded, the ARN of either.",
        "4330177702079110333",
    ),
    Parameter::required(
        "task",
        Values::InCluster("task"),
        "The task's id or, percent-encoded, `cluster/id` or its ARN.",
        "0123456789abcdef0123456789abcdef",
    ),
    Parameter::required(
        "taskdef",
        Values::TaskDefinition,
        "A family, for its latest ACTIVE revision, or `family:revision`, or, percent-encoded, an ARN.",
        "mytaskdef:1",
    ),
    Parameter::required(
        "id",
        Values::Pattern(
            "^(arn:aws[a-z-]*:servicediscovery:[a-z0-9-]+:[0-9]{12}:service/)?srv-[A-Za-z0-9-]{1,60}$",
        ),
        "The registry's id, `srv-…`, or, percent-encoded, its ARN.",
        "srv-tvtbgvkkxtts3qlf",
    ),
];

/// The sentences of every list.
pub const COMPLETE: &str = "Complete without `limit`, however many pages AWS needs. With `limit`, and where the whole list \
                            takes too long or is too large for one answer, the header `Link` leads on.";
