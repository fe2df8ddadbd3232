use super::*;

#[test]
fn a_code_says_what_the_status_does_not_contradict() {
    assert_eq!(classify(None, "", Some(400)), Kind::Unavailable);
    assert_eq!(classify(None, "", Some(429)), Kind::Throttled);
    assert_eq!(classify(Some("Whatever"), "", Some(200)), Kind::Unavailable);
    let missing = "ClusterNotFoundException";
    assert_eq!(classify(Some(missing), "", Some(400)), Kind::NotFound);
    assert_eq!(classify(Some(missing), "", Some(503)), Kind::Unavailable);
    let throttled = "RequestLimitExceeded";
    assert_eq!(classify(Some(throttled), "", Some(503)), Kind::Throttled);
}

#[test]
fn a_refusal_without_words_gets_some() {
    for (code, kind, words) in [
        (
            Some("ServiceNotFoundException"),
            Kind::NotFound,
            "there is no such service",
        ),
        (
            Some("TaskSetNotFoundException"),
            Kind::NotFound,
            "there is no such task set",
        ),
        (
            Some("NamespaceNotFound"),
            Kind::NotFound,
            "there is no such namespace",
        ),
        (
            Some("ClientException"),
            Kind::Invalid,
            "AWS says nothing but `ClientException`",
        ),
        (None, Kind::Unavailable, "AWS says nothing of why"),
    ] {
        assert_eq!(in_words(" ", code, kind), words, "{code:?}");
    }
}
