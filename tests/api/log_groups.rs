//! The log group of containers that name none: made with the service, and taken back with it.

mod watched;

use std::time::Duration;

use fake_aws::Fault;
use serde_json::{Value, json};

use crate::services::documented;
use crate::support::Answer;
use crate::support::scripted::{MEMBER, NAMESPACE, ScriptedApp};

/// The group of the documented create's cluster.
const GROUP: &str = "/ecs/myclu";

/// An account whose containers log to a group for each cluster, for thirty days.
fn logging() -> ScriptedApp {
    let logs = json!({"group": "/ecs/{cluster}", "retentionInDays": 30});
    ScriptedApp::with_account(&json!({"logs": logs, "tags": {"Owner": "platform"}}))
}

/// The documented create, without a registry.
fn body() -> Value {
    let mut body = documented(NAMESPACE);
    body.as_object_mut().unwrap().remove("serviceregistry");
    body
}

/// Does a call in the account, past the rules.
fn put(app: &ScriptedApp, operation: &str, input: &Value) -> Value {
    let done = app.aws.put(MEMBER, operation, input);
    done.unwrap_or_else(|refusal| panic!("{operation}: {refusal:?}"))
}

/// The group as AWS describes it, with its tags; `None` if it is not there.
fn group(app: &ScriptedApp, name: &str) -> Option<Value> {
    let listed = put(
        app,
        "logs:DescribeLogGroups",
        &json!({"logGroupNamePrefix": name}),
    );
    let mut group = listed["logGroups"].as_array()?.first()?.clone();
    let arn = json!({"resourceArn": group["logGroupArn"]});
    group["tags"] = put(app, "logs:ListTagsForResource", &arn)["tags"].take();
    Some(group)
}

/// The log configuration of each container of the revision that was registered last.
fn configurations(app: &ScriptedApp) -> Vec<Value> {
    let sent = app.aws.sent("ecs:RegisterTaskDefinition");
    let containers = sent.last().unwrap()["containerDefinitions"]
        .as_array()
        .unwrap();
    let configuration = |container: &Value| container["logConfiguration"].clone();
    containers.iter().map(configuration).collect()
}

fn refuse_the_service(app: &ScriptedApp) {
    let refusal = Fault::refuse("InvalidParameterException", "no");
    app.aws.on("ecs:CreateService").meets(refusal);
}

#[tokio::test(start_paused = true)]
async fn a_container_that_names_no_log_logs_to_a_group_that_is_there() {
    let app = logging();
    app.create(None, &body()).await.expect(200);
    let expected = json!({"logDriver": "awslogs", "options": {
        "awslogs-group": GROUP, "awslogs-region": "us-east-1", "awslogs-stream-prefix": "webapp"}});
    assert_eq!(configurations(&app), [expected]);
    let group = group(&app, GROUP).expect("it is there");
    assert_eq!(group["retentionInDays"], 30);
    assert_eq!(group["tags"]["Owner"], "platform");
    assert!(group["tags"]["ecs-api:request-id"].is_string(), "{group}");
    let calls = app.aws.operations();
    let place = |operation: &str| calls.iter().position(|call| call == operation);
    assert!(
        place("logs:CreateLogGroup") < place("ecs:CreateService"),
        "{calls:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn the_group_of_a_service_is_named_by_cluster_and_service() {
    let logs = json!({"group": "/ecs/{cluster}/{service}"});
    let app = ScriptedApp::with_account(&json!({"logs": logs}));
    app.create(None, &body()).await.expect(200);
    let group = group(&app, "/ecs/myclu/webapp").expect("it is there");
    assert_eq!(group.get("retentionInDays"), None);
    assert!(
        !app.aws
            .operations()
            .contains(&"logs:PutRetentionPolicy".to_owned())
    );
}

#[tokio::test(start_paused = true)]
async fn a_configuration_that_is_given_is_never_touched() {
    let own = json!({"logDriver": "awslogs", "options": {
        "awslogs-group": "mine", "awslogs-region": "eu-west-1", "awslogs-stream-prefix": "x"}});
    let mut body = body();
    body["taskdefinition"]["containerdefinitions"][0]["logConfiguration"] = own.clone();
    let app = logging();
    app.create(None, &body).await.expect(200);
    assert_eq!(configurations(&app), std::slice::from_ref(&own));
    assert_eq!((group(&app, GROUP), group(&app, "mine")), (None, None));

    // Beside it, another that says nothing.
    let sidecar = json!({"name": "sidecar", "image": "busybox", "essential": false});
    let containers = body["taskdefinition"]["containerdefinitions"].as_array_mut();
    containers.unwrap().push(sidecar);
    let app = logging();
    app.create(None, &body).await.expect(200);
    let configurations = configurations(&app);
    assert_eq!(configurations[0], own);
    assert_eq!(configurations[1]["options"]["awslogs-group"], GROUP);
    assert!(group(&app, GROUP).is_some());
}

#[tokio::test(start_paused = true)]
async fn a_group_that_is_there_keeps_its_retention_and_its_tags() {
    for retention in [None, Some(7)] {
        let app = logging();
        let tags = json!({"a": "b"});
        put(
            &app,
            "logs:CreateLogGroup",
            &json!({"logGroupName": GROUP, "tags": tags}),
        );
        if let Some(days) = retention {
            let policy = json!({"logGroupName": GROUP, "retentionInDays": days});
            put(&app, "logs:PutRetentionPolicy", &policy);
        }
        let before = group(&app, GROUP);
        app.create(None, &body()).await.expect(200);
        assert_eq!(group(&app, GROUP), before);
        // Nor is it taken back with another service.
        refuse_the_service(&app);
        let mut other = body();
        other["service"]["servicename"] = "other".into();
        app.create(None, &other).await.problem(400);
        assert_eq!(group(&app, GROUP), before);
    }
}

#[tokio::test(start_paused = true)]
async fn another_group_whose_name_begins_so_is_not_taken_for_it() {
    let app = logging();
    put(
        &app,
        "logs:CreateLogGroup",
        &json!({"logGroupName": "/ecs/myclu-2"}),
    );
    app.create(None, &body()).await.expect(200);
    assert_eq!(group(&app, GROUP).unwrap()["logGroupName"], GROUP);
}

#[tokio::test(start_paused = true)]
async fn the_steps_of_a_group_are_the_calls_that_are_made() {
    let app = logging();
    let path = "/nonprod/services?dryRun=true";
    let steps = |answer: &Value| -> Vec<(Value, Value)> {
        let steps = answer["Steps"].as_array().unwrap().iter();
        let of_logs = steps.filter(|step| step["Operation"].as_str().unwrap().starts_with("logs:"));
        of_logs
            .map(|step| (step["Operation"].clone(), step["Does"].clone()))
            .collect()
    };
    let plan = app.send("POST", path, None, &body()).await.expect(200);
    let expected = [
        ("logs:CreateLogGroup", "create"),
        ("logs:PutRetentionPolicy", "create"),
    ];
    assert_eq!(
        steps(&plan),
        expected.map(|(operation, does)| (json!(operation), json!(does)))
    );
    assert_eq!(group(&app, GROUP), None);
    app.create(None, &body()).await.expect(200);
    let mut other = body();
    other["service"]["servicename"] = "other".into();
    let plan = app.send("POST", path, None, &other).await.expect(200);
    assert_eq!(
        steps(&plan),
        [(json!("logs:DescribeLogGroups"), json!("use"))]
    );
}

#[tokio::test(start_paused = true)]
async fn a_group_costs_no_trip() {
    let app = logging();
    app.aws.set_latency(Duration::from_millis(100));
    app.send("GET", "/nonprod/clusters", None, &json!({}))
        .await
        .expect(200);
    app.aws.forget_calls();
    let full = documented(NAMESPACE);
    app.create(None, &full).await.expect(200);
    // Look, parts, service, and the end of the record.
    assert_eq!(app.aws.depth(), 4, "{:?}", app.aws.operations());
}

#[tokio::test(start_paused = true)]
async fn a_failed_create_takes_the_group_back() {
    let app = logging();
    refuse_the_service(&app);
    let problem = app.create(None, &body()).await.problem(400);
    let arn = format!("arn:aws:logs:us-east-1:{MEMBER}:log-group:{GROUP}");
    for member in ["Created", "RolledBack"] {
        let listed = problem[member].as_array().unwrap();
        assert!(listed.contains(&json!({"Arn": arn})), "{problem}");
    }
    assert_eq!(app.inventory(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_group_to_which_somebody_has_logged_is_kept() {
    let app = logging();
    let refusal = Fault::refuse("InvalidParameterException", "no").after(Duration::from_secs(2));
    app.aws.on("ecs:CreateService").meets(refusal);
    let body = body();
    let create = app.create(None, &body);
    let somebody = async {
        app.aws.until_called("ecs:CreateService").await;
        let stream = json!({"logGroupName": GROUP, "logStreamName": "other/app/1"});
        put(&app, "logs:CreateLogStream", &stream);
    };
    let (answer, ()) = tokio::join!(create, somebody);
    let problem = answer.problem(400);
    assert_eq!(problem["LeftBehind"][0]["Error"], "a task has logged to it");
    let command = problem["LeftBehind"][0]["Command"].as_str().unwrap();
    assert!(
        command.starts_with("aws logs delete-log-group --log-group-name /ecs/myclu"),
        "{command}"
    );
    assert!(group(&app, GROUP).is_some());
}

/// Checks that a create which was refused has left the group behind, since another service logs to it.
#[track_caller]
fn assert_kept_for_theirs(app: &ScriptedApp, refused: &Answer) {
    let left = refused.problem(400)["LeftBehind"].take();
    let errors: Vec<_> = left
        .as_array()
        .unwrap()
        .iter()
        .map(|left| &left["Error"])
        .collect();
    assert!(
        errors.contains(&&json!("the service `theirs` logs to it")),
        "{left}"
    );
    assert!(group(app, GROUP).is_some());
}

#[tokio::test(start_paused = true)]
async fn a_group_that_another_service_has_come_to_use_is_kept() {
    let app = logging();
    let refusal = Fault::refuse("InvalidParameterException", "no").after(Duration::from_secs(3));
    let calls = app.aws.on("ecs:CreateService").once();
    calls.meets(refusal);
    let (mine, mut theirs) = (body(), body());
    theirs["service"]["servicename"] = "theirs".into();
    let somebody = async {
        app.aws.until_called("ecs:CreateService").await;
        app.create(None, &theirs).await.expect(200)
    };
    let (answer, _) = tokio::join!(app.create(None, &mine), somebody);
    assert_kept_for_theirs(&app, &answer);
}

#[tokio::test(start_paused = true)]
async fn a_group_that_another_service_comes_to_use_while_it_is_taken_back_is_kept() {
    let app = logging();
    let refusal = Fault::refuse("InvalidParameterException", "no");
    app.aws.on("ecs:CreateService").once().meets(refusal);
    app.aws
        .on("logs:DeleteLogGroup")
        .once()
        .meets(Fault::silence());
    let (mine, mut theirs) = (body(), body());
    theirs["service"]["servicename"] = "theirs".into();
    let somebody = async {
        app.aws.until_called("logs:DeleteLogGroup").await;
        app.create(None, &theirs).await.expect(200)
    };
    let (answer, _) = tokio::join!(app.create(None, &mine), somebody);
    assert_kept_for_theirs(&app, &answer);
}

#[tokio::test(start_paused = true)]
async fn a_group_that_is_taken_back_while_it_is_used_is_made_again() {
    let app = logging();
    put(&app, "logs:CreateLogGroup", &json!({"logGroupName": GROUP}));
    let slow = Fault::delay(Duration::from_secs(2));
    app.aws.on("ecs:CreateService").meets(slow);
    let somebody = async {
        app.aws.until_called("ecs:CreateService").await;
        put(&app, "logs:DeleteLogGroup", &json!({"logGroupName": GROUP}));
    };
    let body = body();
    let (answer, ()) = tokio::join!(app.create(None, &body), somebody);
    answer.expect(200);
    assert_eq!(group(&app, GROUP).unwrap()["retentionInDays"], 30);
}

#[tokio::test(start_paused = true)]
async fn a_group_that_another_request_makes_at_the_same_time_and_takes_back_is_made_again() {
    let app = logging();
    for operation in ["logs:CreateLogGroup", "ecs:CreateService"] {
        let slow = Fault::delay(Duration::from_secs(2));
        app.aws.on(operation).once().meets(slow);
    }
    let somebody = async {
        app.aws.until_called("logs:CreateLogGroup").await;
        put(&app, "logs:CreateLogGroup", &json!({"logGroupName": GROUP}));
        app.aws.until_called("ecs:CreateService").await;
        put(&app, "logs:DeleteLogGroup", &json!({"logGroupName": GROUP}));
    };
    let body = body();
    let (answer, ()) = tokio::join!(app.create(None, &body), somebody);
    answer.expect(200);
    let group = group(&app, GROUP).expect("it is there");
    assert_eq!(group["retentionInDays"], 30);
    assert_eq!(group["tags"]["Owner"], "platform");
}

/// Creates the service while the group that it found is taken away, and AWS refuses so many times to make it again.
async fn create_without_its_group(app: &ScriptedApp, key: Option<&str>, refusals: u64) -> Answer {
    put(app, "logs:CreateLogGroup", &json!({"logGroupName": GROUP}));
    let slow = Fault::delay(Duration::from_secs(2));
    app.aws.on("ecs:CreateService").meets(slow);
    let refusal = Fault::refuse("AccessDeniedException", "no");
    let calls = app.aws.on("logs:CreateLogGroup");
    calls.times(refusals).meets(refusal);
    let somebody = async {
        app.aws.until_called("ecs:CreateService").await;
        put(app, "logs:DeleteLogGroup", &json!({"logGroupName": GROUP}));
    };
    let body = body();
    let (answer, ()) = tokio::join!(app.create(key, &body), somebody);
    answer
}

#[tokio::test(start_paused = true)]
async fn a_group_that_aws_refuses_to_make_again_is_said_and_made_by_the_same_request_again() {
    let app = logging();
    let answer = create_without_its_group(&app, Some("k"), u64::MAX).await;
    assert_eq!(answer.problem(403)["code"], "AccessDeniedException");
    assert_eq!(group(&app, GROUP), None);
    app.aws.forget_script();
    app.create(Some("k"), &body()).await.expect(200);
    let group = group(&app, GROUP).expect("it is there");
    assert_eq!(group["retentionInDays"], 30);
    assert_eq!(group["tags"]["Owner"], "platform");
    assert!(group["tags"]["ecs-api:request-id"].is_string(), "{group}");
    assert_eq!(app.record()["state"], json!({"S": "done"}));
}

#[tokio::test(start_paused = true)]
async fn a_group_that_aws_refuses_once_to_make_again_is_made_before_the_answer() {
    let app = logging();
    let answer = create_without_its_group(&app, None, 1).await;
    answer.expect(200);
    assert_eq!(group(&app, GROUP).unwrap()["retentionInDays"], 30);
}

#[tokio::test(start_paused = true)]
async fn a_group_goes_although_the_walk_through_the_services_takes_its_time() {
    let app = logging();
    let refusal = Fault::refuse("ClientException", "no");
    app.aws.on("ecs:RegisterTaskDefinition").meets(refusal);
    let slow = Fault::delay(Duration::from_secs(3));
    app.aws.on("ecs:ListServices").meets(slow);
    put(&app, "ecs:CreateCluster", &json!({"clusterName": "other"}));
    let before = app.inventory();
    let problem = app.create(None, &body()).await.problem(400);
    assert_eq!(problem["LeftBehind"], json!([]));
    assert_eq!(app.inventory(), before);
}

/// Lets AWS refuse a retention by the create, and again while it is taken back.
fn refuse_retention_twice(app: &ScriptedApp) {
    let refusal = Fault::refuse("AccessDeniedException", "no");
    app.aws
        .on("logs:PutRetentionPolicy")
        .times(2)
        .meets(refusal);
}

#[tokio::test(start_paused = true)]
async fn a_retention_that_aws_refuses_is_said_and_set_by_the_same_request_again() {
    let app = logging();
    refuse_retention_twice(&app);
    let problem = app.create(Some("k"), &body()).await.problem(403);
    let left = problem["LeftBehind"].as_array().unwrap();
    assert_eq!(left.len(), 4, "{problem}");
    assert!(
        left.iter()
            .all(|left| left["Error"] == "it belongs to the service, which is there")
    );
    assert_eq!(group(&app, GROUP).unwrap().get("retentionInDays"), None);
    app.create(Some("k"), &body()).await.expect(200);
    assert_eq!(group(&app, GROUP).unwrap()["retentionInDays"], 30);
}

#[tokio::test(start_paused = true)]
async fn containers_that_log_need_an_execution_role_on_fargate() {
    let logs = json!({"group": "/ecs/{cluster}"});
    let without = json!({"logs": logs, "defaultExecutionRoleArn": null});
    let app = ScriptedApp::with_account(&without);
    let problem = app.create(None, &body()).await.problem(400);
    assert_eq!(
        problem["errors"],
        json!([{"path": "taskDefinition.executionRoleArn",
            "message": "required on Fargate for containers that log by `awslogs` or have secrets, and the account has no \
                        `defaultExecutionRoleArn`"}])
    );
    assert_eq!(app.aws.operations(), [""; 0]);
    let mut own = body();
    let role = format!("arn:aws:iam::{MEMBER}:role/tasks");
    own["taskdefinition"]["executionRoleArn"] = role.into();
    app.create(None, &own).await.expect(200);
}
