use super::*;

#[test]
fn a_role_arn_knows_its_account_and_anything_else_is_refused() {
    assert_eq!(
        RoleArn::parse("arn:aws:iam::111122223333:role/a/b")
            .unwrap()
            .account_id(),
        "111122223333"
    );
    for wrong in [
        "",
        "ecs-api",
        "arn:aws:iam::111122223333:user/x",
        "arn:aws:iam::1111:role/x",
        "arn:aws:iam::111122223333:role/",
        "arn:aws:iam:us-east-1:111122223333:role/x",
        "arn:aws:sts::111122223333:role/x",
    ] {
        let error = RoleArn::parse(wrong).unwrap_err().to_string();
        assert!(
            error.contains(&format!("`{wrong}` is not the ARN of a role")),
            "{error}"
        );
    }
}

#[test]
fn a_cluster_is_a_name_or_an_arn_of_the_region() {
    let region = region();
    let long = "x".repeat(256);
    for (text, name) in [
        ("myclu", Some("myclu")),
        ("a-b_C1", Some("a-b_C1")),
        (
            "arn:aws:ecs:us-east-1:111122223333:cluster/myclu",
            Some("myclu"),
        ),
        ("arn:aws:ecs:us-east-1:444455556666:cluster/myclu", None),
        ("arn:aws:ecs:eu-west-1:111122223333:cluster/myclu", None),
        ("arn:aws:ecs:us-east-1:111122223333:service/myclu", None),
        ("arn:aws:iam:us-east-1:111122223333:cluster/myclu", None),
        ("", None),
        ("a/b", None),
        ("a b", None),
        ("é", None),
        (long.as_str(), None),
    ] {
        assert_eq!(
            ClusterName::parse(text, &region)
                .ok()
                .as_ref()
                .map(ClusterName::as_str),
            name,
            "{text}"
        );
    }
}

fn region() -> AccountRegion {
    AccountRegion {
        account_id: "111122223333".to_owned(),
        region: "us-east-1".to_owned(),
    }
}

#[test]
fn a_service_or_task_is_a_name_or_an_arn_of_its_cluster() {
    let cluster = ClusterName::parse("myclu", &region()).unwrap();
    for (text, name) in [
        ("web", Some("web")),
        ("myclu/web", Some("web")),
        ("other/web", None),
        ("arn:aws:ecs:us-east-1:111122223333:KIND/web", Some("web")),
        (
            "arn:aws:ecs:us-east-1:111122223333:KIND/myclu/web",
            Some("web"),
        ),
        ("arn:aws:ecs:us-east-1:111122223333:KIND/other/web", None),
        ("arn:aws:ecs:us-east-1:444455556666:KIND/myclu/web", None),
        ("arn:aws:ecs:us-east-1:111122223333:cluster/myclu", None),
        ("a/b/c", None),
        ("a b", None),
        ("", None),
    ] {
        let service =
            ServiceName::parse(&text.replace("KIND", "service"), &region(), &cluster).ok();
        assert_eq!(service.as_ref().map(ServiceName::as_str), name, "{text}");
        let task = TaskId::parse(&text.replace("KIND", "task"), &region(), &cluster).ok();
        assert_eq!(task.as_ref().map(TaskId::as_str), name, "{text}");
    }
}

#[test]
fn a_task_definition_is_a_family_or_a_revision() {
    for (text, name, has_revision) in [
        ("web", Some("web"), false),
        ("web:7", Some("web:7"), true),
        (
            "arn:aws:ecs:us-east-1:111122223333:task-definition/web:7",
            Some("web:7"),
            true,
        ),
        ("web:0", None, false),
        ("web:+7", None, false),
        ("web:007", None, false),
        ("web:latest", None, false),
        (":1", None, false),
        (
            "arn:aws:ecs:us-east-1:444455556666:task-definition/web:7",
            None,
            false,
        ),
    ] {
        let parsed = TaskDefinitionName::parse(text, &region()).ok();
        assert_eq!(
            parsed.as_ref().map(TaskDefinitionName::as_str),
            name,
            "{text}"
        );
        assert_eq!(
            parsed.is_some_and(|parsed| parsed.has_revision()),
            has_revision,
            "{text}"
        );
    }
}

#[test]
fn a_registry_is_an_id_or_an_arn() {
    for (text, id) in [
        ("srv-tvtbgvkkxtts3qlf", Some("srv-tvtbgvkkxtts3qlf")),
        (
            "arn:aws:servicediscovery:us-east-1:111122223333:service/srv-1",
            Some("srv-1"),
        ),
        (
            "arn:aws:servicediscovery:us-east-1:444455556666:service/srv-1",
            None,
        ),
        (
            "arn:aws:servicediscovery:us-east-1:111122223333:namespace/ns-1",
            None,
        ),
        ("srv-", None),
        ("www", None),
    ] {
        assert_eq!(
            RegistryId::parse(text, &region())
                .ok()
                .as_ref()
                .map(RegistryId::as_str),
            id,
            "{text}"
        );
    }
}

#[test]
fn each_region_is_in_one_partition_and_a_role_is_of_its_regions() {
    let id = AccountId::parse("111122223333").unwrap();
    for (region, expected) in [
        ("us-east-1", "aws"),
        ("eu-central-1", "aws"),
        ("cn-northwest-1", "aws-cn"),
        ("us-gov-west-1", "aws-us-gov"),
        ("us-iso-east-1", "aws-iso"),
        ("us-isob-east-1", "aws-iso-b"),
        ("eu-isoe-west-1", "aws-iso-e"),
        ("us-isof-south-1", "aws-iso-f"),
        ("eusc-de-east-1", "aws-eusc"),
    ] {
        assert!(is_region(region), "{region}");
        let role = RoleArn::of(&id, region, "ecs-api");
        assert_eq!(role.partition(), expected);
        let arn = format!("arn:{expected}:iam::111122223333:role/ecs-api");
        assert_eq!(role.as_str(), arn);
    }
}

#[test]
fn a_region_is_recognised_by_its_shape() {
    for right in ["us-east-1", "us-gov-west-1", "ap-southeast-7", "cn-north-1"] {
        assert!(is_region(right), "{right}");
    }
    for wrong in [
        "",
        "us",
        "us-east",
        "us-east-",
        "US-EAST-1",
        "us-east-1a",
        "east-1",
        "us--1",
    ] {
        assert!(!is_region(wrong), "{wrong}");
    }
}

#[test]
fn an_impossible_id_is_repeated_without_its_control_characters() {
    let region = region();
    let error = ClusterName::parse("a\nlevel=error", &region)
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("`a\u{fffd}level=error` is not a cluster"),
        "{error}"
    );
}

#[test]
fn a_namespace_of_this_account_is_its_id_whether_given_by_id_or_arn() {
    let region = AccountRegion {
        account_id: "111122223333".to_owned(),
        region: "us-east-1".to_owned(),
    };
    let shared = "arn:aws:servicediscovery:us-east-1:444455556666:namespace/ns-1";
    for (given, expected) in [
        ("ns-1", "ns-1"),
        (
            "arn:aws:servicediscovery:us-east-1:111122223333:namespace/ns-1",
            "ns-1",
        ),
        (shared, shared),
    ] {
        assert_eq!(
            NamespaceId::parse(given, &region).unwrap().as_str(),
            expected
        );
    }
}

#[test]
fn a_registrys_name_is_what_cloud_map_takes() {
    for (name, expected) in [
        ("www", true),
        ("a.b_c-1", true),
        ("", false),
        ("a b", false),
        ("ü", false),
    ] {
        assert_eq!(RegistryName::parse(name).is_ok(), expected, "{name}");
    }
    assert_eq!(
        (
            RegistryName::parse(&"x".repeat(127)).is_ok(),
            RegistryName::parse(&"x".repeat(128)).is_ok()
        ),
        (true, false)
    );
}
