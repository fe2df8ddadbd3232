use aws_sdk_ecs::config::{BehaviorVersion, Credentials, Region};
use fake_aws::{FakeAws, Server};

use super::ACCOUNT;
use crate::support::root_config;

/// Returns a client of a role's session.
async fn assume_role(endpoint: &str) -> (String, aws_sdk_ecs::Client) {
    let sts = aws_sdk_sts::Client::new(&root_config(fake_aws::HUB, endpoint));
    let role = format!("arn:aws:iam::{ACCOUNT}:role/ecs-api");
    let request = sts.assume_role().role_arn(role).role_session_name("tests");
    let answer = request.send().await.unwrap();
    let session = answer.credentials().unwrap();
    let key = session.access_key_id();
    let token = Some(session.session_token().to_owned());
    let credentials = Credentials::new(key, session.secret_access_key(), token, None, "tests");
    let config = aws_sdk_ecs::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(endpoint)
        .credentials_provider(credentials)
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .build();
    (key.to_owned(), aws_sdk_ecs::Client::from_conf(config))
}

/// An emulator that enforces IAM must judge what the caller does, and nothing that the rules look at besides.
#[tokio::test]
async fn rules_ask_the_callers_operation_as_the_caller_and_any_other_as_root() {
    let emulator = FakeAws::in_memory();
    let behind = Server::start(emulator.clone()).unwrap();
    let front = Server::start(FakeAws::in_front_of(behind.endpoint())).unwrap();
    let (key, ecs) = assume_role(front.endpoint()).await;
    let create = ecs.create_cluster().cluster_name("myclu");
    create.send().await.unwrap();
    let described = ecs.describe_clusters().clusters("myclu").send().await;
    assert_eq!(described.unwrap().clusters().len(), 1);
    ecs.delete_cluster().cluster("myclu").send().await.unwrap();

    let calls = emulator.calls().into_iter().map(|entry| entry.call);
    let asked = calls.filter(|call| call.operation.starts_with("ecs:"));
    let asked: Vec<_> = asked
        .map(|call| {
            assert_eq!(call.account, ACCOUNT);
            let is_caller = call.access_key == key;
            let who = if is_caller { "caller" } else { "root" };
            format!("{} by {who}", call.operation)
        })
        .collect();
    assert_eq!(
        asked,
        [
            "ecs:DescribeClusters by root",
            "ecs:CreateCluster by caller",
            "ecs:DescribeClusters by caller",
            "ecs:DescribeClusters by root",
            "ecs:ListServices by root",
            "ecs:ListTasks by root",
            "ecs:DeleteCluster by caller",
        ]
    );
}
