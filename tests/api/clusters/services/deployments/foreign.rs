use fake_aws::Fault;
use serde_json::json;

use super::{DEPLOYMENTS, Deployed};

#[tokio::test(start_paused = true)]
async fn a_service_that_ecs_does_not_roll_out_says_what_to_use() {
    let web = Deployed::new(json!({})).await;
    for (controller, expected) in [
        ("CODE_DEPLOY", "; `aws deploy list-deployments` shows them"),
        (
            "EXTERNAL",
            "; `aws ecs describe-task-sets` shows its task sets",
        ),
    ] {
        web.app.aws.forget_script();
        let answer = json!({"services": [{"serviceName": "web", "status": "ACTIVE",
            "deploymentController": {"type": controller}}], "failures": []});
        web.app
            .aws
            .on("ecs:DescribeServices")
            .meets(Fault::answer(&answer));
        let one = format!("{DEPLOYMENTS}/4330177702079110333");
        let (stop, resume) = (format!("{one}/stop"), format!("{one}/continue"));
        for answer in [
            web.get(DEPLOYMENTS).await,
            web.get(&one).await,
            web.get(&format!("{one}?wait=25")).await,
            web.post(&stop, &json!({})).await,
            web.post(&resume, &json!({})).await,
        ] {
            let problem = answer.problem(409);
            let detail = problem["detail"].as_str().unwrap();
            assert!(detail.ends_with(expected), "{detail}");
            assert_eq!(problem["code"], "OtherController");
        }
    }
}
