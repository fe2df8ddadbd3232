//! Each call of a deploy meets each fault: what is answered is what is there.

use std::time::Duration;

use fake_aws::Fault;
use serde_json::{Value, json};

use super::{DEPLOYED, WATCHED, deploy, deployable, revision, revisions, service};
use crate::support::scripted::MEMBER;

fn body() -> Value {
    json!({"tag": "2", "tags": {"owner": "you", "stage": "live"}})
}

#[tokio::test(start_paused = true)]
async fn a_refused_update_takes_back_revision_and_tags() {
    for (code, status) in [
        ("AccessDeniedException", 403),
        ("InvalidParameterException", 400),
        ("PlatformTaskDefinitionIncompatibilityException", 400),
        ("ServiceNotActiveException", 409),
        ("ThrottlingException", 429),
    ] {
        let app = deployable();
        app.aws
            .on("ecs:UpdateService")
            .meets(Fault::refuse(code, "injected"));
        let problem = deploy(&app, &body()).await.problem(status);
        assert_eq!(problem["code"], code);
        assert_eq!(problem["Created"], json!([{"Arn": revision(2)}]));
        assert_eq!(problem["RolledBack"], json!([{"Arn": revision(2)}]));
        assert_eq!(problem["LeftBehind"], json!([]));
        assert_eq!(revisions(&app), [revision(1)], "{code}");
        let service = service(&app).await;
        assert_eq!(service["taskDefinition"], revision(1));
        assert_eq!(
            service["tags"],
            json!([{"key": "owner", "value": "me"}]),
            "{code}"
        );
        app.aws.forget_script();
        deploy(&app, &body()).await.expect(200);
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_revision_leaves_the_tags_as_they_were() {
    let app = deployable();
    app.aws
        .on("ecs:RegisterTaskDefinition")
        .meets(Fault::refuse(
            "ClientException",
            "No Fargate configuration exists for given values.",
        ));
    let problem = deploy(&app, &body()).await.problem(400);
    assert_eq!(problem["code"], "ClientException");
    assert_eq!(
        service(&app).await["tags"],
        json!([{"key": "owner", "value": "me"}])
    );
    assert_eq!(revisions(&app), [revision(1)]);
    assert!(
        !app.aws
            .operations()
            .contains(&"ecs:UpdateService".to_owned())
    );
}

#[tokio::test(start_paused = true)]
async fn refused_tags_take_the_revision_along() {
    for operation in ["ecs:TagResource", "ecs:UntagResource"] {
        let app = deployable();
        app.aws
            .on(operation)
            .meets(Fault::refuse("AccessDeniedException", "no"));
        let body = json!({"tag": "2", "tags": {"stage": "live", "owner": null}});
        let problem = deploy(&app, &body).await.problem(403);
        assert_eq!(problem["RolledBack"], json!([{"Arn": revision(2)}]));
        assert_eq!(revisions(&app), [revision(1)], "{operation}");
        assert!(
            !app.aws
                .operations()
                .contains(&"ecs:UpdateService".to_owned())
        );
    }
}

#[tokio::test(start_paused = true)]
async fn an_update_that_aws_does_without_a_word_is_done() {
    for fault in [
        Fault::reset().after_work(),
        Fault::first_half(),
        Fault::garbage(),
        Fault::silence().after_work(),
        Fault::fail(500).and_work_later(Duration::from_millis(1500)),
    ] {
        let app = deployable();
        app.aws.on("ecs:UpdateService").once().meets(fault.clone());
        let deployed = deploy(&app, &body()).await.expect(200);
        assert_eq!(deployed["TaskDefinition"], revision(2), "{fault:?}");
        assert!(deployed["Deployment"].is_string());
        assert_eq!(revisions(&app), [revision(1), revision(2)]);
        let deployments = service(&app).await["deployments"].clone();
        assert_eq!(deployments.as_array().unwrap().len(), 2, "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn each_revision_that_a_dead_deploy_has_registered_goes_with_the_same_request_again() {
    let app = deployable();
    // AWS registers one more, after it was asked again.
    let late = Fault::reset().and_work_later(Duration::from_secs(5));
    app.aws.on("ecs:RegisterTaskDefinition").once().meets(late);
    app.aws.on("ecs:UpdateService").meets(Fault::silence());
    let body = json!({"tag": "2"});
    tokio::select! {
        answer = app.send("PATCH", DEPLOYED, Some("k"), &body) => panic!("{}", answer.text()),
        () = app.aws.until_called("ecs:UpdateService") => {}
    }
    tokio::time::sleep(Duration::from_secs(35)).await;
    assert_eq!(revisions(&app).len(), 3);
    app.aws.forget_script();
    let refusal = Fault::refuse("AccessDeniedException", "no");
    app.aws.on("ecs:UpdateService").meets(refusal);
    let problem = app.send("PATCH", DEPLOYED, Some("k"), &body).await;
    let problem = problem.problem(403);
    assert_eq!(revisions(&app), [revision(1)]);
    let gone = json!([{"Arn": revision(3)}, {"Arn": revision(2)}]);
    assert_eq!(problem["RolledBack"], gone, "{problem}");
}

#[tokio::test(start_paused = true)]
async fn a_task_definition_by_name_that_aws_deploys_without_a_word_is_found() {
    for name in ["web:1", &revision(1)] {
        let app = deployable();
        deploy(&app, &json!({"tag": "2"})).await.expect(200);
        let fault = Fault::reset().after_work();
        app.aws.on("ecs:UpdateService").meets(fault);
        let body = json!({"taskDefinition": name});
        let deployed = deploy(&app, &body).await.expect(200);
        assert_eq!(deployed["TaskDefinition"], revision(1));
        assert_eq!(deployed["PreviousTaskDefinition"], revision(2));
    }
}

#[tokio::test(start_paused = true)]
async fn a_forced_update_is_not_sent_again_and_is_found_if_it_is_done() {
    for fault in [Fault::reset().after_work(), Fault::silence().after_work()] {
        let app = deployable();
        app.aws.on("ecs:UpdateService").meets(fault);
        let body = json!({"tag": "2", "forceNewDeployment": true});
        let deployed = deploy(&app, &body).await.expect(200);
        assert_eq!(deployed["TaskDefinition"], revision(2));
        assert_eq!(app.aws.sent("ecs:UpdateService").len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn an_update_that_aws_never_answers_is_looked_after_by_the_watch() {
    // AWS does it long after the answer, or never.
    for (later, expected) in [(Some(Duration::from_secs(30)), 2), (None, 1)] {
        let app = deployable();
        let fault = match later {
            Some(later) => Fault::silence().and_work_later(later),
            None => Fault::silence(),
        };
        app.aws.on("ecs:UpdateService").meets(fault);
        let problem = deploy(&app, &json!({"tag": "2"})).await.problem(504);
        assert_eq!(problem["RolledBack"], json!([]));
        let left = problem["LeftBehind"].as_array().unwrap();
        let names: Vec<_> = left
            .iter()
            .map(|left| left["Arn"].as_str().unwrap())
            .collect();
        assert_eq!(names, ["web", &revision(2)]);
        let command = left[0]["Command"].as_str().unwrap();
        assert!(
            command.contains("update-service") && command.contains(&revision(1)),
            "{command}"
        );
        assert_eq!(revisions(&app), [revision(1), revision(2)]);
        app.deliver_for(WATCHED).await;
        assert_eq!(service(&app).await["taskDefinition"], revision(expected));
        let there: Vec<_> = (1..=expected).map(revision).collect();
        assert_eq!(revisions(&app), there, "{later:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_revision_that_aws_registers_without_a_word_is_found_and_no_second_one_made() {
    for fault in [
        Fault::reset().after_work(),
        Fault::first_half(),
        Fault::silence().after_work(),
    ] {
        let app = deployable();
        app.aws
            .on("ecs:RegisterTaskDefinition")
            .once()
            .meets(fault.clone());
        let deployed = deploy(&app, &body()).await.expect(200);
        assert_eq!(deployed["TaskDefinition"], revision(2), "{fault:?}");
        assert_eq!(revisions(&app), [revision(1), revision(2)]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_revision_that_somebody_else_runs_by_then_stays() {
    let app = deployable();
    app.aws
        .on("ecs:UpdateService")
        .meets(Fault::refuse("AccessDeniedException", "no").after(Duration::from_secs(1)));
    let other = async {
        app.aws.until_called("ecs:UpdateService").await;
        let network = json!({"awsvpcConfiguration": {"subnets": ["subnet-1"]}});
        let service = json!({"cluster": "shop", "serviceName": "other", "taskDefinition": "web", "desiredCount": 0,
            "launchType": "FARGATE", "networkConfiguration": network});
        app.aws.put(MEMBER, "ecs:CreateService", &service).unwrap();
    };
    let body = body();
    let (answer, ()) = tokio::join!(deploy(&app, &body), other);
    let problem = answer.problem(403);
    assert_eq!(problem["LeftBehind"][0]["Arn"], revision(2));
    let error = problem["LeftBehind"][0]["Error"].as_str().unwrap();
    assert_eq!(error, "the service `other` runs it");
}

#[tokio::test(start_paused = true)]
async fn what_ecs_has_not_heard_of_yet_is_waited_for() {
    let app = deployable();
    app.aws.on("ecs:UpdateService").once().meets(Fault::refuse(
        "ClientException",
        "TaskDefinition not found.",
    ));
    let deployed = deploy(&app, &json!({"tag": "2"})).await.expect(200);
    assert_eq!(deployed["TaskDefinition"], revision(2));
}

#[tokio::test(start_paused = true)]
async fn a_record_whose_end_is_not_written_does_no_harm() {
    let app = deployable();
    app.aws
        .on("dynamodb:PutItem")
        .nth(2)
        .meets(Fault::fail(500));
    app.aws
        .on("dynamodb:PutItem")
        .nth(3)
        .meets(Fault::fail(500));
    app.aws
        .on("dynamodb:PutItem")
        .nth(4)
        .meets(Fault::fail(500));
    deploy(&app, &json!({"tag": "2"})).await.expect(200);
    app.deliver_for(WATCHED).await;
    assert_eq!(service(&app).await["taskDefinition"], revision(2));
    assert_eq!(revisions(&app), [revision(1), revision(2)]);
    assert_eq!(app.record()["state"], json!({"S": "done"}));
}

#[tokio::test(start_paused = true)]
async fn a_look_that_fails_changes_nothing() {
    for operation in [
        "ecs:DescribeServices",
        "ecs:DescribeTaskDefinition",
        "sts:AssumeRole",
    ] {
        let app = deployable();
        app.aws
            .on(operation)
            .meets(Fault::refuse("AccessDenied", "no"));
        let answer = deploy(&app, &body()).await;
        assert!(
            [403, 502].contains(&answer.status),
            "{operation}: {}",
            answer.text()
        );
        app.aws.forget_script();
        assert_eq!(revisions(&app), [revision(1)]);
        assert_eq!(app.record()["state"], json!({"S": "undone"}), "{operation}");
    }
}
