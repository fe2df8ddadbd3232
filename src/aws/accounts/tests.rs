use std::sync::{Arc, Mutex};

use aws_credential_types::Credentials;
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_async::time::SystemTimeSource;
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use serde_json::json;

use super::*;
use crate::aws::ecs;

/// Keeps the URI of each call, and answers all of them with a session.
#[derive(Debug, Clone, Default)]
struct Hosts(Arc<Mutex<Vec<String>>>);

impl HttpConnector for Hosts {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let uri = request.uri().trim_end_matches('/').to_owned();
        self.0.lock().unwrap().push(uri);
        let session = "<AssumeRoleResponse><AssumeRoleResult><Credentials>\
            <AccessKeyId>ASIAEXAMPLE</AccessKeyId><SecretAccessKey>secret</SecretAccessKey>\
            <SessionToken>session</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration>\
            </Credentials></AssumeRoleResult></AssumeRoleResponse>";
        let status = 200.try_into().unwrap();
        HttpConnectorFuture::ready(Ok(HttpResponse::new(status, SdkBody::from(session))))
    }
}

#[tokio::test(start_paused = true)]
async fn a_role_is_assumed_in_the_hubs_own_region_whatever_the_members() {
    let hosts = Hosts::default();
    let connector = SharedHttpConnector::new(hosts.clone());
    let credentials = Credentials::new("AKIAEXAMPLE", "secret", None, None, "test");
    let hub = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-central-1"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .time_source(SystemTimeSource::new())
        .sleep_impl(TokioSleep::new())
        .http_client(http_client_fn(move |_, _| connector.clone()))
        .build();
    let config = json!({"accounts": {"far": {
        "roleArn": "arn:aws:iam::111122223333:role/ecs-api", "region": "me-central-1",
    }}});
    let config = config::Config::parse(config.to_string().as_bytes()).unwrap();
    let accounts = Accounts::new(config.accounts, hub);
    let account = accounts.get("far").await.unwrap();
    let shop = ClusterName::bare("shop").unwrap();
    // What ECS answers does not matter.
    let _ = ecs::describe_cluster(account, &shop).await;
    let mut called = hosts.0.lock().unwrap().clone();
    called.dedup();
    assert_eq!(
        called,
        [
            "https://sts.eu-central-1.amazonaws.com",
            "https://ecs.me-central-1.amazonaws.com"
        ]
    );
}
