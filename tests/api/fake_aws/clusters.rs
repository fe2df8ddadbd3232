use aws_sdk_ecs::types::{ClusterField, Tag};
use serde_json::json;

use super::{Clients, refusal};

fn tag(value: &str) -> Tag {
    Tag::builder().key("team").value(value).build()
}

#[tokio::test(start_paused = true)]
async fn a_cluster_is_answered_again_only_for_the_arguments_that_made_it() {
    let Clients { ecs, .. } = Clients::new();
    let create = |value: &str| ecs.create_cluster().cluster_name("myclu").tags(tag(value));
    create("blue").send().await.unwrap();
    let again = create("blue").send().await.unwrap();
    assert_eq!(again.cluster().unwrap().tags(), [tag("blue")]);
    let bare = ecs
        .create_cluster()
        .cluster_name("myclu")
        .send()
        .await
        .unwrap();
    assert!(bare.cluster().unwrap().tags().is_empty());
    assert_eq!(
        refusal(create("green").send().await),
        json!([
            "InvalidParameterException",
            "Arguments on this idempotent request are inconsistent with arguments used in previous request(s)."
        ])
    );
    ecs.delete_cluster().cluster("myclu").send().await.unwrap();
    let anew = create("green").send().await.unwrap();
    assert_eq!(anew.cluster().unwrap().tags(), [tag("green")]);
}

#[tokio::test(start_paused = true)]
async fn a_cluster_is_described_with_what_is_included() {
    let Clients { ecs, .. } = Clients::new();
    let create = ecs.create_cluster().cluster_name("myclu").tags(tag("blue"));
    create.send().await.unwrap();
    let describe = || ecs.describe_clusters().clusters("myclu").clusters("other");
    let plain = describe().send().await.unwrap();
    assert!(plain.clusters()[0].tags().is_empty());
    assert!(plain.clusters()[0].settings().is_empty());
    assert_eq!(plain.failures()[0].reason(), Some("MISSING"));
    let arn = "arn:aws:ecs:us-east-1:111122223333:cluster/other";
    assert_eq!(plain.failures()[0].arn(), Some(arn));
    let whole = describe()
        .include(ClusterField::Tags)
        .include(ClusterField::Statistics);
    let whole = whole.send().await.unwrap();
    assert_eq!(whole.clusters()[0].tags(), [tag("blue")]);
    assert_eq!(whole.clusters()[0].statistics().len(), 16);
}
