use aws_sdk_ecs::operation::run_task::builders::RunTaskFluentBuilder;

use crate::support::TestAccount;

mod diagnose_task;
mod list_tasks;
mod one_off;
mod outcomes;
mod run_task;
mod show_task;
mod show_task_logs;
mod stop_task;
mod time_limits;

/// Registers a task definition for Fargate of this family, of one container.
async fn register(account: &TestAccount, family: &str) {
    let call = account.task_definition(family, "web");
    call.send().await.unwrap();
}

/// Makes the cluster `myclu`, and registers the task definition `web`.
async fn furnish(account: &TestAccount) {
    let cluster = account.ecs().create_cluster().cluster_name("myclu");
    cluster.send().await.unwrap();
    register(account, "web").await;
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
            .task_definition(family)
            .network_configuration(account.network()),
    );
    let started = call.send().await.unwrap();
    started
        .tasks()
        .iter()
        .map(|task| task.task_arn().unwrap().to_owned())
        .collect()
}
