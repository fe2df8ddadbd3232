use std::time::Duration;

use fake_aws::{FakeAws, Fault, Moment, Server};
use serde_json::json;
use tokio::time::Instant;

use super::{ACCOUNT, Clients, refusal};
use crate::support::root_config;

#[tokio::test(start_paused = true)]
async fn a_fault_is_met_by_the_calls_that_it_is_for() {
    let Clients { aws, ecs } = Clients::new();
    let create = async |name: &str| ecs.create_cluster().cluster_name(name).send().await;
    let fault = Fault::refuse("InvalidParameterException", "no");
    aws.on("ecs:CreateCluster").nth(2).meets(fault);
    create("one").await.unwrap();
    assert_eq!(
        refusal(create("two").await),
        json!(["InvalidParameterException", "no"])
    );
    create("three").await.unwrap();
    assert_eq!(aws.operations(), ["ecs:CreateCluster"; 3]);
    let names: Vec<_> = aws
        .things(super::ACCOUNT)
        .into_iter()
        .map(|thing| thing.name)
        .collect();
    assert_eq!(names, ["one", "three"]);
}

#[tokio::test(start_paused = true)]
async fn what_was_sent_is_done_although_its_answer_is_lost_or_late() {
    let Clients { aws, ecs } = Clients::new();
    aws.on("ecs:CreateCluster")
        .once()
        .meets(Fault::reset().after_work());
    // The SDK sends it again; real AWS answers the cluster that is there.
    ecs.create_cluster()
        .cluster_name("myclu")
        .send()
        .await
        .unwrap();
    assert_eq!(aws.calls().len(), 2);
    let late = Fault::fail(500).and_work_later(Duration::from_secs(5));
    aws.on("ecs:DeleteCluster").times(3).meets(late);
    ecs.delete_cluster()
        .cluster("myclu")
        .send()
        .await
        .unwrap_err();
    assert_eq!(aws.things(super::ACCOUNT).len(), 1);
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert!(aws.things(super::ACCOUNT).is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_depth_is_that_of_the_longest_chain_of_calls() {
    let Clients { aws, ecs } = Clients::new();
    aws.set_latency(Duration::from_millis(100));
    let create = async |name: &str| ecs.create_cluster().cluster_name(name).send().await;
    let began = Instant::now();
    let both = tokio::join!(create("one"), create("two"));
    assert!(both.0.is_ok() && both.1.is_ok());
    create("three").await.unwrap();
    assert_eq!((aws.depth(), aws.calls().len()), (2, 3));
    assert!(began.elapsed() < Duration::from_millis(250));
}

#[tokio::test(start_paused = true)]
async fn a_function_that_is_killed_has_sent_what_it_has_sent() {
    for (moment, left) in [(Moment::BeforeWork, 1), (Moment::AfterWork, 2)] {
        let Clients { aws, ecs } = Clients::new();
        let work = async {
            for name in ["one", "two", "three"] {
                ecs.create_cluster()
                    .cluster_name(name)
                    .send()
                    .await
                    .unwrap();
            }
        };
        assert_eq!(aws.kill_at(2, moment, work).await, None);
        assert_eq!(aws.things(super::ACCOUNT).len(), left);
        ecs.create_cluster()
            .cluster_name("four")
            .send()
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn another_process_reaches_the_same_aws_over_http() {
    let aws = FakeAws::in_memory();
    let server = Server::start(aws.clone()).unwrap();
    let ecs = aws_sdk_ecs::Client::new(&root_config(ACCOUNT, server.endpoint()));
    for fault in [Fault::reset(), Fault::first_half(), Fault::fail(500)] {
        aws.on("ecs:ListClusters").once().meets(fault);
    }
    let create = async || ecs.create_cluster().cluster_name("myclu").send().await;
    create().await.unwrap();
    for _ in 0..3 {
        // The SDK asks again, as often as is usual.
        let _ = ecs.list_clusters().send().await;
    }
    let listed = ecs.list_clusters().send().await.unwrap();
    assert_eq!(listed.cluster_arns().len(), 1);
    let no = Fault::refuse("InvalidParameterException", "no");
    aws.on("ecs:CreateCluster").meets(no);
    assert_eq!(
        refusal(create().await),
        json!(["InvalidParameterException", "no"])
    );
}
