//! `/openapi.json`: the description that is checked in and served is that of the code.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use ecs_api::routes::OPERATIONS;
use ecs_api_openapi as openapi;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use crate::support::{Caller, TestApp};

/// A file of the project.
pub fn project(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// Holds a generated file against what it should be, and mends it where it differs: its diff is what there is to review.
#[track_caller]
pub fn assert_generated(name: &str, expected: &str) {
    let path = project(name);
    let is_compressed = path.extension().is_some_and(|extension| extension == "gz");
    let bytes = fs::read(&path).unwrap_or_default();
    let mut found = String::new();
    let read = if is_compressed {
        GzDecoder::new(&*bytes).read_to_string(&mut found)
    } else {
        (&*bytes).read_to_string(&mut found)
    };
    if read.is_ok() && found == expected {
        return;
    }
    let bytes = if is_compressed {
        gzip(expected)
    } else {
        expected.as_bytes().to_vec()
    };
    fs::write(&path, bytes).unwrap();
    panic!("{name} was not up to date; now it is: look at its diff, and run the test again");
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn the_description_is_checked_in() {
    assert_generated("openapi.json", &format!("{:#}\n", openapi::document()));
}

#[test]
fn the_description_is_built_in_as_it_is_checked_in() {
    assert_generated("assets/openapi.json.gz", &openapi::document().to_string());
}

#[test]
fn the_collection_is_checked_in() {
    assert_generated(
        "ecs-api.http",
        &openapi::collection::http(&openapi::document()),
    );
}

#[test]
fn the_tables_of_the_documentation_are_those_of_the_code() {
    let page = fs::read_to_string(project("docs/api.md")).unwrap();
    let page = with_section("operations", &openapi::tables::operations(), &page);
    let page = with_section("statuses", &openapi::tables::statuses(), &page);
    assert_generated("docs/api.md", &page);
}

/// Puts a generated section between its two comments.
fn with_section(name: &str, section: &str, page: &str) -> String {
    let (before, rest) = page.split_once(&format!("<!-- {name}: ")).unwrap();
    let (comment, rest) = rest.split_once("-->\n").unwrap();
    let end = format!("<!-- /{name} -->");
    let (_, after) = rest.split_once(&end).unwrap();
    format!("{before}<!-- {name}: {comment}-->\n\n{section}\n{end}{after}")
}

#[tokio::test]
async fn the_description_is_served_to_anybody() {
    let app = TestApp::new();
    let request = app.request("GET", "/openapi.json").by(Caller::Anonymous);
    let compressed = request.header("accept-encoding", "gzip").send().await;
    assert_eq!(compressed.header("content-type"), Some("application/json"));
    assert_eq!(compressed.header("content-encoding"), Some("gzip"));
    assert_eq!(compressed.header("vary"), Some("Accept-Encoding"));
    assert_eq!(compressed.expect(200), openapi::document());
}

#[tokio::test]
async fn an_unchanged_description_is_not_sent_again() {
    let app = TestApp::new();
    for path in ["/openapi.json", "/docs"] {
        let request = || {
            let request = app.request("GET", path).by(Caller::Anonymous);
            request.header("accept-encoding", "gzip")
        };
        let first = request().send().await;
        let etag = first.header("etag").unwrap();
        let again = request().header("if-none-match", etag).send().await;
        assert_eq!(
            (again.status, again.text().as_str(), again.header("etag")),
            (304, "", Some(etag))
        );
        let other = request().header("if-none-match", "W/\"other\"");
        let other = other.send().await;
        assert_eq!(other.status, 200);
    }
}

#[test]
fn every_operation_is_described_with_its_parameters() {
    let document = openapi::document();
    for operation in OPERATIONS {
        let id = operation.name;
        let method = operation.method.as_str().to_lowercase();
        let described = &document["paths"][operation.path][method];
        assert_eq!(described["operationId"], id);
        let parameters = described["parameters"].as_array().unwrap();
        let names: BTreeSet<_> = parameters
            .iter()
            .filter_map(|parameter| parameter["name"].as_str())
            .collect();
        let mut known = operation.query.iter().map(|parameter| parameter.name);
        assert!(known.all(|name| names.contains(name)), "{id}: {names:?}");
        let is_described = parameters.iter().all(|parameter| {
            parameter
                .get("$ref")
                .or(parameter.get("description"))
                .is_some()
        });
        assert!(is_described, "{id}: every parameter says what it means");
    }
    let operations = document["paths"]
        .as_object()
        .unwrap()
        .values()
        .map(|path| path.as_object().unwrap().len());
    assert_eq!(operations.sum::<usize>(), OPERATIONS.len());
}

#[test]
fn every_reference_leads_somewhere_and_every_component_is_used() {
    fn references(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(object) => {
                found.extend(
                    object
                        .get("$ref")
                        .and_then(Value::as_str)
                        .map(str::to_owned),
                );
                object.values().for_each(|value| references(value, found));
            }
            Value::Array(list) => list.iter().for_each(|value| references(value, found)),
            _ => {}
        }
    }
    let document = openapi::document();
    let mut found = BTreeSet::new();
    references(&document, &mut found);
    for reference in &found {
        assert!(
            document
                .pointer(reference.strip_prefix('#').unwrap())
                .is_some(),
            "{reference}"
        );
    }
    for kind in ["schemas", "responses", "parameters", "headers"] {
        for name in document["components"][kind].as_object().unwrap().keys() {
            let reference = format!("#/components/{kind}/{name}");
            assert!(found.contains(&reference), "{reference} is not used");
        }
    }
}

/// A body that is read knows more members than the schema of AWS's input: the description tells of them too.
#[test]
fn shorthands_and_what_comes_back_from_answers_are_described() {
    let document = openapi::document();
    let properties = |name: &str| document["components"]["schemas"][name]["properties"].clone();
    assert_eq!(
        properties("ContainerDefinitionInput")["ports"]["items"]["maximum"],
        65535
    );
    assert!(properties("CreateClusterInput")["name"].is_object());
    assert!(properties("RegisterTaskDefinitionInput")["revision"].is_object());
    assert!(properties("RegisterTaskDefinition")["Revision"].is_null());
}

/// The reader of requests itself finds what AWS requires inside its structures.
#[test]
fn what_a_request_must_have_is_described() {
    let document = openapi::document();
    let required = |name: &str| document["components"]["schemas"][name]["required"].clone();
    assert_eq!(
        required("ContainerDependencyInput"),
        json!(["condition", "containerName"])
    );
    assert_eq!(required("AwsVpcConfigurationInput"), json!(["subnets"]));
    assert_eq!(required("CreateOrchestrationInput"), json!(["service"]));
    // The path names the service.
    assert_eq!(required("UpdateServiceInput"), json!([]));
}
