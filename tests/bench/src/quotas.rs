//! AWS's quotas for calls: buckets of tokens, one for each group of operations in an account and region, for all clients.
//!
//! <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/request-throttling.html>,
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html>, where no burst is published. Cloud
//! Map publishes none but for `DiscoverInstances`.

use std::collections::BTreeMap;

/// The calls of a request, by operation.
pub type Calls = BTreeMap<String, u32>;

/// A bucket: each call of one of its operations takes a token.
pub struct Bucket {
    /// Its name in AWS's table.
    pub name: &'static str,
    operations: &'static [&'static str],
    /// The calls that it bears at once, when it is full.
    pub burst: f64,
    /// The calls that it bears a second, for ever.
    pub rate: f64,
}

const fn bucket(
    name: &'static str,
    operations: &'static [&'static str],
    burst: f64,
    rate: f64,
) -> Bucket {
    Bucket {
        name,
        operations,
        burst,
        rate,
    }
}

/// The buckets of the operations that the function calls.
const BUCKETS: [Bucket; 15] = [
    bucket(
        "cluster modify",
        &["ecs:CreateCluster", "ecs:DeleteCluster"],
        20.0,
        1.0,
    ),
    bucket(
        "cluster read",
        &["ecs:DescribeClusters", "ecs:ListClusters"],
        50.0,
        20.0,
    ),
    bucket(
        "task definition modify",
        &["ecs:DeregisterTaskDefinition", "ecs:RegisterTaskDefinition"],
        20.0,
        1.0,
    ),
    bucket(
        "task definition read",
        &[
            "ecs:DescribeTaskDefinition",
            "ecs:ListTaskDefinitionFamilies",
            "ecs:ListTaskDefinitions",
        ],
        50.0,
        20.0,
    ),
    bucket(
        "task definition deletion",
        &["ecs:DeleteTaskDefinitions"],
        5.0,
        1.0,
    ),
    bucket(
        "tag modify",
        &["ecs:TagResource", "ecs:UntagResource"],
        20.0,
        10.0,
    ),
    bucket("setting read", &["ecs:ListAccountSettings"], 50.0, 20.0),
    bucket(
        "cluster resource modify",
        &["ecs:RunTask", "ecs:StopTask"],
        100.0,
        40.0,
    ),
    bucket(
        "cluster resource read",
        &["ecs:DescribeTasks", "ecs:ListTasks"],
        100.0,
        20.0,
    ),
    bucket(
        "service modify",
        &[
            "ecs:CreateService",
            "ecs:DeleteService",
            "ecs:UpdateService",
        ],
        50.0,
        5.0,
    ),
    bucket(
        "service read",
        &["ecs:DescribeServices", "ecs:ListServices"],
        100.0,
        20.0,
    ),
    bucket(
        "service deployment",
        &[
            "ecs:DescribeServiceDeployments",
            "ecs:ListServiceDeployments",
        ],
        50.0,
        20.0,
    ),
    bucket(
        "service revision",
        &["ecs:DescribeServiceRevisions"],
        50.0,
        20.0,
    ),
    bucket("FilterLogEvents", &["logs:FilterLogEvents"], 10.0, 10.0),
    bucket("GetLogEvents", &["logs:GetLogEvents"], 25.0, 25.0),
];

/// Returns the bucket that is the first to be empty where these calls are repeated, and the calls that take from it.
pub fn first_to_be_empty(calls: &Calls) -> Option<(&'static Bucket, f64)> {
    let used = BUCKETS.iter().filter_map(|bucket| {
        let calls = bucket
            .operations
            .iter()
            .filter_map(|operation| calls.get(*operation));
        let calls: u32 = calls.sum();
        (calls > 0).then(|| (bucket, f64::from(calls)))
    });
    used.max_by(|(one, calls), (other, others)| {
        (calls / one.rate).total_cmp(&(others / other.rate))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bucket_that_bears_the_fewest_requests_is_the_first_to_be_empty() {
        let calls = [
            ("ecs:DescribeServices", 4),
            ("ecs:ListServices", 4),
            ("ecs:UpdateService", 1),
            ("servicediscovery:GetService", 100),
        ];
        let calls = calls.map(|(operation, count)| (operation.to_owned(), count));
        let (bucket, taken) = first_to_be_empty(&Calls::from(calls)).expect("one is used");
        assert_eq!((bucket.name, taken), ("service read", 8.0));
        assert!(first_to_be_empty(&Calls::new()).is_none());
    }
}
