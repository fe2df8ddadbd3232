//! Deletes that outlast their requests, on the deployed stack: SQS, its event source mapping, IAM, and a function that is
//! killed.

use std::time::{Duration, Instant};

use fake_aws::Fault;
use serde_json::{Value, json};

use super::{Door, HUB, Stack};
use crate::services::documented;
use crate::support::root_config;

/// The time that the tasks take to stop: longer than the request, and no longer than until the queue's first attempt.
const DRAINS_FOR: Duration = Duration::from_secs(32);

impl Stack {
    fn create(&self, account: &str) -> Value {
        let body = documented(
            self.members[account]["namespace_id"]
                .as_str()
                .expect("a text"),
        );
        self.expect(200, "POST", &format!("/{account}/services"), Some(&body))
    }

    /// Returns the function's log of the delete of a cluster's service: all of it with the id of the request that asked
    /// for it.
    async fn story(&self, cluster: &str) -> Vec<String> {
        let logs = aws_sdk_cloudwatchlogs::Client::new(&root_config(HUB, self.endpoint()));
        let events = logs
            .filter_log_events()
            .log_group_name(format!("/aws/lambda/{}", self.function()))
            .send()
            .await
            .expect("the log");
        let lines = events.events().iter().filter_map(|event| event.message());
        let lines: Vec<Value> = lines
            .filter_map(|line| serde_json::from_str(line.trim()).ok())
            .collect();
        let request = lines
            .iter()
            .find(|line| line["operation"] == "delete_orchestration")
            .expect("the request's line");
        let story = lines.iter().filter(|line| line["cluster"] == cluster);
        let tell = |line: &Value| {
            assert_eq!(line["correlation_id"], request["request_id"], "{line}");
            line["message"].as_str().expect("a text").to_owned()
        };
        story.map(tell).collect()
    }
}

/// Waits for something, and answers what it is.
pub(super) async fn eventually<T>(
    what: &str,
    within: Duration,
    mut look: impl AsyncFnMut() -> Option<T>,
) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(started.elapsed() < within, "{what} within {within:?}");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delete_that_outlasts_its_request_is_finished_though_the_function_is_killed_on_the_way() {
    let door = Door::open();
    let stack = Stack::beside("killed", &["--parameter", &door.parameter()]);
    let aws = &door.aws;
    let sqs = aws_sdk_sqs::Client::new(&root_config(HUB, stack.endpoint()));
    // Nobody has to wait for three minutes until SQS delivers again what the killed function had.
    let visibility = sqs
        .set_queue_attributes()
        .queue_url(stack.output("CleanupQueueUrl"));
    visibility
        .attributes("VisibilityTimeout".into(), "30")
        .send()
        .await
        .expect("the queue's attributes are set");
    let made = stack.create("nonprod");
    let arns = [
        &made["Service"]["ServiceArn"],
        &made["ServiceDiscoveryService"]["Arn"],
        &made["Cluster"]["ClusterArn"],
    ];
    let created_at: jiff::Timestamp = made["Service"]["CreatedAt"]
        .as_str()
        .expect("a text")
        .parse()
        .expect("a time");
    let draining = json!({"failures": [], "services": [{
        "serviceArn": arns[0], "serviceName": "webapp", "status": "DRAINING", "runningCount": 1, "clusterArn": arns[2],
        "createdAt": created_at.as_second(), "serviceRegistries": [{"registryArn": arns[1]}],
    }]});

    // The local AWS has a service INACTIVE at once: it is deleted behind what AWS would say.
    let going = Fault::answer(&json!({"service": draining["services"][0]}));
    aws.on("ecs:DeleteService")
        .meets(going.after(Duration::from_secs(3)));
    let started = Instant::now();
    let body = json!({"cluster": "myclu", "service": "webapp", "recursive": true});
    let answer = std::thread::scope(|scope| {
        let delete = scope.spawn(|| {
            stack.send(
                "DELETE",
                "/nonprod/services",
                Some(&stack.token),
                Some(&body),
            )
        });
        while !aws.operations().contains(&"ecs:DeleteService".to_owned()) {
            assert!(
                started.elapsed() < Duration::from_secs(10),
                "the service is deleted first"
            );
            std::thread::sleep(Duration::from_millis(100));
        }
        aws.on("ecs:DescribeServices")
            .meets(Fault::answer(&draining));
        delete.join().expect("the request ends")
    });
    let member = stack.members["nonprod"]["account"]
        .as_str()
        .expect("a text");
    let ecs = aws_sdk_ecs::Client::new(&root_config(member, stack.endpoint()));
    let delete = ecs
        .delete_service()
        .cluster("myclu")
        .service("webapp")
        .force(true);
    delete.send().await.expect("the service is deleted");
    assert!(
        started.elapsed() < Duration::from_secs(29),
        "{:?}",
        started.elapsed()
    );
    assert_eq!(
        (answer.0, &answer.1["Queued"]),
        (202, &json!(true)),
        "{}",
        answer.1
    );
    assert_eq!(
        answer.1["Pending"][0],
        json!({"Arn": arns[0], "WaitingFor": "1 task to stop"})
    );

    tokio::time::sleep(DRAINS_FOR.saturating_sub(started.elapsed())).await;
    aws.forget_script();
    let message = "The service has registered instances";
    let delete = || aws.on("servicediscovery:DeleteService").once();
    delete().meets(Fault::refuse("ResourceInUse", message));
    delete().meets(Fault::silence());
    aws.forget_calls();
    eventually(
        "the second look at the registry",
        Duration::from_secs(90),
        async || {
            let calls = aws.operations();
            let looks = calls
                .iter()
                .filter(|call| *call == "servicediscovery:DeleteService")
                .count();
            (looks == 2).then_some(())
        },
    )
    .await;
    assert_eq!(Stack::shared().process.kill_function(stack.function()), 1);

    eventually("the cluster is gone", Duration::from_mins(2), async || {
        let clusters = ecs
            .list_clusters()
            .send()
            .await
            .expect("the clusters are listed");
        clusters.cluster_arns().is_empty().then_some(())
    })
    .await;
    assert_eq!(
        stack.expect(200, "GET", "/nonprod/servicediscovery/services", None),
        json!({"Services": []})
    );
    let story = stack.story("myclu").await;
    let (look, later) = ("delete: is looked at", "delete: goes on later");
    let attempts = vec![look, later];
    let killed = vec![look];
    let last = vec![look, "delete: done"];
    assert_eq!(
        story,
        [
            vec!["delete: goes on from the queue"],
            attempts,
            killed,
            last
        ]
        .concat()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_lacks_a_permission_leaves_a_dead_letter_that_names_it() {
    let door = Door::open();
    let (parameter, denied) = (door.parameter(), "prod=ecs:DeleteCluster");
    let stack = Stack::beside("denied", &["--parameter", &parameter, "--deny", denied]);
    stack.create("prod");
    let message = "The service has registered instances";
    door.aws
        .on("servicediscovery:DeleteService")
        .meets(Fault::refuse("ResourceInUse", message));
    let body = json!({"cluster": "myclu", "service": "webapp", "recursive": true});
    let answer = stack.expect(202, "DELETE", "/prod/services", Some(&body));
    assert_eq!(answer["Queued"], true, "{answer}");
    door.aws.forget_script();

    let sqs = aws_sdk_sqs::Client::new(&root_config(HUB, stack.endpoint()));
    let letter: Value = eventually("a dead letter", Duration::from_mins(3), async || {
        let receive = sqs
            .receive_message()
            .queue_url(stack.output("CleanupDeadLetterQueueUrl"));
        let received = receive.send().await.expect("the queue is read");
        let body = received
            .messages()
            .first()
            .and_then(|message| message.body())
            .map(str::to_owned);
        body.map(|body| serde_json::from_str(&body).expect("JSON"))
    })
    .await;
    let reason = letter["reason"].as_str().expect("a reason");
    let account = stack.members["prod"]["account"].as_str().expect("a text");
    let role = format!("arn:aws:iam::{account}:role/ecs-api");
    assert!(
        reason.starts_with(&format!("the role `{role}` may not do `ecs:DeleteCluster`")),
        "{reason}"
    );
    assert_eq!(
        (&letter["caller"], &letter["service"]),
        (&json!("demo"), &json!("webapp"))
    );
    // The letter is there before the last line is.
    let story = eventually(
        "the end of the story",
        Duration::from_secs(20),
        async || {
            let story = stack.story("myclu").await;
            story
                .contains(&"delete: given up".to_owned())
                .then_some(story)
        },
    )
    .await;
    let again = ["delete: is looked at", "delete: goes on later"];
    let last = ["delete: is looked at", "delete: given up"];
    assert_eq!(
        story,
        [
            &["delete: goes on from the queue"][..],
            &again,
            &again,
            &last
        ]
        .concat()
    );
}
