use std::time::Duration;

use aws_sdk_ecs::operation::create_service::builders::CreateServiceFluentBuilder;
use aws_sdk_ecs::types::{AwsVpcConfiguration, LaunchType, NetworkConfiguration};
use serde_json::json;
use tokio::time::sleep;

use super::{ACCOUNT, Clients, refusal};

fn network() -> NetworkConfiguration {
    let subnets = AwsVpcConfiguration::builder().subnets("subnet-1").build();
    NetworkConfiguration::builder()
        .awsvpc_configuration(subnets.unwrap())
        .build()
}

fn web(ecs: &aws_sdk_ecs::Client) -> CreateServiceFluentBuilder {
    let service = ecs.create_service().cluster("myclu").service_name("web");
    service
        .task_definition("web")
        .launch_type(LaunchType::Fargate)
        .network_configuration(network())
        .desired_count(1)
}

#[tokio::test(start_paused = true)]
async fn a_service_needs_a_count_and_a_network() {
    let Clients { ecs, .. } = Clients::furnished().await;
    let countless = web(&ecs).set_desired_count(None).send().await;
    assert_eq!(
        refusal(countless),
        json!(["InvalidParameterException", "DesiredCount is missing"])
    );
    let alone = web(&ecs).set_network_configuration(None).send().await;
    assert_eq!(
        refusal(alone),
        json!([
            "InvalidParameterException",
            "Network Configuration must be provided when networkMode 'awsvpc' is specified."
        ])
    );
}

#[tokio::test(start_paused = true)]
async fn the_token_of_a_service_counts_for_its_name_and_its_parameters() {
    let Clients { ecs, .. } = Clients::furnished().await;
    let first = web(&ecs).client_token("one").send().await.unwrap();
    let again = web(&ecs).client_token("one").send().await.unwrap();
    assert_eq!(again.service(), first.service());
    web(&ecs)
        .service_name("other")
        .client_token("one")
        .send()
        .await
        .unwrap();
    let clash = json!([
        "InvalidParameterException",
        "Creation of service was not idempotent."
    ]);
    assert_eq!(
        refusal(web(&ecs).client_token("one").desired_count(2).send().await),
        clash
    );
    assert_eq!(refusal(web(&ecs).client_token("two").send().await), clash);
    assert_eq!(refusal(web(&ecs).send().await), clash);
    let long = "x".repeat(37);
    assert_eq!(
        refusal(
            web(&ecs)
                .client_token(long)
                .set_network_configuration(None)
                .send()
                .await
        ),
        json!([
            "InvalidParameterException",
            "idempotency token longer than 36."
        ])
    );
}

#[tokio::test(start_paused = true)]
async fn a_service_drains_for_longer_than_its_tasks() {
    let Clients { aws, ecs } = Clients::furnished().await;
    aws.circumstances(ACCOUNT, |account| {
        account.stops_after = Duration::from_secs(56);
        account.drains_on = Duration::from_secs(12);
    });
    web(&ecs).send().await.unwrap();
    let deleted = ecs
        .delete_service()
        .cluster("myclu")
        .service("web")
        .force(true);
    let deleted = deleted.send().await.unwrap().service.unwrap();
    assert_eq!(
        (deleted.status(), deleted.running_count()),
        (Some("DRAINING"), 1)
    );
    let listed = ecs.list_services().cluster("myclu").send().await.unwrap();
    assert!(listed.service_arns().is_empty());
    let gone = || ecs.delete_cluster().cluster("myclu").send();
    assert_eq!(
        refusal(gone().await),
        json!([
            "ClusterContainsTasksException",
            "The Cluster cannot be deleted while Tasks are active."
        ])
    );
    assert_eq!(
        refusal(web(&ecs).send().await),
        json!([
            "InvalidParameterException",
            "Unable to Start a service that is still Draining."
        ])
    );
    let status = async || {
        let describe = ecs.describe_services().cluster("myclu").services("web");
        let described = describe.send().await.unwrap().services.unwrap();
        described[0].status().unwrap().to_owned()
    };
    sleep(Duration::from_secs(57)).await;
    assert_eq!(status().await, "DRAINING");
    gone().await.unwrap();
    sleep(Duration::from_secs(12)).await;
    assert_eq!(status().await, "INACTIVE");
}
