//! Creates on the deployed stack: their records in DynamoDB, their watches in SQS, IAM, and a function that is killed.

use std::time::{Duration, Instant};

use fake_aws::Fault;
use serde_json::Value;

use super::cleanup::eventually;
use super::permissions::{Role, without};
use super::{Door, HUB, Stack};
use crate::services::documented;
use crate::support::root_config;

/// The longest time from the beginning of an invocation until its lease is over.
const LEASE: Duration = Duration::from_secs(29 + 5);
/// The longest time after the lease until what the invocation left is gone.
const GONE_AFTER: Duration = Duration::from_mins(2);

impl Stack {
    fn documented(&self) -> Value {
        let namespace = self.members["nonprod"]["namespace_id"].as_str();
        documented(namespace.expect("a text"))
    }

    /// Returns the states of the records.
    async fn record_states(&self) -> Vec<String> {
        let dynamodb = aws_sdk_dynamodb::Client::new(&root_config(HUB, self.endpoint()));
        let scan = dynamodb.scan().table_name(self.output("RecordsTable"));
        let records = scan.send().await.expect("the table is read");
        let state = |record: &std::collections::HashMap<_, _>| {
            let state: &aws_sdk_dynamodb::types::AttributeValue = &record["state"];
            state.as_s().expect("a text").clone()
        };
        records.items().iter().map(state).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_create_without_a_key_whose_function_is_killed_is_taken_back() {
    let door = Door::open();
    let stack = Stack::beside("crashed", &["--parameter", &door.parameter()]);
    let member = stack.member("nonprod");
    let before = member.inventory().await;
    door.aws.on("ecs:CreateService").meets(Fault::silence());
    let started = Instant::now();
    let body = stack.documented();
    std::thread::scope(|scope| {
        scope.spawn(|| stack.send("POST", "/nonprod/services", Some(&stack.token), Some(&body)));
        while !door
            .aws
            .operations()
            .contains(&"ecs:CreateService".to_owned())
        {
            assert!(
                started.elapsed() < Duration::from_secs(15),
                "the service comes last"
            );
            std::thread::sleep(Duration::from_millis(50));
        }
        assert_eq!(Stack::shared().process.kill_function(stack.function()), 1);
    });
    door.aws.forget_script();
    let left = member.inventory().await;
    assert_eq!(
        left.len(),
        before.len() + 4,
        "cluster, revision, log group and registry: {left:?}"
    );
    let within = (LEASE + GONE_AFTER).saturating_sub(started.elapsed());
    eventually("the account is as before", within, async || {
        (member.inventory().await == before).then_some(())
    })
    .await;
    eventually("the record says so", Duration::from_secs(10), async || {
        (stack.record_states().await == ["undone"]).then_some(())
    })
    .await;
}

/// The actions of the function's own role that a create needs, and what it answers without them.
const NEEDED: [(&str, &str); 2] = [
    ("keep-records", "dynamodb:PutItem"),
    ("finish-deletes", "sqs:SendMessage"),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_function_that_may_not_keep_records_changes_nothing() {
    let stack = Stack::beside("forgetful", &[]);
    let member = stack.member("nonprod");
    let before = member.inventory().await;
    let role = stack.output("FunctionRoleArn").rsplit('/').next();
    let role = role.expect("the name of the role");
    for (policy, action) in NEEDED {
        let role = Role::of(&stack, HUB, role, policy);
        let allowed = role.policy();
        let denied = without(&allowed, action);
        assert_ne!(denied, allowed, "the role allows {action}");
        role.put(&denied);
        let (status, problem) = stack.send(
            "POST",
            "/nonprod/services",
            Some(&stack.token),
            Some(&stack.documented()),
        );
        role.put(&allowed);
        assert_eq!(status, 503, "without {action}: {problem}");
        let detail = problem["detail"].as_str().expect("a text");
        assert!(detail.contains(action), "without {action}: {detail}");
        assert_eq!(member.inventory().await, before, "without {action}");
    }
    stack.expect(200, "POST", "/nonprod/services", Some(&stack.documented()));
}
