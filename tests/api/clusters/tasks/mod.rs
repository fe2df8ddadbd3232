use aws_sdk_ecs::operation::run_task::builders::RunTaskFluentBuilder;
use aws_sdk_ecs::types::ContainerDefinition;

use crate::support::TestAccount;

mod list_tasks;
mod run_task;
mod show_task;
mod stop_task;

/// Registers a task definition for Fargate of this family, of one container.
async fn register(account: &TestAccount, family: &str) {
    let container = ContainerDefinition::builder()
        .name("web")
        .image("nginx:alpine")
        .build();
    let call = account
        .ecs()
        .register_task_definition()
        .family(family)
        .cpu("256")
        .memory("512");
    call.requires_compatibilities("FARGATE".into())
        .container_definitions(container)
        .send()
        .await
        .unwrap();
}

/// Runs tasks of a family in the cluster `myclu`, without ecs-api, and answers their ARNs.
async fn run(
    account: &TestAccount,
    family: &str,
    with: impl FnOnce(RunTaskFluentBuilder) -> RunTaskFluentBuilder,
) -> Vec<String> {
    let call = with(
        account
            .ecs()
            .run_task()
            .cluster("myclu")
            .task_definition(family),
    );
    let started = call.send().await.unwrap();
    started
        .tasks()
        .iter()
        .map(|task| task.task_arn().unwrap().to_owned())
        .collect()
}
