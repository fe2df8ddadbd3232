//! Two runs of the same request, at the same moment or one after the other was killed: neither takes what the other uses.

use serde_json::{Value, json};

use super::{arns, create_killed_at, create_with_key as create, documented};
use crate::clusters::services::instead;
use crate::support::{Faults, TestApp};

const KEY: &str = "deploy-42";

/// A body that creates all four in a namespace of the app's account.
async fn all_new(app: &TestApp) -> Value {
    documented(&app.account().namespace().await)
}

/// What `body` answers in AWS's place, once.
fn once_instead(body: &Value) -> Value {
    let mut fault = instead(body);
    fault["times"] = json!(1);
    fault
}

/// Lets the next look for a service find none, as before a twin has made it.
fn miss_the_service(app: &mut TestApp) {
    app.faults().inject(
        "ecs:DescribeServices",
        once_instead(&json!({"services": [], "failures": []})),
    );
}

#[tokio::test]
async fn two_identical_requests_at_the_same_moment_answer_the_same() {
    for round in 0..5 {
        let mut app = TestApp::with_faults();
        let body = all_new(&app).await;
        // Slow enough that both are at the same step.
        app.faults()
            .inject("ecs:CreateService", json!({"latency": 50 * round}));
        let (one, two) = tokio::join!(create(&app, KEY, &body), create(&app, KEY, &body));
        let (one, two) = (one.expect(200), two.expect(200));
        assert_eq!(arns(&one), arns(&two));
        assert_eq!(app.account().inventory().await, arns(&one));
    }
}

#[tokio::test]
async fn two_identical_requests_that_are_refused_leave_nothing() {
    for _ in 0..3 {
        let mut app = TestApp::with_faults();
        let body = all_new(&app).await;
        app.faults()
            .refuse("ecs:CreateService", "InvalidParameterException", "no");
        let (one, two) = tokio::join!(create(&app, KEY, &body), create(&app, KEY, &body));
        for answer in [one, two] {
            // One may see first that what it wanted to use is taken back.
            let problem = if answer.status == 409 {
                answer.problem(409)
            } else {
                answer.problem(400)
            };
            let code = if answer.status == 409 {
                "TakenBack"
            } else {
                "InvalidParameterException"
            };
            assert_eq!(problem["code"], code);
            // What the other one made, and had not taken back when this one answered.
            let why =
                "an earlier request with this `Idempotency-Key` made it, and may still be at work";
            assert!(
                problem["LeftBehind"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .all(|left| left["Error"] == why),
                "{problem}"
            );
        }
        assert_eq!(app.account().inventory().await, [""; 0]);
        app.faults().clear();
        create(&app, KEY, &body).await.expect(200);
    }
}

#[tokio::test]
async fn two_identical_requests_one_of_which_is_refused_end_in_one_service() {
    for round in 0..4 {
        let mut app = TestApp::with_faults();
        let body = all_new(&app).await;
        let mut twin = app.with_other_faults();
        app.faults()
            .refuse("ecs:CreateService", "InvalidParameterException", "no");
        twin.faults()
            .inject("ecs:CreateService", json!({"latency": 100 * round}));
        let (one, two) = tokio::join!(create(&app, KEY, &body), create(&twin, KEY, &body));
        let answers: Vec<_> = [one, two]
            .into_iter()
            .filter(|answer| answer.status == 200)
            .collect();
        let there = app.account().inventory().await;
        for answer in &answers {
            assert_eq!(arns(&answer.json()), there, "round {round}");
        }
        let again = create(&app.without_faults(), KEY, &body).await.expect(200);
        assert_eq!(
            app.account().inventory().await,
            arns(&again),
            "round {round}: {} answered",
            answers.len()
        );
    }
}

#[tokio::test]
async fn a_twin_that_is_answered_the_same_registry_does_not_take_it_back() {
    let mut app = TestApp::with_faults();
    let body = all_new(&app).await;
    create_killed_at(&mut app, "ecs:CreateService", KEY, &body).await;
    let left = app.account().inventory().await;
    // The look finds none yet, so that Cloud Map is asked with the same token, and answers the one that is there.
    app.faults().inject(
        "servicediscovery:ListServices",
        once_instead(&json!({"Services": []})),
    );
    app.faults()
        .refuse("ecs:CreateService", "InvalidParameterException", "no");
    app.faults().forget_calls();
    let problem = create(&app, KEY, &body).await.problem(400);
    assert!(
        app.faults()
            .calls()
            .contains(&"servicediscovery:CreateService".to_owned())
    );
    assert_eq!(
        (
            &problem["Created"],
            problem["LeftBehind"].as_array().unwrap().len()
        ),
        (&json!([]), 3),
        "{problem}"
    );
    assert_eq!(app.account().inventory().await, left);
}

#[tokio::test]
async fn a_twin_that_is_answered_the_same_service_answers_it() {
    let mut app = TestApp::with_faults();
    let body = all_new(&app).await;
    let first = create(&app, KEY, &body).await.expect(200);
    let described = app
        .account()
        .ecs()
        .describe_services()
        .cluster("myclu")
        .services("webapp");
    let found = described
        .include(aws_sdk_ecs::types::ServiceField::Tags)
        .send()
        .await
        .unwrap();
    let run = found.services()[0]
        .tags()
        .iter()
        .find(|tag| tag.key() == Some("ecs-api:request-id"))
        .unwrap();
    let claim = found.services()[0]
        .tags()
        .iter()
        .find(|tag| tag.key() == Some("ecs-api:idempotency-key"))
        .unwrap();
    let tags = json!([{"key": run.key(), "value": run.value()}, {"key": claim.key(), "value": claim.value()}]);
    for tags in [tags, json!([])] {
        miss_the_service(&mut app);
        let replayed = json!({"serviceName": "webapp", "serviceArn": first["Service"]["ServiceArn"], "status": "ACTIVE",
            "clusterArn": first["Cluster"]["ClusterArn"], "taskDefinition": first["TaskDefinition"]["TaskDefinitionArn"],
            "serviceRegistries": [{"registryArn": first["ServiceDiscoveryService"]["Arn"]}], "tags": tags});
        app.faults()
            .answer("ecs:CreateService", &json!({"service": replayed}));
        let second = create(&app, KEY, &body).await.expect(200);
        assert_eq!(arns(&second), arns(&first));
        assert_eq!(app.account().inventory().await, arns(&first));
        app.faults().clear();
    }
}

#[tokio::test]
async fn the_second_revision_of_a_twin_is_deregistered_where_the_first_ones_service_is_there() {
    let mut app = TestApp::with_faults();
    let body = all_new(&app).await;
    let first = create(&app, KEY, &body).await.expect(200);
    // This run has looked before the first one's service and revision were there.
    miss_the_service(&mut app);
    let unknown = json!({"times": 1, "error": {"code": "ClientException", "status": 400, "message": "Unable to describe task definition."}});
    app.faults().inject("ecs:DescribeTaskDefinition", unknown);
    app.faults().forget_calls();
    let second = create(&app, KEY, &body).await.expect(200);
    assert!(
        app.faults()
            .calls()
            .contains(&"ecs:RegisterTaskDefinition".to_owned())
    );
    assert_eq!(arns(&second), arns(&first));
    assert_eq!(app.account().inventory().await, arns(&first));
}

#[tokio::test]
async fn what_another_run_takes_back_meanwhile_is_no_part_of_a_service() {
    let mut app = TestApp::with_faults();
    let body = all_new(&app).await;
    create_killed_at(&mut app, "ecs:CreateService", KEY, &body).await;
    app.faults().forget_calls();
    app.faults()
        .inject("ecs:CreateService", json!({"times": 1, "latency": 1500}));
    let (ecs, calls) = (app.account().ecs(), app.faults().calls_heard());
    let take_back = async {
        calls.until("ecs:CreateService").await;
        ecs.deregister_task_definition()
            .task_definition("mytaskdef:1")
            .send()
            .await
            .unwrap();
    };
    let (answer, ()) = tokio::join!(create(&app, KEY, &body), take_back);
    assert_eq!(answer.header("retry-after"), Some("5"));
    let problem = answer.problem(409);
    assert_eq!(
        (&problem["code"], &problem["retryable"]),
        (&json!("TakenBack"), &json!(true)),
        "{problem}"
    );
    let services = app
        .account()
        .inventory()
        .await
        .into_iter()
        .filter(|arn| arn.contains(":service/myclu/"))
        .count();
    assert_eq!(services, 0);
    let again = create(&app, KEY, &body).await.expect(200);
    assert_eq!(again["TaskDefinition"]["Revision"], 2);
    assert_eq!(app.account().inventory().await, arns(&again));
}

#[tokio::test]
async fn what_another_run_took_back_before_the_service_is_a_reason_to_repeat() {
    let mut app = TestApp::with_faults();
    let body = all_new(&app).await;
    create_killed_at(&mut app, "ecs:CreateService", KEY, &body).await;
    app.faults().forget_calls();
    // AWS creates no service of a revision that is INACTIVE.
    let refused =
        json!({"code": "ClientException", "status": 400, "message": "TaskDefinition is inactive"});
    app.faults().inject(
        "ecs:CreateService",
        json!({"times": 1, "latency": 1500, "error": refused}),
    );
    let (ecs, calls) = (app.account().ecs(), app.faults().calls_heard());
    let take_back = async {
        calls.until("ecs:CreateService").await;
        ecs.deregister_task_definition()
            .task_definition("mytaskdef:1")
            .send()
            .await
            .unwrap();
    };
    let (answer, ()) = tokio::join!(create(&app, KEY, &body), take_back);
    let problem = answer.problem(409);
    assert_eq!(
        (&problem["code"], &problem["retryable"]),
        (&json!("TakenBack"), &json!(true)),
        "{problem}"
    );
    let again = create(&app, KEY, &body).await.expect(200);
    assert_eq!(app.account().inventory().await, arns(&again));
}

#[tokio::test]
async fn a_cluster_that_another_undo_took_away_is_made_again() {
    let gone =
        json!({"code": "ClusterNotFoundException", "status": 400, "message": "Cluster not found."});
    for is_there_before in [false, true] {
        let mut app = TestApp::with_faults();
        let body = all_new(&app).await;
        if is_there_before {
            app.account()
                .ecs()
                .create_cluster()
                .cluster_name("myclu")
                .send()
                .await
                .unwrap();
        }
        app.faults()
            .inject("ecs:CreateService", json!({"times": 1, "error": gone}));
        let answer = app.post("/nonprod/services", &body).await.expect(200);
        assert_eq!(app.account().inventory().await, arns(&answer));
        let creates = app
            .faults()
            .calls()
            .iter()
            .filter(|call| *call == "ecs:CreateCluster")
            .count();
        assert_eq!(creates, if is_there_before { 1 } else { 2 });
    }
}

#[tokio::test]
async fn a_service_that_is_there_is_answered_whatever_else_can_not_be_seen() {
    let mut app = TestApp::with_faults();
    let body = all_new(&app).await;
    create_killed_at(&mut app, "ecs:CreateService", KEY, &body).await;
    app.faults().forget_calls();
    let calls = app.faults().calls_heard();
    let mut proxy = Faults::beside(app.faults());
    let blind = async {
        calls.until("ecs:CreateService").await;
        proxy.refuse(
            "servicediscovery:GetService",
            "AccessDeniedException",
            "not you",
        );
        proxy.refuse(
            "ecs:DescribeTaskDefinition",
            "AccessDeniedException",
            "not you",
        );
    };
    let (answer, ()) = tokio::join!(create(&app, KEY, &body), blind);
    assert_eq!(arns(&answer.expect(200)), app.account().inventory().await);
}

#[tokio::test]
async fn an_undo_leaves_a_service_alone_that_another_request_made_meanwhile() {
    for key in [Some(KEY), None] {
        let mut app = TestApp::with_faults();
        app.account().furnish().await;
        app.account().service("webapp").send().await.unwrap();
        // The look comes before the other request, and the create after it, which AWS does not answer.
        miss_the_service(&mut app);
        let oops = json!({"code": "ServerException", "status": 500, "message": "oops"});
        app.faults()
            .inject("ecs:CreateService", json!({"error": oops}));
        let body = json!({"service": {"cluster": "myclu", "serviceName": "webapp", "taskDefinition": "web:1"}});
        let request = app.request("POST", "/nonprod/services").json(&body);
        let request = if let Some(key) = key {
            request.header("idempotency-key", key)
        } else {
            request
        };
        let problem = request.send().await.problem(502);
        assert_eq!(
            (&problem["Created"], &problem["LeftBehind"]),
            (&json!([]), &json!([])),
            "{key:?}"
        );
        assert!(
            !app.faults()
                .calls()
                .contains(&"ecs:DeleteService".to_owned()),
            "{key:?}"
        );
    }
}
