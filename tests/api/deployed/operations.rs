//! The deployed stack as an operator sees it: alarms, dashboard, and who changed what.
//!
//! The local AWS takes no metrics out of logs and measures no queue. So the test reads the lines of the deployed function's log
//! by CloudWatch's own rules, and evaluates the deployed alarms by CloudWatch's; those of the function's own metrics are also
//! evaluated by the local AWS, as far as it does.

use std::fs;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fake_aws::Fault;
use serde_json::{Value, json};

use super::{Door, HUB, Stack, documented, signature};
use crate::openapi::project;
use crate::operations::alarms;
use crate::support::alarms::{State, Values, state};
use crate::support::emf::{Datum, extract};
use crate::support::root_config;

fn now() -> u64 {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH);
    since_1970.expect("it is after 1970").as_secs()
}

impl Stack {
    fn cloudwatch(&self, operation: &str, input: &Value) -> Value {
        let target = format!("GraniteServiceVersion20100801.{operation}");
        self.ask("monitoring", "/", &target, input)
    }

    fn logs(&self, operation: &str, input: &Value) -> Value {
        self.ask("logs", "/", &format!("Logs_20140328.{operation}"), input)
    }

    /// The lines of the function's log that were written since, in milliseconds.
    fn lines(&self, since_ms: u64) -> Vec<Value> {
        let group = format!("/aws/lambda/{}", self.function());
        let input = json!({"logGroupName": group, "startTime": since_ms});
        let found = self.logs("FilterLogEvents", &input);
        let events = found["events"].as_array().expect("a list").iter();
        let lines = events.filter_map(|event| event["message"].as_str());
        lines
            .filter_map(|line| serde_json::from_str(line.trim()).ok())
            .collect()
    }

    /// Returns CloudWatch's values of a metric of AWS's own.
    fn measured(&self, alarm: &Value, since: u64) -> Values {
        let input = json!({
            "Namespace": alarm["Namespace"], "MetricName": alarm["MetricName"],
            "Dimensions": [{"Name": "FunctionName", "Value": self.function()}],
            "StartTime": since, "EndTime": now() + 1, "Period": 1, "Statistics": ["Sum"],
        });
        let found = self.cloudwatch("GetMetricStatistics", &input);
        let points = found["Datapoints"].as_array().expect("a list").iter();
        let value = |point: &Value| (now(), point["Sum"].as_f64().expect("a number"));
        points.map(value).collect()
    }

    /// The state of an alarm as the local AWS evaluates it.
    fn local_state(&self, end: &str) -> String {
        let input = json!({"AlarmNames": [format!("{}-{end}", self.function())]});
        let found = self.cloudwatch("DescribeAlarms", &input);
        found["MetricAlarms"][0]["StateValue"]
            .as_str()
            .expect("a state")
            .to_owned()
    }

    /// Gives the local AWS values of a metric without dimensions, which were measured so long ago.
    fn put(&self, data: &[Datum], ago: Duration) {
        let at = now() - ago.as_secs();
        let datum = |datum: &Datum| json!({"MetricName": datum.series.name, "Timestamp": at, "Value": datum.value, "Unit": datum.unit});
        let data: Vec<_> = data.iter().map(datum).collect();
        self.cloudwatch(
            "PutMetricData",
            &json!({"Namespace": self.function(), "MetricData": data}),
        );
    }

    /// Makes the condition of an alarm of the function's own metrics, sees it go off, and come back with what is well.
    fn sees_alarm(&self, end: &str, make: impl FnOnce()) {
        let alarm = alarm(end);
        let began_ms = now() * 1_000;
        make();
        let bad = self.of_metric(alarm, began_ms);
        let period = alarm["Period"].as_u64().expect("a number");
        let periods = alarm["EvaluationPeriods"].as_u64().expect("a number");
        // As if it had gone on for as long as the alarm asks for.
        let at = now();
        let all = (0..periods).flat_map(|index| valued(&bad, at - index * period));
        let mut values: Values = all.collect();
        assert_eq!(
            state(alarm, &values, at + 1),
            State::Alarm,
            "{end}: {bad:?}"
        );

        let window = Duration::from_secs(period * periods);
        self.put(&bad, window.saturating_sub(Duration::from_secs(4)));
        assert_eq!(self.local_state(end), "ALARM", "{end}: {bad:?}");

        std::thread::sleep(Duration::from_secs(5));
        let well_ms = now() * 1_000;
        self.expect(200, "GET", "/sandbox/clusters/sound", None);
        let good = self.of_metric(alarm, well_ms);
        self.put(&good, Duration::ZERO);
        assert_eq!(self.local_state(end), "OK", "{end}: {good:?}");
        let later = at + window.as_secs();
        values.extend(valued(&good, later));
        assert_eq!(
            state(alarm, &values, later + 1),
            State::Ok,
            "{end}: {good:?}"
        );
    }

    /// The values of an alarm's metric in the log.
    fn of_metric(&self, alarm: &Value, since_ms: u64) -> Vec<Datum> {
        let name = alarm["MetricName"].as_str().expect("a text");
        let data = self
            .lines(since_ms)
            .into_iter()
            .flat_map(|line| extract(&line));
        let data: Vec<_> = data.filter(|datum| datum.is_total(name)).collect();
        assert!(
            data.iter()
                .all(|datum| datum.series.namespace == self.function())
        );
        data
    }

    /// Sets how many invocations of the function there may be at once.
    fn reserve(&self, concurrency: u32) {
        let path = format!("/2017-10-31/functions/{}/concurrency", self.function());
        ureq::put(format!("{}{path}", self.endpoint()))
            .header("authorization", signature(HUB, "lambda"))
            .send(json!({"ReservedConcurrentExecutions": concurrency}).to_string())
            .expect("the concurrency is set");
    }
}

fn valued(data: &[Datum], at: u64) -> Values {
    let value = |datum: &Datum| f64::from(u32::try_from(datum.value).expect("it is small"));
    data.iter().map(|datum| (at, value(datum))).collect()
}

fn alarm(end: &str) -> &'static Value {
    let mut alarms = alarms().into_iter();
    alarms
        .find(|(name, _)| name == end)
        .expect("the alarm is there")
        .1
}

#[tokio::test(flavor = "multi_thread")]
async fn each_alarm_goes_off_when_its_condition_is_made_and_comes_back() {
    let door = Door::open();
    let (parameter, by) = (door.parameter(), "MetricsBy=operation,account");
    let stack = Stack::beside("operated", &["--parameter", &parameter, "--parameter", by]);
    let sound = json!({"name": "sound"});
    stack.expect(200, "POST", "/sandbox/clusters", Some(&sound));

    stack.sees_alarm("faults", || {
        let refused = Fault::refuse("AccessDeniedException", "not authorized");
        door.aws.on("dynamodb:PutItem").meets(refused);
        let body = documented(
            stack.members["nonprod"]["namespace_id"]
                .as_str()
                .expect("a text"),
        );
        stack.expect(503, "POST", "/nonprod/services", Some(&body));
        door.aws.forget_script();
    });
    stack.sees_alarm("aws-faults", || {
        door.aws.on("ecs:CreateCluster").meets(Fault::fail(500));
        for _ in 0..11 {
            stack.expect(
                502,
                "POST",
                "/nonprod/clusters",
                Some(&json!({"name": "unlucky"})),
            );
        }
        door.aws.forget_script();
    });
    stack.sees_alarm("latency", || {
        let slow = Fault::delay(Duration::from_millis(5_500));
        door.aws.on("ecs:DescribeClusters").meets(slow);
        stack.expect(200, "GET", "/sandbox/clusters/sound", None);
        door.aws.forget_script();
    });

    for end in ["errors", "throttled"] {
        let (alarm, began) = (alarm(end), now());
        if end == "errors" {
            let refused = stack.invoke(stack.output("FunctionArn"), &json!({"no": "event"}));
            assert_eq!(refused["errorType"], "UnknownEvent", "{refused}");
        } else {
            stack.reserve(0);
            let (status, answer) = stack.send("GET", "/ping", None, None);
            // API Gateway says 503 here; the local one hands Lambda's own answer on.
            assert!(status == 429 || status == 503, "{status} {answer}");
            stack.reserve(10);
        }
        let values = stack.measured(alarm, began);
        assert_eq!(
            state(alarm, &values, now() + 1),
            State::Alarm,
            "{end}: {values:?}"
        );
        std::thread::sleep(Duration::from_secs(2));
        let well = now();
        assert_eq!(stack.send("GET", "/ping", None, None).0, 200);
        let values = stack.measured(alarm, well);
        assert_eq!(
            state(alarm, &values, now() + 1),
            State::Ok,
            "{end}: {values:?}"
        );
    }

    let letters = stack.output("CleanupDeadLetterQueueUrl");
    let sqs = aws_sdk_sqs::Client::new(&root_config(HUB, stack.endpoint()));
    let count = async || {
        let attribute = aws_sdk_sqs::types::QueueAttributeName::ApproximateNumberOfMessages;
        let asked = sqs.get_queue_attributes().queue_url(letters);
        let found = asked
            .attribute_names(attribute.clone())
            .send()
            .await
            .expect("the queue is there");
        let count = &found.attributes().expect("attributes")[&attribute];
        vec![(now(), count.parse().expect("a number"))]
    };
    let dead_letters = alarm("cleanup-dead-letters");
    assert_eq!(state(dead_letters, &count().await, now() + 1), State::Ok);
    let letter = sqs.send_message().queue_url(letters).message_body("{}");
    letter.send().await.expect("the letter is sent");
    assert_eq!(state(dead_letters, &count().await, now() + 1), State::Alarm);
    sqs.purge_queue()
        .queue_url(letters)
        .send()
        .await
        .expect("the queue is purged");
    assert_eq!(state(dead_letters, &count().await, now() + 1), State::Ok);

    alarms_and_dashboard_are_of_this_stack(&stack);
    who_changed_the_service_is_one_query(&stack);
}

/// Everything that the deployed alarms and the dashboard name is this stack's own.
fn alarms_and_dashboard_are_of_this_stack(stack: &Stack) {
    let prefix = json!({"AlarmNamePrefix": format!("{}-", stack.function())});
    let found = stack.cloudwatch("DescribeAlarms", &prefix);
    let deployed = found["MetricAlarms"].as_array().expect("a list");
    assert_eq!(deployed.len(), alarms().len(), "{found}");
    for alarm in deployed {
        let queue = |output: &str| {
            stack
                .output(output)
                .rsplit('/')
                .next()
                .expect("a name")
                .to_owned()
        };
        let (name, dimensions) = (
            alarm["AlarmName"].as_str().expect("a text"),
            &alarm["Dimensions"],
        );
        let expected = match alarm["Namespace"].as_str().expect("a text") {
            "AWS/Lambda" => json!([{"Name": "FunctionName", "Value": stack.function()}]),
            "AWS/SQS" if name.ends_with("-age") => {
                json!([{"Name": "QueueName", "Value": queue("CleanupQueueUrl")}])
            }
            "AWS/SQS" => {
                json!([{"Name": "QueueName", "Value": queue("CleanupDeadLetterQueueUrl")}])
            }
            own => {
                assert_eq!(own, stack.function());
                json!([])
            }
        };
        assert_eq!(*dimensions, expected, "{name}");
    }
    let dashboard = stack.cloudwatch("GetDashboard", &json!({"DashboardName": stack.function()}));
    let body = dashboard["DashboardBody"].as_str().expect("a text");
    let body: Value = serde_json::from_str(body).expect("the dashboard is JSON");
    let text = body.to_string();
    assert!(!text.contains("${"), "{text}");
    for name in [stack.function(), "-cleanup-dead-letters", "us-east-1"] {
        assert!(text.contains(name), "{name}: {text}");
    }
}

/// The page's query, of the whole create and delete of a service, whose paths do not name it.
fn who_changed_the_service_is_one_query(stack: &Stack) {
    let began = now();
    let body = documented(
        stack.members["prod"]["namespace_id"]
            .as_str()
            .expect("a text"),
    );
    stack.expect(200, "POST", "/prod/services", Some(&body));
    let path = "/prod/clusters/myclu/services/webapp";
    stack.expect(200, "PATCH", path, Some(&json!({"desiredCount": 2})));
    stack.expect(200, "GET", path, None);
    let body = json!({"cluster": "myclu", "service": "webapp", "recursive": true});
    stack.expect(200, "DELETE", "/prod/services", Some(&body));

    let page = fs::read_to_string(project("docs/operations.md")).expect("the page");
    let (_, section) = page
        .split_once("## Who changed what\n")
        .expect("the section");
    let query = section.lines().skip_while(|line| !line.starts_with("    "));
    let query: Vec<_> = query.take_while(|line| line.starts_with("    ")).collect();
    let query = query.join("\n").replace("shop\\/cart", "myclu\\/webapp");
    assert!(query.contains("myclu"), "{query}");
    // The local AWS finds lines as CloudWatch does, but no members in them: the test reads these itself.
    let (fields, filter) = query.split_once('\n').expect("two lines");
    let fields: Vec<_> = fields
        .trim()
        .trim_start_matches("fields @timestamp, ")
        .split(", ")
        .collect();
    let query = format!("fields @message\n{filter}");
    let input = json!({
        "logGroupName": format!("/aws/lambda/{}", stack.function()), "queryString": query,
        "startTime": began, "endTime": now() + 1,
    });
    let started = stack.logs("StartQuery", &input);
    let found = stack.logs("GetQueryResults", &json!({"queryId": started["queryId"]}));
    let rows = found["results"].as_array().expect("a list").iter();
    let line = |row: &Value| -> Value {
        let message = row[0]["value"].as_str().expect("a text");
        serde_json::from_str(message.trim()).expect("a line of the log is JSON")
    };
    let lines: Vec<_> = rows.map(line).collect();
    let told: Vec<_> = lines
        .iter()
        .map(|line| line["operation"].as_str().expect("a text"))
        .collect();
    // The newest first.
    assert_eq!(
        told,
        [
            "delete_orchestration",
            "update_service",
            "create_orchestration"
        ],
        "{found}"
    );
    for line in lines {
        let changed = line["changed"].as_str().expect("a text");
        assert!(changed.contains("Service=myclu/webapp"), "{line}");
        assert_eq!(
            (&line["caller"], &line["account"]),
            (&json!("demo"), &json!("prod"))
        );
        // A line of a request has no `correlation_id`; one of the queue has nothing else of these.
        for field in fields.iter().filter(|field| **field != "correlation_id") {
            assert!(
                line[*field].as_str().is_some_and(|text| !text.is_empty()),
                "{field}: {line}"
            );
        }
    }
}
