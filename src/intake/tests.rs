use serde_json::json;

use super::*;

/// An event of each kind, with nothing but what tells it from the others.
fn kinds() -> [(Envelope, Value); 6] {
    let (single, multi) = (HeaderStyle::Single, HeaderStyle::Multi);
    [
        (
            Envelope::HttpApi,
            json!({"version": "2.0", "requestContext": {"apiId": "a", "http": {}}}),
        ),
        (
            Envelope::RestApi(single),
            json!({"httpMethod": "GET", "path": "/", "requestContext": {"apiId": "a"}, "headers": {}}),
        ),
        (
            Envelope::RestApi(multi),
            json!({"version": "1.0", "httpMethod": "GET", "path": "/", "requestContext": {"apiId": "a"},
                   "multiValueHeaders": {}}),
        ),
        (
            Envelope::LoadBalancer(single),
            json!({"httpMethod": "GET", "path": "/", "requestContext": {"elb": {}}, "headers": {}}),
        ),
        (
            Envelope::LoadBalancer(multi),
            json!({"httpMethod": "GET", "path": "/", "requestContext": {"elb": {}}, "multiValueHeaders": {}}),
        ),
        (Envelope::Direct, json!({"method": "GET", "path": "/"})),
    ]
}

#[test]
fn each_kind_is_told_by_its_own_marks() {
    for (kind, event) in kinds() {
        assert_eq!(Envelope::of(&event), Some(kind), "{event}");
        let mut with_nulls = event.clone();
        for name in [
            "method",
            "path",
            "httpMethod",
            "version",
            "requestContext",
            "Records",
            "multiValueHeaders",
        ] {
            with_nulls
                .as_object_mut()
                .unwrap()
                .entry(name)
                .or_insert(Value::Null);
        }
        assert_eq!(Envelope::of(&with_nulls), Some(kind), "{with_nulls}");
    }
    let imitated = json!({"version": "2.0", "httpMethod": "GET", "requestContext": {"http": {}}});
    assert_eq!(
        Envelope::of(&imitated),
        Some(Envelope::HttpApi),
        "as `cargo lambda watch` sends it"
    );
}

#[test]
fn an_event_of_two_kinds_is_of_none() {
    for (kind, event) in kinds() {
        for (place, mark) in [
            ("/method", json!("GET")),
            ("/httpMethod", json!("GET")),
            ("/Records", json!([{}])),
            ("/version", json!("2.0")),
            ("/version", json!("3.0")),
            ("/requestContext", json!({})),
            (
                "/requestContext",
                json!({"apiId": "a", "http": {}, "elb": {}}),
            ),
            ("/requestContext/elb", json!({})),
            ("/requestContext/http", json!({})),
        ] {
            let mut mixed = event.clone();
            let (parent, name) = place.rsplit_once('/').unwrap();
            let Some(Value::Object(members)) = mixed.pointer_mut(parent) else {
                continue;
            };
            members.insert(name.to_owned(), mark);
            let is_harmless = match kind {
                // The context may hold more than is told apart by, and tools add an `httpMethod`.
                Envelope::HttpApi if mixed != event => {
                    matches!(place, "/httpMethod" | "/requestContext/http")
                }
                _ => mixed == event,
            };
            assert_eq!(Envelope::of(&mixed), is_harmless.then_some(kind), "{mixed}");
        }
    }
    for event in [
        json!({}),
        json!([]),
        json!("GET"),
        Value::Null,
        json!({"method": "GET"}),
        json!({"version": "2.0"}),
    ] {
        assert_eq!(Envelope::of(&event), None, "{event}");
    }
}

/// Opens an event that comes through an ARN, with or without an alias for gateways.
fn opened(event: Value, arn: &str, gateway_alias: Option<&str>) -> Result<Envelope, UnknownEvent> {
    open(event.into(), arn, gateway_alias).map(|event| match event {
        Event::Request(opened) => opened.envelope,
        Event::Batch(batch) => panic!("{batch:?} is no request"),
    })
}

#[test]
fn the_alias_for_gateways_takes_their_events_and_they_come_no_other_way() {
    let function = "arn:aws:lambda:us-east-1:123456789012:function:ecs-api";
    let gateway = || "gateway".to_owned();
    for (kind, event) in kinds() {
        let is_direct = kind == Envelope::Direct;
        let past = Err(UnknownEvent::PastGatewayAlias(gateway()));
        for arn in [
            "",
            function,
            &format!("{function}:$LATEST"),
            &format!("{function}:live"),
        ] {
            let expected = if is_direct { Ok(kind) } else { past.clone() };
            assert_eq!(
                opened(event.clone(), arn, Some("gateway")),
                expected,
                "{arn}"
            );
        }
        let through = opened(
            event.clone(),
            &format!("{function}:gateway"),
            Some("gateway"),
        );
        let expected = if is_direct {
            Err(UnknownEvent::NotOfAGateway(gateway()))
        } else {
            Ok(kind)
        };
        assert_eq!(through, expected);
        let direct = opened(event, &format!("{function}:direct"), Some("gateway"));
        let expected = if is_direct {
            Ok(kind)
        } else {
            Err(UnknownEvent::NotDirect)
        };
        assert_eq!(direct, expected);
    }
    let batch = json!({"Records": [{"messageId": "1", "body": "", "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:ecs-api-cleanup"}]});
    assert!(open(batch.clone().into(), function, Some("gateway")).is_ok());
    assert!(
        open(
            batch.into(),
            &format!("{function}:gateway"),
            Some("gateway")
        )
        .is_err()
    );
}

#[test]
fn the_alias_for_direct_invocations_takes_nothing_else() {
    let function = "arn:aws:lambda:us-east-1:123456789012:function:ecs-api";
    for (arn, takes_gateways) in [
        (function.to_owned(), true),
        (format!("{function}:$LATEST"), true),
        (format!("{function}:live"), true),
        (format!("{function}:direct"), false),
        (String::new(), true),
    ] {
        for (kind, event) in kinds() {
            let opened = opened(event, &arn, None);
            let expected = if takes_gateways || kind == Envelope::Direct {
                Ok(kind)
            } else {
                Err(UnknownEvent::NotDirect)
            };
            assert_eq!(opened, expected, "{arn}");
        }
    }
}
