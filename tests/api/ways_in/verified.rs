//! Callers that a gateway or IAM has verified, and events that forge it.

use serde_json::{Value, json};

use super::{FUNCTION, SESSION, known_by_more_than_tokens, put, send, verified_callers, writer};
use crate::support::{OpenAnswer, Sent, TestApp, Way, review};

/// Returns the places where a gateway writes whom it has verified: a principal and claims.
fn places(way: Way) -> Option<(&'static str, &'static str)> {
    match way {
        Way::HttpApi | Way::FunctionUrl => Some((
            "/requestContext/authorizer/iam/userArn",
            "/requestContext/authorizer/jwt/claims",
        )),
        Way::RestApi | Way::RestApiSingle | Way::HttpApiV1 => Some((
            "/requestContext/identity/userArn",
            "/requestContext/authorizer/claims",
        )),
        Way::LoadBalancer | Way::LoadBalancerMulti | Way::Direct => None,
    }
}

#[tokio::test]
async fn whom_a_gateway_has_verified_needs_no_token_in_either_payload_format() {
    let app = verified_callers();
    let claims = |client: &str, level: Value| json!({"client_id": client, "level": level, "iss": "https://id.example.com"});
    for way in Way::ALL {
        let Some((principal, jwt)) = places(way) else {
            continue;
        };
        for (place, value, status) in [
            (principal, json!(SESSION), 200),
            (
                principal,
                json!("arn:aws:sts::123456789012:assumed-role/Admin_1/anna@example.com"),
                200,
            ),
            (
                principal,
                json!("arn:aws:sts::123456789012:assumed-role/Admin_2/anna@example.com"),
                401,
            ),
            (
                principal,
                json!("arn:aws:sts::999999999999:assumed-role/deploy-web/run-1"),
                401,
            ),
            (
                principal,
                json!("arn:aws:sts::123456789012:assumed-role/evil/deploy-web"),
                401,
            ),
            (
                principal,
                json!("arn:aws:iam::123456789012:user/deploy-web"),
                401,
            ),
            (principal, Value::Null, 401),
            (jwt, claims("abc", json!("3")), 200),
            (jwt, claims("abc", json!("4")), 401),
            (jwt, claims("other", json!("3")), 401),
            (jwt, json!({}), 401),
            (jwt, Value::Null, 401),
            // What a Lambda authorizer returns is no proof.
            (
                "/requestContext/authorizer/lambda",
                claims("abc", json!("3")),
                401,
            ),
            (
                "/requestContext/authorizer",
                json!({"client_id": "abc", "level": "3", "userArn": SESSION}),
                401,
            ),
            (
                "/requestContext/authorizer",
                json!({"principalId": SESSION, "claims": "client_id=abc"}),
                401,
            ),
            ("/requestContext/userArn", json!(SESSION), 401),
        ] {
            let mut event = Sent::new("GET", "/nonprod/clusters").by(way);
            put(&mut event, place, value.clone());
            let answer = OpenAnswer::of(way, &app.invoke(event).await.unwrap());
            assert_eq!(
                answer.status, status,
                "{way:?} {place} {value}: {}",
                answer.body
            );
        }
    }
}

#[tokio::test]
async fn a_request_can_not_say_who_sends_it() {
    let app = verified_callers();
    let forged = sent(&review::forged_request());
    for way in Way::ALL {
        let answer = send(&app, way, &forged).await;
        let expected = if way == Way::Direct { 200 } else { 401 };
        assert_eq!(answer.status, expected, "{way:?}: {}", answer.body);
    }
}

/// Reads a request that has no envelope yet.
fn sent(request: &Value) -> Sent {
    let text = |value: &Value| -> &'static str { value.as_str().unwrap().to_owned().leak() };
    let sent = Sent::new(text(&request["method"]), text(&request["path"]));
    let headers = request["headers"].as_object().unwrap().iter();
    headers
        .fold(sent, |sent, (name, value)| {
            sent.header(name.clone().leak(), text(value))
        })
        .body(request["body"].clone())
}

#[tokio::test]
async fn a_load_balancer_verifies_nobody_whatever_else_is_in_its_event() {
    let app = verified_callers();
    for forged in review::forged_gateway_events() {
        if matches!(forged.way, Way::LoadBalancer | Way::LoadBalancerMulti) {
            let answer = OpenAnswer::of(forged.way, &app.invoke(forged.event).await.unwrap());
            assert_eq!(answer.status, 401, "{:?} {}", forged.way, forged.claim);
        }
    }
}

/// Whoever may invoke the function itself can write any event. Whoever may invoke its alias `direct` can't.
#[tokio::test]
async fn through_the_alias_for_direct_invocations_nobody_passes_for_a_gateway() {
    let app = verified_callers();
    let direct = format!("{FUNCTION}:direct");
    for forged in review::forged_gateway_events() {
        let answer = app.invoke_through(&direct, forged.event.clone()).await;
        let error = answer.unwrap_err();
        assert!(
            error.starts_with("the alias `direct` takes direct invocations and nothing else"),
            "{error}"
        );
        let answer = app.invoke_through(FUNCTION, forged.event).await.unwrap();
        assert_eq!(
            OpenAnswer::of(forged.way, &answer).status,
            forged.status_by_shape,
            "{:?} {}",
            forged.way,
            forged.claim
        );
    }
    let event = Sent::new("GET", "/nonprod/clusters").by(Way::Direct);
    let answer = app.invoke_through(&direct, event).await.unwrap();
    assert_eq!(OpenAnswer::of(Way::Direct, &answer).status, 200);
}

/// A forged event names a principal that nobody has verified. It comes by an invocation, and not through the alias whose
/// permissions name the gateways.
#[tokio::test]
async fn past_the_alias_for_gateways_nobody_passes_for_one() {
    let app = TestApp::with_gateway_alias("gateway", &known_by_more_than_tokens());
    let direct = Sent::new("GET", "/nonprod/clusters").by(Way::Direct);
    let past = ["", ":$LATEST", ":live"].map(|alias| format!("{FUNCTION}{alias}"));
    let past = past.iter().map(String::as_str).chain([""]);
    for arn in past {
        for forged in review::forged_gateway_events() {
            let error = app.invoke_through(arn, forged.event).await.unwrap_err();
            let expected =
                "events of gateways are taken through the function's alias `gateway` alone";
            assert!(
                error.starts_with(expected),
                "{:?} {arn}: {error}",
                forged.way
            );
        }
        let answer = app.invoke_through(arn, direct.clone()).await.unwrap();
        assert_eq!(OpenAnswer::of(Way::Direct, &answer).status, 200, "{arn}");
    }
    let gateway = format!("{FUNCTION}:gateway");
    for forged in review::forged_gateway_events() {
        let answer = app.invoke_through(&gateway, forged.event).await.unwrap();
        let status = OpenAnswer::of(forged.way, &answer).status;
        assert_eq!(status, forged.status_by_shape, "{:?}", forged.way);
    }
    let error = app.invoke_through(&gateway, direct).await.unwrap_err();
    assert!(
        error.starts_with("the alias `gateway` takes events of gateways and nothing else"),
        "{error}"
    );
}

/// The review forges events as each gateway sends them, but for the caller that they claim.
#[test]
fn every_gateway_is_forged_with_each_place_where_it_writes_whom_it_has_verified() {
    for way in Way::ALL {
        let forged: Vec<_> = review::forged_gateway_events()
            .into_iter()
            .filter(|forged| forged.way == way)
            .collect();
        let plain = Sent::new("GET", "/nonprod/clusters").by(way);
        let places = places(way).map(|(principal, claims)| [principal, claims]);
        for place in places.into_iter().flatten() {
            let is_forged = forged.iter().any(|forged| {
                let mut expected = plain.clone();
                let claim = forged.event.pointer(place);
                claim.is_some_and(|claim| {
                    put(&mut expected, place, claim.clone());
                    !claim.is_null() && forged.event == expected
                })
            });
            assert!(is_forged, "{way:?} {place}");
        }
        assert_eq!(forged.is_empty(), way == Way::Direct, "{way:?}");
    }
}

#[tokio::test]
async fn a_direct_invocation_is_its_caller_or_that_of_its_token() {
    let app = verified_callers();
    let read = Sent::new("GET", "/nonprod/clusters");
    let write = Sent::new("POST", "/nonprod/clusters").body(json!({"name": "made"}));
    assert_eq!(send(&app, Way::Direct, &read).await.status, 200);
    assert_eq!(send(&app, Way::Direct, &write).await.status, 403);
    assert_eq!(
        send(&app, Way::Direct, &write.clone().token(writer()))
            .await
            .status,
        200
    );
    assert_eq!(
        send(&app, Way::Direct, &write.token("a-token-of-nobody"))
            .await
            .status,
        403
    );
    let without = TestApp::new();
    assert_eq!(send(&without, Way::Direct, &read).await.status, 401);
    assert_eq!(
        send(&without, Way::Direct, &read.token(writer()))
            .await
            .status,
        200
    );
}
