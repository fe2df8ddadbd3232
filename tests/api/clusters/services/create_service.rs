use fake_aws::Fault;
use serde_json::{Value, json};

use super::{arn, encoded};
use crate::support::TestApp;
use crate::support::promised::{SERVICE, project};

const PATH: &str = "/nonprod/clusters/myclu/services";

/// Furnishes the app's account.
async fn furnished(app: TestApp) -> TestApp {
    app.account().furnish().await;
    app
}

/// The least that a service needs.
fn least(name: &str) -> Value {
    json!({"serviceName": name, "taskDefinition": "web:1", "desiredCount": 0})
}

/// [`least`] with more members, or other ones.
fn with(members: &Value) -> Value {
    let mut body = least("web");
    for (name, value) in members.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

#[tokio::test]
async fn the_account_brings_network_and_launch_type() {
    let app = furnished(TestApp::new()).await;
    let answer = app.post(PATH, &least("web")).await.expect(200);
    insta::assert_json_snapshot!(project(&answer, SERVICE), {
        ".**.ServiceArn" => "[arn]",
        ".**.ClusterArn" => "[arn]",
        ".**.TaskDefinition" => "[arn]",
        ".**.Subnets" => "[the account's]",
        ".**.SecurityGroups" => "[the account's]",
        ".**.CreatedAt" => "[time]",
    }, @r#"
    {
      "Service": {
        "ServiceArn": "[arn]",
        "ServiceName": "web",
        "ClusterArn": "[arn]",
        "ServiceRegistries": [],
        "Status": "ACTIVE",
        "DesiredCount": 0,
        "LaunchType": "FARGATE",
        "TaskDefinition": "[arn]",
        "CreatedAt": "[time]",
        "NetworkConfiguration": {
          "AwsvpcConfiguration": {
            "Subnets": "[the account's]",
            "SecurityGroups": "[the account's]",
            "AssignPublicIp": "DISABLED"
          }
        },
        "Tags": []
      }
    }
    "#);
    let network = &answer["Service"]["NetworkConfiguration"]["AwsvpcConfiguration"];
    assert_eq!(network["Subnets"], json!([app.account().subnet()]));
    assert_eq!(
        network["SecurityGroups"],
        json!([app.account().security_group()])
    );
    assert_eq!(
        answer["Service"]["ServiceArn"],
        arn(&app, "service/myclu/web")
    );
    assert_eq!(
        app.aws().operations(),
        [
            "sts:AssumeRole",
            "ecs:DescribeClusters",
            "ecs:CreateService"
        ]
    );
}

#[tokio::test]
async fn what_the_caller_gives_is_not_overwritten_by_the_account() {
    let app = furnished(TestApp::new()).await;
    let network =
        json!({"awsvpcConfiguration": {"subnets": ["subnet-own"], "assignPublicIp": "ENABLED"}});
    let body = with(&json!({"launchType": "EC2", "networkConfiguration": network}));
    let service = app.post(PATH, &body).await.expect(200)["Service"].take();
    assert_eq!(service["LaunchType"], "EC2");
    // AWS shows the list that is not given as an empty one.
    let own = json!({"Subnets": ["subnet-own"], "SecurityGroups": [], "AssignPublicIp": "ENABLED"});
    assert_eq!(service["NetworkConfiguration"]["AwsvpcConfiguration"], own);
    assert_eq!(
        app.aws().operations(),
        ["sts:AssumeRole", "ecs:CreateService"]
    );
}

#[tokio::test]
async fn a_capacity_provider_strategy_stands_in_for_the_launch_type() {
    let app = furnished(TestApp::new()).await;
    app.account().associate_fargate().await;
    let strategy = json!([{"capacityProvider": "FARGATE_SPOT", "weight": 1}]);
    let answer = app
        .post(PATH, &with(&json!({"capacityProviderStrategy": strategy})))
        .await
        .expect(200);
    let service = &answer["Service"];
    assert_eq!(service.get("LaunchType"), None);
    assert_eq!(
        service["CapacityProviderStrategy"][0]["CapacityProvider"],
        "FARGATE_SPOT"
    );
    assert_eq!(
        service["NetworkConfiguration"]["AwsvpcConfiguration"]["Subnets"],
        json!([app.account().subnet()])
    );
    assert_eq!(
        app.aws().operations(),
        ["sts:AssumeRole", "ecs:CreateService"]
    );
    assert_eq!(
        app.get(PATH).await.expect(200),
        json!([service["ServiceArn"]])
    );
    let path = format!("{PATH}/web");
    assert_eq!(
        app.get(&path).await.expect(200)["Services"][0]["ServiceName"],
        "web"
    );
    assert_eq!(
        app.get(&format!("{path}?all=true")).await.expect(200)["ServiceName"],
        "web"
    );
    assert_eq!(
        app.delete(&path).await.expect(200)["Service"]["ServiceName"],
        "web"
    );
    assert_eq!(app.get(PATH).await.expect(200), json!([]));
}

#[tokio::test]
async fn the_clusters_default_strategy_stands_in_for_the_launch_type() {
    let app = furnished(TestApp::new()).await;
    let cluster = json!({
        "name": "onspot",
        "capacityProviders": ["FARGATE_SPOT"],
        "defaultCapacityProviderStrategy": [{"capacityProvider": "FARGATE_SPOT", "weight": 1}],
    });
    app.post("/nonprod/clusters", &cluster).await.expect(200);
    app.aws().forget_calls();
    let answer = app
        .post("/nonprod/clusters/onspot/services", &least("web"))
        .await
        .expect(200);
    assert_eq!(answer["Service"].get("LaunchType"), None);
    assert_eq!(
        answer["Service"]["CapacityProviderStrategy"][0]["CapacityProvider"],
        "FARGATE_SPOT"
    );
    assert_eq!(
        app.aws().operations(),
        [
            "ecs:DescribeClusters",
            "ecs:DescribeTaskDefinition",
            "ecs:CreateService"
        ]
    );
    let named = with(&json!({"serviceName": "named", "launchType": "FARGATE"}));
    let answer = app
        .post("/nonprod/clusters/onspot/services", &named)
        .await
        .expect(200);
    assert_eq!(answer["Service"]["LaunchType"], "FARGATE");
}

#[tokio::test]
async fn the_cluster_comes_from_the_path_and_may_be_repeated() {
    let app = furnished(TestApp::new()).await;
    let cluster = arn(&app, "cluster/myclu");
    for (name, given) in [
        ("a", json!("myclu")),
        ("b", json!(cluster)),
        ("c", json!(null)),
    ] {
        let answer = app
            .post(PATH, &with(&json!({"serviceName": name, "cluster": given})))
            .await
            .expect(200);
        assert_eq!(answer["Service"]["ClusterArn"], cluster);
    }
    let path = format!("/nonprod/clusters/{}/services", encoded(&cluster));
    assert_eq!(
        app.post(&path, &least("d")).await.expect(200)["Service"]["ClusterArn"],
        cluster
    );
}

#[tokio::test]
async fn a_body_that_names_another_cluster_is_refused_before_any_call() {
    let app = TestApp::new();
    let answer = app.post(PATH, &with(&json!({"Cluster": "other"}))).await;
    insta::assert_json_snapshot!(answer.problem(400), @r#"
    {
      "status": 400,
      "detail": "cluster: differs from the path's cluster, `myclu`; leave it out",
      "code": "InvalidRequest",
      "retryable": false,
      "errors": [
        {
          "path": "cluster",
          "message": "differs from the path's cluster, `myclu`; leave it out"
        }
      ]
    }
    "#);
    for cluster in ["a b", "arn:aws:ecs:us-east-1:999999999999:cluster/myclu"] {
        let problem = app
            .post(PATH, &with(&json!({"cluster": cluster})))
            .await
            .problem(400);
        assert_eq!(problem["code"], "InvalidIdentifier", "{cluster}");
    }
    assert_eq!(app.aws().operations(), [""; 0]);
}

#[tokio::test]
async fn a_missing_cluster_is_not_found_and_nothing_is_created() {
    let app = TestApp::new();
    let problem = app.post(PATH, &least("web")).await.problem(404);
    insta::assert_json_snapshot!(problem, @r#"
    {
      "status": 404,
      "detail": "there is no ACTIVE cluster `myclu`",
      "code": "NotFound",
      "retryable": false
    }
    "#);
    assert_eq!(
        app.aws().operations(),
        ["sts:AssumeRole", "ecs:DescribeClusters"]
    );
    assert_eq!(app.account().inventory().await, [""; 0]);
    // With a launch type the cluster need not be looked at: AWS says it.
    app.aws().on("ecs:CreateService").meets(Fault::refuse(
        "ClusterNotFoundException",
        "Cluster not found.",
    ));
    let problem = app
        .post(PATH, &with(&json!({"launchType": "FARGATE"})))
        .await
        .problem(404);
    assert_eq!(problem["code"], "ClusterNotFoundException");
    assert_eq!(app.account().inventory().await, [""; 0]);
}

#[tokio::test]
async fn a_deleted_cluster_is_as_good_as_none() {
    let app = furnished(TestApp::new()).await;
    let deleted =
        json!({"clusters": [{"clusterName": "myclu", "status": "INACTIVE"}], "failures": []});
    app.aws()
        .on("ecs:DescribeClusters")
        .meets(Fault::answer(&deleted));
    app.post(PATH, &least("web")).await.problem(404);
    assert!(
        !app.aws()
            .operations()
            .contains(&"ecs:CreateService".to_owned())
    );
}

#[tokio::test]
async fn names_match_without_regard_to_case_and_map_keys_keep_theirs() {
    let app = furnished(TestApp::new()).await;
    let body = json!({
        "servicename": "web",
        "TASKDEFINITION": "web:1",
        "desiredcount": 2,
        "Tags": [{"Key": "Team", "value": "A"}],
        "serviceConnectConfiguration": {"enabled": true, "logConfiguration": {
            "logDriver": "awslogs", "options": {"awslogs-group": "G", "Mixed-Case": "Kept"}}},
    });
    let service = app.post(PATH, &body).await.expect(200)["Service"].take();
    assert_eq!(
        (&service["ServiceName"], &service["DesiredCount"]),
        (&json!("web"), &json!(2))
    );
    assert_eq!(service["Tags"], json!([{"Key": "Team", "Value": "A"}]));
}

#[tokio::test]
async fn what_is_sent_to_aws_is_what_the_caller_gave() {
    let app = furnished(TestApp::new()).await;
    let is_what_was_given = |sent: &Value| {
        let connect = &sent["serviceConnectConfiguration"];
        connect["logConfiguration"]["options"]["Mixed-Case"] == "Kept"
            && sent["clientToken"] == "mine"
            && sent["enableExecuteCommand"] == true
            && sent["cluster"] == "myclu"
    };
    app.aws()
        .on("ecs:CreateService")
        .whose(is_what_was_given)
        .meets(Fault::refuse("ClientException", "it came through"));
    let body = with(&json!({
        "clientToken": "mine",
        "enableExecuteCommand": true,
        "serviceConnectConfiguration": {"enabled": true, "logConfiguration": {
            "logDriver": "awslogs", "options": {"Mixed-Case": "Kept"}}},
    }));
    let problem = app.post(PATH, &body).await.problem(400);
    assert_eq!(
        problem["detail"],
        "`ecs:CreateService` was refused: it came through"
    );
}

#[tokio::test]
async fn a_token_makes_a_retry_by_the_sdk_the_same_request() {
    let app = furnished(TestApp::new()).await;
    let has_token = |sent: &Value| {
        let token = sent["clientToken"].as_str();
        token.is_some_and(|token| token.len() == 36)
    };
    app.aws()
        .on("ecs:CreateService")
        .whose(move |sent| !has_token(sent))
        .meets(Fault::refuse("ClientException", "no token"));
    app.aws()
        .on("ecs:CreateService")
        .once()
        .meets(Fault::refuse("ThrottlingException", "Rate exceeded"));
    app.post(PATH, &least("web")).await.expect(200);
    let calls = app.aws().operations();
    assert_eq!(calls[2..], ["ecs:CreateService", "ecs:CreateService"]);
}

#[tokio::test]
async fn an_unknown_member_is_refused_unless_the_caller_is_lenient() {
    let app = furnished(TestApp::new()).await;
    let body = with(
        &json!({"desiredCoutn": 1, "networkConfiguration": {"awsvpcConfiguration": {"subnet": []}}}),
    );
    let problem = app.post(PATH, &body).await.problem(400);
    insta::assert_json_snapshot!(problem, @r#"
    {
      "status": 400,
      "detail": "desiredCoutn: unknown member; did you mean `desiredCount`? (and 1 more)",
      "code": "InvalidRequest",
      "retryable": false,
      "errors": [
        {
          "path": "desiredCoutn",
          "message": "unknown member; did you mean `desiredCount`?"
        },
        {
          "path": "networkConfiguration.awsvpcConfiguration.subnet",
          "message": "unknown member; did you mean `subnets`?"
        }
      ]
    }
    "#);
    assert_eq!(app.aws().operations(), [""; 0]);
    let body = with(&json!({"color": "red"}));
    let lenient = app
        .request("POST", PATH)
        .header("prefer", "handling=lenient")
        .json(&body)
        .send()
        .await;
    lenient.expect(200);
    assert_eq!(
        lenient.header("preference-applied"),
        Some("handling=lenient")
    );
    assert_eq!(lenient.header("x-ignored-members"), Some("color"));
}

#[tokio::test]
async fn a_body_that_is_no_service_is_refused() {
    let app = TestApp::new();
    for (body, detail) in [
        (
            "",
            "the body is not valid JSON: EOF while parsing a value at line 1 column 0",
        ),
        ("[]", "expected a JSON object as the body"),
        (
            r#"{"desiredCount": "1"}"#,
            "desiredCount: expected integer, got string \"1\"",
        ),
    ] {
        let problem = app
            .request("POST", PATH)
            .text(body)
            .send()
            .await
            .problem(400);
        assert_eq!(problem["detail"], detail, "{body}");
    }
}

#[tokio::test]
async fn what_was_shown_may_come_back_as_a_body() {
    let app = furnished(TestApp::new()).await;
    app.post(PATH, &least("first")).await.expect(200);
    let mut shown = app.get(&format!("{PATH}/first")).await.expect(200)["Services"][0].take();
    shown["ServiceName"] = "second".into();
    let copy = app.post(PATH, &shown).await.expect(200);
    assert_eq!(
        copy["Service"]["NetworkConfiguration"],
        shown["NetworkConfiguration"]
    );
    assert_eq!(
        copy["Service"]["ServiceArn"],
        arn(&app, "service/myclu/second")
    );
}

#[tokio::test]
async fn a_service_of_the_name_is_a_conflict() {
    let app = furnished(TestApp::new()).await;
    app.post(PATH, &least("web")).await.expect(200);
    let problem = app.post(PATH, &least("web")).await.problem(409);
    insta::assert_json_snapshot!(problem, @r#"
    {
      "status": 409,
      "detail": "`ecs:CreateService` was refused: Creation of service was not idempotent.",
      "code": "InvalidParameterException",
      "retryable": false
    }
    "#);
}

#[tokio::test]
async fn a_service_that_is_still_draining_asks_for_patience() {
    let app = furnished(TestApp::new()).await;
    let message = "Unable to Start a service that is still Draining.";
    app.aws()
        .on("ecs:CreateService")
        .meets(Fault::refuse("InvalidParameterException", message));
    let answer = app.post(PATH, &least("web")).await;
    assert_eq!(answer.header("retry-after"), Some("30"));
    insta::assert_json_snapshot!(answer.problem(409), @r#"
    {
      "status": 409,
      "detail": "`ecs:CreateService` was refused: Unable to Start a service that is still Draining.",
      "code": "InvalidParameterException",
      "retryable": true
    }
    "#);
}

#[tokio::test]
async fn each_refusal_of_aws_has_its_status_and_keeps_awss_words() {
    let app = furnished(TestApp::new()).await;
    for (code, message, status, retry_after) in [
        (
            "InvalidParameterException",
            "Creation of service was not idempotent.",
            409,
            None,
        ),
        (
            "ConflictException",
            "The token was used for another request.",
            409,
            None,
        ),
        (
            "AccessDeniedException",
            "User is not authorized to perform: ecs:CreateService",
            403,
            None,
        ),
        (
            "InvalidParameterException",
            "The subnet ID 'subnet-1' does not exist",
            400,
            None,
        ),
        (
            "InvalidParameterException",
            "TaskDefinition is inactive",
            400,
            None,
        ),
        (
            "ClientException",
            "Unable to describe task definition.",
            404,
            None,
        ),
        (
            "UnsupportedFeatureException",
            "Not in this region",
            400,
            None,
        ),
        (
            "PlatformUnknownException",
            "The platform version does not exist.",
            400,
            None,
        ),
        (
            "PlatformTaskDefinitionIncompatibilityException",
            "Not on this platform",
            400,
            None,
        ),
        (
            "NamespaceNotFoundException",
            "The namespace does not exist.",
            404,
            None,
        ),
        ("ThrottlingException", "Rate exceeded", 429, Some("5")),
        (
            "ClientException",
            "Capacity is unavailable at this time. Please try again later",
            503,
            Some("60"),
        ),
        ("ServerException", "oops", 502, None),
    ] {
        app.aws()
            .on("ecs:CreateService")
            .meets(Fault::refuse(code, message));
        let answer = app.post(PATH, &least("web")).await;
        let problem = answer.problem(status);
        assert_eq!(problem["code"], code, "{message}");
        assert!(
            problem["detail"].as_str().unwrap().contains(message),
            "{message}: {problem}"
        );
        assert_eq!(answer.header("retry-after"), retry_after, "{message}");
        app.aws().forget_script();
    }
    assert_eq!(app.get(PATH).await.expect(200), json!([]));
}

#[tokio::test]
async fn a_launch_type_and_a_strategy_exclude_each_other() {
    let app = furnished(TestApp::new()).await;
    let body = with(
        &json!({"launchType": "FARGATE", "capacityProviderStrategy": [{"capacityProvider": "FARGATE"}]}),
    );
    let problem = app.post(PATH, &body).await.problem(400);
    assert_eq!(problem["code"], "InvalidParameterException");
}

#[tokio::test]
async fn an_answer_that_is_lost_is_not_asked_for_again() {
    let app = furnished(TestApp::new()).await;
    app.aws().on("ecs:CreateService").meets(Fault::reset());
    let problem = app.post(PATH, &least("web")).await.problem(502);
    assert_eq!(
        (&problem["code"], &problem["retryable"]),
        (&json!("AwsUnavailable"), &json!(false))
    );
    let calls = app.aws().operations();
    assert_eq!(calls[1..], ["ecs:DescribeClusters", "ecs:CreateService"]);
}

#[tokio::test]
async fn a_service_that_is_deployed_from_outside_gets_no_defaults() {
    let app = furnished(TestApp::new()).await;
    let body = json!({"serviceName": "web", "deploymentController": {"type": "EXTERNAL"}});
    app.post(PATH, &body).await.expect(200);
    let sent = &app.aws().sent("ecs:CreateService")[0];
    assert_eq!(
        (sent.get("launchType"), sent.get("networkConfiguration")),
        (None, None),
        "{sent}"
    );
}

#[tokio::test]
async fn a_service_with_a_capacity_provider_strategy_is_listed_shown_scaled_and_deleted() {
    let app = furnished(TestApp::new()).await;
    app.account().associate_fargate().await;
    let strategy = json!([{"capacityProvider": "FARGATE_SPOT", "weight": 1}]);
    let made = app
        .post(PATH, &with(&json!({"capacityProviderStrategy": strategy})))
        .await
        .expect(200);
    let arn = &made["Service"]["ServiceArn"];
    assert_eq!(app.get(PATH).await.expect(200), json!([arn]));
    assert_eq!(
        app.get(&format!("{PATH}?all=true")).await.expect(200)[0]["ServiceArn"],
        *arn
    );
    let shown = app.get(&format!("{PATH}/web")).await.expect(200);
    assert_eq!(
        shown["Services"][0]["CapacityProviderStrategy"][0]["CapacityProvider"],
        "FARGATE_SPOT"
    );
    let scale = app
        .request("PATCH", &format!("{PATH}/web"))
        .json(&json!({"desiredCount": 2}));
    assert_eq!(scale.send().await.expect(200)["Service"]["DesiredCount"], 2);
    assert_eq!(app.account().task_ids("web").await.len(), 2);
    app.delete(&format!("{PATH}/web")).await.expect(200);
    assert_eq!(app.get(PATH).await.expect(200), json!([]));
}
