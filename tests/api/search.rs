//! `GET /services`: a search over accounts and clusters, on paused time against an AWS in memory.

use std::collections::BTreeSet;
use std::time::Duration;

use fake_aws::{FakeAws, Fault, HUB};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::time::Instant;

use crate::support::scripted::ScriptedApp;

const TOKEN: &str = "a-searchers-token";

/// The number of an account.
fn id(account: usize) -> String {
    format!("{:012}", 444_400_000_000 + account)
}

fn put(aws: &FakeAws, account: usize, operation: &str, input: &Value) {
    let put = aws.put(&id(account), operation, input);
    put.expect("nothing is in its way");
}

/// Puts a cluster with services of these names into an account.
fn furnish(aws: &FakeAws, account: usize, cluster: &str, services: &[&str]) {
    put(
        aws,
        account,
        "ecs:CreateCluster",
        &json!({"clusterName": cluster}),
    );
    for name in services {
        let tags = json!([{"key": "team", "value": format!("of-{name}")}]);
        register(aws, account, name);
        let service = json!({"cluster": cluster, "serviceName": name, "taskDefinition": name, "desiredCount": 0,
            "launchType": "FARGATE", "tags": tags});
        put(aws, account, "ecs:CreateService", &service);
    }
}

/// Registers a task definition with an image of that name.
fn register(aws: &FakeAws, account: usize, name: &str) {
    let image = format!("registry.example.com/{name}:1.0");
    let container = json!([{"name": "app", "image": image, "essential": true}]);
    let definition = json!({"family": name, "containerDefinitions": container});
    put(aws, account, "ecs:RegisterTaskDefinition", &definition);
}

/// A function for so many accounts, `account-00` and so on, and a caller with a grant for all.
async fn started(aws: &FakeAws, accounts: usize) -> ScriptedApp {
    for account in 0..accounts {
        let settings = json!({"accountId": id(account), "region": "us-east-1"});
        let name = format!("/config/accounts/account-{account:02}");
        aws.put_parameter(HUB, &name, &settings.to_string());
    }
    let digest = hex::encode(Sha256::digest(TOKEN));
    let caller = json!({"tokenSha256": digest, "grants": [{"accounts": ["*"], "access": "read"}]});
    aws.put_parameter(HUB, "/config/callers/searcher", &caller.to_string());
    let app = ScriptedApp::start(aws, "/config/").await.unwrap();
    app.aws.forget_calls();
    app
}

/// The pages of a search, from this path along the links.
async fn pages(app: &ScriptedApp, path: &str) -> Vec<Value> {
    let (mut path, mut pages) = (path.to_owned(), Vec::new());
    loop {
        let answer = app.get_with(TOKEN, &path).await;
        pages.push(answer.expect(200));
        let Some(link) = answer.header("link") else {
            return pages;
        };
        assert!(link.len() < 400, "the token is small: {link}");
        let next = link
            .strip_prefix("</v1/ecs")
            .and_then(|link| link.strip_suffix(">; rel=\"next\""));
        next.expect("a link is the path and query of the next page")
            .clone_into(&mut path);
    }
}

/// Returns the items of pages, as `account/cluster/service`.
fn items(pages: &[Value]) -> Vec<String> {
    let items = pages
        .iter()
        .flat_map(|page| page["Items"].as_array().unwrap());
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    items
        .map(|item| {
            let (account, cluster) = (text(&item["Account"]), text(&item["Cluster"]));
            format!(
                "{account}/{cluster}/{}",
                text(&item["Service"]["ServiceName"])
            )
        })
        .collect()
}

/// The accounts and codes of what was refused.
fn errors(pages: &[Value]) -> Vec<(String, String)> {
    let errors = pages
        .iter()
        .flat_map(|page| page["Errors"].as_array().unwrap());
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    errors
        .map(|error| (text(&error["Account"]), text(&error["Problem"]["code"])))
        .collect()
}

/// Three accounts with a cluster `live` each, and `web`, `web-api` and `worker` in it.
async fn three_accounts() -> ScriptedApp {
    let aws = FakeAws::in_memory();
    for account in 0..3 {
        furnish(&aws, account, "live", &["web", "web-api", "worker"]);
        furnish(&aws, account, "spare", &[]);
    }
    started(&aws, 3).await
}

#[tokio::test(start_paused = true)]
async fn services_of_all_accounts_are_found_in_order_and_without_events() {
    let app = three_accounts().await;
    let page = app.get_with(TOKEN, "/services").await.expect(200);
    let all: Vec<_> = (0..3)
        .flat_map(|account| {
            ["web", "web-api", "worker"].map(|name| format!("account-{account:02}/live/{name}"))
        })
        .collect();
    assert_eq!(items(std::slice::from_ref(&page)), all);
    assert_eq!(page["Errors"], json!([]));
    let service = &page["Items"][0]["Service"];
    assert_eq!(service["Tags"], json!([{"Key": "team", "Value": "of-web"}]));
    assert!(service.get("Events").is_none(), "{service}");
}

/// Each filter, what it finds in one account, and the calls that it takes there.
#[tokio::test(start_paused = true)]
async fn filters_narrow_the_search_and_spare_calls() {
    let app = three_accounts().await;
    for (query, found, calls) in [
        (
            "",
            &["web", "web-api", "worker"][..],
            &[
                "ListClusters",
                "ListServices",
                "ListServices",
                "DescribeServices",
            ][..],
        ),
        (
            "cluster=live",
            &["web", "web-api", "worker"],
            &["ListServices", "DescribeServices"],
        ),
        ("cluster=nowhere", &[], &["ListServices"]),
        (
            "name=web*",
            &["web", "web-api"],
            &[
                "ListClusters",
                "ListServices",
                "ListServices",
                "DescribeServices",
            ],
        ),
        (
            "name=nothing*",
            &[],
            &["ListClusters", "ListServices", "ListServices"],
        ),
        (
            "name=web",
            &["web"],
            &["ListClusters", "DescribeServices", "DescribeServices"],
        ),
        ("cluster=live&name=web", &["web"], &["DescribeServices"]),
        (
            "cluster=live&tag=team:of-web",
            &["web"],
            &["ListServices", "DescribeServices"],
        ),
        (
            "cluster=live&tag=team",
            &["web", "web-api", "worker"],
            &["ListServices", "DescribeServices"],
        ),
        (
            "cluster=live&tag=team:of",
            &[],
            &["ListServices", "DescribeServices"],
        ),
        ("cluster=live&launchType=EC2", &[], &["ListServices"]),
        (
            "cluster=live&launchType=fargate&name=wor*",
            &["worker"],
            &["ListServices", "DescribeServices"],
        ),
        (
            "cluster=live&image=/web",
            &["web", "web-api"],
            &[
                "ListServices",
                "DescribeServices",
                "DescribeTaskDefinition",
                "DescribeTaskDefinition",
                "DescribeTaskDefinition",
            ],
        ),
    ] {
        app.aws.forget_calls();
        let path = format!("/services?accounts=account-01&{query}");
        let page = app.get_with(TOKEN, path.trim_end_matches('&')).await;
        let page = [page.expect(200)];
        let expected: Vec<_> = found
            .iter()
            .map(|name| format!("account-01/live/{name}"))
            .collect();
        assert_eq!(items(&page), expected, "{query}");
        let mut made = app.aws.operations();
        made.retain(|operation| operation != "sts:AssumeRole");
        let calls: Vec<_> = calls.iter().map(|call| format!("ecs:{call}")).collect();
        made.sort();
        let mut calls = calls;
        calls.sort();
        assert_eq!(made, calls, "{query}");
    }
}

#[tokio::test(start_paused = true)]
async fn task_definitions_are_asked_for_side_by_side_and_each_once() {
    let aws = FakeAws::in_memory();
    let names: Vec<_> = (0..9).map(|number| format!("app-{number}")).collect();
    let services: Vec<_> = names.iter().map(String::as_str).collect();
    furnish(&aws, 0, "live", &services);
    put(
        &aws,
        0,
        "ecs:CreateCluster",
        &json!({"clusterName": "spare"}),
    );
    for cluster in ["live", "spare"] {
        let twin = json!({"cluster": cluster, "serviceName": "twin", "taskDefinition": "app-0"});
        put(&aws, 0, "ecs:CreateService", &twin);
    }
    let app = started(&aws, 1).await;
    app.aws.set_latency(Duration::from_millis(100));
    let page = app.get_with(TOKEN, "/services?image=/app-0:").await;
    assert_eq!(
        items(&[page.expect(200)]),
        [
            "account-00/live/app-0",
            "account-00/live/twin",
            "account-00/spare/twin"
        ]
    );
    let mut asked = app.aws.operations();
    asked.retain(|operation| operation == "ecs:DescribeTaskDefinition");
    assert_eq!(asked.len(), 9);
    // The role, clusters, services, the services themselves, their task definitions.
    assert_eq!(app.aws.depth(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_revision_that_was_deployed_just_now_is_not_asked_for() {
    let app = ScriptedApp::new();
    let service = json!({"name": "cart", "cluster": "shop", "image": "example.com/cart:1"});
    app.create(None, &service).await.expect(200);
    let place = "/nonprod/clusters/shop/services/cart";
    let deploy = app.send("PATCH", place, None, &json!({"tag": "2"})).await;
    deploy.expect(200);
    app.aws.forget_calls();
    let search = async |image| {
        let path = format!("/services?image={image}");
        let page = app.send("GET", &path, None, &Value::Null).await;
        items(&[page.expect(200)])
    };
    assert_eq!(search("cart:2").await, ["nonprod/shop/cart"]);
    assert_eq!(search("cart:1").await, [""; 0]);
    let made = app.aws.operations();
    assert!(
        !made.contains(&"ecs:DescribeTaskDefinition".to_owned()),
        "{made:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_limit_and_a_token_that_can_not_be_meant_are_told_together() {
    let app = three_accounts().await;
    let answer = app.get_with(TOKEN, "/services?limit=0&nextToken=x").await;
    let problem = answer.problem(400);
    let errors = problem["errors"].as_array().unwrap().iter();
    let paths: Vec<_> = errors.map(|error| &error["path"]).collect();
    assert_eq!(paths, ["limit", "nextToken"]);
}

#[tokio::test(start_paused = true)]
async fn a_service_that_is_not_active_is_found_by_its_whole_name() {
    let app = three_accounts().await;
    let gone = json!({"cluster": "live", "service": "web", "force": true});
    put(&app.aws, 1, "ecs:DeleteService", &gone);
    let of = async |query: &str| {
        let page = app.get_with(TOKEN, &format!("/services?{query}")).await;
        items(&[page.expect(200)])
    };
    assert_eq!(of("name=web").await.len(), 2);
    assert_eq!(
        of("name=web&status=inactive").await,
        ["account-01/live/web"]
    );
    let refused = app.get_with(TOKEN, "/services?status=INACTIVE").await;
    assert_eq!(refused.problem(400)["errors"][0]["path"], "status");
}

#[tokio::test(start_paused = true)]
async fn a_query_that_can_not_be_meant_is_refused_before_any_call() {
    let app = three_accounts().await;
    for (query, path) in [
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("nextToken=abc", "nextToken"),
        ("cluster=a/b", "cluster"),
        ("name=", "name"),
        ("status=GONE", "status"),
        ("launchType=MOON", "launchType"),
        ("all=true", "all"),
        ("accounts=", "accounts"),
        ("accounts=account-01,", "accounts"),
        ("accounts=,account-01", "accounts"),
        ("accounts=account-01,%20,account-02", "accounts"),
    ] {
        let answer = app.get_with(TOKEN, &format!("/services?{query}")).await;
        assert_eq!(answer.problem(400)["errors"][0]["path"], path, "{query}");
    }
    let unknown = app
        .get_with(TOKEN, "/services?accounts=account-01,nowhere")
        .await;
    assert_eq!(unknown.problem(404)["code"], "NoSuchAccount");
    assert_eq!(app.aws.operations(), [""; 0]);
}

/// An item that is there twice on the way through, or not at all, is a fault.
#[tokio::test(start_paused = true)]
async fn pages_add_up_whatever_their_size_and_whatever_goes_meanwhile() {
    let app = three_accounts().await;
    let whole = items(&[app.get_with(TOKEN, "/services").await.expect(200)]);
    for limit in [1, 2, 3, 4, 9] {
        let pages = pages(&app, &format!("/services?limit={limit}")).await;
        assert_eq!(items(&pages), whole, "{limit}");
        assert!(
            pages
                .iter()
                .all(|page| page["Items"].as_array().unwrap().len() <= limit)
        );
    }
    let first = app.get_with(TOKEN, "/services?limit=2").await;
    let link = first.header("link").unwrap().to_owned();
    // The last one that was answered, and the one after it.
    for name in ["web-api", "worker"] {
        let gone = json!({"cluster": "live", "service": name, "force": true});
        put(&app.aws, 0, "ecs:DeleteService", &gone);
    }
    let next = link.split(['<', '>']).nth(1).unwrap();
    let next = next.strip_prefix("/v1/ecs").unwrap();
    let second = app.get_with(TOKEN, next).await.expect(200);
    assert_eq!(
        items(&[second]),
        ["account-01/live/web", "account-01/live/web-api"]
    );
}

/// Forty accounts of twenty-five clusters of ten services.
async fn company() -> ScriptedApp {
    let aws = FakeAws::in_memory();
    for account in 0..40 {
        register(&aws, account, "app");
        for cluster in 0..25 {
            let cluster = format!("cluster-{cluster:02}");
            furnish(&aws, account, &cluster, &[]);
            for service in 0..10 {
                let service = json!({"cluster": cluster, "serviceName": format!("service-{service}"),
                    "taskDefinition": "app"});
                put(&aws, account, "ecs:CreateService", &service);
            }
        }
    }
    started(&aws, 40).await
}

#[tokio::test(start_paused = true)]
async fn forty_accounts_are_answered_whole_with_counted_calls_and_within_their_quotas() {
    let app = company().await;
    app.aws.set_latency(Duration::from_millis(50));
    let mut begun = Instant::now();
    let (mut path, mut all) = ("/services".to_owned(), Vec::new());
    loop {
        let answer = app.get_with(TOKEN, &path).await;
        let took = begun.elapsed();
        assert!(took < Duration::from_secs(28), "{took:?}");
        all.push(answer.expect(200));
        let Some(link) = answer.header("link") else {
            break;
        };
        let next = link.split(['<', '>']).nth(1).unwrap();
        path = next.strip_prefix("/v1/ecs").unwrap().to_owned();
        begun = Instant::now();
    }
    let found = items(&all);
    assert_eq!(found.len(), 40 * 25 * 10);
    assert_eq!(found.iter().collect::<BTreeSet<_>>().len(), found.len());
    assert!(found.is_sorted());
    assert_eq!(errors(&all), []);
    assert_eq!(all.len(), 10);
    // An account takes 51 calls: its clusters, and two for each of them. What a page looks at beyond what it can hold, the next
    // one looks at again.
    let calls = app.aws.operations().len();
    assert!(calls < 3 * 40 * 52, "{calls}");
    let of_one = app.aws.calls().into_iter().filter(|recorded| {
        recorded.call.account == id(20) && recorded.call.operation.starts_with("ecs:")
    });
    assert!(of_one.count() <= 4 * 51);
}

#[tokio::test(start_paused = true)]
async fn one_cluster_name_in_forty_accounts_is_one_page_and_two_calls_each() {
    let app = company().await;
    app.aws.set_latency(Duration::from_millis(50));
    let begun = Instant::now();
    let page = [app
        .get_with(TOKEN, "/services?cluster=cluster-07")
        .await
        .expect(200)];
    assert!(
        begun.elapsed() < Duration::from_secs(2),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(items(&page).len(), 400);
    // With the role of each.
    assert_eq!(app.aws.operations().len(), 3 * 40);
}

/// One is denied, one throttles for ever, one is silent, and one does not let its role be assumed.
#[tokio::test(start_paused = true)]
async fn accounts_that_fail_cost_the_others_nothing() {
    let aws = FakeAws::in_memory();
    for account in 0..40 {
        furnish(&aws, account, "live", &["web", "worker"]);
        furnish(&aws, account, "spare", &["web"]);
    }
    let app = started(&aws, 40).await;
    let denied = Fault::refuse(
        "AccessDeniedException",
        "is not authorized to perform: ecs:ListClusters",
    );
    app.aws.on("ecs:ListClusters").of(&id(3)).meets(denied);
    let throttled = Fault::refuse("ThrottlingException", "Rate exceeded");
    app.aws.on("ecs:ListServices").of(&id(7)).meets(throttled);
    app.aws.on("ecs:*").of(&id(11)).meets(Fault::silence());
    let stranger = Fault::refuse(
        "AccessDenied",
        "is not authorized to perform: sts:AssumeRole",
    );
    let role = format!("arn:aws:iam::{}:role/ecs-api", id(13));
    app.aws
        .on("sts:AssumeRole")
        .whose(move |input| input["RoleArn"] == role)
        .meets(stranger);
    let begun = Instant::now();
    let page = [app.get_with(TOKEN, "/services").await.expect(200)];
    assert!(
        begun.elapsed() < Duration::from_secs(15),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(items(&page).len(), 36 * 3);
    let error = |account: &str, code: &str| (account.to_owned(), code.to_owned());
    assert_eq!(
        errors(&page),
        [
            error("account-03", "AccessDeniedException"),
            error("account-07", "ThrottlingException"),
            error("account-11", "AwsTimedOut"),
            error("account-13", "AccessDenied"),
        ]
    );
    // Nobody asks an account again and again that has too much to do.
    let asked = app.aws.calls().into_iter().filter(|recorded| {
        recorded.call.account == id(7) && recorded.call.operation == "ecs:ListServices"
    });
    assert!(asked.count() <= 6);
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_is_denied_is_told_by_its_name_and_the_others_are_answered() {
    let aws = FakeAws::in_memory();
    for cluster in ["a", "b", "c"] {
        furnish(&aws, 0, cluster, &["web"]);
    }
    let app = started(&aws, 1).await;
    let denied = Fault::refuse("AccessDeniedException", "is not authorized");
    let is_b = |input: &Value| {
        input["cluster"]
            .as_str()
            .is_some_and(|cluster| cluster.ends_with('b'))
    };
    app.aws.on("ecs:ListServices").whose(is_b).meets(denied);
    let page = app.get_with(TOKEN, "/services").await.expect(200);
    assert_eq!(page["Errors"][0]["Cluster"], "b");
    assert_eq!(page["Errors"][0]["Problem"]["status"], 403);
    assert_eq!(items(&[page]), ["account-00/a/web", "account-00/c/web"]);
    // One that is deleted between the list and the look is no error.
    app.aws.forget_script();
    let missing = Fault::refuse("ClusterNotFoundException", "Cluster not found.");
    app.aws.on("ecs:ListServices").whose(is_b).meets(missing);
    let page = app.get_with(TOKEN, "/services").await.expect(200);
    assert_eq!(page["Errors"], json!([]));
}

/// Slow answers: what is not done in time follows behind `Link`, and a time in which nothing can be found is over.
#[tokio::test(start_paused = true)]
async fn what_does_not_fit_into_the_time_goes_on_by_a_link() {
    let aws = FakeAws::in_memory();
    for account in 0..4 {
        for cluster in 0..9 {
            furnish(&aws, account, &format!("cluster-{cluster}"), &["web"]);
        }
    }
    let mut app = started(&aws, 4).await;
    app.aws.set_latency(Duration::from_millis(900));
    app.set_time_left(Duration::from_secs(7));
    let all = pages(&app, "/services").await;
    assert!(all.len() > 1, "{}", all.len());
    let found = items(&all);
    assert_eq!(found.len(), 36);
    assert_eq!(found.iter().collect::<BTreeSet<_>>().len(), 36);
    // Not even the role and the clusters of an account.
    app.set_time_left(Duration::from_secs(3));
    let late = app.get_with(TOKEN, "/services").await;
    assert_eq!(late.problem(504)["retryable"], true);
}

/// A request that is late before its search begins: what its token stands for must not be answered again, nor be lost.
#[tokio::test(start_paused = true)]
async fn a_search_whose_time_is_over_before_it_begins_is_a_504_and_keeps_its_place() {
    let mut app = three_accounts().await;
    let first = app.get_with(TOKEN, "/services?limit=2").await;
    let link = first.header("link").unwrap().to_owned();
    let next = link.split(['<', '>']).nth(1).unwrap();
    let next = next.strip_prefix("/v1/ecs").unwrap();
    app.set_time_left(Duration::from_secs(1));
    for path in ["/services", next] {
        let late = app.get_with(TOKEN, path).await;
        assert_eq!(late.problem(504)["retryable"], true, "{path}");
        assert_eq!(late.header("link"), None, "{path}");
    }
    app.set_time_left(Duration::from_secs(29));
    let second = app.get_with(TOKEN, next).await.expect(200);
    assert_eq!(
        items(&[second]),
        ["account-00/live/worker", "account-01/live/web"]
    );
}
