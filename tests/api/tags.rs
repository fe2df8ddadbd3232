//! Tags: the account's and the caller's, on everything that a request makes.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::services::documented;
use crate::support::scripted::{MEMBER, NAMESPACE, ScriptedApp};

/// The operation that lists tags of ECS's things.
const LIST_TAGS: &str = "ecs:ListTagsForResource";

/// An account that tags everything with its owner.
fn owned_by_platform() -> ScriptedApp {
    ScriptedApp::with_account(&json!({"tags": {"Owner": "platform"}}))
}

/// The tags that AWS lists for a thing, without this API's own.
fn listed(app: &ScriptedApp, arn: &str) -> BTreeMap<String, String> {
    let (operation, input) = if arn.contains(":servicediscovery:") {
        (
            "servicediscovery:ListTagsForResource",
            json!({"ResourceARN": arn}),
        )
    } else {
        (LIST_TAGS, json!({"resourceArn": arn}))
    };
    let answer = app.aws.put(MEMBER, operation, &input).expect("it is there");
    let tags = answer["tags"].as_array().or(answer["Tags"].as_array());
    let text = |tag: &Value, names: [&str; 2]| {
        let value = tag[names[0]].as_str().or(tag[names[1]].as_str());
        value.expect("a tag is text").to_owned()
    };
    let tags = tags.expect("a list").iter();
    tags.map(|tag| (text(tag, ["key", "Key"]), text(tag, ["value", "Value"])))
        .filter(|(key, _)| !key.starts_with("ecs-api:"))
        .collect()
}

fn map(tags: &[(&str, &str)]) -> BTreeMap<String, String> {
    let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
    tags.iter().map(owned).collect()
}

/// The ARNs of the tasks of the documented service.
fn tasks(app: &ScriptedApp) -> Vec<String> {
    let input = json!({"cluster": "myclu", "serviceName": "webapp"});
    let answer = app.aws.put(MEMBER, "ecs:ListTasks", &input).unwrap();
    let arns = answer["taskArns"].as_array().unwrap().iter();
    arns.map(|arn| arn.as_str().unwrap().to_owned()).collect()
}

#[tokio::test(start_paused = true)]
async fn everything_that_a_create_makes_has_the_tags_of_account_and_caller() {
    for tags in [
        json!({"team": "shop"}),
        json!([{"key": "team", "value": "shop"}]),
        json!([{"Key": "team", "VALUE": "shop"}, {"key": "aws:x", "value": "y"}]),
        json!({"team": "shop", "ecs-api:request-id": "of another request"}),
    ] {
        let app = owned_by_platform();
        let mut body = documented(NAMESPACE);
        body["tags"] = tags;
        body["service"]["desiredcount"] = 2.into();
        let answer = app.create(None, &body).await.expect(200);
        let mut arns = crate::services::arns(&answer);
        arns.extend(tasks(&app));
        assert_eq!(arns.len(), 6);
        for arn in arns {
            let expected = map(&[("Owner", "platform"), ("team", "shop")]);
            assert_eq!(listed(&app, &arn), expected, "{arn}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_part_may_have_tags_of_its_own_beside_those_of_all() {
    let app = owned_by_platform();
    let mut body = documented(NAMESPACE);
    body["Tags"] = json!({"team": "shop"});
    body["service"]["tags"] = json!({"tier": "web", "team": "shop"});
    let answer = app.create(None, &body).await.expect(200);
    let expected = map(&[("Owner", "platform"), ("team", "shop"), ("tier", "web")]);
    let service = answer["Service"]["ServiceArn"].as_str().unwrap();
    assert_eq!(listed(&app, service), expected);
    let cluster = answer["Cluster"]["ClusterArn"].as_str().unwrap();
    assert_eq!(listed(&app, cluster).len(), 2);
}

#[tokio::test(start_paused = true)]
async fn tasks_have_the_services_tags_unless_it_says_otherwise() {
    let tagged = owned_by_platform();
    let untagged = ScriptedApp::new();
    let propagation = async |app: &ScriptedApp, service: Value| {
        let mut body = documented(NAMESPACE);
        for (name, value) in service.as_object().unwrap() {
            body["service"][name] = value.clone();
        }
        let path = "/nonprod/services?dryRun=true";
        let plan = app.send("POST", path, None, &body).await.expect(200);
        plan["Request"]["Service"]["PropagateTags"].clone()
    };
    let tags = json!({"tags": {"a": "b"}});
    let said = |what: &str| json!({"tags": {"a": "b"}, "propagateTags": what});
    for (app, service, expected) in [
        (&tagged, json!({}), json!("SERVICE")),
        (&untagged, tags, json!("SERVICE")),
        (&untagged, json!({}), Value::Null),
        (&tagged, said("NONE"), json!("NONE")),
        (&tagged, said("TASK_DEFINITION"), json!("TASK_DEFINITION")),
    ] {
        assert_eq!(
            propagation(app, service.clone()).await,
            expected,
            "{service}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_tag_with_another_value_than_everything_has_is_refused_before_the_first_change() {
    let app = owned_by_platform();
    let other = json!({"Owner": "me", "x": "y"});
    let detail = "the tag `Owner` has the value `platform` on everything that is made here; leave it out, or give the same";
    for part in ["cluster", "taskdefinition", "serviceregistry", "service"] {
        let mut body = documented(NAMESPACE);
        body[part]["tags"] = other.clone();
        let problem = app.create(None, &body).await.problem(400);
        assert_eq!(problem["errors"][0]["message"], detail);
        let path = problem["errors"][0]["path"].as_str().unwrap();
        assert!(path.eq_ignore_ascii_case(&format!("{part}.tags")), "{path}");
    }
    let mut body = documented(NAMESPACE);
    body["tags"] = other;
    body["service"]["tags"] = json!({"x": "z"});
    let problem = app.create(None, &body).await.problem(400);
    let paths: Vec<_> = problem["errors"].as_array().unwrap().iter().collect();
    assert_eq!(paths.len(), 2, "{problem}");
    assert_eq!(
        (&paths[0]["path"], &paths[1]["path"]),
        (&json!("tags"), &json!("service.tags"))
    );
    assert_eq!(app.inventory(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn tags_that_are_none_are_told_by_their_place() {
    let app = ScriptedApp::new();
    for (tags, path) in [
        (json!("team=shop"), "tags"),
        (json!({"team": 1}), "tags.team"),
        (json!({"team": null}), "tags.team"),
        (json!([{"key": "team"}]), "tags"),
        (json!([{"key": "team", "value": 1}]), "tags[0].value"),
    ] {
        let mut body = documented(NAMESPACE);
        body["tags"] = tags.clone();
        let problem = app.create(None, &body).await.problem(400);
        assert_eq!(problem["errors"][0]["path"], path, "{tags}: {problem}");
    }
    let mut body = documented(NAMESPACE);
    body["tags"] = (0..50)
        .map(|n| (format!("key-{n}"), json!("")))
        .collect::<serde_json::Map<_, _>>()
        .into();
    let problem = app.create(None, &body).await.problem(400);
    assert_eq!(
        problem["errors"][0]["message"],
        "at most 49 tags are accepted"
    );
}

/// Makes a thing by one call, with the account's tags and one of the caller's, and returns its ARN from a place of the
/// answer.
async fn made_alone(app: &ScriptedApp, path: &str, mut body: Value, arn: &str) -> String {
    body["tags"] = json!({"team": "shop"});
    let answer = app.send("POST", path, None, &body).await.expect(200);
    let arn = answer.pointer(arn).and_then(Value::as_str);
    arn.unwrap_or_else(|| panic!("{answer}")).to_owned()
}

#[tokio::test(start_paused = true)]
async fn what_is_made_alone_has_the_tags_of_account_and_caller_too() {
    let app = owned_by_platform();
    let definition = documented(NAMESPACE)["taskdefinition"].take();
    let registry = documented(NAMESPACE)["serviceregistry"].take();
    let service = json!({"serviceName": "web", "taskDefinition": "mytaskdef", "desiredCount": 0});
    let task = json!({"taskDefinition": "mytaskdef"});
    for (path, body, arn) in [
        (
            "/nonprod/clusters",
            json!({"name": "shop"}),
            "/Cluster/ClusterArn",
        ),
        (
            "/nonprod/taskdefs",
            definition,
            "/TaskDefinition/TaskDefinitionArn",
        ),
        (
            "/nonprod/servicediscovery/services",
            registry,
            "/Service/Arn",
        ),
        (
            "/nonprod/clusters/shop/services",
            service,
            "/Service/ServiceArn",
        ),
        ("/nonprod/clusters/shop/tasks", task, "/Tasks/0/TaskArn"),
    ] {
        let mut conflicting = body.clone();
        conflicting["tags"] = json!({"Owner": "me"});
        let before = app.inventory();
        let problem = app
            .send("POST", path, None, &conflicting)
            .await
            .problem(400);
        let place = problem["errors"][0]["path"].as_str().unwrap();
        assert!(place.eq_ignore_ascii_case("tags"), "{place}");
        assert_eq!(app.inventory(), before);
        let arn = made_alone(&app, path, body, arn).await;
        let expected = map(&[("Owner", "platform"), ("team", "shop")]);
        assert_eq!(listed(&app, &arn), expected, "{arn}");
    }
    let sent = app.aws.sent("ecs:CreateService").pop().unwrap();
    assert_eq!(sent["propagateTags"], "SERVICE");
}

#[tokio::test(start_paused = true)]
async fn what_is_shown_with_the_accounts_tags_can_be_posted_back() {
    let app = owned_by_platform();
    let create = json!({"name": "shop"});
    app.send("POST", "/nonprod/clusters", None, &create)
        .await
        .expect(200);
    let shown = app
        .send("GET", "/nonprod/clusters/shop", None, &json!({}))
        .await
        .expect(200);
    app.send("DELETE", "/nonprod/clusters/shop", None, &json!({}))
        .await
        .expect(200);
    app.send("POST", "/nonprod/clusters", None, &shown)
        .await
        .expect(200);
}
