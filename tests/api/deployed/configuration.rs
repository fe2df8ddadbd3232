//! Where the stack's configuration may be kept, and what becomes of a wrong one.

use serde_json::json;

use super::Stack;

#[test]
fn the_configuration_comes_from_a_parameter_or_from_a_file_of_the_package_just_as_well() {
    for kept in ["parameter", "file"] {
        let stack = Stack::deploy(&["--config", kept]);
        assert_eq!(stack.expect(200, "GET", "/sandbox/clusters", None), json!([]), "{kept}");
        assert_eq!(stack.send("GET", "/sandbox/clusters", None, None).0, 401, "{kept}");
    }
}

#[test]
fn a_wrong_external_id_is_a_bad_gateway_that_names_the_role() {
    let problem = Stack::shared().expect(502, "GET", "/misinformed/clusters", None);
    assert_eq!(problem["code"], "AccessDenied");
    let detail = problem["detail"].as_str().expect("a text");
    assert!(detail.contains("`arn:aws:iam::777788889999:role/ecs-api`"), "{detail}");
    assert!(!problem.to_string().contains("of-somebody-else"), "{problem}");
}
