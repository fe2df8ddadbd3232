//! Dashboard and alarms: they look at what there is, and each alarm leads to the page that says what to do.

use std::collections::BTreeSet;
use std::fs;

use ecs_api::telemetry::Metric;
use serde_json::{Value, json};

use crate::metrics::name;
use crate::openapi::project;
use crate::support::alarms::{State, state};
use crate::templates::template;

/// The metrics of AWS's own that are looked at, with the page that lists them.
const OF_AWS: &[(&str, &[&str])] = &[
    // https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
    (
        "AWS/Lambda",
        &["ConcurrentExecutions", "Errors", "Throttles"],
    ),
    // https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
    (
        "AWS/SQS",
        &[
            "ApproximateAgeOfOldestMessage",
            "ApproximateNumberOfMessagesDelayed",
            "ApproximateNumberOfMessagesNotVisible",
            "ApproximateNumberOfMessagesVisible",
        ],
    ),
];

/// The alarms of the stack, by the ends of their names.
pub fn alarms() -> Vec<(String, &'static Value)> {
    let resources = template("template.yaml")["Resources"].as_object().unwrap();
    let alarms = resources
        .values()
        .filter(|resource| resource["Type"] == "AWS::CloudWatch::Alarm");
    let named = alarms.map(|alarm| {
        assert_eq!(alarm["Condition"], "HasAlarms");
        let full = alarm["Properties"]["AlarmName"]["Fn::Sub"]
            .as_str()
            .unwrap();
        let end = full.strip_prefix("${FunctionName}-").unwrap();
        (end.to_owned(), &alarm["Properties"])
    });
    named.collect()
}

fn dashboard() -> Value {
    let resource = &template("template.yaml")["Resources"]["Overview"];
    assert_eq!(resource["Condition"], "HasDashboard");
    let body = &resource["Properties"]["DashboardBody"]["Fn::Sub"];
    let body = body.as_str().unwrap().replace("${FunctionName}", "ecs-api");
    serde_json::from_str(&body).expect("the dashboard is JSON")
}

/// Metrics as the dashboard has them: namespace, name, and dimensions one after the other.
fn graphed() -> Vec<Vec<String>> {
    let dashboard = dashboard();
    let widgets = dashboard["widgets"].as_array().unwrap().iter();
    let rows = widgets.filter_map(|widget| widget["properties"]["metrics"].as_array());
    let texts = |row: &Value| {
        let parts = row.as_array().unwrap().iter();
        let parts = parts.filter_map(|part| part.as_str().map(str::to_owned));
        parts.collect::<Vec<_>>()
    };
    rows.flatten()
        .map(texts)
        .filter(|row| !row.is_empty())
        .collect()
}

#[track_caller]
fn assert_is_metric(namespace: &str, metric: &str) {
    if namespace == "ecs-api" {
        assert!(
            Metric::ALL.map(name).contains(&metric.to_owned()),
            "{metric}"
        );
        return;
    }
    let found = OF_AWS.iter().find(|(of, _)| *of == namespace);
    assert!(
        found.is_some_and(|(_, names)| names.contains(&metric)),
        "{namespace} {metric}"
    );
}

#[test]
fn the_dashboard_shows_metrics_that_there_are_and_every_one_of_our_own() {
    let mut shown = BTreeSet::new();
    for row in graphed() {
        assert_is_metric(&row[0], &row[1]);
        match (row[0].as_str(), &row[2..]) {
            ("ecs-api", []) => assert!(shown.insert(row[1].clone()) || row[1].contains("Duration")),
            ("AWS/Lambda", [dimension, value]) => {
                assert_eq!(
                    (dimension.as_str(), value.as_str()),
                    ("FunctionName", "ecs-api")
                );
            }
            ("AWS/SQS", [dimension, queue]) => {
                assert_eq!(dimension, "QueueName");
                assert!(queue == "ecs-api-cleanup" || queue == "ecs-api-cleanup-dead-letters");
            }
            _ => panic!("{row:?}"),
        }
    }
    assert_eq!(shown, Metric::ALL.map(name).into_iter().collect());
}

#[test]
fn what_the_dashboard_searches_for_is_measured() {
    let text = dashboard().to_string();
    let searches: Vec<_> = text.split("SEARCH('").skip(1).collect();
    for search in &searches {
        let (schema, rest) = search.split_once('}').unwrap();
        assert_eq!(schema, "{ecs-api,operation");
        let metric = rest.split(r#"MetricName=\""#).nth(1).unwrap();
        let metric = metric.split('\\').next().unwrap().to_owned();
        assert!(Metric::BY_OPERATION.map(name).contains(&metric), "{search}");
    }
    assert_eq!(searches.len(), 2);
}

/// A query of the dashboard reads members of the log's line.
#[test]
fn what_the_dashboard_asks_the_log_for_is_there() {
    let text = dashboard().to_string();
    let queries: Vec<_> = text.split("sum(").skip(1).collect();
    for query in &queries {
        let metric = query.split(')').next().unwrap().to_owned();
        assert!(Metric::ALL.map(name).contains(&metric), "{query}");
    }
    assert_eq!(queries.len(), 3);
    assert!(text.contains("SOURCE '/aws/lambda/ecs-api'") && text.contains("by account"));
}

#[test]
fn the_dashboard_shows_every_alarm() {
    let dashboard = dashboard();
    let widgets = dashboard["widgets"].as_array().unwrap();
    let alarm = widgets.iter().find(|widget| widget["type"] == "alarm");
    let arns = alarm.unwrap()["properties"]["alarms"].as_array().unwrap();
    let shown = arns.iter().map(|arn| {
        let arn = arn.as_str().unwrap();
        arn.split(":alarm:ecs-api-").nth(1).unwrap().to_owned()
    });
    let there: Vec<_> = alarms().into_iter().map(|(name, _)| name).collect();
    assert_eq!(shown.collect::<Vec<_>>(), there);
}

#[test]
fn every_alarm_watches_a_metric_that_there_is_and_names_a_section_of_the_page() {
    let page = fs::read_to_string(project("docs/operations.md")).unwrap();
    for (end, alarm) in alarms() {
        let metric = alarm["MetricName"].as_str().unwrap();
        let own = json!({"Ref": "FunctionName"});
        let namespace = if alarm["Namespace"] == own {
            assert!(alarm.get("Dimensions").is_none(), "{end}");
            "ecs-api"
        } else {
            let dimensions = alarm["Dimensions"].as_array().unwrap();
            assert_eq!(dimensions.len(), 1, "{end}");
            alarm["Namespace"].as_str().unwrap()
        };
        assert_is_metric(namespace, metric);
        let description = alarm["AlarmDescription"].as_str().unwrap();
        let section = format!("See docs/operations.md, \"The alarm {end}\".");
        assert!(description.ends_with(&section), "{description}");
        let (_, told) = page
            .split_once(&format!("### The alarm {end}\n"))
            .unwrap_or_else(|| panic!("docs/operations.md: {end}"));
        let told = told.split("\n##").next().unwrap();
        for part in ["**Means**", "**Look**", "**Do**"] {
            assert!(told.contains(part), "docs/operations.md: {end}: {part}");
        }
        for actions in ["AlarmActions", "OKActions"] {
            let topic = json!([{"Ref": "AlarmTopicArn"}]);
            let heard = json!({"Fn::If": ["AlarmsNobody", {"Ref": "AWS::NoValue"}, topic]});
            assert_eq!(alarm[actions], heard, "{end}");
        }
    }
}

/// Returns the amounts of a row of a table, in hundredths of a cent.
fn amounts(row: &str) -> [u64; 2] {
    let cells: Vec<_> = row
        .split('|')
        .map(|cell| cell.trim().trim_matches('*'))
        .collect();
    [cells[2], cells[3]].map(|cell| {
        let digits = cell.strip_prefix("$0.").unwrap_or("0000");
        assert_eq!(digits.len(), 4, "{row}");
        digits.parse().unwrap()
    })
}

#[test]
fn the_cost_of_a_thousand_requests_adds_up() {
    let page = fs::read_to_string(project("docs/operations.md")).unwrap();
    let (_, section) = page.split_once("## Cost\n").unwrap();
    let rows = section
        .lines()
        .skip_while(|line| !line.starts_with("| ---"));
    let rows: Vec<_> = rows
        .skip(1)
        .take_while(|line| line.starts_with('|'))
        .collect();
    let (all, parts) = rows.split_last().unwrap();
    assert!(
        all.starts_with("| **in all** |") && parts.len() > 4,
        "{rows:?}"
    );
    let sum = |column: usize| parts.iter().map(|row| amounts(row)[column]).sum::<u64>();
    assert_eq!(amounts(all), [sum(0), sum(1)]);
}

#[test]
fn alarms_and_dashboard_can_be_switched_off() {
    let template = template("template.yaml");
    for (condition, parameter) in [("HasAlarms", "Alarms"), ("HasDashboard", "Dashboard")] {
        let is_on = json!({"Fn::Equals": [{"Ref": parameter}, "true"]});
        assert_eq!(template["Conditions"][condition], is_on);
        assert_eq!(template["Parameters"][parameter]["Default"], "true");
    }
}

fn alarm(end: &str) -> &'static Value {
    let mut alarms = alarms().into_iter();
    let (_, found) = alarms.find(|(name, _)| name == end).unwrap();
    found
}

/// Returns an alarm's state in CloudWatch at the end of these periods.
fn after_periods(end: &str, periods: &[&[f64]]) -> State {
    let alarm = alarm(end);
    let period = alarm["Period"].as_u64().unwrap();
    let values = periods.iter().zip(0..).flat_map(|(values, index)| {
        let at = index * period + 1;
        values.iter().map(move |value| (at, *value))
    });
    state(alarm, &values.collect(), periods.len() as u64 * period)
}

#[test]
fn an_alarm_goes_off_for_what_lasts_and_comes_back() {
    for (end, once) in [
        ("faults", 1.0),
        ("errors", 1.0),
        ("throttled", 1.0),
        ("configuration", 1.0),
    ] {
        assert_eq!(
            after_periods(end, &[&[], &[], &[], &[once]]),
            State::Alarm,
            "{end}"
        );
        assert_eq!(
            after_periods(end, &[&[once], &[once], &[once], &[0.0]]),
            State::Ok,
            "{end}"
        );
        assert_eq!(
            after_periods(end, &[&[once], &[once], &[once], &[]]),
            State::Ok,
            "{end}"
        );
    }
    let some = &[1.0; 11][..];
    assert_eq!(
        after_periods("aws-faults", &[&[], some, some, some]),
        State::Alarm
    );
    assert_eq!(
        after_periods("aws-faults", &[some, some, some, &[1.0]]),
        State::Ok
    );
    assert_eq!(
        after_periods("aws-faults", &[some, some, &[1.0], some]),
        State::Ok
    );
    let (slow, quick) = (&[6_000.0, 80.0][..], &[80.0, 2_000.0][..]);
    assert_eq!(
        after_periods("latency", &[&[], slow, slow, slow]),
        State::Alarm
    );
    assert_eq!(
        after_periods("latency", &[slow, slow, slow, quick]),
        State::Ok
    );
    assert_eq!(
        after_periods("latency", &[slow, slow, slow, &[]]),
        State::Ok
    );
    // Five periods of a minute: the oldest message has waited for a quarter of an hour, and longer.
    let (old, young) = (&[901.0][..], &[30.0][..]);
    assert_eq!(after_periods("cleanup-age", &[old; 5]), State::Alarm);
    assert_eq!(
        after_periods("cleanup-age", &[old, old, old, old, old, young]),
        State::Ok
    );
    assert_eq!(
        after_periods("cleanup-age", &[old, old, young, old, old]),
        State::Ok
    );
    let (letters, none) = (&[2.0][..], &[0.0][..]);
    assert_eq!(
        after_periods("cleanup-dead-letters", &[none, letters]),
        State::Alarm
    );
    assert_eq!(
        after_periods("cleanup-dead-letters", &[letters, none]),
        State::Ok
    );
    // One of two hundred is no hundredth.
    let rare = &[&[6_000.0][..], &[80.0; 199]].concat()[..];
    assert_eq!(
        after_periods("latency", &[rare, rare, rare, rare]),
        State::Ok
    );
}
