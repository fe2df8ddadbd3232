use fake_aws::Fault;
use serde_json::json;

use crate::support::TestApp;

#[tokio::test]
async fn a_deleted_cluster_is_answered_and_gone() {
    let app = TestApp::new();
    app.post("/nonprod/clusters", &json!({"name": "old"}))
        .await
        .expect(200);
    let answer = app.delete("/nonprod/clusters/old").await.expect(200);
    assert_eq!(answer["Cluster"]["ClusterName"], "old");
    assert_eq!(answer["Cluster"]["Status"], "INACTIVE");
    assert_eq!(app.account().inventory().await, [""; 0]);
}

#[tokio::test]
async fn a_missing_cluster_is_not_found() {
    let problem = TestApp::new()
        .delete("/nonprod/clusters/nowhere")
        .await
        .problem(404);
    assert_eq!(problem["code"], "ClusterNotFoundException");
}

#[tokio::test]
async fn a_cluster_in_use_is_a_conflict() {
    let app = TestApp::new();
    for code in [
        "ClusterContainsServicesException",
        "ClusterContainsTasksException",
        "UpdateInProgressException",
    ] {
        app.aws()
            .on("ecs:DeleteCluster")
            .meets(Fault::refuse(code, "The cluster cannot be deleted"));
        let problem = app.delete("/nonprod/clusters/busy").await.problem(409);
        assert_eq!(problem["code"], code);
        app.aws().forget_script();
    }
}
