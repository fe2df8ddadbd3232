use proptest::prelude::*;

use super::*;

const SHA256: &str = "sha256:ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff";

/// The parts that a reference is taken apart into: name, tag, digest.
type Parts<'p> = (&'p str, Option<&'p str>, Option<&'p str>);

#[track_caller]
fn parses(text: &str, (name, tag, digest): Parts<'_>) {
    let parsed = ImageReference::parse(text).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(
        (
            parsed.name(),
            parsed.tag.as_ref().map(|tag| tag.0.as_str()),
            parsed.digest.as_deref(),
        ),
        (name, tag, digest),
        "{text}"
    );
    assert_eq!(parsed.to_string(), text);
}

#[test]
fn the_reference_implementations_good_references_are_taken_apart() {
    // https://github.com/distribution/reference/blob/main/reference_test.go, TestReferenceParse
    for (text, parts) in [
        ("test_com", ("test_com", None, None)),
        ("test.com:tag", ("test.com", Some("tag"), None)),
        ("test.com:5000", ("test.com", Some("5000"), None)),
        ("test.com/repo:tag", ("test.com/repo", Some("tag"), None)),
        ("test:5000/repo", ("test:5000/repo", None, None)),
        ("test:5000/repo:tag", ("test:5000/repo", Some("tag"), None)),
        (
            "lowercase:Uppercase",
            ("lowercase", Some("Uppercase"), None),
        ),
        (
            "sub-dom1.foo.com/bar/baz/quux",
            ("sub-dom1.foo.com/bar/baz/quux", None, None),
        ),
        (
            "sub-dom1.foo.com/bar/baz/quux:some-long-tag",
            ("sub-dom1.foo.com/bar/baz/quux", Some("some-long-tag"), None),
        ),
        (
            "b.gcr.io/test.example.com/my-app:test.example.com",
            (
                "b.gcr.io/test.example.com/my-app",
                Some("test.example.com"),
                None,
            ),
        ),
        (
            "xn--n3h.com/myimage:xn--n3h.com",
            ("xn--n3h.com/myimage", Some("xn--n3h.com"), None),
        ),
        ("foo_bar.com:8080", ("foo_bar.com", Some("8080"), None)),
        (
            "foo/foo_bar.com:8080",
            ("foo/foo_bar.com", Some("8080"), None),
        ),
        (
            "192.168.1.1:5000/repo",
            ("192.168.1.1:5000/repo", None, None),
        ),
        ("[2001:db8::1]/repo", ("[2001:db8::1]/repo", None, None)),
        (
            "[2001:db8::1]:5000/repo:tag",
            ("[2001:db8::1]:5000/repo", Some("tag"), None),
        ),
        ("localhost/repo", ("localhost/repo", None, None)),
        ("a__b/c-----d/e.f", ("a__b/c-----d/e.f", None, None)),
        // https://docs.aws.amazon.com/AmazonECR/latest/userguide/docker-pull-ecr-image.html
        (
            "111122223333.dkr.ecr.us-east-1.amazonaws.com/team/web:1.4.2",
            (
                "111122223333.dkr.ecr.us-east-1.amazonaws.com/team/web",
                Some("1.4.2"),
                None,
            ),
        ),
        // https://docs.docker.com/reference/cli/docker/image/tag/: a host may have upper case, as any domain.
        (
            "Registry.example.com/web",
            ("Registry.example.com/web", None, None),
        ),
        // https://hub.docker.com/_/nginx
        ("nginx", ("nginx", None, None)),
    ] {
        parses(text, parts);
    }
}

#[test]
fn a_digest_stands_alone_or_behind_a_tag() {
    let text = format!("test:5000/repo@{SHA256}");
    parses(&text, ("test:5000/repo", None, Some(SHA256)));
    let text = format!("test:5000/repo:tag@{SHA256}");
    parses(&text, ("test:5000/repo", Some("tag"), Some(SHA256)));
    let sha512 = format!("sha512:{}", "0a".repeat(64));
    parses(
        &format!("xn--7o8h.com/a:b@{sha512}"),
        ("xn--7o8h.com/a", Some("b"), Some(&sha512)),
    );
}

#[test]
fn what_registries_refuse_is_refused_with_the_reason() {
    let too_long = "a/".repeat(128) + "a:tag";
    let identifier = "0f".repeat(32);
    for (text, fault) in [
        // https://github.com/distribution/reference/blob/main/reference_test.go, TestReferenceParse
        ("", Fault::NoReference),
        (":justtag", Fault::NoReference),
        (&*format!("@{SHA256}"), Fault::NoReference),
        (
            "repo@sha256:ffffffffffffffffffffffffffffffffff",
            Fault::Digest,
        ),
        (
            &*format!("validname@invalidDigest:{}", "f".repeat(128)),
            Fault::Digest,
        ),
        ("Uppercase:tag", Fault::UpperCase),
        ("Uppercase/lowercase:tag", Fault::UpperCase),
        ("test:5000/Uppercase/lowercase:tag", Fault::UpperCase),
        (&*too_long, Fault::NameTooLong),
        ("aa/asdf$$^/aa", Fault::NoReference),
        ("-foo/bar", Fault::NoReference),
        ("foo/-bar", Fault::NoReference),
        ("foo/.bar", Fault::NoReference),
        ("foo///bar", Fault::NoReference),
        ("foo/bar/", Fault::NoReference),
        ("foo..bar", Fault::NoReference),
        ("a___b", Fault::NoReference),
        ("-test.com/foo", Fault::NoReference),
        ("test-.com/foo", Fault::NoReference),
        ("test.com:port/foo", Fault::NoReference),
        ("[2001:db8::1/repo", Fault::NoReference),
        ("[fe80::1%eth0]/repo", Fault::NoReference),
        ("[]/repo", Fault::NoReference),
        // https://github.com/distribution/reference/blob/main/normalize_test.go, TestValidateReferenceName
        (&*identifier, Fault::Identifier),
        ("https://github.com/docker/docker", Fault::NoReference),
        ("docker.io/docker/docker\n", Fault::NoReference),
        (" nginx", Fault::NoReference),
        ("nginx@", Fault::Digest),
        // https://github.com/opencontainers/image-spec/blob/main/descriptor.md: in lower case, and of the algorithm's length.
        (&*format!("a@sha256:{}", "F".repeat(64)), Fault::Digest),
        (&*format!("a@sha512:{}", "f".repeat(64)), Fault::Digest),
    ] {
        assert_eq!(ImageReference::parse(text), Err(fault.of(text)));
    }
}

#[test]
fn a_tag_is_short_and_begins_with_a_word() {
    // https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pulling-manifests
    for good in ["1", "v1.2-rc_3", "_", &"a".repeat(128)] {
        assert_eq!(Tag::parse(good).unwrap().to_string(), good);
    }
    for bad in ["", ".1", "-1", "a:b", "a/b", "a b", "é", &"a".repeat(129)] {
        assert_eq!(Tag::parse(bad), Err(Fault::Tag.of(bad)));
        let reference = format!("nginx:{bad}");
        assert!(ImageReference::parse(&reference).is_err(), "{reference}");
    }
}

#[test]
fn another_tag_takes_the_place_of_tag_and_digest_and_leaves_the_port() {
    let tag = Tag::parse("2").unwrap();
    for (before, after) in [
        ("host:5000/a/b".to_owned(), "host:5000/a/b:2"),
        ("host:5000/a/b:1".to_owned(), "host:5000/a/b:2"),
        (format!("a/b@{SHA256}"), "a/b:2"),
        (format!("a/b:1@{SHA256}"), "a/b:2"),
    ] {
        let before = ImageReference::parse(&before).unwrap();
        assert_eq!(before.with_tag(&tag).to_string(), after);
    }
}

#[test]
fn a_refusal_names_the_text_and_what_would_be_accepted() {
    let said = |text: &str| ImageReference::parse(text).unwrap_err().to_string();
    assert_eq!(
        said("Team/web:1"),
        "`Team/web:1` has upper case in the repository's name, which registries refuse; write it in lower case"
    );
    assert_eq!(
        said("a b"),
        "`a b` is not the reference of an image; expected one like `host:5000/team/web:1.2` or `team/web@sha256:…`"
    );
}

/// References by the grammar of <https://github.com/distribution/reference/blob/main/reference.go>.
fn reference() -> impl Strategy<Value = String> {
    let host = r"([a-zA-Z0-9]([a-zA-Z0-9-]{0,5}[a-zA-Z0-9])?\.){1,2}[a-z]{2,3}(:[0-9]{1,5})?/|localhost(:[0-9]{1,5})?/|\[[0-9a-f]{1,4}:[0-9a-f:]{1,9}\](:[0-9]{1,5})?/|";
    let component = "[a-z0-9]{1,6}((\\.|_|__|-{1,3})[a-z0-9]{1,6}){0,2}";
    // With a dot, what is before the first slash is a host.
    let first = "[a-z0-9]{1,6}((_|__|-{1,3})[a-z0-9]{1,6}){0,2}";
    let path = format!("{first}(/{component}){{0,2}}");
    let tag = r"(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,20})?";
    let digest = "(@sha256:[0-9a-f]{64}|@sha512:[0-9a-f]{128})?";
    proptest::string::string_regex(&format!("({host}){path}{tag}{digest}")).unwrap()
}

proptest! {
    #[test]
    fn a_reference_comes_back_as_it_was_written(text in reference()) {
        let parsed = ImageReference::parse(&text).map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert_eq!(parsed.to_string(), text);
    }

    #[test]
    fn another_tag_changes_nothing_but_tag_and_digest(text in reference(), tag in "[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}") {
        let before = ImageReference::parse(&text).map_err(|error| TestCaseError::fail(error.to_string()))?;
        let after = before.with_tag(&Tag::parse(&tag).unwrap());
        prop_assert_eq!(after.to_string(), format!("{}:{}", before.name(), tag));
        prop_assert_eq!(ImageReference::parse(&after.to_string()), Ok(after));
    }

    #[test]
    fn what_is_accepted_of_any_text_is_kept_letter_by_letter(text in "[a-zA-Z0-9:/@._\\[\\]-]{0,40}") {
        if let Ok(parsed) = ImageReference::parse(&text) {
            prop_assert_eq!(parsed.to_string(), text);
        }
    }
}
