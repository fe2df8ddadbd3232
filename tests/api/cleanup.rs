//! A recursive delete that a request can't finish goes on from the stack's own queue.

use std::slice;
use std::time::Duration;

use fake_aws::Fault;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::services::documented;
use crate::support::{TestApp, TestQueues};

const RECURSIVE: &str = "/nonprod/services?cluster=myclu&service=webapp&recursive=true";

/// The documented four in an account, and queues.
struct FakeAws {
    app: TestApp,
    queues: TestQueues,
    made: Value,
}

impl FakeAws {
    async fn new() -> Self {
        let queues = TestQueues::new().await;
        let app = TestApp::with_queues(&queues.urls);
        let body = documented(&app.account().namespace().await);
        let made = app.post("/nonprod/services", &body).await.expect(200);
        app.aws().forget_calls();
        Self { app, queues, made }
    }

    fn arns(&self) -> [Value; 3] {
        let made = &self.made;
        let service = &made["Service"]["ServiceArn"];
        [
            service,
            &made["ServiceDiscoveryService"]["Arn"],
            &made["Cluster"]["ClusterArn"],
        ]
        .map(Clone::clone)
    }

    /// Returns AWS's description of the service while it drains.
    fn draining(&self) -> Value {
        let [service, registry, cluster] = self.arns();
        let created_at: Timestamp = self.made["Service"]["CreatedAt"]
            .as_str()
            .unwrap()
            .parse()
            .unwrap();
        json!({"failures": [], "services": [{
            "serviceArn": service, "serviceName": "webapp", "status": "DRAINING", "runningCount": 2, "clusterArn": cluster,
            "createdAt": created_at.as_duration().as_secs_f64(), "serviceRegistries": [{"registryArn": registry}],
        }]})
    }

    /// Deletes the service, and lets AWS say for longer than the next request lasts that it drains.
    async fn drain(&mut self) {
        let draining = self.draining();
        let service = self
            .app
            .account()
            .ecs()
            .delete_service()
            .cluster("myclu")
            .service("webapp")
            .force(true);
        service.send().await.unwrap();
        self.app
            .aws()
            .on("ecs:DescribeServices")
            .meets(Fault::answer(&draining));
        self.app.set_time_left(Duration::from_secs(8));
    }

    /// Asks for the delete, which finds the service draining, and answers the message that goes onto the queue. From then
    /// on the service is gone.
    async fn queued(&mut self) -> Value {
        self.drain().await;
        self.app.delete(RECURSIVE).await.expect(202);
        self.app.aws().forget_script();
        self.app.set_time_left(Duration::from_secs(29));
        let [(_, message, _)] = &self.sent()[..] else {
            panic!("one message was sent, not {:?}", self.sent())
        };
        self.app.aws().forget_calls();
        message.clone()
    }

    /// The messages that were sent: URL, body and delay in seconds.
    fn sent(&mut self) -> Vec<(String, Value, i64)> {
        let sent = self
            .app
            .aws()
            .sent("sqs:SendMessage")
            .into_iter()
            .map(|call| {
                let body = serde_json::from_str(call["MessageBody"].as_str().unwrap()).unwrap();
                (
                    call["QueueUrl"].as_str().unwrap().to_owned(),
                    body,
                    call["DelaySeconds"].as_i64().unwrap(),
                )
            });
        sent.collect()
    }

    /// Has the queue deliver messages, and answers which of them it must deliver again.
    async fn deliver(&mut self, messages: &[Value]) -> Vec<String> {
        self.app.aws().forget_calls();
        let answer = self.app.invoke(self.queues.batch(messages)).await.unwrap();
        let failed = answer["batchItemFailures"].as_array().unwrap().iter();
        failed
            .map(|item| item["itemIdentifier"].as_str().unwrap().to_owned())
            .collect()
    }

    /// The calls that have changed something since the last delivery.
    fn changes(&mut self) -> Vec<String> {
        let changes = |call: &String| {
            ["Delete", "Deregister", "Send", "Tag", "Untag"]
                .iter()
                .any(|verb| call.contains(verb))
        };
        self.app
            .aws()
            .operations()
            .into_iter()
            .filter(changes)
            .collect()
    }

    /// Makes the service again, by the API.
    async fn create_service_again(&self, registry: &Value) -> Value {
        let body = json!({"service": {
            "cluster": "myclu", "serviceName": "webapp", "taskDefinition": "mytaskdef:1", "desiredCount": 1,
            "serviceRegistries": [{"registryArn": registry}],
        }});
        self.app.post("/nonprod/services", &body).await.expect(200)
    }
}

#[tokio::test]
async fn what_a_request_cannot_finish_is_queued_before_the_answer_and_finished_from_there() {
    let mut estate = FakeAws::new().await;
    let arns = estate.arns();
    estate.drain().await;
    let answer = estate.app.delete(RECURSIVE).await;
    assert_eq!(answer.header("retry-after"), Some("15"));
    let body = answer.expect(202);
    assert_eq!((&body["Queued"], body.get("Detail")), (&json!(true), None));
    assert_eq!(body["Pending"].as_array().map(Vec::len), Some(3));
    let [(url, message, delay)] = &estate.sent()[..] else {
        panic!("{:?}", estate.sent())
    };
    assert_eq!((url, *delay), (&estate.queues.urls.url, 15));
    insta::assert_json_snapshot!(message, {
        ".clusterArn" => "[arn]", ".clusterMark" => "[request id]", ".serviceArn" => "[arn]", ".registryArns[]" => "[arn]", ".serviceCreatedAt" => "[time]",
        ".registriesCreatedAt" => "[times]",
        ".since" => "[time]", ".correlationId" => "[request id]", ".reason" => "[reason]",
    }, @r#"
    {
      "kind": "delete",
      "account": "nonprod",
      "cluster": "myclu",
      "service": "webapp",
      "clusterArn": "[arn]",
      "clusterMark": "[request id]",
      "serviceArn": "[arn]",
      "serviceCreatedAt": "[time]",
      "registryArns": [
        "[arn]"
      ],
      "registriesCreatedAt": "[times]",
      "caller": "writer",
      "correlationId": "[request id]",
      "since": "[time]",
      "attempts": 0,
      "refusals": 0,
      "reason": "[reason]"
    }
    "#);
    assert_eq!(
        json!([
            message["serviceArn"],
            message["registryArns"][0],
            message["clusterArn"]
        ]),
        json!(arns)
    );
    assert_eq!(
        message["serviceCreatedAt"],
        estate.made["Service"]["CreatedAt"]
    );
    assert_eq!(
        message["correlationId"],
        answer.header("x-request-id").unwrap()
    );
    assert_eq!(message["clusterMark"], message["correlationId"]);
    let reason = message["reason"].as_str().unwrap();
    assert!(
        reason.starts_with(&format!(
            "`{}` waits for 2 tasks to stop; ",
            arns[0].as_str().unwrap()
        )),
        "{reason}"
    );

    let message = message.clone();
    assert_eq!(estate.deliver(&[message]).await, [""; 0]);
    assert_eq!(estate.changes(), ["sqs:SendMessage"]);
    let [(_, message, delay)] = &estate.sent()[..] else {
        panic!("{:?}", estate.sent())
    };
    let (message, delay) = (message.clone(), *delay);
    assert_eq!((&message["attempts"], delay), (&json!(1), 30));

    estate.app.aws().forget_script();
    assert_eq!(estate.deliver(&[message]).await, [""; 0]);
    assert_eq!(
        estate.changes(),
        ["servicediscovery:DeleteService", "ecs:DeleteCluster"]
    );
    let left = json!(estate.app.account().inventory().await);
    assert_eq!(
        left,
        json!([estate.made["TaskDefinition"]["TaskDefinitionArn"]])
    );
}

#[tokio::test]
async fn an_attempt_looks_once_and_does_not_wait() {
    let mut estate = FakeAws::new().await;
    let message = estate.queued().await;
    let draining = estate.draining();
    estate
        .app
        .aws()
        .on("ecs:DescribeServices")
        .meets(Fault::answer(&draining));
    estate.deliver(&[message]).await;
    assert_eq!(
        estate.app.aws().operations(),
        ["ecs:DescribeServices", "sqs:SendMessage"]
    );
}

#[tokio::test]
async fn the_delays_grow_from_15_seconds_to_5_minutes() {
    let mut estate = FakeAws::new().await;
    let mut message = estate.queued().await;
    let draining = estate.draining();
    estate
        .app
        .aws()
        .on("ecs:DescribeServices")
        .meets(Fault::answer(&draining));
    let mut delays = Vec::new();
    for _ in 0..7 {
        assert_eq!(estate.deliver(&[message]).await, [""; 0]);
        let [(_, sent, delay)] = &estate.sent()[..] else {
            panic!("{:?}", estate.sent())
        };
        delays.push(*delay);
        message = sent.clone();
    }
    assert_eq!(delays, [30, 60, 120, 240, 300, 300, 300]);
    assert_eq!(
        (&message["attempts"], &message["refusals"]),
        (&json!(7), &json!(0))
    );
}

#[tokio::test]
async fn a_message_that_comes_twice_or_late_does_no_harm() {
    let mut estate = FakeAws::new().await;
    let message = estate.queued().await;
    assert_eq!(
        estate.deliver(&[message.clone(), message.clone()]).await,
        [""; 0]
    );
    assert_eq!(estate.app.account().inventory().await.len(), 1);
    let again = estate
        .app
        .account()
        .ecs()
        .create_cluster()
        .cluster_name("myclu");
    again.send().await.unwrap();
    let before = estate.app.account().inventory().await;
    assert_eq!(estate.deliver(&[message]).await, [""; 0]);
    assert_eq!(estate.app.account().inventory().await, before);
}

#[tokio::test]
async fn an_attempt_that_is_killed_on_the_way_is_made_again() {
    let mut estate = FakeAws::new().await;
    let message = estate.queued().await;
    for operation in ["servicediscovery:DeleteService", "ecs:DeleteCluster"] {
        estate
            .app
            .aws()
            .on(operation)
            .meets(Fault::delay(Duration::from_secs(3)));
        let batch = estate.queues.batch(slice::from_ref(&message));
        let killed = tokio::time::timeout(Duration::from_secs(2), estate.app.invoke(batch)).await;
        assert!(killed.is_err(), "{operation} was on its way");
        estate.app.aws().forget_script();
    }
    assert_eq!(estate.deliver(&[message]).await, [""; 0]);
    assert_eq!(estate.app.account().inventory().await.len(), 1);
}

#[tokio::test]
async fn a_service_that_was_created_again_keeps_its_registry_and_its_cluster() {
    let mut estate = FakeAws::new().await;
    let [_, registry, _] = estate.arns();
    let message = estate.queued().await;
    let again = estate.create_service_again(&registry).await;
    assert_ne!(again["Service"]["CreatedAt"], message["serviceCreatedAt"]);
    let before = estate.app.account().inventory().await;
    assert_eq!(estate.deliver(&[message]).await, [""; 0]);
    assert_eq!(estate.changes(), ["ecs:UntagResource"]);
    assert_eq!(estate.app.account().inventory().await, before);
    let shown = estate
        .app
        .get("/nonprod/clusters/myclu/services/webapp")
        .await
        .expect(200);
    assert_eq!(
        (
            &shown["Services"][0]["Status"],
            &shown["Services"][0]["DesiredCount"]
        ),
        (&json!("ACTIVE"), &json!(1))
    );
}

#[tokio::test]
async fn a_cluster_that_was_created_again_is_kept() {
    let mut estate = FakeAws::new().await;
    let [_, _, cluster] = estate.arns();
    let message = estate.queued().await;
    estate
        .app
        .account()
        .ecs()
        .delete_cluster()
        .cluster("myclu")
        .send()
        .await
        .unwrap();
    estate
        .app
        .account()
        .ecs()
        .create_cluster()
        .cluster_name("myclu")
        .send()
        .await
        .unwrap();
    assert_eq!(estate.deliver(&[message]).await, [""; 0]);
    assert_eq!(estate.changes(), ["servicediscovery:DeleteService"]);
    assert!(
        json!(estate.app.account().inventory().await)
            .as_array()
            .unwrap()
            .contains(&cluster)
    );
}

#[tokio::test]
async fn a_cluster_with_another_mark_is_another_cluster() {
    let mut estate = FakeAws::new().await;
    let mut message = estate.queued().await;
    message["clusterMark"] = json!("00000000-0000-4000-8000-999999999999");
    estate.deliver(&[message]).await;
    assert_eq!(estate.changes(), ["servicediscovery:DeleteService"]);
}

#[tokio::test]
async fn a_cluster_that_aws_does_not_delete_yet_is_deleted_later() {
    let mut estate = FakeAws::new().await;
    let message = estate.queued().await;
    let refusal = Fault::refuse("ClusterContainsTasksException", "it has tasks");
    let delete = estate.app.aws().on("ecs:DeleteCluster").once();
    delete.meets(refusal);
    estate.deliver(&[message]).await;
    let [(_, message, _)] = &estate.sent()[..] else {
        panic!("{:?}", estate.sent())
    };
    let message = message.clone();
    estate.deliver(&[message]).await;
    assert_eq!(estate.app.account().inventory().await.len(), 1);
}

#[tokio::test]
async fn a_cluster_that_is_kept_loses_its_mark() {
    let mut estate = FakeAws::new().await;
    let message = estate.queued().await;
    let second = json!({"service": {"cluster": "myclu", "serviceName": "second", "taskDefinition": "mytaskdef:1", "desiredCount": 0}});
    estate
        .app
        .post("/nonprod/services", &second)
        .await
        .expect(200);
    estate.deliver(&[message]).await;
    assert_eq!(
        estate.changes(),
        ["servicediscovery:DeleteService", "ecs:UntagResource"]
    );
    let shown = estate.app.get("/nonprod/clusters/myclu").await.expect(200);
    let tags = shown["Clusters"][0]["Tags"].as_array().unwrap();
    assert_eq!(
        tags.iter().map(|tag| &tag["Key"]).collect::<Vec<_>>(),
        ["ecs-api:request-id"]
    );
}

#[tokio::test]
async fn the_cluster_default_is_kept_from_the_queue_too() {
    let mut estate = FakeAws::new().await;
    let message = estate.queued().await;
    estate
        .app
        .account()
        .ecs()
        .create_cluster()
        .send()
        .await
        .unwrap();
    let text = message.to_string().replace("myclu", "default");
    let mut message: Value = serde_json::from_str(&text).unwrap();
    message["clusterMark"] = Value::Null;
    estate.deliver(&[message]).await;
    assert_eq!(estate.changes(), ["servicediscovery:DeleteService"]);
}

#[tokio::test]
async fn tasks_of_others_that_are_stopping_are_waited_for() {
    let mut estate = FakeAws::new().await;
    let message = estate.queued().await;
    let stopping = json!({"failures": [], "tasks": [
        {"taskArn": "arn:aws:ecs:us-east-1:1:task/myclu/0a", "lastStatus": "STOPPING", "desiredStatus": "STOPPED", "group": "service:other"},
    ]});
    let account = estate.app.account();
    account
        .ecs()
        .run_task()
        .cluster("myclu")
        .task_definition("mytaskdef:1")
        .network_configuration(account.network())
        .send()
        .await
        .unwrap();
    estate
        .app
        .aws()
        .on("ecs:DescribeTasks")
        .meets(Fault::answer(&stopping));
    estate.deliver(&[message]).await;
    let [(_, sent, _)] = &estate.sent()[..] else {
        panic!("{:?}", estate.sent())
    };
    let reason = sent["reason"].as_str().unwrap();
    assert!(
        reason.ends_with("`arn:aws:ecs:us-east-1:1:task/myclu/0a`") || reason.ends_with(" to stop"),
        "{reason}"
    );
}

#[tokio::test]
async fn a_registry_that_was_created_again_is_kept() {
    let mut estate = FakeAws::new().await;
    let message = estate.queued().await;
    let discovery = estate.app.account().discovery();
    let first = estate.made["ServiceDiscoveryService"].clone();
    discovery
        .delete_service()
        .id(first["Id"].as_str().unwrap())
        .send()
        .await
        .unwrap();
    let again = discovery
        .create_service()
        .name(first["Name"].as_str().unwrap());
    let namespace_id = first["NamespaceId"]
        .as_str()
        .or(first["DnsConfig"]["NamespaceId"].as_str())
        .unwrap();
    let again = again
        .namespace_id(namespace_id)
        .send()
        .await
        .unwrap()
        .service
        .unwrap()
        .arn
        .unwrap();
    assert_eq!(estate.deliver(&[message]).await, [""; 0]);
    assert_eq!(estate.changes(), ["ecs:DeleteCluster"]);
    assert!(estate.app.account().inventory().await.contains(&again));
}

#[tokio::test]
async fn a_stuck_instance_whose_task_is_gone_is_deregistered() {
    let mut estate = FakeAws::new().await;
    let message = estate.queued().await;
    let id = estate.made["ServiceDiscoveryService"]["Id"]
        .as_str()
        .unwrap();
    let register = estate
        .app
        .account()
        .discovery()
        .register_instance()
        .service_id(id)
        .instance_id("0a1b2c3d4e5f");
    let register = register
        .attributes("ECS_SERVICE_NAME", "webapp")
        .attributes("ECS_CLUSTER_NAME", "myclu");
    register
        .attributes("AWS_INSTANCE_IPV4", "10.0.0.7")
        .send()
        .await
        .unwrap();
    estate.deliver(&[message]).await;
    let calls = ["servicediscovery:DeregisterInstance", "sqs:SendMessage"];
    assert_eq!(estate.changes(), calls);
    let [(_, message, _)] = &estate.sent()[..] else {
        panic!("{:?}", estate.sent())
    };
    let message = message.clone();
    estate.deliver(&[message]).await;
    assert_eq!(
        estate.changes(),
        ["servicediscovery:DeleteService", "ecs:DeleteCluster"]
    );
}

#[tokio::test]
async fn a_refused_permission_is_tried_three_times_and_then_a_dead_letter_that_names_the_action() {
    let mut estate = FakeAws::new().await;
    let mut message = estate.queued().await;
    estate
        .app
        .aws()
        .on("ecs:DeleteCluster")
        .meets(Fault::refuse(
            "AccessDeniedException",
            "User is not authorized to perform that",
        ));
    for refusals in 1..3 {
        assert_eq!(estate.deliver(&[message]).await, [""; 0]);
        let [(url, sent, _)] = &estate.sent()[..] else {
            panic!("{:?}", estate.sent())
        };
        assert_eq!(
            (url, &sent["refusals"]),
            (&estate.queues.urls.url, &json!(refusals))
        );
        message = sent.clone();
    }
    assert_eq!(estate.queues.dead_letters().await, [json!(null); 0]);
    assert_eq!(estate.deliver(&[message]).await, [""; 0]);
    let [letter] = &estate.queues.dead_letters().await[..] else {
        panic!("there is one dead letter")
    };
    let role = format!("arn:aws:iam::{}:role/ecs-api", estate.app.account().id);
    let reason = format!(
        "the role `{role}` may not do `ecs:DeleteCluster`: User is not authorized to perform that"
    );
    assert_eq!(letter["reason"], reason);
    assert_eq!(
        (&letter["caller"], &letter["service"], &letter["account"]),
        (&json!("writer"), &json!("webapp"), &json!("nonprod"))
    );

    // Moved back to the queue, it has all the time again.
    estate.app.aws().forget_script();
    assert_eq!(
        (
            letter.get("since"),
            &letter["attempts"],
            &letter["refusals"]
        ),
        (None, &json!(0), &json!(0))
    );
    assert_eq!(estate.deliver(slice::from_ref(letter)).await, [""; 0]);
    assert_eq!(estate.app.account().inventory().await.len(), 1);
}

#[tokio::test]
async fn refusals_count_only_in_a_row() {
    let mut estate = FakeAws::new().await;
    let mut message = estate.queued().await;
    message["refusals"] = json!(2);
    let draining = estate.draining();
    estate
        .app
        .aws()
        .on("ecs:DescribeServices")
        .meets(Fault::answer(&draining));
    estate.deliver(&[message]).await;
    let [(url, sent, _)] = &estate.sent()[..] else {
        panic!("{:?}", estate.sent())
    };
    assert_eq!(
        (url, &sent["refusals"]),
        (&estate.queues.urls.url, &json!(0))
    );
}

#[tokio::test]
async fn what_is_not_done_after_two_hours_is_a_dead_letter_that_says_what_it_waits_for() {
    let mut estate = FakeAws::new().await;
    let mut message = estate.queued().await;
    let (draining, [service, ..]) = (estate.draining(), estate.arns());
    estate
        .app
        .aws()
        .on("ecs:DescribeServices")
        .meets(Fault::answer(&draining));
    for (minutes, is_given_up) in [(119, false), (121, true)] {
        message["since"] =
            json!((Timestamp::now() - SignedDuration::from_mins(minutes)).to_string());
        assert_eq!(estate.deliver(&[message.clone()]).await, [""; 0]);
        let [(url, sent, _)] = &estate.sent()[..] else {
            panic!("{:?}", estate.sent())
        };
        assert_eq!(
            Some(url) == estate.queues.urls.dead_letter_url.as_ref(),
            is_given_up,
            "{minutes}"
        );
        let reason = format!(
            "`{}` waits for 2 tasks to stop; ",
            service.as_str().unwrap()
        );
        assert!(
            sent["reason"].as_str().unwrap().starts_with(&reason),
            "{sent}"
        );
    }
}

#[tokio::test]
async fn throttling_is_no_refusal() {
    let mut estate = FakeAws::new().await;
    let mut message = estate.queued().await;
    message["refusals"] = json!(2);
    estate
        .app
        .aws()
        .on("servicediscovery:DeleteService")
        .meets(Fault::refuse("ThrottlingException", "Rate exceeded"));
    assert_eq!(estate.deliver(&[message]).await, [""; 0]);
    let [(url, sent, delay)] = &estate.sent()[..] else {
        panic!("{:?}", estate.sent())
    };
    assert_eq!(
        (url, &sent["refusals"], *delay),
        (&estate.queues.urls.url, &json!(0), 30)
    );
}

#[tokio::test]
async fn an_sts_that_is_unwell_is_no_refusal_and_one_that_denies_is() {
    for (code, refusals) in [("Throttling", 0), ("AccessDenied", 3)] {
        let mut estate = FakeAws::new().await;
        let mut message = estate.queued().await;
        message["refusals"] = json!(2);
        // A process that has not assumed the role yet.
        let app = TestApp::with_queues(&estate.queues.urls);
        let text = message
            .to_string()
            .replace(&estate.app.account().id, &app.account().id);
        app.aws()
            .on("sts:AssumeRole")
            .meets(Fault::refuse(code, "not now"));
        app.invoke(estate.queues.batch(&[serde_json::from_str(&text).unwrap()]))
            .await
            .unwrap();
        let sent = app.aws().sent("sqs:SendMessage");
        let body: Value = serde_json::from_str(sent[0]["MessageBody"].as_str().unwrap()).unwrap();
        let is_dead = Some(sent[0]["QueueUrl"].as_str().unwrap())
            == estate.queues.urls.dead_letter_url.as_deref();
        assert_eq!(
            (is_dead, body["refusals"].as_i64()),
            (refusals == 3, Some(0)),
            "{code}: {body}"
        );
        let reason = body["reason"].as_str().unwrap();
        assert!(
            reason.contains(&format!(
                "arn:aws:iam::{}:role/ecs-api` can't be assumed",
                app.account().id
            )),
            "{reason}"
        );
    }
}

#[tokio::test]
async fn a_message_that_sqs_had_put_aside_has_all_the_time_again() {
    let mut estate = FakeAws::new().await;
    let mut message = estate.queued().await;
    let draining = estate.draining();
    estate
        .app
        .aws()
        .on("ecs:DescribeServices")
        .meets(Fault::answer(&draining));
    message["since"] = json!((Timestamp::now() - SignedDuration::from_hours(30)).to_string());
    estate.deliver(&[message]).await;
    let [(url, sent, _)] = &estate.sent()[..] else {
        panic!("{:?}", estate.sent())
    };
    assert_eq!(*url, estate.queues.urls.url);
    let since: Timestamp = sent["since"].as_str().unwrap().parse().unwrap();
    assert!(
        Timestamp::now().duration_since(since) < SignedDuration::from_mins(1),
        "{sent}"
    );
}

#[tokio::test]
async fn an_unfinished_message_that_comes_twice_is_finished_by_both() {
    let mut estate = FakeAws::new().await;
    let message = estate.queued().await;
    let draining = estate.draining();
    estate
        .app
        .aws()
        .on("ecs:DescribeServices")
        .meets(Fault::answer(&draining));
    estate.deliver(&[message.clone(), message.clone()]).await;
    let put_back: Vec<_> = estate.sent().into_iter().map(|(_, sent, _)| sent).collect();
    assert_eq!(put_back.len(), 2);
    estate.app.aws().forget_script();
    assert_eq!(estate.deliver(&put_back).await, [""; 0]);
    // The first one, after the ones that followed it.
    assert_eq!(estate.deliver(&[message]).await, [""; 0]);
    assert_eq!(estate.sent(), []);
    assert_eq!(estate.app.account().inventory().await.len(), 1);
}

#[tokio::test]
async fn an_account_that_left_the_configuration_is_a_refusal() {
    let mut estate = FakeAws::new().await;
    let mut message = estate.queued().await;
    message["account"] = json!("gone");
    message["refusals"] = json!(2);
    assert_eq!(estate.deliver(&[message]).await, [""; 0]);
    let [letter] = &estate.queues.dead_letters().await[..] else {
        panic!("there is one dead letter")
    };
    assert_eq!(
        letter["reason"],
        "there is no account `gone` in the configuration"
    );
}

#[tokio::test]
async fn messages_of_a_batch_fail_one_by_one() {
    let mut estate = FakeAws::new().await;
    let message = estate.queued().await;
    let mut unknown = message.clone();
    unknown["account"] = json!("gone");
    estate
        .app
        .aws()
        .on("sqs:SendMessage")
        .meets(Fault::refuse("AccessDenied", "not you"));
    let failed = estate.deliver(&[unknown.clone(), message, unknown]).await;
    assert_eq!(failed, ["message-0", "message-2"]);
    assert_eq!(estate.app.account().inventory().await.len(), 1);
}

#[tokio::test]
async fn a_message_that_is_none_is_a_dead_letter_at_once() {
    let mut estate = FakeAws::new().await;
    assert_eq!(
        estate
            .deliver(&[json!("nonsense"), json!({"account": "nonprod"})])
            .await,
        [""; 0]
    );
    let letters = estate.queues.dead_letters().await;
    assert_eq!(letters.len(), 2);
    let nonsense = letters
        .iter()
        .find(|letter| letter["body"] == "nonsense")
        .unwrap();
    let reason = nonsense["reason"].as_str().unwrap();
    assert!(reason.starts_with("not a message of ecs-api: "), "{reason}");
}

#[tokio::test]
async fn a_panic_fails_its_own_message() {
    let mut estate = FakeAws::new().await;
    let message = estate.queued().await;
    let app = TestApp::with_broken_sdk(Some(estate.queues.urls.clone()));
    let answer = app.invoke(estate.queues.batch(&[message])).await.unwrap();
    assert_eq!(
        answer,
        json!({"batchItemFailures": [{"itemIdentifier": "message-0"}]})
    );
}

#[tokio::test]
async fn what_cannot_be_put_back_is_delivered_again() {
    let mut estate = FakeAws::new().await;
    let message = estate.queued().await;
    let draining = estate.draining();
    estate
        .app
        .aws()
        .on("ecs:DescribeServices")
        .meets(Fault::answer(&draining));
    estate
        .app
        .aws()
        .on("sqs:SendMessage")
        .meets(Fault::refuse("AccessDenied", "not you"));
    assert_eq!(estate.deliver(&[message]).await, ["message-0"]);
}

#[tokio::test]
async fn without_a_place_for_dead_letters_sqs_moves_them_itself() {
    let mut estate = FakeAws::new().await;
    let mut message = estate.queued().await;
    estate.queues.urls.dead_letter_url = None;
    let app = TestApp::with_queues(&estate.queues.urls);
    message["account"] = json!("gone");
    message["refusals"] = json!(2);
    let answer = app.invoke(estate.queues.batch(&[message])).await.unwrap();
    assert_eq!(
        answer,
        json!({"batchItemFailures": [{"itemIdentifier": "message-0"}]})
    );
}

#[tokio::test]
async fn an_empty_look_at_a_silent_aws_is_put_back_in_time() {
    let mut estate = FakeAws::new().await;
    let message = estate.queued().await;
    estate.app.set_time_left(Duration::from_secs(8));
    estate
        .app
        .aws()
        .on("ecs:DescribeServices")
        .meets(Fault::delay(Duration::from_secs(20)));
    assert_eq!(estate.deliver(&[message]).await, [""; 0]);
    assert_eq!(estate.sent().len(), 1);
}

#[tokio::test]
async fn what_cannot_be_queued_is_the_callers_to_repeat() {
    for (operation, is_sent) in [("sqs:SendMessage", true), ("ecs:TagResource", false)] {
        let mut estate = FakeAws::new().await;
        estate.drain().await;
        estate
            .app
            .aws()
            .on(operation)
            .meets(Fault::refuse("AccessDeniedException", "not you"));
        let body = estate.app.delete(RECURSIVE).await.expect(202);
        let repeat =
            "nobody goes on with it: repeat this DELETE, after `Retry-After`, until it answers 200";
        assert_eq!(
            (&body["Queued"], &body["Detail"]),
            (&json!(false), &json!(repeat)),
            "{operation}"
        );
        assert_eq!(
            estate.changes().contains(&"sqs:SendMessage".to_owned()),
            is_sent,
            "{operation}"
        );
    }
}

#[tokio::test]
async fn what_aws_throttles_on_the_way_is_queued() {
    let mut estate = FakeAws::new().await;
    estate
        .app
        .aws()
        .on("servicediscovery:DeleteService")
        .meets(Fault::refuse("ThrottlingException", "Rate exceeded"));
    let body = estate.app.delete(RECURSIVE).await.expect(202);
    let [service, registry, cluster] = estate.arns();
    assert_eq!(
        (&body["Deleted"], &body["Queued"]),
        (&json!([service]), &json!(true))
    );
    let throttled = "`servicediscovery:DeleteService` was refused: Rate exceeded";
    assert_eq!(
        body["Pending"],
        json!([{"Arn": registry, "WaitingFor": throttled}, {"Arn": cluster, "WaitingFor": throttled}])
    );
    assert_eq!(estate.sent().len(), 1);
    estate
        .app
        .aws()
        .on("sqs:SendMessage")
        .meets(Fault::refuse("AccessDenied", "not you"));
    let problem = estate.app.delete(RECURSIVE).await.problem(429);
    assert_eq!(problem["Deleted"], json!([service]));
}

#[tokio::test]
async fn the_same_delete_again_reports_how_far_the_queue_has_come() {
    let mut estate = FakeAws::new().await;
    let message = estate.queued().await;
    estate.deliver(&[message]).await;
    estate.app.aws().forget_calls();
    // AWS describes a deleted cluster for a while; the local AWS forgets it at once.
    let [_, _, cluster] = estate.arns();
    let inactive = json!({"clusterName": "myclu", "clusterArn": cluster, "status": "INACTIVE"});
    estate
        .app
        .aws()
        .on("ecs:DescribeClusters")
        .meets(Fault::answer(
            &json!({"clusters": [inactive], "failures": []}),
        ));
    let body = estate.app.delete(RECURSIVE).await.expect(200);
    assert_eq!(body["Service"]["Status"], "INACTIVE");
    assert_eq!(
        (&body["Deleted"], &body["Kept"]),
        (&json!([cluster]), &json!([]))
    );
    assert_eq!(estate.changes(), [""; 0]);
}

#[tokio::test]
async fn the_same_delete_meanwhile_reports_what_is_pending() {
    let mut estate = FakeAws::new().await;
    let message = estate.queued().await;
    let (draining, mark) = (estate.draining(), message["clusterMark"].clone());
    estate
        .app
        .aws()
        .on("ecs:DescribeServices")
        .meets(Fault::answer(&draining));
    estate.deliver(&[message]).await;
    estate.app.set_time_left(Duration::from_secs(8));
    let body = estate.app.delete(RECURSIVE).await.expect(202);
    assert_eq!(
        body["Pending"][0],
        json!({"Arn": estate.arns()[0], "WaitingFor": "2 tasks to stop"})
    );
    // It has a message of its own, which knows the cluster by the same mark.
    assert_eq!(body["Queued"], true);
    let marks: Vec<_> = estate
        .sent()
        .into_iter()
        .map(|(_, sent, _)| sent["clusterMark"].clone())
        .collect();
    assert_eq!(marks, [mark.clone(), mark]);
}

#[tokio::test]
async fn a_batch_of_another_queue_gets_nowhere() {
    let mut estate = FakeAws::new().await;
    let message = estate.queued().await;
    let before = estate.app.account().inventory().await;
    let ours = estate.queues.batch(&[message]);
    let mut foreign = ours.clone();
    foreign["Records"][0]["eventSourceARN"] = json!("arn:aws:sqs:us-east-1:123456789012:another");
    let mut of_sns = ours.clone();
    of_sns["Records"][0]["eventSource"] = json!("aws:sns");
    let mut with_a_context = ours.clone();
    with_a_context["requestContext"] = json!({});
    for event in [foreign, of_sns, with_a_context, json!({"Records": []})] {
        let error = estate.app.invoke(event.clone()).await.unwrap_err();
        assert!(
            error.starts_with("unknown event: expected"),
            "{event}: {error}"
        );
    }
    assert_eq!(estate.app.account().inventory().await, before);
    let error = TestApp::new().invoke(ours).await.unwrap_err();
    assert!(
        error.ends_with("or a batch of the function's own cleanup queue"),
        "{error}"
    );
}

#[tokio::test]
async fn a_delete_that_is_done_in_time_is_not_queued() {
    let mut estate = FakeAws::new().await;
    let answer = estate.app.delete(RECURSIVE).await.expect(200);
    assert_eq!((answer.get("Queued"), answer.get("Detail")), (None, None));
    assert_eq!(estate.sent(), []);
}

#[tokio::test]
async fn a_message_from_the_future_has_the_time_from_now_on_and_no_more() {
    let mut estate = FakeAws::new().await;
    let mut message = estate.queued().await;
    let draining = estate.draining();
    estate
        .app
        .aws()
        .on("ecs:DescribeServices")
        .meets(Fault::answer(&draining));
    message["since"] = "2999-01-01T00:00:00Z".into();
    assert_eq!(estate.deliver(&[message]).await, [""; 0]);
    let [(_, sent, _)] = &estate.sent()[..] else {
        panic!("{:?}", estate.sent())
    };
    let since = sent["since"].as_str().unwrap();
    assert!(since.starts_with("20") && since < "2900", "{since}");
}
