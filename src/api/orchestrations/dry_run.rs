//! `dryRun=true`: what a create or a delete would do, and nothing of it done.

use serde_json::{Map, Value, json};

use crate::api::parameters::{Parameter, Values};
use crate::api::schema::{Member, Schema};
use crate::orchestration::step::Step;
use crate::reply::Reply;

/// The parameter that asks for it.
pub(super) const DRY_RUN: Parameter = Parameter::new(
    "dryRun",
    Values::Flag,
    "Change nothing, and answer what would be done. Default: false.",
);

/// The answer.
pub(super) const DRY_RUN_OUTPUT: Schema = Schema::Component(
    "DryRunOutput",
    &Schema::Object(&[
        Member::sometimes("Request", Schema::OBJECT)
            .described("Of a create: its body in the long form, with all defaults."),
        Member::always("Steps", STEPS),
    ]),
);

const STEPS: Schema = Schema::List(&Schema::Component(
    "Step",
    &Schema::Object(&[
        Member::always("Operation", Schema::Text).described("The operation as IAM names it."),
        Member::always("Resource", Schema::Text)
            .described("The ARN of what is there, or the name of what is not."),
        Member::always("Does", Schema::Text)
            .described("`create`, `use`, `delete`, `keep` or `wait`."),
        Member::always("Why", Schema::Text),
    ]),
));

/// Writes the answer.
pub(super) fn reply(long_form: Option<Value>, steps: &[Step]) -> Reply {
    let mut answer = Map::new();
    answer.extend(long_form.map(|request| ("Request".to_owned(), request)));
    let steps = steps.iter().map(|step| {
        json!({
            "Operation": step.operation,
            "Resource": step.resource,
            "Does": step.does.as_str(),
            "Why": step.why,
        })
    });
    answer.insert("Steps".to_owned(), steps.collect());
    Reply::json(Value::Object(answer))
}
