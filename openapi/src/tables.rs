//! The tables of `docs/api.md`.

use ecs_api::config::Access;
use ecs_api::routes::{BASE, OPERATIONS};

use crate::problems;

/// Writes a row for each operation, in the order of the route table.
pub fn operations() -> String {
    let mut table =
        "| operation | access | what it does | query |\n| --- | --- | --- | --- |\n".to_owned();
    for operation in OPERATIONS {
        let access = match operation.access() {
            None => "public",
            Some(Access::Read) => "read",
            Some(Access::Write) => "write",
        };
        let query: Vec<_> = operation
            .query
            .iter()
            .map(|parameter| format!("`{}`", parameter.name))
            .collect();
        let row = format!(
            "| `{} {BASE}{}` | {access} | {} | {} |\n",
            operation.method,
            operation.path,
            operation.summary,
            query.join(" ")
        );
        table.push_str(&row);
    }
    table
}

/// Writes a row for each status of a problem.
pub fn statuses() -> String {
    problems::table()
}
