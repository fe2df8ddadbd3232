//! Rules of real AWS, each with its source and with what the function makes of it. Those that break the function today
//! are listed; the list may only shrink: what passes must leave it.
//!
//! `cargo test --test api -- known_breaks --nocapture` prints them.

use std::pin::Pin;
use std::thread;
use std::time::Duration;

use fake_aws::FakeAws;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::services::documented;
use crate::support::TestApp;

const NAMESPACE: &str = "ns-y3uaw6neshhbev3f";

/// The rules that break the function today.
const KNOWN_BREAKS: &[&str] = &[];

type Shown = Pin<Box<dyn Future<Output = ()>>>;

/// A rule of AWS, and what shows that the function lives with it.
struct Rule {
    name: &'static str,
    source: &'static str,
    shows: fn(TestApp) -> Shown,
}

macro_rules! rules {
    ($($name:literal, $source:literal, $shows:ident;)*) => {
        [$(Rule { name: $name, source: $source, shows: |app| Box::pin($shows(app)) }),*]
    };
}

fn rules() -> impl IntoIterator<Item = Rule> {
    rules! {
        "CreateCluster of a name that another request has just made is refused where tags differ",
            "[ecs/controls #10, #11]", two_services_are_made_in_one_new_cluster_at_once;
        "DeleteCluster is accepted while a service is DRAINING, once its tasks are STOPPED",
            "[ecs/services #194]", a_recursive_delete_does_not_wait_for_the_end_of_the_drain;
        "an Express Mode service is deleted by a call of its own",
            "https://github.com/ekristen/aws-nuke/issues/982", an_express_service_is_deleted;
        "a cluster with capacity providers of its own can't be deleted: ClientException",
            "https://github.com/ekristen/aws-nuke/issues/990", a_cluster_with_own_capacity_is_kept;
        "a cluster with daemons can't be deleted: ClientException",
            "https://github.com/ekristen/aws-nuke/issues/990", a_cluster_with_daemons_is_kept;
        "DescribeTasks says MISSING for a second or three after RunTask",
            "https://github.com/boto/boto3/issues/3393", a_task_that_was_just_started_is_shown;
        "the service has SRV records: ECS demands a container and its port",
            "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ServiceRegistry.html",
            the_port_of_srv_records_is_that_of_the_only_mapping;
        "DesiredCount is missing, after everything else is made",
            "[ecs/services #35]", a_count_that_is_missing_is_found_before_the_first_change;
        "tags on services are refused where ARNs are short",
            "https://github.com/hashicorp/terraform-provider-aws/pull/6486", short_arns_leave_nothing_behind;
        "a role that may not be passed: AccessDenied",
            "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/security_iam_troubleshoot.html",
            a_role_that_may_not_be_passed_is_a_403;
        "a registry of a namespace that another account shares can't be tagged",
            "https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/2472",
            a_registry_in_a_shared_namespace_is_refused_before_the_first_change;
        "pages of a log are empty at times, with more to come",
            "[logs/ingestion visibility-events-5]", all_events_are_shown_although_pages_are_empty;
        "the forward token of a stream that is written to never repeats",
            "https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetLogEvents.html",
            a_live_log_ends_after_some_pages;
        "ECS forgets at times to deregister the instances of stopped tasks",
            "https://github.com/spinnaker/spinnaker/issues/5542", instances_that_ecs_forgot_are_deregistered;
        "a service of another cluster may use a registry without an instance",
            "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ServiceRegistry.html",
            a_registry_that_a_service_of_another_cluster_uses_is_kept;
        "a service without tasks is DRAINING for some seconds, and its name can't be used",
            "[ecs/services #164]", a_name_that_drains_is_a_409_with_retry_after;
        "DeleteService of what is not there has an empty message",
            "[ecs/services #28]", an_empty_message_gets_words;
        "a task's role can't be assumed yet",
            "[ecs/task_role_trust #44-#47]", a_role_that_can_not_be_assumed_yet_is_a_409;
    }
}

fn with_namespace(app: TestApp) -> TestApp {
    let account = app.account().id.clone();
    app.aws()
        .put_namespace(&account, NAMESPACE, "demo.internal");
    app
}

/// Returns whether anything was made, or is about to be.
fn changes(aws: &FakeAws) -> Vec<String> {
    let mut operations = aws.operations();
    operations.retain(|call| {
        let name = call.split(':').nth(1).unwrap_or_default();
        [
            "Create",
            "Register",
            "Update",
            "Delete",
            "Deregister",
            "Run",
            "Tag",
        ]
        .iter()
        .any(|verb| name.starts_with(verb))
    });
    operations
}

async fn create(app: &TestApp) -> Value {
    app.post("/nonprod/services", &documented(NAMESPACE))
        .await
        .expect(200)
}

const DELETE: &str = "/nonprod/services?cluster=myclu&service=webapp&recursive=true";

async fn two_services_are_made_in_one_new_cluster_at_once(app: TestApp) {
    let app = with_namespace(app);
    app.aws().set_uneven_latency();
    let twin = app.scripted_twin();
    twin.aws().set_uneven_latency();
    let mut other = documented(NAMESPACE);
    other["service"]["servicename"] = "other".into();
    other["taskdefinition"]["family"] = "other".into();
    other["serviceregistry"]["name"] = "other".into();
    let (body, path) = (documented(NAMESPACE), "/nonprod/services");
    let (one, two) = tokio::join!(app.post(path, &body), twin.post(path, &other));
    one.expect(200);
    two.expect(200);
}

async fn a_recursive_delete_does_not_wait_for_the_end_of_the_drain(app: TestApp) {
    let app = with_namespace(app);
    create(&app).await;
    app.aws().circumstances(&app.account().id, |account| {
        account.stops_after = Duration::from_secs(5);
        account.drains_on = Duration::from_mins(1);
    });
    app.delete(DELETE).await.expect(200);
}

async fn an_express_service_is_deleted(app: TestApp) {
    let app = with_namespace(app);
    create(&app).await;
    app.aws().circumstances(&app.account().id, |account| {
        account.express_services.push("webapp".to_owned());
    });
    app.delete(DELETE).await.expect(200);
}

async fn a_cluster_with_own_capacity_is_kept(app: TestApp) {
    let app = with_namespace(app);
    create(&app).await;
    app.aws().circumstances(&app.account().id, |account| {
        account.clusters_with_own_capacity.push("myclu".to_owned());
    });
    let answer = app.delete(DELETE).await.expect(200);
    let kept = answer["Kept"][0]["Arn"].as_str().unwrap();
    assert!(kept.ends_with(":cluster/myclu"), "{answer}");
}

async fn a_cluster_with_daemons_is_kept(app: TestApp) {
    let app = with_namespace(app);
    create(&app).await;
    app.aws().circumstances(&app.account().id, |account| {
        account.clusters_with_daemons.push("myclu".to_owned());
    });
    let answer = app.delete(DELETE).await.expect(200);
    let kept = answer["Kept"][0]["Arn"].as_str().unwrap();
    assert!(kept.ends_with(":cluster/myclu"), "{answer}");
}

async fn a_task_that_was_just_started_is_shown(app: TestApp) {
    let app = with_namespace(app);
    create(&app).await;
    app.aws().circumstances(&app.account().id, |account| {
        account.missing_for = Duration::from_secs(3);
    });
    let body = json!({"taskDefinition": "mytaskdef"});
    let run = app
        .post("/nonprod/clusters/myclu/tasks", &body)
        .await
        .expect(200);
    let arn = run["Tasks"][0]["TaskArn"].as_str().unwrap();
    let id = arn.rsplit('/').next().unwrap();
    let shown = app
        .get(&format!("/nonprod/clusters/myclu/tasks/{id}"))
        .await;
    shown.expect(200);
}

async fn the_port_of_srv_records_is_that_of_the_only_mapping(app: TestApp) {
    let app = with_namespace(app);
    let mut body = documented(NAMESPACE);
    body["serviceregistry"]["dnsconfig"]["dnsrecords"] = json!([{"ttl": 30, "type": "SRV"}]);
    body["taskdefinition"]["containerdefinitions"][0]["ports"] = json!([80]);
    app.post("/nonprod/services", &body).await.expect(200);
}

async fn a_count_that_is_missing_is_found_before_the_first_change(app: TestApp) {
    let app = with_namespace(app);
    let mut body = documented(NAMESPACE);
    body["service"]
        .as_object_mut()
        .unwrap()
        .shift_remove("desiredcount");
    app.post("/nonprod/services", &body).await.expect(400);
    assert_eq!(changes(app.aws()), [""; 0]);
}

async fn short_arns_leave_nothing_behind(app: TestApp) {
    let app = with_namespace(app);
    app.aws()
        .circumstances(&app.account().id, |account| account.has_long_arns = false);
    let before = app.aws().things(&app.account().id);
    let answer = app
        .post("/nonprod/services", &documented(NAMESPACE))
        .await
        .expect(400);
    assert_eq!(app.aws().things(&app.account().id), before, "{answer}");
}

async fn a_role_that_may_not_be_passed_is_a_403(app: TestApp) {
    let app = with_namespace(app);
    app.aws().circumstances(&app.account().id, |account| {
        account.passable_roles = Some(Vec::new());
    });
    let answer = app
        .post("/nonprod/services", &documented(NAMESPACE))
        .await
        .expect(403);
    assert_eq!(app.aws().things(&app.account().id), [], "{answer}");
}

async fn a_registry_in_a_shared_namespace_is_refused_before_the_first_change(app: TestApp) {
    let app = with_namespace(app);
    app.aws().circumstances(&app.account().id, |account| {
        account.shared_namespaces.push(NAMESPACE.to_owned());
    });
    let body = documented(NAMESPACE);
    let answer = app.post("/nonprod/services", &body).await.expect(400);
    assert_eq!(answer["errors"][0]["path"], "serviceRegistry.NamespaceId");
    assert_eq!(changes(app.aws()), [""; 0], "{answer}");
    // What the refusal says.
    let made = app
        .post(
            "/nonprod/servicediscovery/services",
            &body["serviceregistry"],
        )
        .await
        .expect(200);
    let mut named = body.clone();
    named["service"]["serviceregistries"] = json!([{"registryarn": made["Service"]["Arn"]}]);
    app.post("/nonprod/services", &named).await.expect(200);
}

/// Makes the documented service, whose task has written nine lines.
async fn logged(app: TestApp) -> (TestApp, String) {
    let app = with_namespace(app);
    create(&app).await;
    let account = &app.account().id;
    let tasks = app.get("/nonprod/clusters/myclu/tasks").await.expect(200);
    let id = tasks[0]
        .as_str()
        .unwrap()
        .rsplit('/')
        .next()
        .unwrap()
        .to_owned();
    let stream =
        json!({"logGroupName": "myclu", "logStreamName": format!("webapp/webserver/{id}")});
    let mut events = stream.clone();
    let event = |number: u32| json!({"timestamp": number, "message": number.to_string()});
    events["logEvents"] = (1..10).map(event).collect::<Vec<_>>().into();
    for (operation, input) in [
        ("logs:CreateLogGroup", json!({"logGroupName": "myclu"})),
        ("logs:CreateLogStream", stream),
        ("logs:PutLogEvents", events),
    ] {
        app.aws().put(account, operation, &input).unwrap();
    }
    let path =
        format!("/nonprod/clusters/myclu/services/webapp/logs?task={id}&container=webserver");
    (app, path)
}

async fn all_events_are_shown_although_pages_are_empty(app: TestApp) {
    let (app, path) = logged(app).await;
    app.aws().circumstances(&app.account().id, |account| {
        account.has_empty_log_pages = true;
    });
    let answer = app
        .get(&format!("{path}&startFromHead=true"))
        .await
        .expect(200);
    assert_eq!(answer["Events"].as_array().unwrap().len(), 9, "{answer}");
}

async fn a_live_log_ends_after_some_pages(app: TestApp) {
    let (app, path) = logged(app).await;
    app.aws()
        .circumstances(&app.account().id, |account| account.has_live_logs = true);
    app.aws().set_latency(Duration::from_millis(100));
    let began = Instant::now();
    app.get(&format!("{path}&startFromHead=true"))
        .await
        .expect(200);
    assert!(
        began.elapsed() < Duration::from_secs(10),
        "{:?}",
        began.elapsed()
    );
}

async fn instances_that_ecs_forgot_are_deregistered(app: TestApp) {
    let app = with_namespace(app);
    create(&app).await;
    app.aws()
        .circumstances(&app.account().id, |account| account.keeps_instances = true);
    app.delete(DELETE).await.expect(200);
}

async fn a_registry_that_a_service_of_another_cluster_uses_is_kept(app: TestApp) {
    let app = with_namespace(app);
    let made = create(&app).await;
    let account = &app.account().id;
    let registry = &made["ServiceDiscoveryService"]["Arn"];
    let service = json!({"cluster": "other", "serviceName": "user", "taskDefinition": "mytaskdef", "desiredCount": 0,
        "serviceRegistries": [{"registryArn": registry}]});
    let cluster = json!({"clusterName": "other"});
    app.aws()
        .put(account, "ecs:CreateCluster", &cluster)
        .unwrap();
    app.aws()
        .put(account, "ecs:CreateService", &service)
        .unwrap();
    let answer = app.delete(DELETE).await.expect(200);
    let kept = answer["Kept"].as_array().unwrap();
    assert!(kept.iter().any(|kept| kept["Arn"] == *registry), "{answer}");
}

async fn a_name_that_drains_is_a_409_with_retry_after(app: TestApp) {
    let app = with_namespace(app);
    create(&app).await;
    app.aws().circumstances(&app.account().id, |account| {
        account.drains_on = Duration::from_mins(1);
    });
    app.delete("/nonprod/clusters/myclu/services/webapp")
        .await
        .expect(200);
    let mut body = documented(NAMESPACE);
    body["serviceregistry"]["name"] = "other".into();
    let answer = app.post("/nonprod/services", &body).await;
    answer.expect(409);
    assert!(answer.header("retry-after").is_some());
}

async fn an_empty_message_gets_words(app: TestApp) {
    let app = with_namespace(app);
    create(&app).await;
    let answer = app
        .delete("/nonprod/clusters/myclu/services/other")
        .await
        .expect(404);
    let detail = answer["detail"].as_str().unwrap();
    assert!(!detail.trim_end().ends_with(':'), "{answer}");
}

async fn a_role_that_can_not_be_assumed_yet_is_a_409(app: TestApp) {
    let app = with_namespace(app);
    let role = format!("arn:aws:iam::{}:role/young", app.account().id);
    create(&app).await;
    app.aws().circumstances(&app.account().id, |account| {
        account.unassumable_roles.push(role.clone());
    });
    let body = json!({"taskDefinition": "mytaskdef", "overrides": {"taskRoleArn": role}});
    let answer = app.post("/nonprod/clusters/myclu/tasks", &body).await;
    answer.expect(409);
    assert!(answer.header("retry-after").is_some());
}

/// Returns `true` if a function lives with a rule: what shows it does not panic.
fn is_lived_with(rule: &Rule) -> bool {
    let shows = rule.shows;
    let thread = thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build();
        let runtime = runtime.expect("a runtime");
        runtime.block_on(async { shows(TestApp::scripted()).await });
    });
    thread.join().is_ok()
}

#[test]
fn what_breaks_at_real_aws_is_known_and_nothing_else_breaks() {
    let (mut mended, mut new) = (Vec::new(), Vec::new());
    for rule in rules() {
        let is_known = KNOWN_BREAKS.contains(&rule.name);
        match (is_lived_with(&rule), is_known) {
            (true, true) => mended.push(rule.name),
            (false, false) => new.push(rule.name),
            (false, true) => println!("known break: {}\n    {}", rule.name, rule.source),
            (true, false) => {}
        }
    }
    assert!(
        mended.is_empty(),
        "these pass and must leave the list: {mended:#?}"
    );
    assert!(new.is_empty(), "these break: {new:#?}");
}
