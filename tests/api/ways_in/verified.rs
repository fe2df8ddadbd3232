//! Callers that a gateway or IAM has verified, and events that forge it.

use serde_json::{Value, json};

use super::{FUNCTION, SESSION, known_by_more_than_tokens, put, send, verified_callers, writer};
use crate::support::{OpenAnswer, Sent, TestApp, Way};

/// Where each gateway writes whom it has verified: a principal and claims.
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
    let context = json!({"authorizer": {"iam": {"userArn": SESSION}, "jwt": {"claims": {"client_id": "abc", "level": "3"}},
        "claims": {"client_id": "abc", "level": "3"}}, "identity": {"userArn": SESSION}});
    let forged = Sent::new("GET", "/nonprod/clusters")
        .header("x-amzn-iam-user-arn", SESSION)
        .header("x-amzn-oidc-identity", SESSION)
        .header("x-amzn-oidc-data", "e30.eyJjbGllbnRfaWQiOiJhYmMiLCJsZXZlbCI6IjMifQ.c2ln")
        .header("authorization", "Bearer e30.eyJjbGllbnRfaWQiOiJhYmMiLCJsZXZlbCI6IjMifQ.c2ln")
        .header("requestcontext", context.to_string())
        .body(json!({"requestContext": context, "method": "GET", "path": "/v1/ecs/ping", "Records": []}));
    for way in Way::ALL {
        let answer = send(&app, way, &forged).await;
        let expected = if way == Way::Direct { 200 } else { 401 };
        assert_eq!(answer.status, expected, "{way:?}: {}", answer.body);
    }
    // A load balancer verifies nobody, whatever else is in its event.
    for way in [Way::LoadBalancer, Way::LoadBalancerMulti] {
        for place in [
            "/requestContext/authorizer",
            "/requestContext/identity",
            "/identity",
            "/authorizer",
        ] {
            let mut event = Sent::new("GET", "/nonprod/clusters").by(way);
            put(&mut event, place, context["authorizer"].clone());
            put(
                &mut event,
                "/requestContext/identity/userArn",
                json!(SESSION),
            );
            assert_eq!(
                OpenAnswer::of(way, &app.invoke(event).await.unwrap()).status,
                401,
                "{way:?} {place}"
            );
        }
    }
}

/// Whoever may invoke the function itself can write any event. Whoever may invoke its alias `direct` can't.
#[tokio::test]
async fn through_the_alias_for_direct_invocations_nobody_passes_for_a_gateway() {
    let app = verified_callers();
    let direct = format!("{FUNCTION}:direct");
    for way in Way::ALL {
        let mut event = Sent::new("GET", "/nonprod/clusters").by(way);
        if let Some((principal, _)) = places(way) {
            put(&mut event, principal, json!(SESSION));
        }
        let answer = app.invoke_through(&direct, event.clone()).await;
        if way == Way::Direct {
            assert_eq!(OpenAnswer::of(way, &answer.unwrap()).status, 200);
        } else {
            let error = answer.unwrap_err();
            assert!(
                error.starts_with("the alias `direct` takes direct invocations and nothing else"),
                "{error}"
            );
            let status = if places(way).is_some() { 200 } else { 401 };
            assert_eq!(
                OpenAnswer::of(way, &app.invoke_through(FUNCTION, event).await.unwrap()).status,
                status,
                "{way:?}"
            );
        }
    }
}

/// A forged event names a principal that nobody has verified. It comes by an invocation, and not through the alias whose
/// permissions name the gateways.
#[tokio::test]
async fn past_the_alias_for_gateways_nobody_passes_for_one() {
    let app = TestApp::with_gateway_alias("gateway", &known_by_more_than_tokens());
    for way in Way::ALL {
        let mut forged = Sent::new("GET", "/nonprod/clusters").by(way);
        if let Some((principal, _)) = places(way) {
            put(&mut forged, principal, json!(SESSION));
        }
        for arn in [
            FUNCTION,
            &format!("{FUNCTION}:$LATEST"),
            &format!("{FUNCTION}:live"),
            "",
        ] {
            let answer = app.invoke_through(arn, forged.clone()).await;
            if way == Way::Direct {
                assert_eq!(OpenAnswer::of(way, &answer.unwrap()).status, 200, "{arn}");
            } else {
                let error = answer.unwrap_err();
                let expected =
                    "events of gateways are taken through the function's alias `gateway` alone";
                assert!(error.starts_with(expected), "{way:?} {arn}: {error}");
            }
        }
        let through = app
            .invoke_through(&format!("{FUNCTION}:gateway"), forged)
            .await;
        if way == Way::Direct {
            let error = through.unwrap_err();
            assert!(
                error.starts_with("the alias `gateway` takes events of gateways and nothing else"),
                "{error}"
            );
        } else {
            let status = if places(way).is_some() { 200 } else { 401 };
            assert_eq!(
                OpenAnswer::of(way, &through.unwrap()).status,
                status,
                "{way:?}"
            );
        }
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
