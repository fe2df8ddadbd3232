use fake_aws::Fault;
use serde_json::{Value, json};

use crate::support::{TestAccount, TestApp};

const LIST: &str = "servicediscovery:ListServices";

/// Makes that many registries in a namespace, which it answers.
async fn furnish(account: &TestAccount, registries: usize) -> String {
    let (namespace, discovery) = (account.namespace().await, account.discovery());
    for index in 0..registries {
        let call = discovery
            .create_service()
            .name(format!("www{index:03}"))
            .namespace_id(&namespace);
        call.send().await.unwrap();
    }
    namespace
}

fn names(page: &Value) -> Vec<&str> {
    page["Services"]
        .as_array()
        .unwrap()
        .iter()
        .map(|registry| registry["Name"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn every_registry_is_listed_however_many_pages_aws_needs() {
    let app = TestApp::new();
    furnish(app.account(), 250).await;
    let list = app.get("/nonprod/servicediscovery/services").await;
    let expected: Vec<_> = (0..250).map(|index| format!("www{index:03}")).collect();
    assert_eq!(
        (names(&list.expect(200)), list.header("link")),
        (expected.iter().map(String::as_str).collect(), None)
    );
    assert_eq!(app.aws().operations(), ["sts:AssumeRole", LIST, LIST, LIST]);
}

#[tokio::test]
async fn a_limit_gives_pages_that_link_to_the_next() {
    let app = TestApp::new();
    let namespace = furnish(app.account(), 5).await;
    let pages = app
        .pages(&format!(
            "/nonprod/servicediscovery/services?limit=2&namespace={namespace}"
        ))
        .await;
    let names: Vec<_> = pages.iter().map(names).collect();
    assert_eq!(
        names,
        [
            vec!["www000", "www001"],
            vec!["www002", "www003"],
            vec!["www004"]
        ]
    );
    // Every page keeps the namespace.
    assert!(
        app.aws()
            .sent(LIST)
            .iter()
            .all(|sent| sent["Filters"][0]["Values"][0] == json!(namespace))
    );
}

#[tokio::test]
async fn a_registry_is_listed_with_what_aws_says_of_it() {
    let app = TestApp::new();
    assert_eq!(
        app.get("/nonprod/servicediscovery/services")
            .await
            .expect(200),
        json!({"Services": []})
    );
    let body = json!({
        "name": "www", "namespaceId": app.account().namespace().await, "description": "the front",
        "dnsConfig": {"dnsRecords": [{"type": "A", "ttl": 30}]},
    });
    app.post("/nonprod/servicediscovery/services", &body)
        .await
        .expect(200);
    let answer = app
        .get("/nonprod/servicediscovery/services")
        .await
        .expect(200);
    insta::assert_json_snapshot!(answer, {
        ".Services[].Id" => "[id]",
        ".Services[].Arn" => "[arn]",
        ".Services[].CreateDate" => "[time]",
    }, @r#"
    {
      "Services": [
        {
          "Id": "[id]",
          "Arn": "[arn]",
          "Name": "www",
          "Description": "the front",
          "DnsConfig": {
            "DnsRecords": [
              {
                "Type": "A",
                "TTL": 30
              }
            ]
          },
          "HealthCheckCustomConfig": {
            "FailureThreshold": 1
          },
          "CreateDate": "[time]"
        }
      ]
    }
    "#);
}

#[tokio::test]
async fn a_namespace_is_asked_of_aws() {
    let app = TestApp::new();
    app.get("/nonprod/servicediscovery/services?namespace=ns-y3uaw6neshhbev3f")
        .await
        .expect(200);
    app.get("/nonprod/servicediscovery/services")
        .await
        .expect(200);
    let filter = json!([{"Name": "NAMESPACE_ID", "Values": ["ns-y3uaw6neshhbev3f"]}]);
    let expected = [
        json!({"MaxResults": 100, "Filters": filter}),
        json!({"MaxResults": 100}),
    ];
    assert_eq!(app.aws().sent(LIST), expected);
}

#[tokio::test]
async fn a_bad_query_is_refused_before_any_call() {
    let app = TestApp::new();
    let queries = [
        ("limit=0", "limit", "expected a whole number from 1 to 1000"),
        (
            "limit=many",
            "limit",
            "expected a whole number from 1 to 1000",
        ),
        (
            "nextToken=x",
            "nextToken",
            "expected the `nextToken` of an earlier answer's `Link`",
        ),
        (
            "name=www",
            "name",
            "unknown query parameter; this path knows `namespace`, `limit`, `nextToken`",
        ),
    ];
    app.assert_refuses("GET", "/nonprod/servicediscovery/services", &queries)
        .await;
}

#[tokio::test]
async fn what_aws_refuses_is_a_problem() {
    let app = TestApp::new();
    for (code, status) in [
        ("InvalidInput", 400),
        ("AccessDeniedException", 403),
        ("NamespaceNotFound", 404),
        ("RequestLimitExceeded", 429),
    ] {
        app.aws().on(LIST).meets(Fault::refuse(code, "No"));
        let answer = app.get("/nonprod/servicediscovery/services").await;
        assert_eq!(answer.problem(status)["code"], code);
        assert_eq!(answer.header("retry-after"), (status == 429).then_some("5"));
        app.aws().forget_script();
    }
}

#[tokio::test]
async fn a_namespace_that_can_not_be_one_is_refused_before_any_call() {
    let app = TestApp::new();
    for namespace in ["", "a%20b"] {
        let problem = app
            .get(&format!(
                "/nonprod/servicediscovery/services?namespace={namespace}"
            ))
            .await
            .problem(400);
        assert_eq!(problem["errors"][0]["path"], "namespace", "{namespace}");
    }
    assert_eq!(app.aws().operations(), [""; 0]);
}

#[tokio::test]
async fn what_does_not_fit_an_answer_of_lambda_is_continued_by_the_link() {
    let app = TestApp::new();
    let registry = |index: u32| json!({"Id": format!("srv-{index}"), "Name": "x", "Description": "\"".repeat(1000)});
    app.aws()
        .on("servicediscovery:ListServices")
        .meets(Fault::answer(
            &json!({"Services": (0..4000).map(registry).collect::<Vec<_>>()}),
        ));
    let (mut path, mut ids) = ("/nonprod/servicediscovery/services".to_owned(), Vec::new());
    for is_last in [false, false, false, true] {
        let answer = app.get(&path).await;
        let body = answer.expect(200);
        // As a string of the JSON that Lambda answers.
        let bytes = json!(answer.text()).to_string().len();
        assert!(bytes < 6_000_000, "{bytes}");
        ids.extend(
            body["Services"]
                .as_array()
                .unwrap()
                .iter()
                .map(|registry| registry["Id"].clone()),
        );
        let link = answer.header("link").map(str::to_owned);
        assert_eq!(link.is_none(), is_last, "{}", ids.len());
        let Some(link) = link else { break };
        path = link
            .strip_prefix("</v1/ecs")
            .unwrap()
            .strip_suffix(">; rel=\"next\"")
            .unwrap()
            .to_owned();
    }
    assert_eq!(
        ids,
        (0..4000)
            .map(|index| json!(format!("srv-{index}")))
            .collect::<Vec<_>>()
    );
}
