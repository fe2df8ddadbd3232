//! CloudWatch's reading of a line of the log
//! (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>).

use std::collections::BTreeMap;
use std::sync::LazyLock;

use jsonschema::Validator;
use serde_json::Value;

/// The schema that CloudWatch publishes.
static SCHEMA: LazyLock<Validator> = LazyLock::new(|| {
    let schema = include_str!("../../fixtures/embedded_metric_format.json");
    let schema: Value = serde_json::from_str(schema).expect("the fixture is JSON");
    jsonschema::validator_for(&schema).expect("the fixture is a schema")
});

/// A series that AWS bills for: a name with values of dimensions.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Series {
    pub namespace: String,
    pub name: String,
    pub dimensions: BTreeMap<String, String>,
}

/// A value of a series.
#[derive(Debug, Clone)]
pub struct Datum {
    pub series: Series,
    pub unit: String,
    pub value: u64,
}

impl Datum {
    /// Returns `true` if it is of the series of this name that has no dimensions.
    pub fn is_total(&self, name: &str) -> bool {
        self.series.dimensions.is_empty() && self.series.name == name
    }
}

/// The values that CloudWatch takes out of a line; none of a line without `_aws`.
///
/// # Panics
/// If CloudWatch would leave something of the line out.
#[track_caller]
pub fn extract(line: &Value) -> Vec<Datum> {
    let Some(metadata) = line.get("_aws") else {
        return Vec::new();
    };
    if let Err(error) = SCHEMA.validate(line) {
        panic!("{error}: {line}");
    }
    let mut data = Vec::new();
    for directive in metadata["CloudWatchMetrics"].as_array().expect("a list") {
        let metrics = directive["Metrics"].as_array().expect("a list");
        assert!((1..=100).contains(&metrics.len()), "{line}");
        for set in directive["Dimensions"].as_array().expect("a list") {
            let names = set.as_array().expect("a list").iter();
            let value = |name: &Value| {
                let name = name.as_str().expect("a text");
                // "The value must be a string": of ASCII, and not blank.
                let value = line[name].as_str().expect("a dimension is a text");
                assert!(
                    value.is_ascii() && !value.trim().is_empty(),
                    "{name}: {line}"
                );
                (name.to_owned(), value.to_owned())
            };
            let dimensions: BTreeMap<_, _> = names.map(value).collect();
            for metric in metrics {
                let name = metric["Name"].as_str().expect("a text");
                data.push(Datum {
                    series: Series {
                        namespace: directive["Namespace"].as_str().expect("a text").to_owned(),
                        name: name.to_owned(),
                        dimensions: dimensions.clone(),
                    },
                    unit: metric["Unit"].as_str().expect("a text").to_owned(),
                    value: line[name].as_u64().expect("a metric is a number"),
                });
            }
        }
    }
    data
}
