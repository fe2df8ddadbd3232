//! Service deployments and revisions, as ECS rolls them out.

use std::time::Duration;

use aws_sdk_ecs::types::{
    Service, ServiceDeployment, ServiceDeploymentStatus as Status, StopServiceDeploymentStopType,
};
use fake_aws::Course;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::{ACCOUNT, Clients, refusal};

/// A service of the cluster `myclu` that runs `web:1`, and its second deployment, of `web:2`, under way.
struct Rolling {
    clients: Clients,
    revision: String,
}

impl Rolling {
    /// Creates the service with a deployment configuration, and deploys it once more.
    async fn begin(configuration: Value, course: Course) -> Self {
        let clients = Clients::furnished().await;
        clients.register("nginx:2").await;
        let service = json!({"cluster": "myclu", "serviceName": "web", "taskDefinition": "web:1", "desiredCount": 2,
            "launchType": "FARGATE", "deploymentConfiguration": configuration,
            "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-1"]}}});
        let made = clients.aws.ask(ACCOUNT, "ecs:CreateService", &service);
        made.await.unwrap();
        sleep(Duration::from_hours(48)).await;
        let revision = clients.deploy(course).await;
        Self { clients, revision }
    }

    async fn after(&self, seconds: u64) -> ServiceDeployment {
        sleep(Duration::from_secs(seconds)).await;
        self.clients.newest().await.expect("ECS has named it")
    }
}

impl Clients {
    async fn register(&self, image: &str) {
        let web = json!({"family": "web", "networkMode": "awsvpc", "cpu": "256", "memory": "512",
            "requiresCompatibilities": ["FARGATE"], "containerDefinitions": [{"name": "app", "image": image}]});
        let registered = self.aws.ask(ACCOUNT, "ecs:RegisterTaskDefinition", &web);
        registered.await.unwrap();
    }

    /// Deploys `web:2` by force; the number of the new revision.
    async fn deploy(&self, course: Course) -> String {
        self.aws.deployments_go(ACCOUNT, "web", course);
        let update = self.ecs.update_service().cluster("myclu").service("web");
        let update = update.task_definition("web:2").force_new_deployment(true);
        let updated = update.send().await.unwrap().service.unwrap();
        let id = updated.deployments()[0].id().unwrap();
        id.strip_prefix("ecs-svc/").unwrap().to_owned()
    }

    async fn service(&self) -> Service {
        let describe = self
            .ecs
            .describe_services()
            .cluster("myclu")
            .services("web");
        let described = describe.send().await.unwrap();
        described.services.unwrap().remove(0)
    }

    /// Describes the newest service deployment, if ECS has named one of the newest revision.
    async fn newest(&self) -> Option<ServiceDeployment> {
        let list = self
            .ecs
            .list_service_deployments()
            .cluster("myclu")
            .service("web");
        let listed = list.send().await.unwrap().service_deployments.unwrap();
        let arn = listed.first()?.service_deployment_arn()?;
        let describe = self.ecs.describe_service_deployments();
        let described = describe.service_deployment_arns(arn).send().await.unwrap();
        described.service_deployments.unwrap().pop()
    }
}

/// Returns what the service says of its deployments: status, definition, state and running tasks of each.
fn deployments(service: &Service) -> Value {
    let deployments = service.deployments().iter();
    let told = deployments.map(|one| {
        let definition = one.task_definition().unwrap().rsplit('/').next();
        json!([
            one.status(),
            definition,
            one.rollout_state().unwrap().as_str(),
            one.running_count()
        ])
    });
    told.collect()
}

fn status(deployment: &ServiceDeployment) -> Status {
    deployment.status().unwrap().clone()
}

#[tokio::test(start_paused = true)]
async fn a_revision_is_there_at_once_and_its_deployment_has_a_name_some_seconds_later() {
    let rolling = Rolling::begin(json!({}), Course::Succeeds).await;
    let service = rolling.clients.service().await;
    let current = service.current_service_revisions()[0].arn().unwrap();
    assert_eq!(
        current,
        format!(
            "arn:aws:ecs:us-east-1:{ACCOUNT}:service-revision/myclu/web/{}",
            rolling.revision
        )
    );
    assert_eq!(service.current_service_deployment(), None);
    let aims_at = |deployment: &ServiceDeployment| {
        let target = deployment.target_service_revision().unwrap();
        target.arn().unwrap().to_owned()
    };
    let before = rolling.clients.newest().await.unwrap();
    assert_ne!(aims_at(&before), current);
    let after = rolling.after(3).await;
    assert_eq!(aims_at(&after), current);
    assert_eq!(status(&after), Status::InProgress);
    let service = rolling.clients.service().await;
    assert_eq!(
        service.current_service_deployment(),
        after.service_deployment_arn()
    );
    assert_eq!(
        deployments(&service),
        json!([
            ["PRIMARY", "web:2", "IN_PROGRESS", 0],
            ["ACTIVE", "web:1", "COMPLETED", 2]
        ])
    );
    let over = rolling.after(20).await;
    assert_eq!(status(&over), Status::Successful);
    let service = rolling.clients.service().await;
    assert_eq!(service.current_service_deployment(), None);
    assert_eq!(
        deployments(&service),
        json!([["PRIMARY", "web:2", "COMPLETED", 2]])
    );
}

#[tokio::test(start_paused = true)]
async fn the_circuit_breaker_goes_back_and_the_service_calls_that_completed() {
    let breaker = json!({"deploymentCircuitBreaker": {"enable": true, "rollback": true}});
    let rolling = Rolling::begin(breaker, Course::TasksFail).await;
    let failing = rolling.after(11).await;
    let monitor = failing.deployment_circuit_breaker().unwrap();
    assert_eq!(
        (monitor.failure_count(), monitor.threshold()),
        (2, 3),
        "{failing:?}"
    );
    let going_back = rolling.after(4).await;
    assert_eq!(status(&going_back), Status::RollbackInProgress);
    let service = rolling.clients.service().await;
    assert_eq!(
        deployments(&service),
        json!([
            ["PRIMARY", "web:1", "IN_PROGRESS", 2],
            ["ACTIVE", "web:2", "FAILED", 0]
        ])
    );
    let back = rolling.after(10).await;
    assert_eq!(status(&back), Status::RollbackSuccessful);
    assert!(back.rollback().unwrap().reason().is_some());
    let service = rolling.clients.service().await;
    assert_eq!(
        deployments(&service),
        json!([["PRIMARY", "web:1", "COMPLETED", 2]])
    );
    assert!(service.task_definition().unwrap().ends_with("web:1"));
}

#[tokio::test(start_paused = true)]
async fn without_rollback_the_circuit_breaker_stops_and_without_a_breaker_nothing_does() {
    let breaker = json!({"deploymentCircuitBreaker": {"enable": true, "rollback": false}});
    let rolling = Rolling::begin(breaker, Course::TasksFail).await;
    let stopped = rolling.after(30).await;
    assert_eq!(status(&stopped), Status::Stopped);
    assert!(stopped.stopped_at().is_some());
    let monitor = stopped.deployment_circuit_breaker().unwrap();
    assert_eq!(monitor.status().unwrap().as_str(), "TRIGGERED");
    let rolling = Rolling::begin(json!({}), Course::TasksFail).await;
    assert_eq!(status(&rolling.after(86_400).await), Status::InProgress);
}

#[tokio::test(start_paused = true)]
async fn an_alarm_counts_where_the_service_listens_to_it() {
    let alarms = json!({"alarms": {"alarmNames": ["slow"], "enable": true, "rollback": true}});
    let rolling = Rolling::begin(alarms.clone(), Course::AlarmFires("slow".to_owned())).await;
    let back = rolling.after(30).await;
    assert_eq!(status(&back), Status::RollbackSuccessful);
    assert_eq!(back.alarms().unwrap().triggered_alarm_names(), ["slow"]);
    let rolling = Rolling::begin(alarms, Course::AlarmFires("other".to_owned())).await;
    assert_eq!(status(&rolling.after(30).await), Status::Successful);
}

#[tokio::test(start_paused = true)]
async fn a_paused_hook_waits_for_its_continue() {
    let pause = json!({"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 1, "lifecycleHooks": [
        {"targetType": "PAUSE", "lifecycleStages": ["PRE_PRODUCTION_TRAFFIC_SHIFT"],
         "timeoutConfiguration": {"timeoutInMinutes": 60, "action": "CONTINUE"}}]});
    let rolling = Rolling::begin(pause, Course::Succeeds).await;
    let paused = rolling.after(600).await;
    assert_eq!(status(&paused), Status::InProgress);
    let hook = &paused.lifecycle_hook_details()[0];
    assert_eq!(hook.status().unwrap().as_str(), "AWAITING_ACTION");
    let resume = rolling.clients.ecs.continue_service_deployment();
    let resume = resume.service_deployment_arn(paused.service_deployment_arn().unwrap());
    let wrong = resume.clone().hook_id("another").send().await;
    assert_eq!(refusal(wrong)[0], "InvalidParameterException");
    let resume = resume.hook_id(hook.hook_id().unwrap());
    resume.clone().send().await.unwrap();
    let shifting = rolling.after(5).await;
    assert_eq!(
        shifting.lifecycle_stage().unwrap().as_str(),
        "PRODUCTION_TRAFFIC_SHIFT"
    );
    assert_eq!(refusal(resume.send().await)[0], "InvalidParameterException");
    assert_eq!(status(&rolling.after(180).await), Status::Successful);
}

#[tokio::test(start_paused = true)]
async fn a_newer_deployment_overtakes_the_older_one() {
    let rolling = Rolling::begin(json!({}), Course::Lingers).await;
    let older = rolling.after(5).await;
    let newer = rolling.clients.deploy(Course::Succeeds).await;
    let over = rolling.after(30).await;
    let target = over.target_service_revision().unwrap().arn().unwrap();
    assert!(target.ends_with(&newer), "{target}");
    assert_eq!(status(&over), Status::Successful);
    let describe = rolling.clients.ecs.describe_service_deployments();
    let describe = describe.service_deployment_arns(older.service_deployment_arn().unwrap());
    let older = describe.send().await.unwrap().service_deployments.unwrap();
    assert_eq!(status(&older[0]), Status::Stopped);
    assert!(older[0].finished_at().unwrap() >= over.created_at().unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_stop_rolls_back_or_aborts_and_comes_too_late_for_what_is_over() {
    for (stop, expected) in [
        (
            StopServiceDeploymentStopType::Rollback,
            Status::RollbackSuccessful,
        ),
        (StopServiceDeploymentStopType::Abort, Status::Stopped),
    ] {
        let rolling = Rolling::begin(json!({}), Course::Lingers).await;
        let running = rolling.after(5).await;
        let arn = running.service_deployment_arn().unwrap();
        let stop = rolling
            .clients
            .ecs
            .stop_service_deployment()
            .stop_type(stop);
        let stop = stop.service_deployment_arn(arn);
        stop.clone().send().await.unwrap();
        stop.clone().send().await.unwrap();
        assert_eq!(status(&rolling.after(30).await), expected);
        assert_eq!(refusal(stop.send().await)[0], "ConflictException");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_asked_for_by_arns_is_of_one_service_and_twenty_at_most() {
    let clients = Rolling::begin(json!({}), Course::Succeeds).await.clients;
    let ask = async |arns: Vec<String>| {
        let describe = clients.ecs.describe_service_revisions();
        refusal(describe.set_service_revision_arns(Some(arns)).send().await)
    };
    let arn = |service: &str, id: &str| {
        format!("arn:aws:ecs:us-east-1:{ACCOUNT}:service-revision/myclu/{service}/{id}")
    };
    let invalid = "InvalidParameterException";
    assert_eq!(
        ask(vec![arn("web", "1"); 21]).await,
        json!([invalid, "Service Revision ARN count cannot exceed 20"])
    );
    assert_eq!(
        ask(vec!["not-an-arn".to_owned()]).await,
        json!([invalid, "The Service ARN provided is invalid."])
    );
    assert_eq!(
        ask(vec![arn("web", "abc")]).await,
        json!([invalid, "The ServiceRevision ARN is invalid."])
    );
    assert_eq!(
        ask(vec![arn("absent", "1")]).await,
        json!(["ServiceNotFoundException", "Service not found."])
    );
    let across = ask(vec![arn("web", "1"), arn("absent", "1")]).await;
    assert!(
        across[1]
            .as_str()
            .unwrap()
            .starts_with("Cross service requests")
    );
    let describe = clients.ecs.describe_service_revisions();
    let missing = describe.service_revision_arns(arn("web", "999")).send();
    let missing = missing.await.unwrap();
    assert_eq!(missing.failures()[0].reason(), Some("MISSING"));
    let own = clients.service().await.current_service_revisions()[0]
        .arn()
        .unwrap()
        .to_owned();
    assert_eq!(
        ask(vec![own.clone(), own]).await,
        json!([
            "ServerException",
            "Service Unavailable. Please try again later."
        ])
    );
}

#[tokio::test(start_paused = true)]
async fn deployments_are_forgotten_after_ninety_days() {
    let rolling = Rolling::begin(json!({}), Course::Succeeds).await;
    assert!(rolling.clients.newest().await.is_some());
    sleep(Duration::from_hours(91 * 24)).await;
    assert!(rolling.clients.newest().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn what_changes_nothing_that_a_revision_keeps_deploys_nothing() {
    let clients = Rolling::begin(json!({}), Course::Succeeds).await.clients;
    sleep(Duration::from_mins(1)).await;
    let before = clients.service().await.deployments()[0]
        .id()
        .unwrap()
        .to_owned();
    let update = clients.ecs.update_service().cluster("myclu").service("web");
    let scaled = update
        .task_definition("web:2")
        .desired_count(0)
        .send()
        .await
        .unwrap();
    assert_eq!(
        scaled.service().unwrap().deployments()[0].id(),
        Some(before.as_str())
    );
}
