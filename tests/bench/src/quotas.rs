//! AWS's quotas for calls: buckets of tokens, one for each group of operations in an account and region, for all clients.
//!
//! <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/request-throttling.html>,
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/throttling.html> for what Fargate adds, and
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html>, where no burst is published. Cloud
//! Map publishes none but for `DiscoverInstances`.

use std::collections::BTreeMap;

/// The calls of a request, by operation.
pub type Calls = BTreeMap<String, u32>;

/// A bucket: each call of one of its operations takes a token.
struct Bucket {
    /// Its name in AWS's table.
    name: &'static str,
    operations: &'static [&'static str],
    /// The calls that it bears at once, when it is full.
    burst: f64,
    /// The calls that it bears a second, for ever.
    rate: f64,
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

/// The buckets of ECS's operations that the function calls, and of the reads of logs.
const BUCKETS: [Bucket; 16] = [
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
    bucket("Fargate, RunTask", &["ecs:RunTask"], 20.0, 20.0),
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

/// How many requests an account bears, and by which bucket that is held.
#[derive(Debug, PartialEq)]
pub struct Borne {
    /// The requests.
    pub requests: f64,
    /// The bucket's name in AWS's table.
    pub held_by: &'static str,
}

/// Returns the requests that an account bears a second for ever; `None` where no bucket holds them.
pub fn borne_a_second(calls: &Calls) -> Option<Borne> {
    borne(calls, |bucket| bucket.rate)
}

/// Returns the requests that an account bears at once, after a pause; `None` where no bucket holds them.
pub fn borne_at_once(calls: &Calls) -> Option<Borne> {
    borne(calls, |bucket| bucket.burst)
}

/// Returns the requests for which the calls that a bucket bears are enough, of the bucket where they are the fewest.
fn borne(calls: &Calls, bears: impl Fn(&Bucket) -> f64) -> Option<Borne> {
    let by_bucket = BUCKETS.iter().filter_map(|bucket| {
        let operations = bucket.operations.iter();
        let taken: u32 = operations
            .filter_map(|operation| calls.get(*operation))
            .sum();
        (taken > 0).then(|| Borne {
            requests: bears(bucket) / f64::from(taken),
            held_by: bucket.name,
        })
    });
    by_bucket.min_by(|one, other| one.requests.total_cmp(&other.requests))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bucket_that_bears_the_fewest_requests_holds_them() {
        let calls = [
            ("ecs:UpdateService", 1),
            ("ecs:DescribeServices", 2),
            ("ecs:ListServices", 1),
            ("servicediscovery:GetService", 100),
        ];
        let calls = calls.map(|(operation, count)| (operation.to_owned(), count));
        let calls = Calls::from(calls);
        let a_second = borne_a_second(&calls).expect("a bucket holds them");
        assert_eq!(
            (a_second.requests, a_second.held_by),
            (5.0, "service modify")
        );
        let at_once = borne_at_once(&calls).expect("a bucket holds them");
        assert_eq!(
            (at_once.requests.floor(), at_once.held_by),
            (33.0, "service read")
        );
        assert_eq!(borne_a_second(&Calls::new()), None);
    }
}
