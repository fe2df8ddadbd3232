use std::time::Duration;

use fake_aws::Fault;
use futures_util::stream::{self, StreamExt as _};
use serde_json::{Value, json};

use crate::support::{TestAccount, TestApp};

/// Registers that many revisions of a family.
async fn register(account: &TestAccount, family: &str, revisions: usize) {
    for _ in 0..revisions {
        let call = account.task_definition(family, "web");
        call.send().await.unwrap();
    }
}

/// The ARNs of the first revisions of a family.
fn arns(account: &TestAccount, family: &str, revisions: usize) -> Vec<Value> {
    let arn = |revision| {
        format!(
            "arn:aws:ecs:us-east-1:{}:task-definition/{family}:{revision}",
            account.id
        )
    };
    (1..=revisions)
        .map(|revision| arn(revision).into())
        .collect()
}

fn lengths(pages: &[Value]) -> Vec<usize> {
    pages
        .iter()
        .map(|page| page.as_array().unwrap().len())
        .collect()
}

fn joined(pages: Vec<Value>) -> Vec<Value> {
    pages
        .into_iter()
        .flat_map(|page| page.as_array().unwrap().clone())
        .collect()
}

/// Returns how many of the calls so far were this operation, and forgets them.
fn count(app: &TestApp, operation: &str) -> usize {
    let calls = app.aws().operations();
    app.aws().forget_calls();
    calls.iter().filter(|call| *call == operation).count()
}

#[tokio::test]
async fn eleven_hundred_revisions_of_thirty_families_are_listed_complete_and_in_order() {
    const LIST: &str = "ecs:ListTaskDefinitions";
    let mut families: Vec<_> = (0..27)
        .map(|index| (format!("family-{index:02}"), 30))
        .collect();
    families.extend([
        ("web".to_owned(), 240),
        ("web-2".to_owned(), 5),
        ("website".to_owned(), 45),
    ]);
    let app = TestApp::new();
    let account = app.account();
    stream::iter(&families)
        .for_each_concurrent(8, |(family, revisions)| {
            register(account, family, *revisions)
        })
        .await;
    let [web, web_2, website] = [("web", 240), ("web-2", 5), ("website", 45)]
        .map(|(family, revisions)| arns(account, family, revisions));

    // Plain: all of them, in AWS's order, by pages of 100.
    let pages = account
        .ecs()
        .list_task_definitions()
        .into_paginator()
        .items()
        .send();
    let of_aws: Vec<Value> = pages
        .collect::<Result<Vec<_>, _>>()
        .await
        .unwrap()
        .into_iter()
        .map(Value::from)
        .collect();
    let list = app.get("/nonprod/taskdefs").await;
    let listed = list.expect(200);
    assert_eq!(listed, json!(of_aws));
    assert_eq!(
        (list.header("link"), listed.as_array().unwrap().len()),
        (None, 1100)
    );
    for (family, revisions) in &families {
        let found = listed
            .as_array()
            .unwrap()
            .iter()
            .filter(|arn| arn.as_str().unwrap().contains(&format!("/{family}:")));
        assert_eq!(
            found.cloned().collect::<Vec<_>>(),
            arns(app.account(), family, *revisions)
        );
    }
    assert_eq!(count(&app, LIST), 11);

    // `limit`: pages that link to the next.
    let pages = app.pages("/nonprod/taskdefs?limit=500").await;
    assert_eq!(lengths(&pages), [500, 500, 100]);
    assert_eq!(json!(joined(pages)), listed);
    assert_eq!(count(&app, LIST), 11);

    // `family`: that one, and not those that begin like it.
    assert_eq!(
        app.get("/nonprod/taskdefs?family=web").await.expect(200),
        json!(web)
    );
    let pages = app.pages("/nonprod/taskdefs?family=web&limit=100").await;
    assert_eq!(
        (lengths(&pages), joined(pages)),
        (vec![100, 100, 40], web.clone())
    );
    assert_eq!(
        app.get("/nonprod/taskdefs?family=we").await.expect(200),
        json!([])
    );

    // `prefix`: the families that begin so, each by its own pages.
    app.aws().forget_calls();
    let web_all = [web, web_2.clone(), website].concat();
    let list = app.get("/nonprod/taskdefs?prefix=web").await;
    assert_eq!(
        (list.expect(200), list.header("link")),
        (json!(web_all), None)
    );
    let mut calls = app.aws().operations();
    calls.sort();
    // Three pages of what the local AWS takes for the family `web`, and one each of `web-2` and `website`.
    assert_eq!(
        calls,
        [
            ["ecs:ListTaskDefinitionFamilies"; 1].as_slice(),
            [LIST; 5].as_slice()
        ]
        .concat()
    );
    let pages = app.pages("/nonprod/taskdefs?prefix=web&limit=100").await;
    assert_eq!(
        (lengths(&pages), joined(pages)),
        (vec![100, 100, 90], web_all.clone())
    );
    let pages = app.pages("/nonprod/taskdefs?prefix=web&limit=7").await;
    assert_eq!((pages.len(), joined(pages)), (42, web_all));
    assert_eq!(
        app.get("/nonprod/taskdefs?prefix=web-").await.expect(200),
        json!(web_2)
    );
    assert_eq!(
        app.get("/nonprod/taskdefs?prefix=nothing")
            .await
            .expect(200),
        json!([])
    );
}

#[tokio::test]
async fn active_revisions_are_listed_unless_the_status_asks_for_others() {
    let app = TestApp::new();
    for (family, revisions) in [("web", 3), ("website", 1)] {
        register(app.account(), family, revisions).await;
    }
    let ecs = app.account().ecs();
    for revision in ["web:1", "website:1"] {
        ecs.deregister_task_definition()
            .task_definition(revision)
            .send()
            .await
            .unwrap();
    }
    let (web, website) = (
        arns(app.account(), "web", 3),
        arns(app.account(), "website", 1),
    );
    for (query, expected) in [
        ("", json!(web[1..])),
        ("?status=ACTIVE", json!(web[1..])),
        ("?status=inactive", json!([web[0], website[0]])),
        ("?status=INACTIVE&family=web", json!([web[0]])),
        ("?status=ACTIVE&prefix=web", json!(web[1..])),
        ("?status=DELETE_IN_PROGRESS", json!([])),
    ] {
        assert_eq!(
            app.get(&format!("/nonprod/taskdefs{query}"))
                .await
                .expect(200),
            expected,
            "{query}"
        );
    }
    // A family with an INACTIVE revision may be ACTIVE itself. (The local AWS does not know the status `ALL`.)
    app.aws()
        .on("ecs:ListTaskDefinitionFamilies")
        .meets(Fault::answer(&json!({"families": ["web", "website"]})));
    let inactive = app
        .get("/nonprod/taskdefs?status=INACTIVE&prefix=web")
        .await
        .expect(200);
    assert_eq!(inactive, json!([web[0], website[0]]));
    let asked = app
        .aws()
        .sent("ecs:ListTaskDefinitionFamilies")
        .pop()
        .unwrap();
    assert_eq!(
        asked,
        json!({"familyPrefix": "web", "status": "ALL", "maxResults": 100})
    );
}

#[tokio::test]
async fn a_bad_query_is_refused_before_any_call() {
    let app = TestApp::new();
    let name = "expected 1 to 255 letters, digits, `-` and `_`";
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
        (
            "status=GONE",
            "status",
            "expected one of ACTIVE, INACTIVE, DELETE_IN_PROGRESS",
        ),
        (
            "status=",
            "status",
            "expected one of ACTIVE, INACTIVE, DELETE_IN_PROGRESS",
        ),
        ("family=web%3A1", "family", name),
        ("family=", "family", name),
        ("prefix=a%20b", "prefix", name),
        (
            "family=web&prefix=web",
            "prefix",
            "given beside `family`; give one of them",
        ),
        (
            "familyPrefix=web",
            "familyPrefix",
            "unknown query parameter; this path knows `status`, `family`, `prefix`, `limit`, `nextToken`",
        ),
    ];
    app.assert_refuses("GET", "/nonprod/taskdefs", &queries)
        .await;
}

#[tokio::test]
async fn what_aws_refuses_is_a_problem_with_either_way_to_list() {
    let app = TestApp::new();
    register(app.account(), "web", 1).await;
    for operation in ["ecs:ListTaskDefinitions", "ecs:ListTaskDefinitionFamilies"] {
        for (code, status) in [
            ("ClientException", 400),
            ("InvalidParameterException", 400),
            ("AccessDeniedException", 403),
            ("ThrottlingException", 429),
        ] {
            app.aws().on(operation).meets(Fault::refuse(code, "No"));
            let answer = app.get("/nonprod/taskdefs?prefix=web").await;
            assert_eq!(answer.problem(status)["code"], code, "{operation}");
            assert_eq!(answer.header("retry-after"), (status == 429).then_some("5"));
            app.aws().forget_script();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_does_not_fit_the_time_is_continued_by_the_link() {
    let mut app = TestApp::scripted();
    let mut expected = Vec::new();
    for index in 0..20 {
        let family = format!("family-{index:02}");
        register(app.account(), &family, 1).await;
        expected.extend(arns(app.account(), &family, 1));
    }
    app.set_time_left(Duration::from_secs(4));
    app.aws()
        .on("ecs:ListTaskDefinitions")
        .meets(Fault::delay(Duration::from_millis(1100)));
    let first = app.get("/nonprod/taskdefs?prefix=family").await;
    let link = first.header("link").expect("there is more").to_owned();
    app.aws().forget_script();
    let next = link
        .strip_prefix("</v1/ecs")
        .and_then(|link| link.strip_suffix(">; rel=\"next\""))
        .unwrap();
    let rest = app.pages(next).await;
    assert_eq!(joined([vec![first.expect(200)], rest].concat()), expected);
}

#[tokio::test]
async fn families_are_listed_once_each_in_whatever_order_aws_has_them() {
    let app = TestApp::new();
    let mut expected = Vec::new();
    for family in ["web-C", "web-a", "web-b"] {
        register(app.account(), family, 1).await;
        expected.extend(arns(app.account(), family, 1));
    }
    app.aws()
        .on("ecs:ListTaskDefinitionFamilies")
        .meets(Fault::answer(
            &json!({"families": ["web-a", "web-b", "web-C"]}),
        ));
    let (mut path, mut listed) = (
        "/nonprod/taskdefs?prefix=web&limit=1".to_owned(),
        Vec::new(),
    );
    for _ in &expected {
        let page = app.get(&path).await;
        listed.extend(page.expect(200).as_array().unwrap().clone());
        let Some(link) = page.header("link") else {
            break;
        };
        path = link
            .strip_prefix("</v1/ecs")
            .unwrap()
            .strip_suffix(">; rel=\"next\"")
            .unwrap()
            .to_owned();
    }
    listed.sort_by_key(Value::to_string);
    assert_eq!(listed, expected);
}

#[tokio::test]
async fn revisions_that_are_deregistered_between_two_pages_make_no_other_slip() {
    let app = TestApp::new();
    register(app.account(), "web", 6).await;
    let page = app.get("/nonprod/taskdefs?prefix=web&limit=2").await;
    for arn in page.expect(200).as_array().unwrap() {
        let name = arn.as_str().unwrap().rsplit('/').next().unwrap();
        app.delete(&format!("/nonprod/taskdefs/{name}"))
            .await
            .expect(200);
    }
    let next = page
        .header("link")
        .unwrap()
        .strip_prefix("</v1/ecs")
        .unwrap()
        .strip_suffix(">; rel=\"next\"")
        .unwrap();
    assert_eq!(
        json!(joined(app.pages(next).await)),
        json!(&arns(app.account(), "web", 6)[2..])
    );
}
