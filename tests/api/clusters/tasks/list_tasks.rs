use std::time::Duration;

use aws_sdk_ecs::types::LaunchType;
use fake_aws::Fault;
use serde_json::json;

use super::{furnish, register, run};
use crate::support::TestApp;

const LIST: &str = "ecs:ListTasks";

#[tokio::test]
async fn every_task_is_listed_however_many_pages_aws_needs_and_whatever_runs_it() {
    let app = TestApp::new();
    furnish(app.account()).await;
    let mut started = Vec::new();
    for index in 0..26 {
        let launch_type = if index % 2 == 0 {
            LaunchType::Fargate
        } else {
            LaunchType::Ec2
        };
        started.extend(
            run(app.account(), "web", |call| {
                call.launch_type(launch_type).count(10)
            })
            .await,
        );
    }
    let list = app.get("/nonprod/clusters/myclu/tasks").await;
    assert_eq!(
        (list.expect(200), list.header("link")),
        (json!(started), None)
    );
    assert_eq!(app.aws().operations(), ["sts:AssumeRole", LIST, LIST, LIST]);
    assert_eq!(
        app.aws().sent(LIST)[0],
        json!({"cluster": "myclu", "maxResults": 100})
    );
}

#[tokio::test]
async fn a_limit_gives_pages_that_link_to_the_next() {
    let app = TestApp::new();
    furnish(app.account()).await;
    let started = run(app.account(), "web", |call| call.count(5)).await;
    let pages = app
        .pages("/nonprod/clusters/myclu/tasks?limit=2&family=web&status=RUNNING")
        .await;
    assert_eq!(
        pages,
        [
            json!(started[..2]),
            json!(started[2..4]),
            json!(started[4..])
        ]
    );
}

#[tokio::test]
async fn tasks_are_listed_by_service_family_status_and_who_started_them() {
    let app = TestApp::new();
    for family in ["web", "job"] {
        register(app.account(), family).await;
    }
    let ecs = app.account().ecs();
    ecs.create_cluster()
        .cluster_name("myclu")
        .send()
        .await
        .unwrap();
    ecs.create_service()
        .cluster("myclu")
        .service_name("shop")
        .task_definition("web")
        .desired_count(2)
        .network_configuration(app.account().network())
        .send()
        .await
        .unwrap();
    let of_service = app.get("/nonprod/clusters/myclu/tasks").await.expect(200);
    assert_eq!(of_service.as_array().unwrap().len(), 2);
    let job = run(app.account(), "job", |call| call.started_by("cron")).await;
    let stopped = run(app.account(), "job", |call| call).await;
    ecs.stop_task()
        .cluster("myclu")
        .task(&stopped[0])
        .send()
        .await
        .unwrap();
    let service_arn = format!(
        "arn:aws:ecs:us-east-1:{}:service/myclu/shop",
        app.account().id
    )
    .replace('/', "%2F");
    let running = [of_service.as_array().unwrap().as_slice(), &[json!(job[0])]].concat();
    for (query, expected) in [
        (String::new(), json!(running)),
        ("status=RUNNING".to_owned(), json!(running)),
        ("status=stopped".to_owned(), json!(stopped)),
        ("service=shop".to_owned(), of_service.clone()),
        (format!("service={service_arn}"), of_service.clone()),
        ("family=job".to_owned(), json!(job)),
        ("family=job&status=STOPPED".to_owned(), json!(stopped)),
        (
            "family=web&service=shop&status=RUNNING".to_owned(),
            of_service.clone(),
        ),
        ("startedBy=cron".to_owned(), json!(job)),
        ("startedBy=nobody".to_owned(), json!([])),
    ] {
        let listed = app
            .get(&format!("/nonprod/clusters/myclu/tasks?{query}"))
            .await
            .expect(200);
        assert_eq!(listed, expected, "{query}");
    }
}

#[tokio::test]
async fn the_cluster_may_be_an_arn_of_the_account_and_region_that_the_path_names() {
    let app = TestApp::new();
    let arn = |region, account: &str| format!("arn:aws:ecs:{region}:{account}:cluster/myclu");
    let account_id = app.account().id.clone();
    furnish(app.account()).await;
    let started = run(app.account(), "web", |call| call).await;
    let encoded = arn("us-east-1", &account_id)
        .replace(':', "%3A")
        .replace('/', "%2F");
    // API Gateway's HTTP APIs hand the path on decoded.
    for cluster in [encoded, arn("us-east-1", &account_id)] {
        let listed = app
            .get(&format!("/nonprod/clusters/{cluster}/tasks"))
            .await
            .expect(200);
        assert_eq!(listed, json!(started), "{cluster}");
    }
    app.aws().forget_calls();
    for cluster in [
        arn("us-east-1", "999999999999"),
        arn("eu-west-1", &account_id),
        "a%20b".to_owned(),
    ] {
        let problem = app
            .get(&format!("/nonprod/clusters/{cluster}/tasks"))
            .await
            .problem(400);
        assert_eq!(problem["code"], "InvalidIdentifier", "{cluster}");
    }
    for service in [
        "us-east-1:999999999999:service/myclu/web",
        &format!("us-east-1:{account_id}:service/other/web"),
    ] {
        let problem = app
            .get(&format!(
                "/nonprod/clusters/myclu/tasks?service=arn:aws:ecs:{service}"
            ))
            .await
            .problem(400);
        assert_eq!(problem["code"], "InvalidIdentifier", "{service}");
    }
    assert_eq!(app.aws().operations(), [""; 0]);
}

#[tokio::test]
async fn a_bad_query_is_refused_before_any_call() {
    let app = TestApp::new();
    let alone = "AWS takes it alone, without `service`, `family` and `status`";
    let queries = [
        ("limit=0", "limit", "expected a whole number from 1 to 1000"),
        (
            "limit=1001",
            "limit",
            "expected a whole number from 1 to 1000",
        ),
        (
            "nextToken=x",
            "nextToken",
            "expected the `nextToken` of an earlier answer's `Link`",
        ),
        ("status=DONE", "status", "expected one of RUNNING, STOPPED"),
        ("startedBy=cron&service=web", "startedBy", alone),
        ("startedBy=cron&family=web", "startedBy", alone),
        ("startedBy=cron&status=RUNNING", "startedBy", alone),
        (
            "launchType=EC2",
            "launchType",
            "unknown query parameter; this path knows `service`, `family`, `status`, `startedBy`, `limit`, `nextToken`",
        ),
    ];
    app.assert_refuses("GET", "/nonprod/clusters/myclu/tasks", &queries)
        .await;
}

#[tokio::test]
async fn what_aws_refuses_is_a_problem() {
    let app = TestApp::new();
    for (code, status) in [
        ("ClientException", 400),
        ("InvalidParameterException", 400),
        ("AccessDeniedException", 403),
        ("ClusterNotFoundException", 404),
        ("ServiceNotFoundException", 404),
        ("ThrottlingException", 429),
    ] {
        app.aws().on(LIST).meets(Fault::refuse(code, "No"));
        let answer = app.get("/nonprod/clusters/myclu/tasks").await;
        assert_eq!(answer.problem(status)["code"], code);
        assert_eq!(answer.header("retry-after"), (status == 429).then_some("5"));
        app.aws().forget_script();
    }
}

#[tokio::test]
async fn a_list_without_tasks_is_empty() {
    let app = TestApp::new();
    furnish(app.account()).await;
    let listed = app.get("/nonprod/clusters/myclu/tasks").await;
    assert_eq!(listed.expect(200), json!([]));
}

#[tokio::test(start_paused = true)]
async fn what_does_not_fit_the_time_is_continued_by_the_link() {
    let mut app = TestApp::scripted();
    furnish(app.account()).await;
    let mut started = Vec::new();
    for _ in 0..40 {
        started.extend(run(app.account(), "web", |call| call.count(10)).await);
    }
    app.set_time_left(Duration::from_secs(4));
    app.aws()
        .on(LIST)
        .meets(Fault::delay(Duration::from_millis(1100)));
    let first = app.get("/nonprod/clusters/myclu/tasks").await;
    let link = first.header("link").expect("there is more").to_owned();
    app.aws().forget_script();
    let next = link
        .strip_prefix("</v1/ecs")
        .and_then(|link| link.strip_suffix(">; rel=\"next\""))
        .unwrap();
    let rest = app.get(next).await.expect(200);
    assert_eq!(
        json!(
            [
                first.expect(200).as_array().unwrap().as_slice(),
                rest.as_array().unwrap()
            ]
            .concat()
        ),
        json!(started)
    );
}

#[tokio::test(start_paused = true)]
async fn a_list_that_has_nothing_in_time_is_a_problem() {
    let mut app = TestApp::scripted();
    app.set_time_left(Duration::from_secs(2));
    app.aws()
        .on(LIST)
        .meets(Fault::delay(Duration::from_secs(3)));
    insta::assert_json_snapshot!(app.get("/nonprod/clusters/myclu/tasks").await.problem(504), @r#"
    {
      "status": 504,
      "detail": "`ecs:ListTasks` was not answered in time: the time that a request may take is over",
      "code": "AwsTimedOut",
      "retryable": true
    }
    "#);
}

#[tokio::test]
async fn a_filter_that_can_not_be_one_is_refused_before_any_call() {
    let app = TestApp::new();
    for (query, path) in [
        ("family=web%3A1", "family"),
        ("family=", "family"),
        ("startedBy=", "startedBy"),
    ] {
        let problem = app
            .get(&format!("/nonprod/clusters/myclu/tasks?{query}"))
            .await
            .problem(400);
        assert_eq!(problem["errors"][0]["path"], path, "{query}");
    }
    assert_eq!(app.aws().operations(), [""; 0]);
}
