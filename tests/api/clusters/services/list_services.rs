use std::time::Duration;

use aws_sdk_ecs::types::{CapacityProviderStrategyItem, LaunchType, Tag};
use fake_aws::Fault;
use serde_json::{Value, json};

use super::{arn, encoded, next_of};
use crate::support::TestApp;
use crate::support::promised::{SERVICE, project};

const PATH: &str = "/nonprod/clusters/myclu/services";

/// Gives the app this many services.
async fn with_services(app: TestApp, count: usize) -> TestApp {
    app.account().furnish().await;
    for index in 0..count {
        let tag = Tag::builder().key("index").value(index.to_string()).build();
        app.account()
            .service(format!("s{index:03}"))
            .tags(tag)
            .send()
            .await
            .unwrap();
    }
    app
}

/// `s000`, `s001` … of that many services, as ARNs.
fn arns(app: &TestApp, count: usize) -> Value {
    (0..count)
        .map(|index| arn(app, &format!("service/myclu/s{index:03}")))
        .collect()
}

fn names(services: &Value) -> Vec<&str> {
    services
        .as_array()
        .unwrap()
        .iter()
        .map(|service| service["ServiceName"].as_str().unwrap())
        .collect()
}

fn count_of(calls: &[String], operation: &str) -> usize {
    calls.iter().filter(|call| *call == operation).count()
}

#[tokio::test]
async fn every_service_is_listed_however_many_pages_aws_needs() {
    let app = with_services(TestApp::new(), 250).await;
    let list = app.get(PATH).await;
    assert_eq!(list.expect(200), arns(&app, 250));
    assert_eq!(list.header("link"), None);
    let calls = app.aws().operations();
    assert_eq!(
        calls,
        [
            "sts:AssumeRole",
            "ecs:ListServices",
            "ecs:ListServices",
            "ecs:ListServices"
        ]
    );
}

#[tokio::test]
async fn a_cluster_without_services_has_an_empty_list() {
    let app = with_services(TestApp::new(), 0).await;
    assert_eq!(app.get(PATH).await.expect(200), json!([]));
    app.aws().forget_calls();
    assert_eq!(
        app.get(&format!("{PATH}?all=true")).await.expect(200),
        json!([])
    );
    assert_eq!(app.aws().operations(), ["ecs:ListServices"]);
}

#[tokio::test]
async fn all_gives_the_services_themselves_with_their_tags() {
    let app = with_services(TestApp::new(), 1).await;
    let answer = app.get(&format!("{PATH}?all=true")).await.expect(200);
    insta::assert_json_snapshot!(project(&answer, SERVICE), {
        ".**.ServiceArn" => "[arn]",
        ".**.ClusterArn" => "[arn]",
        ".**.TaskDefinition" => "[arn]",
        ".**.CreatedAt" => "[time]",
        ".**.AwsvpcConfiguration" => "[network]",
    }, @r#"
    [
      {
        "ServiceArn": "[arn]",
        "ServiceName": "s000",
        "ClusterArn": "[arn]",
        "ServiceRegistries": [],
        "Status": "ACTIVE",
        "DesiredCount": 0,
        "LaunchType": "FARGATE",
        "TaskDefinition": "[arn]",
        "CreatedAt": "[time]",
        "NetworkConfiguration": {
          "AwsvpcConfiguration": "[network]"
        },
        "Tags": [
          {
            "Key": "index",
            "Value": "0"
          }
        ]
      }
    ]
    "#);
}

#[tokio::test]
async fn all_describes_ten_services_a_call_in_the_order_of_the_list() {
    let app = with_services(TestApp::new(), 25).await;
    let answer = app.get(&format!("{PATH}?all=TRUE")).await;
    let services = answer.expect(200);
    let expected: Vec<_> = (0..25).map(|index| format!("s{index:03}")).collect();
    assert_eq!(names(&services), expected);
    for (index, service) in services.as_array().unwrap().iter().enumerate() {
        assert_eq!(
            service["Tags"],
            json!([{"Key": "index", "Value": index.to_string()}])
        );
    }
    assert_eq!(answer.header("link"), None);
    let calls = app.aws().operations();
    assert_eq!(calls[..2], ["sts:AssumeRole", "ecs:ListServices"]);
    assert_eq!(calls[2..], ["ecs:DescribeServices"; 3]);
}

#[tokio::test]
async fn all_answers_what_one_answer_holds_and_links_to_the_rest() {
    let app = with_services(TestApp::new(), 160).await;
    let first = app.get(&format!("{PATH}?all=true")).await;
    let next = next_of(first.header("link").expect("there is more"));
    assert!(
        next.starts_with(&format!("{PATH}?all=true&nextToken=")),
        "{next}"
    );
    let calls = app.aws().operations();
    assert_eq!(count_of(&calls, "ecs:ListServices"), 2);
    assert_eq!(count_of(&calls, "ecs:DescribeServices"), 15);
    let rest = app.get(&next).await;
    assert_eq!(rest.header("link"), None);
    let (first, rest) = (first.expect(200), rest.expect(200));
    assert_eq!((names(&first).len(), names(&rest).len()), (150, 10));
    let expected: Vec<_> = (0..160).map(|index| format!("s{index:03}")).collect();
    assert_eq!([names(&first), names(&rest)].concat(), expected);
}

#[tokio::test]
async fn a_limit_gives_pages_that_link_to_the_next() {
    let app = with_services(TestApp::new(), 25).await;
    for (query, sizes) in [
        ("limit=10", vec![10, 10, 5]),
        ("limit=25", vec![25]),
        ("limit=11&all=1", vec![11, 11, 3]),
        ("launchType=FARGATE&limit=20", vec![20, 5]),
    ] {
        let (mut path, mut pages) = (format!("{PATH}?{query}"), Vec::new());
        loop {
            let page = app.get(&path).await;
            pages.push(page.expect(200).as_array().unwrap().clone());
            let Some(link) = page.header("link") else {
                break;
            };
            path = next_of(link);
            assert!(
                path.starts_with(&format!("{PATH}?{query}&nextToken=")),
                "{path}"
            );
        }
        assert_eq!(
            pages.iter().map(Vec::len).collect::<Vec<_>>(),
            sizes,
            "{query}"
        );
        let listed = pages.concat();
        let arns_listed = listed
            .iter()
            .map(|each| each.get("ServiceArn").unwrap_or(each).clone());
        assert_eq!(arns_listed.collect::<Value>(), arns(&app, 25), "{query}");
    }
}

#[tokio::test]
async fn a_launch_type_lists_its_services_alone() {
    let app = with_services(TestApp::new(), 2).await;
    app.account()
        .service("on-ec2")
        .launch_type(LaunchType::Ec2)
        .send()
        .await
        .unwrap();
    let on_ec2 = json!([arn(&app, "service/myclu/on-ec2")]);
    for (query, expected) in [
        ("launchType=FARGATE", arns(&app, 2)),
        ("launchType=ec2", on_ec2),
        ("launchType=EXTERNAL", json!([])),
        ("launchType=MANAGED_INSTANCES", json!([])),
    ] {
        assert_eq!(
            app.get(&format!("{PATH}?{query}")).await.expect(200),
            expected,
            "{query}"
        );
    }
    let described = app
        .get(&format!("{PATH}?launchType=EC2&all=true"))
        .await
        .expect(200);
    assert_eq!(names(&described), ["on-ec2"]);
}

#[tokio::test]
async fn a_service_with_a_capacity_provider_strategy_is_listed() {
    let app = with_services(TestApp::new(), 1).await;
    app.account().associate_fargate().await;
    let spot = CapacityProviderStrategyItem::builder()
        .capacity_provider("FARGATE_SPOT")
        .build()
        .unwrap();
    let service = app
        .account()
        .service("on-spot")
        .set_launch_type(None)
        .capacity_provider_strategy(spot);
    service.send().await.unwrap();
    let expected = json!([
        arn(&app, "service/myclu/s000"),
        arn(&app, "service/myclu/on-spot")
    ]);
    assert_eq!(app.get(PATH).await.expect(200), expected);
    let described = app.get(&format!("{PATH}?all=true")).await.expect(200);
    assert_eq!(names(&described), ["s000", "on-spot"]);
    assert_eq!(described[1].get("LaunchType"), None);
}

#[tokio::test]
async fn a_cluster_is_named_by_its_arn_too() {
    let app = with_services(TestApp::new(), 1).await;
    let cluster = arn(&app, "cluster/myclu");
    for cluster in [encoded(&cluster), cluster] {
        let path = format!("/nonprod/clusters/{cluster}/services");
        assert_eq!(app.get(&path).await.expect(200), arns(&app, 1), "{path}");
    }
}

#[tokio::test]
async fn a_service_that_goes_while_it_is_listed_is_left_out() {
    let app = with_services(TestApp::new(), 2).await;
    let listed =
        json!({"serviceArns": [arn(&app, "service/myclu/gone"), arn(&app, "service/myclu/s001")]});
    app.aws()
        .on("ecs:ListServices")
        .meets(Fault::answer(&listed));
    assert_eq!(
        names(&app.get(&format!("{PATH}?all=true")).await.expect(200)),
        ["s001"]
    );
}

#[tokio::test]
async fn a_bad_query_is_refused_before_any_call() {
    let app = TestApp::new();
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
        ("all=yes", "all", "expected `true`, `false`, `1` or `0`"),
        ("all=", "all", "expected `true`, `false`, `1` or `0`"),
        (
            "launchType=SPOT",
            "launchType",
            "expected one of FARGATE, EC2, EXTERNAL, MANAGED_INSTANCES",
        ),
        (
            "status=ACTIVE",
            "status",
            "unknown query parameter; this path knows `all`, `limit`, `nextToken`, `launchType`",
        ),
        ("all=true&all=true", "all", "given twice"),
    ];
    app.assert_refuses("GET", PATH, &queries).await;
}

#[tokio::test]
async fn a_missing_cluster_is_not_found() {
    let app = TestApp::new();
    app.aws().on("ecs:ListServices").meets(Fault::refuse(
        "ClusterNotFoundException",
        "Cluster not found.",
    ));
    let problem = app.get(PATH).await.problem(404);
    insta::assert_json_snapshot!(problem, @r#"
    {
      "status": 404,
      "detail": "`ecs:ListServices` was refused: Cluster not found.",
      "code": "ClusterNotFoundException",
      "retryable": false
    }
    "#);
    assert_eq!(
        app.get(&format!("{PATH}?all=true")).await.problem(404),
        problem
    );
}

#[tokio::test]
async fn a_refused_description_is_a_problem_and_not_a_shorter_list() {
    let app = with_services(TestApp::new(), 25).await;
    app.aws()
        .on("ecs:DescribeServices")
        .meets(Fault::refuse("AccessDeniedException", "not you"));
    let problem = app.get(&format!("{PATH}?all=true")).await.problem(403);
    assert_eq!(problem["code"], "AccessDeniedException");
    assert!(
        problem["detail"]
            .as_str()
            .unwrap()
            .contains("may not do `ecs:DescribeServices`: not you"),
        "{problem}"
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_not_described_in_time_is_linked_to() {
    let mut app = with_services(TestApp::scripted(), 25).await;
    assert_eq!(app.get(PATH).await.expect(200), arns(&app, 25));
    app.set_time_left(Duration::from_secs(6));
    app.aws()
        .on("ecs:DescribeServices")
        .whose(|sent| sent["services"][0].as_str().unwrap().contains("s020"))
        .meets(Fault::delay(Duration::from_secs(7)));
    let first = app.get(&format!("{PATH}?all=true")).await;
    assert_eq!(names(&first.expect(200)).len(), 20);
    let next = next_of(first.header("link").expect("there is more"));
    app.aws().forget_script();
    let rest = app.get(&next).await;
    assert_eq!(
        (names(&rest.expect(200)), rest.header("link")),
        (vec!["s020", "s021", "s022", "s023", "s024"], None)
    );
}
