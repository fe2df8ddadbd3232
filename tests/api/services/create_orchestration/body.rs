//! The body of a create, as it is read.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};

use super::{all_new, create};
use crate::services::documented;
use crate::support::{Caller, TestApp};

/// Names of structures' members in another case; the bodies of these tests hold no maps.
fn respell(value: &Value, spell: fn(&str) -> String) -> Value {
    match value {
        Value::Object(object) => object
            .iter()
            .map(|(name, value)| (spell(name), respell(value, spell)))
            .collect(),
        Value::Array(list) => list.iter().map(|value| respell(value, spell)).collect(),
        other => other.clone(),
    }
}

/// The parts of an answer that do not differ between accounts and runs.
fn essence(answer: &Value) -> Value {
    let definition = &answer["TaskDefinition"];
    json!([
        answer["Cluster"]["ClusterName"],
        answer["Service"]["ServiceName"],
        answer["Service"]["DesiredCount"],
        answer["Service"]["LaunchType"],
        answer["ServiceDiscoveryService"]["Name"],
        answer["ServiceDiscoveryService"]["DnsConfig"]["DnsRecords"],
        definition["ContainerDefinitions"],
        definition["Cpu"],
        definition["Memory"],
        definition["Family"],
    ])
}

#[tokio::test]
async fn camel_case_and_pascal_case_give_the_same_result() {
    const CAMEL: [&str; 16] = [
        "cluster",
        "clusterName",
        "taskDefinition",
        "family",
        "cpu",
        "memory",
        "containerDefinitions",
        "image",
        "ports",
        "service",
        "desiredCount",
        "serviceName",
        "serviceRegistry",
        "dnsConfig",
        "namespaceId",
        "dnsRecords",
    ];
    fn camel(name: &str) -> String {
        CAMEL
            .iter()
            .find(|known| known.eq_ignore_ascii_case(name))
            .map_or(name, |known| known)
            .to_owned()
    }
    fn pascal(name: &str) -> String {
        let camel = camel(name);
        camel[..1].to_uppercase() + &camel[1..]
    }
    let mut results = Vec::new();
    for spell in [str::to_owned, camel, pascal] {
        let app = TestApp::new();
        let body = respell(&all_new(&app).await, spell);
        results.push(essence(&create(&app, &body).await.expect(200)));
    }
    assert_eq!(results[0][6][0]["PortMappings"][1]["ContainerPort"], 443);
    assert!(
        results.iter().all(|result| *result == results[0]),
        "{results:#?}"
    );
}

#[tokio::test]
async fn a_misspelt_member_is_named_with_the_right_one_and_nothing_is_called() {
    let app = TestApp::new();
    let mut body = documented("ns-1");
    body["service"] = json!({"servicename": "webapp", "desiredCoutn": 1});
    let answer = create(&app, &body).await;
    insta::assert_json_snapshot!(answer.problem(400), @r#"
    {
      "status": 400,
      "detail": "service.desiredCoutn: unknown member; did you mean `desiredCount`?",
      "code": "InvalidRequest",
      "retryable": false,
      "errors": [
        {
          "path": "service.desiredCoutn",
          "message": "unknown member; did you mean `desiredCount`?"
        }
      ]
    }
    "#);
    assert_eq!(app.aws().operations(), [""; 0]);
}

#[tokio::test]
async fn everything_wrong_with_a_body_is_reported_together() {
    let app = TestApp::new();
    let body = json!({
        "clusters": {},
        "cluster": {"clusterName": 7},
        "taskDefinition": {"family": "web", "cpu": 256, "containerDefinitions": [{"ports": ["http"]}]},
        "serviceRegistry": {"dnsConfig": {"dnsRecords": [{"ttl": "30"}]}},
        "service": {"desiredCount": "1"},
    });
    insta::assert_json_snapshot!(create(&app, &body).await.problem(400)["errors"], @r#"
    [
      {
        "path": "cluster.clusterName",
        "message": "expected string, got integer 7"
      },
      {
        "path": "taskDefinition.containerDefinitions[0].ports",
        "message": "expected a list of whole numbers from 0 to 65535"
      },
      {
        "path": "taskDefinition.cpu",
        "message": "expected string, got integer 256"
      },
      {
        "path": "serviceRegistry.DnsConfig.DnsRecords[0].TTL",
        "message": "expected integer, got string \"30\""
      },
      {
        "path": "service.desiredCount",
        "message": "expected integer, got string \"1\""
      },
      {
        "path": "clusters",
        "message": "unknown member; did you mean `cluster`?"
      }
    ]
    "#);
}

#[tokio::test]
async fn a_part_that_is_missing_is_asked_for() {
    let app = TestApp::new();
    for (body, path) in [
        (json!({}), "service"),
        (
            json!({"service": {"serviceName": "a", "taskDefinition": "b"}}),
            "service.cluster",
        ),
        (
            json!({"service": {"serviceName": "a", "cluster": "b"}}),
            "service.taskDefinition",
        ),
        (
            json!({"service": {"serviceName": "a", "cluster": "b", "taskDefinition": "c"}, "cluster": null,
                "serviceRegistry": {"name": "www"}}),
            "serviceRegistry.NamespaceId",
        ),
        (
            json!({"service": {"serviceName": "a", "taskDefinition": "b"}, "cluster": {}}),
            "cluster.clusterName",
        ),
        (
            json!({"service": {"serviceName": "a", "cluster": "b", "taskDefinition": "c",
                "serviceRegistries": [{"registryArn": "www"}]}}),
            "service.serviceRegistries[0].registryArn",
        ),
        (
            json!({"service": {"serviceName": "a b", "cluster": "b", "taskDefinition": "c"}}),
            "service.serviceName",
        ),
        (
            json!({"service": {"serviceName": "a", "cluster": "b c", "taskDefinition": "c"}}),
            "service.cluster",
        ),
        (
            json!({"service": {"serviceName": "a", "cluster": "arn:aws:ecs:us-east-1:999999999999:cluster/b",
                "taskDefinition": "c"}}),
            "service.cluster",
        ),
    ] {
        let problem = create(&app, &body).await.problem(400);
        assert_eq!(problem["errors"][0]["path"], path, "{problem}");
        assert_eq!(problem["errors"].as_array().unwrap().len(), 1, "{problem}");
    }
}

#[tokio::test]
async fn a_task_definition_that_was_answered_is_accepted_back() {
    let app = TestApp::new();
    let mut body = all_new(&app).await;
    let shown = create(&app, &body).await.expect(200)["TaskDefinition"].take();
    body["taskdefinition"] = shown.clone();
    body["service"]["servicename"] = "second".into();
    let again = create(&app, &body).await.expect(200)["TaskDefinition"].take();
    assert_eq!(
        (&shown["Revision"], &again["Revision"]),
        (&json!(1), &json!(2))
    );
    assert_eq!(again["ContainerDefinitions"], shown["ContainerDefinitions"]);
}

#[tokio::test]
async fn what_was_answered_can_come_back_with_the_tags_of_its_request() {
    let app = TestApp::new();
    let mut body = all_new(&app).await;
    let tags = json!([{"key": "team", "value": "a"}, {"Key": "ecs-api:request-id", "Value": "x"}]);
    for part in ["cluster", "taskdefinition", "serviceregistry", "service"] {
        body[part]["tags"] = tags.clone();
    }
    create(&app, &body).await.expect(200);
    for (operation, tags, key) in [
        ("ecs:CreateCluster", "tags", "key"),
        ("ecs:RegisterTaskDefinition", "tags", "key"),
        ("servicediscovery:CreateService", "Tags", "Key"),
        ("ecs:CreateService", "tags", "key"),
    ] {
        let sent = app.aws().sent(operation).remove(0);
        let keys: Vec<_> = sent[tags]
            .as_array()
            .unwrap()
            .iter()
            .map(|tag| tag[key].as_str().unwrap())
            .collect();
        assert_eq!(keys, ["team", "ecs-api:request-id"], "{operation}");
        assert_ne!(
            sent[tags][1],
            json!({"key": "ecs-api:request-id", "value": "x"}),
            "{operation}"
        );
    }
}

#[tokio::test]
async fn an_empty_list_of_registries_is_no_registry() {
    let app = TestApp::new();
    let mut body = all_new(&app).await;
    body["service"]["serviceRegistries"] = json!([]);
    let answer = create(&app, &body).await.expect(200);
    let expected = json!([{"RegistryArn": answer["ServiceDiscoveryService"]["Arn"]}]);
    assert_eq!(answer["Service"]["ServiceRegistries"], expected);
}

#[tokio::test]
async fn a_part_given_twice_is_refused_also_where_the_caller_is_lenient() {
    let app = TestApp::new();
    let mut body = documented("ns-1");
    body["Service"] = body["service"].clone();
    let request = app
        .request("POST", "/nonprod/services")
        .header("prefer", "handling=lenient")
        .json(&body);
    let errors = request.send().await.problem(400)["errors"].take();
    assert_eq!(
        errors,
        json!([{"path": "service", "message": "given twice, as `service` and as `Service`"}])
    );
    assert_eq!(app.aws().operations(), [""; 0]);
}

/// The time that this thread has had a processor, on which everything of a request is done here: a busy machine takes none.
fn time_on_cpu() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::try_from(time).expect("time does not run backwards")
}

#[tokio::test]
async fn a_hostile_body_is_refused_in_no_time() {
    let app = TestApp::new();
    let many: serde_json::Map<_, _> = (0..30_000)
        .map(|index| (format!("desiredCount{index:05}"), json!(1)))
        .collect();
    let labels: serde_json::Map<_, _> = (0..60_000)
        .map(|index| (format!("{index:05}"), json!("x")))
        .collect();
    for (service, definition) in [
        (json!({"x".repeat(1 << 19): 1}), json!({})),
        (Value::Object(many), json!({})),
        (
            json!({"serviceName": "a"}),
            json!({"containerDefinitions": [{"dockerLabels": labels}]}),
        ),
    ] {
        let body =
            json!({"service": service, "taskDefinition": definition, "cluster": {"name": "a"}});
        let started = time_on_cpu();
        let problem = create(&app, &body).await.problem(400);
        let took = time_on_cpu().saturating_sub(started);
        assert!(took < Duration::from_secs(5), "{took:?}");
        assert!(problem["errors"].as_array().unwrap().len() <= 101);
    }
}

#[tokio::test]
async fn a_lenient_create_drops_and_lists_what_it_does_not_know() {
    let app = TestApp::new();
    let mut body = all_new(&app).await;
    body["comment"] = "x".into();
    body["service"]["color"] = "red".into();
    let request = app
        .request("POST", "/nonprod/services")
        .header("prefer", "respond-async, handling=lenient");
    let answer = request.by(Caller::Writer).json(&body).send().await;
    answer.expect(200);
    assert_eq!(
        answer.header("x-ignored-members"),
        Some("service.color, comment")
    );
}
