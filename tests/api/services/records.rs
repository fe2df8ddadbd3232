//! A create happens once, and one that dies leaves nothing: the record, its lease, its generation and its watch.

use std::time::Duration;

use ecs_api::config::LogLevel;
use fake_aws::{Fault, Moment};
use serde_json::{Value, json};

use super::documented;
use crate::secrets::Log;
use crate::support::scripted::{MEMBER, NAMESPACE, ScriptedApp};

/// The longest time after the end of an invocation's lease until what it left is gone.
const AFTER_LEASE: Duration = Duration::from_mins(2);
/// The lease, from the beginning of an invocation.
const LEASE: Duration = Duration::from_secs(35);

fn body() -> Value {
    documented(NAMESPACE)
}

fn count(inventory: &[String], kind: &str) -> usize {
    inventory.iter().filter(|arn| arn.contains(kind)).count()
}

/// Checks that there is one of each part, and nothing else.
#[track_caller]
fn assert_one_of_each(inventory: &[String]) {
    let kinds = [
        ":cluster/",
        ":task-definition/",
        ":servicediscovery:",
        ":service/myclu/",
    ];
    let counts = kinds.map(|kind| count(inventory, kind));
    assert_eq!(counts, [1, 1, 1, 1], "{inventory:?}");
    assert_eq!(inventory.len(), 4, "{inventory:?}");
}

#[tokio::test(start_paused = true)]
async fn a_create_that_is_killed_at_any_call_is_taken_back_or_done_without_its_caller() {
    let mut number = 1;
    loop {
        let mut was_killed = false;
        for moment in [Moment::BeforeWork, Moment::AfterWork] {
            let app = ScriptedApp::new();
            let body = body();
            let create = app.create(None, &body);
            let answer = app.aws.kill_at(number, moment, create).await;
            was_killed = answer.is_none();
            if answer.is_some() {
                break;
            }
            let killed_at = app.aws.operations().last().cloned();
            app.deliver_for(LEASE + AFTER_LEASE).await;
            let left = app.inventory();
            let is_done = left.iter().any(|arn| arn.contains(":service/myclu/"));
            if is_done {
                assert_one_of_each(&left);
            } else {
                assert_eq!(
                    left, [""; 0],
                    "killed at call {number}, {killed_at:?}, {moment:?}"
                );
            }
        }
        if !was_killed {
            break;
        }
        number += 1;
    }
    assert!(number > 10, "only {number} calls were made");
}

#[tokio::test(start_paused = true)]
async fn the_log_says_whose_create_a_watch_has_taken_back_and_what_of_it() {
    for (operation, expected) in [
        ("ecs:DescribeServices", "nothing was there to take back"),
        ("ecs:CreateService", "taken back: arn:aws:"),
    ] {
        let app = ScriptedApp::new();
        app.aws.on(operation).once().meets(Fault::silence());
        let body = body();
        tokio::select! {
            answer = app.create(None, &body) => panic!("{}", answer.text()),
            () = async {
                for call in ["dynamodb:PutItem", "sqs:SendMessage", operation] {
                    app.aws.until_called(call).await;
                }
                tokio::time::sleep(Duration::from_secs(1)).await;
            } => {}
        }
        let (log, _guard) = Log::start(LogLevel::Info);
        app.deliver_for(LEASE + AFTER_LEASE).await;
        let line = log
            .lines()
            .into_iter()
            .find(|line| line["message"] == "watch: done");
        let line = line.expect("a watch that found a dead create says so");
        assert_eq!(
            (&line["cluster"], &line["service"]),
            (&json!("myclu"), &json!("webapp")),
            "{line}"
        );
        let cause = line["cause"].as_str().unwrap_or_default();
        assert!(cause.starts_with(expected), "{line}");
        assert_eq!(app.inventory(), [""; 0]);
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_user_does_before_the_watch_comes_stays() {
    // Killed once the revision, the registry and the cluster are made, and before the service is.
    let app = ScriptedApp::new();
    app.aws.on("ecs:CreateService").meets(Fault::silence());
    let killed = {
        let body = body();
        let create = app.create(None, &body);
        tokio::select! {
            answer = create => Some(answer),
            () = app.aws.until_called("ecs:CreateService") => None,
        }
    };
    assert!(killed.is_none());
    app.aws.forget_script();
    let left = app.inventory();
    let revision = left
        .iter()
        .find(|arn| arn.contains(":task-definition/"))
        .unwrap();
    let registry = left
        .iter()
        .find(|arn| arn.contains(":servicediscovery:"))
        .unwrap();
    // Another service of the same cluster runs the same revision; one of another cluster uses the registry.
    let network = json!({"awsvpcConfiguration": {"subnets": ["subnet-1"]}});
    app.aws
        .put(
            MEMBER,
            "ecs:CreateCluster",
            &json!({"clusterName": "other"}),
        )
        .unwrap();
    for (cluster, name, registries) in [
        ("myclu", "mine", json!([])),
        ("other", "yours", json!([{"registryArn": registry}])),
    ] {
        let service = json!({"cluster": cluster, "serviceName": name, "taskDefinition": revision, "desiredCount": 0,
            "launchType": "FARGATE", "networkConfiguration": network, "serviceRegistries": registries});
        app.aws.put(MEMBER, "ecs:CreateService", &service).unwrap();
    }
    let before = app.inventory();
    app.deliver_for(LEASE + AFTER_LEASE).await;
    assert_eq!(app.inventory(), before);
    assert_eq!(app.record()["state"], json!({"S": "undone"}));
}

#[tokio::test(start_paused = true)]
async fn a_service_that_its_user_deleted_before_the_watch_came_is_done() {
    let app = ScriptedApp::new();
    // The service is made, and the function dies before it can say so.
    app.aws
        .on("ecs:CreateService")
        .meets(Fault::silence().after_work());
    let killed = {
        let body = body();
        let create = app.create(None, &body);
        tokio::select! {
            answer = create => Some(answer),
            () = app.aws.until_called("ecs:CreateService") => None,
        }
    };
    assert!(killed.is_none());
    tokio::time::sleep(Duration::from_secs(1)).await;
    app.aws.forget_script();
    let delete = json!({"cluster": "myclu", "service": "webapp", "force": true});
    app.aws.put(MEMBER, "ecs:DeleteService", &delete).unwrap();
    let before = app.inventory();
    app.deliver_for(LEASE + AFTER_LEASE).await;
    assert_eq!(app.inventory(), before);
    assert_eq!(app.record()["state"], json!({"S": "done"}));
}

#[tokio::test(start_paused = true)]
async fn each_revision_that_a_dead_create_has_registered_goes_with_the_same_request_again() {
    let app = ScriptedApp::new();
    // AWS registers one more, after it was asked again.
    let late = Fault::reset().and_work_later(Duration::from_secs(5));
    app.aws.on("ecs:RegisterTaskDefinition").once().meets(late);
    app.aws.on("ecs:CreateService").meets(Fault::silence());
    let request = body();
    tokio::select! {
        answer = app.create(Some("k"), &request) => panic!("{}", answer.text()),
        () = app.aws.until_called("ecs:CreateService") => {}
    }
    tokio::time::sleep(LEASE).await;
    assert_eq!(count(&app.inventory(), ":task-definition/"), 2);
    app.aws.forget_script();
    let refusal = Fault::refuse("InvalidParameterException", "no");
    app.aws.on("ecs:CreateService").meets(refusal);
    let problem = app.create(Some("k"), &request).await.problem(400);
    assert_eq!(app.inventory(), [""; 0]);
    let gone = problem["RolledBack"].as_array().unwrap().iter();
    let gone: Vec<_> = gone
        .map(|gone| gone["Arn"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(count(&gone, ":task-definition/"), 2, "{problem}");
    assert_eq!(problem["LeftBehind"], json!([]));
}

#[tokio::test(start_paused = true)]
async fn two_processes_with_one_key_at_the_same_moment_make_one_of_each_and_take_no_longer() {
    let latency = Duration::from_millis(40);
    let alone = {
        let app = ScriptedApp::new();
        app.aws.set_latency(latency);
        let begun = tokio::time::Instant::now();
        app.create(Some("k"), &body()).await.expect(200);
        begun.elapsed()
    };
    let one = ScriptedApp::new();
    let other = one.another_process("other");
    one.aws.set_latency(latency);
    other.aws.set_latency(latency);
    let begun = tokio::time::Instant::now();
    let request = body();
    let (first, second) = tokio::join!(
        one.create(Some("k"), &request),
        other.create(Some("k"), &request)
    );
    let together = begun.elapsed();
    assert_eq!(
        super::arns(&first.expect(200)),
        super::arns(&second.expect(200))
    );
    assert_one_of_each(&one.inventory());
    assert!(
        together < alone + Duration::from_secs(1),
        "alone {alone:?}, together {together:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_second_request_after_the_first_ones_process_died_goes_on_with_it() {
    let mut number = 1;
    loop {
        let app = ScriptedApp::new();
        let answer = app
            .aws
            .kill_at(number, Moment::AfterWork, app.create(Some("k"), &body()))
            .await;
        if answer.is_some() {
            break;
        }
        let was_begun = !app
            .aws
            .items(fake_aws::HUB, crate::support::scripted::TABLE)
            .is_empty();
        // Before the lease is over nobody knows that it died.
        let too_early = app.create(Some("k"), &body()).await;
        if was_begun && too_early.status == 409 {
            let problem = too_early.problem(409);
            assert_eq!(problem["code"], "RequestUnderWay", "{number}");
            assert_eq!(problem["retryable"], true);
            assert!(too_early.header("retry-after").is_some());
        } else {
            too_early.expect(200);
        }
        tokio::time::sleep(LEASE).await;
        app.create(Some("k"), &body()).await.expect(200);
        assert_one_of_each(&app.inventory());
        // The watches of both find nothing to do.
        app.deliver_for(LEASE + AFTER_LEASE).await;
        assert_one_of_each(&app.inventory());
        number += 1;
    }
    assert!(number > 10, "only {number} calls were made");
}

#[tokio::test(start_paused = true)]
async fn a_second_request_that_fails_takes_back_what_the_first_ones_process_left() {
    let mut number = 1;
    loop {
        let app = ScriptedApp::new();
        let answer = app
            .aws
            .kill_at(number, Moment::AfterWork, app.create(Some("k"), &body()))
            .await;
        if answer.is_some()
            || app
                .aws
                .operations()
                .contains(&"ecs:CreateService".to_owned())
        {
            break;
        }
        tokio::time::sleep(LEASE).await;
        app.aws
            .on("ecs:CreateService")
            .meets(Fault::refuse("ClientException", "no"));
        let problem = app.create(Some("k"), &body()).await.problem(400);
        assert_eq!(problem["LeftBehind"], json!([]), "{number}");
        assert_eq!(app.inventory(), [""; 0], "{number}");
        // The watches of both find nothing to do.
        app.deliver_for(LEASE + AFTER_LEASE).await;
        assert_eq!(app.inventory(), [""; 0], "{number}");
        number += 1;
    }
    assert!(number > 8, "only {number} calls were made");
}

#[tokio::test(start_paused = true)]
async fn after_a_delete_and_after_a_day_the_same_key_begins_anew() {
    let app = ScriptedApp::new();
    app.aws.circumstances(MEMBER, |account| {
        account.drains_on = Duration::from_mins(1);
    });
    let first = app.create(Some("k"), &body()).await.expect(200);
    let again = app.create(Some("k"), &body()).await.expect(200);
    assert_eq!(super::arns(&first), super::arns(&again));
    let generation = app.record()["generation"].clone();

    let query = "/nonprod/services?cluster=myclu&service=webapp";
    app.send("DELETE", query, None, &json!({}))
        .await
        .expect(200);
    let draining = app.create(Some("k"), &body()).await;
    assert_eq!(draining.problem(409)["code"], "Draining");
    tokio::time::sleep(Duration::from_mins(10)).await;
    let anew = app.create(Some("k"), &body()).await.expect(200);
    assert_ne!(app.record()["generation"], generation);
    let revision = |answer: &Value| answer["TaskDefinition"]["Revision"].clone();
    assert_eq!((revision(&first), revision(&anew)), (json!(1), json!(2)));
    // The revision of before is another generation's, and stays.
    assert_eq!(count(&app.inventory(), ":task-definition/"), 2);

    tokio::time::sleep(Duration::from_hours(25)).await;
    let after_a_day = app.create(Some("k"), &body()).await;
    assert_eq!(after_a_day.problem(409)["code"], "AlreadyExists");
    assert_eq!(app.record()["state"], json!({"S": "undone"}));
}

#[tokio::test(start_paused = true)]
async fn a_create_that_begins_anew_and_is_killed_at_any_call_is_taken_back_or_done_without_its_caller()
 {
    let mut number = 1;
    loop {
        let app = ScriptedApp::new();
        app.create(Some("k"), &body()).await.expect(200);
        let query = "/nonprod/services?cluster=myclu&service=webapp&recursive=true";
        app.send("DELETE", query, None, &json!({})).await;
        app.deliver_for(AFTER_LEASE).await;
        // The revision is of the generation before, and stays.
        let before = app.inventory();
        assert_eq!(before.len(), 1, "{before:?}");
        // From its beginning to its reopening time passes.
        app.aws.set_latency(Duration::from_millis(20));
        let body = body();
        let create = app.create(Some("k"), &body);
        let answer = app.aws.kill_at(number, Moment::AfterWork, create).await;
        if answer.is_some() {
            break;
        }
        app.aws.set_latency(Duration::ZERO);
        let killed_at = app.aws.operations().last().cloned();
        app.deliver_for(LEASE + AFTER_LEASE).await;
        let mut left = app.inventory();
        left.retain(|arn| !before.contains(arn));
        if count(&left, ":service/myclu/") > 0 {
            assert_one_of_each(&left);
        } else {
            assert_eq!(left, [""; 0], "killed at call {number}, {killed_at:?}");
        }
        number += 1;
    }
    assert!(number > 10, "only {number} calls were made");
}

#[tokio::test(start_paused = true)]
async fn a_key_with_another_body_is_a_conflict_whatever_the_two_have_in_common() {
    let nothing_in_common = json!({
        "cluster": {"clusterName": "elsewhere"},
        "taskDefinition": {"family": "different", "cpu": "256", "memory": "512",
                           "containerDefinitions": [{"name": "web", "image": "nginx"}]},
        "service": {"serviceName": "unlike", "desiredCount": 0},
    });
    for moment in [None, Some(Moment::BeforeWork)] {
        let app = ScriptedApp::new();
        match moment {
            None => {
                app.create(Some("k"), &body()).await.expect(200);
            }
            Some(moment) => {
                let body = body();
                let create = app.create(Some("k"), &body);
                assert!(app.aws.kill_at(9, moment, create).await.is_none());
                tokio::time::sleep(LEASE).await;
            }
        }
        let before = app.inventory();
        let answer = app.create(Some("k"), &nothing_in_common).await;
        let problem = answer.problem(409);
        assert_eq!(problem["code"], "IdempotencyKeyReused");
        assert_eq!(problem["retryable"], false);
        assert_eq!(app.inventory(), before);
    }
}

#[tokio::test(start_paused = true)]
async fn a_table_and_a_queue_out_of_reach_refuse_before_anything_is_changed() {
    let throttled = Fault::refuse("ThrottlingException", "Rate exceeded");
    for operation in ["dynamodb:PutItem", "sqs:SendMessage"] {
        for fault in [
            Fault::silence(),
            Fault::reset(),
            Fault::fail(503),
            throttled.clone(),
            Fault::refuse("AccessDeniedException", "not authorized"),
            Fault::refuse("ResourceNotFoundException", "Requested resource not found"),
        ] {
            for key in [None, Some("k")] {
                let app = ScriptedApp::new();
                app.aws.on(operation).meets(fault.clone());
                let answer = app.create(key, &body()).await;
                let problem = answer.problem(503);
                assert_eq!(problem["retryable"], true, "{operation} {fault:?}");
                assert!(
                    answer.header("retry-after").is_some(),
                    "{operation} {fault:?}"
                );
                assert_eq!(app.inventory(), [""; 0], "{operation} {fault:?}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_of_the_record_that_the_sdk_repeats_is_the_requests_own() {
    let app = ScriptedApp::new();
    app.aws
        .on("dynamodb:PutItem")
        .once()
        .meets(Fault::fail(500).after_work());
    app.create(Some("k"), &body()).await.expect(200);
    assert_one_of_each(&app.inventory());
    let puts = app.aws.operations();
    let puts = puts.iter().filter(|call| *call == "dynamodb:PutItem");
    assert_eq!(puts.count(), 3);
}

#[tokio::test(start_paused = true)]
async fn an_end_that_can_not_be_written_is_found_out_by_the_watch() {
    let app = ScriptedApp::new();
    app.aws
        .on("dynamodb:PutItem")
        .since(2)
        .meets(Fault::reset());
    app.create(None, &body()).await.expect(200);
    assert_eq!(app.record()["state"], json!({"S": "running"}));
    app.aws.forget_script();
    app.deliver_for(LEASE + AFTER_LEASE).await;
    assert_eq!(app.record()["state"], json!({"S": "done"}));
    assert_one_of_each(&app.inventory());
}

#[tokio::test(start_paused = true)]
async fn two_requests_that_create_in_one_new_cluster_at_once_both_succeed() {
    let app = ScriptedApp::new();
    app.aws.set_uneven_latency();
    let request = |name: &str, family: &str| {
        let mut body = body();
        body["service"]["servicename"] = name.into();
        body["taskdefinition"]["family"] = family.into();
        body["serviceregistry"]["name"] = name.into();
        body
    };
    let (one, other) = (request("one", "one"), request("other", "other"));
    let (first, second) = tokio::join!(app.create(None, &one), app.create(None, &other));
    first.expect(200);
    second.expect(200);
    assert_eq!(count(&app.inventory(), ":cluster/"), 1);
    assert_eq!(count(&app.inventory(), ":service/myclu/"), 2);
}

#[tokio::test(start_paused = true)]
async fn an_undo_takes_nothing_of_another_request_in_the_same_new_cluster() {
    for seed in 1..=8 {
        let app = ScriptedApp::new();
        let other = app.another_process("other");
        app.aws.set_latency(Duration::from_millis(10 * seed));
        other.aws.set_latency(Duration::from_millis(25));
        app.aws
            .on("ecs:CreateService")
            .meets(Fault::refuse("ClientException", "no"));
        let mut second = body();
        second["service"]["servicename"] = "other".into();
        second["taskdefinition"]["family"] = "other".into();
        second["serviceregistry"]["name"] = "other".into();
        let first = body();
        let (refused, created) =
            tokio::join!(app.create(None, &first), other.create(None, &second));
        refused.expect(400);
        created.expect(200);
        assert_one_of_each(&app.inventory());
    }
}

#[tokio::test(start_paused = true)]
async fn an_undo_keeps_what_another_service_begins_to_use_meanwhile() {
    // A refusal, and an answer that is not waited for any longer.
    for fault in [
        Fault::refuse("ResourceInUse", "it has instances"),
        Fault::silence(),
    ] {
        let app = ScriptedApp::new();
        let put = |operation: &str, input: &Value| app.aws.put(MEMBER, operation, input).unwrap();
        put("ecs:CreateCluster", &json!({"clusterName": "other"}));
        let definition = json!({"family": "other", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "cpu": "256",
            "memory": "512", "containerDefinitions": [{"name": "web", "image": "nginx:1.27"}]});
        put("ecs:RegisterTaskDefinition", &definition);
        app.aws
            .on("ecs:CreateService")
            .meets(Fault::refuse("ClientException", "no"));
        app.aws
            .on("servicediscovery:DeleteService")
            .once()
            .meets(fault);
        let begin_to_use = async {
            tokio::time::sleep(Duration::from_millis(250)).await;
            let inventory = app.inventory();
            let registry = inventory.iter().find(|arn| arn.contains(":service/srv-"));
            let service = json!({"cluster": "other", "serviceName": "other", "taskDefinition": "other:1", "desiredCount": 0,
                "launchType": "FARGATE", "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-1"]}},
                "serviceRegistries": [{"registryArn": registry.expect("it is there yet")}]});
            put("ecs:CreateService", &service);
        };
        let body = body();
        let (refused, ()) = tokio::join!(app.create(None, &body), begin_to_use);
        let problem = refused.problem(400);
        assert_eq!(count(&app.inventory(), ":service/srv-"), 1, "{problem}");
        assert!(
            problem.to_string().contains("the service `other` uses it"),
            "{problem}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_function_without_a_table_creates_and_refuses_keys_by_name() {
    let app = ScriptedApp::without_stack();
    let refused = app.create(Some("k"), &body()).await;
    let problem = refused.problem(400);
    assert_eq!(problem["errors"][0]["path"], "Idempotency-Key");
    assert_eq!(app.aws.operations(), [""; 0]);
    app.create(None, &body()).await.expect(200);
    assert_one_of_each(&app.inventory());
    let calls = app.aws.operations();
    assert!(
        !calls
            .iter()
            .any(|call| call.starts_with("dynamodb:") || call.starts_with("sqs:"))
    );
}

#[tokio::test(start_paused = true)]
async fn a_record_holds_names_digests_and_arns_and_no_other_member_of_a_body() {
    let app = ScriptedApp::new();
    app.create(Some("a-key-of-mine"), &body()).await.expect(200);
    let record = app.record();
    let mut names: Vec<_> = record
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    names.sort_unstable();
    let expected = [
        "account",
        "arns",
        "body",
        "expires",
        "generation",
        "id",
        "lease",
        "names",
        "owner",
        "state",
        "version",
    ];
    assert_eq!(names, expected);
    let text = record.to_string();
    for hidden in ["a-key-of-mine", "nginx", "subnet", "sg-", "arn:aws:iam"] {
        assert!(!text.contains(hidden), "{hidden}: {text}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_short_invocation_keeps_a_share_of_its_time_for_the_undo() {
    for seconds in [5, 8, 15] {
        let mut app = ScriptedApp::new();
        app.set_time_left(Duration::from_secs(seconds));
        app.create(None, &body()).await.expect(200);
        let mut app = ScriptedApp::new();
        app.set_time_left(Duration::from_secs(seconds));
        app.aws
            .on("ecs:CreateService")
            .meets(Fault::refuse("ClientException", "no"));
        app.create(None, &body()).await.expect(400);
        assert_eq!(app.inventory(), [""; 0], "{seconds} s");
    }
}

#[tokio::test(start_paused = true)]
async fn a_create_takes_three_trips_and_a_short_one_and_two_where_everything_is_there() {
    let app = ScriptedApp::new();
    app.aws.set_latency(Duration::from_millis(100));
    app.send("GET", "/nonprod/clusters", None, &json!({}))
        .await
        .expect(200);
    app.aws.forget_calls();
    let begun = tokio::time::Instant::now();
    app.create(None, &body()).await.expect(200);
    let all_new = (app.aws.depth(), begun.elapsed());
    assert_eq!(all_new.0, 4, "{:?}", app.aws.operations());
    assert!(all_new.1 < Duration::from_millis(450), "{:?}", all_new.1);

    let existing = json!({"service": {"cluster": "myclu", "taskDefinition": "mytaskdef", "serviceName": "second",
        "desiredCount": 0}});
    app.aws.forget_calls();
    app.create(None, &existing).await.expect(200);
    assert_eq!(app.aws.depth(), 3, "{:?}", app.aws.operations());
}
