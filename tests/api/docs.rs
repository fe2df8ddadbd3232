//! `/docs`: the description as a page. `tests/description/page.py` opens it in a browser.

use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use crate::openapi::{assert_generated, project};
use crate::support::{Caller, TestApp};

/// The folder where npm puts the viewer.
const VIEWER: &str = "tests/description/node_modules/swagger-ui-dist";

fn read(name: &str) -> String {
    let path = project(name);
    fs::read_to_string(&path).unwrap_or_else(|error| {
        panic!("{}: {error}; `make test-tools` installs it", path.display())
    })
}

/// The page, of the pinned package and nothing else, and the policy that allows these scripts and styles alone.
fn page() -> (String, String) {
    let package: serde_json::Value =
        serde_json::from_str(&read(&format!("{VIEWER}/package.json"))).unwrap();
    let licenses = read(&format!("{VIEWER}/swagger-ui-bundle.js.LICENSE.txt"))
        .replace("*/", "")
        .replace("/*!", "");
    let style = read(&format!("{VIEWER}/swagger-ui.css"));
    let style = style.split("/*# sourceMappingURL").next().unwrap();
    let viewer = read(&format!("{VIEWER}/swagger-ui-bundle.js"));
    let start = read("assets/docs.js");
    assert!(
        !licenses.contains("-->") && !style.contains("</style") && !viewer.contains("</script"),
        "it can stand in a page"
    );
    let page = read("assets/docs.html")
        .replace("VERSION", package["version"].as_str().unwrap())
        .replace("LICENSES", licenses.trim())
        .replace("STYLE", style)
        .replace("START", &start)
        .replace("VIEWER", &viewer);
    let hash = |text: &str| format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text)));
    let policy = format!(
        "default-src 'none'; script-src {} {}; style-src {}; img-src data:; connect-src 'self'; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'none'",
        hash(&viewer),
        hash(&start),
        hash(style),
    );
    (page, policy)
}

#[test]
fn the_page_is_the_pinned_viewer() {
    let (page, policy) = page();
    assert_generated("assets/docs.html.gz", &page);
    assert_generated("assets/docs.csp", &policy);
}

#[tokio::test]
async fn the_page_is_served_to_anybody_under_a_strict_policy() {
    let app = TestApp::new();
    for path in ["/docs", "/docs/"] {
        let answer = app
            .request("GET", path)
            .by(Caller::Anonymous)
            .header("accept-encoding", "gzip")
            .send()
            .await;
        assert_eq!(
            (answer.status, answer.header("content-encoding")),
            (200, Some("gzip"))
        );
        assert_eq!(
            answer.header("content-type"),
            Some("text/html; charset=utf-8")
        );
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        let policy = answer.header("content-security-policy").unwrap();
        assert!(
            policy.starts_with("default-src 'none'; script-src 'sha256-"),
            "{policy}"
        );
        assert!(
            !policy.contains("unsafe") && !policy.contains("http"),
            "{policy}"
        );
        assert!(answer.text().starts_with("<!doctype html>"));
    }
}

#[test]
fn the_description_adds_less_than_a_megabyte_to_the_package() {
    let sizes = ["assets/docs.html.gz", "assets/openapi.json.gz"]
        .map(|name| fs::metadata(project(name)).unwrap().len());
    assert!(sizes.iter().sum::<u64>() < 1_000_000, "{sizes:?}");
}
