//! `image`, `tag`, `containers`, `cpu`, `memory` and `tags`: what is deployed, and what is told of it.

use fake_aws::Fault;
use serde_json::{Value, json};

use super::{DEPLOYED as PATH, deploy as patch, deployable, furnished, revision};
use crate::support::scripted::{MEMBER, ScriptedApp};

/// Describes a revision of the family, with its tags.
async fn described(app: &ScriptedApp, number: u32) -> Value {
    let input = json!({"taskDefinition": format!("web:{number}"), "include": ["TAGS"]});
    let described = app.aws.ask(MEMBER, "ecs:DescribeTaskDefinition", &input);
    described.await.expect("the revision is there")
}

/// The tags of a resource, by key.
fn by_key(tags: &Value) -> Value {
    let tags = tags.as_array().into_iter().flatten();
    let tags = tags.map(|tag| {
        let member = |name: &str| tag.get(name).or_else(|| tag.get(name.to_uppercase()));
        let key = member("key").or(tag.get("Key")).unwrap();
        let value = member("value").or(tag.get("Value")).unwrap();
        (key.as_str().unwrap().to_owned(), value.clone())
    });
    Value::Object(tags.collect())
}

#[tokio::test(start_paused = true)]
async fn a_tag_is_deployed_and_nothing_else_changes() {
    let app = deployable();
    let answer = patch(&app, &json!({"tag": "2"})).await;
    let deployed = answer.expect(200);
    assert_eq!(deployed["Changed"], true);
    assert_eq!(deployed["PreviousTaskDefinition"], revision(1));
    assert_eq!(deployed["TaskDefinition"], revision(2));
    assert_eq!(deployed["Service"]["TaskDefinition"], revision(2));
    let changes = json!([{"Path": "containers.web.image", "From": "host:5000/team/web:1", "To": "host:5000/team/web:2"}]);
    assert_eq!(deployed["Changes"], changes);
    let primary = &deployed["Service"]["Deployments"][0];
    let id = deployed["Deployment"].as_str().unwrap();
    assert_eq!(primary["Id"], format!("ecs-svc/{id}"));
    assert_eq!(answer.header("etag"), Some(&*format!("\"{id}\"")));
    let sent = app.aws.sent("ecs:UpdateService");
    assert_eq!(
        sent,
        [json!({"cluster": "shop", "service": "web", "taskDefinition": revision(2)})],
        "neither the number of tasks nor anything else is sent"
    );
    let (before, after) = (described(&app, 1).await, described(&app, 2).await);
    let (before, after) = (&before["taskDefinition"], &after["taskDefinition"]);
    for member in [
        "family",
        "cpu",
        "memory",
        "networkMode",
        "requiresCompatibilities",
        "executionRoleArn",
    ] {
        assert_eq!(before[member], after[member], "{member}");
    }
    assert_eq!(
        before["containerDefinitions"][1],
        after["containerDefinitions"][1]
    );
}

#[tokio::test(start_paused = true)]
async fn a_revision_takes_the_tags_of_the_one_before_and_tells_who_asked() {
    let app = deployable();
    patch(&app, &json!({"tag": "2"})).await.expect(200);
    let first = by_key(&described(&app, 2).await["tags"]);
    assert_eq!(
        (&first["team"], &first["ecs-api:caller"]),
        (&json!("shop"), &json!("writer"))
    );
    patch(&app, &json!({"tag": "3"})).await.expect(200);
    let second = by_key(&described(&app, 3).await["tags"]);
    assert_eq!(second.as_object().unwrap().len(), 3, "{second}");
    assert_ne!(first["ecs-api:request-id"], second["ecs-api:request-id"]);
}

#[tokio::test(start_paused = true)]
async fn containers_cpu_and_memory_are_merged_and_no_value_of_the_environment_is_told() {
    let app = deployable();
    let body = json!({
        "containers": {
            "web": {"environment": {"MODE": "hush-1", "OLD": null}, "secrets": {"TOKEN": "hush-2"}, "command": ["run"]},
            "sidecar": {"image": "team/sidecar@sha256:".to_owned() + &"0a".repeat(32)},
        },
        "cpu": 512, "memory": "1024", "desiredCount": 3,
    });
    let answer = patch(&app, &body).await;
    let deployed = answer.expect(200);
    assert_eq!(deployed["Service"]["DesiredCount"], 3);
    let paths = deployed["Changes"].as_array().unwrap().iter();
    let paths: Vec<_> = paths
        .map(|change| change["Path"].as_str().unwrap())
        .collect();
    for path in [
        "containers.web.environment.MODE",
        "containers.web.environment.OLD",
        "containers.web.secrets.TOKEN",
        "containers.web.command",
        "containers.sidecar.image",
        "cpu",
        "memory",
        "desiredCount",
    ] {
        assert!(paths.contains(&path), "{path} is not among {paths:?}");
    }
    assert_eq!(paths.len(), 8, "{paths:?}");
    assert!(!answer.text().contains("hush"), "{}", answer.text());
    let after = described(&app, 2).await;
    let web = &after["taskDefinition"]["containerDefinitions"][0];
    assert_eq!(
        web["environment"],
        json!([{"name": "MODE", "value": "hush-1"}])
    );
    assert_eq!(
        web["secrets"],
        json!([{"name": "TOKEN", "valueFrom": "hush-2"}])
    );
    assert_eq!(after["taskDefinition"]["cpu"], "512");
}

#[tokio::test(start_paused = true)]
async fn a_digest_goes_with_another_tag() {
    let app = furnished(ScriptedApp::new(), |definition, _| {
        definition["containerDefinitions"][0]["image"] =
            ("a/b:1@sha256:".to_owned() + &"0a".repeat(32)).into();
    });
    let deployed = patch(&app, &json!({"tag": "1"})).await.expect(200);
    assert_eq!(deployed["Changes"][0]["To"], "a/b:1");
}

#[tokio::test(start_paused = true)]
async fn what_is_deployed_already_changes_nothing() {
    let app = deployable();
    for body in [
        json!({"tag": "1"}),
        json!({"image": "host:5000/team/web:1", "cpu": "256"}),
        json!({"containers": {"web": {"environment": {"MODE": "a"}}}}),
        json!({"tags": {"owner": "me", "nobody": null}}),
    ] {
        let answer = patch(&app, &body).await;
        let deployed = answer.expect(200);
        assert_eq!(deployed["Changed"], false, "{body}");
        assert_eq!(deployed["Changes"], json!([]), "{body}");
        assert_eq!(deployed["TaskDefinition"], revision(1));
        assert!(deployed.get("Deployment").is_none(), "{body}");
        assert!(answer.header("etag").is_some());
    }
    let calls = app.aws.operations();
    let is_change = |call: &&String| {
        ["Register", "Update", "Tag"]
            .iter()
            .any(|verb| call.contains(verb))
    };
    assert_eq!(
        calls
            .iter()
            .find(|call| is_change(call) && !call.contains("Describe")),
        None
    );
}

#[tokio::test(start_paused = true)]
async fn the_same_definition_is_deployed_again_if_it_is_forced() {
    let app = deployable();
    let deployed = patch(&app, &json!({"tag": "1", "forceNewDeployment": true}))
        .await
        .expect(200);
    assert_eq!(
        (&deployed["Changed"], &deployed["Changes"]),
        (&json!(true), &json!([]))
    );
    assert_eq!(deployed["TaskDefinition"], revision(1));
    assert!(deployed["Deployment"].is_string());
    assert!(
        !app.aws
            .operations()
            .contains(&"ecs:RegisterTaskDefinition".to_owned())
    );
}

#[tokio::test(start_paused = true)]
async fn tags_of_the_service_change_before_it_is_updated() {
    let app = deployable();
    let body = json!({"tag": "2", "tags": {"owner": null, "stage": "live", "ecs-api:caller": "forged", "aws:x": "y"}});
    let deployed = patch(&app, &body).await.expect(200);
    assert_eq!(
        by_key(&deployed["Service"]["Tags"]),
        json!({"stage": "live"})
    );
    let calls = app.aws.operations();
    let place = |name: &str| calls.iter().position(|call| call == name).unwrap();
    assert!(
        place("ecs:TagResource") < place("ecs:UpdateService"),
        "{calls:?}"
    );
    assert!(
        place("ecs:UntagResource") < place("ecs:UpdateService"),
        "{calls:?}"
    );
    let revision = by_key(&described(&app, 2).await["tags"]);
    assert_eq!(
        (&revision["stage"], &revision["ecs-api:caller"]),
        (&json!("live"), &json!("writer"))
    );
    let changes = deployed["Changes"].as_array().unwrap();
    assert!(
        changes.contains(&json!({"Path": "tags.owner", "From": "me"})),
        "{changes:?}"
    );
    assert!(
        changes.contains(&json!({"Path": "tags.stage", "To": "live"})),
        "{changes:?}"
    );
    let shown = app.send("GET", PATH, None, &json!({})).await.expect(200);
    assert_eq!(
        by_key(&shown["Services"][0]["Tags"]),
        json!({"stage": "live"})
    );
}

#[tokio::test(start_paused = true)]
async fn tags_alone_deploy_nothing() {
    let app = deployable();
    let list = json!({"tags": [{"Key": "owner", "Value": "you"}]});
    let deployed = patch(&app, &list).await.expect(200);
    assert_eq!(
        by_key(&deployed["Service"]["Tags"]),
        json!({"owner": "you"})
    );
    assert_eq!(deployed["Changed"], true);
    assert!(deployed.get("Deployment").is_none());
    assert!(
        !app.aws
            .operations()
            .contains(&"ecs:UpdateService".to_owned())
    );
}

#[tokio::test(start_paused = true)]
async fn the_answer_of_a_deploy_and_of_a_look_can_be_sent_back() {
    let app = deployable();
    let deployed = patch(&app, &json!({"tag": "2"})).await.expect(200);
    patch(&app, &deployed).await.expect(200);
    let shown = app.send("GET", PATH, None, &json!({})).await.expect(200);
    let again = patch(&app, &shown).await.expect(200);
    assert_eq!(again["TaskDefinition"], revision(2));
}

#[tokio::test(start_paused = true)]
async fn a_change_that_does_not_fit_is_refused_before_anything_is_made() {
    let app = deployable();
    let several = furnished(ScriptedApp::new(), |definition, _| {
        definition["containerDefinitions"][1]["essential"] = true.into();
    });
    for (app, body, path, said) in [
        (
            &app,
            json!({"containers": {"wep": {"tag": "2"}}}),
            "containers.wep",
            "the task definition has no container `wep`; it has `web`, `sidecar`",
        ),
        (
            &several,
            json!({"tag": "2"}),
            "image",
            "the task definition has not exactly one essential container",
        ),
        (
            &app,
            json!({"image": "Team/web"}),
            "image",
            "`Team/web` has upper case",
        ),
        (
            &app,
            json!({"image": "a", "tag": "b"}),
            "tag",
            "given beside `image`",
        ),
        (
            &app,
            json!({"tag": "2", "taskDefinition": "web:1"}),
            "taskDefinition",
            "given beside changes",
        ),
        (
            &app,
            json!({"containers": {"web": {"cpu": "much"}}}),
            "containers.web.cpu",
            "expected integer",
        ),
        (&app, json!({"tags": {"a": 1}}), "tags.a", "expected string"),
        (&app, json!({"colour": "red"}), "colour", "unknown member"),
    ] {
        let problem = patch(app, &body).await.problem(400);
        assert_eq!(problem["errors"][0]["path"], path, "{body}");
        let message = problem["errors"][0]["message"].as_str().unwrap();
        assert!(message.starts_with(said), "{body}: {message}");
    }
    for app in [app, several] {
        assert_eq!(app.aws.sent("ecs:RegisterTaskDefinition"), [] as [Value; 0]);
        assert_eq!(app.aws.sent("ecs:UpdateService"), [] as [Value; 0]);
    }
}

#[tokio::test(start_paused = true)]
async fn what_ecs_does_not_deploy_itself_is_a_conflict_that_says_who_does() {
    for (member, value, said) in [
        (
            "deploymentController",
            json!({"type": "CODE_DEPLOY"}),
            "is deployed by CodeDeploy",
        ),
        (
            "deploymentController",
            json!({"type": "EXTERNAL"}),
            "is deployed by an external controller",
        ),
        (
            "resourceManagementType",
            json!("ECS"),
            "is one of Express Mode",
        ),
    ] {
        let app = furnished(ScriptedApp::new(), |_, service| {
            service[member] = value.clone();
        });
        if member == "resourceManagementType" {
            app.aws.circumstances(MEMBER, |account| {
                account.express_services = vec!["web".to_owned()];
            });
        }
        for body in [
            json!({"tag": "2"}),
            json!({"taskDefinition": "web:1"}),
            json!({"forceNewDeployment": true}),
        ] {
            let problem = patch(&app, &body).await.problem(409);
            assert_eq!(problem["code"], "OtherController");
            assert!(
                problem["detail"].as_str().unwrap().contains(said),
                "{problem}"
            );
        }
        assert_eq!(app.aws.sent("ecs:RegisterTaskDefinition"), [] as [Value; 0]);
    }
}

#[tokio::test(start_paused = true)]
async fn what_express_mode_refuses_is_the_same_conflict() {
    let app = furnished(ScriptedApp::new(), |_, service| {
        service["resourceManagementType"] = "ECS".into();
    });
    app.aws.circumstances(MEMBER, |account| {
        account.express_services = vec!["web".to_owned()];
    });
    for body in [
        json!({"desiredCount": 2}),
        json!({"desiredCount": 2, "enableExecuteCommand": true}),
        json!({"tags": {"team": "a"}, "enableExecuteCommand": true}),
    ] {
        let problem = patch(&app, &body).await.problem(409);
        assert_eq!(problem["code"], "OtherController", "{body}");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains("is one of Express Mode"), "{problem}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_that_is_not_there_or_is_deleted_is_not_deployed() {
    let app = deployable();
    let path = PATH.replace("/web", "/other");
    let problem = app
        .send("PATCH", &path, None, &json!({"tag": "2"}))
        .await
        .problem(404);
    assert_eq!(problem["code"], "NotFound");
    let delete = json!({"cluster": "shop", "service": "web", "force": true});
    app.aws.put(MEMBER, "ecs:DeleteService", &delete).unwrap();
    let problem = patch(&app, &json!({"tag": "2"})).await.problem(409);
    assert_eq!(problem["code"], "ServiceNotActive", "{problem}");
    assert_eq!(app.aws.sent("ecs:RegisterTaskDefinition"), [] as [Value; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_deploy_needs_no_table_and_no_queue() {
    let app = furnished(ScriptedApp::without_stack(), |_, _| ());
    let deployed = patch(&app, &json!({"tag": "2"})).await.expect(200);
    assert_eq!(deployed["TaskDefinition"], revision(2));
    app.aws
        .on("ecs:UpdateService")
        .meets(Fault::refuse("AccessDeniedException", "no"));
    let problem = patch(&app, &json!({"tag": "3"})).await.problem(403);
    assert_eq!(problem["RolledBack"], json!([{"Arn": revision(3)}]));
}

#[tokio::test(start_paused = true)]
async fn a_revision_that_was_deregistered_is_deployed_from_all_the_same() {
    let app = deployable();
    let deregister = json!({"taskDefinition": "web:1"});
    app.aws
        .put(MEMBER, "ecs:DeregisterTaskDefinition", &deregister)
        .unwrap();
    let deployed = patch(&app, &json!({"tag": "2"})).await.expect(200);
    assert_eq!(deployed["TaskDefinition"], revision(2));
}
