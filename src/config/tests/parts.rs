//! A configuration that is many texts.

use super::*;

fn parts(parts: &[(&str, &str)]) -> Texts {
    let owned = |(name, text): &(&str, &str)| ((*name).to_owned(), (*text).to_owned());
    Texts::Parts(parts.iter().map(owned).collect())
}

#[test]
fn parts_come_to_what_one_text_comes_to() {
    let documented = documented();
    let mut texts = BTreeMap::from([(VERSION.to_owned(), "7".to_owned())]);
    for (name, account) in documented["accounts"].as_object().unwrap() {
        texts.insert(format!("accounts/{name}"), account.to_string());
    }
    for caller in documented["callers"].as_array().unwrap() {
        let name = caller["name"].as_str().unwrap();
        texts.insert(format!("callers/{name}"), caller.to_string());
    }
    for member in ["corsOrigins", "logLevel"] {
        texts.insert(member.to_owned(), documented[member].to_string());
    }
    let parted = Texts::Parts(texts).parse().unwrap();
    let whole = Config::parse(documented.to_string().as_bytes()).unwrap();
    assert!(parted.accounts == whole.accounts);
    let names = |config: &Config| {
        let mut names: Vec<_> = config
            .callers
            .iter()
            .map(|caller| caller.name.clone())
            .collect();
        names.sort();
        names
    };
    assert_eq!(names(&parted), names(&whole));
    assert_eq!(
        (parted.cors_origins, parted.log_level),
        (whole.cors_origins, whole.log_level)
    );
}

#[test]
fn a_caller_is_named_by_its_part() {
    let grants = r#""invoke": true, "grants": [{"accounts": ["*"], "access": "read"}]"#;
    let account = (
        "accounts/a",
        r#"{"accountId": "444455556666", "region": "us-east-1"}"#,
    );
    let caller = format!("{{{grants}}}");
    let config = parts(&[account, ("callers/nightly", &caller)])
        .parse()
        .unwrap();
    assert_eq!(config.callers[0].name, "nightly");
}

#[test]
fn texts_are_told_apart_by_names_and_texts() {
    let digests = [
        parts(&[("a", "bc")]),
        parts(&[("ab", "c")]),
        parts(&[("a", "bc"), ("d", "")]),
        Texts::Whole(b"abc".to_vec()),
    ]
    .map(|texts| texts.digest());
    for (index, digest) in digests.iter().enumerate() {
        assert!(!digests[..index].contains(digest), "{digests:?}");
    }
    assert_eq!(
        parts(&[("a", "bc")]).digest(),
        parts(&[("a", "bc")]).digest()
    );
}

#[test]
fn the_name_of_a_parameter_is_absolute_and_that_of_a_path_ends_in_a_slash() {
    for (name, is_path) in [
        ("/config", Some(false)),
        ("/ecs-api/config", Some(false)),
        ("/ecs-api/config/", Some(true)),
        ("config", None),
        ("/", None),
        ("//config", None),
        ("/ecs-api/config:3", None),
        ("/ecs-api/*", None),
    ] {
        let parsed = ParameterName::parse(name);
        assert_eq!(
            parsed.ok().map(|parsed| parsed.is_path()),
            is_path,
            "{name}"
        );
    }
    assert_eq!(
        ParameterName::parse("config").unwrap_err().to_string(),
        "ECS_API_CONFIG_PARAMETER: `config` is not the name of a parameter like `/ecs-api/config`, or of a path of them like \
         `/ecs-api/config/`"
    );
}
