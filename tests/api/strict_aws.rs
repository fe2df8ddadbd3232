//! The mistakes that emulators forgive and real AWS does not: on paused time, against the AWS of the tests.

use std::time::Duration;

use ecs_api::app::App;
use ecs_api::aws::Accounts;
use ecs_api::config::Config;
use fake_aws::{FakeAws, Fault, HUB};
use lambda_http::{Context, LambdaEvent};
use serde_json::{Value, json};
use tokio::time::Instant;

/// The account that these tests work in.
const MEMBER: &str = "111122223333";
/// The role that its task definitions name.
const TASK_ROLE: &str = "arn:aws:iam::111122223333:role/ecsTaskExecutionRole";

/// The function in front of such an AWS, invoked directly.
struct Strict {
    aws: FakeAws,
    app: App,
}

impl Strict {
    /// An account with the cluster `shop` and the task definition `web:1` of one container.
    fn new() -> Self {
        let aws = FakeAws::in_memory();
        let config = json!({
            "accounts": {"nonprod": {
                "roleArn": format!("arn:aws:iam::{MEMBER}:role/ecs-api"), "region": "us-east-1",
                "defaultSubnets": ["subnet-0a1b2c3d"],
            }},
            "callers": [{"name": "direct", "invoke": true, "grants": [{"accounts": ["*"], "access": "write"}]}],
        });
        let config =
            Config::parse(config.to_string().as_bytes()).expect("the configuration is valid");
        let clients = Accounts::new(config.accounts.clone(), aws.sdk_config(HUB));
        let strict = Self {
            app: App::new(config, &clients),
            aws,
        };
        let web = json!({"family": "web", "networkMode": "awsvpc", "cpu": "256", "memory": "512",
            "requiresCompatibilities": ["FARGATE"], "taskRoleArn": TASK_ROLE,
            "containerDefinitions": [{"name": "app", "image": "nginx", "portMappings": [{"containerPort": 80}]}]});
        for (operation, input) in [
            ("ecs:CreateCluster", json!({"clusterName": "shop"})),
            ("ecs:RegisterTaskDefinition", web),
        ] {
            let made = strict.aws.put(MEMBER, operation, &input);
            made.expect("nothing is in the way in an empty account");
        }
        strict
    }

    /// Sends a request below `/v1/ecs/nonprod`, and returns status, headers and body.
    async fn send(&self, method: &str, path: &str, body: Value) -> Value {
        let event =
            json!({"method": method, "path": format!("/v1/ecs/nonprod{path}"), "body": body});
        let event = LambdaEvent::new(event.into(), Context::default());
        let answer = Box::pin(self.app.handle(event)).await;
        answer.expect("the event is known")
    }

    /// Returns the body of a 200.
    async fn ok(&self, method: &str, path: &str, body: Value) -> Value {
        let mut answer = self.send(method, path, body).await;
        assert_eq!(answer["status"], 200, "{answer}");
        answer["body"].take()
    }

    /// Runs a task, and returns its id.
    async fn run_task(&self) -> String {
        let path = "/clusters/shop/tasks";
        let started = self
            .ok("POST", path, json!({"taskDefinition": "web"}))
            .await;
        let arn = started["Tasks"][0]["TaskArn"]
            .as_str()
            .expect("a task was started");
        arn.rsplit('/')
            .next()
            .expect("an ARN ends in an id")
            .to_owned()
    }

    /// Returns how often an operation was called.
    fn count(&self, operation: &str) -> usize {
        let operations = self.aws.operations();
        operations.iter().filter(|each| *each == operation).count()
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_that_was_started_just_now_is_looked_for_again() {
    let strict = Strict::new();
    strict.aws.circumstances(MEMBER, |account| {
        account.missing_for = Duration::from_secs(3);
    });
    let id = strict.run_task().await;
    let path = format!("/clusters/shop/tasks/{id}");
    let shown = strict.ok("GET", &path, Value::Null).await;
    assert_eq!(shown["Tasks"][0]["Revision"], 1);
    assert_eq!(strict.count("ecs:DescribeTasks"), 4);
}

#[tokio::test(start_paused = true)]
async fn a_task_that_there_is_not_is_given_up_and_one_without_a_cluster_at_once() {
    let strict = Strict::new();
    let unknown = "/tasks/0123456789abcdef0123456789abcdef";
    for (cluster, seconds) in [("shop", 3), ("elsewhere", 0)] {
        let begun = Instant::now();
        let path = format!("/clusters/{cluster}{unknown}");
        let answer = strict.send("GET", &path, Value::Null).await;
        assert_eq!(answer["status"], 404);
        assert_eq!(begun.elapsed().as_secs(), seconds, "{cluster}");
    }
}

#[tokio::test(start_paused = true)]
async fn every_task_that_is_shown_has_the_number_of_its_task_definition() {
    let strict = Strict::new();
    let path = "/clusters/shop/tasks";
    let started = strict
        .ok("POST", path, json!({"taskDefinition": "web"}))
        .await;
    assert_eq!(started["Tasks"][0]["Revision"], 1);
    let id = strict.run_task().await;
    let stopped = strict
        .ok("DELETE", &format!("{path}/{id}"), Value::Null)
        .await;
    assert_eq!(stopped["Task"]["Revision"], 1);
}

#[tokio::test(start_paused = true)]
async fn a_role_that_ecs_can_not_assume_yet_is_waited_for() {
    let strict = Strict::new();
    let too_young = "ECS was unable to assume the role 'arn:aws:iam::111122223333:role/r' that was provided for this \
                     task. Please verify that the role being passed has the proper trust relationship and permissions \
                     and that your IAM user has permissions to pass this role.";
    let fault = Fault::refuse("ClientException", too_young);
    strict.aws.on("ecs:RunTask").times(2).meets(fault.clone());
    let begun = Instant::now();
    strict.run_task().await;
    assert_eq!(
        (strict.count("ecs:RunTask"), begun.elapsed().as_secs()),
        (3, 3)
    );

    strict.aws.on("ecs:RunTask").meets(fault);
    let body = json!({"taskDefinition": "web"});
    let answer = strict.send("POST", "/clusters/shop/tasks", body).await;
    assert_eq!(
        (
            &answer["status"],
            &answer["headers"]["retry-after"],
            &answer["body"]["code"]
        ),
        (&json!(409), &json!("5"), &json!("ClientException"))
    );
    assert_eq!(answer["body"]["retryable"], true);
}

#[tokio::test(start_paused = true)]
async fn a_revision_is_deleted_for_good_whatever_its_status() {
    let strict = Strict::new();
    let path = "/taskdefs/web:1?delete=true";
    // ACTIVE, and DELETE_IN_PROGRESS.
    for _ in 0..2 {
        let deleted = strict.ok("DELETE", path, Value::Null).await;
        assert_eq!(deleted["TaskDefinition"]["Status"], "DELETE_IN_PROGRESS");
        assert_eq!(deleted["TaskDefinition"]["Revision"], 1);
    }
    let web = json!({"family": "web", "cpu": "256", "memory": "512",
        "containerDefinitions": [{"name": "app", "image": "nginx"}]});
    strict.ok("POST", "/taskdefs", web).await;
    let inactive = strict.ok("DELETE", "/taskdefs/web:2", Value::Null).await;
    assert_eq!(inactive["TaskDefinition"]["Status"], "INACTIVE");
    let deleted = strict
        .ok("DELETE", "/taskdefs/web:2?delete=1", Value::Null)
        .await;
    assert_eq!(deleted["TaskDefinition"]["Status"], "DELETE_IN_PROGRESS");
    let missing = strict
        .send("DELETE", "/taskdefs/web:9?delete=true", Value::Null)
        .await;
    assert_eq!(missing["status"], 404, "{missing}");
    let family = strict
        .send("DELETE", "/taskdefs/web?delete=true", Value::Null)
        .await;
    assert_eq!(family["status"], 400);
}

/// The log of a task's container.
fn logs_of(task: &str, container: &str) -> String {
    format!("/clusters/shop/services/web/logs?task={task}&container={container}")
}

#[tokio::test(start_paused = true)]
async fn a_container_that_says_nothing_of_its_log_has_none_and_is_told_how_to_get_one() {
    let strict = Strict::new();
    let id = strict.run_task().await;
    let answer = strict.send("GET", &logs_of(&id, "app"), Value::Null).await;
    assert_eq!(answer["status"], 404, "{answer}");
    let expected = format!(
        "the container `app` names no log configuration, and there is no log stream `web/app/{id}` in the group `shop` \
         either: register its task definition with a `logConfiguration` whose `logDriver` is `awslogs`, and deploy that"
    );
    assert_eq!(answer["body"]["detail"], expected);
}

#[tokio::test(start_paused = true)]
async fn a_stream_whose_token_keeps_changing_is_left_after_some_pages() {
    let strict = Strict::new();
    let page = |number: u32| json!({"events": [], "nextForwardToken": format!("f/{number}/s"), "nextBackwardToken": "b/0/s"});
    for number in 1..=20 {
        let calls = strict.aws.on("logs:GetLogEvents").once();
        calls.meets(Fault::answer(&page(number)));
    }
    let id = strict.run_task().await;
    let path = format!("{}&startFromHead=true", logs_of(&id, "app"));
    let begun = Instant::now();
    let log = strict.ok("GET", &path, Value::Null).await;
    assert_eq!(log["Events"], json!([]));
    assert_eq!(log["NextForwardToken"], "f/10/s");
    assert_eq!(strict.count("logs:GetLogEvents"), 10);
    assert_eq!(begun.elapsed().as_secs(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_time_that_can_not_be_meant_is_told_what_to_write() {
    let strict = Strict::new();
    let id = strict.run_task().await;
    for (given, expected) in [
        (
            "1735689600",
            "start: `1735689600` looks like seconds since 1970; write milliseconds, `1735689600000`",
        ),
        (
            "2025-01-01T00:00:00+02:00",
            "start: the `+` arrived as a space; write `2025-01-01T00:00:00%2B02:00`",
        ),
        (
            "yesterday",
            "start: expected milliseconds since 1970, or a time like `2026-11-22T14:08:06Z`",
        ),
    ] {
        let path = format!("{}&start={given}", logs_of(&id, "app"));
        let answer = strict.send("GET", &path, Value::Null).await;
        assert_eq!(answer["status"], 400, "{answer}");
        assert_eq!(answer["body"]["detail"], expected);
    }
    for given in ["0", "1735689600000", "2025-01-01T00:00:00%2B02:00"] {
        let path = format!("{}&start={given}", logs_of(&id, "app"));
        assert_eq!(strict.send("GET", &path, Value::Null).await["status"], 404);
    }
}
