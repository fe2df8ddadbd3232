use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::support::TestApp;

mod create_service;
mod delete_service;
mod deployments;
mod diagnose_service;
mod list_events;
mod list_services;
mod roll_back_service;
mod show_logs;
mod show_merged_logs;
mod show_service;
mod update_service;

/// A text as one segment of a path, or as a value of a query.
fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

/// The path of the next page, below `/v1/ecs`.
fn next_of(link: &str) -> String {
    let next = link
        .strip_prefix("</v1/ecs")
        .and_then(|link| link.strip_suffix(">; rel=\"next\""));
    next.unwrap_or_else(|| panic!("{link} is no link to a next page"))
        .to_owned()
}

/// The ARN of a resource of ECS in the app's first account.
fn arn(app: &TestApp, resource: &str) -> String {
    format!("arn:aws:ecs:us-east-1:{}:{resource}", app.account().id)
}

/// Refuses identifiers that can't be services of the path, and calls AWS for none of them.
async fn refuses_impossible_services(method: &'static str, suffix: &str) {
    let app = TestApp::new();
    let id = app.account().id.clone();
    for service in [
        "a b".to_owned(),
        "other/web".to_owned(),
        format!("arn:aws:ecs:us-east-1:{id}:service/other/web"),
        format!("arn:aws:ecs:us-east-1:{id}:cluster/web"),
        format!("arn:aws:ecs:eu-west-1:{id}:service/myclu/web"),
        "arn:aws:ecs:us-east-1:999999999999:service/myclu/web".to_owned(),
        "arn:aws:ecs:us-east-1:999999999999:service/web".to_owned(),
    ] {
        let path = format!(
            "/nonprod/clusters/myclu/services/{}{suffix}",
            encoded(&service)
        );
        let problem = app.request(method, &path).send().await.problem(400);
        assert_eq!(problem["code"], "InvalidIdentifier", "{service}");
    }
    assert_eq!(app.aws().operations(), [""; 0]);
}
