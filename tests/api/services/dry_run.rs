//! `dryRun=true`: the steps that are shown are the calls that the same request then makes, and nothing changes before.

use serde_json::{Value, json};

use super::documented;
use crate::support::scripted::{MEMBER, NAMESPACE, ScriptedApp};

/// Returns `true` if an operation changes something, in whatever service.
fn is_change(operation: &str) -> bool {
    let (_, name) = operation.split_once(':').unwrap();
    let changes = [
        "Create", "Register", "Delete", "Put", "Send", "Tag", "Untag", "Update",
    ];
    changes.iter().any(|begin| name.starts_with(begin))
}

/// The calls so far that change something in the member account, in alphabetical order.
fn changes(app: &ScriptedApp) -> Vec<String> {
    let calls = app.aws.operations().into_iter();
    let mut calls: Vec<_> = calls
        .filter(|call| {
            is_change(call) && !call.starts_with("dynamodb:") && !call.starts_with("sqs:")
        })
        .collect();
    calls.sort();
    calls
}

/// The operations of the steps that change something, in alphabetical order.
fn planned(answer: &Value) -> Vec<String> {
    let steps = answer["Steps"].as_array().unwrap().iter();
    let mut operations: Vec<_> = steps
        .filter(|step| matches!(step["Does"].as_str(), Some("create" | "delete")))
        .map(|step| step["Operation"].as_str().unwrap().to_owned())
        .collect();
    operations.sort();
    operations
}

/// An account with something of everything.
async fn furnished() -> ScriptedApp {
    let app = ScriptedApp::new();
    let mut body = documented(NAMESPACE);
    body["service"]["servicename"] = "there".into();
    app.create(None, &body).await.expect(200);
    app.aws.forget_calls();
    app
}

/// Bodies of every mixture of parts that are there, that are named, and that are new.
fn bodies() -> Vec<Value> {
    let mut bodies = Vec::new();
    for cluster in ["named", "there", "new"] {
        for definition in ["named", "new"] {
            for registry in ["none", "named", "there", "new"] {
                let mut body = documented(NAMESPACE);
                let parts = body.as_object_mut().unwrap();
                match cluster {
                    "named" => {
                        parts.remove("cluster");
                        parts["service"]["cluster"] = "myclu".into();
                    }
                    "new" => parts["cluster"] = json!({"clusterName": "another"}),
                    _ => {}
                }
                if definition == "named" {
                    parts.remove("taskdefinition");
                    parts["service"]["taskDefinition"] = "mytaskdef:1".into();
                }
                match registry {
                    "none" => {
                        parts.remove("serviceregistry");
                    }
                    "named" => {
                        parts.remove("serviceregistry");
                        let arn = format!(
                            "arn:aws:servicediscovery:us-east-1:{MEMBER}:service/srv-tvtbgvkkxtts3qlf"
                        );
                        parts["service"]["serviceRegistries"] = json!([{"registryArn": arn}]);
                    }
                    "new" => parts["serviceregistry"]["name"] = "another".into(),
                    _ => {}
                }
                bodies.push(body);
            }
        }
    }
    bodies
}

#[tokio::test(start_paused = true)]
async fn the_steps_of_a_create_are_the_calls_that_it_makes() {
    let bodies = bodies();
    assert_eq!(bodies.len(), 24);
    for body in bodies {
        let app = furnished().await;
        let before = app.inventory();
        let plan = app
            .send("POST", "/nonprod/services?dryRun=true", None, &body)
            .await
            .expect(200);
        assert_eq!(app.inventory(), before, "{body}");
        assert_eq!(changes(&app), [""; 0], "{body}");
        app.aws.forget_calls();
        app.create(None, &body).await.expect(200);
        assert_eq!(planned(&plan), changes(&app), "{body}");
        // What the dry run shows can be posted, and does the same.
        let sent = app.aws.calls();
        let sent = sent
            .iter()
            .find(|call| call.operation() == "ecs:CreateService");
        let desired = sent.unwrap().input()["desiredCount"].clone();
        assert_eq!(plan["Request"]["Service"]["DesiredCount"], desired);
    }
}

#[tokio::test(start_paused = true)]
async fn the_long_form_has_every_default_filled_in() {
    let app = ScriptedApp::new();
    let path = "/nonprod/services?dryRun=1";
    let answer = app
        .send("POST", path, None, &documented(NAMESPACE))
        .await
        .expect(200);
    let request = &answer["Request"];
    assert_eq!(request["TaskDefinition"]["NetworkMode"], "awsvpc");
    assert_eq!(
        request["TaskDefinition"]["RequiresCompatibilities"],
        json!(["FARGATE"])
    );
    assert_eq!(
        request["ServiceRegistry"]["HealthCheckCustomConfig"]["FailureThreshold"],
        1
    );
    assert_eq!(request["Service"]["LaunchType"], "FARGATE");
    let network = &request["Service"]["NetworkConfiguration"]["AwsvpcConfiguration"];
    assert_eq!(network["AssignPublicIp"], "DISABLED");
    let does: Vec<_> = answer["Steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| {
            (
                step["Operation"].as_str().unwrap(),
                step["Does"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        does,
        [
            ("ecs:CreateCluster", "create"),
            ("ecs:RegisterTaskDefinition", "create"),
            ("servicediscovery:CreateService", "create"),
            ("ecs:CreateService", "create"),
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_gets_the_problem_that_the_request_would_get() {
    let app = furnished().await;
    let mut taken = documented(NAMESPACE);
    taken["service"]["servicename"] = "there".into();
    let mut uncounted = documented(NAMESPACE);
    uncounted["service"]
        .as_object_mut()
        .unwrap()
        .remove("desiredcount");
    for (body, status, code) in [
        (taken, 409, "AlreadyExists"),
        (uncounted, 400, "InvalidRequest"),
    ] {
        let dry = app
            .send("POST", "/nonprod/services?dryRun=true", None, &body)
            .await;
        let wet = app.create(None, &body).await;
        assert_eq!(dry.problem(status)["code"], code);
        assert_eq!(dry.problem(status), wet.problem(status));
    }
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_with_a_key_knows_what_was_done_with_it_and_begins_nothing() {
    let app = ScriptedApp::new();
    let path = "/nonprod/services?dryRun=true";
    let body = documented(NAMESPACE);
    app.send("POST", path, Some("k"), &body).await.expect(200);
    assert!(
        app.aws
            .items(fake_aws::HUB, crate::support::scripted::TABLE)
            .is_empty()
    );
    app.create(Some("k"), &body).await.expect(200);
    let answer = app.send("POST", path, Some("k"), &body).await.expect(200);
    assert_eq!(answer["Steps"].as_array().unwrap().len(), 1);
    assert_eq!(answer["Steps"][0]["Does"], "use");
    let mut other = body;
    other["service"]["servicename"] = "other".into();
    let problem = app.send("POST", path, Some("k"), &other).await.problem(409);
    assert_eq!(problem["code"], "IdempotencyKeyReused");
}

/// Deletes, each in an account of its own with something that it meets.
async fn delete_story(furnish: fn(&ScriptedApp)) -> ScriptedApp {
    let app = ScriptedApp::new();
    app.create(None, &documented(NAMESPACE)).await.expect(200);
    furnish(&app);
    app.aws.forget_calls();
    app
}

fn put_service(app: &ScriptedApp, cluster: &str, registries: &Value) {
    let network = json!({"awsvpcConfiguration": {"subnets": ["subnet-1"]}});
    let service = json!({"cluster": cluster, "serviceName": "other", "taskDefinition": "mytaskdef:1", "desiredCount": 0,
        "launchType": "FARGATE", "networkConfiguration": network, "serviceRegistries": registries});
    app.aws.put(MEMBER, "ecs:CreateService", &service).unwrap();
}

fn registry() -> Value {
    let arn = format!("arn:aws:servicediscovery:us-east-1:{MEMBER}:service/srv-tvtbgvkkxtts3qlf");
    json!([{"registryArn": arn}])
}

#[tokio::test(start_paused = true)]
async fn the_steps_of_a_delete_are_the_calls_that_it_makes() {
    let stories: [fn(&ScriptedApp); 6] = [
        |_| {},
        |app| put_service(app, "myclu", &json!([])),
        |app| put_service(app, "myclu", &registry()),
        |app| {
            let other = json!({"clusterName": "other"});
            app.aws.put(MEMBER, "ecs:CreateCluster", &other).unwrap();
            put_service(app, "other", &registry());
        },
        |app| {
            app.aws.circumstances(MEMBER, |account| {
                account.express_services.push("webapp".to_owned());
            });
        },
        |app| {
            let run = json!({"cluster": "myclu", "taskDefinition": "mytaskdef:1", "launchType": "FARGATE"});
            app.aws.put(MEMBER, "ecs:RunTask", &run).unwrap();
        },
    ];
    for (number, furnish) in stories.into_iter().enumerate() {
        for recursive in ["true", "false"] {
            let app = delete_story(furnish).await;
            let before = app.inventory();
            let path =
                format!("/nonprod/services?cluster=myclu&service=webapp&recursive={recursive}");
            let dry = format!("{path}&dryRun=true");
            let plan = app.send("DELETE", &dry, None, &json!({})).await.expect(200);
            assert_eq!(app.inventory(), before, "{number} {recursive}");
            assert_eq!(changes(&app), [""; 0], "{number} {recursive}");
            app.aws.forget_calls();
            app.send("DELETE", &path, None, &json!({}))
                .await
                .expect(200);
            let mut done = changes(&app);
            // The mark of a delete that goes on is no step of it.
            done.retain(|call| !call.contains("Tag") && !call.contains("Untag"));
            assert_eq!(planned(&plan), done, "{number} {recursive}: {plan}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_of_what_is_gone_is_answered_as_its_delete_is() {
    let gone: [fn(&ScriptedApp); 2] = [
        |app| {
            let service = json!({"cluster": "myclu", "service": "webapp", "force": true});
            app.aws.put(MEMBER, "ecs:DeleteService", &service).unwrap();
        },
        // AWS knows no service of a cluster that is INACTIVE.
        |app| {
            let cluster = json!({"cluster": "myclu"});
            let service = json!({"cluster": "myclu", "service": "webapp", "force": true});
            app.aws.put(MEMBER, "ecs:DeleteService", &service).unwrap();
            app.aws.put(MEMBER, "ecs:DeleteCluster", &cluster).unwrap();
        },
    ];
    for (number, furnish) in gone.into_iter().enumerate() {
        for recursive in ["true", "false"] {
            let app = delete_story(furnish).await;
            let path =
                format!("/nonprod/services?cluster=myclu&service=webapp&recursive={recursive}");
            let dry = format!("{path}&dryRun=true");
            let dry = app.send("DELETE", &dry, None, &json!({})).await;
            assert_eq!(changes(&app), [""; 0], "{number} {recursive}");
            let wet = app.send("DELETE", &path, None, &json!({})).await;
            let dry_text = dry.text();
            assert_eq!(dry.status, wet.status, "{number} {recursive}: {dry_text}");
            if wet.status == 200 {
                assert_eq!(planned(&dry.expect(200)), changes(&app), "{dry_text}");
            } else {
                let problems = (dry.problem(404), wet.problem(404));
                assert_eq!(problems.0["detail"], problems.1["detail"]);
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_delete_whose_body_and_query_agree_is_no_fault_and_one_whose_do_not_is() {
    let app = furnished().await;
    let path = "/nonprod/services?cluster=myclu&service=there&recursive=true&dryRun=true";
    let cluster = format!("arn:aws:ecs:us-east-1:{MEMBER}:cluster/myclu");
    for body in [
        json!({"cluster": "myclu", "service": "there", "recursive": true}),
        json!({"cluster": cluster, "service": "there", "recursive": "1"}),
        json!({"service": "there"}),
    ] {
        app.send("DELETE", path, None, &body).await.expect(200);
    }
    for (body, place) in [
        (json!({"cluster": "other"}), "cluster"),
        (json!({"service": "other"}), "service"),
        (json!({"recursive": false}), "recursive"),
    ] {
        let problem = app.send("DELETE", path, None, &body).await.problem(400);
        assert_eq!(problem["errors"][0]["path"], place);
    }
    assert_eq!(changes(&app), [""; 0]);
}
